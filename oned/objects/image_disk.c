/* Images as disks of VMs: taking them into use, what a DISK gets from them, giving them back. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/settings.h"
#include "oned/objects/snapshots.h"

static const char *disk_text(const struct attr *disk, const char *name)
{
	const char *value = attr_get(disk, name);

	return value ? value : "";
}

/* ---- which image ---- */

/* Whose image a DISK with IMAGE names; -1: nobody known. */
static int image_owner(struct txn *t, const struct identity *who, const struct attr *disk)
{
	const char *uid = disk_text(disk, "IMAGE_UID"), *uname = disk_text(disk, "IMAGE_UNAME");
	long long id;

	if (*uid)
		return value_int(uid, &id) && id >= 0 && id <= INT32_MAX ? (int)id : -1;
	return *uname ? txn_find(t, OBJ_USER, uname, -1) : who->uid;
}

/* -1 with *why (in the transaction's memory) when what is named isn't there; *named: an image is named at all. */
static int find_image(struct txn *t, const struct identity *who, const struct attr *disk, bool *named, const char **why)
{
	const char *name = disk_text(disk, "IMAGE");
	long long id;
	int uid, found;

	*named = true;
	if (attr_get_int(disk, "IMAGE_ID", &id)) {
		*why = arena_printf(t->arena, "Image with ID: %lld does not exist", id);
		return id >= 0 && id <= INT32_MAX && txn_exists(t, OBJ_IMAGE, (int)id) ? (int)id : -1;
	}
	if (!attr_get(disk, "IMAGE")) {
		*named = false;
		return -1;
	}
	uid = image_owner(t, who, disk);
	found = uid >= 0 ? txn_find(t, OBJ_IMAGE, name, uid) : -1;
	*why = arena_printf(t->arena, "User %d does not own an image with name: %s . Set IMAGE_UNAME or IMAGE_UID of owner in DISK.",
			    uid >= 0 ? uid : who->uid, name);
	return found;
}

int image_disk_id(struct txn *t, const struct identity *who, const struct attr *disk)
{
	const char *why;
	bool named;

	return find_image(t, who, disk, &named, &why);
}

/* ---- taking ---- */

static bool in_use_alone(const struct image *img)
{
	return (img->state == IMAGE_USED_PERS || img->state == IMAGE_LOCKED_USED_PERS) &&
	       strcasecmp(tmpl_text(img->o.tmpl, "PERSISTENT_TYPE"), "SHAREABLE") != 0;
}

static bool is_locked(const struct image *img)
{
	return img->state == IMAGE_LOCKED || img->state == IMAGE_LOCKED_USED || img->state == IMAGE_LOCKED_USED_PERS;
}

static enum one_rc take_image(struct txn *t, struct image *img, int vm_id, bool attach)
{
	int id = img->o.id;

	if (!image_type_is_disk(img->type))
		return txn_fail(t, ONE_ACTION, "Image %d (%s) of type %s cannot be used as DISK.", id, img->o.name,
				image_type_name(img->type));
	if (in_use_alone(img))
		return txn_fail(t, ONE_ACTION, "Cannot acquire image %d, it is persistent and already in use", id);
	if (attach && is_locked(img))
		return txn_fail(t, ONE_ACTION, "Cannot acquire image %d, it is locked", id);
	if (!image_event(t, img, IMAGE_EV_ACQUIRE))
		return txn_fail(t, ONE_ACTION, "Cannot acquire image %d, it is in state: %s", id, image_state_name(img->state));
	if (idset_add(&img->vms, &img->o.arena, vm_id))
		img->running_vms++;
	return ONE_OK;
}

static enum one_rc check_size(struct txn *t, const struct image *img, const struct attr *disk)
{
	long long size;

	if (!attr_get_int(disk, "SIZE", &size))
		return ONE_OK;
	if (img->persistent && size != img->size_mb)
		return txn_fail(t, ONE_ACTION, "SIZE attribute is not supported for persistent image [%d].", img->o.id);
	if (img->type == IMAGE_CDROM && size != img->size_mb)
		return txn_fail(t, ONE_ACTION, "SIZE attribute is not supported for CDROM image [%d].", img->o.id);
	if (size < img->size_mb)
		return txn_fail(t, ONE_ACTION, "SIZE of %lldMB is less than the image [%d] size of %lldMB.", size, img->o.id, img->size_mb);
	return ONE_OK;
}

