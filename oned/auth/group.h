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
/* An administrator of the group, who has to be a member, and the rules he gets; and not any more: all of them go, but for the right to make
 * virtual routers as long as he administers another group. ONE_INTERNAL with the reason. */
enum one_rc group_admin_add(struct txn *t, struct group *g, int uid);
enum one_rc group_admin_del(struct txn *t, struct group *g, int uid);

#endif
