#include "oned/objects/vnet.h"

#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/secgroup.h"

static const char *const state_names[VNET_STATES] = {
	[VNET_INIT] = "INIT", [VNET_READY] = "READY", [VNET_LOCK_CREATE] = "LOCK_CREATE", [VNET_LOCK_DELETE] = "LOCK_DELETE",
	[VNET_DONE] = "DONE", [VNET_ERROR] = "ERROR", [VNET_UPDATE_FAILURE] = "UPDATE_FAILURE",
};

const char *vnet_state_name(enum vnet_state s)
{
	return state_names[s];
}

/* ---- reading ---- */

static enum vnet_state load_state(const struct xnode *x, const char *name)
{
	long long n = xml_int(x, name, VNET_INIT);

	return n >= 0 && n < VNET_STATES ? (enum vnet_state)n : VNET_INIT;
}

static enum one_rc load_ranges(struct vnet *vn, const struct xnode *x, struct one_err *err)
{
	struct address_range **tail = &vn->ranges;
	const struct xnode *pool = xml_child(x, "AR_POOL");
	enum one_rc rc = ONE_OK;

	vn->ar_pool = tmpl_new(&vn->o.arena);
	if (pool)
		tmpl_from_xml(vn->ar_pool, pool);
	for (struct attr *a = tmpl_vector(vn->ar_pool, "AR"); a && !rc; a = tmpl_find_next(a)) {
		struct address_range *ar = arena_new(&vn->o.arena, struct address_range);

		rc = address_range_load(ar, &vn->o.arena, a, err);
		*tail = ar;
		tail = &ar->next;
	}
	return rc;
}

