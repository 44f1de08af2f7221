/* Carrying out the scheduled actions of VMs. */
#ifndef ONED_LIFECYCLE_VM_SCHEDULE_H
#define ONED_LIFECYCLE_VM_SCHEDULE_H

#include "oned/core/txn.h"

/* From now on what is due is done: within two seconds, one action a VM at a time, in the order of their times, each in a transaction of its own. One
 * that fails has the reason in its MESSAGE, is tried again every MANAGER_TIMER, and holds up those behind it. What came due while oned wasn't
 * running is done at its start. */
void vm_schedules_start(struct txn *t);

#endif
