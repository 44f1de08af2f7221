/* NICs of VMs that are there: one.vm.attachnic, detachnic and updatenic; and what it takes to use a network. */
#include <string.h>
#include <strings.h>

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/api/vm_api.h"
#include "oned/auth/quota_count.h"
#include "oned/lifecycle/vm_change.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/common.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/vnet.h"

/* ---- rights on networks ---- */

void vm_use_nic(struct txn *t, struct authz *a, int network, const struct attr *nic)
{
	const struct vnet *vn = network < 0 ? NULL : txn_read(t, OBJ_NET, network);
	const char *own = attr_get(nic, "SECURITY_GROUPS");
	struct idset groups = { 0 };

	if (vn) {
		authz_check_version(a, AUTH_USE, false, txn_version(t, OBJ_NET, network));
		vnet_secgroups(vn, &groups, t->arena);
	}
	if (own)
		secgroup_ids_parse(own, &groups, t->arena);
	for (int i = 0; i < groups.n; i++)
		if (txn_exists(t, OBJ_SECGROUP, groups.ids[i]))
			authz_check_version(a, AUTH_USE, false, txn_version(t, OBJ_SECGROUP, groups.ids[i]));
}

/* Those of PCI devices that are network interfaces. */
static bool is_nic(const struct attr *a)
{
	const char *type = a->vector ? attr_get(a, "TYPE") : NULL;

	return a->vector && (strcmp(a->name, "PCI") != 0 || (type && !strcasecmp(type, "NIC")));
}

