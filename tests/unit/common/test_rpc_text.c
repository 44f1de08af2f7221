/* Texts of the XML-RPC wire: escaping there and back, and what is refused before a parser sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/rpc_text.h"

/* The plain way, a byte at a time. */
static void escape_slowly(struct strbuf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '&': strbuf_adds(out, "&amp;"); break;
		case '<': strbuf_adds(out, "&lt;"); break;
		case '>': strbuf_adds(out, "&gt;"); break;
		case '\r':
			if (i + 1 == len || text[i + 1] != '\n')
				strbuf_addc(out, '\n');
			break;
		default: strbuf_addc(out, text[i]);
		}
	}
}

static void escaping_is_right_at_every_offset_and_length(void **state)
{
	static const char alphabet[] = "ab<>&\r\n\t \"'xyzABC0123456789-_:/.";
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t len = (size_t)rand_r(&seed) % (round % 50 ? 70 : 9000);
		int clean = rand_r(&seed) % 3;
		char *text = malloc(len + 1);
		struct strbuf fast = STRBUF_INIT, slow = STRBUF_INIT;

		assert_non_null(text);
		for (size_t i = 0; i < len; i++) {
			text[i] = 'x';
			if (!clean || rand_r(&seed) % 20 == 0)
				text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		}
		rpc_escape(&fast, text, len);
		escape_slowly(&slow, text, len);
		assert_int_equal(fast.len, slow.len);
		assert_memory_equal(fast.buf, slow.buf, slow.len + 1);
		strbuf_done(&fast);
		strbuf_done(&slow);
		free(text);
	}
}

static void what_xml_cannot_hold_becomes_question_marks(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "a\0b", 3, "a?b" },
		{ "\x01\x1f", 2, "??" },
		{ "\xff", 1, "?" },
		{ "\xc3", 1, "?" },
		{ "x\xc3z", 3, "x?z" },
		{ "\xc0\x80", 2, "??" },
		{ "\xe0\x80\x80", 3, "???" },
		{ "\xed\xa0\x80", 3, "???" },
		{ "\xef\xbf\xbf", 3, "???" },
		{ "\xf4\x90\x80\x80", 4, "????" },
		{ "\xf0\x80\x80\x80", 4, "????" },
		{ "a\xf0\x9f\x98\x80z", 6, "a?z" },
		{ "\xf4\x8f\xbf\xbf", 4, "?" },
		{ "\xef\xbf\xbd", 3, "\xef\xbf\xbd" },
		{ "\xed\x9f\xbf", 3, "\xed\x9f\xbf" },
		{ "\x80", 1, "?" },
		{ "0123456789abcde\xc3\xa9 and more of it", 32, "0123456789abcde\xc3\xa9 and more of it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf b = STRBUF_INIT;
		rpc_escape(&b, cases[i].in, cases[i].len);
		assert_string_equal(b.buf, cases[i].out);
		strbuf_done(&b);
	}
}

static void a_sequence_across_chunks_stays_whole(void **state)
{
	(void)state;
	for (size_t before = 2040; before < 2056; before++) {
		char text[2100];
		struct strbuf b = STRBUF_INIT;
		memset(text, 'x', sizeof(text));
		memcpy(text + before, "\xe2\x82\xac", 3);
		rpc_escape(&b, text, sizeof(text));
		assert_int_equal(b.len, sizeof(text));
		assert_memory_equal(b.buf, text, sizeof(text));
		strbuf_done(&b);
	}
}

