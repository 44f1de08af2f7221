/* New images: one.image.allocate, which may ask the datastore driver for the size of a file first, and one.image.clone. */
#include "oned/api/image_api.h"

#include <string.h>
#include <strings.h>

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/auth/group.h"
#include "oned/auth/user.h"
#include "oned/core/ask.h"
#include "oned/lifecycle/image.h"
#include "oned/objects/common.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/marketapp.h"
#include "oned/objects/settings.h"

#define STAT_TIMEOUT_MS (90 * 1000)

/* ---- what is the same for new images and copies ---- */

/* What the user wants of new images: his template's word, else his group's, else oned.conf's; NULL: nobody says. */
static const char *default_of(struct txn *t, const struct call *c, const char *key)
{
	const struct object *of[] = { txn_read(t, OBJ_USER, c->who.uid), txn_read(t, OBJ_GROUP, c->who.gid) };
	const char *value;

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		const struct attr *section = of[i] ? tmpl_vector(of[i]->tmpl, "OPENNEBULA") : NULL;

		value = section ? attr_get(section, key) : NULL;
		if (value)
			return value;
	}
	value = settings_text(t, key, "");
	return *value ? value : NULL;
}

/* Sets PERSISTENT. own_word: the template's counts before the defaults. */
static bool decide_persistence(struct txn *t, const struct call *c, struct tmpl *tmpl, const char *key, bool own_word)
{
	const char *value = default_of(t, c, key);
	bool in_template, persistent;

	if (!tmpl_get_bool(tmpl, "PERSISTENT", &in_template)) {
		in_template = false;
		own_word = false;
	}
	persistent = own_word || !value || !*value ? in_template : !strcasecmp(value, "YES");
	tmpl_set(tmpl, "PERSISTENT", persistent ? "YES" : "NO");
	if (!persistent && !strcasecmp(tmpl_text(tmpl, "PERSISTENT_TYPE"), "SHAREABLE"))
		tmpl_remove(tmpl, "PERSISTENT_TYPE");
	return persistent;
}

static bool has_space(struct txn *t, const struct datastore *ds, long long size_mb)
{
	bool check;
	long long available = datastore_available_mb(t, ds, &check);

	if (check && size_mb > available)
		txn_fail(t, ONE_ACTION, "Not enough space in datastore");
	return txn_ok(t);
}

/* Errors of making an object read differently with this code. */
static void made_none(struct txn *t)
{
	if (!txn_ok(t))
		t->err.rc = ONE_ALLOCATE;
}

/* ---- allocate ---- */

static const struct datastore *place_of(struct txn *t, const struct call *c)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, call_int(c, 1));

	if (!ds)
		txn_no_object(t, OBJ_DATASTORE, call_int(c, 1));
	else if (ds->type == DS_SYSTEM || ds->type == DS_BACKUP)
		txn_fail(t, ONE_ALLOCATE, "New images can only be allocated in a files or image datastore.");
	return txn_ok(t) ? ds : NULL;
}

static bool may_allocate(struct txn *t, struct call *c)
{
	struct authz a;

	if (!infra_may_set(t, c, OBJ_IMAGE, c->prepared, "Template"))
		return false;
	call_checks_begin(c, &a);
	authz_check_type(&a, AUTH_CREATE, OBJ_IMAGE);
	authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_DATASTORE, call_int(c, 1)));
	return call_checks_end(t, &a);
}

static enum one_rc size_failed(struct txn *t, const char *reason)
{
	return txn_fail(t, ONE_INTERNAL, "Cannot parse image SIZE: %s", reason);
}

/* Sets *ask when only the driver knows the size; else it is in the template. */
static enum one_rc find_size(struct txn *t, const struct tmpl *tmpl, bool *ask)
{
	const char *word = tmpl_text(tmpl, "TYPE");
	enum image_type type = image_type_parse(*word ? word : settings_text(t, "DEFAULT_IMAGE_TYPE", "OS"));
	bool empty_disk = type == IMAGE_OS || type == IMAGE_DATABLOCK || type == IMAGE_TYPES;
	long long size;

