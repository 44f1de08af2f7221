/* Methods that are alike for many types: info, update, delete, rename, chmod, chown, lock, unlock. The row's object says which type. */
#include <string.h>

#include "oned/api/api.h"
#include "oned/api/dispatch.h"
#include "oned/api/restricted.h"
#include "oned/auth/acl_rule.h"
#include "oned/auth/user.h"

static enum one_rc prepare_template(struct call *c, int i, struct one_err *err)
{
	struct tmpl *t = tmpl_new(&c->arena);

	c->prepared = t;
	return tmpl_parse(t, call_str(c, i), err);
}

enum one_rc api_prepare_template0(struct call *c, struct one_err *err)
{
	return prepare_template(c, 0, err);
}

enum one_rc api_prepare_template1(struct call *c, struct one_err *err)
{
	return prepare_template(c, 1, err);
}

void api_own(struct call *c, struct object *o)
{
	const struct identity *who = &c->who;
	unsigned base = who->uid == USER_ONEADMIN || who->gid == GROUP_ONEADMIN ? 0777 : c->api->enable_other_permissions ? 0666 : 0660;

	o->uid = who->uid;
	o->gid = who->gid;
	o->uname = arena_strdup(&o->arena, who->uname);
	o->gname = arena_strdup(&o->arena, who->gname);
	o->perm = (uint16_t)(base & ~who->umask);
}

/* ---- info ---- */

void api_info(struct call *c)
{
	struct version *v = call_object(c);

	if (!v)
		return;
	if (c->who.admin && c->n_args > 1 && call_bool(c, 1))
		api_out_decrypted(c, v, call_ok_buffer(c));
	else
		rpc_escape(call_ok_wire(c), v->body, v->body_len);
	version_unref(v);
}

/* ---- update ---- */

enum one_rc api_check_append(const struct call *c, int i, struct one_err *err)
{
	return call_int(c, i) == 0 || call_int(c, i) == 1 ? ONE_OK : one_err_set(err, ONE_API, "Wrong update type");
}

enum one_rc api_prepare_update(struct call *c, struct one_err *err)
{
	enum one_rc rc = prepare_template(c, 1, err);

	if (api_check_append(c, 2, err))
		return err->rc;
	if (rc)
		one_err_prefix(err, "Cannot update template. ");
	return rc;
}

void api_update(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);
	struct one_err err = ONE_ERR_INIT;

	if (!o)
		return;
	if (object_update_template(t, o, c->prepared, call_int(c, 2) == 1, &c->who, &err)) {
		txn_fail(t, ONE_INTERNAL, "Cannot update template. %s", err.text);
		return;
	}
	call_ok_int(c, o->id);
}

/* ---- delete ---- */

void api_delete(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);

	if (!o)
		return;
	txn_delete(t, o);
	acl_object_gone(t, o->ops->type, o->id);
	call_ok_int(c, o->id);
}

/* ---- rename ---- */

void api_rename(struct txn *t, struct call *c)
{
	const struct obj_ops *ops = obj_ops(c->method->object);
	const struct version *v = txn_version(t, ops->type, call_int(c, 0));
	const char *name = call_str(c, 1);
	struct one_err err = ONE_ERR_INIT;
	struct object *o;
	int other;

	if (!v) {
		txn_no_object(t, ops->type, call_int(c, 0));
		return;
	}
	if (!strcmp(v->name, name)) { /* before any check, as OpenNebula */
		call_ok_int(c, v->id);
		return;
	}
	if (!call_may(t, c, call_right(c), ops->type, v->id))
		return;
	if (obj_check_name(name, &err)) {
		txn_fail(t, ONE_ACTION, "%s", err.text);
		return;
	}
	if (ops->flags & (OBJ_F_NAME_GLOBAL | OBJ_F_NAME_OWNER)) {
		other = txn_find(t, ops->type, name, v->uid);
		if (other >= 0) {
			txn_fail(t, ONE_ACTION, "%s cannot be renamed to %s because it collides with %s %d", ops->word, name, ops->word,
				 other);
			return;
		}
	}
	o = txn_edit(t, ops->type, v->id);
	o->name = arena_strdup(&o->arena, name);
	call_ok_int(c, o->id);
}

/* ---- chmod ---- */

/* Of a chmod's parameters, does one ask for a change of its bit? What is no value of a bit does, too. */
static bool asks_change(const struct call *c, int i, unsigned perm)
{
	int value = call_int(c, 1 + i);

	return value != -1 && value != ((perm & (0400u >> i)) != 0);
}

static bool bits_wellformed(const struct call *c)
{
	for (int i = 1; i <= 9; i++)
		if (call_int(c, i) < -1 || call_int(c, i) > 1)
			return false;
	return true;
}

