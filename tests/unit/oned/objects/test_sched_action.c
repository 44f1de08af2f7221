/* Scheduled actions: what their vectors may say, first and when they change, and how they are kept. */
#include "vm_world.h"

#include <stdlib.h>
#include <time.h>

#include "oned/objects/sched_action.h"

struct doing { enum obj_type parent; int id; const char *text; time_t base; };

static struct one_err err;

static const struct attr *vector_of(struct arena *arena, const char *text)
{
	return tmpl_vector(parsed(arena, arena_printf(arena, "SCHED_ACTION=[%s]", text)), "SCHED_ACTION");
}

static void make(struct txn *t, void *arg)
{
	struct doing *d = arg;
	struct idset ids = { .n = 0 };
	struct sched_parent parent = { d->parent, 7, &ids, t->arena, d->base };
	struct sched_action *s = sched_action_create(t, &parent, vector_of(t->arena, d->text), ONE_ACTION);

	if (s)
		d->id = s->o.id;
	else
		assert_false(txn_ok(t));
}

static void change(struct txn *t, void *arg)
{
	struct doing *d = arg;
	struct one_err why = ONE_ERR_INIT;

	if (sched_action_take(txn_edit(t, OBJ_SCHEDACTION, d->id), vector_of(t->arena, d->text), d->base, &why))
		txn_fail(t, ONE_INTERNAL, "%s", why.text);
}

/* Its id; -1 with the reason in `err`. */
static int made(enum obj_type parent, const char *text)
{
	struct doing d = { .parent = parent, .id = -1, .text = text, .base = 1000 };

	one_err_clear(&err);
	core_run(core, make, &d, &err);
	return d.id;
}

static const char *changed(int id, const char *text)
{
	struct doing d = { .id = id, .text = text, .base = 1000 };

	one_err_clear(&err);
	return core_run(core, change, &d, &err) ? err.text : "";
}

static void assert_body(int id, const char *parts)
{
	struct version *v = pool_get(core, OBJ_SCHEDACTION, id);

	assert_non_null(v);
	if (!strstr(v->body, parts))
		fail_msg("%s is not in %s", parts, v->body);
	version_unref(v);
}

static void test_what_is_not_said_has_a_value_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(made(OBJ_BACKUPJOB, "TIME=4000000000,ACTION=terminate,DAYS=\"1\",END_VALUE=5,DONE=3,ID=9,PARENT_ID=8"), 0);
	assert_body(0, "<SCHED_ACTION><ID>0</ID><PARENT_ID>7</PARENT_ID><TYPE>BACKUPJOB</TYPE><ACTION>backup</ACTION><ARGS></ARGS>"
		       "<TIME>4000000000</TIME><REPEAT>-1</REPEAT><DAYS></DAYS><END_TYPE>-1</END_TYPE><END_VALUE>-1</END_VALUE><DONE>-1</DONE>"
		       "<MESSAGE></MESSAGE><WARNING>0</WARNING></SCHED_ACTION>");
	assert_int_equal(made(OBJ_VM, "TIME=\"+30\",WARNING=\"+20\",ACTION=snapshot-create,ARGS=\"a <b> & c\""), 1);
	assert_body(1, "<TYPE>VM</TYPE><ACTION>snapshot-create</ACTION><ARGS>a &lt;b&gt; &amp; c</ARGS><TIME>1030</TIME>");
	assert_body(1, "<WARNING>1020</WARNING>");
}

