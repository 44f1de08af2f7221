/* What becomes of the messages of agents and drivers: lines to oned. */
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
#include "common/timeutil.h"
#include "drivers/im/monitor.h"

struct fixture {
	struct monitor monitor;
	struct strbuf sent; /* "HOST_STATE - 3 ERROR ...;" unpacked */
};

static void on_send(void *ctx, const char *action, const char *status, long long host, const char *packed)
{
	struct fixture *f = ctx;
	struct strbuf text = STRBUF_INIT;
	assert_true(driver_unpack(packed, 1000000, &text));
	strbuf_addf(&f->sent, "%s %s %lld %s;", action, status, host, text.buf);
	strbuf_done(&text);
}

static void on_state(void *ctx, long long host, const char *state)
{
	struct fixture *f = ctx;
	monitor_send(&f->monitor, "HOST_STATE", "-", host, state);
}

static enum one_rc on_start(void *ctx, const char *im_mad, long long host, const char *host_xml,
			    struct one_err *err)
{
	(void)ctx, (void)im_mad, (void)host, (void)host_xml, (void)err;
	return ONE_OK;
}

static void on_stop(void *ctx, const char *im_mad, long long host, const char *host_xml)
{
	(void)ctx, (void)im_mad, (void)host, (void)host_xml;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const struct hosts_calls calls = { f, on_start, on_stop, on_state };
	struct arena arena = ARENA_INIT;
	struct xnode *host;
	static const char xml[] = "<HOST><ID>3</ID><NAME>h</NAME><STATE>2</STATE><IM_MAD>kvm</IM_MAD></HOST>";
	strbuf_init(&f->sent);
	f->monitor.hosts = hosts_new(&calls, 180);
	f->monitor.with_samples = true;
	f->monitor.send = on_send;
	f->monitor.ctx = f;
	assert_int_equal(xml_parse(&arena, xml, strlen(xml), 10, 1000, &host, NULL), ONE_OK);
	hosts_update(f->monitor.hosts, host, time_now());
	arena_done(&arena);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	hosts_free(f->monitor.hosts);
	strbuf_done(&f->sent);
	free(f);
	return 0;
}

/* A line whose head is given, with the text packed. */
static char *line_of(const char *head, const char *text)
{
	struct strbuf line = STRBUF_INIT;
	strbuf_adds(&line, head);
	driver_pack(text, strlen(text), &line);
	return strbuf_detach(&line, NULL);
}

static void from_network(struct fixture *f, const char *head, const char *text)
{
	char *line = line_of(head, text);
	monitor_network_line(&f->monitor, line);
	free(line);
}

static void from_driver(struct fixture *f, const char *head, const char *text)
{
	char *line = line_of(head, text);
	struct driver_msg m;
	assert_true(driver_parse_reply(line, &m));
	monitor_driver_message(&f->monitor, "kvm", &m);
	free(line);
}

static void assert_sent(struct fixture *f, const char *text)
{
	assert_string_equal(f->sent.buf, text);
	strbuf_reset(&f->sent);
}

static void what_a_host_is_and_its_vms_states_go_to_oned(void **state)
{
	struct fixture *f = *state;
	from_network(f, "SYSTEM_HOST SUCCESS 3 100 ", "ARCH=x86_64");
	from_network(f, "STATE_VM SUCCESS 3 100 ", "VM=[ID=1,STATE=RUNNING]");
	assert_sent(f, "HOST_SYSTEM SUCCESS 3 ARCH=x86_64;VM_STATE - 3 VM=[ID=1,STATE=RUNNING];");
}

static void samples_go_to_oned_unless_it_is_a_stock_one(void **state)
{
	struct fixture *f = *state;
	from_network(f, "MONITOR_HOST SUCCESS 3 100 ", "FREECPU=5");
	from_network(f, "MONITOR_VM SUCCESS 3 100 ", "VM=[ID=1,DEPLOY_ID=a,MONITOR=\"Q1BVPTE=\"]");
	assert_sent(
		f,
		"MONITOR_HOST - 3 FREECPU=5;"
		"MONITOR_VM - 3 VM = [ DEPLOY_ID = \"a\", ID = \"1\", MONITOR = \"Q1BVID0gIjEiCg==\" ]\n;");
	f->monitor.with_samples = false;
	from_network(f, "MONITOR_HOST SUCCESS 3 101 ", "FREECPU=5");
	from_network(f, "MONITOR_VM SUCCESS 3 101 ", "VM=[ID=1,MONITOR=\"Q1BVPTE=\"]");
	assert_sent(f, "");
}

static void a_broken_sample_is_an_error_of_the_host(void **state)
{
	struct fixture *f = *state;
	from_network(f, "MONITOR_HOST SUCCESS 3 100 ", "FREECPU=[");
	assert_sent(f, "HOST_STATE - 3 ERROR Error parsing monitor information;");
}

static void failures_of_host_probes_are_the_hosts_and_of_vm_probes_are_not(void **state)
{
	struct fixture *f = *state;
	from_network(f, "STATE_VM FAILURE 3 100 ", "virsh is gone");
	from_network(f, "MONITOR_VM FAILURE 3 100 ", "virsh is gone");
	assert_sent(f, "");
	from_network(f, "BEACON_HOST FAILURE 3 100 ", "disk full");
	assert_sent(f, "HOST_STATE - 3 ERROR disk full;");
}

static void strangers_get_nothing_through(void **state)
{
	struct fixture *f = *state;
	char garbage[] = "hello";
	from_network(f, "SYSTEM_HOST SUCCESS 4 100 ", "ARCH=x");
	from_network(f, "START_MONITOR FAILURE 3 100 ", "agents do not say this");
	from_network(f, "LOG E 3 100 ", "nor this");
	monitor_network_line(&f->monitor, garbage);
	assert_sent(f, "");
}

static void the_answer_to_start_is_the_first_report(void **state)
{
	struct fixture *f = *state;
	from_driver(
		f, "START_MONITOR SUCCESS 3 100 ",
		"<MONITOR_MESSAGES><SYSTEM_HOST>QVJDSD14</SYSTEM_HOST><TIMESTAMP>100</TIMESTAMP></MONITOR_MESSAGES>");
	assert_sent(f, "HOST_SYSTEM SUCCESS 3 ARCH=x;");
	from_driver(f, "START_MONITOR SUCCESS 3 101 ", "");
	assert_sent(f, "");
	from_driver(f, "START_MONITOR SUCCESS 3 102 ", "what");
	assert_sent(f, "HOST_STATE - 3 ERROR The answer to START_MONITOR cannot be read;");
	from_driver(f, "START_MONITOR FAILURE 3 103 ", "no route to host");
	assert_sent(f, "HOST_STATE - 3 ERROR no route to host;");
}

int main(void)
{
	log_set_level(LOG_L_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_a_host_is_and_its_vms_states_go_to_oned),
		TEST(samples_go_to_oned_unless_it_is_a_stock_one),
		TEST(a_broken_sample_is_an_error_of_the_host),
		TEST(failures_of_host_probes_are_the_hosts_and_of_vm_probes_are_not),
		TEST(strangers_get_nothing_through),
		TEST(the_answer_to_start_is_the_first_report),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
