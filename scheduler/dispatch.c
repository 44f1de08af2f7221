/* Several threads, each with its lane, take the jobs of a plan one by one. */
#include "scheduler/dispatch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "common/log.h"
#include "common/timeutil.h"
#include "scheduler/explain.h"

struct work {
	const struct api *api;
	const struct plan *plan;
	enum job_result *results;
	int64_t deadline_ms;
	atomic_int next;
	atomic_bool give_up;
};

struct worker {
	struct work *work;
	int lane;
	pthread_t thread;
};

static enum one_rc say(const struct work *w, int lane, const struct sched_vm *vm, const char *reason)
{
	struct strbuf template = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	enum one_rc rc;

	explain_template(reason, time_now(), &template);
	rc = w->api->call(w->api->ctx, lane, "one.vm.update",
			  (struct rpc_arg[]){ RPC_INT(vm->id), RPC_STR(template.buf), RPC_INT(1), RPC_END },
			  NULL, NULL, &err);
	if (rc != ONE_OK)
		log_warn("VM", "Cannot update the message of VM %d: %s", vm->id, err.text);
	strbuf_done(&template);
	return rc;
}

static void explain_failure(struct work *w, int lane, const struct placement *p, const struct one_err *err)
{
	struct strbuf reason = STRBUF_INIT;

	log_error("VM", "Error deploying virtual machine %d to HID: %d. Reason: %s", p->vm->id, p->host_id,
		  err->text);
	explain_refused(p->host_id, err->text, &reason);
	say(w, lane, p->vm, reason.buf);
	strbuf_done(&reason);
}

/* oned checks the capacity once more (enforce): it may have changed since the pools were read. */
static enum job_result deploy(struct work *w, int lane, const struct placement *p)
{
	struct one_err err = ONE_ERR_INIT;
	struct rpc_arg args[] = { RPC_INT(p->vm->id),   RPC_INT(p->host_id), RPC_BOOL(true),
				  RPC_INT(p->store_id), RPC_STR(""),         RPC_END };

	if (*p->vm->message)
		say(w, lane, p->vm, "");
	if (w->api->call(w->api->ctx, lane, "one.vm.deploy", args, NULL, NULL, &err) != ONE_OK) {
		explain_failure(w, lane, p, &err);
		return JOB_FAILED;
	}
	log_debug("SCHED", "VM %d dispatched to host %d, system datastore %d", p->vm->id, p->host_id,
		  p->store_id);
	return JOB_DONE;
}

static void *run_jobs(void *arg)
{
	struct worker *me = arg;
	struct work *w = me->work;
	const struct plan *plan = w->plan;

	while (!atomic_load(&w->give_up) && !w->api->stopping(w->api->ctx)) {
		int i = atomic_fetch_add(&w->next, 1), notice = i - plan->n_placements;
		bool failed;

		if (notice >= plan->n_notices)
			break;
		if (notice < 0) {
			w->results[i] = deploy(w, me->lane, &plan->placements[i]);
			failed = w->results[i] == JOB_FAILED;
		} else {
			failed = say(w, me->lane, plan->notices[notice].vm, plan->notices[notice].reason) !=
				 ONE_OK;
		}
		if (failed && time_mono_ms() > w->deadline_ms)
			atomic_store(&w->give_up, true);
	}
	return NULL;
}

void dispatch_plan(const struct api *api, const struct plan *plan, int timeout_ms, enum job_result *results)
{
	struct work w = {
		.api = api, .plan = plan, .results = results, .deadline_ms = time_mono_ms() + timeout_ms
	};
	struct worker workers[API_LANES];
	int jobs = plan->n_placements + plan->n_notices, started = 1;

	for (int i = 0; i < plan->n_placements; i++)
		results[i] = JOB_LEFT;
	for (int i = 0; i < API_LANES; i++)
		workers[i] = (struct worker){ .work = &w, .lane = i };
	/* Where a thread can't be started the others do its share. */
	while (started < API_LANES && started < jobs &&
	       pthread_create(&workers[started].thread, NULL, run_jobs, &workers[started]) == 0)
		started++;
	run_jobs(&workers[0]);
	while (--started > 0)
		pthread_join(workers[started].thread, NULL);
}