static void test_what_makes_no_sense_is_refused_and_takes_no_id(void **state)
{
	static const struct { enum obj_type parent; const char *text, *why; } cases[] = {
		{ OBJ_BACKUPJOB, "REPEAT=1", "Unable to parse the time value or value is empty: " },
		{ OBJ_BACKUPJOB, "TIME=\"+30\"", "Unable to parse the time value or value is empty: +30" },
		{ OBJ_BACKUPJOB, "TIME=\"30 \"", "Unable to parse the time value or value is empty: 30 " },
		{ OBJ_BACKUPJOB, "TIME=-1", "Unable to parse the time value or value is empty: -1" },
		{ OBJ_BACKUPJOB, "TIME=99999999999999999999", "Unable to parse the time value or value is empty: 99999999999999999999" },
		{ OBJ_VM, "ACTION=hold,TIME=\"+9223372036854775000\"", "Unable to parse the time value or value is empty: +9223372036854775000" },
		{ OBJ_BACKUPJOB, "TIME=1,WARNING=\"+3\"", "Unable to parse the warning value: +3" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=-2", "Wrong REPEAT value: -2" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=4,DAYS=1", "Wrong REPEAT value: 4" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=0", "Repeat set, but DAYS are empty" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=0,DAYS=\"\"", "Scheduled Action repeat set, but DAYS are empty" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=0,DAYS=\"mon,tue\"", "Scheduled Action repeat set, but DAYS are empty" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=0,DAYS=\"1,7\"", "Days in a week have to be in [0,6] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=0,DAYS=\"-1\"", "Days in a week have to be in [0,6] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=1,DAYS=\"0,3\"", "Days in a month have to be in [1,31] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=1,DAYS=32", "Days in a month have to be in [1,31] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=2,DAYS=366", "Days in a year have to be in [0,365] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=3,DAYS=0", "Hours have to be in [0,168] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=3,DAYS=168", "Hours have to be in [0,168] range" },
		{ OBJ_BACKUPJOB, "TIME=1,REPEAT=3,DAYS=\"2,3\"", "Hours have to be in [0,168] range" },
		{ OBJ_BACKUPJOB, "TIME=1,END_TYPE=3", "Wrong END_TYPE value: 3" },
		{ OBJ_BACKUPJOB, "TIME=1,END_TYPE=1,END_VALUE=-1", "Error parsing END_VALUE, times has to be greater or equal to 0" },
		{ OBJ_BACKUPJOB, "TIME=1,END_TYPE=2,END_VALUE=-1", "Error parsing END_VALUE, wrong format for date." },
		{ OBJ_BACKUPJOB, "TIME=1,END_TYPE=2,END_VALUE=9000000000000000000", "Error parsing END_VALUE, wrong format for date." },
		{ OBJ_VM, "TIME=1", "No ACTION in template for Scheduled Action." },
		{ OBJ_VM, "TIME=1,ACTION=delete", "delete is not supported." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(made(cases[i].parent, cases[i].text), -1);
		assert_string_equal(err.text, cases[i].why);
		assert_int_equal(err.rc, ONE_ACTION);
	}
	assert_int_equal(made(OBJ_BACKUPJOB, "TIME=1"), 0);
}

static void test_the_last_days_of_each_range_are_in_it(void **state)
{
	static const char *const texts[] = {
		"TIME=1,REPEAT=0,DAYS=\"0, 6\"", "TIME=1,REPEAT=1,DAYS=\"31,1\"", "TIME=1,REPEAT=2,DAYS=\"0,365\"", "TIME=1,REPEAT=3,DAYS=167",
		"TIME=1,REPEAT=3,DAYS=\"5,5\"", "TIME=1,REPEAT=0,DAYS=\"x,3,,y\"", "TIME=-5,REPEAT=x,END_TYPE=1", "TIME=1,END_TYPE=2,END_VALUE=0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (made(OBJ_BACKUPJOB, texts[i]) < 0)
			fail_msg("%s: %s", texts[i], err.text);
	assert_body(0, "<DAYS>0, 6</DAYS>");
	assert_body(6, "<TIME>-5</TIME><REPEAT>-1</REPEAT><DAYS></DAYS><END_TYPE>1</END_TYPE><END_VALUE>-1</END_VALUE>");
}

static void test_a_change_is_checked_with_what_was_there(void **state)
{
	int id = made(OBJ_BACKUPJOB, "TIME=100,REPEAT=0,DAYS=\"2\",END_TYPE=1,END_VALUE=4,ARGS=x");

	(void)state;
	assert_string_equal(changed(id, "DAYS=\"7\""), "Days in a week have to be in [0,6] range");
	assert_string_equal(changed(id, "TIME=200,END_VALUE=-3"), "Error parsing END_VALUE, times has to be greater or equal to 0");
	assert_body(id, "<ARGS>x</ARGS><TIME>100</TIME><REPEAT>0</REPEAT><DAYS>2</DAYS><END_TYPE>1</END_TYPE><END_VALUE>4</END_VALUE>");
	assert_string_equal(changed(id, "TIME=\"\",DAYS=\"3\",WARNING=50,ARGS=\"\",PARENT_ID=3"), "");
	assert_body(id, "<PARENT_ID>7</PARENT_ID><TYPE>BACKUPJOB</TYPE><ACTION>backup</ACTION><ARGS></ARGS><TIME>100</TIME><REPEAT>0</REPEAT>"
			"<DAYS>3</DAYS><END_TYPE>1</END_TYPE><END_VALUE>4</END_VALUE>");
	assert_body(id, "<WARNING>50</WARNING>");
	assert_string_equal(changed(id, "REPEAT=-1,END_TYPE=0"), "");
	assert_body(id, "<REPEAT>-1</REPEAT><DAYS></DAYS><END_TYPE>0</END_TYPE><END_VALUE>-1</END_VALUE>");
	id = made(OBJ_VM, "TIME=1,ACTION=hold");
	assert_string_equal(changed(id, "TIME=\"+5\""), "");
	assert_body(id, "<ACTION>hold</ACTION><ARGS></ARGS><TIME>1005</TIME>");
	assert_string_equal(changed(id, "ACTION=resched"), "resched is not supported.");
}

/* The columns of MariaDB have 32 bits: a time beyond them must not make the database refuse what others write. */
static void test_the_columns_of_times_hold_what_they_can(void **state)
{
	static const struct { const char *text; long long column; } cases[] = {
		{ "TIME=4000000000", INT32_MAX }, { "TIME=1700000000", 1700000000 }, { "TIME=-4000000000", INT32_MIN },
	};
	struct strbuf none = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct version *v = pool_get(core, OBJ_SCHEDACTION, made(OBJ_BACKUPJOB, cases[i].text));
		struct sql_value cols[STORE_MAX_COLS];

		assert_int_equal(sched_action_ops.row(v->obj, v, &none, &none, cols), 6);
		assert_int_equal(cols[4].i, cases[i].column);
		assert_int_equal(cols[5].i, -1);
		version_unref(v);
	}
}

static void test_bodies_are_read_as_they_were_written(void **state)
{
	int id = made(OBJ_VM, "TIME=5,ACTION=stop,ARGS=\"<&>\",REPEAT=1,DAYS=\"1,2\",END_TYPE=2,END_VALUE=90,WARNING=4");
	struct version *v = pool_get(core, OBJ_SCHEDACTION, id);
	struct strbuf again = STRBUF_INIT;
	struct object *o;

	(void)state;
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	v->ops->render(o, &again);
	assert_string_equal(again.buf, v->body);
	strbuf_done(&again);
	obj_free(o);
	version_unref(v);
	for (int i = 0; i < 3; i++) {
		static const char *const wrong[] = {
			"<SCHED_ACTION><ID>1</ID><TYPE>HOST</TYPE></SCHED_ACTION>",
			"<SCHED_ACTION><ID>1</ID><TYPE>VM</TYPE><REPEAT>4</REPEAT></SCHED_ACTION>",
			"<SCHED_ACTION><ID>1</ID><TYPE>VM</TYPE><END_TYPE>-2</END_TYPE></SCHED_ACTION>",
		};

		assert_int_equal(obj_load(&sched_action_ops, wrong[i], strlen(wrong[i]), &o, &err), ONE_INTERNAL);
	}
}

static void fill(struct txn *t, void *arg)
{
	struct idset *ids = arg;
	struct sched_parent parent = { OBJ_VM, 7, ids, t->arena, 0 };
	const struct attr *vector = vector_of(t->arena, "ACTION=stop,TIME=1");

	for (int i = 0; i < SCHED_ACTIONS_MAX; i++)
		assert_non_null(sched_action_create(t, &parent, vector, ONE_ACTION));
	assert_int_equal(ids->n, SCHED_ACTIONS_MAX);
	assert_null(sched_action_create(t, &parent, vector, ONE_ACTION));
}

static void test_a_parent_has_so_many_and_no_more(void **state)
{
	struct idset ids = { .n = 0 };

	(void)state;
	assert_int_equal(core_run(core, fill, &ids, &err), ONE_ACTION);
	assert_string_equal(err.text, "There can't be more than 1024 scheduled actions of one virtual machine.");
}

/* ---- coming due ---- */

static time_t local(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return mktime(&tm);
}

/* In a zone whose clocks change on 2026-03-29 and 2026-10-25. */
static void in_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static struct sched_action repeated(struct arena *arena, const char *time, const char *rest)
{
	struct sched_action s = { .parent_type = OBJ_VM, .action = "", .args = "", .days = "", .message = "x", .time = -1, .end_value = -1,
				  .done = -1, .repeat = SCHED_ONCE, .end = SCHED_END_NONE };
	const char *text = arena_printf(arena, "ACTION=reboot,TIME=%lld%s", (long long)local(time), rest);

	assert_int_equal(sched_action_take(&s, vector_of(arena, text), 0, &err), ONE_OK);
	return s;
}

static void test_one_that_repeats_is_next_due_on_the_first_of_its_days_after_now(void **state)
{
	static const struct { const char *time, *rest, *now, *next; } rows[] = {
		/* 2026-11-25 is a Wednesday */
		{ "2026-11-25 10:00:00", ",REPEAT=0,DAYS=\"3\"", "2026-11-25 10:00:01", "2026-12-02 10:00:00" },
		{ "2026-11-25 10:00:00", ",REPEAT=0,DAYS=\"1,3,5\"", "2026-11-25 10:00:01", "2026-11-27 10:00:00" },
		{ "2026-11-25 10:00:00", ",REPEAT=0,DAYS=\"5, 1\"", "2026-11-28 00:00:00", "2026-11-30 10:00:00" },
		/* late: today's turn is still to come, or over */
		{ "2026-11-20 10:00:00", ",REPEAT=0,DAYS=\"3,5\"", "2026-11-25 09:00:00", "2026-11-25 10:00:00" },
		{ "2026-11-20 10:00:00", ",REPEAT=0,DAYS=\"3,5\"", "2026-11-25 11:00:00", "2026-11-27 10:00:00" },
		/* the time of the day stays when clocks change */
		{ "2026-03-25 10:00:00", ",REPEAT=0,DAYS=\"3\"", "2026-03-25 10:00:05", "2026-04-01 10:00:00" },
		{ "2026-10-21 10:00:00", ",REPEAT=0,DAYS=\"3\"", "2026-10-21 10:00:05", "2026-10-28 10:00:00" },
		{ "2026-01-31 23:30:00", ",REPEAT=1,DAYS=\"31\"", "2026-01-31 23:30:01", "2026-03-31 23:30:00" },
		{ "2026-12-15 00:00:00", ",REPEAT=1,DAYS=\"1,15\"", "2026-12-15 00:00:01", "2027-01-01 00:00:00" },
		{ "2026-01-01 06:00:00", ",REPEAT=2,DAYS=\"0,59\"", "2026-01-01 06:00:01", "2026-03-01 06:00:00" },
		{ "2028-12-31 06:00:00", ",REPEAT=2,DAYS=\"365\"", "2028-12-31 06:00:01", "2032-12-31 06:00:00" },
		{ "2026-11-25 10:00:00", ",REPEAT=3,DAYS=\"5\"", "2026-11-25 10:00:02", "2026-11-25 15:00:00" },
		{ "2026-11-25 10:00:00", ",REPEAT=3,DAYS=\"5\"", "2026-11-26 09:00:00", "2026-11-26 11:00:00" },
		{ "2026-11-25 10:00:00", ",REPEAT=3,DAYS=\"5\"", "2026-11-26 11:00:00", "2026-11-26 11:00:00" },
		{ "2026-11-25 10:00:00", "", "2026-11-25 10:00:02", "2026-11-25 10:00:00" },
	};

	(void)state;
	in_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = ARENA_INIT;
		struct sched_action s = repeated(&arena, rows[i].time, rows[i].rest);

		sched_action_ran(&s, local(rows[i].now));
		if (s.time != local(rows[i].next))
			fail_msg("row %zu: next is %lld, not %lld", i, s.time, (long long)local(rows[i].next));
		assert_int_equal(s.done, local(rows[i].now));
		assert_string_equal(s.message, "");
		arena_done(&arena);
		arena_done(&s.o.arena);
	}
}

