/* Tests of writing templates: XML, the language, JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/tmpl.h"

static struct arena arena;
static struct tmpl *t;
static struct strbuf out;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	strbuf_init(&out);
	t = tmpl_new(&arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	strbuf_done(&out);
	return 0;
}

static void add_vector(const char *name, const char *kid, const char *value)
{
	attr_set(&arena, tmpl_add_vector(t, name), kid, value);
}

static void xml_is_sorted_elements_of_cdata(void **state)
{
	(void)state;
	tmpl_add(t, "B", "<&>");
	tmpl_add(t, "A", "");
	add_vector("C", "X", "a]]>b");
	tmpl_add_vector(t, "D");
	tmpl_to_xml(t, "TEMPLATE", &out);
	assert_string_equal(out.buf, "<TEMPLATE><A><![CDATA[]]></A><B><![CDATA[<&>]]></B>"
				     "<C><X><![CDATA[a]]]]><![CDATA[>b]]></X></C><D></D></TEMPLATE>");
}

static void an_empty_template_is_an_empty_element(void **state)
{
	(void)state;
	tmpl_to_xml(t, "TEMPLATE", &out);
	assert_string_equal(out.buf, "<TEMPLATE></TEMPLATE>");
}

static void text_is_one_quoted_attribute_a_line(void **state)
{
	(void)state;
	tmpl_add(t, "A", "say \"hi\"");
	add_vector("B", "X", "1");
	attr_set(&arena, tmpl_vector(t, "B"), "Y", "2, 3");
	tmpl_add_vector(t, "C");
	tmpl_to_text(t, &out);
	assert_string_equal(out.buf, "A = \"say \\\"hi\\\"\"\nB = [ X = \"1\", Y = \"2, 3\" ]\nC = [ ]\n");
}

/* All of t as text, read again, as text. */
static void check_text_reads_back(const char *a, const char *b)
{
	struct tmpl *again = tmpl_new(&arena);
	struct one_err err = ONE_ERR_INIT;

	tmpl_to_text(t, &out);
	if (tmpl_parse(again, out.buf, &err) != ONE_OK)
		fail_msg("%s: %s", out.buf, err.text);
	assert_string_equal(tmpl_get(again, "A"), a);
	assert_string_equal(attr_get(tmpl_vector(again, "V"), "B"), b);
	assert_string_equal(attr_get(tmpl_vector(again, "V"), "C"), "end");
	assert_string_equal(tmpl_get(again, "Z"), "\"last\"");
}

static void values_cannot_break_out_of_their_quotes(void **state)
{
	(void)state;
	static const struct {
		const char *value, *read;
	} rows[] = {
		{ "plain", "plain" },
		{ "", "" },
		{ "a\" B = [ x", "a\" B = [ x" },
		{ "two\nlines # no comment", "two\nlines # no comment" },
		{ "back\\slash", "back\\slash" },
		{ "ends in \\", "ends in \\ " },
		{ "\\\\", "\\\\ " },
		{ "x]]>y", "x]]>y\n" },
		{ "x]]>\\", "x]]>\\\n" },
		{ "x]]>\ny", "x]]>\ny" },
		{ "x\n]]>y", "x\n]]>y" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strbuf_reset(&out);
		t = tmpl_new(&arena);
		tmpl_add(t, "A", rows[i].value);
		add_vector("V", "B", rows[i].value);
		attr_set(&arena, tmpl_vector(t, "V"), "C", "end");
		tmpl_add(t, "Z", "\"last\"");
		check_text_reads_back(rows[i].read, rows[i].read);
	}
}

static void json_members_are_strings_objects_and_arrays(void **state)
{
	(void)state;
	static const char *const arrays[] = { "DISK", "NIC", NULL };

	tmpl_add(t, "NAME", "x");
	add_vector("DISK", "ID", "0");
	add_vector("OS", "BOOT", "");
	add_vector("PCI", "A", "1");
	add_vector("PCI", "A", "2");
	tmpl_add_vector(t, "E");
	tmpl_to_json(t, arrays, &out);
	assert_string_equal(
		out.buf, "\"DISK\": [{\"ID\": \"0\"}], \"E\": {}, \"NAME\": \"x\", \"OS\": {\"BOOT\": \"\"}, "
			 "\"PCI\": [{\"A\": \"1\"}, {\"A\": \"2\"}]");
	strbuf_reset(&out);
	tmpl_to_json(tmpl_new(&arena), NULL, &out);
	assert_string_equal(out.buf, "");
}

static void json_strings_are_escaped(void **state)
{
	(void)state;
	tmpl_add(t, "A", "q\" b\\ \b\t\n\v\f\r\x01 / \xc3\xa9 \xe9");
	tmpl_to_json(t, NULL, &out);
	assert_string_equal(out.buf, "\"A\": \"q\\\" b\\\\ \\b\\t\\n\\u000b\\f\\r\\u0001 / \xc3\xa9 ?\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(xml_is_sorted_elements_of_cdata, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_template_is_an_empty_element, setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_one_quoted_attribute_a_line, setup, teardown),
		cmocka_unit_test_setup_teardown(values_cannot_break_out_of_their_quotes, setup, teardown),
		cmocka_unit_test_setup_teardown(json_members_are_strings_objects_and_arrays, setup, teardown),
		cmocka_unit_test_setup_teardown(json_strings_are_escaped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
