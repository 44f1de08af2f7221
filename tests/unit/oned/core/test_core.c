/* The core's thread and its writer: a batch is written while the next one runs upon it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <semaphore.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/core/core_internal.h"

static char folder[] = "/tmp/test_core_XXXXXX", path[64];
static struct store *store;
static struct core *core;
static struct sql *other; /* somebody else at the database file: while it has begun, nothing can be written */

static int begin(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	struct sql_config config = { .backend = SQL_SQLITE, .path = path, .busy_timeout_ms = 20000 };

	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/one.db", folder);
	if (store_open(&config, true, "test 0 daemon bootstrap", &store, &err) || sql_open(&config, &other, &err) ||
	    core_new(store, NULL, NULL, &core, &err) || core_load(core, &err) || core_start(core, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static int end(void **state)
{
	static const char *const files[] = { "one.db", "one.db-wal", "one.db-shm" };
	char file[80];

	(void)state;
	sql_rollback(other);
	core_stop(core);
	core_free(core);
	sql_close(other);
	store_close(store);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(file, sizeof(file), "%s/%s", folder, files[i]);
		unlink(file);
	}
	return rmdir(folder);
}

/* What is submitted, and what becomes of it. */
struct change {
	const char *name;   /* of the group that is made */
	const char *seen;   /* another group that is looked for */
	bool bad;           /* with rows that the database refuses */
	int found, runs;
	bool exists;
	enum one_rc rc;
	sem_t ran, done;
};

static void change_init(struct change *ch, const char *name)
{
	*ch = (struct change){ .name = name, .found = -2, .rc = ONE_OK };
	sem_init(&ch->ran, 0, 0);
	sem_init(&ch->done, 0, 0);
}

/* Two users of one name. */
static void put_clash(struct txn *t)
{
	struct sql_value cols[STORE_MAX_COLS];
	int n = store_columns(TABLE_USER);

	for (int i = 0; i < n; i++)
		cols[i] = SQL_INT(0);
	cols[1] = SQL_STR("twin");
	cols[2] = SQL_STR("<USER/>");
	for (int id = 5; id < 7; id++) {
		cols[0] = SQL_INT(id);
		txn_put(t, TABLE_USER, cols, n);
	}
}

static void run(struct txn *t, void *arg)
{
	struct change *ch = arg;

	ch->runs++;
	if (ch->seen) {
		ch->found = txn_find(t, OBJ_GROUP, ch->seen, -1);
		ch->exists = txn_exists(t, OBJ_GROUP, ch->found);
	}
	group_create(t, ch->name);
	if (ch->bad)
		put_clash(t);
	sem_post(&ch->ran);
}

static void done(void *arg, const struct one_err *result)
{
	struct change *ch = arg;

	ch->rc = result->rc;
	sem_post(&ch->done);
}

struct probe { bool is_writing; sem_t looked; };

static void look(struct txn *t, void *arg)
{
	struct probe *p = arg;

	p->is_writing = t->core->writing != NULL;
	sem_post(&p->looked);
}

/* Returns when what ran so far is at the writer: what is submitted now is of the next batch. */
static void wait_for_writer(void)
{
	struct probe p;

	sem_init(&p.looked, 0, 0);
	do {
		core_submit(core, look, NULL, &p);
		sem_wait(&p.looked);
	} while (!p.is_writing);
}

static int group_id(const char *name)
{
	struct version *v = pool_find(core, OBJ_GROUP, name, -1);
	int id = v ? v->id : -1;

	version_unref(v);
	return id;
}

static void the_next_batch_runs_upon_the_one_being_written(void **state)
{
	struct change first, second;

	(void)state;
	change_init(&first, "first");
	change_init(&second, "second");
	second.seen = "first";
	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	core_submit(core, run, done, &first);
	wait_for_writer();
	core_submit(core, run, done, &second);
	sem_wait(&second.ran);
	/* It saw what nobody outside may see yet. */
	assert_int_equal(second.found, 0);
	assert_true(second.exists);
	assert_int_equal(group_id("first"), -1);
	assert_int_equal(sem_trywait(&first.done), -1);
	sql_rollback(other);
	sem_wait(&first.done);
	sem_wait(&second.done);
	assert_int_equal(first.rc, ONE_OK);
	assert_int_equal(second.rc, ONE_OK);
	assert_int_equal(group_id("first"), 0);
	assert_int_equal(group_id("second"), 1);
}

static void what_ran_upon_a_refused_batch_is_refused_or_run_again(void **state)
{
	struct change bad, upon, sure;

	(void)state;
	change_init(&bad, "bad");
	bad.bad = true;
	change_init(&upon, "upon");
	change_init(&sure, "sure");
	upon.seen = sure.seen = "bad";
	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	core_submit(core, run, done, &bad);
	wait_for_writer();
	core_submit(core, run, done, &upon);
	core_submit_sure(core, run, done, &sure);
	sem_wait(&upon.ran);
	sem_wait(&sure.ran);
	assert_int_equal(upon.found, 0);
	sql_rollback(other);
	sem_wait(&bad.done);
	sem_wait(&upon.done);
	sem_wait(&sure.done);
	assert_int_equal(bad.rc, ONE_INTERNAL);
	assert_int_equal(upon.rc, ONE_INTERNAL);
	assert_int_equal(upon.runs, 1);
	/* Run again on what is really there; the refused ids are free again. */
	assert_int_equal(sure.rc, ONE_OK);
	assert_int_equal(sure.runs, 2);
	assert_int_equal(sure.found, -1);
	assert_int_equal(group_id("sure"), 0);
	assert_int_equal(group_id("upon"), -1);
	assert_int_equal(pool_count(core, OBJ_GROUP), 1);
}

static void stopping_writes_what_was_submitted(void **state)
{
	struct change last;

	(void)state;
	change_init(&last, "last");
	core_submit(core, run, done, &last);
	core_stop(core);
	sem_wait(&last.done);
	assert_int_equal(last.rc, ONE_OK);
	assert_int_equal(group_id("last"), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_next_batch_runs_upon_the_one_being_written),
		TEST(what_ran_upon_a_refused_batch_is_refused_or_run_again),
		TEST(stopping_writes_what_was_submitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
