/* one.market.* and one.marketapp.* */
#include "oned/objects/market.h"

#include "oned/api/infra.h"
#include "oned/api/usual.h"
#include "oned/auth/acl_rule.h"

static void api_market_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct market *m = market_create(t, &owner, c->prepared);

	if (m)
		call_ok_int(c, m->o.id);
}

static void api_market_update(struct txn *t, struct call *c)
{
	struct market *m;

	api_update(t, c);
	m = txn_ok(t) ? txn_edit(t, OBJ_MARKET, call_int(c, 0)) : NULL;
	if (m && market_template_changed(t, m))
		infra_update_failed(t);
}

static void api_market_rename(struct txn *t, struct call *c)
{
	const struct market *m;

	api_rename(t, c);
	m = txn_ok(t) ? txn_read(t, OBJ_MARKET, call_int(c, 0)) : NULL;
	if (m)
		market_renamed(t, m);
}

static void api_market_delete(struct txn *t, struct call *c)
{
	struct market *m = call_edit(t, c);

	if (!m)
		return;
	if (market_delete(t, m)) {
		infra_delete_failed(t, c);
		return;
	}
	acl_object_gone(t, OBJ_MARKET, m->o.id);
	call_ok_int(c, m->o.id);
}

static void api_market_enable(struct txn *t, struct call *c)
{
	struct market *m = call_edit(t, c);

	if (!m)
		return;
	market_enable(t, m, call_bool(c, 1));
	call_ok_int(c, m->o.id);
}

const struct method market_methods[] = {
	/* clang-format off */
	{ .name = "one.market.allocate", .params = "template:s", .object = OBJ_MARKET, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_market_allocate, .doc = "Makes a marketplace." },
	{ .name = "one.market.delete", .params = "id:i unused:b=false", .object = OBJ_MARKET, .right = AUTH_MANAGE,
	  .write = api_market_delete, .doc = "Deletes a marketplace; it must be empty, or one that others fill." },
	{ .name = "one.market.update", .params = "id:i template:s append:i=0", .object = OBJ_MARKET, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_market_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.market.rename", .params = "id:i name:s", .object = OBJ_MARKET, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_market_rename, .doc = "Gives another name." },
	{ .name = "one.market.enable", .params = "id:i enable:b", .object = OBJ_MARKET, .right = AUTH_MANAGE,
	  .write = api_market_enable, .doc = "Enables or disables it; disabled it has no apps." },
	USUAL_INFO("market", OBJ_MARKET, "A marketplace."),
	{ .name = "one.marketpool.info", .params = "", .object = OBJ_MARKET, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "The visible marketplaces." },
	USUAL_CHMOD("market", OBJ_MARKET),
	USUAL_CHOWN("market", OBJ_MARKET),
	USUAL_INFO("marketapp", OBJ_MARKETAPP, "An app of a marketplace."),
	USUAL_POOL("marketapp", OBJ_MARKETAPP, "The visible apps of all marketplaces."),
	USUAL_UPDATE("marketapp", OBJ_MARKETAPP),
	USUAL_RENAME("marketapp", OBJ_MARKETAPP),
	USUAL_CHMOD("marketapp", OBJ_MARKETAPP),
	USUAL_CHOWN("marketapp", OBJ_MARKETAPP),
	USUAL_LOCKS("marketapp", OBJ_MARKETAPP),
	{ .name = NULL },
	/* clang-format on */
};
