#include "oned/objects/image.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "oned/auth/quota_count.h"
#include "oned/objects/common.h"
#include "oned/objects/settings.h"
#include "oned/objects/snapshots.h"

static const char *const type_names[IMAGE_TYPES] = {
	[IMAGE_OS] = "OS", [IMAGE_CDROM] = "CDROM", [IMAGE_DATABLOCK] = "DATABLOCK", [IMAGE_KERNEL] = "KERNEL",
	[IMAGE_RAMDISK] = "RAMDISK", [IMAGE_CONTEXT] = "CONTEXT", [IMAGE_BACKUP] = "BACKUP",
};

const char *image_type_name(enum image_type type)
{
	return type_names[type];
}

enum image_type image_type_parse(const char *name)
{
	int i = 0;

	while (i < IMAGE_TYPES && strcasecmp(type_names[i], name) != 0)
		i++;
	return (enum image_type)i;
}

bool image_type_is_disk(enum image_type type)
{
	return type == IMAGE_OS || type == IMAGE_CDROM || type == IMAGE_DATABLOCK;
}

bool image_type_is_file(enum image_type type)
{
	return type == IMAGE_KERNEL || type == IMAGE_RAMDISK || type == IMAGE_CONTEXT;
}

/* ---- XML ---- */

static enum image_state load_state(const struct xnode *x, const char *name)
{
	long long n = xml_int(x, name, IMAGE_INIT);

	return n >= 0 && n < IMAGE_STATES ? (enum image_state)n : IMAGE_ERROR;
}

static void load_template(struct image *img, const struct xnode *x, const char *name, struct tmpl **out)
{
	const struct xnode *part = xml_child(x, name);

	*out = tmpl_new(&img->o.arena);
	if (part)
		tmpl_from_xml(*out, part);
}

static void load_numbers(struct image *img, const struct xnode *x)
{
	long long type = xml_int(x, "TYPE", IMAGE_OS);

	img->type = type >= 0 && type < IMAGE_TYPES ? (enum image_type)type : IMAGE_OS;
	img->disk_type = (enum disk_type)xml_int(x, "DISK_TYPE", DISK_FILE);
	img->persistent = xml_int(x, "PERSISTENT", 0) != 0;
	img->regtime = (time_t)xml_int(x, "REGTIME", 0);
	img->size_mb = xml_int(x, "SIZE", 0);
	img->state = load_state(x, "STATE");
	img->prev_state = load_state(x, "PREV_STATE");
	img->running_vms = (int)xml_int(x, "RUNNING_VMS", 0);
	img->cloning_ops = (int)xml_int(x, "CLONING_OPS", 0);
	img->cloning_id = (int)xml_int(x, "CLONING_ID", -1);
	img->target_snapshot = (int)xml_int(x, "TARGET_SNAPSHOT", -1);
	img->ds_id = (int)xml_int(x, "DATASTORE_ID", -1);
}

static enum one_rc image_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct image *img = (struct image *)o;

	(void)err;
	load_numbers(img, x);
	img->source = arena_strdup(&o->arena, xml_text_or(x, "SOURCE", ""));
	img->path = arena_strdup(&o->arena, xml_text_or(x, "PATH", ""));
	img->format = arena_strdup(&o->arena, xml_text_or(x, "FORMAT", ""));
	img->fs = arena_strdup(&o->arena, xml_text_or(x, "FS", ""));
	img->ds_name = arena_strdup(&o->arena, xml_text_or(x, "DATASTORE", ""));
	idset_load(&img->vms, &o->arena, xml_child(x, "VMS"));
	idset_load(&img->clones, &o->arena, xml_child(x, "CLONES"));
	idset_load(&img->app_clones, &o->arena, xml_child(x, "APP_CLONES"));
	idset_load(&img->backup_disks, &o->arena, xml_child(x, "BACKUP_DISK_IDS"));
	load_template(img, x, "SNAPSHOTS", &img->snapshots);
	load_template(img, x, "BACKUP_INCREMENTS", &img->increments);
	return ONE_OK;
}

