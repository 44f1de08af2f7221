/* one.vn.* */
#include "oned/objects/vnet.h"

#include <string.h>

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/auth/acl_rule.h"
#include "oned/objects/encrypted.h"

static void api_vn_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	int cluster = call_int(c, 1);
	struct vnet *vn;

	if (!infra_may_create(t, c, &cluster))
		return;
	attributes_encrypt(txn_conf(t), OBJ_NET, c->prepared);
	vn = vnet_create(t, &owner, c->prepared, -1, &cluster, 1);
	if (vn)
		call_ok_int(c, vn->o.id);
}

/* ---- info: leases as far as the caller may see who has them ---- */

struct view { struct call *c; bool all; };

static bool may(struct call *c, enum auth_op op, const struct version *v)
{
	struct one_err err = ONE_ERR_INIT;
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_version(&a, op, true, v);
	return authz_end(&a, &err) == ONE_OK;
}

static bool show_lease(void *ctx, int64_t owner)
{
	static const struct { int64_t bit; enum obj_type type; } types[] = {
		{ LEASE_VM, OBJ_VM }, { LEASE_NET, OBJ_NET }, { LEASE_VROUTER, OBJ_VROUTER },
	};
	struct view *view = ctx;
	struct version *v = NULL;
	bool shown;

	if (view->all)
		return true;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((owner & types[i].bit) && obj_ops(types[i].type) && lease_owner_id(owner) >= 0)
			v = pool_get(view->c->api->core, types[i].type, lease_owner_id(owner));
	shown = v && may(view->c, AUTH_USE, v);
	version_unref(v);
	return shown;
}

static void out_vnet(struct call *c, const struct version *v, struct view *view, struct strbuf *out)
{
	struct one_err err = ONE_ERR_INIT;
	struct strbuf clear = STRBUF_INIT;
	struct object *o;

	if (!c->who.admin || !call_bool(c, 1)) {
		vnet_render_extended((const struct vnet *)v->obj, show_lease, view, out);
		return;
	}
	api_out_decrypted(c, v, &clear);
	if (!c->err.rc && !obj_load(v->ops, clear.buf, clear.len, &o, &err)) {
		vnet_render_extended((struct vnet *)o, show_lease, view, out);
		obj_free(o);
	}
	strbuf_done(&clear);
}

static void api_vn_info(struct call *c)
{
	struct version *v = call_object(c);
	struct strbuf body = STRBUF_INIT;
	struct view view = { .c = c };

	if (!v)
		return;
	view.all = may(c, AUTH_MANAGE, v);
	out_vnet(c, v, &view, &body);
	if (!c->err.rc)
		rpc_escape(call_ok_wire(c), body.buf, body.len);
	strbuf_done(&body);
	version_unref(v);
}

/* ---- changes ---- */

static void api_vn_update(struct txn *t, struct call *c)
{
	const struct vnet *was = txn_read(t, OBJ_NET, call_int(c, 0));
	struct tmpl *before = was ? tmpl_copy(t->arena, was->o.tmpl) : NULL;
	struct vnet *vn;

	api_update(t, c);
	vn = txn_ok(t) ? txn_edit(t, OBJ_NET, call_int(c, 0)) : NULL;
	if (vn && vnet_template_changed(t, vn, before))
		infra_update_failed(t);
}

static void api_vn_delete(struct txn *t, struct call *c)
{
	struct vnet *vn = call_edit(t, c);

	if (!vn)
		return;
	if (vnet_destroy(t, vn)) {
		infra_delete_failed(t, c);
		return;
	}
	acl_object_gone(t, OBJ_NET, vn->o.id);
	call_ok_int(c, vn->o.id);
}

/* The network, when it is in a state to be changed; what: "remove Adress Range, " as OpenNebula spells it. */
static struct vnet *edit_ready(struct txn *t, struct call *c, const char *what)
{
	struct vnet *vn = call_edit(t, c);

	if (!vn || vn->state == VNET_READY || vn->state == VNET_UPDATE_FAILURE)
		return vn;
	txn_fail(t, ONE_ACTION, "Could not %sVirtual Network is in wrong state: %s", what, vnet_state_name(vn->state));
	return NULL;
}

static void with_template(struct txn *t, struct call *c, enum one_rc (*change)(struct txn *t, struct vnet *vn, const struct tmpl *tmpl))
{
	struct vnet *vn = edit_ready(t, c, arena_printf(t->arena, "execute %s", c->method->name));

	if (vn && !change(t, vn, c->prepared))
		call_ok_int(c, vn->o.id);
}

static void api_vn_add_ar(struct txn *t, struct call *c)
{
	with_template(t, c, vnet_ar_add);
}

static enum one_rc update_ar(struct txn *t, struct vnet *vn, const struct tmpl *tmpl)
{
	return vnet_ar_update(t, vn, tmpl, t->who->admin);
}

static void api_vn_update_ar(struct txn *t, struct call *c)
{
	with_template(t, c, update_ar);
}

static void api_vn_hold(struct txn *t, struct call *c)
{
	with_template(t, c, vnet_hold);
}

static void api_vn_release(struct txn *t, struct call *c)
{
	with_template(t, c, vnet_unhold);
}

static void api_vn_rm_ar(struct txn *t, struct call *c)
{
	struct vnet *vn = edit_ready(t, c, "remove Adress Range, ");

	if (vn && !vnet_ar_remove(t, vn, call_int(c, 1), call_bool(c, 2)))
		call_ok_int(c, vn->o.id);
}

