/* Which LDAP servers are asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/authn/ldap_order.h"

static struct arena arena = ARENA_INIT;

static enum one_rc order(const char *text, const char **user, struct ldap_group **out)
{
	struct one_err err = ONE_ERR_INIT;
	struct option_node *conf;

	assert_int_equal(options_parse(&arena, text, strlen(text), "x.conf", &conf, NULL), ONE_OK);
	return ldap_order(&arena, conf, user, out, &err);
}

static void a_list_may_have_groups_inside(void **state)
{
	const char *user = "ann";
	struct ldap_group *g;

	(void)state;
	assert_int_equal(order(":order:\n - one\n - [two, three]\n", &user, &g), ONE_OK);
	assert_int_equal(g->n, 1);
	assert_string_equal(g->names[0], "one");
	assert_int_equal(g->next->n, 2);
	assert_string_equal(g->next->names[1], "three");
	assert_null(g->next->next);
	assert_string_equal(user, "ann");
}

static void the_first_expression_that_matches_chooses(void **state)
{
	static const char conf[] = ":match_user_regex:\n '^(.*)@a$': one\n '^(?:.*)@b$': [two, three]\n '@b$': four\n '^(\\d+)?c$': five\n";
	const char *user = "ann@A";
	struct ldap_group *g;

	(void)state;
	assert_int_equal(order(conf, &user, &g), ONE_OK);
	assert_string_equal(user, "ann");
	assert_string_equal(g->names[0], "one");
	user = "bob@b";
	order(conf, &user, &g);
	assert_string_equal(user, "bob@b");
	assert_int_equal(g->n, 2);
	user = "c";
	order(conf, &user, &g);
	assert_string_equal(user, "c");
	user = "17c";
	order(conf, &user, &g);
	assert_string_equal(user, "17");
	user = "dan@d";
	assert_int_equal(order(conf, &user, &g), ONE_OK);
	assert_null(g);
}

static void there_is_one_way_to_choose(void **state)
{
	const char *const wrong[] = { "a: b\n", ":order: one\n", ":order: [one]\n:match_user_regex:\n x: one\n", ":match_user_regex: [x]\n",
				      ":match_user_regex:\n '(': one\n" };
	const char *user = "ann";
	struct ldap_group *g;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct one_err err = ONE_ERR_INIT;
		struct option_node *conf;

		options_parse(&arena, wrong[i], strlen(wrong[i]), "x.conf", &conf, NULL);
		assert_int_equal(ldap_order(&arena, conf, &user, &g, &err), ONE_INTERNAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_may_have_groups_inside),
		cmocka_unit_test(the_first_expression_that_matches_chooses),
		cmocka_unit_test(there_is_one_way_to_choose),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