static void what_was_escaped_comes_back(void **state)
{
	static const char alphabet[] = "ab<>&\n\t \"'xyz\xc3\xa9";
	unsigned seed = 5;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)rand_r(&seed) % 100;
		struct strbuf text = STRBUF_INIT, wire = STRBUF_INIT, back = STRBUF_INIT;

		for (size_t i = 0; i < len; i++) {
			size_t at = (size_t)rand_r(&seed) % (sizeof(alphabet) - 2);
			strbuf_add(&text, alphabet + at, at == sizeof(alphabet) - 3 ? 2 : 1); /* the last has two bytes */
		}
		rpc_escape(&wire, text.buf, text.len);
		strbuf_adds(&back, "kept");
		assert_true(rpc_unescape(&back, wire.buf, wire.len));
		assert_int_equal(back.len, text.len + 4);
		assert_memory_equal(back.buf + 4, text.buf, text.len + 1);
		strbuf_done(&text);
		strbuf_done(&wire);
		strbuf_done(&back);
	}
}

static void what_needs_a_parser_is_left_to_it(void **state)
{
	static const char *const texts[] = {
		"a<b",
		"&#65;",
		"&apos;",
		"&lt",
		"&",
		"a\rb",
		"\x01",
		"0123456789abcdef<",
		"0123456789abcdef0123&",
		"<![CDATA[x]]>",
	};
	struct strbuf b = STRBUF_INIT;

	(void)state;
	strbuf_adds(&b, "kept");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_false(rpc_unescape(&b, texts[i], strlen(texts[i])));
		assert_string_equal(b.buf, "kept");
	}
	strbuf_done(&b);
}

static void assert_refused(const char *xml, const char *why)
{
	const char *said = rpc_xml_refused(xml, strlen(xml), 10, 5);

	if (!why) {
		assert_null(said);
		return;
	}
	assert_non_null(said);
	assert_non_null(strstr(said, why));
}

static void documents_are_looked_over(void **state)
{
	(void)state;
	assert_refused("", NULL);
	assert_refused("<?xml version='1.0' encoding = \"utf-8\" ?><a b='<!>'>x</a>", NULL);
	assert_refused("<a><!-- <!DOCTYPE> -- > --></a>", NULL);
	assert_refused("<a><![CDATA[<!DOCTYPE>]] ]>]]></a>", NULL);
	assert_refused("<a><?pi <!DOCTYPE> ?></a>", NULL);
	assert_refused("<!DOCTYPE a><a/>", "document type");
	assert_refused("<a><!ENTITY x 'y'></a>", "document type");
	assert_refused("<a><!-- x --><![IGNORE[x]]></a>", "document type");
	assert_refused("<a><!-- x", "does not end");
	assert_refused("<a><![CDATA[ x ]]", "does not end");
	assert_refused("<a b='>", "does not end");
	assert_refused("<a><?x", "does not end");
	assert_refused("<?xml version='1.0' encoding='EBCDIC'?><a/>", "encoding");
	assert_refused("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", NULL);
	assert_refused("<a>\xe9</a>", "UTF-8");
	assert_refused("<a>0123456789\xf0\x9f\x98\x80</a>", NULL);
	assert_refused("<a>\xf0\x8f\xbf\xbf</a>", "UTF-8");
	assert_int_equal(rpc_xml_refused("<a>\0</a>", 8, 10, 5) != NULL, 1);
}

static void elements_and_depth_are_counted(void **state)
{
	(void)state;
	assert_refused("<1><2><3><4><5>", NULL);
	assert_refused("<1><2><3><4><5><6>", "too deep");
	assert_refused("<1><2><3><4><5><6/>", NULL); /* an empty element is closed at once */
	assert_refused("<1></1><2></2><3></3><4></4><5></5><6></6><7></7><8></8><9></9><10></10>", NULL);
	assert_refused("<1/><2/><3/><4/><5/><6/><7/><8/><9/><10/><11/>", "Too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaping_is_right_at_every_offset_and_length),
		cmocka_unit_test(what_xml_cannot_hold_becomes_question_marks),
		cmocka_unit_test(a_sequence_across_chunks_stays_whole),
		cmocka_unit_test(what_was_escaped_comes_back),
		cmocka_unit_test(what_needs_a_parser_is_left_to_it),
		cmocka_unit_test(documents_are_looked_over),
		cmocka_unit_test(elements_and_depth_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
