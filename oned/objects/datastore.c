#include "oned/objects/datastore.h"

#include <string.h>
#include <strings.h>

#include "oned/objects/cluster.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/settings.h"
#include "oned/objects/vdc.h"

static const char *const type_names[DS_TYPES] = {
	[DS_IMAGE] = "IMAGE_DS", [DS_SYSTEM] = "SYSTEM_DS", [DS_FILE] = "FILE_DS", [DS_BACKUP] = "BACKUP_DS",
};

static const struct { enum disk_type type; const char *name; } disk_types[] = {
	{ DISK_FILE, "FILE" }, { DISK_CDROM, "CDROM" }, { DISK_BLOCK, "BLOCK" }, { DISK_RBD, "RBD" }, { DISK_RBD_CDROM, "RBD_CDROM" },
	{ DISK_GLUSTER, "GLUSTER" }, { DISK_GLUSTER_CDROM, "GLUSTER_CDROM" }, { DISK_SHEEPDOG, "SHEEPDOG" },
	{ DISK_SHEEPDOG_CDROM, "SHEEPDOG_CDROM" }, { DISK_ISCSI, "ISCSI" },
};

#define N_DISK_TYPES (sizeof(disk_types) / sizeof(disk_types[0]))

const char *ds_type_name(enum ds_type type)
{
	return type_names[type];
}

const char *disk_type_name(enum disk_type type)
{
	for (size_t i = 0; i < N_DISK_TYPES; i++)
		if (disk_types[i].type == type)
			return disk_types[i].name;
	return "";
}

enum disk_type disk_type_parse(const char *name)
{
	for (size_t i = 0; i < N_DISK_TYPES; i++)
		if (!strcasecmp(disk_types[i].name, name))
			return disk_types[i].type;
	return DISK_NONE;
}

/* Whatever is no type is an image datastore, as OpenNebula has it. */
static enum ds_type parse_type(const char *name)
{
	for (int i = 0; i < DS_TYPES; i++)
		if (!strcasecmp(type_names[i], name))
			return (enum ds_type)i;
	return DS_IMAGE;
}

/* ---- XML ---- */

static enum one_rc datastore_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct datastore *ds = (struct datastore *)o;
	long long type = xml_int(x, "TYPE", DS_IMAGE);

	(void)err;
	ds->ds_mad = arena_strdup(&o->arena, xml_text_or(x, "DS_MAD", ""));
	ds->tm_mad = arena_strdup(&o->arena, xml_text_or(x, "TM_MAD", ""));
	ds->base_path = arena_strdup(&o->arena, xml_text_or(x, "BASE_PATH", ""));
	ds->type = type >= 0 && type < DS_TYPES ? (enum ds_type)type : DS_IMAGE;
	ds->disk_type = (enum disk_type)xml_int(x, "DISK_TYPE", DISK_FILE);
	ds->state = xml_int(x, "STATE", DS_READY) == DS_DISABLED ? DS_DISABLED : DS_READY;
	idset_load(&ds->clusters, &o->arena, xml_child(x, "CLUSTERS"));
	idset_load(&ds->images, &o->arena, xml_child(x, "IMAGES"));
	ds->total_mb = xml_int(x, "TOTAL_MB", 0);
	ds->free_mb = xml_int(x, "FREE_MB", 0);
	ds->used_mb = xml_int(x, "USED_MB", 0);
	return ONE_OK;
}

static void datastore_render(const struct object *o, struct strbuf *out)
{
	const struct datastore *ds = (const struct datastore *)o;

	xml_out_open(out, "DATASTORE");
	obj_out_head(o, out);
	obj_out_permissions(o, out);
	xml_out_text(out, "DS_MAD", ds->ds_mad);
	xml_out_text(out, "TM_MAD", ds->tm_mad);
	xml_out_text(out, "BASE_PATH", ds->base_path);
	xml_out_int(out, "TYPE", ds->type);
	xml_out_int(out, "DISK_TYPE", ds->disk_type);
	xml_out_int(out, "STATE", ds->state);
	obj_out_ids(out, "CLUSTERS", ds->clusters.ids, ds->clusters.n);
	xml_out_int(out, "TOTAL_MB", ds->total_mb);
	xml_out_int(out, "FREE_MB", ds->free_mb);
	xml_out_int(out, "USED_MB", ds->used_mb);
	obj_out_ids(out, "IMAGES", ds->images.ids, ds->images.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "DATASTORE");
}

