/* The attribute tables that expressions are evaluated against. */
#include "scheduler/props.h"

#include <stdlib.h>
#include <string.h>

struct builder {
	const char *const *places;
	struct xnode **nodes, **found;
	int n_nodes, n_found;
};

enum place { PLACE_NONE, PLACE_ABOVE, PLACE_HERE };

/* Is `path` one of the places, or on the way to one? */
static enum place place_of(const char *const *places, const char *path)
{
	size_t len = strlen(path);
	enum place best = PLACE_NONE;

	for (; *places; places++) {
		if (strncmp(*places, path, len))
			continue;
		if ((*places)[len] == '\0')
			return PLACE_HERE;
		if (len == 0 || (*places)[len] == '/')
			best = PLACE_ABOVE;
	}
	return best;
}

/* Collects in document order; with b->nodes NULL it only counts. */
static void walk(struct builder *b, struct xnode *n, const char *path, int depth)
{
	enum place here = place_of(b->places, path);

	if (here == PLACE_NONE || depth > 4)
		return;
	if (here == PLACE_HERE) {
		if (b->found)
			b->found[b->n_found] = n;
		b->n_found++;
	}
	for (struct xnode *kid = n->first; kid; kid = kid->next) {
		char below[128];
		size_t len = strlen(path), name_len = strlen(kid->name);

		if (here == PLACE_HERE) {
			if (b->nodes)
				b->nodes[b->n_nodes] = kid;
			b->n_nodes++;
		}
		if (!kid->first || len + name_len + 2 > sizeof(below))
			continue;
		memcpy(below, path, len);
		if (len)
			below[len++] = '/';
		memcpy(below + len, kid->name, name_len + 1);
		walk(b, kid, below, depth + 1);
	}
}

struct ranked {
	struct xnode *node;
	int at;
};

static int by_name(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int order = strcmp(x->node->name, y->node->name);

	return order ? order : x->at - y->at;
}

static void sort_nodes(struct xnode **nodes, int n)
{
	struct ranked *keys = xmalloc((size_t)n * sizeof(*keys) + 1);

	for (int i = 0; i < n; i++)
		keys[i] = (struct ranked){ nodes[i], i };
	qsort(keys, (size_t)n, sizeof(*keys), by_name);
	for (int i = 0; i < n; i++)
		nodes[i] = keys[i].node;
	free(keys);
}

void props_build(struct props *p, struct arena *arena, struct xnode *root, const char *const *places)
{
	struct builder b = { .places = places };

	walk(&b, root, "", 0);
	b.nodes = arena_array(arena, b.n_nodes, struct xnode *);
	b.found = arena_array(arena, b.n_found, struct xnode *);
	b.n_nodes = b.n_found = 0;
	walk(&b, root, "", 0);
	sort_nodes(b.nodes, b.n_nodes);
	*p = (struct props){ root, b.nodes, b.n_nodes, b.found, b.n_found };
}

/* The *left-th node that a path leads to from n, or NULL; *left counts down. */
static const struct xnode *follow(const struct xnode *n, const char *path, int *left)
{
	size_t len = strcspn(path, "/");

	for (const struct xnode *kid = n->first; kid; kid = kid->next) {
		const struct xnode *found;

		if (strncmp(kid->name, path, len) || kid->name[len])
			continue;
		if (path[len] == '/') {
			found = follow(kid, path + len + 1, left);
			if (found)
				return found;
		} else if ((*left)-- == 0) {
			return kid;
		}
	}
	return NULL;
}

static const char *get_by_path(const struct props *p, const char *name, int i)
{
	const struct xnode *found = NULL;

	if (name[0] == '/') {
		size_t len = strlen(p->root->name);

		if (strncmp(name + 1, p->root->name, len) || name[len + 1] != '/')
			return NULL;
		found = follow(p->root, name + len + 2, &i);
		return found ? found->text : NULL;
	}
	for (int place = 0; place < p->n_places && !found; place++)
		found = follow(p->places[place], name, &i);
	return found ? found->text : NULL;
}

const char *props_get(const struct props *p, const char *name, int i)
{
	int low = 0, high = p->n_nodes;

	if (strchr(name, '/'))
		return get_by_path(p, name, i);
	while (low < high) {
		int mid = low + (high - low) / 2;

		if (strcmp(p->nodes[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	low += i;
	if (low >= p->n_nodes || strcmp(p->nodes[low]->name, name))
		return NULL;
	return p->nodes[low]->text;
}
