/* The core thread: takes what waits, runs it as transactions, writes one batch, publishes, lets out. */
#include "oned/core/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/timeutil.h"
#include "oned/core/ask.h"
#include "oned/core/core_internal.h"
#include "oned/core/monitor.h"

#define AGAIN_MS 1000
#define BATCH_MAX 512 /* jobs: bounds the memory of a batch and the wait of its first caller */

/* ---- the batch ---- */

void batch_init(struct core *c)
{
	struct batch *b = &c->batch;

	*b = (struct batch){ .arena = ARENA_INIT };
	b->outs_tail = &b->outs;
	b->finished_tail = &b->finished;
	for (int i = 0; i < OBJ_TYPES; i++)
		b->last_ids[i] = c->pools[i].last_id;
	memcpy(b->side_ids, c->side_ids, sizeof(b->side_ids));
}

void batch_done(struct core *c)
{
	struct batch *b = &c->batch;

	for (struct pending *p = b->all; p; p = p->next)
		version_unref(p->v);
	for (size_t i = 0; i < b->n_held; i++)
		version_unref(b->held[i]);
	free(b->held);
	free(b->rows);
	imap_done(&b->index);
	smap_done(&b->names);
	arena_done(&b->arena);
}

struct pending *batch_find(struct core *c, enum obj_type type, int id)
{
	return imap_get(&c->batch.index, ((int64_t)type << 32) | (uint32_t)id);
}

static void add_counter(struct batch *b, enum store_table table, int64_t last)
{
	struct sql_value *cols = arena_array(&b->arena, 2, struct sql_value);

	cols[0] = SQL_STR(store_table_name(table));
	cols[1] = SQL_INT(last);
	if (b->n_rows == b->cap_rows) {
		b->cap_rows = b->cap_rows ? b->cap_rows * 2 : 64;
		b->rows = xrealloc(b->rows, b->cap_rows * sizeof(*b->rows));
	}
	b->rows[b->n_rows++] = (struct store_row){ .table = TABLE_POOL_CONTROL, .cols = cols };
}

static void add_counters(struct core *c)
{
	struct batch *b = &c->batch;

	for (int i = 0; i < OBJ_TYPES; i++)
		if (c->pools[i].ops && b->last_ids[i] != c->pools[i].last_id)
			add_counter(b, c->pools[i].ops->table, b->last_ids[i]);
	for (int i = 0; i < TABLE_COUNT; i++)
		if (b->side_ids[i] != c->side_ids[i])
			add_counter(b, (enum store_table)i, b->side_ids[i]);
}

static enum one_rc batch_write(struct core *c, struct one_err *err)
{
	struct batch *b = &c->batch;
	int64_t begin = time_mono_us();
	enum one_rc rc = ONE_OK;

	add_counters(c);
	if (c->store && b->n_rows)
		rc = store_commit(c->store, b->rows, b->n_rows, err);
	c->stats.commit_us += (uint64_t)(time_mono_us() - begin);
	c->stats.rows += b->n_rows;
	return rc;
}

static void batch_publish(struct core *c)
{
	struct batch *b = &c->batch;

	for (struct pending *p = b->all; p; p = p->next) {
		pool_publish(&c->pools[p->type], p->id, version_ref(p->v));
		if (c->on_publish)
			c->on_publish(c->publish_ctx, p->type, p->id, p->v);
	}
	for (int i = 0; i < OBJ_TYPES; i++)
		c->pools[i].last_id = b->last_ids[i];
	memcpy(c->side_ids, b->side_ids, sizeof(c->side_ids));
}

/* ---- timers: a binary heap by due time ---- */

static void timer_push(struct core *c, struct job *job)
{
	size_t i;

	if (c->n_timers == c->cap_timers) {
		c->cap_timers = c->cap_timers ? c->cap_timers * 2 : 64;
		c->timers = xrealloc(c->timers, c->cap_timers * sizeof(*c->timers));
	}
	for (i = c->n_timers++; i && c->timers[(i - 1) / 2]->due_ms > job->due_ms; i = (i - 1) / 2)
		c->timers[i] = c->timers[(i - 1) / 2];
	c->timers[i] = job;
}

static struct job *timer_pop(struct core *c)
{
	struct job *top = c->timers[0], *last = c->timers[--c->n_timers];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < c->n_timers) {
		if (child + 1 < c->n_timers && c->timers[child + 1]->due_ms < c->timers[child]->due_ms)
			child++;
		if (last->due_ms <= c->timers[child]->due_ms)
			break;
		c->timers[i] = c->timers[child];
		i = child;
	}
	if (c->n_timers)
		c->timers[i] = last;
	return top;
}