static void test_times_that_only_somebody_else_could_have_written_do_no_harm(void **state)
{
	struct sched_action s = { .parent_type = OBJ_VM, .message = "", .days = "999999999999", .time = INT64_MIN, .done = INT64_MIN,
				  .end_value = 5, .repeat = SCHED_HOURLY, .end = SCHED_END_TIMES };

	(void)state;
	for (int repeat = SCHED_ONCE; repeat <= SCHED_HOURLY; repeat++) {
		s.repeat = (enum sched_repeat)repeat;
		sched_action_ran(&s, 1000);
		assert_false(sched_action_is_due(&s, 1000));
		s.time = INT64_MIN + 1;
		s.done = INT64_MIN;
		s.days = "5";
	}
}

static void test_it_is_due_until_it_was_carried_out_or_has_ended(void **state)
{
	struct arena arena = ARENA_INIT;
	struct sched_action s = repeated(&arena, "2026-11-25 10:00:00", "");
	time_t at = (time_t)s.time;

	(void)state;
	in_zone("UTC");
	assert_false(sched_action_is_due(&s, at));
	assert_true(sched_action_is_due(&s, at + 1));
	sched_action_ran(&s, at + 1);
	assert_false(sched_action_is_due(&s, at + 100));

	/* twice in all */
	s = repeated(&arena, "2026-11-25 10:00:00", ",REPEAT=3,DAYS=1,END_TYPE=1,END_VALUE=2");
	at = (time_t)s.time;
	for (int i = 0; i < 2; i++) {
		assert_true(sched_action_is_due(&s, at + i * 3600 + 1));
		sched_action_ran(&s, at + i * 3600 + 1);
	}
	assert_int_equal(s.end_value, 0);
	assert_false(sched_action_is_due(&s, at + 1000000));

	/* to a date */
	arena_done(&s.o.arena);
	s = repeated(&arena, "2026-11-25 10:00:00", arena_printf(&arena, ",REPEAT=3,DAYS=1,END_TYPE=2,END_VALUE=%lld", (long long)at + 3600));
	assert_true(sched_action_is_due(&s, at + 1));
	sched_action_ran(&s, at + 1);
	assert_false(sched_action_is_due(&s, at + 3601));

	/* an end of what happens once is no end */
	arena_done(&s.o.arena);
	s = repeated(&arena, "2026-11-25 10:00:00", ",END_TYPE=1,END_VALUE=0");
	assert_true(sched_action_is_due(&s, at + 1));
	arena_done(&arena);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_what_is_not_said_has_a_value_all_the_same),
		IN_WORLD(test_what_makes_no_sense_is_refused_and_takes_no_id),
		IN_WORLD(test_the_last_days_of_each_range_are_in_it),
		IN_WORLD(test_a_change_is_checked_with_what_was_there),
		IN_WORLD(test_the_columns_of_times_hold_what_they_can),
		IN_WORLD(test_bodies_are_read_as_they_were_written),
		IN_WORLD(test_a_parent_has_so_many_and_no_more),
		cmocka_unit_test(test_one_that_repeats_is_next_due_on_the_first_of_its_days_after_now),
		cmocka_unit_test(test_times_that_only_somebody_else_could_have_written_do_no_harm),
		cmocka_unit_test(test_it_is_due_until_it_was_carried_out_or_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