static void load_sets(struct vnet *vn, const struct xnode *x)
{
	const struct { struct idset *set; const char *name; } sets[] = {
		{ &vn->clusters, "CLUSTERS" }, { &vn->vrouters, "VROUTERS" }, { &vn->updated, "UPDATED_VMS" },
		{ &vn->outdated, "OUTDATED_VMS" }, { &vn->updating, "UPDATING_VMS" }, { &vn->error, "ERROR_VMS" },
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		idset_load(sets[i].set, &vn->o.arena, xml_child(x, sets[i].name));
}

static enum one_rc vnet_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct vnet *vn = (struct vnet *)o;
	const struct { const char **field, *name; } texts[] = {
		{ &vn->bridge, "BRIDGE" }, { &vn->bridge_type, "BRIDGE_TYPE" }, { &vn->vn_mad, "VN_MAD" }, { &vn->phydev, "PHYDEV" },
		{ &vn->vlan_id, "VLAN_ID" }, { &vn->outer_vlan_id, "OUTER_VLAN_ID" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*texts[i].field = arena_strdup(&o->arena, xml_text_or(x, texts[i].name, ""));
	vn->state = load_state(x, "STATE");
	vn->prev_state = load_state(x, "PREV_STATE");
	vn->vlan_automatic = xml_int(x, "VLAN_ID_AUTOMATIC", 0) != 0;
	vn->outer_vlan_automatic = xml_int(x, "OUTER_VLAN_ID_AUTOMATIC", 0) != 0;
	vn->parent = (int)xml_int(x, "PARENT_NETWORK_ID", -1);
	load_sets(vn, x);
	secgroup_ids_parse(tmpl_text(o->tmpl, "SECURITY_GROUPS"), &vn->secgroups, &o->arena);
	return load_ranges(vn, x, err);
}

/* ---- writing ---- */

static void out_parent(const struct vnet *vn, struct strbuf *out)
{
	if (vn->parent >= 0)
		xml_out_int(out, "PARENT_NETWORK_ID", vn->parent);
	else
		strbuf_lit(out, "<PARENT_NETWORK_ID/>");
}

/* Down to USED_LEASES. */
static void render_first(const struct vnet *vn, struct strbuf *out)
{
	xml_out_open(out, "VNET");
	obj_out_head(&vn->o, out);
	obj_out_lock(&vn->o, out);
	obj_out_permissions(&vn->o, out);
	obj_out_ids(out, "CLUSTERS", vn->clusters.ids, vn->clusters.n);
	xml_out_text(out, "BRIDGE", vn->bridge);
	xml_out_text(out, "BRIDGE_TYPE", vn->bridge_type);
	xml_out_int(out, "STATE", vn->state);
	xml_out_int(out, "PREV_STATE", vn->prev_state);
	out_parent(vn, out);
	xml_out_text(out, "VN_MAD", vn->vn_mad);
	xml_out_text(out, "PHYDEV", vn->phydev);
	xml_out_text(out, "VLAN_ID", vn->vlan_id);
	xml_out_text(out, "OUTER_VLAN_ID", vn->outer_vlan_id);
	xml_out_int(out, "VLAN_ID_AUTOMATIC", vn->vlan_automatic);
	xml_out_int(out, "OUTER_VLAN_ID_AUTOMATIC", vn->outer_vlan_automatic);
	xml_out_int(out, "USED_LEASES", vnet_used_leases(vn));
}

/* From UPDATED_VMS to TEMPLATE. */
static void render_second(const struct vnet *vn, struct strbuf *out)
{
	obj_out_ids(out, "UPDATED_VMS", vn->updated.ids, vn->updated.n);
	obj_out_ids(out, "OUTDATED_VMS", vn->outdated.ids, vn->outdated.n);
	obj_out_ids(out, "UPDATING_VMS", vn->updating.ids, vn->updating.n);
	obj_out_ids(out, "ERROR_VMS", vn->error.ids, vn->error.n);
	tmpl_to_xml(vn->o.tmpl, "TEMPLATE", out);
}

static void vnet_render(const struct object *o, struct strbuf *out)
{
	const struct vnet *vn = (const struct vnet *)o;

	render_first(vn, out);
	obj_out_ids(out, "VROUTERS", vn->vrouters.ids, vn->vrouters.n);
	render_second(vn, out);
	tmpl_to_xml(vn->ar_pool, "AR_POOL", out);
	xml_out_close(out, "VNET");
}

void vnet_render_extended(const struct vnet *vn, lease_show_fn show, void *ctx, struct strbuf *out)
{
	render_first(vn, out);
	xml_out_open(out, "VROUTERS");
	for (int i = 0; i < vn->vrouters.n; i++)
		if (!show || show(ctx, lease_owner(LEASE_VROUTER, vn->vrouters.ids[i])))
			xml_out_int(out, "ID", vn->vrouters.ids[i]);
	xml_out_close(out, "VROUTERS");
	render_second(vn, out);
	xml_out_open(out, "AR_POOL");
	for (const struct address_range *ar = vn->ranges; ar; ar = ar->next)
		address_range_render(ar, show, ctx, out);
	xml_out_close(out, "AR_POOL");
	xml_out_close(out, "VNET");
}

static void vnet_index(const struct object *o, struct obj_index *out)
{
	const struct vnet *vn = (const struct vnet *)o;

	out->state = (int)vn->state;
	out->parent = vn->parent;
	out->clusters = vn->clusters.ids;
	out->n_clusters = vn->clusters.n;
}

const struct obj_ops vnet_ops = {
	.type = OBJ_NET, .token = "NET", .word = "virtual network", .root = "VNET", .pool_root = "VNET_POOL", .table = TABLE_NETWORK,
	.size = sizeof(struct vnet), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER | OBJ_F_EVENTS | OBJ_F_EVENT_NEW,
	.load = vnet_load, .render = vnet_render, .index = vnet_index, .row = obj_row_parent,
};

/* ---- looking ---- */

struct address_range *vnet_range(const struct vnet *vn, int ar_id)
{
	struct address_range *ar = vn->ranges;

	while (ar && ar->id != ar_id)
		ar = ar->next;
	return ar;
}

int vnet_used_leases(const struct vnet *vn)
{
	int n = 0;

	for (const struct address_range *ar = vn->ranges; ar; ar = ar->next)
		n += ar->n_leases;
	return n;
}

static void add_ids(struct idset *to, const struct idset *from, struct arena *arena)
{
	int *ids = arena_array(arena, from->n, int);

	if (from->n)
		memcpy(ids, from->ids, (size_t)from->n * sizeof(int));
	idset_add_all(to, arena, ids, from->n);
}

void vnet_secgroups(const struct vnet *vn, struct idset *out, struct arena *arena)
{
	add_ids(out, &vn->secgroups, arena);
	for (const struct address_range *ar = vn->ranges; ar; ar = ar->next)
		add_ids(out, &ar->secgroups, arena);
}
