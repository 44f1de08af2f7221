/* Placing VMs one after the other.
 *
 * For each VM: every host gets a verdict, every datastore too, then the best pair of those that fit is taken
 * and its capacity goes down, so the next VM sees what is left. Where nothing fits the verdicts say why. */
#include "scheduler/plan.h"

#include <string.h>
#include "common/log.h"
#include "scheduler/explain.h"
#include "scheduler/rank.h"

struct planner {
	struct plan *plan;
	struct model *model;
	struct matcher *matcher;
	const struct plan_limits *limits;
	const struct retries *retries;
	bool *host_fits, *store_fits; /* of the VM at hand */
};

/* The best pair so far. */
struct choice {
	int host, store; /* indexes, -1: none */
	int refused;
	double rank;
};

static int survey_hosts(struct planner *p, struct match_class *c, const struct sched_vm *vm, bool public_only,
			struct tally *t)
{
	for (int i = 0; i < p->model->n_hosts; i++) {
		enum host_verdict verdict = match_host(p->matcher, c, vm, i, public_only);

		t->hosts[verdict]++;
		p->host_fits[i] = verdict == HOST_FITS;
	}
	return t->hosts[HOST_FITS];
}

static int survey_stores(struct planner *p, struct match_class *c, const struct sched_vm *vm, struct tally *t)
{
	for (int i = 0; i < p->model->n_stores; i++) {
		enum store_verdict verdict = match_store(p->matcher, c, vm, i);

		t->stores[verdict]++;
		p->store_fits[i] = verdict == STORE_FITS;
	}
	return t->stores[STORE_FITS];
}

/* The best datastore for a VM on a host; -1 when there is none. */
static int best_store(struct planner *p, struct match_class *c, const struct sched_vm *vm,
		      const struct sched_host *h)
{
	double best_rank = 0;
	int best = -1;

	for (int i = 0; i < p->model->n_stores; i++) {
		const struct sched_store *s = &p->model->stores[i];
		double rank;

		if (!p->store_fits[i] || !match_store_on_host(vm, h, s))
			continue;
		rank = match_store_rank(p->matcher, c, i);
		if (best < 0 || rank_better(rank, s->id, best_rank, p->model->stores[best].id)) {
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

/* A host that refused the VM comes after those that did not. */
static bool beats(const struct planner *p, const struct choice *best, int refused, double rank, int host)
{
	if (best->host < 0)
		return true;
	if (refused != best->refused)
		return refused < best->refused;
	return rank_better(rank, p->model->hosts[host].id, best->rank, p->model->hosts[best->host].id);
}

static struct choice choose(struct planner *p, struct match_class *c, const struct sched_vm *vm)
{
	struct choice best = { .host = -1, .store = -1 };

	for (int i = 0; i < p->model->n_hosts; i++) {
		const struct sched_host *h = &p->model->hosts[i];
		int refused, store = -1;
		double rank;

		if (!p->host_fits[i] || (p->limits->max_host && h->placed >= p->limits->max_host))
			continue;
		refused = retries_refused(p->retries, vm->id, h->id);
		rank = match_host_rank(p->matcher, c, i);
		if (!beats(p, &best, refused, rank, i))
			continue;
		if (!h->public_cloud) {
			store = best_store(p, c, vm, h);
			if (store < 0)
				continue;
		}
		best = (struct choice){ i, store, refused, rank };
	}
	return best;
}

static void place(struct planner *p, const struct sched_vm *vm, const struct choice *choice)
{
	struct sched_host *h = &p->model->hosts[choice->host];
	struct sched_store *s = choice->store < 0 ? NULL : &p->model->stores[choice->store];

	model_place(p->model, vm, h, s);
	p->plan->placements[p->plan->n_placements++] = (struct placement){ vm, h->id, s ? s->id : -1 };
}

/* Finds a place for a VM or writes into reason why there is none. */
static bool place_or_explain(struct planner *p, const struct sched_vm *vm, struct tally *t,
			     struct strbuf *reason)
{
	struct match_class *c = match_class_of(p->matcher, vm);
	int full_images = vm->resume ? -1 : match_images(p->model, vm);
	bool public_only = full_images >= 0 && vm->public_cloud;
	struct choice choice;

	if (vm->need != NEED_NOTHING) {
		explain_need(vm->need, reason);
		return false;
	}
	if (full_images >= 0 && !public_only) {
		explain_image_store(full_images, reason);
		return false;
	}
	if (!survey_hosts(p, c, vm, public_only, t)) {
		explain_no_host(t, vm, c, reason);
		return false;
	}
	if (!survey_stores(p, c, vm, t) && !vm->public_cloud) {
		explain_no_store(t, vm, c, reason);
		return false;
	}
	choice = choose(p, c, vm);
	if (choice.host < 0) {
		explain_no_pair(reason);
		return false;
	}
	place(p, vm, &choice);
	return true;
}

static void log_reason(const struct sched_vm *vm, const struct tally *t, const char *reason)
{
	struct strbuf counts = STRBUF_INIT;

	if (log_get_level() < LOG_L_DEBUG)
		return;
	explain_tally(t, &counts);
	log_debug("SCHED", "VM %d: %s (%s)", vm->id, reason, counts.buf);
	strbuf_done(&counts);
}

static void decide(struct planner *p, const struct sched_vm *vm)
{
	struct strbuf reason = STRBUF_INIT;
	struct tally t = { 0 };

	if (!place_or_explain(p, vm, &t, &reason)) {
		p->plan->waiting++;
		log_reason(vm, &t, reason.buf);
		if (explain_changed(vm->message, reason.buf))
			p->plan->notices[p->plan->n_notices++] =
				(struct notice){ vm, arena_strndup(p->model->arena, reason.buf, reason.len) };
	}
	strbuf_done(&reason);
}

void plan_make(struct plan *plan, struct model *m, struct matcher *mr, const struct plan_limits *limits,
	       const struct retries *retries, int64_t now_ms)
{
	struct planner p = { plan, m, mr, limits, retries, NULL, NULL };

	memset(plan, 0, sizeof(*plan));
	plan->placements = arena_array(m->arena, m->n_vms, struct placement);
	plan->notices = arena_array(m->arena, m->n_vms, struct notice);
	p.host_fits = arena_array(m->arena, m->n_hosts, bool);
	p.store_fits = arena_array(m->arena, m->n_stores, bool);
	for (int i = 0; i < m->n_vms; i++) {
		bool full = limits->max_dispatch && plan->n_placements >= limits->max_dispatch;

		if (full || retries_waiting(retries, m->vms[i].id, now_ms))
			plan->delayed++;
		else
			decide(&p, &m->vms[i]);
	}
}
