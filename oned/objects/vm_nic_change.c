/* NICs that come to a VM that is there, go from it and change.
 *
 * While a driver works, the NIC tells what happens to it: ATTACH for the drivers, DETACH and UPDATE beside it so that it is known
 * after a restart. At most one NIC of a VM is marked. */
#include <string.h>

#include "oned/objects/secgroup.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnet.h"

static const char *const vectors[] = { "NIC", "NIC_ALIAS", "PCI" };
#define VECTORS (sizeof(vectors) / sizeof(*vectors))

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* The NIC after a (NULL: the first), through all the vectors that are some. */
static struct attr *next_nic(const struct vm *vm, const struct attr *a)
{
	size_t i = 0;
	struct attr *next;

	while (a && strcmp(vectors[i], a->name) != 0)
		i++;
	next = a ? tmpl_find_next(a) : tmpl_find(vm->o.tmpl, vectors[0]);
	for (;;) {
		while (next && !vm_nic_is_device(next))
			next = tmpl_find_next(next);
		if (next || ++i == VECTORS)
			return next;
		next = tmpl_find(vm->o.tmpl, vectors[i]);
	}
}

bool vm_nic_is_alias(const struct attr *nic)
{
	return !strcmp(nic->name, "NIC_ALIAS");
}

struct attr *vm_nic(const struct vm *vm, int nic_id)
{
	long long id;

	for (struct attr *a = next_nic(vm, NULL); a; a = next_nic(vm, a))
		if (attr_get_int(a, "NIC_ID", &id) && id == nic_id)
			return a;
	return NULL;
}

static bool is_alias_of(const struct attr *a, const struct attr *nic)
{
	return vm_nic_is_alias(a) && !vm_nic_is_alias(nic) && *text_of(a, "PARENT_ID") &&
	       !strcmp(text_of(a, "PARENT_ID"), text_of(nic, "NIC_ID"));
}

/* ---- what happens to which ---- */

static const struct { enum vm_nic_work work; const char *mark; } marks[] = {
	{ VM_NIC_DETACHES, "DETACH" }, { VM_NIC_ATTACHES, "ATTACH" }, { VM_NIC_UPDATES, "UPDATE" },
};
#define MARKS (sizeof(marks) / sizeof(*marks))

enum vm_nic_work vm_nic_work(const struct vm *vm, struct attr **nic)
{
	bool set;

	for (struct attr *a = next_nic(vm, NULL); a; a = next_nic(vm, a))
		for (size_t i = 0; i < MARKS; i++)
			if (attr_get_bool(a, marks[i].mark, &set) && set) {
				*nic = a;
				return marks[i].work;
			}
	*nic = NULL;
	return VM_NIC_IDLE;
}

static void remove_marks(struct vm *vm)
{
	for (struct attr *a = next_nic(vm, NULL); a; a = next_nic(vm, a))
		for (size_t i = 0; i < MARKS; i++)
			attr_remove(a, marks[i].mark);
}

/* Owners may write such attributes into their NICs: only this one counts. */
static void mark(struct vm *vm, struct attr *nic, enum vm_nic_work work)
{
	remove_marks(vm);
	if (work != VM_NIC_UPDATES)
		attr_set(&vm->o.arena, nic, "ATTACH", "YES");
	for (size_t i = 0; i < MARKS; i++)
		if (marks[i].work == work)
			attr_set(&vm->o.arena, nic, marks[i].mark, "YES");
}

/* ---- a NIC comes ---- */

struct attr *vm_nic_asked(const struct tmpl *asked)
{
	for (size_t i = 0; i < VECTORS; i++)
		for (struct attr *a = tmpl_vector(asked, vectors[i]); a; a = tmpl_find_next(a))
			if (a->vector)
				return a;
	return NULL;
}

struct numbers { int nics, next_id, next_pci, next_alias; };

static void at_least(const struct attr *a, const char *name, int *next)
{
	long long id;

	if (attr_get_int(a, name, &id) && id >= *next && id < INT32_MAX)
		*next = (int)id + 1;
}

static struct numbers count(const struct vm *vm)
{
	struct numbers n = { 0 };

