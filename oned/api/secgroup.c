/* one.secgroup.* */
#include "oned/objects/secgroup.h"

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/auth/acl_rule.h"

static void api_secgroup_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct secgroup *sg = secgroup_create(t, &owner, c->prepared);

	if (sg)
		call_ok_int(c, sg->o.id);
}

static void api_secgroup_update(struct txn *t, struct call *c)
{
	struct secgroup *sg;
	struct one_err err = ONE_ERR_INIT;

	api_update(t, c);
	sg = txn_ok(t) ? txn_edit(t, OBJ_SECGROUP, call_int(c, 0)) : NULL;
	if (!sg)
		return;
	if (secgroup_rules_check(sg->o.tmpl, &err)) {
		txn_fail(t, ONE_INTERNAL, "Cannot update template. %s", err.text);
		return;
	}
	secgroup_commit(sg, false);
}

static const char *why_not_deleted(const struct secgroup *sg)
{
	if (sg->o.id == SECGROUP_DEFAULT)
		return "The default security group (ID 0) cannot be deleted.";
	return sg->updated.n || sg->outdated.n || sg->updating.n || sg->error.n ? "The security group has VMs using it" : NULL;
}

static void api_secgroup_delete(struct txn *t, struct call *c)
{
	struct secgroup *sg = call_edit(t, c);
	const char *why = sg ? why_not_deleted(sg) : NULL;

	if (!sg)
		return;
	if (why) {
		txn_fail(t, ONE_ACTION, "Cannot delete security group. %s", why);
		return;
	}
	txn_delete(t, &sg->o);
	acl_object_gone(t, OBJ_SECGROUP, sg->o.id);
	call_ok_int(c, sg->o.id);
}

static void api_secgroup_clone(struct txn *t, struct call *c)
{
	const struct secgroup *from = txn_read(t, OBJ_SECGROUP, call_int(c, 0));
	struct object owner = infra_owner(c);
	struct secgroup *sg;
	struct tmpl *copy;

	if (!from)
		txn_no_object(t, OBJ_SECGROUP, call_int(c, 0));
	else
		call_may_clone(t, c, OBJ_SECGROUP, from->o.id);
	if (!txn_ok(t))
		return;
	copy = tmpl_copy(t->arena, from->o.tmpl);
	tmpl_set(copy, "NAME", call_str(c, 1));
	sg = secgroup_create(t, &owner, copy);
	if (sg)
		call_ok_int(c, sg->o.id);
	else
		t->err.rc = ONE_ALLOCATE;
}

static void api_secgroup_commit(struct txn *t, struct call *c)
{
	struct secgroup *sg = call_edit(t, c);

	if (!sg)
		return;
	secgroup_commit(sg, call_bool(c, 1));
	call_ok_int(c, sg->o.id);
}

const struct method secgroup_methods[] = {
	/* clang-format off */
	{ .name = "one.secgroup.allocate", .params = "template:s", .object = OBJ_SECGROUP, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_secgroup_allocate, .doc = "Makes a security group." },
	{ .name = "one.secgroup.info", .params = "id:i decrypt:b=false", .object = OBJ_SECGROUP, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = "A security group." },
	{ .name = "one.secgrouppool.info", .params = "filter:i start:i end:i", .object = OBJ_SECGROUP, .right = AUTH_USE,
	  .flags = M_ZONE_DISABLED, .read = api_pool_info, .doc = "The visible security groups." },
	{ .name = "one.secgroup.update", .params = "id:i template:s append:i=0", .object = OBJ_SECGROUP, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_secgroup_update, .doc = "Replaces the rules, or merges into them; VMs follow." },
	{ .name = "one.secgroup.delete", .params = "id:i unused:b=false", .object = OBJ_SECGROUP, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_secgroup_delete, .doc = "Deletes a group that no VM uses." },
	{ .name = "one.secgroup.rename", .params = "id:i name:s", .object = OBJ_SECGROUP, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_rename, .doc = "Gives another name." },
	{ .name = "one.secgroup.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false",
	  .object = OBJ_SECGROUP, .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_chmod, .doc = "Changes permission bits; -1 keeps one." },
	{ .name = "one.secgroup.chown", .params = "id:i uid:i gid:i", .object = OBJ_SECGROUP, .right = AUTH_MANAGE,
	  .flags = M_NO_RIGHT, .write = api_chown, .doc = "Changes owner and group; -1 keeps one." },
	{ .name = "one.secgroup.clone", .params = "id:i name:s unused:b=false", .object = OBJ_SECGROUP, .right = AUTH_USE,
	  .flags = M_NO_RIGHT, .write = api_secgroup_clone, .doc = "Copies a group; needs CREATE too." },
	{ .name = "one.secgroup.commit", .params = "id:i recover:b", .object = OBJ_SECGROUP, .right = AUTH_MANAGE,
	  .write = api_secgroup_commit, .doc = "Has the VMs get the rules again: all, or those where it failed." },
	{ .name = NULL },
	/* clang-format on */
};
