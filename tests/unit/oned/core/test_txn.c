/* Transactions and batches, without threads, database or drivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/auth/user.h"
#include "oned/core/core_internal.h"

static struct core *core;
static int sent;

static void on_send(void *ctx, const char *kind, const char *name, const char *action, long long id, const char *payload)
{
	(void)ctx;
	assert_string_equal(kind, "vmm");
	assert_string_equal(name, "dummy");
	assert_string_equal(action, "DEPLOY");
	assert_int_equal(id, 7);
	assert_string_equal(payload, "x");
	sent++;
}

static int make_core(void **state)
{
	struct core_outlets outlets = { .send = on_send };

	(void)state;
	sent = 0;
	return core_new(NULL, &outlets, NULL, &core, NULL);
}

static int stop_core(void **state)
{
	(void)state;
	core_free(core);
	return 0;
}

static void make_group(struct txn *t, void *arg)
{
	group_create(t, arg);
}

static void make_group_and_fail(struct txn *t, void *arg)
{
	group_create(t, arg);
	txn_send(t, "vmm", "dummy", "DEPLOY", 7, "x");
	txn_fail(t, ONE_ACTION, "no");
}

static int group_id(const char *name)
{
	struct version *v = pool_find(core, OBJ_GROUP, name, -1);
	int id = v ? v->id : -1;

	version_unref(v);
	return id;
}

static void a_commit_publishes(void **state)
{
	(void)state;
	assert_int_equal(core_run(core, make_group, (void *)"staff", NULL), ONE_OK);
	assert_int_equal(group_id("staff"), 0);
	assert_int_equal(pool_count(core, OBJ_GROUP), 1);
	assert_int_equal(pool_count(core, OBJ_GROUP_QUOTA), 1);
}

static void a_failure_leaves_nothing_and_sends_nothing(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, make_group_and_fail, (void *)"staff", &err), ONE_ACTION);
	assert_string_equal(err.text, "no");
	assert_int_equal(group_id("staff"), -1);
	assert_int_equal(sent, 0);
	/* nor does it use up an id */
	assert_int_equal(core_run(core, make_group, (void *)"next", NULL), ONE_OK);
	assert_int_equal(group_id("next"), 0);
}

static void send_one(struct txn *t, void *arg)
{
	(void)arg;
	txn_send(t, "vmm", "dummy", "DEPLOY", 7, "x");
	assert_int_equal(sent, 0);
}

static void commands_leave_after_the_commit(void **state)
{
	(void)state;
	assert_int_equal(core_run(core, send_one, NULL, NULL), ONE_OK);
	assert_int_equal(sent, 1);
}

static void make_twice(struct txn *t, void *arg)
{
	(void)arg;
	assert_non_null(group_create(t, "twin"));
	assert_null(group_create(t, "twin"));
}

static void a_name_is_taken_inside_a_transaction_too(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, make_twice, NULL, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "NAME is already taken by GROUP 0.");
	assert_int_equal(group_id("twin"), -1);
}

/* Two transactions of one batch: the second sees what the first did, though nothing is published yet. */
static void later_transactions_of_a_batch_see_earlier_ones(void **state)
{
	struct txn one, two;
	struct group *g;

	(void)state;
	txn_begin(&one, core);
	group_create(&one, "early");
	txn_end(&one);
	assert_int_equal(group_id("early"), -1);
	txn_begin(&two, core);
	assert_int_equal(txn_find(&two, OBJ_GROUP, "early", -1), 0);
	g = txn_edit(&two, OBJ_GROUP, 0);
	assert_non_null(g);
	assert_string_equal(g->o.name, "early");
	idset_add(&g->users, &g->o.arena, 5);
	txn_end(&two);
	assert_int_equal(core_run(core, make_group, (void *)"other", NULL), ONE_OK);
	assert_int_equal(group_id("early"), 0);
	assert_int_equal(group_id("other"), 1);
}

static void rename_group(struct txn *t, void *arg)
{
	struct group *g = txn_edit(t, OBJ_GROUP, 0);

	g->o.name = arena_strdup(&g->o.arena, arg);
}

