/* Heads of requests, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "oned/api/http_priv.h"

#define POST "POST /RPC2 HTTP/1.1\r\n"

static bool parse(const char *text, size_t len, struct http_head *head)
{
	size_t from = 0;

	return http_parse_head(text, len, &from, head);
}

static void a_request_is_read(void **state)
{
	static const char text[] =
		POST "Host: a\r\ncontent-LENGTH:  12 \r\nContent-Type: text/xml\r\n\r\n<body";
	struct http_head head;

	(void)state;
	assert_true(parse(text, sizeof(text) - 1, &head));
	assert_int_equal(head.status, 0);
	assert_int_equal(head.length, sizeof(text) - 1 - 5);
	assert_int_equal(head.content_length, 12);
	assert_true(head.keep_alive);
	assert_false(head.expect_continue);
}

static void heads_are_judged(void **state)
{
	static const struct { const char *text; int status; } cases[] = {
		{ POST "Content-Length: 0\r\n\r\n", 0 },
		{ "POST / HTTP/1.0\nContent-Length: 5\n\n", 0 },
		{ POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0 },
		{ POST "Content-Length: 5\r\nContent-Encoding: identity\r\n\r\n", 0 },
		{ POST "\r\n", 411 },
		{ POST "Transfer-Encoding: chunked\r\n\r\n", 411 },
		{ POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\nContent-Encoding: gzip\r\n\r\n", 415 },
		{ POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400 },
		{ POST "Content-Length: -5\r\n\r\n", 400 },
		{ POST "Content-Length: +5\r\n\r\n", 400 },
		{ POST "Content-Length: 5, 5\r\n\r\n", 400 },
		{ POST "Content-Length: \r\n\r\n", 400 },
		{ POST "Content-Length: 0x5\r\n\r\n", 400 },
		{ POST "Content-Length: 99999999999999999999999\r\n\r\n", 400 },
		{ POST "Content-Length : 5\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\n folded\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\n: x\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\nno colon\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\nA: b\rc\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\nA: \x01\r\n\r\n", 400 },
		{ POST "Content-Length: 5\r\nExpect: the-unexpected\r\n\r\n", 417 },
		{ "GET /RPC2 HTTP/1.1\r\n\r\n", 405 },
		{ "post /RPC2 HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 405 },
		{ "POST /RPC2 HTTP/2.0\r\nContent-Length: 5\r\n\r\n", 505 },
		{ "POST /RPC2\r\nContent-Length: 5\r\n\r\n", 400 },
		{ "POST  HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400 },
		{ "POST /RPC2 HTTP/1.1 \r\nContent-Length: 5\r\n\r\n", 400 },
		{ "POST /a b HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400 },
		{ "P\x01ST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 400 },
		{ "\x16\x03\x01 hello\r\n\r\n", 400 },
		{ "x\n\n", 400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_head head;
		assert_true(parse(cases[i].text, strlen(cases[i].text), &head));
		if (head.status != cases[i].status)
			print_error("case %zu: %s\n", i, cases[i].text);
		assert_int_equal(head.status, cases[i].status);
	}
}

static void a_zero_byte_is_refused(void **state)
{
	static const char line[] = "POST /\0 HTTP/1.1\r\nContent-Length: 5\r\n\r\n";
	static const char value[] = POST "Content-Length: 5\r\nA: b\0c\r\n\r\n";
	static const char name[] = POST "Content-Length: 5\r\nA\0: b\r\n\r\n";
	struct http_head head;

	(void)state;
	assert_true(parse(line, sizeof(line) - 1, &head) && head.status == 400);
	assert_true(parse(value, sizeof(value) - 1, &head) && head.status == 400);
	assert_true(parse(name, sizeof(name) - 1, &head) && head.status == 400);
}

static void whether_to_keep_the_connection_is_the_clients_say(void **state)
{
	static const struct { const char *text; bool keep; } cases[] = {
		{ POST "Content-Length: 5\r\n\r\n", true },
		{ POST "Content-Length: 5\r\nConnection: close\r\n\r\n", false },
		{ POST "Content-Length: 5\r\nConnection: TE , Close\r\n\r\n", false },
		{ POST "Content-Length: 5\r\nConnection: closed\r\n\r\n", true },
		{ "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", false },
		{ "POST / HTTP/1.0\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_head head;
		assert_true(parse(cases[i].text, strlen(cases[i].text), &head));
		assert_int_equal(head.keep_alive, cases[i].keep);
	}
}

static void an_expectation_is_met_from_http_1_1_on(void **state)
{
	static const char new[] = POST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
	static const char old[] = "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
	struct http_head head;

	(void)state;
	assert_true(parse(new, strlen(new), &head) && head.status == 0 && head.expect_continue);
	assert_true(parse(old, strlen(old), &head) && head.status == 0 && !head.expect_continue);
}

static void the_end_is_found_however_the_bytes_arrive(void **state)
{
	static const char text[] = POST "A: b\r\nContent-Length: 5\r\n\r\n";
	struct http_head head;
	size_t from = 0;

	(void)state;
	for (size_t len = 1; len < sizeof(text) - 1; len++)
		assert_false(http_parse_head(text, len, &from, &head));
	assert_true(http_parse_head(text, sizeof(text) - 1, &from, &head));
	assert_int_equal(head.status, 0);
	assert_int_equal(head.content_length, 5);
}

static void long_heads_and_many_headers_are_refused(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	struct http_head head;
	size_t n;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), POST "Content-Length: 5\r\nCookie: ");
	memset(text + n, 'x', HTTP_HEAD_MAX - n);
	assert_false(parse(text, HTTP_HEAD_MAX - 1, &head));
	assert_true(parse(text, HTTP_HEAD_MAX, &head));
	assert_int_equal(head.status, 431);
	n = (size_t)snprintf(text, sizeof(text), POST "Content-Length: 5\r\n");
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "H%d: x\r\n", i);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
	assert_true(parse(text, n, &head));
	assert_int_equal(head.status, 431);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read),
		cmocka_unit_test(heads_are_judged),
		cmocka_unit_test(a_zero_byte_is_refused),
		cmocka_unit_test(whether_to_keep_the_connection_is_the_clients_say),
		cmocka_unit_test(an_expectation_is_met_from_http_1_1_on),
		cmocka_unit_test(the_end_is_found_however_the_bytes_arrive),
		cmocka_unit_test(long_heads_and_many_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
