/* The sockets of the hook manager, with real subscribers. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "common/strbuf.h"
#include "drivers/hm/broker.h"

#define WAIT_MS 20000

/* libzmq's own queues are lock-free and not instrumented: ThreadSanitizer can't see how they order things. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:libzmq\ncalled_from_lib:libzmq\n";
}

struct fixture {
	struct broker *broker;
	void *zmq;
	pthread_mutex_t lock;
	pthread_cond_t more;
	char result[200];
};

static void on_result(void *ctx, int exit_code, long long hook_id, const char *rest)
{
	struct fixture *f = ctx;
	pthread_mutex_lock(&f->lock);
	snprintf(f->result, sizeof(f->result), "%d %lld %s", exit_code, hook_id, rest);
	pthread_cond_signal(&f->more);
	pthread_mutex_unlock(&f->lock);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	const struct broker_config config = { .bind = "127.0.0.1", .result = on_result, .ctx = f };
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->more, NULL);
	f->zmq = zmq_ctx_new();
	assert_int_equal(broker_start(&config, &f->broker, NULL), ONE_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	broker_stop(f->broker);
	zmq_ctx_term(f->zmq);
	free(f);
	return 0;
}

static void *connect_to(struct fixture *f, int type, int port)
{
	void *s = zmq_socket(f->zmq, type);
	char at[64];
	int ms = WAIT_MS, none = 0;
	snprintf(at, sizeof(at), "tcp://127.0.0.1:%d", port);
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	zmq_setsockopt(s, ZMQ_LINGER, &none, sizeof(none));
	assert_int_equal(zmq_connect(s, at), 0);
	return s;
}

static void subscribe(void *s, const char *topic)
{
	assert_int_equal(zmq_setsockopt(s, ZMQ_SUBSCRIBE, topic, strlen(topic)), 0);
}

static void *subscriber(struct fixture *f, const char *topic)
{
	void *s = connect_to(f, ZMQ_SUB, broker_publisher_port(f->broker));
	subscribe(s, topic);
	return s;
}

#define PROBE "EVENT API one.test.probe 1"

/* The next frame; those of probes are skipped. */
static void assert_hears(void *s, const char *text)
{
	char buf[512];
	for (;;) {
		int n = zmq_recv(s, buf, sizeof(buf) - 1, 0);
		assert_true(n >= 0);
		buf[n] = '\0';
		if (strcmp(buf, PROBE) != 0)
			break;
		assert_true(zmq_recv(s, buf, sizeof(buf), 0) >= 0);
	}
	assert_string_equal(buf, text);
}

static void send_call(struct fixture *f, const char *call)
{
	struct strbuf base64 = STRBUF_INIT;
	char *xml = xasprintf(
		"<HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE><CALL>%s</CALL><CALL_INFO><RESULT>1</RESULT></CALL_INFO>"
		"</HOOK_MESSAGE>",
		call);
	base64_encode(xml, strlen(xml), &base64);
	assert_int_equal(broker_event(f->broker, base64.buf, NULL), ONE_OK);
	broker_flush(f->broker);
	strbuf_done(&base64);
	free(xml);
}

/* A subscription takes a while to arrive. */
static void wait_subscribed(struct fixture *f, void *s)
{
	int brief = 20, ms = WAIT_MS, tries = 1000;
	char buf[512];
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &brief, sizeof(brief));
	do
		send_call(f, "one.test.probe");
	while (zmq_recv(s, buf, sizeof(buf), 0) < 0 && --tries > 0);
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &ms, sizeof(ms));
	assert_true(tries > 0);
	assert_true(zmq_recv(s, buf, sizeof(buf), 0) >= 0);
}

static void a_subscriber_gets_key_and_content(void **state)
{
	struct fixture *f = *state;
	void *s = subscriber(f, "EVENT API one.test");
	wait_subscribed(f, s);
	send_call(f, "one.vm.deploy");
	send_call(f, "one.test.it");
	assert_hears(s, "EVENT API one.test.it 1");
	char buf[512];
	assert_true(zmq_recv(s, buf, sizeof(buf), 0) > 50);
	zmq_close(s);
}

static void events_wait_for_the_executor_but_not_those_another_heard(void **state)
{
	struct fixture *f = *state;
	void *flow = subscriber(f, "EVENT API one.test");
	char buf[512];
	wait_subscribed(f, flow);
	send_call(f, "one.vm.deploy");
	send_call(f, "one.test.heard");
	send_call(f, "one.vm.migrate");
	assert_hears(flow, "EVENT API one.test.heard 1");
	assert_true(zmq_recv(flow, buf, sizeof(buf), 0) > 0);
	void *executor = connect_to(f, ZMQ_SUB, broker_publisher_port(f->broker));
	subscribe(executor, "EVENT API one.vm.migrate 1");
	subscribe(executor, "EVENT API one.test.heard 1");
	subscribe(executor, "RETRY");
	assert_hears(executor, "EVENT API one.vm.migrate 1");
	assert_true(zmq_recv(executor, buf, sizeof(buf), 0) > 0);
	send_call(f, "one.test.heard");
	assert_hears(executor, "EVENT API one.test.heard 1");
	zmq_close(executor);
	zmq_close(flow);
}

static void a_retry_waits_for_the_executor_and_reaches_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(broker_retry(f->broker, "PHg+", "", NULL), ONE_OK);
	broker_flush(f->broker);
	void *executor = subscriber(f, "RETRY");
	assert_hears(executor, "RETRY");
	assert_hears(executor, "PHg+ ");
	assert_int_equal(broker_retry(f->broker, "PHk+", "a b", NULL), ONE_OK);
	broker_flush(f->broker);
	assert_hears(executor, "RETRY");
	assert_hears(executor, "PHk+ a b");
	zmq_close(executor);
}

static void a_result_is_acknowledged_and_passed_on(void **state)
{
	struct fixture *f = *state;
	void *s = connect_to(f, ZMQ_REQ, broker_listener_port(f->broker));
	assert_true(zmq_send(s, "what", 4, 0) >= 0);
	assert_hears(s, "ACK");
	pthread_mutex_lock(&f->lock);
	assert_string_equal(f->result, "");
	pthread_mutex_unlock(&f->lock);
	assert_true(zmq_send(s, "3 17 PHg+", 9, 0) >= 0);
	assert_hears(s, "ACK");
	pthread_mutex_lock(&f->lock);
	while (!*f->result)
		pthread_cond_wait(&f->more, &f->lock);
	assert_string_equal(f->result, "3 17 PHg+");
	pthread_mutex_unlock(&f->lock);
	zmq_close(s);
}

static void a_port_in_use_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct broker *second;
	struct one_err err = ONE_ERR_INIT;
	const struct broker_config config = { .bind = "127.0.0.1",
					      .publisher_port = broker_publisher_port(f->broker),
					      .result = on_result };
	assert_int_equal(broker_start(&config, &second, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "in use"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_subscriber_gets_key_and_content),
		TEST(events_wait_for_the_executor_but_not_those_another_heard),
		TEST(a_retry_waits_for_the_executor_and_reaches_it),
		TEST(a_result_is_acknowledged_and_passed_on),
		TEST(a_port_in_use_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
