/* The scheduling cycle. */
#include "scheduler/cycle.h"

#include <string.h>
#include "common/log.h"
#include "common/timeutil.h"
#include "scheduler/dispatch.h"
#include "scheduler/explain.h"
#include "scheduler/pools.h"

void cycle_init(struct cycle *c, const struct sched_conf *conf, const struct api *api)
{
	*c = (struct cycle){ .conf = conf, .api = *api, .retries = RETRIES_INIT, .zone_id = -1 };
}

void cycle_done(struct cycle *c)
{
	retries_done(&c->retries);
}

/* The zone is asked for until it is known; an oned that does not say counts as zone 0. */
static void learn_zone(struct cycle *c, struct model *m)
{
	struct one_err err = ONE_ERR_INIT;

	if (c->zone_id < 0) {
		if (pools_read_zone(&c->api, c->conf, &c->zone_id, &err) != ONE_OK) {
			log_warn("SCHED", "Cannot read the zone: %s", err.text);
			return;
		}
		log_set_zone(c->zone_id);
		log_info("SCHED", "Configuring scheduler for Zone ID: %d", c->zone_id);
	}
	m->access.zone_id = c->zone_id;
}

/* An oned that can't tell whether it leads is taken to be alone; whether it can be reached shows with the
 * next call. */
static enum one_rc check_leader(struct cycle *c, struct one_err *err)
{
	bool leader = true;
	enum one_rc rc = pools_read_leader(&c->api, c->conf, &leader, err);

	if (rc == ONE_AUTHENTICATION)
		return rc;
	return leader ? ONE_OK : one_err_set(err, ONE_ACTION, "oned is not leader");
}

static enum one_rc read_model(struct cycle *c, struct model *m, struct one_err *err)
{
	enum one_rc rc = check_leader(c, err);

	if (rc != ONE_OK)
		return rc;
	model_init(m, m->arena, 0);
	rc = pools_read_vms(&c->api, c->conf, m, err);
	if (rc != ONE_OK || m->n_vms == 0)
		return rc;
	learn_zone(c, m);
	return pools_read_resources(&c->api, c->conf, m, err);
}

static bool is_pending(const void *ctx, int vm_id)
{
	const struct model *m = ctx;

	for (int i = 0; i < m->n_vms; i++)
		if (m->vms[i].id == vm_id)
			return true;
	return false;
}

static void note_results(struct cycle *c, const struct plan *plan, const enum job_result *results,
			 struct cycle_result *out)
{
	int64_t now_ms = time_mono_ms();

	for (int i = 0; i < plan->n_placements; i++) {
		const struct placement *p = &plan->placements[i];

		switch (results[i]) {
		case JOB_LEFT:
			out->left++;
			break;
		case JOB_DONE:
			out->placed++;
			retries_forget(&c->retries, p->vm->id);
			break;
		case JOB_FAILED:
			out->failed++;
			retries_failed(&c->retries, p->vm->id, p->host_id, now_ms);
			break;
		}
	}
}

static void place_vms(struct cycle *c, struct model *m, struct cycle_result *out)
{
	struct matcher *mr = matcher_new(m, c->conf->host_rank, c->conf->store_rank);
	enum job_result *results = arena_array(m->arena, m->n_vms, enum job_result);
	struct plan plan;

	plan_make(&plan, m, mr, &c->conf->limits, &c->retries, time_mono_ms());
	dispatch_plan(&c->api, &plan, c->conf->timeout_ms, results);
	note_results(c, &plan, results, out);
	out->waiting = plan.waiting;
	if (plan.delayed)
		log_debug("SCHED",
			  "%d VMs are left for a later cycle: MAX_DISPATCH, or a deployment that failed",
			  plan.delayed);
	matcher_free(mr);
}

enum one_rc cycle_run(struct cycle *c, struct cycle_result *out, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct model m = { .arena = &arena };
	int64_t start_us = time_mono_us();
	enum one_rc rc;

	*out = (struct cycle_result){ .next_ms = INT64_MAX };
	rc = read_model(c, &m, err);
	if (rc == ONE_OK) {
		out->pending = m.n_vms;
		retries_sweep(&c->retries, is_pending, &m);
		if (m.n_vms > 0)
			place_vms(c, &m, out);
		out->next_ms = retries_next_ms(&c->retries, time_mono_ms());
		if (out->pending)
			log_debug("SCHED",
				  "%d pending VMs, %d hosts: %d dispatched, %d refused, %d without a place, "
				  "in %lld us",
				  out->pending, m.n_hosts, out->placed, out->failed, out->waiting,
				  (long long)(time_mono_us() - start_us));
	}
	model_done(&m);
	arena_done(&arena);
	return rc;
}

enum one_rc cycle_explain(struct cycle *c, int vm_id, struct strbuf *out, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct model m = { .arena = &arena };
	enum one_rc rc = read_model(c, &m, err);
	const struct sched_vm *vm = NULL;

	for (int i = 0; rc == ONE_OK && i < m.n_vms; i++)
		if (m.vms[i].id == vm_id)
			vm = &m.vms[i];
	if (vm) {
		struct matcher *mr = matcher_new(&m, c->conf->host_rank, c->conf->store_rank);

		explain_vm(mr, &m, vm, out);
		matcher_free(mr);
	} else if (rc == ONE_OK) {
		rc = one_err_set(err, ONE_NO_EXISTS, "VM %d is not pending", vm_id);
	}
	model_done(&m);
	arena_done(&arena);
	return rc;
}
