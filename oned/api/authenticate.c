/* Who is calling: from the session of a call to its identity, over a driver and a transaction where need be. */
#include <string.h>

#include "common/log.h"
#include "oned/api/dispatch.h"
#include "oned/auth/external.h"
#include "oned/auth/login.h"
#include "oned/auth/session.h"
#include "oned/auth/user.h"

/* A login that goes on in other threads; lives in the call's arena. */
struct login {
	struct session session;
	struct auth_verdict verdict;
	struct auth_reply reply;
	int uid;
};

static struct session_config config_of(const struct call *c)
{
	return (struct session_config){ .default_umask = c->api->default_umask,
					.default_auth = c->api->external ? conf_string(c->api->conf, "DEFAULT_AUTH") : "" };
}

static void refuse_session(struct call *c)
{
	struct one_err err = ONE_ERR_INIT;

	err.rc = ONE_AUTHENTICATION;
	c->who.uid = -1;
	call_finish(c, &err);
}

static void let_in(struct call *c)
{
	struct session_config config = config_of(c);
	struct login *l = c->login;

	if (!session_identity(c->api->core, &config, l->uid, l->session.egid, &c->arena, &c->who)) {
		refuse_session(c);
		return;
	}
	auth_external_remember(c->api->external, &l->verdict);
	call_run(c);
}

/* ---- what the answer changes ---- */

static void run_changes(struct txn *t, void *arg)
{
	struct call *c = arg;
	struct login *l = c->login;

	if (l->session.question.uid < 0)
		l->uid = login_create(t, l->session.question.user, &l->reply);
	else
		login_sync_groups(t, l->uid, l->session.driver, &l->reply);
}

static void changes_done(void *arg, const struct one_err *result)
{
	struct call *c = arg;
	struct login *l = c->login;

	if (!result->rc) {
		let_in(c);
		return;
	}
	log_error("AuM", "User %s can't log in as the driver says: %s", l->session.question.user, result->text);
	refuse_session(c);
}

/* A server's login says nothing about the groups of whom it is for. */
static bool changes_something(const struct call *c, const struct login *l)
{
	if (l->session.question.uid < 0)
		return true;
	return !l->session.question.for_other && login_driver_flag(c->api->conf, l->session.driver, "DRIVER_MANAGED_GROUPS", false);
}

static void driver_said(void *arg, const struct auth_verdict *verdict)
{
	struct call *c = arg;
	struct login *l = c->login;
	struct one_err err = ONE_ERR_INIT;

	l->verdict = *verdict;
	l->verdict.reply = NULL; /* it is gone after this */
	l->uid = l->session.question.uid;
	if (!verdict->ok) {
		refuse_session(c);
	} else if (!verdict->fresh || !changes_something(c, l)) {
		let_in(c);
	} else if (auth_reply_parse(&c->arena, verdict->reply, &l->reply, &err)) {
		log_error("AuM", "What the driver says of user %s can't be read: %s", l->session.question.user, err.text);
		refuse_session(c);
	} else {
		core_submit(c->api->core, run_changes, changes_done, c);
	}
}

/* ---- a token for a group its owner has left goes when somebody tries it ---- */

static void run_drop_token(struct txn *t, void *arg)
{
	const struct session *s = &((struct call *)arg)->login->session;

	user_drop_dead_token(t, s->dead_uid, s->dead_token);
}

static void token_dropped(void *arg, const struct one_err *result)
{
	if (result->rc)
		log_error("AuM", "A token that is good for nothing stays: %s", result->text);
	refuse_session(arg);
}

/* ---- the beginning ---- */

static void keep_login(struct call *c, const struct session *s)
{
	c->login = arena_new(&c->arena, struct login);
	c->login->session = *s;
}

static void ask_driver(struct call *c, const struct session *s)
{
	if (!c->api->external) {
		log_error("AuM", "Auth Error: Authentication driver not enabled. Check AUTH_MAD in oned.conf");
		refuse_session(c);
		return;
	}
	keep_login(c, s);
	auth_external_ask(c->api->external, &c->login->session.question, driver_said, c);
}

static void refuse_first(struct call *c, const struct session *s)
{
	if (!s->dead_token) {
		refuse_session(c);
		return;
	}
	keep_login(c, s);
	core_submit(c->api->core, run_drop_token, token_dropped, c);
}

void call_authenticate(struct call *c)
{
	struct session_config config = config_of(c);
	struct session s;

	switch (session_check(c->api->core, &config, c->rpc.params[0].s, &c->arena, &s)) {
	case SESSION_OK:
		c->who = s.who;
		call_run(c);
		return;
	case SESSION_ASK:
		ask_driver(c, &s);
		return;
	case SESSION_REFUSED:
		refuse_first(c, &s);
		return;
	}
}
