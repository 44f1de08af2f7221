/* Templates as sorted lists of attributes: finding, adding, replacing, merging.
 *
 * The order is OpenNebula's: a multimap of attributes and, inside a vector, a map of values. */
#include "common/tmpl.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "common/tmpl_internal.h"

/* The first 8 bytes of a name, or all of a shorter one, as a number that orders like them. */
static uint64_t order_of(const char *name)
{
	uint64_t order = 0;
	int i = 0;

	for (; i < 8 && name[i]; i++)
		order = order << 8 | (unsigned char)name[i];
	return i == 0 ? 0 : order << (8 * (8 - i));
}

/* A name that is looked for, and how an attribute's stands to it: < 0, 0, > 0. */
struct wanted {
	const char *name;
	uint64_t order;
};

static struct wanted wanted(const char *name)
{
	return (struct wanted){ name, order_of(name) };
}

static inline int compare_to(const struct attr *a, const struct wanted *w)
{
	if (a->order != w->order)
		return a->order < w->order ? -1 : 1;
	return a->order & 0xff ? strcmp(a->name + 8, w->name + 8) : 0;
}

static inline int compare(const struct attr *a, const struct attr *b)
{
	return compare_to(a, &(struct wanted){ b->name, b->order });
}

struct attr *attr_named(struct arena *arena, const char *name)
{
	struct attr *a = arena_new(arena, struct attr);

	a->name = name;
	a->order = order_of(name);
	return a;
}

static struct attr *merge_lists(struct attr *a, struct attr *b)
{
	struct attr *first = NULL, **end = &first;

	while (a && b) {
		struct attr **smaller = compare(a, b) <= 0 ? &a : &b;

		*end = *smaller;
		end = &(*smaller)->next;
		*smaller = *end;
	}
	*end = a ? a : b;
	return first;
}

/* Cuts the part of a list that is in order off its beginning; returns the rest. */
static struct attr *cut_run(struct attr *a)
{
	struct attr *rest;

	while (a->next && compare(a, a->next) <= 0)
		a = a->next;
	rest = a->next;
	a->next = NULL;
	return rest;
}

struct attr *attr_list_sort(struct attr *list)
{
	struct attr *runs[32] = { NULL }; /* runs[i]: 2^i runs merged, older ones than those of runs[i-1] */
	struct attr *sorted = NULL;
	size_t used = 0;

	while (list) {
		struct attr *run = list;
		size_t i = 0;

		list = cut_run(run);
		for (; runs[i]; i++) {
			run = merge_lists(runs[i], run);
			runs[i] = NULL;
		}
		runs[i] = run;
		used = i >= used ? i + 1 : used;
	}
	for (size_t i = 0; i < used; i++)
		sorted = merge_lists(runs[i], sorted);
	return sorted;
}

void tmpl_adopt(struct tmpl *t, struct attr *sorted)
{
	t->first = merge_lists(t->first, sorted);
}

struct tmpl *tmpl_new(struct arena *arena)
{
	struct tmpl *t = arena_new(arena, struct tmpl);

	t->arena = arena;
	return t;
}

struct attr *attr_copy(struct arena *arena, const struct attr *a)
{
	struct attr *copy = arena_new(arena, struct attr), **end = &copy->kids;

	copy->name = arena_strdup(arena, a->name);
	copy->order = a->order;
	copy->value = arena_strdup(arena, a->value);
	copy->vector = a->vector;
	copy->line = a->line;
	for (const struct attr *kid = a->kids; kid; kid = kid->next) {
		*end = attr_copy(arena, kid);
		end = &(*end)->next;
	}
	return copy;
}

struct tmpl *tmpl_copy(struct arena *arena, const struct tmpl *t)
{
	struct tmpl *copy = tmpl_new(arena);
	struct attr **end = &copy->first;

	for (const struct attr *a = t->first; a; a = a->next) {
		*end = attr_copy(arena, a);
		end = &(*end)->next;
	}
	return copy;
}

/* Where the first of a name is in a sorted list, or would be. */
static struct attr **place_of(struct attr *const *at, const struct wanted *w)
{
	while (*at && compare_to(*at, w) < 0)
		at = &(*at)->next;
	return (struct attr **)at;
}

static struct attr *find(struct attr *const *list, const char *name)
{
	struct wanted w = wanted(name);
	struct attr *a = *place_of(list, &w);

	return a && compare_to(a, &w) == 0 ? a : NULL;
}

struct attr *tmpl_find(const struct tmpl *t, const char *name)
{
	return find(&t->first, name);
}

struct attr *tmpl_find_next(const struct attr *a)
{
	return a->next && compare(a->next, a) == 0 ? a->next : NULL;
}

/* First attribute of that name and kind. */
static struct attr *find_kind(const struct tmpl *t, const char *name, bool vector)
{
	struct attr *a = tmpl_find(t, name);

	while (a && a->vector != vector)
		a = tmpl_find_next(a);
	return a;
}

struct attr *tmpl_vector(const struct tmpl *t, const char *name)
{
	return find_kind(t, name, true);
}

