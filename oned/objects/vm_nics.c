/* NICs of a VM: their numbers and names, addresses, aliases and security groups. PCI devices of TYPE NIC
 * are some too. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/map.h"
#include "oned/objects/common.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vnet.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

bool vm_nic_is_auto(const struct attr *nic)
{
	return !strcasecmp(text_of(nic, "NETWORK_MODE"), "AUTO");
}

bool vm_nic_is_device(const struct attr *a)
{
	return a->vector && (strcmp(a->name, "PCI") != 0 || !strcmp(text_of(a, "TYPE"), "NIC"));
}

/* ---- names ---- */

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* "NIC3", "NIC3_ALIAS4": what is given here. */
static bool is_given_name(const char *name)
{
	size_t n;

	if (strncmp(name, "NIC", 3) != 0 || !(n = digits(name + 3)))
		return false;
	name += 3 + n;
	if (!*name)
		return true;
	return !strncmp(name, "_ALIAS", 6) && (n = digits(name + 6)) && !name[6 + n];
}

void vm_nic_name(struct arena *arena, struct attr *nic, const char *given)
{
	const char *own = text_of(nic, "NAME");

	if (!*own)
		attr_set(arena, nic, "NAME", given);
	else if (is_given_name(own))
		attr_setf(arena, nic, "NAME", "_%s", own);
}

/* ---- taking ---- */

static void add_defaults(struct vm *vm, struct attr *nic)
{
	const struct attr *defaults = tmpl_vector(vm->o.tmpl, "NIC_DEFAULT");

	for (const struct attr *kid = defaults ? defaults->kids : NULL; kid; kid = kid->next)
		if (!attr_get(nic, kid->name))
			attr_set(&vm->o.arena, nic, kid->name, kid->value);
}

static enum one_rc connect_nic(struct vm_making *m, struct attr *nic)
{
	if (vnet_nic_acquire(m->t, m->who, nic, &m->vm->o.arena, m->vm->o.id, -1))
		m->t->err.rc = ONE_INTERNAL;
	return m->t->err.rc;
}

enum one_rc vm_connect_nic(struct vm_making *m, struct attr *nic, struct idset *secgroups)
{
	add_defaults(m->vm, nic);
	if (connect_nic(m, nic))
		return m->t->err.rc;
	secgroup_ids_parse(text_of(nic, "SECURITY_GROUPS"), secgroups, m->t->arena);
	return ONE_OK;
}

void vm_add_rules(struct vm_making *m, const struct idset *secgroups)
{
	for (int i = 0; i < secgroups->n; i++)
		secgroup_rules_add(m->t, secgroups->ids[i], m->vm->o.id, m->vm->o.tmpl);
}

/* What aliases need to know of NICs, by name. */
struct parent { struct attr *nic; int id, aliases; };

struct nics {
	int next_id;
	struct smap parents;
	struct idset secgroups;
};

static enum one_rc take_nic(struct vm_making *m, struct nics *all, struct attr *nic)
{
	struct arena *arena = &m->vm->o.arena;
	struct parent *parent;
	int id = all->next_id++;

	attr_setf(arena, nic, "NIC_ID", "%d", id);
	if (vm_nic_is_auto(nic)) {
		vm_nic_name(arena, nic, arena_printf(arena, "NIC%d", id));
		return ONE_OK;
	}
	if (vm_connect_nic(m, nic, &all->secgroups))
		return m->t->err.rc;
	vm_nic_name(arena, nic, arena_printf(arena, "NIC%d", id));
	if (smap_get(&all->parents, text_of(nic, "NAME")))
		return ONE_OK; /* aliases go to the first of a name */
	parent = arena_new(m->t->arena, struct parent);
	*parent = (struct parent){ .nic = nic, .id = id };
	smap_put(&all->parents, text_of(nic, "NAME"), parent);
	return ONE_OK;
}

static enum one_rc take_alias(struct vm_making *m, struct nics *all, struct attr *nic)
{
	struct arena *arena = &m->vm->o.arena;
	struct parent *parent = smap_get(&all->parents, text_of(nic, "PARENT"));
	int id = all->next_id++;

	if (!parent)
		return vm_fail(m, "NIC named %s not found for alias", text_of(nic, "PARENT"));
	attr_setf(arena, nic, "PARENT_ID", "%d", parent->id);
	attr_setf(arena, nic, "ALIAS_ID", "%d", parent->aliases++);
	attr_setf(arena, nic, "NIC_ID", "%d", id);
	if (connect_nic(m, nic))
		return m->t->err.rc;
	vm_nic_name(arena, nic, arena_printf(arena, "NIC%d_ALIAS%d", parent->id, id));
	attr_setf(arena, parent->nic, "ALIAS_IDS", parent->aliases > 1 ? "%s,%d" : "%s%d",
		  text_of(parent->nic, "ALIAS_IDS"), id);
	return ONE_OK;
}

static enum one_rc take_all(struct vm_making *m, struct nics *all)
{
	static const char *const cards[] = { "NIC", "PCI" };
	struct tmpl *tmpl = m->vm->o.tmpl;

	for (const struct attr *a = tmpl_find(tmpl, "NIC_ALIAS"); a; a = tmpl_find_next(a))
		if (vm_nic_is_auto(a))
			return vm_fail(m, "Alias is incompatible with auto mode");
	for (size_t i = 0; i < sizeof(cards) / sizeof(*cards); i++)
		for (struct attr *a = tmpl_find(tmpl, cards[i]); a; a = tmpl_find_next(a))
			if (vm_nic_is_device(a) && take_nic(m, all, a))
				return m->t->err.rc;
	for (struct attr *a = tmpl_find(tmpl, "NIC_ALIAS"); a; a = tmpl_find_next(a))
		if (take_alias(m, all, a))
			return m->t->err.rc;
	vm_add_rules(m, &all->secgroups);
	return ONE_OK;
}

enum one_rc vm_take_nics(struct vm_making *m)
{
	struct nics all = { 0 };
	int n = vm_take(m->vm, "NIC", true), aliases = vm_take(m->vm, "NIC_ALIAS", true);

	if (n > VM_MAX_DEVICES || aliases > VM_MAX_DEVICES)
		return vm_fail(m, "A VM can't have more than %d NICs, and as many aliases", VM_MAX_DEVICES);
	take_all(m, &all);
	smap_done(&all.parents);
	return m->t->err.rc;
}

/* ---- giving back ---- */

void vm_release_nic(struct txn *t, const struct vm *vm, const struct attr *nic)
{
	long long net, ar;
	const char *mac = text_of(nic, "MAC");

	if (!attr_get_int(nic, "NETWORK_ID", &net) || !*mac)
		return;
	if (!attr_get_int(nic, "AR_ID", &ar))
		ar = -1;
	vnet_nic_release(t, (int)net, (int)ar, mac, vm->o.id);
}

void vm_release_nics(struct txn *t, struct vm *vm)
{
	static const char *const names[] = { "NIC", "PCI", "NIC_ALIAS" };
	struct idset secgroups = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (const struct attr *a = tmpl_find(vm->o.tmpl, names[i]); a; a = tmpl_find_next(a)) {
			if (!vm_nic_is_device(a))
				continue;
			secgroup_ids_parse(text_of(a, "SECURITY_GROUPS"), &secgroups, t->arena);
			vm_release_nic(t, vm, a);
		}
	for (int i = 0; i < secgroups.n; i++)
		secgroup_vm_remove(t, secgroups.ids[i], vm->o.id);
}
