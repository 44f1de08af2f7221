#include "oned/auth/quota_count.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT   (-1)
#define LIMIT_UNLIMITED (-2)

#define MAX_METRICS 8

/* clang-format off */
static const struct { const char *element; const char *metrics[MAX_METRICS]; } sections[QUOTA_SECTIONS] = {
	[QUOTA_DATASTORE] = { "DATASTORE", { "SIZE", "IMAGES" } },
	[QUOTA_NETWORK]   = { "NETWORK",   { "LEASES" } },
	[QUOTA_VM]        = { "VM",        { "VMS", "RUNNING_VMS", "CPU", "RUNNING_CPU", "MEMORY", "RUNNING_MEMORY",
					     "SYSTEM_DISK_SIZE" } },
	[QUOTA_IMAGE]     = { "IMAGE",     { "RVMS" } },
};
/* clang-format on */

/* Who is counted: a user or a group, with the default limits that stand behind its own. */
struct party { enum obj_type type; const char *word; int id; int defaults; };

static struct tmpl *section_of(const struct quota *q, enum quota_section section)
{
	struct tmpl *const all[QUOTA_SECTIONS] = {
		[QUOTA_DATASTORE] = q->datastore,
		[QUOTA_NETWORK] = q->network,
		[QUOTA_VM] = q->vm,
		[QUOTA_IMAGE] = q->image,
	};

	return all[section];
}

/* ---- numbers: hundredths, as text whole or with two digits ---- */

static long long hundredths(double value)
{
	const double most = 1e15; /* far from overflow, whatever is added up */

	return llround(fmax(-most, fmin(most, value)) * 100);
}

static long long get_hundredths(const struct attr *record, const char *name, long long dflt)
{
	double value;

	return attr_get_float(record, name, &value) ? hundredths(value) : dflt;
}

static void put_hundredths(struct arena *arena, struct attr *record, const char *name, long long value)
{
	if (value % 100 == 0)
		attr_setf(arena, record, name, "%lld", value / 100);
	else
		attr_setf(arena, record, name, "%s%lld.%02lld", value < 0 ? "-" : "", llabs(value / 100),
			  llabs(value % 100));
}

static const char *used_name(const char *metric, char *buf, size_t size)
{
	snprintf(buf, size, "%s_USED", metric);
	return buf;
}

/* ---- records ---- */

static struct attr *find_record(const struct quota *q, enum quota_section section, int id)
{
	const struct tmpl *part = section_of(q, section);
	long long has;

	for (struct attr *a = part ? tmpl_find(part, sections[section].element) : NULL; a;
	     a = tmpl_find_next(a))
		if (id < 0 || (attr_get_int(a, "ID", &has) && has == id))
			return a;
	return NULL;
}

static struct attr *make_record(struct quota *q, enum quota_section section, int id)
{
	struct arena *arena = &q->o.arena;
	struct attr *record = tmpl_add_vector(section_of(q, section), sections[section].element);
	char used[64];

	if (id >= 0)
		attr_setf(arena, record, "ID", "%d", id);
	for (int i = 0; i < MAX_METRICS && sections[section].metrics[i]; i++) {
		const char *metric = sections[section].metrics[i];

		attr_set(arena, record, metric, "-1");
		attr_set(arena, record, used_name(metric, used, sizeof(used)), "0");
	}
	return record;
}

/* Nothing used, nothing limited. */
static bool is_idle(const struct attr *record, enum quota_section section)
{
	char used[64];

	for (int i = 0; i < MAX_METRICS && sections[section].metrics[i]; i++) {
		const char *metric = sections[section].metrics[i];

		if (get_hundredths(record, metric, LIMIT_DEFAULT * 100) != LIMIT_DEFAULT * 100 ||
		    get_hundredths(record, used_name(metric, used, sizeof(used)), 0) != 0)
			return false;
	}
	return true;
}

/* The counters of somebody: made when they are missing; NULL: there is no such user or group, or the
 * transaction failed. */
static struct quota *edit_quota(struct txn *t, const struct party *p)
{
	struct quota *q;

