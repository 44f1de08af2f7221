/* The core thread: takes what waits, runs it as transactions, has the batch written, publishes, lets out.
 *
 *   queue --run--> batch --close--> writing --(writer's thread: on disk)--> published, answered, sent
 *
 * While one batch is written the next one runs upon it: its transactions see what is being written. So when the
 * database refuses a batch, the one upon it is refused too. */
#include "oned/core/core.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/timeutil.h"
#include "oned/core/ask.h"
#include "oned/core/core_internal.h"
#include "oned/core/monitor.h"
#include "oned/core/tally.h"
#include "oned/core/writer.h"

#define AGAIN_MS 1000
#define BATCH_MAX 512 /* jobs: bounds the memory of a batch and the wait of its first caller */

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

static void let_out(struct core *c, const struct batch *b)
{
	const struct core_outlets *o = &c->outlets;

	for (const struct txn_out *out = b->outs; out; out = out->next) {
		switch (out->kind) {
		case TXN_SEND:
			if (o->send)
				o->send(o->ctx, out->mad_kind, out->name, out->action, out->id, out->text);
			break;
		case TXN_EVENT:
			if (o->event)
				o->event(o->ctx, out->type, (int)out->id);
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

/* ---- the end of a batch ---- */

/* Answers all of a batch. When the database refused it (rc), what nobody would ask again is kept for later, unless a row of this batch
 * is to blame: once more would only fail the others' batches too. */
static void answer(struct core *c, struct batch *b, const struct one_err *refusal, bool row_is_to_blame)
{
	for (struct finished *f = b->finished; f; f = f->next) {
		bool refused = refusal->rc && f->err->rc == ONE_OK;

		if (refused && f->job->sure && !row_is_to_blame) {
			submit_at(c, f->job, time_mono_ms() + AGAIN_MS);
			continue;
		}
		if (f->job->done)
			f->job->done(f->job->arg, refused ? refusal : f->err);
		free(f->job);
	}
	batch_free(b);
}

static void refuse(struct core *c, struct batch *b, const struct written *w)
{
	struct batch *upon = c->batch;
	struct one_err err = ONE_ERR_INIT;

	log_error("ONE", "Database refused a batch of %zu rows: %s", b->n_rows, w->err.text);
	one_err_set(&err, ONE_INTERNAL, "Internal database error");
	/* What ran meanwhile saw what isn't going to be. */
	c->batch = batch_new(c);
	answer(c, b, &err, w->row_is_to_blame);
	answer(c, upon, &err, false);
}

static void run_job(struct core *c, struct job *job)
{
	struct batch *b = c->batch;
	struct finished *f = arena_new(&b->arena, struct finished);
	struct txn t;

	txn_begin(&t, c);
	if (job->run)
		job->run(&t, job->arg);
	txn_check_sizes(&t);
	f->job = job;
	f->err = arena_new(&b->arena, struct one_err);
	*f->err = t.err;
	*b->finished_tail = f;
	b->finished_tail = &f->next;
	b->n_jobs++;
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

/* Is there nothing to do until somebody signals or a timer is due? Lock held. */
static bool is_idle(const struct core *c)
{
	bool full = c->batch->n_jobs >= BATCH_MAX;

	if ((c->queue && !full) || writer_is_done(c->writer))
		return false;
	return !c->stopping || c->queue || c->writing;
}

static void wait_for_work(struct core *c)
{
	int wait_ms;

	while ((wait_ms = due_timers(c)), is_idle(c))
		cond_wait_ms(&c->wake, &c->lock, wait_ms);
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

/* Until all that waits has run, the batch is full, or the one before is on disk: its callers wait for their answers. */
static void run_waiting(struct core *c)
{
	struct job *job;

	while (c->batch->n_jobs < BATCH_MAX && !writer_is_done(c->writer) && (job = take_job(c)))
		run_job(c, job);
	if (c->batch->n_jobs > c->stats.largest_batch)
		c->stats.largest_batch = c->batch->n_jobs;
}

/* The batch is whole; the next one begins where it ends. */
static struct batch *close_batch(struct core *c)
{
	c->writing = c->batch;
	batch_counters(c->writing, c);
	c->batch = batch_new(c);
	return c->writing;
}

static void count_written(struct core *c, const struct batch *b, const struct written *w)
{
	c->stats.batches++;
	c->stats.failures += w->err.rc != ONE_OK;
	c->stats.commit_us += w->us;
	c->stats.rows += b->n_rows;
}

/* All of the batch is on disk and published now, or none of it. The one upon it goes to the writer before this one's callers are
 * answered, so that the disk has work. */
static void settle(struct core *c, const struct written *w)
{
	struct batch *b = c->writing;

	c->writing = NULL;
	count_written(c, b, w);
	if (w->err.rc) {
		refuse(c, b, w);
		return;
	}
	batch_publish(b, c);
	if (c->batch->n_jobs)
		writer_put(c->writer, close_batch(c));
	log_hold();
	let_out(c, b);
	answer(c, b, &w->err, false);
	log_flush();
}

static void *core_thread(void *arg)
{
	struct core *c = arg;
	struct written w;
	bool done;

	pthread_setname_np(pthread_self(), "core");
	do {
		pthread_mutex_lock(&c->lock);
		wait_for_work(c);
		done = c->stopping && !c->queue;
		pthread_mutex_unlock(&c->lock);
		if (writer_take(c->writer, &w))
			settle(c, &w);
		run_waiting(c);
		if (c->batch->n_jobs && !c->writing)
			writer_put(c->writer, close_batch(c));
	} while (!done || c->writing);
	return NULL;
}

/* ---- the outside ---- */

enum one_rc core_new(struct store *store, const struct core_outlets *outlets, const struct conf *conf,
		     struct core **out, struct one_err *err)
{
	struct core *c = xcalloc(1, sizeof(*c));

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
	cond_init(&c->wake);
	c->queue_tail = &c->queue;
	c->monitor = monitor_new();
	c->asks = asks_new();
	c->tallies = tallies_new();
	c->writer = writer_new(c);
	c->batch = batch_new(c);
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
	int rc;

	if (writer_start(c->writer, err))
		return err->rc;
	rc = pthread_create(&c->thread, NULL, core_thread, c);
	if (rc) {
		writer_stop(c->writer);
		return one_err_set(err, ONE_INTERNAL, "Cannot start the core thread: %s", strerror(rc));
	}
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

/* Before there are threads: the batch is written here and now. */
static void end_alone(struct core *c)
{
	struct written w;

	writer_write(c, close_batch(c), &w);
	settle(c, &w);
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
		end_alone(c);
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
	writer_stop(c->writer);
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
	while (c->n_timers)
		drop_job(timer_pop(c));
	while ((job = take_job(c))) /* also what those submitted that were dropped */
		drop_job(job);
	free(c->timers);
	batch_free(c->batch);
	writer_free(c->writer);
	for (int i = 0; i < OBJ_TYPES; i++)
		pool_done(&c->pools[i]);
	monitor_free(c->monitor);
	asks_free(c->asks);
	tallies_free(c->tallies);
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
