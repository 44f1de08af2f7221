/* Planning a batch: which rows are written, in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/store/store_plan.h"
#include "oned/store/store_schema.h"

static struct arena a;

static struct store_row row_make(enum store_table t, bool del, int64_t key, const char *name)
{
	struct sql_value *cols = arena_array(&a, store_columns(t), struct sql_value);

	for (int i = 0; i < store_columns(t); i++)
		cols[i] = SQL_INT(0);
	cols[0] = SQL_INT(key);
	cols[1] = SQL_STR(name);
	return (struct store_row){ .table = t, .del = del, .cols = cols };
}

static struct store_row put(enum store_table t, int64_t key, const char *name)
{
	return row_make(t, false, key, name);
}

static struct store_row del(enum store_table t, int64_t key)
{
	return row_make(t, true, key, "");
}

/* The plan as text: "vm_pool put 0 2; vm_pool del 1". */
static const char *planned(const struct store_row *rows, size_t n)
{
	struct strbuf sb = STRBUF_INIT;
	struct store_plan plan;
	const char *text;

	store_plan_make(&plan, rows, n, &a);
	for (size_t i = 0; i < plan.n_steps; i++) {
		const struct store_step *step = &plan.steps[i];

		strbuf_addf(&sb, "%s%s %s", i ? "; " : "", store_table_name(step->table), step->del ? "del" : "put");
		for (size_t k = 0; k < step->n; k++)
			strbuf_addf(&sb, " %zu", plan.order[step->first + k]);
	}
	text = arena_strdup(&a, sb.buf);
	strbuf_done(&sb);
	return text;
}

#define PLANNED(...) planned((struct store_row[]){ __VA_ARGS__ }, sizeof((struct store_row[]){ __VA_ARGS__ }) / sizeof(struct store_row))

static void test_rows_of_a_table_go_together(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(put(TABLE_VM, 1, "a"), put(TABLE_HOST, 1, "h"), put(TABLE_VM, 2, "b")),
			    "vm_pool put 0 2; host_pool put 1");
}

static void test_of_one_key_only_the_last_row_stays(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(put(TABLE_VM, 1, "a"), put(TABLE_VM, 2, "b"), put(TABLE_VM, 1, "c")), "vm_pool put 2 1");
	assert_string_equal(PLANNED(put(TABLE_VM, 1, "a"), del(TABLE_VM, 1)), "vm_pool del 1");
	assert_string_equal(PLANNED(del(TABLE_VM, 1), put(TABLE_VM, 1, "a")), "vm_pool put 1");
}

static void test_the_same_key_in_two_tables_is_two_rows(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(put(TABLE_VM, 1, "a"), put(TABLE_TEMPLATE, 1, "a")), "vm_pool put 0; template_pool put 1");
}

static void test_a_key_of_two_columns_is_compared_whole(void **state)
{
	struct sql_value cols[3][5] = { { SQL_INT(1), SQL_INT(0) }, { SQL_INT(1), SQL_INT(1) }, { SQL_INT(1), SQL_INT(0) } };
	struct store_row rows[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		rows[i] = (struct store_row){ .table = TABLE_HISTORY, .cols = cols[i] };
	assert_string_equal(planned(rows, 3), "history put 2 1");
}

static void test_a_text_key_is_compared_by_its_bytes(void **state)
{
	struct sql_value cols[3][2] = { { SQL_STR("vm_pool"), SQL_INT(1) }, { SQL_STR("vm_pool2"), SQL_INT(2) },
					{ SQL_STR("vm_pool"), SQL_INT(3) } };
	struct store_row rows[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		rows[i] = (struct store_row){ .table = TABLE_POOL_CONTROL, .cols = cols[i] };
	assert_string_equal(planned(rows, 3), "pool_control put 2 1");
}

static void test_puts_go_before_deletes_where_order_does_not_matter(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(put(TABLE_VM, 1, "a"), del(TABLE_VM, 2), put(TABLE_VM, 3, "b"), del(TABLE_VM, 4)),
			    "vm_pool put 0 2; vm_pool del 1 3");
}

static void test_rows_with_unique_names_keep_their_order(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(del(TABLE_IMAGE, 1), put(TABLE_IMAGE, 2, "a"), del(TABLE_IMAGE, 3), put(TABLE_IMAGE, 4, "b")),
			    "image_pool del 0; image_pool put 1; image_pool del 2; image_pool put 3");
}

