#include "oned/lifecycle/events.h"

#include <stdio.h>

void event_vm_state(struct txn *t, const struct vm *vm)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", vm->o.id);
	txn_event(t, "VM", id);
}
