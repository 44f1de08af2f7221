/* The index of ACL rules: by user specifier (*, #uid, @gid), then a short list. */
#include "oned/auth/acl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "oned/auth/acl_rule.h"

#define ID_MASK UINT64_C(0xFFFFFFFF)

struct rule { uint64_t resource, rights, zone; int id; };
struct rule_list { struct rule *rules; int n, cap; };

struct acl_index {
	pthread_rwlock_t lock;
	struct imap by_user;   /* user specifier -> struct rule_list */
	struct imap owner;     /* rule id -> the struct rule_list it is in */
};

struct acl_index *acl_index_new(void)
{
	struct acl_index *a = xcalloc(1, sizeof(*a));

	pthread_rwlock_init(&a->lock, NULL);
	return a;
}

void acl_index_free(struct acl_index *a)
{
	size_t it = 0;
	int64_t key;
	void *val;

	while (imap_next(&a->by_user, &it, &key, &val)) {
		free(((struct rule_list *)val)->rules);
		free(val);
	}
	imap_done(&a->by_user);
	imap_done(&a->owner);
	pthread_rwlock_destroy(&a->lock);
	free(a);
}

static void remove_rule(struct acl_index *a, int id)
{
	struct rule_list *list = imap_del(&a->owner, id);

	if (!list)
		return;
	for (int i = 0; i < list->n; i++)
		if (list->rules[i].id == id) {
			list->n--;
			memmove(list->rules + i, list->rules + i + 1, (size_t)(list->n - i) * sizeof(*list->rules));
			return;
		}
}

static void add_rule(struct acl_index *a, const struct acl_rule *r)
{
	struct rule_list *list = imap_get(&a->by_user, (int64_t)r->user);

	if (!list) {
		list = xcalloc(1, sizeof(*list));
		imap_put(&a->by_user, (int64_t)r->user, list);
	}
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 4;
		list->rules = xrealloc(list->rules, (size_t)list->cap * sizeof(*list->rules));
	}
	list->rules[list->n++] = (struct rule){ .resource = r->resource, .rights = r->rights, .zone = r->zone, .id = r->o.id };
	imap_put(&a->owner, r->o.id, list);
}

void acl_index_publish(void *ctx, enum obj_type type, int id, const struct version *v)
{
	struct acl_index *a = ctx;

	if (type != OBJ_ACL)
		return;
	pthread_rwlock_wrlock(&a->lock);
	remove_rule(a, id);
	if (v)
		add_rule(a, (const struct acl_rule *)v->obj);
	pthread_rwlock_unlock(&a->lock);
}

static bool zone_matches(const struct rule *r, int zone)
{
	return (r->zone & ACL_ALL) || ((r->zone & ACL_INDIVIDUAL) && (int)(r->zone & ID_MASK) == zone);
}

static bool in_clusters(const struct auth_target *t, int cluster)
{
	for (int i = 0; i < t->n_clusters; i++)
		if (t->clusters[i] == cluster)
			return true;
	return false;
}

static bool resource_matches(const struct rule *r, const struct auth_target *t)
{
	int id = (int)(r->resource & ID_MASK);

	if (!(r->resource & ACL_TYPE(t->type)))
		return false;
	if (r->resource & ACL_ALL)
		return !t->only_named;
	if (r->resource & ACL_INDIVIDUAL)
		return t->oid >= 0 && id == t->oid;
	if (r->resource & ACL_GROUP)
		return t->gid >= 0 && id == t->gid;
	if (r->resource & ACL_CLUSTER)
		return !t->only_named && in_clusters(t, id);
	return false;
}

static bool list_allows(struct acl_index *a, uint64_t user, unsigned rights, const struct auth_target *t, int zone)
{
	const struct rule_list *list = imap_get(&a->by_user, (int64_t)user);

	for (int i = 0; list && i < list->n; i++) {
		const struct rule *r = &list->rules[i];

		if ((r->rights & rights) == rights && zone_matches(r, zone) && resource_matches(r, t))
			return true;
	}
	return false;
}

bool acl_allows(struct acl_index *a, const struct identity *who, unsigned rights, const struct auth_target *target, int zone)
{
	bool allowed;

	pthread_rwlock_rdlock(&a->lock);
	allowed = list_allows(a, ACL_ALL, rights, target, zone) ||
		  list_allows(a, ACL_INDIVIDUAL | (uint64_t)who->uid, rights, target, zone);
	for (int i = 0; !allowed && i < who->n_gids; i++)
		allowed = list_allows(a, ACL_GROUP | (uint64_t)who->gids[i], rights, target, zone);
	pthread_rwlock_unlock(&a->lock);
	return allowed;
}

static void view_list(struct acl_index *a, uint64_t user, enum obj_type type, int zone, struct arena *arena, struct acl_view *out)
{
	const struct rule_list *list = imap_get(&a->by_user, (int64_t)user);

	for (int i = 0; list && i < list->n; i++) {
		const struct rule *r = &list->rules[i];
		int id = (int)(r->resource & ID_MASK);

		if (!(r->rights & AUTH_USE) || !(r->resource & ACL_TYPE(type)) || !zone_matches(r, zone))
			continue;
		if (r->resource & ACL_ALL)
			out->all = true;
		else if (r->resource & ACL_INDIVIDUAL)
			idset_add(&out->oids, arena, id);
		else if (r->resource & ACL_GROUP)
			idset_add(&out->gids, arena, id);
		else if (r->resource & ACL_CLUSTER)
			idset_add(&out->clusters, arena, id);
	}
}

void acl_view_make(struct acl_index *a, const struct identity *who, enum obj_type type, int zone, struct arena *arena,
		   struct acl_view *out)
{
	*out = (struct acl_view){ 0 };
	pthread_rwlock_rdlock(&a->lock);
	view_list(a, ACL_ALL, type, zone, arena, out);
	view_list(a, ACL_INDIVIDUAL | (uint64_t)who->uid, type, zone, arena, out);
	for (int i = 0; i < who->n_gids; i++)
		view_list(a, ACL_GROUP | (uint64_t)who->gids[i], type, zone, arena, out);
	pthread_rwlock_unlock(&a->lock);
}
