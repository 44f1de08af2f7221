#include "oned/core/pool_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum list_kind { OF_OWNER, OF_GROUP, USED_BY_GROUP, USED_BY_ALL };
struct id_list { int *ids; int n, cap; }; /* ascending */

static int64_t key_of(enum list_kind kind, int id)
{
	return (int64_t)((uint64_t)kind << 32 | (uint32_t)id);
}

void pool_index_done(struct pool_index *x)
{
	size_t it = 0;
	int64_t key;
	void *val;

	while (imap_next(&x->lists, &it, &key, &val)) {
		free(((struct id_list *)val)->ids);
		free(val);
	}
	imap_done(&x->lists);
}

/* ---- following the pool ---- */

/* Where the id stands or would stand. New objects have the highest id: they come last. */
static int place_of(const struct id_list *l, int id)
{
	int low = 0, high = l->n;

	if (l->n && l->ids[l->n - 1] < id)
		return l->n;
	while (low < high) {
		int mid = low + (high - low) / 2;

		if (l->ids[mid] < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void put(struct pool_index *x, int64_t key, int id)
{
	struct id_list *l = imap_get(&x->lists, key);
	int at;

	if (!l) {
		l = xcalloc(1, sizeof(*l));
		imap_put(&x->lists, key, l);
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 4;
		l->ids = xrealloc(l->ids, (size_t)l->cap * sizeof(int));
	}
	at = place_of(l, id);
	memmove(l->ids + at + 1, l->ids + at, (size_t)(l->n - at) * sizeof(int));
	l->ids[at] = id;
	l->n++;
}

static void take(struct pool_index *x, int64_t key, int id)
{
	struct id_list *l = imap_get(&x->lists, key);
	int at = place_of(l, id);

	l->n--;
	memmove(l->ids + at, l->ids + at + 1, (size_t)(l->n - at) * sizeof(int));
	if (l->n)
		return;
	imap_del(&x->lists, key);
	free(l->ids);
	free(l);
}

static void each_list(struct pool_index *x, const struct version *v, void (*change)(struct pool_index *x, int64_t key, int id))
{
	change(x, key_of(OF_OWNER, v->uid), v->id);
	change(x, key_of(OF_GROUP, v->gid), v->id);
	if (v->perm & PERM_GROUP_U)
		change(x, key_of(USED_BY_GROUP, v->gid), v->id);
	if (v->perm & PERM_OTHER_U)
		change(x, key_of(USED_BY_ALL, 0), v->id);
}

void pool_index_change(struct pool_index *x, const struct version *old, const struct version *now)
{
	if (old && now && old->uid == now->uid && old->gid == now->gid && old->perm == now->perm)
		return;
	if (old)
		each_list(x, old, take);
	if (now)
		each_list(x, now, put);
}

/* ---- finding ---- */

struct gathered { int *ids, n, most; bool too_many; };

static void gather(struct gathered *g, const int *ids, int n)
{
	if (g->too_many || n > g->most - g->n) {
		g->too_many = true;
		return;
	}
	if (n)
		memcpy(g->ids + g->n, ids, (size_t)n * sizeof(int));
	g->n += n;
}

static void gather_list(struct gathered *g, const struct pool_index *x, enum list_kind kind, int id)
{
	const struct id_list *l = imap_get(&x->lists, key_of(kind, id));

	if (l)
		gather(g, l->ids, l->n);
}

static int order(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int sort_once(int *ids, int n)
{
	int kept = 0;

	qsort(ids, (size_t)n, sizeof(int), order);
	for (int i = 0; i < n; i++)
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

int pool_index_find(const struct pool_index *x, const struct pool_sight *s, int most, int **out)
{
	struct gathered g = { .ids = xmalloc(((size_t)most + 1) * sizeof(int)), .most = most };

	if (s->uid >= 0)
		gather_list(&g, x, OF_OWNER, s->uid);
	for (int i = 0; i < s->n_gids; i++)
		gather_list(&g, x, USED_BY_GROUP, s->gids[i]);
	if (s->everybodys)
		gather_list(&g, x, USED_BY_ALL, 0);
	for (int i = 0; s->whole_groups && i < s->whole_groups->n; i++)
		gather_list(&g, x, OF_GROUP, s->whole_groups->ids[i]);
	if (s->ids)
		gather(&g, s->ids->ids, s->ids->n);
	if (g.too_many) {
		free(g.ids);
		*out = NULL;
		return -1;
	}
	*out = g.ids;
	return sort_once(g.ids, g.n);
}
