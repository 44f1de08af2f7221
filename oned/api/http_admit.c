/* Who gets in. MAX_CONN connections are served at once; a stock configuration says 15.
 *
 * When all places are taken, clients wait (the backlog's number here, the others in the kernel's queue; as
 * long as the timeout) and meanwhile
 * - as many answers as there are who wait say "Connection: close": busy clients make room without noticing;
 * - the connection that has been waiting longest for its own client (idle, or slow at sending or reading) is
 *   evicted.
 * So neither idle nor slow clients can keep the others out. Who waits in vain gets 503. */
#include "oned/api/http_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/log.h"

enum { QUEUE_LEAST = 512, NO_DESCRIPTOR_PAUSE_MS = 100, COMPLAIN_EVERY_MS = 10000, ACCEPTS_A_TURN = 64 };

void http_address_of(const struct sockaddr_storage *from, unsigned char address[16], char *text, size_t size,
		     int *port)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(address, 0, 16);
	if (from->ss_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		memcpy(address, mapped, 12);
		memcpy(address + 12, &in.sin_addr, 4);
		*port = ntohs(in.sin_port);
	} else {
		memcpy(&in6, from, sizeof(in6));
		memcpy(address, &in6.sin6_addr, 16);
		*port = ntohs(in6.sin6_port);
	}
	if (memcmp(address, mapped, 12) == 0)
		inet_ntop(AF_INET, address + 12, text, (socklen_t)size);
	else
		inet_ntop(AF_INET6, address, text, (socklen_t)size);
}

static bool is_loopback(const unsigned char address[16])
{
	static const unsigned char v6[16] = { [15] = 1 }, v4[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	return memcmp(address, v6, 16) == 0 || memcmp(address, v4, 13) == 0;
}

/* ---- places ---- */

static bool slot_take(struct http_server *s, struct http_conn *c)
{
	bool taken = false;

	pthread_mutex_lock(&s->lock);
	if (s->n_free > 0) {
		c->slot = s->free_slots[--s->n_free];
		s->slots[c->slot] = c;
		taken = true;
	}
	pthread_mutex_unlock(&s->lock);
	return taken;
}

/* With the lock. */
static void slot_free(struct http_server *s, int slot)
{
	s->slots[slot] = NULL;
	s->free_slots[s->n_free++] = slot;
}

void http_slot_release(struct http_server *s, struct http_conn *c)
{
	pthread_mutex_lock(&s->lock);
	if (c->slot >= 0 && s->slots[c->slot] == c)
		slot_free(s, c->slot);
	pthread_mutex_unlock(&s->lock);
	if (atomic_load(&s->waiting) > 0)
		http_loop_wake(&s->loops[0]);
}

/* Its own loop sees the socket's end and closes it; the place is free at once. */
static bool evict(struct http_server *s)
{
	int64_t oldest = s->loops[0].now_ms + 1;
	struct http_conn *victim = NULL;
	int waits = HTTP_WAITS;
	bool done = false;

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < s->config.max_conn; i++) {
		struct http_conn *c = s->slots[i];
		if (!c || atomic_load(&c->phase) != HTTP_WAITS)
			continue;
		int64_t since = atomic_load_explicit(&c->evictable_ms, memory_order_relaxed);
		if (since < oldest) {
			oldest = since;
			victim = c;
		}
	}
	if (victim && atomic_compare_exchange_strong(&victim->phase, &waits, HTTP_EVICTED)) {
		shutdown(victim->fd, SHUT_RDWR);
		slot_free(s, victim->slot);
		done = true;
	}
	pthread_mutex_unlock(&s->lock);
	return done;
}

static int count_from(struct http_server *s, const unsigned char address[16])
{
	int n = 0;

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < s->config.max_conn; i++)
		n += s->slots[i] && memcmp(s->slots[i]->address, address, 16) == 0;
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < s->n_waiters; i++) {
		unsigned char other[16];
		char text[64];
		int port;
		http_address_of(&s->waiters[i].from, other, text, sizeof(text), &port);
		n += memcmp(other, address, 16) == 0;
	}
	return n;
}

/* ---- clients ---- */

/* The listener is level-triggered: while nobody can be accepted it isn't watched. */
static void watch_listener(struct http_server *s, bool on)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	epoll_ctl(s->loops[0].epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, s->listen_fd, &ev);
	s->accept_again_ms = on ? 0 : s->loops[0].now_ms + 1;
}

/* What the client has sent is read first: else closing would reset the connection too early. */
static void turn_away(struct http_server *s, int fd)
{
	static const char text[] =
		"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 22\r\n"
		"Retry-After: 1\r\nConnection: close\r\n\r\nToo many connections.\n";
	char waste[16384];
	int most = 8; /* one who sends faster than we read has to be cut off */
	ssize_t n;

	atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed);
	do
		n = send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (shutdown(fd, SHUT_WR) == 0)
		while (most-- > 0 && recv(fd, waste, sizeof(waste), MSG_DONTWAIT) == (ssize_t)sizeof(waste))
			;
	close(fd);
}

static struct http_loop *least_loaded(struct http_server *s)
{
	struct http_loop *best = &s->loops[0];

	for (int i = 1; i < s->n_loops; i++)
		if (atomic_load(&s->loops[i].n_conns) < atomic_load(&best->n_conns))
			best = &s->loops[i];
	return best;
}

/* NULL: there is no place; the socket is still the caller's. */
static struct http_conn *find_place(struct http_server *s, int fd, const struct sockaddr_storage *from)
{
	struct http_conn *c = http_conn_new(fd, from);

