/* The HTTP server and XML-RPC under clients that are broken or mean harm: every one of them is bounded in
 * time and memory, and an honest client beside them is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "oned/api/http_priv.h"
#include "oned/api/rpc.h"
#include "tests/unit/oned/api/http_client.h"

/* What oned does with a body, without the rest of oned. */
static void answer_rpc(void *ctx, struct http_request *rq)
{
	struct arena arena = ARENA_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct strbuf b = STRBUF_INIT;
	struct rpc_request call;
	struct http_piece piece;
	int fault = rpc_parse(&arena, rq->body, rq->len, 1000, &call, &err);

	(void)ctx;
	if (fault)
		rpc_fault(&b, fault, err.text);
	else
		rpc_success_string(&b, call.method, strlen(call.method));
	arena_done(&arena);
	piece.data = piece.owner = strbuf_detach(&b, &piece.len);
	piece.release = free;
	http_reply(rq, &piece, 1);
}

static void assert_honest(struct server *s)
{
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);

	post(fd, "honest");
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_string_equal(body.buf, "honest");
	strbuf_done(&body);
	close(fd);
}

static struct http_config short_deadlines(void)
{
	struct http_config config = usual_config();

	config.timeout_ms = 100;
	config.keepalive_timeout_ms = 100;
	return config;
}

/* ---- time ---- */

static void who_never_ends_his_head_is_timed_out(void **state)
{
	struct http_config config = short_deadlines();
	struct server *s = start_server(&config, moods);
	struct http_stats stats;
	int fd = dial(s->port);

	(void)state;
	send_text(fd, "POST / HTTP/1.1\r\n");
	/* a byte now and then changes nothing: the whole head has one deadline */
	while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10) == 0)
		send_text(fd, "X");
	assert_int_equal(status_of(fd), 408);
	http_stats(s->http, &stats);
	assert_int_equal(stats.timeouts, 1);
	assert_int_equal(stats.requests, 0);
	close(fd);
	stop_server(s);
}

static void who_never_ends_his_body_is_timed_out(void **state)
{
	struct http_config config = short_deadlines();
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port);

	(void)state;
	send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 10) == 0)
		send_text(fd, "X");
	assert_int_equal(status_of(fd), 408);
	close(fd);
	stop_server(s);
}

static void who_says_nothing_is_closed(void **state)
{
	struct http_config config = short_deadlines();
	struct server *s = start_server(&config, moods);
	int fd = dial(s->port), empty_lines = dial(s->port);

	(void)state;
	send_text(empty_lines, "\r\n\r\n\r\n");
	assert_true(is_closed(fd));
	status_of(empty_lines);
	assert_true(is_closed(empty_lines));
	close(fd);
	close(empty_lines);
	stop_server(s);
}

static void who_never_reads_is_closed_and_his_answer_released(void **state)
{
	struct http_config config = short_deadlines();
	struct server *s = start_server(&config, moods);
	int fd = dial_with(s->port, 4096);

	(void)state;
	post(fd, "flood");
	wait_count(&s->released, FLOOD_PIECES);
	assert_honest(s);
	close(fd);
	stop_server(s);
}

/* All places of a stock configuration taken by clients of one kind, with deadlines so long that only eviction can help. */
static void check_slow_clients(void (*be_slow)(int fd))
{
	enum { SLOW = 15 };
	struct http_config config = usual_config();
	int fds[SLOW];

	config.max_conn = SLOW;
	config.backlog = SLOW;
	config.timeout_ms = 3600000;
	struct server *s = start_server(&config, moods);
	for (int i = 0; i < SLOW; i++) {
		fds[i] = dial(s->port);
		be_slow(fds[i]);
	}
	for (int i = 0; i < 20; i++)
		assert_honest(s);
	for (int i = 0; i < SLOW; i++)
		close(fds[i]);
	stop_server(s);
}

static void begin_head(int fd)
{
	send_text(fd, "POST / HTT");
}

static void begin_body(int fd)
{
	send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n<");
}

static void never_read(int fd)
{
	post(fd, "flood");
}

static void say_nothing(int fd)
{
	(void)fd;
}

static void slow_clients_on_all_places_do_not_stop_the_api(void **state)
{
	(void)state;
	check_slow_clients(begin_head);
	check_slow_clients(begin_body);
	check_slow_clients(never_read);
	check_slow_clients(say_nothing);
}

static void silent_connections_in_hundreds_do_not_stop_the_api(void **state)
{
	enum { SILENT = 300 };
	struct http_config config = usual_config();
	int fds[SILENT];

	(void)state;
	config.max_conn = 10;
	config.backlog = 10;
	config.timeout_ms = 200;
	struct server *s = start_server(&config, moods);
	for (int i = 0; i < SILENT; i++)
		fds[i] = dial(s->port);
	for (int i = 0; i < SILENT; i++)
		close(fds[i]);
	assert_honest(s);
	stop_server(s);
}

/* ---- size ---- */