static void datastore_index(const struct object *o, struct obj_index *out)
{
	const struct datastore *ds = (const struct datastore *)o;

	out->state = (int)ds->state;
	out->clusters = ds->clusters.ids;
	out->n_clusters = ds->clusters.n;
}

const struct obj_ops datastore_ops = {
	.type = OBJ_DATASTORE, .token = "DATASTORE", .word = "datastore", .root = "DATASTORE", .pool_root = "DATASTORE_POOL",
	.table = TABLE_DATASTORE, .size = sizeof(struct datastore), .flags = OBJ_F_OWNED | OBJ_F_NAME_GLOBAL | OBJ_F_SYSTEM100,
	.load = datastore_load, .render = datastore_render, .index = datastore_index,
};

/* ---- what its drivers want of it ---- */

/* NONE, SELF or SYSTEM in upper case; NULL: missing or something else. */
static const char *target(struct arena *arena, const struct attr *conf, const char *name)
{
	const char *value = attr_get(conf, name);

	value = value ? text_upper(arena, value) : "";
	return !strcmp(value, "NONE") || !strcmp(value, "SELF") || !strcmp(value, "SYSTEM") ? value : NULL;
}

static bool copy_target(struct datastore *ds, const struct attr *conf, const char *name)
{
	const char *value = target(&ds->o.arena, conf, name);

	if (value)
		tmpl_set(ds->o.tmpl, name, value);
	return value != NULL;
}

static void copy_text(struct datastore *ds, const struct attr *conf, const char *name)
{
	const char *value = attr_get(conf, name);

	if (value && *value)
		tmpl_set(ds->o.tmpl, name, value);
}

/* The targets for system datastores of other drivers: LN_TARGET_SSH... for each of TM_MAD_SYSTEM. */
static bool copy_modes(struct datastore *ds, const struct attr *conf)
{
	const char *modes = attr_get(conf, "TM_MAD_SYSTEM"), *item;
	struct arena *a = &ds->o.arena;

	if (!modes || !*modes)
		return true;
	tmpl_set(ds->o.tmpl, "TM_MAD_SYSTEM", modes);
	while ((item = list_next(a, &modes, ','))) {
		const char *mode = text_upper(a, item), *type = arena_printf(a, "DISK_TYPE_%s", mode);

		if (!copy_target(ds, conf, arena_printf(a, "LN_TARGET_%s", mode)) ||
		    !copy_target(ds, conf, arena_printf(a, "CLONE_TARGET_%s", mode)) || !attr_get(conf, type))
			return false;
		copy_text(ds, conf, type);
	}
	return true;
}

static bool take_system_conf(struct datastore *ds, const struct attr *conf)
{
	bool shared, migrate;

	if (!attr_get_bool(conf, "SHARED", &shared))
		return false;
	if (!attr_get_bool(conf, "DS_MIGRATE", &migrate))
		migrate = true;
	tmpl_set(ds->o.tmpl, "SHARED", shared ? "YES" : "NO");
	tmpl_set(ds->o.tmpl, "DS_MIGRATE", migrate ? "YES" : "NO");
	tmpl_remove(ds->o.tmpl, "LN_TARGET");
	tmpl_remove(ds->o.tmpl, "CLONE_TARGET");
	return true;
}

static bool take_image_conf(struct datastore *ds, const struct attr *conf)
{
	if (!copy_modes(ds, conf) || !copy_target(ds, conf, "LN_TARGET") || !copy_target(ds, conf, "CLONE_TARGET"))
		return false;
	copy_text(ds, conf, "DRIVER");
	copy_text(ds, conf, "DISK_TYPE");
	tmpl_remove(ds->o.tmpl, "SHARED");
	return true;
}

