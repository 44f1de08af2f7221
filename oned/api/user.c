/* one.user.*, one.userpool.info */
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/conf.h"
#include "oned/api/api.h"
#include "oned/api/filter.h"
#include "oned/api/quota_out.h"
#include "oned/auth/acl_rule.h"
#include "oned/auth/group.h"
#include "oned/auth/login.h"
#include "oned/auth/user.h"

/* ---- allocate ---- */

/* CREATE on users, and MANAGE on each group but the caller's own. */
static bool may_create_user(struct txn *t, struct call *c, const struct rpc_value *groups)
{
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_type(&a, AUTH_CREATE, OBJ_USER);
	for (size_t i = 0; i < groups->n; i++) {
		int gid = (int)groups->items[i].i;
		const struct version *group = txn_version(t, OBJ_GROUP, gid);

		if (!group)
			txn_no_object(t, OBJ_GROUP, gid);
		else if (gid != c->who.gid)
			authz_check_version(&a, AUTH_MANAGE, false, group);
	}
	return call_checks_end(t, &a);
}

static void user_allocate(struct txn *t, struct call *c)
{
	const struct rpc_value *groups = &c->args[3];
	const char *driver = *call_str(c, 2) ? call_str(c, 2) : "core", *password = call_str(c, 1);
	int n = (int)groups->n, *gids = arena_array(t->arena, n + 1, int);
	struct one_err err = ONE_ERR_INIT;
	struct user *u;

	if (!may_create_user(t, c, groups))
		return;
	for (int i = 0; i < n; i++)
		gids[i] = (int)groups->items[i].i;
	if (!n)
		gids[n++] = c->who.gid == GROUP_ONEADMIN ? GROUP_USERS : c->who.gid;
	if (login_driver_flag(txn_conf(t), driver, "PASSWORD_REQUIRED", true) && user_check_password(password, &err)) {
		txn_fail(t, ONE_INTERNAL, "%s.", err.text);
		return;
	}
	u = user_create(t, call_str(c, 0), user_stored_password(t->arena, driver, password), driver, gids, n);
	if (u)
		call_ok_int(c, u->o.id);
}

/* ---- info ---- */

/* -1: the caller himself. */
static void user_info(struct call *c)
{
	struct version *v;

	if (call_int(c, 0) == -1)
		((struct rpc_value *)c->args)[0].i = c->who.uid;
	v = call_object(c);
	if (!v)
		return;
	quota_out_info(c, v, OBJ_USER_QUOTA, 0);
	version_unref(v);
}

static void userpool_info(struct call *c)
{
	quota_out_pool(c, OBJ_USER, OBJ_USER_QUOTA, 0);
}

/* ---- changes ---- */

static enum one_rc set_password(struct txn *t, struct user *u, const char *password)
{
	struct one_err err = ONE_ERR_INIT;

	if (user_check_password(password, &err))
		return txn_fail(t, ONE_ACTION, "%s", err.text);
	u->password = user_stored_password(&u->o.arena, u->driver, password);
	u->tokens = NULL;
	return ONE_OK;
}

static void user_passwd(struct txn *t, struct call *c)
{
	struct user *u = txn_edit(t, OBJ_USER, call_int(c, 0));

	if (!u)
		return;
	if (!c->who.admin && !login_driver_flag(txn_conf(t), u->driver, "PASSWORD_CHANGE", false)) {
		txn_fail(t, ONE_ACTION, "Password for driver %s cannot be changed.", u->driver);
		return;
	}
	if (!set_password(t, u, call_str(c, 1)))
		call_ok_int(c, u->o.id);
}

static void user_chauth(struct txn *t, struct call *c)
{
	struct user *u = txn_edit(t, OBJ_USER, call_int(c, 0));

	if (!u)
		return;
	u->driver = arena_strdup(&u->o.arena, call_str(c, 1));
	if (!*call_str(c, 2) || !set_password(t, u, call_str(c, 2)))
		call_ok_int(c, u->o.id);
}

