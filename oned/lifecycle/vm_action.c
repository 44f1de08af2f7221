/* The words of one.vm.action. */
#include <string.h>

#include "oned/lifecycle/vm_change.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/vm_quota.h"

static const struct { const char *word; enum vm_event event; } actions[] = {
	{ "terminate", VM_EV_TERMINATE }, { "terminate-hard", VM_EV_TERMINATE_HARD }, { "hold", VM_EV_HOLD }, { "release", VM_EV_RELEASE },
	{ "stop", VM_EV_STOP }, { "suspend", VM_EV_SUSPEND }, { "resume", VM_EV_RESUME }, { "reboot", VM_EV_REBOOT },
	{ "reboot-hard", VM_EV_REBOOT_HARD }, { "resched", VM_EV_RESCHED }, { "unresched", VM_EV_UNRESCHED }, { "poweroff", VM_EV_POWEROFF },
	{ "poweroff-hard", VM_EV_POWEROFF_HARD }, { "undeploy", VM_EV_UNDEPLOY }, { "undeploy-hard", VM_EV_UNDEPLOY_HARD },
};

static enum one_rc refuse(struct txn *t, const struct vm *vm, enum vm_event e, const char *word)
{
	if (e == VM_EV_TERMINATE || e == VM_EV_TERMINATE_HARD)
		return txn_fail(t, ONE_ACTION, "Error performing action \"%s\": Could not terminate VM %d, wrong state %s.", word, vm->o.id,
				vm_state_text(vm));
	return txn_fail(t, ONE_ACTION, "Error performing action \"%s\": This action is not available for state %s", word, vm_state_text(vm));
}

enum one_rc vm_act(struct txn *t, struct vm *vm, const char *word)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(actions[i].word, word) != 0)
			continue;
		if (vm_import_allows(t, vm, word))
			return t->err.rc;
		if (actions[i].event == VM_EV_RESUME && vm_quota_may_run(t, vm))
			return t->err.rc;
		return vm_event(t, vm, actions[i].event) ? t->err.rc : refuse(t, vm, actions[i].event, word);
	}
	return txn_fail(t, ONE_ACTION, "Action \"%s\" is not supported", word);
}
