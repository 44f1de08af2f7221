/* The subscription.
 *
 * A message has two frames, a key and a body (base64 of an XML document). Of a state change the key is
 * "EVENT STATE <VM|HOST|...>/<STATE>/<LCM_STATE>/<ID> ". */
#include "scheduler/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include "common/arena.h"

#define QUEUE_MESSAGES    64
#define MAX_MESSAGE_BYTES (64LL * 1024 * 1024)
#define RECONNECT_MS      200
#define RECONNECT_MAX_MS  5000
/* So that a stream of events can't keep the caller from his work. */
#define DRAIN_AT_ONCE 10000

struct events {
	void *context, *socket;
};

enum event_kind { EVENT_PENDING, EVENT_FREED };

static const struct {
	const char *key;
	enum event_kind kind;
} SUBSCRIPTIONS[] = {
	{ "EVENT STATE VM/PENDING/", EVENT_PENDING },   { "EVENT STATE VM/DONE/", EVENT_FREED },
	{ "EVENT STATE VM/STOPPED/", EVENT_FREED },     { "EVENT STATE VM/UNDEPLOYED/", EVENT_FREED },
	{ "EVENT STATE HOST/MONITORED/", EVENT_FREED },
};

#define N_SUBSCRIPTIONS (sizeof(SUBSCRIPTIONS) / sizeof(SUBSCRIPTIONS[0]))

static void set_options(void *socket)
{
	int queue = QUEUE_MESSAGES, again_ms = RECONNECT_MS, again_max_ms = RECONNECT_MAX_MS, linger_ms = 0;
	int64_t max_bytes = MAX_MESSAGE_BYTES;

	zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof(queue));
	zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes));
	zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &again_ms, sizeof(again_ms));
	zmq_setsockopt(socket, ZMQ_RECONNECT_IVL_MAX, &again_max_ms, sizeof(again_max_ms));
	zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
	for (size_t i = 0; i < N_SUBSCRIPTIONS; i++)
		zmq_setsockopt(socket, ZMQ_SUBSCRIBE, SUBSCRIPTIONS[i].key, strlen(SUBSCRIPTIONS[i].key));
}

enum one_rc events_open(const char *endpoint, struct events **out, struct one_err *err)
{
	struct events *e = xcalloc(1, sizeof(*e));

	*out = e;
	if (!*endpoint)
		return ONE_OK;
	e->context = zmq_ctx_new();
	e->socket = e->context ? zmq_socket(e->context, ZMQ_SUB) : NULL;
	if (e->socket) {
		set_options(e->socket);
		if (zmq_connect(e->socket, endpoint) == 0)
			return ONE_OK;
	}
	one_err_set(err, ONE_INTERNAL, "Cannot subscribe to events at %s: %s", endpoint, zmq_strerror(errno));
	events_close(e);
	*out = NULL;
	return ONE_INTERNAL;
}

void events_close(struct events *e)
{
	if (!e)
		return;
	if (e->socket)
		zmq_close(e->socket);
	if (e->context)
		zmq_ctx_term(e->context);
	free(e);
}

static void note(const char *key, size_t len, struct events_seen *seen)
{
	for (size_t i = 0; i < N_SUBSCRIPTIONS; i++) {
		size_t key_len = strlen(SUBSCRIPTIONS[i].key);

		if (len < key_len || memcmp(key, SUBSCRIPTIONS[i].key, key_len) != 0)
			continue;
		if (SUBSCRIPTIONS[i].kind == EVENT_PENDING)
			seen->pending = true;
		else
			seen->freed = true;
	}
}

/* Takes one message; false when there is none. */
static bool take_message(void *socket, struct events_seen *seen)
{
	bool more = true;

	for (int frame = 0; more; frame++) {
		zmq_msg_t msg;

		zmq_msg_init(&msg);
		if (zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&msg);
			return false;
		}
		if (frame == 0)
			note(zmq_msg_data(&msg), zmq_msg_size(&msg), seen);
		more = zmq_msg_more(&msg);
		zmq_msg_close(&msg);
	}
	return true;
}

void events_wait(struct events *e, int fd, int timeout_ms, struct events_seen *seen)
{
	zmq_pollitem_t items[] = { { NULL, fd, ZMQ_POLLIN, 0 }, { e->socket, 0, ZMQ_POLLIN, 0 } };

	*seen = (struct events_seen){ 0 };
	if (zmq_poll(items, e->socket ? 2 : 1, timeout_ms) <= 0)
		return;
	seen->fd_ready = items[0].revents != 0;
	for (int n = 0; e->socket && n < DRAIN_AT_ONCE && take_message(e->socket, seen); n++)
		continue;
}
