/* Making, changing and deleting networks and their address ranges. */
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "oned/objects/cluster.h"
#include "oned/objects/common.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/settings.h"
#include "oned/objects/vdc.h"
#include "oned/objects/vlan_ids.h"
#include "oned/objects/vnet_priv.h"

void vnet_set_state(struct vnet *vn, enum vnet_state state)
{
	if (vn->state != state)
		log_debug("VNM", "Virtual network %d: %s -> %s", vn->o.id, vnet_state_name(vn->state), vnet_state_name(state));
	vn->state = vn->prev_state = state;
}

unsigned vnet_mac_prefix(struct txn *t)
{
	const char *text = settings_text(t, "MAC_PREFIX", "02:00");
	uint64_t mac;

	return mac_parse(arena_printf(t->arena, "%s:00:00:00:00", text), &mac) ? (unsigned)(mac >> 32) : 0x0001;
}

/* ---- address ranges ---- */

static int next_ar_id(const struct vnet *vn)
{
	int id = 0;

	for (const struct address_range *ar = vn->ranges; ar; ar = ar->next)
		if (ar->id >= id)
			id = ar->id + 1;
	return id;
}

static void link_range(struct vnet *vn, struct address_range *ar)
{
	struct address_range **tail = &vn->ranges;

	while (*tail)
		tail = &(*tail)->next;
	*tail = ar;
}

enum one_rc vnet_range_add(struct txn *t, struct vnet *vn, const struct attr *from, int parent_ar, struct one_err *err)
{
	struct address_range *ar = arena_new(&vn->o.arena, struct address_range);
	struct attr *v = tmpl_add_attr(vn->ar_pool, from);
	const char *ipam = attr_get(v, "IPAM_MAD"), *of_vnet = tmpl_text(vn->o.tmpl, "IPAM_MAD");
	enum one_rc rc;

	if ((!ipam || !*ipam) && *of_vnet) {
		attr_set(&vn->o.arena, v, "IPAM_MAD", of_vnet);
		ipam = of_vnet;
	}
	rc = address_range_make(ar, &vn->o.arena, v, next_ar_id(vn), vnet_mac_prefix(t), err);
	if (!rc && ipam && *ipam && strcmp(ipam, "internal") != 0)
		rc = one_err_set(err, ONE_INTERNAL, "Could not find the IPAM driver");
	if (rc) {
		tmpl_remove_attr(vn->ar_pool, v);
		return rc;
	}
	if (parent_ar >= 0)
		attr_setf(&vn->o.arena, v, "PARENT_NETWORK_AR_ID", "%d", parent_ar);
	link_range(vn, ar);
	return ONE_OK;
}

enum one_rc vnet_ar_add(struct txn *t, struct vnet *vn, const struct tmpl *tmpl)
{
	const struct attr *ar = tmpl_vector(tmpl, "AR");
	struct one_err err = ONE_ERR_INIT;

	if (!ar)
		return txn_fail(t, ONE_INTERNAL, "Wrong AR definition. AR vector attribute is missing.");
	return vnet_range_add(t, vn, ar, -1, &err) ? txn_fail(t, ONE_INTERNAL, "%s", err.text) : ONE_OK;
}

static void unlink_range(struct vnet *vn, struct address_range *ar)
{
	struct address_range **at = &vn->ranges;

	while (*at != ar)
		at = &(*at)->next;
	*at = ar->next;
	tmpl_remove_attr(vn->ar_pool, ar->attr);
}

/* The addresses of a reservation's range are free again in the parent. */
static void give_back(struct txn *t, const struct vnet *vn, const struct address_range *ar)
{
	struct vnet *parent;
	struct address_range *of;
	long long parent_ar;
	uint32_t first;

	if (vn->parent < 0 || !attr_get_int(ar->attr, "PARENT_NETWORK_AR_ID", &parent_ar) || !txn_exists(t, OBJ_NET, vn->parent))
		return;
	parent = txn_edit(t, OBJ_NET, vn->parent);
	of = parent ? vnet_range(parent, (int)parent_ar) : NULL;
	if (of && ar_index_of(of, ADDRESS_MAC, attr_get(ar->attr, "MAC"), &first))
		ar_lease_free_range(of, first, ar->size, lease_owner(LEASE_NET, vn->o.id));
}

