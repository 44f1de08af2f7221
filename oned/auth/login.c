#include "oned/auth/login.h"

#include <string.h>

#include "oned/auth/group.h"
#include "oned/auth/identity.h"
#include "oned/auth/user.h"

const char *login_driver_conf(const struct conf *conf, const char *driver, const char *name)
{
	for (const struct attr *a = conf ? conf_first(conf, "AUTH_MAD_CONF") : NULL; a; a = conf_next(a)) {
		const char *is = attr_get(a, "NAME");

		if (is && !strcmp(is, driver))
			return attr_get(a, name);
	}
	return NULL;
}

bool login_driver_flag(const struct conf *conf, const char *driver, const char *name, bool dflt)
{
	const char *text = login_driver_conf(conf, driver, name);
	bool value;

	return text && value_bool(text, &value) ? value : dflt;
}

static bool groups_exist(struct txn *t, const struct auth_reply *reply)
{
	for (int i = 0; i < reply->n_gids; i++)
		if (!txn_exists(t, OBJ_GROUP, reply->gids[i]))
			txn_fail(t, ONE_AUTHENTICATION, "One or more group IDs do not exist");
	return txn_ok(t);
}

/* In the groups both know; he is a member of all of the reply's by now. */
static void sync_admins(struct txn *t, int uid, const struct auth_reply *reply)
{
	for (int i = 0; i < reply->n_gids; i++) {
		const struct group *g = txn_read(t, OBJ_GROUP, reply->gids[i]);
		bool is = g && idset_has(&g->admins, uid);

		if (g && reply->admin[i] && !is)
			group_admin_add(t, txn_edit(t, OBJ_GROUP, reply->gids[i]), uid);
		else if (g && !reply->admin[i] && is)
			group_admin_del(t, txn_edit(t, OBJ_GROUP, reply->gids[i]), uid);
	}
}

/* ---- somebody new ---- */

/* He may have come at the same moment over another connection; but nobody becomes a user who was there before by another way. */
static int known_user(struct txn *t, int uid, const char *name, const struct auth_reply *reply)
{
	const struct user *u = txn_read(t, OBJ_USER, uid);

	if (!strcmp(name, u->o.name) && !strcmp(u->driver, reply->driver) && !strcmp(u->password, reply->password) && u->enabled)
		return uid;
	txn_fail(t, ONE_AUTHENTICATION, "NAME is already taken by USER %d.", uid);
	return -1;
}

int login_create(struct txn *t, const char *name, const struct auth_reply *reply)
{
	static const int users[] = { GROUP_USERS };
	const int *gids = reply->n_gids ? reply->gids : users;
	int n_gids = reply->n_gids ? reply->n_gids : 1, uid;
	struct one_err err = ONE_ERR_INIT;
	struct user *u;

	if (!reply->password) {
		txn_fail(t, ONE_AUTHENTICATION, "The driver doesn't say who he is");
		return -1;
	}
	uid = txn_find(t, OBJ_USER, reply->name, -1);
	if (uid >= 0)
		return known_user(t, uid, name, reply);
	if (login_driver_flag(txn_conf(t), reply->driver, "PASSWORD_REQUIRED", true) && user_check_password(reply->password, &err))
		txn_fail(t, ONE_AUTHENTICATION, "%s.", err.text);
	if (!groups_exist(t, reply))
		return -1;
	u = user_create(t, reply->name, user_stored_password(t->arena, reply->driver, reply->password), reply->driver, gids, n_gids);
	if (!u)
		return -1;
	if (login_driver_flag(txn_conf(t), reply->driver, "DRIVER_MANAGED_GROUP_ADMIN", false))
		sync_admins(t, u->o.id, reply);
	return u->o.id;
}

/* ---- groups of a known one ---- */

static bool told(const struct auth_reply *reply, int gid)
{
	for (int i = 0; i < reply->n_gids; i++)
		if (reply->gids[i] == gid)
			return true;
	return false;
}

static void enter_groups(struct txn *t, struct user *u, const struct auth_reply *reply)
{
	for (int i = 0; i < reply->n_gids; i++)
		if (!idset_has(&u->groups, reply->gids[i]))
			user_join_group(t, u, reply->gids[i]);
}

static void leave_others(struct txn *t, struct user *u, const struct auth_reply *reply)
{
	for (int i = u->groups.n - 1; i >= 0; i--)
		if (!told(reply, u->groups.ids[i]))
			user_leave_group(t, u, u->groups.ids[i]);
}

static bool in_these_groups(const struct user *u, const struct auth_reply *reply)
{
	bool same = u->groups.n == reply->n_gids;

	for (int i = 0; same && i < u->groups.n; i++)
		same = told(reply, u->groups.ids[i]);
	return same;
}

static void regroup(struct txn *t, int uid, const struct auth_reply *reply)
{
	struct user *u = txn_edit(t, OBJ_USER, uid);
	const struct group *primary;

	if (!u)
		return;
	enter_groups(t, u, reply);
	leave_others(t, u, reply);
	if (idset_has(&u->groups, u->o.gid))
		return;
	primary = txn_read(t, OBJ_GROUP, reply->gids[0]);
	u->o.gid = primary->o.id;
	u->o.gname = arena_strdup(&u->o.arena, primary->o.name);
}

void login_sync_groups(struct txn *t, int uid, const char *driver, const struct auth_reply *reply)
{
	const struct user *u = txn_read(t, OBJ_USER, uid);

	if (!u || reply->n_gids == 0 || uid == USER_ONEADMIN || !groups_exist(t, reply))
		return;
	if (!in_these_groups(u, reply))
		regroup(t, uid, reply);
	if (txn_ok(t) && login_driver_flag(txn_conf(t), driver, "DRIVER_MANAGED_GROUP_ADMIN", false))
		sync_admins(t, uid, reply);
}
