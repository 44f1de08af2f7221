/* Scheduled actions: their rules, XML and rows. */
#include "oned/objects/sched_action.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oned/objects/common.h"

static const char *type_name(enum obj_type type)
{
	return type == OBJ_VM ? "VM" : "BACKUPJOB";
}

static void sched_action_init(struct sched_action *s, enum obj_type parent_type, int parent_id)
{
	s->parent_type = parent_type;
	s->parent_id = parent_id;
	s->action = s->args = s->days = s->message = "";
	s->time = s->end_value = s->done = -1;
	s->repeat = SCHED_ONCE;
	s->end = SCHED_END_NONE;
}

/* ---- XML and rows ---- */

static enum one_rc sched_action_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct sched_action *s = (struct sched_action *)o;
	const char *type = xml_text_or(x, "TYPE", "");
	long long repeat = xml_int(x, "REPEAT", SCHED_ONCE), end = xml_int(x, "END_TYPE", SCHED_END_NONE);

	if (strcmp(type, "VM") != 0 && strcmp(type, "BACKUPJOB") != 0)
		return one_err_set(err, ONE_INTERNAL, "unknown TYPE %s", type);
	if (repeat < SCHED_ONCE || repeat > SCHED_HOURLY || end < SCHED_END_NONE || end > SCHED_END_DATE)
		return one_err_set(err, ONE_INTERNAL, "unknown REPEAT %lld or END_TYPE %lld", repeat, end);
	sched_action_init(s, strcmp(type, "VM") ? OBJ_BACKUPJOB : OBJ_VM, (int)xml_int(x, "PARENT_ID", -1));
	s->action = arena_strdup(&o->arena, xml_text_or(x, "ACTION", ""));
	s->args = arena_strdup(&o->arena, xml_text_or(x, "ARGS", ""));
	s->days = arena_strdup(&o->arena, xml_text_or(x, "DAYS", ""));
	s->message = arena_strdup(&o->arena, xml_text_or(x, "MESSAGE", ""));
	s->time = xml_int(x, "TIME", -1);
	s->warning = xml_int(x, "WARNING", 0);
	s->end_value = xml_int(x, "END_VALUE", -1);
	s->done = xml_int(x, "DONE", -1);
	s->repeat = (enum sched_repeat)repeat;
	s->end = (enum sched_end)end;
	return ONE_OK;
}

static void sched_action_render(const struct object *o, struct strbuf *out)
{
	const struct sched_action *s = (const struct sched_action *)o;

	xml_out_open(out, "SCHED_ACTION");
	xml_out_int(out, "ID", o->id);
	xml_out_int(out, "PARENT_ID", s->parent_id);
	xml_out_text(out, "TYPE", type_name(s->parent_type));
	xml_out_text(out, "ACTION", s->action);
	xml_out_text(out, "ARGS", s->args);
	xml_out_int(out, "TIME", s->time);
	xml_out_int(out, "REPEAT", s->repeat);
	xml_out_text(out, "DAYS", s->days);
	xml_out_int(out, "END_TYPE", s->end);
	xml_out_int(out, "END_VALUE", s->end_value);
	xml_out_int(out, "DONE", s->done);
	xml_out_text(out, "MESSAGE", s->message);
	xml_out_int(out, "WARNING", s->warning);
	xml_out_close(out, "SCHED_ACTION");
}

/* A column of 32 bits; the body has the time itself. */
static long long column_time(long long when)
{
	return when > INT32_MAX ? INT32_MAX : when < INT32_MIN ? INT32_MIN : when;
}

/* oid parent_id type body time done */
static int sched_action_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
			    struct sql_value *cols)
{
	const struct sched_action *s = (const struct sched_action *)o;

	(void)brief;
	(void)json;
	cols[0] = SQL_INT(o->id);
	cols[1] = SQL_INT(s->parent_id);
	cols[2] = SQL_STR(type_name(s->parent_type));
	cols[3] = SQL_STRN(v->body, v->body_len);
	cols[4] = SQL_INT(column_time(s->time));
	cols[5] = SQL_INT(column_time(s->done));
	return 6;
}

