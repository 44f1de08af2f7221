#include "oned/objects/vmgroup.h"

#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"

/* ---- XML ---- */

static enum one_rc vmgroup_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct vmgroup *g = (struct vmgroup *)o;
	const struct xnode *roles = xml_child(x, "ROLES");

	(void)err;
	g->roles = tmpl_new(&o->arena);
	if (roles)
		tmpl_from_xml(g->roles, roles);
	return ONE_OK;
}

static void vmgroup_render(const struct object *o, struct strbuf *out)
{
	xml_out_open(out, "VM_GROUP");
	obj_out_head(o, out);
	obj_out_permissions(o, out);
	obj_out_lock(o, out);
	tmpl_to_xml(((const struct vmgroup *)o)->roles, "ROLES", out);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "VM_GROUP");
}

/* ---- roles ---- */

static struct attr *first_role(const struct vmgroup *g)
{
	return tmpl_find(g->roles, "ROLE");
}

static int role_id(const struct attr *role)
{
	long long id;

	return attr_get_int(role, "ID", &id) ? (int)id : -1;
}

static const char *role_text(const struct attr *role, const char *key)
{
	const char *text = attr_get(role, key);

	return text ? text : "";
}

static struct attr *role_of_id(const struct vmgroup *g, int id)
{
	struct attr *role = first_role(g);

	while (role && role_id(role) != id)
		role = tmpl_find_next(role);
	return role;
}

static struct attr *role_of_name(const struct vmgroup *g, const char *name)
{
	struct attr *role = first_role(g);

	while (role && strcmp(role_text(role, "NAME"), name) != 0)
		role = tmpl_find_next(role);
	return role;
}

/* Takes over what a person may say of a role. */
static void role_take(struct vmgroup *g, struct attr *role, const struct attr *from)
{
	for (const struct attr *a = from->kids; a; a = a->next)
		if (!a->vector && strcmp(a->name, "ID") != 0 && strcmp(a->name, "VMS") != 0 && (*a->value || strcmp(a->name, "NAME") != 0))
			attr_set(&g->o.arena, role, a->name, a->value);
}

/* How many VMs have it: the items of its list. */
static int role_vms(const struct attr *role)
{
	const char *vms = role_text(role, "VMS");
	int n = *vms != '\0';

	while ((vms = strchr(vms, ',')))
		vms++, n++;
	return n;
}

static enum one_rc add_role(struct vmgroup *g, const struct attr *role, struct one_err *err)
{
	const char *name = role_text(role, "NAME");
	int next = 0, n = 0;
	struct attr *added;

	for (const struct attr *r = first_role(g); r; r = tmpl_find_next(r), n++)
		if (role_id(r) >= next)
			next = role_id(r) + 1;
	if (n >= VMGROUP_MAX_ROLES)
		return one_err_set(err, ONE_INTERNAL, "Maximum number of roles in a VM Group reached");
	if (!*name)
		return one_err_set(err, ONE_INTERNAL, "Missing NAME in VM group role");
	if (role_of_name(g, name))
		return one_err_set(err, ONE_INTERNAL, "Role already exists");
	added = tmpl_add_vector(g->roles, "ROLE");
	role_take(g, added, role);
	attr_setf(&g->o.arena, added, "ID", "%d", next);
	return ONE_OK;
}

/* ---- rules: AFFINED and ANTI_AFFINED name the roles that share, or don't share, hosts ---- */

/* The ids of the roles a rule names. false: there is no such role. */
static bool rule_roles(const struct vmgroup *g, const char *names, struct arena *arena, struct idset *ids)
{
	const char *name;

	while ((name = list_next(arena, &names, ','))) {
		const struct attr *role = role_of_name(g, name);

		if (*name && !role)
			return false;
		if (*name)
			idset_add(ids, arena, role_id(role));
	}
	return true;
}

static const struct attr *next_rule(const struct attr *rule)
{
	while (rule && rule->vector)
		rule = tmpl_find_next(rule);
	return rule;
}

#define FOR_RULES(tmpl, key, rule) \
	for (const struct attr *rule = next_rule(tmpl_find(tmpl, key)); rule; rule = next_rule(tmpl_find_next(rule)))

static enum one_rc check_names(const struct vmgroup *g, const struct tmpl *tmpl, const char *key, struct arena *arena, struct one_err *err)
{
	FOR_RULES(tmpl, key, rule) {
		struct idset ids = { .n = 0 };

		if (!rule_roles(g, rule->value, arena, &ids))
			return one_err_set(err, ONE_INTERNAL, "Some roles used in %s attribute (%s) are not defined", key, rule->value);
	}
	return ONE_OK;
}

static bool same_ids(const struct idset *a, const struct idset *b)
{
	return a->n == b->n && (!a->n || !memcmp(a->ids, b->ids, (size_t)a->n * sizeof(*a->ids)));
}

/* All roles of the rules of one kind; no two rules may be about the same roles. */
static enum one_rc collect_rules(const struct vmgroup *g, const struct tmpl *tmpl, const char *key, struct arena *arena, struct idset *all,
				 struct one_err *err)
{
	FOR_RULES(tmpl, key, rule) {
		struct idset ids = { .n = 0 };

		rule_roles(g, rule->value, arena, &ids);
		FOR_RULES(tmpl, key, other) {
			struct idset others = { .n = 0 };

			if (other == rule)
				break;
			rule_roles(g, other->value, arena, &others);
			if (same_ids(&ids, &others))
				return one_err_set(err, ONE_INTERNAL, "Duplicated %s rule (%s) detected.", key, rule->value);
		}
		for (int i = 0; i < ids.n; i++)
			idset_add(all, arena, ids.ids[i]);
	}
	return ONE_OK;
}

