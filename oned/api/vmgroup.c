/* one.vmgroup.* */
#include "oned/objects/vmgroup.h"

#include "oned/api/infra.h"
#include "oned/api/usual.h"

static void api_vmgroup_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct vmgroup *g = vmgroup_create(t, &owner, c->prepared);

	if (g)
		call_ok_int(c, g->o.id);
}

/* ---- roles ---- */

/* The ROLE vector of the template in parameter i. What is wrong with it is an error of the action. */
static enum one_rc prepare_role(struct call *c, int i, struct one_err *err)
{
	struct tmpl *tmpl = tmpl_new(&c->arena);

	if (tmpl_parse(tmpl, call_str(c, i), err))
		return err->rc = ONE_ACTION;
	c->prepared = tmpl_vector(tmpl, "ROLE");
	return c->prepared ? ONE_OK : one_err_set(err, ONE_ACTION, "No ROLE attribute in template");
}

static enum one_rc prepare_roleadd(struct call *c, struct one_err *err)
{
	return prepare_role(c, 1, err);
}

static enum one_rc prepare_roleupdate(struct call *c, struct one_err *err)
{
	return prepare_role(c, 2, err);
}

static void api_vmgroup_roleadd(struct txn *t, struct call *c)
{
	struct vmgroup *g = call_edit(t, c);

	if (g && !vmgroup_role_add(t, g, c->prepared))
		call_ok_int(c, g->o.id);
}

static void api_vmgroup_roleupdate(struct txn *t, struct call *c)
{
	struct vmgroup *g = call_edit(t, c);

	if (g && !vmgroup_role_update(t, g, call_int(c, 1), c->prepared))
		call_ok_int(c, g->o.id);
}

static void api_vmgroup_roledelete(struct txn *t, struct call *c)
{
	struct vmgroup *g = call_edit(t, c);

	if (g && !vmgroup_role_delete(t, g, call_int(c, 1)))
		call_ok_int(c, g->o.id);
}

const struct method vmgroup_methods[] = {
	/* clang-format off */
	{ .name = "one.vmgroup.allocate", .params = "template:s", .object = OBJ_VMGROUP, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_vmgroup_allocate, .doc = "Makes a VM group with its roles." },
	USUAL_INFO("vmgroup", OBJ_VMGROUP, "A VM group."),
	USUAL_POOL("vmgroup", OBJ_VMGROUP, "The visible VM groups."),
	USUAL_UPDATE("vmgroup", OBJ_VMGROUP),
	USUAL_DELETE("vmgroup", OBJ_VMGROUP, "Deletes a VM group; its VMs go on."),
	USUAL_RENAME("vmgroup", OBJ_VMGROUP),
	USUAL_CHMOD("vmgroup", OBJ_VMGROUP),
	USUAL_CHOWN("vmgroup", OBJ_VMGROUP),
	USUAL_LOCKS("vmgroup", OBJ_VMGROUP),
	{ .name = "one.vmgroup.roleadd", .params = "id:i template:s", .object = OBJ_VMGROUP, .right = AUTH_MANAGE,
	  .prepare = prepare_roleadd, .write = api_vmgroup_roleadd, .doc = "Adds a role: ROLE=[NAME=]." },
	{ .name = "one.vmgroup.roleupdate", .params = "id:i role:i template:s", .object = OBJ_VMGROUP, .right = AUTH_MANAGE,
	  .prepare = prepare_roleupdate, .write = api_vmgroup_roleupdate, .doc = "Changes a role without VMs: ROLE=[...]." },
	{ .name = "one.vmgroup.roledelete", .params = "id:i role:i", .object = OBJ_VMGROUP, .right = AUTH_MANAGE,
	  .write = api_vmgroup_roledelete, .doc = "Deletes a role without VMs that no rule names." },
	{ .name = NULL },
	/* clang-format on */
};
