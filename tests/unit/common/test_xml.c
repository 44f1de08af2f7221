/* Tests of reading and writing XML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/xml.h"

#define MAX_BYTES 100000

static struct arena arena;
static struct one_err err;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	err = (struct one_err)ONE_ERR_INIT;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static struct xnode *parse(const char *text)
{
	struct xnode *root = NULL;

	if (xml_parse(&arena, text, strlen(text), XML_MAX_DEPTH, MAX_BYTES, &root, &err) != ONE_OK)
		fail_msg("%s: %s", text, err.text);
	return root;
}

static void refused(const char *text, size_t len, const char *reason)
{
	struct xnode *root = NULL;

	if (xml_parse(&arena, text, len, XML_MAX_DEPTH, MAX_BYTES, &root, &err) == ONE_OK)
		fail_msg("accepted: %s", text);
	assert_null(root);
	assert_int_equal(err.rc, ONE_INTERNAL);
	if (!strstr(err.text, reason))
		fail_msg("'%s' does not say '%s'", err.text, reason);
}

static void elements_become_a_tree_with_names_texts_and_attributes(void **state)
{
	(void)state;
	struct xnode *vm = parse("<VM><ID>7</ID><T a='1' b=\"x &amp; y\"><D>one</D><D>two</D></T></VM>");
	struct xnode *t = xml_child(vm, "T");

	assert_string_equal(vm->name, "VM");
	assert_null(vm->parent);
	assert_ptr_equal(t->parent, vm);
	assert_ptr_equal(vm->last, t);
	assert_string_equal(xml_text(vm, "ID"), "7");
	assert_string_equal(xml_attr(t, "a"), "1");
	assert_string_equal(xml_attr(t, "b"), "x & y");
	assert_null(xml_attr(t, "c"));
	assert_string_equal(xml_child(t, "D")->text, "one");
	assert_string_equal(xml_next(xml_child(t, "D"))->text, "two");
	assert_null(xml_next(xml_next(xml_child(t, "D"))));
}

static void entities_and_cdata_are_resolved_and_blanks_kept(void **state)
{
	(void)state;
	struct xnode *n =
		parse("<A><B> &lt;&#65;&gt; </B><C><![CDATA[<x>&amp;]]></C><D>a<![CDATA[b]]>c</D></A>");

	assert_string_equal(xml_text(n, "B"), " <A> ");
	assert_string_equal(xml_text(n, "C"), "<x>&amp;");
	assert_string_equal(xml_text(n, "D"), "abc");
}

static void mixed_text_is_joined_and_comments_and_instructions_are_skipped(void **state)
{
	(void)state;
	struct xnode *n =
		parse("<?xml version=\"1.0\"?><!-- c --><A>one<B>x</B>two<!-- no -->three<?pi no?></A>");

	assert_string_equal(n->text, "onetwothree");
	assert_string_equal(xml_text(n, "B"), "x");
}

static void an_empty_cdata_section_is_text_and_nothing_is_not(void **state)
{
	(void)state;
	struct xnode *n = parse("<A><B/><C></C><D><![CDATA[]]></D></A>");

	assert_false(xml_child(n, "B")->has_text);
	assert_false(xml_child(n, "C")->has_text);
	assert_true(xml_child(n, "D")->has_text);
	assert_string_equal(xml_text(n, "B"), "");
	assert_string_equal(xml_text(n, "D"), "");
}

static void hundreds_of_names_are_not_mixed_up(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;
	const struct xnode *n;

	strbuf_lit(&text, "<A>");
	for (int i = 0; i < 1200; i++)
		strbuf_addf(&text, "<N%d>%d</N%d>", i % 600, i % 600, i % 600);
	strbuf_lit(&text, "</A>");
	n = parse(text.buf)->first;
	for (int i = 0; i < 1200; i++, n = n->next)
		assert_string_equal(n->name + 1, n->text);
	assert_null(n);
	strbuf_done(&text);
}

static void namespaces_mean_nothing_and_prefixes_stay(void **state)
{
	(void)state;
	struct xnode *n = parse("<a:A xmlns:a='urn:x'><b:B>1</b:B><C a:d='2'/></a:A>");

	assert_string_equal(n->name, "a:A");
	assert_string_equal(xml_text(n, "b:B"), "1");
	assert_string_equal(xml_attr(xml_child(n, "C"), "a:d"), "2");
}

static void text_is_utf8_whatever_the_declaration_says(void **state)
{
	(void)state;
	struct xnode *n = parse("<?xml version='1.0' encoding='ISO-8859-1'?><A>\xc3\xa9</A>");

	assert_string_equal(n->text, "\xc3\xa9");
	refused("<A>\xe9</A>", 8, "line 1");
}

static void numbers_fall_back_to_the_default_where_there_is_none(void **state)
{
	(void)state;
	struct xnode *n =
		parse("<A><I>-12</I><B> 3 </B><J>1x</J><E></E><F>2.5</F><H>99999999999999999999</H></A>");

	assert_int_equal(xml_int(n, "I", 5), -12);
	assert_int_equal(xml_int(n, "B", 5), 3);
	assert_int_equal(xml_int(n, "J", 5), 5);
	assert_int_equal(xml_int(n, "E", 5), 5);
	assert_int_equal(xml_int(n, "H", 5), 5);
	assert_int_equal(xml_int(n, "NONE", 5), 5);
	assert_true(xml_float(n, "F", 1) > 2.4 && xml_float(n, "F", 1) < 2.6);
	assert_true(xml_float(n, "J", 1) < 1.1);
	assert_string_equal(xml_text_or(n, "NONE", "d"), "d");
	assert_null(xml_text(n, "NONE"));
}

static void a_path_walks_down(void **state)
{
	(void)state;
	struct xnode *n = parse("<A><B><C>1</C></B><B><D>2</D></B><BC>3</BC></A>");

	assert_string_equal(xml_path(n, "B/C")->text, "1");
	assert_string_equal(xml_path(n, "BC")->text, "3");
	assert_null(xml_path(n, "B/D"));
	assert_null(xml_path(n, "X/C"));
	assert_null(xml_path(n, "B/C/Z"));
}

static void malformed_texts_are_refused_with_their_line(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
					    " ",
					    "x",
					    "<",
					    "<A>",
					    "<A></B>",
					    "<A/><B/>",
					    "<A>&foo;</A>",
					    "<A>&#0;</A>",
					    "<A b='1' b='2'/>",
					    "<A>\x01</A>",
					    "<A><![CDATA[x</A>",
					    "<1A/>"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		refused(texts[i], strlen(texts[i]), "line 1");
	refused("<A>\n\n<B></A>", 12, "line 3");
}

static void a_doctype_is_refused_before_its_entities_are_read(void **state)
{
	(void)state;
	const char *bomb = "<!DOCTYPE A [<!ENTITY a 'x'><!ENTITY b '&a;&a;&a;'>]><A>&b;</A>";
	const char *file = "<!DOCTYPE A SYSTEM 'file:///etc/passwd'><A/>";

	refused(bomb, strlen(bomb), "DOCTYPE");
	refused(file, strlen(file), "DOCTYPE");
}

static char *nested(int depth)
{
	struct strbuf text = STRBUF_INIT;
	char *copy;

	for (int i = 0; i < depth; i++)
		strbuf_lit(&text, "<A>");
	for (int i = 0; i < depth; i++)
		strbuf_lit(&text, "</A>");
	copy = arena_strdup(&arena, text.buf);
	strbuf_done(&text);
	return copy;
}

static void nesting_stops_at_the_limit(void **state)
{
	(void)state;
	const char *deep = nested(XML_MAX_DEPTH + 1), *very = nested(12000);

	parse(nested(XML_MAX_DEPTH));
	refused(deep, strlen(deep), "deeply");
	refused(very, strlen(very), "deeply");
}

static void sizes_and_nul_bytes_are_refused(void **state)
{
	(void)state;
	struct xnode *root = NULL;

	assert_int_equal(xml_parse(&arena, "<A/>", 4, 8, 3, &root, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "4 bytes"));
	assert_int_equal(xml_parse(&arena, "<A/>", 4, 8, 4, &root, &err), ONE_OK);
	refused("<A>\0</A>", 8, "NUL");
}

static void a_tag_of_thousands_of_attributes_is_refused_wherever_it_hides(void **state)
{
	(void)state;
	static const char *const before[] = {"<A", "<R><!-- > --><A", "<R><![CDATA[<A '>' ]]><A",
					     "<R a='>'><?p '?><A x='>'"};
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		strbuf_reset(&text);
		strbuf_adds(&text, before[i]);
		for (int k = 0; k < 3000; k++)
			strbuf_addf(&text, " a%d='>'", k);
		strbuf_adds(&text, i == 0 ? "/>" : "/></R>");
		refused(text.buf, text.len, "a tag is longer");
	}
	strbuf_reset(&text);
	strbuf_lit(&text, "<R><![CDATA[<A '");
	for (int k = 0; k < 3000; k++)
		strbuf_lit(&text, " a='1'");
	strbuf_lit(&text, "]]></R>");
	parse(text.buf);
	strbuf_done(&text);
}

static void long_text_comes_out_whole(void **state)
{
	(void)state;
	struct strbuf value = STRBUF_INIT, text = STRBUF_INIT;

	for (int i = 0; i < 5000; i++)
		strbuf_addf(&value, "%d \xc3\xa9 & < ]]> \n", i);
	strbuf_lit(&text, "<R>");
	xml_out_text(&text, "A", value.buf);
	strbuf_lit(&text, "</R>");
	struct xnode *root = NULL;
	assert_int_equal(xml_parse(&arena, text.buf, text.len, 4, 1000000, &root, &err), ONE_OK);
	assert_string_equal(xml_text(root, "A"), value.buf);
	strbuf_done(&value);
	strbuf_done(&text);
}

static void written_elements_look_as_they_should(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;

	xml_out_open(&out, "A");
	xml_out_int(&out, "I", -5);
	xml_out_text(&out, "T", "a<b>&\"'\r");
	xml_out_text(&out, "E", "");
	xml_out_cdata(&out, "C", "x]]>y]");
	xml_out_cdata(&out, "D", "");
	xml_out_close(&out, "A");
	assert_string_equal(out.buf, "<A><I>-5</I><T>a&lt;b&gt;&amp;&quot;&apos;&#13;</T><E></E>"
				     "<C><![CDATA[x]]]]><![CDATA[>y]]]></C><D><![CDATA[]]></D></A>");
	assert_string_equal(xml_text(parse(out.buf), "C"), "x]]>y]");
	strbuf_done(&out);
}

static void what_xml_cannot_hold_becomes_question_marks(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a\x01\x1f\x7f", "a??\x7f" },
		{ "\t\n", "\t\n" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xe9t\xe9", "?t?" },
		{ "\xc3", "?" },
		{ "\xe2\x82", "??" },
		{ "\xc0\xaf", "??" },             /* overlong */
		{ "\xe0\x80\xaf", "???" },        /* overlong */
		{ "\xf0\x80\x80\xaf", "????" },   /* overlong */
		{ "\xed\xa0\x80", "???" },        /* surrogate */
		{ "\xef\xbf\xbe", "???" },        /* U+FFFE */
		{ "\xf4\x90\x80\x80", "????" },   /* behind U+10FFFF */
		{ "\xff\xfe", "??" },
	};
	struct strbuf out = STRBUF_INIT, expected = STRBUF_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strbuf_reset(&out);
		strbuf_reset(&expected);
		xml_escape(&out, rows[i].in, strlen(rows[i].in));
		assert_string_equal(out.buf, rows[i].out);
		strbuf_reset(&out);
		xml_out_cdata(&out, "A", rows[i].in);
		strbuf_addf(&expected, "<A><![CDATA[%s]]></A>", rows[i].out);
		assert_string_equal(out.buf, expected.buf);
	}
	strbuf_done(&out);
	strbuf_done(&expected);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* More often than not one that matters. */
