/* Virtual machines (VM): their fields, templates and history. Their life is lifecycle/vm_lifecycle.h. */
#ifndef ONED_OBJECTS_VM_H
#define ONED_OBJECTS_VM_H

#include <stdbool.h>
#include "oned/auth/identity.h"
#include "oned/auth/quota_count.h"
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/host.h"
#include "oned/objects/host_share.h"

/* Number, name; the wire numbers never change. */
#define VM_STATES(X)                                                                                                  \
	X(0, INIT) X(1, PENDING) X(2, HOLD) X(3, ACTIVE) X(4, STOPPED) X(5, SUSPENDED) X(6, DONE) X(8, POWEROFF)       \
	X(9, UNDEPLOYED) X(10, CLONING) X(11, CLONING_FAILURE)

#define VM_LCM_STATES(X)                                                                                              \
	X(0, LCM_INIT) X(1, PROLOG) X(2, BOOT) X(3, RUNNING) X(4, MIGRATE) X(5, SAVE_STOP) X(6, SAVE_SUSPEND)          \
	X(7, SAVE_MIGRATE) X(8, PROLOG_MIGRATE) X(9, PROLOG_RESUME) X(10, EPILOG_STOP) X(11, EPILOG) X(12, SHUTDOWN)   \
	X(15, CLEANUP_RESUBMIT) X(16, UNKNOWN) X(17, HOTPLUG) X(18, SHUTDOWN_POWEROFF) X(19, BOOT_UNKNOWN)             \
	X(20, BOOT_POWEROFF) X(21, BOOT_SUSPENDED) X(22, BOOT_STOPPED) X(23, CLEANUP_DELETE) X(24, HOTPLUG_SNAPSHOT)   \
	X(25, HOTPLUG_NIC) X(26, HOTPLUG_SAVEAS) X(27, HOTPLUG_SAVEAS_POWEROFF) X(28, HOTPLUG_SAVEAS_SUSPENDED)        \
	X(29, SHUTDOWN_UNDEPLOY) X(30, EPILOG_UNDEPLOY) X(31, PROLOG_UNDEPLOY) X(32, BOOT_UNDEPLOY)                    \
	X(33, HOTPLUG_PROLOG_POWEROFF) X(34, HOTPLUG_EPILOG_POWEROFF) X(35, BOOT_MIGRATE) X(36, BOOT_FAILURE)          \
	X(37, BOOT_MIGRATE_FAILURE) X(38, PROLOG_MIGRATE_FAILURE) X(39, PROLOG_FAILURE) X(40, EPILOG_FAILURE)          \
	X(41, EPILOG_STOP_FAILURE) X(42, EPILOG_UNDEPLOY_FAILURE) X(43, PROLOG_MIGRATE_POWEROFF)                       \
	X(44, PROLOG_MIGRATE_POWEROFF_FAILURE) X(45, PROLOG_MIGRATE_SUSPEND) X(46, PROLOG_MIGRATE_SUSPEND_FAILURE)     \
	X(47, BOOT_UNDEPLOY_FAILURE) X(48, BOOT_STOPPED_FAILURE) X(49, PROLOG_RESUME_FAILURE)                          \
	X(50, PROLOG_UNDEPLOY_FAILURE) X(51, DISK_SNAPSHOT_POWEROFF) X(52, DISK_SNAPSHOT_REVERT_POWEROFF)              \
	X(53, DISK_SNAPSHOT_DELETE_POWEROFF) X(54, DISK_SNAPSHOT_SUSPENDED) X(56, DISK_SNAPSHOT_DELETE_SUSPENDED)      \
	X(57, DISK_SNAPSHOT) X(59, DISK_SNAPSHOT_DELETE) X(60, PROLOG_MIGRATE_UNKNOWN)                                 \
	X(61, PROLOG_MIGRATE_UNKNOWN_FAILURE) X(62, DISK_RESIZE) X(63, DISK_RESIZE_POWEROFF) X(64, DISK_RESIZE_UNDEPLOYED) \
	X(65, HOTPLUG_NIC_POWEROFF) X(66, HOTPLUG_RESIZE) X(67, HOTPLUG_SAVEAS_UNDEPLOYED) X(68, HOTPLUG_SAVEAS_STOPPED) \
	X(69, BACKUP) X(70, BACKUP_POWEROFF) X(71, RESTORE)