static void a_body_over_the_limit_is_refused(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	char *junk = calloc(2, 1 << 20), c;
	int fd = dial(s->port);
	bool closes;

	(void)state;
	assert_non_null(junk);
	send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n");
	/* no reset: a client in the middle of sending will see the answer */
	assert_true(send_bytes(fd, junk, 2 << 20));
	assert_int_equal(read_answer(fd, &body, &closes), 413);
	assert_true(closes);
	assert_int_equal(recv(fd, &c, 1, 0), 0);
	free(junk);
	strbuf_done(&body);
	close(fd);
	assert_honest(s);
	stop_server(s);
}

static void who_sends_100_mb_all_the_same_still_sees_the_refusal(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	char *junk = calloc(1, 1 << 20);
	int fd = dial(s->port);

	(void)state;
	assert_non_null(junk);
	send_text(fd, "POST / HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n");
	for (int i = 0; i < 100 && send_bytes(fd, junk, 1 << 20); i++)
		;
	assert_int_equal(status_of(fd), 413);
	assert_int_equal(atomic_load(&s->calls), 0);
	free(junk);
	close(fd);
	stop_server(s);
}

static void bodies_share_a_limit_of_memory(void **state)
{
	struct http_config config = usual_config();
	char *junk = calloc(1, 1 << 20);
	struct http_stats stats;
	int fds[8], refused = 0;

	(void)state;
	assert_non_null(junk);
	config.max_body = 1 << 20;
	config.max_buffered = 3 << 20;
	struct server *s = start_server(&config, moods);
	for (int i = 0; i < 8; i++) {
		fds[i] = dial(s->port);
		send_text(fds[i], "POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n");
		send_bytes(fds[i], junk, (1 << 20) - 1); /* all but the last byte */
	}
	do { /* three of them fit */
		http_stats(s->http, &stats);
		poll(NULL, 0, 1);
	} while (stats.refused < 5);
	for (int i = 0; i < 8; i++) {
		send_text(fds[i], "x");
		int status = status_of(fds[i]);
		assert_true(status == 200 || status == 503);
		refused += status == 503;
		close(fds[i]);
	}
	assert_true(refused >= 5 && refused < 8);
	assert_honest(s);
	free(junk);
	stop_server(s);
}

static void announced_bodies_cost_nothing_until_they_come(void **state)
{
	struct http_config config = usual_config();
	int fds[20];

	(void)state;
	config.max_body = 1 << 20;
	config.max_buffered = 3 << 20;
	struct server *s = start_server(&config, moods);
	for (int i = 0; i < 20; i++) {
		fds[i] = dial(s->port);
		send_text(fds[i], "POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n");
	}
	char *big = malloc((1 << 20) + 1);
	assert_non_null(big);
	memset(big, 'a', 1 << 20);
	big[1 << 20] = '\0';
	int fd = dial(s->port);
	post(fd, big);
	assert_int_equal(status_of(fd), 200);
	free(big);
	close(fd);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	stop_server(s);
}

static void a_head_without_end_is_refused(void **state)
{
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	char *junk = malloc(1 << 20);
	int fd = dial(s->port);

	(void)state;
	assert_non_null(junk);
	memset(junk, 'h', 1 << 20);
	send_text(fd, "POST / HTTP/1.1\r\nCookie: ");
	send_bytes(fd, junk, 1 << 20);
	assert_int_equal(status_of(fd), 431);
	free(junk);
	close(fd);
	stop_server(s);
}

/* ---- nonsense ---- */

static void nonsense_gets_a_proper_status(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 405 },
		{ "\x16\x03\x01\x02\x01 tls?\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 411 },
		{ "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x01\x02", 415 },
		{ "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", 400 },
		{ "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\nhello", 400 },
		{ "POST / HTTP/1.1\r\nContent-Length: 184467440737095516150\r\n\r\nhello", 400 },
		{ "POST / HTTP/9.9\r\nContent-Length: 1\r\n\r\nx", 505 },
		{ "POST / HTTP/1.1\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx", 417 },
	};
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = dial(s->port);
		send_text(fd, cases[i].text);
		assert_int_equal(status_of(fd), cases[i].status);
		assert_true(is_closed(fd));
		close(fd);
	}
	assert_int_equal(atomic_load(&s->calls), 0);
	stop_server(s);
}

static void garbage_behind_a_request_does_not_touch_its_answer(void **state)
{
	static const char text[] =
		"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello\0\xff\xfe garbage\r\n\r\n";
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);

	(void)state;
	send_bytes(fd, text, sizeof(text) - 1);
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_string_equal(body.buf, "hello");
	assert_int_equal(read_answer(fd, &body, NULL), 400);
	assert_true(is_closed(fd));
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