enum one_rc vnet_ar_remove(struct txn *t, struct vnet *vn, int ar_id, bool force)
{
	struct address_range *ar = vnet_range(vn, ar_id);

	if (!ar)
		return txn_fail(t, ONE_INTERNAL, "Address Range does not exist");
	if (ar->n_leases && !force)
		return txn_fail(t, ONE_INTERNAL, "Address Range has leases in use");
	give_back(t, vn, ar);
	vnet_reservation_given_back(t, vn, ar);
	unlink_range(vn, ar);
	return t->err.rc;
}

/* Whoever is no admin keeps the restricted attributes (VNET_RESTRICTED_ATTR = "AR/...") as they were. */
static void keep_restricted(struct txn *t, const struct address_range *ar, struct attr *fresh, struct arena *arena)
{
	for (const struct attr *a = settings_first(t, "VNET_RESTRICTED_ATTR"); a; a = conf_next(a)) {
		const char *name, *value;

		if (!a->value || strncasecmp(a->value, "AR/", 3) != 0)
			continue;
		name = text_upper(arena, a->value + 3);
		value = attr_get(ar->attr, name);
		if (value)
			attr_set(arena, fresh, name, value);
		else
			attr_remove(fresh, name);
	}
}

/* The VMs with a lease of the range have to be told what changed in it: VNET_UPDATE holds the old values. */
static void note_range_update(struct txn *t, struct vnet *vn, const struct address_range *ar, const struct attr *before)
{
	struct attr *update = NULL;

	for (const struct attr *name = settings_first(t, "INHERIT_VNET_ATTR"); name; name = conf_next(name)) {
		const char *was = attr_get(before, name->value), *is = attr_get(ar->attr, name->value);

		if (!strcmp(was ? was : "", is ? is : ""))
			continue;
		if (!update) {
			tmpl_remove(vn->o.tmpl, "VNET_UPDATE");
			update = tmpl_add_vector(vn->o.tmpl, "VNET_UPDATE");
		}
		attr_set(&vn->o.arena, update, name->value, was ? was : "");
	}
	for (int i = 0; update && i < ar->n_leases; i++)
		if (ar->leases[i].owner & LEASE_VM && lease_owner_id(ar->leases[i].owner) >= 0) {
			vnet_vm_forget(vn, lease_owner_id(ar->leases[i].owner));
			idset_add(&vn->outdated, &vn->o.arena, lease_owner_id(ar->leases[i].owner));
		}
	if (update && !vn->outdated.n)
		tmpl_remove(vn->o.tmpl, "VNET_UPDATE");
}

enum one_rc vnet_ar_update(struct txn *t, struct vnet *vn, const struct tmpl *tmpl, bool admin)
{
	const struct attr *given = tmpl_vector(tmpl, "AR");
	struct attr *fresh, *before;
	struct address_range *ar;
	struct one_err err = ONE_ERR_INIT;
	long long id;

	if (!given)
		return txn_fail(t, ONE_INTERNAL, "Wrong AR definition. AR vector attribute is missing.");
	if (!attr_get_int(given, "AR_ID", &id))
		return txn_fail(t, ONE_INTERNAL, "AR/AR_ID attribute is missing.");
	ar = id >= 0 && id <= INT32_MAX ? vnet_range(vn, (int)id) : NULL;
	if (!ar)
		return txn_fail(t, ONE_INTERNAL, "Address Range with ID %lld was not found.", id);
	fresh = attr_copy(&vn->o.arena, given);
	if (!admin)
		keep_restricted(t, ar, fresh, &vn->o.arena);
	before = attr_copy(&vn->o.arena, ar->attr);
	if (address_range_update(ar, fresh, &err))
		return txn_fail(t, ONE_INTERNAL, "%s", err.text);
	note_range_update(t, vn, ar, before);
	return ONE_OK;
}

/* ---- holding addresses ---- */

