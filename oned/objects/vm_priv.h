/* What the files of VMs share. */
#ifndef ONED_OBJECTS_VM_PRIV_H
#define ONED_OBJECTS_VM_PRIV_H

#include <stdbool.h>
#include "oned/objects/vm.h"

/* The short forms: XML for pools, JSON for column body_json. */
void vm_brief(const struct object *o, struct strbuf *xml, struct strbuf *json);
/* HISTORY as pools show it. */
void vm_history_brief(const struct vm *vm, const struct vm_history *h, struct strbuf *out);
/* The current record of a body; NULL: there is none. */
struct vm_history *vm_history_load(struct arena *arena, const struct xnode *records);
/* The whole VM; its record of HISTORY_RECORDS can be left out. */
void vm_out(const struct vm *vm, bool with_history, struct strbuf *out);

/* ---- making ---- */

#define VM_MAX_DEVICES 256 /* disks, NICs, aliases and PCI devices of a VM, each */
#define VM_MAX_CONTEXT 8192 /* values of its CONTEXT: each is looked for among the others */

/* A VM while its template is worked on. The user's attributes are in vm->user, what OpenNebula knows moves
 * into vm->o.tmpl. The functions below fail the transaction with ONE_INTERNAL and return its code. */
struct vm_making {
	struct txn *t;
	struct vm *vm;
	const struct identity *who;    /* whose names of images and networks count */
	vm_may_use_fn may_use;
	void *may_ctx;
	int variables;                 /* expanded so far */
};

/* No overflow, whatever somebody asks for. */
static inline long long vm_kb(long long mb)
{
	return mb > INT64_MAX / 1024 ? INT64_MAX : mb * 1024;
}

enum one_rc vm_fail(struct vm_making *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* vm_template.c: moves attributes from the user's template to the VM's; how many were there. Of vectors_only
 * the rest is dropped. */
int vm_take(struct vm *vm, const char *name, bool vectors_only);
/* The same of a single value, which stays valid; "" when there is none. Nothing is added to the VM's
 * template. */
const char *vm_take_text(struct vm *vm, const char *name);
/* Of several of that name only the first stays; it, or NULL. */
struct attr *vm_keep_first(struct tmpl *t, const char *name);
enum one_rc vm_take_numbers(struct vm_making *m);      /* MEMORY, CPU, VCPU..., costs */
void vm_take_known(struct vm *vm);                     /* what moves as it is */
enum one_rc vm_take_clouds(struct vm_making *m); /* PUBLIC_CLOUD, EC2: variables; they stay the user's */
enum one_rc vm_take_defaults(struct vm_making *m);     /* NIC_DEFAULT */
void vm_take_vrouter(struct vm *vm);
enum one_rc vm_take_requirements(struct vm_making *m); /* SCHED_REQUIREMENTS, the same */
extern const char *const vm_vrouter_names[];

/* vm_devices.c */
enum one_rc vm_take_os(struct vm_making *m);
enum one_rc vm_check_raw(struct vm_making *m, const struct tmpl *tmpl);   /* RAW of that template */
enum one_rc vm_take_pci(struct vm_making *m);
/* Checks one PCI device, and gives it its number and its place in the guest. */
enum one_rc vm_prepare_pci(struct vm_making *m, struct attr *pci, unsigned id);
enum one_rc vm_take_graphics(struct vm_making *m);
enum one_rc vm_take_video(struct vm_making *m);
enum one_rc vm_check_graphics(struct vm_making *m);    /* of the VM's own template */
enum one_rc vm_check_video(struct vm_making *m);
/* ORDER of disks and NICs after OS/BOOT. */
enum one_rc vm_set_boot_order(struct vm_making *m);

/* vm_topology.c, on the template as the user gives it: TOPOLOGY, NUMA_NODE, and CPU and VCPU with them.
 * ONE_ALLOCATE. */
enum one_rc vm_topology_check(struct txn *t, struct tmpl *user);

/* vm_disks.c and vm_nics.c: take over DISK, CONTEXT, NIC, NIC_ALIAS and the images, addresses and security
 * groups they name. */
enum one_rc vm_take_disks(struct vm_making *m);
enum one_rc vm_take_nics(struct vm_making *m);
void vm_release_disks(struct txn *t, struct vm *vm, bool failed);
void vm_release_nics(struct txn *t, struct vm *vm);
/* A NIC gets the defaults, an address and all else from its network; its groups are added to a set. */
enum one_rc vm_connect_nic(struct vm_making *m, struct attr *nic, struct idset *secgroups);
/* Its name: what it was given, unless that could be the name of another; else `given`. */
void vm_nic_name(struct arena *arena, struct attr *nic, const char *given);
/* Its address goes back. */
void vm_release_nic(struct txn *t, const struct vm *vm, const struct attr *nic);
/* SECURITY_GROUP_RULE of these groups. */
void vm_add_rules(struct vm_making *m, const struct idset *secgroups);
bool vm_nic_is_device(const struct attr *a);   /* a NIC or NIC_ALIAS vector, or a PCI one of TYPE NIC */

/* vm_import.c: DEPLOY_ID. */
enum one_rc vm_begin_import(struct vm_making *m);
enum one_rc vm_take_import(struct vm_making *m);
void vm_forget_import(struct txn *t, const struct vm *vm);
/* Looked at without parsing it: false for all that aren't, and true for those that are. */
bool vm_may_be_imported(const char *body);

/* vm_backup.c: BACKUP_CONFIG of the template into vm->backup_config. */
enum one_rc vm_take_backup(struct vm_making *m);
/* Another BACKUP_CONFIG (NULL: none is asked for) takes the place of the one there, or changes what it names. */
enum one_rc vm_change_backup(struct vm_making *m, const struct attr *fresh, bool append);

/* vm_context.c: CONTEXT with its variables, the network's addresses (automatic: as vm_context_nics), files and
 * the token. */
enum one_rc vm_check_context(struct vm_making *m, const struct attr *context); /* NULL: there is none */
enum one_rc vm_make_context(struct vm_making *m, bool automatic);
/* Its ETH variables; automatic: those of NICs whose network the scheduler chose too. */
enum one_rc vm_context_nics(struct vm_making *m, bool automatic);
/* Those of PCI devices. */
void vm_context_pci(struct vm_making *m);
/* What tells of one NIC is removed. */
void vm_context_forget(struct vm *vm, const struct attr *nic);

/* vm_vars.c: $NAME, $NETWORK[...] and such in a text. */
enum one_rc vm_vars_expand(struct vm_making *m, const char *text, struct strbuf *out);
/* The same for all values of a vector. */
enum one_rc vm_vars_expand_vector(struct vm_making *m, struct attr *vector);
/* The images of "$FILE[IMAGE_ID=3] $FILE[IMAGE=x, IMAGE_UNAME=y]"; *ids in the transaction's memory. */
enum one_rc vm_vars_files(struct vm_making *m, const char *text, int **ids, int *n);
/* $NETWORK[name] of a connected NIC: of its address range, else of its network; "" when there is none. */
const char *vm_vars_nic(struct vm_making *m, const struct attr *nic, const char *name);

/* vm_usage.c: the same as vm_usage_of for a template with DISK, NIC... as they will be. */
void vm_usage_of_template(const struct tmpl *tmpl, bool running, struct arena *arena, struct vm_usage *out);

/* A key of oned.conf that the table of keys may not know; "" when unset. */
const char *vm_setting(struct txn *t, const char *key);

#endif
