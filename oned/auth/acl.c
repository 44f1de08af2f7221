/* The index of ACL rules, twice: by what they are about, for checks, and by whom they speak of, for the filters of pools.
 *
 * What a check is about names its lists: TYPE/ *, TYPE/#oid, TYPE/@gid, TYPE/%cluster. In a list the rules stand by their user specifier
 * (all #, then all @, then *), so those of the caller and of his groups are found by searching, however many rules there are. */
#include "oned/auth/acl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "oned/auth/acl_rule.h"

#define ID_MASK UINT64_C(0xFFFFFFFF)
#define SELECTORS (ACL_INDIVIDUAL | ACL_GROUP | ACL_ALL | ACL_CLUSTER)

struct rule { uint64_t user, resource, rights, zone; int id; };
struct rule_list { struct rule *rules; int n, cap; }; /* by user, then id */

struct acl_index {
	pthread_rwlock_t lock;
	struct imap by_id;       /* struct rule */
	struct imap by_user;     /* user specifier -> struct rule_list */
	struct imap by_resource; /* one type's bit, selector, id -> struct rule_list */
};

struct acl_index *acl_index_new(void)
{
	struct acl_index *a = xcalloc(1, sizeof(*a));

	pthread_rwlock_init(&a->lock, NULL);
	return a;
}

static void free_lists(struct imap *lists)
{
	size_t it = 0;
	int64_t key;
	void *val;

	while (imap_next(lists, &it, &key, &val)) {
		free(((struct rule_list *)val)->rules);
		free(val);
	}
	imap_done(lists);
}

void acl_index_free(struct acl_index *a)
{
	size_t it = 0;
	int64_t key;
	void *val;

	while (imap_next(&a->by_id, &it, &key, &val))
		free(val);
	imap_done(&a->by_id);
	free_lists(&a->by_user);
	free_lists(&a->by_resource);
	pthread_rwlock_destroy(&a->lock);
	free(a);
}

/* ---- lists ---- */

/* The first rule from `at` on, before `end`, whose user is not below this one. Near ones are found soonest, so going through a list in steps
 * costs little. */
static int rule_from(const struct rule *rules, int at, int end, uint64_t user)
{
	int low = at, step = 1;

	while (at < end && rules[at].user < user) {
		low = at + 1;
		at += step;
		step *= 2;
	}
	if (at > end)
		at = end;
	while (low < at) {
		int mid = low + (at - low) / 2;

		if (rules[mid].user < user)
			low = mid + 1;
		else
			at = mid;
	}
	return low;
}

static void list_add(struct imap *lists, uint64_t key, const struct rule *r)
{
	struct rule_list *list = imap_get(lists, (int64_t)key);
	int at;

	if (!list) {
		list = xcalloc(1, sizeof(*list));
		imap_put(lists, (int64_t)key, list);
	}
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 4;
		list->rules = xrealloc(list->rules, (size_t)list->cap * sizeof(*list->rules));
	}
	at = rule_from(list->rules, 0, list->n, r->user);
	while (at < list->n && list->rules[at].user == r->user && list->rules[at].id < r->id)
		at++;
	memmove(list->rules + at + 1, list->rules + at, (size_t)(list->n - at) * sizeof(*list->rules));
	list->rules[at] = *r;
	list->n++;
}

static void list_remove(struct imap *lists, uint64_t key, const struct rule *r)
{
	struct rule_list *list = imap_get(lists, (int64_t)key);
	int at = rule_from(list->rules, 0, list->n, r->user);

	while (list->rules[at].id != r->id)
		at++;
	list->n--;
	memmove(list->rules + at, list->rules + at + 1, (size_t)(list->n - at) * sizeof(*list->rules));
	if (list->n)
		return;
	imap_del(lists, (int64_t)key);
	free(list->rules);
	free(list);
}

/* ---- following what is published ---- */

/* In the list of each of its types. */
static void each_resource(struct acl_index *a, const struct rule *r, void (*change)(struct imap *lists, uint64_t key, const struct rule *r))
{
	for (enum obj_type type = 0; type < OBJ_TYPES; type++)
		if (r->resource & ACL_TYPE(type))
			change(&a->by_resource, ACL_TYPE(type) | (r->resource & (SELECTORS | ID_MASK)), r);
}

static void remove_rule(struct acl_index *a, int id)
{
	struct rule *r = imap_del(&a->by_id, id);

	if (!r)
		return;
	list_remove(&a->by_user, r->user, r);
	each_resource(a, r, list_remove);
	free(r);
}

