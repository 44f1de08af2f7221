/* What a driver's yes changes, and how sessions are taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/auth/login.h"
#include "oned/auth/session.h"
#include "oned/auth/user.h"

enum { RED, BLUE, GREEN }; /* groups */
enum { BOSS, ANN, SERVER }; /* users */

static struct core *core;
static struct conf conf;
static struct arena arena = ARENA_INIT;
static const struct conf_key keys[] = {
	{ .name = "AUTH_MAD_CONF", .type = CONF_VECTOR, .multiple = true,
	  .dflt = "[ NAME = \"ldap\", DRIVER_MANAGED_GROUP_ADMIN = \"YES\", PASSWORD_REQUIRED = \"NO\" ]" },
	{ .name = NULL },
};

static void people(struct txn *t, void *arg)
{
	static const int red[] = { RED }, both[] = { RED, BLUE };

	(void)arg;
	group_create(t, "red");
	group_create(t, "blue");
	group_create(t, "green");
	user_create(t, "boss", "x", "core", red, 1);
	user_create(t, "ann", "dn", "ldap", both, 2);
	user_create(t, "server", "key", "server_cipher", red, 1);
}

static int setup(void **state)
{
	(void)state;
	conf_defaults(&conf, keys);
	return core_new(NULL, NULL, &conf, &core, NULL) || core_run(core, people, NULL, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	core_free(core);
	conf_done(&conf);
	arena_done(&arena);
	return 0;
}

static struct auth_reply reply_of(const char *text)
{
	static struct auth_reply reply;

	assert_int_equal(auth_reply_parse(&arena, text, &reply, NULL), ONE_OK);
	return reply;
}

/* ---- groups ---- */

static void sync_ann(struct txn *t, void *arg)
{
	struct auth_reply reply = reply_of(arg);

	login_sync_groups(t, ANN, "ldap", &reply);
}

static enum one_rc sync(const char *text)
{
	return core_run(core, sync_ann, (void *)(uintptr_t)text, NULL);
}

static void assert_ann(int gid, bool red, bool blue, bool green)
{
	const bool in[] = { red, blue, green };
	struct version *v = pool_get(core, OBJ_USER, ANN);
	const struct user *u = (const struct user *)v->obj;

	assert_int_equal(v->gid, gid);
	for (int i = 0; i < 3; i++) {
		struct version *g = pool_get(core, OBJ_GROUP, i);

		assert_int_equal(idset_has(&u->groups, i), in[i]);
		assert_int_equal(idset_has(&((const struct group *)g->obj)->users, ANN), in[i]);
		version_unref(g);
	}
	version_unref(v);
}

static bool administers(int gid)
{
	struct version *g = pool_get(core, OBJ_GROUP, gid);
	bool is = idset_has(&((const struct group *)g->obj)->admins, ANN);

	version_unref(g);
	return is;
}

static void groups_become_those_of_the_driver(void **state)
{
	(void)state;
	sync("ldap ann dn 2 0");
	assert_ann(RED, true, false, true); /* the primary group stays while he is in it */
	sync("ldap ann dn 2 1");
	assert_ann(GREEN, false, true, true);
	sync("ldap ann dn 1");
	assert_ann(BLUE, false, true, false);
}

static void a_driver_that_says_nothing_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(sync("ldap ann dn"), ONE_OK);
	assert_ann(RED, true, true, false);
	assert_int_equal(sync("ldap ann dn 2 77"), ONE_AUTHENTICATION);
	assert_ann(RED, true, true, false);
}

static void administrators_follow_too(void **state)
{
	(void)state;
	sync("ldap ann dn 0 *1");
	assert_true(administers(BLUE));
	assert_false(administers(RED));
	sync("ldap ann dn *0 1");
	assert_false(administers(BLUE));
	assert_true(administers(RED));
	sync("ldap ann dn 1");
	assert_false(administers(RED));
	assert_int_equal(sync("ldap ann dn *0 *1 *2"), ONE_OK);
	assert_true(administers(RED) && administers(BLUE) && administers(GREEN));
}

/* ---- somebody new ---- */

struct creation { const char *name, *reply; int uid; };

static void create(struct txn *t, void *arg)
{
	struct creation *c = arg;
	struct auth_reply reply = reply_of(c->reply);

	c->uid = login_create(t, c->name, &reply);
}

static int created(const char *name, const char *reply)
{
	struct creation c = { name, reply, -1 };

	return core_run(core, create, &c, NULL) ? -1 : c.uid;
}

static void somebody_new_becomes_a_user(void **state)
{
	int uid = created("bob", "ldap bob dn 2 *1");
	struct version *v = pool_get(core, OBJ_USER, uid);

	(void)state;
	assert_string_equal(v->name, "bob");
	assert_int_equal(v->gid, GREEN);
	assert_string_equal(((const struct user *)v->obj)->driver, "ldap");
	version_unref(v);
	assert_int_equal(created("bob", "ldap bob dn 2 *1"), uid); /* came twice */
}