/* What TM_MAD_CONF says of the driver goes into the template. */
static enum one_rc take_tm_mad(struct txn *t, struct datastore *ds, const char *tm_mad)
{
	const struct attr *conf = settings_named(t, "TM_MAD_CONF", tm_mad);
	const char *orphans;

	if (!*tm_mad)
		return txn_fail(t, ONE_INTERNAL, "No TM_MAD in template.");
	if (!conf)
		return txn_fail(t, ONE_INTERNAL, "TM_MAD named \"%s\" is not defined in oned.conf", tm_mad);
	if (!(ds->type == DS_SYSTEM ? take_system_conf(ds, conf) : take_image_conf(ds, conf)))
		return txn_fail(t, ONE_INTERNAL, "Attribute shared, ln_target or clone_target in TM_MAD_CONF for %s is missing or has wrong "
				"value in oned.conf", tm_mad);
	orphans = attr_get(conf, "ALLOW_ORPHANS");
	tmpl_set(ds->o.tmpl, "ALLOW_ORPHANS", orphans ? orphans : "NO");
	return ONE_OK;
}

/* The attributes that DS_MAD_CONF requires are there. */
static enum one_rc check_ds_mad(struct txn *t, const struct datastore *ds)
{
	const struct attr *conf;
	const char *list, *item;

	if (ds->type == DS_SYSTEM)
		return ONE_OK;
	conf = settings_named(t, "DS_MAD_CONF", ds->ds_mad);
	if (!conf)
		return txn_fail(t, ONE_INTERNAL, "DS_MAD named \"%s\" is not defined in oned.conf", ds->ds_mad);
	list = attr_get(conf, "REQUIRED_ATTRS");
	while ((item = list_next(t->arena, &list, ','))) {
		const char *name = text_upper(t->arena, item);

		if (*name && !*tmpl_text(ds->o.tmpl, name))
			return txn_fail(t, ONE_INTERNAL, "Datastore template is missing the \"%s\" attribute or it's empty.", name);
	}
	return ONE_OK;
}

static enum one_rc take_disk_type(struct txn *t, struct datastore *ds, const char *name)
{
	static const enum disk_type image[] = { DISK_FILE, DISK_BLOCK, DISK_ISCSI, DISK_RBD, DISK_GLUSTER, DISK_SHEEPDOG };
	static const enum disk_type system[] = { DISK_FILE, DISK_RBD, DISK_BLOCK };
	const enum disk_type *fit = ds->type == DS_SYSTEM ? system : image;
	size_t n = ds->type == DS_SYSTEM ? 3 : 6, i = 0;
	enum disk_type type = *name ? disk_type_parse(name) : DISK_FILE;

	if (ds->type == DS_FILE || ds->type == DS_BACKUP) {
		ds->disk_type = DISK_FILE;
		return ONE_OK;
	}
	if (type == DISK_NONE)
		return txn_fail(t, ONE_INTERNAL, "Unknown DISK_TYPE in template.");
	while (i < n && fit[i] != type)
		i++;
	if (i == n)
		return txn_fail(t, ONE_INTERNAL, "Invalid DISK_TYPE for %s Datastore.", ds->type == DS_SYSTEM ? "a System" : "an Image");
	ds->disk_type = type;
	tmpl_set(ds->o.tmpl, "DISK_TYPE", disk_type_name(type));
	return ONE_OK;
}

/* ---- making, changing, deleting ---- */

const char *datastore_base_path(struct txn *t, struct arena *arena, int id)
{
	const char *location = settings_text(t, "DATASTORE_LOCATION", "/var/lib/one/datastores");
	size_t len = strlen(location);

	return arena_printf(arena, "%s%s%d", location, len && location[len - 1] == '/' ? "" : "/", id);
}

