/* The life of a host: (state, event) -> next state, and the talk with the monitor driver. */
#ifndef ONED_LIFECYCLE_HOST_H
#define ONED_LIFECYCLE_HOST_H

#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/objects/host.h"

enum host_event {
	HOST_EV_MONITORED,   /* a sample or state "on" arrived */
	HOST_EV_FAILED,      /* monitoring failed */
	HOST_EV_ENABLE, HOST_EV_DISABLE, HOST_EV_OFFLINE,
	HOST_EVENTS
};

/* The next state; HOST_STATES: the event means nothing in that state. */
enum host_state host_next_state(enum host_state state, enum host_event event, bool has_capacity);
/* Changes the state: log, hook event, START_MONITOR or STOP_MONITOR. */
void host_event(struct txn *t, struct host *h, enum host_event event, const char *reason);
/* A new host, or one whose mads or name changed: tells the monitor driver. */
void host_created(struct txn *t, struct host *h);
void host_updated(struct txn *t, struct host *h);
void host_deleted(struct txn *t, struct host *h);

/* Messages of the monitor driver (kind "im", name "monitord"). */
void im_message(struct txn *t, const struct driver_msg *m);
/* The driver is up (again): HOST_LIST, and monitoring starts where it should run. */
void im_driver_up(struct txn *t);

#endif
