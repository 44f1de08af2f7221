#include "oned/auth/external.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/map.h"
#include "common/timeutil.h"

#define REMEMBERED_MAX 20000

struct asked { auth_answer_fn answer; void *arg; int64_t deadline_ms; char question[65]; };
struct agreed { int64_t until_ms; };

struct auth_external {
	auth_send_fn send;
	void *ctx;
	int timeout_ms;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	long long remember_s;
	struct imap waiting;      /* request id -> struct asked */
	struct smap agreed;       /* question -> struct agreed */
	long long next_id;
	bool stopping;
};

static struct asked *take(struct auth_external *a, long long id)
{
	struct asked *q;

	pthread_mutex_lock(&a->lock);
	q = imap_del(&a->waiting, id);
	pthread_mutex_unlock(&a->lock);
	return q;
}

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

static bool is_agreed(struct auth_external *a, const char *question)
{
	struct agreed *r;
	bool valid;

	pthread_mutex_lock(&a->lock);
	r = smap_get(&a->agreed, question);
	valid = r && r->until_ms > time_mono_ms();
	if (r && !valid)
		free(smap_del(&a->agreed, question));
	pthread_mutex_unlock(&a->lock);
	return valid;
}

static void remember(struct auth_external *a, const char *question)
{
	struct agreed *r;

	if (a->remember_s == 0)
		return;
	r = xmalloc(sizeof(*r));
	r->until_ms = a->remember_s < 0 ? INT64_MAX : time_mono_ms() + a->remember_s * 1000;
	pthread_mutex_lock(&a->lock);
	if (a->agreed.n >= REMEMBERED_MAX)
		forget_all(a);
	free(smap_put(&a->agreed, question, r));
	pthread_mutex_unlock(&a->lock);
}

/* ---- questions ---- */

static void answer(struct asked *q, bool ok)
{
	if (!q)
		return;
	q->answer(q->arg, ok);
	free(q);
}

/* The first one whose time is up (or any, with all). Lock held. */
static struct asked *take_late(struct auth_external *a, int64_t now, bool everybody)
{
	size_t it = 0;
	int64_t id;
	void *val;

	while (imap_next(&a->waiting, &it, &id, &val))
		if (everybody || ((struct asked *)val)->deadline_ms <= now)
			return imap_del(&a->waiting, id);
	return NULL;
}

static void refuse_late(struct auth_external *a, bool everybody)
{
	struct asked *q;

	do {
		pthread_mutex_lock(&a->lock);
		q = take_late(a, time_mono_ms(), everybody);
		pthread_mutex_unlock(&a->lock);
		answer(q, false);
	} while (q);
}

static void *watch(void *arg)
{
	struct auth_external *a = arg;
	struct timespec until;

	pthread_setname_np(pthread_self(), "auth");
	pthread_mutex_lock(&a->lock);
	while (!a->stopping) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&a->wake, &a->lock, &until);
		pthread_mutex_unlock(&a->lock);
		refuse_late(a, false);
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
	pthread_cond_init(&a->wake, NULL);
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
	refuse_late(a, true);
	imap_done(&a->waiting);
	forget_all(a);
	pthread_cond_destroy(&a->wake);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

bool auth_external_ask(struct auth_external *a, const char *payload, auth_answer_fn fn, void *arg)
{
	struct asked *q = xmalloc(sizeof(*q));
	long long id;

	*q = (struct asked){ .answer = fn, .arg = arg, .deadline_ms = time_mono_ms() + a->timeout_ms };
	sha256_hex(payload, strlen(payload), q->question);
	if (is_agreed(a, q->question)) {
		answer(q, true);
		return true;
	}
	pthread_mutex_lock(&a->lock);
	id = ++a->next_id;
	imap_put(&a->waiting, id, q);
	pthread_mutex_unlock(&a->lock);
	if (a->send(a->ctx, id, payload))
		return true;
	q = take(a, id); /* the deadline may have been faster */
	free(q);
	return !q;
}

void auth_external_message(struct auth_external *a, const struct driver_msg *m)
{
	bool ok = !strcmp(m->status, "SUCCESS");
	struct asked *q;

	if (strcmp(m->action, "AUTHENTICATE") != 0)
		return;
	if (!ok)
		log_error("AuM", "Auth Error: %s", m->payload);
	q = take(a, m->id);
	if (q && ok)
		remember(a, q->question);
	answer(q, ok);
}

void auth_external_down(struct auth_external *a)
{
	refuse_late(a, true);
}
