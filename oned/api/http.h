/* The HTTP server under the XML-RPC API.
 *
 * xmlrpc-c's Abyss serves one connection a thread, so a few slow clients take the API away from everybody, it
 * limits neither the time of a header nor that of a body, and it copies an answer several times. Here some
 * loops (threads) serve all connections with epoll: a slow client costs memory, not a thread. xmlrpc-c still
 * does the protocol (rpc.h).
 *
 * Only POST with a Content-Length, to any path; keep-alive and pipelining-free; "Expect: 100-continue" is
 * answered. Refused with a proper status: other methods (405), chunked or compressed bodies (411/415), bodies
 * over the limit (413), long or many headers (431), anything malformed (400), too many connections (503).
 *
 * When max_conn connections are served, others wait for a place, at most timeout_ms; meanwhile answers close
 * their connection and those that keep the server waiting (idle, slow) are evicted, so neither idle nor slow
 * clients shut the others out. */
#ifndef ONED_API_HTTP_H
#define ONED_API_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

struct http_server;

struct http_config {
	const char *address;      /* LISTEN_ADDRESS */
	int port;                 /* PORT; 0: any, see http_port */
	int max_conn;             /* connections served at once */
	int max_conn_per_address; /* of one client address other than loopback; 0: no limit */
	int backlog;              /* who waits for a place here; more wait in the kernel's queue */
	int keepalive_timeout_ms; /* idle between requests */
	int keepalive_max;        /* requests a connection; 0: no limit */
	int timeout_ms;           /* for a whole head, for a whole body, and for each progress of an answer */
	size_t max_body;          /* bytes */
	size_t max_buffered;      /* of all request bodies together; over it new ones are refused (503) */
	int loops;
};

/* A piece of an answer: sent as it is, then release(owner) is called (NULL: nothing to do). */
struct http_piece { const void *data; size_t len; void (*release)(void *owner); void *owner; };

struct http_request {
	const char *body;         /* NUL-terminated; valid until the request is answered */
	size_t len;
	char client[64];          /* address as text */
	int client_port;
	void *user;               /* the handler's own */
};

/* Called on a loop's thread for each request: parse, answer at once or later. Must not block. */
typedef void (*http_handler)(void *ctx, struct http_request *rq);

enum one_rc http_start(const struct http_config *config, http_handler handler, void *ctx,
		       struct http_server **out, struct one_err *err);
int http_port(const struct http_server *s);
/* Answers 200 text/xml with these pieces (copied array; the server takes over their release). Any thread,
 * once a request; rq is gone after it. If the client has gone meanwhile, the pieces are just released. */
void http_reply(struct http_request *rq, const struct http_piece *pieces, size_t n);
/* Answers an error status with a short text. */
void http_refuse(struct http_request *rq, int status, const char *text);
/* Stops accepting, lets answers under way finish for grace_ms, closes all, joins. Requests still with the
 * handler are dropped: their memory stays until they are answered, which then only frees. */
void http_stop(struct http_server *s, int grace_ms);

struct http_stats { uint64_t connections, requests, refused, timeouts; int open; };
void http_stats(const struct http_server *s, struct http_stats *out);

#endif
