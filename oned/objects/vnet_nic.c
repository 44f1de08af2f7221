/* How a NIC gets connected: finding its network, taking an address, filling in what it gets from there. */
#include <string.h>

#include "common/crypto.h"
#include "oned/objects/common.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/settings.h"
#include "oned/objects/vnet.h"
#include "oned/objects/vnet_priv.h"

/* ---- which network ---- */

/* The owner of a network named by NETWORK; -1: failed with *why. */
static int network_owner(struct txn *t, const struct identity *who, const struct attr *nic, const char **why)
{
	const char *uid = attr_get(nic, "NETWORK_UID"), *uname = attr_get(nic, "NETWORK_UNAME");
	long long id;
	int found;

	if (uid && *uid) {
		*why = "Cannot get user in NETWORK_UID";
		return value_int(uid, &id) && id >= 0 && id <= INT32_MAX ? (int)id : -1;
	}
	if (uname && *uname) {
		*why = "User set in NETWORK_UNAME does not exist";
		found = txn_find(t, OBJ_USER, uname, -1);
		return found;
	}
	return who->uid;
}

/* NETWORK_ID or NETWORK; sets *named when the NIC names one at all, *why (in the transaction's memory) when it can't be found. */
static int find_network(struct txn *t, const struct identity *who, const struct attr *nic, bool *named, const char **why)
{
	const char *id_text = attr_get(nic, "NETWORK_ID"), *name = attr_get(nic, "NETWORK");
	long long id;
	int uid, found;

	*named = true;
	if (id_text && *id_text) {
		*why = arena_printf(t->arena, "Virtual network with ID: %s does not exist", id_text);
		return value_int(id_text, &id) && id >= 0 && id <= INT32_MAX && txn_exists(t, OBJ_NET, (int)id) ? (int)id : -1;
	}
	if (!name || !*name) {
		*named = false;
		return -1;
	}
	uid = network_owner(t, who, nic, why);
	if (uid < 0)
		return -1;
	found = txn_find(t, OBJ_NET, name, uid);
	if (found < 0)
		*why = arena_printf(t->arena,
				    "User %d does not own a network with name: %s . Set NETWORK_UNAME or NETWORK_UID of owner in NIC.",
				    uid, name);
	return found;
}

int vnet_nic_id(struct txn *t, const struct identity *who, const struct attr *nic)
{
	const char *why;
	bool named;

	return find_network(t, who, nic, &named, &why);
}

/* ---- an address ---- */

/* What the NIC asks for. false: more than one of IP, IP6 and MAC. */
bool address_asked(const struct attr *v, enum address_kind *kind, const char **text)
{
	static const struct { const char *name; enum address_kind kind; } names[] = {
		{ "IP", ADDRESS_IP4 }, { "IP6", ADDRESS_IP6 }, { "MAC", ADDRESS_MAC },
	};
	int n = 0;

	*kind = ADDRESS_NONE;
	*text = NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = attr_get(v, names[i].name);

		if (!value || !*value)
			continue;
		*kind = names[i].kind;
		*text = value;
		n++;
	}
	return n <= 1;
}

static bool take_from(struct address_range *ar, enum address_kind kind, const char *text, int64_t owner, uint32_t *index)
{
	if (kind == ADDRESS_NONE ? !ar_find_free(ar, 1, index) : !ar_index_of(ar, kind, text, index))
		return false;
	return ar_lease_take(ar, *index, owner);
}

/* What the range says about the NIC's connection goes before what the network says. */
static void fill_from_range(struct txn *t, const struct address_range *ar, struct attr *nic, struct arena *arena)
{
	static const char *const names[] = { "VN_MAD", "BRIDGE", "PHYDEV", "VLAN_ID" };

	attr_setf(arena, nic, "AR_ID", "%d", ar->id);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = attr_get(ar->attr, names[i]);

		if (value && *value)
			attr_set(arena, nic, names[i], value);
	}
	for (const struct attr *name = settings_first(t, "INHERIT_VNET_ATTR"); name; name = conf_next(name)) {
		const char *value = attr_get(ar->attr, name->value), *has = attr_get(nic, name->value);

		if (value && *value && (!has || !*has))
			attr_set(arena, nic, name->value, value);
	}
}