/* From TYPE to DATASTORE. */
static void render_fields(const struct image *img, struct strbuf *out)
{
	xml_out_int(out, "TYPE", img->type);
	xml_out_int(out, "DISK_TYPE", img->disk_type);
	xml_out_int(out, "PERSISTENT", img->persistent);
	xml_out_int(out, "REGTIME", (long long)img->regtime);
	xml_out_text(out, "SOURCE", img->source);
	xml_out_text(out, "PATH", img->path);
	xml_out_text(out, "FORMAT", img->format);
	xml_out_text(out, "FS", img->fs);
	xml_out_int(out, "SIZE", img->size_mb);
	xml_out_int(out, "STATE", img->state);
	xml_out_int(out, "PREV_STATE", img->prev_state);
	xml_out_int(out, "RUNNING_VMS", img->running_vms);
	xml_out_int(out, "CLONING_OPS", img->cloning_ops);
	xml_out_int(out, "CLONING_ID", img->cloning_id);
	xml_out_int(out, "TARGET_SNAPSHOT", img->target_snapshot);
	xml_out_int(out, "DATASTORE_ID", img->ds_id);
	xml_out_text(out, "DATASTORE", img->ds_name);
}

static void image_render(const struct object *o, struct strbuf *out)
{
	const struct image *img = (const struct image *)o;

	xml_out_open(out, "IMAGE");
	obj_out_head(o, out);
	obj_out_lock(o, out);
	obj_out_permissions(o, out);
	render_fields(img, out);
	obj_out_ids(out, "VMS", img->vms.ids, img->vms.n);
	obj_out_ids(out, "CLONES", img->clones.ids, img->clones.n);
	obj_out_ids(out, "APP_CLONES", img->app_clones.ids, img->app_clones.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	tmpl_to_xml(img->snapshots, "SNAPSHOTS", out);
	tmpl_to_xml(img->increments, "BACKUP_INCREMENTS", out);
	obj_out_ids(out, "BACKUP_DISK_IDS", img->backup_disks.ids, img->backup_disks.n);
	xml_out_close(out, "IMAGE");
}

static void image_index(const struct object *o, struct obj_index *out)
{
	out->state = (int)((const struct image *)o)->state;
}

const struct obj_ops image_ops = {
	.type = OBJ_IMAGE, .token = "IMAGE", .word = "image", .root = "IMAGE", .pool_root = "IMAGE_POOL", .table = TABLE_IMAGE,
	.size = sizeof(struct image), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER | OBJ_F_ATTR_ONCE | OBJ_F_EVENTS,
	.load = image_load, .render = image_render, .index = image_index,
};

/* ---- looking ---- */

bool image_is_saving(const struct image *img)
{
	bool saving;

	return tmpl_get_bool(img->o.tmpl, "SAVE_AS", &saving) && saving;
}

bool image_has_snapshots(const struct image *img)
{
	return snapshots_any(img->snapshots);
}

bool image_event(struct txn *t, struct image *img, enum image_event event)
{
	enum image_state next = image_next_state(img->state, event, img->persistent);

	(void)t;
	if (next == IMAGE_STATES)
		return false;
	if (next != img->state)
		log_debug("ImM", "Image %d: %s -> %s", img->o.id, image_state_name(img->state), image_state_name(next));
	img->state = img->prev_state = next;
	return true;
}

bool image_copy_begin(struct txn *t, struct image *img, struct idset *of, int id)
{
	if (idset_has(of, id))
		return true;
	if (!image_event(t, img, IMAGE_EV_COPY_BEGIN))
		return false;
	idset_add(of, &img->o.arena, id);
	img->cloning_ops++;
	return true;
}

void image_copy_end(struct txn *t, struct image *img, struct idset *of, int id)
{
	if (!idset_del(of, id))
		return;
	if (img->cloning_ops > 0)
		img->cloning_ops--;
	if (!img->cloning_ops && !img->running_vms)
		image_event(t, img, IMAGE_EV_COPY_END);
}

/* ---- making ---- */

static enum one_rc check_place(struct txn *t, enum image_type type, enum ds_type ds_type)
{
	if (image_type_is_disk(type) && ds_type != DS_IMAGE)
		return txn_fail(t, ONE_INTERNAL, "Only IMAGES of type KERNEL, RAMDISK and CONTEXT can be registered in a FILE_DS datastore");
	if (image_type_is_file(type) && ds_type != DS_FILE)
		return txn_fail(t, ONE_INTERNAL, "IMAGES of type KERNEL, RAMDISK and CONTEXT cannot be registered in an IMAGE_DS datastore");
	if (type == IMAGE_BACKUP && ds_type != DS_BACKUP)
		return txn_fail(t, ONE_INTERNAL, "IMAGES of type BACKUP can only be registered in an BACKUP_DS datastore");
	return ONE_OK;
}

/* DEV_PREFIX for disks; files have none. */
static void take_prefix(struct txn *t, struct image *img)
{
	if (!image_type_is_disk(img->type)) {
		tmpl_remove(img->o.tmpl, "DEV_PREFIX");
		return;
	}
	if (!*tmpl_text(img->o.tmpl, "DEV_PREFIX"))
		tmpl_set(img->o.tmpl, "DEV_PREFIX",
			 img->type == IMAGE_CDROM ? settings_text(t, "DEFAULT_CDROM_DEVICE_PREFIX", "hd") :
						    settings_text(t, "DEFAULT_DEVICE_PREFIX", "hd"));
}

/* Where its contents come from, and so its format: a source that is there, a file to copy, or a new empty disk. */
static enum one_rc take_source(struct txn *t, struct image *img, const struct datastore *ds)
{
	const char *driver;

	if (image_is_saving(img)) {
		img->format = "save_as";
		return ONE_OK;
	}
	if (img->cloning_id >= 0)
		return ONE_OK;
	if (*img->source) {
		if (*img->path)
			return txn_fail(t, ONE_INTERNAL, "PATH and SOURCE cannot be both set.");
		return *img->format ? ONE_OK : txn_fail(t, ONE_INTERNAL, "SOURCE needs FORMAT to be set.");
	}
	if (img->type == IMAGE_BACKUP)
		return txn_fail(t, ONE_INTERNAL, "SOURCE cannot be empty for BACKUP images");
	if (*img->path) {
		img->format = ""; /* the driver says what it copied */
		return ONE_OK;
	}
	if (img->type != IMAGE_DATABLOCK && img->type != IMAGE_OS)
		return txn_fail(t, ONE_INTERNAL, "No PATH nor SOURCE in template.");
	driver = datastore_driver(t, ds);
	if (driver) {
		tmpl_set(img->o.tmpl, "DRIVER", driver);
		img->format = arena_strdup(&img->o.arena, driver);
	} else if (!*img->format) {
		img->format = "raw";
	}
	return ONE_OK;
}

struct tmpl *image_no_snapshots(struct arena *arena)
{
	struct tmpl *snapshots = tmpl_new(arena);

	tmpl_add(snapshots, "ALLOW_ORPHANS", "NO");
	tmpl_add(snapshots, "CURRENT_BASE", "-1");
	tmpl_add(snapshots, "NEXT_SNAPSHOT", "0");
	return snapshots;
}

static void empty_parts(struct image *img)
{
	img->snapshots = image_no_snapshots(&img->o.arena);
	img->increments = tmpl_new(&img->o.arena);
}

static void take_texts(struct image *img)
{
	long long size;

	if (value_int(tmpl_take(img->o.tmpl, "SIZE"), &size))
		img->size_mb = size;
	img->fs = tmpl_take(img->o.tmpl, "FS");
	tmpl_remove(img->o.tmpl, "DRIVER"); /* not the user's to set */
	img->path = tmpl_take(img->o.tmpl, "PATH");
	img->source = tmpl_take(img->o.tmpl, "SOURCE");
	img->format = tmpl_take(img->o.tmpl, "FORMAT");
	tmpl_remove(img->o.tmpl, "TM_MAD");
}

static enum image_type wanted_type(struct txn *t, const char *type)
{
	return image_type_parse(*type ? type : settings_text(t, "DEFAULT_IMAGE_TYPE", "OS"));
}

struct image *image_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, const struct datastore *ds, int cloning_id)
{
	struct image *img = txn_new(t, OBJ_IMAGE);
	struct datastore *place;
	const char *type, *persistent;

