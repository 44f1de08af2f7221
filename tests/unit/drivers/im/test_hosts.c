/* Which hosts are started, stopped and told of, as time goes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "drivers/im/hosts.h"

#define INTERVAL_S 180

/* Calls out, one word each: "start:3", "stop:3", "state:3:MONITORED". */
struct fixture {
	struct hosts *hosts;
	struct strbuf calls;
	enum one_rc answer; /* of start */
};

static enum one_rc on_start(void *ctx, const char *im_mad, long long host, const char *host_xml,
			    struct one_err *err)
{
	struct fixture *f = ctx;
	assert_non_null(strstr(host_xml, "<NAME>"));
	strbuf_addf(&f->calls, "start:%lld ", host);
	return f->answer == ONE_OK ? ONE_OK : one_err_set(err, f->answer, "no %s", im_mad);
}

static void on_stop(void *ctx, const char *im_mad, long long host, const char *host_xml)
{
	struct fixture *f = ctx;
	(void)im_mad;
	(void)host_xml;
	strbuf_addf(&f->calls, "stop:%lld ", host);
}

static void on_state(void *ctx, long long host, const char *state)
{
	struct fixture *f = ctx;
	strbuf_addf(&f->calls, "state:%lld:%s ", host, state);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const struct hosts_calls calls = { f, on_start, on_stop, on_state };
	strbuf_init(&f->calls);
	f->hosts = hosts_new(&calls, INTERVAL_S);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	hosts_free(f->hosts);
	strbuf_done(&f->calls);
	free(f);
	return 0;
}

static void assert_calls(struct fixture *f, const char *calls)
{
	assert_string_equal(f->calls.buf, calls);
	strbuf_reset(&f->calls);
}

static void update(struct fixture *f, int id, int state, time_t now)
{
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	char *xml = xasprintf(
		"<HOST><ID>%d</ID><NAME>h&amp;%d</NAME><STATE>%d</STATE><IM_MAD>kvm</IM_MAD></HOST>", id, id,
		state);
	assert_int_equal(xml_parse(&arena, xml, strlen(xml), 10, 10000, &root, NULL), ONE_OK);
	hosts_update(f->hosts, root, now);
	arena_done(&arena);
	free(xml);
}

static bool accepts(struct fixture *f, enum message_type type, long long host, time_t when)
{
	const struct message m = {
		.type = type, .ok = true, .host = host, .when = when, .text = STRBUF_INIT
	};
	return hosts_accepts(f->hosts, &m);
}

static void a_new_host_is_started_but_not_one_that_is_offline(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 0, 1000);
	update(f, 2, 8, 1000);
	update(f, 3, 2, 1000);
	assert_calls(f, "start:1 start:3 ");
}

static void a_silent_host_is_started_again_and_one_that_is_heard_is_not(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	update(f, 2, 2, 1000);
	hosts_started(f->hosts, 1, true, "", 1001);
	hosts_started(f->hosts, 2, true, "", 1001);
	hosts_heard(f->hosts, 2, 1100);
	assert_calls(f, "start:1 start:2 ");
	hosts_tick(f->hosts, 1001 + INTERVAL_S);
	assert_calls(f, "");
	hosts_tick(f->hosts, 1002 + INTERVAL_S);
	assert_calls(f, "start:1 ");
	hosts_tick(f->hosts, 1003 + INTERVAL_S);
	assert_calls(f, "");
}

static void a_start_that_fails_makes_the_host_an_error_with_the_reason(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	hosts_started(f->hosts, 1, false, "ssh: no route", 1005);
	assert_calls(f, "start:1 state:1:ERROR ssh: no route ");
}

static void a_start_that_is_not_answered_makes_the_host_an_error_once_it_expires(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	assert_calls(f, "start:1 ");
	hosts_tick(f->hosts, 1000 + HOSTS_EXPIRE_S);
	assert_calls(f, "");
	hosts_tick(f->hosts, 1001 + HOSTS_EXPIRE_S);
	assert_calls(f, "state:1:ERROR The monitor driver did not answer in time start:1 ");
}

static void a_broken_host_is_well_when_a_sample_arrives(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 3, 1000);
	hosts_heard(f->hosts, 1, 1001);
	assert_calls(f, "start:1 ");
	hosts_sampled(f->hosts, 1, 1002);
	assert_calls(f, "state:1:MONITORED ");
	hosts_sampled(f->hosts, 1, 1003);
	assert_calls(f, "");
}

static void a_failed_probe_makes_the_host_an_error(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	hosts_failed(f->hosts, 1, "probe x", 1001);
	hosts_failed(f->hosts, 99, "probe x", 1001);
	assert_calls(f, "start:1 state:1:ERROR probe x ");
}

static void a_host_without_monitor_driver_is_an_error_at_once_and_told_once(void **state)
{
	struct fixture *f = *state;
	f->answer = ONE_NO_EXISTS;
	update(f, 1, 0, 1000);
	assert_calls(f, "start:1 state:1:ERROR no kvm ");
	hosts_tick(f->hosts, 1015);
	assert_calls(f, "start:1 ");
}