	*ask = false;
	if (type == IMAGE_BACKUP)
		return tmpl_get_int(tmpl, "SIZE", &size) ? ONE_OK : size_failed(t, "");
	if (!*tmpl_text(tmpl, "SOURCE") && *tmpl_text(tmpl, "PATH")) {
		*ask = true;
		return ONE_OK;
	}
	if (!*tmpl_text(tmpl, "SOURCE") && !empty_disk)
		return size_failed(t, arena_printf(t->arena, "Either PATH or SOURCE are required for %s", word));
	if (!tmpl_get_int(tmpl, "SIZE", &size))
		return size_failed(t, "Wrong number or missing SIZE attribute.");
	return ONE_OK;
}

static bool count_new(struct txn *t, const struct call *c, int ds_id, long long size_mb)
{
	if (size_mb < 0)
		txn_fail(t, ONE_AUTHORIZATION, "user [%d] Image size must be a positive integer value", c->who.uid);
	else
		image_quota_add(t, c->who.uid, c->who.gid, ds_id, size_mb, 1);
	return txn_ok(t);
}

/* The size is known. */
static void finish_allocate(struct txn *t, struct call *c)
{
	const struct datastore *ds = place_of(t, c);
	struct object owner = infra_owner(c);
	struct tmpl *tmpl = c->prepared;
	struct image *img;
	long long size_mb;

	if (!ds)
		return;
	if (!tmpl_get_int(tmpl, "SIZE", &size_mb)) {
		size_failed(t, tmpl_text(tmpl, "SIZE"));
		return;
	}
	if (!(c->who.admin && call_bool(c, 2)) && !has_space(t, ds, size_mb))
		return;
	if (!may_allocate(t, c) || !count_new(t, c, ds->o.id, size_mb))
		return;
	if (!decide_persistence(t, c, tmpl, "DEFAULT_IMAGE_PERSISTENT_NEW", true) && datastore_persistent_only(t, ds)) {
		txn_fail(t, ONE_ALLOCATE, "This Datastore only accepts persistent images.");
		return;
	}
	attributes_encrypt(txn_conf(t), OBJ_IMAGE, tmpl);
	img = image_create(t, &owner, tmpl, ds, -1);
	made_none(t);
	if (!img)
		return;
	image_register(t, img);
	call_ok_int(c, img->o.id);
}

static void stat_failed(struct txn *t, struct call *c)
{
	size_failed(t, c->prepared);
}

static void stat_answered(void *arg, bool ok, const char *info)
{
	struct call *c = arg;

	if (ok)
		tmpl_set(c->prepared, "SIZE", info);
	else
		c->prepared = arena_strdup(&c->arena, info);
	call_resume(c, ok ? finish_allocate : stat_failed);
}

static void ask_size(struct txn *t, struct call *c, const struct datastore *ds)
{
	const struct tmpl *tmpl = c->prepared;
	struct strbuf xml = STRBUF_INIT;

	xml_out_open(&xml, "IMAGE");
	xml_out_text(&xml, "PATH", tmpl_text(tmpl, "PATH"));
	if (*tmpl_text(tmpl, "BACKUP_JOB_ID"))
		xml_out_text(&xml, "BACKUP_JOB_ID", tmpl_text(tmpl, "BACKUP_JOB_ID"));
	xml_out_close(&xml, "IMAGE");
	datastore_send(t, "STAT", ask_put(t, STAT_TIMEOUT_MS, stat_answered, c), xml.buf, ds, "");
	strbuf_done(&xml);
	c->waiting = true;
}

/* An image that is to be a copy of an app: its size and where it lies are known. Unlike 6.10 the app has to be the caller's to use. */
static void allocate_from_app(struct txn *t, struct call *c, const struct datastore *ds, long long app_id)
{
	const struct marketapp *app = app_id < 0 || app_id > INT32_MAX ? NULL : txn_read(t, OBJ_MARKETAPP, (int)app_id);
	struct tmpl *tmpl = c->prepared;

	if (app && !call_may(t, c, AUTH_USE, OBJ_MARKETAPP, app->o.id))
		return;
	if (!app || !*app->source) {
		txn_fail(t, ONE_INTERNAL, "Cannot determine image SIZE.");
		return;
	}
	if (!txn_exists(t, OBJ_MARKET, app->market_id)) {
		txn_fail(t, ONE_INTERNAL, "Could not get the appliance's market.");
		return;
	}
	marketapp_to_image(app, tmpl);
	tmpl_setf(tmpl, "SIZE", "%lld", app->size_mb);
	if (*tmpl_text(ds->o.tmpl, "DRIVER"))
		tmpl_remove(tmpl, "DRIVER"); /* the datastore's counts */
	finish_allocate(t, c);
}