	if (slot_take(s, c) || (evict(s) && slot_take(s, c)))
		return c;
	c->fd = -1;
	http_conn_free(c);
	return NULL;
}

static void let_in(struct http_server *s, struct http_conn *c)
{
	c->loop = least_loaded(s);
	atomic_fetch_add(&c->loop->n_conns, 1);
	atomic_fetch_add_explicit(&s->connections, 1, memory_order_relaxed);
	if (!http_loop_post(c->loop, c)) {
		http_slot_release(s, c);
		http_conn_free(c);
	}
}

static void wait_for_place(struct http_server *s, int fd, const struct sockaddr_storage *from)
{
	s->waiters[s->n_waiters++] = (struct http_waiter){
		.fd = fd, .deadline_ms = s->loops[0].now_ms + s->config.timeout_ms, .from = *from,
	};
	atomic_store(&s->waiting, s->n_waiters);
	atomic_fetch_add(&s->wanted, 1);
	s->loops[0].next_tick_ms = s->loops[0].now_ms;
}

static void welcome(struct http_server *s, int fd, const struct sockaddr_storage *from)
{
	unsigned char address[16];
	struct http_conn *c;
	char text[64];
	int port;

	http_address_of(from, address, text, sizeof(text), &port);
	if (s->config.max_conn_per_address > 0 && !is_loopback(address) &&
	    count_from(s, address) >= s->config.max_conn_per_address)
		turn_away(s, fd);
	else if (s->n_waiters > 0) /* who came first goes first */
		wait_for_place(s, fd, from);
	else if ((c = find_place(s, fd, from)) != NULL)
		let_in(s, c);
	else
		wait_for_place(s, fd, from);
}

/* Places that other connections gave up meanwhile are no longer wanted. */
static void set_waiting(struct http_server *s, int n)
{
	int wanted = atomic_load(&s->wanted);

	atomic_store(&s->waiting, n);
	while (wanted > n && !atomic_compare_exchange_weak(&s->wanted, &wanted, n))
		;
}

static void remove_waiters(struct http_server *s, int n)
{
	s->n_waiters -= n;
	memmove(s->waiters, s->waiters + n, (size_t)s->n_waiters * sizeof(*s->waiters));
	set_waiting(s, s->n_waiters);
}

void http_admit_waiters(struct http_server *s)
{
	int64_t now = s->loops[0].now_ms;
	int n = 0;

	while (n < s->n_waiters) {
		const struct http_waiter *w = &s->waiters[n];
		struct http_conn *c = find_place(s, w->fd, &w->from);
		if (!c && w->deadline_ms > now)
			break;
		n++;
		set_waiting(s, s->n_waiters - n); /* before it is let in: it could lose its place again */
		if (c)
			let_in(s, c);
		else
			turn_away(s, w->fd);
	}
	remove_waiters(s, n);
	if (s->accept_again_ms && now >= s->accept_again_ms && s->n_waiters < s->max_waiters)
		watch_listener(s, true);
}

/* Out of descriptors or memory. */
static void pause_accepting(struct http_server *s, int why)
{
	int64_t now = s->loops[0].now_ms;

	if (s->complained_ms == 0 || now - s->complained_ms >= COMPLAIN_EVERY_MS) {
		log_warn("ReM", "Cannot accept API connections: %s", strerror(why));
		s->complained_ms = now;
	}
	watch_listener(s, false);
	s->accept_again_ms = now + NO_DESCRIPTOR_PAUSE_MS;
	s->loops[0].next_tick_ms = s->accept_again_ms;
}

void http_admit_accept(struct http_server *s)
{
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		if (s->n_waiters == s->max_waiters) {
			watch_listener(s, false); /* the kernel's queue is where the others wait */
			return;
		}
		struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
		socklen_t len = sizeof(from);
		int fd = accept4(s->listen_fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			welcome(s, fd, &from);
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_accepting(s, errno);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return; /* none left, or an error of one client's network */
		}
	}
}

void http_admit_stop(struct http_server *s)
{
	for (int i = 0; i < s->n_waiters; i++)
		turn_away(s, s->waiters[i].fd);
	s->n_waiters = 0;
	set_waiting(s, 0);
	close(s->listen_fd);
	s->listen_fd = -1;
}

/* ---- the listening socket ---- */

static int try_listen(struct http_server *s, const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1, zero = 0;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* the connections inherit it */
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, s->max_waiters > QUEUE_LEAST ? s->max_waiters : QUEUE_LEAST) < 0) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

enum one_rc http_listen(struct http_server *s, struct one_err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	struct sockaddr_storage bound = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(bound);
	unsigned char address[16];
	char port[16], text[64];
	int failed;

	snprintf(port, sizeof(port), "%d", s->config.port);
	failed = getaddrinfo(s->config.address, port, &hints, &found);
	if (failed)
		return one_err_set(err, ONE_INTERNAL, "Cannot listen on %s: %s", s->config.address,
				   gai_strerror(failed));
	for (struct addrinfo *ai = found; ai && s->listen_fd < 0; ai = ai->ai_next)
		s->listen_fd = try_listen(s, ai);
	if (s->listen_fd < 0)
		one_err_set(err, ONE_INTERNAL, "Cannot listen on %s port %d: %s", s->config.address,
			    s->config.port, strerror(errno));
	freeaddrinfo(found);
	if (s->listen_fd < 0)
		return ONE_INTERNAL;
	if (getsockname(s->listen_fd, (struct sockaddr *)&bound, &len) < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot listen on %s: %s", s->config.address,
				   strerror(errno));
	http_address_of(&bound, address, text, sizeof(text), &s->port);
	return ONE_OK;
}