static void user_enable(struct txn *t, struct call *c)
{
	struct user *u = txn_edit(t, OBJ_USER, call_int(c, 0));

	if (!u)
		return;
	if (u->o.id == USER_ONEADMIN) {
		txn_fail(t, ONE_ACTION, "Cannot enable/disable oneadmin user");
		return;
	}
	u->enabled = call_bool(c, 1);
	if (!u->enabled)
		u->tokens = NULL;
	call_ok_int(c, u->o.id);
}

static void user_delete(struct txn *t, struct call *c)
{
	struct user *u = txn_edit(t, OBJ_USER, call_int(c, 0));

	if (!u)
		return;
	if (u->o.id == USER_ONEADMIN) {
		txn_fail(t, ONE_ACTION, "Cannot delete user. oneadmin cannot be deleted.");
		return;
	}
	while (u->groups.n)
		user_leave_group(t, u, u->groups.ids[0]);
	acl_user_gone(t, u->o.id);
	acl_object_gone(t, OBJ_USER, u->o.id);
	if (txn_exists(t, OBJ_USER_QUOTA, u->o.id))
		txn_delete(t, txn_edit(t, OBJ_USER_QUOTA, u->o.id));
	txn_delete(t, &u->o);
	call_ok_int(c, u->o.id);
}

/* ---- groups ---- */

static bool managed_by_driver(struct txn *t, const struct user *u)
{
	if (!login_driver_flag(txn_conf(t), u->driver, "DRIVER_MANAGED_GROUPS", false))
		return false;
	txn_fail(t, ONE_ACTION, "Groups cannot be manually managed for auth driver %s", u->driver);
	return true;
}

/* Rights on a user (MANAGE) and on a group, both of which are there. */
static bool may_regroup(struct txn *t, struct call *c, int uid, int gid, enum auth_op op)
{
	const struct version *user = txn_version(t, OBJ_USER, uid), *group = txn_version(t, OBJ_GROUP, gid);
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_MANAGE, false, user);
	authz_check_version(&a, op, false, group);
	return call_checks_end(t, &a);
}

static void user_chgrp(struct txn *t, struct call *c)
{
	int uid = call_int(c, 0), gid = call_int(c, 1), old_gid;
	struct user *u;

	if (gid < 0) {
		txn_fail(t, ONE_API, "Wrong group ID");
		return;
	}
	u = txn_edit(t, OBJ_USER, uid);
	if (!u || (!idset_has(&u->groups, gid) && managed_by_driver(t, u)))
		return;
	if (!txn_exists(t, OBJ_GROUP, gid)) {
		txn_no_object(t, OBJ_GROUP, gid);
		return;
	}
	if (uid == USER_ONEADMIN) {
		txn_fail(t, ONE_INTERNAL, "user [0] %s cannot be moved outside of the group [0] oneadmin", u->o.name);
		return;
	}
	if (!may_regroup(t, c, uid, gid, AUTH_USE))
		return;
	call_ok_int(c, uid);
	old_gid = u->o.gid;
	if (old_gid == gid)
		return;
	u->o.gid = gid;
	u->o.gname = arena_strdup(&u->o.arena, txn_version(t, OBJ_GROUP, gid)->name);
	/* The old group is left only when the new one wasn't a secondary group already. */
	if (!idset_has(&u->groups, gid)) {
		user_join_group(t, u, gid);
		user_leave_group(t, u, old_gid);
	}
}

/* A user whose groups are his driver's to tell is refused before anything else is looked at. */
static struct user *edit_secondary(struct txn *t, struct call *c)
{
	int uid = call_int(c, 0), gid = call_int(c, 1);
	struct user *u = txn_edit(t, OBJ_USER, uid);