const struct obj_ops sched_action_ops = {
	.type = OBJ_SCHEDACTION, .token = "SCHEDULEDACTION", .word = "scheduled action", .root = "SCHED_ACTION", .pool_root = "SCHED_ACTION_POOL",
	.table = TABLE_SCHEDACTION, .size = sizeof(struct sched_action), .load = sched_action_load, .render = sched_action_render,
	.row = sched_action_row,
};

/* ---- what a vector says ---- */

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *text = attr_get(vector, name);

	return text ? text : "";
}

static enum one_rc take_action(struct sched_action *s, const struct attr *vector, struct one_err *err)
{
	static const char *const of_vms[] = {
		"terminate", "terminate-hard", "undeploy", "undeploy-hard", "hold", "release", "stop", "suspend", "resume", "reboot",
		"reboot-hard", "poweroff", "poweroff-hard", "snapshot-create", "snapshot-revert", "snapshot-delete", "disk-snapshot-create",
		"disk-snapshot-revert", "disk-snapshot-delete", "backup", NULL
	};
	const char *name = text_of(vector, "ACTION"), *const *known = of_vms;

	if (s->parent_type == OBJ_BACKUPJOB) {
		s->action = "backup";
		return ONE_OK;
	}
	if (!*name)
		return *s->action ? ONE_OK : one_err_set(err, ONE_INTERNAL, "No ACTION in template for Scheduled Action.");
	while (*known && strcmp(*known, name) != 0)
		known++;
	if (!*known)
		return one_err_set(err, ONE_INTERNAL, "%s is not supported.", name);
	s->action = *known;
	return ONE_OK;
}

/* Seconds since the epoch, of VMs also "+N": after `base`. false: it is no time (-1 stands for none). */
static bool parse_time(const struct sched_action *s, const char *text, time_t base, long long *out)
{
	bool after = *text == '+';
	long long value;

	if ((after && s->parent_type == OBJ_BACKUPJOB) || !value_int(text + after, &value))
		return false;
	if (after && __builtin_add_overflow(value, (long long)base, &value))
		return false;
	*out = value;
	return value != -1;
}

static enum one_rc take_times(struct sched_action *s, const struct attr *vector, time_t base, struct one_err *err)
{
	const char *when = text_of(vector, "TIME"), *warning = text_of(vector, "WARNING");

	if (*when ? !parse_time(s, when, base, &s->time) : s->time == -1)
		return one_err_set(err, ONE_INTERNAL, "Unable to parse the time value or value is empty: %s", when);
	if (*warning && !parse_time(s, warning, base, &s->warning))
		return one_err_set(err, ONE_INTERNAL, "Unable to parse the warning value: %s", warning);
	return ONE_OK;
}

/* Calls for each number of DAYS, which are separated by commas. */
static void each_day(const char *days, void (*visit)(void *ctx, int day), void *ctx)
{
	for (const char *comma; days; days = comma ? comma + 1 : NULL) {
		int day;

		comma = strchr(days, ',');
		if (text_leading_int(days, &day))
			visit(ctx, day);
	}
}

struct day_range { int first, last; };

static void widen(void *ctx, int day)
{
	struct day_range *range = ctx;

	range->first = day < range->first ? day : range->first;
	range->last = day > range->last ? day : range->last;
}

static enum one_rc check_days(const struct sched_action *s, struct one_err *err)
{
	static const struct { int first, last; const char *wrong; } allowed[] = {
		[SCHED_WEEKLY] = { 0, 6, "Days in a week have to be in [0,6] range" },
		[SCHED_MONTHLY] = { 1, 31, "Days in a month have to be in [1,31] range" },
		[SCHED_YEARLY] = { 0, 365, "Days in a year have to be in [0,365] range" },
		[SCHED_HOURLY] = { 1, 167, "Hours have to be in [0,168] range" },
	};
	struct day_range range = { INT_MAX, INT_MIN };

	each_day(s->days, widen, &range);
	if (range.first > range.last)
		return one_err_set(err, ONE_INTERNAL, "Scheduled Action repeat set, but DAYS are empty");
	if (range.first < allowed[s->repeat].first || range.last > allowed[s->repeat].last ||
	    (s->repeat == SCHED_HOURLY && range.first != range.last))
		return one_err_set(err, ONE_INTERNAL, "%s", allowed[s->repeat].wrong);
	return ONE_OK;
}