static char random_char(uint32_t *seed)
{
	static const char special[] = { ']', '>', '&', '<', '\r', '\x80' };

	if (random_next(seed) % 3)
		return special[random_next(seed) % sizeof(special)];
	return (char)(1 + random_next(seed) % 255);
}

static void whatever_bytes_are_written_can_be_read_again(void **state)
{
	(void)state;
	uint32_t seed = 20240607;

	for (int round = 0; round < 2000; round++) {
		char value[40];
		struct strbuf out = STRBUF_INIT;
		struct arena scratch = ARENA_INIT;
		struct xnode *root = NULL;
		size_t len = random_next(&seed) % sizeof(value);

		for (size_t i = 0; i < len; i++)
			value[i] = random_char(&seed);
		value[len ? len - 1 : 0] = '\0';
		strbuf_lit(&out, "<R>");
		xml_out_cdata(&out, "C", value);
		xml_out_text(&out, "T", value);
		strbuf_lit(&out, "</R>");
		if (xml_parse(&scratch, out.buf, out.len, 8, MAX_BYTES, &root, &err) != ONE_OK)
			fail_msg("round %d: %s", round, err.text);
		assert_int_equal(strlen(xml_text(root, "T")), strlen(value));
		arena_done(&scratch);
		strbuf_done(&out);
	}
}

