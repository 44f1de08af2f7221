/* Carrying out the scheduled actions of VMs. */
#ifndef ONED_LIFECYCLE_VM_SCHEDULE_H
#define ONED_LIFECYCLE_VM_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include "oned/core/txn.h"

/* What the clock knows, zeroed at the start. The core's thread alone. */
struct vm_schedules {
	bool changed;  /* set by whoever sees a scheduled action published */
	int64_t next;  /* when one is due, if none changes */
	int64_t again; /* when those that failed are tried again */
};

/* From now on what is due is done: within two seconds, one action a VM at a time, in the order of their times, each in a transaction of its own. One
 * that fails has the reason in its MESSAGE, is tried again every MANAGER_TIMER, and holds up those behind it. What came due while oned wasn't
 * running is done at its start. */
void vm_schedules_start(struct txn *t, struct vm_schedules *schedules);

#endif
