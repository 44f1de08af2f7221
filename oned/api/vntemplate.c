/* one.vntemplate.* */
#include "oned/objects/vntemplate.h"

#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/api/usual.h"
#include "oned/objects/encrypted.h"

static void api_vntemplate_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct vntemplate *vt;

	if (!infra_may_set(t, c, OBJ_VM, c->prepared, "VM Template"))
		return;
	attributes_encrypt(txn_conf(t), OBJ_VNTEMPLATE, c->prepared);
	vt = vntemplate_create(t, &owner, c->prepared);
	if (vt)
		call_ok_int(c, vt->o.id);
}

static void api_vntemplate_clone(struct txn *t, struct call *c)
{
	const struct vntemplate *from = txn_read(t, OBJ_VNTEMPLATE, call_int(c, 0));
	struct object owner = infra_owner(c);
	struct vntemplate *vt;
	struct tmpl *copy;

	if (!from)
		txn_no_object(t, OBJ_VNTEMPLATE, call_int(c, 0));
	else
		call_may_clone(t, c, OBJ_VNTEMPLATE, from->o.id);
	if (!txn_ok(t))
		return;
	copy = tmpl_copy(t->arena, from->o.tmpl);
	tmpl_set(copy, "NAME", call_str(c, 1));
	vt = vntemplate_create(t, &owner, copy);
	if (vt)
		call_ok_int(c, vt->o.id);
	else
		t->err.rc = ONE_ALLOCATE;
}

static enum one_rc prepare_instantiate(struct call *c, struct one_err *err)
{
	struct tmpl *extra = tmpl_new(&c->arena);

	c->prepared = extra;
	return tmpl_parse(extra, call_str(c, 2), err);
}

/* USE of the template is enough: what its owner fixed stays, as far as it is restricted. */
static void api_vntemplate_instantiate(struct txn *t, struct call *c)
{
	const struct vntemplate *vt = txn_read(t, OBJ_VNTEMPLATE, call_int(c, 0));
	struct one_err err = ONE_ERR_INIT;
	struct object owner;
	struct vnet *vn;

	if (!c->who.admin && restricted_check_extra(txn_conf(t), OBJ_VNTEMPLATE, vt->o.tmpl, c->prepared, &err)) {
		txn_fail(t, ONE_AUTHORIZATION, "%s", err.text);
		return;
	}
	if (!infra_act_as(t, c, vt->o.tmpl, c->prepared))
		return;
	owner = infra_owner(c);
	attributes_encrypt(txn_conf(t), OBJ_VNTEMPLATE, c->prepared);
	vn = vntemplate_instantiate(t, vt, &owner, call_str(c, 1), c->prepared);
	if (!vn) {
		t->err.rc = ONE_ALLOCATE;
		return;
	}
	tmpl_remove(vn->o.tmpl, "AS_UID");
	tmpl_remove(vn->o.tmpl, "AS_GID");
	call_ok_int(c, vn->o.id);
}

const struct method vntemplate_methods[] = {
	/* clang-format off */
	{ .name = "one.vntemplate.allocate", .params = "template:s", .object = OBJ_VNTEMPLATE, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_vntemplate_allocate, .doc = "Makes a template of networks." },
	{ .name = "one.vntemplate.instantiate", .params = "id:i name:s extra:s", .object = OBJ_VNTEMPLATE, .right = AUTH_USE,
	  .prepare = prepare_instantiate, .write = api_vntemplate_instantiate,
	  .doc = "Makes a network of a template, with more attributes; USE of the template is enough." },
	{ .name = "one.vntemplate.clone", .params = "id:i name:s unused:b=false", .object = OBJ_VNTEMPLATE, .right = AUTH_USE,
	  .flags = M_NO_RIGHT, .write = api_vntemplate_clone, .doc = "Copies a template; needs CREATE too." },
	{ .name = "one.vntemplate.info", .params = "id:i decrypt:b=false", .object = OBJ_VNTEMPLATE, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED | M_ID_FIRST, .read = api_info, .doc = "A template of networks." },
	USUAL_POOL("vntemplate", OBJ_VNTEMPLATE, "The visible templates of networks."),
	USUAL_UPDATE("vntemplate", OBJ_VNTEMPLATE),
	USUAL_DELETE("vntemplate", OBJ_VNTEMPLATE, "Deletes a template; networks made of it stay."),
	USUAL_RENAME("vntemplate", OBJ_VNTEMPLATE),
	USUAL_CHMOD("vntemplate", OBJ_VNTEMPLATE),
	USUAL_CHOWN("vntemplate", OBJ_VNTEMPLATE),
	USUAL_LOCKS("vntemplate", OBJ_VNTEMPLATE),
	{ .name = NULL },
	/* clang-format on */
};
