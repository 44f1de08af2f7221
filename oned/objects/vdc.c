#include "oned/objects/vdc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oned/auth/acl.h"
#include "oned/auth/acl_rule.h"
#include "oned/objects/common.h"
#include "oned/objects/settings.h"

/* One row a kind: its XML, its word in refusals, and the rules that an entry stands for. A cluster's are those of all that is in it. */
struct vdc_rights { enum obj_type type; const char *key, *dflt; };
static const struct {
	const char *list, *element, *id, *word;
	struct vdc_rights rights[3];
	int n_rights;
} kinds[VDC_KINDS] = {
	[VDC_CLUSTER] = { "CLUSTERS", "CLUSTER", "CLUSTER_ID", "CLUSTER",
			  { { OBJ_HOST, "DEFAULT_VDC_CLUSTER_HOST_ACL", "MANAGE" },
			    { OBJ_NET, "DEFAULT_VDC_CLUSTER_NET_ACL", "USE" },
			    { OBJ_DATASTORE, "DEFAULT_VDC_CLUSTER_DATASTORE_ACL", "USE" } }, 3 },
	[VDC_HOST] = { "HOSTS", "HOST", "HOST_ID", "HOST", { { OBJ_HOST, "DEFAULT_VDC_HOST_ACL", "MANAGE" } }, 1 },
	[VDC_DATASTORE] = { "DATASTORES", "DATASTORE", "DATASTORE_ID", "DATASTORE",
			    { { OBJ_DATASTORE, "DEFAULT_VDC_DATASTORE_ACL", "USE" } }, 1 },
	[VDC_VNET] = { "VNETS", "VNET", "VNET_ID", "NET", { { OBJ_NET, "DEFAULT_VDC_VNET_ACL", "USE" } }, 1 },
};

/* ---- lists of resources ---- */

static int resource_cmp(const struct vdc_resource *a, int zone, int id)
{
	return a->zone != zone ? (a->zone > zone) - (a->zone < zone) : (a->id > id) - (a->id < id);
}

static int resource_place(const struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	int i = 0;

	while (i < v->n_resources[kind] && resource_cmp(&v->resources[kind][i], zone, id) < 0)
		i++;
	return i;
}

static bool resource_has(const struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	int i = resource_place(v, kind, zone, id);

	return i < v->n_resources[kind] && resource_cmp(&v->resources[kind][i], zone, id) == 0;
}

/* The list is full at each power of two, and grows to the next. */
static void resource_put(struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	int i = resource_place(v, kind, zone, id), n = v->n_resources[kind];
	struct vdc_resource *list = v->resources[kind];

	if (!(n & (n - 1))) {
		list = arena_array(&v->o.arena, n ? 2 * n : 1, struct vdc_resource);
		if (n)
			memcpy(list, v->resources[kind], (size_t)n * sizeof(*list));
	}
	memmove(list + i + 1, list + i, (size_t)(n - i) * sizeof(*list));
	list[i] = (struct vdc_resource){ zone, id };
	v->resources[kind] = list;
	v->n_resources[kind] = n + 1;
}

static void resource_drop(struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	int i = resource_place(v, kind, zone, id);

	memmove(v->resources[kind] + i, v->resources[kind] + i + 1,
		(size_t)(v->n_resources[kind] - i - 1) * sizeof(struct vdc_resource));
	v->n_resources[kind]--;
}

/* ---- XML ---- */

static enum one_rc vdc_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct vdc *v = (struct vdc *)o;

	(void)err;
	object_own_none(o);
	idset_load(&v->groups, &o->arena, xml_child(x, "GROUPS"));
	for (int k = 0; k < VDC_KINDS; k++) {
		const struct xnode *list = xml_child(x, kinds[k].list);
		const struct xnode *n = list ? xml_child(list, kinds[k].element) : NULL;

		for (; n; n = xml_next(n)) {
			int zone = (int)xml_int(n, "ZONE_ID", 0), id = (int)xml_int(n, kinds[k].id, -1);

			if (!resource_has(v, (enum vdc_kind)k, zone, id))
				resource_put(v, (enum vdc_kind)k, zone, id);
		}
	}
	return ONE_OK;
}

static void vdc_render(const struct object *o, struct strbuf *out)
{
	const struct vdc *v = (const struct vdc *)o;

	xml_out_open(out, "VDC");
	xml_out_int(out, "ID", o->id);
	xml_out_text(out, "NAME", o->name);
	obj_out_ids(out, "GROUPS", v->groups.ids, v->groups.n);
	for (int k = 0; k < VDC_KINDS; k++) {
		xml_out_open(out, kinds[k].list);
		for (int i = 0; i < v->n_resources[k]; i++) {
			xml_out_open(out, kinds[k].element);
			xml_out_int(out, "ZONE_ID", v->resources[k][i].zone);
			xml_out_int(out, kinds[k].id, v->resources[k][i].id);
			xml_out_close(out, kinds[k].element);
		}
		xml_out_close(out, kinds[k].list);
	}
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "VDC");
}

