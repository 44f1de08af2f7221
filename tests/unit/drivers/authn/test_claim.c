/* The programs' input, and percent signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/authn/claim.h"

static struct arena arena = ARENA_INIT;

static enum one_rc parse(const char *xml, struct claim *c)
{
	return claim_parse(&arena, xml, strlen(xml), c, NULL);
}

static void a_claim_has_three_parts(void **state)
{
	struct claim c;

	(void)state;
	assert_int_equal(parse("<AUTHN><USERNAME>ann</USERNAME><PASSWORD>-</PASSWORD><SECRET>a&lt;b</SECRET></AUTHN>", &c), ONE_OK);
	assert_string_equal(c.user, "ann");
	assert_string_equal(c.password, "-");
	assert_string_equal(c.secret, "a<b");
}

static void what_is_none_is_refused_without_being_quoted(void **state)
{
	const char *const wrong[] = { "", "secret", "<AUTHN>", "<X><USERNAME/><PASSWORD/><SECRET/></X>", "<AUTHN><USERNAME/><SECRET/></AUTHN>" };
	struct one_err err = ONE_ERR_INIT;
	struct claim c;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(parse(wrong[i], &c), ONE_AUTHENTICATION);
	claim_parse(&arena, "<AUTHN><secret", 14, &c, &err);
	assert_null(strstr(err.text, "<secret"));
}

static void percent_signs_are_decoded(void **state)
{
	(void)state;
	assert_string_equal(uri_unescape(&arena, "a%20b%c3%BC"), "a b\xc3\xbc");
	assert_string_equal(uri_unescape(&arena, "100%"), "100%");
	assert_string_equal(uri_unescape(&arena, "%2"), "%2");
	assert_string_equal(uri_unescape(&arena, "%zz%2g%00"), "%zz%2g%00");
}

static void and_encoded(void **state)
{
	(void)state;
	assert_string_equal(uri_escape(&arena, "cn=Ann B,ou=x"), "cn=Ann%20B,ou=x");
	assert_string_equal(uri_escape(&arena, "a%\xc3\xbc|\""), "a%25%C3%BC%7C%22");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_claim_has_three_parts),
		cmocka_unit_test(what_is_none_is_refused_without_being_quoted),
		cmocka_unit_test(percent_signs_are_decoded),
		cmocka_unit_test(and_encoded),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