	if (!u || managed_by_driver(t, u))
		return NULL;
	if (!txn_exists(t, OBJ_GROUP, gid)) {
		txn_no_object(t, OBJ_GROUP, gid);
		return NULL;
	}
	return may_regroup(t, c, uid, gid, AUTH_MANAGE) ? u : NULL;
}

static void user_addgroup(struct txn *t, struct call *c)
{
	struct user *u = edit_secondary(t, c);

	if (!u)
		return;
	if (idset_has(&u->groups, call_int(c, 1))) {
		txn_fail(t, ONE_ACTION, "User is already in this group");
		return;
	}
	user_join_group(t, u, call_int(c, 1));
	call_ok_int(c, u->o.id);
}

static void user_delgroup(struct txn *t, struct call *c)
{
	struct user *u = edit_secondary(t, c);
	int gid = call_int(c, 1);

	if (!u)
		return;
	if (u->o.gid == gid)
		txn_fail(t, ONE_ACTION, "Cannot remove user from the primary group");
	else if (!idset_has(&u->groups, gid))
		txn_fail(t, ONE_ACTION, "User is not part of this group");
	else
		user_leave_group(t, u, gid);
	call_ok_int(c, u->o.id);
}

/* ---- login tokens (auth.md section 6) ---- */

static void purge_expired(struct user *u, time_t now)
{
	struct login_token **at = &u->tokens;

	while (*at) {
		if ((*at)->expires != -1 && (*at)->expires < now)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	}
}

static enum one_rc drop_token(struct txn *t, struct user *u, const char *token)
{
	struct login_token **at = &u->tokens;

	if (!*token) {
		u->tokens = NULL;
		return ONE_OK;
	}
	while (*at && strcmp((*at)->token, token) != 0)
		at = &(*at)->next;
	if (!*at)
		return txn_fail(t, ONE_API, "Could not find token: %s", token);
	*at = (*at)->next;
	return ONE_OK;
}

/* They stand in order of their texts. */
static enum one_rc add_token(struct txn *t, struct user *u, const char *token, long long valid, int egid)
{
	struct login_token **at = &u->tokens, *fresh;
	int n = 0;

	purge_expired(u, t->now);
	for (const struct login_token *has = u->tokens; has; has = has->next)
		n++;
	if (n >= USER_MAX_TOKENS)
		return txn_fail(t, ONE_API, "Max number of tokens limit reached.");
	while (*at && strcmp((*at)->token, token) < 0)
		at = &(*at)->next;
	if (*at && !strcmp((*at)->token, token)) /* known: the old one stays as it is */
		return ONE_OK;
	fresh = arena_new(&u->o.arena, struct login_token);
	fresh->token = arena_strdup(&u->o.arena, token);
	fresh->expires = valid == -1 ? -1 : (long long)t->now + valid;
	fresh->egid = egid;
	fresh->next = *at;
	*at = fresh;
	return ONE_OK;
}

static bool same_groups(const struct user *u, const struct identity *who)
{
	return u->groups.n == who->n_gids && !memcmp(u->groups.ids, who->gids, (size_t)who->n_gids * sizeof(int));
}

static enum one_rc check_egid(struct txn *t, struct call *c, const struct user *u, int egid)
{
	if (egid != -1 && !idset_has(&u->groups, egid))
		return txn_fail(t, ONE_API, "EGID is not in user group list");
	if (egid != -1 && !c->who.admin && !identity_in_group(&c->who, egid))
		return txn_fail(t, ONE_API, "EGID is not in user group list");
	if (egid == -1 && !same_groups(u, &c->who))
		return txn_fail(t, ONE_API, "Cannot create a full token with a specific group token");
	return ONE_OK;
}

static struct user *login_target(struct txn *t, struct call *c)
{
	int uid = txn_find(t, OBJ_USER, call_str(c, 0), -1);

	if (uid < 0) {
		txn_no_object(t, OBJ_USER, -1);
		return NULL;
	}
	return call_may(t, c, AUTH_MANAGE, OBJ_USER, uid) ? txn_edit(t, OBJ_USER, uid) : NULL;
}

