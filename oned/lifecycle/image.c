#include "oned/lifecycle/image_priv.h"

#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "oned/objects/common.h"
#include "oned/objects/marketapp.h"

/* ---- asking ---- */

void image_send(struct txn *t, const char *action, struct image *img, const char *extra)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, img->ds_id);

	if (!ds) {
		object_set_error(t, &img->o, "Datastore no longer exists");
		image_event(t, img, IMAGE_EV_FAILED);
		vm_images_changed(t, img);
		return;
	}
	strbuf_reset(&t->scratch);
	img->o.ops->render(&img->o, &t->scratch);
	datastore_send(t, action, img->o.id, t->scratch.buf, ds, extra);
}

/* The XML of the marketplace that the image comes from, "" without one. Memory of the transaction. */
static const char *market_of(struct txn *t, const struct image *img)
{
	struct strbuf xml = STRBUF_INIT;
	const struct marketapp *app;
	const struct market *m;
	long long id;
	const char *text;

	if (!tmpl_get_int(img->o.tmpl, "FROM_APP", &id) || id < 0 || id > INT32_MAX)
		return "";
	app = txn_read(t, OBJ_MARKETAPP, (int)id);
	m = app ? txn_read(t, OBJ_MARKET, app->market_id) : NULL;
	if (m)
		m->o.ops->render(&m->o, &xml);
	text = m ? arena_strndup(t->arena, xml.buf, xml.len) : "";
	strbuf_done(&xml);
	return text;
}

void image_register(struct txn *t, struct image *img)
{
	if (*img->path) {
		log_info("ImM", "Copying %s to repository for image %d", img->path, img->o.id);
		image_send(t, "CP", img, market_of(t, img));
	} else if (*img->source) {
		log_info("ImM", "Using source %s from template for image %s", img->source, img->o.name);
		image_event(t, img, IMAGE_EV_DONE);
	} else {
		log_info("ImM", "Creating disk at %s, size %lldMB (format: %s)", img->ds_name, img->size_mb, img->format);
		image_send(t, "MKFS", img, "");
	}
}

enum one_rc image_clone(struct txn *t, struct image *img, int source_id)
{
	struct image *source = txn_edit(t, OBJ_IMAGE, source_id);

	if (!source)
		return t->err.rc;
	if (source->type == IMAGE_BACKUP)
		return txn_fail(t, ONE_INTERNAL, "Cannot clone backup images");
	if (!image_copy_begin(t, source, &source->clones, img->o.id))
		return txn_fail(t, ONE_INTERNAL, "Cannot clone image in state: %s", image_state_name(source->state));
	log_info("ImM", "Cloning image %s to repository as image %d", img->path, img->o.id);
	image_send(t, "CLONE", img, "");
	return ONE_OK;
}

/* The image that a copy was made of is free again. */
static void end_copy(struct txn *t, struct image *copy)
{
	int id = copy->cloning_id;
	struct image *source;

	copy->cloning_id = -1;
	if (id < 0 || !txn_exists(t, OBJ_IMAGE, id))
		return;
	source = txn_edit(t, OBJ_IMAGE, id);
	if (source)
		image_copy_end(t, source, &source->clones, copy->o.id);
}

/* ---- deleting, enabling ---- */

static enum one_rc check_delete(struct txn *t, const struct image *img)
{
	if (img->state == IMAGE_CLONE)
		return txn_fail(t, ONE_ACTION, "There are %d active clone operations.", img->cloning_ops);
	if (image_next_state(img->state, IMAGE_EV_DELETE, img->persistent) == IMAGE_STATES ||
	    (img->state == IMAGE_READY && img->running_vms && img->type != IMAGE_BACKUP))
		return txn_fail(t, ONE_ACTION, "There are %d VMs using it.", img->running_vms);
	return ONE_OK;
}

enum one_rc image_delete(struct txn *t, struct image *img, bool force)
{
	if (!txn_exists(t, OBJ_DATASTORE, img->ds_id))
		return txn_fail(t, ONE_ACTION, "Datastore no longer exists cannot remove image");
	if (check_delete(t, img))
		return t->err.rc;
	end_copy(t, img);
	if (!*img->source) {
		image_drop(t, img);
		return t->err.rc;
	}
	if (force)
		tmpl_set(img->o.tmpl, "FORCE_DELETE", "YES");
	image_event(t, img, IMAGE_EV_DELETE);
	image_send(t, "RM", img, "");
	return t->err.rc;
}

enum one_rc image_enable(struct txn *t, struct image *img, bool enable)
{
	const char *verb = enable ? "enable" : "disable";
	enum image_event event = enable ? IMAGE_EV_ENABLE : IMAGE_EV_DISABLE;

	if (img->type == IMAGE_BACKUP)
		return txn_fail(t, ONE_INTERNAL, "Could not %s image: Backup images cannot be enabled or disabled.", verb);
	if (enable && img->state == IMAGE_ERROR && img->running_vms)
		event = IMAGE_EV_ENABLE_USED;
	if (!image_event(t, img, event))
		return txn_fail(t, ONE_INTERNAL, "Could not %s image: Image cannot be in state %s.", verb, image_state_name(img->state));
	if (event == IMAGE_EV_ENABLE_USED)
		vm_images_changed(t, img);
	return ONE_OK;
}

/* ---- answers ---- */

static void succeeded(struct txn *t, struct image *img, const char *what)
{
	int ds_id = img->ds_id;

	end_copy(t, img);
	image_event(t, img, IMAGE_EV_DONE);
	object_clear_error(&img->o);
	vm_images_changed(t, img);
	log_info("ImM", "Image (%d) %s and ready to use.", img->o.id, what);
	datastore_monitor(t, ds_id);
}

