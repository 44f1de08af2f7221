/* The HTTP server and its ordinary clients, over the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/resource.h>

#include "tests/unit/oned/api/http_client.h"

static void assert_echo(int fd, const char *text)
{
	struct strbuf body = STRBUF_INIT;

	post(fd, text);
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_string_equal(body.buf, text);
	strbuf_done(&body);
}

static void a_request_gets_what_the_handler_answers(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);

	(void)state;
	assert_echo(fd, "hello");
	close(fd);
	stop_server(s);
}

static void a_connection_serves_many_requests(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct http_stats stats;
	int fd = dial(s->port);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_echo(fd, "again");
	http_stats(s->http, &stats);
	assert_int_equal(stats.connections, 1);
	assert_int_equal(stats.requests, 100);
	assert_int_equal(stats.open, 1);
	close(fd);
	stop_server(s);
}

static void a_connection_ends_after_its_last_request(void **state)
{
	struct http_config config = usual_config();
	struct strbuf body = STRBUF_INIT;
	bool closes;

	(void)state;
	config.keepalive_max = 2;
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);
	post(fd, "one");
	assert_int_equal(read_answer(fd, &body, &closes), 200);
	assert_false(closes);
	post(fd, "two");
	assert_int_equal(read_answer(fd, &body, &closes), 200);
	assert_true(closes);
	assert_true(is_closed(fd));
	close(fd);
	strbuf_done(&body);
	stop_server(s);
}

static void an_idle_connection_ends_in_silence(void **state)
{
	struct http_config config = usual_config();

	(void)state;
	config.keepalive_timeout_ms = 50;
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);
	assert_echo(fd, "one");
	assert_true(is_closed(fd));
	close(fd);
	stop_server(s);
}

static void who_wants_no_kept_connection_gets_none(void **state)
{
	static const char *const requests[] = {
		"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
		"POST / HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
	};
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);

	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = dial(s->port);
		send_text(fd, requests[i]);
		assert_int_equal(status_of(fd), 200);
		assert_true(is_closed(fd));
		close(fd);
	}
	stop_server(s);
}

static void bytes_may_come_one_by_one(void **state)
{
	static const char request[] = "\r\nPOST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);

	(void)state;
	for (size_t i = 0; i < sizeof(request) - 1; i++)
		send_bytes(fd, request + i, 1);
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_string_equal(body.buf, "hello");
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

static void requests_sent_at_once_are_answered_in_turn(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT, all = STRBUF_INIT;
	int fd = dial(s->port);

	(void)state;
	start_answerer(s);
	for (int i = 0; i < 200; i++)
		strbuf_addf(&all, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n%s %03d",
			    i % 2 ? "later" : "hello", i);
	send_bytes(fd, all.buf, all.len);
	for (int i = 0; i < 200; i++) {
		char expected[16];
		snprintf(expected, sizeof(expected), "%s %03d", i % 2 ? "later" : "hello", i);
		assert_int_equal(read_answer(fd, &body, NULL), 200);
		assert_string_equal(body.buf, expected);
	}
	strbuf_done(&all);
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

static void an_answer_may_come_from_another_thread(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fds[16];

	(void)state;
	start_answerer(s);
	for (int i = 0; i < 16; i++)
		fds[i] = dial(s->port);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 16; i++)
			post(fds[i], "later, please");
		for (int i = 0; i < 16; i++)
			assert_int_equal(status_of(fds[i]), 200);
	}
	for (int i = 0; i < 16; i++)
		close(fds[i]);
	stop_server(s);
}

static void the_handler_may_refuse(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);

	(void)state;
	start_answerer(s);
	post(fd, "refuse");
	assert_int_equal(read_answer(fd, &body, NULL), 500);
	assert_string_equal(body.buf, "No.");
	post(fd, "later refuse");
	assert_int_equal(read_answer(fd, &body, NULL), 503);
	assert_string_equal(body.buf, "Later.");
	assert_echo(fd, "and go on");
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

static void many_pieces_arrive_in_order_and_each_is_released_once(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	int fd = dial_with(s->port, 8192); /* so that sending has to wait for us */

	(void)state;
	post(fd, "pieces 100000");
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_int_equal(body.len, 1000000);
	for (size_t i = 0; i < body.len; i++)
		assert_int_equal(body.buf[i], '0' + (int)(i % 10));
	assert_echo(fd, "next");
	wait_count(&s->released, 100001);
	assert_int_equal(atomic_load(&s->released), 100001);
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

static void pieces_are_released_when_the_client_is_gone(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fd = dial_with(s->port, 8192);

	(void)state;
	post(fd, "flood");
	char c;
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	close(fd);
	wait_count(&s->released, FLOOD_PIECES);
	stop_server(s);
}