static bool take_address(struct txn *t, struct vnet *vn, struct attr *nic, struct arena *arena, int64_t owner)
{
	enum address_kind kind;
	const char *text;
	uint32_t index;

	if (!address_asked(nic, &kind, &text))
		return false;
	for (struct address_range *ar = vn->ranges; ar; ar = ar->next) {
		if (!take_from(ar, kind, text, owner, &index))
			continue;
		ar_address_fill(ar, index, nic, arena);
		fill_from_range(t, ar, nic, arena);
		return true;
	}
	return false;
}

static bool flag(const struct attr *nic, const char *name)
{
	bool value;

	return attr_get_bool(nic, name, &value) && value;
}

/* A NIC of which only the floating address counts: it needs a card, not an address. */
static void random_mac(struct txn *t, struct attr *nic, struct arena *arena)
{
	static const char *const gone[] = { "IP", "IP6_LINK", "IP6_ULA", "IP6_GLOBAL" };
	char text[MAC_TEXT];
	uint32_t low;

	random_bytes(&low, sizeof(low));
	mac_format((uint64_t)vnet_mac_prefix(t) << 32 | low, text);
	attr_set(arena, nic, "MAC", text);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		attr_remove(nic, gone[i]);
}

/* ---- filling the NIC ---- */

static void set_if(struct attr *nic, struct arena *arena, const char *name, const char *value)
{
	if (*value)
		attr_set(arena, nic, name, value);
}

static void fill_connection(const struct vnet *vn, struct attr *nic, struct arena *arena)
{
	attr_set(arena, nic, "NETWORK", vn->o.name);
	attr_setf(arena, nic, "NETWORK_ID", "%d", vn->o.id);
	attr_set(arena, nic, "BRIDGE", vn->bridge);
	set_if(nic, arena, "VN_MAD", vn->vn_mad);
	set_if(nic, arena, "PHYDEV", vn->phydev);
	set_if(nic, arena, "VLAN_ID", vn->vlan_id);
	set_if(nic, arena, "OUTER_VLAN_ID", vn->outer_vlan_id);
	if (vn->parent >= 0)
		attr_setf(arena, nic, "PARENT_NETWORK_ID", "%d", vn->parent);
	attr_set(arena, nic, "CLUSTER_ID", secgroup_ids_format(&vn->clusters, arena));
	set_if(nic, arena, "BRIDGE_TYPE", vn->bridge_type);
}

static void fill_secgroups(const struct vnet *vn, struct attr *nic, struct arena *arena)
{
	const char *own = attr_get(nic, "SECURITY_GROUPS");
	const struct address_range *ar;
	struct idset all = { 0 };
	long long id;

	if (own)
		secgroup_ids_parse(own, &all, arena);
	for (int i = 0; i < vn->secgroups.n; i++)
		idset_add(&all, arena, vn->secgroups.ids[i]);
	ar = attr_get_int(nic, "AR_ID", &id) ? vnet_range(vn, (int)id) : NULL;
	for (int i = 0; ar && i < ar->secgroups.n; i++)
		idset_add(&all, arena, ar->secgroups.ids[i]);
	attr_set(arena, nic, "SECURITY_GROUPS", secgroup_ids_format(&all, arena));
}

static bool connect_vm(struct txn *t, struct vnet *vn, struct attr *nic, struct arena *arena, int vm_id)
{
	const char *target = attr_get(nic, "TARGET"), *nic_id = attr_get(nic, "NIC_ID");

	fill_connection(vn, nic, arena);
	if (!target || !*target)
		attr_setf(arena, nic, "TARGET", "one-%d-%s", vm_id, nic_id ? nic_id : "");
	if (flag(nic, "FLOATING_IP") && flag(nic, "FLOATING_ONLY"))
		random_mac(t, nic, arena);
	else if (!take_address(t, vn, nic, arena, lease_owner(LEASE_VM, vm_id)))
		return false;
	settings_inherit(t, "INHERIT_VNET_ATTR", vn->o.tmpl, nic, arena);
	fill_secgroups(vn, nic, arena);
	idset_add(&vn->updated, &vn->o.arena, vm_id);
	return true;
}

