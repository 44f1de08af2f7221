/* Driver processes (OpenNebula: MADs): starting, supervising, talking.
 *
 * One I/O thread serves the pipes of all drivers with epoll; sending never blocks (a queue a driver,
 * bounded). A driver that doesn't answer INIT within the deadline, dies, or sends garbage is reported and
 * restarted with growing pauses; the others are not touched. Its standard error goes to the log. */
#ifndef ONED_DRIVERS_MAD_H
#define ONED_DRIVERS_MAD_H

#include <stdbool.h>
#include "common/driver.h"
#include "common/err.h"

struct mads;

struct mad_config {
	const char *kind; /* "vmm", "tm", "datastore", "im", "auth", "hm", "market", "ipam": prefix in logs.
			   * Lines to an "im" driver have a status word: "ACTION - ID PAYLOAD". */
	const char *name;            /* "kvm"; unique within kind */
	const char *const *argv;     /* executable and arguments (split like OpenNebula does: at blanks) */
	const char *const *env;      /* added to ours; NULL for none */
};

/* MAD_DOWN comes also for a start that failed. */
enum mad_event {
	MAD_UP,      /* INIT answered */
	MAD_MESSAGE,
	MAD_DOWN,    /* died; everything sent and not yet answered is lost */
};

/* Called on the I/O thread; must not block. msg is valid during the call; NULL but for MAD_MESSAGE. LOG
 * lines come as messages. */
typedef void (*mad_event_fn)(void *ctx, const char *kind, const char *name, enum mad_event what,
			     const struct driver_msg *msg);

enum one_rc mads_new(mad_event_fn fn, void *ctx, struct mads **out, struct one_err *err);
/* Adds one and starts it (asynchronously: MAD_UP tells). All strings are copied. */
enum one_rc mads_add(struct mads *m, const struct mad_config *config, struct one_err *err);
/* Waits until each has answered INIT or failed to; a line of text for each that failed. For the start. */
enum one_rc mads_wait_up(struct mads *m, int timeout_ms, struct one_err *err);
bool mads_has(const struct mads *m, const char *kind, const char *name);
/* Queues one line; any thread. ONE_INTERNAL when there is no such driver, it is down, or its queue is
 * full (64 MB). */
enum one_rc mads_send(struct mads *m, const char *kind, const char *name, const char *action, long long id,
		      const char *payload, struct one_err *err);
/* FINALIZE to all, waits grace_ms, kills what is left, joins the thread. */
void mads_stop(struct mads *m, int grace_ms);

#endif
