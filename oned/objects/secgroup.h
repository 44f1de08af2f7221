/* Security groups (SECURITY_GROUP): rules for the traffic of NICs, and which VMs have which version of them. */
#ifndef ONED_OBJECTS_SECGROUP_H
#define ONED_OBJECTS_SECGROUP_H

#include <stdbool.h>
#include "oned/core/object.h"
#include "oned/core/txn.h"

struct secgroup {
	struct object o;
	struct idset updated, outdated, updating, error;  /* VMs by how far the rules have come to them */
};

#define SECGROUP_DEFAULT 0

extern const struct obj_ops secgroup_ops;

/* Appends the rules of a group, as SECURITY_GROUP_RULE vectors, to a VM's template: rules that name a network once for each of its address
 * ranges. vm_id >= 0: the VM is noted in the group. A group that doesn't exist adds nothing. */
void secgroup_rules_add(struct txn *t, int sg_id, int vm_id, struct tmpl *vm_template);
/* The VM no longer uses the group. */
void secgroup_vm_remove(struct txn *t, int sg_id, int vm_id);
/* Ids out of "0,100,101". */
void secgroup_ids_parse(const char *list, struct idset *out, struct arena *arena);
const char *secgroup_ids_format(const struct idset *ids, struct arena *arena);

/* Makes a group of a template. ONE_INTERNAL with the reason. */
struct secgroup *secgroup_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl);
/* Checks RULEs and removes equal ones. ONE_INTERNAL with the reason. */
enum one_rc secgroup_rules_check(struct tmpl *tmpl, struct one_err *err);
/* All VMs have to get the rules (again): outdated. recover: only those that failed. */
void secgroup_commit(struct secgroup *sg, bool recover);
/* The first start: group 0 "default": everything passes. */
enum one_rc secgroup_bootstrap(struct txn *t);

#endif
