/* Asking the authentication driver: answers, deadlines, limits, and what is remembered. The driver is this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/timeutil.h"
#include "oned/auth/external.h"

#define ANN 2

struct fake { struct auth_external *a; long long last_id; int asked, cancelled, told; bool down, remember; struct auth_verdict said; };

static bool fake_send(void *ctx, const char *action, long long id, const char *payload)
{
	struct fake *f = ctx;

	(void)payload;
	if (f->down)
		return false;
	f->last_id = id;
	if (strcmp(action, "AUTHENTICATE"))
		f->cancelled++;
	else
		f->asked++;
	return true;
}

static void fake_told(void *arg, const struct auth_verdict *v)
{
	struct fake *f = arg;

	f->told++;
	f->said = *v;
	if (v->ok && f->remember)
		auth_external_remember(f->a, v);
}

static struct auth_external *start(struct fake *f, long long remember_s)
{
	f->remember = true;
	f->a = auth_external_new(fake_send, f, 60000, remember_s);
	return f->a;
}

static void ask_about(struct fake *f, int uid, const char *user, const char *payload)
{
	struct auth_question q = { .payload = payload, .uid = uid, .user = user };

	auth_external_ask(f->a, &q, fake_told, f);
}

static void ask(struct fake *f, const char *payload)
{
	ask_about(f, ANN, "ann", payload);
}

static void say(const struct fake *f, const char *status, const char *text)
{
	auth_external_message(f->a, &(struct driver_msg){ .action = "AUTHENTICATE", .status = status, .id = f->last_id, .payload = text });
}

static void the_answer_of_the_driver_is_passed_on_once(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, 0);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.told, 0);
	say(&f, "FAILURE", "");
	say(&f, "SUCCESS", "");
	assert_int_equal(f.told, 1);
	assert_false(f.said.ok);
	auth_external_free(f.a);
}

static void what_was_agreed_to_is_not_asked_again(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, -1);
	ask(&f, "2 ssh ann key c2VjcmV0");
	say(&f, "SUCCESS", "");
	assert_true(f.said.fresh);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 1);
	assert_int_equal(f.told, 2);
	assert_true(f.said.ok);
	assert_false(f.said.fresh);
	auth_external_free(f.a);
}

static void another_secret_or_stored_password_or_user_is_another_question(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, -1);
	ask(&f, "2 ssh ann key c2VjcmV0");
	say(&f, "SUCCESS", "");
	ask(&f, "2 ssh ann key b3RoZXI=");
	ask(&f, "2 ssh ann new c2VjcmV0");
	ask_about(&f, 3, "bob", "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 4);
	auth_external_free(f.a);
	assert_int_equal(f.told, 4);
	assert_false(f.said.ok);
}

static void a_refusal_is_not_remembered_nor_what_is_said_of_nobody(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, -1);
	ask(&f, "2 ssh ann key c2VjcmV0");
	say(&f, "FAILURE", "");
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 2);
	ask_about(&f, -1, "new", "-1 default new - c2VjcmV0");
	say(&f, "SUCCESS", "");
	ask_about(&f, -1, "new", "-1 default new - c2VjcmV0");
	assert_int_equal(f.asked, 4);
	auth_external_free(f.a);
}

static void with_no_time_to_remember_every_question_is_asked(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, 0);
	ask(&f, "2 ssh ann key c2VjcmV0");
	say(&f, "SUCCESS", "");
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 2);
	auth_external_free(f.a);
}

static void nothing_is_remembered_longer_than_the_credential_lasts(void **state)
{
	struct fake f = { 0 };
	char reply[64];

	(void)state;
	start(&f, -1);
	ask(&f, "2 ssh ann key c2VjcmV0");
	snprintf(reply, sizeof(reply), "expires=%lld", (long long)time_now());
	say(&f, "SUCCESS", reply);
	assert_true(f.said.ok);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 2);
	snprintf(reply, sizeof(reply), "expires=%lld", (long long)time_now() + 1000);
	say(&f, "SUCCESS", reply);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 2);
	auth_external_free(f.a);
}

static void a_user_who_changed_is_asked_about_again(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, -1);
	ask(&f, "2 ssh ann key c2VjcmV0");
	say(&f, "SUCCESS", "");
	auth_external_forget(f.a, 3);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 1);
	auth_external_forget(f.a, ANN);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 2);
	auth_external_forget(f.a, ANN); /* while it is on its way */
	say(&f, "SUCCESS", "");
	assert_true(f.said.ok);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 3);
	auth_external_free(f.a);
}

