/* What a VM's disks and NICs need to know once it is decided where it will run. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/datastore.h"
#include "oned/objects/vm_priv.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* ---- NICs ---- */

static struct attr *find_nic(struct vm *vm, long long id)
{
	long long has;

	for (struct attr *a = tmpl_find(vm->o.tmpl, "NIC"); a; a = tmpl_find_next(a))
		if (a->vector && attr_get_int(a, "NIC_ID", &has) && has == id)
			return a;
	return NULL;
}

static enum one_rc connect_auto(struct vm_making *m, const struct attr *choice, struct idset *secgroups)
{
	struct attr *nic;
	long long id;

	if (!attr_get_int(choice, "NIC_ID", &id))
		id = -1;
	nic = find_nic(m->vm, id);
	if (!nic)
		return txn_fail(m->t, ONE_ACTION, "NIC_ID %lld not found", id);
	if (!vm_nic_is_auto(nic) || *text_of(nic, "NETWORK_ID"))
		return txn_fail(m->t, ONE_ACTION, "NIC_ID %lld not AUTO", id);
	attr_set(&m->vm->o.arena, nic, "NETWORK_ID", text_of(choice, "NETWORK_ID"));
	return vm_connect_nic(m, nic, secgroups);
}

enum one_rc vm_connect_auto(struct txn *t, struct vm *vm, const struct tmpl *chosen)
{
	struct identity owner = { .uid = vm->o.uid, .gid = vm->o.gid, .gids = &vm->o.gid, .n_gids = 1 };
	struct vm_making m = { .t = t, .vm = vm, .who = &owner };
	struct idset secgroups = { 0 };

	for (const struct attr *a = tmpl_find(chosen, "NIC"); a && txn_ok(t); a = tmpl_find_next(a))
		if (a->vector)
			connect_auto(&m, a, &secgroups);
	if (txn_ok(t)) {
		vm_add_rules(&m, &secgroups);
		vm_context_nics(&m, true);
	}
	if (!txn_ok(t))
		t->err.rc = ONE_ACTION;
	return t->err.rc;
}

/* ---- disks ---- */

/* How a disk of another kind of storage gets to this one: its datastore must know. */
static enum one_rc set_transfer(struct txn *t, struct vm *vm, struct attr *disk, const char *tm_mad)
{
	static const char *const names[] = { "CLONE_TARGET", "LN_TARGET", "DISK_TYPE" };
	const char *upper = text_upper(t->arena, tm_mad);
	const struct datastore *ds;
	long long id;

	if (!strcasecmp(text_of(disk, "TM_MAD"), tm_mad) || !attr_get_int(disk, "DATASTORE_ID", &id))
		return ONE_OK;
	ds = txn_read(t, OBJ_DATASTORE, (int)id);
	if (!ds)
		return txn_fail(t, ONE_ACTION, "Datastore does not exist");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = tmpl_text(ds->o.tmpl, arena_printf(t->arena, "%s_%s", names[i], upper));

		if (!*value)
			return txn_fail(t, ONE_ACTION, "Image Datastore does not support transfer mode: %s",
					tm_mad);
		attr_set(&vm->o.arena, disk, names[i], value);
	}
	attr_set(&vm->o.arena, disk, "TM_MAD_SYSTEM", tm_mad);
	return ONE_OK;
}

static enum one_rc decide_transfer(struct txn *t, struct vm *vm, const char *tm_mad)
{
	if (*tmpl_text(vm->o.tmpl, "TM_MAD_SYSTEM"))
		return ONE_OK;
	for (struct attr *a = tmpl_find(vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (a->vector && set_transfer(t, vm, a, tm_mad))
			return t->err.rc;
	tmpl_set(vm->o.tmpl, "TM_MAD_SYSTEM", tm_mad);
	return ONE_OK;
}

enum one_rc vm_place_disks(struct txn *t, struct vm *vm, int ds_id)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ds_id);

	if (!ds)
		return txn_no_object(t, OBJ_DATASTORE, ds_id);
	if (decide_transfer(t, vm, ds->tm_mad))
		return t->err.rc;
	for (struct attr *a = tmpl_find(vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (a->vector && disk_is_volatile(a) && datastore_disk_fill(t, ds_id, a, &vm->o.arena))
			return t->err.rc;
	return ONE_OK;
}