	if (txn_exists(t, p->type, p->id))
		return txn_edit(t, p->type, p->id);
	if (!txn_exists(t, p->type == OBJ_USER_QUOTA ? OBJ_USER : OBJ_GROUP, p->id))
		return NULL;
	q = txn_new(t, p->type);
	if (!q)
		return NULL;
	q->o.id = p->id;
	return q;
}

static void complete_sections(struct quota *q)
{
	struct tmpl **all[] = { &q->datastore, &q->network, &q->vm, &q->image };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!*all[i])
			*all[i] = tmpl_new(&q->o.arena);
}

/* ---- limits ---- */

static long long limit_of(struct txn *t, const struct party *p, const struct attr *record,
			  enum quota_section section, int id, const char *metric)
{
	long long limit = get_hundredths(record, metric, LIMIT_DEFAULT * 100);
	const struct quota *defaults;
	const struct attr *dflt;

	if (limit != LIMIT_DEFAULT * 100)
		return limit;
	defaults = txn_read(t, OBJ_DEFAULT_QUOTA, p->defaults);
	dflt = defaults ? find_record(defaults, section, id) : NULL;
	return dflt ? get_hundredths(dflt, metric, LIMIT_UNLIMITED * 100) : LIMIT_UNLIMITED * 100;
}

static enum one_rc over_limit(struct txn *t, const struct party *p, enum quota_section section, int id,
			      const char *metric, long long limit)
{
	char where[32] = "";

	if (id >= 0)
		snprintf(where, sizeof(where), " with ID: %d", id);
	return txn_fail(t, ONE_AUTHORIZATION, "%s [%d] limit of %g reached for %s quota in %s%s", p->word,
			p->id, (double)limit / 100, metric, sections[section].element, where);
}

static enum one_rc check_limits(struct txn *t, const struct party *p, const struct attr *record,
				enum quota_section section, int id, const struct quota_amount *amounts, int n)
{
	char used[64];

	for (int i = 0; i < n; i++) {
		const char *metric = amounts[i].metric;
		long long limit = limit_of(t, p, record, section, id, metric);
		long long sum = get_hundredths(record, used_name(metric, used, sizeof(used)), 0) +
				hundredths(amounts[i].amount);

		if (limit != LIMIT_UNLIMITED * 100 && sum > limit)
			return over_limit(t, p, section, id, metric, limit);
	}
	return ONE_OK;
}

/* ---- counting ---- */

static void change_record(struct quota *q, struct attr *record, const struct quota_amount *amounts, int n,
			  int sign)
{
	char used[64];

	for (int i = 0; i < n; i++) {
		used_name(amounts[i].metric, used, sizeof(used));
		put_hundredths(&q->o.arena, record, used,
			       get_hundredths(record, used, 0) + sign * hundredths(amounts[i].amount));
	}
}

static enum one_rc party_add(struct txn *t, const struct party *p, enum quota_section section, int id,
			     const struct quota_amount *amounts, int n, bool check)
{
	struct attr *record;
	struct quota *q;

	if (p->id <= 0)
		return t->err.rc;
	q = edit_quota(t, p);
	if (!q)
		return t->err.rc;
	complete_sections(q);
	record = find_record(q, section, id);
	if (!record)
		record = make_record(q, section, id);
	if (check && check_limits(t, p, record, section, id, amounts, n))
		return t->err.rc;
	change_record(q, record, amounts, n, 1);
	return ONE_OK;
}

static void party_del(struct txn *t, const struct party *p, enum quota_section section, int id,
		      const struct quota_amount *amounts, int n)
{
	struct quota *q = p->id > 0 && txn_exists(t, p->type, p->id) ? txn_edit(t, p->type, p->id) : NULL;
	struct attr *record = q ? find_record(q, section, id) : NULL;

	if (!record)
		return;
	change_record(q, record, amounts, n, -1);
	if (is_idle(record, section))
		tmpl_remove_attr(section_of(q, section), record);
}

static struct party user_party(int uid)
{
	return (struct party){ OBJ_USER_QUOTA, "user", uid, 0 };
}

