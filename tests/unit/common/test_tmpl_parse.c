/* Tests of reading templates: the language token by token, OpenNebula's messages, XML, limits, garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/tmpl.h"

/* What a text becomes: "A=1 B={C=2}", or the message. */
static void describe(const char *text, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena);
	struct one_err err = ONE_ERR_INIT;

	if (tmpl_parse(t, text, &err) != ONE_OK) {
		assert_int_equal(err.rc, ONE_INTERNAL);
		assert_null(t->first);
		strbuf_adds(out, err.text);
	}
	for (const struct attr *a = t->first; a; a = a->next) {
		strbuf_addf(out, "%s=%s", a->name, a->vector ? "{" : a->value);
		for (const struct attr *kid = a->kids; kid; kid = kid->next)
			strbuf_addf(out, "%s=%s%s", kid->name, kid->value, kid->next ? " " : "");
		strbuf_adds(out, a->vector ? "}" : "");
		strbuf_adds(out, a->next ? " " : "");
	}
	arena_done(&arena);
}

struct row {
	const char *text, *becomes;
};

static void check(const struct row *rows, size_t n)
{
	struct strbuf got = STRBUF_INIT;

	for (size_t i = 0; i < n; i++) {
		strbuf_reset(&got);
		describe(rows[i].text, &got);
		if (strcmp(got.buf, rows[i].becomes) != 0)
			fail_msg("'%s' became '%s', not '%s'", rows[i].text, got.buf, rows[i].becomes);
	}
	strbuf_done(&got);
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof((rows)[0]))

static void attributes_may_stand_on_lines_or_side_by_side(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "", "" },
		{ " \n\t", "" },
		{ "A=1", "A=1" },
		{ "A = 1\nB\t=\t2\n", "A=1 B=2" },
		{ "A=1 B=2", "A=1 B=2" },
		{ "B=1\nA=2\nB=0", "A=2 B=1 B=0" },
		{ "name=x Cpu=1", "CPU=1 NAME=x" },
	};

	CHECK(rows);
}

static void values_are_bare_quoted_or_empty(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "A=x-y./\\z:\"w B=2", "A=x-y./\\z:\"w B=2" },
		{ "A=\"x = [1], # y\"", "A=x = [1], # y" },
		{ "A=\"two\nlines\"\nB=1", "A=two\nlines B=1" },
		{ "A=\"a \\\" b\"", "A=a \" b" },
		{ "A=\"a\\\\\" B=\"\n", "A=a\\\" B=" },
		{ "A=\"a\\\"\nB=1", "A=a\\ B=1" }, /* no other quote: this one closes */
		{ "A=x\\\"y", "A=x\"y" },
		{ "A=\"\"", "A=" },
		{ "A=\nB=1", "A= B=1" },
		{ "A = \t\nB=1", "A= B=1" },
		{ "A=\"x\"y", "A=\"x\"y" }, /* the longer token wins */
		{ "A=\"x y", "Parse error: syntax error, unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 6:7" },
		{ "A=\"x\r\n", "A=\"x\r" },
		{ "A=\xc3\xa9", "A=\xc3\xa9" },
	};

	CHECK(rows);
}

static void vectors_keep_the_first_of_equal_names(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "D=[B=2,A=1]", "D={A=1 B=2}" },
		{ "D = [\n  b = \"x, y\" ,\n\ta=1\n]\nE=1", "D={A=1 B=x, y} E=1" },
		{ "D=[A=1,a=2,B=3,A=4]", "D={A=1 B=3}" },
		{ "D=[]E=[ ]", "D={} E={}" },
		{ "D=[A=\"]\"]D=[B=2]", "D={A=]} D={B=2}" },
	};

	CHECK(rows);
}

static void names_are_made_fit_for_xml(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "1A=2", "ONE_1A=2" },       { "XMLX=1", "ONE_XMLX=1" }, { "xmlx=1", "ONE_XMLX=1" },
		{ "XM=1", "XM=1" },           { "_a=1", "_A=1" },         { "D=[1a=2,xml=3]", "D={ONE_1A=2 XML=3}" },
	};

	CHECK(rows);
}

