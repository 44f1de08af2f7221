#include "oned/lifecycle/market.h"

#include <string.h>

#include "common/crypto.h"
#include "common/log.h"
#include "oned/core/tally.h"
#include "oned/objects/common.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/image.h"
#include "oned/objects/settings.h"

#define FIRST_MONITOR_MS 5000
#define MISSED_MAX 3     /* an app that so many reports in a row don't name is gone */
#define REPORT_PIECE (256 * 1024)
#define NO_DRIVER "Error getting MarketPlaceManagerDriver"

/* ---- asking ---- */

static bool has_driver(struct txn *t)
{
	return settings_first(t, "MARKET_MAD") != NULL;
}

static void add_xml(struct txn *t, enum obj_type type, int id, struct strbuf *xml)
{
	const struct object *o = txn_read(t, type, id);

	if (o)
		object_render_clear(txn_conf(t), o, xml);
}

/* app NULL: about the market itself. image_id -1: none. */
static void send(struct txn *t, const char *action, long long id, const struct marketapp *app, int market_id, int image_id)
{
	struct strbuf xml = STRBUF_INIT, payload = STRBUF_INIT;
	const struct image *img = image_id < 0 ? NULL : txn_read(t, OBJ_IMAGE, image_id);

	xml_out_open(&xml, "MARKET_DRIVER_ACTION_DATA");
	if (app)
		app->o.ops->render(&app->o, &xml);
	add_xml(t, OBJ_MARKET, market_id, &xml);
	if (img) {
		add_xml(t, OBJ_IMAGE, image_id, &xml);
		add_xml(t, OBJ_DATASTORE, img->ds_id, &xml);
	}
	xml_out_close(&xml, "MARKET_DRIVER_ACTION_DATA");
	base64_encode(xml.buf, xml.len, &payload);
	txn_send(t, MARKET_KIND, MARKET_NAME, action, id, payload.buf);
	strbuf_done(&xml);
	strbuf_done(&payload);
}

static void failed(struct txn *t, struct marketapp *app, const char *why)
{
	log_error("MKP", "App %d: %s", app->o.id, why);
	object_set_error(t, &app->o, "%s", why);
	marketapp_release_origin(t, app);
	marketapp_event(t, app, APP_EV_FAILED);
}

static const char *import_image(struct txn *t, struct marketapp *app)
{
	const char *why = marketapp_hold_origin(t, app);

	if (why)
		return why;
	marketapp_event(t, app, APP_EV_IMPORT);
	log_info("MKP", "Importing image %d into marketplace %d as app %d", app->origin_id, app->market_id, app->o.id);
	send(t, "IMPORT", app->o.id, app, app->market_id, app->origin_id);
	return NULL;
}

static const char *try_import(struct txn *t, struct marketapp *app)
{
	if (!has_driver(t))
		return NO_DRIVER;
	switch (app->type) {
	case APP_IMAGE:
		return import_image(t, app);
	case APP_VMTEMPLATE:
	case APP_SERVICE_TEMPLATE: /* all of it is in APPTEMPLATE64 */
		marketapp_event(t, app, APP_EV_DONE);
		return NULL;
	case APP_UNKNOWN:
	case APP_TYPES:
		break;
	}
	return "Marketplace app type not supported.";
}

const char *marketapp_import(struct txn *t, struct marketapp *app)
{
	const char *why = try_import(t, app);

	if (why)
		failed(t, app, why);
	return why;
}

/* ---- deleting ---- */

static enum one_rc check_delete(struct txn *t, const struct marketapp *app)
{
	const struct market *m = txn_read(t, OBJ_MARKET, app->market_id);

	if (app->zone_id != settings_zone(t))
		return txn_fail(t, ONE_ACTION, "Marketapp can only be deleted from zone %d", app->zone_id);
	if (!m)
		return txn_fail(t, ONE_ACTION, "Cannot find associated MARKETPLACE");
	if (!market_allows(t, m, "delete"))
		return txn_fail(t, ONE_ACTION, "Delete disabled for market: %s", m->o.name);
	if (!has_driver(t))
		return txn_fail(t, ONE_ACTION, NO_DRIVER);
	if (app->type == APP_UNKNOWN) /* as OpenNebula: it says nothing more */
		return txn_fail(t, ONE_ACTION, "%s", "");
	return ONE_OK;
}

enum one_rc marketapp_delete(struct txn *t, struct marketapp *app)
{
	if (check_delete(t, app))
		return t->err.rc;
	if (!*app->source) {
		marketapp_drop(t, app);
		return t->err.rc;
	}
	marketapp_release_origin(t, app);
	marketapp_leave(t, app);
	marketapp_event(t, app, APP_EV_DELETE);
	send(t, "DELETE", app->o.id, app, app->market_id, -1);
	return t->err.rc;
}

/* ---- monitoring ---- */

static bool is_watched(struct txn *t, const struct market *m)
{
	return m->state == MARKET_ENABLED && m->zone_id == settings_zone(t) && market_allows(t, m, "monitor");
}

