/* Where files lie, with and without ONE_LOCATION. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/paths.h"

static struct arena arena = ARENA_INIT;

static void without_one_location_paths_are_the_systems(void **state)
{
	(void)state;
	unsetenv("ONE_LOCATION");
	assert_string_equal(paths_join(&arena, PATHS_VAR, "config"), "/var/lib/one/config");
	assert_string_equal(paths_join(&arena, PATHS_ETC, "oned.conf"), "/etc/one/oned.conf");
	assert_string_equal(paths_join(&arena, PATHS_LOG, "oned.log"), "/var/log/one/oned.log");
	assert_string_equal(paths_join(&arena, PATHS_MADS, "one_tm"), "/usr/lib/one/mads/one_tm");
	assert_string_equal(paths_join(&arena, PATHS_REMOTES, NULL), "/var/lib/one/remotes");
}

static void one_location_has_everything_below_it(void **state)
{
	(void)state;
	setenv("ONE_LOCATION", "/srv/cloud", 1);
	assert_string_equal(paths_join(&arena, PATHS_VAR, "config"), "/srv/cloud/var/config");
	assert_string_equal(paths_join(&arena, PATHS_LOG, "oned.log"), "/srv/cloud/var/oned.log");
	assert_string_equal(paths_join(&arena, PATHS_MADS, "one_tm"), "/srv/cloud/lib/mads/one_tm");
	assert_string_equal(paths_join(&arena, PATHS_REMOTES, "tm"), "/srv/cloud/var/remotes/tm");
	assert_string_equal(paths_join(&arena, PATHS_SHARE, ""), "/srv/cloud/share");
	unsetenv("ONE_LOCATION");
}

static void an_absolute_path_stays(void **state)
{
	(void)state;
	assert_string_equal(paths_join(&arena, PATHS_ETC, "/tmp/x.conf"), "/tmp/x.conf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_one_location_paths_are_the_systems),
		cmocka_unit_test(one_location_has_everything_below_it),
		cmocka_unit_test(an_absolute_path_stays),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
