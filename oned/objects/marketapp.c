#include "oned/objects/marketapp.h"

#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "oned/auth/acl_rule.h"
#include "oned/core/tally.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"

/* ---- states ---- */

static const char *const state_names[APP_STATES] = {
	[APP_INIT] = "INIT", [APP_READY] = "READY", [APP_LOCKED] = "LOCKED", [APP_ERROR] = "ERROR", [APP_DISABLED] = "DISABLED",
};
static const char *const type_names[APP_TYPES] = {
	[APP_UNKNOWN] = "UNKNOWN", [APP_IMAGE] = "IMAGE", [APP_VMTEMPLATE] = "VMTEMPLATE", [APP_SERVICE_TEMPLATE] = "SERVICE_TEMPLATE",
};

/* The next state + 1; 0: means nothing. */
#define TO(state) ((state) + 1)

/* clang-format off */
static const int steps[APP_STATES][APP_EVENTS] = {
	[APP_INIT] = {
		[APP_EV_IMPORT]  = TO(APP_LOCKED),
		[APP_EV_DONE]    = TO(APP_READY),
		[APP_EV_FAILED]  = TO(APP_ERROR),
		[APP_EV_DELETE]  = TO(APP_LOCKED),
	},
	[APP_READY] = {
		[APP_EV_ENABLE]  = TO(APP_READY),
		[APP_EV_DISABLE] = TO(APP_DISABLED),
		[APP_EV_DELETE]  = TO(APP_LOCKED),
	},
	[APP_LOCKED] = {
		[APP_EV_IMPORT]  = TO(APP_LOCKED),  /* again, after a restart */
		[APP_EV_DONE]    = TO(APP_READY),
		[APP_EV_FAILED]  = TO(APP_ERROR),
		[APP_EV_DELETE]  = TO(APP_LOCKED),
	},
	[APP_ERROR] = {
		[APP_EV_DELETE]  = TO(APP_LOCKED),
	},
	[APP_DISABLED] = {
		[APP_EV_ENABLE]  = TO(APP_READY),
		[APP_EV_DISABLE] = TO(APP_DISABLED),
		[APP_EV_DELETE]  = TO(APP_LOCKED),
	},
};
/* clang-format on */

const char *app_state_name(enum app_state state)
{
	return state_names[state];
}

enum app_state app_next_state(enum app_state state, enum app_event event)
{
	int next = steps[state][event];

	return next ? (enum app_state)(next - 1) : APP_STATES;
}

bool app_state_transient(enum app_state state)
{
	return state == APP_INIT || state == APP_LOCKED;
}

enum app_type app_type_parse(const char *text)
{
	if (!*text)
		return APP_IMAGE;
	for (int i = 0; i < APP_TYPES; i++)
		if (!strcasecmp(type_names[i], text))
			return (enum app_type)i;
	return APP_UNKNOWN;
}

bool marketapp_event(struct txn *t, struct marketapp *app, enum app_event event)
{
	enum app_state next = app_next_state(app->state, event);

	(void)t;
	if (next == APP_STATES)
		return false;
	if (next != app->state)
		log_debug("MKP", "App %d: %s -> %s", app->o.id, app_state_name(app->state), app_state_name(next));
	app->state = next;
	return true;
}

bool marketapp_leaving(struct txn *t, const struct marketapp *app)
{
	const struct market *m = txn_read(t, OBJ_MARKET, app->market_id);

	return app->state == APP_LOCKED && (!m || !idset_has(&m->apps, app->o.id));
}

/* ---- XML ---- */

static enum one_rc marketapp_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct marketapp *app = (struct marketapp *)o;
	const struct { const char **to, *name; } texts[] = {
		{ &app->source, "SOURCE" }, { &app->md5, "MD5" }, { &app->description, "DESCRIPTION" }, { &app->version, "VERSION" },
		{ &app->format, "FORMAT" }, { &app->template64, "APPTEMPLATE64" }, { &app->market, "MARKETPLACE" },
	};
	long long state = xml_int(x, "STATE", APP_ERROR), type = xml_int(x, "TYPE", APP_UNKNOWN);

	(void)err;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i].to = arena_strdup(&o->arena, xml_text_or(x, texts[i].name, ""));
	app->regtime = (time_t)xml_int(x, "REGTIME", 0);
	app->size_mb = xml_int(x, "SIZE", 0);
	app->market_id = (int)xml_int(x, "MARKETPLACE_ID", -1);
	app->zone_id = (int)xml_int(x, "ZONE_ID", -1);
	app->origin_id = (int)xml_int(x, "ORIGIN_ID", -1);
	app->state = state >= 0 && state < APP_STATES ? (enum app_state)state : APP_ERROR;
	app->type = type >= 0 && type < APP_TYPES ? (enum app_type)type : APP_UNKNOWN;
	return ONE_OK;
}

