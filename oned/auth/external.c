#include "oned/auth/external.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/map.h"
#include "common/timeutil.h"
#include "oned/auth/auth_reply.h"

#define REMEMBERED_MAX 20000

struct waiter { struct waiter *next; auth_answer_fn answer; void *arg; };

struct asked {
	struct asked *next;
	long long id, asked_at;
	char question[65];
	int uid;
	char *user;
	bool for_other;
	int64_t deadline_ms;
	struct waiter *waiters;
};

struct agreed { int uid; int64_t until_ms; long long asked_at, expires; /* of the credential; -1: it doesn't */ };

struct auth_external {
	auth_send_fn send;
	void *ctx;
	int timeout_ms;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	long long remember_s;
	struct asked *asked;      /* on their way */
	int n_asked, n_waiting;
	struct smap agreed;       /* question -> struct agreed */
	struct imap forgotten;    /* uid -> the last id given out when he was */
	long long last_id;
	bool stopping;
};

/* ---- what was agreed to ---- */

static void forget_all(struct auth_external *a)
{
	const char *question;
	size_t it = 0;
	void *val;

	while (smap_next(&a->agreed, &it, &question, &val))
		free(val);
	smap_done(&a->agreed);
	a->agreed = (struct smap)SMAP_INIT;
}

/* He is another than the driver was asked about. Lock held. */
static bool changed_since(const struct auth_external *a, int uid, long long asked_at)
{
	return (intptr_t)imap_get(&a->forgotten, uid) >= asked_at;
}

/* Lock held. */
static bool is_agreed(struct auth_external *a, const char *question)
{
	struct agreed *r = smap_get(&a->agreed, question);
	bool valid = r && r->until_ms > time_mono_ms() && (r->expires < 0 || r->expires > (long long)time_now()) &&
		     !changed_since(a, r->uid, r->asked_at);

	if (r && !valid)
		free(smap_del(&a->agreed, question));
	return valid;
}

void auth_external_remember(struct auth_external *a, const struct auth_verdict *v)
{
	struct agreed *r;

	if (a->remember_s == 0 || v->uid < 0 || !v->ok || !v->fresh)
		return;
	r = xmalloc(sizeof(*r));
	*r = (struct agreed){ .uid = v->uid, .asked_at = v->asked_at, .expires = v->expires,
			      .until_ms = a->remember_s < 0 ? INT64_MAX : time_mono_ms() + a->remember_s * 1000 };
	pthread_mutex_lock(&a->lock);
	if (a->agreed.n >= REMEMBERED_MAX)
		forget_all(a);
	if (changed_since(a, v->uid, v->asked_at))
		free(r);
	else
		free(smap_put(&a->agreed, v->question, r));
	pthread_mutex_unlock(&a->lock);
}

void auth_external_forget(struct auth_external *a, int uid)
{
	pthread_mutex_lock(&a->lock);
	imap_put(&a->forgotten, uid, (void *)(intptr_t)++a->last_id);
	pthread_mutex_unlock(&a->lock);
}

/* ---- questions on their way ---- */

/* Takes it out of the list. Lock held. */
static struct asked *take(struct auth_external *a, struct asked **at)
{
	struct asked *q = *at;

	if (!q)
		return NULL;
	*at = q->next;
	a->n_asked--;
	for (struct waiter *w = q->waiters; w; w = w->next)
		a->n_waiting--;
	return q;
}

static struct asked *take_id(struct auth_external *a, long long id)
{
	struct asked **at = &a->asked, *q;

	pthread_mutex_lock(&a->lock);
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	q = take(a, at);
	pthread_mutex_unlock(&a->lock);
	return q;
}

/* Tells all who wait, in the order they came, and frees it. NULL is fine. */
static void conclude(struct asked *q, bool ok, const struct auth_reply *reply, const char *text)
{
	struct auth_verdict v = { .ok = ok, .fresh = true, .reply = text, .expires = reply ? reply->expires : -1 };

	if (!q)
		return;
	v.uid = q->uid;
	v.asked_at = q->asked_at;
	memcpy(v.question, q->question, sizeof(v.question));
	while (q->waiters) {
		struct waiter *w = q->waiters;

		q->waiters = w->next;
		w->answer(w->arg, &v);
		free(w);
	}
	free(q->user);
	free(q);
}

static void refuse(struct asked *q)
{
	conclude(q, false, NULL, "");
}

static struct asked *take_late(struct auth_external *a, bool everybody)
{
	struct asked **at = &a->asked, *q;
	int64_t now = time_mono_ms();

	pthread_mutex_lock(&a->lock);
	while (*at && !everybody && (*at)->deadline_ms > now)
		at = &(*at)->next;
	q = take(a, at);
	pthread_mutex_unlock(&a->lock);
	return q;
}

/* What nobody waits for any more needs no thread of the driver either. */
static void refuse_late(struct auth_external *a)
{
	struct asked *q;

	while ((q = take_late(a, false))) {
		log_error("AuM", "The authentication driver has not answered in time about user %s", q->user);
		a->send(a->ctx, "DRIVER_CANCEL", q->id, "");
		refuse(q);
	}
}

static void refuse_all(struct auth_external *a)
{
	struct asked *q;

	while ((q = take_late(a, true)))
		refuse(q);
}