	for (const struct attr *a = next_nic(vm, NULL); a; a = next_nic(vm, a)) {
		n.nics++;
		at_least(a, "NIC_ID", &n.next_id);
		if (vm_nic_is_alias(a))
			at_least(a, "ALIAS_ID", &n.next_alias);
	}
	for (const struct attr *a = tmpl_vector(vm->o.tmpl, "PCI"); a; a = tmpl_find_next(a))
		if (a->vector)
			at_least(a, "PCI_ID", &n.next_pci);
	return n;
}

static struct attr *find_parent(const struct vm *vm, const char *name)
{
	for (struct attr *a = next_nic(vm, NULL); a && *name; a = next_nic(vm, a))
		if (!vm_nic_is_alias(a) && !strcmp(text_of(a, "NAME"), name))
			return a;
	return NULL;
}

static enum one_rc name_alias(struct vm_making *m, struct attr *nic, const struct numbers *n, struct attr **parent)
{
	struct arena *arena = &m->vm->o.arena;
	const char *others;

	*parent = find_parent(m->vm, text_of(nic, "PARENT"));
	if (!*parent)
		return vm_fail(m, "Alias not found.");
	others = text_of(*parent, "ALIAS_IDS");
	attr_set(arena, nic, "PARENT_ID", text_of(*parent, "NIC_ID"));
	attr_setf(arena, nic, "ALIAS_ID", "%d", *others ? n->next_alias : 0);
	vm_nic_name(arena, nic, arena_printf(arena, "NIC%s_ALIAS%d", text_of(*parent, "NIC_ID"), n->next_id));
	return ONE_OK;
}

static enum one_rc take_pci_device(struct vm_making *m, struct attr *pci, unsigned id)
{
	struct vm *vm = m->vm;
	struct host *host;

	if (vm_prepare_pci(m, pci, id))
		return m->t->err.rc;
	if (!vm->history)
		return ONE_OK;
	host = txn_edit(m->t, OBJ_HOST, vm->history->hid);
	if (host && !host_pci_add_one(&host->share, vm->o.id, pci, &vm->o.arena))
		return vm_fail(m, "Cannot assign PCI device in host. Check address and free devices");
	return m->t->err.rc;
}

static bool in_cluster(const struct vm *vm, const struct attr *nic, struct arena *arena)
{
	struct idset clusters = { 0 };

	if (!attr_get(nic, "CLUSTER_ID") || !vm->history)
		return true;
	secgroup_ids_parse(text_of(nic, "CLUSTER_ID"), &clusters, arena);
	return idset_has(&clusters, vm->history->cid);
}

static void all_secgroups(const struct vm *vm, const struct attr *but, struct idset *out, struct arena *arena)
{
	for (const struct attr *a = next_nic(vm, NULL); a; a = next_nic(vm, a))
		if (a != but)
			secgroup_ids_parse(text_of(a, "SECURITY_GROUPS"), out, arena);
}

/* The rules of groups that none of its other NICs has; aliases bring none. */
static void add_rules(struct vm_making *m, const struct attr *nic, const struct idset *secgroups)
{
	struct idset had = { 0 }, added = { 0 };

	all_secgroups(m->vm, nic, &had, m->t->arena);
	for (int i = 0; i < secgroups->n; i++)
		if (!idset_has(&had, secgroups->ids[i]))
			idset_add(&added, m->t->arena, secgroups->ids[i]);
	vm_add_rules(m, &added);
}

static enum one_rc connect_asked(struct vm_making *m, struct attr *nic, const struct numbers *n)
{
	struct arena *arena = &m->vm->o.arena;
	struct idset secgroups = { 0 };
	struct attr *parent = NULL;

