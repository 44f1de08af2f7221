#include "oned/api/infra.h"

#include <string.h>

#include "common/log.h"
#include "oned/api/api.h"
#include "oned/api/restricted.h"
#include "oned/objects/cluster.h"
#include "oned/objects/encrypted.h"

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

void infra_encrypt(struct txn *t, struct call *c, enum obj_type type, struct tmpl *tmpl)
{
	(void)c;
	attributes_encrypt(txn_conf(t), type, tmpl);
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
