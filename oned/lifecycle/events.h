/* Hook events: what is published when an object changes state, or a method was called. */
#ifndef ONED_LIFECYCLE_EVENTS_H
#define ONED_LIFECYCLE_EVENTS_H

#include "oned/core/txn.h"
#include "oned/objects/vm.h"

/* After a change of the VM's state in this transaction. */
void event_vm_state(struct txn *t, const struct vm *vm);

#endif