static void a_monitor_driver_that_is_down_is_no_verdict_on_its_hosts(void **state)
{
	struct fixture *f = *state;
	f->answer = ONE_INTERNAL;
	update(f, 1, 2, 1000);
	assert_calls(f, "start:1 ");
	hosts_tick(f->hosts, 1015);
	assert_calls(f, "start:1 ");
	f->answer = ONE_OK;
	hosts_driver_up(f->hosts, "kvm", 1020);
	hosts_driver_up(f->hosts, "kvm", 1021);
	hosts_driver_up(f->hosts, "lxc", 1021);
	assert_calls(f, "start:1 ");
}

static void a_monitor_driver_that_stays_down_leaves_silent_hosts_in_error(void **state)
{
	struct fixture *f = *state;
	f->answer = ONE_INTERNAL;
	update(f, 1, 2, 1000);
	hosts_tick(f->hosts, 1000 + HOSTS_EXPIRE_S);
	assert_calls(f, "start:1 start:1 state:1:ERROR no kvm ");
}

static void what_was_asked_of_a_driver_that_died_is_asked_again(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	hosts_driver_down(f->hosts, "kvm");
	assert_calls(f, "start:1 ");
	hosts_driver_up(f->hosts, "kvm", 1003);
	assert_calls(f, "start:1 ");
}

static void going_offline_stops_and_coming_back_starts(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	update(f, 1, 8, 1001);
	assert_calls(f, "start:1 stop:1 ");
	hosts_tick(f->hosts, 5000);
	hosts_failed(f->hosts, 1, "late", 5001);
	assert_false(accepts(f, MESSAGE_MONITOR_HOST, 1, 5002));
	assert_calls(f, "");
	update(f, 1, 2, 5003);
	assert_calls(f, "start:1 ");
}

static void messages_of_strangers_and_late_ones_are_not_heeded(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	assert_false(accepts(f, MESSAGE_MONITOR_HOST, 7, 1000));
	assert_true(accepts(f, MESSAGE_MONITOR_HOST, 1, 1000));
	assert_true(accepts(f, MESSAGE_MONITOR_HOST, 1, 1000));
	assert_false(accepts(f, MESSAGE_MONITOR_HOST, 1, 999));
	assert_true(accepts(f, MESSAGE_SYSTEM_HOST, 1, 999));
}

static void a_host_whose_clock_was_set_back_is_heeded(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	assert_true(accepts(f, MESSAGE_MONITOR_HOST, 1, 900000));
	assert_true(accepts(f, MESSAGE_MONITOR_HOST, 1, 1000));
}

static void who_does_not_lead_starts_nothing(void **state)
{
	struct fixture *f = *state;
	hosts_set_leader(f->hosts, false);
	update(f, 1, 0, 1000);
	hosts_tick(f->hosts, 5000);
	assert_false(accepts(f, MESSAGE_MONITOR_HOST, 1, 5000));
	assert_calls(f, "");
	hosts_set_leader(f->hosts, true);
	hosts_tick(f->hosts, 5001);
	assert_calls(f, "start:1 ");
}

static void oned_can_start_stop_and_delete(void **state)
{
	struct fixture *f = *state;
	update(f, 1, 2, 1000);
	hosts_start(f->hosts, 1, 1001);
	hosts_stop(f->hosts, 1);
	hosts_delete(f->hosts, 1);
	hosts_start(f->hosts, 1, 1002);
	hosts_stop(f->hosts, 1);
	hosts_tick(f->hosts, 9000);
	assert_calls(f, "start:1 start:1 stop:1 ");
}

int main(void)
{
	log_set_level(LOG_L_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_host_is_started_but_not_one_that_is_offline),
		TEST(a_silent_host_is_started_again_and_one_that_is_heard_is_not),
		TEST(a_start_that_fails_makes_the_host_an_error_with_the_reason),
		TEST(a_start_that_is_not_answered_makes_the_host_an_error_once_it_expires),
		TEST(a_broken_host_is_well_when_a_sample_arrives),
		TEST(a_failed_probe_makes_the_host_an_error),
		TEST(a_host_without_monitor_driver_is_an_error_at_once_and_told_once),
		TEST(a_monitor_driver_that_is_down_is_no_verdict_on_its_hosts),
		TEST(a_monitor_driver_that_stays_down_leaves_silent_hosts_in_error),
		TEST(what_was_asked_of_a_driver_that_died_is_asked_again),
		TEST(going_offline_stops_and_coming_back_starts),
		TEST(messages_of_strangers_and_late_ones_are_not_heeded),
		TEST(a_host_whose_clock_was_set_back_is_heeded),
		TEST(who_does_not_lead_starts_nothing),
		TEST(oned_can_start_stop_and_delete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
