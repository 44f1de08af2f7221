/* one.market.* and one.marketapp.* */
#include "oned/objects/market.h"

#include "oned/api/infra.h"
#include "oned/api/market_peer.h"
#include "oned/api/usual.h"
#include "oned/auth/acl_rule.h"
#include "oned/lifecycle/market.h"
#include "oned/objects/settings.h"

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
	bool comes_back;

	if (!m)
		return;
	comes_back = call_bool(c, 1) && m->state == MARKET_DISABLED;
	market_enable(t, m, call_bool(c, 1));
	if (comes_back)
		market_monitor(t, m->o.id);
	call_ok_int(c, m->o.id);
}

/* ---- apps ---- */

static struct market *open_market(struct txn *t, int id)
{
	struct market *m = txn_exists(t, OBJ_MARKET, id) ? txn_edit(t, OBJ_MARKET, id) : NULL;

	if (!m)
		txn_fail(t, ONE_INTERNAL, "Cannot find associated MARKETPLACE");
	else if (!market_allows(t, m, "create"))
		txn_fail(t, ONE_ACTION, "Create disabled for market: %s", m->o.name);
	else if (m->zone_id != settings_zone(t))
		txn_fail(t, ONE_ACTION, "Marketplace is not in this OpenNebula zone");
	return txn_ok(t) ? m : NULL;
}

/* Who offers an image gives its contents away: unlike 6.10, which asks for CREATE alone, the market and the image have to be his to use. */
static bool may_offer(struct txn *t, struct call *c, int market_id)
{
	int image_id = marketapp_origin(c->prepared);
	const struct version *img = image_id < 0 ? NULL : txn_version(t, OBJ_IMAGE, image_id);
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_MARKET, market_id));
	if (img)
		authz_check_version(&a, AUTH_USE, false, img);
	return call_checks_end(t, &a);
}

/* An app that can't be imported is made all the same, and tells why. */
static void api_marketapp_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct market *m = open_market(t, call_int(c, 1));
	struct marketapp *app = m && may_offer(t, c, m->o.id) ? marketapp_create(t, &owner, c->prepared, m) : NULL;
	const char *why = app ? marketapp_import(t, app) : NULL;

	if (why)
		call_fail(c, ONE_INTERNAL, "%s", why);
	else if (app)
		call_ok_int(c, app->o.id);
}

static void api_marketapp_delete(struct txn *t, struct call *c)
{
	struct marketapp *app = call_edit(t, c);

	if (app && marketapp_delete(t, app))
		infra_delete_failed(t, c);
	else if (app)
		call_ok_int(c, app->o.id);
}

/* While the driver works on it, and after it failed, there is nothing to enable; that is no error. */
static void api_marketapp_enable(struct txn *t, struct call *c)
{
	struct marketapp *app = call_edit(t, c);

	if (!app)
		return;
	marketapp_event(t, app, call_bool(c, 1) ? APP_EV_ENABLE : APP_EV_DISABLE);
	call_ok_int(c, app->o.id);
}

static void api_marketapp_chown(struct txn *t, struct call *c)
{
	const struct marketapp *app;
	const struct market *m;

	api_chown(t, c);
	app = txn_ok(t) ? txn_read(t, OBJ_MARKETAPP, call_int(c, 0)) : NULL;
	m = app ? txn_read(t, OBJ_MARKET, app->market_id) : NULL;
	if (m && market_is_public(t, m))
		txn_fail(t, ONE_INTERNAL, "App %d: Changing the ownership for an App from the public Marketplace is not permitted", app->o.id);
}

const struct method market_methods[] = {
	/* clang-format off */
	{ .name = "one.market.allocate", .params = "template:s", .object = OBJ_MARKET, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_market_allocate, .doc = "Makes a marketplace." },
	{ .name = "one.market.delete", .params = "id:i unused:b=false", .object = OBJ_MARKET, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_market_delete, .doc = "Deletes a marketplace; it must be empty, or one that others fill." },
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
	{ .name = "one.marketapp.chown", .params = "id:i uid:i gid:i", .object = OBJ_MARKETAPP, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_marketapp_chown, .doc = "Changes owner and group of an app of a market that isn't public; -1 keeps one." },
	USUAL_LOCKS("marketapp", OBJ_MARKETAPP),
	{ .name = "one.marketapp.allocate", .params = "template:s market:i", .object = OBJ_MARKETAPP, .right = AUTH_CREATE,
	  .flags = M_TYPE_RIGHT, .prepare = api_prepare_template0, .write = api_marketapp_allocate,
	  .doc = "Offers an image or template in a marketplace; needs USE of both." },
	{ .name = "one.marketapp.delete", .params = "id:i unused:b=false", .object = OBJ_MARKETAPP, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_marketapp_delete, .doc = "Deletes an app, and its contents in the marketplace." },
	{ .name = "one.marketapp.enable", .params = "id:i enable:b", .object = OBJ_MARKETAPP, .right = AUTH_MANAGE,
	  .write = api_marketapp_enable, .doc = "Enables or disables an app." },
	{ .name = "one.market.allocatedb", .params = "xml:s", .object = OBJ_MARKET, .flags = M_NO_RIGHT, .prepare = peer_prepare_new,
	  .write = peer_allocate, .doc = "For servers of a federation: a marketplace as another one has it." },
	{ .name = "one.market.updatedb", .params = "id:i xml:s", .object = OBJ_MARKET, .flags = M_NO_RIGHT, .prepare = peer_prepare_known,
	  .write = peer_update, .doc = "For servers of a federation: replaces a marketplace." },
	{ .name = "one.marketapp.allocatedb", .params = "xml:s", .object = OBJ_MARKETAPP, .flags = M_NO_RIGHT, .prepare = peer_prepare_new,
	  .write = peer_allocate, .doc = "For servers of a federation: an app as another one has it." },
	{ .name = "one.marketapp.updatedb", .params = "id:i xml:s", .object = OBJ_MARKETAPP, .flags = M_NO_RIGHT,
	  .prepare = peer_prepare_known, .write = peer_update, .doc = "For servers of a federation: replaces an app." },
	{ .name = "one.marketapp.dropdb", .params = "id:i", .object = OBJ_MARKETAPP, .flags = M_NO_RIGHT,
	  .write = peer_drop_app, .doc = "For servers of a federation: forgets an app; its contents stay where they are." },
	{ .name = NULL },
	/* clang-format on */
};