	attr_remove(nic, "ALIAS_IDS");
	attr_setf(arena, nic, "NIC_ID", "%d", n->next_id);
	if (!vm_nic_is_alias(nic))
		vm_nic_name(arena, nic, arena_printf(arena, "NIC%d", n->next_id));
	else if (name_alias(m, nic, n, &parent))
		return m->t->err.rc;
	if (vm_connect_nic(m, nic, &secgroups))
		return m->t->err.rc;
	if (!in_cluster(m->vm, nic, m->t->arena))
		return vm_fail(m, "Virtual network is not part of cluster [%d]", m->vm->history->cid);
	if (parent)
		attr_setf(arena, parent, "ALIAS_IDS", *text_of(parent, "ALIAS_IDS") ? "%s,%d" : "%s%d", text_of(parent, "ALIAS_IDS"),
			  n->next_id);
	else
		add_rules(m, nic, &secgroups);
	return ONE_OK;
}

static struct vm_making work_on(struct txn *t, struct vm *vm, struct identity *owner)
{
	*owner = (struct identity){ .uid = vm->o.uid, .gid = vm->o.gid, .gids = &vm->o.gid, .n_gids = 1 };
	return (struct vm_making){ .t = t, .vm = vm, .who = owner };
}

/* What is refused here is a wrong action, not a wrong VM. */
static enum one_rc done(struct txn *t)
{
	if (!txn_ok(t))
		t->err.rc = ONE_ACTION;
	return t->err.rc;
}

enum one_rc vm_nic_attach(struct txn *t, struct vm *vm, const struct attr *asked, int least_id)
{
	struct identity owner;
	struct vm_making m = work_on(t, vm, &owner);
	struct numbers n = count(vm);
	struct attr *nic;

	if (n.next_id < least_id)
		n.next_id = least_id;
	if (!asked)
		return txn_fail(t, ONE_ACTION, "Wrong format or missing NIC/NIC_ALIAS/PCI attribute");
	if (!vm_nic_is_device(asked))
		return txn_fail(t, ONE_ACTION, "PCI device is not of type NIC");
	if (n.nics >= VM_MAX_DEVICES)
		return txn_fail(t, ONE_ACTION, "A VM can't have more than %d NICs", VM_MAX_DEVICES);
	nic = tmpl_add_attr(vm->o.tmpl, asked);
	if (strcmp(nic->name, "PCI") != 0 || !take_pci_device(&m, nic, (unsigned)n.next_pci))
		connect_asked(&m, nic, &n);
	mark(vm, nic, VM_NIC_ATTACHES);
	return done(t);
}

/* ---- a NIC goes ---- */

enum one_rc vm_nic_detach(struct txn *t, struct vm *vm, int nic_id)
{
	struct attr *nic = vm_nic(vm, nic_id);

	if (!nic)
		return txn_fail(t, ONE_ACTION, "Could not detach NIC with NIC_ID %d, it does not exist.", nic_id);
	mark(vm, nic, VM_NIC_DETACHES);
	return ONE_OK;
}

void vm_nic_stays(struct vm *vm)
{
	remove_marks(vm);
}

static void leave_parent(struct txn *t, struct vm *vm, const struct attr *alias)
{
	struct idset ids = { 0 };
	struct attr *parent;
	long long parent_id, id;

	if (!attr_get_int(alias, "PARENT_ID", &parent_id) || !attr_get_int(alias, "NIC_ID", &id))
		return;
	parent = vm_nic(vm, (int)parent_id);
	if (!parent)
		return;
	secgroup_ids_parse(text_of(parent, "ALIAS_IDS"), &ids, t->arena);
	idset_del(&ids, (int)id);
	attr_set(&vm->o.arena, parent, "ALIAS_IDS", secgroup_ids_format(&ids, &vm->o.arena));
}

static void remove_nic(struct txn *t, struct vm *vm, struct attr *nic)
{
	struct host *host = NULL;

	vm_context_forget(vm, nic);
	vm_release_nic(t, vm, nic);
	if (!strcmp(nic->name, "PCI") && vm->history && txn_exists(t, OBJ_HOST, vm->history->hid))
		host = txn_edit(t, OBJ_HOST, vm->history->hid);
	if (host)
		host_pci_del_one(&host->share, vm->o.id, nic);
	tmpl_remove_attr(vm->o.tmpl, nic);
}

static void remove_aliases(struct txn *t, struct vm *vm, const struct attr *nic)
{
	struct attr *next;

	for (struct attr *a = tmpl_find(vm->o.tmpl, "NIC_ALIAS"); a; a = next) {
		next = tmpl_find_next(a);
		if (vm_nic_is_device(a) && is_alias_of(a, nic))
			remove_nic(t, vm, a);
	}
}

