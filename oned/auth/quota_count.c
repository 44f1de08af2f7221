#include "oned/auth/quota_count.h"

#include <stdio.h>
#include <string.h>

/* Who is counted: a user or a group, with the default limits that stand behind its own. */
struct party { enum obj_type type; const char *word; int id; int defaults; };

static struct party user_party(int uid)
{
	return (struct party){ OBJ_USER_QUOTA, "user", uid, 0 };
}

static struct party group_party(int gid)
{
	return (struct party){ OBJ_GROUP_QUOTA, "group", gid, 1 };
}

/* ---- limits ---- */

static long long limit_of(struct txn *t, const struct party *p, const struct attr *record, enum quota_section section, int id,
			  const char *metric)
{
	long long limit = quota_limit(record, metric, QUOTA_DEFAULT);
	const struct quota *defaults;
	const struct attr *dflt;

	if (limit != QUOTA_DEFAULT)
		return limit;
	defaults = txn_read(t, OBJ_DEFAULT_QUOTA, p->defaults);
	dflt = defaults ? quota_record_find(defaults, section, id) : NULL;
	return dflt ? quota_limit(dflt, metric, QUOTA_UNLIMITED) : QUOTA_UNLIMITED;
}

static enum one_rc over_limit(struct txn *t, const struct party *p, enum quota_section section, int id, const char *metric,
			      long long limit)
{
	char where[32] = "";

	if (section != QUOTA_VM)
		snprintf(where, sizeof(where), " with ID: %d", id);
	return txn_fail(t, ONE_AUTHORIZATION, "%s [%d] limit of %g reached for %s quota in %s%s", p->word, p->id, (double)limit / 100, metric,
			quota_element(section), where);
}

static enum one_rc check_limits(struct txn *t, const struct party *p, const struct attr *record, enum quota_section section, int id,
				const struct quota_amount *amounts, int n)
{
	for (int i = 0; i < n; i++) {
		const char *metric = amounts[i].metric;
		long long limit = limit_of(t, p, record, section, id, metric);

		if (limit != QUOTA_UNLIMITED && quota_used(record, metric) + quota_hundredths(amounts[i].amount) > limit)
			return over_limit(t, p, section, id, metric, limit);
	}
	return ONE_OK;
}

/* ---- counting ---- */

static void change_record(struct quota *q, struct attr *record, const struct quota_amount *amounts, int n, int sign)
{
	for (int i = 0; i < n; i++)
		quota_set_used(q, record, amounts[i].metric,
			       quota_used(record, amounts[i].metric) + sign * quota_hundredths(amounts[i].amount));
}

static enum one_rc party_add(struct txn *t, const struct party *p, enum quota_section section, int id,
			     const struct quota_amount *amounts, int n, bool check)
{
	struct quota *q = p->id > 0 && n ? quota_edit(t, p->type, p->id) : NULL;
	struct attr *record;

	if (!q)
		return t->err.rc;
	record = quota_record_find(q, section, id);
	if (!record)
		record = quota_record_make(t, q, section, id, QUOTA_DEFAULT);
	if (check && check_limits(t, p, record, section, id, amounts, n))
		return t->err.rc;
	change_record(q, record, amounts, n, 1);
	return ONE_OK;
}

static void party_del(struct txn *t, const struct party *p, enum quota_section section, int id,
		      const struct quota_amount *amounts, int n)
{
	struct quota *q = p->id > 0 && n && txn_exists(t, p->type, p->id) ? txn_edit(t, p->type, p->id) : NULL;
	struct attr *record = q ? quota_record_find(q, section, id) : NULL;

	if (!record)
		return;
	change_record(q, record, amounts, n, -1);
	quota_record_tidy(t, q, section, record, QUOTA_DEFAULT);
}

enum one_rc quota_add(struct txn *t, int uid, int gid, enum quota_section section, int id, const struct quota_amount *amounts, int n,
		      bool check)
{
	struct party user = user_party(uid), group = group_party(gid);

	if (party_add(t, &user, section, id, amounts, n, check))
		return t->err.rc;
	return party_add(t, &group, section, id, amounts, n, check);
}

