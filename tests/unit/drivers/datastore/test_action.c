/* Which program does an action on a datastore. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/crypto.h"
#include "common/strbuf.h"
#include "drivers/datastore/action.h"

static struct arena arena = ARENA_INIT;
static const struct ds_drivers drivers = { "dummy,fs", "ssh,shared", "/remotes" };

static const char *message(int type, const char *ds_mad, const char *tm_mad)
{
	struct strbuf out = STRBUF_INIT;
	const char *xml = arena_printf(
		&arena,
		"<DS_DRIVER_ACTION_DATA><DATASTORE><TYPE>%d</TYPE><DS_MAD><![CDATA[%s]]></DS_MAD>"
		"<TM_MAD>%s</TM_MAD></DATASTORE></DS_DRIVER_ACTION_DATA>",
		type, ds_mad, tm_mad);
	base64_encode(xml, strlen(xml), &out);
	const char *kept = arena_strdup(&arena, out.buf);
	strbuf_done(&out);
	return kept;
}

static enum one_rc find(const char *action, const char *text, struct ds_target *out, struct one_err *err)
{
	return ds_find_target(&arena, &drivers, action, text, out, err);
}

static void an_image_action_is_a_program_of_its_ds_mad(void **state)
{
	struct ds_target t;
	(void)state;
	assert_int_equal(find("SNAP_DELETE", message(0, "fs", "ssh"), &t, NULL), ONE_OK);
	assert_string_equal(t.program, "/remotes/datastore/fs/snap_delete");
	assert_false(t.system);
}

static void a_system_datastore_is_measured_by_its_tm_mad(void **state)
{
	struct ds_target t;
	(void)state;
	assert_int_equal(find("MONITOR", message(1, "-", "ssh"), &t, NULL), ONE_OK);
	assert_string_equal(t.program, "/remotes/tm/ssh/monitor");
	assert_true(t.system);
	assert_int_equal(find("MONITOR", message(0, "fs", "ssh"), &t, NULL), ONE_OK);
	assert_string_equal(t.program, "/remotes/datastore/fs/monitor");
}

static void a_driver_that_is_not_listed_is_refused(void **state)
{
	struct ds_target t;
	struct one_err err = ONE_ERR_INIT;
	(void)state;
	assert_int_equal(find("CP", message(0, "lvm", "ssh"), &t, &err), ONE_ACTION);
	assert_string_equal(err.text, "Datastore driver 'lvm' not available");
	assert_int_equal(find("MONITOR", message(1, "-", "dummy"), &t, &err), ONE_ACTION);
	assert_string_equal(err.text, "System datastore driver 'dummy' not available");
}

static void without_a_list_a_name_still_stays_in_its_directory(void **state)
{
	const struct ds_drivers any = { NULL, "ssh", "/remotes" };
	struct ds_target t;
	(void)state;
	assert_int_equal(ds_find_target(&arena, &any, "CP", message(0, "own", "ssh"), &t, NULL), ONE_OK);
	assert_int_equal(ds_find_target(&arena, &any, "CP", message(0, "../tm/ssh", "ssh"), &t, NULL),
			 ONE_ACTION);
}

static void a_message_that_cannot_be_read_is_an_error(void **state)
{
	struct ds_target t;
	struct strbuf xml = STRBUF_INIT;
	(void)state;
	assert_int_equal(find("CP", "!!", &t, NULL), ONE_ACTION);
	base64_encode("<A><B></A>", 10, &xml);
	assert_true(find("CP", xml.buf, &t, NULL) != ONE_OK);
	strbuf_reset(&xml);
	base64_encode("<A/>", 4, &xml);
	assert_int_equal(find("CP", xml.buf, &t, NULL), ONE_ACTION);
	strbuf_done(&xml);
}

static void the_dummy_needs_no_program(void **state)
{
	struct ds_target t;
	(void)state;
	assert_int_equal(find("STAT", message(0, "dummy", "ssh"), &t, NULL), ONE_OK);
	assert_null(t.program);
	assert_string_equal(ds_dummy_answer("STAT", false), "1024");
	assert_string_equal(ds_dummy_answer("CP", false), "dummy_path dummy_format");
	assert_non_null(strstr(ds_dummy_answer("MONITOR", false), "USED_MB=9720\n"));
	assert_non_null(strstr(ds_dummy_answer("MONITOR", true), "TOTAL_MB=4796800\n"));
	assert_null(ds_dummy_answer("EXPLODE", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_action_is_a_program_of_its_ds_mad),
		cmocka_unit_test(a_system_datastore_is_measured_by_its_tm_mad),
		cmocka_unit_test(a_driver_that_is_not_listed_is_refused),
		cmocka_unit_test(without_a_list_a_name_still_stays_in_its_directory),
		cmocka_unit_test(a_message_that_cannot_be_read_is_an_error),
		cmocka_unit_test(the_dummy_needs_no_program),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
