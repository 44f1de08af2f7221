/* May a user use a host or a datastore? OpenNebula's permissions and access rules, as the scheduler needs
 * them: it acts as oneadmin, so nobody else asks on behalf of the owner of a VM. */
#ifndef SCHEDULER_ACCESS_H
#define SCHEDULER_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/map.h"
#include "common/xml.h"

#define ACCESS_USE    0x1
#define ACCESS_MANAGE 0x2
#define ACCESS_ADMIN  0x4

#define ACCESS_HOST      0x0000002000000000LL
#define ACCESS_DATASTORE 0x0000100000000000LL

struct access_rule {
	int64_t user, resource, rights, zone;
};

struct access_user {
	int id;
	int *groups;
	int n_groups;
};

struct access {
	struct access_rule *rules; /* sorted by user */
	int n_rules;
	struct imap users; /* id -> struct access_user */
	int zone_id;
};

/* What the rules know of an object. */
struct access_object {
	int64_t type;            /* ACCESS_HOST... */
	int id, uid, gid;        /* -1: nobody's */
	int owner, group, other; /* rights of the permission bits */
	int *clusters;
	int n_clusters;
};

void access_init(struct access *a, int zone_id);
void access_done(struct access *a);
/* Reads an ACL_POOL and a USER_POOL; what they say lives in arena. Rules that make no sense are left out. */
void access_read_rules(struct access *a, struct arena *arena, const struct xnode *acl_pool);
void access_read_users(struct access *a, struct arena *arena, const struct xnode *user_pool);
/* Fills the permissions and clusters of an object from its XML (PERMISSIONS, CLUSTERS or CLUSTER_ID). */
void access_read_object(struct access_object *o, struct arena *arena, int64_t type, const struct xnode *n);
/* Has the user that right on the object? oneadmin and the users whose group is oneadmin's always have; an
 * unknown user never. gid: the group of what he owns (a VM). */
bool access_allows(const struct access *a, int uid, int gid, const struct access_object *o, int right);

#endif
