/* Tests of the subscription to events: which keys count, and that nothing else is needed of the publisher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/timeutil.h"
#include "scheduler/events.h"
#include "tests/lib/tsan_zmq.h"

struct fixture {
	void *context, *publisher;
	char endpoint[64];
	struct events *events;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct one_err err = ONE_ERR_INIT;
	size_t len = sizeof(f.endpoint);

	f.context = zmq_ctx_new();
	f.publisher = zmq_socket(f.context, ZMQ_PUB);
	if (zmq_bind(f.publisher, "tcp://127.0.0.1:*") != 0)
		return -1;
	zmq_getsockopt(f.publisher, ZMQ_LAST_ENDPOINT, f.endpoint, &len);
	*state = &f;
	return events_open(f.endpoint, &f.events, &err) == ONE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	events_close(f->events);
	zmq_close(f->publisher);
	zmq_ctx_term(f->context);
	return 0;
}

static void publish(struct fixture *f, const char *key)
{
	zmq_send(f->publisher, key, strlen(key), ZMQ_SNDMORE);
	zmq_send(f->publisher, "PHhtbC8+", 8, 0);
}

/* The first subscription is a while on its way: publishes until something is seen. */
static struct events_seen publish_until_seen(struct fixture *f, const char *key)
{
	int64_t end = time_mono_ms() + 60000;
	struct events_seen seen = { 0 };

	while (!seen.pending && !seen.freed && time_mono_ms() < end) {
		publish(f, key);
		events_wait(f->events, -1, 5, &seen);
	}
	return seen;
}

/* What is seen of this key, sent between two others that are seen. */
static struct events_seen seen_of(struct fixture *f, const char *key)
{
	struct events_seen seen, all = { 0 };
	int64_t end = time_mono_ms() + 60000;

	publish_until_seen(f, "EVENT STATE VM/PENDING/LCM_INIT/0 ");
	do
		events_wait(f->events, -1, 100, &seen);
	while (seen.pending || seen.freed);
	publish(f, key);
	publish(f, "EVENT STATE HOST/MONITORED//0 "); /* arrives after it */
	while (!all.freed && time_mono_ms() < end) {
		events_wait(f->events, -1, 100, &seen);
		all.pending |= seen.pending;
		all.freed |= seen.freed;
	}
	assert_true(all.freed);
	return all;
}

static void a_pending_vm_is_seen(void **state)
{
	struct fixture *f = *state;

	assert_true(publish_until_seen(f, "EVENT STATE VM/PENDING/LCM_INIT/42 ").pending);
}

static void capacity_that_becomes_free_is_seen(void **state)
{
	static const char *const KEYS[] = { "EVENT STATE VM/DONE/LCM_INIT/42 ",
					    "EVENT STATE VM/STOPPED/LCM_INIT/42 ",
					    "EVENT STATE VM/UNDEPLOYED/LCM_INIT/42 ",
					    "EVENT STATE HOST/MONITORED//3 " };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(KEYS) / sizeof(KEYS[0]); i++) {
		struct events_seen seen = publish_until_seen(f, KEYS[i]);

		assert_true(seen.freed);
		do
			events_wait(f->events, -1, 100, &seen);
		while (seen.freed);
	}
}

static void other_events_are_not_seen(void **state)
{
	struct fixture *f = *state;

	assert_false(seen_of(f, "EVENT STATE VM/ACTIVE/RUNNING/42 ").pending);
	assert_false(seen_of(f, "EVENT VM 42/PENDING/LCM_INIT ").pending);
	assert_false(seen_of(f, "EVENT STATE VM/PENDINGS/LCM_INIT/42 ").pending);
	assert_true(seen_of(f, "EVENT STATE VM/PENDING/LCM_INIT/42 ").pending);
}

static void a_burst_is_taken_at_once(void **state)
{
	struct fixture *f = *state;
	struct events_seen seen;

	publish_until_seen(f, "EVENT STATE VM/PENDING/LCM_INIT/0 ");
	for (int i = 0; i < 2000; i++)
		publish(f, "EVENT STATE VM/PENDING/LCM_INIT/1 ");
	do
		events_wait(f->events, -1, 100, &seen);
	while (seen.pending);
	assert_false(seen.freed);
}

static void a_publisher_that_comes_back_is_heard_again(void **state)
{
	struct fixture *f = *state;

	assert_true(publish_until_seen(f, "EVENT STATE VM/PENDING/LCM_INIT/0 ").pending);
	zmq_close(f->publisher);
	f->publisher = zmq_socket(f->context, ZMQ_PUB);
	while (zmq_bind(f->publisher, f->endpoint) != 0)
		usleep(1000);
	assert_true(publish_until_seen(f, "EVENT STATE VM/PENDING/LCM_INIT/1 ").pending);
}

static void a_descriptor_ends_the_wait_with_or_without_events(void **state)
{
	struct fixture *f = *state;
	struct one_err err = ONE_ERR_INIT;
	struct events_seen seen;
	struct events *none;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	events_wait(f->events, fds[0], 60000, &seen);
	assert_true(seen.fd_ready);
	assert_int_equal(events_open("", &none, &err), ONE_OK);
	events_wait(none, fds[0], 60000, &seen);
	assert_true(seen.fd_ready);
	assert_int_equal(read(fds[0], (char[1]){ 0 }, 1), 1);
	events_wait(none, fds[0], 0, &seen);
	assert_false(seen.fd_ready);
	events_close(none);
	close(fds[0]);
	close(fds[1]);
}

static void an_endpoint_that_is_none_is_an_error(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;
	struct events *e = NULL;

	assert_int_equal(events_open("2101", &e, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "2101"));
	assert_null(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pending_vm_is_seen),
		TEST(capacity_that_becomes_free_is_seen),
		TEST(other_events_are_not_seen),
		TEST(a_burst_is_taken_at_once),
		TEST(a_publisher_that_comes_back_is_heard_again),
		TEST(a_descriptor_ends_the_wait_with_or_without_events),
		cmocka_unit_test(an_endpoint_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