static bool connect_vrouter(struct txn *t, struct vnet *vn, struct attr *nic, struct arena *arena, int vrouter_id)
{
	attr_set(arena, nic, "NETWORK", vn->o.name);
	attr_setf(arena, nic, "NETWORK_ID", "%d", vn->o.id);
	if (flag(nic, "FLOATING_IP") && !take_address(t, vn, nic, arena, lease_owner(LEASE_VROUTER, vrouter_id)))
		return false;
	idset_add(&vn->vrouters, &vn->o.arena, vrouter_id);
	return true;
}

enum one_rc vnet_nic_acquire(struct txn *t, const struct identity *who, struct attr *nic, struct arena *arena, int vm_id, int vrouter_id)
{
	const char *why = NULL;
	struct vnet *vn;
	bool named, ok;
	int id;

	if (!txn_ok(t))
		return t->err.rc;
	id = find_network(t, who, nic, &named, &why);
	if (!named)
		return ONE_OK;
	if (id < 0)
		return txn_fail(t, ONE_ACTION, "%s", why);
	vn = txn_edit(t, OBJ_NET, id);
	if (!vn)
		return t->err.rc;
	ok = vrouter_id >= 0 ? connect_vrouter(t, vn, nic, arena, vrouter_id) : connect_vm(t, vn, nic, arena, vm_id);
	if (!ok)
		return txn_fail(t, ONE_ACTION, "Cannot get IP/MAC lease from virtual network %d.", id);
	return ONE_OK;
}

void vnet_nic_show(struct txn *t, const struct identity *who, struct attr *nic, struct arena *arena)
{
	int id = vnet_nic_id(t, who, nic);
	const struct vnet *vn = id >= 0 ? txn_read(t, OBJ_NET, id) : NULL;

	if (!vn)
		return;
	fill_connection(vn, nic, arena);
	settings_inherit(t, "INHERIT_VNET_ATTR", vn->o.tmpl, nic, arena);
	fill_secgroups(vn, nic, arena);
}

/* ---- giving back ---- */

void vnet_vm_forget(struct vnet *vn, int vm_id)
{
	bool failed = idset_del(&vn->error, vm_id);

	idset_del(&vn->updated, vm_id);
	idset_del(&vn->updating, vm_id);
	idset_del(&vn->outdated, vm_id);
	if (failed && !vn->error.n && vn->state == VNET_UPDATE_FAILURE)
		vnet_set_state(vn, VNET_READY);
}

/* Whichever range has it (ar_id -1), or that one. */
static void free_lease(struct vnet *vn, int ar_id, const char *mac, int64_t owner)
{
	uint32_t index;

	for (struct address_range *ar = vn->ranges; ar; ar = ar->next)
		if ((ar_id < 0 || ar->id == ar_id) && ar_index_of(ar, ADDRESS_MAC, mac, &index))
			ar_lease_free(ar, index, owner);
}

void vnet_nic_release(struct txn *t, int vnet_id, int ar_id, const char *mac, int vm_id)
{
	struct vnet *vn = txn_exists(t, OBJ_NET, vnet_id) ? txn_edit(t, OBJ_NET, vnet_id) : NULL;
	int64_t owner = lease_owner(LEASE_VM, vm_id);

	if (!vn)
		return;
	free_lease(vn, ar_id, mac, owner);
	/* Also when it has other addresses, as OpenNebula shows it; vnet_commit finds it nevertheless. */
	vnet_vm_forget(vn, vm_id);
}

void vnet_vrouter_release(struct txn *t, int vnet_id, int ar_id, const char *mac, int vrouter_id)
{
	struct vnet *vn = txn_exists(t, OBJ_NET, vnet_id) ? txn_edit(t, OBJ_NET, vnet_id) : NULL;

	if (!vn)
		return;
	if (mac)
		free_lease(vn, ar_id, mac, lease_owner(LEASE_VROUTER, vrouter_id));
	idset_del(&vn->vrouters, vrouter_id);
}
