/* Configuration files as OpenNebula has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/strbuf.h"
#include "drivers/authn/options.h"

static struct arena arena = ARENA_INIT;
static struct option_node *conf;

static enum one_rc parse(const char *text)
{
	return options_parse(&arena, text, strlen(text), "x.conf", &conf, NULL);
}

static void scalars_are_found_by_their_keys(void **state)
{
	(void)state;
	assert_int_equal(parse(":a: one\n:b: :two\n:c: ':three'\nserver 1:\n  :port: 389\n"), ONE_OK);
	assert_string_equal(option_text(conf, ":a", ""), "one");
	assert_string_equal(option_text(conf, ":b", ""), "two");
	assert_string_equal(option_text(conf, ":c", ""), ":three");
	assert_string_equal(option_text(conf, ":d", "dflt"), "dflt");
	assert_int_equal(option_int(option_find(conf, "server 1"), ":port", 0), 389);
	assert_null(option_find(option_find(conf, "server 2"), ":port"));
}

static void flags_and_numbers_have_defaults(void **state)
{
	(void)state;
	parse(":a: true\n:b: No\n:c: maybe\n:d: ~\n:e: 12x\n:f: [1]\n");
	assert_true(option_flag(conf, ":a", false));
	assert_false(option_flag(conf, ":b", true));
	assert_true(option_flag(conf, ":c", true));
	assert_string_equal(option_text(conf, ":d", "none"), "none");
	assert_int_equal(option_int(conf, ":e", 7), 7);
	assert_string_equal(option_text(conf, ":f", "none"), "none");
}

static void lists_keep_their_order(void **state)
{
	const struct option_node *order;

	(void)state;
	parse(":order:\n  - one\n  - ['two', three]\n");
	order = option_find(conf, ":order");
	assert_int_equal(order->kind, OPTION_LIST);
	assert_string_equal(order->first->value->text, "one");
	assert_string_equal(order->first->next->value->first->next->value->text, "three");
	assert_null(order->first->next->next);
}

static void comments_alone_are_an_empty_file(void **state)
{
	(void)state;
	assert_int_equal(parse("# nothing\n"), ONE_OK);
	assert_null(option_find(conf, ":a"));
	assert_int_equal(options_read(&arena, "/nowhere/x.conf", &conf, NULL), ONE_OK);
	assert_null(conf->first);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	const char *text = ":a: 1\n:b: [\n";

	(void)state;
	assert_int_equal(options_parse(&arena, text, strlen(text), "x.conf", &conf, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "x.conf:3"));
	assert_int_equal(parse("- a\n"), ONE_INTERNAL);
	assert_int_equal(parse("text"), ONE_INTERNAL);
	assert_int_equal(parse("? [a]\n: b\n"), ONE_INTERNAL);
}

static void aliases_cannot_make_it_endless(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_adds(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		strbuf_addf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			strbuf_addf(&text, "%s*a%d", k ? ", " : "", i - 1);
		strbuf_adds(&text, "]\n");
	}
	assert_int_equal(parse(text.buf), ONE_INTERNAL);
	strbuf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_found_by_their_keys),
		cmocka_unit_test(flags_and_numbers_have_defaults),
		cmocka_unit_test(lists_keep_their_order),
		cmocka_unit_test(comments_alone_are_an_empty_file),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(aliases_cannot_make_it_endless),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