static struct party group_party(int gid)
{
	return (struct party){ OBJ_GROUP_QUOTA, "group", gid, 1 };
}

enum one_rc quota_add(struct txn *t, int uid, int gid, enum quota_section section, int id,
		      const struct quota_amount *amounts, int n, bool check)
{
	struct party user = user_party(uid), group = group_party(gid);

	if (party_add(t, &user, section, id, amounts, n, check))
		return t->err.rc;
	return party_add(t, &group, section, id, amounts, n, check);
}

void quota_del(struct txn *t, int uid, int gid, enum quota_section section, int id,
	       const struct quota_amount *amounts, int n)
{
	struct party user = user_party(uid), group = group_party(gid);

	party_del(t, &user, section, id, amounts, n);
	party_del(t, &group, section, id, amounts, n);
}

/* ---- VMs ---- */

/* clang-format off */
#define VM_AMOUNTS(u)                                                                                        \
	{                                                                                                    \
		{ "VMS", (u)->vms }, { "RUNNING_VMS", (u)->running_vms },                                    \
		{ "CPU", (u)->cpu }, { "RUNNING_CPU", (u)->running_cpu },                                    \
		{ "MEMORY", (double)(u)->memory_mb }, { "RUNNING_MEMORY", (double)(u)->running_memory_mb },  \
		{ "SYSTEM_DISK_SIZE", (double)(u)->system_disk_mb },                                         \
	}
/* clang-format on */

static const struct quota_amount one_lease = { "LEASES", 1 }, one_vm = { "RVMS", 1 };

static enum one_rc check_numbers(struct txn *t, const struct party *p, const struct vm_usage *u)
{
	if (u->memory_mb < 0)
		return txn_fail(t, ONE_AUTHORIZATION,
				"%s [%d] MEMORY attribute must be a positive integer value", p->word, p->id);
	if (u->cpu < 0)
		return txn_fail(t, ONE_AUTHORIZATION,
				"%s [%d] CPU attribute must be a positive float or integer value", p->word,
				p->id);
	return ONE_OK;
}

static enum one_rc party_add_vm(struct txn *t, const struct party *p, const struct vm_usage *u, bool check)
{
	const struct quota_amount amounts[] = VM_AMOUNTS(u);

	if (p->id <= 0)
		return t->err.rc;
	for (int i = 0; i < u->n_networks; i++)
		if (party_add(t, p, QUOTA_NETWORK, u->networks[i], &one_lease, 1, check))
			return t->err.rc;
	if (check && check_numbers(t, p, u))
		return t->err.rc;
	if (party_add(t, p, QUOTA_VM, -1, amounts, sizeof(amounts) / sizeof(*amounts), check))
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
		const struct quota_amount amounts[] = { { "SIZE", (double)u->datastores[i].size_mb },
							{ "IMAGES", 0 } };

		if (quota_add(t, uid, gid, QUOTA_DATASTORE, u->datastores[i].id, amounts, 2, check))
			return t->err.rc;
	}
	return ONE_OK;
}

static void party_del_vm(struct txn *t, const struct party *p, const struct vm_usage *u)
{
	const struct quota_amount amounts[] = VM_AMOUNTS(u);

	for (int i = 0; i < u->n_networks; i++)
		party_del(t, p, QUOTA_NETWORK, u->networks[i], &one_lease, 1);
	party_del(t, p, QUOTA_VM, -1, amounts, sizeof(amounts) / sizeof(*amounts));
	for (int i = 0; i < u->n_images; i++)
		party_del(t, p, QUOTA_IMAGE, u->images[i], &one_vm, 1);
}

void quota_vm_del(struct txn *t, int uid, int gid, const struct vm_usage *u)
{
	struct party user = user_party(uid), group = group_party(gid);

	party_del_vm(t, &user, u);
	party_del_vm(t, &group, u);
	for (int i = 0; i < u->n_datastores; i++) {
		const struct quota_amount amounts[] = { { "SIZE", (double)u->datastores[i].size_mb },
							{ "IMAGES", 0 } };

		quota_del(t, uid, gid, QUOTA_DATASTORE, u->datastores[i].id, amounts, 2);
	}
}
