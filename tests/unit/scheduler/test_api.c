/* Tests of the connections: the session is read when needed and anew after a reset. (Calls over HTTP:
 * test_loop.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scheduler/api.h"

static void write_session(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void the_session_is_read_once_and_again_after_a_reset(void **state)
{
	(void)state;
	char path[] = "/tmp/test_api_XXXXXX";
	struct one_err err = ONE_ERR_INIT;
	struct connections c;

	close(mkstemp(path));
	write_session(path, "oneadmin:one\n");
	connections_init(&c, "http://127.0.0.1:9/RPC2", path, 1000, 1 << 20, -1);
	assert_int_equal(connections_ready(&c, &err), ONE_OK);
	assert_string_equal(c.session.buf, "oneadmin:one");
	write_session(path, "oneadmin:two\n");
	assert_int_equal(connections_ready(&c, &err), ONE_OK);
	assert_string_equal(c.session.buf, "oneadmin:one");
	connections_reset(&c);
	assert_int_equal(connections_ready(&c, &err), ONE_OK);
	assert_string_equal(c.session.buf, "oneadmin:two");
	unlink(path);
	connections_reset(&c);
	assert_int_not_equal(connections_ready(&c, &err), ONE_OK);
	assert_non_null(strstr(err.text, path));
	connections_done(&c);
}

static void a_server_that_is_not_there_is_an_error_of_the_call(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;
	struct rpc_arg none[] = { RPC_END };
	struct connections c;
	struct api api;

	connections_init(&c, "http://127.0.0.1:1/RPC2", NULL, 1000, 1 << 20, -1);
	strbuf_lit(&c.session, "oneadmin:one");
	api = connections_api(&c);
	assert_int_equal(api.call(api.ctx, API_LANES - 1, "one.system.version", none, NULL, NULL, &err),
			 ONE_INTERNAL);
	assert_int_equal(api.call(api.ctx, 0, "one.system.version", none, NULL, NULL, &err), ONE_INTERNAL);
	assert_null(strstr(err.text, "oneadmin:one"));
	connections_done(&c);
}

static void it_stops_when_the_descriptor_is_readable(void **state)
{
	(void)state;
	struct connections c;
	struct api api;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	connections_init(&c, "http://127.0.0.1:1/RPC2", NULL, 1000, 1 << 20, fds[0]);
	api = connections_api(&c);
	assert_false(api.stopping(api.ctx));
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_true(api.stopping(api.ctx));
	c.stop_fd = -1;
	assert_false(api.stopping(api.ctx));
	connections_done(&c);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_session_is_read_once_and_again_after_a_reset),
		cmocka_unit_test(a_server_that_is_not_there_is_an_error_of_the_call),
		cmocka_unit_test(it_stops_when_the_descriptor_is_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
