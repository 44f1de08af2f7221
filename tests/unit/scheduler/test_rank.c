/* Tests of policies and ranks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "scheduler/rank.h"

static void every_policy_stands_for_an_expression_that_compiles(void **state)
{
	(void)state;
	static const int POLICIES[] = { [RANK_HOSTS] = 5, [RANK_STORES] = 4, [RANK_NETWORKS] = 4 };

	for (enum rank_kind kind = RANK_HOSTS; kind <= RANK_NETWORKS; kind++) {
		for (int policy = 0; policy < POLICIES[kind]; policy++) {
			struct one_err err = ONE_ERR_INIT;
			struct expr *e = NULL;
			const char *rank = rank_policy(kind, policy, "A * 2");

			assert_non_null(rank);
			assert_int_equal(expr_compile_rank(rank, &e, &err), ONE_OK);
			expr_free(e);
		}
		assert_null(rank_policy(kind, POLICIES[kind], "A"));
		assert_null(rank_policy(kind, -1, "A"));
	}
	assert_string_equal(rank_policy(RANK_HOSTS, 3, "A * 2"), "A * 2");
	assert_string_equal(rank_policy(RANK_STORES, 2, "A * 2"), "A * 2");
	assert_string_equal(rank_policy(RANK_NETWORKS, 2, "A * 2"), "A * 2");
}

static const char *lookup(void *ctx, const char *name, int i)
{
	return i == 0 && !strcmp(name, "A") ? ctx : NULL;
}

static long rank_of(const char *text, const char *value)
{
	struct one_err err = ONE_ERR_INIT;
	struct expr *e = NULL;
	double rank;

	assert_int_equal(expr_compile_rank(text, &e, &err), ONE_OK);
	rank = rank_value(e, lookup, (void *)(uintptr_t)value);
	expr_free(e);
	return (long)rank;
}

static void a_rank_is_the_whole_part_of_its_expression(void **state)
{
	(void)state;
	assert_int_equal(rank_of("A", "2.9"), 2);
	assert_int_equal(rank_of("-A", "2.9"), -2);
	assert_int_equal(rank_of("A / 3", "10"), 3);
	assert_int_equal(rank_of("A / 0", "10"), 0);
	assert_int_equal(rank_of("NOSUCH", "10"), 0);
	assert_int_equal(rank_of("", "10"), 0);
	assert_true(rank_value(NULL, lookup, NULL) >= 0 && rank_value(NULL, lookup, NULL) <= 0);
}

static void the_higher_rank_is_better_and_of_equals_the_higher_id(void **state)
{
	(void)state;
	assert_true(rank_better(2, 1, 1, 9));
	assert_false(rank_better(1, 9, 2, 1));
	assert_true(rank_better(1, 9, 1, 1));
	assert_false(rank_better(1, 1, 1, 9));
	assert_true(rank_better(-1, 0, -2, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_stands_for_an_expression_that_compiles),
		cmocka_unit_test(a_rank_is_the_whole_part_of_its_expression),
		cmocka_unit_test(the_higher_rank_is_better_and_of_equals_the_higher_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
