/* one.vrouter.* */
#include "oned/objects/vrouter.h"

#include <string.h>

#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/api/usual.h"
#include "oned/api/vm_api.h"
#include "oned/auth/acl_rule.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnet.h"

/* ---- making ---- */

/* An automatic NIC is refused later: nothing of it is used. */
static void use_nics(struct txn *t, struct call *c, struct authz *a, const struct tmpl *tmpl, const char *name)
{
	for (const struct attr *nic = tmpl_find(tmpl, name); nic; nic = tmpl_find_next(nic))
		if (nic->vector && !vm_nic_is_auto(nic))
			vm_use_nic(t, a, vnet_nic_id(t, &c->who, nic), nic);
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

static void give_vm(struct txn *t, int id, int uid, int gid)
{
	struct vm *vm = txn_exists(t, OBJ_VM, id) ? txn_edit(t, OBJ_VM, id) : NULL;

	if (!vm)
		return;
	vm_quota_move(t, vm, uid, gid);
	object_chown(t, &vm->o, uid, gid);
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
	object_chown(t, &vr->o, uid, gid);
	vrouter_quota_moved(t, vr, old_uid, old_gid);
	for (int i = 0; i < vr->vms.n && txn_ok(t); i++)
		give_vm(t, vr->vms.ids[i], uid, gid);
	call_ok_int(c, vr->o.id);
}

/* ---- its VMs ---- */

/* How many one call makes, and how much text all they are made of may have: all of them are one transaction. */
#define MAX_INSTANCES 255
#define MAX_INSTANCES_BYTES (8 * 1024 * 1024)
#define MAX_INSTANCES_NICS  4096

/* id:i n_vms:i template:i name:s hold:b extra:s. What is wrong with `extra` is told when the first VM is made of it. */
struct instances { struct tmpl *extra; struct one_err why; };

static enum one_rc prepare_instantiate(struct call *c, struct one_err *err)
{
	struct instances *in = arena_new(&c->arena, struct instances);

	(void)err;
	*in = (struct instances){ .extra = tmpl_new(&c->arena), .why = ONE_ERR_INIT };
	if (*call_str(c, 5))
		tmpl_parse(in->extra, call_str(c, 5), &in->why);
	c->prepared = in;
	return ONE_OK;
}

#define NAME_MAX_BYTES 128

/* Each "%i" of the pattern is the number of the VM. What can't become a name stays, to be refused as one. */
static const char *instance_name(struct txn *t, const char *pattern, int number)
{
	const char *name = "", *mark;

	if (strlen(pattern) > 2 * NAME_MAX_BYTES)
		return pattern;
	while ((mark = strstr(pattern, "%i"))) {
		name = arena_printf(t->arena, "%s%.*s%d", name, (int)(mark - pattern), pattern, number);
		pattern = mark + 2;
	}
	return arena_printf(t->arena, "%s%s", name, pattern);
}

/* The template to be used: the one given, else that of the last time. NULL: the transaction failed. */
static const struct version *template_of(struct txn *t, struct call *c, const struct vrouter *vr)
{
	long long id = call_int(c, 2);
	const struct version *v;
	bool is_vrouter = false;

	if (id == -1 && !tmpl_get_int(vr->o.tmpl, "TEMPLATE_ID", &id)) {
		txn_fail(t, ONE_ACTION, "A template ID was not provided, and the virtual router does not have a default one");
		return NULL;
	}
	if (!call_may(t, c, AUTH_MANAGE, OBJ_VROUTER, vr->o.id))
		return NULL;
	v = id >= 0 && id <= INT32_MAX ? txn_version(t, OBJ_TEMPLATE, (int)id) : NULL;
	if (!v)
		txn_no_object(t, OBJ_TEMPLATE, id >= INT32_MIN && id <= INT32_MAX ? (int)id : -1);
	else if (!tmpl_get_bool(v->obj->tmpl, "VROUTER", &is_vrouter) || !is_vrouter)
		txn_fail(t, ONE_ACTION, "Only virtual router templates are allowed");
	return txn_ok(t) ? v : NULL;
}

/* All begin on hold, as they say of themselves; most go on at once. */
static void make_instance(struct txn *t, struct call *c, const struct version *v, struct vrouter *vr, const struct vm_instance *in)
{
	int id = vm_instantiate(t, c, v, in);
	struct vm *vm = id >= 0 ? txn_edit(t, OBJ_VM, id) : NULL;

	if (!vm)
		return;
	idset_add(&vr->vms, &vr->o.arena, id);
	if (call_bool(c, 4))
		return;
	/* One whose disks wait for their images isn't on hold yet. */
	if (!vm_event(t, vm, VM_EV_RELEASE))
		tmpl_set(vm->o.tmpl, "SUBMIT_ON_HOLD", "NO");
}

static void make_instances(struct txn *t, struct call *c, const struct version *v, struct vrouter *vr)
{
	const struct instances *all = c->prepared;
	const char *pattern = *call_str(c, 3) ? call_str(c, 3) : arena_printf(t->arena, "vr-%s-%%i", vr->o.name);
	struct vm_instance in = { .extra = all->extra, .fixed = vrouter_vm_template(vr, t->arena), .hold = true };

	if (all->why.rc) {
		txn_fail(t, all->why.rc, "%s", all->why.text);
		return;
	}
	if (!vm_may_instantiate(t, c, v, all->extra))
		return;
	for (int i = 0; i < call_int(c, 1) && txn_ok(t); i++) {
		in.name = instance_name(t, pattern, i);
		make_instance(t, c, v, vr, &in);
	}
}

static int count_nics(const struct tmpl *tmpl)
{
	int n = 0;

	for (const struct attr *a = tmpl_find(tmpl, "NIC"); a; a = tmpl_find_next(a))
		n++;
	for (const struct attr *a = tmpl_find(tmpl, "NIC_ALIAS"); a; a = tmpl_find_next(a))
		n++;
	return n;
}

static bool may_be_so_many(struct txn *t, struct call *c, const struct version *v, const struct vrouter *vr)
{
	const struct instances *all = c->prepared;
	int nics = count_nics(v->obj->tmpl) + count_nics(all->extra) + count_nics(vr->o.tmpl);
	size_t each = v->body_len + txn_version(t, OBJ_VROUTER, vr->o.id)->body_len + strlen(call_str(c, 5));

	if (call_int(c, 1) > MAX_INSTANCES)
		txn_fail(t, ONE_ACTION, "A virtual router can't get more than %d VMs at once", MAX_INSTANCES);
	else if (call_int(c, 1) > 1 && (size_t)call_int(c, 1) > MAX_INSTANCES_BYTES / each)
		txn_fail(t, ONE_ACTION, "A virtual router can't get %d VMs of %zu bytes at once", call_int(c, 1), each);
	else if (call_int(c, 1) > 1 && nics && call_int(c, 1) > MAX_INSTANCES_NICS / nics)
		txn_fail(t, ONE_ACTION, "A virtual router can't get %d VMs of %d NICs at once", call_int(c, 1), nics);
	return txn_ok(t);
}

static void api_vrouter_instantiate(struct txn *t, struct call *c)
{
	struct vrouter *vr = txn_edit(t, OBJ_VROUTER, call_int(c, 0));
	const struct version *v = vr ? template_of(t, c, vr) : NULL;

	if (!v)
		return;
	if (!may_be_so_many(t, c, v, vr))
		return;
	if (call_int(c, 1) > 0)
		make_instances(t, c, v, vr);
	tmpl_setf(vr->o.tmpl, "TEMPLATE_ID", "%d", v->id);
	call_ok_int(c, vr->o.id);
}

/* ---- one NIC more, or less ---- */

/* May the caller change the NICs of its VMs, as one.vm.attachnic wants it? */
static bool may_change_vms(struct txn *t, struct call *c, const struct vrouter *vr)
{
	struct authz a;

	call_checks_begin(c, &a);
	for (int i = 0; i < vr->vms.n; i++)
		if (txn_exists(t, OBJ_VM, vr->vms.ids[i]))
			authz_check_version(&a, vm_class_right(c, "nic-attach"), false, txn_version(t, OBJ_VM, vr->vms.ids[i]));
	return call_checks_end(t, &a);
}

/* All get it, or none; with the number it has in the router, also where a driver failed to attach one before. */
static void attach_to_vms(struct txn *t, const struct vrouter *vr, const struct attr *nic)
{
	long long id = 0;

	attr_get_int(nic, "NIC_ID", &id);
	for (int i = 0; i < vr->vms.n && txn_ok(t); i++) {
		struct vm *vm = txn_exists(t, OBJ_VM, vr->vms.ids[i]) ? txn_edit(t, OBJ_VM, vr->vms.ids[i]) : NULL;

		if (vm && !vm_count_lease(t, vm, nic))
			vm_attach_nic(t, vm, nic, (int)id);
	}
}

/* A VM whose driver couldn't attach it hasn't got it. */
static void detach_from_vms(struct txn *t, const struct vrouter *vr, int nic_id)
{
	for (int i = 0; i < vr->vms.n && txn_ok(t); i++) {
		struct vm *vm = txn_exists(t, OBJ_VM, vr->vms.ids[i]) ? txn_edit(t, OBJ_VM, vr->vms.ids[i]) : NULL;

		if (vm && vm_nic(vm, nic_id))
			vm_detach_nic(t, vm, nic_id);
	}
}

static void api_vrouter_attachnic(struct txn *t, struct call *c)
{
	struct vrouter *vr = txn_edit(t, OBJ_VROUTER, call_int(c, 0));
	const struct attr *nic;
	struct authz a;

	if (!vr)
		return;
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_MANAGE, false, txn_version(t, OBJ_VROUTER, vr->o.id));
	use_nics(t, c, &a, c->prepared, "NIC");
	use_nics(t, c, &a, c->prepared, "NIC_ALIAS");
	if (!call_checks_end(t, &a) || !may_set(t, c, c->prepared) || !may_change_vms(t, c, vr))
		return;
	nic = vrouter_nic_attach(t, &c->who, vr, c->prepared);
	if (!nic)
		return;
	attach_to_vms(t, vr, nic);
	call_ok_int(c, vr->o.id);
}