static enum one_rc take_mads(struct txn *t, struct datastore *ds)
{
	ds->ds_mad = tmpl_text(ds->o.tmpl, "DS_MAD");
	ds->tm_mad = tmpl_text(ds->o.tmpl, "TM_MAD");
	if (ds->type == DS_SYSTEM && *ds->ds_mad)
		return txn_fail(t, ONE_INTERNAL, "SYSTEM datastores cannot have DS_MAD defined.");
	if (ds->type == DS_SYSTEM)
		ds->ds_mad = "-";
	else if (!*ds->ds_mad)
		return txn_fail(t, ONE_INTERNAL, "No DS_MAD in template.");
	if (check_ds_mad(t, ds))
		return t->err.rc;
	if (ds->type != DS_BACKUP)
		return take_tm_mad(t, ds, ds->tm_mad);
	ds->tm_mad = "-";
	return ONE_OK;
}

static void default_dirs(struct datastore *ds)
{
	if (*tmpl_text(ds->o.tmpl, "SAFE_DIRS") || *tmpl_text(ds->o.tmpl, "RESTRICTED_DIRS"))
		return;
	tmpl_set(ds->o.tmpl, "SAFE_DIRS", "/var/tmp");
	tmpl_set(ds->o.tmpl, "RESTRICTED_DIRS", "/");
}

struct datastore *datastore_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, const int *clusters, int n_clusters)
{
	struct datastore *ds = txn_new(t, OBJ_DATASTORE);
	const char *disk_type;

	if (!ds)
		return NULL;
	object_take(&ds->o, owner, tmpl);
	ds->o.perm |= PERM_GROUP_U;
	if (object_name_of_template(t, &ds->o, "DATASTORE"))
		return NULL;
	ds->type = parse_type(tmpl_text(ds->o.tmpl, "TYPE"));
	disk_type = arena_strdup(&ds->o.arena, tmpl_text(ds->o.tmpl, "DISK_TYPE"));
	if (take_mads(t, ds))
		return NULL;
	tmpl_remove(ds->o.tmpl, "BASE_PATH");
	ds->base_path = datastore_base_path(t, &ds->o.arena, ds->o.id);
	/* The driver's own type goes before the user's. */
	disk_type = *tmpl_text(ds->o.tmpl, "DISK_TYPE") ? tmpl_take(ds->o.tmpl, "DISK_TYPE") : disk_type;
	if (take_disk_type(t, ds, disk_type))
		return NULL;
	default_dirs(ds);
	for (int i = 0; i < n_clusters; i++)
		idset_add(&ds->clusters, &ds->o.arena, clusters[i]);
	cluster_join(t, OBJ_DATASTORE, ds->o.id, clusters, n_clusters);
	return txn_ok(t) ? ds : NULL;
}

enum one_rc datastore_delete(struct txn *t, struct datastore *ds)
{
	if (ds->images.n)
		return txn_fail(t, ONE_ACTION, "Datastore %d is not empty.", ds->o.id);
	cluster_forget(t, OBJ_DATASTORE, ds->o.id, ds->clusters.ids, ds->clusters.n);
	vdc_resource_deleted(t, VDC_DATASTORE, ds->o.id);
	txn_delete(t, &ds->o);
	return t->err.rc;
}

static void forget_monitoring(struct datastore *ds)
{
	ds->total_mb = ds->free_mb = ds->used_mb = 0;
}

/* System datastores are monitored through the TM_MAD, the others through the DS_MAD: with another one the numbers are void. */
static enum one_rc change_mads(struct txn *t, struct datastore *ds)
{
	const char *tm_mad = tmpl_text(ds->o.tmpl, "TM_MAD"), *ds_mad = tmpl_text(ds->o.tmpl, "DS_MAD");

	if (*tm_mad && ds->type != DS_BACKUP) {
		if (ds->type == DS_SYSTEM && strcmp(tm_mad, ds->tm_mad) != 0)
			forget_monitoring(ds);
		if (take_tm_mad(t, ds, tm_mad))
			return t->err.rc;
		ds->tm_mad = tm_mad;
	} else {
		tmpl_set(ds->o.tmpl, "TM_MAD", ds->tm_mad);
	}
	if (ds->type == DS_SYSTEM) {
		ds->ds_mad = "-";
		tmpl_remove(ds->o.tmpl, "DS_MAD");
	} else if (!*ds_mad) {
		tmpl_set(ds->o.tmpl, "DS_MAD", ds->ds_mad);
	} else if (strcmp(ds_mad, ds->ds_mad) != 0) {
		ds->ds_mad = ds_mad;
		forget_monitoring(ds);
	}
	return check_ds_mad(t, ds);
}

