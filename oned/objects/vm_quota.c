#include "oned/objects/vm_quota.h"

#include "oned/auth/quota_count.h"

bool vm_counts_as_running(enum vm_state s)
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

static struct vm_usage running_part(const struct vm *vm)
{
	struct vm_usage u = { .running_vms = 1 };

	tmpl_get_float(vm->o.tmpl, "CPU", &u.running_cpu);
	tmpl_get_int(vm->o.tmpl, "MEMORY", &u.running_memory_mb);
	return u;
}

void vm_quota_running(struct txn *t, const struct vm *vm, bool running)
{
	struct vm_usage u = running_part(vm);

	if (running)
		quota_vm_add(t, vm->o.uid, vm->o.gid, &u, false);
	else
		quota_vm_del(t, vm->o.uid, vm->o.gid, &u);
}

enum one_rc vm_quota_may_run(struct txn *t, const struct vm *vm)
{
	struct vm_usage u = running_part(vm);

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

	vm_usage_of(vm, vm_counts_as_running(vm->state), t->arena, &u);
	quota_vm_del(t, vm->o.uid, vm->o.gid, &u);
	quota_vm_add(t, uid < 0 ? vm->o.uid : uid, gid < 0 ? vm->o.gid : gid, &u, true);
}
