/* Permissions and access rules.
 *
 * A rule grants rights: USER gets RIGHTS on RESOURCE in ZONE, each a 64-bit number whose upper half says what
 * the lower half identifies: 0x1 one object, 0x2 the objects of a group, 0x4 all, 0x8 those of a cluster; of
 * a resource also which types of objects. The permission bits of an object are three more rules: its owner's,
 * its group's, and everybody's. */
#include "scheduler/access.h"

#include <errno.h>
#include <stdlib.h>

#define ONE     0x0000000100000000LL
#define GROUP   0x0000000200000000LL
#define ALL     0x0000000400000000LL
#define CLUSTER 0x0000000800000000LL
#define ID_MASK 0x00000000ffffffffLL

void access_init(struct access *a, int zone_id)
{
	*a = (struct access){ .users = IMAP_INIT, .zone_id = zone_id };
}

void access_done(struct access *a)
{
	imap_done(&a->users);
	a->rules = NULL;
	a->n_rules = 0;
}

static bool hex_field(const struct xnode *n, const char *name, int64_t *out)
{
	const char *text = xml_text(n, name);
	char *end;

	if (!text || !*text)
		return false;
	errno = 0;
	*out = strtoll(text, &end, 16);
	return !errno && !*end;
}

static int by_user(const void *a, const void *b)
{
	const struct access_rule *x = a, *y = b;

	return x->user < y->user ? -1 : x->user > y->user;
}

void access_read_rules(struct access *a, struct arena *arena, const struct xnode *acl_pool)
{
	int n = 0;

	for (struct xnode *acl = xml_child(acl_pool, "ACL"); acl; acl = xml_next(acl))
		n++;
	a->rules = arena_array(arena, n, struct access_rule);
	a->n_rules = 0;
	for (struct xnode *acl = xml_child(acl_pool, "ACL"); acl; acl = xml_next(acl)) {
		struct access_rule *r = &a->rules[a->n_rules];

		if (hex_field(acl, "USER", &r->user) && hex_field(acl, "RESOURCE", &r->resource) &&
		    hex_field(acl, "RIGHTS", &r->rights) && hex_field(acl, "ZONE", &r->zone))
			a->n_rules++;
	}
	qsort(a->rules, (size_t)a->n_rules, sizeof(*a->rules), by_user);
}

/* The IDs listed in an element, in the arena. */
static int *read_ids(struct arena *arena, const struct xnode *list, int *count)
{
	int n = 0;
	int *ids;

	for (struct xnode *id = list ? xml_child(list, "ID") : NULL; id; id = xml_next(id))
		n++;
	ids = arena_array(arena, n, int);
	n = 0;
	for (struct xnode *id = list ? xml_child(list, "ID") : NULL; id; id = xml_next(id))
		ids[n++] = atoi(id->text);
	*count = n;
	return ids;
}

void access_read_users(struct access *a, struct arena *arena, const struct xnode *user_pool)
{
	for (struct xnode *n = xml_child(user_pool, "USER"); n; n = xml_next(n)) {
		struct access_user *u = arena_new(arena, struct access_user);

		u->id = (int)xml_int(n, "ID", -1);
		u->groups = read_ids(arena, xml_child(n, "GROUPS"), &u->n_groups);
		if (u->id >= 0)
			imap_put(&a->users, u->id, u);
	}
}

static int read_bits(const struct xnode *p, const char *use, const char *manage, const char *admin)
{
	return (xml_int(p, use, 0) == 1 ? ACCESS_USE : 0) | (xml_int(p, manage, 0) == 1 ? ACCESS_MANAGE : 0) |
	       (xml_int(p, admin, 0) == 1 ? ACCESS_ADMIN : 0);
}

void access_read_object(struct access_object *o, struct arena *arena, int64_t type, const struct xnode *n)
{
	const struct xnode *permissions = xml_child(n, "PERMISSIONS");

	*o = (struct access_object){ .type = type, .id = (int)xml_int(n, "ID", -1) };
	o->uid = (int)xml_int(n, "UID", -1);
	o->gid = (int)xml_int(n, "GID", -1);
	if (permissions) {
		o->owner = read_bits(permissions, "OWNER_U", "OWNER_M", "OWNER_A");
		o->group = read_bits(permissions, "GROUP_U", "GROUP_M", "GROUP_A");
		o->other = read_bits(permissions, "OTHER_U", "OTHER_M", "OTHER_A");
	}
	if (xml_child(n, "CLUSTERS")) {
		o->clusters = read_ids(arena, xml_child(n, "CLUSTERS"), &o->n_clusters);
	} else {
		o->clusters = arena_array(arena, 1, int);
		o->clusters[0] = (int)xml_int(n, "CLUSTER_ID", -1);
		o->n_clusters = o->clusters[0] >= 0;
	}
}

static bool rule_covers(const struct access *a, const struct access_rule *r, const struct access_object *o,
			int right)
{
	int64_t id = r->resource & ID_MASK;

	if (!(r->zone & ALL) && !((r->zone & ONE) && (r->zone & ID_MASK) == a->zone_id))
		return false;
	if ((r->rights & right) != right || !(r->resource & o->type))
		return false;
	if (r->resource & ALL)
		return true;
	if (r->resource & ONE)
		return id == o->id;
	if (r->resource & GROUP)
		return id == o->gid;
	for (int i = 0; i < o->n_clusters && (r->resource & CLUSTER); i++)
		if (id == o->clusters[i])
			return true;
	return false;
}

/* Does a rule given to exactly this user, group or everybody cover it? */
static bool granted_to(const struct access *a, int64_t user, const struct access_object *o, int right)
{
	int low = 0, high = a->n_rules;

	while (low < high) {
		int mid = low + (high - low) / 2;

		if (a->rules[mid].user < user)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < a->n_rules && a->rules[low].user == user; low++)
		if (rule_covers(a, &a->rules[low], o, right))
			return true;
	return false;
}

bool access_allows(const struct access *a, int uid, int gid, const struct access_object *o, int right)
{
	const struct access_user *u;

	if (uid == 0 || gid == 0)
		return true;
	u = imap_get(&a->users, uid);
	if (!u)
		return false;
	if ((o->other & right) == right || granted_to(a, ALL, o, right))
		return true;
	if ((uid == o->uid && (o->owner & right) == right) || granted_to(a, ONE | uid, o, right))
		return true;
	for (int i = 0; i < u->n_groups; i++) {
		int group = u->groups[i];

		if ((group == o->gid && (o->group & right) == right) ||
		    granted_to(a, GROUP | group, o, right))
			return true;
	}
	return false;
}
