#include "oned/api/market_peer.h"

#include <string.h>

#include "oned/api/infra.h"
#include "oned/objects/marketapp.h"

/* ---- the XML ---- */

/* What a server always sends. 6.10 takes a new object without them, and keeps one that belongs to nobody. */
static const char *const market_parts[] = { "ID", "UID", "GID", "UNAME", "GNAME", "NAME", "MARKET_MAD", "ZONE_ID", "TOTAL_MB", "FREE_MB",
	"USED_MB", "MARKETPLACEAPPS", "PERMISSIONS", "TEMPLATE", NULL };
static const char *const app_parts[] = { "ID", "UID", "GID", "UNAME", "GNAME", "REGTIME", "NAME", "ZONE_ID", "ORIGIN_ID", "SOURCE", "MD5", "SIZE",
	"DESCRIPTION", "VERSION", "FORMAT", "APPTEMPLATE64", "MARKETPLACE_ID", "MARKETPLACE", "STATE", "TYPE", "PERMISSIONS", "TEMPLATE", NULL };

static bool is_whole(const struct obj_ops *ops, const struct xnode *x)
{
	const char *const *part = ops->type == OBJ_MARKET ? market_parts : app_parts;

	if (strcmp(x->name, ops->root) != 0)
		return false;
	while (*part && xml_child(x, *part))
		part++;
	return !*part;
}

/* An object that is none is told by the handler, after who calls was looked at. */
static enum one_rc prepare(struct call *c, const char *xml)
{
	struct one_err ignored = ONE_ERR_INIT;
	struct xnode *x;

	if (!xml_parse(&c->arena, xml, strlen(xml), XML_MAX_DEPTH, OBJECT_MAX_BYTES, &x, &ignored) && is_whole(obj_ops(c->method->object), x))
		c->prepared = x;
	return ONE_OK;
}

enum one_rc peer_prepare_new(struct call *c, struct one_err *err)
{
	(void)err;
	return prepare(c, call_str(c, 0));
}

enum one_rc peer_prepare_known(struct call *c, struct one_err *err)
{
	(void)err;
	return prepare(c, call_str(c, 1));
}

/* ---- taking it over ---- */

static bool state_exists(const struct xnode *x, enum obj_type type)
{
	long long state = xml_int(x, "STATE", 0), kind = xml_int(x, "TYPE", 0);

	if (type == OBJ_MARKET)
		return state == MARKET_ENABLED || state == MARKET_DISABLED;
	return state >= 0 && state < APP_STATES && kind >= 0 && kind < APP_TYPES;
}

static bool take_over(struct txn *t, struct object *o, const struct xnode *x)
{
	struct one_err err = ONE_ERR_INIT;
	int other = txn_find(t, o->ops->type, xml_text_or(x, "NAME", ""), (int)xml_int(x, "UID", -1));

	return !obj_reload(o, x, &err) && o->uid >= 0 && o->gid >= 0 && !obj_check_name(o->name, &err) && (other < 0 || other == o->id) &&
	       state_exists(x, o->ops->type);
}

void peer_allocate(struct txn *t, struct call *c)
{
	struct object *o;

	if (!call_by_oneadmin(c))
		return;
	o = c->prepared ? txn_new(t, c->method->object) : NULL;
	if (o && take_over(t, o, c->prepared))
		call_ok_int(c, o->id);
	else
		txn_fail(t, ONE_INTERNAL, "Cannot allocate object from XML");
}

void peer_update(struct txn *t, struct call *c)
{
	struct object *o;

	if (!call_by_oneadmin(c))
		return;
	if (!txn_exists(t, c->method->object, call_int(c, 0))) {
		txn_no_object(t, c->method->object, call_int(c, 0));
		return;
	}
	if (!c->prepared) {
		txn_fail(t, ONE_INTERNAL, "Cannot update object from XML");
		return;
	}
	if (xml_int(c->prepared, "ID", -1) != call_int(c, 0)) {
		txn_fail(t, ONE_INTERNAL, "Consistency check failed");
		return;
	}
	o = txn_edit(t, c->method->object, call_int(c, 0));
	if (!o || !take_over(t, o, c->prepared))
		txn_fail(t, ONE_INTERNAL, "Cannot update object from XML");
	else
		call_ok_int(c, o->id);
}

void peer_drop_app(struct txn *t, struct call *c)
{
	struct marketapp *app;

	if (!call_by_oneadmin(c))
		return;
	app = txn_edit(t, OBJ_MARKETAPP, call_int(c, 0));
	if (!app)
		return;
	marketapp_drop(t, app);
	call_ok_int(c, app->o.id);
}