	if (!img)
		return NULL;
	object_take(&img->o, owner, tmpl);
	type = tmpl_take(img->o.tmpl, "TYPE");
	img->type = wanted_type(t, type);
	if (obj_check_name(tmpl_text(img->o.tmpl, "NAME"), &t->err))
		return NULL;
	/* What is no type counts as a disk here, and is named below. */
	if (check_place(t, img->type == IMAGE_TYPES ? IMAGE_OS : img->type, ds->type) ||
	    object_name_of_template(t, &img->o, "IMAGE"))
		return NULL;
	if (img->type == IMAGE_TYPES) {
		txn_fail(t, ONE_INTERNAL, "Unknown type ");
		return txn_keep_first_id(t, &img->o);
	}
	img->regtime = t->now;
	img->state = IMAGE_LOCKED;
	img->prev_state = IMAGE_LOCKED;
	img->ds_id = ds->o.id;
	img->ds_name = arena_strdup(&img->o.arena, ds->o.name);
	img->disk_type = ds->disk_type;
	img->cloning_id = cloning_id;
	img->target_snapshot = -1;
	persistent = tmpl_take(img->o.tmpl, "PERSISTENT");
	img->persistent = img->type == IMAGE_BACKUP || (image_type_is_disk(img->type) && !strcasecmp(persistent, "YES"));
	empty_parts(img);
	take_prefix(t, img);
	take_texts(img);
	if (take_source(t, img, ds))
		return txn_keep_first_id(t, &img->o);
	place = txn_edit(t, OBJ_DATASTORE, ds->o.id);
	if (!place)
		return NULL;
	idset_add(&place->images, &place->o.arena, img->o.id);
	return img;
}