static void a_body_is_asked_for(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);

	(void)state;
	send_text(fd, head);
	assert_int_equal(status_of(fd), 100);
	send_text(fd, "hello");
	assert_int_equal(status_of(fd), 200);
	close(fd);
	stop_server(s);
}

static void a_client_that_only_reads_on_gets_its_answer(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);

	(void)state;
	start_answerer(s);
	post(fd, "later");
	shutdown(fd, SHUT_WR);
	assert_int_equal(status_of(fd), 200);
	assert_true(is_closed(fd));
	close(fd);
	stop_server(s);
}

static void a_big_body_arrives_whole(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	char *text = malloc((1 << 20) + 1);
	int fd = dial(s->port);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < 1 << 20; i++)
		text[i] = (char)('a' + i % 26);
	text[1 << 20] = '\0';
	post(fd, text);
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_string_equal(body.buf, text);
	assert_echo(fd, "small again");
	strbuf_done(&body);
	free(text);
	close(fd);
	stop_server(s);
}

/* ---- places ---- */

static void idle_connections_make_room_for_others(void **state)
{
	struct http_config config = usual_config();
	int idle[3], fd;

	(void)state;
	config.max_conn = 3;
	struct server *s = start_server(&config, moods);
	for (int i = 0; i < 3; i++) {
		idle[i] = dial(s->port);
		assert_echo(idle[i], "and then silence");
	}
	fd = dial(s->port);
	assert_echo(fd, "the fourth");
	assert_true(is_closed(idle[0])); /* it had waited longest */
	assert_echo(fd, "stays");
	for (int i = 0; i < 3; i++)
		close(idle[i]);
	close(fd);
	stop_server(s);
}

struct polite { int port, answers; };

static void *be_polite(void *arg)
{
	struct polite *p = arg;
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)p->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct strbuf body = STRBUF_INIT;
	int fd = -1;
	bool closes = true;

	for (int i = 0; i < 50; i++) {
		if (closes) {
			close(fd);
			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
				break;
		}
		post(fd, i % 2 ? "later" : "now");
		if (read_answer(fd, &body, &closes) != 200)
			break;
		p->answers++;
	}
	close(fd);
	strbuf_done(&body);
	return NULL;
}

static void more_clients_than_places_are_all_served(void **state)
{
	enum { CLIENTS = 30 };
	struct http_config config = usual_config();
	struct polite clients[CLIENTS];
	pthread_t threads[CLIENTS];

	(void)state;
	config.max_conn = 5;
	config.backlog = 8;
	struct server *s = start_server(&config, moods);
	start_answerer(s);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct polite){ .port = s->port };
		assert_int_equal(pthread_create(&threads[i], NULL, be_polite, &clients[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(clients[i].answers, 50);
	}
	stop_server(s);
}

static void who_waits_in_vain_for_a_place_is_told(void **state)
{
	struct http_config config = usual_config();
	int busy, fd;

	(void)state;
	config.max_conn = 1;
	config.timeout_ms = 100;
	struct server *s = start_server(&config, moods);
	busy = dial(s->port);
	post(busy, "hold");
	wait_held(s, 1);
	fd = dial(s->port);
	post(fd, "hello");
	assert_int_equal(status_of(fd), 503);
	echo(s, take_held(s));
	assert_int_equal(status_of(busy), 200);
	close(fd);
	close(busy);
	stop_server(s);
}

static void a_busy_client_gives_its_place_to_who_waits(void **state)
{
	struct http_config config = usual_config();
	struct strbuf body = STRBUF_INIT;
	bool closes = false;
	int busy, fd;

	(void)state;
	config.max_conn = 1;
	struct server *s = start_server(&config, moods);
	busy = dial(s->port);
	assert_echo(busy, "hello");
	fd = dial(s->port);
	post(fd, "hello");
	/* never idle, it is not evicted, but as soon as the server knows who waits it is told to leave */
	for (int i = 0; i < 100000 && !closes; i++) {
		post(busy, "hello");
		assert_int_equal(read_answer(busy, &body, &closes), 200);
	}
	assert_true(closes);
	assert_true(is_closed(busy));
	assert_int_equal(status_of(fd), 200);
	strbuf_done(&body);
	close(fd);
	close(busy);
	stop_server(s);
}

/* An address of this machine that isn't loopback; false where there is none. */
static bool other_address(struct sockaddr_in *to)
{
	struct ifaddrs *all, *a;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (a = all; a && !found; a = a->ifa_next) {
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || (a->ifa_flags & IFF_LOOPBACK))
			continue;
		memcpy(to, a->ifa_addr, sizeof(*to));
		found = true;
	}
	freeifaddrs(all);
	return found;
}

