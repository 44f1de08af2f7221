/* One connection: idle -> head -> body -> handler -> write -> idle, by non-blocking steps.
 *
 * The socket is registered edge-triggered once, so a request costs one epoll_wait, one recv and one sendmsg.
 * Each state in which the client is waited for has a deadline, and a time after which the connection may be
 * evicted for another client. */
#include "oned/api/http_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/arena.h"

enum {
	BUFFER_FIRST = 4096,
	BUFFER_KEPT = HTTP_HEAD_MAX + 1,  /* what a connection may keep between requests */
	READ_MOST = 256 * 1024,           /* in one step */
	STEPS_A_TURN = 32,                /* before the loop's others have their turn */
	IOVECS = 512,
	PROGRESS = 4096,                  /* bytes of an answer that count as progress */
	HONEST_BYTES_A_MS = 64,
	LINGER_MS = 2000,
};

/* How long a state may last before the connection is evicted when others wait. A request under way needs a
 * while, and one may be on its way over an idle connection: many clients don't try again. */
static const int evictable_after_ms[] = {
	[HTTP_IDLE] = 200, [HTTP_HEAD] = 1000, [HTTP_BODY] = 2000, [HTTP_HANDLER] = 0, [HTTP_WRITE] = 2000,
	[HTTP_LINGER] = 0, [HTTP_CLOSED] = 0,
};

static struct http_server *server_of(const struct http_conn *c)
{
	return c->loop->server;
}

static void enter(struct http_conn *c, enum http_state state, int timeout_ms)
{
	int64_t now = c->loop->now_ms;
	int after = evictable_after_ms[state == HTTP_IDLE && c->fresh ? HTTP_HEAD : state];

	c->state = state;
	c->deadline_ms = timeout_ms > 0 ? now + timeout_ms : INT64_MAX;
	c->evictable_from_ms = now + after;
	c->moved = 0;
	atomic_store_explicit(&c->evictable_ms, c->evictable_from_ms, memory_order_relaxed);
}

/* Bytes that came or went make the connection safe from eviction for as long as they'd take a slow but honest
 * client. */
static void moved(struct http_conn *c, size_t bytes)
{
	c->moved += bytes;
	atomic_store_explicit(&c->evictable_ms,
			      c->evictable_from_ms + (int64_t)(c->moved / HONEST_BYTES_A_MS),
			      memory_order_relaxed);
}

/* Memory for the body counts for the whole server. false: there is no more. */
static bool grow(struct http_conn *c, size_t cap)
{
	struct http_server *s = server_of(c);
	size_t budget = cap > BUFFER_KEPT ? cap : 0;

	if (budget > c->budgeted) {
		size_t more = budget - c->budgeted;
		if (atomic_fetch_add(&s->buffered, more) + more > s->config.max_buffered) {
			atomic_fetch_sub(&s->buffered, more);
			return false;
		}
		c->budgeted = budget;
	}
	c->buf = xrealloc(c->buf, cap);
	c->cap = cap;
	return true;
}

static void drop_buffer(struct http_conn *c)
{
	atomic_fetch_sub(&server_of(c)->buffered, c->budgeted);
	free(c->buf);
	c->buf = NULL;
	c->cap = c->len = c->budgeted = 0;
}

void http_conn_release_pieces(struct http_conn *c)
{
	for (; c->at_piece < c->n_pieces; c->at_piece++) {
		struct http_piece *p = &c->pieces[c->at_piece];
		if (p->release)
			p->release(p->owner);
	}
	if (c->pieces != c->inline_pieces)
		free(c->pieces);
	c->pieces = NULL;
	c->n_pieces = c->at_piece = c->at_byte = 0;
}

struct http_conn *http_conn_new(int fd, const struct sockaddr_storage *from)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));

	c->fd = fd;
	c->slot = -1;
	c->deadline_ms = INT64_MAX;
	atomic_init(&c->phase, HTTP_WAITS);
	atomic_init(&c->evictable_ms, INT64_MAX);
	http_address_of(from, c->address, c->rq.client, sizeof(c->rq.client), &c->rq.client_port);
	return c;
}