/* A disk made for the VM: swap or an empty file system. */
static enum one_rc check_volatile(struct txn *t, struct attr *disk, struct arena *arena)
{
	long long size;

	if (!disk_is_volatile(disk))
		return txn_fail(t, ONE_ACTION, "Unknown disk type %s", text_upper(arena, disk_text(disk, "TYPE")));
	if (!attr_get_int(disk, "SIZE", &size) || size <= 0)
		return txn_fail(t, ONE_ACTION, "SIZE attribute must be a positive integer value.");
	if (!*disk_text(disk, "DEV_PREFIX"))
		attr_set(arena, disk, "DEV_PREFIX", settings_text(t, "DEFAULT_DEVICE_PREFIX", "hd"));
	return ONE_OK;
}

/* ---- filling the DISK ---- */

static const char *device_prefix(struct txn *t, const struct image *img, const struct attr *disk)
{
	const char *prefix = disk_text(disk, "DEV_PREFIX");

	if (!*prefix)
		prefix = tmpl_text(img->o.tmpl, "DEV_PREFIX");
	if (*prefix)
		return prefix;
	return img->type == IMAGE_CDROM ? settings_text(t, "DEFAULT_CDROM_DEVICE_PREFIX", "hd") :
					  settings_text(t, "DEFAULT_DEVICE_PREFIX", "hd");
}

