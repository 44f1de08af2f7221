/* Scheduled actions: what their vectors may say, first and when they change, and how they are kept. */
#include "vm_world.h"

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
	struct sched_action *s = sched_action_create(t, d->parent, 7, vector_of(t->arena, d->text), d->base, ONE_ACTION);

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
