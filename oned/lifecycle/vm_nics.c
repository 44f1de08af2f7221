/* NICs attached to, detached from and changed on VMs that run or are powered off. A VM at rest has a driver asked only when that driver works
 * on such VMs too (COLD_NIC_ATTACH); else its record changes at once. */
#include "oned/lifecycle/vm_lifecycle.h"

#include "common/log.h"
#include "oned/objects/settings.h"

static bool rests(const struct vm *vm)
{
	return vm->state == VM_POWEROFF;
}

static bool takes_nics(const struct vm *vm)
{
	return vm->history && (rests(vm) || (vm->state == VM_ACTIVE && vm->lcm_state == LCM_RUNNING));
}

static bool driver_is_asked(struct txn *t, const struct vm *vm)
{
	const struct attr *mad;
	bool cold = false;

	if (!rests(vm))
		return true;
	mad = settings_named(t, "VM_MAD", vm->history->vm_mad);
	return mad && attr_get_bool(mad, "COLD_NIC_ATTACH", &cold) && cold;
}

/* Whatever the driver will say, the history tells that it was asked for. */
static void begin(struct txn *t, struct vm *vm, enum vm_event e, enum vm_action action)
{
	vm_history_split(t, vm, action);
	vm_event(t, vm, e);
}

static void at_once(struct txn *t, struct vm *vm, enum vm_action action, const char *what)
{
	vm_history_split(t, vm, action);
	vm_history_save(t, vm);
	txn_vm_log(t, vm->o.id, LOG_L_INFO, "VM", "NIC %s while powered off", what);
}

enum one_rc vm_attach_nic(struct txn *t, struct vm *vm, const struct attr *asked, int least_id)
{
	enum vm_action action;

	if (!takes_nics(vm))
		return txn_fail(t, ONE_ACTION, "Could not add a new NIC to VM %d, wrong state %s.", vm->o.id, vm_state_text(vm));
	if (vm_nic_attach(t, vm, asked, least_id))
		return t->err.rc;
	action = vm_nic_is_alias(asked) ? VM_ACTION_ALIAS_ATTACH : VM_ACTION_NIC_ATTACH;
	vm->resched = false;
	if (driver_is_asked(t, vm)) {
		if (!vm_context_renew(t, vm))
			begin(t, vm, VM_EV_NIC_ATTACH, action);
	} else {
		vm_nic_stays(vm);
		at_once(t, vm, action, "attached");
	}
	return t->err.rc;
}

enum one_rc vm_detach_nic(struct txn *t, struct vm *vm, int nic_id)
{
	enum vm_action action;

	if (!takes_nics(vm))
		return txn_fail(t, ONE_ACTION, "Could not detach NIC from VM %d, wrong state %s.", vm->o.id, vm_state_text(vm));
	if (vm_nic_detach(t, vm, nic_id))
		return t->err.rc;
	action = vm_nic_is_alias(vm_nic(vm, nic_id)) ? VM_ACTION_ALIAS_DETACH : VM_ACTION_NIC_DETACH;
	if (driver_is_asked(t, vm)) {
		if (!vm_context_renew(t, vm))
			begin(t, vm, VM_EV_NIC_DETACH, action);
	} else {
		vm_nic_leaves(t, vm);
		at_once(t, vm, action, "detached");
	}
	return t->err.rc;
}

/* Is there a network whose driver could be told? */
static bool has_network(const struct attr *nic)
{
	long long id;

	return attr_get_int(nic, "NETWORK_ID", &id);
}

enum one_rc vm_update_nic(struct txn *t, struct vm *vm, int nic_id, const struct attr *asked, bool append)
{
	struct attr *nic = vm_nic(vm, nic_id);
	bool runs = vm->state == VM_ACTIVE && takes_nics(vm), live = runs && nic && has_network(nic);

	if (!nic)
		return txn_fail(t, ONE_ACTION, "Error updating NIC (%d) for VM %d: NIC does not exist", nic_id, vm->o.id);
	if (vm->state == VM_ACTIVE && !runs)
		return txn_fail(t, ONE_ACTION, "Error updating NIC (%d) for VM %d: Wrong state %s", nic_id, vm->o.id, vm_state_text(vm));
	if (!asked)
		return txn_fail(t, ONE_ACTION, "Error updating NIC (%d) for VM %d: Wrong NIC definition, attribute is missing", nic_id,
				vm->o.id);
	if (vm_nic_change(vm, nic, asked, append, live) && live)
		begin(t, vm, VM_EV_NIC_UPDATE, VM_ACTION_NIC_UPDATE);
	return t->err.rc;
}
