/* The I/O thread of all drivers and the calls other threads make of it (contract: mad.h; a single
 * driver's life: mad_process.c). */
#include "oned/drivers/mad.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/map.h"
#include "common/timeutil.h"
#include "oned/drivers/mad_process.h"

#define EVENTS 64
#define KEY_MAX 128
#define KILL_MS 2000 /* for what was killed to be reaped */

struct mads {
	pthread_t thread;
	int epoll_fd, wake_fd;
	mad_event_fn event;
	void *ctx;

	pthread_mutex_t lock;   /* everything below, and state and queue of each driver */
	pthread_cond_t settled; /* one more came up or failed */
	struct smap by_key;     /* "kind/name" -> struct mad */
	struct mad *first;
	bool stopping;
	int grace_ms;
};

static bool key_of(char out[KEY_MAX], const char *kind, const char *name)
{
	int n = snprintf(out, KEY_MAX, "%s/%s", kind, name);
	return n > 0 && n < KEY_MAX;
}

static struct mad *find(const struct mads *m, const char *kind, const char *name)
{
	char key[KEY_MAX];
	return key_of(key, kind, name) ? smap_get(&m->by_key, key) : NULL;
}

static void wake(struct mads *m)
{
	eventfd_write(m->wake_fd, 1);
}

static struct mad *list_head(struct mads *m)
{
	pthread_mutex_lock(&m->lock);
	struct mad *first = m->first; /* new ones come in front, so the rest may be walked without the lock */
	pthread_mutex_unlock(&m->lock);
	return first;
}

/* Runs the clocks; how long epoll may wait. */
static int run_clocks(struct mads *m, bool stopping)
{
	int64_t now = time_mono_ms(), nearest = 0;
	for (struct mad *mad = list_head(m); mad; mad = mad->next) {
		int64_t at = mad_on_time(mad, now, stopping);
		if (at && (!nearest || at < nearest))
			nearest = at;
	}
	pthread_cond_broadcast(&m->settled);
	if (!nearest)
		return -1;
	now = time_mono_ms();
	return nearest > now ? (int)(nearest - now) : 0;
}

static void serve(struct mads *m, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(m->epoll_fd, events, EVENTS, timeout_ms);
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr) {
			mad_on_event(events[i].data.ptr, events[i].events);
			continue;
		}
		eventfd_t drop;
		eventfd_read(m->wake_fd, &drop);
		for (struct mad *mad = list_head(m); mad; mad = mad->next)
			mad_flush(mad);
	}
}

static bool any_alive(struct mads *m)
{
	for (struct mad *mad = list_head(m); mad; mad = mad->next)
		if (mad->pid > 0)
			return true;
	return false;
}

static void serve_until_dead(struct mads *m, int64_t until_ms)
{
	int64_t now;
	while (any_alive(m) && (now = time_mono_ms()) < until_ms)
		serve(m, (int)(until_ms - now));
}

static void end_all(struct mads *m)
{
	for (struct mad *mad = list_head(m); mad; mad = mad->next)
		mad_finalize(mad);
	serve_until_dead(m, time_mono_ms() + m->grace_ms);
	for (struct mad *mad = list_head(m); mad; mad = mad->next) {
		if (mad->pid > 0) {
			log_warn("DrM", "Driver %s did not end in time; killing it", mad->label);
			kill(-mad->pid, SIGKILL);
		}
	}
	serve_until_dead(m, time_mono_ms() + KILL_MS);
}

static bool is_stopping(struct mads *m)
{
	pthread_mutex_lock(&m->lock);
	bool stopping = m->stopping;
	pthread_mutex_unlock(&m->lock);
	return stopping;
}

static void *io_main(void *arg)
{
	struct mads *m = arg;
	while (!is_stopping(m))
		serve(m, run_clocks(m, false));
	end_all(m);
	return NULL;
}

static void block_signals(sigset_t *old)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, old);
}