static void one_address_gets_so_many_places(void **state)
{
	struct http_config config = usual_config();
	struct sockaddr_in to;
	int fds[3];

	(void)state;
	if (!other_address(&to))
		skip();
	config.address = "0.0.0.0";
	config.max_conn_per_address = 2;
	struct server *s = start_server(&config, moods);
	to.sin_port = htons((uint16_t)s->port);
	for (int i = 0; i < 3; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&to, sizeof(to)), 0);
		if (i < 2)
			assert_echo(fds[i], "hello");
	}
	assert_int_equal(status_of(fds[2]), 503);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	int local[3];
	for (int i = 0; i < 3; i++) {
		local[i] = dial(s->port);
		assert_echo(local[i], "the loopback is not counted");
	}
	for (int i = 0; i < 3; i++)
		close(local[i]);
	stop_server(s);
}

static void out_of_descriptors_clients_wait(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), next = dup(fd);
	struct rlimit usual, tight;

	(void)state;
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	tight = usual;
	tight.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	post(fd, "hello");
	/* mostly the server has tried to accept by now; in either order the client is served */
	poll(NULL, 0, 20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(status_of(fd), 200);
	close(fd);
	stop_server(s);
}

/* ---- the end ---- */

static void stopping_lets_an_answer_finish(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);
	bool closes;

	(void)state;
	start_answerer(s);
	post(fd, "later");
	assert_int_equal(read_answer(fd, &body, &closes), 200);
	post(fd, "pieces 1000");
	wait_count(&s->calls, 2);
	http_stop(s->http, 10000);
	assert_int_equal(read_answer(fd, &body, &closes), 200);
	assert_int_equal(body.len, 10000);
	assert_true(is_closed(fd));
	s->http = NULL;
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

static void an_answer_after_the_stop_only_frees(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fds[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		fds[i] = dial(s->port);
		post(fds[i], "hold this body");
	}
	wait_held(s, 4);
	http_stop(s->http, 0);
	s->http = NULL;
	for (int i = 0; i < 4; i++) {
		struct http_request *rq = take_held(s);
		assert_string_equal(rq->body, "hold this body");
		assert_ptr_equal(rq->user, s);
		echo(s, rq);
		assert_true(is_closed(fds[i]));
		close(fds[i]);
	}
	assert_int_equal(atomic_load(&s->released), 4);
	stop_server(s);
}

static void a_port_in_use_is_an_error_that_names_it(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct http_server *second = NULL;
	struct one_err err = ONE_ERR_INIT;
	char port[16];

	(void)state;
	config.port = s->port;
	assert_int_equal(http_start(&config, moods, s, &second, &err), ONE_INTERNAL);
	assert_null(second);
	snprintf(port, sizeof(port), "%d", s->port);
	assert_non_null(strstr(err.text, port));
	stop_server(s);
}

static void the_client_s_address_is_told(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);

	(void)state;
	post(fd, "hold");
	wait_held(s, 1);
	struct http_request *rq = take_held(s);
	assert_string_equal(rq->client, "127.0.0.1");
	assert_true(rq->client_port > 0 && rq->client_port != s->port);
	echo(s, rq);
	assert_int_equal(status_of(fd), 200);
	close(fd);
	stop_server(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_gets_what_the_handler_answers),
		cmocka_unit_test(a_connection_serves_many_requests),
		cmocka_unit_test(a_connection_ends_after_its_last_request),
		cmocka_unit_test(an_idle_connection_ends_in_silence),
		cmocka_unit_test(who_wants_no_kept_connection_gets_none),
		cmocka_unit_test(bytes_may_come_one_by_one),
		cmocka_unit_test(requests_sent_at_once_are_answered_in_turn),
		cmocka_unit_test(an_answer_may_come_from_another_thread),
		cmocka_unit_test(the_handler_may_refuse),
		cmocka_unit_test(many_pieces_arrive_in_order_and_each_is_released_once),
		cmocka_unit_test(pieces_are_released_when_the_client_is_gone),
		cmocka_unit_test(a_body_is_asked_for),
		cmocka_unit_test(a_client_that_only_reads_on_gets_its_answer),
		cmocka_unit_test(a_big_body_arrives_whole),
		cmocka_unit_test(idle_connections_make_room_for_others),
		cmocka_unit_test(more_clients_than_places_are_all_served),
		cmocka_unit_test(who_waits_in_vain_for_a_place_is_told),
		cmocka_unit_test(a_busy_client_gives_its_place_to_who_waits),
		cmocka_unit_test(one_address_gets_so_many_places),
		cmocka_unit_test(out_of_descriptors_clients_wait),
		cmocka_unit_test(stopping_lets_an_answer_finish),
		cmocka_unit_test(an_answer_after_the_stop_only_frees),
		cmocka_unit_test(a_port_in_use_is_an_error_that_names_it),
		cmocka_unit_test(the_client_s_address_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
