/* Verdicts on hosts and datastores, kept by class of VMs. */
#include "scheduler/match.h"

#include <stdlib.h>
#include <string.h>
#include "common/expr.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "scheduler/rank.h"

/* What a class found out about one host or datastore, as it was in `epoch`. */
struct finding {
	uint32_t match_epoch, rank_epoch; /* 0: not evaluated yet; epochs start with 1 */
	bool met;
	bool asked, allowed; /* rights don't change within a cycle */
	double rank;
};

struct match_class {
	struct match_class *next; /* all of a matcher */
	int uid, gid;
	struct expr *requirements, *store_requirements, *rank, *store_rank;
	const char *requirements_error, *store_requirements_error; /* NULL: they compiled */
	struct finding *hosts, *stores;
};

struct matcher {
	struct model *model;
	const char *default_rank, *default_store_rank;
	struct smap by_key;
	struct match_class *classes;
};

struct matcher *matcher_new(struct model *m, const char *default_rank, const char *default_store_rank)
{
	struct matcher *mr = arena_new(m->arena, struct matcher);

	mr->model = m;
	mr->default_rank = default_rank;
	mr->default_store_rank = default_store_rank;
	return mr;
}

void matcher_free(struct matcher *mr)
{
	if (!mr)
		return;
	for (struct match_class *c = mr->classes; c; c = c->next) {
		expr_free(c->requirements);
		expr_free(c->store_requirements);
		expr_free(c->rank);
		expr_free(c->store_rank);
	}
	smap_done(&mr->by_key);
}

static const char *compile_requirements(struct arena *arena, const char *text, struct expr **out)
{
	struct one_err err = ONE_ERR_INIT;

	if (expr_compile_requirements(text, out, &err) == ONE_OK)
		return NULL;
	*out = NULL;
	return arena_strdup(arena, err.text);
}

static struct expr *compile_rank(const char *own, const char *dflt)
{
	const char *text = *own ? own : dflt;
	struct one_err err = ONE_ERR_INIT;
	struct expr *e = NULL;

	if (*text && expr_compile_rank(text, &e, &err) != ONE_OK) {
		log_error("RANK", "Computing rank, expression: %s, error: %s", text, err.text);
		return NULL;
	}
	return e;
}

static struct match_class *new_class(struct matcher *mr, const struct sched_vm *vm)
{
	struct arena *arena = mr->model->arena;
	struct match_class *c = arena_new(arena, struct match_class);

	c->uid = vm->uid;
	c->gid = vm->gid;
	c->requirements_error = compile_requirements(arena, vm->requirements, &c->requirements);
	c->store_requirements_error =
		compile_requirements(arena, vm->store_requirements, &c->store_requirements);
	c->rank = compile_rank(vm->rank, mr->default_rank);
	c->store_rank = compile_rank(vm->store_rank, mr->default_store_rank);
	c->hosts = arena_array(arena, mr->model->n_hosts, struct finding);
	c->stores = arena_array(arena, mr->model->n_stores, struct finding);
	c->next = mr->classes;
	mr->classes = c;
	return c;
}

struct match_class *match_class_of(struct matcher *mr, const struct sched_vm *vm)
{
	struct strbuf key = STRBUF_INIT;
	struct match_class *c;

	strbuf_addf(&key, "%d %d\n%s\n%s\n%s\n%s", vm->uid, vm->gid, vm->requirements, vm->store_requirements,
		    vm->rank, vm->store_rank);
	c = smap_get(&mr->by_key, key.buf);
	if (!c) {
		c = new_class(mr, vm);
		smap_put(&mr->by_key, key.buf, c);
	}
	strbuf_done(&key);
	return c;
}

static bool is_allowed(const struct matcher *mr, const struct match_class *c, struct finding *f,
		       const struct access_object *o, int right)
{
	if (!f->asked) {
		f->asked = true;
		f->allowed = access_allows(&mr->model->access, c->uid, c->gid, o, right);
	}
	return f->allowed;
}

static bool is_met(struct finding *f, uint32_t epoch, const struct expr *e, expr_lookup lookup, void *ctx)
{
	if (f->match_epoch != epoch) {
		f->match_epoch = epoch;
		f->met = expr_match(e, lookup, ctx);
	}
	return f->met;
}

enum host_verdict match_host(struct matcher *mr, struct match_class *c, const struct sched_vm *vm, int index,
			     bool public_only)
{
	struct sched_host *h = &mr->model->hosts[index];
	struct finding *f = &c->hosts[index];

	if (public_only && !h->public_cloud)
		return HOST_NOT_PUBLIC;
	if (!is_allowed(mr, c, f, &h->access, ACCESS_MANAGE))
		return HOST_DENIED;
	if (h->max_cpu - h->used_cpu < vm->cpu)
		return HOST_NO_CPU;
	if (h->max_memory_kb - h->used_memory_kb < vm->memory_kb)
		return HOST_NO_MEMORY;
	if (c->requirements_error)
		return HOST_BAD_REQUIREMENTS;
	return is_met(f, h->epoch, c->requirements, host_lookup, h) ? HOST_FITS : HOST_UNMET;
}

/* A datastore is never filled to the last MB, but a VM without disks needs none. */
static bool has_space(const struct sched_store *s, long long mb)
{
	return mb == 0 || mb < s->free_mb;
}

enum store_verdict match_store(struct matcher *mr, struct match_class *c, const struct sched_vm *vm,
			       int index)
{
	struct sched_store *s = &mr->model->stores[index];
	struct finding *f = &c->stores[index];

	if (!is_allowed(mr, c, f, &s->access, ACCESS_USE))
		return STORE_DENIED;
	if (s->shared && !vm->resume) {
		if (!s->monitored)
			return STORE_NOT_MEASURED;
		if (!has_space(s, vm->disk_mb))
			return STORE_NO_SPACE;
	}
	if (c->store_requirements_error)
		return STORE_BAD_REQUIREMENTS;
	return is_met(f, s->epoch, c->store_requirements, store_lookup, s) ? STORE_FITS : STORE_UNMET;
}

bool match_store_on_host(const struct sched_vm *vm, const struct sched_host *h, const struct sched_store *s)
{
	if (!store_in_cluster(s, h->cluster_id))
		return false;
	return s->shared ? s->monitored : vm->disk_mb < host_free_mb(h, s->id);
}

double match_host_rank(struct matcher *mr, struct match_class *c, int index)
{
	struct sched_host *h = &mr->model->hosts[index];
	struct finding *f = &c->hosts[index];

	if (f->rank_epoch != h->epoch) {
		f->rank_epoch = h->epoch;
		f->rank = rank_value(c->rank, host_lookup, h);
	}
	return f->rank;
}

double match_store_rank(struct matcher *mr, struct match_class *c, int index)
{
	struct sched_store *s = &mr->model->stores[index];
	struct finding *f = &c->stores[index];

	if (f->rank_epoch != s->epoch) {
		f->rank_epoch = s->epoch;
		f->rank = rank_value(c->store_rank, store_lookup, s);
	}
	return f->rank;
}

int match_images(const struct model *m, const struct sched_vm *vm)
{
	for (int i = 0; i < vm->n_images; i++) {
		const struct sched_store *s = model_image_store(m, vm->images[i].store_id);

		if (!s || !has_space(s, vm->images[i].mb))
			return vm->images[i].store_id;
	}
	return -1;
}

const char *match_requirements_error(const struct match_class *c)
{
	return c->requirements_error;
}

const char *match_store_requirements_error(const struct match_class *c)
{
	return c->store_requirements_error;
}