static struct job *new_job(core_run_fn run, core_done_fn done, void *arg)
{
	struct job *job = xmalloc(sizeof(*job));

	*job = (struct job){ .run = run, .done = done, .arg = arg };
	return job;
}

static void submit_at(struct core *c, struct job *job, int64_t due_ms)
{
	job->due_ms = due_ms;
	pthread_mutex_lock(&c->lock);
	timer_push(c, job);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_signal(&c->wake);
}

static void let_out_timer(struct core *c, const struct txn_out *out)
{
	struct job *job = new_job(out->run, out->done, out->arg);

	job->sure = out->done == NULL;
	submit_at(c, job, time_mono_ms() + out->delay_ms);
}

static void batch_let_out(struct core *c)
{
	const struct core_outlets *o = &c->outlets;

	for (struct txn_out *out = c->batch.outs; out; out = out->next) {
		switch (out->kind) {
		case TXN_SEND:
			if (o->send)
				o->send(o->ctx, out->mad_kind, out->name, out->action, out->id, out->text);
			break;
		case TXN_EVENT:
			if (o->event)
				o->event(o->ctx, out->name, out->text);
			break;
		case TXN_VM_LOG:
			if (o->vm_log)
				o->vm_log(o->ctx, (int)out->id, out->level, out->name, out->text);
			break;
		case TXN_TIMER:
			let_out_timer(c, out);
			break;
		}
	}
}

/* Ends the batch: all of it is on disk and published, or none. */
static void batch_end(struct core *c)
{
	struct one_err err = ONE_ERR_INIT;
	enum one_rc rc = batch_write(c, &err);

	c->stats.batches++;
	if (rc) {
		c->stats.failures++;
		log_error("ONE", "Database refused a batch of %zu rows: %s", c->batch.n_rows, err.text);
		one_err_set(&err, ONE_INTERNAL, "Internal database error");
	} else {
		batch_publish(c);
		batch_let_out(c);
	}
	for (struct finished *f = c->batch.finished; f; f = f->next) {
		bool refused = rc && f->err->rc == ONE_OK;

		/* When a row is to blame, once more would only fail the others' batches too. */
		if (refused && f->job->sure && store_failed_row(c->store) == SIZE_MAX) {
			submit_at(c, f->job, time_mono_ms() + AGAIN_MS);
			continue;
		}
		if (f->job->done)
			f->job->done(f->job->arg, refused ? &err : f->err);
		free(f->job);
	}
	batch_done(c);
	batch_init(c);
}

static void run_job(struct core *c, struct job *job)
{
	struct batch *b = &c->batch;
	struct finished *f = arena_new(&b->arena, struct finished);
	struct txn t;

	txn_begin(&t, c);
	if (job->run)
		job->run(&t, job->arg);
	f->job = job;
	f->err = arena_new(&b->arena, struct one_err);
	*f->err = t.err;
	*b->finished_tail = f;
	b->finished_tail = &f->next;
	txn_end(&t);
	c->stats.transactions++;
}

/* ---- the thread ---- */

static void queue_append(struct core *c, struct job *job)
{
	job->next = NULL;
	*c->queue_tail = job;
	c->queue_tail = &job->next;
}

/* Timers that are due join the queue; lock held. Returns the milliseconds until the next one, -1: none. */
static int due_timers(struct core *c)
{
	int64_t now = time_mono_ms();

	while (c->n_timers && c->timers[0]->due_ms <= now)
		queue_append(c, timer_pop(c));
	return c->n_timers ? (int)(c->timers[0]->due_ms - now) : -1;
}

