#include "oned/auth/group.h"

#include "oned/auth/quota.h"

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

const struct obj_ops group_ops = {
	.type = OBJ_GROUP, .token = "GROUP", .word = "group", .root = "GROUP", .pool_root = "GROUP_POOL", .table = TABLE_GROUP,
	.size = sizeof(struct group), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_SYSTEM100, .load = group_load, .render = group_render,
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
