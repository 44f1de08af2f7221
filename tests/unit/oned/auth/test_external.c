/* Asking the authentication driver, and what is remembered of its answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "oned/auth/external.h"

/* The driver's side and the callers'. */
struct fake { long long last_id; int sent, told; bool broken, ok, fresh; struct auth_verdict verdict; };

static bool fake_send(void *ctx, const char *action, long long id, const char *payload)
{
	struct fake *f = ctx;

	(void)payload;
	if (strcmp(action, "AUTHENTICATE") != 0)
		return true;
	f->last_id = id;
	f->sent++;
	return !f->broken;
}

static void fake_told(void *arg, const struct auth_verdict *v)
{
	struct fake *f = arg;

	f->told++;
	f->ok = v->ok;
	f->fresh = v->fresh;
	f->verdict = *v;
	f->verdict.reply = NULL;
}

static void say(struct auth_external *a, const struct fake *f, const char *status, const char *reply)
{
	auth_external_message(a, &(struct driver_msg){ .action = "AUTHENTICATE", .status = status, .id = f->last_id, .payload = reply });
}

static struct auth_question about(const char *user, const char *payload)
{
	return (struct auth_question){ .payload = payload, .uid = 2, .user = user };
}

static void ask(struct auth_external *a, struct fake *f)
{
	struct auth_question q = about("ann", "2 ssh ann key c2VjcmV0");

	auth_external_ask(a, &q, fake_told, f);
}

static void the_answer_of_the_driver_is_passed_on_once(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	ask(a, &f);
	assert_int_equal(f.told, 0);
	say(a, &f, "FAILURE", "no");
	say(a, &f, "SUCCESS", "");
	assert_int_equal(f.told, 1);
	assert_false(f.ok);
	auth_external_free(a);
}

static void the_same_question_is_on_its_way_once(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	ask(a, &f);
	ask(a, &f);
	assert_int_equal(f.sent, 1);
	say(a, &f, "SUCCESS", "");
	assert_int_equal(f.told, 2);
	assert_true(f.ok);
	auth_external_free(a);
}

static void what_was_agreed_to_is_not_asked_again_until_the_user_changes(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, -1);

	(void)state;
	ask(a, &f);
	say(a, &f, "SUCCESS", "");
	auth_external_remember(a, &f.verdict);
	ask(a, &f);
	assert_int_equal(f.sent, 1);
	assert_true(f.ok);
	assert_false(f.fresh);
	auth_external_forget(a, 2);
	ask(a, &f);
	assert_int_equal(f.sent, 2);
	/* He changes while the driver thinks: what it says is not remembered. */
	auth_external_forget(a, 2);
	say(a, &f, "SUCCESS", "");
	auth_external_remember(a, &f.verdict);
	ask(a, &f);
	assert_int_equal(f.sent, 3);
	auth_external_free(a);
}

static void nothing_is_remembered_longer_than_it_is_valid(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, -1);
	char reply[64];

	(void)state;
	snprintf(reply, sizeof(reply), "expires=%lld", (long long)time(NULL) - 1);
	ask(a, &f);
	say(a, &f, "SUCCESS", reply);
	auth_external_remember(a, &f.verdict);
	ask(a, &f);
	assert_int_equal(f.sent, 2);
	auth_external_free(a);
}

static void a_servers_login_for_one_is_none_for_another(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, -1);
	struct auth_question q = about("ann", "1 server_cipher serveradmin key c2VjcmV0");

	(void)state;
	q.for_other = true;
	auth_external_ask(a, &q, fake_told, &f);
	say(a, &f, "SUCCESS", "target=ben");
	assert_false(f.ok);
	auth_external_ask(a, &q, fake_told, &f);
	say(a, &f, "SUCCESS", "target=ann");
	assert_true(f.ok);
	auth_external_free(a);
}

static void one_user_takes_no_places_from_others(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);
	char payload[64];

	(void)state;
	for (int i = 0; i < AUTH_ASKED_A_USER + 5; i++) {
		snprintf(payload, sizeof(payload), "2 ssh ann key %d", i);
		struct auth_question q = about("ann", payload);
		auth_external_ask(a, &q, fake_told, &f);
	}
	assert_int_equal(f.sent, AUTH_ASKED_A_USER);
	assert_int_equal(f.told, 5);
	struct auth_question other = { .payload = "3 ssh ben key x", .uid = 3, .user = "ben" };
	auth_external_ask(a, &other, fake_told, &f);
	assert_int_equal(f.sent, AUTH_ASKED_A_USER + 1);
	auth_external_free(a); /* and all that wait are told */
	assert_int_equal(f.told, AUTH_ASKED_A_USER + 6);
}

static void a_driver_that_is_gone_refuses(void **state)
{
	struct fake f = { 0 };
	struct auth_external *a = auth_external_new(fake_send, &f, 60000, 0);

	(void)state;
	ask(a, &f);
	auth_external_down(a);
	assert_int_equal(f.told, 1);
	assert_false(f.ok);
	f.broken = true;
	ask(a, &f);
	assert_int_equal(f.told, 2);
	assert_false(f.ok);
	auth_external_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_answer_of_the_driver_is_passed_on_once),
		cmocka_unit_test(the_same_question_is_on_its_way_once),
		cmocka_unit_test(what_was_agreed_to_is_not_asked_again_until_the_user_changes),
		cmocka_unit_test(nothing_is_remembered_longer_than_it_is_valid),
		cmocka_unit_test(a_servers_login_for_one_is_none_for_another),
		cmocka_unit_test(one_user_takes_no_places_from_others),
		cmocka_unit_test(a_driver_that_is_gone_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