static void user_login(struct txn *t, struct call *c)
{
	const char *token = call_str(c, 1), *text;
	long long valid = call_int(c, 2), max = -1;
	struct user *u = login_target(t, c);
	int egid = call_int(c, 3);
	char made[65];

	if (!u)
		return;
	text = login_driver_conf(txn_conf(t), u->driver, "MAX_TOKEN_TIME");
	if (text)
		value_int(text, &max);
	if (max == 0) {
		txn_fail(t, ONE_ACTION, "Login tokens are disabled for driver %s", u->driver);
		return;
	}
	if (max > 0 && (valid > max || valid == -1))
		valid = max;
	if (valid < -1) {
		txn_fail(t, ONE_API, "Wrong valid period for token");
	} else if (valid == 0) {
		drop_token(t, u, token);
	} else if (!check_egid(t, c, u, egid)) {
		if (!*token) {
			random_hex(made, 32);
			token = made;
		}
		add_token(t, u, token, valid, egid);
	}
	call_ok_text(c, token, strlen(token));
}

const struct method user_methods[] = {
	/* clang-format off */
	{ .name = "one.user.allocate", .params = "name:s *password:s driver:s group_ids:A=", .object = OBJ_USER, .right = AUTH_CREATE,
	  .flags = M_NO_RIGHT, .write = user_allocate,
	  .doc = "Makes a user in the groups given; needs MANAGE on each group but the caller's own." },
	{ .name = "one.user.info", .params = "id:i decrypt:b=false", .object = OBJ_USER, .right = AUTH_USE, .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED,
	  .read = user_info, .doc = "A user with his quotas; -1: the caller." },
	{ .name = "one.userpool.info", .params = "", .object = OBJ_USER, .right = AUTH_USE, .flags = M_ZONE_DISABLED | M_BULK,
	  .read = userpool_info, .doc = "All visible users with their quotas." },
	{ .name = "one.user.passwd", .params = "id:i *password:s", .object = OBJ_USER, .right = AUTH_MANAGE,
	  .write = user_passwd, .doc = "Sets the password; all login tokens end." },
	{ .name = "one.user.chauth", .params = "id:i driver:s *password:s", .object = OBJ_USER, .right = AUTH_ADMIN,
	  .write = user_chauth, .doc = "Sets the authentication driver, and the password unless it is empty." },
	{ .name = "one.user.update", .params = "id:i template:s append:i=0", .object = OBJ_USER, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.user.enable", .params = "id:i enable:b", .object = OBJ_USER, .right = AUTH_ADMIN,
	  .write = user_enable, .doc = "Lets a user log in, or not." },
	{ .name = "one.user.delete", .params = "id:i unused:b=false", .object = OBJ_USER, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = user_delete, .doc = "Deletes a user with the ACL rules about him." },
	{ .name = "one.user.chgrp", .params = "id:i gid:i", .object = OBJ_USER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = user_chgrp, .doc = "Sets the primary group; needs MANAGE on the user and USE on the group." },
	{ .name = "one.user.addgroup", .params = "uid:i gid:i", .object = OBJ_USER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = user_addgroup, .doc = "Adds a secondary group; needs MANAGE on both." },
	{ .name = "one.user.delgroup", .params = "uid:i gid:i", .object = OBJ_USER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = user_delgroup, .doc = "Takes a secondary group away; needs MANAGE on both." },
	{ .name = "one.user.login", .params = "name:s *token:s valid:i egid:i=-1", .object = OBJ_USER, .right = AUTH_MANAGE,
	  .flags = M_NO_RIGHT | M_SECRET_ANSWER, .write = user_login,
	  .doc = "Makes a login token for `valid` seconds (-1: for ever), or removes tokens (0); needs MANAGE on the user." },
	{ .name = NULL },
	/* clang-format on */
};
