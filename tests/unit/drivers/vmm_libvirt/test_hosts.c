/* Kept connections and operations with a deadline. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "drivers/vmm_libvirt/hosts.h"
#include "drivers/vmm_libvirt/virt.h"
#include "tests/lib/tsan_libvirt.h"

/* What the operations of these tests see and wait for. */
static struct {
	virConnectPtr seen[2];
	int runs;
	sem_t go, late;
	int cancel_fd; /* written by an operation that runs; -1: not */
	bool stopped;
} world;

static int start(void **state)
{
	(void)state;
	return virt_start(NULL) == ONE_OK ? 0 : -1;
}

static struct hosts hosts;

static int set_up(void **state)
{
	world.runs = 0;
	world.cancel_fd = -1;
	sem_init(&world.go, 0, 0);
	sem_init(&world.late, 0, 0);
	hosts_init(&hosts, "test:///default", "qemu+unix:///system?socket=/no/such/%h");
	*state = &hosts;
	return 0;
}

static int tear_down(void **state)
{
	hosts_done(*state);
	return 0;
}

static enum one_rc look(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err)
{
	(void)err, (void)to;
	world.seen[world.runs++ % 2] = c;
	strbuf_adds(out, op->text);
	return ONE_OK;
}

static enum one_rc refuse(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err)
{
	(void)op, (void)c, (void)to, (void)out;
	return one_err_set(err, ONE_ACTION, "it failed");
}

static enum one_rc hang(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err)
{
	(void)c, (void)to, (void)out, (void)err;
	if (world.cancel_fd >= 0)
		eventfd_write(world.cancel_fd, 1);
	sem_wait(&world.go);
	world.stopped = atomic_load(op->stop);
	return ONE_OK;
}

static void told_late(const struct virt_op *op, virConnectPtr c)
{
	(void)op, (void)c;
	sem_post(&world.late);
}

static void an_operation_gets_its_values_and_its_answer_comes_back(void **state)
{
	const struct virt_op op = { .run = look, .text = "hello" };
	struct strbuf out = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(hosts_run(*state, "localhost", &op, 10000, -1, &out, &err), ONE_OK);
	assert_string_equal(out.buf, "hello");
	strbuf_done(&out);
}

static void a_connection_is_kept_for_the_next_operation(void **state)
{
	const struct virt_op op = { .run = look, .text = "" };

	assert_int_equal(hosts_run(*state, "localhost", &op, 10000, -1, NULL, NULL), ONE_OK);
	assert_int_equal(hosts_run(*state, "localhost", &op, 10000, -1, NULL, NULL), ONE_OK);
	assert_ptr_equal(world.seen[0], world.seen[1]);
}

static void a_failure_comes_back_with_its_text(void **state)
{
	const struct virt_op op = { .run = refuse };
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(hosts_run(*state, "localhost", &op, 10000, -1, NULL, &err), ONE_ACTION);
	assert_string_equal(err.text, "it failed");
}

static void a_host_that_cannot_be_reached_is_named_and_nothing_runs(void **state)
{
	const struct virt_op op = { .run = look, .text = "" };
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(hosts_run(*state, "edge01", &op, 10000, -1, NULL, &err), ONE_ACTION);
	assert_non_null(strstr(err.text, "Host edge01: Cannot connect"));
	assert_int_equal(world.runs, 0);
}

static void after_the_deadline_the_asker_goes_on_and_a_late_success_is_told(void **state)
{
	const struct virt_op op = { .run = hang, .late = told_late };
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(hosts_run(*state, "localhost", &op, 50, -1, NULL, &err), ONE_ACTION);
	assert_non_null(strstr(err.text, "no answer"));
	sem_post(&world.go);
	sem_wait(&world.late); /* a test that never comes back has failed */
	assert_true(world.stopped);
}

static void a_cancelled_operation_is_not_waited_for(void **state)
{
	const struct virt_op op = { .run = hang, .late = told_late };
	struct one_err err = ONE_ERR_INIT;

	world.cancel_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(hosts_run(*state, "localhost", &op, 600000, world.cancel_fd, NULL, &err), ONE_ACTION);
	assert_string_equal(err.text, "Cancelled");
	sem_post(&world.go);
	sem_wait(&world.late);
	close(world.cancel_fd);
}

static void names_that_are_no_hosts_are_refused(void **state)
{
	static const char *const bad[] = { "", "-oProxyCommand=x", "a b", "host;reboot", "host/x", "$(x)" };
	const struct virt_op op = { .run = look, .text = "" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hosts_run(*state, bad[i], &op, 10000, -1, NULL, NULL), ONE_ACTION);
	assert_int_equal(world.runs, 0);
	assert_true(host_name_ok("edge-01.example.org"));
	assert_true(host_name_ok("fd00::1"));
}

static void the_uri_of_a_host_depends_on_where_it_is(void **state)
{
	struct strbuf out = STRBUF_INIT;
	char own[256];

	assert_int_equal(gethostname(own, sizeof(own)), 0);
	hosts_uri(*state, own, &out);
	assert_string_equal(out.buf, "test:///default");
	strbuf_reset(&out);
	hosts_uri(*state, "edge01", &out);
	assert_string_equal(out.buf, "qemu+unix:///system?socket=/no/such/edge01");
	strbuf_done(&out);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(an_operation_gets_its_values_and_its_answer_comes_back),
		CASE(a_connection_is_kept_for_the_next_operation),
		CASE(a_failure_comes_back_with_its_text),
		CASE(a_host_that_cannot_be_reached_is_named_and_nothing_runs),
		CASE(after_the_deadline_the_asker_goes_on_and_a_late_success_is_told),
		CASE(names_that_are_no_hosts_are_refused),
		CASE(the_uri_of_a_host_depends_on_where_it_is),
		CASE(a_cancelled_operation_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
