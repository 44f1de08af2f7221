#include "oned/objects/quota_check.h"

#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "common/log.h"
#include "oned/auth/quota_count.h"
#include "oned/core/txn.h"
#include "oned/objects/image.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnet.h"
#include "oned/objects/vrouter.h"

/* ---- counting from nothing ---- */

static void forget_used(struct txn *t, enum obj_type type)
{
	int *ids, n = txn_ids(t, type, &ids);

	for (int i = 0; i < n; i++) {
		struct quota *q = quota_edit(t, type, ids[i]);

		for (int s = 0; q && s < QUOTA_SECTIONS; s++) {
			struct quota_metrics m = quota_metrics_of(t, s);

			for (struct attr *a = tmpl_find(quota_records(q, s), quota_element(s)); a; a = tmpl_find_next(a))
				for (int k = 0; k < m.n; k++)
					quota_set_used(q, a, m.names[k], 0);
		}
	}
}

/* ---- VMs: many, and to be parsed for it, so by as many threads as there are processors ---- */

#define MAX_READERS 8

/* What one thread finds: of every step-th VM from `first` on. */
struct reader {
	pthread_t thread;
	struct version *const *vms;
	size_t n, first, step;
	struct quota_metrics generic;
	struct vm_usage *usages;       /* of all readers: each fills its own */
	struct arena arena;
	struct one_err err;
};

/* What oned.conf limits beside the usual (QUOTA_VM_ATTRIBUTE) may be among the owner's attributes. */
static enum one_rc load(const struct version *v, bool whole, struct vm **out, struct one_err *err)
{
	struct object *o;

	if (!whole)
		return vm_load_known(v, out, err);
	if (obj_load(v->ops, v->body, v->body_len, &o, err))
		return err->rc;
	*out = (struct vm *)o;
	return ONE_OK;
}

static void *read_vms(void *arg)
{
	struct reader *r = arg;

	for (size_t i = r->first; i < r->n && !r->err.rc; i += r->step) {
		struct vm *vm;

		if (load(r->vms[i], r->generic.n > 0, &vm, &r->err))
			break;
		vm_quota_usage_of(vm, vm_is_counted_running(vm), r->generic, &r->arena, &r->usages[i]);
		obj_free(&vm->o);
	}
	return NULL;
}

/* What cannot be started is done here. */
static void read_all(struct reader *readers, size_t n)
{
	bool started[MAX_READERS] = { false };

	for (size_t i = 1; i < n; i++)
		started[i] = !pthread_create(&readers[i].thread, NULL, read_vms, &readers[i]);
	for (size_t i = 0; i < n; i++)
		if (!started[i])
			read_vms(&readers[i]);
	for (size_t i = 1; i < n; i++)
		if (started[i])
			pthread_join(readers[i].thread, NULL);
}

static void add_vms(struct txn *t, struct version *const *vms, size_t n)
{
	struct vm_usage *usages = arena_array(t->arena, n + 1, struct vm_usage);
	struct reader readers[MAX_READERS];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t step = cpus < 1 ? 1 : cpus > MAX_READERS ? MAX_READERS : (size_t)cpus;

	for (size_t i = 0; i < step; i++)
		readers[i] = (struct reader){ .vms = vms, .n = n, .first = i, .step = step, .generic = quota_generic_metrics(t),
					      .usages = usages, .arena = ARENA_INIT, .err = ONE_ERR_INIT };
	read_all(readers, step);
	for (size_t i = 0; i < step; i++)
		if (readers[i].err.rc)
			txn_fail(t, readers[i].err.rc, "%s", readers[i].err.text);
	for (size_t i = 0; i < n && txn_ok(t); i++)
		quota_vm_add(t, vms[i]->uid, vms[i]->gid, &usages[i], false);
	for (size_t i = 0; i < step; i++)
		arena_done(&readers[i].arena);
}

static bool counts(void *ctx, const struct version *v)
{
	(void)ctx;
	return v->index.state != VM_DONE && (v->uid > 0 || v->gid > 0);
}

