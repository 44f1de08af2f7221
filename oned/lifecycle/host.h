/* The life of a host: (state, event) -> next state. */
#ifndef ONED_LIFECYCLE_HOST_H
#define ONED_LIFECYCLE_HOST_H

#include <stdbool.h>
#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/objects/host.h"

enum host_event {
	HOST_EV_MONITORED,     /* the host is well: a sample arrived */
	HOST_EV_FAILED,        /* it can't be monitored */
	HOST_EV_ENABLE,
	HOST_EV_ENABLE_KNOWN,  /* ... and what it has is known from before */
	HOST_EV_DISABLE, HOST_EV_OFFLINE,
	HOST_EVENTS
};

/* HOST_STATES: the event means nothing in that state. */
enum host_state host_next_state(enum host_state state, enum host_event event);
/* Changes the state, with its log line, and tells the monitor driver. reason: of HOST_EV_FAILED, for the host's ERROR. false: the
 * event meant nothing. */
bool host_event(struct txn *t, struct host *h, enum host_event event, const char *reason);

/* ---- the monitor driver (host_monitor.c): kind "im", name "monitord" ---- */

/* Tells it of a host that is new or was changed (name, drivers, state), and of one that is gone. */
void host_tell_updated(struct txn *t, const struct host *h);
void host_tell_deleted(struct txn *t, int id);
void host_tell_start(struct txn *t, const struct host *h);
/* A message of it. */
void im_message(struct txn *t, const struct driver_msg *m);
/* It is up, for the first time or again: it learns all hosts. */
void im_driver_up(struct txn *t);

#endif