static void *watch(void *arg)
{
	struct auth_external *a = arg;

	pthread_setname_np(pthread_self(), "auth");
	pthread_mutex_lock(&a->lock);
	while (!a->stopping) {
		cond_wait_ms(&a->wake, &a->lock, 1000);
		pthread_mutex_unlock(&a->lock);
		refuse_late(a);
		pthread_mutex_lock(&a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

struct auth_external *auth_external_new(auth_send_fn send, void *ctx, int timeout_ms, long long remember_s)
{
	struct auth_external *a = xcalloc(1, sizeof(*a));

	a->send = send;
	a->ctx = ctx;
	a->timeout_ms = timeout_ms;
	a->remember_s = remember_s;
	pthread_mutex_init(&a->lock, NULL);
	cond_init(&a->wake);
	if (pthread_create(&a->thread, NULL, watch, a)) {
		free(a);
		return NULL;
	}
	return a;
}

void auth_external_free(struct auth_external *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stopping = true;
	pthread_mutex_unlock(&a->lock);
	pthread_cond_signal(&a->wake);
	pthread_join(a->thread, NULL);
	refuse_all(a);
	forget_all(a);
	imap_done(&a->forgotten);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- asking ---- */

/* Remembered answers are told apart by who gets in, too. */
static void question_hash(const struct auth_question *q, char hex[65])
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "%d %s %s", q->uid, q->user, q->payload);
	sha256_hex(text.buf, text.len, hex);
	explicit_bzero(text.buf, text.len);
	strbuf_done(&text);
}

static struct asked *find_same(struct auth_external *a, const char *question)
{
	for (struct asked *q = a->asked; q; q = q->next)
		if (!strcmp(q->question, question))
			return q;
	return NULL;
}

static bool too_many(const struct auth_external *a, const char *user)
{
	int his = 0;

	for (const struct asked *q = a->asked; q; q = q->next)
		his += !strcmp(q->user, user);
	return a->n_asked >= AUTH_ASKED_MAX || his >= AUTH_ASKED_A_USER;
}

static struct asked *add_question(struct auth_external *a, const struct auth_question *question, const char *hex)
{
	struct asked *q = xcalloc(1, sizeof(*q)), **tail = &a->asked;

	*q = (struct asked){ .uid = question->uid, .user = xstrdup(question->user), .for_other = question->for_other,
			     .deadline_ms = time_mono_ms() + a->timeout_ms };
	memcpy(q->question, hex, sizeof(q->question));
	q->id = q->asked_at = ++a->last_id;
	while (*tail)
		tail = &(*tail)->next;
	*tail = q;
	a->n_asked++;
	return q;
}

static void add_waiter(struct auth_external *a, struct asked *q, auth_answer_fn answer, void *arg)
{
	struct waiter *w = xmalloc(sizeof(*w)), **tail = &q->waiters;

	*w = (struct waiter){ .answer = answer, .arg = arg };
	while (*tail)
		tail = &(*tail)->next;
	*tail = w;
	a->n_waiting++;
}

void auth_external_ask(struct auth_external *a, const struct auth_question *question, auth_answer_fn answer, void *arg)
{
	struct auth_verdict now = { .reply = "", .uid = question->uid, .expires = -1 };
	struct asked *q = NULL;
	long long send_id = 0;
	char hex[65];

	question_hash(question, hex);
	pthread_mutex_lock(&a->lock);
	now.ok = is_agreed(a, hex);
	if (!now.ok && a->n_waiting < AUTH_WAITING_MAX)
		q = find_same(a, hex);
	if (!now.ok && !q && a->n_waiting < AUTH_WAITING_MAX && !too_many(a, question->user)) {
		q = add_question(a, question, hex);
		send_id = q->id;
	}
	if (q)
		add_waiter(a, q, answer, arg);
	pthread_mutex_unlock(&a->lock);
	if (!q) {
		if (!now.ok)
			log_error("AuM", "Too many logins wait for the authentication driver: user %s is refused", question->user);
		answer(arg, &now);
		return;
	}
	if (send_id && !a->send(a->ctx, "AUTHENTICATE", send_id, question->payload)) {
		log_error("AuM", "The authentication driver is not running");
		refuse(take_id(a, send_id)); /* the deadline may have been faster */
	}
}

/* ---- answers ---- */

/* The text is told to nobody but the log when it's a refusal; what the driver says with a success may have secrets in it. */
static bool accept_reply(const struct asked *q, const struct auth_reply *reply)
{
	if (!q->for_other || !reply->target || !strcmp(reply->target, q->user))
		return true;
	log_error("AuM", "A server's login for user %s was used for user %s", reply->target, q->user);
	return false;
}

void auth_external_message(struct auth_external *a, const struct driver_msg *m)
{
	struct auth_reply *reply = xmalloc(sizeof(*reply));
	struct one_err err = ONE_ERR_INIT;
	struct arena arena = ARENA_INIT;
	struct asked *q = NULL;
	bool ok = !strcmp(m->status, "SUCCESS");

	if (!strcmp(m->action, "LOG") && strcmp(m->status, "E") != 0) /* errors come again with the refusal */
		log_info("AuM", "%s", m->payload);
	if (!strcmp(m->action, "AUTHENTICATE"))
		q = take_id(a, m->id);
	auth_reply_parse(&arena, m->payload, reply, &err); /* who needs the groups looks himself */
	if (q && !ok)
		log_error("AuM", "Auth Error: %s", m->payload);
	conclude(q, ok && q && accept_reply(q, reply), reply, m->payload);
	free(reply);
	arena_done(&arena);
}

void auth_external_down(struct auth_external *a)
{
	refuse_all(a);
}
