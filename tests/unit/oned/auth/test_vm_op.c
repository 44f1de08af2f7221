/* Which right an operation on a VM needs, as lists say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/auth/vm_op.h"

static struct arena arena;

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static struct tmpl *template(const char *text)
{
	struct tmpl *t = tmpl_new(&arena);

	assert_int_equal(tmpl_parse(t, text, NULL), ONE_OK);
	return t;
}

static void a_list_gives_its_right_and_the_strictest_counts(void **state)
{
	const struct tmpl *t = template("VM_USE_OPERATIONS = \"hold, Release\" VM_ADMIN_OPERATIONS = \" terminate ,hold\"");

	(void)state;
	assert_int_equal(vm_op_in_template(t, "hold"), AUTH_ADMIN);
	assert_int_equal(vm_op_in_template(t, "release"), AUTH_USE);
	assert_int_equal(vm_op_in_template(t, "terminate"), AUTH_ADMIN);
	assert_int_equal(vm_op_in_template(t, "term"), 0);
	assert_int_equal(vm_op_in_template(t, "stop"), 0);
}

static void a_name_that_is_no_operation_is_told(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(vm_op_check_template(template("VM_USE_OPERATIONS = \"hold,, Nic-Attach ,\""), &err), ONE_OK);
	assert_int_equal(vm_op_check_template(template("A = 1"), &err), ONE_OK);
	assert_int_equal(vm_op_check_template(template("VM_MANAGE_OPERATIONS = \"hold, fly high\""), &err), ONE_INTERNAL);
	assert_string_equal(err.text, "Unknown vm operation: fly high");
}

static void of_several_the_first_in_the_alphabet_is_told_in_small_letters(void **state)
{
	static const struct { const char *list, *told; } rows[] = {
		{ "swim,FLY,hold", "fly" }, { "swim,swimming,hold", "swim" }, { "fly, swim", "swim" /* a blank is before any letter */ },
		{ "terminate, ", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tmpl *t = tmpl_new(&arena);
		struct one_err err = ONE_ERR_INIT;

		tmpl_add(t, "VM_USE_OPERATIONS", rows[i].list);
		assert_int_equal(vm_op_check_template(t, &err), ONE_INTERNAL);
		assert_memory_equal(err.text, "Unknown vm operation: ", 22);
		assert_string_equal(err.text + 22, rows[i].told);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_list_gives_its_right_and_the_strictest_counts, teardown),
		cmocka_unit_test_teardown(a_name_that_is_no_operation_is_told, teardown),
		cmocka_unit_test_teardown(of_several_the_first_in_the_alphabet_is_told_in_small_letters, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
