/* Snapshots of images: while the driver deletes one, goes back to one, or keeps only one, the image is LOCKED. */
#include "oned/lifecycle/image_priv.h"

#include "common/log.h"
#include "oned/objects/common.h"
#include "oned/objects/snapshots.h"

static const struct { const char *action, *what; } jobs[] = {
	[IMAGE_SNAPSHOT_DELETE] = { "SNAP_DELETE", "delete snapshot" },
	[IMAGE_SNAPSHOT_REVERT] = { "SNAP_REVERT", "revert to snapshot" },
	[IMAGE_SNAPSHOT_FLATTEN] = { "SNAP_FLATTEN", "flatten snapshot" },
};

static enum one_rc check_snapshot(struct txn *t, const struct image *img, int snapshot, enum image_snapshot_job job)
{
	struct one_err err = ONE_ERR_INIT;

	if (job == IMAGE_SNAPSHOT_DELETE)
		return snapshots_check_delete(img->snapshots, snapshot, &err) ? txn_fail(t, err.rc, "%s", err.text) : ONE_OK;
	return snapshots_find(img->snapshots, snapshot) ? ONE_OK : txn_fail(t, ONE_ACTION, "Snapshot does not exist");
}

enum one_rc image_snapshot_start(struct txn *t, struct image *img, int snapshot, enum image_snapshot_job job)
{
	if (!txn_exists(t, OBJ_DATASTORE, img->ds_id))
		return txn_fail(t, ONE_ACTION, "Datastore no longer exists");
	if (img->type != IMAGE_OS && img->type != IMAGE_DATABLOCK)
		return txn_fail(t, ONE_ACTION, "IMAGES of type KERNEL, RAMDISK, BACKUP and CONTEXT does not have snapshots.");
	if (image_next_state(img->state, IMAGE_EV_LOCK, img->persistent) == IMAGE_STATES)
		return txn_fail(t, ONE_ACTION, "Cannot %s in state %s", jobs[job].what, image_state_name(img->state));
	if (check_snapshot(t, img, snapshot, job))
		return t->err.rc;
	/* The driver reads which snapshot is meant from the image. */
	img->target_snapshot = snapshot;
	image_send(t, jobs[job].action, img, "");
	image_event(t, img, IMAGE_EV_LOCK);
	return ONE_OK;
}

/* ---- answers ---- */

/* The image is usable again, whatever became of the snapshot. Its id, -1 when none was worked on. */
static int unlock(struct txn *t, struct image *img, bool ok, const char *what, const char *info)
{
	int snapshot = img->target_snapshot;

	img->target_snapshot = -1;
	image_event(t, img, IMAGE_EV_DONE);
	vm_images_changed(t, img);
	if (ok)
		return snapshot;
	if (*info == '-')
		info = "";
	object_set_error(t, &img->o, "%s%s%s", what, *info ? ": " : "", info);
	log_error("ImM", "Image %d: %s%s%s", img->o.id, what, *info ? ": " : "", info);
	return -1;
}

void image_snapshot_deleted(struct txn *t, struct image *img, bool ok, const char *info)
{
	const char *what = arena_printf(t->arena, "Error removing snapshot %d from image %d", img->target_snapshot, img->o.id);
	int snapshot = unlock(t, img, ok, what, info);

	if (snapshot < 0)
		return;
	image_quota_shrink(t, img, snapshots_size_mb(img->snapshots, snapshot));
	snapshots_delete(img->snapshots, snapshot);
}

/* The disk gets the size it had then. */
void image_snapshot_reverted(struct txn *t, struct image *img, bool ok, const char *info)
{
	const char *what = arena_printf(t->arena, "Error reverting image %d to snapshot %d", img->o.id, img->target_snapshot);
	int snapshot = unlock(t, img, ok, what, info);

	if (snapshot < 0 || !snapshots_find(img->snapshots, snapshot))
		return;
	snapshots_revert(img->snapshots, snapshot);
	image_quota_shrink(t, img, img->size_mb - snapshots_size_mb(img->snapshots, snapshot));
	img->size_mb = snapshots_size_mb(img->snapshots, snapshot);
}

void image_snapshot_flattened(struct txn *t, struct image *img, bool ok, const char *info)
{
	if (unlock(t, img, ok, "Error flattening image snapshot", info) < 0)
		return;
	image_quota_shrink(t, img, snapshots_total_mb(img->snapshots));
	snapshots_clear(img->snapshots);
}
