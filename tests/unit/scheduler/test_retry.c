/* Tests of what is remembered of failed deployments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/retry.h"

static void the_wait_doubles_up_to_a_limit(void **state)
{
	(void)state;
	struct retries r = RETRIES_INIT;
	int64_t wait_ms = RETRY_FIRST_MS;

	assert_false(retries_waiting(&r, 5, 0));
	assert_true(retries_next_ms(&r, 0) == INT64_MAX);
	for (int i = 0; i < 20; i++) {
		retries_failed(&r, 5, 1, 1000);
		assert_true(retries_waiting(&r, 5, 1000 + wait_ms - 1));
		assert_false(retries_waiting(&r, 5, 1000 + wait_ms));
		assert_true(retries_next_ms(&r, 1000) == 1000 + wait_ms);
		wait_ms = wait_ms * 2 < RETRY_LAST_MS ? wait_ms * 2 : RETRY_LAST_MS;
	}
	assert_true(retries_next_ms(&r, 1000 + RETRY_LAST_MS) == INT64_MAX);
	retries_forget(&r, 5);
	assert_false(retries_waiting(&r, 5, 0));
	retries_failed(&r, 5, 1, 0);
	assert_true(retries_next_ms(&r, 0) == RETRY_FIRST_MS);
	retries_done(&r);
}

static void the_earliest_of_several_waits_comes_next(void **state)
{
	(void)state;
	struct retries r = RETRIES_INIT;

	retries_failed(&r, 1, 0, 500);
	retries_failed(&r, 2, 0, 100);
	assert_true(retries_next_ms(&r, 0) == 100 + RETRY_FIRST_MS);
	assert_true(retries_next_ms(&r, 100 + RETRY_FIRST_MS) == 500 + RETRY_FIRST_MS);
	retries_done(&r);
}

static void hosts_that_refused_are_known_the_latest_last(void **state)
{
	(void)state;
	struct retries r = RETRIES_INIT;

	retries_failed(&r, 5, 10, 0);
	retries_failed(&r, 5, 11, 0);
	assert_true(retries_refused(&r, 5, 11) > retries_refused(&r, 5, 10));
	assert_int_equal(retries_refused(&r, 5, 12), 0);
	assert_int_equal(retries_refused(&r, 6, 10), 0);
	retries_failed(&r, 5, 10, 0);
	assert_true(retries_refused(&r, 5, 10) > retries_refused(&r, 5, 11));
	for (int i = 0; i < 3 * RETRY_HOSTS + 1; i++)
		retries_failed(&r, 5, 100 + i, 0);
	assert_int_equal(retries_refused(&r, 5, 10), 0);
	for (int i = 2 * RETRY_HOSTS + 2; i < 3 * RETRY_HOSTS + 1; i++)
		assert_true(retries_refused(&r, 5, 100 + i) > retries_refused(&r, 5, 100 + i - 1));
	retries_done(&r);
}

static bool is_even(const void *ctx, int vm_id)
{
	(void)ctx;
	return vm_id % 2 == 0;
}

static void vms_that_are_gone_are_forgotten(void **state)
{
	(void)state;
	struct retries r = RETRIES_INIT;

	for (int id = 0; id < 100; id++)
		retries_failed(&r, id, 1, 0);
	retries_sweep(&r, is_even, NULL);
	for (int id = 0; id < 100; id++)
		assert_int_equal(retries_waiting(&r, id, 0), id % 2 == 0);
	retries_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wait_doubles_up_to_a_limit),
		cmocka_unit_test(the_earliest_of_several_waits_comes_next),
		cmocka_unit_test(hosts_that_refused_are_known_the_latest_last),
		cmocka_unit_test(vms_that_are_gone_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