void market_monitor(struct txn *t, int id)
{
	const struct market *m = txn_read(t, OBJ_MARKET, id);

	if (!m || !has_driver(t) || !is_watched(t, m))
		return;
	log_debug("MKP", "Monitoring marketplace %s (%d)", m->o.name, id);
	send(t, "MONITOR", id, NULL, id, -1);
}

static void monitor_all(struct txn *t, void *arg)
{
	long long interval_s = settings_int(t, "MONITORING_INTERVAL_MARKET", 600);
	int *ids, n = txn_ids(t, OBJ_MARKET, &ids);

	(void)arg;
	for (int i = 0; i < n; i++)
		market_monitor(t, ids[i]);
	txn_after(t, (int)(interval_s < INT32_MAX / 1000 ? interval_s : INT32_MAX / 1000) * 1000, monitor_all, NULL, NULL);
}

/* What waits for a driver that isn't there any more ends; else that is asked again when the driver is up. */
void market_monitor_start(struct txn *t)
{
	if (has_driver(t))
		txn_after(t, FIRST_MONITOR_MS, monitor_all, NULL, NULL);
	else
		market_recover_all(t);
}

static void take_sizes(struct market *m, const struct tmpl *info)
{
	const struct { const char *name; long long *to; } sizes[] = {
		{ "TOTAL_MB", &m->total_mb }, { "FREE_MB", &m->free_mb }, { "USED_MB", &m->used_mb },
	};
	double value;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		if (tmpl_get_float(info, sizes[i].name, &value) && value >= 0 && value < (double)INT64_MAX)
			*sizes[i].to = (long long)value;
}

/* Apps that the report doesn't name. Some reports are incomplete, so it takes several. */
static void take_missing(struct txn *t, const struct idset *before, const struct idset *named)
{
	for (int i = 0; i < before->n; i++) {
		int id = before->ids[i];
		struct marketapp *app;

		if (idset_has(named, id)) {
			tally_set(t, TALLY_APP_MISSED, id, 0);
			continue;
		}
		if (tally_add(t, TALLY_APP_MISSED, id) < MISSED_MAX)
			continue;
		app = txn_exists(t, OBJ_MARKETAPP, id) ? txn_edit(t, OBJ_MARKETAPP, id) : NULL;
		if (app)
			marketapp_drop(t, app);
	}
}

static void take_apps(struct txn *t, struct market *m, const struct tmpl *info)
{
	struct idset before = { 0 }, named = { 0 };

	for (int i = 0; i < m->apps.n; i++)
		idset_add(&before, t->arena, m->apps.ids[i]);
	for (const struct attr *a = tmpl_find(info, "APP"); a; a = tmpl_find_next(a)) {
		int id = a->vector ? -1 : marketapp_reported(t, m, a->value);

		if (id >= 0)
			idset_add(&named, t->arena, id);
	}
	take_missing(t, &before, &named);
}

/* A report of a large market is longer than a template may be, so it is read in pieces of whole lines. */
static enum one_rc read_report(struct tmpl *info, const char *info64, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *at, *end, kept;

	if (!base64_decode(info64, strlen(info64), &text))
		return one_err_set(err, ONE_INTERNAL, "not base64");
	for (at = text.len ? text.buf : NULL; at && *at && !err->rc; at = end) {
		size_t left = text.len - (size_t)(at - text.buf);

		end = at + left;
		if (left > REPORT_PIECE) {
			end = memchr(at + REPORT_PIECE, '\n', left - REPORT_PIECE);
			end = end ? end + 1 : at + left;
		}
		kept = *end;
		*end = '\0';
		tmpl_parse(info, at, err);
		*end = kept;
	}
	strbuf_done(&text);
	return err->rc;
}

static void monitored(struct txn *t, int id, const char *info64)
{
	struct tmpl *info = tmpl_new(t->arena);
	struct one_err err = ONE_ERR_INIT;
	struct market *m = txn_exists(t, OBJ_MARKET, id) ? txn_edit(t, OBJ_MARKET, id) : NULL;

	if (!m || m->state == MARKET_DISABLED)
		return;
	if (read_report(info, info64, &err)) {
		log_error("MKP", "Error parsing marketplace information: %s", err.text);
		return;
	}
	take_sizes(m, info);
	if (tmpl_find(info, "APP"))
		take_apps(t, m, info);
	log_debug("MKP", "Marketplace %s (%d) successfully monitored.", m->o.name, id);
}

/* ---- answers ---- */

static const char *take_contents(struct txn *t, struct marketapp *app, const char *info64)
{
	struct tmpl *info = tmpl_new(&app->o.arena);
	struct one_err err = ONE_ERR_INIT;
	long long size_mb;

	if (tmpl_parse64(info, info64, &err))
		return arena_printf(t->arena, "Error importing app into marketplace. Parse error: %s", err.text);
	if (!*tmpl_text(info, "SOURCE") || !*tmpl_text(info, "MD5") || !*tmpl_text(info, "FORMAT") || !tmpl_get_int(info, "SIZE", &size_mb))
		return "Error importing app into marketplace. Missing app attributes.";
	app->source = tmpl_text(info, "SOURCE");
	app->md5 = tmpl_text(info, "MD5");
	app->format = tmpl_text(info, "FORMAT");
	app->size_mb = size_mb;
	return NULL;
}