static void add_rule(struct acl_index *a, const struct acl_rule *from)
{
	struct rule *r = xcalloc(1, sizeof(*r));

	*r = (struct rule){ .user = from->user, .resource = from->resource, .rights = from->rights, .zone = from->zone, .id = from->o.id };
	imap_put(&a->by_id, r->id, r);
	list_add(&a->by_user, r->user, r);
	each_resource(a, r, list_add);
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

/* ---- checks ---- */

struct asked { const struct identity *who; unsigned rights; int zone; };

static bool zone_matches(const struct rule *r, int zone)
{
	return (r->zone & ACL_ALL) || ((r->zone & ACL_INDIVIDUAL) && (int)(r->zone & ID_MASK) == zone);
}

static bool grants(const struct rule *r, const struct asked *q)
{
	return (r->rights & q->rights) == q->rights && zone_matches(r, q->zone);
}

static bool granted_to(const struct rule_list *list, uint64_t user, const struct asked *q)
{
	for (int i = rule_from(list->rules, 0, list->n, user); i < list->n && list->rules[i].user == user; i++)
		if (grants(&list->rules[i], q))
			return true;
	return false;
}

static bool granted_to_groups(const struct rule_list *list, const struct asked *q)
{
	int i = rule_from(list->rules, 0, list->n, ACL_GROUP), end = rule_from(list->rules, i, list->n, ACL_ALL), j = 0;

	while (i < end && j < q->who->n_gids) {
		int gid = (int)(list->rules[i].user & ID_MASK);

		if (gid < q->who->gids[j])
			i = rule_from(list->rules, i, end, ACL_GROUP | (uint64_t)q->who->gids[j]);
		else if (gid > q->who->gids[j])
			j++;
		else if (grants(&list->rules[i++], q))
			return true;
	}
	return false;
}

static bool allowed_by(struct acl_index *a, uint64_t resource, const struct asked *q)
{
	const struct rule_list *list = imap_get(&a->by_resource, (int64_t)resource);

	return list && (granted_to(list, ACL_ALL, q) || granted_to(list, ACL_INDIVIDUAL | (uint64_t)q->who->uid, q) ||
			granted_to_groups(list, q));
}

bool acl_allows(struct acl_index *a, const struct identity *who, unsigned rights, const struct auth_target *t, int zone)
{
	const struct asked q = { .who = who, .rights = rights, .zone = zone };
	const uint64_t type = ACL_TYPE(t->type);
	bool allowed;

	pthread_rwlock_rdlock(&a->lock);
	allowed = (!t->only_named && allowed_by(a, type | ACL_ALL, &q)) ||
		  (t->oid >= 0 && allowed_by(a, type | ACL_INDIVIDUAL | (uint64_t)t->oid, &q)) ||
		  (t->gid >= 0 && allowed_by(a, type | ACL_GROUP | (uint64_t)t->gid, &q));
	for (int i = 0; !allowed && !t->only_named && i < t->n_clusters; i++)
		allowed = allowed_by(a, type | ACL_CLUSTER | (uint64_t)t->clusters[i], &q);
	pthread_rwlock_unlock(&a->lock);
	return allowed;
}

/* ---- what is shown ---- */

static void push(struct idset *s, struct arena *arena, int id)
{
	if (s->n == s->cap) {
		int *more = arena_array(arena, s->cap ? s->cap * 2 : 16, int);

		if (s->n)
			memcpy(more, s->ids, (size_t)s->n * sizeof(int));
		s->ids = more;
		s->cap = s->cap ? s->cap * 2 : 16;
	}
	s->ids[s->n++] = id;
}

static int by_id(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* What was pushed becomes a set. */
static void settle(struct idset *s)
{
	int n = 0;

	if (s->n)
		qsort(s->ids, (size_t)s->n, sizeof(int), by_id);
	for (int i = 0; i < s->n; i++)
		if (!n || s->ids[n - 1] != s->ids[i])
			s->ids[n++] = s->ids[i];
	s->n = n;
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
			push(&out->oids, arena, id);
		else if (r->resource & ACL_GROUP)
			push(&out->gids, arena, id);
		else if (r->resource & ACL_CLUSTER)
			push(&out->clusters, arena, id);
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
	settle(&out->oids);
	settle(&out->gids);
	settle(&out->clusters);
}
