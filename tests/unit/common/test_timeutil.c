/* Tests of the clocks and of the date in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/timeutil.h"

static int in_utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC0", 1);
	tzset();
	return 0;
}

static void a_date_looks_like_opennebulas(void **state)
{
	(void)state;
	char out[32];

	time_text(1795572052, out, sizeof(out));
	assert_string_equal(out, "Wed Nov 25 02:00:52 2026");
	time_text(0, out, sizeof(out));
	assert_string_equal(out, "Thu Jan  1 00:00:00 1970");
}

static void a_date_is_in_local_time(void **state)
{
	(void)state;
	char out[32];

	setenv("TZ", "EST5", 1);
	tzset();
	time_text(0, out, sizeof(out));
	in_utc(NULL);
	assert_string_equal(out, "Wed Dec 31 19:00:00 1969");
}

static void a_date_no_calendar_has_still_gives_a_text(void **state)
{
	(void)state;
	char out[32];

	time_text((time_t)INT64_MAX, out, sizeof(out));
	assert_string_equal(out, "@9223372036854775807");
}

static void a_date_never_leaves_its_buffer(void **state)
{
	(void)state;
	char out[8];

	memset(out, '#', sizeof(out));
	time_text(0, out, 4);
	assert_memory_equal(out, "Thu\0####", 8);
}

static void the_monotonic_clock_does_not_go_back_and_both_units_agree(void **state)
{
	(void)state;
	int64_t before_us = time_mono_us(), ms = time_mono_ms(), after_us = time_mono_us();

	assert_true(before_us / 1000 <= ms);
	assert_true(ms <= after_us / 1000);
}

static void the_wall_clock_is_the_systems(void **state)
{
	(void)state;
	time_t before = time(NULL), now = time_now();

	assert_true(before <= now && now <= time(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_date_looks_like_opennebulas),
		cmocka_unit_test(a_date_is_in_local_time),
		cmocka_unit_test(a_date_no_calendar_has_still_gives_a_text),
		cmocka_unit_test(a_date_never_leaves_its_buffer),
		cmocka_unit_test(the_monotonic_clock_does_not_go_back_and_both_units_agree),
		cmocka_unit_test(the_wall_clock_is_the_systems),
	};

	return cmocka_run_group_tests(tests, in_utc, NULL);
}
