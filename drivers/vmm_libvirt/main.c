/* one_vmm_libvirt: runs virtual machines on KVM and QEMU hosts.
 *
 * It speaks oned's VMM protocol and does with libvirt's API, over one kept connection a host, what OpenNebula does with
 * one ssh and one virsh an action. The options of one_vmm_exec are accepted, so VM_MAD's ARGUMENTS need no change. */
#include <stdlib.h>

#include "drivers/vmm_libvirt/virt.h"
#include "drivers/vmm_libvirt/vmm.h"

#define THREADS 15

static bool option(void *ctx, int opt, const char *arg)
{
	struct vmm *v = ctx;
	int ms;

	switch (opt) {
	case 'u':
		v->local_uri = arg;
		return true;
	case 'U':
		v->remote_uri = arg;
		return true;
	case 'w':
		if (!driver_option_seconds(arg, &ms))
			return false;
		v->timeout_s = ms / 1000;
		return true;
	/* Of one_vmm_exec, without a meaning here: retries, local and delegated actions, shell, parallel. */
	case 'r':
	case 'l':
	case 'd':
	case 's':
	case 'p':
		return true;
	}
	return false;
}

static enum one_rc init(void *ctx, int argc, char **argv, struct one_err *err)
{
	struct vmm *v = ctx;

	(void)argc, (void)argv; /* the hypervisor's name: libvirt knows by itself */
	vmm_settings(v);
	hosts_init(&v->hosts, v->local_uri, v->remote_uri);
	return virt_start(err);
}

int main(int argc, char **argv)
{
	/* Not on the stack: an operation nobody waits for any more may still use it while the process ends. */
	static struct vmm vmm = { .arena = ARENA_INIT };
	const struct driver_config config = {
		.name = "one_vmm_libvirt",
		.help = "Runs virtual machines through libvirt.\n"
			"  -u URI     hypervisor of this machine (else LIBVIRT_URI of the environment or kvmrc, else qemu:///system)\n"
			"  -U URI     of other hosts, %h is the host (qemu+ssh://%h/system?no_tty=1)\n"
			"  -w SECONDS deadline of each hypervisor step (else each has its own)\n"
			"  -r -l -d -s -p and the hypervisor's name are accepted for compatibility\n",
		.actions = vmm_actions,
		.threads = THREADS,
		.ctx = &vmm,
		.init = init,
		.options = "r:l:d:s:pw:u:U:",
		.option = option,
	};

	return driver_main(&config, argc, argv);
}
