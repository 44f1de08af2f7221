#include "oned/api/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/conf.h"
#include "oned/api/api.h"
#include "oned/auth/group.h"
#include "oned/auth/user.h"
#include "oned/core/pool_index.h"

enum { FILTER_GROUP = -4, FILTER_MINE = -3, FILTER_ALL = -2, FILTER_MINE_AND_GROUPS = -1 };

struct looking {
	const struct pool_filter *f;
	const struct identity *who;
	struct acl_view acl;
	int first, last;           /* of the range of ids; last -1: open */
};

static bool seen_by_rules(const struct looking *l, const struct version *v)
{
	bool only_named = v->ops->type == OBJ_NET && v->index.parent >= 0;

	if (l->acl.all && !only_named)
		return true;
	if (idset_has(&l->acl.oids, v->id) || idset_has(&l->acl.gids, v->gid))
		return true;
	for (int i = 0; !only_named && l->acl.clusters.n && i < v->index.n_clusters; i++)
		if (idset_has(&l->acl.clusters, v->index.clusters[i]))
			return true;
	return false;
}

static bool seen_by_bits(const struct identity *who, const struct version *v)
{
	return (v->perm & PERM_OTHER_U) || ((v->perm & PERM_GROUP_U) && identity_in_group(who, v->gid));
}

static bool flag_shows(const struct looking *l, const struct version *v)
{
	const struct identity *who = l->who;
	bool mine = v->uid == who->uid;
	bool may = who->admin || seen_by_bits(who, v) || seen_by_rules(l, v);

	switch (l->f->flag) {
	case FILTER_GROUP: /* unlike 6.10, not without the right to see it */
		return v->gid == who->gid && (mine || may);
	case FILTER_MINE:
		return mine;
	case FILTER_ALL:
		return mine || may;
	case FILTER_MINE_AND_GROUPS:
		return mine || (identity_in_group(who, v->gid) && may);
	default:
		return v->uid == l->f->flag && (mine || may);
	}
}

static bool wanted(void *ctx, const struct version *v)
{
	const struct looking *l = ctx;

	if (l->f->only && !idset_has(l->f->only, v->id))
		return false;
	if (l->f->also && !l->f->also(l->f->also_ctx, v))
		return false;
	return flag_shows(l, v);
}

/* The text of OPENNEBULA/API_LIST_ORDER of a user or group, or NULL. */
static const char *order_of(struct call *c, enum obj_type type, int id)
{
	struct version *v = pool_get(c->api->core, type, id);
	const struct attr *a = v ? tmpl_vector(v->obj->tmpl, "OPENNEBULA") : NULL;
	const char *order = a ? attr_get(a, "API_LIST_ORDER") : NULL;

	order = arena_strdup(&c->arena, order);
	version_unref(v);
	return order;
}

static bool descending(struct call *c)
{
	const char *order = order_of(c, OBJ_USER, c->who.uid);

	if (!order)
		order = order_of(c, OBJ_GROUP, c->who.gid);
	if (!order)
		order = conf_string(c->api->conf, "API_LIST_ORDER");
	return !strcasecmp(order, "DESC");
}

static void reverse(struct version **list, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct version *v = list[i];

		list[i] = list[n - 1 - i];
		list[n - 1 - i] = v;
	}
}

/* last < -1: a page of -last objects from the first-th on. */
static void cut_page(struct version **list, size_t *n, int first, int last)
{
	size_t skip = first < 0 ? 0 : (size_t)first, size = (size_t)(-(long long)last), keep;

	if (skip > *n)
		skip = *n;
	keep = *n - skip < size ? *n - skip : size;
	for (size_t i = 0; i < *n; i++)
		if (i < skip || i >= skip + keep)
			version_unref(list[i]);
	memmove(list, list + skip, keep * sizeof(*list));
	*n = keep;
}

/* Who of the pool may come into question at all; false: anybody. Never less than what flag_shows says yes to. */
static bool sight_of(const struct looking *l, struct idset *own_group, struct pool_sight *s)
{
	int flag = l->f->flag;

	*s = (struct pool_sight){ .uid = -1 };
	if (l->f->only) {
		s->ids = l->f->only;
	} else if (flag == FILTER_MINE || flag >= 0) {
		s->uid = flag >= 0 ? flag : l->who->uid;
	} else if (flag == FILTER_GROUP) {
		s->whole_groups = own_group;
	} else if (l->who->admin || l->acl.all || l->acl.clusters.n) {
		return false;
	} else {
		*s = (struct pool_sight){ .uid = l->who->uid, .gids = l->who->gids, .n_gids = l->who->n_gids, .everybodys = true,
					  .whole_groups = &l->acl.gids, .ids = &l->acl.oids };
	}
	return true;
}

enum one_rc filter_collect(struct call *c, enum obj_type type, const struct pool_filter *f, struct version ***list, size_t *n)
{
	struct looking l = { .f = f, .who = &c->who, .first = -1, .last = -1 };
	struct idset own_group = { .ids = &c->who.gid, .n = 1 };
	bool page = f->last < -1;
	struct pool_sight sight;

	if (f->flag < FILTER_GROUP)
		return call_fail(c, ONE_API, "Incorrect filter_flag");
	acl_view_make(c->api->acl, &c->who, type, c->api->zone, &c->arena, &l.acl);
	if (!page && f->first != -1) {
		l.first = f->first;
		l.last = f->last;
	}
	if (sight_of(&l, &own_group, &sight))
		*n = pool_collect_seen(c->api->core, type, &sight, l.first, l.last, wanted, &l, list);
	else
		*n = pool_collect(c->api->core, type, l.first, l.last, wanted, &l, list);
	if (descending(c))
		reverse(*list, *n);
	if (page)
		cut_page(*list, n, f->first, f->last);
	return ONE_OK;
}