static void comments_end_with_their_line(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "# A=1\nB=2", "B=2" },
		{ "A=1 # B=2\n  # x\nC=3\n", "A=1 C=3" },
		{ "A=# x\n", "A=x" }, /* a value is expected: no comment here */
		{ "A=1 # tail", "Parse error: syntax error, unexpected $end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 7:11" },
		{ "A=1 #", "A=1" },
	};

	CHECK(rows);
}

static void what_no_token_begins_with_is_skipped(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "[", "" },
		{ "\"", "" },
		{ "A=1 [.]", "Parse error: syntax error, unexpected CBRACKET, expecting $end at line 1, columns 7:8" },
		{ "A-=1", "A=1" },
		{ "A=1;\r\nB=2", "A=1;\r B=2" },
		{ "\xef\xbb\xbf" "A=1", "A=1" },
		{ "A=,=] 1", "A=1" },
		{ "A=, [B=1]", "A={B=1}" },
	};

	CHECK(rows);
}

static void the_end_of_a_cdata_section_is_refused_in_values(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "A=\"x]]>\"", "Parse error." },
		{ "A=x]]>\nB=1", "Parse error." },
		{ "A=\"x]]>\n\"", "A=x]]>\n" },
		{ "A=1\nB=]]>", "Parse error." },
		{ "A=\"x\n]]>\" B=\"]]>\n\"", "A=x\n]]> B=]]>\n" },
		{ "A=[B=\"]]>\"]", "Parse error." },
		{ "A=[\nB=]]>]", "Parse error: syntax error, unexpected CCDATA, expecting STRING at line 2, columns 7:11" },
	};

	CHECK(rows);
}

#define SYNTAX "Parse error: syntax error, unexpected "

static void messages_are_those_of_opennebula(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "NAME", SYNTAX "$end, expecting EQUAL or EQUAL_EMPTY at line 1, columns 1:5" },
		{ "NAME=x\nMARKET_MAD", SYNTAX "$end, expecting EQUAL or EQUAL_EMPTY at line 2, columns 8:18" },
		{ "not a template", SYNTAX "VARIABLE, expecting EQUAL or EQUAL_EMPTY at line 1, columns 5:6" },
		{ "=", SYNTAX "EQUAL, expecting $end at line 1, columns 1:2" },
		{ "A=1,B=2", SYNTAX "COMMA, expecting $end at line 1, columns 4:5" },
		{ "NAME=x SIZE=", SYNTAX "$end, expecting OBRACKET or CCDATA or STRING at line 1, columns 12:13" },
		{ "NAME=x\nMODE=[", SYNTAX "$end, expecting CBRACKET or VARIABLE at line 2, columns 13:14" },
		{ "VM=[[", SYNTAX "$end, expecting CBRACKET or VARIABLE at line 1, columns 5:6" },
		{ "A=[B", SYNTAX "$end, expecting EQUAL at line 1, columns 4:5" },
		{ "A=[B=\n1]", SYNTAX "EQUAL_EMPTY, expecting EQUAL at line 1, columns 5:7" },
		{ "AR=[TYPE=", SYNTAX "$end, expecting STRING at line 1, columns 9:10" },
		{ "A=[B=[", SYNTAX "OBRACKET, expecting STRING at line 1, columns 6:7" },
		{ "LEASES=[IP=\"10.0.0.1\"", SYNTAX "$end, expecting COMMA or CBRACKET at line 1, columns 12:22" },
		{ "A=[B=1 C=2]", SYNTAX "VARIABLE, expecting COMMA or CBRACKET at line 1, columns 8:9" },
		{ "A=[B=1,]", SYNTAX "CBRACKET, expecting VARIABLE at line 1, columns 8:9" },
		{ "A=[B=1\n\n,\n,", SYNTAX "COMMA, expecting VARIABLE at line 4, columns 11:12" },
		{ "<", "Parse error: XML Template malformed." },
		{ "<TEMPLATE><BROKEN></TEMPLATE>", "Parse error: XML Template malformed." },
		{ "<!DOCTYPE T [<!ENTITY a 'b'>]><T><A>&a;</A></T>", "Parse error: XML Template malformed." },
	};

	CHECK(rows);
}