/* ---- quotas ---- */

static enum one_rc add_or_del(struct txn *t, int uid, int gid, int ds_id, long long size_mb, int images, bool add, bool check)
{
	const struct quota_amount amounts[] = { { "SIZE", (double)size_mb }, { "IMAGES", images } };

	if (add)
		return quota_add(t, uid, gid, QUOTA_DATASTORE, ds_id, amounts, 2, check);
	quota_del(t, uid, gid, QUOTA_DATASTORE, ds_id, amounts, 2);
	return ONE_OK;
}

static long long total_mb(const struct image *img)
{
	return img->size_mb + snapshots_total_mb(img->snapshots);
}

static enum one_rc count(struct txn *t, int uid, int gid, const struct image *img, bool add)
{
	return add_or_del(t, uid, gid, img->ds_id, total_mb(img), 1, add, true);
}

void image_quota_count(struct txn *t, const struct image *img)
{
	add_or_del(t, img->o.uid, img->o.gid, img->ds_id, total_mb(img), 1, true, false);
}

enum one_rc image_quota_add(struct txn *t, int uid, int gid, int ds_id, long long size_mb, int images)
{
	return add_or_del(t, uid, gid, ds_id, size_mb, images, true, true);
}

enum one_rc image_quota_move(struct txn *t, const struct image *img, int old_uid, int old_gid)
{
	int uid = img->o.uid == old_uid ? -1 : img->o.uid, gid = img->o.gid == old_gid ? -1 : img->o.gid;