const struct obj_ops vdc_ops = {
	.type = OBJ_VDC, .token = "VDC", .word = "VDC", .root = "VDC", .pool_root = "VDC_POOL", .table = TABLE_VDC,
	.size = sizeof(struct vdc), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_SYSTEM100, .load = vdc_load, .render = vdc_render,
};

/* ---- rules ---- */

struct rule { uint64_t user, resource, rights, zone; };

static uint64_t parse_rights(struct txn *t, const char *text)
{
	static const struct { const char *name; enum auth_op op; } names[] = {
		{ "USE", AUTH_USE }, { "MANAGE", AUTH_MANAGE }, { "ADMIN", AUTH_ADMIN }, { "CREATE", AUTH_CREATE },
	};
	uint64_t rights = 0;
	const char *item;

	while ((item = list_next(t->arena, &text, '+')))
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (!strcasecmp(item, names[i].name))
				rights |= names[i].op;
	return rights;
}

/* The i-th rule that an entry gives a group. false: it gives no right. */
static bool make_rule(struct txn *t, int gid, enum vdc_kind kind, int i, int zone, int id, struct rule *r)
{
	const struct vdc_rights *rights = &kinds[kind].rights[i];
	uint64_t which = id == VDC_ALL_RESOURCES ? ACL_ALL : (kind == VDC_CLUSTER ? ACL_CLUSTER : ACL_INDIVIDUAL) | (uint32_t)id;

	*r = (struct rule){ .user = ACL_GROUP | (uint32_t)gid, .resource = ACL_TYPE(rights->type) | which,
			    .rights = parse_rights(t, settings_text(t, rights->key, rights->dflt)),
			    .zone = ACL_INDIVIDUAL | (uint32_t)zone };
	return r->rights != 0;
}

/* Equal rules come from entries of the same id, if not of the same kind: all clusters are all hosts, networks and datastores. */
static bool vdc_gives(struct txn *t, const struct vdc *v, int gid, int zone, int id, const struct rule *r)
{
	struct rule has;

	if (!idset_has(&v->groups, gid))
		return false;
	for (int k = 0; k < VDC_KINDS; k++)
		for (int n = 0; resource_has(v, (enum vdc_kind)k, zone, id) && n < kinds[k].n_rights; n++)
			if (make_rule(t, gid, (enum vdc_kind)k, n, zone, id, &has) && !memcmp(&has, r, sizeof(has)))
				return true;
	return false;
}

/* VDCs share equal rules: one goes only when no VDC gives it any more. */
static bool given_by_any(struct txn *t, int gid, int zone, int id, const struct rule *r)
{
	int *ids, n = txn_ids(t, OBJ_VDC, &ids);

	for (int i = 0; i < n; i++) {
		const struct vdc *v = txn_read(t, OBJ_VDC, ids[i]);

		if (v && vdc_gives(t, v, gid, zone, id, r))
			return true;
	}
	return false;
}

static void rules_add(struct txn *t, int gid, enum vdc_kind kind, int zone, int id)
{
	struct rule r;

	for (int i = 0; i < kinds[kind].n_rights; i++)
		if (make_rule(t, gid, kind, i, zone, id, &r))
			acl_rule_ensure(t, r.user, r.resource, r.rights, r.zone);
}

/* After the entry, or the group, was taken out of the VDC. */
static void rules_drop(struct txn *t, int gid, enum vdc_kind kind, int zone, int id)
{
	struct rule r;

	for (int i = 0; i < kinds[kind].n_rights; i++)
		if (make_rule(t, gid, kind, i, zone, id, &r) && !given_by_any(t, gid, zone, id, &r))
			acl_rule_drop(t, r.user, r.resource, r.rights, r.zone);
}

/* ---- changes ---- */

enum one_rc vdc_group_add(struct txn *t, struct vdc *v, int gid)
{
	if (!idset_add(&v->groups, &v->o.arena, gid))
		return txn_fail(t, ONE_INTERNAL, "Group %d is already assigned to the VDC %d", gid, v->o.id);
	for (int k = 0; k < VDC_KINDS; k++)
		for (int i = 0; i < v->n_resources[k]; i++)
			rules_add(t, gid, (enum vdc_kind)k, v->resources[k][i].zone, v->resources[k][i].id);
	return t->err.rc;
}

