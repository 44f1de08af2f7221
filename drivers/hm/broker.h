/* The two ZeroMQ sockets of the hook manager, and the thread that owns them.
 *
 *   publisher  (PUB; default port 2101)  frames KEY, CONTENT: an event for each of its keys (event.h), or
 *                                        "RETRY" and "<base64> <parameters>" for a hook that is to run again
 *   listener   (REP; default port 2102)  "RC HOOK_ID BASE64" from the hook executor, answered "ACK"
 *
 * While nobody subscribes to anything an event isn't even looked into. The hook executor is known by its
 * subscription to "RETRY": while it is away, what nobody else is subscribed to is kept, within limits,
 * and published when it comes back, so that a restart of the executor misses no hook. */
#ifndef HM_BROKER_H
#define HM_BROKER_H

#include <stdbool.h>
#include "common/err.h"

struct broker;

/* A hook ran. `rest` is what the executor sent after the id. */
typedef void (*broker_result_fn)(void *ctx, int exit_code, long long hook_id, const char *rest);

/* Somebody subscribes to events of API calls, or nobody does: at the start, and whenever it changes. The broker's thread. */
typedef void (*broker_api_fn)(void *ctx, bool subscribed);

struct broker_config {
	const char *bind;     /* address */
	int publisher_port, listener_port; /* 0: any free one, see broker_port */
	int high_water_mark;  /* messages kept for a slow subscriber; 0: ZeroMQ's default */
	broker_result_fn result;
	broker_api_fn api; /* NULL: not asked for */
	void *ctx;
};

enum one_rc broker_start(const struct broker_config *config, struct broker **out, struct one_err *err);
/* What is queued is published first. */
void broker_stop(struct broker *b);
/* Queue one, which goes out with broker_flush; any thread. ONE_INTERNAL: too much is waiting. */
enum one_rc broker_event(struct broker *b, const char *base64, struct one_err *err);
enum one_rc broker_retry(struct broker *b, const char *base64, const char *parameters, struct one_err *err);
/* What is queued goes out. */
void broker_flush(struct broker *b);
int broker_publisher_port(const struct broker *b);
int broker_listener_port(const struct broker *b);

#endif