void quota_del(struct txn *t, int uid, int gid, enum quota_section section, int id, const struct quota_amount *amounts, int n)
{
	struct party user = user_party(uid), group = group_party(gid);

	party_del(t, &user, section, id, amounts, n);
	party_del(t, &group, section, id, amounts, n);
}

/* ---- VMs ---- */

static const struct quota_amount one_lease = { "LEASES", 1 }, one_vm = { "RVMS", 1 };

/* What counts in VM_QUOTA. Of a part of a VM (vms 0) only what there is of it: its limits alone are looked at. */
static int amounts_of(struct txn *t, const struct vm_usage *u, const struct quota_amount **out)
{
	const struct quota_amount usual[] = {
		{ "VMS", u->vms }, { "RUNNING_VMS", u->running_vms },
		{ "CPU", u->cpu }, { "RUNNING_CPU", u->running_cpu },
		{ "MEMORY", (double)u->memory_mb }, { "RUNNING_MEMORY", (double)u->running_memory_mb },
		{ "SYSTEM_DISK_SIZE", (double)u->system_disk_mb },
	};
	const int n_usual = (int)(sizeof(usual) / sizeof(*usual));
	struct quota_amount *list = arena_array(t->arena, n_usual + u->n_generic, struct quota_amount);
	int n = 0;

	for (int i = 0; i < n_usual + u->n_generic; i++) {
		const struct quota_amount *a = i < n_usual ? &usual[i] : &u->generic[i - n_usual];

		if (u->vms || a->amount != 0)
			list[n++] = *a;
	}
	*out = list;
	return n;
}

static enum one_rc check_numbers(struct txn *t, const struct party *p, const struct vm_usage *u)
{
	if (u->memory_mb < 0)
		return txn_fail(t, ONE_AUTHORIZATION, "%s [%d] MEMORY attribute must be a positive integer value", p->word, p->id);
	if (u->cpu < 0)
		return txn_fail(t, ONE_AUTHORIZATION, "%s [%d] CPU attribute must be a positive float or integer value", p->word, p->id);
	return ONE_OK;
}

static enum one_rc party_add_vm(struct txn *t, const struct party *p, const struct vm_usage *u, bool check)
{
	const struct quota_amount *amounts;
	int n;

	if (p->id <= 0)
		return t->err.rc;
	for (int i = 0; i < u->n_networks; i++)
		if (party_add(t, p, QUOTA_NETWORK, u->networks[i], &one_lease, 1, check))
			return t->err.rc;
	if (check && check_numbers(t, p, u))
		return t->err.rc;
	n = amounts_of(t, u, &amounts);
	if (party_add(t, p, QUOTA_VM, -1, amounts, n, check))
		return t->err.rc;
	for (int i = 0; i < u->n_images; i++)
		if (party_add(t, p, QUOTA_IMAGE, u->images[i], &one_vm, 1, check))
			return t->err.rc;
	return ONE_OK;
}

enum one_rc quota_vm_add(struct txn *t, int uid, int gid, const struct vm_usage *u, bool check)
{
	struct party user = user_party(uid), group = group_party(gid);

	if (party_add_vm(t, &user, u, check) || party_add_vm(t, &group, u, check))
		return t->err.rc;
	for (int i = 0; i < u->n_datastores; i++) {
		const struct quota_amount size = { "SIZE", (double)u->datastores[i].size_mb };

		if (quota_add(t, uid, gid, QUOTA_DATASTORE, u->datastores[i].id, &size, 1, check))
			return t->err.rc;
	}
	return ONE_OK;
}

static void party_del_vm(struct txn *t, const struct party *p, const struct vm_usage *u)
{
	const struct quota_amount *amounts;
	int n;

	if (p->id <= 0)
		return;
	for (int i = 0; i < u->n_networks; i++)
		party_del(t, p, QUOTA_NETWORK, u->networks[i], &one_lease, 1);
	n = amounts_of(t, u, &amounts);
	party_del(t, p, QUOTA_VM, -1, amounts, n);
	for (int i = 0; i < u->n_images; i++)
		party_del(t, p, QUOTA_IMAGE, u->images[i], &one_vm, 1);
}

