#include "oned/objects/vrouter.h"

#include <string.h>
#include <strings.h>

#include "oned/auth/quota_count.h"
#include "oned/objects/common.h"
#include "oned/objects/settings.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vnet.h"

/* ---- XML ---- */

static enum one_rc vrouter_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	(void)err;
	idset_load(&((struct vrouter *)o)->vms, &o->arena, xml_child(x, "VMS"));
	return ONE_OK;
}

static void vrouter_render(const struct object *o, struct strbuf *out)
{
	const struct vrouter *vr = (const struct vrouter *)o;

	xml_out_open(out, "VROUTER");
	obj_out_head(o, out);
	obj_out_permissions(o, out);
	obj_out_lock(o, out);
	obj_out_ids(out, "VMS", vr->vms.ids, vr->vms.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "VROUTER");
}

/* ---- NICs ---- */

/* The vectors of that name alone. */
static struct attr *next_nic(struct attr *a)
{
	while (a && !a->vector)
		a = tmpl_find_next(a);
	return a;
}

#define FOR_NICS(tmpl, nic) for (struct attr *nic = next_nic(tmpl_find(tmpl, "NIC")); nic; nic = next_nic(tmpl_find_next(nic)))

static int nic_number(const struct attr *nic, const char *name)
{
	long long value;

	return attr_get_int(nic, name, &value) && value >= 0 && value <= INT32_MAX ? (int)value : -1;
}

static bool is_floating(const struct attr *nic)
{
	bool value;

	return attr_get_bool(nic, "FLOATING_IP", &value) && value;
}

static int count_nics(const struct tmpl *tmpl)
{
	int n = 0;

	FOR_NICS(tmpl, nic)
		n++;
	return n;
}

/* NICs are added and taken away by methods of their own. */
static enum one_rc vrouter_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	(void)err;
	tmpl_remove(fresh, "NIC");
	FOR_NICS(o->tmpl, nic)
		tmpl_add_attr(fresh, nic);
	return ONE_OK;
}

const struct obj_ops vrouter_ops = {
	.type = OBJ_VROUTER, .token = "VROUTER", .word = "virtual router", .root = "VROUTER", .pool_root = "VROUTER_POOL", .table = TABLE_VROUTER,
	.size = sizeof(struct vrouter), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE,
	.load = vrouter_load, .render = vrouter_render, .check_update = vrouter_check_update,
};

/* The lease is the router's: its VMs get it beside an address of their own. So it is kept under other names, and what only administrators
 * may say of a VM's NIC doesn't reach VMs this way. */
static void keep_as_floating(struct txn *t, struct attr *nic, struct arena *arena)
{
	static const char *const addresses[] = { "MAC", "IP", "IP6", "IP6_LINK", "IP6_ULA", "IP6_GLOBAL", "VLAN_ID" };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *value = attr_get(nic, addresses[i]);

		if (!value)
			continue;
		attr_set(arena, nic, arena_printf(arena, "VROUTER_%s", addresses[i]), value);
		attr_remove(nic, addresses[i]);
	}
	for (const struct attr *a = settings_first(t, "VM_RESTRICTED_ATTR"); a; a = conf_next(a))
		if (!strncasecmp(a->value, "NIC/", 4))
			attr_remove(nic, text_upper(t->arena, a->value + 4));
}

static enum one_rc take_nic(struct txn *t, const struct identity *who, struct vrouter *vr, struct attr *nic, int id)
{
	if (vm_nic_is_auto(nic))
		return txn_fail(t, ONE_ACTION, "Virtual Router is incompatible with auto mode");
	attr_setf(&vr->o.arena, nic, "NIC_ID", "%d", id);
	if (vnet_nic_acquire(t, who, nic, &vr->o.arena, -1, vr->o.id))
		return t->err.rc;
	if (is_floating(nic))
		keep_as_floating(t, nic, &vr->o.arena);
	return ONE_OK;
}