static void a_new_name_frees_the_old_one(void **state)
{
	(void)state;
	core_run(core, make_group, (void *)"old", NULL);
	assert_int_equal(core_run(core, rename_group, (void *)"new", NULL), ONE_OK);
	assert_int_equal(group_id("new"), 0);
	assert_int_equal(group_id("old"), -1);
	assert_int_equal(core_run(core, make_group, (void *)"old", NULL), ONE_OK);
	assert_int_equal(group_id("old"), 1);
}

static void delete_group(struct txn *t, void *arg)
{
	struct group *g = txn_edit(t, OBJ_GROUP, 0);

	(void)arg;
	txn_delete(t, &g->o);
	assert_false(txn_exists(t, OBJ_GROUP, 0));
	assert_null(txn_read(t, OBJ_GROUP, 0));
	assert_null(txn_edit(t, OBJ_GROUP, 0));
	assert_int_equal(t->err.rc, ONE_NO_EXISTS);
	t->err.rc = ONE_OK;
}

static void a_reader_keeps_what_was_deleted_meanwhile(void **state)
{
	struct version *v;

	(void)state;
	core_run(core, make_group, (void *)"gone", NULL);
	v = pool_get(core, OBJ_GROUP, 0);
	assert_int_equal(core_run(core, delete_group, NULL, NULL), ONE_OK);
	assert_null(pool_get(core, OBJ_GROUP, 0));
	assert_int_equal(pool_count(core, OBJ_GROUP), 0);
	assert_non_null(strstr(v->body, "<NAME>gone</NAME>"));
	version_unref(v);
}

static void edit_missing(struct txn *t, void *arg)
{
	(void)arg;
	assert_null(txn_edit(t, OBJ_USER, 77));
}

static void a_missing_object_is_named(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, edit_missing, NULL, &err), ONE_NO_EXISTS);
	assert_int_equal(err.object_id, 77);
	assert_string_equal(err.text, "user");
}

static void make_user(struct txn *t, void *arg)
{
	static const int gids[] = { 0 };

	user_create(t, arg, "hash", "core", gids, 1);
}

static void what_is_rendered_reads_back_the_same(void **state)
{
	struct object *o;
	struct version *v;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	core_run(core, make_group, (void *)"users", NULL);
	assert_int_equal(core_run(core, make_user, (void *)"ann", NULL), ONE_OK);
	v = pool_get(core, OBJ_USER, 0);
	assert_int_equal(obj_load(&user_ops, v->body, v->body_len, &o, NULL), ONE_OK);
	user_ops.render(o, &out);
	assert_string_equal(out.buf, v->body);
	strbuf_done(&out);
	obj_free(o);
	version_unref(v);
}

static int timers_ran;

static void count_timer(struct txn *t, void *arg)
{
	(void)t;
	(void)arg;
	timers_ran++;
}

static void set_timer(struct txn *t, void *arg)
{
	(void)arg;
	txn_after(t, 1, count_timer, NULL, NULL);
}

static void nothing(struct txn *t, void *arg)
{
	(void)t;
	(void)arg;
}

static void a_timer_runs_as_a_transaction(void **state)
{
	(void)state;
	timers_ran = 0;
	assert_int_equal(core_start(core, NULL), ONE_OK);
	assert_int_equal(core_run(core, set_timer, NULL, NULL), ONE_OK);
	for (int i = 0; i < 10000 && !__atomic_load_n(&timers_ran, __ATOMIC_ACQUIRE); i++)
		core_run(core, nothing, NULL, NULL);
	assert_int_equal(timers_ran, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_core, stop_core)
	const struct CMUnitTest tests[] = {
		TEST(a_commit_publishes), TEST(a_failure_leaves_nothing_and_sends_nothing), TEST(commands_leave_after_the_commit),
		TEST(a_name_is_taken_inside_a_transaction_too), TEST(later_transactions_of_a_batch_see_earlier_ones),
		TEST(a_new_name_frees_the_old_one), TEST(a_reader_keeps_what_was_deleted_meanwhile), TEST(a_missing_object_is_named),
		TEST(what_is_rendered_reads_back_the_same), TEST(a_timer_runs_as_a_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