static void api_vrouter_detachnic(struct txn *t, struct call *c)
{
	struct vrouter *vr = call_edit(t, c);

	if (!vr || !may_change_vms(t, c, vr) || vrouter_nic_detach(t, vr, call_int(c, 1)))
		return;
	detach_from_vms(t, vr, call_int(c, 1));
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
	  .flags = M_ID_FIRST, .write = api_vrouter_delete, .doc = "Deletes a virtual router and ends its VMs." },
	USUAL_RENAME("vrouter", OBJ_VROUTER),
	{ .name = "one.vrouter.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false", .object = OBJ_VROUTER,
	  .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_vrouter_chmod,
	  .doc = "Changes permission bits, of its VMs too; -1 keeps one." },
	{ .name = "one.vrouter.chown", .params = "id:i uid:i gid:i", .object = OBJ_VROUTER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_vrouter_chown, .doc = "Changes owner and group, of its VMs too; -1 keeps one." },
	USUAL_LOCKS("vrouter", OBJ_VROUTER),
	{ .name = "one.vrouter.instantiate", .params = "id:i n_vms:i template:i name:s hold:b extra:s", .object = OBJ_VROUTER,
	  .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .prepare = prepare_instantiate, .write = api_vrouter_instantiate,
	  .doc = "Makes VMs of a router, all or none, of a template (-1: that of the last time) with VROUTER=YES, as one.template.instantiate." },
	{ .name = "one.vrouter.attachnic", .params = "id:i template:s", .object = OBJ_VROUTER, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .prepare = api_prepare_template1, .write = api_vrouter_attachnic,
	  .doc = "Adds a NIC to a router and all its VMs, or none; needs USE of its network and security groups." },
	{ .name = "one.vrouter.detachnic", .params = "id:i nic:i", .object = OBJ_VROUTER, .right = AUTH_MANAGE,
	  .write = api_vrouter_detachnic, .doc = "Takes a NIC from a router and its VMs." },
	{ .name = NULL },
	/* clang-format on */
};
