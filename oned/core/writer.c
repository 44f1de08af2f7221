#include "oned/core/writer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/timeutil.h"
#include "oned/core/core_internal.h"
#include "oned/core/monitor.h"

#define EXPIRE_EVERY_MS 1000

struct writer {
	struct core *core;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;         /* of what follows */
	pthread_cond_t wake;
	const struct batch *batch;    /* to be written */
	struct written written;       /* the answer */
	atomic_bool done;             /* the answer is there */
	bool stopping;
};

struct writer *writer_new(struct core *c)
{
	struct writer *w = xcalloc(1, sizeof(*w));

	w->core = c;
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->wake);
	return w;
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void writer_write(struct core *c, const struct batch *b, struct written *out)
{
	int64_t begin = time_mono_us();

	*out = (struct written){ .err = ONE_ERR_INIT };
	if (c->store && b->n_rows && store_commit(c->store, b->rows, b->n_rows, &out->err))
		out->row_is_to_blame = store_failed_row(c->store) != SIZE_MAX;
	out->us = (uint64_t)(time_mono_us() - begin);
}

/* The core's lock, so that it can't look just before and sleep just after. */
static void wake_core(struct core *c)
{
	pthread_mutex_lock(&c->lock);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static void write_waiting(struct writer *w)
{
	const struct batch *b = w->batch;
	struct written written;

	w->batch = NULL;
	pthread_mutex_unlock(&w->lock);
	writer_write(w->core, b, &written);
	pthread_mutex_lock(&w->lock);
	w->written = written;
	atomic_store(&w->done, true);
	wake_core(w->core);
}

/* Between batches, so that nobody waits for it but those of the next one. */
static void expire(struct writer *w, int64_t *due_ms)
{
	if (time_mono_ms() < *due_ms)
		return;
	pthread_mutex_unlock(&w->lock);
	monitor_expire(w->core);
	pthread_mutex_lock(&w->lock);
	*due_ms = time_mono_ms() + EXPIRE_EVERY_MS;
}

static void *writer_thread(void *arg)
{
	struct writer *w = arg;
	int64_t due_ms = time_mono_ms() + EXPIRE_EVERY_MS;

	pthread_setname_np(pthread_self(), "writer");
	pthread_mutex_lock(&w->lock);
	while (w->batch || !w->stopping) {
		if (w->batch)
			write_waiting(w);
		else
			cond_wait_ms(&w->wake, &w->lock, EXPIRE_EVERY_MS);
		expire(w, &due_ms);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

enum one_rc writer_start(struct writer *w, struct one_err *err)
{
	int rc = pthread_create(&w->thread, NULL, writer_thread, w);

	if (rc)
		return one_err_set(err, ONE_INTERNAL, "Cannot start the writer's thread: %s", strerror(rc));
	w->started = true;
	return ONE_OK;
}

void writer_stop(struct writer *w)
{
	if (!w->started)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->started = false;
}

void writer_put(struct writer *w, const struct batch *b)
{
	pthread_mutex_lock(&w->lock);
	w->batch = b;
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->wake);
}

bool writer_is_done(const struct writer *w)
{
	return atomic_load(&w->done);
}

bool writer_take(struct writer *w, struct written *out)
{
	if (!writer_is_done(w))
		return false;
	pthread_mutex_lock(&w->lock);
	*out = w->written;
	atomic_store(&w->done, false);
	pthread_mutex_unlock(&w->lock);
	return true;
}
