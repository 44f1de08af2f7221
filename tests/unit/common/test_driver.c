/* The driver line protocol: what is a message and what isn't, and what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/driver.h"

struct parsed {
	bool ok;
	struct driver_msg m;
	char line[512];
};

static struct parsed *parse(bool (*fn)(char *, struct driver_msg *), const char *text)
{
	static struct parsed p;
	strcpy(p.line, text);
	p.ok = fn(p.line, &p.m);
	return &p;
}

static void assert_message(const struct parsed *p, const char *action, const char *status, long long id,
			   const char *payload)
{
	assert_true(p->ok);
	assert_string_equal(p->m.action, action);
	assert_string_equal(p->m.status, status);
	assert_int_equal(p->m.id, id);
	assert_string_equal(p->m.payload, payload);
}

static void a_reply_has_action_status_id_and_the_rest(void **state)
{
	(void)state;
	assert_message(parse(driver_parse_reply, "DEPLOY SUCCESS 23 host1:one-23:dummy"), "DEPLOY", "SUCCESS",
		       23, "host1:one-23:dummy");
	assert_message(parse(driver_parse_reply, "SAVE FAILURE 7 disk  full: /var "), "SAVE", "FAILURE", 7,
		       "disk  full: /var");
	assert_message(parse(driver_parse_reply, "LOG I 7 ExitCode: 0"), "LOG", "I", 7, "ExitCode: 0");
	assert_message(parse(driver_parse_reply, "VM_STATE - 3 eJz"), "VM_STATE", "-", 3, "eJz");
}

static void a_reply_may_end_early_and_a_dash_is_nothing(void **state)
{
	(void)state;
	assert_message(parse(driver_parse_reply, "INIT SUCCESS"), "INIT", "SUCCESS", -1, "");
	assert_message(parse(driver_parse_reply, "INIT SUCCESS - -"), "INIT", "SUCCESS", -1, "");
	assert_message(parse(driver_parse_reply, "SAVE SUCCESS 5"), "SAVE", "SUCCESS", 5, "");
	assert_message(parse(driver_parse_reply, "SAVE SUCCESS 5 -"), "SAVE", "SUCCESS", 5, "");
	assert_message(parse(driver_parse_reply, "SAVE SUCCESS 5 - 3"), "SAVE", "SUCCESS", 5, "- 3");
	assert_message(parse(driver_parse_reply, "SAVE SUCCESS 5\r"), "SAVE", "SUCCESS", 5, "");
}

static void what_programs_print_by_mistake_is_no_reply(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"SAVE",
		"save SUCCESS 5",
		"sh: 1: cp: not found",
		"SAVE DONE 5",
		"SAVE SUCCESS five",
		"SAVE SUCCESS 5x",
		"SAVE SUCCESS -7",
		"SAVE SUCCESS 99999999999999999999",
		"SAVE SUCCESS +5",
		"DEPLOY  23 -",
		"Traceback (most recent",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(parse(driver_parse_reply, lines[i])->ok);
}

static void a_request_has_action_id_and_arguments(void **state)
{
	(void)state;
	assert_message(parse(driver_parse_request, "DEPLOY  23 PHhtbD4="), "DEPLOY", "", 23, "PHhtbD4=");
	assert_message(parse(driver_parse_request, "TRANSFER 0 /var/lib/one/vms/0/transfer.0.prolog"),
		       "TRANSFER", "", 0, "/var/lib/one/vms/0/transfer.0.prolog");
	assert_message(parse(driver_parse_request, "INIT"), "INIT", "", -1, "");
	assert_message(parse(driver_parse_request, "START_MONITOR - 3 0 eJz"), "START_MONITOR", "-", 3,
		       "0 eJz");
	assert_message(parse(driver_parse_request, "HOST_LIST - -1 eJz"), "HOST_LIST", "-", -1, "eJz");
	assert_message(parse(driver_parse_request, "EXECUTE  -1 PHg+"), "EXECUTE", "", -1, "PHg+");
	assert_false(parse(driver_parse_request, "what is this")->ok);
	assert_false(parse(driver_parse_request, "DEPLOY now")->ok);
}

static void lines_are_written_as_opennebula_writes_them(void **state)
{
	struct strbuf out = STRBUF_INIT;
	(void)state;
	driver_format_request(&out, "DEPLOY", 23, "PHhtbD4=");
	driver_format_request(&out, "DRIVER_CANCEL", 23, NULL);
	driver_format_monitor(&out, "DEL_HOST", 4, "");
	driver_format_reply(&out, "DEPLOY", "SUCCESS", 23, "one-23");
	driver_format_reply(&out, "SAVE", "FAILURE", 23, "");
	assert_string_equal(out.buf,
			    "DEPLOY  23 PHhtbD4=\nDRIVER_CANCEL  23\nDEL_HOST - 4\nDEPLOY SUCCESS 23 one-23\n"
			    "SAVE FAILURE 23 -\n");
	strbuf_done(&out);
}

static void a_newline_in_a_text_cannot_forge_a_line(void **state)
{
	struct strbuf out = STRBUF_INIT;
	(void)state;
	driver_format_reply(&out, "SAVE", "FAILURE", 1, "cannot\nSAVE SUCCESS 2\r\n");
	assert_string_equal(out.buf, "SAVE FAILURE 1 cannot SAVE SUCCESS 2  \n");
	strbuf_done(&out);
}

static void what_is_written_can_be_read(void **state)
{
	struct strbuf out = STRBUF_INIT;
	(void)state;
	driver_format_reply(&out, "UPDATESG", "SUCCESS", 17, "5");
	strbuf_setlen(&out, out.len - 1);
	assert_message(parse(driver_parse_reply, out.buf), "UPDATESG", "SUCCESS", 17, "5");
	strbuf_done(&out);
}

static void packed_text_comes_back_and_a_bomb_does_not(void **state)
{
	struct strbuf packed = STRBUF_INIT, text = STRBUF_INIT;
	char *zeros = xcalloc(1, 1000000);
	(void)state;
	memset(zeros, 'a', 999999);
	driver_pack(zeros, 999999, &packed);
	assert_true(driver_unpack(packed.buf, 1000000, &text));
	assert_int_equal(text.len, 999999);
	strbuf_reset(&text);
	assert_false(driver_unpack(packed.buf, 999998, &text));
	assert_int_equal(text.len, 0);
	assert_false(driver_unpack("not packed", 1000, &text));
	assert_false(driver_unpack("", 1000, &text));
	free(zeros);
	strbuf_done(&packed);
	strbuf_done(&text);
}

static void a_name_stays_inside_its_directory(void **state)
{
	(void)state;
	assert_true(driver_is_name("fs_lvm_ssh"));
	assert_true(driver_is_name("clone.ssh-2"));
	assert_false(driver_is_name(""));
	assert_false(driver_is_name(".."));
	assert_false(driver_is_name("../etc"));
	assert_false(driver_is_name("a/b"));
	assert_false(driver_is_name("a b"));
}

static void a_list_has_whole_names_only(void **state)
{
	(void)state;
	assert_true(driver_list_has("dummy, shared,ssh", "shared"));
	assert_true(driver_list_has("dummy", "dummy"));
	assert_false(driver_list_has("dummy,sharedx", "shared"));
	assert_false(driver_list_has("", "shared"));
	assert_false(driver_list_has("a,,b", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_has_action_status_id_and_the_rest),
		cmocka_unit_test(a_reply_may_end_early_and_a_dash_is_nothing),
		cmocka_unit_test(what_programs_print_by_mistake_is_no_reply),
		cmocka_unit_test(a_request_has_action_id_and_arguments),
		cmocka_unit_test(lines_are_written_as_opennebula_writes_them),
		cmocka_unit_test(a_newline_in_a_text_cannot_forge_a_line),
		cmocka_unit_test(what_is_written_can_be_read),
		cmocka_unit_test(packed_text_comes_back_and_a_bomb_does_not),
		cmocka_unit_test(a_name_stays_inside_its_directory),
		cmocka_unit_test(a_list_has_whole_names_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
