/* What authentication drivers tell beside yes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/strbuf.h"
#include "oned/auth/auth_reply.h"

static struct arena arena = ARENA_INIT;
static struct auth_reply r;

static enum one_rc parse(const char *text)
{
	return auth_reply_parse(&arena, text, &r, NULL);
}

static void nothing_is_a_reply(void **state)
{
	(void)state;
	assert_int_equal(parse(""), ONE_OK);
	assert_null(r.driver);
	assert_null(r.target);
	assert_int_equal(r.expires, -1);
	assert_int_equal(r.n_gids, 0);
}

static void a_user_has_driver_name_password_and_groups(void **state)
{
	(void)state;
	assert_int_equal(parse("ldap ann cn=ann,dc=x 103  *104 103\n*103"), ONE_OK);
	assert_string_equal(r.driver, "ldap");
	assert_string_equal(r.name, "ann");
	assert_string_equal(r.password, "cn=ann,dc=x");
	assert_int_equal(r.n_gids, 2);
	assert_int_equal(r.gids[0], 103);
	assert_int_equal(r.gids[1], 104);
	assert_true(r.admin[0]);
	assert_true(r.admin[1]);
	assert_int_equal(parse("ldap ann"), ONE_OK);
	assert_null(r.password);
}

static void groups_are_numbers(void **state)
{
	const char *const wrong[] = { "a b c one", "a b c 1 *", "a b c -1", "a b c 1x", "a b c 99999999999", "a b c ** 1" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(parse(wrong[i]), ONE_AUTHENTICATION);
}

static void there_is_an_end_to_groups(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_adds(&text, "a b c");
	for (int i = 0; i < AUTH_REPLY_GROUPS; i++)
		strbuf_addf(&text, " %d", i);
	assert_int_equal(parse(text.buf), ONE_OK);
	strbuf_adds(&text, " 7");
	assert_int_equal(parse(text.buf), ONE_OK);
	strbuf_adds(&text, " 100000");
	assert_int_equal(parse(text.buf), ONE_AUTHENTICATION);
	strbuf_done(&text);
}

static void notes_stand_in_front(void **state)
{
	(void)state;
	assert_int_equal(parse("expires=1700000000 target=ann"), ONE_OK);
	assert_int_equal(r.expires, 1700000000);
	assert_string_equal(r.target, "ann");
	assert_null(r.driver);
	assert_int_equal(parse("expires=never plain a b 1"), ONE_OK);
	assert_int_equal(r.expires, 0);
	assert_string_equal(r.driver, "plain");
	assert_int_equal(r.gids[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_a_reply),
		cmocka_unit_test(a_user_has_driver_name_password_and_groups),
		cmocka_unit_test(groups_are_numbers),
		cmocka_unit_test(there_is_an_end_to_groups),
		cmocka_unit_test(notes_stand_in_front),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
