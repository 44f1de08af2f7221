/* one.cluster.* */
#include "oned/objects/cluster.h"

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/auth/acl.h"
#include "oned/auth/acl_rule.h"
#include "oned/objects/vdc.h"

static void api_cluster_allocate(struct txn *t, struct call *c)
{
	struct cluster *cl = cluster_create(t, call_str(c, 0));

	if (cl)
		call_ok_int(c, cl->o.id);
}

static bool is_about_cluster(const struct acl_rule *r, void *ctx)
{
	return (r->resource & ACL_CLUSTER) && (uint32_t)r->resource == *(const uint32_t *)ctx;
}

static void api_cluster_delete(struct txn *t, struct call *c)
{
	struct cluster *cl = call_edit(t, c);
	uint32_t id;

	if (!cl)
		return;
	if (cluster_delete(t, cl)) {
		infra_delete_failed(t, c);
		return;
	}
	id = (uint32_t)cl->o.id;
	vdc_resource_deleted(t, VDC_CLUSTER, cl->o.id);
	acl_object_gone(t, OBJ_CLUSTER, cl->o.id);
	acl_rules_delete(t, is_about_cluster, &id);
	call_ok_int(c, cl->o.id);
}

static void api_cluster_update(struct txn *t, struct call *c)
{
	api_update(t, c);
	if (txn_ok(t))
		cluster_template_changed(t, txn_edit(t, OBJ_CLUSTER, call_int(c, 0)));
}

static void api_cluster_rename(struct txn *t, struct call *c)
{
	const struct cluster *cl;

	api_rename(t, c);
	cl = txn_ok(t) ? txn_read(t, OBJ_CLUSTER, call_int(c, 0)) : NULL;
	if (cl)
		cluster_renamed(t, cl);
}

/* ADMIN on both sides. */
static bool may_join(struct txn *t, struct call *c, enum obj_type type)
{
	const struct version *cluster = txn_version(t, OBJ_CLUSTER, call_int(c, 0)), *member = txn_version(t, type, call_int(c, 1));
	struct authz a;

	if (!cluster)
		txn_no_object(t, OBJ_CLUSTER, call_int(c, 0));
	else if (!member)
		txn_no_object(t, type, call_int(c, 1));
	if (!txn_ok(t))
		return false;
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_ADMIN, false, cluster);
	authz_check_version(&a, AUTH_ADMIN, false, member);
	return call_checks_end(t, &a);
}

static void add(struct txn *t, struct call *c, enum obj_type type)
{
	if (may_join(t, c, type) && !cluster_add(t, call_int(c, 0), type, call_int(c, 1)))
		call_ok_int(c, call_int(c, 0));
}

static void del(struct txn *t, struct call *c, enum obj_type type)
{
	if (may_join(t, c, type) && !cluster_remove(t, call_int(c, 0), type, call_int(c, 1)))
		call_ok_int(c, call_int(c, 0));
}

static void api_cluster_addhost(struct txn *t, struct call *c)
{
	add(t, c, OBJ_HOST);
}

/* A host is always in a cluster: it goes to the default one, and that is the answer. */
static void api_cluster_delhost(struct txn *t, struct call *c)
{
	del(t, c, OBJ_HOST);
	if (txn_ok(t))
		call_ok_int(c, CLUSTER_DEFAULT);
}

static void api_cluster_adddatastore(struct txn *t, struct call *c)
{
	add(t, c, OBJ_DATASTORE);
}

static void api_cluster_deldatastore(struct txn *t, struct call *c)
{
	del(t, c, OBJ_DATASTORE);
}

static void api_cluster_addvnet(struct txn *t, struct call *c)
{
	add(t, c, OBJ_NET);
}

static void api_cluster_delvnet(struct txn *t, struct call *c)
{
	del(t, c, OBJ_NET);
}

#define MEMBER(method, fn, text)                                                                                        \
	{ .name = "one.cluster." method, .params = "id:i member:i", .object = OBJ_CLUSTER, .right = AUTH_ADMIN,         \
	  .flags = M_NO_RIGHT, .write = fn, .doc = text }

const struct method cluster_methods[] = {
	/* clang-format off */
	{ .name = "one.cluster.allocate", .params = "name:s", .object = OBJ_CLUSTER, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .write = api_cluster_allocate, .doc = "Makes a cluster." },
	{ .name = "one.cluster.info", .params = "id:i decrypt:b=false", .object = OBJ_CLUSTER, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = "A cluster with its members." },
	{ .name = "one.clusterpool.info", .params = "", .object = OBJ_CLUSTER, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "All visible clusters." },
	{ .name = "one.cluster.update", .params = "id:i template:s append:i=0", .object = OBJ_CLUSTER, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_cluster_update,
	  .doc = "Replaces the template, or merges into it; reservations come to its hosts." },
	{ .name = "one.cluster.rename", .params = "id:i name:s", .object = OBJ_CLUSTER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_cluster_rename, .doc = "Gives another name." },
	{ .name = "one.cluster.delete", .params = "id:i unused:b=false", .object = OBJ_CLUSTER, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = api_cluster_delete, .doc = "Deletes an empty cluster." },
	MEMBER("addhost", api_cluster_addhost, "Moves a host into the cluster; needs ADMIN of both."),
	MEMBER("delhost", api_cluster_delhost, "Moves a host into the default cluster; needs ADMIN of both."),
	MEMBER("adddatastore", api_cluster_adddatastore, "Adds a datastore; needs ADMIN of both."),
	MEMBER("deldatastore", api_cluster_deldatastore, "Takes a datastore out; needs ADMIN of both."),
	MEMBER("addvnet", api_cluster_addvnet, "Adds a network; needs ADMIN of both."),
	MEMBER("delvnet", api_cluster_delvnet, "Takes a network out; needs ADMIN of both."),
	{ .name = NULL },
	/* clang-format on */
};
