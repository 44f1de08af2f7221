/* Snapshots of a disk, as SNAPSHOTS of images and VMs hold them: a tree of SNAPSHOT vectors (ID, NAME, DATE, SIZE, PARENT, CHILDREN,
 * ACTIVE) beside ALLOW_ORPHANS, CURRENT_BASE, NEXT_SNAPSHOT. */
#ifndef ONED_OBJECTS_SNAPSHOTS_H
#define ONED_OBJECTS_SNAPSHOTS_H

#include <stdbool.h>
#include "common/tmpl.h"

/* NULL: no such one. */
struct attr *snapshots_find(const struct tmpl *snapshots, int id);
bool snapshots_any(const struct tmpl *snapshots);
long long snapshots_size_mb(const struct tmpl *snapshots, int id); /* 0: no such one */
long long snapshots_total_mb(const struct tmpl *snapshots);
/* Of an image nobody uses. ONE_ACTION with the reason. */
enum one_rc snapshots_check_delete(const struct tmpl *snapshots, int id, struct one_err *err);
/* Takes it out of the tree; its only child gets its parent. */
void snapshots_delete(struct tmpl *snapshots, int id);
/* The disk is as this one from now on. */
void snapshots_revert(struct tmpl *snapshots, int id);
void snapshots_clear(struct tmpl *snapshots);

#endif