#define X(number, name) VM_##name = number,
enum vm_state { VM_STATES(X) };
#undef X
#define X(number, name) LCM_##name = number,
enum vm_lcm { VM_LCM_STATES(X) };
#undef X
#define VM_STATE_COUNT 12
#define LCM_STATE_COUNT 72

const char *vm_state_name(enum vm_state s);   /* "ACTIVE"; NULL for a number that is none */
const char *vm_lcm_name(enum vm_lcm s);       /* "RUNNING" ("LCM_INIT" for 0) */

/* Codes of HISTORY/ACTION (permissions.md section 10). */
enum vm_action {
	VM_ACTION_NONE = 0, VM_ACTION_MIGRATE = 1, VM_ACTION_LIVE_MIGRATE = 2, VM_ACTION_UNDEPLOY = 5, VM_ACTION_UNDEPLOY_HARD = 6,
	VM_ACTION_HOLD = 7, VM_ACTION_RELEASE = 8, VM_ACTION_STOP = 9, VM_ACTION_SUSPEND = 10, VM_ACTION_RESUME = 11,
	VM_ACTION_DELETE = 13, VM_ACTION_DELETE_RECREATE = 14, VM_ACTION_REBOOT = 15, VM_ACTION_REBOOT_HARD = 16, VM_ACTION_RESCHED = 17,
	VM_ACTION_UNRESCHED = 18, VM_ACTION_POWEROFF = 19, VM_ACTION_POWEROFF_HARD = 20, VM_ACTION_NIC_ATTACH = 23,
	VM_ACTION_NIC_DETACH = 24, VM_ACTION_TERMINATE = 27, VM_ACTION_TERMINATE_HARD = 28, VM_ACTION_DEPLOY = 30, VM_ACTION_RESIZE = 35,
	VM_ACTION_RECOVER = 42, VM_ACTION_RETRY = 43, VM_ACTION_MONITOR = 44, VM_ACTION_ALIAS_ATTACH = 46, VM_ACTION_ALIAS_DETACH = 47,
	VM_ACTION_NIC_UPDATE = 51,
};

/* One stay on a host. Times are 0 until they come. */
struct vm_history {
	int seq, hid, cid, ds_id;
	const char *hostname, *vm_mad, *tm_mad;
	long long stime, etime, pstime, petime, rstime, retime, estime, eetime;
	enum vm_action action;
	int uid, gid, req_id;          /* who asked for the action; -1 */
};

struct vm {
	struct object o;               /* o.tmpl: TEMPLATE */
	struct tmpl *user;             /* USER_TEMPLATE */
	long long last_poll, stime, etime;
	enum vm_state state, prev_state;
	enum vm_lcm lcm_state, prev_lcm_state;
	bool resched;
	const char *deploy_id;
	struct tmpl *monitoring;       /* MONITORING as of the last body write */
	struct idset sched_actions;
	struct vm_history *history;    /* the current record; NULL: never deployed */
	const char *snapshots_xml;     /* SNAPSHOTS elements as they are; "" */
	struct tmpl *backup_config;    /* BACKUPS/BACKUP_CONFIG: how it is backed up, and where its increments are; NULL: nothing is said */
	struct idset backup_ids;       /* BACKUPS/BACKUP_IDS: its backups (images) */
};

extern const struct obj_ops vm_ops;

/* ---- making (objects/vm_create.c) ---- */

/* A VM of a template as a user gives it (already checked for restricted attributes): moves what belongs into TEMPLATE (CPU, MEMORY, DISK,
 * NIC, GRAPHICS, CONTEXT...), the rest stays in USER_TEMPLATE; takes images and leases; sets NAME ("one-<id>"), VMID, AUTOMATIC_REQUIREMENTS,
 * AUTOMATIC_DS_REQUIREMENTS, TEMPLATE_ID...; counts it in the owner's quotas. State PENDING or HOLD, or CLONING while an image it needs is
 * locked. owner carries owner, group and permissions. Encrypting attributes is the caller's. On failure the transaction has failed with the
 * code and text of OpenNebula: ONE_ALLOCATE for the topology, ONE_AUTHORIZATION for quotas, ONE_INTERNAL for everything else. */
