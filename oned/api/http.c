/* The HTTP server: its loops, how other threads hand answers back to them, start and stop. */
#include "oned/api/http_priv.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "common/arena.h"
#include "common/timeutil.h"

enum { EVENTS = 64, TICK_MOST_MS = 500, TICK_LEAST_MS = 5, WAITING_TICK_MS = 20 };

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* ---- between threads ---- */

void http_loop_wake(struct http_loop *l)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(l->wake_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

bool http_loop_post(struct http_loop *l, struct http_conn *c)
{
	bool gone, wake;

	c->inbox_next = NULL;
	pthread_mutex_lock(&l->lock);
	gone = l->gone;
	if (!gone) {
		if (l->inbox_last)
			l->inbox_last->inbox_next = c;
		else
			l->inbox = c;
		l->inbox_last = c;
	}
	wake = !gone && !l->woken;
	if (wake)
		l->woken = true;
	pthread_mutex_unlock(&l->lock);
	if (wake)
		http_loop_wake(l);
	return !gone;
}

static struct http_conn *take_inbox(struct http_loop *l)
{
	struct http_conn *all;

	pthread_mutex_lock(&l->lock);
	all = l->inbox;
	l->inbox = l->inbox_last = NULL;
	l->woken = false;
	pthread_mutex_unlock(&l->lock);
	return all;
}

static void take_over(struct http_loop *l, struct http_conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };

	c->admitted = true;
	c->next = l->conns;
	c->prev = NULL;
	if (l->conns)
		l->conns->prev = c;
	l->conns = c;
	http_conn_start(c);
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		http_conn_close(c);
	else
		http_conn_run(c);
}

static void drain_inbox(struct http_loop *l)
{
	struct http_conn *c, *next;

	for (c = take_inbox(l); c; c = next) {
		next = c->inbox_next;
		if (!c->admitted) {
			take_over(l, c);
		} else {
			http_conn_answer(c);
			http_conn_run(c);
		}
	}
}

/* ---- a loop ---- */

void http_loop_ready(struct http_loop *l, struct http_conn *c)
{
	if (c->ready)
		return;
	c->ready = true;
	c->queue_next = NULL;
	if (l->ready_last)
		l->ready_last->queue_next = c;
	else
		l->ready = c;
	l->ready_last = c;
}

static void run_ready(struct http_loop *l)
{
	struct http_conn *c = l->ready, *next;

	l->ready = l->ready_last = NULL;
	for (; c; c = next) {
		next = c->queue_next;
		c->ready = false;
		if (c->state == HTTP_CLOSED) {
			c->queue_next = l->closed;
			l->closed = c;
		} else {
			http_conn_run(c);
		}
	}
}

/* Events of one epoll_wait may still point to a connection that was closed on the way: it is freed here. */
static void free_closed(struct http_loop *l)
{
	while (l->closed) {
		struct http_conn *c = l->closed;
		l->closed = c->queue_next;
		http_conn_free(c);
	}
}

static void close_where(struct http_loop *l, bool all)
{
	struct http_conn *c, *next;

	for (c = l->conns; c; c = next) {
		next = c->next;
		if (all || (c->state != HTTP_HANDLER && c->state != HTTP_WRITE))
			http_conn_close(c);
	}
}

static void tick(struct http_loop *l)
{
	struct http_server *s = l->server;
	struct http_conn *c, *next;
	bool first = l == &s->loops[0];

	for (c = l->conns; c; c = next) {
		next = c->next;
		if (c->deadline_ms <= l->now_ms)
			http_conn_expire(c);
	}
	if (first && !atomic_load(&s->stopping))
		http_admit_waiters(s);
	bool waiting = first && s->n_waiters > 0;
	l->next_tick_ms = l->now_ms + (waiting ? smaller(s->tick_ms, WAITING_TICK_MS) : s->tick_ms);
}

static int wait_ms(const struct http_loop *l)
{
	const struct http_server *s = l->server;
	bool waiting = l == &s->loops[0] && (s->n_waiters > 0 || s->accept_again_ms);
	int64_t left = l->next_tick_ms - l->now_ms;

	if (l->ready)
		return 0;
	if (!l->conns && !waiting && !atomic_load(&s->stopping))
		return -1;
	return left > 0 ? (int)left : 0;
}

static void dispatch(struct http_loop *l, const struct epoll_event *ev)
{
	struct http_server *s = l->server;
	uint64_t count;

	if (ev->data.ptr == l) {
		if (read(l->wake_fd, &count, sizeof(count)) < 0)
			return; /* the inbox is looked at after the events anyway */
		if (l == &s->loops[0] && !atomic_load(&s->stopping))
			http_admit_waiters(s);
	} else if (ev->data.ptr == s) {
		http_admit_accept(s);
	} else {
		http_conn_event(ev->data.ptr, ev->events);
	}
}