static void marketapp_render(const struct object *o, struct strbuf *out)
{
	const struct marketapp *app = (const struct marketapp *)o;

	xml_out_open(out, "MARKETPLACEAPP");
	xml_out_int(out, "ID", o->id);
	xml_out_int(out, "UID", o->uid);
	xml_out_int(out, "GID", o->gid);
	xml_out_text(out, "UNAME", o->uname);
	xml_out_text(out, "GNAME", o->gname);
	obj_out_lock(o, out);
	xml_out_int(out, "REGTIME", (long long)app->regtime);
	xml_out_text(out, "NAME", o->name);
	xml_out_int(out, "ZONE_ID", app->zone_id);
	xml_out_int(out, "ORIGIN_ID", app->origin_id);
	xml_out_text(out, "SOURCE", app->source);
	xml_out_text(out, "MD5", app->md5);
	xml_out_int(out, "SIZE", app->size_mb);
	xml_out_text(out, "DESCRIPTION", app->description);
	xml_out_text(out, "VERSION", app->version);
	xml_out_text(out, "FORMAT", app->format);
	xml_out_text(out, "APPTEMPLATE64", app->template64);
	xml_out_int(out, "MARKETPLACE_ID", app->market_id);
	xml_out_text(out, "MARKETPLACE", app->market);
	xml_out_int(out, "STATE", app->state);
	xml_out_int(out, "TYPE", app->type);
	obj_out_permissions(o, out);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "MARKETPLACEAPP");
}

static void marketapp_index(const struct object *o, struct obj_index *out)
{
	out->state = (int)((const struct marketapp *)o)->state;
}

/* ---- its template ---- */

/* What the template says of itself has a place in the object too. */
static void take_texts(struct marketapp *app, const struct tmpl *tmpl)
{
	app->description = arena_strdup(&app->o.arena, tmpl_text(tmpl, "DESCRIPTION"));
	app->template64 = arena_strdup(&app->o.arena, tmpl_text(tmpl, "APPTEMPLATE64"));
	app->version = arena_strdup(&app->o.arena, tmpl_text(tmpl, "VERSION"));
}

/* These only the driver knows. */
static void remove_facts(struct tmpl *tmpl)
{
	static const char *const names[] = { "SOURCE", "SIZE", "MD5", "FORMAT", "REGTIME", "ORIGIN_ID" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		tmpl_remove(tmpl, names[i]);
}

static enum one_rc marketapp_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	(void)err;
	take_texts((struct marketapp *)o, fresh);
	remove_facts(fresh);
	return ONE_OK;
}

const struct obj_ops marketapp_ops = {
	.type = OBJ_MARKETAPP, .token = "MARKETPLACEAPP", .word = "marketplaceapp", .root = "MARKETPLACEAPP",
	.pool_root = "MARKETPLACEAPP_POOL", .table = TABLE_MARKETAPP, .size = sizeof(struct marketapp),
	.flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER, .load = marketapp_load, .render = marketapp_render,
	.index = marketapp_index, .check_update = marketapp_check_update,
};

/* ---- making and dropping ---- */

/* A new app of a market. */
static struct marketapp *blank(struct txn *t, const struct object *owner, const struct tmpl *tmpl, const struct market *m)
{
	struct marketapp *app = txn_new(t, OBJ_MARKETAPP);

	if (!app)
		return NULL;
	object_take(&app->o, owner, tmpl);
	app->source = app->md5 = app->description = app->version = app->format = app->template64 = "";
	app->market = arena_strdup(&app->o.arena, m->o.name);
	app->market_id = m->o.id;
	app->zone_id = m->zone_id;
	app->origin_id = -1;
	app->state = APP_INIT;
	return app;
}

static bool origin_of(const struct tmpl *tmpl, int *id)
{
	long long value;

	if (!tmpl_get_int(tmpl, "ORIGIN_ID", &value) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*id = (int)value;
	return true;
}

struct marketapp *marketapp_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, struct market *m)
{
	struct marketapp *app = blank(t, owner, tmpl, m);

	if (!app || market_take_name(t, &app->o))
		return NULL;
	app->regtime = t->now;
	app->type = app_type_parse(tmpl_text(app->o.tmpl, "TYPE"));
	if (!origin_of(app->o.tmpl, &app->origin_id)) {
		txn_fail(t, ONE_INTERNAL, "Missing ORIGIN_ID for the MARKETPLACEAPP");
		return NULL;
	}
	tmpl_remove(app->o.tmpl, "ZONE_ID");
	remove_facts(app->o.tmpl);
	take_texts(app, app->o.tmpl);
	if (!*app->version)
		app->version = "0.0";
	idset_add(&m->apps, &m->o.arena, app->o.id);
	return app;
}

int marketapp_origin(const struct tmpl *tmpl)
{
	int id;

	return app_type_parse(tmpl_text(tmpl, "TYPE")) == APP_IMAGE && origin_of(tmpl, &id) ? id : -1;
}

const char *marketapp_hold_origin(struct txn *t, const struct marketapp *app)
{
	struct image *img = txn_exists(t, OBJ_IMAGE, app->origin_id) ? txn_edit(t, OBJ_IMAGE, app->origin_id) : NULL;

	if (!img)
		return "Image does not exist.";
	if (!txn_exists(t, OBJ_DATASTORE, img->ds_id))
		return "Image datastore no longer exists.";
	if (img->type == IMAGE_BACKUP)
		return "Cannoe clone backup images"; /* clients know it so */
	if (!image_copy_begin(t, img, &img->app_clones, app->o.id))
		return "Cannot clone image in current state";
	return NULL;
}

