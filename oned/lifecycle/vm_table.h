/* The life of a VM as a table: (state, LCM state, event) -> (next state, what is done on the way, what is sent to a driver).
 * Looking up is a pure function; vm_lifecycle.c carries a row out. */
#ifndef ONED_LIFECYCLE_VM_TABLE_H
#define ONED_LIFECYCLE_VM_TABLE_H

#include <stdbool.h>
#include "oned/objects/vm.h"

enum vm_event {
	/* asked for */
	VM_EV_DEPLOY, VM_EV_DEPLOY_STOPPED, VM_EV_DEPLOY_UNDEPLOYED, /* by what the VM did last on a host */
	VM_EV_IMPORT, VM_EV_IMPORT_OFF, /* it is there already, running or not */
	VM_EV_TERMINATE, VM_EV_TERMINATE_HARD, VM_EV_POWEROFF, VM_EV_POWEROFF_HARD, VM_EV_UNDEPLOY, VM_EV_UNDEPLOY_HARD,
	VM_EV_SUSPEND, VM_EV_STOP, VM_EV_RESUME, VM_EV_REBOOT, VM_EV_REBOOT_HARD, VM_EV_HOLD, VM_EV_RELEASE,
	VM_EV_RESCHED, VM_EV_UNRESCHED, VM_EV_DELETE, VM_EV_DELETE_RECREATE, VM_EV_RETRY, VM_EV_RECOVER_UNKNOWN,
	VM_EV_RESIZE, VM_EV_CONFIGURE, VM_EV_NIC_ATTACH, VM_EV_NIC_DETACH, VM_EV_NIC_UPDATE,
	/* a driver's step ended */
	VM_EV_PROLOG_OK, VM_EV_PROLOG_FAIL, VM_EV_BOOT_OK, VM_EV_BOOT_FAIL, VM_EV_SHUTDOWN_OK, VM_EV_SHUTDOWN_FAIL,
	VM_EV_SAVE_OK, VM_EV_SAVE_FAIL, VM_EV_EPILOG_OK, VM_EV_EPILOG_FAIL, VM_EV_CLEANUP_OK, VM_EV_CLEANUP_FAIL,
	VM_EV_RESIZE_OK, VM_EV_RESIZE_FAIL, VM_EV_CONFIGURE_OK, VM_EV_CONFIGURE_FAIL,
	VM_EV_DISKS_READY, VM_EV_DISKS_FAILED,
	VM_EV_NIC_ATTACH_OK, VM_EV_NIC_ATTACH_FAIL, VM_EV_NIC_DETACH_OK, VM_EV_NIC_DETACH_FAIL, VM_EV_NIC_UPDATE_OK, VM_EV_NIC_UPDATE_FAIL,
	/* the monitor reports */
	VM_EV_SEEN_RUNNING, VM_EV_SEEN_POWEROFF, VM_EV_SEEN_SUSPENDED, VM_EV_LOST,
	VM_EVENTS
};

/* What is sent on a transition. */
enum vm_send {
	VM_SEND_NOTHING,
	VM_SEND_PROLOG, VM_SEND_PROLOG_RESUME, VM_SEND_EPILOG, VM_SEND_EPILOG_STOP, VM_SEND_EPILOG_DELETE,
	VM_SEND_DEPLOY, VM_SEND_RESTORE, VM_SEND_SHUTDOWN, VM_SEND_CANCEL, VM_SEND_CANCEL_AGAIN /* gives the running shutdown up first */,
	VM_SEND_SAVE, VM_SEND_REBOOT, VM_SEND_RESET, VM_SEND_CLEANUP,
	VM_SEND_RESIZE, VM_SEND_UPDATECONF,
	VM_SEND_CLEANUP_NOW /* gives up what is running first */, VM_SEND_ATTACH_NIC, VM_SEND_DETACH_NIC, VM_SEND_UPDATE_NIC,
	VM_SENDS
};

/* What is done on a transition, in this order. */
enum vm_step {
	VM_STEP_NEW_RECORD = 1 << 0,    /* the history record ends, a copy of it begins (resume on the same host) */
	VM_STEP_PROLOG_BEGIN = 1 << 1,
	VM_STEP_PROLOG_END = 1 << 2,
	VM_STEP_RUN_BEGIN = 1 << 3,
	VM_STEP_RUN_END = 1 << 4,
	VM_STEP_RUN_GOES_ON = 1 << 5,   /* end times back to 0 */
	VM_STEP_EPILOG_BEGIN = 1 << 6,
	VM_STEP_EPILOG_END = 1 << 7,
	VM_STEP_RECORD_END = 1 << 8,
	VM_STEP_ACTION = 1 << 9,        /* the row's action is noted in the record */
	VM_STEP_CLEAR_ACTION = 1 << 10,
	VM_STEP_NO_RESCHED = 1 << 11,
	VM_STEP_RESCHED = 1 << 12,
	VM_STEP_LEAVE_HOST = 1 << 13,   /* its capacity is free */
	VM_STEP_FREE = 1 << 14,         /* images and leases are given back, ETIME is set */
	VM_STEP_NO_DEPLOY_ID = 1 << 15,
	VM_STEP_HISTORY = 1 << 16,      /* the record's row is written (implied by all that change it) */
	VM_STEP_REQUIREMENTS = 1 << 17, /* where it may go is found again: the scheduler will look for a place */
	VM_STEP_SIZE_STAYS = 1 << 18,   /* the size before a resize is forgotten */
	VM_STEP_SIZE_BACK = 1 << 19,    /* the size before a resize is there again: template, host, quotas */
	VM_STEP_NIC_STAYS = 1 << 20,    /* the NIC that was worked on is as any other */
	VM_STEP_NIC_LEAVES = 1 << 21,   /* ... is gone, with what it held */
	VM_STEP_NIC_CHANGED = 1 << 22,  /* ... is on the host as it is here */
	VM_STEP_CONTEXT = 1 << 23,      /* the context tells of its NICs as they are now */
};

struct vm_row {
	enum vm_state from;
	enum vm_lcm from_lcm;
	enum vm_event event;
	enum vm_state to;
	enum vm_lcm to_lcm;
	unsigned steps;
	enum vm_send send;
	enum vm_action action;          /* for VM_STEP_ACTION, and to tell apart what is waited for (vm_waits_for) */
};

/* NULL: the event means nothing in that state. */
const struct vm_row *vm_row_find(enum vm_state state, enum vm_lcm lcm, enum vm_event event);
const struct vm_row *vm_row_at(int i);   /* NULL at the end: for the tests that walk the table */

/* What a VM in this state, during that action, waits for: the command that is sent again after oned or its driver was restarted, and the events that end
 * the wait. VM_SEND_NOTHING: the state is stable (or waits for a person, in *_FAILURE states). */
struct vm_waiting { enum vm_send send; enum vm_event ok, fail; };
struct vm_waiting vm_waits_for(enum vm_state state, enum vm_lcm lcm, enum vm_action action);

const char *vm_event_name(enum vm_event e);

#endif
