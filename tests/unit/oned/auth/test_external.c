/* Tests of asking the authentication driver: answers, deadlines, and what is remembered. The driver is this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/auth/external.h"

struct fake { long long last_id; int asked, told; bool ok, down; };

static bool fake_send(void *ctx, long long id, const char *payload)
{
	struct fake *f = ctx;

	(void)payload;
	if (f->down)
		return false;
	f->last_id = id;
	f->asked++;
	return true;
}

static void fake_told(void *arg, bool ok)
{
	struct fake *f = arg;

	f->told++;
	f->ok = ok;
}

static void say(struct auth_external *a, const struct fake *f, const char *status)
{
	auth_external_message(a, &(struct driver_msg){ .action = "AUTHENTICATE", .status = status, .id = f->last_id, .payload = "" });
}

static void the_answer_of_the_driver_is_passed_on_once(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	assert_true(auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f));
	assert_int_equal(f.told, 0);
	say(a, &f, "FAILURE");
	say(a, &f, "SUCCESS");
	assert_int_equal(f.told, 1);
	assert_false(f.ok);
	auth_external_free(a);
}

static void what_was_agreed_to_is_not_asked_again(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, -1);

	(void)state;
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	say(a, &f, "SUCCESS");
	assert_true(auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f));
	assert_int_equal(f.asked, 1);
	assert_int_equal(f.told, 2);
	assert_true(f.ok);
	auth_external_free(a);
}

static void another_secret_or_stored_password_is_another_question(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, -1);

	(void)state;
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	say(a, &f, "SUCCESS");
	auth_external_ask(a, "2 ssh ann key b3RoZXI=", fake_told, &f);
	auth_external_ask(a, "2 ssh ann new c2VjcmV0", fake_told, &f);
	assert_int_equal(f.asked, 3);
	auth_external_free(a);
	assert_int_equal(f.told, 3);
	assert_false(f.ok);
}

static void a_refusal_is_not_remembered(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, -1);

	(void)state;
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	say(a, &f, "FAILURE");
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	assert_int_equal(f.asked, 2);
	auth_external_free(a);
}

static void with_no_time_to_remember_every_question_is_asked(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	say(a, &f, "SUCCESS");
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	assert_int_equal(f.asked, 2);
	auth_external_free(a);
}

static void what_cannot_be_sent_is_told_to_the_caller(void **state)
{
	struct fake f = { .down = true };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	assert_false(auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f));
	assert_int_equal(f.told, 0);
	auth_external_free(a);
}

static void when_the_driver_dies_those_who_wait_are_refused(void **state)
{
	struct fake f = { .ok = true };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	auth_external_ask(a, "2 ssh ann key c2VjcmV0", fake_told, &f);
	auth_external_down(a);
	assert_int_equal(f.told, 1);
	assert_false(f.ok);
	auth_external_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_of_the_driver_is_passed_on_once),
		cmocka_unit_test(what_was_agreed_to_is_not_asked_again),
		cmocka_unit_test(another_secret_or_stored_password_is_another_question),
		cmocka_unit_test(a_refusal_is_not_remembered),
		cmocka_unit_test(with_no_time_to_remember_every_question_is_asked),
		cmocka_unit_test(what_cannot_be_sent_is_told_to_the_caller),
		cmocka_unit_test(when_the_driver_dies_those_who_wait_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