static enum one_rc take_repeat(struct sched_action *s, const struct attr *vector, struct one_err *err)
{
	const char *days = attr_get(vector, "DAYS");
	long long repeat;

	if (attr_get_int(vector, "REPEAT", &repeat)) {
		if (repeat < SCHED_ONCE || repeat > SCHED_HOURLY)
			return one_err_set(err, ONE_INTERNAL, "Wrong REPEAT value: %lld", repeat);
		s->repeat = (enum sched_repeat)repeat;
	}
	if (s->repeat == SCHED_ONCE) {
		s->days = "";
		return ONE_OK;
	}
	if (days) {
		s->days = arena_strdup(&s->o.arena, days);
		return check_days(s, err);
	}
	return *s->days ? ONE_OK : one_err_set(err, ONE_INTERNAL, "Repeat set, but DAYS are empty");
}

static bool is_date(long long when)
{
	time_t t = (time_t)when;
	struct tm tm;

	return localtime_r(&t, &tm) && mktime(&tm) != -1;
}

/* An END_TYPE that needs an END_VALUE may come without one: then it has ended already. */
static enum one_rc take_end(struct sched_action *s, const struct attr *vector, struct one_err *err)
{
	long long end, value;

	if (attr_get_int(vector, "END_TYPE", &end)) {
		if (end < SCHED_END_NONE || end > SCHED_END_DATE)
			return one_err_set(err, ONE_INTERNAL, "Wrong END_TYPE value: %lld", end);
		s->end = (enum sched_end)end;
	}
	if (s->end <= SCHED_END_NEVER) {
		s->end_value = -1;
		return ONE_OK;
	}
	if (!*text_of(vector, "END_VALUE"))
		return ONE_OK;
	value = strtoll(text_of(vector, "END_VALUE"), NULL, 10); /* what isn't a number counts as far as it is one */
	if (s->end == SCHED_END_TIMES && value < 0)
		return one_err_set(err, ONE_INTERNAL, "Error parsing END_VALUE, times has to be greater or equal to 0");
	if (s->end == SCHED_END_DATE && !is_date(value))
		return one_err_set(err, ONE_INTERNAL, "Error parsing END_VALUE, wrong format for date.");
	s->end_value = value;
	return ONE_OK;
}

enum one_rc sched_action_take(struct sched_action *s, const struct attr *vector, time_t base, struct one_err *err)
{
	const char *args = attr_get(vector, "ARGS");
	enum one_rc rc;

	if ((rc = take_action(s, vector, err)) || (rc = take_times(s, vector, base, err)) || (rc = take_repeat(s, vector, err)) ||
	    (rc = take_end(s, vector, err)))
		return rc;
	if (args)
		s->args = arena_strdup(&s->o.arena, args);
	return ONE_OK;
}

/* ---- making and deleting ---- */

struct sched_action *sched_action_create(struct txn *t, const struct sched_parent *parent, const struct attr *vector, enum one_rc rc)
{
	struct sched_action trial = { .o.id = -1 }, *s;
	struct one_err err = ONE_ERR_INIT;

	/* Tried before an id is taken. */
	sched_action_init(&trial, parent->type, parent->id);
	if (sched_action_take(&trial, vector, parent->base, &err))
		txn_fail(t, rc, "%s", err.text);
	else if (parent->ids->n >= SCHED_ACTIONS_MAX)
		txn_fail(t, rc, "There can't be more than %d scheduled actions of one %s.", SCHED_ACTIONS_MAX, obj_ops(parent->type)->word);
	arena_done(&trial.o.arena);
	s = txn_new(t, OBJ_SCHEDACTION);
	if (!s)
		return NULL;
	sched_action_init(s, parent->type, parent->id);
	sched_action_take(s, vector, parent->base, &err);
	idset_add(parent->ids, parent->arena, s->o.id);
	return s;
}

