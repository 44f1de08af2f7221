/* VM groups (VM_GROUP): roles that VMs take, and rules about which of them share hosts. */
#ifndef ONED_OBJECTS_VMGROUP_H
#define ONED_OBJECTS_VMGROUP_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

#define VMGROUP_MAX_ROLES 32

struct vmgroup {
	struct object o;
	struct tmpl *roles;     /* a vector ROLE each: ID, NAME, POLICY, HOST_AFFINED, HOST_ANTI_AFFINED, VMS ("3,4"), and what its maker adds */
};

extern const struct obj_ops vmgroup_ops;

/* A group with this template, whose NAME and ROLE vectors it takes. ONE_INTERNAL with the reason. */
struct vmgroup *vmgroup_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl);

/* Roles; the rules of the group must hold afterwards. ONE_ACTION with the reason. A role with VMs neither changes nor goes. */
enum one_rc vmgroup_role_add(struct txn *t, struct vmgroup *g, const struct attr *role);
enum one_rc vmgroup_role_update(struct txn *t, struct vmgroup *g, int role_id, const struct attr *changes);
enum one_rc vmgroup_role_delete(struct txn *t, struct vmgroup *g, int role_id);

#endif
