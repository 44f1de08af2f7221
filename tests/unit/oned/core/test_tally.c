/* Counts that live in memory only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/core/core_internal.h"
#include "oned/core/tally.h"

static void count(struct txn *t, void *arg)
{
	(void)arg;
	assert_int_equal(tally_add(t, TALLY_APP_MISSED, 7), 1);
	assert_int_equal(tally_add(t, TALLY_APP_MISSED, 7), 2);
	assert_int_equal(tally_add(t, TALLY_HOOK_RUN, 7), 1); /* another count */
	tally_set(t, TALLY_HOOK_RUN, INT32_MAX, 40);
	tally_set(t, TALLY_APP_MISSED, 7, 0);
	assert_int_equal(tally_add(t, TALLY_APP_MISSED, 7), 1);
	txn_fail(t, ONE_INTERNAL, "no matter");
}

static void go_on(struct txn *t, void *arg)
{
	(void)arg;
	assert_int_equal(tally_add(t, TALLY_APP_MISSED, 7), 2);
	assert_int_equal(tally_add(t, TALLY_HOOK_RUN, INT32_MAX), 41);
}

static void counts_are_kept_apart_and_stay(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	struct core *core;

	(void)state;
	assert_int_equal(core_new(NULL, NULL, NULL, &core, &err), ONE_OK);
	assert_int_equal(core_run(core, count, NULL, NULL), ONE_INTERNAL);
	assert_int_equal(core_run(core, go_on, NULL, NULL), ONE_OK);
	core_free(core);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(counts_are_kept_apart_and_stay) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