static void test_two_puts_of_the_same_unique_name_become_one(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(put(TABLE_NETWORK, 1, "n"), put(TABLE_NETWORK, 2, "m"), put(TABLE_NETWORK, 1, "n")),
			    "network_pool put 2 1");
}

/* 5 gives its name to 6, then gets another one: 6 may not be written before 5 has let go of it. */
static void test_a_renamed_row_is_written_each_time_it_gets_another_name(void **state)
{
	(void)state;
	assert_string_equal(PLANNED(put(TABLE_IMAGE, 5, "y"), put(TABLE_IMAGE, 6, "x"), put(TABLE_IMAGE, 5, "z"), put(TABLE_IMAGE, 5, "z")),
			    "image_pool put 0 1 3");
	assert_string_equal(PLANNED(put(TABLE_IMAGE, 5, "y"), put(TABLE_IMAGE, 6, "x"), del(TABLE_IMAGE, 5), put(TABLE_IMAGE, 7, "y")),
			    "image_pool put 0 1; image_pool del 2; image_pool put 3");
}

static void test_many_rows_of_few_keys_come_down_to_the_last_of_each(void **state)
{
	enum { N = 5000, KEYS = 37 };
	struct store_row *rows = arena_array(&a, N, struct store_row);
	struct store_plan plan;

	(void)state;
	for (int i = 0; i < N; i++)
		rows[i] = put(TABLE_VM, i % KEYS, "n");
	store_plan_make(&plan, rows, N, &a);
	assert_int_equal(plan.n, KEYS);
	assert_int_equal(plan.n_steps, 1);
	for (size_t i = 0; i < KEYS; i++)
		assert_true(plan.order[i] >= N - KEYS);
}

static void test_every_table_fits_what_the_planner_and_the_store_assume(void **state)
{
	(void)state;
	for (int t = 0; t < TABLE_COUNT; t++) {
		const struct store_table_def *def = store_table_def((enum store_table)t);

		assert_non_null(def->name);
		assert_in_range(def->n_columns, 2, STORE_COLUMNS_MAX);
		assert_in_range(def->n_key, 1, def->n_columns);
		assert_int_equal(def->unique >> def->n_columns, 0);
		assert_int_equal(def->unique & 1, 0);
		if (def->unique)
			assert_int_equal(def->n_key, 1);
	}
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&a);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_rows_of_a_table_go_together, teardown),
		cmocka_unit_test_teardown(test_of_one_key_only_the_last_row_stays, teardown),
		cmocka_unit_test_teardown(test_the_same_key_in_two_tables_is_two_rows, teardown),
		cmocka_unit_test_teardown(test_a_key_of_two_columns_is_compared_whole, teardown),
		cmocka_unit_test_teardown(test_a_text_key_is_compared_by_its_bytes, teardown),
		cmocka_unit_test_teardown(test_puts_go_before_deletes_where_order_does_not_matter, teardown),
		cmocka_unit_test_teardown(test_rows_with_unique_names_keep_their_order, teardown),
		cmocka_unit_test_teardown(test_two_puts_of_the_same_unique_name_become_one, teardown),
		cmocka_unit_test_teardown(test_a_renamed_row_is_written_each_time_it_gets_another_name, teardown),
		cmocka_unit_test_teardown(test_many_rows_of_few_keys_come_down_to_the_last_of_each, teardown),
		cmocka_unit_test_teardown(test_every_table_fits_what_the_planner_and_the_store_assume, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
