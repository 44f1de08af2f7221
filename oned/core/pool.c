/* Pools: the published versions of each type, and how readers get at them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oned/core/core_internal.h"

void pool_init(struct pool *p, const struct obj_ops *ops)
{
	*p = (struct pool){ .ops = ops, .last_id = -1 };
	pthread_mutex_init(&p->lock, NULL);
}

void pool_done(struct pool *p)
{
	for (int i = 0; i < p->cap; i++)
		version_unref(p->slots[i]);
	free(p->slots);
	smap_done(&p->names);
	pool_index_done(&p->index);
	pthread_mutex_destroy(&p->lock);
}

const char *pool_name_key(const struct obj_ops *ops, const char *name, int uid, char *buf, size_t size)
{
	if (ops->flags & OBJ_F_NAME_GLOBAL)
		return name;
	if (!(ops->flags & OBJ_F_NAME_OWNER))
		return NULL;
	snprintf(buf, size, "%d %s", uid, name);
	return buf;
}

static void index_name(struct pool *p, const struct version *v, bool add)
{
	char buf[POOL_KEY_MAX];
	const char *key = pool_name_key(p->ops, v->name, v->uid, buf, sizeof(buf));
	void *id = (void *)(intptr_t)(v->id + 1);

	if (!key)
		return;
	if (add)
		smap_put(&p->names, key, id);
	else if (smap_get(&p->names, key) == id)
		smap_del(&p->names, key);
}

static void grow_slots(struct pool *p, int id)
{
	int cap = p->cap ? p->cap : 64;

	while (cap <= id)
		cap *= 2;
	p->slots = xrealloc(p->slots, (size_t)cap * sizeof(*p->slots));
	memset(p->slots + p->cap, 0, (size_t)(cap - p->cap) * sizeof(*p->slots));
	p->cap = cap;
}

void pool_publish(struct pool *p, int id, struct version *v)
{
	struct version *old;

	assert(id >= 0);
	pthread_mutex_lock(&p->lock);
	if (id >= p->cap)
		grow_slots(p, id);
	old = p->slots[id];
	if (old)
		index_name(p, old, false);
	if (v)
		index_name(p, v, true);
	if (p->ops->flags & OBJ_F_OWNED)
		pool_index_change(&p->index, old, v);
	p->slots[id] = v;
	p->count += (v != NULL) - (old != NULL);
	pthread_mutex_unlock(&p->lock);
	version_unref(old);
}

struct version *pool_get(struct core *c, enum obj_type type, int id)
{
	struct pool *p = &c->pools[type];
	struct version *v = NULL;

	pthread_mutex_lock(&p->lock);
	if (id >= 0 && id < p->cap)
		v = version_ref(p->slots[id]);
	pthread_mutex_unlock(&p->lock);
	return v;
}

struct version *pool_find(struct core *c, enum obj_type type, const char *name, int uid)
{
	struct pool *p = &c->pools[type];
	struct version *v = NULL;
	char buf[POOL_KEY_MAX];
	const char *key = pool_name_key(p->ops, name, uid, buf, sizeof(buf));
	intptr_t id;

	assert(key);
	pthread_mutex_lock(&p->lock);
	id = (intptr_t)smap_get(&p->names, key);
	if (id)
		v = version_ref(p->slots[id - 1]);
	pthread_mutex_unlock(&p->lock);
	return v;
}

int pool_count(struct core *c, enum obj_type type)
{
	struct pool *p = &c->pools[type];
	int n;

	pthread_mutex_lock(&p->lock);
	n = p->count;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int pool_size(struct core *c, enum obj_type type)
{
	struct pool *p = &c->pools[type];
	int size;

	pthread_mutex_lock(&p->lock);
	size = p->cap;
	pthread_mutex_unlock(&p->lock);
	return size;
}

/* What is looked at of a pool, and what of it is taken. */
struct looking { struct pool *pool; int first, last; pool_want_fn want; void *ctx; struct version **list; size_t n; };

static struct looking begin_look(struct pool *p, int first, int last, pool_want_fn want, void *ctx)
{
	return (struct looking){ .pool = p, .first = first < 0 ? 0 : first, .last = last < 0 || last >= p->cap ? p->cap - 1 : last,
				 .want = want, .ctx = ctx };
}

static void look_at(struct looking *l, int id)
{
	struct version *v = l->pool->slots[id];

	if (v && (!l->want || l->want(l->ctx, v)))
		l->list[l->n++] = version_ref(v);
}

static void look_at_all(struct looking *l)
{
	l->list = xmalloc(((size_t)l->pool->count + 1) * sizeof(*l->list));
	for (int id = l->first; id <= l->last; id++)
		look_at(l, id);
}

size_t pool_collect(struct core *c, enum obj_type type, int first, int last, pool_want_fn want, void *ctx, struct version ***out)
{
	struct pool *p = &c->pools[type];
	struct looking l;

	pthread_mutex_lock(&p->lock);
	l = begin_look(p, first, last, want, ctx);
	look_at_all(&l);
	pthread_mutex_unlock(&p->lock);
	*out = l.list;
	return l.n;
}

/* Where the index names most of the pool, going through all of it is less work. */
#define WORTH_OF_POOL 4

static bool look_at_seen(struct looking *l, const struct pool_sight *sight)
{
	int *ids, n;

	if (!(l->pool->ops->flags & OBJ_F_OWNED))
		return false;
	n = pool_index_find(&l->pool->index, sight, l->pool->count / WORTH_OF_POOL, &ids);
	if (n < 0)
		return false;
	l->list = xmalloc(((size_t)n + 1) * sizeof(*l->list));
	for (int i = 0; i < n; i++)
		if (ids[i] >= l->first && ids[i] <= l->last)
			look_at(l, ids[i]);
	free(ids);
	return true;
}

size_t pool_collect_seen(struct core *c, enum obj_type type, const struct pool_sight *sight, int first, int last, pool_want_fn want,
			 void *ctx, struct version ***out)
{
	struct pool *p = &c->pools[type];
	struct looking l;

	pthread_mutex_lock(&p->lock);
	l = begin_look(p, first, last, want, ctx);
	if (!look_at_seen(&l, sight))
		look_at_all(&l);
	pthread_mutex_unlock(&p->lock);
	*out = l.list;
	return l.n;
}

void pool_release(struct version **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		version_unref(list[i]);
	free(list);
}