void marketapp_release_origin(struct txn *t, const struct marketapp *app)
{
	struct image *img;

	if (app->type != APP_IMAGE || !txn_exists(t, OBJ_IMAGE, app->origin_id))
		return;
	img = txn_edit(t, OBJ_IMAGE, app->origin_id);
	if (img)
		image_copy_end(t, img, &img->app_clones, app->o.id);
}

void marketapp_leave(struct txn *t, const struct marketapp *app)
{
	struct market *m = txn_exists(t, OBJ_MARKET, app->market_id) ? txn_edit(t, OBJ_MARKET, app->market_id) : NULL;

	if (m)
		idset_del(&m->apps, app->o.id);
}

void marketapp_drop(struct txn *t, struct marketapp *app)
{
	marketapp_release_origin(t, app);
	marketapp_leave(t, app);
	tally_set(t, TALLY_APP_MISSED, app->o.id, 0);
	acl_object_gone(t, OBJ_MARKETAPP, app->o.id);
	txn_delete(t, &app->o);
}

void marketapp_to_image(const struct marketapp *app, struct tmpl *tmpl)
{
	tmpl_set(tmpl, "FROM_APP_NAME", app->o.name);
	tmpl_set(tmpl, "PATH", app->source);
	tmpl_set(tmpl, "FORMAT", app->format);
	tmpl_set(tmpl, "FROM_APP_MD5", app->md5);
}

/* ---- apps that others made ---- */

static struct tmpl *read_report(struct txn *t, const char *text64)
{
	struct tmpl *tmpl = tmpl_new(t->arena);
	struct one_err err = ONE_ERR_INIT;

	if (!tmpl_parse64(tmpl, text64, &err))
		return tmpl;
	log_error("MKP", "Error importing app: %s", err.text);
	return NULL;
}

/* All of it but name, owner and rights. */
static void follow_report(struct marketapp *app, const struct tmpl *tmpl)
{
	struct arena *a = &app->o.arena;
	long long number;

	app->type = app_type_parse(tmpl_text(tmpl, "TYPE"));
	app->source = arena_strdup(a, tmpl_text(tmpl, "SOURCE"));
	app->md5 = arena_strdup(a, tmpl_text(tmpl, "MD5"));
	app->format = arena_strdup(a, tmpl_text(tmpl, "FORMAT"));
	app->size_mb = tmpl_get_int(tmpl, "SIZE", &number) ? number : 0;
	app->regtime = tmpl_get_int(tmpl, "REGTIME", &number) ? (time_t)number : 0;
	app->o.tmpl = tmpl_copy(a, tmpl);
	take_texts(app, tmpl);
	remove_facts(app->o.tmpl);
	tmpl_remove(app->o.tmpl, "NAME");
	tmpl_remove(app->o.tmpl, "TYPE");
}

static bool differs(const struct marketapp *app, const struct tmpl *tmpl)
{
	return strcmp(app->version, tmpl_text(tmpl, "VERSION")) != 0 || strcmp(app->md5, tmpl_text(tmpl, "MD5")) != 0 ||
	       strcmp(app->source, tmpl_text(tmpl, "SOURCE")) != 0;
}

/* Only the market that has it may change it. */
static int know_again(struct txn *t, const struct market *m, int id, const struct tmpl *tmpl)
{
	const struct marketapp *app = txn_read(t, OBJ_MARKETAPP, id);
	struct marketapp *mine;

	if (app->market_id != m->o.id) {
		log_error("MKP", "Error importing app: %s is the name of app %d of another marketplace", app->o.name, id);
		return -1;
	}
	mine = differs(app, tmpl) ? txn_edit(t, OBJ_MARKETAPP, id) : NULL;
	if (mine)
		follow_report(mine, tmpl);
	return id;
}

int marketapp_reported(struct txn *t, struct market *m, const char *text64)
{
	const struct tmpl *tmpl = read_report(t, text64);
	struct object owner = { 0 };
	struct one_err err = ONE_ERR_INIT;
	struct marketapp *app;
	const char *name;
	int id;

	if (!tmpl)
		return -1;
	name = tmpl_text(tmpl, "NAME");
	if (obj_check_name(name, &err))
		name = "imported--1"; /* as OpenNebula names them */
	id = txn_find(t, OBJ_MARKETAPP, name, 0);
	if (id >= 0)
		return know_again(t, m, id, tmpl);
	object_owner_oneadmin(t, &owner, PERM_OWNER_U | PERM_OWNER_M | PERM_GROUP_U | PERM_OTHER_U);
	app = blank(t, &owner, tmpl, m);
	if (!app)
		return -1;
	app->o.name = arena_strdup(&app->o.arena, name);
	follow_report(app, tmpl);
	marketapp_event(t, app, APP_EV_DONE);
	idset_add(&m->apps, &m->o.arena, app->o.id);
	return app->o.id;
}