const char *tmpl_get(const struct tmpl *t, const char *name)
{
	const struct attr *a = find_kind(t, name, false);

	return a ? a->value : NULL;
}

const char *tmpl_get_or(const struct tmpl *t, const char *name, const char *dflt)
{
	const char *value = tmpl_get(t, name);

	return value ? value : dflt;
}

const char *attr_get(const struct attr *vector, const char *name)
{
	const struct attr *kid = find(&vector->kids, name);

	return kid ? kid->value : NULL;
}

/* Puts a behind all attributes whose name is not greater. */
static struct attr *insert(struct attr **at, struct attr *a)
{
	while (*at && compare(*at, a) <= 0)
		at = &(*at)->next;
	a->next = *at;
	*at = a;
	return a;
}

static struct attr *new_attr(struct arena *arena, const char *name)
{
	return attr_named(arena, arena_strdup(arena, name));
}

struct attr *tmpl_add(struct tmpl *t, const char *name, const char *value)
{
	struct attr *a = new_attr(t->arena, name);

	assert(value);
	a->value = arena_strdup(t->arena, value);
	return insert(&t->first, a);
}

struct attr *tmpl_addf(struct tmpl *t, const char *name, const char *fmt, ...)
{
	struct attr *a = new_attr(t->arena, name);
	va_list ap;

	va_start(ap, fmt);
	a->value = arena_vprintf(t->arena, fmt, ap);
	va_end(ap);
	return insert(&t->first, a);
}

struct attr *tmpl_add_vector(struct tmpl *t, const char *name)
{
	struct attr *a = new_attr(t->arena, name);

	a->vector = true;
	return insert(&t->first, a);
}

struct attr *tmpl_add_attr(struct tmpl *t, const struct attr *a)
{
	return insert(&t->first, attr_copy(t->arena, a));
}

struct attr *tmpl_cut(struct tmpl *t, const char *name)
{
	struct wanted w = wanted(name);
	struct attr **first = place_of(&t->first, &w), **end = first, *cut;

	while (*end && compare_to(*end, &w) == 0)
		end = &(*end)->next;
	if (end == first)
		return NULL;
	cut = *first;
	*first = *end;
	*end = NULL;
	return cut;
}

int tmpl_remove(struct tmpl *t, const char *name)
{
	int removed = 0;

	for (const struct attr *a = tmpl_cut(t, name); a; a = a->next)
		removed++;
	return removed;
}

void tmpl_remove_attr(struct tmpl *t, const struct attr *a)
{
	struct attr **at = &t->first;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
}

void tmpl_set(struct tmpl *t, const char *name, const char *value)
{
	/* The copy first: value may be one of those that are removed. */
	struct attr *a = new_attr(t->arena, name);

	assert(value);
	a->value = arena_strdup(t->arena, value);
	tmpl_remove(t, name);
	insert(&t->first, a);
}

void tmpl_setf(struct tmpl *t, const char *name, const char *fmt, ...)
{
	struct attr *a = new_attr(t->arena, name);
	va_list ap;

	va_start(ap, fmt);
	a->value = arena_vprintf(t->arena, fmt, ap);
	va_end(ap);
	tmpl_remove(t, name);
	insert(&t->first, a);
}

static void set_kid(struct arena *arena, struct attr *vector, const char *name, const char *value)
{
	struct wanted w = wanted(name);
	struct attr **at = place_of(&vector->kids, &w), *kid;

	assert(vector->vector);
	if (*at && compare_to(*at, &w) == 0) {
		(*at)->value = value;
		return;
	}
	kid = new_attr(arena, name);
	kid->value = value;
	kid->next = *at;
	*at = kid;
}

void attr_set(struct arena *arena, struct attr *vector, const char *name, const char *value)
{
	assert(value);
	set_kid(arena, vector, name, arena_strdup(arena, value));
}

void attr_setf(struct arena *arena, struct attr *vector, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_kid(arena, vector, name, arena_vprintf(arena, fmt, ap));
	va_end(ap);
}

void attr_remove(struct attr *vector, const char *name)
{
	struct wanted w = wanted(name);
	struct attr **at = place_of(&vector->kids, &w);

	if (*at && compare_to(*at, &w) == 0)
		*at = (*at)->next;
}

void tmpl_keep_last(struct tmpl *t)
{
	struct attr **at = &t->first;

	while (*at)
		if (tmpl_find_next(*at))
			*at = (*at)->next;
		else
			at = &(*at)->next;
}

void tmpl_merge(struct tmpl *t, const struct tmpl *from)
{
	struct attr *copies = NULL, **end = &copies, **at = &t->first;

	if (t == from)
		return;
	for (const struct attr *a = from->first; a; a = a->next) {
		/* An empty vector says: remove it. */
		if (a->vector && !a->kids)
			continue;
		*end = attr_copy(t->arena, a);
		end = &(*end)->next;
	}
	for (const struct attr *a = from->first; a; a = a->next) {
		while (*at && compare(*at, a) < 0)
			at = &(*at)->next;
		while (*at && compare(*at, a) == 0)
			*at = (*at)->next;
	}
	tmpl_adopt(t, copies);
}