static void xml_becomes_attributes(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "<TEMPLATE><B>1</B><A>2</A><B>3</B></TEMPLATE>", "A=2 B=1 B=3" },
		{ "<any><a>x &lt; y</a>\n<D> <Z>1</Z><a>2</a><Z>3</Z> </D></any>", "A=x < y D={Z=3 a=2}" },
		{ "<T><A/><B></B><C><![CDATA[]]></C><D><X/></D></T>", "C= D={}" },
		{ "<T><A><![CDATA[x]]]]><![CDATA[>y]]></A></T>", "A=x]]>y" },
		{ "<T><XMLA>1</XMLA><_b>2</_b></T>", "ONE_XMLA=1 _B=2" },
		{ " <T><A>1</A></T>", "Parse error: syntax error, unexpected VARIABLE, expecting EQUAL or EQUAL_EMPTY at line 1, columns 6:7" },
	};

	CHECK(rows);
}

static void the_name_loses_blanks_at_its_end_and_its_namesakes(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "NAME=\" x y \n\"", "NAME= x y" },
		{ "NAME=a NAME=b", "NAME=a" },
		{ "<T><NAME>a </NAME></T>", "NAME=a" },
		{ "NAME=\n", "NAME=" },
	};

	CHECK(rows);
}

static void parsing_adds_to_what_is_there_and_an_error_changes_nothing(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena);

	tmpl_add(t, "B", "old");
	assert_int_equal(tmpl_parse(t, "A=1 B=[", NULL), ONE_INTERNAL);
	assert_string_equal(t->first->name, "B");
	assert_null(t->first->next);
	assert_int_equal(tmpl_parse(t, "B=new A=1", NULL), ONE_OK);
	assert_string_equal(tmpl_get(t, "B"), "old");
	assert_string_equal(tmpl_find_next(tmpl_find(t, "B"))->value, "new");
	assert_string_equal(t->first->name, "A");
	arena_done(&arena);
}

static void attributes_know_their_lines(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena);

	assert_int_equal(tmpl_parse(t, "\nC=\"x\ny\"\nA=1 # c\n\nB=[\nX=1,\nY=2]\n", NULL), ONE_OK);
	assert_int_equal(tmpl_find(t, "C")->line, 2);
	assert_int_equal(tmpl_find(t, "A")->line, 4);
	assert_int_equal(tmpl_find(t, "B")->line, 6);
	assert_int_equal(tmpl_find(t, "B")->kids->next->line, 8);
	assert_int_equal(tmpl_add(t, "D", "")->line, 0);
	arena_done(&arena);
}

static void refused_with(const char *text, const char *reason)
{
	struct arena arena = ARENA_INIT;
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(tmpl_parse(tmpl_new(&arena), text, &err), ONE_INTERNAL);
	if (!strstr(err.text, reason))
		fail_msg("'%s' does not say '%s'", err.text, reason);
	arena_done(&arena);
}

