/* Which LDAP group is which of the cloud's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/authn/ldap_mapping.h"

static struct arena arena = ARENA_INIT;

static struct option_node *yaml(const char *text)
{
	struct option_node *n;

	assert_int_equal(options_parse(&arena, text, strlen(text), "x", &n, NULL), ONE_OK);
	return n;
}

static void the_file_is_made_of_the_groups_that_name_one(void **state)
{
	static const char pool[] = "<GROUP_POOL><GROUP><ID>0</ID><TEMPLATE/></GROUP><GROUP><ID>7</ID><TEMPLATE><DN><![CDATA[cn=a \"b\\c,dc=x]]></DN>"
				   "<DN>cn=two,dc=x</DN></TEMPLATE></GROUP></GROUP_POOL>";
	struct strbuf out = STRBUF_INIT;
	const struct option_node *n;

	(void)state;
	assert_int_equal(mapping_make(pool, strlen(pool), "DN", &out, NULL), ONE_OK);
	n = yaml(out.buf);
	assert_string_equal(option_text(n, "cn=a \"b\\c,dc=x", ""), "7");
	assert_string_equal(option_text(n, "cn=two,dc=x", ""), "7");
	assert_null(n->first->next->next);
	strbuf_reset(&out);
	assert_int_equal(mapping_make("<x", 2, "DN", &out, NULL), ONE_INTERNAL);
	strbuf_done(&out);
}

static const char *groups(const char *conf, const char *const *list, int n, enum one_rc expected)
{
	const struct option_node *mapping = yaml("cn=a: 5\n'CN=B': '6'\ncn=c: 5\ncn=d: x\ncn=e: [1]\n");
	struct texts t = { .list = (const char **)(uintptr_t)list, .n = n };
	struct strbuf out = STRBUF_INIT;
	const char *text;

	assert_int_equal(mapping_groups(yaml(conf), mapping, &t, &out, NULL), expected);
	text = arena_strdup(&arena, out.buf);
	strbuf_done(&out);
	return text;
}

static void each_group_comes_once_in_the_directorys_order(void **state)
{
	const char *const list[] = { "cn=b", "cn=other", "CN=A", "cn=c", "cn=d", "cn=e" };

	(void)state;
	assert_string_equal(groups("x: y\n", list, 6, ONE_OK), " 6 5");
}

static void members_of_the_administrators_group_have_the_star(void **state)
{
	const char *const list[] = { "cn=a", "cn=boss" };

	(void)state;
	assert_string_equal(groups(":group_admin_group_dn: CN=BOSS\n", list, 2, ONE_OK), " *5");
	assert_string_equal(groups(":group_admin_group_dn: CN=BOSS\n", list, 1, ONE_OK), " 5");
}

static void without_a_group_there_may_be_a_default(void **state)
{
	(void)state;
	assert_string_equal(groups(":mapping_default: 1\n", NULL, 0, ONE_OK), " 1");
	assert_string_equal(groups(":mapping_default: one\n", NULL, 0, ONE_AUTHENTICATION), "");
	assert_string_equal(groups("x: y\n", NULL, 0, ONE_AUTHENTICATION), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_made_of_the_groups_that_name_one),
		cmocka_unit_test(each_group_comes_once_in_the_directorys_order),
		cmocka_unit_test(members_of_the_administrators_group_have_the_star),
		cmocka_unit_test(without_a_group_there_may_be_a_default),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
