/* Where agents send their messages (net.h). */
#include "drivers/im/net.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "common/timeutil.h"

#define DATAGRAM_MAX 65536
#define MESSAGE_MAX (24u * 1024 * 1024) /* packed */
#define UDP_BUFFER (8 * 1024 * 1024)    /* what the kernel keeps while we are busy */
#define CONNECTIONS 128
#define CONNECTION_MS 30000             /* for a whole message: links to edge hosts are slow */
#define READ_STEP 65536
#define THREADS_MAX 64

struct connection {
	int fd;
	int64_t until_ms;
	struct strbuf buf;
};

struct net {
	net_line_fn fn;
	void *ctx;
	int udp, tcp, stop;
	pthread_t readers[THREADS_MAX], tcp_thread;
	int n_readers;
	bool tcp_runs;
	struct connection connections[CONNECTIONS]; /* the first n are open */
	int n_connections;
};

/* ---- UDP ---- */

static void *udp_main(void *arg)
{
	struct net *net = arg;
	char *buf = xmalloc(DATAGRAM_MAX + 1);
	struct pollfd fds[] = { { net->udp, POLLIN, 0 }, { net->stop, POLLIN, 0 } };
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[1].revents)
			break;
		ssize_t n = recv(net->udp, buf, DATAGRAM_MAX, MSG_DONTWAIT);
		if (n <= 0)
			continue; /* another thread was faster */
		buf[n] = '\0';
		buf[strcspn(buf, "\n")] = '\0';
		net->fn(net->ctx, buf);
	}
	free(buf);
	return NULL;
}

/* ---- TCP ---- */

static void close_connection(struct net *net, int i)
{
	struct connection *c = &net->connections[i];
	close(c->fd);
	strbuf_done(&c->buf);
	*c = net->connections[--net->n_connections];
}

static void accept_connection(struct net *net)
{
	int fd = accept4(net->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	net->connections[net->n_connections++] =
		(struct connection){ fd, time_mono_ms() + CONNECTION_MS, STRBUF_INIT };
}

static void give_lines(struct net *net, char *text)
{
	char *line;
	while ((line = strsep(&text, "\n")))
		if (*line)
			net->fn(net->ctx, line);
}

/* Reads what is there. false: it is over. */
static bool read_connection(struct net *net, struct connection *c)
{
	strbuf_grow(&c->buf, READ_STEP);
	ssize_t n = recv(c->fd, c->buf.buf + c->buf.len, READ_STEP, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0) {
		give_lines(net, c->buf.buf);
		return false;
	}
	c->buf.len += (size_t)n;
	c->buf.buf[c->buf.len] = '\0';
	if (c->buf.len <= MESSAGE_MAX)
		return true;
	log_warn("MON", "A message of more than %u bytes is dropped", MESSAGE_MAX);
	return false;
}

static void serve_connections(struct net *net, const struct pollfd *fds)
{
	int64_t now = time_mono_ms();
	/* from the end, because closing moves the last one into the gap */
	for (int i = net->n_connections - 1; i >= 0; i--) {
		struct connection *c = &net->connections[i];
		bool open = now < c->until_ms;
		if (open && fds[i].revents)
			open = read_connection(net, c);
		if (!open)
			close_connection(net, i);
	}
}

static void *tcp_main(void *arg)
{
	struct net *net = arg;
	struct pollfd fds[CONNECTIONS + 2];
	for (;;) {
		int n = net->n_connections;
		fds[0] = (struct pollfd){ net->stop, POLLIN, 0 };
		/* a full table lets the others wait in the kernel's queue */
		fds[1] = (struct pollfd){ n < CONNECTIONS ? net->tcp : -1, POLLIN, 0 };
		for (int i = 0; i < n; i++)
			fds[i + 2] = (struct pollfd){ net->connections[i].fd, POLLIN, 0 };
		if (poll(fds, (nfds_t)n + 2, n ? 1000 : -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		serve_connections(net, fds + 2);
		if (fds[1].revents)
			accept_connection(net);
	}
	while (net->n_connections)
		close_connection(net, net->n_connections - 1);
	return NULL;
}

/* ---- Start and end ---- */

static int bind_socket(const struct addrinfo *at)
{
	int on = 1, size = UDP_BUFFER;
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
	if (fd < 0)
		return -1;
	if (at->ai_socktype == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 &&
	    (at->ai_socktype == SOCK_DGRAM || listen(fd, CONNECTIONS) == 0))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum one_rc open_socket(const char *address, int port, int type, int *fd, struct one_err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
					.ai_family = AF_UNSPEC,
					.ai_socktype = type };
	struct addrinfo *at;
	char service[16];
	snprintf(service, sizeof(service), "%d", port);
	int rc = getaddrinfo(address, service, &hints, &at);
	if (rc)
		return one_err_set(err, ONE_INTERNAL, "NETWORK: ADDRESS %s: %s", address, gai_strerror(rc));
	*fd = bind_socket(at);
	int saved = errno;
	freeaddrinfo(at);
	if (*fd >= 0)
		return ONE_OK;
	return one_err_set(err, ONE_INTERNAL, "Cannot listen on %s port %d (%s): %s", address, port,
			   type == SOCK_STREAM ? "TCP" : "UDP", strerror(saved));
}

static enum one_rc start_threads(struct net *net, int threads, struct one_err *err)
{
	while (net->n_readers < threads && net->n_readers < THREADS_MAX &&
	       pthread_create(&net->readers[net->n_readers], NULL, udp_main, net) == 0)
		net->n_readers++;
	net->tcp_runs = pthread_create(&net->tcp_thread, NULL, tcp_main, net) == 0;
	if (net->n_readers > 0 && net->tcp_runs)
		return ONE_OK;
	return one_err_set(err, ONE_INTERNAL, "Cannot start the threads that read messages");
}

enum one_rc net_start(const char *address, int port, int threads, net_line_fn fn, void *ctx, struct net **out,
		      struct one_err *err)
{
	struct net *net = xcalloc(1, sizeof(*net));
	net->fn = fn;
	net->ctx = ctx;
	net->udp = net->tcp = -1;
	net->stop = eventfd(0, EFD_CLOEXEC);
	enum one_rc rc = open_socket(address, port, SOCK_DGRAM, &net->udp, err);
	if (rc == ONE_OK)
		rc = open_socket(address, port, SOCK_STREAM, &net->tcp, err);
	if (rc == ONE_OK)
		rc = start_threads(net, threads, err);
	if (rc != ONE_OK) {
		net_stop(net);
		return rc;
	}
	*out = net;
	return ONE_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void net_stop(struct net *net)
{
	if (!net)
		return;
	eventfd_write(net->stop, 1);
	for (int i = 0; i < net->n_readers; i++)
		pthread_join(net->readers[i], NULL);
	if (net->tcp_runs)
		pthread_join(net->tcp_thread, NULL);
	close_fd(net->udp);
	close_fd(net->tcp);
	close_fd(net->stop);
	free(net);
}
