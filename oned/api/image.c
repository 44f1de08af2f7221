/* one.image.* */
#include "oned/objects/image.h"

#include "oned/api/api.h"
#include "oned/api/image_api.h"
#include "oned/api/infra.h"
#include "oned/auth/acl_rule.h"
#include "oned/lifecycle/image.h"

/* ---- deleting ---- */

/* While the driver works on it, an image only goes by force, and only an administrator's. */
void image_api_delete(struct txn *t, struct call *c, int id, bool force)
{
	const struct image *seen = txn_read(t, OBJ_IMAGE, id);
	enum auth_op right = AUTH_MANAGE;
	struct image *img;

	if (!seen) {
		txn_no_object(t, OBJ_IMAGE, id);
		return;
	}
	if (image_state_transient(seen->state) && seen->state != IMAGE_DELETE) {
		if (!force) {
			txn_fail(t, ONE_INTERNAL, "Image locked, use --force flag to remove the image. Force delete may leave some files on Datastore");
			return;
		}
		right = AUTH_ADMIN;
	}
	if (!call_may(t, c, right, OBJ_IMAGE, id))
		return;
	img = txn_edit(t, OBJ_IMAGE, id);
	if (!img || image_delete(t, img, force))
		return;
	acl_object_gone(t, OBJ_IMAGE, id);
}

static void api_image_delete(struct txn *t, struct call *c)
{
	image_api_delete(t, c, call_int(c, 0), call_bool(c, 1));
	infra_delete_failed(t, c);
	if (txn_ok(t))
		call_ok_int(c, call_int(c, 0));
}

/* ---- changing ---- */

/* What it takes of its datastore counts for its new owner. */
static void api_image_chown(struct txn *t, struct call *c)
{
	const struct image *img = txn_read(t, OBJ_IMAGE, call_int(c, 0));
	int uid = img ? img->o.uid : -1, gid = img ? img->o.gid : -1;

	api_chown(t, c);
	img = txn_ok(t) ? txn_read(t, OBJ_IMAGE, call_int(c, 0)) : NULL;
	if (img)
		image_quota_move(t, img, uid, gid);
}

static void api_image_enable(struct txn *t, struct call *c)
{
	struct image *img = call_edit(t, c);

	if (img && !image_enable(t, img, call_bool(c, 1)))
		call_ok_int(c, img->o.id);
}

static void api_image_persistent(struct txn *t, struct call *c)
{
	struct image *img = call_edit(t, c);
	const struct datastore *ds = img ? txn_read(t, OBJ_DATASTORE, img->ds_id) : NULL;

	if (!img)
		return;
	if (!ds)
		txn_fail(t, ONE_INTERNAL, "Datastore no longer exists.");
	else if (image_type_is_file(img->type))
		txn_fail(t, ONE_ACTION, "KERNEL, RAMDISK and CONTEXT must be non-persistent");
	else if (img->type == IMAGE_BACKUP)
		txn_fail(t, ONE_ACTION, "BACKUP images must be persistent");
	else if (!call_bool(c, 1) && datastore_persistent_only(t, ds))
		txn_fail(t, ONE_INTERNAL, "This Datastore only accepts persistent images.");
	else if (!image_set_persistent(t, img, call_bool(c, 1)))
		call_ok_int(c, img->o.id);
}

static void api_image_chtype(struct txn *t, struct call *c)
{
	struct image *img = call_edit(t, c);

	if (img && !image_set_type(t, img, call_str(c, 1)))
		call_ok_int(c, img->o.id);
}

/* ---- snapshots ---- */

static void snapshot_job(struct txn *t, struct call *c, enum image_snapshot_job job)
{
	struct image *img = call_edit(t, c);

	if (img && !image_snapshot_start(t, img, call_int(c, 1), job))
		call_ok_int(c, call_int(c, 1));
}

static void api_image_snapshot_delete(struct txn *t, struct call *c)
{
	snapshot_job(t, c, IMAGE_SNAPSHOT_DELETE);
}

static void api_image_snapshot_revert(struct txn *t, struct call *c)
{
	snapshot_job(t, c, IMAGE_SNAPSHOT_REVERT);
}

static void api_image_snapshot_flatten(struct txn *t, struct call *c)
{
	snapshot_job(t, c, IMAGE_SNAPSHOT_FLATTEN);
}

#define MANAGED(method, args, fn, text) \
	{ .name = "one.image." method, .params = args, .object = OBJ_IMAGE, .right = AUTH_MANAGE, .write = fn, .doc = text }

const struct method image_methods[] = {
	/* clang-format off */
	{ .name = "one.image.allocate", .params = "template:s ds:i no_check_capacity:b=false", .object = OBJ_IMAGE, .right = AUTH_CREATE,
	  .flags = M_NO_RIGHT, .prepare = api_prepare_template0, .write = api_image_allocate,
	  .doc = "Makes an image in a datastore, of which the caller needs USE; administrators may do so without looking at its free space." },
	{ .name = "one.image.clone", .params = "id:i name:s ds:i=-1", .object = OBJ_IMAGE, .right = AUTH_USE, .flags = M_NO_RIGHT,
	  .write = api_image_clone, .doc = "Copies an image, into another datastore if wanted; needs CREATE, and USE of the datastores." },
	{ .name = "one.image.info", .params = "id:i decrypt:b=false", .object = OBJ_IMAGE, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = "An image." },
	{ .name = "one.imagepool.info", .params = "filter:i start:i end:i", .object = OBJ_IMAGE, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "The visible images." },
	{ .name = "one.image.update", .params = "id:i template:s append:i=0", .object = OBJ_IMAGE, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.image.delete", .params = "id:i force:b=false", .object = OBJ_IMAGE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_image_delete, .doc = "Deletes an image nobody uses; force: also while it is locked (needs ADMIN), and whatever the driver says." },
	{ .name = "one.image.rename", .params = "id:i name:s", .object = OBJ_IMAGE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_rename, .doc = "Gives another name." },
	{ .name = "one.image.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false",
	  .object = OBJ_IMAGE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_chmod, .doc = "Changes permission bits; -1 keeps one." },
	{ .name = "one.image.chown", .params = "id:i uid:i gid:i", .object = OBJ_IMAGE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_image_chown, .doc = "Changes owner and group, whose quotas it then counts in; -1 keeps one." },
	MANAGED("enable", "id:i enable:b", api_image_enable, "Enables or disables an image."),
	MANAGED("persistent", "id:i persistent:b", api_image_persistent, "Makes an image persistent, or not."),
	MANAGED("chtype", "id:i type:s", api_image_chtype, "Changes the type, among disks or among files."),
	MANAGED("snapshotdelete", "id:i snapshot:i", api_image_snapshot_delete, "Deletes a snapshot."),
	MANAGED("snapshotrevert", "id:i snapshot:i", api_image_snapshot_revert, "Goes back to a snapshot."),
	MANAGED("snapshotflatten", "id:i snapshot:i", api_image_snapshot_flatten, "Keeps the contents of a snapshot, and no snapshots."),
	{ .name = "one.image.lock", .params = "id:i level:i test:b=false", .object = OBJ_IMAGE, .right = AUTH_MANAGE,
	  .flags = M_LOCK_EXEMPT, .write = api_lock, .doc = "Locks: 1 USE, 2 MANAGE, 3 ADMIN, 4 ALL." },
	{ .name = "one.image.unlock", .params = "id:i", .object = OBJ_IMAGE, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT,
	  .write = api_unlock, .doc = "Unlocks." },
	{ .name = NULL },
	/* clang-format on */
};