static void turn(struct http_loop *l)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll_fd, events, EVENTS, wait_ms(l));

	l->now_ms = time_mono_ms();
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	drain_inbox(l);
	run_ready(l);
	if (l->now_ms >= l->next_tick_ms)
		tick(l);
	free_closed(l);
}

/* Under the loop's lock: from now on no answer comes in. The handler still has these requests, so their
 * memory stays until it answers (hand_back). */
static struct http_conn *close_inbox(struct http_loop *l)
{
	struct http_conn *inbox = l->inbox, *c, *next;
	int owed = 0;

	l->gone = true;
	l->inbox = l->inbox_last = NULL;
	for (c = inbox; c; c = c->inbox_next)
		c->state = HTTP_WRITE;
	for (c = l->conns; c; c = next) {
		next = c->next;
		if (c->state == HTTP_HANDLER) {
			owed++;
			http_conn_disown(c);
		}
	}
	atomic_fetch_add(&l->server->refs, owed);
	return inbox;
}

static void end_loop(struct http_loop *l)
{
	struct http_conn *c, *next;

	pthread_mutex_lock(&l->lock);
	c = close_inbox(l);
	pthread_mutex_unlock(&l->lock);
	for (; c; c = next) {
		next = c->inbox_next;
		if (!c->admitted) {
			http_slot_release(l->server, c);
			http_conn_free(c);
		}
	}
	close_where(l, true);
	run_ready(l);
	free_closed(l);
}

static void *run_loop(void *arg)
{
	struct http_loop *l = arg;
	struct http_server *s = l->server;

	l->self = pthread_self();
	l->now_ms = time_mono_ms();
	while (!atomic_load(&s->stopping))
		turn(l);
	if (l == &s->loops[0])
		http_admit_stop(s);
	while (l->conns && l->now_ms < atomic_load(&s->stop_ms)) {
		close_where(l, false);
		turn(l);
	}
	end_loop(l);
	return NULL;
}

/* ---- answers, from any thread ---- */

static void free_server(struct http_server *s)
{
	for (int i = 0; i < s->n_loops; i++)
		pthread_mutex_destroy(&s->loops[i].lock);
	pthread_mutex_destroy(&s->lock);
	free(s->loops);
	free(s->slots);
	free(s->free_slots);
	free(s->waiters);
	free(s);
}

static void unref_server(struct http_server *s)
{
	if (atomic_fetch_sub(&s->refs, 1) == 1)
		free_server(s);
}

static void hand_back(struct http_conn *c)
{
	struct http_loop *l = c->loop;

	if (pthread_equal(l->self, pthread_self()) && !l->gone) {
		if (c->in_handler) {
			c->replied = true;
		} else {
			http_conn_answer(c);
			http_loop_ready(l, c);
		}
		return;
	}
	if (!http_loop_post(l, c)) {
		struct http_server *s = l->server;
		http_conn_release_pieces(c);
		http_conn_free(c);
		unref_server(s);
	}
}

static void set_answer(struct http_conn *c, int status, const struct http_piece *pieces, size_t n)
{
	c->status = status;
	c->pieces = n < HTTP_PIECES_INLINE ? c->inline_pieces : xmalloc((n + 1) * sizeof(*pieces));
	c->pieces[0] = (struct http_piece){ .data = NULL };
	if (n > 0)
		memcpy(c->pieces + 1, pieces, n * sizeof(*pieces));
	c->n_pieces = n + 1;
	c->at_piece = 0;
}

static struct http_conn *conn_of(struct http_request *rq)
{
	return (struct http_conn *)(void *)((char *)rq - offsetof(struct http_conn, rq));
}

void http_reply(struct http_request *rq, const struct http_piece *pieces, size_t n)
{
	struct http_conn *c = conn_of(rq);

	set_answer(c, 200, pieces, n);
	hand_back(c);
}

void http_refuse(struct http_request *rq, int status, const char *text)
{
	struct http_conn *c = conn_of(rq);
	char *copy = xstrdup(text);
	struct http_piece piece = { .data = copy, .len = strlen(copy), .release = free, .owner = copy };

	assert(status >= 400);
	set_answer(c, status, &piece, 1);
	hand_back(c);
}

/* ---- start and stop ---- */

static int shortest(const struct http_config *c)
{
	return c->keepalive_timeout_ms > 0 ? smaller(c->keepalive_timeout_ms, c->timeout_ms) : c->timeout_ms;
}

static struct http_server *make_server(const struct http_config *config, http_handler handler, void *ctx)
{
	struct http_server *s = xcalloc(1, sizeof(*s));
	int tick_ms;

