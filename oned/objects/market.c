#include "oned/objects/market.h"

#include <string.h>
#include <strings.h>

#include "common/conf.h"
#include "oned/objects/common.h"
#include "oned/objects/marketapp.h"
#include "oned/objects/settings.h"

static enum one_rc market_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct market *m = (struct market *)o;

	(void)err;
	m->state = xml_int(x, "STATE", 0) == MARKET_DISABLED ? MARKET_DISABLED : MARKET_ENABLED;
	m->market_mad = arena_strdup(&o->arena, xml_text_or(x, "MARKET_MAD", ""));
	m->zone_id = (int)xml_int(x, "ZONE_ID", -1);
	m->total_mb = xml_int(x, "TOTAL_MB", 0);
	m->free_mb = xml_int(x, "FREE_MB", 0);
	m->used_mb = xml_int(x, "USED_MB", 0);
	idset_load(&m->apps, &o->arena, xml_child(x, "MARKETPLACEAPPS"));
	return ONE_OK;
}

static void market_render(const struct object *o, struct strbuf *out)
{
	const struct market *m = (const struct market *)o;

	xml_out_open(out, "MARKETPLACE");
	obj_out_head(o, out);
	xml_out_int(out, "STATE", m->state);
	xml_out_text(out, "MARKET_MAD", m->market_mad);
	xml_out_int(out, "ZONE_ID", m->zone_id);
	xml_out_int(out, "TOTAL_MB", m->total_mb);
	xml_out_int(out, "FREE_MB", m->free_mb);
	xml_out_int(out, "USED_MB", m->used_mb);
	obj_out_ids(out, "MARKETPLACEAPPS", m->apps.ids, m->apps.n);
	obj_out_permissions(o, out);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "MARKETPLACE");
}

static void market_index(const struct object *o, struct obj_index *out)
{
	out->state = (int)((const struct market *)o)->state;
}

const struct obj_ops market_ops = {
	.type = OBJ_MARKET, .token = "MARKETPLACE", .word = "marketplace", .root = "MARKETPLACE", .pool_root = "MARKETPLACE_POOL",
	.table = TABLE_MARKET, .size = sizeof(struct market), .flags = OBJ_F_OWNED | OBJ_F_NAME_GLOBAL,
	.load = market_load, .render = market_render, .index = market_index,
};

/* ---- making and changing ---- */

static enum one_rc check_mad(struct txn *t, const struct tmpl *tmpl, const char *mad)
{
	const struct attr *conf = settings_named(t, "MARKET_MAD_CONF", mad);
	const char *list, *item;

	if (!conf)
		return txn_fail(t, ONE_INTERNAL, "MARKET_MAD_CONF named \"%s\" is not defined in oned.conf", mad);
	list = attr_get(conf, "REQUIRED_ATTRS");
	while (list && (item = list_next(t->arena, &list, ','))) {
		const char *name = text_upper(t->arena, item);

		if (*name && !*tmpl_text(tmpl, name))
			return txn_fail(t, ONE_INTERNAL, "MarketPlace template is missing the \"%s\" attribute or it's empty.", name);
	}
	return ONE_OK;
}

enum one_rc market_take_name(struct txn *t, struct object *o)
{
	const char *name = tmpl_take(o->tmpl, "NAME");
	struct one_err err = ONE_ERR_INIT;
	int taken;

	if (obj_check_name(name, &err))
		return txn_fail(t, err.rc, "%s", err.text);
	taken = txn_find(t, o->ops->type, name, o->uid);
	if (taken >= 0)
		return txn_fail(t, ONE_INTERNAL, "NAME is already taken by %s %d", o->ops->token, taken);
	o->name = name;
	return ONE_OK;
}

static void take_state(struct market *m)
{
	const char *state = tmpl_text(m->o.tmpl, "STATE");

	if (strcasecmp(state, "ENABLED") != 0 && strcasecmp(state, "DISABLED") != 0)
		return;
	m->state = strcasecmp(state, "DISABLED") ? MARKET_ENABLED : MARKET_DISABLED;
	tmpl_remove(m->o.tmpl, "STATE");
}

/* All but what its driver asks for. */
static struct market *make(struct txn *t, const struct object *owner, const struct tmpl *tmpl)
{
	struct market *m = txn_new(t, OBJ_MARKET);