static void connections_that_break_anywhere_leave_nothing_behind(void **state)
{
	static const char request[] = "POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\npieces 10000";
	struct http_config config = usual_config();
	struct server *s = start_server(&config, moods);
	struct linger reset = { .l_onoff = 1 };
	struct http_stats stats;

	(void)state;
	for (size_t n = 0; n < sizeof(request); n++) {
		int fd = dial(s->port);
		if (n % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		send_bytes(fd, request, n);
		close(fd);
	}
	assert_honest(s);
	do { /* all of them are noticed */
		http_stats(s->http, &stats);
		poll(NULL, 0, 1);
	} while (stats.open > 0);
	stop_server(s);
}

static void bytes_at_random_never_stop_the_server(void **state)
{
	static const char request[] =
		"POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
	struct http_config config = short_deadlines();
	struct server *s = start_server(&config, moods);
	unsigned seed = 11;

	(void)state;
	for (int round = 0; round < 500; round++) {
		char bytes[sizeof(request)];
		int fd = dial(s->port);
		memcpy(bytes, request, sizeof(request));
		for (int n = rand_r(&seed) % 5; n > 0; n--)
			bytes[(size_t)rand_r(&seed) % (sizeof(request) - 1)] = (char)(rand_r(&seed) % 256);
		send_bytes(fd, bytes, sizeof(request) - 1);
		shutdown(fd, SHUT_WR);
		status_of(fd);
		close(fd);
	}
	assert_honest(s);
	stop_server(s);
}

/* ---- XML-RPC through HTTP ---- */

static void assert_fault(struct server *s, const char *xml, size_t len, const char *code, const char *why)
{
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);

	post_bytes(fd, xml, len);
	assert_int_equal(read_answer(fd, &body, NULL), 200);
	assert_non_null(strstr(body.buf, "<fault>"));
	assert_non_null(strstr(body.buf, code));
	assert_non_null(strstr(body.buf, why));
	strbuf_done(&body);
	close(fd);
}

static void a_bad_call_gets_a_fault(void **state)
{
	static const char laughs[] =
		"<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol1 "
		"\"&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;\">"
		"<!ENTITY lol2 \"&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;\">"
		"<!ENTITY lol3 \"&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;\">]>"
		"<methodCall><methodName>&lol3;</methodName></methodCall>";
	static const char zero[] = "<methodCall><methodName>a\0b</methodName></methodCall>";
	struct http_config config = usual_config();
	struct server *s = start_server(&config, answer_rpc);
	struct strbuf deep = STRBUF_INIT;

	(void)state;
	assert_fault(s, "", 0, "<i4>-503</i4>", "no element found");
	assert_fault(s, "<methodCall>", 12, "<i4>-503</i4>", "Call is not valid XML.");
	assert_fault(s, laughs, strlen(laughs), "<i4>-503</i4>", "document type declaration");
	assert_fault(s, zero, sizeof(zero) - 1, "<i4>-503</i4>", "zero byte");
	for (int i = 0; i < 300000; i++)
		strbuf_adds(&deep, "<a>");
	assert_fault(s, deep.buf, deep.len, "<i4>-503</i4>", "too deep");
	strbuf_done(&deep);
	stop_server(s);
}

static void a_good_call_between_bad_ones_is_answered(void **state)
{
	static const char good[] = "<methodCall><methodName>one.x</methodName></methodCall>";
	struct http_config config = usual_config();
	struct server *s = start_server(&config, answer_rpc);
	struct strbuf body = STRBUF_INIT;
	int fd = dial(s->port);

	(void)state;
	for (int i = 0; i < 10; i++) {
		post(fd, "<bad");
		assert_int_equal(read_answer(fd, &body, NULL), 200);
		post(fd, good);
		assert_int_equal(read_answer(fd, &body, NULL), 200);
		assert_non_null(strstr(body.buf, "<string>one.x</string>"));
	}
	strbuf_done(&body);
	close(fd);
	stop_server(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_never_ends_his_head_is_timed_out),
		cmocka_unit_test(who_never_ends_his_body_is_timed_out),
		cmocka_unit_test(who_says_nothing_is_closed),
		cmocka_unit_test(who_never_reads_is_closed_and_his_answer_released),
		cmocka_unit_test(slow_clients_on_all_places_do_not_stop_the_api),
		cmocka_unit_test(silent_connections_in_hundreds_do_not_stop_the_api),
		cmocka_unit_test(a_body_over_the_limit_is_refused),
		cmocka_unit_test(who_sends_100_mb_all_the_same_still_sees_the_refusal),
		cmocka_unit_test(bodies_share_a_limit_of_memory),
		cmocka_unit_test(announced_bodies_cost_nothing_until_they_come),
		cmocka_unit_test(a_head_without_end_is_refused),
		cmocka_unit_test(nonsense_gets_a_proper_status),
		cmocka_unit_test(garbage_behind_a_request_does_not_touch_its_answer),
		cmocka_unit_test(connections_that_break_anywhere_leave_nothing_behind),
		cmocka_unit_test(bytes_at_random_never_stop_the_server),
		cmocka_unit_test(a_bad_call_gets_a_fault),
		cmocka_unit_test(a_good_call_between_bad_ones_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