static void release_nic(struct txn *t, const struct vrouter *vr, const struct attr *nic)
{
	int net = nic_number(nic, "NETWORK_ID");

	if (net >= 0)
		vnet_vrouter_release(t, net, nic_number(nic, "AR_ID"), is_floating(nic) ? attr_get(nic, "VROUTER_MAC") : NULL, vr->o.id);
}

/* ---- quotas: a lease for each floating address ---- */

/* Of one NIC, or of all in a template. who: NULL when they have their NETWORK_ID. */
static void use_nic(struct txn *t, const struct identity *who, const struct attr *nic, int *networks, struct vm_usage *u)
{
	int net = !is_floating(nic) ? -1 : who ? vnet_nic_id(t, who, nic) : nic_number(nic, "NETWORK_ID");

	if (net >= 0)
		networks[u->n_networks++] = net;
	u->networks = networks;
}

static struct vm_usage usage_of(struct txn *t, const struct identity *who, const struct tmpl *tmpl)
{
	int *networks = arena_array(t->arena, count_nics(tmpl) + 1, int);
	struct vm_usage u = { .vms = 0 };

	FOR_NICS(tmpl, nic)
		use_nic(t, who, nic, networks, &u);
	return u;
}

void vrouter_quota_count(struct txn *t, const struct vrouter *vr)
{
	struct vm_usage u = usage_of(t, NULL, vr->o.tmpl);

	quota_vm_add(t, vr->o.uid, vr->o.gid, &u, false);
}

enum one_rc vrouter_quota_moved(struct txn *t, const struct vrouter *vr, int old_uid, int old_gid)
{
	int uid = vr->o.uid == old_uid ? -1 : vr->o.uid, gid = vr->o.gid == old_gid ? -1 : vr->o.gid;
	struct vm_usage u = usage_of(t, NULL, vr->o.tmpl);

	quota_vm_del(t, uid < 0 ? -1 : old_uid, gid < 0 ? -1 : old_gid, &u);
	return quota_vm_add(t, uid, gid, &u, true);
}

/* ---- making and ending ---- */

/* Names of routers may repeat. */
static enum one_rc take_name(struct txn *t, struct vrouter *vr)
{
	struct one_err err = ONE_ERR_INIT;

	vr->o.name = tmpl_take(vr->o.tmpl, "NAME");
	return obj_check_name(vr->o.name, &err) ? txn_fail(t, err.rc, "%s", err.text) : ONE_OK;
}

static enum one_rc take_nics(struct txn *t, const struct identity *who, struct vrouter *vr)
{
	int id = 0;

	if (count_nics(vr->o.tmpl) > VM_MAX_DEVICES)
		return txn_fail(t, ONE_INTERNAL, "A virtual router can't have more than %d NICs", VM_MAX_DEVICES);
	FOR_NICS(vr->o.tmpl, nic)
		if (take_nic(t, who, vr, nic, id++))
			return t->err.rc = ONE_INTERNAL;
	return ONE_OK;
}

struct vrouter *vrouter_create(struct txn *t, const struct identity *who, const struct object *owner, const struct tmpl *tmpl)
{
	struct vrouter *vr = txn_new(t, OBJ_VROUTER);
	struct vm_usage u;

	if (!vr)
		return NULL;
	object_take(&vr->o, owner, tmpl);
	u = usage_of(t, who, vr->o.tmpl);
	if (quota_vm_add(t, vr->o.uid, vr->o.gid, &u, true) || take_name(t, vr) || take_nics(t, who, vr))
		return NULL;
	return vr;
}

void vrouter_destroy(struct txn *t, struct vrouter *vr)
{
	struct vm_usage u = usage_of(t, NULL, vr->o.tmpl);

	FOR_NICS(vr->o.tmpl, nic)
		release_nic(t, vr, nic);
	quota_vm_del(t, vr->o.uid, vr->o.gid, &u);
	txn_delete(t, &vr->o);
}

