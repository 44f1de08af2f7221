#include "oned/auth/quota_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"

#define METRICS(...) { (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *) }

/* clang-format off */
static const struct { const char *element; struct quota_metrics metrics; } sections[QUOTA_SECTIONS] = {
	[QUOTA_DATASTORE] = { "DATASTORE", METRICS("SIZE", "IMAGES") },
	[QUOTA_NETWORK]   = { "NETWORK",   METRICS("LEASES") },
	[QUOTA_VM]        = { "VM",        METRICS("VMS", "RUNNING_VMS", "CPU", "RUNNING_CPU", "MEMORY", "RUNNING_MEMORY",
						   "SYSTEM_DISK_SIZE") },
	[QUOTA_IMAGE]     = { "IMAGE",     METRICS("RVMS") },
};
/* clang-format on */

const char *quota_element(enum quota_section section)
{
	return sections[section].element;
}

/* ---- metrics ---- */

static bool has_metric(struct quota_metrics m, const char *name)
{
	for (int i = 0; i < m.n; i++)
		if (!strcmp(m.names[i], name))
			return true;
	return false;
}

struct quota_metrics quota_generic_metrics(struct txn *t)
{
	const struct conf *conf = txn_conf(t);
	const struct attr *first = conf ? conf_first(conf, "QUOTA_VM_ATTRIBUTE") : NULL;
	struct quota_metrics m = { NULL, 0 };
	const char **names;
	int most = 0;

	for (const struct attr *a = first; a; a = conf_next(a))
		most++;
	if (!most)
		return m;
	names = arena_array(t->arena, most, const char *);
	m.names = names;
	for (const struct attr *a = first; a; a = conf_next(a))
		if (a->value && *a->value && !has_metric(sections[QUOTA_VM].metrics, a->value) && !has_metric(m, a->value))
			names[m.n++] = a->value;
	return m;
}

struct quota_metrics quota_metrics_of(struct txn *t, enum quota_section section)
{
	struct quota_metrics usual = sections[section].metrics, generic = { NULL, 0 };
	const char **names;

	if (section == QUOTA_VM)
		generic = quota_generic_metrics(t);
	if (!generic.n)
		return usual;
	names = arena_array(t->arena, usual.n + 2 * generic.n, const char *);
	memcpy(names, usual.names, (size_t)usual.n * sizeof(*names));
	for (int i = 0; i < generic.n; i++) {
		names[usual.n + 2 * i] = generic.names[i];
		names[usual.n + 2 * i + 1] = arena_printf(t->arena, "RUNNING_%s", generic.names[i]);
	}
	return (struct quota_metrics){ names, usual.n + 2 * generic.n };
}

/* ---- numbers: hundredths, as text whole or with two digits ---- */

long long quota_hundredths(double value)
{
	const double most = 1e15;

	return llround(fmax(-most, fmin(most, value)) * 100);
}

static long long get_number(const struct attr *record, const char *name, long long dflt)
{
	double value;

	return attr_get_float(record, name, &value) ? quota_hundredths(value) : dflt;
}

static void put_number(struct quota *q, struct attr *record, const char *name, long long value)
{
	if (value % 100 == 0)
		attr_setf(&q->o.arena, record, name, "%lld", value / 100);
	else
		attr_setf(&q->o.arena, record, name, "%s%lld.%02lld", value < 0 ? "-" : "", llabs(value / 100), llabs(value % 100));
}

/* Names of attributes come from oned.conf, so they may be long. */
static const char *used_name(const char *metric, char *buf, size_t size)
{
	snprintf(buf, size, "%s_USED", metric);
	return buf;
}

long long quota_limit(const struct attr *record, const char *metric, long long dflt)
{
	return get_number(record, metric, dflt);
}

long long quota_used(const struct attr *record, const char *metric)
{
	char name[256];

	return get_number(record, used_name(metric, name, sizeof(name)), 0);
}

void quota_set_limit(struct quota *q, struct attr *record, const char *metric, long long value)
{
	put_number(q, record, metric, value);
}

void quota_set_used(struct quota *q, struct attr *record, const char *metric, long long value)
{
	char name[256];

	put_number(q, record, used_name(metric, name, sizeof(name)), value);
}

/* ---- records ---- */

struct tmpl *quota_records(const struct quota *q, enum quota_section section)
{
	struct tmpl *const all[QUOTA_SECTIONS] = {
		[QUOTA_DATASTORE] = q->datastore,
		[QUOTA_NETWORK] = q->network,
		[QUOTA_VM] = q->vm,
		[QUOTA_IMAGE] = q->image,
	};

	return all[section];
}

static void complete_sections(struct quota *q)
{
	struct tmpl **all[] = { &q->datastore, &q->network, &q->vm, &q->image };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!*all[i])
			*all[i] = tmpl_new(&q->o.arena);
}

struct quota *quota_edit(struct txn *t, enum obj_type type, int id)
{
	struct quota *q;

	if (txn_exists(t, type, id)) {
		q = txn_edit(t, type, id);
	} else {
		if (!txn_exists(t, type == OBJ_USER_QUOTA ? OBJ_USER : OBJ_GROUP, id))
			return NULL;
		q = txn_new(t, type);
		if (q)
			q->o.id = id;
	}
	if (q)
		complete_sections(q);
	return q;
}

struct attr *quota_record_find(const struct quota *q, enum quota_section section, int id)
{
	const struct tmpl *part = quota_records(q, section);
	long long has;

	for (struct attr *a = part ? tmpl_find(part, sections[section].element) : NULL; a; a = tmpl_find_next(a))
		if (section == QUOTA_VM || (attr_get_int(a, "ID", &has) && has == id))
			return a;
	return NULL;
}

struct attr *quota_record_make(struct txn *t, struct quota *q, enum quota_section section, int id, long long limit)
{
	struct attr *record = tmpl_add_vector(quota_records(q, section), sections[section].element);
	struct quota_metrics m = quota_metrics_of(t, section);

	if (section != QUOTA_VM)
		attr_setf(&q->o.arena, record, "ID", "%d", id);
	for (int i = 0; i < m.n; i++) {
		quota_set_limit(q, record, m.names[i], limit);
		quota_set_used(q, record, m.names[i], 0);
	}
	return record;
}

void quota_record_tidy(struct txn *t, struct quota *q, enum quota_section section, struct attr *record, long long limit)
{
	struct quota_metrics m = quota_metrics_of(t, section);

	for (int i = 0; i < m.n; i++)
		if (quota_limit(record, m.names[i], limit) != limit || quota_used(record, m.names[i]) != 0)
			return;
	tmpl_remove_attr(quota_records(q, section), record);
}
