/* Questions to drivers, and the latest monitoring samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "oned/core/ask.h"
#include "oned/core/core_internal.h"
#include "oned/core/monitor.h"

static struct core *core;

static int begin(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	return core_new(NULL, NULL, NULL, &core, &err) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	core_free(core);
	return 0;
}

struct heard { int times; bool ok; char info[32]; };

static void hear(void *arg, bool ok, const char *info)
{
	struct heard *h = arg;

	h->times++;
	h->ok = ok;
	strncpy(h->info, info, sizeof(h->info) - 1);
}

static long long last_id;

static void ask(struct txn *t, void *arg)
{
	last_id = ask_put(t, 1000, hear, arg);
}

static void answer(struct txn *t, void *arg)
{
	*(bool *)arg = ask_answer(t, last_id, true, "42");
}

static void a_question_is_answered_once(void **state)
{
	struct heard h = { .times = 0 };
	bool waited = false;

	(void)state;
	assert_int_equal(core_run(core, ask, &h, NULL), ONE_OK);
	core_run(core, answer, &waited, NULL);
	assert_true(waited);
	assert_int_equal(h.times, 1);
	assert_true(h.ok);
	assert_string_equal(h.info, "42");
	core_run(core, answer, &waited, NULL);
	assert_false(waited);
	assert_int_equal(h.times, 1);
}

static void questions_have_ids_of_their_own(void **state)
{
	struct heard one = { .times = 0 }, two = { .times = 0 };
	long long first;
	bool waited;

	(void)state;
	core_run(core, ask, &one, NULL);
	first = last_id;
	core_run(core, ask, &two, NULL);
	assert_true(first != last_id);
	core_run(core, answer, &waited, NULL);
	assert_int_equal(one.times, 0);
	assert_int_equal(two.times, 1);
}

/* ---- samples ---- */

static bool sample_is(int id, const char *text, time_t when)
{
	struct strbuf out = STRBUF_INIT;
	time_t at = 0;
	bool same = monitor_get(core_monitor(core), MONITOR_VM, id, &at, &out) && !strcmp(out.buf, text) && at == when;

	strbuf_done(&out);
	return same;
}

static void the_latest_sample_stays(void **state)
{
	struct monitor *m = core_monitor(core);

	(void)state;
	assert_true(monitor_put(m, MONITOR_VM, 3, 100, "<A/>", 4));
	assert_false(monitor_put(m, MONITOR_VM, 3, 99, "<B/>", 4));
	assert_true(sample_is(3, "<A/>", 100));
	assert_true(monitor_put(m, MONITOR_VM, 3, 101, "<C/>", 4));
	assert_true(sample_is(3, "<C/>", 101));
	assert_true(monitor_put(m, MONITOR_HOST, 3, 1, "<H/>", 4)); /* hosts are others */
	assert_true(sample_is(3, "<C/>", 101));
	monitor_drop(m, MONITOR_VM, 3);
	assert_false(sample_is(3, "<C/>", 101));
	monitor_drop(m, MONITOR_VM, 4);
}

static void record(struct txn *t, void *arg)
{
	monitor_record(t, MONITOR_VM, 5, *(time_t *)arg, "<A/>", 4);
}

static void a_sample_makes_a_row_while_rows_are_kept(void **state)
{
	struct monitor *m = core_monitor(core);
	time_t when = 7;

	(void)state;
	monitor_set_expiration(m, MONITOR_VM, 0);
	assert_int_equal(core_run(core, record, &when, NULL), ONE_OK);
	assert_true(sample_is(5, "<A/>", 7));
	monitor_set_expiration(m, MONITOR_VM, 60);
	assert_int_equal(monitor_expiration(m, MONITOR_VM), 60);
	when = 8;
	assert_int_equal(core_run(core, record, &when, NULL), ONE_OK);
	assert_true(sample_is(5, "<A/>", 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_question_is_answered_once),
		TEST(questions_have_ids_of_their_own),
		TEST(the_latest_sample_stays),
		TEST(a_sample_makes_a_row_while_rows_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