void quota_vm_del(struct txn *t, int uid, int gid, const struct vm_usage *u)
{
	struct party user = user_party(uid), group = group_party(gid);

	party_del_vm(t, &user, u);
	party_del_vm(t, &group, u);
	for (int i = 0; i < u->n_datastores; i++) {
		const struct quota_amount size = { "SIZE", (double)u->datastores[i].size_mb };

		quota_del(t, uid, gid, QUOTA_DATASTORE, u->datastores[i].id, &size, 1);
	}
}

/* ---- differences ---- */

static int *ids_beyond(struct arena *arena, const int *have, int n, const int *without, int n_without, int *n_out)
{
	int *rest = arena_array(arena, n + 1, int);
	bool *matched = arena_array(arena, n_without + 1, bool);

	*n_out = 0;
	for (int i = 0; i < n; i++) {
		int j = 0;

		while (j < n_without && (matched[j] || without[j] != have[i]))
			j++;
		if (j < n_without)
			matched[j] = true;
		else
			rest[(*n_out)++] = have[i];
	}
	return rest;
}

static long long size_in(const struct vm_usage *u, int ds_id)
{
	long long sum = 0;

	for (int i = 0; i < u->n_datastores; i++)
		if (u->datastores[i].id == ds_id)
			sum += u->datastores[i].size_mb;
	return sum;
}

static bool has_datastore(const struct vm_usage *u, int n, int ds_id)
{
	for (int i = 0; i < n; i++)
		if (u->datastores[i].id == ds_id)
			return true;
	return false;
}

static struct vm_usage_ds *datastores_beyond(struct arena *arena, const struct vm_usage *u, const struct vm_usage *without, int *n_out)
{
	struct vm_usage_ds *rest = arena_array(arena, u->n_datastores + 1, struct vm_usage_ds);

	*n_out = 0;
	for (int i = 0; i < u->n_datastores; i++) {
		int id = u->datastores[i].id;
		long long more = size_in(u, id) - size_in(without, id);

		if (more > 0 && !has_datastore(u, i, id))
			rest[(*n_out)++] = (struct vm_usage_ds){ id, more };
	}
	return rest;
}

/* Of numbers as they are counted: the difference of two roundings, not a rounded difference. */
static double counted_beyond(double value, double without)
{
	long long more = quota_hundredths(value) - quota_hundredths(without);

	return more > 0 ? (double)more / 100 : 0;
}

static struct quota_amount *generic_beyond(struct arena *arena, const struct vm_usage *u, const struct vm_usage *without)
{
	struct quota_amount *rest = arena_array(arena, u->n_generic + 1, struct quota_amount);

	for (int i = 0; i < u->n_generic; i++) {
		double had = i < without->n_generic ? without->generic[i].amount : 0;

		rest[i] = (struct quota_amount){ u->generic[i].metric, counted_beyond(u->generic[i].amount, had) };
	}
	return rest;
}

#define BEYOND(field) (u->field > without->field ? u->field - without->field : 0)

/* What u has more than `without`. */
static struct vm_usage usage_beyond(struct arena *arena, const struct vm_usage *u, const struct vm_usage *without)
{
	struct vm_usage rest = {
		.vms = BEYOND(vms), .running_vms = BEYOND(running_vms), .cpu = counted_beyond(u->cpu, without->cpu),
		.running_cpu = counted_beyond(u->running_cpu, without->running_cpu),
		.memory_mb = BEYOND(memory_mb), .running_memory_mb = BEYOND(running_memory_mb), .system_disk_mb = BEYOND(system_disk_mb),
		.n_generic = u->n_generic,
	};

	rest.networks = ids_beyond(arena, u->networks, u->n_networks, without->networks, without->n_networks, &rest.n_networks);
	rest.images = ids_beyond(arena, u->images, u->n_images, without->images, without->n_images, &rest.n_images);
	rest.datastores = datastores_beyond(arena, u, without, &rest.n_datastores);
	rest.generic = generic_beyond(arena, u, without);
	return rest;
}

enum one_rc quota_vm_change(struct txn *t, int uid, int gid, const struct vm_usage *before, const struct vm_usage *after)
{
	struct vm_usage less = usage_beyond(t->arena, before, after), more = usage_beyond(t->arena, after, before);

	quota_vm_del(t, uid, gid, &less);
	return quota_vm_add(t, uid, gid, &more, true);
}
