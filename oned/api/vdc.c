/* one.vdc.* */
#include "oned/objects/vdc.h"

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/auth/acl_rule.h"

static void api_vdc_allocate(struct txn *t, struct call *c)
{
	struct vdc *v = vdc_create(t, c->prepared);

	if (v)
		call_ok_int(c, v->o.id);
}

static void api_vdc_delete(struct txn *t, struct call *c)
{
	struct vdc *v = call_edit(t, c);

	if (!v)
		return;
	if (vdc_delete(t, v)) {
		infra_delete_failed(t, c);
		return;
	}
	acl_object_gone(t, OBJ_VDC, v->o.id);
	call_ok_int(c, v->o.id);
}

/* ---- what it holds ---- */

/* One thing that is needed to change a VDC: ADMIN of it. What is taken out need not be there any more. */
static bool check_part(struct txn *t, struct authz *a, enum obj_type type, int id, bool needed)
{
	const struct version *v = id < 0 ? NULL : txn_version(t, type, id);

	if (v)
		authz_check_version(a, AUTH_ADMIN, false, v);
	else if (needed)
		txn_no_object(t, type, id);
	return txn_ok(t);
}

static struct vdc *edit_checked(struct txn *t, struct call *c, struct authz *a, bool there)
{
	struct one_err err = ONE_ERR_INIT;

	if (!there) { /* the failure is told already */
		authz_end(a, &err);
		return NULL;
	}
	return call_checks_end(t, a) ? txn_edit(t, OBJ_VDC, call_int(c, 0)) : NULL;
}

static struct vdc *edit_groups(struct txn *t, struct call *c, bool add)
{
	struct authz a;
	bool there;

	call_checks_begin(c, &a);
	there = check_part(t, &a, OBJ_VDC, call_int(c, 0), true) && check_part(t, &a, OBJ_GROUP, call_int(c, 1), add);
	return edit_checked(t, c, &a, there);
}

static void api_vdc_addgroup(struct txn *t, struct call *c)
{
	struct vdc *v = edit_groups(t, c, true);

	if (v && !vdc_group_add(t, v, call_int(c, 1)))
		call_ok_int(c, v->o.id);
}

static void api_vdc_delgroup(struct txn *t, struct call *c)
{
	struct vdc *v = edit_groups(t, c, false);

	if (v && !vdc_group_del(t, v, call_int(c, 1)))
		call_ok_int(c, v->o.id);
}

/* Objects of other zones can't be looked at here. */
static void resource(struct txn *t, struct call *c, enum vdc_kind kind, enum obj_type type, bool add)
{
	int zone = call_int(c, 1), id = call_int(c, 2);
	bool local = zone == c->api->zone && id != VDC_ALL_RESOURCES, there;
	struct authz a;
	struct vdc *v;

	call_checks_begin(c, &a);
	there = check_part(t, &a, OBJ_VDC, call_int(c, 0), true) && check_part(t, &a, OBJ_ZONE, zone, add) &&
		(!local || check_part(t, &a, type, id, add));
	v = edit_checked(t, c, &a, there);
	if (v && !(add ? vdc_resource_add(t, v, kind, zone, id) : vdc_resource_del(t, v, kind, zone, id)))
		call_ok_int(c, v->o.id);
}

#define RESOURCE(word, kind, type)                                                                                                     \
	static void api_vdc_add##word(struct txn *t, struct call *c) { resource(t, c, kind, type, true); }                             \
	static void api_vdc_del##word(struct txn *t, struct call *c) { resource(t, c, kind, type, false); }

RESOURCE(cluster, VDC_CLUSTER, OBJ_CLUSTER)
RESOURCE(host, VDC_HOST, OBJ_HOST)
RESOURCE(datastore, VDC_DATASTORE, OBJ_DATASTORE)
RESOURCE(vnet, VDC_VNET, OBJ_NET)

#define ROWS(word, what)                                                                                                               \
	{ .name = "one.vdc.add" #word, .params = "id:i zone:i " #word ":i", .object = OBJ_VDC, .right = AUTH_ADMIN,                    \
	  .flags = M_NO_RIGHT, .write = api_vdc_add##word,                                                                             \
	  .doc = "Lets the groups of the VDC use " what " of a zone (-10: all); needs ADMIN of all three." },                          \
	{ .name = "one.vdc.del" #word, .params = "id:i zone:i " #word ":i", .object = OBJ_VDC, .right = AUTH_ADMIN,                    \
	  .flags = M_NO_RIGHT, .write = api_vdc_del##word, .doc = "Takes " what " out of the VDC." }

const struct method vdc_methods[] = {
	/* clang-format off */
	{ .name = "one.vdc.allocate", .params = "template:s", .object = OBJ_VDC, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_vdc_allocate, .doc = "Makes a virtual data centre, without groups and resources." },
	{ .name = "one.vdc.info", .params = "id:i decrypt:b=false", .object = OBJ_VDC, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = "A virtual data centre." },
	{ .name = "one.vdcpool.info", .params = "", .object = OBJ_VDC, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "All visible virtual data centres." },
	{ .name = "one.vdc.update", .params = "id:i template:s append:i=0", .object = OBJ_VDC, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.vdc.rename", .params = "id:i name:s", .object = OBJ_VDC, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_rename, .doc = "Gives another name." },
	{ .name = "one.vdc.delete", .params = "id:i unused:b=false", .object = OBJ_VDC, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = api_vdc_delete, .doc = "Deletes a VDC, and the rights it gave; not the default one." },
	{ .name = "one.vdc.addgroup", .params = "id:i group:i", .object = OBJ_VDC, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = api_vdc_addgroup, .doc = "Lets a group use what the VDC holds; needs ADMIN of the group too." },
	{ .name = "one.vdc.delgroup", .params = "id:i group:i", .object = OBJ_VDC, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = api_vdc_delgroup, .doc = "Takes a group out of the VDC." },
	ROWS(cluster, "a cluster, with what is in it,"),
	ROWS(host, "a host"),
	ROWS(datastore, "a datastore"),
	ROWS(vnet, "a network"),
	{ .name = NULL },
	/* clang-format on */
};
