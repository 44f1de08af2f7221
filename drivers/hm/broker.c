/* The ZeroMQ sockets of the hook manager (broker.h). The publisher is an XPUB socket: on the wire the
 * same as PUB, but it tells which subscriptions there are. */
#include "drivers/hm/broker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "common/arena.h"
#include "common/map.h"
#include "common/timeutil.h"
#include "drivers/hm/event.h"

#define QUEUE_MAX (64u * 1024 * 1024) /* bytes not published yet */
#define KEPT_MAX (32u * 1024 * 1024)  /* bytes kept for the executor */
#define KEPT_MAX_EVENTS 10000
#define KEPT_MAX_MS (3600 * 1000LL)
#define RESULT_MAX (16 * 1024 * 1024)
#define RETRY_TOPIC "RETRY"

enum item_kind { ITEM_EVENT, ITEM_RETRY };

struct item {
	struct item *next;
	enum item_kind kind;
	int64_t when_ms;
	size_t len;
	char content[];
};

struct list {
	struct item *first, *last;
	size_t n, bytes;
};

struct broker {
	struct broker_config config;
	void *zmq, *publisher, *listener;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock; /* of queue and stopping */
	struct list queue;
	bool stopping;
	/* the rest is the thread's */
	struct list kept;
	struct smap topics; /* subscribed to; the value means nothing */
	bool api_subscribed;
};

/* ---- Lists ---- */

static void list_push(struct list *l, struct item *item)
{
	item->next = NULL;
	if (l->last)
		l->last->next = item;
	else
		l->first = item;
	l->last = item;
	l->n++;
	l->bytes += item->len;
}

static struct item *list_pop(struct list *l)
{
	struct item *item = l->first;
	if (!item)
		return NULL;
	l->first = item->next;
	if (!l->first)
		l->last = NULL;
	l->n--;
	l->bytes -= item->len;
	return item;
}

static void list_clear(struct list *l)
{
	struct item *item;
	while ((item = list_pop(l)))
		free(item);
}

static enum one_rc enqueue(struct broker *b, enum item_kind kind, const char *content, struct one_err *err)
{
	size_t len = strlen(content);
	struct item *item = xmalloc(sizeof(*item) + len + 1);
	item->kind = kind;
	item->when_ms = time_mono_ms();
	item->len = len;
	memcpy(item->content, content, len + 1);
	pthread_mutex_lock(&b->lock);
	bool full = b->queue.bytes + len > QUEUE_MAX;
	if (!full)
		list_push(&b->queue, item);
	pthread_mutex_unlock(&b->lock);
	if (full) {
		free(item);
		return one_err_set(err, ONE_INTERNAL, "Too many hook events are waiting");
	}
	return ONE_OK;
}

void broker_flush(struct broker *b)
{
	eventfd_write(b->wake_fd, 1);
}

enum one_rc broker_event(struct broker *b, const char *base64, struct one_err *err)
{
	return enqueue(b, ITEM_EVENT, base64, err);
}

enum one_rc broker_retry(struct broker *b, const char *base64, const char *parameters, struct one_err *err)
{
	char *content = xasprintf("%s %s", base64, parameters);
	enum one_rc rc = enqueue(b, ITEM_RETRY, content, err);
	free(content);
	return rc;
}

/* ---- Publishing ---- */