void object_chmod(struct txn *t, struct call *c, enum obj_type type, int id)
{
	const struct version *v = txn_version(t, type, id);
	bool admins = false, others = false;
	struct object *o;

	if (!v) {
		txn_no_object(t, type, id);
		return;
	}
	for (int i = 0; i < 9; i++) {
		admins |= i % 3 == 2 && asks_change(c, i, v->perm);
		others |= i >= 6 && asks_change(c, i, v->perm);
	}
	if (others && !c->who.admin && !c->api->enable_other_permissions) {
		txn_fail(t, ONE_AUTHORIZATION, "'other' permissions is disabled in oned.conf");
		return;
	}
	if (!call_may(t, c, admins ? AUTH_ADMIN : AUTH_MANAGE, type, v->id))
		return;
	if (!bits_wellformed(c)) {
		txn_fail(t, ONE_INTERNAL, "New permission values must be -1, 0 or 1");
		return;
	}
	o = txn_edit(t, type, v->id);
	for (int i = 0; i < 9; i++)
		if (asks_change(c, i, o->perm))
			o->perm = (uint16_t)(o->perm ^ (0400u >> i));
	call_ok_int(c, o->id);
}

void api_chmod(struct txn *t, struct call *c)
{
	object_chmod(t, c, c->method->object, call_int(c, 0));
}

/* ---- chown ---- */

bool object_may_chown(struct txn *t, struct call *c, enum obj_type type, int id, int uid, int gid)
{
	const struct version *v = txn_version(t, type, id);
	const struct version *user = uid >= 0 ? txn_version(t, OBJ_USER, uid) : NULL;
	const struct version *group = gid >= 0 ? txn_version(t, OBJ_GROUP, gid) : NULL;
	struct authz a;

	if (uid > -1 && !user)
		txn_no_object(t, OBJ_USER, uid);
	else if (gid > -1 && !group)
		txn_no_object(t, OBJ_GROUP, gid);
	else if (!v)
		txn_no_object(t, type, id);
	if (!txn_ok(t))
		return false;
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_MANAGE, false, v);
	if (user && uid != v->uid)
		authz_check_version(&a, AUTH_MANAGE, false, user);
	if (group && gid != v->gid)
		authz_check_version(&a, AUTH_USE, false, group);
	return call_checks_end(t, &a);
}

void object_chown(struct txn *t, struct object *o, int uid, int gid)
{
	int other;

	if (uid > -1 && uid != o->uid && (o->ops->flags & OBJ_F_NAME_OWNER)) {
		other = txn_find(t, o->ops->type, o->name, uid);
		if (other >= 0) {
			txn_fail(t, ONE_INTERNAL, "user [%d] already owns %s [%d] with NAME %s", uid, o->ops->word, other, o->name);
			return;
		}
	}
	if (uid > -1) {
		o->uid = uid;
		o->uname = arena_strdup(&o->arena, txn_version(t, OBJ_USER, uid)->name);
	}
	if (gid > -1) {
		o->gid = gid;
		o->gname = arena_strdup(&o->arena, txn_version(t, OBJ_GROUP, gid)->name);
	}
}

void api_chown(struct txn *t, struct call *c)
{
	struct object *o;

	if (!object_may_chown(t, c, c->method->object, call_int(c, 0), call_int(c, 1), call_int(c, 2)))
		return;
	o = txn_edit(t, c->method->object, call_int(c, 0));
	object_chown(t, o, call_int(c, 1), call_int(c, 2));
	call_ok_int(c, o->id);
}

/* ---- locks ---- */

void api_lock(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);
	int level = call_int(c, 1);

	if (!o)
		return;
	if (level < 1 || level > 4) {
		txn_fail(t, ONE_ACTION, "Wrong lock level specified");
		return;
	}
	if (call_bool(c, 2) && o->lock.level != LOCK_NONE) {
		txn_fail(t, ONE_ACTION, "%lld", (long long)o->lock.time);
		return;
	}
	if (o->lock.level != LOCK_NONE && o->lock.owner != c->who.uid && !c->who.admin) {
		txn_fail(t, ONE_ACTION, "Error trying to lock the resource.");
		return;
	}
	o->lock = (struct obj_lock){ .level = level == 4 ? LOCK_USE : (enum lock_level)level, .owner = c->who.uid, .time = t->now,
				     .req_id = c->req_id };
	call_ok_int(c, o->id);
}

void api_unlock(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);

	if (!o)
		return;
	if (o->lock.owner != c->who.uid && !c->who.admin) {
		txn_fail(t, ONE_ACTION, "Cannot unlock: Lock is owned by another user");
		return;
	}
	o->lock = (struct obj_lock){ .level = LOCK_NONE, .owner = -1, .req_id = -1 };
	call_ok_int(c, o->id);
}