/* Ranges of a reservation are its owner's to give back; others are the infrastructure's. */
static void api_vn_free_ar(struct txn *t, struct call *c)
{
	const struct vnet *vn = txn_read(t, OBJ_NET, call_int(c, 0));

	if (vn && vn->parent < 0 && !call_may(t, c, AUTH_ADMIN, OBJ_NET, vn->o.id))
		return;
	api_vn_rm_ar(t, c);
}

static void api_vn_recover(struct txn *t, struct call *c)
{
	int verdict = call_int(c, 1), id = call_int(c, 0);
	struct vnet *vn;

	if (verdict < 0 || verdict >= VNET_VERDICTS) {
		txn_fail(t, ONE_ACTION, "Wrong recovery operation code");
		return;
	}
	vn = call_edit(t, c);
	if (!vn || vnet_recover(t, vn, (enum vnet_verdict)verdict))
		return;
	if (!txn_exists(t, OBJ_NET, id))
		acl_object_gone(t, OBJ_NET, id);
	call_ok_int(c, id);
}

/* What it has reserved counts for its new owner. */
static void api_vn_chown(struct txn *t, struct call *c)
{
	const struct vnet *vn = txn_read(t, OBJ_NET, call_int(c, 0));
	int uid = vn ? vn->o.uid : -1, gid = vn ? vn->o.gid : -1;

	api_chown(t, c);
	vn = txn_ok(t) ? txn_read(t, OBJ_NET, call_int(c, 0)) : NULL;
	if (vn)
		vnet_reservation_moved(t, vn, uid, gid);
}

#define WITH_TEMPLATE(method, which, fn, text)                                                                          \
	{ .name = "one.vn." method, .params = "id:i template:s", .object = OBJ_NET, .right = which,                     \
	  .prepare = api_prepare_template1, .write = fn, .doc = text }

const struct method vn_methods[] = {
	/* clang-format off */
	{ .name = "one.vn.allocate", .params = "template:s cluster:i", .object = OBJ_NET, .right = AUTH_CREATE, .flags = M_NO_RIGHT,
	  .prepare = api_prepare_template0, .write = api_vn_allocate,
	  .doc = "Makes a network; needs ADMIN of its cluster too (-1: the default one)." },
	{ .name = "one.vn.info", .params = "id:i decrypt:b=false", .object = OBJ_NET, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_vn_info,
	  .doc = "A network with its leases; without MANAGE only those of what the caller may see." },
	{ .name = "one.vnpool.info", .params = "filter:i start:i end:i", .object = OBJ_NET, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "The visible networks." },
	{ .name = "one.vn.update", .params = "id:i template:s append:i=0", .object = OBJ_NET, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_vn_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.vn.delete", .params = "id:i unused:b=false", .object = OBJ_NET, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_vn_delete, .doc = "Deletes a network without leases." },
	{ .name = "one.vn.rename", .params = "id:i name:s", .object = OBJ_NET, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_rename, .doc = "Gives another name." },
	{ .name = "one.vn.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false",
	  .object = OBJ_NET, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_chmod, .doc = "Changes permission bits; -1 keeps one." },
	{ .name = "one.vn.chown", .params = "id:i uid:i gid:i", .object = OBJ_NET, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_vn_chown, .doc = "Changes owner and group, whose quotas a reservation then counts in; -1 keeps one." },
	{ .name = "one.vn.reserve", .params = "id:i template:s", .object = OBJ_NET, .right = AUTH_USE, .flags = M_NO_RIGHT,
	  .prepare = api_vn_prepare_reserve, .write = api_vn_reserve,
	  .doc = "Reserves SIZE addresses in a new network NAME, or in the reservation NETWORK_ID (MANAGE); AR_ID, IP, IP6, MAC say which." },
	{ .name = "one.vn.recover", .params = "id:i operation:i", .object = OBJ_NET, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_vn_recover, .doc = "Decides what became of a network: 0 failed, 1 succeeded, 2 deleted, 3 try again." },
	WITH_TEMPLATE("add_ar", AUTH_ADMIN, api_vn_add_ar, "Adds an address range."),
	WITH_TEMPLATE("update_ar", AUTH_MANAGE, api_vn_update_ar, "Changes an address range, named by AR_ID."),
	{ .name = "one.vn.rm_ar", .params = "id:i ar:i force:b=false", .object = OBJ_NET, .right = AUTH_ADMIN,
	  .write = api_vn_rm_ar, .doc = "Removes an address range; force: with its leases." },
	{ .name = "one.vn.free_ar", .params = "id:i ar:i force:b=false", .object = OBJ_NET, .right = AUTH_MANAGE,
	  .write = api_vn_free_ar, .doc = "Gives an address range of a reservation back." },
	WITH_TEMPLATE("hold", AUTH_MANAGE, api_vn_hold, "Holds an address: LEASES=[IP=]."),
	WITH_TEMPLATE("release", AUTH_MANAGE, api_vn_release, "Releases a held address: LEASES=[IP=]."),
	{ .name = "one.vn.lock", .params = "id:i level:i test:b=false", .object = OBJ_NET, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT,
	  .write = api_lock, .doc = "Locks: 1 USE, 2 MANAGE, 3 ADMIN, 4 ALL." },
	{ .name = "one.vn.unlock", .params = "id:i", .object = OBJ_NET, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT,
	  .write = api_unlock, .doc = "Unlocks." },
	{ .name = NULL },
	/* clang-format on */
};
