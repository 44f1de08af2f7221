#include "oned/objects/snapshots.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST "SNAPSHOT"

struct attr *snapshots_find(const struct tmpl *snapshots, int id)
{
	long long n;

	for (struct attr *a = tmpl_vector(snapshots, FIRST); a; a = tmpl_find_next(a))
		if (attr_get_int(a, "ID", &n) && n == id)
			return a;
	return NULL;
}

bool snapshots_any(const struct tmpl *snapshots)
{
	return tmpl_vector(snapshots, FIRST) != NULL;
}

static long long size_of(const struct attr *snapshot)
{
	long long size;

	return snapshot && attr_get_int(snapshot, "SIZE", &size) ? size : 0;
}

long long snapshots_size_mb(const struct tmpl *snapshots, int id)
{
	return size_of(snapshots_find(snapshots, id));
}

long long snapshots_total_mb(const struct tmpl *snapshots)
{
	long long total = 0;

	for (const struct attr *a = tmpl_vector(snapshots, FIRST); a; a = tmpl_find_next(a))
		total += size_of(a);
	return total;
}

/* Whether the tree is kept: a snapshot needs its parent. */
static bool is_tree(const struct tmpl *snapshots)
{
	const char *orphans = tmpl_get_or(snapshots, "ALLOW_ORPHANS", "NO");

	return !strcasecmp(orphans, "NO") || !strcasecmp(orphans, "MIXED");
}

static bool is_active(const struct attr *snapshot)
{
	bool active;

	return attr_get_bool(snapshot, "ACTIVE", &active) && active;
}

enum one_rc snapshots_check_delete(const struct tmpl *snapshots, int id, struct one_err *err)
{
	const struct attr *snapshot = snapshots_find(snapshots, id);
	const char *children;

	if (!snapshot)
		return one_err_set(err, ONE_ACTION, "Snapshot does not exist");
	if (!is_tree(snapshots))
		return ONE_OK;
	if (is_active(snapshot))
		return one_err_set(err, ONE_ACTION, "Cannot delete the active snapshot");
	children = attr_get(snapshot, "CHILDREN");
	return children && *children ? one_err_set(err, ONE_ACTION, "Cannot delete snapshot with children") : ONE_OK;
}

/* ---- deleting ---- */

/* The list without one id, and with another (-1: none). */
static const char *edit_children(struct arena *arena, const char *list, int without, int with)
{
	const char *out = with < 0 ? "" : arena_printf(arena, "%d", with);

	while (list && *list) {
		char *end;
		long id = strtol(list, &end, 10);

		if (end == list)
			break;
		if (id != without && id != with)
			out = *out ? arena_printf(arena, "%s,%ld", out, id) : arena_printf(arena, "%ld", id);
		list = end + strspn(end, ", ");
	}
	return out;
}

/* -1: none, or several. */
static int only_child(const struct attr *snapshot)
{
	long long id;

	return attr_get_int(snapshot, "CHILDREN", &id) && id >= 0 && id <= INT32_MAX ? (int)id : -1;
}

static void leave_tree(struct tmpl *snapshots, const struct attr *snapshot, int id)
{
	long long parent_id;
	int child_id = only_child(snapshot);
	struct attr *child = child_id < 0 ? NULL : snapshots_find(snapshots, child_id), *parent;
	const char *children;

	if (!attr_get_int(snapshot, "PARENT", &parent_id) || parent_id < 0 || parent_id > INT32_MAX)
		return;
	parent = snapshots_find(snapshots, (int)parent_id);
	if (!parent)
		return;
	if (child)
		attr_setf(snapshots->arena, child, "PARENT", "%lld", parent_id);
	children = edit_children(snapshots->arena, attr_get(parent, "CHILDREN"), id, child ? child_id : -1);
	if (*children)
		attr_set(snapshots->arena, parent, "CHILDREN", children);
	else
		attr_remove(parent, "CHILDREN");
	if (is_active(snapshot))
		attr_set(snapshots->arena, parent, "ACTIVE", "YES");
}

void snapshots_delete(struct tmpl *snapshots, int id)
{
	const struct attr *snapshot = snapshots_find(snapshots, id);

	if (!snapshot)
		return;
	if (is_tree(snapshots))
		leave_tree(snapshots, snapshot, id);
	tmpl_remove_attr(snapshots, snapshot);
}

void snapshots_revert(struct tmpl *snapshots, int id)
{
	struct attr *to = snapshots_find(snapshots, id);

	if (!to || is_active(to))
		return;
	if (!strcasecmp(tmpl_get_or(snapshots, "ALLOW_ORPHANS", "NO"), "MIXED"))
		tmpl_setf(snapshots, "CURRENT_BASE", "%d", id);
	for (struct attr *a = tmpl_vector(snapshots, FIRST); a; a = tmpl_find_next(a))
		attr_remove(a, "ACTIVE");
	attr_set(snapshots->arena, to, "ACTIVE", "YES");
}

void snapshots_clear(struct tmpl *snapshots)
{
	snapshots->first = NULL;
}
