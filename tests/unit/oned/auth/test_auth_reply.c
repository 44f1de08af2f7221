/* What an authentication driver tells beside yes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/auth/auth_reply.h"

static struct arena arena;
static struct auth_reply reply;

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static enum one_rc parse(const char *text)
{
	struct one_err err = ONE_ERR_INIT;

	return auth_reply_parse(&arena, text, &reply, &err);
}

static void who_he_is_and_his_groups(void **state)
{
	(void)state;
	assert_int_equal(parse("ldap ann cn=ann,o=x 100 *101 100"), ONE_OK);
	assert_string_equal(reply.driver, "ldap");
	assert_string_equal(reply.name, "ann");
	assert_string_equal(reply.password, "cn=ann,o=x");
	assert_int_equal(reply.n_gids, 2);
	assert_int_equal(reply.gids[0], 100);
	assert_false(reply.admin[0]);
	assert_true(reply.admin[1]);
	assert_int_equal(reply.expires, -1);
}

static void notes_stand_in_front(void **state)
{
	(void)state;
	assert_int_equal(parse("expires=17 target=ben"), ONE_OK);
	assert_int_equal(reply.expires, 17);
	assert_string_equal(reply.target, "ben");
	assert_null(reply.driver);
	assert_int_equal(parse("expires=soon"), ONE_OK); /* an end that can't be read is now */
	assert_int_equal(reply.expires, 0);
}

static void nothing_is_told(void **state)
{
	(void)state;
	assert_int_equal(parse(""), ONE_OK);
	assert_null(reply.driver);
	assert_int_equal(reply.n_gids, 0);
}

static void what_is_no_group_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("ldap ann dn x"), ONE_AUTHENTICATION);
	assert_int_equal(parse("ldap ann dn -1"), ONE_AUTHENTICATION);
	assert_int_equal(parse("ldap ann dn 99999999999"), ONE_AUTHENTICATION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_he_is_and_his_groups), cmocka_unit_test(notes_stand_in_front), cmocka_unit_test(nothing_is_told),
		cmocka_unit_test(what_is_no_group_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