enum one_rc vdc_group_del(struct txn *t, struct vdc *v, int gid)
{
	if (!idset_del(&v->groups, gid))
		return txn_fail(t, ONE_INTERNAL, "Group %d is not assigned to the VDC %d", gid, v->o.id);
	for (int k = 0; k < VDC_KINDS; k++)
		for (int i = 0; i < v->n_resources[k]; i++)
			rules_drop(t, gid, (enum vdc_kind)k, v->resources[k][i].zone, v->resources[k][i].id);
	return t->err.rc;
}

static void entry_drop(struct txn *t, struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	resource_drop(v, kind, zone, id);
	for (int i = 0; i < v->groups.n; i++)
		rules_drop(t, v->groups.ids[i], kind, zone, id);
}

enum one_rc vdc_resource_add(struct txn *t, struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	if (resource_has(v, kind, zone, id))
		return txn_fail(t, ONE_INTERNAL, "%s %d from Zone %d is already assigned to the VDC", kinds[kind].word, id, zone);
	if (id == VDC_ALL_RESOURCES) /* "all" stands for those named so far */
		for (int i = v->n_resources[kind] - 1; i >= 0; i--)
			if (v->resources[kind][i].zone == zone)
				entry_drop(t, v, kind, zone, v->resources[kind][i].id);
	resource_put(v, kind, zone, id);
	for (int i = 0; i < v->groups.n; i++)
		rules_add(t, v->groups.ids[i], kind, zone, id);
	return t->err.rc;
}

enum one_rc vdc_resource_del(struct txn *t, struct vdc *v, enum vdc_kind kind, int zone, int id)
{
	if (!resource_has(v, kind, zone, id))
		return txn_fail(t, ONE_INTERNAL, "%s %d from Zone %d is not assigned to the VDC ", kinds[kind].word, id, zone);
	entry_drop(t, v, kind, zone, id);
	return t->err.rc;
}

struct vdc *vdc_create(struct txn *t, const struct tmpl *tmpl)
{
	struct vdc *v = txn_new(t, OBJ_VDC);
	struct object none = { .uname = "", .gname = "" };

	if (!v)
		return NULL;
	object_take(&v->o, &none, tmpl);
	object_own_none(&v->o);
	return object_name_of_template(t, &v->o, "Vdc") ? NULL : v;
}

enum one_rc vdc_delete(struct txn *t, struct vdc *v)
{
	if (v->o.id < 100)
		return txn_fail(t, ONE_ACTION, "System VDCs (ID < 100) cannot be deleted.");
	while (v->groups.n)
		vdc_group_del(t, v, v->groups.ids[0]);
	txn_delete(t, &v->o);
	return t->err.rc;
}

void vdc_group_created(struct txn *t, int gid)
{
	struct vdc *v = txn_exists(t, OBJ_VDC, VDC_DEFAULT) ? txn_edit(t, OBJ_VDC, VDC_DEFAULT) : NULL;

	if (v && !idset_has(&v->groups, gid))
		vdc_group_add(t, v, gid);
}

void vdc_group_deleted(struct txn *t, int gid)
{
	int *ids, n = txn_ids(t, OBJ_VDC, &ids);

	for (int i = 0; i < n; i++) {
		const struct vdc *v = txn_read(t, OBJ_VDC, ids[i]);

		if (v && idset_has(&v->groups, gid))
			vdc_group_del(t, txn_edit(t, OBJ_VDC, ids[i]), gid);
	}
}

void vdc_resource_deleted(struct txn *t, enum vdc_kind kind, int id)
{
	int *ids, n = txn_ids(t, OBJ_VDC, &ids), zone = settings_zone(t);

	for (int i = 0; i < n; i++) {
		const struct vdc *v = txn_read(t, OBJ_VDC, ids[i]);
		struct vdc *mine = v && resource_has(v, kind, zone, id) ? txn_edit(t, OBJ_VDC, ids[i]) : NULL;

		if (mine)
			entry_drop(t, mine, kind, zone, id);
	}
}

enum one_rc vdc_bootstrap(struct txn *t)
{
	static const char text[] = "Every new group is added to this VDC. Use it to store default access rules for your groups. NOTE: You may "
				   "need to remove a group from the default VDC before assigning it to other VDC.";
	struct tmpl *tmpl = tmpl_new(t->arena);
	struct vdc *v;

	tmpl_add(tmpl, "NAME", "default");
	tmpl_add(tmpl, "DESCRIPTION", text);
	v = vdc_create(t, tmpl);
	txn_reserve_ids(t, OBJ_VDC, 99);
	if (!v || vdc_group_add(t, v, GROUP_USERS))
		return t->err.rc;
	return vdc_resource_add(t, v, VDC_CLUSTER, settings_zone(t), VDC_ALL_RESOURCES);
}
