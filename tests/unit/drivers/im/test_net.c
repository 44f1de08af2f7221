/* The sockets agents send to. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/strbuf.h"
#include "drivers/im/net.h"

#define WAIT_S 20

struct fixture {
	struct net *net;
	int port;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct strbuf lines; /* each followed by ';' */
};

static void on_line(void *ctx, char *line)
{
	struct fixture *f = ctx;
	pthread_mutex_lock(&f->lock);
	strbuf_addf(&f->lines, "%.40s;", line);
	pthread_cond_signal(&f->more);
	pthread_mutex_unlock(&f->lock);
}

static struct sockaddr_in address_of(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* One that nobody uses now. */
static int free_port(void)
{
	struct sockaddr_in a = address_of(0);
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	close(fd);
	return ntohs(a.sin_port);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->more, NULL);
	strbuf_init(&f->lines);
	for (int i = 0; !f->net && i < 20; i++) {
		f->port = free_port();
		net_start("127.0.0.1", f->port, 2, on_line, f, &f->net, NULL);
	}
	assert_non_null(f->net);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	net_stop(f->net);
	strbuf_done(&f->lines);
	free(f);
	return 0;
}

static void wait_for(struct fixture *f, const char *line)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&f->lock);
	bool found;
	while (!(found = strstr(f->lines.buf, line) != NULL))
		if (pthread_cond_timedwait(&f->more, &f->lock, &until))
			break;
	pthread_mutex_unlock(&f->lock);
	assert_true(found);
}

static int open_tcp(struct fixture *f)
{
	struct sockaddr_in a = address_of(f->port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void send_all(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void a_datagram_is_a_message(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in a = address_of(f->port);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	sendto(fd, "BEACON_HOST SUCCESS 1 5\n", 24, 0, (struct sockaddr *)&a, sizeof(a));
	wait_for(f, "BEACON_HOST SUCCESS 1 5;");
	sendto(fd, "", 0, 0, (struct sockaddr *)&a, sizeof(a));
	sendto(fd, "next", 4, 0, (struct sockaddr *)&a, sizeof(a));
	wait_for(f, ";next;");
	close(fd);
}

static void a_connection_is_a_message_when_it_closes(void **state)
{
	struct fixture *f = *state;
	int fd = open_tcp(f);
	send_all(fd, "STATE_VM SUC");
	send_all(fd, "CESS 1 5 x");
	close(fd);
	wait_for(f, "STATE_VM SUCCESS 1 5 x;");
}

static void a_connection_may_have_several_messages(void **state)
{
	struct fixture *f = *state;
	int fd = open_tcp(f);
	send_all(fd, "one\n\ntwo\n");
	close(fd);
	wait_for(f, "one;two;");
}

static void connections_that_say_nothing_hold_up_nobody(void **state)
{
	struct fixture *f = *state;
	int idle[100];
	for (int i = 0; i < 100; i++)
		idle[i] = open_tcp(f);
	int fd = open_tcp(f);
	send_all(fd, "hello");
	close(fd);
	wait_for(f, "hello;");
	for (int i = 0; i < 100; i++)
		close(idle[i]);
}

static void an_endless_message_is_dropped(void **state)
{
	struct fixture *f = *state;
	int fd = open_tcp(f);
	char *block = xmalloc(1024 * 1024);
	memset(block, 'x', 1024 * 1024);
	ssize_t n = 1;
	for (int i = 0; i < 200 && n > 0; i++)
		n = send(fd, block, 1024 * 1024, MSG_NOSIGNAL);
	assert_true(n < 0);
	close(fd);
	free(block);
	fd = open_tcp(f);
	send_all(fd, "still here");
	close(fd);
	wait_for(f, "still here;");
	assert_null(strstr(f->lines.buf, "xxx"));
}

static void a_port_in_use_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct net *second = NULL;
	struct one_err err = ONE_ERR_INIT;
	assert_int_equal(net_start("127.0.0.1", f->port, 1, on_line, f, &second, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Address already in use"));
	assert_int_equal(net_start("no.such.address.invalid", f->port, 1, on_line, f, &second, &err),
			 ONE_INTERNAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_datagram_is_a_message),
		TEST(a_connection_is_a_message_when_it_closes),
		TEST(a_connection_may_have_several_messages),
		TEST(connections_that_say_nothing_hold_up_nobody),
		TEST(an_endless_message_is_dropped),
		TEST(a_port_in_use_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