static void remove_rules(struct txn *t, struct vm *vm, int secgroup)
{
	struct attr *next;
	long long id;

	for (struct attr *a = tmpl_find(vm->o.tmpl, "SECURITY_GROUP_RULE"); a; a = next) {
		next = tmpl_find_next(a);
		if (a->vector && attr_get_int(a, "SECURITY_GROUP_ID", &id) && id == secgroup)
			tmpl_remove_attr(vm->o.tmpl, a);
	}
	secgroup_vm_remove(t, secgroup, vm->o.id);
}

void vm_nic_leaves(struct txn *t, struct vm *vm)
{
	struct idset before = { 0 }, after = { 0 };
	struct vm_usage used;
	struct attr *nic;

	if (vm_nic_work(vm, &nic) == VM_NIC_IDLE)
		return;
	vm_quota_usage(t, vm, vm_is_counted_running(vm), &used);
	all_secgroups(vm, NULL, &before, t->arena);
	if (vm_nic_is_alias(nic))
		leave_parent(t, vm, nic);
	else
		remove_aliases(t, vm, nic);
	remove_nic(t, vm, nic);
	all_secgroups(vm, NULL, &after, t->arena);
	for (int i = 0; i < before.n; i++)
		if (!idset_has(&after, before.ids[i]))
			remove_rules(t, vm, before.ids[i]);
	vm_quota_changed(t, vm, &used);
}

/* ---- a NIC changes ---- */

/* Only what the host can change under a running VM. */
static const char *const changeable[] = {
	"INBOUND_AVG_BW", "INBOUND_PEAK_BW", "INBOUND_PEAK_KB", "OUTBOUND_AVG_BW", "OUTBOUND_PEAK_BW", "OUTBOUND_PEAK_KB",
};

/* VNET_UPDATE: what the host has as yet, for the driver. */
static void note_old(struct vm *vm, const char *name, const char *old)
{
	struct attr *changes = tmpl_vector(vm->o.tmpl, "VNET_UPDATE");

	if (!changes)
		changes = tmpl_add_vector(vm->o.tmpl, "VNET_UPDATE");
	if (!attr_get(changes, name)) /* else the host never got what came in between */
		attr_set(&vm->o.arena, changes, name, old ? old : "");
}

static bool change(struct vm *vm, struct attr *nic, const char *name, const char *value, bool live)
{
	const char *old = attr_get(nic, name);

	if (value && old ? !strcmp(value, old) : value == old)
		return false;
	if (live)
		note_old(vm, name, old);
	if (value)
		attr_set(&vm->o.arena, nic, name, value);
	else
		attr_remove(nic, name);
	return true;
}

bool vm_nic_change(struct vm *vm, struct attr *nic, const struct attr *asked, bool append, bool live)
{
	bool changed = false;

	for (size_t i = 0; i < sizeof(changeable) / sizeof(*changeable); i++) {
		const char *value = attr_get(asked, changeable[i]);

		if (value || !append)
			changed |= change(vm, nic, changeable[i], value, live);
	}
	if (changed && live)
		mark(vm, nic, VM_NIC_UPDATES);
	return changed;
}

void vm_nic_changed(struct vm *vm)
{
	remove_marks(vm);
	tmpl_remove(vm->o.tmpl, "VNET_UPDATE");
}

/* ---- the context ---- */

enum one_rc vm_context_renew(struct txn *t, struct vm *vm)
{
	struct identity owner;
	struct vm_making m = work_on(t, vm, &owner);

	vm_context_nics(&m, true);
	vm_context_pci(&m);
	return done(t);
}

void vm_context_without_leaving(struct vm *vm)
{
	struct attr *nic;

	if (vm_nic_work(vm, &nic) != VM_NIC_DETACHES)
		return;
	vm_context_forget(vm, nic);
	for (const struct attr *a = next_nic(vm, NULL); a; a = next_nic(vm, a))
		if (is_alias_of(a, nic))
			vm_context_forget(vm, a);
}