static void sizes_and_numbers_of_attributes_are_limited(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT;
	struct strbuf text = STRBUF_INIT;

	strbuf_lit(&text, "A=[B=1");
	for (int i = 2; i < TMPL_MAX_ATTRS; i++)
		strbuf_lit(&text, ",B=1");
	strbuf_lit(&text, "]");
	assert_int_equal(tmpl_parse(tmpl_new(&arena), text.buf, NULL), ONE_OK);
	arena_done(&arena);
	strbuf_lit(&text, "C=1");
	refused_with(text.buf, "more than 65536 attributes");
	strbuf_reset(&text);
	strbuf_lit(&text, "<T>");
	for (int i = 0; i <= TMPL_MAX_ATTRS; i++)
		strbuf_lit(&text, "<A>1</A>");
	strbuf_lit(&text, "</T>");
	refused_with(text.buf, "more than 65536 attributes");
	while (text.len <= TMPL_MAX_BYTES)
		strbuf_adds(&text, "                                                                ");
	refused_with(text.buf, "larger than 2097152 bytes");
	strbuf_done(&text);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void random_piece(struct strbuf *text, uint32_t *seed)
{
	static const char *const pieces[] = { "A", "b1", "=", " = ", "=\n", ",", "[", "]", "\"x y\"", "\"", "\\\"", "\\", "#",
					      "# c\n", "\n", " ", "]]>", "9", "\r", "<", "\"m\nn\"", "XML" };
	uint32_t n = random_next(seed) % (sizeof(pieces) / sizeof(pieces[0]) + 1);

	if (n < sizeof(pieces) / sizeof(pieces[0]))
		strbuf_adds(text, pieces[n]);
	else
		strbuf_addc(text, (char)(1 + random_next(seed) % 255));
}

/* XML doesn't tell an empty vector from nothing. */
static void remove_empty_vectors(struct tmpl *t)
{
	for (struct attr *a = t->first; a; a = a->next) {
		if (a->vector && !a->kids)
			tmpl_remove_attr(t, a);
	}
}

/* What was read can be written as XML and read again, and is the same then. */
static void check_round_trip(const char *text)
{
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena), *again = tmpl_new(&arena);
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;

	if (tmpl_parse(t, text, &err) == ONE_OK) {
		remove_empty_vectors(t);
		tmpl_to_xml(t, "T", &first);
		if (tmpl_parse(again, first.buf, &err) != ONE_OK)
			fail_msg("'%s' gave '%s': %s", text, first.buf, err.text);
		tmpl_to_xml(again, "T", &second);
		/* the only thing XML changes: it has no carriage returns */
		if (!strchr(text, '\r'))
			assert_string_equal(first.buf, second.buf);
	} else {
		assert_memory_equal(err.text, "Parse error", 11);
	}
	strbuf_done(&first);
	strbuf_done(&second);
	arena_done(&arena);
}

static void random_texts_do_no_harm_and_survive_xml(void **state)
{
	(void)state;
	uint32_t seed = 123456789;
	struct strbuf text = STRBUF_INIT;

	for (int round = 0; round < 30000; round++) {
		strbuf_reset(&text);
		for (uint32_t n = random_next(&seed) % 14; n > 0; n--)
			random_piece(&text, &seed);
		check_round_trip(text.buf);
	}
	strbuf_done(&text);
}

static void truncated_templates_do_no_harm(void **state)
{
	(void)state;
	static const char whole[] = "NAME = \"a \\\" b\" # c\nDISK = [ IMAGE_ID = 5,\n SIZE=\"10\" ]\nX=\n"
				    "Y = \"two\nlines ]]> here\n\" Z=[]\n";
	struct strbuf text = STRBUF_INIT;

	for (size_t len = 0; len < sizeof(whole); len++) {
		strbuf_reset(&text);
		strbuf_add(&text, whole, len);
		check_round_trip(text.buf);
	}
	strbuf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_may_stand_on_lines_or_side_by_side),
		cmocka_unit_test(values_are_bare_quoted_or_empty),
		cmocka_unit_test(vectors_keep_the_first_of_equal_names),
		cmocka_unit_test(names_are_made_fit_for_xml),
		cmocka_unit_test(comments_end_with_their_line),
		cmocka_unit_test(what_no_token_begins_with_is_skipped),
		cmocka_unit_test(the_end_of_a_cdata_section_is_refused_in_values),
		cmocka_unit_test(messages_are_those_of_opennebula),
		cmocka_unit_test(xml_becomes_attributes),
		cmocka_unit_test(the_name_loses_blanks_at_its_end_and_its_namesakes),
		cmocka_unit_test(parsing_adds_to_what_is_there_and_an_error_changes_nothing),
		cmocka_unit_test(attributes_know_their_lines),
		cmocka_unit_test(sizes_and_numbers_of_attributes_are_limited),
		cmocka_unit_test(random_texts_do_no_harm_and_survive_xml),
		cmocka_unit_test(truncated_templates_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