struct vm *vm_create(struct txn *t, const struct identity *who, const struct object *owner, const struct tmpl *tmpl, bool hold);
/* May the owner USE the image of a file (KERNEL_DS, INITRD_DS, FILES_DS)? vm_create itself only knows the permission bits. */
typedef bool (*vm_may_use_fn)(void *ctx, const struct version *image);
struct vm *vm_create_with(struct txn *t, const struct identity *who, const struct object *owner, const struct tmpl *tmpl, bool hold,
			  vm_may_use_fn may_use, void *ctx);
/* Gives back what it holds of images and networks (not of hosts), and what its owner's quotas count for it but the RUNNING_ ones; leaves its
 * virtual router. failed: what persistent images hold can't be trusted. */
void vm_release_resources(struct txn *t, struct vm *vm, bool failed);

/* The backup job it is in; -1. */
int vm_backup_job(const struct vm *vm);
/* -1: it is in none any more, and an incremental backup begins anew. */
void vm_set_backup_job(struct vm *vm, int job_id);

/* State CLONING: a disk waits for its image. */
bool vm_disks_locked(const struct vm *vm);

/* AUTOMATIC_REQUIREMENTS, AUTOMATIC_DS_REQUIREMENTS, AUTOMATIC_NIC_REQUIREMENTS of its disks and NICs as they are now, and of
 * TM_MAD_SYSTEM once it was deployed. ONE_INTERNAL: no place is left. */
enum one_rc vm_set_requirements(struct txn *t, struct vm *vm);
/* Has each of its CPUs one of the host's for itself (TOPOLOGY/PIN_POLICY)? */
bool vm_is_pinned(const struct tmpl *tmpl);
/* What it needs on a host; disk_mb 0: that depends on the datastore (vm_system_disk_mb). */
void vm_capacity(const struct vm *vm, struct arena *arena, struct capacity *out);
/* What its disks take of a system datastore, with their snapshots. */
long long vm_system_disk_mb(const struct vm *vm);
/* What quotas count for it; running: the RUNNING_ counters too. Lists are of the arena. */
void vm_usage_of(const struct vm *vm, bool running, struct arena *arena, struct vm_usage *out);

/* ---- before a deployment (objects/vm_deploy.c); ONE_ACTION with the reason ---- */

/* Connects automatic NICs to the networks the scheduler chose: the NIC=[NIC_ID=, NETWORK_ID=] of `chosen`. */
enum one_rc vm_connect_auto(struct txn *t, struct vm *vm, const struct tmpl *chosen);
/* Fits its disks to a system datastore: TM_MAD_SYSTEM, which is decided once, and what volatile disks get from there. */
enum one_rc vm_place_disks(struct txn *t, struct vm *vm, int ds_id);

/* ---- NICs of a VM that is there (objects/vm_nic_change.c) ---- */

/* What happens to a NIC while a driver works on it: at most to one of a VM. */
enum vm_nic_work { VM_NIC_IDLE, VM_NIC_ATTACHES, VM_NIC_DETACHES, VM_NIC_UPDATES };

/* The NIC, NIC_ALIAS, or PCI of TYPE NIC with this id; NULL. */
struct attr *vm_nic(const struct vm *vm, int nic_id);
bool vm_nic_is_alias(const struct attr *nic);
bool vm_nic_is_auto(const struct attr *nic);   /* NETWORK_MODE auto: the scheduler chooses its network */
/* What happens, and to which NIC (NULL: VM_NIC_IDLE). To be believed only while the VM's state is a hot-plugging one: owners may write such
 * attributes into NICs. */
enum vm_nic_work vm_nic_work(const struct vm *vm, struct attr **nic);
/* The vector that a template asks to attach: its first NIC, else NIC_ALIAS, else PCI; NULL. */
struct attr *vm_nic_asked(const struct tmpl *asked);
/* It becomes a NIC of the VM, attaching, with all that it gets of its network: address, rules, PCI device of the host. Names of networks are
 * those that the VM's owner sees; quotas were counted. Its NIC_ID is the next one, but not below least_id. ONE_ACTION with OpenNebula's reason.
 * asked NULL: there was none. */