/* ---- one NIC more, or less ---- */

static int next_nic_id(const struct vrouter *vr)
{
	int next = 0;

	FOR_NICS(vr->o.tmpl, nic)
		if (nic_number(nic, "NIC_ID") >= next)
			next = nic_number(nic, "NIC_ID") + 1;
	return next;
}

const struct attr *vrouter_nic_attach(struct txn *t, const struct identity *who, struct vrouter *vr, const struct tmpl *tmpl)
{
	struct vm_usage u = usage_of(t, who, tmpl);
	struct attr *nic;

	if (quota_vm_add(t, vr->o.uid, vr->o.gid, &u, true))
		return NULL;
	if (tmpl_vector(tmpl, "NIC_ALIAS"))
		txn_fail(t, ONE_ACTION, "Alias can't be attached to virtual router.");
	else if (count_nics(tmpl) != 1)
		txn_fail(t, ONE_ACTION, "The template must contain one NIC attribute");
	else if (count_nics(vr->o.tmpl) >= VM_MAX_DEVICES)
		txn_fail(t, ONE_ACTION, "A virtual router can't have more than %d NICs", VM_MAX_DEVICES);
	if (!txn_ok(t))
		return NULL;
	nic = tmpl_add_attr(vr->o.tmpl, tmpl_vector(tmpl, "NIC"));
	return take_nic(t, who, vr, nic, next_nic_id(vr)) ? NULL : nic;
}

enum one_rc vrouter_nic_detach(struct txn *t, struct vrouter *vr, int nic_id)
{
	FOR_NICS(vr->o.tmpl, nic) {
		struct vm_usage u = { .vms = 0 };
		int network;

		if (nic_number(nic, "NIC_ID") != nic_id)
			continue;
		use_nic(t, NULL, nic, &network, &u);
		quota_vm_del(t, vr->o.uid, vr->o.gid, &u);
		release_nic(t, vr, nic);
		tmpl_remove_attr(vr->o.tmpl, nic);
		return ONE_OK;
	}
	return txn_fail(t, ONE_ACTION, "NIC with NIC_ID %d does not exist.", nic_id);
}

/* ---- its VMs ---- */

struct tmpl *vrouter_vm_template(const struct vrouter *vr, struct arena *arena)
{
	struct tmpl *tmpl = tmpl_new(arena);
	const char *password = tmpl_text(vr->o.tmpl, "KEEPALIVED_PASSWORD");
	long long keepalived;

	FOR_NICS(vr->o.tmpl, nic)
		tmpl_add_attr(tmpl, nic);
	tmpl_addf(tmpl, "VROUTER_ID", "%d", vr->o.id);
	/* VRRP knows routers 1 to 255. */
	if (!tmpl_get_int(vr->o.tmpl, "KEEPALIVED_ID", &keepalived))
		keepalived = vr->o.id % 255 + 1;
	tmpl_addf(tmpl, "VROUTER_KEEPALIVED_ID", "%lld", keepalived);
	if (*password)
		tmpl_add(tmpl, "VROUTER_KEEPALIVED_PASSWORD", password);
	return tmpl;
}

int vrouter_of_vm(const struct vm *vm)
{
	long long id;

	return tmpl_get_int(vm->o.tmpl, "VROUTER_ID", &id) && id >= 0 && id <= INT32_MAX ? (int)id : -1;
}

void vrouter_vm_gone(struct txn *t, const struct vm *vm)
{
	int id = vrouter_of_vm(vm);
	const struct vrouter *seen = id >= 0 && txn_exists(t, OBJ_VROUTER, id) ? txn_read(t, OBJ_VROUTER, id) : NULL;
	struct vrouter *vr;

	/* A VM may say anything of itself. */
	if (!seen || !idset_has(&seen->vms, vm->o.id))
		return;
	vr = txn_edit(t, OBJ_VROUTER, id);
	if (vr)
		idset_del(&vr->vms, vm->o.id);
}