static void the_same_question_is_on_its_way_once(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, -1);
	for (int i = 0; i < 5; i++)
		ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.asked, 1);
	say(&f, "SUCCESS", "");
	assert_int_equal(f.told, 5);
	auth_external_free(f.a);
}

static void ask_many(struct fake *f, int n, int users)
{
	char user[32], payload[96];

	for (int i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "user%d", i % users);
		snprintf(payload, sizeof(payload), "%d ssh %s key secret%d", i % users, user, i);
		ask_about(f, i % users, user, payload);
	}
}

static void only_so_many_wait_for_one_user_and_for_all(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, -1);
	ask_many(&f, AUTH_ASKED_A_USER + 3, 1);
	assert_int_equal(f.asked, AUTH_ASKED_A_USER);
	assert_int_equal(f.told, 3);
	assert_false(f.said.ok);
	ask_many(&f, 1000, 1000);
	assert_int_equal(f.asked, AUTH_ASKED_MAX);
	auth_external_down(f.a);
	ask_many(&f, 1, 1);
	assert_int_equal(f.asked, AUTH_ASKED_MAX + 1);
	for (int i = 0; i < 2 * AUTH_WAITING_MAX; i++)
		ask_many(&f, 1, 1);
	f.told = 0;
	auth_external_free(f.a);
	assert_int_equal(f.told, AUTH_WAITING_MAX);
}

static void a_servers_login_is_for_whom_the_driver_says(void **state)
{
	struct auth_question q = { .payload = "1 server_cipher serveradmin key c2VjcmV0", .uid = ANN, .user = "ann", .for_other = true };
	const struct { const char *reply; bool ok; } replies[] = {
		{ "", true }, { "target=ann", true }, { "expires=99999999999 target=ann", true }, { "target=bob", false }, { "target=", false },
	};
	struct fake f = { 0 };

	(void)state;
	start(&f, 0);
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		auth_external_ask(f.a, &q, fake_told, &f);
		say(&f, "SUCCESS", replies[i].reply);
		assert_int_equal(f.said.ok, replies[i].ok);
	}
	auth_external_free(f.a);
}

static void who_cannot_be_asked_about_is_refused_at_once(void **state)
{
	struct fake f = { .down = true };

	(void)state;
	start(&f, 0);
	ask(&f, "2 ssh ann key c2VjcmV0");
	assert_int_equal(f.told, 1);
	assert_false(f.said.ok);
	auth_external_free(f.a);
}

static void when_the_driver_dies_those_who_wait_are_refused(void **state)
{
	struct fake f = { 0 };

	(void)state;
	start(&f, 0);
	ask(&f, "2 ssh ann key c2VjcmV0");
	auth_external_down(f.a);
	assert_int_equal(f.told, 1);
	assert_false(f.said.ok);
	auth_external_free(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_of_the_driver_is_passed_on_once),
		cmocka_unit_test(what_was_agreed_to_is_not_asked_again),
		cmocka_unit_test(another_secret_or_stored_password_or_user_is_another_question),
		cmocka_unit_test(a_refusal_is_not_remembered_nor_what_is_said_of_nobody),
		cmocka_unit_test(with_no_time_to_remember_every_question_is_asked),
		cmocka_unit_test(nothing_is_remembered_longer_than_the_credential_lasts),
		cmocka_unit_test(a_user_who_changed_is_asked_about_again),
		cmocka_unit_test(the_same_question_is_on_its_way_once),
		cmocka_unit_test(only_so_many_wait_for_one_user_and_for_all),
		cmocka_unit_test(a_servers_login_is_for_whom_the_driver_says),
		cmocka_unit_test(who_cannot_be_asked_about_is_refused_at_once),
		cmocka_unit_test(when_the_driver_dies_those_who_wait_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