static void failed(struct txn *t, struct image *img, const char *what, const char *info)
{
	int ds_id = img->ds_id;

	log_error("ImM", "Image %d: %s%s%s", img->o.id, what, *info ? ": " : "", info);
	object_set_error(t, &img->o, "%s%s%s", what, *info ? ": " : "", info);
	end_copy(t, img);
	image_event(t, img, IMAGE_EV_FAILED);
	vm_images_changed(t, img);
	datastore_monitor(t, ds_id);
}

/* "source format": what the driver made. */
static void take_answer(struct image *img, const char *info, const char **format)
{
	const char *at = info;
	char *source = list_next(&img->o.arena, &at, ' ');

	*format = list_next(&img->o.arena, &at, ' ');
	if (source)
		img->source = source;
}

static void copied(struct txn *t, struct image *img, bool ok, const char *info)
{
	const char *format = NULL;

	if (ok)
		take_answer(img, info, &format);
	if (!ok || !*img->source) {
		failed(t, img, "Error copying image in the datastore", info);
	} else if (!format || !*format) {
		failed(t, img, "CP operation succeeded but image FORMAT was not returned.", "");
	} else {
		img->format = format;
		succeeded(t, img, "copied");
	}
}

static void cloned(struct txn *t, struct image *img, bool ok, const char *info)
{
	const char *format = NULL;

	if (!ok || !*info) {
		failed(t, img, arena_printf(t->arena, "Error cloning from Image %d", img->cloning_id), info);
		return;
	}
	take_answer(img, info, &format);
	if (format && *format)
		img->format = format;
	succeeded(t, img, "cloned");
}

static void made(struct txn *t, struct image *img, bool ok, const char *info)
{
	if (!ok) {
		failed(t, img, "Error creating datablock", info);
		return;
	}
	img->source = arena_strdup(&img->o.arena, info);
	if (!image_is_saving(img)) /* a disk of a VM will be saved into it first */
		succeeded(t, img, "created");
}

static void removed(struct txn *t, struct image *img, bool ok, const char *info)
{
	bool force;
	int ds_id = img->ds_id;

	if (!tmpl_get_bool(img->o.tmpl, "FORCE_DELETE", &force))
		force = false;
	if (ok || force) {
		image_drop(t, img);
		log_info("ImM", "Image successfully removed.");
		datastore_monitor(t, ds_id);
		return;
	}
	log_error("ImM", "Error removing image %d from datastore: %s", img->o.id, info);
	object_set_error(t, &img->o, "Error removing image from datastore. Retry the operation or manually remove image source %s and run the "
			 "delete --force operation to completely delete the image", img->source);
	image_event(t, img, IMAGE_EV_FAILED);
}

/* The states in which an answer is waited for; in others it comes too late. */
static bool waits_for(const struct image *img, bool removal)
{
	return image_state_transient(img->state) && (img->state == IMAGE_DELETE) == removal;
}

static const struct {
	const char *action;
	bool removal;
	void (*answer)(struct txn *t, struct image *img, bool ok, const char *info);
} actions[] = {
	{ "CP", false, copied }, { "MKFS", false, made }, { "CLONE", false, cloned }, { "RM", true, removed },
	{ "SNAP_DELETE", false, image_snapshot_deleted }, { "SNAP_REVERT", false, image_snapshot_reverted },
	{ "SNAP_FLATTEN", false, image_snapshot_flattened },
};

bool image_message(struct txn *t, const struct driver_msg *m)
{
	size_t i = 0;
	struct image *img;

	while (i < sizeof(actions) / sizeof(actions[0]) && strcmp(actions[i].action, m->action) != 0)
		i++;
	if (i == sizeof(actions) / sizeof(actions[0]))
		return false;
	if (m->id < 0 || m->id > INT32_MAX || !txn_exists(t, OBJ_IMAGE, (int)m->id)) {
		if (!strcmp(m->status, "SUCCESS") && !actions[i].removal)
			log_error("ImM", "%s operation succeeded but image no longer exists. Source image: %s, may be left in datastore",
				  m->action, m->payload);
		return true;
	}
	img = txn_edit(t, OBJ_IMAGE, (int)m->id);
	if (img && waits_for(img, actions[i].removal))
		actions[i].answer(t, img, !strcmp(m->status, "SUCCESS"), m->payload);
	else if (img)
		log_info("ImM", "%s of image %d is answered too late, it is %s", m->action, img->o.id, image_state_name(img->state));
	return true;
}

/* ---- after a restart ---- */

static void ask_again(struct txn *t, struct image *img)
{
	log_info("ImM", "Image %d in %s: what it waits for is asked again", img->o.id, image_state_name(img->state));
	if (img->state == IMAGE_DELETE) {
		image_send(t, "RM", img, "");
	} else if (img->target_snapshot >= 0) {
		/* Which operation on the snapshot it was isn't stored: a person has to look. */
		img->target_snapshot = -1;
		failed(t, img, "The operation on a snapshot of the image was interrupted", "");
	} else if (img->cloning_id >= 0) {
		image_send(t, "CLONE", img, "");
	} else if (!image_is_saving(img)) {
		image_register(t, img);
	} else if (!*img->source) {
		image_send(t, "MKFS", img, "");
	}
}

void image_recover_all(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_IMAGE, &ids);

	for (int i = 0; i < n; i++) {
		const struct image *img = txn_read(t, OBJ_IMAGE, ids[i]);
		struct image *mine = img && image_state_transient(img->state) ? txn_edit(t, OBJ_IMAGE, ids[i]) : NULL;

		if (mine)
			ask_again(t, mine);
	}
}
