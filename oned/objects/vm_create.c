/* Making a VM of a template, and giving back what it holds. */
#include <stdarg.h>
#include <string.h>

#include "common/conf.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/sched_action.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnet.h"
#include "oned/objects/vrouter.h"

enum one_rc vm_fail(struct vm_making *m, const char *fmt, ...)
{
	struct one_err err;
	va_list ap;

	va_start(ap, fmt);
	one_err_vset(&err, ONE_INTERNAL, fmt, ap);
	va_end(ap);
	return txn_fail(m->t, ONE_INTERNAL, "%s", err.text);
}

const char *vm_setting(struct txn *t, const char *key)
{
	const struct conf *conf = txn_conf(t);

	return conf ? tmpl_get_or(conf->values, key, "") : "";
}

/* ---- quotas ---- */

/* The template as it will count: disks and NICs with the ids, sizes and targets they will have. */
static struct tmpl *as_counted(struct vm_making *m)
{
	static const char *const nics[] = { "NIC", "NIC_ALIAS", "PCI" };
	struct arena *arena = m->t->arena;
	struct tmpl *user = m->vm->user, *counted = tmpl_new(arena);
	const char *tm_mad_system = tmpl_text(user, "TM_MAD_SYSTEM");

	tmpl_add(counted, "CPU", tmpl_text(user, "CPU"));
	tmpl_add(counted, "MEMORY", tmpl_text(user, "MEMORY"));
	for (const struct attr *a = tmpl_find(user, "DISK"); a; a = tmpl_find_next(a)) {
		struct attr *disk = a->vector ? tmpl_add_attr(counted, a) : NULL;

		if (disk && *tm_mad_system)
			attr_set(arena, disk, "TM_MAD_SYSTEM", tm_mad_system);
		if (disk)
			image_disk_show(m->t, m->who, disk, arena);
	}
	for (size_t i = 0; i < sizeof(nics) / sizeof(*nics); i++)
		for (const struct attr *a = tmpl_find(user, nics[i]); a; a = tmpl_find_next(a)) {
			int id = vm_nic_is_device(a) ? vnet_nic_id(m->t, m->who, a) : -1;

			if (id >= 0)
				attr_setf(arena, tmpl_add_vector(counted, "NIC"), "NETWORK_ID", "%d", id);
		}
	return counted;
}

static bool is_counted(const struct object *o)
{
	return o->uid != USER_ONEADMIN || o->gid != GROUP_ONEADMIN;
}

static enum one_rc count_in_quotas(struct vm_making *m, struct vm_usage *usage)
{
	const struct object *o = &m->vm->o;

	if (!is_counted(o))
		return ONE_OK;
	vm_usage_of_template(as_counted(m), true, m->t->arena, usage);
	vm_quota_generic(m->t, m->vm, true, usage);
	return quota_vm_add(m->t, o->uid, o->gid, usage, true);
}

/* What was counted before the VM was made is what will be given back: as it came out. */
static enum one_rc settle_quotas(struct vm_making *m, const struct vm_usage *counted)
{
	return is_counted(&m->vm->o) ? vm_quota_changed(m->t, m->vm, counted) : ONE_OK;
}

/* ---- name, state ---- */

static enum one_rc take_name(struct vm_making *m)
{
	struct vm *vm = m->vm;
	struct one_err err = ONE_ERR_INIT;
	const char *template_id = vm_take_text(vm, "TEMPLATE_ID"), *name = vm_take_text(vm, "NAME");
	const char *prefix = vm_take_text(vm, "TEMPLATE_NAME");

	tmpl_remove(vm->user, "VMID");
	tmpl_addf(vm->o.tmpl, "VMID", "%d", vm->o.id);
	if (*template_id)
		tmpl_add(vm->o.tmpl, "TEMPLATE_ID", template_id);
	if (!*name)
		name = arena_printf(&vm->o.arena, "%s-%d", *prefix ? prefix : "one", vm->o.id);
	if (obj_check_name(name, &err))
		return vm_fail(m, "%s", err.text);
	vm->o.name = name;
	return ONE_OK;
}

static void take_hold(struct vm *vm)
{
	bool hold = false;

	if (!tmpl_get(vm->user, "SUBMIT_ON_HOLD"))
		return;
	tmpl_get_bool(vm->user, "SUBMIT_ON_HOLD", &hold);
	tmpl_remove(vm->user, "SUBMIT_ON_HOLD");
	tmpl_set(vm->o.tmpl, "SUBMIT_ON_HOLD", hold ? "YES" : "NO");
}

/* ---- what other objects will take part in ---- */