static void count_vms(struct txn *t)
{
	struct version **vms;
	size_t n = pool_collect(t->core, OBJ_VM, 0, INT_MAX, counts, NULL, &vms);

	add_vms(t, vms, n);
	pool_release(vms, n);
}

/* ---- what is counted once for each object ---- */

static void count_images(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_IMAGE, &ids);

	for (int i = 0; i < n; i++)
		image_quota_count(t, txn_read(t, OBJ_IMAGE, ids[i]));
}

static void count_networks(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_NET, &ids);

	for (int i = 0; i < n; i++)
		vnet_reservation_count(t, txn_read(t, OBJ_NET, ids[i]));
}

static void count_routers(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_VROUTER, &ids);

	for (int i = 0; i < n; i++)
		vrouter_quota_count(t, txn_read(t, OBJ_VROUTER, ids[i]));
}

/* ---- comparing with what was stored ---- */

static const char *amount_text(struct txn *t, long long value)
{
	return arena_printf(t->arena, "%g", (double)value / 100);
}

static int compare_record(struct txn *t, const struct quota *old, const struct quota *now, enum quota_section s, const struct attr *record)
{
	const char *word = now->o.ops->type == OBJ_USER_QUOTA ? "user" : "group", *where = "";
	struct quota_metrics m = quota_metrics_of(t, s);
	const struct attr *had;
	long long id = -1;
	int wrong = 0;

	if (attr_get_int(record, "ID", &id))
		where = arena_printf(t->arena, " with ID: %lld", id);
	had = old ? quota_record_find(old, s, (int)id) : NULL;
	for (int i = 0; i < m.n; i++) {
		long long was = had ? quota_used(had, m.names[i]) : 0, is = quota_used(record, m.names[i]);

		if (was == is)
			continue;
		log_warn("ONE", "Quotas of %s %d: %s_USED in %s%s was %s, put right to %s", word, now->o.id, m.names[i], quota_element(s), where,
			 amount_text(t, was), amount_text(t, is));
		wrong++;
	}
	return wrong;
}

/* Records are zeroed before counting, none is removed: `now` has all that there were. */
static int compare_section(struct txn *t, const struct quota *old, struct quota *now, enum quota_section s)
{
	struct attr *next;
	int wrong = 0;

	for (struct attr *a = tmpl_find(quota_records(now, s), quota_element(s)); a; a = next) {
		next = tmpl_find_next(a);
		wrong += compare_record(t, old, now, s, a);
		quota_record_tidy(t, now, s, a, QUOTA_DEFAULT);
	}
	return wrong;
}

static int compare_all(struct txn *t, enum obj_type type)
{
	int *ids, n = txn_ids(t, type, &ids), wrong = 0;

	for (int i = 0; i < n; i++) {
		struct version *v = pool_get(t->core, type, ids[i]);
		struct quota *now = txn_edit(t, type, ids[i]);

		for (int s = 0; now && s < QUOTA_SECTIONS; s++)
			wrong += compare_section(t, v ? (const struct quota *)v->obj : NULL, now, s);
		version_unref(v);
	}
	return wrong;
}

/* Nothing wrong: the transaction is given up, so nothing is written. */
static void check(struct txn *t, void *arg)
{
	bool *all_right = arg;

	forget_used(t, OBJ_USER_QUOTA);
	forget_used(t, OBJ_GROUP_QUOTA);
	count_vms(t);
	count_images(t);
	count_networks(t);
	count_routers(t);
	if (!txn_ok(t) || compare_all(t, OBJ_USER_QUOTA) + compare_all(t, OBJ_GROUP_QUOTA) > 0)
		return;
	*all_right = true;
	txn_fail(t, ONE_INTERNAL, "All counters of quotas are right");
}

enum one_rc quota_check(struct core *core, struct one_err *err)
{
	bool all_right = false;
	struct one_err result = ONE_ERR_INIT;

	if (core_run(core, check, &all_right, &result) && !all_right)
		return one_err_set(err, result.rc, "Counting what quotas limit: %s", result.text);
	return ONE_OK;
}
