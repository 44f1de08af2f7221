/* What the parts of one_vmm_libvirt share: its settings, and one action while it runs. */
#ifndef VMM_LIBVIRT_VMM_H
#define VMM_LIBVIRT_VMM_H

#include "common/driver.h"
#include "drivers/vmm_libvirt/hosts.h"
#include "drivers/vmm_libvirt/message.h"

struct vmm {
	struct hosts hosts;
	const char *local_uri, *remote_uri; /* options; NULL: kvmrc, else the usual */
	const char *var;            /* /var/lib/one or $ONE_LOCATION/var */
	const char *remotes;        /* scripts on this machine: <var>/remotes */
	const char *scripts_dir;    /* the same on the other hosts: SCRIPTS_REMOTE_DIR */
	int timeout_s;              /* option -w: deadline of every hypervisor step; 0: each has its own */
	int shutdown_timeout_s;     /* SHUTDOWN_TIMEOUT of kvmrc, as the next two */
	bool force_destroy, cancel_no_acpi;
	struct arena arena;         /* of these strings */
};

/* Reads <remotes>/etc/vmm/kvm/kvmrc (export NAME=value lines), <var>/config and the environment. */
void vmm_settings(struct vmm *v);

/* One action: what its steps work on and what it answers. */
struct action {
	struct vmm *vmm;
	struct driver_call *call;
	struct message msg;
	struct strbuf info;         /* of the answer */
	const char *network_xml;    /* base64, made when first needed */
	bool undoing;               /* what is taken back is no longer cancelled */
};

/* ---- steps.c: what actions are made of ---- */

struct step {
	const char *name;           /* for the VM's log */
	enum one_rc (*run)(struct action *a, struct one_err *err);
	void (*undo)(struct action *a); /* takes it back when a later step fails; NULL: nothing to take back */
	bool no_fail;               /* a failure is logged and the next step runs */
};

/* Runs the steps (NULL name ends them). When one fails those before it are undone, the last first. */
enum one_rc steps_run(struct action *a, const struct step *steps, struct one_err *err);

/* ---- scripts.c: scripts of the storage and network drivers, files on the host ---- */

/* Runs a transfer command, "VERB mad arguments": remotes/tm/<mad>/<verb>. Empty: nothing to do. */
enum one_rc scripts_tm(struct action *a, const char *command, const char *in, struct one_err *err);
/* Runs <verb> of every network driver of the VM on that host; stops at the first that fails. args may be NULL. */
enum one_rc scripts_network(struct action *a, const char *host, const char *verb, const char *const *args, struct one_err *err);
/* Leaves vm.xml, ds.xml and the deployment file in the VM's folder on the host. */
enum one_rc scripts_put_files(struct action *a, const char *deployment, size_t len, struct one_err *err);
/* Removes a file of the host; a failure is only logged. */
void scripts_remove(struct action *a, const char *host, const char *path);
/* Absolute, and of letters that need no quoting anywhere. */
bool path_ok(const char *path);

/* ---- ops.c: hypervisor steps with their deadlines ---- */

enum op {
	OP_CREATE, OP_DESTROY, OP_SHUTDOWN, OP_REBOOT, OP_RESET, OP_SAVE, OP_RESTORE, OP_MIGRATE,
	OP_SNAPSHOT_CREATE, OP_SNAPSHOT_REVERT, OP_SNAPSHOT_DELETE, OP_CHANGE_CDROM, OP_ATTACH, OP_DETACH_DISK,
	OP_ATTACH_NIC, OP_DETACH_NIC, OP_LIMIT_NIC, OP_RESIZE, OP_PLUG_MEMORY, OP_RESIZE_DISK,
};

/* What an operation needs beside the VM's deploy id. */
struct op_args {
	const char *host;           /* NULL: the VM's */
	const char *text, *text2;   /* domain or device XML; file; snapshot; CD-ROM target and file; disk target; MAC; limits */
	long long number, number2;  /* OP_RESIZE: processors, memory in KB (0: as it is); OP_PLUG_MEMORY: the latter; OP_RESIZE_DISK: bytes */
	struct strbuf *out;         /* OP_CREATE: the UUID is appended */
};

enum one_rc op_run(struct action *a, enum op op, const struct op_args *args, struct one_err *err);

/* ---- actions.c ---- */

extern const struct driver_action vmm_actions[];

#endif
