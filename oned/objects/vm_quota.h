/* How a VM's life shows in quotas: the RUNNING_ counters follow its state, everything follows its owner. */
#ifndef ONED_OBJECTS_VM_QUOTA_H
#define ONED_OBJECTS_VM_QUOTA_H

#include <stdbool.h>
#include "oned/objects/vm.h"

/* Does a VM in this state count for the RUNNING_ limits? */
bool vm_counts_as_running(enum vm_state s);
/* It came to count as running, or ceased to. Limits were looked at before (vm_quota_may_run). */
void vm_quota_running(struct txn *t, const struct vm *vm, bool running);
/* ONE_ACTION with the reason when the RUNNING_ limits of its owner don't let it come back to life. */
enum one_rc vm_quota_may_run(struct txn *t, const struct vm *vm);
/* Everything it uses goes over to another owner or group (-1: stays). Limits are checked: ONE_AUTHORIZATION. */
void vm_quota_move(struct txn *t, struct vm *vm, int uid, int gid);

#endif