static void nobody_becomes_somebody_else(void **state)
{
	(void)state;
	assert_int_equal(created("boss", "ldap boss dn"), -1);
	assert_int_equal(created("other", "ldap ann dn"), -1);
	assert_int_equal(created("ann", "ldap ann other"), -1);
	assert_int_equal(created("ann", "core ann dn"), -1);
}

static void what_makes_no_user_fails(void **state)
{
	const char *const wrong[] = { "", "ldap", "ldap x", "ldap x dn 77", "ldap a:b dn" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(created("x", wrong[i]), -1);
}

/* ---- sessions ---- */

static enum session_end check(const char *text, struct session *s)
{
	struct session_config config = { .default_umask = 0177, .default_auth = "default" };

	return session_check(core, &config, text, &arena, s);
}

static void sessions_without_a_name_or_colon_are_refused(void **state)
{
	const char *const wrong[] = { "", ":", ":x", "ann", "a b:x", "a\tb:x", "a/b:x", "a$b:x" };
	struct session s;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(check(wrong[i], &s), SESSION_REFUSED);
}

static void a_driver_is_asked_about_the_user_himself(void **state)
{
	struct session s;

	(void)state;
	assert_int_equal(check("ann:a:b", &s), SESSION_ASK);
	assert_string_equal(s.question.payload, "1 ldap ann dn YTpi");
	assert_int_equal(s.question.uid, ANN);
	assert_string_equal(s.driver, "ldap");
	assert_false(s.question.for_other);
}

static void a_driver_is_asked_about_somebody_unknown(void **state)
{
	struct session s;

	(void)state;
	assert_int_equal(check("new:pw", &s), SESSION_ASK);
	assert_string_equal(s.question.payload, "-1 default new - cHc=");
	assert_int_equal(s.question.uid, -1);
}

static void a_server_asks_for_somebody_else(void **state)
{
	struct session s;

	(void)state;
	assert_int_equal(check("server:ann:token", &s), SESSION_ASK);
	assert_string_equal(s.question.payload, "2 server_cipher server key dG9rZW4=");
	assert_int_equal(s.question.uid, ANN);
	assert_string_equal(s.question.user, "ann");
	assert_true(s.question.for_other);
	assert_int_equal(s.egid, -1);
	assert_int_equal(check("server:ann:1:token", &s), SESSION_ASK);
	assert_int_equal(s.egid, BLUE);
	assert_string_equal(s.question.payload, "2 server_cipher server key dG9rZW4=");
}

static void a_server_is_refused_what_nobody_may(void **state)
{
	const char *const wrong[] = { "server:token", "server:", "server::token", "server:nobody:token", "server:ann:2:token", "server:ann:x:token",
				      "server:ann:-2:token", "server:ann:99999999999:token", "server:ann::token" };
	struct session s;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(check(wrong[i], &s), SESSION_REFUSED);
}

static void disable_ann(struct txn *t, void *arg)
{
	(void)arg;
	((struct user *)txn_edit(t, OBJ_USER, ANN))->enabled = false;
}

static void nobody_disabled_is_let_in(void **state)
{
	struct session_config config = { .default_auth = "" };
	struct identity who;
	struct session s;

	(void)state;
	assert_true(session_identity(core, &config, ANN, -1, &arena, &who));
	core_run(core, disable_ann, NULL, NULL);
	assert_int_equal(check("ann:pw", &s), SESSION_REFUSED);
	assert_int_equal(check("server:ann:token", &s), SESSION_REFUSED);
	assert_false(session_identity(core, &config, ANN, -1, &arena, &who));
	assert_false(session_identity(core, &config, 77, -1, &arena, &who));
}

static void a_group_limits_an_identity(void **state)
{
	struct session_config config = { .default_auth = "" };
	struct identity who;

	(void)state;
	assert_true(session_identity(core, &config, ANN, -1, &arena, &who));
	assert_true(who.admin); /* the red group's id is 0 */
	assert_true(session_identity(core, &config, ANN, BLUE, &arena, &who));
	assert_int_equal(who.gid, BLUE);
	assert_int_equal(who.n_gids, 1);
	assert_true(who.limited);
	assert_false(who.admin);
	assert_false(session_identity(core, &config, ANN, GREEN, &arena, &who));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(groups_become_those_of_the_driver),
		TEST(a_driver_that_says_nothing_changes_nothing),
		TEST(administrators_follow_too),
		TEST(somebody_new_becomes_a_user),
		TEST(nobody_becomes_somebody_else),
		TEST(what_makes_no_user_fails),
		TEST(sessions_without_a_name_or_colon_are_refused),
		TEST(a_driver_is_asked_about_the_user_himself),
		TEST(a_driver_is_asked_about_somebody_unknown),
		TEST(a_server_asks_for_somebody_else),
		TEST(a_server_is_refused_what_nobody_may),
		TEST(nobody_disabled_is_let_in),
		TEST(a_group_limits_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