/* The LEASES vector and what it names; false: failed. */
static bool asked_lease(struct txn *t, const struct tmpl *tmpl, const struct attr **lease, enum address_kind *kind, const char **text)
{
	*lease = tmpl_vector(tmpl, "LEASES");
	if (!*lease)
		txn_fail(t, ONE_INTERNAL, "Empty lease description.");
	else if (!address_asked(*lease, kind, text))
		txn_fail(t, ONE_INTERNAL, "Only one attribute MAC, IP or IP6 can be set.");
	else if (*kind == ADDRESS_NONE)
		txn_fail(t, ONE_INTERNAL, "Missing MAC, IP or IP6.");
	return txn_ok(t);
}

static bool of_range(const struct attr *lease, const struct address_range *ar)
{
	long long id;

	return !attr_get_int(lease, "AR_ID", &id) || id == ar->id;
}

enum one_rc vnet_hold(struct txn *t, struct vnet *vn, const struct tmpl *tmpl)
{
	const struct attr *lease;
	enum address_kind kind;
	const char *text;
	uint32_t index;
	bool held = false;

	if (!asked_lease(t, tmpl, &lease, &kind, &text))
		return t->err.rc;
	for (struct address_range *ar = vn->ranges; ar; ar = ar->next)
		if (of_range(lease, ar) && ar_index_of(ar, kind, text, &index))
			held |= ar_lease_take(ar, index, lease_owner(LEASE_VM, -1));
	return held ? ONE_OK : txn_fail(t, ONE_INTERNAL, "Address is not part of the address range or in use.");
}

enum one_rc vnet_unhold(struct txn *t, struct vnet *vn, const struct tmpl *tmpl)
{
	const struct attr *lease;
	enum address_kind kind;
	const char *text;
	uint32_t index;

	if (!asked_lease(t, tmpl, &lease, &kind, &text))
		return t->err.rc;
	for (struct address_range *ar = vn->ranges; ar; ar = ar->next)
		if (of_range(lease, ar) && ar_index_of(ar, kind, text, &index))
			ar_lease_free(ar, index, lease_owner(LEASE_VM, -1));
	return ONE_OK;
}

/* ---- making ---- */

static bool bridge_type_known(const char *type)
{
	static const char *const names[] = { "linux", "openvswitch", "openvswitch_dpdk", "vcenter_port_groups", "none" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(type, names[i]))
			return true;
	return false;
}

/* Sets an attribute to what was taken out of it, so that it is there once and single. */
static const char *keep_single(struct vnet *vn, const char *name)
{
	const char *value = tmpl_take(vn->o.tmpl, name);

	tmpl_add(vn->o.tmpl, name, value);
	return value;
}

/* VLAN_ID and AUTOMATIC_VLAN_ID: an id that is given goes before. */
static const char *parse_vlan(struct vnet *vn, const char *name, const char *automatic_name, bool *automatic)
{
	const char *value = tmpl_text(vn->o.tmpl, name), *flag = tmpl_take(vn->o.tmpl, automatic_name);

	*automatic = false;
	if (*value)
		return keep_single(vn, name);
	if (!value_bool(flag, automatic))
		*automatic = false;
	return "";
}

static enum one_rc take_bridge_type(struct txn *t, struct vnet *vn)
{
	const struct attr *conf = settings_named(t, "VN_MAD_CONF", vn->vn_mad);
	const char *type = conf ? attr_get(conf, "BRIDGE_TYPE") : NULL;

	if (!conf)
		return txn_fail(t, ONE_INTERNAL, "VN_MAD named \"%s\" is not defined in oned.conf", vn->vn_mad);
	if (!type || !bridge_type_known(type))
		return txn_fail(t, ONE_INTERNAL,
				"Attribute bridge type in VN_MAD_CONF for %s is missing or has wrong value in oned.conf", vn->vn_mad);
	vn->bridge_type = arena_strdup(&vn->o.arena, type);
	tmpl_set(vn->o.tmpl, "BRIDGE_TYPE", type);
	return ONE_OK;
}

static void default_bridge(struct vnet *vn)
{
	if (!*vn->bridge && strcmp(vn->bridge_type, "none") != 0)
		vn->bridge = *vn->vlan_id ? arena_printf(&vn->o.arena, "onebr.%s", vn->vlan_id) :
					    arena_printf(&vn->o.arena, "onebr%d", vn->o.id);
	tmpl_set(vn->o.tmpl, "BRIDGE", vn->bridge);
}