void http_conn_free(struct http_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	free(c);
}

void http_conn_disown(struct http_conn *c)
{
	struct http_loop *l = c->loop;

	http_slot_release(l->server, c);
	close(c->fd);
	c->fd = -1;
	*(c->prev ? &c->prev->next : &l->conns) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	atomic_fetch_sub(&l->n_conns, 1);
}

void http_conn_close(struct http_conn *c)
{
	http_conn_release_pieces(c);
	drop_buffer(c);
	http_conn_disown(c);
	c->state = HTTP_CLOSED;
	if (!c->ready) { /* else it is taken from the ready list first */
		c->queue_next = c->loop->closed;
		c->loop->closed = c;
	}
}

/* ---- answers ---- */

static const char *date_text(struct http_loop *l)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != l->date) {
		l->date = now;
		gmtime_r(&now, &tm);
		strftime(l->date_text, sizeof(l->date_text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	}
	return l->date_text;
}

/* Is this the connection that makes room for one that waits? */
static bool gives_place(struct http_server *s)
{
	if (atomic_load_explicit(&s->wanted, memory_order_relaxed) <= 0)
		return false;
	if (atomic_fetch_sub(&s->wanted, 1) > 0)
		return true;
	atomic_fetch_add(&s->wanted, 1);
	return false;
}

static bool keeps_alive(const struct http_conn *c)
{
	struct http_server *s = server_of(c);

	return c->head.keep_alive && !atomic_load_explicit(&s->stopping, memory_order_relaxed) &&
	       (s->config.keepalive_max <= 0 || c->requests < (unsigned)s->config.keepalive_max) &&
	       !gives_place(s);
}

/* The first piece was left free for the head. */
void http_conn_answer(struct http_conn *c)
{
	size_t total = 0;
	int n;

	for (size_t i = 1; i < c->n_pieces; i++)
		total += c->pieces[i].len;
	c->keep_alive = c->keep_alive && keeps_alive(c);
	n = snprintf(c->head_text, sizeof(c->head_text),
		     "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n"
		     "Content-Length: %zu\r\n%sConnection: %s\r\n\r\n",
		     c->status, http_status_text(c->status), date_text(c->loop),
		     c->status == 200 ? "text/xml; charset=utf-8" : "text/plain; charset=utf-8", total,
		     c->status == 405 ? "Allow: POST\r\n" : "", c->keep_alive ? "keep-alive" : "close");
	c->pieces[0] = (struct http_piece){ .data = c->head_text, .len = (size_t)n };
	c->at_piece = c->at_byte = c->sent_since = 0;
	if (c->status == 200 && c->len == c->head.length + c->head.content_length && c->cap > BUFFER_KEPT)
		drop_buffer(c); /* a big answer may take long to leave */
	c->blocked = false;
	enter(c, HTTP_WRITE, server_of(c)->config.timeout_ms);
	atomic_store(&c->phase, HTTP_WAITS);
}

/* Refuses what was not even a request for the handler, and closes. */
static void fail(struct http_conn *c, int status, const char *why)
{
	atomic_fetch_add_explicit(&server_of(c)->refused, 1, memory_order_relaxed);
	c->status = status;
	c->keep_alive = false;
	c->pieces = c->inline_pieces;
	c->pieces[1] = (struct http_piece){ .data = why, .len = strlen(why) };
	c->n_pieces = 2;
	http_conn_answer(c);
}

static size_t fill_iovecs(const struct http_conn *c, struct iovec *iov)
{
	size_t n = 0, skip = c->at_byte;

	for (size_t i = c->at_piece; i < c->n_pieces && n < IOVECS; i++) {
		iov[n].iov_base = (char *)(uintptr_t)c->pieces[i].data + skip;
		iov[n].iov_len = c->pieces[i].len - skip;
		skip = 0;
		n++;
	}
	return n;
}

static void advance(struct http_conn *c, size_t sent)
{
	c->sent_since += sent;
	while (c->at_piece < c->n_pieces) {
		struct http_piece *p = &c->pieces[c->at_piece];
		if (sent < p->len - c->at_byte) {
			c->at_byte += sent;
			return;
		}
		sent -= p->len - c->at_byte;
		if (p->release)
			p->release(p->owner);
		c->at_piece++;
		c->at_byte = 0;
	}
}

/* What came behind the request's body is the next one's beginning. */
static void next_request(struct http_conn *c)
{
	const struct http_config *conf = &server_of(c)->config;
	size_t used = c->head.length + c->head.content_length;

	if (c->buf && c->len > used) {
		c->buf[used] = c->after_body;
		memmove(c->buf, c->buf + used, c->len - used);
		c->len -= used;
	} else {
		c->len = 0;
		if (c->cap > BUFFER_KEPT)
			drop_buffer(c);
	}
	c->scanned = 0;
	c->fresh = false;
	if (c->len > 0)
		enter(c, HTTP_HEAD, conf->timeout_ms);
	else
		enter(c, HTTP_IDLE, conf->keepalive_timeout_ms);
}

static bool after_answer(struct http_conn *c)
{
	int status = c->status;

	http_conn_release_pieces(c);
	if (c->keep_alive) {
		next_request(c);
		return true;
	}
	/* a client that is still sending its body would get a reset and never see the refusal */
	if (status != 200 && !c->peer_closed && shutdown(c->fd, SHUT_WR) == 0) {
		drop_buffer(c);
		enter(c, HTTP_LINGER, LINGER_MS);
		return true;
	}
	http_conn_close(c);
	return false;
}

static bool step_write(struct http_conn *c)
{
	struct iovec iov[IOVECS];
	struct msghdr msg = { .msg_iov = iov };
	ssize_t n;

	msg.msg_iovlen = fill_iovecs(c, iov);
	n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN) {
		c->blocked = true;
		return false;
	}
	if (n < 0) {
		if (errno != EINTR)
			http_conn_close(c);
		return c->state == HTTP_WRITE;
	}
	advance(c, (size_t)n);
	if (c->at_piece == c->n_pieces)
		return after_answer(c);
	if (c->blocked)
		moved(c, (size_t)n);
	if (c->sent_since >= PROGRESS) {
		c->sent_since = 0;
		c->deadline_ms = c->loop->now_ms + server_of(c)->config.timeout_ms;
	}
	return true;
}

