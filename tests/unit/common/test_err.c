/* Tests of the error texts: what is kept, what is cut, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/err.h"

static void setting_an_error_keeps_code_and_text_and_returns_the_code(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(one_err_set(&err, ONE_NO_EXISTS, "Error getting %s [%d].", "host", 7),
			 ONE_NO_EXISTS);
	assert_int_equal(err.rc, ONE_NO_EXISTS);
	assert_int_equal(err.object_id, -1);
	assert_string_equal(err.text, "Error getting host [7].");
}

static void without_a_place_for_the_text_only_the_code_is_returned(void **state)
{
	(void)state;
	assert_int_equal(one_err_set(NULL, ONE_ACTION, "%s", "lost"), ONE_ACTION);
	one_err_prefix(NULL, "%s", "lost");
	one_err_clear(NULL);
}

static void a_text_may_be_made_of_the_text_before(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;

	one_err_set(&err, ONE_INTERNAL, "disk full");
	one_err_set(&err, ONE_ALLOCATE, "Cannot create image: %s", err.text);
	assert_string_equal(err.text, "Cannot create image: disk full");
}

static void a_text_too_long_is_cut_at_a_character(void **state)
{
	(void)state;
	char text[ONE_ERR_TEXT + 100];
	struct one_err err = ONE_ERR_INIT;

	for (size_t head = 0; head < 4; head++) {
		memset(text, 'x', head);
		for (size_t i = head; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xE2\x82\xAC", 4);
		one_err_set(&err, ONE_INTERNAL, "%s", text);
		assert_int_equal((strlen(err.text) - head) % 3, 0);
		assert_true(strlen(err.text) > ONE_ERR_TEXT - 4);
		assert_memory_equal(err.text, text, strlen(err.text));
	}
}

static void a_text_just_fitting_is_not_cut(void **state)
{
	(void)state;
	char text[ONE_ERR_TEXT];
	struct one_err err = ONE_ERR_INIT;

	memset(text, 'x', sizeof(text));
	memcpy(text + ONE_ERR_TEXT - 4, "\xE2\x82\xAC", 4);
	one_err_set(&err, ONE_INTERNAL, "%s", text);
	assert_string_equal(err.text, text);
}

static void bytes_that_are_not_utf8_are_cut_anywhere(void **state)
{
	(void)state;
	char text[ONE_ERR_TEXT + 100];
	struct one_err err = ONE_ERR_INIT;

	memset(text, '\x80', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	one_err_set(&err, ONE_INTERNAL, "%s", text);
	assert_int_equal(strlen(err.text), ONE_ERR_TEXT - 1);
}

static void a_prefix_stands_before_the_text_and_leaves_the_code(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;

	one_err_set(&err, ONE_INTERNAL, "syntax error");
	one_err_prefix(&err, "Cannot update %s. ", "template");
	assert_int_equal(err.rc, ONE_INTERNAL);
	assert_string_equal(err.text, "Cannot update template. syntax error");
}

static void a_prefix_pushes_out_the_end_of_the_text(void **state)
{
	(void)state;
	char text[ONE_ERR_TEXT];
	struct one_err err = ONE_ERR_INIT;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	one_err_set(&err, ONE_INTERNAL, "%s", text);
	one_err_prefix(&err, "head: ");
	assert_int_equal(strlen(err.text), ONE_ERR_TEXT - 1);
	assert_memory_equal(err.text, "head: xxx", 9);

	one_err_prefix(&err, "%s", text);
	assert_string_equal(err.text, text);
}

static void a_cleared_error_is_as_new(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;

	one_err_set(&err, ONE_LOCKED, "locked");
	err.object_id = 3;
	one_err_clear(&err);
	assert_int_equal(err.rc, ONE_OK);
	assert_int_equal(err.object_id, -1);
	assert_string_equal(err.text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_error_keeps_code_and_text_and_returns_the_code),
		cmocka_unit_test(without_a_place_for_the_text_only_the_code_is_returned),
		cmocka_unit_test(a_text_may_be_made_of_the_text_before),
		cmocka_unit_test(a_text_too_long_is_cut_at_a_character),
		cmocka_unit_test(a_text_just_fitting_is_not_cut),
		cmocka_unit_test(bytes_that_are_not_utf8_are_cut_anywhere),
		cmocka_unit_test(a_prefix_stands_before_the_text_and_leaves_the_code),
		cmocka_unit_test(a_prefix_pushes_out_the_end_of_the_text),
		cmocka_unit_test(a_cleared_error_is_as_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