static void default_secgroups(struct vnet *vn)
{
	secgroup_ids_parse(tmpl_take(vn->o.tmpl, "SECURITY_GROUPS"), &vn->secgroups, &vn->o.arena);
	idset_add(&vn->secgroups, &vn->o.arena, SECGROUP_DEFAULT);
	tmpl_add(vn->o.tmpl, "SECURITY_GROUPS", secgroup_ids_format(&vn->secgroups, &vn->o.arena));
}

static enum one_rc name_vnet(struct txn *t, struct vnet *vn)
{
	const char *name = tmpl_take(vn->o.tmpl, "NAME"), *prefix = tmpl_take(vn->o.tmpl, "TEMPLATE_NAME");

	if (!*name && !*prefix)
		return txn_fail(t, ONE_INTERNAL, "No NAME in template for Virtual Network.");
	if (!*name)
		name = arena_printf(&vn->o.arena, "%s-%d", prefix, vn->o.id);
	return object_name(t, &vn->o, name, "NET");
}

static enum one_rc take_template(struct txn *t, struct vnet *vn)
{
	vn->vn_mad = tmpl_take(vn->o.tmpl, "VN_MAD");
	if (!*vn->vn_mad)
		return txn_fail(t, ONE_INTERNAL, "No VN_MAD in template for Virtual Network.");
	tmpl_add(vn->o.tmpl, "VN_MAD", vn->vn_mad);
	vn->phydev = keep_single(vn, "PHYDEV");
	vn->bridge = tmpl_take(vn->o.tmpl, "BRIDGE");
	vn->vlan_id = parse_vlan(vn, "VLAN_ID", "AUTOMATIC_VLAN_ID", &vn->vlan_automatic);
	vn->outer_vlan_id = parse_vlan(vn, "OUTER_VLAN_ID", "AUTOMATIC_OUTER_VLAN_ID", &vn->outer_vlan_automatic);
	if (vlan_ids_check(t, vn) || take_bridge_type(t, vn))
		return t->err.rc;
	default_bridge(vn);
	default_secgroups(vn);
	return ONE_OK;
}

/* VLAN ids given by us show in the fields only, others in the template too. */
static void sync_vlan(struct vnet *vn, const char *name, bool automatic, const char **field)
{
	if (automatic)
		tmpl_remove(vn->o.tmpl, name);
	else
		*field = keep_single(vn, name);
}

/* Takes the ranges out of the template. The first that is wrong ends it: what is wrong is told on the network. */
static void take_ranges(struct txn *t, struct vnet *vn)
{
	struct one_err err = ONE_ERR_INIT;

	vn->ar_pool = tmpl_new(&vn->o.arena);
	for (const struct attr *a = tmpl_find(vn->o.tmpl, "AR"); a && !err.rc; a = tmpl_find_next(a))
		if (a->vector)
			vnet_range_add(t, vn, a, -1, &err);
	tmpl_remove(vn->o.tmpl, "AR");
	vnet_set_state(vn, err.rc ? VNET_ERROR : VNET_READY);
	if (err.rc)
		object_set_error(t, &vn->o, "%s", err.text);
}

struct vnet *vnet_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, int parent, const int *clusters, int n_clusters)
{
	struct vnet *vn = txn_new(t, OBJ_NET);

	if (!vn)
		return NULL;
	object_take(&vn->o, owner, tmpl);
	vn->parent = parent;
	if (name_vnet(t, vn))
		return NULL;
	if (take_template(t, vn) || vlan_ids_assign(t, vn))
		return txn_keep_first_id(t, &vn->o);
	vn->state = VNET_LOCK_CREATE;
	sync_vlan(vn, "VLAN_ID", vn->vlan_automatic, &vn->vlan_id);
	sync_vlan(vn, "OUTER_VLAN_ID", vn->outer_vlan_automatic, &vn->outer_vlan_id);
	for (int i = 0; i < n_clusters; i++)
		idset_add(&vn->clusters, &vn->o.arena, clusters[i]);
	cluster_join(t, OBJ_NET, vn->o.id, clusters, n_clusters);
	take_ranges(t, vn);
	return txn_ok(t) ? vn : NULL;
}

