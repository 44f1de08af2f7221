/* Templates as sorted lists of attributes: finding, adding, replacing, merging.
 *
 * The order is OpenNebula's: a multimap of attributes and, inside a vector, a map of values. */
#include "common/tmpl.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "common/tmpl_internal.h"

static int compare(const struct attr *a, const struct attr *b)
{
	int first = (unsigned char)a->name[0] - (unsigned char)b->name[0];

	return first ? first : name_order(a->name, b->name);
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

struct attr *tmpl_find(const struct tmpl *t, const char *name)
{
	for (struct attr *a = t->first; a; a = a->next) {
		int order = name_order(a->name, name);

		if (order >= 0)
			return order == 0 ? a : NULL;
	}
	return NULL;
}

struct attr *tmpl_find_next(const struct attr *a)
{
	return a->next && name_order(a->next->name, a->name) == 0 ? a->next : NULL;
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
	for (const struct attr *kid = vector->kids; kid; kid = kid->next) {
		int order = name_order(kid->name, name);

		if (order >= 0)
			return order == 0 ? kid->value : NULL;
	}
	return NULL;
}

/* Puts a behind all attributes whose name is not greater. */
static struct attr *insert(struct attr **at, struct attr *a)
{
	while (*at && name_order((*at)->name, a->name) <= 0)
		at = &(*at)->next;
	a->next = *at;
	*at = a;
	return a;
}

static struct attr *new_attr(struct arena *arena, const char *name)
{
	struct attr *a = arena_new(arena, struct attr);

	a->name = arena_strdup(arena, name);
	return a;
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

int tmpl_remove(struct tmpl *t, const char *name)
{
	struct attr **at = &t->first;
	int removed = 0;

	while (*at && name_order((*at)->name, name) < 0)
		at = &(*at)->next;
	for (; *at && name_order((*at)->name, name) == 0; removed++)
		*at = (*at)->next;
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
	struct attr **at = &vector->kids, *kid;

	assert(vector->vector);
	while (*at && name_order((*at)->name, name) < 0)
		at = &(*at)->next;
	if (*at && name_order((*at)->name, name) == 0) {
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
	struct attr **at = &vector->kids;

	while (*at && name_order((*at)->name, name) != 0)
		at = &(*at)->next;
	if (*at)
		*at = (*at)->next;
}

void tmpl_keep_last(struct tmpl *t)
{
	struct attr **at = &t->first;

	while (*at)
		if ((*at)->next && name_order((*at)->name, (*at)->next->name) == 0)
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
		while (*at && name_order((*at)->name, a->name) < 0)
			at = &(*at)->next;
		while (*at && name_order((*at)->name, a->name) == 0)
			*at = (*at)->next;
	}
	tmpl_adopt(t, copies);
}
