#include "oned/lifecycle/vm_change.h"

#include <string.h>
#include <strings.h>

#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/common.h"
#include "oned/objects/settings.h"
#include "oned/objects/vm_conf.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnc_ports.h"

/* ---- what its driver can do ---- */

static const struct attr *driver_of(struct txn *t, const struct vm *vm)
{
	return settings_named(t, "VM_MAD", vm->history ? vm->history->vm_mad : tmpl_text(vm->user, "HYPERVISOR"));
}

enum one_rc vm_import_allows(struct txn *t, const struct vm *vm, const char *action)
{
	const struct attr *mad;
	const char *list;
	char *item;

	if (!vm_is_imported(vm))
		return ONE_OK;
	mad = driver_of(t, vm);
	list = mad ? attr_get(mad, "IMPORTED_VMS_ACTIONS") : NULL;
	while (list && (item = list_next(t->arena, &list, ',')))
		if (!strcasecmp(item, action))
			return ONE_OK;
	return txn_fail(t, ONE_ACTION, "Action \"%s\" is not supported for imported VMs", action);
}

static enum one_rc check_live_resize(struct txn *t, const struct vm *vm)
{
	const struct attr *mad = driver_of(t, vm);
	bool can = false;

	if (vm_is_pinned(vm->o.tmpl))
		return txn_fail(t, ONE_ACTION, "Cannot resize a pinned VM");
	if (!mad || !attr_get_bool(mad, "LIVE_RESIZE", &can) || !can)
		return txn_fail(t, ONE_ACTION, "Hotplug resize not supported by driver %s", vm->history->vm_mad);
	return ONE_OK;
}

/* ---- resize ---- */

enum one_rc vm_resize(struct txn *t, struct vm *vm, const struct vm_size *asked)
{
	bool running = vm->state == VM_ACTIVE, on_host = running || vm->state == VM_POWEROFF;
	struct vm_before before;
	struct vm_size now;

	vm_before_take(t, vm, &before);
	/* What ends is shown as it was. */
	if (vm->history)
		vm_history_split(t, vm, VM_ACTION_RESIZE);
	vm_size_set(vm, asked);
	vm_size_of(vm, &now);
	if (vm_quota_changed(t, vm, &before.usage))
		return t->err.rc;
	if (!vm_row_find(vm->state, vm->lcm_state, VM_EV_RESIZE))
		return txn_fail(t, ONE_ACTION, "Cannot resize a VM in state %s", vm_state_text(vm));
	if (running && check_live_resize(t, vm))
		return t->err.rc;
	if (!running || !vm_size_same(&before.size, &now)) {
		if (vm_size_shape(t, vm) || (on_host && vm_size_book(t, vm, &before, true)))
			return t->err.rc;
		if (running)
			vm_size_remember(vm, &before.size);
		vm_event(t, vm, VM_EV_RESIZE);
	}
	if (vm->history)
		vm_history_save(t, vm);
	return t->err.rc;
}

/* ---- configuration ---- */

static bool can_configure(const struct vm *vm)
{
	static const enum vm_lcm steps[] = {
		LCM_LCM_INIT, LCM_PROLOG, LCM_RUNNING, LCM_EPILOG, LCM_SHUTDOWN, LCM_CLEANUP_RESUBMIT, LCM_SHUTDOWN_POWEROFF,
		LCM_CLEANUP_DELETE, LCM_HOTPLUG_SAVEAS_POWEROFF, LCM_SHUTDOWN_UNDEPLOY, LCM_EPILOG_UNDEPLOY, LCM_PROLOG_UNDEPLOY,
		LCM_HOTPLUG_PROLOG_POWEROFF, LCM_HOTPLUG_EPILOG_POWEROFF, LCM_BOOT_FAILURE, LCM_PROLOG_FAILURE, LCM_EPILOG_FAILURE,
		LCM_EPILOG_UNDEPLOY_FAILURE, LCM_PROLOG_MIGRATE_POWEROFF, LCM_PROLOG_MIGRATE_POWEROFF_FAILURE, LCM_BOOT_UNDEPLOY_FAILURE,
		LCM_PROLOG_UNDEPLOY_FAILURE, LCM_DISK_SNAPSHOT_POWEROFF, LCM_DISK_SNAPSHOT_REVERT_POWEROFF, LCM_DISK_SNAPSHOT_DELETE_POWEROFF,
	};

	switch (vm->state) {
	case VM_PENDING:
	case VM_HOLD:
	case VM_POWEROFF:
	case VM_UNDEPLOYED:
	case VM_CLONING:
	case VM_CLONING_FAILURE:
		return true;
	case VM_ACTIVE:
		break;
	case VM_INIT:
	case VM_DONE:
	case VM_SUSPENDED:
	case VM_STOPPED:
		return false;
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (steps[i] == vm->lcm_state)
			return true;
	return false;
}

static bool is_on_host(const struct vm *vm)
{
	if (vm->state == VM_ACTIVE)
		return vm->lcm_state != LCM_CLEANUP_DELETE && vm->lcm_state != LCM_CLEANUP_RESUBMIT;
	return vm->state == VM_POWEROFF;
}

/* GRAPHICS came to a VM that is on a host. */
static enum one_rc take_port(struct txn *t, struct vm *vm)
{
	const struct attr *graphics = tmpl_vector(vm->o.tmpl, "GRAPHICS");
	long long port;

	if (!graphics || !vm->history || !is_on_host(vm) || attr_get_int(graphics, "PORT", &port))
		return ONE_OK;
	if (vnc_port_take(t, vm, vm->history->cid))
		t->err.rc = ONE_INTERNAL;
	return t->err.rc;
}

enum one_rc vm_configure(struct txn *t, struct vm *vm, const struct identity *who, const struct tmpl *asked, bool append,
			 vm_may_use_fn may_use, void *ctx)
{
	bool changed;

	if (!can_configure(vm))
		return txn_fail(t, ONE_INTERNAL, "configuration cannot be updated in state %s", vm_state_text(vm));
	/* The domain of a VM that is active listens on its port even when GRAPHICS goes. */
	if (vm->state == VM_POWEROFF && !append && !tmpl_vector(asked, "GRAPHICS"))
		vnc_port_release(t, vm);
	if (vm_conf_change(t, vm, who, asked, append, may_use, ctx, &changed) || take_port(t, vm))
		return t->err.rc;
	if (changed)
		vm_event(t, vm, VM_EV_CONFIGURE); /* means something to a running one alone */
	return t->err.rc;
}