/* ---- requests ---- */

/* Reads at most `most` bytes to `to`; 0: nothing there now, or the connection is closed. */
static size_t receive(struct http_conn *c, char *to, size_t most)
{
	ssize_t n;

	if (!c->readable)
		return 0;
	do
		n = recv(c->fd, to, most, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		if ((size_t)n < most && !c->peer_closed)
			c->readable = false;
		return (size_t)n;
	}
	c->readable = false;
	if (n == 0 || errno != EAGAIN)
		http_conn_close(c);
	return 0;
}

/* Runs the handler; the answer may be there when it returns. */
static bool run_handler(struct http_conn *c)
{
	struct http_server *s = server_of(c);
	int waits = HTTP_WAITS;
	size_t end = c->head.length + c->head.content_length;

	if (!atomic_compare_exchange_strong(&c->phase, &waits, HTTP_SERVED)) {
		http_conn_close(c);
		return false;
	}
	c->after_body = c->buf[end];
	c->buf[end] = '\0';
	c->rq.body = c->buf + c->head.length;
	c->rq.len = c->head.content_length;
	c->rq.user = NULL;
	c->requests++;
	c->keep_alive = true;
	c->replied = false;
	atomic_fetch_add_explicit(&s->requests, 1, memory_order_relaxed);
	enter(c, HTTP_HANDLER, 0);
	c->in_handler = true;
	s->handler(s->ctx, &c->rq);
	c->in_handler = false;
	if (!c->replied)
		return false;
	http_conn_answer(c);
	return true;
}