static void imported(struct txn *t, struct marketapp *app, bool ok, const char *info)
{
	const char *why = ok ? take_contents(t, app, info) :
			       arena_printf(t->arena, "Error importing app into marketplace: %s", info);

	if (why) {
		failed(t, app, why);
		return;
	}
	marketapp_release_origin(t, app);
	marketapp_event(t, app, APP_EV_DONE);
	object_clear_error(&app->o);
	log_info("MKP", "Marketplace app %d successfully imported", app->o.id);
}

/* It goes whatever the driver says: nobody could ask again. */
static void removed(struct txn *t, struct marketapp *app, bool ok, const char *info)
{
	if (ok)
		log_info("MKP", "Marketplace app %d successfully removed.", app->o.id);
	else
		log_error("MKP", "Error removing app %d from marketplace: %s. What is left of it is %s", app->o.id, info, app->source);
	marketapp_drop(t, app);
}

/* Nobody has use of the contents that came. */
static void orphaned(struct txn *t, const struct driver_msg *m)
{
	struct tmpl *info = tmpl_new(t->arena);
	struct one_err err = ONE_ERR_INIT;

	tmpl_parse64(info, m->payload, &err);
	log_error("MKP", "Marketplace app %lld successfully imported but it no longer waits for that. You may need to manually remove: %s", m->id,
		  tmpl_text(info, "SOURCE"));
}

static void too_late(struct txn *t, const struct marketapp *app, const struct driver_msg *m, bool contents)
{
	log_info("MKP", "%s of app %d is answered too late, it is %s", m->action, app->o.id, app_state_name(app->state));
	if (contents)
		orphaned(t, m);
}

static void app_answer(struct txn *t, const struct driver_msg *m, bool removal)
{
	bool ok = !strcmp(m->status, "SUCCESS");
	struct marketapp *app;

	if (m->id < 0 || m->id > INT32_MAX || !txn_exists(t, OBJ_MARKETAPP, (int)m->id)) {
		if (ok && !removal)
			orphaned(t, m);
		return;
	}
	app = txn_edit(t, OBJ_MARKETAPP, (int)m->id);
	if (!app)
		return;
	if (app->state != APP_LOCKED || marketapp_leaving(t, app) != removal)
		too_late(t, app, m, ok && !removal);
	else if (removal)
		removed(t, app, ok, m->payload);
	else
		imported(t, app, ok, m->payload);
}

void market_message(struct txn *t, const struct driver_msg *m)
{
	if (!strcmp(m->action, "LOG"))
		log_msg(log_level_of(*m->status), "MKP", "%s", m->payload);
	else if (!strcmp(m->action, "IMPORT") || !strcmp(m->action, "DELETE"))
		app_answer(t, m, *m->action == 'D');
	else if (strcmp(m->action, "MONITOR") != 0)
		log_warn("MKP", "The market driver sent an unknown message: %s", m->action);
	else if (strcmp(m->status, "SUCCESS") != 0)
		log_error("MKP", "Error monitoring marketplace %lld: %s", m->id, m->payload);
	else if (m->id >= 0 && m->id <= INT32_MAX)
		monitored(t, (int)m->id, m->payload);
}

void market_send_failed(struct txn *t, const char *action, long long id, const char *reason)
{
	struct driver_msg m = { .action = action, .status = "FAILURE", .id = id, .payload = reason };

	market_message(t, &m);
}

/* ---- after a restart ---- */

static void ask_again(struct txn *t, struct marketapp *app)
{
	if (app->state == APP_INIT) {
		failed(t, app, "The app was never imported");
	} else if (!marketapp_leaving(t, app)) {
		log_info("MKP", "App %d in LOCKED: its import is asked for again", app->o.id);
		marketapp_import(t, app);
	} else if (!has_driver(t) || !txn_exists(t, OBJ_MARKET, app->market_id)) {
		removed(t, app, false, "there is no driver, or no marketplace, to ask");
	} else {
		log_info("MKP", "App %d in LOCKED: its removal is asked for again", app->o.id);
		send(t, "DELETE", app->o.id, app, app->market_id, -1);
	}
}

void market_recover_all(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_MARKETAPP, &ids);

	for (int i = 0; i < n; i++) {
		const struct marketapp *app = txn_read(t, OBJ_MARKETAPP, ids[i]);
		bool ours = app && app->zone_id == settings_zone(t) && app_state_transient(app->state);
		struct marketapp *mine = ours ? txn_edit(t, OBJ_MARKETAPP, ids[i]) : NULL;

		if (mine)
			ask_again(t, mine);
	}
}
