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

size_t pool_collect(struct core *c, enum obj_type type, int first, int last, pool_want_fn want, void *ctx,
		    struct version ***out)
{
	struct pool *p = &c->pools[type];
	struct version **list;
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	list = xmalloc(((size_t)p->count + 1) * sizeof(*list));
	if (first < 0)
		first = 0;
	if (last < 0 || last >= p->cap)
		last = p->cap - 1;
	for (int i = first; i <= last; i++)
		if (p->slots[i] && (!want || want(ctx, p->slots[i])))
			list[n++] = version_ref(p->slots[i]);
	pthread_mutex_unlock(&p->lock);
	*out = list;
	return n;
}

void pool_release(struct version **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		version_unref(list[i]);
	free(list);
}
