/* Tests of the string buffer and its invariants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/strbuf.h"

static void an_empty_buffer_is_a_c_string_and_costs_nothing(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	assert_string_equal(sb.buf, "");
	strbuf_reset(&sb);
	strbuf_trim(&sb);
	strbuf_setlen(&sb, 0);
	strbuf_add(&sb, NULL, 0);
	strbuf_adds(&sb, "");
	assert_int_equal(sb.cap, 0);
	strbuf_done(&sb);
}

static void the_shared_empty_string_is_never_written(void **state)
{
	(void)state;
	struct strbuf one = STRBUF_INIT, other = STRBUF_INIT;

	strbuf_addc(&one, 'x');
	assert_string_equal(other.buf, "");
	assert_string_equal(strbuf_empty, "");
	strbuf_done(&one);
}

static void appended_pieces_follow_one_another(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	strbuf_adds(&sb, "VM ");
	strbuf_addi(&sb, 12);
	strbuf_addc(&sb, ':');
	strbuf_lit(&sb, " state ");
	strbuf_addf(&sb, "%s (%d)", "ACTIVE", 3);
	strbuf_add(&sb, "!??", 1);
	assert_string_equal(sb.buf, "VM 12: state ACTIVE (3)!");
	assert_int_equal(sb.len, strlen(sb.buf));
	strbuf_done(&sb);
	assert_string_equal(sb.buf, "");
}

static void numbers_are_written_at_their_extremes(void **state)
{
	(void)state;
	const long long numbers[] = { 0, 1, -1, 9, 10, -10, LLONG_MAX, LLONG_MIN, INT_MAX, INT_MIN };
	struct strbuf sb = STRBUF_INIT;
	char expected[32];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		strbuf_reset(&sb);
		strbuf_addi(&sb, numbers[i]);
		snprintf(expected, sizeof(expected), "%lld", numbers[i]);
		assert_string_equal(sb.buf, expected);
	}
	strbuf_done(&sb);
}

static void every_byte_appended_leaves_a_c_string(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < 5000; i++) {
		strbuf_addc(&sb, (char)('a' + i % 26));
		assert_int_equal(sb.len, i + 1);
		assert_true(sb.cap > sb.len);
		assert_int_equal(sb.buf[sb.len], 0);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(sb.buf[i], 'a' + i % 26);
	strbuf_done(&sb);
}

static void formatted_text_of_any_length_fits(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	for (int width = 1; width < 300; width++) {
		size_t before = sb.len;

		strbuf_addf(&sb, "%*d", width, 5);
		assert_int_equal(sb.len, before + (size_t)width);
		assert_int_equal(sb.buf[sb.len - 1], '5');
		assert_int_equal(sb.buf[sb.len], 0);
	}
	strbuf_done(&sb);
}

static void a_buffer_may_hold_nul_bytes(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	strbuf_add(&sb, "a\0b", 3);
	strbuf_adds(&sb, "c");
	assert_int_equal(sb.len, 4);
	assert_memory_equal(sb.buf, "a\0bc", 5);
	strbuf_done(&sb);
}

static void room_asked_for_is_there_and_the_text_stays(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	strbuf_adds(&sb, "kept");
	strbuf_grow(&sb, 100000);
	assert_true(sb.cap >= 100005);
	assert_string_equal(sb.buf, "kept");
	char *there = sb.buf;

	for (int i = 0; i < 100000; i++)
		strbuf_addc(&sb, 'x');
	assert_ptr_equal(sb.buf, there);
	strbuf_done(&sb);
}

static void growth_is_geometric(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	size_t cap = 0, grown = 0;

	for (int i = 0; i < 1000000; i++) {
		strbuf_addc(&sb, 'x');
		grown += sb.cap != cap;
		cap = sb.cap;
	}
	assert_true(grown < 40);
	strbuf_done(&sb);
}

static void a_reset_keeps_the_memory(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;

	strbuf_adds(&sb, "something");
	size_t cap = sb.cap;

	strbuf_reset(&sb);
	assert_string_equal(sb.buf, "");
	assert_int_equal(sb.len, 0);
	assert_int_equal(sb.cap, cap);
	strbuf_done(&sb);
}

static void a_detached_string_is_the_callers(void **state)
{
	(void)state;
	struct strbuf sb = STRBUF_INIT;
	size_t len;

	strbuf_adds(&sb, "mine");
	char *s = strbuf_detach(&sb, &len);

	assert_string_equal(s, "mine");
	assert_int_equal(len, 4);
	assert_string_equal(sb.buf, "");
	free(s);

	s = strbuf_detach(&sb, NULL);
	assert_string_equal(s, "");
	free(s);
	strbuf_done(&sb);
}

static void trimming_takes_blanks_at_both_ends_only(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "  \t\r\n a b\t c \n\n", "a b\t c" },
		{ "plain", "plain" },
		{ " \n\t ", "" },
		{ "x ", "x" },
		{ " x", "x" },
		{ "\vx", "\vx" },
	};
	struct strbuf sb = STRBUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strbuf_reset(&sb);
		strbuf_adds(&sb, cases[i][0]);
		strbuf_trim(&sb);
		assert_string_equal(sb.buf, cases[i][1]);
		assert_int_equal(sb.len, strlen(cases[i][1]));
	}
	strbuf_done(&sb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_is_a_c_string_and_costs_nothing),
		cmocka_unit_test(the_shared_empty_string_is_never_written),
		cmocka_unit_test(appended_pieces_follow_one_another),
		cmocka_unit_test(numbers_are_written_at_their_extremes),
		cmocka_unit_test(every_byte_appended_leaves_a_c_string),
		cmocka_unit_test(formatted_text_of_any_length_fits),
		cmocka_unit_test(a_buffer_may_hold_nul_bytes),
		cmocka_unit_test(room_asked_for_is_there_and_the_text_stays),
		cmocka_unit_test(growth_is_geometric),
		cmocka_unit_test(a_reset_keeps_the_memory),
		cmocka_unit_test(a_detached_string_is_the_callers),
		cmocka_unit_test(trimming_takes_blanks_at_both_ends_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