/* Rights are checked before the driver is asked, and again, with all the rest, when it answered: they may have changed meanwhile. */
void api_image_allocate(struct txn *t, struct call *c)
{
	const struct datastore *ds = place_of(t, c), *stat_ds = ds;
	const struct tmpl *tmpl = c->prepared;
	long long backup_ds, app_id;
	bool ask;

	if (!ds)
		return;
	if (tmpl_get_int(tmpl, "FROM_APP", &app_id)) {
		allocate_from_app(t, c, ds, app_id);
		return;
	}
	if (find_size(t, tmpl, &ask))
		return;
	if (!ask) {
		finish_allocate(t, c);
		return;
	}
	if (tmpl_get_int(tmpl, "FROM_BACKUP_DS", &backup_ds)) {
		stat_ds = backup_ds < 0 || backup_ds > INT32_MAX ? NULL : txn_read(t, OBJ_DATASTORE, (int)backup_ds);
		if (!stat_ds) {
			txn_fail(t, ONE_INTERNAL, "Could not get associated backup datastore.");
			return;
		}
	}
	if (may_allocate(t, c))
		ask_size(t, c, stat_ds);
}

/* ---- clone ---- */

static const struct datastore *clone_place(struct txn *t, int id)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, id);

	if (!ds)
		txn_no_object(t, OBJ_DATASTORE, id);
	else if (ds->type != DS_IMAGE)
		txn_fail(t, ONE_ACTION, "Clone only supported for IMAGE_DS Datastores");
	return txn_ok(t) ? ds : NULL;
}

/* Where the copy goes; the datastore it comes from must be alike. */
static const struct datastore *check_clone(struct txn *t, const struct image *source, int ds_id)
{
	const struct datastore *to, *from;

	if (!image_type_is_disk(source->type)) {
		txn_fail(t, ONE_ACTION, "KERNEL, RAMDISK, BACKUP and CONTEXT cannot be cloned.");
		return NULL;
	}
	if (image_has_snapshots(source)) {
		txn_fail(t, ONE_ACTION, "Cannot clone images with snapshots");
		return NULL;
	}
	to = clone_place(t, ds_id);
	from = to ? clone_place(t, source->ds_id) : NULL;
	if (from && strcmp(from->ds_mad, to->ds_mad) != 0)
		txn_fail(t, ONE_ACTION, "Clone only supported to same DS_MAD Datastores");
	return txn_ok(t) && has_space(t, to, source->size_mb) ? to : NULL;
}

static bool may_clone(struct txn *t, struct call *c, const struct image *source, int ds_id)
{
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_type(&a, AUTH_CREATE, OBJ_IMAGE);
	authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_IMAGE, source->o.id));
	authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_DATASTORE, ds_id));
	if (ds_id != source->ds_id)
		authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_DATASTORE, source->ds_id));
	return call_checks_end(t, &a);
}

int image_api_clone(struct txn *t, struct call *c, int id, const char *name, int ds_id, bool persistent)
{
	const struct image *source = txn_read(t, OBJ_IMAGE, id);
	const struct datastore *ds;
	struct object owner = infra_owner(c);
	struct image *img;
	struct tmpl *tmpl;

	if (!source) {
		txn_no_object(t, OBJ_IMAGE, id);
		return -1;
	}
	ds = check_clone(t, source, ds_id == -1 ? source->ds_id : ds_id);
	if (!ds || !may_clone(t, c, source, ds->o.id) || !count_new(t, c, ds->o.id, source->size_mb))
		return -1;
	tmpl = image_clone_template(t, source, name);
	if (persistent)
		tmpl_set(tmpl, "PERSISTENT", "YES");
	else
		decide_persistence(t, c, tmpl, "DEFAULT_IMAGE_PERSISTENT", false);
	img = image_create(t, &owner, tmpl, ds, id);
	if (img)
		image_clone(t, img, id);
	made_none(t);
	return txn_ok(t) ? img->o.id : -1;
}

void api_image_clone(struct txn *t, struct call *c)
{
	int id = image_api_clone(t, c, call_int(c, 0), call_str(c, 1), call_int(c, 2), false);

	if (id >= 0)
		call_ok_int(c, id);
}