	count(t, uid, gid, img, true);
	if (txn_ok(t))
		count(t, uid < 0 ? -1 : old_uid, gid < 0 ? -1 : old_gid, img, false);
	return t->err.rc;
}

void image_quota_shrink(struct txn *t, const struct image *img, long long by_mb)
{
	if (by_mb > 0)
		add_or_del(t, img->o.uid, img->o.gid, img->ds_id, by_mb, 0, false, false);
	else if (by_mb < 0)
		add_or_del(t, img->o.uid, img->o.gid, img->ds_id, -by_mb, 0, true, false);
}

void image_drop(struct txn *t, struct image *img)
{
	struct datastore *ds = txn_exists(t, OBJ_DATASTORE, img->ds_id) ? txn_edit(t, OBJ_DATASTORE, img->ds_id) : NULL;

	if (ds)
		idset_del(&ds->images, img->o.id);
	count(t, img->o.uid, img->o.gid, img, false);
	txn_delete(t, &img->o);
}

/* ---- changing ---- */

enum one_rc image_set_type(struct txn *t, struct image *img, const char *name)
{
	enum image_type type = wanted_type(t, name);

	if (img->type == IMAGE_BACKUP)
		return txn_fail(t, ONE_ACTION, "Cannot change type for BACKUP images.");
	if (type == IMAGE_BACKUP || (type != IMAGE_TYPES && image_type_is_disk(type) != image_type_is_disk(img->type)))
		return txn_fail(t, ONE_ACTION, "Cannot change image type to an incompatible type for the current datastore.");
	if (image_has_snapshots(img) && type != IMAGE_OS && type != IMAGE_DATABLOCK)
		return txn_fail(t, ONE_INTERNAL, "Image with snapshots can be only of type OS or DATABLOCK");
	if (type == IMAGE_TYPES)
		return txn_fail(t, ONE_INTERNAL, "Unknown type %s", text_upper(t->arena, name));
	img->type = type;
	return ONE_OK;
}

/* The states in which nobody relies on it being what it is. */
static bool may_change_persistence(const struct image *img)
{
	switch (img->state) {
	case IMAGE_INIT:
	case IMAGE_READY:
	case IMAGE_DISABLED:
	case IMAGE_LOCKED:
	case IMAGE_ERROR:
	case IMAGE_DELETE:
		return true;
	case IMAGE_USED:
	case IMAGE_CLONE:
	case IMAGE_USED_PERS:
	case IMAGE_LOCKED_USED:
	case IMAGE_LOCKED_USED_PERS:
	case IMAGE_STATES:
		break;
	}
	return false;
}

enum one_rc image_set_persistent(struct txn *t, struct image *img, bool persistent)
{
	if (image_has_snapshots(img) && !persistent)
		return txn_fail(t, ONE_INTERNAL, "Could not make image non-persistent: Image has snapshots.");
	if (!may_change_persistence(img))
		return txn_fail(t, ONE_INTERNAL, "Could not make image %spersistent: Image cannot be in state %s.", persistent ? "" : "non-",
				image_state_name(img->state));
	img->persistent = persistent;
	return ONE_OK;
}

struct tmpl *image_clone_template(struct txn *t, const struct image *img, const char *name)
{
	struct tmpl *copy = tmpl_copy(t->arena, img->o.tmpl);

	tmpl_set(copy, "NAME", name);
	tmpl_set(copy, "TYPE", image_type_name(img->type));
	tmpl_set(copy, "PATH", img->source);
	tmpl_set(copy, "FORMAT", img->format);
	tmpl_setf(copy, "SIZE", "%lld", img->size_mb);
	tmpl_set(copy, "PERSISTENT", img->persistent ? "YES" : "NO");
	tmpl_remove(copy, "VCENTER_IMPORTED");
	return copy;
}