enum one_rc vm_nic_attach(struct txn *t, struct vm *vm, const struct attr *asked, int least_id);
/* The NIC is detaching; it holds everything until it leaves. ONE_ACTION: there is none. */
enum one_rc vm_nic_detach(struct txn *t, struct vm *vm, int nic_id);
/* The end of what happens to it: it is as any other; or it is gone, with its aliases and all they held, quotas included. These never fail. */
void vm_nic_stays(struct vm *vm);
void vm_nic_leaves(struct txn *t, struct vm *vm);
/* Takes over what may change of a NIC (bandwidths); without append what `asked` lacks is removed. live: the NIC is updating, and what was is
 * in VNET_UPDATE. false: nothing changed. */
bool vm_nic_change(struct vm *vm, struct attr *nic, const struct attr *asked, bool append, bool live);
/* The host has the change. */
void vm_nic_changed(struct vm *vm);
/* CONTEXT tells of its NICs as they are now. ONE_ACTION with the reason: a variable in them can't be read. */
enum one_rc vm_context_renew(struct txn *t, struct vm *vm);
/* For the context that is made while a NIC is detached: what tells of it is taken out. */
void vm_context_without_leaving(struct vm *vm);

/* ---- history (objects/vm_history.c) ---- */

/* Opens a record (seq + 1) on a host and system datastore; closes nothing. The row is written at vm_history_save. */
struct vm_history *vm_history_open(struct txn *t, struct vm *vm, int hid, int cid, const char *hostname, const char *vm_mad,
				   const char *tm_mad, int ds_id);
/* Who asked for the action that is under way. */
void vm_history_action(struct txn *t, struct vm *vm, enum vm_action action);
/* The record ends with an action that changes the VM, and another begins in the same place, with what the VM was about before: to be called
 * before the change, so that what ended shows the VM as it was. The new row is written at vm_history_save. */
void vm_history_split(struct txn *t, struct vm *vm, enum vm_action action);
/* Writes the row of the current record, with the VM in it: to be called when it is opened and at each change of it. */
void vm_history_save(struct txn *t, struct vm *vm);
/* The host was renamed: the records of VMs that are on it follow. */
void vm_history_host_renamed(struct txn *t, const struct host *h);

/* ---- reading ---- */

/* The VM of a version but for USER_TEMPLATE, its owner's own attributes, which are the larger part of many: it is empty. To be freed with
 * obj_free. Any thread. */
enum one_rc vm_load_known(const struct version *v, struct vm **out, struct one_err *err);

/* ---- imported (vm_import.c) ---- */

/* Did it run before oned knew it (DEPLOY_ID of its template); was it powered off then? */
bool vm_is_imported(const struct vm *vm);
bool vm_import_is_off(const struct vm *vm);
/* Those among some VMs that were imported: DEPLOY_ID to the VM's id and 1. */
void vm_imported(struct txn *t, const int *ids, int n, struct smap *out);

/* ---- showing ---- */

/* USER_TEMPLATE/ERROR with the date, as clients read it; NULL text removes it. */
void vm_set_error(struct txn *t, struct vm *vm, const char *text);
/* One history record as an element; `vm_xml` (may be NULL) goes inside for the table history. */
void vm_history_out(const struct vm *vm, const struct vm_history *h, const char *vm_xml, struct strbuf *out);

/* What vm.info shows beside the body; NULL where there is none (monitoring NULL: as it is in the body). */
struct vm_full {
	const char *monitoring;        /* the newest MONITORING element */
	long long last_poll;           /* its time */
	const char *closed_history;    /* HISTORY elements before the current one, without VM */
	void (*sched_action)(void *ctx, int id, struct strbuf *out); /* one of its scheduled actions, for the end of TEMPLATE */
	void *ctx;
};
/* Any thread. */
void vm_render_full(const struct version *v, const struct vm_full *more, struct strbuf *out);

#endif
