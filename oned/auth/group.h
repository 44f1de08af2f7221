/* Groups (GROUP): their members and administrators. */
#ifndef ONED_AUTH_GROUP_H
#define ONED_AUTH_GROUP_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

/* o.uid 0, o.gid the group's own id. */
struct group {
	struct object o;
	struct idset users, admins;
};

extern const struct obj_ops group_ops;

struct group *group_create(struct txn *t, const char *name);

#endif
