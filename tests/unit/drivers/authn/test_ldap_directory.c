/* What goes into search filters, and what is refused without asking a server (the rest: tests/func/test_login.py, with a real one). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/authn/ldap_directory.h"

static struct arena arena = ARENA_INIT;

static void a_name_is_no_filter(void **state)
{
	(void)state;
	assert_string_equal(ldap_escape(&arena, "ann b"), "ann b");
	assert_string_equal(ldap_escape(&arena, "a*)(cn=\\"), "a\\2a\\29\\28cn=\\5c");
	assert_string_equal(ldap_escape(&arena, "\xc3\xbc\n"), "\\c3\\bc\\0a");
}

static void names_of_groups_are_compared_whatever_their_case(void **state)
{
	const char *list[] = { "cn=A,dc=x" };
	struct texts t = { list, 1 };

	(void)state;
	assert_true(texts_have(&t, "CN=a,DC=X"));
	assert_false(texts_have(&t, "cn=A"));
}

static void an_empty_password_is_never_shown_to_a_server(void **state)
{
	struct ldap_user user = { .dn = "cn=ann" };

	(void)state;
	assert_int_equal(directory_check_password(NULL, &user, "", NULL), ONE_AUTHENTICATION);
}

static void what_the_configuration_gets_wrong_is_told(void **state)
{
	const char *const wrong[] = { ":auth_method: :md5\n", ":encryption: :rot13\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct option_node *conf;
		struct directory *d = NULL;
		struct one_err err = ONE_ERR_INIT;

		options_parse(&arena, wrong[i], strlen(wrong[i]), "x", &conf, NULL);
		assert_int_equal(directory_open(&arena, conf, &d, &err), ONE_INTERNAL);
		directory_close(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_no_filter),
		cmocka_unit_test(names_of_groups_are_compared_whatever_their_case),
		cmocka_unit_test(an_empty_password_is_never_shown_to_a_server),
		cmocka_unit_test(what_the_configuration_gets_wrong_is_told),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