static void wait_for_work(struct core *c)
{
	int wait_ms;

	while ((wait_ms = due_timers(c)), !c->queue && !c->stopping) {
		struct timespec until;

		if (wait_ms < 0) {
			pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += wait_ms / 1000;
		until.tv_nsec += (wait_ms % 1000) * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		pthread_cond_timedwait(&c->wake, &c->lock, &until);
	}
}

static struct job *take_job(struct core *c)
{
	struct job *job;

	pthread_mutex_lock(&c->lock);
	job = c->queue;
	if (job) {
		c->queue = job->next;
		if (!c->queue)
			c->queue_tail = &c->queue;
	}
	pthread_mutex_unlock(&c->lock);
	return job;
}

static void run_batch(struct core *c)
{
	struct job *job;
	int n = 0;

	while (n < BATCH_MAX && (job = take_job(c))) {
		run_job(c, job);
		n++;
	}
	if (n > c->stats.largest_batch)
		c->stats.largest_batch = n;
	batch_end(c);
}

static void *core_thread(void *arg)
{
	struct core *c = arg;

	pthread_setname_np(pthread_self(), "core");
	pthread_mutex_lock(&c->lock);
	for (;;) {
		wait_for_work(c);
		if (!c->queue && c->stopping)
			break;
		pthread_mutex_unlock(&c->lock);
		run_batch(c);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* ---- the outside ---- */

enum one_rc core_new(struct store *store, const struct core_outlets *outlets, const struct conf *conf,
		     struct core **out, struct one_err *err)
{
	struct core *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t attr;

	(void)err;
	c->store = store;
	c->conf = conf;
	if (outlets)
		c->outlets = *outlets;
	for (int i = 0; i < OBJ_TYPES; i++)
		pool_init(&c->pools[i], obj_ops((enum obj_type)i));
	for (int i = 0; i < TABLE_COUNT; i++)
		c->side_ids[i] = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->wake, &attr);
	pthread_condattr_destroy(&attr);
	c->queue_tail = &c->queue;
	c->monitor = monitor_new();
	c->asks = asks_new();
	batch_init(c);
	*out = c;
	return ONE_OK;
}

void core_on_publish(struct core *c, core_publish_fn fn, void *ctx)
{
	c->on_publish = fn;
	c->publish_ctx = ctx;
}

enum one_rc core_start(struct core *c, struct one_err *err)
{
	int rc = pthread_create(&c->thread, NULL, core_thread, c);

	if (rc)
		return one_err_set(err, ONE_INTERNAL, "Cannot start the core thread: %s", strerror(rc));
	c->started = true;
	return ONE_OK;
}

static void submit(struct core *c, struct job *job)
{
	bool was_empty;

	pthread_mutex_lock(&c->lock);
	was_empty = !c->queue;
	queue_append(c, job);
	pthread_mutex_unlock(&c->lock);
	if (was_empty)
		pthread_cond_signal(&c->wake);
}

void core_submit(struct core *c, core_run_fn run, core_done_fn done, void *arg)
{
	submit(c, new_job(run, done, arg));
}

void core_submit_sure(struct core *c, core_run_fn run, core_done_fn done, void *arg)
{
	struct job *job = new_job(run, done, arg);

	job->sure = true;
	submit(c, job);
}

void core_submit_after(struct core *c, int delay_ms, core_run_fn run, core_done_fn done, void *arg)
{
	submit_at(c, new_job(run, done, arg), time_mono_ms() + delay_ms);
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
	core_run_fn run;
	void *arg;
	struct one_err err;
};

static void waiter_run(struct txn *t, void *arg)
{
	struct waiter *w = arg;

	w->run(t, w->arg);
}

static void waiter_done(void *arg, const struct one_err *result)
{
	struct waiter *w = arg;

	pthread_mutex_lock(&w->lock);
	w->err = *result;
	w->done = true;
	pthread_cond_signal(&w->done_cond);
	pthread_mutex_unlock(&w->lock);
}

enum one_rc core_run(struct core *c, core_run_fn run, void *arg, struct one_err *err)
{
	struct waiter w = { .lock = PTHREAD_MUTEX_INITIALIZER, .done_cond = PTHREAD_COND_INITIALIZER, .run = run, .arg = arg };

	if (!c->started) {
		run_job(c, new_job(waiter_run, waiter_done, &w));
		batch_end(c);
	} else {
		core_submit(c, waiter_run, waiter_done, &w);
	}
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.done_cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	if (w.err.rc && err)
		*err = w.err;
	return w.err.rc;
}

void core_stop(struct core *c)
{
	if (!c->started)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_mutex_unlock(&c->lock);
	pthread_cond_signal(&c->wake);
	pthread_join(c->thread, NULL);
	c->started = false;
}

/* What was never run: its owner is told, so that it frees what it holds. */
static void drop_job(struct job *job)
{
	struct one_err err = ONE_ERR_INIT;

	one_err_set(&err, ONE_INTERNAL, "oned is stopping");
	if (job->done)
		job->done(job->arg, &err);
	free(job);
}

void core_free(struct core *c)
{
	struct job *job;

	core_stop(c);
	while ((job = take_job(c)))
		drop_job(job);
	while (c->n_timers)
		drop_job(timer_pop(c));
	free(c->timers);
	batch_done(c);
	for (int i = 0; i < OBJ_TYPES; i++)
		pool_done(&c->pools[i]);
	monitor_free(c->monitor);
	asks_free(c->asks);
	strbuf_done(&c->body);
	strbuf_done(&c->brief);
	strbuf_done(&c->json);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct monitor *core_monitor(struct core *c)
{
	return c->monitor;
}

void core_stats(struct core *c, struct core_stats *out)
{
	*out = c->stats;
}