static void fill_format(const struct image *img, struct attr *disk, struct arena *arena)
{
	char *format = arena_strdup(arena, img->format);

	if (!*format) {
		attr_remove(disk, "DRIVER");
		attr_remove(disk, "FORMAT");
		return;
	}
	for (char *c = format; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	attr_set(arena, disk, "DRIVER", format);
	attr_set(arena, disk, "FORMAT", format);
}

/* What may be written, and where it goes. */
static void fill_access(const struct image *img, struct attr *disk, struct arena *arena)
{
	const char *shape = tmpl_text(img->o.tmpl, "PERSISTENT_TYPE");
	bool readonly;

	if (img->type == IMAGE_CDROM || !strcasecmp(shape, "IMMUTABLE")) {
		attr_set(arena, disk, "SAVE", "NO");
		attr_set(arena, disk, "CLONE", "NO");
		attr_set(arena, disk, "READONLY", "YES");
		return;
	}
	if (!attr_get(disk, "READONLY")) {
		if (!tmpl_get_bool(img->o.tmpl, "READONLY", &readonly))
			readonly = false;
		attr_set(arena, disk, "READONLY", readonly ? "YES" : "NO");
	}
	attr_set(arena, disk, "CLONE", img->persistent ? "NO" : "YES");
	attr_set(arena, disk, "SAVE", img->persistent ? "YES" : "NO");
	if (!img->persistent)
		return;
	attr_set(arena, disk, "PERSISTENT", "YES");
	if (!strcasecmp(shape, "SHAREABLE") && !strcasecmp(img->format, "raw"))
		attr_set(arena, disk, "SHAREABLE", "YES");
}

/* How the hypervisor sees it: a CD stays one on any kind of storage. */
static const char *shown_type(const struct image *img)
{
	if (img->type != IMAGE_CDROM)
		return disk_type_name(img->disk_type);
	if (img->disk_type == DISK_RBD)
		return disk_type_name(DISK_RBD_CDROM);
	if (img->disk_type == DISK_SHEEPDOG)
		return disk_type_name(DISK_SHEEPDOG_CDROM);
	return disk_type_name(img->disk_type == DISK_GLUSTER ? DISK_GLUSTER_CDROM : DISK_CDROM);
}

static void fill_disk(struct txn *t, const struct image *img, struct attr *disk, struct arena *arena)
{
	const char *target = tmpl_text(img->o.tmpl, "TARGET");

	attr_set(arena, disk, "DEV_PREFIX", device_prefix(t, img, disk));
	attr_set(arena, disk, "IMAGE", img->o.name);
	attr_setf(arena, disk, "IMAGE_ID", "%d", img->o.id);
	attr_set(arena, disk, "SOURCE", img->source);
	attr_setf(arena, disk, "ORIGINAL_SIZE", "%lld", img->size_mb);
	if (!*disk_text(disk, "SIZE"))
		attr_setf(arena, disk, "SIZE", "%lld", img->size_mb);
	attr_setf(arena, disk, "DISK_SNAPSHOT_TOTAL_SIZE", "%lld", snapshots_total_mb(img->snapshots));
	fill_format(img, disk, arena);
	attr_setf(arena, disk, "IMAGE_STATE", "%d", (int)img->state);
	fill_access(img, disk, arena);
	if (is_locked(img))
		attr_set(arena, disk, "CLONING", "YES");
	else
		attr_remove(disk, "CLONING");
	attr_set(arena, disk, "TYPE", shown_type(img));
	if (*target && !*disk_text(disk, "TARGET"))
		attr_set(arena, disk, "TARGET", target);
	settings_inherit(t, "INHERIT_IMAGE_ATTR", img->o.tmpl, disk, arena);
}

enum one_rc image_disk_acquire(struct txn *t, const struct identity *who, struct attr *disk, struct arena *arena, int vm_id,
			       const char *tm_mad_system, bool attach, const struct tmpl **snapshots)
{
	const char *why = NULL;
	struct image *img;
	bool named;
	int id;

	if (snapshots)
		*snapshots = NULL;
	if (!txn_ok(t))
		return t->err.rc;
	if (tm_mad_system && *tm_mad_system)
		attr_set(arena, disk, "TM_MAD_SYSTEM", tm_mad_system);
	else
		attr_remove(disk, "TM_MAD_SYSTEM");
	id = find_image(t, who, disk, &named, &why);
	if (!named)
		return check_volatile(t, disk, arena);
	if (id < 0)
		return txn_fail(t, ONE_ACTION, "%s", why);
	img = txn_edit(t, OBJ_IMAGE, id);
	if (!img || take_image(t, img, vm_id, attach) || check_size(t, img, disk))
		return t->err.rc;
	fill_disk(t, img, disk, arena);
	if (snapshots && image_has_snapshots(img))
		*snapshots = img->snapshots;
	return datastore_disk_fill(t, img->ds_id, disk, arena);
}

void image_disk_show(struct txn *t, const struct identity *who, struct attr *disk, struct arena *arena)
{
	int id = image_disk_id(t, who, disk);
	const struct image *img = id >= 0 ? txn_read(t, OBJ_IMAGE, id) : NULL;

	if (!img)
		return;
	fill_disk(t, img, disk, arena);
	if (txn_exists(t, OBJ_DATASTORE, img->ds_id))
		datastore_disk_fill(t, img->ds_id, disk, arena);
}

/* ---- giving back ---- */

void image_disk_release(struct txn *t, int image_id, int vm_id, bool failed)
{
	struct image *img = txn_exists(t, OBJ_IMAGE, image_id) ? txn_edit(t, OBJ_IMAGE, image_id) : NULL;
	enum image_state state;

	if (!img)
		return;
	state = img->state;
	if (image_next_state(state, IMAGE_EV_RELEASE, img->persistent) == IMAGE_STATES) {
		log_error("ImM", "Image %d released by VM %d in state %s", image_id, vm_id, image_state_name(state));
		return;
	}
	if (!idset_del(&img->vms, vm_id))
		return;
	if (img->running_vms > 0)
		img->running_vms--;
	if (failed && image_event(t, img, IMAGE_EV_RELEASE_BAD))
		return;
	if (!img->running_vms && !img->cloning_ops)
		image_event(t, img, IMAGE_EV_RELEASE);
}

/* Only what a VM has for itself is changed by it. */
static struct image *used_alone(struct txn *t, int image_id)
{
	const struct image *img = txn_read(t, OBJ_IMAGE, image_id);

	if (!img || img->state != IMAGE_USED_PERS || (img->type != IMAGE_OS && img->type != IMAGE_DATABLOCK))
		return NULL;
	return txn_edit(t, OBJ_IMAGE, image_id);
}

void image_set_snapshots(struct txn *t, int image_id, const struct tmpl *snapshots)
{
	struct image *img = used_alone(t, image_id);
	long long old_mb;

	if (!img)
		return;
	old_mb = snapshots_total_mb(img->snapshots);
	img->snapshots = snapshots ? tmpl_copy(&img->o.arena, snapshots) : image_no_snapshots(&img->o.arena);
	tmpl_remove(img->snapshots, "DISK_ID");
	image_quota_shrink(t, img, old_mb - snapshots_total_mb(img->snapshots));
}

void image_set_size(struct txn *t, int image_id, long long size_mb)
{
	struct image *img = used_alone(t, image_id);

	if (!img)
		return;
	image_quota_shrink(t, img, img->size_mb - size_mb);
	img->size_mb = size_mb;
}