enum one_rc mads_new(mad_event_fn fn, void *ctx, struct mads **out, struct one_err *err)
{
	struct mads *m = xcalloc(1, sizeof(*m));
	m->event = fn;
	m->ctx = ctx;
	cond_init(&m->settled);
	pthread_mutex_init(&m->lock, NULL);
	m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	int rc = m->epoll_fd < 0 || m->wake_fd < 0 ? errno : 0;
	if (!rc && epoll_ctl(m->epoll_fd, EPOLL_CTL_ADD, m->wake_fd, &ev) < 0)
		rc = errno;
	if (!rc) {
		sigset_t old; /* signals are for the main thread */
		block_signals(&old);
		rc = pthread_create(&m->thread, NULL, io_main, m);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (rc) {
		if (m->epoll_fd >= 0)
			close(m->epoll_fd);
		if (m->wake_fd >= 0)
			close(m->wake_fd);
		free(m);
		return one_err_set(err, ONE_INTERNAL, "Cannot start the drivers' thread: %s", strerror(rc));
	}
	*out = m;
	return ONE_OK;
}

enum one_rc mads_add(struct mads *m, const struct mad_config *config, struct one_err *err)
{
	char key[KEY_MAX];
	if (!key_of(key, config->kind, config->name))
		return one_err_set(err, ONE_INTERNAL, "The name of driver %.64s is too long", config->name);
	struct mad *mad = xcalloc(1, sizeof(*mad));
	mad_init(mad, config);
	mad->epoll_fd = m->epoll_fd;
	mad->event = m->event;
	mad->ctx = m->ctx;
	mad->lock = &m->lock;
	mad->state = MAD_WAITING;
	mad->deadline_ms = time_mono_ms();
	pthread_mutex_lock(&m->lock);
	bool taken = smap_get(&m->by_key, key) != NULL;
	if (!taken) {
		smap_put(&m->by_key, key, mad);
		mad->next = m->first;
		m->first = mad;
	}
	pthread_mutex_unlock(&m->lock);
	if (taken) {
		mad_done(mad);
		free(mad);
		return one_err_set(err, ONE_INTERNAL, "There are two drivers %s", key);
	}
	wake(m);
	return ONE_OK;
}

static bool all_settled(const struct mads *m)
{
	for (const struct mad *mad = m->first; mad; mad = mad->next)
		if (!mad->settled)
			return false;
	return true;
}

/* A line for each that isn't up; how many. */
static int list_failures(const struct mads *m, struct strbuf *text)
{
	int n = 0;
	for (const struct mad *mad = m->first; mad; mad = mad->next) {
		if (mad->state == MAD_RUNNING)
			continue;
		strbuf_addf(text, "%sDriver %s: %s", n ? "\n" : "", mad->label,
			    *mad->failure ? mad->failure : "no answer yet");
		n++;
	}
	return n;
}

enum one_rc mads_wait_up(struct mads *m, int timeout_ms, struct one_err *err)
{
	int64_t until_ms = time_mono_ms() + timeout_ms;
	struct strbuf text = STRBUF_INIT;
	pthread_mutex_lock(&m->lock);
	while (!all_settled(m) && cond_wait_until(&m->settled, &m->lock, until_ms))
		continue;
	int failed = list_failures(m, &text);
	pthread_mutex_unlock(&m->lock);
	enum one_rc rc = failed ? one_err_set(err, ONE_INTERNAL, "%s", text.buf) : ONE_OK;
	strbuf_done(&text);
	return rc;
}

bool mads_has(const struct mads *m, const char *kind, const char *name)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&m->lock;
	pthread_mutex_lock(lock);
	bool has = find(m, kind, name) != NULL;
	pthread_mutex_unlock(lock);
	return has;
}

enum one_rc mads_send(struct mads *m, const char *kind, const char *name, const char *action, long long id,
		      const char *payload, struct one_err *err)
{
	pthread_mutex_lock(&m->lock);
	struct mad *mad = find(m, kind, name);
	bool was_empty = mad && mad->queue.len == 0;
	enum one_rc rc = mad ? mad_queue_line(mad, action, id, payload, err)
			     : one_err_set(err, ONE_INTERNAL, "There is no %s driver '%s'", kind, name);
	pthread_mutex_unlock(&m->lock);
	if (rc == ONE_OK && was_empty)
		wake(m);
	return rc;
}

void mads_stop(struct mads *m, int grace_ms)
{
	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	m->grace_ms = grace_ms;
	pthread_mutex_unlock(&m->lock);
	wake(m);
	pthread_join(m->thread, NULL);
	while (m->first) {
		struct mad *mad = m->first;
		m->first = mad->next;
		mad_done(mad);
		free(mad);
	}
	smap_done(&m->by_key);
	close(m->epoll_fd);
	close(m->wake_fd);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->settled);
	free(m);
}