static bool group_exists(struct vm_making *m, const struct attr *group)
{
	const char *name = attr_get(group, "VMGROUP_NAME");
	long long id;

	if (attr_get_int(group, "VMGROUP_ID", &id))
		return id >= 0 && id <= INT32_MAX && txn_exists(m->t, OBJ_VMGROUP, (int)id);
	return name && txn_find(m->t, OBJ_VMGROUP, name, m->vm->o.uid) >= 0;
}

/* VMs can't take part in VM groups yet: a VM that asks for it would run without it. */
static enum one_rc refuse_group(struct vm_making *m)
{
	const struct attr *group = tmpl_vector(m->vm->user, "VMGROUP");
	const char *role = group ? attr_get(group, "ROLE") : NULL;

	if (group && (!role || !*role))
		return vm_fail(m, "Missing role name in VM Group definition");
	if (group && !group_exists(m, group))
		return vm_fail(m, "Cannot find VM Group to associate the VM");
	return group ? vm_fail(m, "VMGROUP: VMs in VM groups are not supported") : ONE_OK;
}

/* ---- making ---- */

/* In the order in which the reference finds what is wrong. */
static enum one_rc take_template(struct vm_making *m)
{
	struct vm *vm = m->vm;

	if (vm_begin_import(m) || take_name(m))
		return m->t->err.rc;
	vm_take_known(vm);
	if (vm_take_clouds(m))
		return m->t->err.rc;
	vm_take(vm, "EMULATOR", false);
	if (vm_take_numbers(m) || vm_take_os(m))
		return m->t->err.rc;
	vm_take(vm, "CPU_MODEL", true);
	vm_keep_first(vm->o.tmpl, "CPU_MODEL");
	if (vm_check_raw(m, vm->o.tmpl) || vm_take_pci(m) || vm_take_defaults(m))
		return m->t->err.rc;
	vm_take_vrouter(vm);
	if (vm_take_nics(m) || vm_take_disks(m))
		return m->t->err.rc;
	take_hold(vm);
	if (vm_disks_locked(vm))
		vm->state = VM_CLONING;
	if (vm_set_boot_order(m) || vm_take_backup(m) || vm_make_context(m, false) || vm_take_requirements(m) ||
	    vm_set_requirements(m->t, vm))
		return m->t->err.rc;
	if (vm_take_graphics(m) || vm_take_video(m) || vm_take_import(m))
		return m->t->err.rc;
	tmpl_remove(vm->user, "SCHED_ACTION"); /* objects of their own: sched_actions_create */
	return refuse_group(m);
}

static void set_up(struct vm_making *m, const struct object *owner, const struct tmpl *tmpl, bool hold)
{
	struct vm *vm = m->vm;
	bool on_hold = false;

	object_take(&vm->o, owner, tmpl);
	vm->user = vm->o.tmpl;
	vm->o.tmpl = tmpl_new(&vm->o.arena);
	vm->monitoring = tmpl_new(&vm->o.arena);
	vm->deploy_id = "";
	vm->stime = (long long)m->t->now;
	value_bool(vm_setting(m->t, "VM_SUBMIT_ON_HOLD"), &on_hold);
	vm->state = hold || on_hold ? VM_HOLD : VM_PENDING;
	if (vm->state == VM_HOLD)
		tmpl_set(vm->user, "SUBMIT_ON_HOLD", "YES");
}

struct vm *vm_create_with(struct txn *t, const struct identity *who, const struct object *owner,
			  const struct tmpl *tmpl, bool hold, vm_may_use_fn may_use, void *ctx)
{
	struct vm_making m = { .t = t, .who = who, .may_use = may_use, .may_ctx = ctx };
	struct vm_usage counted;

	m.vm = txn_new(t, OBJ_VM);
	if (!m.vm)
		return NULL;
	set_up(&m, owner, tmpl, hold);
	if (vm_topology_check(t, m.vm->user) || count_in_quotas(&m, &counted))
		return NULL;
	if (take_template(&m))
		return txn_keep_first_id(t, &m.vm->o);
	if (settle_quotas(&m, &counted))
		return NULL;
	m.vm->prev_state = m.vm->state;
	return m.vm;
}

struct vm *vm_create(struct txn *t, const struct identity *who, const struct object *owner,
		     const struct tmpl *tmpl, bool hold)
{
	return vm_create_with(t, who, owner, tmpl, hold, NULL, NULL);
}

void vm_release_resources(struct txn *t, struct vm *vm, bool failed)
{
	struct vm_usage usage;

	vm_quota_usage(t, vm, false, &usage);
	quota_vm_del(t, vm->o.uid, vm->o.gid, &usage);
	vm_release_disks(t, vm, failed);
	vm_release_nics(t, vm);
	vrouter_vm_gone(t, vm);
	sched_actions_delete(t, &vm->sched_actions); /* their ids stay, as in OpenNebula */
	vm_forget_import(t, vm);
}
