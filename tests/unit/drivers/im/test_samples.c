/* What messages carry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "common/tmpl.h"
#include "drivers/im/samples.h"

static struct arena arena = ARENA_INIT;

static const char *base64(const char *text)
{
	struct strbuf out = STRBUF_INIT;
	base64_encode(text, strlen(text), &out);
	const char *kept = arena_strdup(&arena, out.buf);
	strbuf_done(&out);
	return kept;
}

static struct tmpl *merge(const char *text, int *bad)
{
	struct strbuf out = STRBUF_INIT;
	struct tmpl *t = tmpl_new(&arena);
	assert_int_equal(samples_merge_vms(text, &out, bad, NULL), ONE_OK);
	assert_int_equal(tmpl_parse(t, arena_strdup(&arena, out.buf), NULL), ONE_OK);
	strbuf_done(&out);
	return t;
}

/* The sample in the entry, as a template. */
static struct tmpl *sample_of(const struct attr *vm)
{
	struct strbuf text = STRBUF_INIT;
	struct tmpl *t = tmpl_new(&arena);
	const char *packed = attr_get(vm, "MONITOR");
	assert_true(base64_decode(packed, strlen(packed), &text));
	assert_int_equal(tmpl_parse(t, arena_strdup(&arena, text.buf), NULL), ONE_OK);
	strbuf_done(&text);
	return t;
}

static void samples_of_one_vm_become_one(void **state)
{
	int bad;
	(void)state;
	const struct tmpl *t = merge(
		arena_printf(
			&arena,
			"VM = [ ID = 3, DEPLOY_ID = \"one-3\", MONITOR = \"%s\" ]\nVM = [ ID = 4, MONITOR = \"%s\" ]\n"
			"VM = [ ID = 3, DEPLOY_ID = \"one-3\", MONITOR = \"%s\" ]\n",
			base64("CPU = 1\nMEMORY = 5"), base64("CPU = 7"),
			base64("CPU = 2\nDISK_SIZE = [ ID = 0, SIZE = 9 ]")),
		&bad);
	const struct attr *first = tmpl_find(t, "VM"), *second = tmpl_find_next(first);
	assert_int_equal(bad, 0);
	assert_null(tmpl_find_next(second));
	assert_string_equal(attr_get(first, "ID"), "3");
	assert_string_equal(attr_get(first, "DEPLOY_ID"), "one-3");
	const struct tmpl *sample = sample_of(first);
	assert_string_equal(tmpl_get(sample, "CPU"), "2");
	assert_string_equal(tmpl_get(sample, "MEMORY"), "5");
	assert_string_equal(attr_get(tmpl_vector(sample, "DISK_SIZE"), "SIZE"), "9");
	assert_string_equal(tmpl_get(sample_of(second), "CPU"), "7");
}

static void vms_that_are_not_ours_stay_apart_by_their_name(void **state)
{
	int bad;
	(void)state;
	const struct tmpl *t = merge(
		arena_printf(
			&arena,
			"VM = [ ID = -1, DEPLOY_ID = \"a\", MONITOR = \"%s\" ]\nVM = [ ID = -1, DEPLOY_ID = \"b\", MONITOR = \"%s\" ]",
			base64("CPU = 1"), base64("CPU = 2")),
		&bad);
	assert_string_equal(attr_get(tmpl_find(t, "VM"), "DEPLOY_ID"), "a");
	assert_string_equal(attr_get(tmpl_find_next(tmpl_find(t, "VM")), "DEPLOY_ID"), "b");
}

static void what_cannot_be_read_is_left_out_and_counted(void **state)
{
	int bad;
	(void)state;
	const struct tmpl *t = merge(
		arena_printf(
			&arena,
			"VM = [ ID = 3, MONITOR = \"!!\" ]\nVM = [ ID = x, MONITOR = \"%s\" ]\nVM = [ ID = 5 ]\nVM = 7\n"
			"VM = [ ID = -2, MONITOR = \"%s\" ]\nVM = [ ID = 6, MONITOR = \"%s\" ]\nVM = [ ID = 8, MONITOR = \"%s\" ]",
			base64("CPU = 1"), base64("CPU = 1"), base64("CPU = ="), base64("CPU = 1")),
		&bad);
	assert_int_equal(bad, 6);
	assert_string_equal(attr_get(tmpl_find(t, "VM"), "ID"), "8");
	assert_null(tmpl_find_next(tmpl_find(t, "VM")));
}

static void a_text_that_is_no_template_is_an_error(void **state)
{
	struct strbuf out = STRBUF_INIT;
	int bad;
	(void)state;
	assert_int_equal(samples_merge_vms("VM = [", &out, &bad, NULL), ONE_INTERNAL);
	assert_int_equal(samples_check("FREECPU", NULL), ONE_INTERNAL);
	assert_int_equal(samples_check("FREECPU = 3\n", NULL), ONE_OK);
	strbuf_done(&out);
}

static void note(void *ctx, struct message *m)
{
	strbuf_addf(ctx, "%s %d %lld %lld %s;", message_type_names[m->type], m->ok, m->host,
		    (long long)m->when, m->text.buf);
}

static enum one_rc first_report(const char *text, struct strbuf *seen)
{
	struct message answer = { .type = MESSAGE_START_MONITOR, .ok = true, .host = 4, .text = STRBUF_INIT };
	strbuf_adds(&answer.text, text);
	enum one_rc rc = samples_first_report(&answer, note, seen, NULL);
	strbuf_done(&answer.text);
	return rc;
}

static void the_first_report_is_several_messages(void **state)
{
	struct strbuf seen = STRBUF_INIT;
	(void)state;
	assert_int_equal(
		first_report(
			arena_printf(
				&arena,
				"<MONITOR_MESSAGES><MONITOR_VM>%s</MONITOR_VM><SYSTEM_HOST>%s</SYSTEM_HOST>"
				"<TIMESTAMP>77</TIMESTAMP></MONITOR_MESSAGES>",
				base64("vms"), base64("host")),
			&seen),
		ONE_OK);
	assert_string_equal(seen.buf, "SYSTEM_HOST 1 4 77 host;MONITOR_VM 1 4 77 vms;");
	strbuf_done(&seen);
}

static void the_first_report_may_be_empty_but_not_something_else(void **state)
{
	struct strbuf seen = STRBUF_INIT;
	(void)state;
	assert_int_equal(first_report(" \n", &seen), ONE_OK);
	assert_int_equal(first_report("<OTHER/>", &seen), ONE_INTERNAL);
	assert_int_equal(first_report("bash: ruby: not found", &seen), ONE_INTERNAL);
	assert_string_equal(seen.buf, "");
	strbuf_done(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_of_one_vm_become_one),
		cmocka_unit_test(vms_that_are_not_ours_stay_apart_by_their_name),
		cmocka_unit_test(what_cannot_be_read_is_left_out_and_counted),
		cmocka_unit_test(a_text_that_is_no_template_is_an_error),
		cmocka_unit_test(the_first_report_is_several_messages),
		cmocka_unit_test(the_first_report_may_be_empty_but_not_something_else),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
