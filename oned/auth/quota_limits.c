#include "oned/auth/quota_limits.h"

#include <limits.h>

/* In the order in which the reference finds what is wrong. */
static const enum quota_section order[] = { QUOTA_DATASTORE, QUOTA_NETWORK, QUOTA_IMAGE, QUOTA_VM };

static enum one_rc bad_limits(struct txn *t, enum quota_section section, const struct attr *wanted)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc;

	for (const struct attr *a = wanted->kids; a; a = a->next)
		strbuf_addf(&text, "%s%s=%s", a == wanted->kids ? "" : ",", a->name, a->value ? a->value : "");
	rc = txn_fail(t, ONE_ACTION, "Negative limits or bad format in quota %s = [ %s ]", quota_element(section), text.buf ? text.buf : "");
	strbuf_done(&text);
	return rc;
}

static bool wanted_id(enum quota_section section, const struct attr *wanted, int *id)
{
	long long value;

	*id = -1;
	if (section == QUOTA_VM)
		return true;
	if (!attr_get_int(wanted, "ID", &value) || value < INT_MIN || value > INT_MAX)
		return false;
	*id = (int)value;
	return true;
}

/* Default quotas can't refer to themselves. */
static bool is_limit(long long value, bool defaults)
{
	return value >= 0 || value == QUOTA_UNLIMITED || (value == QUOTA_DEFAULT && !defaults);
}

static enum one_rc set_record(struct txn *t, struct quota *q, enum quota_section section, const struct attr *wanted)
{
	bool defaults = q->o.ops->type == OBJ_DEFAULT_QUOTA;
	long long unset = defaults ? QUOTA_UNLIMITED : QUOTA_DEFAULT;
	struct quota_metrics m = quota_metrics_of(t, section);
	struct attr *record;
	int id;

	if (!wanted_id(section, wanted, &id))
		return bad_limits(t, section, wanted);
	record = quota_record_find(q, section, id);
	if (!record)
		record = quota_record_make(t, q, section, id, unset);
	for (int i = 0; i < m.n; i++) {
		long long value = quota_limit(wanted, m.names[i], unset);

		if (!is_limit(value, defaults))
			return bad_limits(t, section, wanted);
		quota_set_limit(q, record, m.names[i], value);
	}
	quota_record_tidy(t, q, section, record, unset);
	return ONE_OK;
}

enum one_rc quota_limits_set(struct txn *t, struct quota *q, const struct tmpl *limits)
{
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		for (const struct attr *a = tmpl_find(limits, quota_element(order[i])); a; a = tmpl_find_next(a))
			if (a->vector && set_record(t, q, order[i], a))
				return t->err.rc;
	return t->err.rc;
}
