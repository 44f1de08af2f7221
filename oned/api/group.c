/* one.group.*, one.grouppool.info */
#include <string.h>

#include "oned/api/api.h"
#include "oned/api/quota_out.h"
#include "oned/auth/acl_rule.h"
#include "oned/auth/group.h"
#include "oned/objects/vdc.h"

static void group_allocate(struct txn *t, struct call *c)
{
	struct group *g = group_create(t, call_str(c, 0));

	if (!g)
		return;
	vdc_group_created(t, g->o.id);
	call_ok_int(c, g->o.id);
}

/* -1: the caller's primary group. */
static void group_info(struct call *c)
{
	struct version *v;

	if (call_int(c, 0) == -1)
		((struct rpc_value *)c->args)[0].i = c->who.gid;
	v = call_object(c);
	if (!v)
		return;
	quota_out_info(c, v, OBJ_GROUP_QUOTA, 1);
	version_unref(v);
}

static void grouppool_info(struct call *c)
{
	quota_out_pool(c, OBJ_GROUP, OBJ_GROUP_QUOTA, 1);
}

static void group_delete(struct txn *t, struct call *c)
{
	struct group *g = txn_edit(t, OBJ_GROUP, call_int(c, 0));

	if (!g)
		return;
	if (g->o.id < 100) {
		txn_fail(t, ONE_ACTION, "Cannot delete group. System Groups (ID < 100) cannot be deleted.");
		return;
	}
	if (g->users.n) {
		txn_fail(t, ONE_ACTION, "Cannot delete group. Group %d is not empty.", g->o.id);
		return;
	}
	vdc_group_deleted(t, g->o.id);
	acl_group_gone(t, g->o.id);
	acl_object_gone(t, OBJ_GROUP, g->o.id);
	if (txn_exists(t, OBJ_GROUP_QUOTA, g->o.id))
		txn_delete(t, txn_edit(t, OBJ_GROUP_QUOTA, g->o.id));
	txn_delete(t, &g->o);
	call_ok_int(c, g->o.id);
}

/* ---- administrators ---- */

/* ADMIN on both. */
static bool may_edit_admins(struct txn *t, struct call *c)
{
	const struct version *group = txn_version(t, OBJ_GROUP, call_int(c, 0)), *user = txn_version(t, OBJ_USER, call_int(c, 1));
	struct authz a;

	if (!group)
		txn_no_object(t, OBJ_GROUP, call_int(c, 0));
	else if (!user)
		txn_no_object(t, OBJ_USER, call_int(c, 1));
	if (!txn_ok(t))
		return false;
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_ADMIN, false, group);
	authz_check_version(&a, AUTH_ADMIN, false, user);
	return call_checks_end(t, &a);
}

static void edit_admins(struct txn *t, struct call *c, enum one_rc (*edit)(struct txn *t, struct group *g, int uid))
{
	if (!may_edit_admins(t, c))
		return;
	if (edit(t, txn_edit(t, OBJ_GROUP, call_int(c, 0)), call_int(c, 1)))
		one_err_prefix(&t->err, "Cannot edit group. ");
	else
		call_ok_int(c, call_int(c, 0));
}

static void group_addadmin(struct txn *t, struct call *c)
{
	edit_admins(t, c, group_admin_add);
}

static void group_deladmin(struct txn *t, struct call *c)
{
	edit_admins(t, c, group_admin_del);
}

const struct method group_methods[] = {
	/* clang-format off */
	{ .name = "one.group.allocate", .params = "name:s", .object = OBJ_GROUP, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .write = group_allocate, .doc = "Makes a group; it joins the default VDC." },
	{ .name = "one.group.info", .params = "id:i decrypt:b=false", .object = OBJ_GROUP, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = group_info, .doc = "A group with its quotas; -1: the caller's primary one." },
	{ .name = "one.grouppool.info", .params = "", .object = OBJ_GROUP, .right = AUTH_USE, .flags = M_ZONE_DISABLED | M_BULK,
	  .read = grouppool_info, .doc = "All visible groups with their quotas." },
	{ .name = "one.group.update", .params = "id:i template:s append:i=0", .object = OBJ_GROUP, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.group.delete", .params = "id:i unused:b=false", .object = OBJ_GROUP, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = group_delete, .doc = "Deletes a group without users, with the ACL rules about it." },
	{ .name = "one.group.addadmin", .params = "gid:i uid:i", .object = OBJ_GROUP, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = group_addadmin, .doc = "Makes a member an administrator of the group; needs ADMIN on both." },
	{ .name = "one.group.deladmin", .params = "gid:i uid:i", .object = OBJ_GROUP, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = group_deladmin, .doc = "Ends his being one, with the rules he had for it; needs ADMIN on both." },
	{ .name = NULL },
	/* clang-format on */
};
