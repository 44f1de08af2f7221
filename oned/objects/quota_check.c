#include "oned/objects/quota_check.h"

#include "common/log.h"
#include "oned/auth/quota_count.h"
#include "oned/core/txn.h"
#include "oned/objects/image.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vnet.h"

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

static void count_vms(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_VM, &ids);

	for (int i = 0; i < n; i++) {
		const struct version *v = txn_version(t, OBJ_VM, ids[i]);
		struct vm_usage usage;
		struct object *o;

		if (v->index.state == VM_DONE || (v->uid <= 0 && v->gid <= 0))
			continue;
		if (obj_load(v->ops, v->body, v->body_len, &o, &t->err))
			return;
		vm_quota_usage(t, (struct vm *)o, vm_counts_as_running(((struct vm *)o)->state), &usage);
		quota_vm_add(t, o->uid, o->gid, &usage, false);
		obj_free(o);
	}
}

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
