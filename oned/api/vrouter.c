/* one.vrouter.* */
#include "oned/objects/vrouter.h"

#include <strings.h>

#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/api/usual.h"
#include "oned/auth/acl_rule.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnet.h"

/* ---- making ---- */

static bool text_is(const struct attr *nic, const char *name, const char *what)
{
	const char *value = attr_get(nic, name);

	return value && !strcasecmp(value, what);
}

/* USE of its network, and of the security groups that NIC and network have. */
static void use_nic(struct txn *t, struct call *c, struct authz *a, const struct attr *nic)
{
	int net = vnet_nic_id(t, &c->who, nic);
	struct idset groups = { .n = 0 };

	if (attr_get(nic, "SECURITY_GROUPS"))
		secgroup_ids_parse(attr_get(nic, "SECURITY_GROUPS"), &groups, t->arena);
	if (net >= 0) {
		authz_check_version(a, AUTH_USE, false, txn_version(t, OBJ_NET, net));
		vnet_secgroups(txn_read(t, OBJ_NET, net), &groups, t->arena);
	}
	for (int i = 0; i < groups.n; i++) {
		const struct version *v = txn_version(t, OBJ_SECGROUP, groups.ids[i]);

		if (v)
			authz_check_version(a, AUTH_USE, false, v);
	}
}

/* An automatic NIC is refused later: nothing of it is used. */
static void use_nics(struct txn *t, struct call *c, struct authz *a, const struct tmpl *tmpl, const char *name)
{
	for (const struct attr *nic = tmpl_find(tmpl, name); nic; nic = tmpl_find_next(nic))
		if (nic->vector && !text_is(nic, "NETWORK_MODE", "auto"))
			use_nic(t, c, a, nic);
}

/* What its NICs say becomes that of VMs, where it isn't looked at again: so it must be what the caller may say of a VM's NIC. Floating ones
 * lose it. */
static bool may_set(struct txn *t, struct call *c, const struct tmpl *tmpl)
{
	struct tmpl *said = tmpl_new(t->arena);

	for (const struct attr *nic = tmpl_find(tmpl, "NIC"); nic; nic = tmpl_find_next(nic)) {
		bool floating;

		if (nic->vector && (!attr_get_bool(nic, "FLOATING_IP", &floating) || !floating))
			tmpl_add_attr(said, nic);
	}
	return infra_may_set(t, c, OBJ_VM, said, "NIC");
}

static void api_vrouter_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct vrouter *vr;
	struct authz a;

	if (!may_set(t, c, c->prepared))
		return;
	call_checks_begin(c, &a);
	authz_check_type(&a, AUTH_CREATE, OBJ_VROUTER);
	use_nics(t, c, &a, c->prepared, "NIC");
	use_nics(t, c, &a, c->prepared, "NIC_ALIAS");
	if (!call_checks_end(t, &a))
		return;
	vr = vrouter_create(t, &c->who, &owner, c->prepared);
	if (vr)
		call_ok_int(c, vr->o.id);
}

/* ---- what happens to its VMs too ---- */

static void end_vm(struct txn *t, int id)
{
	struct vm *vm = txn_exists(t, OBJ_VM, id) ? txn_edit(t, OBJ_VM, id) : NULL;

	if (vm && !vm_event(t, vm, VM_EV_TERMINATE_HARD))
		vm_event(t, vm, VM_EV_DELETE);
}

static void api_vrouter_delete(struct txn *t, struct call *c)
{
	struct vrouter *vr = call_edit(t, c);

	if (!vr)
		return;
	vrouter_destroy(t, vr);
	acl_object_gone(t, OBJ_VROUTER, vr->o.id);
	for (int i = 0; i < vr->vms.n; i++)
		end_vm(t, vr->vms.ids[i]);
	call_ok_int(c, vr->o.id);
}