	s->config = *config;
	s->handler = handler;
	s->ctx = ctx;
	s->listen_fd = -1;
	s->n_loops = config->loops > 0 ? config->loops : 1;
	s->loops = xcalloc((size_t)s->n_loops, sizeof(*s->loops));
	tick_ms = shortest(config) / 8;
	s->tick_ms = tick_ms < TICK_LEAST_MS ? TICK_LEAST_MS : smaller(tick_ms, TICK_MOST_MS);
	s->max_waiters = config->backlog > 0 ? config->backlog : 1;
	s->waiters = xcalloc((size_t)s->max_waiters, sizeof(*s->waiters));
	s->slots = xcalloc((size_t)config->max_conn, sizeof(struct http_conn *));
	s->free_slots = xcalloc((size_t)config->max_conn, sizeof(int));
	for (s->n_free = 0; s->n_free < config->max_conn; s->n_free++)
		s->free_slots[s->n_free] = config->max_conn - 1 - s->n_free;
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	for (int i = 0; i < s->n_loops; i++) {
		s->loops[i].server = s;
		s->loops[i].epoll_fd = s->loops[i].wake_fd = -1;
		pthread_mutex_init(&s->loops[i].lock, NULL);
	}
	return s;
}

static bool watch(struct http_loop *l, int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static enum one_rc prepare_loop(struct http_loop *l, struct one_err *err)
{
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->epoll_fd < 0 || l->wake_fd < 0 || !watch(l, l->wake_fd, l))
		return one_err_set(err, ONE_INTERNAL, "Cannot make an event loop: %s", strerror(errno));
	return ONE_OK;
}

static void close_fds(struct http_server *s)
{
	for (int i = 0; i < s->n_loops; i++) {
		if (s->loops[i].epoll_fd >= 0)
			close(s->loops[i].epoll_fd);
		if (s->loops[i].wake_fd >= 0)
			close(s->loops[i].wake_fd);
	}
	if (s->listen_fd >= 0)
		close(s->listen_fd);
}

static void join_loops(struct http_server *s, int n)
{
	for (int i = 0; i < n; i++)
		http_loop_wake(&s->loops[i]);
	for (int i = 0; i < n; i++)
		pthread_join(s->loops[i].thread, NULL);
}

static enum one_rc start_loops(struct http_server *s, struct one_err *err)
{
	enum one_rc rc = http_listen(s, err);

	for (int i = 0; i < s->n_loops && rc == ONE_OK; i++)
		rc = prepare_loop(&s->loops[i], err);
	if (rc == ONE_OK && !watch(&s->loops[0], s->listen_fd, s))
		rc = one_err_set(err, ONE_INTERNAL, "Cannot watch the API's socket: %s", strerror(errno));
	for (int i = 0; i < s->n_loops && rc == ONE_OK; i++) {
		int failed = pthread_create(&s->loops[i].thread, NULL, run_loop, &s->loops[i]);
		if (failed) {
			rc = one_err_set(err, ONE_INTERNAL, "Cannot start a thread: %s", strerror(failed));
			atomic_store(&s->stopping, true);
			join_loops(s, i);
		}
	}
	return rc;
}

enum one_rc http_start(const struct http_config *config, http_handler handler, void *ctx,
		       struct http_server **out, struct one_err *err)
{
	struct http_server *s;
	enum one_rc rc;

	if (config->max_conn < 1 || config->timeout_ms < 1)
		return one_err_set(err, ONE_INTERNAL, "The API needs at least one connection and a timeout");
	s = make_server(config, handler, ctx);
	rc = start_loops(s, err);
	if (rc != ONE_OK) {
		close_fds(s);
		free_server(s);
		return rc;
	}
	*out = s;
	return ONE_OK;
}

void http_stop(struct http_server *s, int grace_ms)
{
	if (!s)
		return;
	atomic_store(&s->stop_ms, time_mono_ms() + grace_ms);
	atomic_store(&s->stopping, true);
	join_loops(s, s->n_loops);
	close_fds(s);
	unref_server(s);
}

int http_port(const struct http_server *s)
{
	return s->port;
}

void http_stats(const struct http_server *server, struct http_stats *out)
{
	struct http_server *s = (struct http_server *)(uintptr_t)server; /* the lock is not const */

	out->connections = atomic_load(&s->connections);
	out->requests = atomic_load(&s->requests);
	out->refused = atomic_load(&s->refused);
	out->timeouts = atomic_load(&s->timeouts);
	pthread_mutex_lock(&s->lock);
	out->open = s->config.max_conn - s->n_free;
	pthread_mutex_unlock(&s->lock);
}
