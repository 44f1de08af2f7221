#include "oned/auth/group.h"

#include "oned/auth/acl.h"
#include "oned/auth/acl_rule.h"
#include "oned/auth/quota.h"
#include "oned/auth/user.h"
#include "oned/auth/vm_op.h"

static enum one_rc group_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct group *g = (struct group *)o;

	(void)err;
	o->gid = o->id;
	o->perm = PERM_OWNER_U | PERM_OWNER_M | PERM_GROUP_U;
	idset_load(&g->users, &o->arena, xml_child(x, "USERS"));
	idset_load(&g->admins, &o->arena, xml_child(x, "ADMINS"));
	return ONE_OK;
}

static void group_render(const struct object *o, struct strbuf *out)
{
	const struct group *g = (const struct group *)o;

	xml_out_open(out, "GROUP");
	xml_out_int(out, "ID", o->id);
	xml_out_text(out, "NAME", o->name);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	obj_out_ids(out, "USERS", g->users.ids, g->users.n);
	obj_out_ids(out, "ADMINS", g->admins.ids, g->admins.n);
	xml_out_close(out, "GROUP");
}

static enum one_rc group_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	(void)o;
	return vm_op_check_template(fresh, err);
}

const struct obj_ops group_ops = {
	.type = OBJ_GROUP, .token = "GROUP", .word = "group", .root = "GROUP", .pool_root = "GROUP_POOL", .table = TABLE_GROUP,
	.size = sizeof(struct group), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_SYSTEM100, .load = group_load, .render = group_render,
	.check_update = group_check_update,
};

struct group *group_create(struct txn *t, const char *name)
{
	struct one_err err = ONE_ERR_INIT;
	struct group *g;
	struct quota *q;
	int taken;

	if (obj_check_name(name, &err)) {
		txn_fail(t, ONE_INTERNAL, "%s", err.text);
		return NULL;
	}
	taken = txn_find(t, OBJ_GROUP, name, -1);
	if (taken >= 0) {
		txn_fail(t, ONE_INTERNAL, "NAME is already taken by GROUP %d.", taken);
		return NULL;
	}
	g = txn_new(t, OBJ_GROUP);
	q = txn_new(t, OBJ_GROUP_QUOTA);
	if (!g || !q)
		return NULL;
	g->o.uid = 0;
	g->o.gid = g->o.id;
	g->o.name = g->o.gname = arena_strdup(&g->o.arena, name);
	g->o.perm = PERM_OWNER_U | PERM_OWNER_M | PERM_GROUP_U;
	q->o.id = g->o.id;
	return g;
}

/* ---- administrators ---- */

#define TYPES3(a, b, c) (ACL_TYPE(a) | ACL_TYPE(b) | ACL_TYPE(c))

static const struct { uint64_t types, selector; bool of_group; unsigned rights; } admin_rules[] = {
	{ ACL_TYPE(OBJ_USER), ACL_GROUP, true, AUTH_USE | AUTH_MANAGE | AUTH_ADMIN | AUTH_CREATE },
	{ TYPES3(OBJ_VM, OBJ_NET, OBJ_IMAGE) | TYPES3(OBJ_TEMPLATE, OBJ_DOCUMENT, OBJ_SECGROUP) |
	  TYPES3(OBJ_VROUTER, OBJ_VMGROUP, OBJ_BACKUPJOB), ACL_GROUP, true, AUTH_USE | AUTH_MANAGE },
	{ ACL_TYPE(OBJ_VROUTER), ACL_ALL, false, AUTH_CREATE },
	{ ACL_TYPE(OBJ_GROUP), ACL_INDIVIDUAL, true, AUTH_MANAGE },
};
#define N_ADMIN_RULES (sizeof(admin_rules) / sizeof(*admin_rules))

static uint64_t admin_resource(size_t i, int gid)
{
	return admin_rules[i].types | admin_rules[i].selector | (admin_rules[i].of_group ? (uint64_t)gid : 0);
}

enum one_rc group_admin_add(struct txn *t, struct group *g, int uid)
{
	if (!idset_has(&g->users, uid))
		return txn_fail(t, ONE_INTERNAL, "User %d is not part of Group %d.", uid, g->o.id);
	if (!idset_add(&g->admins, &g->o.arena, uid))
		return txn_fail(t, ONE_INTERNAL, "User %d is already an administrator of Group %d.", uid, g->o.id);
	for (size_t i = 0; i < N_ADMIN_RULES; i++)
		acl_rule_ensure(t, ACL_INDIVIDUAL | (uint64_t)uid, admin_resource(i, g->o.id), admin_rules[i].rights, ACL_ALL);
	return t->err.rc;
}

static bool is_admin_of_any(struct txn *t, int uid)
{
	const struct user *u = txn_read(t, OBJ_USER, uid);

	for (int i = 0; u && i < u->groups.n; i++) {
		const struct group *g = txn_read(t, OBJ_GROUP, u->groups.ids[i]);

		if (g && idset_has(&g->admins, uid))
			return true;
	}
	return false;
}

enum one_rc group_admin_del(struct txn *t, struct group *g, int uid)
{
	if (!idset_del(&g->admins, uid))
		return txn_fail(t, ONE_INTERNAL, "User %d is not an administrator of Group %d.", uid, g->o.id);
	for (size_t i = 0; i < N_ADMIN_RULES; i++)
		if (admin_rules[i].of_group || !is_admin_of_any(t, uid))
			acl_rule_drop(t, ACL_INDIVIDUAL | (uint64_t)uid, admin_resource(i, g->o.id), admin_rules[i].rights, ACL_ALL);
	return t->err.rc;
}
