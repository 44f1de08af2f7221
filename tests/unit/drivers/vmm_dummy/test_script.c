/* Prepared answers of the dummy hypervisor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/arena.h"
#include "drivers/vmm_dummy/script.h"

static void assert_step(struct script_step step, enum script_answer answer, int delay_s)
{
	assert_int_equal(step.answer, answer);
	assert_int_equal(step.delay_s, delay_s);
}

static void a_line_says_the_answer_and_the_delay(void **state)
{
	(void)state;
	assert_step(script_parse_line("success"), SCRIPT_SUCCESS, 0);
	assert_step(script_parse_line("1 120"), SCRIPT_SUCCESS, 120);
	assert_step(script_parse_line("failure 3"), SCRIPT_FAILURE, 3);
	assert_step(script_parse_line("0"), SCRIPT_FAILURE, 0);
	assert_step(script_parse_line("-"), SCRIPT_SILENCE, 0);
}

static void what_makes_no_sense_is_success_at_once(void **state)
{
	(void)state;
	assert_step(script_parse_line(""), SCRIPT_SUCCESS, 0);
	assert_step(script_parse_line("maybe"), SCRIPT_SUCCESS, 0);
	assert_step(script_parse_line("0 -5"), SCRIPT_FAILURE, 0);
	assert_step(script_parse_line("1 99999999"), SCRIPT_SUCCESS, 86400);
}

static void answers_are_taken_in_turn_and_from_the_top_again(void **state)
{
	char dir[] = "/tmp/test_script.XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(dir));
	char *path = xasprintf("%s/deploy", dir);
	FILE *f = fopen(path, "w");
	fputs("0\n1\n-", f);
	fclose(f);
	assert_step(script_next(dir, "deploy", 0), SCRIPT_FAILURE, 0);
	assert_step(script_next(dir, "deploy", 1), SCRIPT_SUCCESS, 0);
	assert_step(script_next(dir, "deploy", 2), SCRIPT_SILENCE, 0);
	assert_step(script_next(dir, "deploy", 3), SCRIPT_FAILURE, 0);
	assert_step(script_next(dir, "save", 0), SCRIPT_SUCCESS, 0);
	fclose(fopen(path, "w"));
	assert_step(script_next(dir, "deploy", 5), SCRIPT_SUCCESS, 0);
	unlink(path);
	rmdir(dir);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_the_answer_and_the_delay),
		cmocka_unit_test(what_makes_no_sense_is_success_at_once),
		cmocka_unit_test(answers_are_taken_in_turn_and_from_the_top_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