/* A role whose own VMs must not share a host can't have to share it with another role's. */
static enum one_rc check_policies(const struct vmgroup *g, const struct idset *affined, struct one_err *err)
{
	for (int i = 0; i < affined->n; i++) {
		const struct attr *role = role_of_id(g, affined->ids[i]);

		if (!strcasecmp(role_text(role, "POLICY"), "ANTI_AFFINED"))
			return one_err_set(err, ONE_INTERNAL, "Role %s is in an AFFINED rule but the role policy is ANTI_AFFINED",
					   role_text(role, "NAME"));
	}
	return ONE_OK;
}

static enum one_rc check_contradictions(const struct vmgroup *g, const struct idset *affined, const struct idset *anti, struct arena *arena,
					struct one_err *err)
{
	const char *both = "";

	for (int i = 0; i < affined->n; i++)
		if (idset_has(anti, affined->ids[i]))
			both = arena_printf(arena, "%s %s", both, role_text(role_of_id(g, affined->ids[i]), "NAME"));
	return *both ? one_err_set(err, ONE_INTERNAL, "Roles defined in AFFINED and ANTI_AFFINED rules:%s", both) : ONE_OK;
}

/* Do the rules of the template fit the roles, and each other? */
static enum one_rc check_rules(const struct vmgroup *g, const struct tmpl *tmpl, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct idset affined = { .n = 0 }, anti = { .n = 0 };
	enum one_rc rc;

	(void)((rc = check_names(g, tmpl, "AFFINED", &arena, err)) || (rc = check_names(g, tmpl, "ANTI_AFFINED", &arena, err)) ||
	       (rc = collect_rules(g, tmpl, "AFFINED", &arena, &affined, err)) || (rc = check_policies(g, &affined, err)) ||
	       (rc = collect_rules(g, tmpl, "ANTI_AFFINED", &arena, &anti, err)) ||
	       (rc = check_contradictions(g, &affined, &anti, &arena, err)));
	arena_done(&arena);
	return rc;
}

/* Roles are not the template's to change, and rules stay while VMs follow them. */
static enum one_rc vmgroup_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	struct vmgroup *g = (struct vmgroup *)o;
	int vms = 0;

	for (const struct attr *role = first_role(g); role; role = tmpl_find_next(role))
		vms += role_vms(role);
	if (vms)
		return one_err_set(err, ONE_INTERNAL, "VM Group has %d VMs", vms);
	tmpl_remove(fresh, "ROLE");
	return check_rules(g, fresh, err);
}

const struct obj_ops vmgroup_ops = {
	.type = OBJ_VMGROUP, .token = "VMGROUP", .word = "vm group", .root = "VM_GROUP", .pool_root = "VM_GROUP_POOL", .table = TABLE_VMGROUP,
	.size = sizeof(struct vmgroup), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER,
	.load = vmgroup_load, .render = vmgroup_render, .check_update = vmgroup_check_update,
};

/* ---- making and changing ---- */

struct vmgroup *vmgroup_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl)
{
	struct vmgroup *g = txn_new(t, OBJ_VMGROUP);
	struct one_err err = ONE_ERR_INIT;
	enum one_rc rc = ONE_OK;

	if (!g)
		return NULL;
	object_take(&g->o, owner, tmpl);
	g->roles = tmpl_new(&g->o.arena);
	if (object_name_of_template(t, &g->o, "VMGroup"))
		return NULL;
	tmpl_remove(g->o.tmpl, "ROLE");
	for (const struct attr *role = tmpl_find(tmpl, "ROLE"); role && !rc; role = tmpl_find_next(role))
		if (role->vector)
			rc = add_role(g, role, &err);
	if (rc || check_rules(g, g->o.tmpl, &err)) {
		txn_fail(t, err.rc, "%s", err.text);
		return NULL;
	}
	return g;
}

enum one_rc vmgroup_role_add(struct txn *t, struct vmgroup *g, const struct attr *role)
{
	struct one_err err = ONE_ERR_INIT;

	if (add_role(g, role, &err) || check_rules(g, g->o.tmpl, &err))
		return txn_fail(t, ONE_ACTION, "%s", err.text);
	return ONE_OK;
}

enum one_rc vmgroup_role_update(struct txn *t, struct vmgroup *g, int id, const struct attr *changes)
{
	struct attr *role = role_of_id(g, id), *named = role_of_name(g, role_text(changes, "NAME"));
	struct one_err err = ONE_ERR_INIT;

	if (!role)
		return txn_fail(t, ONE_ACTION, "VMGroup %d doesn't have role %d", g->o.id, id);
	if (role_vms(role))
		return txn_fail(t, ONE_ACTION, "VMGroup %d Role %d has VMs, unable to update", g->o.id, id);
	if (named && named != role)
		return txn_fail(t, ONE_ACTION, "VMGroup %d Role %d can not update name, role with name %s already exists", g->o.id, id,
				role_text(changes, "NAME"));
	role_take(g, role, changes);
	return check_rules(g, g->o.tmpl, &err) ? txn_fail(t, ONE_ACTION, "%s", err.text) : ONE_OK;
}

enum one_rc vmgroup_role_delete(struct txn *t, struct vmgroup *g, int id)
{
	struct attr *role = role_of_id(g, id);
	struct one_err err = ONE_ERR_INIT;

	if (!role)
		return txn_fail(t, ONE_ACTION, "Unable to delete role %d, the role doesn't exists", id);
	if (role_vms(role))
		return txn_fail(t, ONE_ACTION, "Unable to delete role %d, the role has assigned VMs ", id);
	tmpl_remove_attr(g->roles, role);
	return check_rules(g, g->o.tmpl, &err) ? txn_fail(t, ONE_ACTION, "%s", err.text) : ONE_OK;
}