static void publish(struct broker *b, const char *key, const struct item *item)
{
	if (zmq_send(b->publisher, key, strlen(key), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
		zmq_send(b->publisher, item->content, item->len, ZMQ_DONTWAIT);
}

static bool executor_is_there(const struct broker *b)
{
	return smap_get(&b->topics, RETRY_TOPIC) != NULL;
}

/* A subscription is a prefix of keys. */
static bool anybody_wants(const struct broker *b, const struct event_keys *keys)
{
	size_t it = 0;
	const char *topic;
	void *val;
	while (smap_next(&b->topics, &it, &topic, &val))
		for (int i = 0; i < keys->n; i++)
			if (strncmp(keys->keys[i], topic, strlen(topic)) == 0)
				return true;
	return false;
}

/* false: nobody was there to want it. */
static bool publish_event(struct broker *b, const struct item *item)
{
	struct arena arena = ARENA_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct event_keys keys = { .n = 0 };
	if (event_find_keys(&arena, item->content, &keys, &err) != ONE_OK)
		fprintf(stderr, "one_hm: %s\n", err.text);
	bool wanted = keys.n == 0 || anybody_wants(b, &keys);
	for (int i = 0; wanted && i < keys.n; i++)
		publish(b, keys.keys[i], item);
	arena_done(&arena);
	return wanted;
}

static void keep(struct broker *b, struct item *item)
{
	list_push(&b->kept, item);
	while (b->kept.n > KEPT_MAX_EVENTS || b->kept.bytes > KEPT_MAX ||
	       b->kept.first->when_ms < item->when_ms - KEPT_MAX_MS)
		free(list_pop(&b->kept));
}

static void publish_kept(struct broker *b)
{
	struct item *item;
	while ((item = list_pop(&b->kept))) {
		if (item->kind == ITEM_RETRY)
			publish(b, RETRY_TOPIC, item);
		else
			publish_event(b, item);
		free(item);
	}
}

static void deal_with(struct broker *b, struct item *item)
{
	bool there = executor_is_there(b), done;
	if (item->kind == ITEM_EVENT)
		done = b->topics.n > 0 && publish_event(b, item);
	else
		done = there;
	if (item->kind == ITEM_RETRY && there)
		publish(b, RETRY_TOPIC, item);
	if (done || there)
		free(item);
	else
		keep(b, item);
}

/* ---- Subscriptions and results ---- */

/* Are there keys of API calls that a subscription is about? */
static bool is_about_calls(const char *topic)
{
	static const char calls[] = "EVENT API ";
	size_t len = strlen(topic), most = sizeof(calls) - 1;
	return strncmp(topic, calls, len < most ? len : most) == 0;
}

static void tell_api(struct broker *b, bool anew)
{
	bool subscribed = false;
	size_t it = 0;
	const char *topic;
	void *val;
	while (!subscribed && smap_next(&b->topics, &it, &topic, &val))
		subscribed = is_about_calls(topic);
	if (b->config.api && (anew || subscribed != b->api_subscribed))
		b->config.api(b->config.ctx, subscribed);
	b->api_subscribed = subscribed;
}

/* One frame: 1 or 0, then the topic. */
static void take_subscription(struct broker *b, const char *frame, size_t len)
{
	char *topic = xmalloc(len);
	memcpy(topic, frame + 1, len - 1);
	topic[len - 1] = '\0';
	bool executor_came = frame[0] == 1 && strcmp(topic, RETRY_TOPIC) == 0 && !executor_is_there(b);
	if (frame[0] == 1)
		smap_put(&b->topics, topic, b);
	else
		smap_del(&b->topics, topic);
	tell_api(b, false);
	/* it subscribes to RETRY last, so its hooks are known by now */
	if (executor_came)
		publish_kept(b);
	free(topic);
}

static void read_subscriptions(struct broker *b)
{
	zmq_msg_t msg;
	zmq_msg_init(&msg);
	while (zmq_msg_recv(&msg, b->publisher, ZMQ_DONTWAIT) >= 0)
		if (zmq_msg_size(&msg) > 0)
			take_subscription(b, zmq_msg_data(&msg), zmq_msg_size(&msg));
	zmq_msg_close(&msg);
}

static void take_result(struct broker *b, const char *text)
{
	int exit_code = 0, at = 0;
	long long hook_id = 0;
	if (sscanf(text, "%d %lld %n", &exit_code, &hook_id, &at) < 2 || at == 0)
		fprintf(stderr, "one_hm: the hook executor sent what is no result: %.100s\n", text);
	else
		b->config.result(b->config.ctx, exit_code, hook_id, text + at);
}

static void read_result(struct broker *b)
{
	zmq_msg_t msg;
	zmq_msg_init(&msg);
	if (zmq_msg_recv(&msg, b->listener, ZMQ_DONTWAIT) >= 0) {
		char *text = xmalloc(zmq_msg_size(&msg) + 1);
		memcpy(text, zmq_msg_data(&msg), zmq_msg_size(&msg));
		text[zmq_msg_size(&msg)] = '\0';
		while (zmq_msg_more(&msg) && zmq_msg_recv(&msg, b->listener, ZMQ_DONTWAIT) >= 0)
			continue;
		zmq_send(b->listener, "ACK", 3, ZMQ_DONTWAIT);
		take_result(b, text);
		free(text);
	}
	zmq_msg_close(&msg);
}

/* ---- The thread ---- */

static struct item *next_item(struct broker *b, bool *stopping)
{
	pthread_mutex_lock(&b->lock);
	struct item *item = list_pop(&b->queue);
	*stopping = b->stopping;
	pthread_mutex_unlock(&b->lock);
	return item;
}

static void *broker_main(void *arg)
{
	struct broker *b = arg;
	bool stopping = false;
	tell_api(b, true);
	while (!stopping) {
		zmq_pollitem_t items[] = {
			{ b->publisher, 0, ZMQ_POLLIN, 0 },
			{ b->listener, 0, ZMQ_POLLIN, 0 },
			{ NULL, b->wake_fd, ZMQ_POLLIN, 0 },
		};
		if (zmq_poll(items, 3, -1) < 0)
			continue;
		eventfd_t drop;
		eventfd_read(b->wake_fd, &drop);
		read_subscriptions(b);
		read_result(b);
		struct item *item;
		while ((item = next_item(b, &stopping)))
			deal_with(b, item);
	}
	return NULL;
}

/* ---- Start and end ---- */

static enum one_rc bind_socket(struct broker *b, int type, int port, void **socket, struct one_err *err)
{
	char at[128];
	int linger_ms = 500;
	int64_t max = RESULT_MAX;
	*socket = zmq_socket(b->zmq, type);
	if (!*socket)
		return one_err_set(err, ONE_INTERNAL, "Cannot make a ZeroMQ socket: %s", zmq_strerror(errno));
	zmq_setsockopt(*socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
	zmq_setsockopt(*socket, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	if (type == ZMQ_XPUB && b->config.high_water_mark > 0)
		zmq_setsockopt(*socket, ZMQ_SNDHWM, &b->config.high_water_mark, sizeof(int));
	if (port)
		snprintf(at, sizeof(at), "tcp://%s:%d", b->config.bind, port);
	else
		snprintf(at, sizeof(at), "tcp://%s:*", b->config.bind);
	if (zmq_bind(*socket, at) < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot bind %s: %s", at, zmq_strerror(errno));
	return ONE_OK;
}

static int port_of(void *socket)
{
	char at[128] = "";
	size_t len = sizeof(at);
	zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, at, &len);
	const char *colon = strrchr(at, ':');
	return colon ? atoi(colon + 1) : 0;
}

int broker_publisher_port(const struct broker *b)
{
	return port_of(b->publisher);
}

int broker_listener_port(const struct broker *b)
{
	return port_of(b->listener);
}

static void broker_free(struct broker *b)
{
	if (b->publisher)
		zmq_close(b->publisher);
	if (b->listener)
		zmq_close(b->listener);
	zmq_ctx_term(b->zmq);
	list_clear(&b->queue);
	list_clear(&b->kept);
	smap_done(&b->topics);
	close(b->wake_fd);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

enum one_rc broker_start(const struct broker_config *config, struct broker **out, struct one_err *err)
{
	struct broker *b = xcalloc(1, sizeof(*b));
	b->config = *config;
	b->zmq = zmq_ctx_new();
	b->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&b->lock, NULL);
	enum one_rc rc = bind_socket(b, ZMQ_XPUB, config->publisher_port, &b->publisher, err);
	if (rc == ONE_OK)
		rc = bind_socket(b, ZMQ_REP, config->listener_port, &b->listener, err);
	if (rc == ONE_OK && pthread_create(&b->thread, NULL, broker_main, b) != 0)
		rc = one_err_set(err, ONE_INTERNAL, "Cannot start a thread");
	if (rc != ONE_OK) {
		broker_free(b);
		return rc;
	}
	*out = b;
	return ONE_OK;
}

void broker_stop(struct broker *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	pthread_mutex_unlock(&b->lock);
	eventfd_write(b->wake_fd, 1);
	pthread_join(b->thread, NULL);
	broker_free(b);
}
