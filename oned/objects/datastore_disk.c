/* What a DISK of a VM gets from its datastore. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/datastore.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/settings.h"

static const char *disk_text(const struct attr *disk, const char *name)
{
	const char *value = attr_get(disk, name);

	return value ? value : "";
}

bool disk_is_volatile(const struct attr *disk)
{
	const char *type = disk_text(disk, "TYPE");

	return !strcasecmp(type, "SWAP") || !strcasecmp(type, "FS");
}

void disk_set_types(struct attr *disk, struct arena *arena, const char *type)
{
	const char *now = disk_text(disk, "TYPE");
	bool plain = !strcmp(type, "FILE") || !strcmp(type, "ISCSI") || !strcmp(type, "NONE");
	size_t len = strlen(now);

	if (len < 5 || strcmp(now + len - 5, "CDROM") != 0)
		attr_set(arena, disk, "TYPE", type);
	else if (plain)
		attr_set(arena, disk, "TYPE", "CDROM");
	else
		attr_setf(arena, disk, "TYPE", "%s_CDROM", type);
	attr_set(arena, disk, "DISK_TYPE", type);
}

/* NAME_<mode> of the datastore's template, else NAME. */
static const char *of_mode(const struct datastore *ds, struct arena *arena, const char *name, const char *mode)
{
	const char *value = *mode ? tmpl_text(ds->o.tmpl, arena_printf(arena, "%s_%s", name, mode)) : "";

	return *value ? value : tmpl_text(ds->o.tmpl, name);
}

static void set_target(const struct datastore *ds, struct attr *disk, struct arena *arena, const char *name, const char *mode)
{
	const char *value = of_mode(ds, arena, name, mode);

	if (*value && !*disk_text(disk, name))
		attr_set(arena, disk, name, value);
}

/* The format of a disk made from nothing: the datastore's own goes first; swap is raw. */
static void set_format(struct txn *t, const struct datastore *ds, struct attr *disk, struct arena *arena)
{
	const char *driver = datastore_driver(t, ds), *own = disk_text(disk, "FORMAT");

	if (!strcasecmp(disk_text(disk, "TYPE"), "SWAP"))
		driver = "raw";
	else if (!driver)
		driver = *own ? own : "raw";
	attr_set(arena, disk, "DRIVER", driver);
	attr_set(arena, disk, "FORMAT", driver);
}

enum one_rc datastore_disk_fill(struct txn *t, int ds_id, struct attr *disk, struct arena *arena)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ds_id);
	bool is_volatile = disk_is_volatile(disk);
	const char *mode, *type;
	char *trimmed;

	if (!ds)
		return txn_fail(t, ONE_ACTION, "Associated datastore for the image does not exist");
	attr_set(arena, disk, "DATASTORE", ds->o.name);
	attr_setf(arena, disk, "DATASTORE_ID", "%d", ds_id);
	attr_set(arena, disk, "TM_MAD", ds->tm_mad);
	attr_set(arena, disk, "CLUSTER_ID", secgroup_ids_format(&ds->clusters, arena));
	mode = disk_text(disk, "TM_MAD_SYSTEM");
	trimmed = list_next(arena, &mode, '\n');
	mode = trimmed ? text_upper(arena, trimmed) : "";
	set_target(ds, disk, arena, "CLONE_TARGET", mode);
	set_target(ds, disk, arena, "LN_TARGET", mode);
	settings_inherit(t, "INHERIT_DATASTORE_ATTR", ds->o.tmpl, disk, arena);
	type = *mode ? tmpl_text(ds->o.tmpl, arena_printf(arena, "DISK_TYPE_%s", mode)) : "";
	if (*type)
		disk_set_types(disk, arena, type);
	else if (!*mode && is_volatile && !*disk_text(disk, "DISK_TYPE"))
		attr_set(arena, disk, "DISK_TYPE", disk_type_name(ds->disk_type));
	if (is_volatile)
		set_format(t, ds, disk, arena);
	return ONE_OK;
}
