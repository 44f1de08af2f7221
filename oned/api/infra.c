#include "oned/api/infra.h"

#include <string.h>

#include "common/log.h"
#include "oned/api/api.h"
#include "oned/api/restricted.h"
#include "oned/objects/cluster.h"

bool infra_may_create(struct txn *t, struct call *c, int *cluster_id)
{
	const struct version *cluster;
	struct authz a;

	if (*cluster_id == -1)
		*cluster_id = CLUSTER_DEFAULT;
	cluster = txn_version(t, OBJ_CLUSTER, *cluster_id);
	if (!cluster) {
		txn_no_object(t, OBJ_CLUSTER, *cluster_id);
		return false;
	}
	call_checks_begin(c, &a);
	authz_check_type(&a, AUTH_CREATE, c->method->object);
	authz_check_version(&a, AUTH_ADMIN, false, cluster);
	return call_checks_end(t, &a);
}

struct object infra_owner(struct call *c)
{
	struct object o = { .name = "" };

	api_own(c, &o);
	o.uname = c->who.uname;
	o.gname = c->who.gname;
	arena_done(&o.arena);
	return o;
}

bool infra_may_set(struct txn *t, struct call *c, enum obj_type type, const struct tmpl *tmpl, const char *what)
{
	const char *bad = c->who.admin ? NULL : restricted_find(txn_conf(t), type, tmpl), *slash;

	if (!bad)
		return true;
	slash = strchr(bad, '/');
	txn_fail(t, ONE_AUTHORIZATION, "%s includes a restricted attribute %s", what, slash ? slash + 1 : bad);
	return false;
}

/* The id an attribute gives, the extra template's before the base's. false: there is none. */
static bool as_id(const struct tmpl *base, const struct tmpl *extra, const char *name, int *id)
{
	long long value;

	if (!tmpl_get_int(extra, name, &value) && !tmpl_get_int(base, name, &value))
		return false;
	*id = value < 0 || value > INT32_MAX ? -1 : (int)value;
	return true;
}

/* The version of the user or group; NULL without one. A given id that doesn't exist fails the transaction. */
static const struct version *as_whom(struct txn *t, enum obj_type type, const struct tmpl *base, const struct tmpl *extra, const char *name)
{
	const struct version *v;
	int id;

	if (!as_id(base, extra, name, &id))
		return NULL;
	v = txn_version(t, type, id);
	if (!v)
		txn_no_object(t, type, id);
	return v && v->id > 0 ? v : NULL;
}

bool infra_act_as(struct txn *t, struct call *c, const struct tmpl *base, const struct tmpl *extra)
{
	const struct version *user = as_whom(t, OBJ_USER, base, extra, "AS_UID"), *group = as_whom(t, OBJ_GROUP, base, extra, "AS_GID");
	struct authz a;
	int *gid;

	call_checks_begin(c, &a);
	if (user)
		authz_check_version(&a, AUTH_MANAGE, false, user);
	if (group)
		authz_check_version(&a, AUTH_MANAGE, false, group);
	if (!call_checks_end(t, &a))
		return false;
	if (user) {
		c->who.uid = user->id;
		c->who.uname = arena_strdup(&c->arena, user->name);
	}
	if (group) {
		gid = arena_new(&c->arena, int);
		*gid = c->who.gid = group->id;
		c->who.gname = arena_strdup(&c->arena, group->name);
		c->who.gids = gid;
		c->who.n_gids = 1;
	}
	c->who.admin = c->who.uid == USER_ONEADMIN || identity_in_group(&c->who, GROUP_ONEADMIN);
	return true;
}

void infra_delete_failed(struct txn *t, struct call *c)
{
	if (!txn_ok(t) && t->err.rc == ONE_ACTION)
		one_err_prefix(&t->err, "Cannot delete %s. ", obj_ops(c->method->object)->word);
}

void infra_update_failed(struct txn *t)
{
	if (t->err.rc == ONE_INTERNAL)
		one_err_prefix(&t->err, "Cannot update template. ");
}

bool infra_step_failed(struct txn *t)
{
	if (txn_ok(t))
		return false;
	log_warn("ReM", "%s", t->err.text);
	t->err = (struct one_err)ONE_ERR_INIT;
	return true;
}