enum one_rc sched_actions_create(struct txn *t, const struct sched_parent *parent, const struct tmpl *tmpl)
{
	for (const struct attr *a = tmpl_find(tmpl, "SCHED_ACTION"); a && txn_ok(t); a = tmpl_find_next(a)) {
		struct attr *vector = a->vector ? attr_copy(t->arena, a) : NULL;

		if (!vector)
			continue;
		if (parent->type == OBJ_BACKUPJOB)
			attr_remove(vector, "ARGS");
		sched_action_create(t, parent, vector, ONE_INTERNAL);
	}
	return t->err.rc;
}

enum one_rc sched_actions_check(const struct tmpl *tmpl, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	for (const struct attr *a = tmpl_find(tmpl, "SCHED_ACTION"); a && !rc; a = tmpl_find_next(a)) {
		struct sched_action trial = { .o.id = -1 };

		if (!a->vector)
			continue;
		sched_action_init(&trial, OBJ_VM, -1);
		rc = sched_action_take(&trial, a, 0, err);
		arena_done(&trial.o.arena);
	}
	return rc;
}

void sched_actions_delete(struct txn *t, const struct idset *ids)
{
	for (int i = 0; i < ids->n; i++)
		if (txn_exists(t, OBJ_SCHEDACTION, ids->ids[i]))
			txn_delete(t, txn_edit(t, OBJ_SCHEDACTION, ids->ids[i]));
}

/* ---- coming due ---- */

static bool has_ended(const struct sched_action *s, time_t now)
{
	if (s->repeat == SCHED_ONCE)
		return false;
	return (s->end == SCHED_END_TIMES && s->end_value <= 0) || (s->end == SCHED_END_DATE && now > s->end_value);
}

int64_t sched_action_due_at(const struct sched_action *s, time_t now)
{
	return s->time > s->done && s->time < INT64_MAX && !has_ended(s, now) ? s->time + 1 : INT64_MAX;
}

bool sched_action_is_due(const struct sched_action *s, time_t now)
{
	return sched_action_due_at(s, now) <= now;
}

struct day_search { int day; bool found; };

static void compare_day(void *ctx, int day)
{
	struct day_search *search = ctx;

	search->found = search->found || day == search->day;
}

static bool is_one_of_its_days(const struct sched_action *s, const struct tm *tm)
{
	struct day_search search = { s->repeat == SCHED_WEEKLY ? tm->tm_wday : s->repeat == SCHED_MONTHLY ? tm->tm_mday : tm->tm_yday, false };

	each_day(s->days, compare_day, &search);
	return search.found;
}

/* At the local time of the day that TIME has. false: there is no such day. */
static bool next_day(const struct sched_action *s, time_t now, long long *out)
{
	const int most = 9 * 366; /* the 366th day of a year is there every 4 or 8 years */
	time_t time = (time_t)s->time;
	struct tm of_day, today;

	if (!localtime_r(&time, &of_day) || !localtime_r(&now, &today))
		return false;
	for (int i = 0; i < most; i++) {
		struct tm tm = { .tm_year = today.tm_year, .tm_mon = today.tm_mon, .tm_mday = today.tm_mday + i, .tm_hour = of_day.tm_hour,
				 .tm_min = of_day.tm_min, .tm_sec = of_day.tm_sec, .tm_isdst = -1 };
		time_t when = mktime(&tm);

		if (when > now && is_one_of_its_days(s, &tm)) {
			*out = (long long)when;
			return true;
		}
	}
	return false;
}

static long long next_hour(const struct sched_action *s, time_t now)
{
	long long hours = strtoll(s->days, NULL, 10), from = s->time > 0 ? s->time : 0, step, missed;

	if (hours < 1 || hours > 167) /* as only somebody else could have written it */
		return s->time;
	step = hours * 3600;
	missed = (now - from + step - 1) / step;
	return from + step * (missed > 1 ? missed : 1);
}

void sched_action_ran(struct sched_action *s, time_t now)
{
	s->done = (long long)now;
	s->message = "";
	if (s->repeat == SCHED_ONCE)
		return;
	if (s->end == SCHED_END_TIMES)
		s->end_value--;
	s->warning = 0;
	if (s->repeat == SCHED_HOURLY)
		s->time = next_hour(s, now);
	else
		next_day(s, now, &s->time);
}