static void truncated_and_damaged_texts_do_no_harm(void **state)
{
	(void)state;
	static const char whole[] =
		"<?xml version='1.0'?><VM a='x'><ID>1</ID><!-- c --><T><![CDATA[a]]b]]>&lt;<n:E/></T></VM>";
	uint32_t seed = 4711;

	for (int round = 0; round < 20000; round++) {
		char text[sizeof(whole)];
		struct arena scratch = ARENA_INIT;
		struct xnode *root = NULL;
		size_t len = random_next(&seed) % sizeof(whole);

		memcpy(text, whole, sizeof(whole));
		for (uint32_t hits = random_next(&seed) % 4; hits > 0; hits--)
			text[random_next(&seed) % sizeof(text)] = (char)(1 + random_next(&seed) % 255);
		if (xml_parse(&scratch, text, len, 4, MAX_BYTES, &root, &err) == ONE_OK)
			assert_non_null(root);
		else
			assert_null(root);
		arena_done(&scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(elements_become_a_tree_with_names_texts_and_attributes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(entities_and_cdata_are_resolved_and_blanks_kept, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			mixed_text_is_joined_and_comments_and_instructions_are_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_cdata_section_is_text_and_nothing_is_not, setup,
						teardown),
		cmocka_unit_test_setup_teardown(hundreds_of_names_are_not_mixed_up, setup, teardown),
		cmocka_unit_test_setup_teardown(namespaces_mean_nothing_and_prefixes_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_utf8_whatever_the_declaration_says, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_fall_back_to_the_default_where_there_is_none, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_path_walks_down, setup, teardown),
		cmocka_unit_test_setup_teardown(malformed_texts_are_refused_with_their_line, setup, teardown),
		cmocka_unit_test_setup_teardown(a_doctype_is_refused_before_its_entities_are_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nesting_stops_at_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes_and_nul_bytes_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tag_of_thousands_of_attributes_is_refused_wherever_it_hides,
						setup, teardown),
		cmocka_unit_test_setup_teardown(long_text_comes_out_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(written_elements_look_as_they_should, setup, teardown),
		cmocka_unit_test_setup_teardown(what_xml_cannot_hold_becomes_question_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_bytes_are_written_can_be_read_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(truncated_and_damaged_texts_do_no_harm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
