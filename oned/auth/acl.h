/* ACL rules, indexed by what they are about and by whom they speak of, so that a check looks at few of them.
 *
 * The rules are objects of the pool OBJ_ACL (struct acl_rule); this index follows what the core publishes. */
#ifndef ONED_AUTH_ACL_H
#define ONED_AUTH_ACL_H

#include <stdbool.h>
#include <stdint.h>
#include "common/strbuf.h"
#include "oned/auth/identity.h"
#include "oned/core/object.h"

#define ACL_INDIVIDUAL UINT64_C(0x100000000)
#define ACL_GROUP      UINT64_C(0x200000000)
#define ACL_ALL        UINT64_C(0x400000000)
#define ACL_CLUSTER    UINT64_C(0x800000000)
#define ACL_TYPE(type) (UINT64_C(0x1000000000) << (type))

enum auth_op { AUTH_USE = 1, AUTH_MANAGE = 2, AUTH_ADMIN = 4, AUTH_CREATE = 8 };

/* What a check is about. oid -1: the type as a whole (CREATE, pools). */
struct auth_target {
	enum obj_type type;
	int oid, uid, gid;        /* uid, gid -1 where there is no owner */
	uint16_t perm;
	enum lock_level lock;
	const int *clusters;      /* for % rules */
	int n_clusters;
	bool only_named;          /* a reservation: rules with * and % don't count */
};

struct acl_index;

struct acl_index *acl_index_new(void);
void acl_index_free(struct acl_index *a);
/* core_publish_fn: ctx is the index. Other types than OBJ_ACL are ignored. */
void acl_index_publish(void *ctx, enum obj_type type, int id, const struct version *v);
/* Does a rule grant all of `rights` on the target to this user (through *, #uid or @group)? Any thread. */
bool acl_allows(struct acl_index *a, const struct identity *who, unsigned rights, const struct auth_target *target, int zone);

/* Which objects of a type the rules show to somebody (rules that include USE), for the filters of pools. */
struct acl_view {
	bool all;
	struct idset oids, gids, clusters;
};
void acl_view_make(struct acl_index *a, const struct identity *who, enum obj_type type, int zone, struct arena *arena, struct acl_view *out);

#endif
