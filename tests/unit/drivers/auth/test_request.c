/* Requests of the authentication driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/auth/request.h"

static struct arena arena = ARENA_INIT;

static void a_request_has_its_parts_and_the_secret_is_decoded(void **state)
{
	struct authn_request r;
	(void)state;
	assert_int_equal(authn_parse(&arena, "3 ssh bob - cHcgPDE+ ", &r, NULL), ONE_OK);
	assert_string_equal(r.uid, "3");
	assert_string_equal(r.driver, "ssh");
	assert_string_equal(r.user, "bob");
	assert_string_equal(r.password, "-");
	assert_string_equal(r.secret, "pw <1>");
}

static void what_is_cut_short_or_names_a_path_is_refused(void **state)
{
	struct authn_request r;
	(void)state;
	assert_int_equal(authn_parse(&arena, "", &r, NULL), ONE_AUTHENTICATION);
	assert_int_equal(authn_parse(&arena, "3 ssh bob", &r, NULL), ONE_AUTHENTICATION);
	assert_int_equal(authn_parse(&arena, "3 ../x bob - cHc=", &r, NULL), ONE_AUTHENTICATION);
	assert_int_equal(authn_parse(&arena, "3 ssh bob - !!", &r, NULL), ONE_AUTHENTICATION);
}

static void markup_in_a_secret_stays_text(void **state)
{
	struct authn_request r;
	struct strbuf xml = STRBUF_INIT;
	(void)state;
	assert_int_equal(authn_parse(&arena, "3 ssh bob - cHcgPDE+", &r, NULL), ONE_OK);
	authn_xml(&r, &xml);
	assert_string_equal(
		xml.buf,
		"<AUTHN><USERNAME>bob</USERNAME><PASSWORD>-</PASSWORD><SECRET>pw &lt;1&gt;</SECRET></AUTHN>");
	strbuf_done(&xml);
}

static void the_last_word_is_oneds_own_opinion(void **state)
{
	struct strbuf xml = STRBUF_INIT;
	bool granted = false;
	(void)state;
	authz_xml(&arena, "3 VM:1:USE:0:0 NET:-1:CREATE:3:1 1", &xml, &granted);
	assert_true(granted);
	assert_string_equal(xml.buf,
			    "<AUTHZ><USERNAME>3</USERNAME><REQUESTS><REQUEST>VM:1:USE:0:0</REQUEST>"
			    "<REQUEST>NET:-1:CREATE:3:1</REQUEST><REQUEST>1</REQUEST></REQUESTS></AUTHZ>");
	authz_xml(&arena, "3 1 0", &xml, &granted);
	assert_false(granted);
	authz_xml(&arena, "1", &xml, &granted);
	assert_false(granted);
	strbuf_done(&xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_its_parts_and_the_secret_is_decoded),
		cmocka_unit_test(what_is_cut_short_or_names_a_path_is_refused),
		cmocka_unit_test(markup_in_a_secret_stays_text),
		cmocka_unit_test(the_last_word_is_oneds_own_opinion),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