static void free_parent(struct txn *t, const struct vnet *vn)
{
	struct vnet *parent = vn->parent >= 0 && txn_exists(t, OBJ_NET, vn->parent) ? txn_edit(t, OBJ_NET, vn->parent) : NULL;

	for (struct address_range *ar = parent ? parent->ranges : NULL; ar; ar = ar->next)
		ar_lease_free_owner(ar, lease_owner(LEASE_NET, vn->o.id));
}

enum one_rc vnet_destroy(struct txn *t, struct vnet *vn)
{
	if (vnet_used_leases(vn) || vn->vrouters.n)
		return txn_fail(t, ONE_ACTION, "Can not remove a virtual network with leases in use");
	free_parent(t, vn);
	vnet_reservation_given_back(t, vn, NULL);
	cluster_forget(t, OBJ_NET, vn->o.id, vn->clusters.ids, vn->clusters.n);
	vdc_resource_deleted(t, VDC_VNET, vn->o.id);
	vlan_ids_release(t, vn);
	txn_delete(t, &vn->o);
	return t->err.rc;
}

/* ---- changing ---- */

static void move_all(struct idset *from, struct idset *to, struct arena *arena)
{
	for (int i = 0; i < from->n; i++)
		idset_add(to, arena, from->ids[i]);
	from->n = 0;
}

/* A VM that gave one of its addresses back isn't listed, but has the others. */
static void add_holders(const struct vnet *vn, struct idset *to, struct arena *arena)
{
	for (const struct address_range *ar = vn->ranges; ar; ar = ar->next)
		for (int i = 0; i < ar->n_leases; i++)
			if (ar->leases[i].owner & LEASE_VM && lease_owner_id(ar->leases[i].owner) >= 0)
				idset_add(to, arena, lease_owner_id(ar->leases[i].owner));
}

void vnet_commit(struct vnet *vn, bool recover)
{
	if (!recover) {
		move_all(&vn->updated, &vn->outdated, &vn->o.arena);
		add_holders(vn, &vn->outdated, &vn->o.arena);
	}
	move_all(&vn->updating, &vn->outdated, &vn->o.arena);
	move_all(&vn->error, &vn->outdated, &vn->o.arena);
}

/* ---- when its driver never answered, or an update failed ---- */

/* What each verdict makes of each state: the next state (DONE: it goes); VNET_STATES: no sense. */
static const struct { const char *word; enum vnet_state next[VNET_STATES]; } verdicts[VNET_VERDICTS] = {
#define NONE VNET_STATES
	[VNET_FAILED] = { "failure", { [VNET_INIT] = VNET_ERROR, [VNET_READY] = NONE, [VNET_LOCK_CREATE] = VNET_ERROR,
				       [VNET_LOCK_DELETE] = VNET_ERROR, [VNET_DONE] = NONE, [VNET_ERROR] = NONE, [VNET_UPDATE_FAILURE] = NONE } },
	[VNET_SUCCEEDED] = { "success", { [VNET_INIT] = VNET_READY, [VNET_READY] = NONE, [VNET_LOCK_CREATE] = VNET_READY,
					  [VNET_LOCK_DELETE] = VNET_DONE, [VNET_DONE] = NONE, [VNET_ERROR] = VNET_READY,
					  [VNET_UPDATE_FAILURE] = VNET_READY } },
	[VNET_REMOVED] = { "delete", { [VNET_INIT] = VNET_DONE, [VNET_READY] = NONE, [VNET_LOCK_CREATE] = VNET_DONE,
				       [VNET_LOCK_DELETE] = VNET_DONE, [VNET_DONE] = NONE, [VNET_ERROR] = VNET_DONE,
				       [VNET_UPDATE_FAILURE] = NONE } },
	[VNET_AGAIN] = { "retry", { [VNET_INIT] = NONE, [VNET_READY] = NONE, [VNET_LOCK_CREATE] = NONE, [VNET_LOCK_DELETE] = NONE,
				    [VNET_DONE] = NONE, [VNET_ERROR] = NONE, [VNET_UPDATE_FAILURE] = VNET_READY } },
#undef NONE
};

