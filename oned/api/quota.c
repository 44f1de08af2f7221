/* one.user.quota, one.group.quota, one.userquota.*, one.groupquota.*: limits. What is shown with users and groups is in quota_out.c. */
#include "oned/api/api.h"
#include "oned/api/quota_out.h"
#include "oned/auth/group.h"
#include "oned/auth/quota_limits.h"
#include "oned/auth/user.h"

/* Limits as they came. What is wrong with their text is told after everything else was checked. */
struct limits { struct tmpl *tmpl; struct one_err err; };

static enum one_rc prepare(struct call *c, int i)
{
	struct limits *limits = arena_new(&c->arena, struct limits);

	limits->tmpl = tmpl_new(&c->arena);
	tmpl_parse(limits->tmpl, call_str(c, i), &limits->err);
	c->prepared = limits;
	return ONE_OK;
}

static enum one_rc prepare_limits0(struct call *c, struct one_err *err)
{
	(void)err;
	return prepare(c, 0);
}

static enum one_rc prepare_limits1(struct call *c, struct one_err *err)
{
	(void)err;
	return prepare(c, 1);
}

static enum one_rc set_limits(struct txn *t, struct call *c, struct quota *q)
{
	const struct limits *limits = c->prepared;

	if (!q)
		return t->err.rc;
	if (limits->err.rc)
		return txn_fail(t, ONE_ACTION, "%s", limits->err.text);
	return quota_limits_set(t, q, limits->tmpl);
}

/* ---- of a user, of a group ---- */

static void user_quota(struct txn *t, struct call *c)
{
	int uid = call_int(c, 0);

	if (uid == USER_ONEADMIN)
		txn_fail(t, ONE_ACTION, "Cannot set quotas for oneadmin user");
	else if (!set_limits(t, c, quota_edit(t, OBJ_USER_QUOTA, uid)))
		call_ok_int(c, uid);
}

/* ADMIN is checked here: oneadmin's group is refused to everybody. */
static void group_quota(struct txn *t, struct call *c)
{
	int gid = call_int(c, 0);

	if (gid == GROUP_ONEADMIN)
		txn_fail(t, ONE_ACTION, "Cannot set quotas for oneadmin group");
	else if (call_may(t, c, AUTH_ADMIN, OBJ_GROUP, gid) && !set_limits(t, c, quota_edit(t, OBJ_GROUP_QUOTA, gid)))
		call_ok_int(c, gid);
}

/* ---- the default ones ---- */

static void update_default(struct txn *t, struct call *c, int which)
{
	struct quota *q;

	if (c->who.gid != GROUP_ONEADMIN) {
		txn_fail(t, ONE_AUTHORIZATION, "The default quotas can only be updated by users in the oneadmin group");
		return;
	}
	q = txn_edit(t, OBJ_DEFAULT_QUOTA, which);
	if (!set_limits(t, c, q))
		q->o.ops->render(&q->o, call_ok_buffer(c));
}

static void userquota_info(struct call *c)
{
	quota_out_default(c, 0);
}

static void userquota_update(struct txn *t, struct call *c)
{
	update_default(t, c, 0);
}

static void groupquota_info(struct call *c)
{
	quota_out_default(c, 1);
}

static void groupquota_update(struct txn *t, struct call *c)
{
	update_default(t, c, 1);
}

const struct method quota_methods[] = {
	/* clang-format off */
	{ .name = "one.user.quota", .params = "id:i template:s", .object = OBJ_USER, .right = AUTH_ADMIN,
	  .prepare = prepare_limits1, .write = user_quota, .doc = "Sets limits of a user; -1: the default one, -2: none." },
	{ .name = "one.group.quota", .params = "id:i template:s", .object = OBJ_GROUP, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .prepare = prepare_limits1, .write = group_quota, .doc = "Sets limits of a group; -1: the default one, -2: none." },
	{ .name = "one.userquota.info", .params = "", .object = OBJ_NONE, .flags = M_NO_RIGHT | M_ZONE_DISABLED,
	  .read = userquota_info, .doc = "The default quotas of users." },
	{ .name = "one.userquota.update", .params = "template:s", .object = OBJ_NONE, .flags = M_NO_RIGHT,
	  .prepare = prepare_limits0, .write = userquota_update, .doc = "Sets default limits of users; for those whose primary group is oneadmin's." },
	{ .name = "one.groupquota.info", .params = "", .object = OBJ_NONE, .flags = M_NO_RIGHT | M_ZONE_DISABLED,
	  .read = groupquota_info, .doc = "The default quotas of groups." },
	{ .name = "one.groupquota.update", .params = "template:s", .object = OBJ_NONE, .flags = M_NO_RIGHT,
	  .prepare = prepare_limits0, .write = groupquota_update, .doc = "Sets default limits of groups; for those whose primary group is oneadmin's." },
	{ .name = NULL },
	/* clang-format on */
};
