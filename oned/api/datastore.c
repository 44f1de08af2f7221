/* one.datastore.* */
#include "oned/objects/datastore.h"

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/auth/acl_rule.h"
#include "oned/lifecycle/datastore.h"
#include "oned/objects/encrypted.h"

static void api_datastore_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	int cluster = call_int(c, 1);
	struct datastore *ds;

	if (!infra_may_create(t, c, &cluster))
		return;
	attributes_encrypt(txn_conf(t), OBJ_DATASTORE, c->prepared);
	ds = datastore_create(t, &owner, c->prepared, &cluster, 1);
	if (!ds)
		return;
	datastore_monitor(t, ds->o.id);
	call_ok_int(c, ds->o.id);
}

static void api_datastore_update(struct txn *t, struct call *c)
{
	struct datastore *ds;

	api_update(t, c);
	ds = txn_ok(t) ? txn_edit(t, OBJ_DATASTORE, call_int(c, 0)) : NULL;
	if (ds && datastore_template_changed(t, ds))
		infra_update_failed(t);
}

static void api_datastore_rename(struct txn *t, struct call *c)
{
	const struct datastore *ds;

	api_rename(t, c);
	ds = txn_ok(t) ? txn_read(t, OBJ_DATASTORE, call_int(c, 0)) : NULL;
	if (ds)
		datastore_renamed(t, ds);
}

static void api_datastore_delete(struct txn *t, struct call *c)
{
	struct datastore *ds = call_edit(t, c);

	if (!ds)
		return;
	if (datastore_delete(t, ds)) {
		infra_delete_failed(t, c);
		return;
	}
	acl_object_gone(t, OBJ_DATASTORE, ds->o.id);
	call_ok_int(c, ds->o.id);
}

static void api_datastore_enable(struct txn *t, struct call *c)
{
	struct datastore *ds = call_edit(t, c);

	if (!ds)
		return;
	if (ds->type != DS_SYSTEM) {
		txn_fail(t, ONE_INTERNAL, "Only SYSTEM_DS can be disabled or enabled");
		return;
	}
	ds->state = call_bool(c, 1) ? DS_READY : DS_DISABLED;
	call_ok_int(c, ds->o.id);
}

const struct method datastore_methods[] = {
	/* clang-format off */
	{ .name = "one.datastore.allocate", .params = "template:s cluster:i", .object = OBJ_DATASTORE, .right = AUTH_CREATE,
	  .flags = M_NO_RIGHT, .prepare = api_prepare_template0, .write = api_datastore_allocate,
	  .doc = "Makes a datastore; needs ADMIN of its cluster too (-1: the default one)." },
	{ .name = "one.datastore.info", .params = "id:i decrypt:b=false", .object = OBJ_DATASTORE, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = "A datastore." },
	{ .name = "one.datastorepool.info", .params = "", .object = OBJ_DATASTORE, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "All visible datastores." },
	{ .name = "one.datastore.update", .params = "id:i template:s append:i=0", .object = OBJ_DATASTORE, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_datastore_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.datastore.delete", .params = "id:i unused:b=false", .object = OBJ_DATASTORE, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = api_datastore_delete, .doc = "Deletes a datastore without images." },
	{ .name = "one.datastore.rename", .params = "id:i name:s", .object = OBJ_DATASTORE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_datastore_rename, .doc = "Gives another name." },
	{ .name = "one.datastore.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false",
	  .object = OBJ_DATASTORE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_chmod, .doc = "Changes permission bits; -1 keeps one." },
	{ .name = "one.datastore.chown", .params = "id:i uid:i gid:i", .object = OBJ_DATASTORE, .right = AUTH_MANAGE,
	  .flags = M_NO_RIGHT, .write = api_chown, .doc = "Changes owner and group; -1 keeps one." },
	{ .name = "one.datastore.enable", .params = "id:i enable:b", .object = OBJ_DATASTORE, .right = AUTH_MANAGE,
	  .write = api_datastore_enable, .doc = "Enables or disables a system datastore." },
	{ .name = NULL },
	/* clang-format on */
};
