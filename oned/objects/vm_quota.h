/* How a VM's life shows in quotas: the RUNNING_ counters follow its state, everything follows its owner. */
#ifndef ONED_OBJECTS_VM_QUOTA_H
#define ONED_OBJECTS_VM_QUOTA_H

#include <stdbool.h>
#include "oned/objects/vm.h"

/* Does it count for the RUNNING_ limits, as it is now? A NIC that comes to a VM at rest doesn't make it run. */
bool vm_is_counted_running(const struct vm *vm);
/* What its owner's quotas count for it, as it is now; running: the RUNNING_ counters too. Memory of the transaction. */
void vm_quota_usage(struct txn *t, const struct vm *vm, bool running, struct vm_usage *out);
/* The same outside a transaction: with the metrics that quota_generic_metrics gave. Any thread. */
void vm_quota_usage_of(const struct vm *vm, bool running, struct quota_metrics generic, struct arena *arena, struct vm_usage *out);
/* The part of it that QUOTA_VM_ATTRIBUTE names, from a VM that isn't made yet too (u->vms 0: the RUNNING_ ones alone). */
void vm_quota_generic(struct txn *t, const struct vm *vm, bool running, struct vm_usage *u);
/* It came to count as running, or ceased to. Limits were looked at before (vm_quota_may_run). */
void vm_quota_running(struct txn *t, const struct vm *vm, bool running);
/* ONE_ACTION with the reason when the RUNNING_ limits of its owner don't let it come back to life (one that counts as running is alive). */
enum one_rc vm_quota_may_run(struct txn *t, const struct vm *vm);
/* Everything it uses goes over to another owner or group (-1: stays). Limits are checked where it comes to: ONE_AUTHORIZATION. */
void vm_quota_move(struct txn *t, struct vm *vm, int uid, int gid);
/* It used `before` (vm_quota_usage) until something was changed: the counters follow. ONE_AUTHORIZATION where it uses more than a limit allows. */
enum one_rc vm_quota_changed(struct txn *t, const struct vm *vm, const struct vm_usage *before);
/* The same where a change is taken back: no limit is looked at. */
void vm_quota_changed_back(struct txn *t, const struct vm *vm, const struct vm_usage *before);

#endif
