#include "oned/objects/vm_quota.h"

#include "oned/auth/quota_count.h"

static bool runs_in(enum vm_state s)
{
	switch (s) {
	case VM_INIT:
	case VM_PENDING:
	case VM_HOLD:
	case VM_ACTIVE:
	case VM_CLONING:
	case VM_CLONING_FAILURE:
		return true;
	case VM_STOPPED:
	case VM_SUSPENDED:
	case VM_POWEROFF:
	case VM_UNDEPLOYED:
	case VM_DONE:
		return false;
	}
	return false;
}

bool vm_is_counted_running(const struct vm *vm)
{
	return runs_in(vm->state) && !(vm->state == VM_ACTIVE && vm->lcm_state == LCM_HOTPLUG_NIC_POWEROFF);
}

/* ---- what a VM uses ---- */

/* Nothing is gained by numbers below 0. */
static double generic_amount(const struct vm *vm, const char *metric)
{
	double value;

	if (!tmpl_get_float(vm->user, metric, &value) && !tmpl_get_float(vm->o.tmpl, metric, &value))
		return 0;
	return value > 0 ? value : 0;
}

static void use_generic(const struct vm *vm, bool running, struct quota_metrics m, struct arena *arena, struct vm_usage *u)
{
	struct quota_amount *amounts = arena_array(arena, 2 * m.n + 1, struct quota_amount);

	for (int i = 0; i < m.n; i++) {
		double amount = generic_amount(vm, m.names[i]);

		amounts[2 * i] = (struct quota_amount){ m.names[i], u->vms ? amount : 0 };
		amounts[2 * i + 1] = (struct quota_amount){ arena_printf(arena, "RUNNING_%s", m.names[i]), running ? amount : 0 };
	}
	u->generic = amounts;
	u->n_generic = 2 * m.n;
}

void vm_quota_generic(struct txn *t, const struct vm *vm, bool running, struct vm_usage *u)
{
	use_generic(vm, running, quota_generic_metrics(t), t->arena, u);
}

void vm_quota_usage_of(const struct vm *vm, bool running, struct quota_metrics generic, struct arena *arena, struct vm_usage *out)
{
	vm_usage_of(vm, running, arena, out);
	use_generic(vm, running, generic, arena, out);
}

void vm_quota_usage(struct txn *t, const struct vm *vm, bool running, struct vm_usage *out)
{
	vm_quota_usage_of(vm, running, quota_generic_metrics(t), t->arena, out);
}

/* ---- its life ---- */

static struct vm_usage running_part(struct txn *t, const struct vm *vm)
{
	struct vm_usage u = { .running_vms = 1 };

	tmpl_get_float(vm->o.tmpl, "CPU", &u.running_cpu);
	tmpl_get_int(vm->o.tmpl, "MEMORY", &u.running_memory_mb);
	vm_quota_generic(t, vm, true, &u);
	return u;
}

void vm_quota_running(struct txn *t, const struct vm *vm, bool running)
{
	struct vm_usage u = running_part(t, vm);

	if (running)
		quota_vm_add(t, vm->o.uid, vm->o.gid, &u, false);
	else
		quota_vm_del(t, vm->o.uid, vm->o.gid, &u);
}

enum one_rc vm_quota_may_run(struct txn *t, const struct vm *vm)
{
	struct vm_usage u;

	if (vm_is_counted_running(vm))
		return ONE_OK;
	u = running_part(t, vm);
	/* The counters themselves change with the state: here only the limits speak. */
	if (!quota_vm_add(t, vm->o.uid, vm->o.gid, &u, true))
		quota_vm_del(t, vm->o.uid, vm->o.gid, &u);
	if (!txn_ok(t))
		t->err.rc = ONE_ACTION;
	return t->err.rc;
}

void vm_quota_move(struct txn *t, struct vm *vm, int uid, int gid)
{
	struct vm_usage u;

	if (uid == vm->o.uid)
		uid = -1;
	if (gid == vm->o.gid)
		gid = -1;
	vm_quota_usage(t, vm, vm_is_counted_running(vm), &u);
	quota_vm_del(t, uid < 0 ? -1 : vm->o.uid, gid < 0 ? -1 : vm->o.gid, &u);
	quota_vm_add(t, uid, gid, &u, true);
}

enum one_rc vm_quota_changed(struct txn *t, const struct vm *vm, const struct vm_usage *before)
{
	struct vm_usage after;

	vm_quota_usage(t, vm, vm_is_counted_running(vm), &after);
	return quota_vm_change(t, vm->o.uid, vm->o.gid, before, &after);
}

void vm_quota_changed_back(struct txn *t, const struct vm *vm, const struct vm_usage *before)
{
	struct vm_usage after;

	vm_quota_usage(t, vm, vm_is_counted_running(vm), &after);
	quota_vm_del(t, vm->o.uid, vm->o.gid, before);
	quota_vm_add(t, vm->o.uid, vm->o.gid, &after, false);
}