/* The head is there: is the request acceptable, and is its body here? */
static bool begin_body(struct http_conn *c)
{
	const struct http_config *conf = &server_of(c)->config;
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (c->head.status == 0 && c->head.content_length > conf->max_body) {
		c->head.status = 413;
		c->head.why = "The request is too long.";
	}
	if (c->head.status) {
		fail(c, c->head.status, c->head.why);
		return true;
	}
	if (c->len >= c->head.length + c->head.content_length)
		return run_handler(c);
	if (c->head.expect_continue && c->len == c->head.length &&
	    send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) !=
		    (ssize_t)sizeof(go_on) - 1) {
		http_conn_close(c);
		return false;
	}
	enter(c, HTTP_BODY, conf->timeout_ms);
	return true;
}

static void skip_empty_lines(struct http_conn *c)
{
	size_t n = 0;

	while (n < c->len && (c->buf[n] == '\r' || c->buf[n] == '\n'))
		n++;
	if (n > 0) {
		c->len -= n;
		memmove(c->buf, c->buf + n, c->len);
	}
}

static bool step_head(struct http_conn *c)
{
	size_t n;

	if (c->scanned == 0)
		skip_empty_lines(c);
	if (c->len > 0 && http_parse_head(c->buf, c->len, &c->scanned, &c->head))
		return begin_body(c);
	if (c->len + 1 >= c->cap && !grow(c, c->cap == 0 ? BUFFER_FIRST : BUFFER_KEPT)) {
		http_conn_close(c);
		return false;
	}
	n = receive(c, c->buf + c->len, c->cap - 1 - c->len);
	if (n == 0)
		return false;
	c->len += n;
	if (c->state == HTTP_IDLE)
		enter(c, HTTP_HEAD, server_of(c)->config.timeout_ms);
	return true;
}

/* The buffer grows with what arrives, not with what is announced. */
static bool step_body(struct http_conn *c)
{
	size_t end = c->head.length + c->head.content_length;
	size_t most, n;

	if (c->len + 1 >= c->cap) {
		size_t cap = c->cap < READ_MOST ? READ_MOST : c->cap * 2;
		if (!grow(c, cap > end + 1 ? end + 1 : cap)) {
			fail(c, 503, "The server has too many requests in memory.");
			return true;
		}
	}
	most = (end < c->cap - 1 ? end : c->cap - 1) - c->len;
	n = receive(c, c->buf + c->len, most < READ_MOST ? most : READ_MOST);
	if (n == 0)
		return false;
	c->len += n;
	moved(c, n);
	return c->len == end ? run_handler(c) : true;
}

static bool step_linger(struct http_conn *c)
{
	char waste[8192];

	return receive(c, waste, sizeof(waste)) > 0;
}

/* One step. false: nothing more to do now. */
static bool step(struct http_conn *c)
{
	switch (c->state) {
	case HTTP_IDLE:
	case HTTP_HEAD:
		return step_head(c);
	case HTTP_BODY:
		return step_body(c);
	case HTTP_WRITE:
		return step_write(c);
	case HTTP_LINGER:
		return step_linger(c);
	case HTTP_HANDLER:
	case HTTP_CLOSED:
		return false;
	}
	return false;
}

void http_conn_run(struct http_conn *c)
{
	for (int i = 0; i < STEPS_A_TURN; i++)
		if (!step(c))
			return;
	http_loop_ready(c->loop, c);
}

void http_conn_event(struct http_conn *c, uint32_t events)
{
	if (c->state == HTTP_CLOSED)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->peer_closed = true;
	http_conn_run(c);
}

void http_conn_start(struct http_conn *c)
{
	c->readable = true;
	c->fresh = true;
	enter(c, HTTP_IDLE, server_of(c)->config.timeout_ms);
}

void http_conn_expire(struct http_conn *c)
{
	struct http_server *s = server_of(c);

	if (c->state != HTTP_IDLE && c->state != HTTP_LINGER)
		atomic_fetch_add_explicit(&s->timeouts, 1, memory_order_relaxed);
	if (c->state == HTTP_HEAD || c->state == HTTP_BODY) {
		fail(c, 408, "The request took too long.");
		http_conn_run(c);
	} else {
		http_conn_close(c);
	}
}