void vm_use_nics(struct txn *t, struct call *c, struct authz *a, const struct tmpl *tmpl)
{
	static const char *const names[] = { "NIC", "NIC_ALIAS", "PCI" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (const struct attr *n = tmpl_find(tmpl, names[i]); n; n = tmpl_find_next(n))
			if (is_nic(n))
				vm_use_nic(t, a, vnet_nic_id(t, &c->who, n), n);
}

/* ---- what is asked ---- */

/* A template that can't be read is told only when the VM is there and the caller may change it. */
struct nic_request { struct tmpl *tmpl; struct attr *nic; struct one_err bad; };

static enum one_rc parse(struct call *c, int at)
{
	struct nic_request *rq = arena_new(&c->arena, struct nic_request);

	*rq = (struct nic_request){ .tmpl = tmpl_new(&c->arena), .bad = ONE_ERR_INIT };
	c->prepared = rq;
	if (at >= 0 && !tmpl_parse(rq->tmpl, call_str(c, at), &rq->bad))
		rq->nic = vm_nic_asked(rq->tmpl);
	return ONE_OK;
}

static enum one_rc prepare_attach(struct call *c, struct one_err *err)
{
	(void)err;
	return parse(c, 1);
}

static enum one_rc prepare_detach(struct call *c, struct one_err *err)
{
	(void)err;
	return parse(c, -1);
}

static enum one_rc prepare_update(struct call *c, struct one_err *err)
{
	(void)err;
	return parse(c, 2);
}

/* The network as the caller sees its name, else as the VM's owner does; -1: none. From here on it is meant by its id. */
static int find_network(struct txn *t, struct call *c, const struct version *vm, struct attr *nic)
{
	struct identity owner = { .uid = vm->uid, .gid = vm->gid, .gids = &vm->gid, .n_gids = 1 };
	int id = vnet_nic_id(t, &c->who, nic);

	if (id < 0)
		id = vnet_nic_id(t, &owner, nic);
	if (id >= 0)
		attr_setf(&c->arena, nic, "NETWORK_ID", "%d", id);
	return id;
}

/* ---- may it be done? ---- */

static bool may_change(struct txn *t, struct call *c, const struct version *v, struct nic_request *rq)
{
	struct authz a;

	if (rq->nic)
		find_network(t, c, v, rq->nic);
	call_checks_begin(c, &a);
	authz_check_version(&a, call_right(c), false, v);
	vm_use_nics(t, c, &a, rq->tmpl);
	return call_checks_end(t, &a);
}

static bool is_supported(struct txn *t, const struct vm *vm, const char *action)
{
	if (tmpl_get(vm->o.tmpl, "VROUTER_ID"))
		txn_fail(t, ONE_ACTION, "Action is not supported for virtual router VMs");
	else
		vm_import_allows(t, vm, action);
	return txn_ok(t);
}

/* The VM to change; NULL: the transaction failed. */
static struct vm *begin(struct txn *t, struct call *c, const char *action)
{
	struct nic_request *rq = c->prepared;
	int id = call_int(c, 0);
	const struct version *v = id < 0 ? NULL : txn_version(t, OBJ_VM, id);
	struct vm *vm;

	if (!v) {
		txn_no_object(t, OBJ_VM, id);
		return NULL;
	}
	if (!may_change(t, c, v, rq))
		return NULL;
	if (rq->bad.rc) {
		txn_fail(t, rq->bad.rc, "%s", rq->bad.text);
		return NULL;
	}
	vm = txn_edit(t, OBJ_VM, id);
	return vm && is_supported(t, vm, action) ? vm : NULL;
}

/* ---- the methods ---- */

/* Limits are told before anything else is looked at; whatever is refused later takes it back. */
enum one_rc vm_count_lease(struct txn *t, const struct vm *vm, const struct attr *nic)
{
	long long id;
	int network;

	if (!nic || !attr_get_int(nic, "NETWORK_ID", &id) || id < 0 || id > INT32_MAX || !txn_exists(t, OBJ_NET, (int)id))
		return ONE_OK;
	network = (int)id;
	return quota_vm_add(t, vm->o.uid, vm->o.gid, &(struct vm_usage){ .networks = &network, .n_networks = 1 }, true);
}

/* id:i template:s */
static void attach_nic(struct txn *t, struct call *c)
{
	const struct nic_request *rq = c->prepared;
	struct vm *vm = begin(t, c, "nic-attach");

	if (!vm || !infra_may_set(t, c, OBJ_VM, rq->tmpl, "NIC") || vm_count_lease(t, vm, rq->nic))
		return;
	if (vm_attach_nic(t, vm, rq->nic, 0))
		return;
	attributes_encrypt(txn_conf(t), OBJ_VM, vm->o.tmpl);
	call_ok_int(c, vm->o.id);
}

/* id:i nic:i */
static void detach_nic(struct txn *t, struct call *c)
{
	struct vm *vm = begin(t, c, "nic-detach");

	if (vm && !vm_detach_nic(t, vm, call_int(c, 1)))
		call_ok_int(c, vm->o.id);
}

/* id:i nic:i template:s append:i=0 */
static void update_nic(struct txn *t, struct call *c)
{
	const struct nic_request *rq = c->prepared;
	struct vm *vm = begin(t, c, "nic-update");
	const struct attr *nic;

	if (!vm)
		return;
	nic = vm_nic(vm, call_int(c, 1));
	if (!nic) {
		txn_fail(t, ONE_ACTION, "VM %d: NIC %d does not exists", vm->o.id, call_int(c, 1));
		return;
	}
	if (vm_nic_is_alias(nic)) {
		txn_fail(t, ONE_ACTION, "Action not supported for NIC_ALIAS");
		return;
	}
	if (!infra_may_set(t, c, OBJ_VM, rq->tmpl, "NIC"))
		return;
	if (!vm_update_nic(t, vm, call_int(c, 1), tmpl_vector(rq->tmpl, "NIC"), call_int(c, 3) != 0))
		call_ok_int(c, vm->o.id);
}

/* The right on the VM is checked with those on networks, and told together. */
const struct method vm_nic_methods[] = {
	/* clang-format off */
	{ .name = "one.vm.attachnic", .params = "id:i template:s", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_NO_RIGHT | M_OP_CLASS,
	  .op_class = "nic-attach", .prepare = prepare_attach, .write = attach_nic,
	  .doc = "Attaches a NIC, NIC_ALIAS or PCI NIC to a VM that runs or is powered off; needs USE of its network and security groups." },
	{ .name = "one.vm.detachnic", .params = "id:i nic:i", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_NO_RIGHT | M_OP_CLASS,
	  .op_class = "nic-attach", .prepare = prepare_detach, .write = detach_nic,
	  .doc = "Detaches a NIC, with its aliases, or an alias." },
	{ .name = "one.vm.updatenic", .params = "id:i nic:i template:s append:i=0", .object = OBJ_VM, .right = AUTH_MANAGE,
	  .flags = M_NO_RIGHT | M_OP_CLASS, .op_class = "nic-attach", .prepare = prepare_update, .write = update_nic,
	  .doc = "Changes the bandwidths of a NIC; what the template lacks is removed, unless it is appended." },
	{ .name = NULL },
	/* clang-format on */
};