enum one_rc datastore_template_changed(struct txn *t, struct datastore *ds)
{
	const char *type, *disk_type;

	if (!txn_ok(t))
		return t->err.rc;
	type = tmpl_text(ds->o.tmpl, "TYPE");
	if (ds->o.id == DATASTORE_SYSTEM)
		ds->type = DS_SYSTEM;
	else if (*type && ds->type != DS_BACKUP)
		ds->type = parse_type(type);
	tmpl_set(ds->o.tmpl, "TYPE", ds_type_name(ds->type));
	disk_type = tmpl_take(ds->o.tmpl, "DISK_TYPE");
	if (*disk_type && take_disk_type(t, ds, disk_type))
		return t->err.rc;
	return change_mads(t, ds);
}

void datastore_renamed(struct txn *t, const struct datastore *ds)
{
	for (int i = 0; i < ds->images.n; i++) {
		struct image *img = txn_exists(t, OBJ_IMAGE, ds->images.ids[i]) ? txn_edit(t, OBJ_IMAGE, ds->images.ids[i]) : NULL;

		if (img)
			img->ds_name = arena_strdup(&img->o.arena, ds->o.name);
	}
}

/* ---- looking ---- */

long long datastore_available_mb(struct txn *t, const struct datastore *ds, bool *check)
{
	long long limit, available = ds->free_mb;

	if (tmpl_get_int(ds->o.tmpl, "LIMIT_MB", &limit))
		available = limit - ds->used_mb;
	if (!tmpl_get_bool(ds->o.tmpl, "DATASTORE_CAPACITY_CHECK", check))
		*check = settings_bool(t, "DATASTORE_CAPACITY_CHECK", true);
	return available < 0 ? 0 : available;
}

bool datastore_persistent_only(struct txn *t, const struct datastore *ds)
{
	const struct attr *conf = settings_named(t, "DS_MAD_CONF", ds->ds_mad);
	bool only;

	return conf && attr_get_bool(conf, "PERSISTENT_ONLY", &only) && only;
}

const char *datastore_driver(struct txn *t, const struct datastore *ds)
{
	const struct attr *conf = settings_named(t, "TM_MAD_CONF", ds->tm_mad);
	const char *driver = conf ? attr_get(conf, "DRIVER") : NULL;

	if (!driver || !*driver)
		driver = tmpl_text(ds->o.tmpl, "DRIVER");
	return *driver ? driver : NULL;
}

bool datastore_shared(const struct datastore *ds)
{
	bool shared;

	return tmpl_get_bool(ds->o.tmpl, "SHARED", &shared) && shared;
}

/* ---- the first start ---- */

enum one_rc datastore_bootstrap(struct txn *t)
{
	static const char *const texts[] = {
		"NAME = \"system\"\nTYPE = \"SYSTEM_DS\"\nTM_MAD = \"ssh\"\n",
		"NAME = \"default\"\nTYPE = \"IMAGE_DS\"\nDS_MAD = \"fs\"\nTM_MAD = \"ssh\"\n",
		"NAME = \"files\"\nTYPE = \"FILE_DS\"\nDS_MAD = \"fs\"\nTM_MAD = \"ssh\"\n",
	};
	struct object owner = { 0 };
	int cluster = CLUSTER_DEFAULT;

	object_owner_oneadmin(t, &owner, PERM_OWNER_U | PERM_OWNER_M | PERM_GROUP_U);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && txn_ok(t); i++) {
		struct tmpl *tmpl = tmpl_new(t->arena);

		if (!tmpl_parse(tmpl, texts[i], &t->err))
			datastore_create(t, &owner, tmpl, &cluster, 1);
	}
	txn_reserve_ids(t, OBJ_DATASTORE, 99);
	return t->err.rc;
}
