/* Transfer scripts: reading, and finding the program of a step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "drivers/tm/transfer.h"

static struct arena arena = ARENA_INIT;

static enum one_rc parse(const char *text, struct transfer_step **first, struct one_err *err)
{
	return transfer_parse(&arena, arena_strdup(&arena, text), first, err);
}

static void steps_come_in_the_order_of_the_lines(void **state)
{
	struct transfer_step *s;
	(void)state;
	assert_int_equal(
		parse("CLONE qcow2 fe:/a h1:/b/disk.0 7 1\n\n# a remark\n  MKSWAP ssh 100 h1:/b/disk.1 7 0\n",
		      &s, NULL),
		ONE_OK);
	assert_string_equal(s->verb, "clone");
	assert_string_equal(s->mad, "qcow2");
	assert_int_equal(s->n_args, 4);
	assert_string_equal(s->args[0], "fe:/a");
	assert_string_equal(s->args[3], "1");
	assert_null(s->args[4]);
	assert_string_equal(s->next->verb, "mkswap");
	assert_int_equal(s->next->n_args, 4);
	assert_null(s->next->next);
}

static void an_empty_script_has_no_steps(void **state)
{
	struct transfer_step *s = (struct transfer_step *)1;
	(void)state;
	assert_int_equal(parse("\n  \n#\n", &s, NULL), ONE_OK);
	assert_null(s);
}

static void a_step_without_driver_names_its_line(void **state)
{
	struct transfer_step *s = NULL;
	struct one_err err = ONE_ERR_INIT;
	(void)state;
	assert_int_equal(parse("LN shared a b\nDELETE\n", &s, &err), ONE_ACTION);
	assert_non_null(strstr(err.text, "Line 2"));
	assert_null(s);
}

static void a_step_cannot_leave_the_drivers_directory(void **state)
{
	struct transfer_step *s;
	(void)state;
	assert_int_equal(parse("LN ../../etc a b\n", &s, NULL), ONE_ACTION);
	assert_int_equal(parse("../LN shared a b\n", &s, NULL), ONE_ACTION);
	assert_int_equal(parse("LN .. a b\n", &s, NULL), ONE_ACTION);
}

static void touch(const char *path)
{
	fclose(fopen(path, "w"));
}

static void a_suffixed_verb_falls_back_to_the_plain_one(void **state)
{
	char dir[] = "/tmp/test_transfer.XXXXXX";
	struct transfer_step *s;
	struct one_err err = ONE_ERR_INIT;
	const char *path;
	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *mad = arena_printf(&arena, "%s/ceph", dir);
	const char *plain = arena_printf(&arena, "%s/clone", mad),
		   *suffixed = arena_printf(&arena, "%s/clone.ssh", mad);
	mkdir(mad, 0700);
	assert_int_equal(parse("CLONE.ssh ceph a b\nCLONE ceph a b\n", &s, NULL), ONE_OK);
	assert_int_equal(transfer_program(&arena, dir, s, &path, &err), ONE_ACTION);
	assert_non_null(strstr(err.text, "clone.ssh' nor '"));
	touch(plain);
	assert_int_equal(transfer_program(&arena, dir, s, &path, NULL), ONE_OK);
	assert_string_equal(path, plain);
	touch(suffixed);
	assert_int_equal(transfer_program(&arena, dir, s, &path, NULL), ONE_OK);
	assert_string_equal(path, suffixed);
	assert_int_equal(transfer_program(&arena, dir, s->next, &path, NULL), ONE_OK);
	assert_string_equal(path, plain);
	unlink(plain);
	unlink(suffixed);
	rmdir(mad);
	rmdir(dir);
}

static void a_missing_file_is_named(void **state)
{
	struct transfer_step *s;
	struct one_err err = ONE_ERR_INIT;
	(void)state;
	assert_int_equal(transfer_load(&arena, "/nowhere/transfer.0.prolog", &s, &err), ONE_ACTION);
	assert_string_equal(err.text, "Transfer file '/nowhere/transfer.0.prolog' does not exist");
	assert_int_equal(transfer_load(&arena, "/", &s, &err), ONE_ACTION);
}

static void the_dummy_does_everything_but_live_snapshots(void **state)
{
	struct transfer_step *s;
	struct one_err err = ONE_ERR_INIT;
	(void)state;
	assert_int_equal(
		parse("CLONE.ssh dummy a\nCONTEXT dummy\nMVDS dummy\nSNAP_CREATE dummy\nSNAP_CREATE_LIVE dummy\n",
		      &s, NULL),
		ONE_OK);
	for (int i = 0; i < 4; i++, s = s->next)
		assert_int_equal(transfer_dummy(s, NULL), ONE_OK);
	assert_int_equal(transfer_dummy(s, &err), ONE_ACTION);
	assert_string_equal(err.text, "snap_create_live: Operation not supported");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_come_in_the_order_of_the_lines),
		cmocka_unit_test(an_empty_script_has_no_steps),
		cmocka_unit_test(a_step_without_driver_names_its_line),
		cmocka_unit_test(a_step_cannot_leave_the_drivers_directory),
		cmocka_unit_test(a_suffixed_verb_falls_back_to_the_plain_one),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(the_dummy_does_everything_but_live_snapshots),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