/* VMs whose bits the caller may not change keep them, and that is told. */
static void api_vrouter_chmod(struct txn *t, struct call *c)
{
	const struct vrouter *vr;

	api_chmod(t, c);
	vr = txn_ok(t) ? txn_read(t, OBJ_VROUTER, call_int(c, 0)) : NULL;
	for (int i = 0; vr && i < vr->vms.n; i++) {
		struct one_err why;

		object_chmod(t, c, OBJ_VM, vr->vms.ids[i]);
		why = t->err;
		if (infra_step_failed(t))
			call_fail(c, why.rc, "%s", why.text);
	}
	if (vr)
		call_ok_int(c, vr->o.id);
}

/* The name need not be free among the routers of an owner, but when one comes to him. Of several the newest is told. */
static bool name_is_free(struct txn *t, const struct vrouter *vr, int uid)
{
	int *ids, n = txn_ids(t, OBJ_VROUTER, &ids);

	while (n--) {
		const struct vrouter *other = txn_read(t, OBJ_VROUTER, ids[n]);

		if (other->o.uid != uid || strcmp(other->o.name, vr->o.name) != 0)
			continue;
		txn_fail(t, ONE_INTERNAL, "user [%d] already owns virtual router [%d] with NAME %s", uid, other->o.id, vr->o.name);
		return false;
	}
	return true;
}

static void give_vm(struct txn *t, struct call *c, int id, int uid, int gid)
{
	struct vm *vm = txn_exists(t, OBJ_VM, id) ? txn_edit(t, OBJ_VM, id) : NULL;

	if (!vm)
		return;
	vm_quota_move(t, vm, uid, gid);
	object_chown(t, c, &vm->o, uid, gid);
	if (vm->history)
		vm_history_save(t, vm);
}

/* Leases and VMs count for the new owners; when one of these is over a limit nothing changes hands. */
static void api_vrouter_chown(struct txn *t, struct call *c)
{
	int uid = call_int(c, 1), gid = call_int(c, 2), old_uid, old_gid;
	struct vrouter *vr;

	if (!object_may_chown(t, c, OBJ_VROUTER, call_int(c, 0), uid, gid))
		return;
	vr = txn_edit(t, OBJ_VROUTER, call_int(c, 0));
	old_uid = vr->o.uid;
	old_gid = vr->o.gid;
	if (uid == old_uid)
		uid = -1;
	if (gid == old_gid)
		gid = -1;
	if (uid >= 0 && !name_is_free(t, vr, uid))
		return;
	object_chown(t, c, &vr->o, uid, gid);
	vrouter_quota_moved(t, vr, old_uid, old_gid);
	for (int i = 0; i < vr->vms.n && txn_ok(t); i++)
		give_vm(t, c, vr->vms.ids[i], uid, gid);
	call_ok_int(c, vr->o.id);
}

const struct method vrouter_methods[] = {
	/* clang-format off */
	{ .name = "one.vrouter.allocate", .params = "template:s", .object = OBJ_VROUTER, .right = AUTH_CREATE, .flags = M_NO_RIGHT,
	  .prepare = api_prepare_template0, .write = api_vrouter_allocate,
	  .doc = "Makes a virtual router; needs CREATE, and USE of the networks and security groups of its NICs." },
	USUAL_INFO("vrouter", OBJ_VROUTER, "A virtual router."),
	USUAL_POOL("vrouter", OBJ_VROUTER, "The visible virtual routers."),
	USUAL_UPDATE("vrouter", OBJ_VROUTER),
	{ .name = "one.vrouter.delete", .params = "id:i unused:b=false", .object = OBJ_VROUTER, .right = AUTH_MANAGE,
	  .write = api_vrouter_delete, .doc = "Deletes a virtual router and ends its VMs." },
	USUAL_RENAME("vrouter", OBJ_VROUTER),
	{ .name = "one.vrouter.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false", .object = OBJ_VROUTER,
	  .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_vrouter_chmod,
	  .doc = "Changes permission bits, of its VMs too; -1 keeps one." },
	{ .name = "one.vrouter.chown", .params = "id:i uid:i gid:i", .object = OBJ_VROUTER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_vrouter_chown, .doc = "Changes owner and group, of its VMs too; -1 keeps one." },
	USUAL_LOCKS("vrouter", OBJ_VROUTER),
	{ .name = NULL },
	/* clang-format on */
};
