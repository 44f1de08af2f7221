/* The deployment file of a KVM or QEMU virtual machine: libvirt's domain XML.
 *
 * Every value is looked up in the VM's TEMPLATE, then on its host, its cluster and in the driver's defaults
 * (vmm_exec_kvm.conf). Values are escaped; the parts that are XML themselves (RAW, HYPERV_OPTIONS...) must be
 * well-formed, so that no template can step out of the place that is meant for it. */
#ifndef ONED_DRIVERS_DOMAIN_H
#define ONED_DRIVERS_DOMAIN_H

#include <stdbool.h>
#include <time.h>
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"

struct domain_input {
	const char *hypervisor;       /* "kvm" or "qemu": the domain's type */
	int vm_id;
	const char *vm_name;
	int uid, gid;                 /* the VM's owner, for the metadata */
	const char *uname, *gname;
	const char *system_dir;       /* the VM's folder on the host, e.g. /var/lib/one/datastores/0/7 */
	bool context_is_block;        /* the system datastore keeps the context disk on a block device */
	const char *version;          /* OpenNebula version told in the metadata */
	time_t start_time, deploy_time;
	const struct tmpl *vm;        /* TEMPLATE of the VM */
	const struct tmpl *host;      /* may be NULL, as the next two */
	const struct tmpl *cluster;
	const struct tmpl *defaults;
};

/* Appends the document to `out`. ONE_INTERNAL when the template lacks what a domain needs (ARCH, MEMORY, a disk's TARGET),
 * asks for firmware that isn't offered, or holds XML that isn't well-formed; `out` is then unchanged. */
enum one_rc domain_render(const struct domain_input *in, struct strbuf *out, struct one_err *err);

/* A RAW/DATA attribute must be well-formed XML content. ONE_INTERNAL otherwise. */
enum one_rc domain_check_raw(const char *data, struct one_err *err);

#endif
