/* Events of the hook manager (ZeroMQ PUB/SUB), by which a cycle starts within milliseconds.
 *
 * Only that something happened counts, not what the message says: the cycle reads the pools anyway. So lost
 * messages do no harm, and a publisher that is away is no error: the socket connects again by itself. */
#ifndef SCHEDULER_EVENTS_H
#define SCHEDULER_EVENTS_H

#include <stdbool.h>
#include "common/err.h"

struct events;

struct events_seen {
	bool pending; /* a VM became PENDING */
	bool freed;   /* capacity may have become free: a VM ended, a host came (back) */
	bool fd_ready;
};

/* endpoint: "tcp://127.0.0.1:2101"; "": no events, only the waiting works. ONE_INTERNAL: not a ZeroMQ
 * endpoint. */
enum one_rc events_open(const char *endpoint, struct events **out, struct one_err *err);
void events_close(struct events *e);
/* Waits for an event or until fd is readable, at most timeout_ms; takes all events that are there. */
void events_wait(struct events *e, int fd, int timeout_ms, struct events_seen *seen);

#endif
