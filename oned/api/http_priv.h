/* Inside the HTTP server: what its parts (http.c loops, http_admit.c who gets in, http_conn.c one connection,
 * http_parse.c heads) know of each other.
 *
 * A connection belongs to one loop and only its thread touches it, with two exceptions: http_reply from
 * another thread, which hands it back through the loop's inbox, and eviction, which goes through `phase`. */
#ifndef ONED_API_HTTP_PRIV_H
#define ONED_API_HTTP_PRIV_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include "oned/api/http.h"

enum {
	HTTP_HEAD_MAX = 16384,   /* bytes of a request's head */
	HTTP_HEADERS_MAX = 100,
	HTTP_PIECES_INLINE = 8,
};

/* ---- http_parse.c ---- */

struct http_head {
	size_t length;        /* of the head, blank line included */
	size_t content_length;
	bool keep_alive, expect_continue;
	int status;           /* 0, or why the request is refused */
	const char *why;
};

/* Looks for a whole head at buf (`from`: where to go on looking for its end, what was given back before).
 * false: more bytes are needed. true: `out` holds it, or a status to refuse it with. */
bool http_parse_head(const char *buf, size_t len, size_t *from, struct http_head *out);
const char *http_status_text(int status);

/* ---- http_conn.c ---- */

enum http_state {
	HTTP_IDLE,    /* between requests */
	HTTP_HEAD,
	HTTP_BODY,
	HTTP_HANDLER, /* the handler has it */
	HTTP_WRITE,
	HTTP_LINGER,  /* refused: reads on for a moment, so that the client can see the answer */
	HTTP_CLOSED,
};

/* Who may end the connection: while it waits for its client (idle, reading, writing) it can be evicted. */
enum http_phase { HTTP_WAITS, HTTP_SERVED, HTTP_EVICTED };

struct http_conn {
	struct http_conn *next, *prev;   /* all of the loop */
	struct http_conn *queue_next;    /* ready list, or those closed */
	struct http_conn *inbox_next;    /* under the loop's lock */
	struct http_loop *loop;
	int fd;
	int slot;                        /* in the server's table */
	enum http_state state;
	bool readable;                   /* the last read didn't empty the socket */
	bool peer_closed;                /* its end was seen: there may be bytes before it */
	bool ready;                      /* in the ready list */
	bool in_handler, replied;        /* the loop calls the handler for it; answered within that call */
	bool blocked;                    /* the answer has filled the socket: the rest goes as the client reads */
	bool keep_alive;                 /* after the answer under way */
	bool fresh;                      /* no request yet */
	bool admitted;                   /* its loop has taken it over from the inbox */
	unsigned requests;
	_Atomic int phase;
	_Atomic int64_t evictable_ms;    /* while HTTP_WAITS: when it may be evicted */
	int64_t deadline_ms;             /* INT64_MAX: none */
	int64_t evictable_from_ms;       /* evictable_ms without what was earned by moving bytes */
	size_t moved;

	char *buf;
	size_t cap, len;
	size_t budgeted;                 /* of the server's max_buffered */
	size_t scanned;                  /* of the head */
	struct http_head head;
	char after_body;                 /* the byte the body's NUL stands on */

	int status;                      /* of the answer */
	char head_text[320];
	struct http_piece *pieces, inline_pieces[HTTP_PIECES_INLINE];
	size_t n_pieces, at_piece, at_byte;
	size_t sent_since;               /* since the deadline was set */

	struct http_request rq;
	unsigned char address[16];       /* of the client; v4 mapped into v6 */
};

struct http_conn *http_conn_new(int fd, const struct sockaddr_storage *from);
/* Unseen by any loop: closes the socket and frees. */
void http_conn_free(struct http_conn *c);
/* The rest only on the loop's thread. */
void http_conn_start(struct http_conn *c);
void http_conn_event(struct http_conn *c, uint32_t events);
void http_conn_run(struct http_conn *c);
void http_conn_answer(struct http_conn *c);  /* the pieces are there: send */
void http_conn_expire(struct http_conn *c);  /* its deadline has passed */
void http_conn_close(struct http_conn *c);
/* Closes the connection of a request the handler still has: only the memory stays, for who answers it. */
void http_conn_disown(struct http_conn *c);
void http_conn_release_pieces(struct http_conn *c);

/* ---- http.c ---- */

struct http_loop {
	struct http_server *server;
	pthread_t thread;                /* for who joins it */
	pthread_t self;                  /* set by the loop itself: pthread_create's may come too late */
	int epoll_fd, wake_fd;
	int64_t now_ms, next_tick_ms;
	struct http_conn *conns, *ready, *ready_last, *closed;
	_Atomic int n_conns;             /* with those in the inbox */
	time_t date;
	char date_text[40];

	pthread_mutex_t lock;            /* of what follows */
	struct http_conn *inbox, *inbox_last;
	bool woken;
	bool gone;                       /* the loop has ended; replies only free */
};

/* A client's address: 16 bytes to compare (v4 mapped into v6) and as text. */
void http_address_of(const struct sockaddr_storage *from, unsigned char address[16], char *text, size_t size,
		     int *port);

struct http_waiter { int fd; int64_t deadline_ms; struct sockaddr_storage from; };

struct http_server {
	struct http_config config;
	http_handler handler;
	void *ctx;
	int port, listen_fd;
	int tick_ms;
	struct http_loop *loops;
	int n_loops;
	_Atomic int refs;                /* http_stop's, and one for each request that outlived its loop */
	_Atomic bool stopping;
	_Atomic int64_t stop_ms;
	_Atomic size_t buffered;
	_Atomic uint64_t connections, requests, refused, timeouts;
	_Atomic int waiting;             /* how many wait to get in */
	_Atomic int wanted;              /* how many connections should end with their answer for them */

	/* loop 0 only */
	struct http_waiter *waiters;
	int n_waiters, max_waiters;
	int64_t accept_again_ms;         /* 0, or from when on accepting may be tried again */
	int64_t complained_ms;

	pthread_mutex_t lock;            /* of what follows */
	struct http_conn **slots;
	int *free_slots;
	int n_free;
};

/* Goes on with the connection after others had their turn. */
void http_loop_ready(struct http_loop *l, struct http_conn *c);
/* Hands a connection to its loop. false: the loop is gone, the connection is still the caller's. */
bool http_loop_post(struct http_loop *l, struct http_conn *c);
void http_loop_wake(struct http_loop *l);

/* ---- http_admit.c: on loop 0, but for http_slot_release ---- */

enum one_rc http_listen(struct http_server *s, struct one_err *err);
void http_admit_accept(struct http_server *s);
/* Lets waiting clients in where there is room now, refuses those who waited too long. */
void http_admit_waiters(struct http_server *s);
void http_admit_stop(struct http_server *s);
/* Any loop, under no lock or its own: gives the connection's slot back unless an eviction did. After it
 * nobody else uses the connection. */
void http_slot_release(struct http_server *s, struct http_conn *c);

#endif
