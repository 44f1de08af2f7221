/* A plain HTTP client and a server with a handler of many moods, for the tests of the HTTP server.
 * Every read gives up after some time, so that a test fails instead of hanging. */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/strbuf.h"
#include "oned/api/http.h"

enum { PATIENCE_S = 20, FLOOD_PIECES = 1000 };

static inline int dial_with(int port, int receive_buffer)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline int dial(int port)
{
	return dial_with(port, 0);
}

/* The server may have closed meanwhile: what could be sent is sent. */
static inline bool send_bytes(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool send_text(int fd, const char *text)
{
	return send_bytes(fd, text, strlen(text));
}

static inline void post_bytes(int fd, const char *body, size_t len)
{
	char head[200];

	snprintf(head, sizeof(head),
		 "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n",
		 len);
	send_text(fd, head);
	send_bytes(fd, body, len);
}

static inline void post(int fd, const char *body)
{
	post_bytes(fd, body, strlen(body));
}

/* Reads one answer. The status, or 0 when the connection ended before a whole one; the body is put into
 * `body`. */
static inline int read_answer(int fd, struct strbuf *body, bool *closes)
{
	char head[4096];
	size_t n = 0, left = 0;
	const char *at;

	strbuf_reset(body);
	do {
		if (n == sizeof(head) - 1 || recv(fd, head + n, 1, 0) != 1)
			return 0;
		head[++n] = '\0';
	} while (n < 4 || strcmp(head + n - 4, "\r\n\r\n") != 0);
	if (closes)
		*closes = strcasestr(head, "\r\nConnection: close\r\n") != NULL;
	at = strcasestr(head, "\r\nContent-Length: ");
	left = at ? (size_t)strtoull(at + 18, NULL, 10) : 0;
	while (left > 0) {
		char buf[65536];
		ssize_t got = recv(fd, buf, left < sizeof(buf) ? left : sizeof(buf), 0);
		if (got <= 0)
			return 0;
		strbuf_add(body, buf, (size_t)got);
		left -= (size_t)got;
	}
	return atoi(head + 9);
}

static inline int status_of(int fd)
{
	struct strbuf body = STRBUF_INIT;
	int status = read_answer(fd, &body, NULL);

	strbuf_done(&body);
	return status;
}

static inline bool is_closed(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) <= 0;
}

/* ---- the server ---- */

struct server {
	struct http_server *http;
	int port;
	atomic_int released, calls;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct http_request *held[64]; /* by the handler "hold" */
	int n_held;
	bool joined;
	pthread_t answerer;            /* of "later" */
	bool stop;
};

static inline void count_release(void *owner)
{
	atomic_fetch_add(&((struct server *)owner)->released, 1);
}

static inline void echo(struct server *s, struct http_request *rq)
{
	char *copy = malloc(rq->len + 1);
	struct http_piece pieces[2] = { { copy, rq->len, free, copy }, { "", 0, count_release, s } };

	if (!copy)
		abort();
	memcpy(copy, rq->body, rq->len + 1);
	http_reply(rq, pieces, 2);
}

static inline void reply_pieces(struct server *s, struct http_request *rq, const char *piece, size_t len, size_t n)
{
	struct http_piece *pieces = malloc(n * sizeof(*pieces));

	if (!pieces)
		abort();
	for (size_t i = 0; i < n; i++)
		pieces[i] = (struct http_piece){ piece, len, count_release, s };
	http_reply(rq, pieces, n);
	free(pieces);
}

/* "later...", "hold...", "refuse...", "pieces N", "flood" (more than any socket buffers); anything else is echoed */
static inline void moods(void *ctx, struct http_request *rq)
{
	static const char piece[] = "0123456789", big_piece[1 << 16];
	struct server *s = ctx;

	atomic_fetch_add(&s->calls, 1);
	if (strncmp(rq->body, "later", 5) == 0 || strncmp(rq->body, "hold", 4) == 0) {
		pthread_mutex_lock(&s->lock);
		rq->user = s;
		s->held[s->n_held++] = rq;
		pthread_cond_broadcast(&s->came);
		pthread_mutex_unlock(&s->lock);
	} else if (strncmp(rq->body, "refuse", 6) == 0) {
		http_refuse(rq, 500, "No.");
	} else if (strncmp(rq->body, "pieces ", 7) == 0) {
		reply_pieces(s, rq, piece, sizeof(piece) - 1, strtoul(rq->body + 7, NULL, 10));
	} else if (strncmp(rq->body, "flood", 5) == 0) {
		reply_pieces(s, rq, big_piece, sizeof(big_piece), FLOOD_PIECES);
	} else {
		echo(s, rq);
	}
}

/* Waits until the handler holds n requests; take_held gives them back, the last first. */
static inline void wait_held(struct server *s, int n)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_held < n)
		pthread_cond_wait(&s->came, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static inline struct http_request *take_held(struct server *s)
{
	struct http_request *rq;

	pthread_mutex_lock(&s->lock);
	if (s->n_held == 0)
		abort();
	rq = s->held[--s->n_held];
	pthread_mutex_unlock(&s->lock);
	return rq;
}

/* Answers from a thread of its own what the handler has kept. */
static inline void *answer_later(void *arg)
{
	struct server *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (s->n_held == 0) {
			pthread_cond_wait(&s->came, &s->lock);
			continue;
		}
		struct http_request *rq = s->held[--s->n_held];
		pthread_mutex_unlock(&s->lock);
		if (strstr(rq->body, "refuse"))
			http_refuse(rq, 503, "Later.");
		else
			echo(s, rq);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static inline struct http_config usual_config(void)
{
	return (struct http_config){
		.address = "127.0.0.1",
		.max_conn = 32,
		.backlog = 32,
		.keepalive_timeout_ms = 10000,
		.timeout_ms = 10000,
		.max_body = 1 << 20,
		.max_buffered = 1 << 22,
		.loops = 2,
	};
}

static inline struct server *start_server(const struct http_config *config, http_handler handler)
{
	struct server *s = calloc(1, sizeof(*s));
	struct one_err err = ONE_ERR_INIT;

	assert_non_null(s);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->came, NULL);
	assert_int_equal(http_start(config, handler, s, &s->http, &err), ONE_OK);
	s->port = http_port(s->http);
	return s;
}

static inline void start_answerer(struct server *s)
{
	s->joined = true;
	assert_int_equal(pthread_create(&s->answerer, NULL, answer_later, s), 0);
}

static inline void stop_server(struct server *s)
{
	if (s->joined) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_broadcast(&s->came);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->answerer, NULL);
	}
	http_stop(s->http, 0);
	pthread_cond_destroy(&s->came);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Until somebody else has brought the counter to n (the runner's time limit ends a hopeless wait). */
static inline void wait_count(atomic_int *counter, int n)
{
	while (atomic_load(counter) < n)
		poll(NULL, 0, 1);
}

#endif