enum one_rc vnet_recover(struct txn *t, struct vnet *vn, enum vnet_verdict verdict)
{
	enum vnet_state next = verdicts[verdict].next[vn->state];

	if (next == VNET_STATES)
		return txn_fail(t, ONE_INTERNAL, "Could not perform 'recover %s' on VN %d, wrong state %s.", verdicts[verdict].word, vn->o.id,
				vnet_state_name(vn->state));
	if (next == VNET_DONE)
		return vnet_destroy(t, vn);
	if (verdict == VNET_FAILED)
		object_set_error(t, &vn->o, "Failure forced by user");
	else
		object_clear_error(&vn->o);
	if (verdict == VNET_AGAIN)
		vnet_commit(vn, true);
	else if (vn->state == VNET_UPDATE_FAILURE)
		move_all(&vn->outdated, &vn->updated, &vn->o.arena);
	vnet_set_state(vn, next);
	return ONE_OK;
}

/* ---- updates ---- */

/* Attributes of which running VMs must learn: VNET_UPDATE holds the old values. */
static void note_update(struct vnet *vn, const struct tmpl *before)
{
	static const char *const names[] = {
		"PHYDEV", "MTU", "VLAN_ID", "QINQ_TYPE", "CVLANS", "VLAN_TAGGED_ID", "OUTER_VLAN_ID", "INBOUND_AVG_BW",
		"INBOUND_PEAK_BW", "INBOUND_PEAK_KB", "OUTBOUND_AVG_BW", "OUTBOUND_PEAK_BW", "OUTBOUND_PEAK_KB", "SPOOFCHK", "TRUST",
	};
	struct attr *update = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *was = tmpl_text(before, names[i]);

		if (!strcmp(was, tmpl_text(vn->o.tmpl, names[i])))
			continue;
		if (!update) {
			tmpl_remove(vn->o.tmpl, "VNET_UPDATE");
			update = tmpl_add_vector(vn->o.tmpl, "VNET_UPDATE");
		}
		attr_set(&vn->o.arena, update, names[i], was);
	}
}

static void sync_fields(struct vnet *vn)
{
	const char *bridge, *type;

	vn->vn_mad = keep_single(vn, "VN_MAD");
	vn->phydev = keep_single(vn, "PHYDEV");
	tmpl_remove(vn->o.tmpl, "AUTOMATIC_VLAN_ID");
	tmpl_remove(vn->o.tmpl, "AUTOMATIC_OUTER_VLAN_ID");
	sync_vlan(vn, "VLAN_ID", vn->vlan_automatic, &vn->vlan_id);
	sync_vlan(vn, "OUTER_VLAN_ID", vn->outer_vlan_automatic, &vn->outer_vlan_id);
	bridge = tmpl_take(vn->o.tmpl, "BRIDGE");
	if (*bridge)
		vn->bridge = bridge;
	tmpl_add(vn->o.tmpl, "BRIDGE", vn->bridge);
	type = tmpl_take(vn->o.tmpl, "BRIDGE_TYPE");
	if (bridge_type_known(type))
		vn->bridge_type = type;
	tmpl_add(vn->o.tmpl, "BRIDGE_TYPE", vn->bridge_type);
	vn->secgroups = (struct idset){ 0 };
	secgroup_ids_parse(tmpl_text(vn->o.tmpl, "SECURITY_GROUPS"), &vn->secgroups, &vn->o.arena);
}

enum one_rc vnet_template_changed(struct txn *t, struct vnet *vn, const struct tmpl *before)
{
	if (!txn_ok(t))
		return t->err.rc;
	sync_fields(vn);
	note_update(vn, before);
	if (!tmpl_vector(vn->o.tmpl, "VNET_UPDATE"))
		return ONE_OK;
	vnet_commit(vn, false);
	if (vn->state == VNET_UPDATE_FAILURE)
		vnet_set_state(vn, VNET_READY);
	if (!vn->outdated.n)
		tmpl_remove(vn->o.tmpl, "VNET_UPDATE");
	return ONE_OK;
}