	if (!m)
		return NULL;
	object_take(&m->o, owner, tmpl);
	if (market_take_name(t, &m->o))
		return NULL;
	tmpl_remove(m->o.tmpl, "ZONE_ID");
	m->market_mad = arena_strdup(&m->o.arena, tmpl_text(m->o.tmpl, "MARKET_MAD"));
	if (!*m->market_mad) {
		txn_fail(t, ONE_INTERNAL, "No marketplace driver (MARKET_MAD) in template.");
		return NULL;
	}
	m->zone_id = settings_zone(t);
	take_state(m);
	return m;
}

struct market *market_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl)
{
	struct market *m = make(t, owner, tmpl);

	return m && !check_mad(t, m->o.tmpl, m->market_mad) ? m : NULL;
}

enum one_rc market_template_changed(struct txn *t, struct market *m)
{
	const char *mad = tmpl_take(m->o.tmpl, "MARKET_MAD");

	if (*mad && check_mad(t, m->o.tmpl, mad))
		return t->err.rc;
	if (*mad)
		m->market_mad = mad;
	tmpl_set(m->o.tmpl, "MARKET_MAD", m->market_mad);
	return ONE_OK;
}

void market_renamed(struct txn *t, const struct market *m)
{
	for (int i = 0; i < m->apps.n; i++) {
		struct marketapp *app = txn_exists(t, OBJ_MARKETAPP, m->apps.ids[i]) ? txn_edit(t, OBJ_MARKETAPP, m->apps.ids[i]) : NULL;

		if (app && app->market_id == m->o.id)
			app->market = arena_strdup(&app->o.arena, m->o.name);
	}
}

static void drop_apps(struct txn *t, struct market *m)
{
	while (m->apps.n) {
		int id = m->apps.ids[m->apps.n - 1];
		struct marketapp *app = txn_exists(t, OBJ_MARKETAPP, id) ? txn_edit(t, OBJ_MARKETAPP, id) : NULL;

		if (app)
			marketapp_drop(t, app);
		idset_del(&m->apps, id);
	}
}

void market_enable(struct txn *t, struct market *m, bool enable)
{
	if (!enable && m->state == MARKET_ENABLED)
		drop_apps(t, m);
	m->state = enable ? MARKET_ENABLED : MARKET_DISABLED;
}

bool market_is_public(struct txn *t, const struct market *m)
{
	const struct attr *conf = settings_named(t, "MARKET_MAD_CONF", m->market_mad);
	bool public;

	return conf && attr_get_bool(conf, "PUBLIC", &public) && public;
}

/* What it is when oned.conf says nothing: of the drivers that are older than APP_ACTIONS. */
static const char *usual_actions(const char *mad)
{
	if (!strcmp(mad, "http") || !strcmp(mad, "s3"))
		return "create,monitor,delete";
	return strcmp(mad, "one") ? "" : "create,monitor";
}

bool market_allows(struct txn *t, const struct market *m, const char *action)
{
	const struct attr *conf = settings_named(t, "MARKET_MAD_CONF", m->market_mad);
	const char *list = conf ? attr_get(conf, "APP_ACTIONS") : NULL, *item;

	if (!list || !*list)
		list = usual_actions(m->market_mad);
	while ((item = list_next(t->arena, &list, ',')))
		if (!strcmp(item, action))
			return true;
	return false;
}

enum one_rc market_delete(struct txn *t, struct market *m)
{
	if (m->apps.n && !market_is_public(t, m))
		return txn_fail(t, ONE_ACTION, "marketplace  %d is not empty.", m->o.id);
	drop_apps(t, m);
	txn_delete(t, &m->o);
	return t->err.rc;
}

void market_bootstrap(struct txn *t)
{
	static const char *const texts[] = {
		"NAME = \"OpenNebula Public\"\nMARKET_MAD = \"one\"\nDESCRIPTION = \"OpenNebula Systems MarketPlace\"\n",
		"NAME = \"Linux Containers\"\nSTATE = \"DISABLED\"\nMARKET_MAD = \"linuxcontainers\"\n"
		"DESCRIPTION = \"MarketPlace for the public image server fo LXC & LXD hosted at linuxcontainers.org\"\n",
	};
	struct object owner = { 0 };

	object_owner_oneadmin(t, &owner, PERM_OWNER_U | PERM_OWNER_M | PERM_OWNER_A | PERM_GROUP_U | PERM_OTHER_U);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && txn_ok(t); i++) {
		struct tmpl *tmpl = tmpl_new(t->arena);

		if (!tmpl_parse(tmpl, texts[i], &t->err))
			make(t, &owner, tmpl); /* whether oned.conf knows their drivers or not */
	}
	txn_reserve_ids(t, OBJ_MARKET, 99);
}
