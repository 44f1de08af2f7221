/* SQL access: the same tests over SQLite and over a private MariaDB server, then what is special to each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "common/arena.h"
#include "common/sql.h"
#include "tests/lib/mariadb_server.h"

#define ROWS_MAX 16

static struct mariadb_server server;
static char dir[64];
static struct sql_config config; /* of the backend under test */

/* --- helpers --------------------------------------------------------------------------------------------------- */

struct rows { int n; struct sql_value cell[ROWS_MAX][4]; char *text[ROWS_MAX][4]; int stop_after; };

static bool rows_keep(void *ctx, const struct sql_value *cols, int n)
{
	struct rows *r = ctx;

	assert_true(r->n < ROWS_MAX && n <= 4);
	for (int i = 0; i < n; i++) {
		r->cell[r->n][i] = cols[i];
		if (cols[i].type != SQL_V_TEXT)
			continue;
		assert_int_equal(cols[i].s[cols[i].len], 0);
		r->text[r->n][i] = xmalloc(cols[i].len + 1);
		memcpy(r->text[r->n][i], cols[i].s, cols[i].len + 1);
		r->cell[r->n][i].s = r->text[r->n][i];
	}
	r->n++;
	return r->n != r->stop_after;
}

static void rows_done(struct rows *r)
{
	for (int i = 0; i < r->n; i++)
		for (int k = 0; k < 4; k++)
			free(r->text[i][k]);
	*r = (struct rows){ 0 };
}

static struct sql *open_db(void)
{
	struct one_err err = ONE_ERR_INIT;
	struct sql *db = NULL;

	if (sql_open(&config, &db, &err) != ONE_OK)
		fail_msg("%s", err.text);
	return db;
}

static void must(struct sql *db, const char *text)
{
	struct one_err err = ONE_ERR_INIT;

	if (sql_run(db, text, NULL, 0, NULL, NULL, &err) != ONE_OK)
		fail_msg("%s: %s", text, err.text);
}

static int64_t number(struct sql *db, const char *text)
{
	struct rows r = { 0 };
	int64_t n;

	assert_int_equal(sql_run(db, text, NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_int_equal(r.n, 1);
	assert_int_not_equal(r.cell[0][0].type, SQL_V_TEXT);
	n = r.cell[0][0].i;
	rows_done(&r);
	return n;
}

/* "<before><n><after>", good until the next call. */
static const char *text_of(const char *before, int n, const char *after)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s%d%s", before, n, after);
	return text;
}

static int setup(void **state)
{
	struct sql *db = open_db();

	must(db, "DROP TABLE IF EXISTS t");
	must(db, "CREATE TABLE t (id INTEGER PRIMARY KEY, big BIGINT UNSIGNED, name VARCHAR(40), body LONGTEXT, UNIQUE(name))");
	*state = db;
	return 0;
}

static int teardown(void **state)
{
	struct sql *db = *state;

	sql_rollback(db);
	sql_close(db);
	return 0;
}

static enum one_rc insert(struct sql *db, int64_t id, const char *name, struct one_err *err)
{
	struct sql_value params[] = { SQL_INT(id), SQL_STR(name) };

	return sql_run(db, "INSERT INTO t (id, name) VALUES (?, ?)", params, 2, NULL, NULL, err);
}

/* --- both ------------------------------------------------------------------------------------------------------ */

static void test_values_come_back_as_they_were_bound(void **state)
{
	struct sql_value params[] = { SQL_INT(-7), SQL_UINT(UINT64_MAX), SQL_STR("äöü 'x' \\ \""), SQL_STRN("", 0) };
	struct rows r = { 0 };

	assert_int_equal(sql_run(*state, "INSERT INTO t (id, big, name, body) VALUES (?,?,?,?)", params, 4, NULL, NULL, NULL),
			 ONE_OK);
	assert_int_equal(sql_matched(*state), 1);
	assert_int_equal(sql_run(*state, "SELECT id, big, name, body FROM t WHERE id = ?", params, 1, rows_keep, &r, NULL),
			 ONE_OK);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.cell[0][0].type, SQL_V_INT);
	assert_int_equal(r.cell[0][0].i, -7);
	assert_int_equal(r.cell[0][1].type, SQL_V_UINT);
	assert_true((uint64_t)r.cell[0][1].i == UINT64_MAX);
	assert_string_equal(r.cell[0][2].s, "äöü 'x' \\ \"");
	assert_int_equal(r.cell[0][3].type, SQL_V_TEXT);
	assert_int_equal(r.cell[0][3].len, 0);
	rows_done(&r);
}

static bool name_keep(void *ctx, const struct sql_value *cols, int n)
{
	struct { struct sql *db; char names[64]; } *k = ctx;

	(void)cols;
	for (int i = 0; i < n; i++)
		snprintf(k->names + strlen(k->names), sizeof(k->names) - strlen(k->names), "%s ", sql_column_name(k->db, i));
	return true;
}

static void test_columns_have_the_names_the_statement_gives_them(void **state)
{
	struct { struct sql *db; char names[64]; } kept = { .db = *state };
	const char *text = "SELECT 1 AS one, COUNT(*) AS n, name FROM t";

	assert_int_equal(sql_run(*state, text, NULL, 0, name_keep, &kept, NULL), ONE_OK);
	assert_int_equal(sql_run(*state, text, NULL, 0, name_keep, &kept, NULL), ONE_OK);
	assert_string_equal(kept.names, "one n name one n name ");
}

static void test_null_is_not_an_empty_text(void **state)
{
	struct sql_value params[] = { SQL_INT(1), SQL_NULL, SQL_NULL, SQL_NULL };
	struct rows r = { 0 };

	assert_int_equal(sql_run(*state, "INSERT INTO t VALUES (?,?,?,?)", params, 4, NULL, NULL, NULL), ONE_OK);
	assert_int_equal(sql_run(*state, "SELECT big, name, body FROM t", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(r.cell[0][i].type, SQL_V_NULL);
	rows_done(&r);
}

static void test_a_long_text_after_a_short_one_is_complete(void **state)
{
	size_t len = 1000000;
	char *text = xmalloc(len);
	struct sql_value params[] = { SQL_INT(1), SQL_STRN(text, 3), SQL_INT(2), SQL_STRN(text, len), SQL_INT(3), SQL_STRN(text, 2) };
	struct rows r = { 0 };

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + i % 23);
	assert_int_equal(sql_run_many(*state, "INSERT INTO t (id, body) VALUES (?,?)", params, 2, 3, NULL), ONE_OK);
	assert_int_equal(sql_run(*state, "SELECT body FROM t ORDER BY id", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.cell[0][0].len, 3);
	assert_int_equal(r.cell[1][0].len, len);
	assert_memory_equal(r.cell[1][0].s, text, len);
	assert_string_equal(r.cell[2][0].s, "ab");
	rows_done(&r);
	free(text);
}

static void test_a_callback_may_stop_and_the_connection_goes_on(void **state)
{
	struct rows r = { .stop_after = 2 };

	for (int i = 0; i < 9; i++)
		must(*state, text_of("INSERT INTO t (id) VALUES (", i, ")"));
	assert_int_equal(sql_run(*state, "SELECT id FROM t ORDER BY id", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_int_equal(r.n, 2);
	rows_done(&r);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 9);
	assert_int_equal(sql_run(*state, "SELECT id FROM t ORDER BY id", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_int_equal(r.n, 9);
	rows_done(&r);
}

static void test_many_rows_go_out_together(void **state)
{
	struct sql_value params[100 * 3];
	char names[100][16];

	for (int i = 0; i < 100; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i);
		params[3 * i] = SQL_INT(i);
		params[3 * i + 1] = i % 3 ? SQL_STR(names[i]) : SQL_NULL;
		params[3 * i + 2] = i % 2 ? SQL_UINT(UINT64_MAX) : SQL_NULL;
	}
	assert_int_equal(sql_run_many(*state, "INSERT INTO t (id, name, big) VALUES (?,?,?)", params, 3, 100, NULL), ONE_OK);
	assert_int_equal(sql_matched(*state), 100);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t WHERE name IS NULL"), 34);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t WHERE name = 'n77' AND id = 77 AND big IS NOT NULL"), 1);
	assert_int_equal(sql_run_many(*state, "DELETE FROM t WHERE id = ?", (struct sql_value[]){ SQL_INT(3), SQL_INT(5), SQL_INT(777) },
				      1, 3, NULL), ONE_OK);
	assert_int_equal(sql_matched(*state), 2);
}

static void test_one_column_may_hold_numbers_and_texts_in_one_call(void **state)
{
	struct sql_value params[] = { SQL_INT(1), SQL_STR("text"), SQL_INT(2), SQL_INT(42) };

	assert_int_equal(sql_run_many(*state, "INSERT INTO t (id, name) VALUES (?,?)", params, 2, 2, NULL), ONE_OK);
	assert_int_equal(number(*state, "SELECT id FROM t WHERE name = '42'"), 2);
}

static void test_no_rows_is_nothing_to_do(void **state)
{
	assert_int_equal(sql_run_many(*state, "DELETE FROM t WHERE id = ?", NULL, 1, 0, NULL), ONE_OK);
}

static void test_an_update_counts_rows_it_found_unchanged(void **state)
{
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	must(*state, "UPDATE t SET name = 'a' WHERE id = 1");
	assert_int_equal(sql_matched(*state), 1);
	must(*state, "UPDATE t SET name = 'b' WHERE id = 2");
	assert_int_equal(sql_matched(*state), 0);
}

static void test_a_clash_of_a_key_is_a_duplicate_and_not_to_be_retried(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	struct sql_value params[] = { SQL_INT(5), SQL_STR("x"), SQL_INT(6), SQL_STR("y"), SQL_INT(7), SQL_STR("x") };

	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "b", &err), ONE_INTERNAL);
	assert_true(sql_is_duplicate(*state));
	assert_non_null(strstr(err.text, "Database error: "));
	assert_int_equal(insert(*state, 2, "a", NULL), ONE_INTERNAL);
	assert_true(sql_is_duplicate(*state));
	assert_false(sql_may_retry(*state));
	assert_int_equal(sql_run_many(*state, "INSERT INTO t (id, name) VALUES (?,?)", params, 2, 3, NULL), ONE_INTERNAL);
	assert_true(sql_is_duplicate(*state));
	if (config.backend == SQL_SQLITE)
		assert_int_equal(sql_failed_row(*state), 2);
	assert_int_equal(insert(*state, 3, "c", NULL), ONE_OK);
	assert_false(sql_is_duplicate(*state));
}

static void test_a_mistake_in_the_text_is_an_error_not_to_be_retried(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(sql_run(*state, "SELEC 1", NULL, 0, NULL, NULL, &err), ONE_INTERNAL);
	assert_false(sql_may_retry(*state));
	assert_false(sql_is_duplicate(*state));
	assert_string_not_equal(err.text, "");
	assert_int_equal(number(*state, "SELECT 1"), 1);
}

static void test_a_wrong_number_of_parameters_is_an_error(void **state)
{
	struct sql_value params[] = { SQL_INT(1), SQL_INT(2), SQL_INT(3) };

	assert_int_equal(sql_run(*state, "SELECT ? + ?", params, 1, NULL, NULL, NULL), ONE_INTERNAL);
	assert_int_equal(sql_run(*state, "SELECT ? + ?", params, 3, NULL, NULL, NULL), ONE_INTERNAL);
	assert_int_equal(sql_run_many(*state, "DELETE FROM t WHERE id = ?", params, 2, 1, NULL), ONE_INTERNAL);
	assert_int_equal(sql_run(*state, "SELECT ? + ?", params, 2, NULL, NULL, NULL), ONE_OK);
}

static void test_a_transaction_is_seen_by_others_when_committed(void **state)
{
	struct sql *other = open_db();

	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(number(other, "SELECT COUNT(*) FROM t"), 0);
	assert_int_equal(sql_commit(*state, NULL), ONE_OK);
	assert_int_equal(number(other, "SELECT COUNT(*) FROM t"), 1);
	sql_close(other);
}

static void test_a_rollback_forgets(void **state)
{
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_INTERNAL);
	sql_rollback(*state);
	assert_true(sql_is_duplicate(*state)); /* still why the caller gave up */
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 0);
	sql_rollback(*state);
}

static void test_more_statements_than_are_kept_still_work(void **state)
{
	for (int i = 0; i < 1100; i++)
		assert_int_equal(number(*state, text_of("SELECT ", i, "")), i);
}

static void test_nothing_is_made_where_it_must_exist(void **state)
{
	struct sql_config absent = config;
	struct one_err err = ONE_ERR_INIT;
	struct sql *db = NULL;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/absent.db", dir);
	absent.path = path;
	absent.database = "absent";
	absent.must_exist = true;
	assert_int_equal(sql_open(&absent, &db, &err), ONE_INTERNAL);
	assert_string_not_equal(err.text, "");
	assert_null(db);
	assert_int_not_equal(access(path, F_OK), 0);
	absent.must_exist = false;
	assert_int_equal(sql_open(&absent, &db, NULL), ONE_OK);
	sql_close(db);
}

static void test_a_config_without_a_database_is_an_error(void **state)
{
	struct sql_config empty = { .backend = config.backend };
	struct sql *db = NULL;

	(void)state;
	assert_int_equal(sql_open(&empty, &db, NULL), ONE_INTERNAL);
	assert_null(db);
}

static int descriptors_to_inherit(void)
{
	int n = 0;

	for (int fd = 3; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	return n;
}

static void test_programs_that_are_started_do_not_inherit_the_connection(void **state)
{
	int before;

	sql_close(*state);
	before = descriptors_to_inherit();
	*state = open_db();
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(descriptors_to_inherit(), before);
}

/* --- SQLite ---------------------------------------------------------------------------------------------------- */

static void test_a_new_file_is_only_for_its_owner(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(config.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_commits_are_durable_and_logged_ahead(void **state)
{
	struct rows r = { 0 };

	assert_int_equal(sql_run(*state, "PRAGMA journal_mode", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_string_equal(r.cell[0][0].s, "wal");
	rows_done(&r);
	assert_int_equal(number(*state, "PRAGMA synchronous"), 2);
}

/* This program with the path of a database as its argument opens it and closes it. */
static int look(const char *path)
{
	struct sql_config c = { .backend = SQL_SQLITE, .path = path, .must_exist = true };
	struct sql *db = NULL;

	if (sql_open(&c, &db, NULL) || sql_run(db, "SELECT COUNT(*) FROM t", NULL, 0, NULL, NULL, NULL))
		return 1;
	sql_close(db);
	return 0;
}

static void somebody_else_looks(void)
{
	char name[] = "look", path[128], *argv[] = { name, path, NULL };
	int status = -1;
	pid_t pid;

	snprintf(path, sizeof(path), "%s", config.path);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void insert_bodies(struct sql *db, int first, int n)
{
	char *body = xmalloc(20000);

	memset(body, 'x', 19999);
	body[19999] = '\0';
	assert_int_equal(sql_begin(db, NULL), ONE_OK);
	for (int i = 0; i < n; i++) {
		struct sql_value params[] = { SQL_INT(first + i), SQL_STR(body) };

		assert_int_equal(sql_run(db, "INSERT INTO t (id, body) VALUES (?, ?)", params, 2, NULL, NULL, NULL), ONE_OK);
	}
	assert_int_equal(sql_commit(db, NULL), ONE_OK);
	free(body);
}

/* 100 MB are committed; the log is to be copied from 8 MB on. */
static void test_a_thread_copies_the_log_and_it_begins_anew(void **state)
{
	struct sql_config with_thread = config;
	struct sql *db = NULL;
	char path[128];
	struct stat st;

	with_thread.log_pages = 512;
	snprintf(path, sizeof(path), "%s-wal", config.path);
	sql_close(*state);
	assert_int_equal(sql_open(&with_thread, &db, NULL), ONE_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size >= 512 * 16384); /* it has its room already */
	*state = open_db();
	for (int i = 0; i < 250; i++)
		insert_bodies(db, i * 10, 10);
	somebody_else_looks();
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 50 << 20);
	sql_close(db);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t WHERE LENGTH(body) = 19999"), 2500);
}

/* Who closes a database last removes its log: others must see that it is in use. */
static void test_a_second_connection_leaves_the_locks_of_the_first(void **state)
{
	struct sql *second = open_db();
	char path[128];
	struct stat before, after;

	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	snprintf(path, sizeof(path), "%s-wal", config.path);
	assert_int_equal(stat(path, &before), 0);
	sql_close(second);
	somebody_else_looks();
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

static void refused_with(struct sql_config *c, const char *part)
{
	struct one_err err = ONE_ERR_INIT;
	struct sql *db = NULL;

	assert_int_equal(sql_open(c, &db, &err), ONE_INTERNAL);
	assert_null(db);
	if (!strstr(err.text, part))
		fail_msg("'%s' does not say '%s'", err.text, part);
}

static void test_a_missing_folder_is_named(void **state)
{
	struct sql_config c = config;

	(void)state;
	c.path = "/nonexistent/folder/one.db";
	refused_with(&c, "/nonexistent/folder/one.db: No such file or directory");
}

static void test_a_file_that_is_no_database_is_refused(void **state)
{
	struct sql_config c = config;
	char path[128];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/text", dir);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database\n", f);
	fclose(f);
	c.path = path;
	refused_with(&c, "not a database");
}

/* Rights don't hold root back, so another user tries it, in a process of its own. */
static void test_a_read_only_file_is_refused(void **state)
{
	struct sql *db;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(config.path, 0444), 0);
	pid = fork();
	if (pid == 0) {
		struct one_err err = ONE_ERR_INIT;
		bool left = geteuid() != 0 || seteuid(65534) == 0;

		_exit(left && sql_open(&config, &db, &err) == ONE_INTERNAL && strstr(err.text, config.path) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(config.path, 0600), 0);
	assert_int_equal(status, 0);
}

static void test_a_second_writer_is_told_to_try_again(void **state)
{
	struct sql *other = open_db();

	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	assert_int_equal(sql_begin(*state, NULL), ONE_INTERNAL);
	assert_true(sql_may_retry(*state));
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_INTERNAL);
	assert_true(sql_may_retry(*state));
	assert_int_equal(sql_commit(other, NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	sql_close(other);
}

static void test_a_reader_does_not_hold_up_a_writer(void **state)
{
	struct sql *reader = open_db();

	must(reader, "BEGIN");
	assert_int_equal(number(reader, "SELECT COUNT(*) FROM t"), 0);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(number(reader, "SELECT COUNT(*) FROM t"), 0);
	must(reader, "COMMIT");
	assert_int_equal(number(reader, "SELECT COUNT(*) FROM t"), 1);
	sql_close(reader);
}

/* --- MariaDB --------------------------------------------------------------------------------------------------- */

static void connection_kill(struct sql *db)
{
	int64_t id = number(db, "SELECT CONNECTION_ID()");
	struct sql *other = open_db();

	must(other, text_of("KILL ", (int)id, ""));
	sql_close(other);
}

static void test_after_a_killed_connection_the_next_statement_connects_again(void **state)
{
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	connection_kill(*state);
	assert_int_equal(insert(*state, 2, "b", NULL), ONE_INTERNAL);
	assert_true(sql_may_retry(*state));
	assert_int_equal(insert(*state, 2, "b", NULL), ONE_OK);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 2);
}

static void test_a_transaction_begins_on_a_new_connection_when_the_old_was_closed(void **state)
{
	connection_kill(*state);
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(sql_commit(*state, NULL), ONE_OK);
}

static void test_a_connection_lost_inside_a_transaction_fails_it_to_the_end(void **state)
{
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	connection_kill(*state);
	for (int i = 2; i < 5; i++) {
		assert_int_equal(insert(*state, i, "b", NULL), ONE_INTERNAL);
		assert_true(sql_may_retry(*state));
	}
	assert_int_equal(sql_commit(*state, NULL), ONE_INTERNAL);
	assert_true(sql_may_retry(*state));
	sql_rollback(*state);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 0);
}

static void test_a_server_that_restarts_in_mid_transaction_is_found_again(void **state)
{
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_true(mariadb_server_stop(&server));
	assert_int_equal(insert(*state, 2, "b", NULL), ONE_INTERNAL);
	assert_true(sql_may_retry(*state));
	sql_rollback(*state);
	assert_int_equal(insert(*state, 2, "b", NULL), ONE_INTERNAL); /* nobody is there */
	assert_true(sql_may_retry(*state));
	assert_true(mariadb_server_start_again(&server, NULL));
	assert_int_equal(insert(*state, 2, "b", NULL), ONE_OK);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 1);
}

static void test_waiting_too_long_for_a_lock_is_to_be_retried(void **state)
{
	struct sql *other = open_db();

	must(*state, "SET SESSION innodb_lock_wait_timeout = 1");
	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	must(other, "UPDATE t SET body = 'x' WHERE id = 1");
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(sql_run(*state, "UPDATE t SET body = 'y' WHERE id = 1", NULL, 0, NULL, NULL, NULL), ONE_INTERNAL);
	assert_true(sql_may_retry(*state));
	sql_rollback(*state);
	assert_int_equal(sql_commit(other, NULL), ONE_OK);
	sql_close(other);
}

/* The other side of a deadlock: on a connection of its own. */
struct other_side { struct sql *db; enum one_rc rc; bool may_retry; };

static void *update_second(void *arg)
{
	struct other_side *other = arg;

	other->rc = sql_run(other->db, "UPDATE t SET body = 'two' WHERE id = 2", NULL, 0, NULL, NULL, NULL);
	other->may_retry = sql_may_retry(other->db);
	return NULL;
}

/* Two transactions that lock two rows crosswise: the server ends one of them. */
static void test_a_deadlock_is_to_be_retried(void **state)
{
	struct other_side other = { .db = open_db() };
	pthread_t thread;
	enum one_rc rc;

	assert_int_equal(insert(*state, 1, "a", NULL), ONE_OK);
	assert_int_equal(insert(*state, 2, "b", NULL), ONE_OK);
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(sql_begin(other.db, NULL), ONE_OK);
	must(*state, "UPDATE t SET body = 'one' WHERE id = 2");
	must(other.db, "UPDATE t SET body = 'two' WHERE id = 1");
	assert_int_equal(pthread_create(&thread, NULL, update_second, &other), 0);
	rc = sql_run(*state, "UPDATE t SET body = 'one' WHERE id = 1", NULL, 0, NULL, NULL, NULL);
	if (rc != ONE_OK)
		assert_true(sql_may_retry(*state));
	sql_rollback(*state); /* lets the other go on if it waits */
	pthread_join(thread, NULL);
	assert_true((rc != ONE_OK) != (other.rc != ONE_OK));
	if (other.rc != ONE_OK)
		assert_true(other.may_retry);
	sql_rollback(other.db);
	sql_close(other.db);
}

static void test_many_rows_are_cut_into_packets(void **state)
{
	size_t len = 3 << 20;
	char *text = xmalloc(len);
	struct sql_value params[2 * 7];

	memset(text, 'x', len);
	for (int i = 0; i < 7; i++) {
		params[2 * i] = SQL_INT(i);
		params[2 * i + 1] = SQL_STRN(text, len);
	}
	assert_int_equal(sql_run_many(*state, "INSERT INTO t (id, body) VALUES (?,?)", params, 2, 7, NULL), ONE_OK);
	assert_int_equal(sql_matched(*state), 7);
	assert_int_equal(number(*state, "SELECT SUM(LENGTH(body)) DIV 1048576 FROM t"), 21);
	free(text);
}

static void test_a_row_bigger_than_a_packet_is_refused_and_the_connection_stays(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	size_t len = 17 << 20;
	char *text = xmalloc(len);
	struct sql_value params[] = { SQL_INT(1), SQL_STR("small"), SQL_INT(2), SQL_STRN(text, len) };

	memset(text, 'x', len);
	assert_int_equal(sql_begin(*state, NULL), ONE_OK);
	assert_int_equal(sql_run_many(*state, "INSERT INTO t (id, body) VALUES (?,?)", params, 2, 2, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "max_allowed_packet"));
	assert_false(sql_may_retry(*state));
	assert_int_equal(sql_failed_row(*state), 1);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 1);
	sql_rollback(*state);
	free(text);
}

static void test_a_text_too_long_for_its_column_is_not_cut(void **state)
{
	char name[60];

	memset(name, 'n', sizeof(name));
	name[59] = 0;
	assert_int_equal(insert(*state, 1, name, NULL), ONE_INTERNAL);
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 0);
}

static void test_the_encoding_is_that_of_the_database(void **state)
{
	struct sql_config latin = config;
	struct rows r = { 0 };
	struct sql *db = NULL;

	must(*state, "CREATE DATABASE IF NOT EXISTS old CHARACTER SET latin1");
	latin.database = "old";
	assert_int_equal(sql_open(&latin, &db, NULL), ONE_OK);
	assert_int_equal(sql_run(db, "SELECT @@character_set_client", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_string_equal(r.cell[0][0].s, "latin1");
	rows_done(&r);
	sql_close(db);
	latin.encoding = "utf8mb4";
	assert_int_equal(sql_open(&latin, &db, NULL), ONE_OK);
	assert_int_equal(sql_run(db, "SELECT @@character_set_client", NULL, 0, rows_keep, &r, NULL), ONE_OK);
	assert_string_equal(r.cell[0][0].s, "utf8mb4");
	rows_done(&r);
	sql_close(db);
	latin.encoding = "klingon";
	refused_with(&latin, "klingon");
}

static void test_a_database_that_is_made_compares_names_exactly(void **state)
{
	assert_int_equal(insert(*state, 1, "name", NULL), ONE_OK);
	assert_int_equal(insert(*state, 2, "NAME", NULL), ONE_OK);
	assert_int_equal(insert(*state, 3, "namé", NULL), ONE_OK);
}

static void test_a_name_of_a_database_is_quoted(void **state)
{
	struct sql_config odd = config;
	struct sql *db = NULL;

	odd.database = "o`; DROP TABLE t";
	assert_int_equal(sql_open(&odd, &db, NULL), ONE_OK);
	sql_close(db);
	must(*state, "DROP DATABASE `o``; DROP TABLE t`");
	assert_int_equal(number(*state, "SELECT COUNT(*) FROM t"), 0);
}

static void test_a_wrong_password_is_refused_and_not_shown(void **state)
{
	struct sql_config c = config;
	struct one_err err = ONE_ERR_INIT;
	struct sql *db = NULL;

	(void)state;
	c.password = "verysecret";
	assert_int_equal(sql_open(&c, &db, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Could not connect to database server. "));
	assert_null(strstr(err.text, "verysecret"));
}

static void test_a_server_that_is_not_there_is_refused(void **state)
{
	struct sql_config c = config;

	(void)state;
	c.socket = "/nonexistent/socket";
	refused_with(&c, "/nonexistent/socket");
	c.socket = NULL;
	c.server = "127.0.0.1";
	c.port = 1;
	refused_with(&c, "Could not connect to database server. ");
}

/* --- running --------------------------------------------------------------------------------------------------- */

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define BOTH                                                                                            \
	T(test_values_come_back_as_they_were_bound), T(test_columns_have_the_names_the_statement_gives_them), \
	T(test_null_is_not_an_empty_text),                                                              \
	T(test_a_long_text_after_a_short_one_is_complete),                                              \
	T(test_a_callback_may_stop_and_the_connection_goes_on), T(test_many_rows_go_out_together),      \
	T(test_one_column_may_hold_numbers_and_texts_in_one_call), T(test_no_rows_is_nothing_to_do),    \
	T(test_an_update_counts_rows_it_found_unchanged),                                               \
	T(test_a_clash_of_a_key_is_a_duplicate_and_not_to_be_retried),                                  \
	T(test_a_mistake_in_the_text_is_an_error_not_to_be_retried),                                    \
	T(test_a_wrong_number_of_parameters_is_an_error),                                               \
	T(test_a_transaction_is_seen_by_others_when_committed), T(test_a_rollback_forgets),             \
	T(test_more_statements_than_are_kept_still_work), T(test_nothing_is_made_where_it_must_exist),  \
	T(test_a_config_without_a_database_is_an_error),                                                \
	T(test_programs_that_are_started_do_not_inherit_the_connection)

static const struct CMUnitTest sqlite_tests[] = {
	BOTH,
	T(test_a_new_file_is_only_for_its_owner),
	T(test_commits_are_durable_and_logged_ahead),
	T(test_a_thread_copies_the_log_and_it_begins_anew),
	T(test_a_second_connection_leaves_the_locks_of_the_first),
	T(test_a_missing_folder_is_named),
	T(test_a_file_that_is_no_database_is_refused),
	T(test_a_read_only_file_is_refused),
	T(test_a_second_writer_is_told_to_try_again),
	T(test_a_reader_does_not_hold_up_a_writer),
};

static const struct CMUnitTest mariadb_tests[] = {
	BOTH,
	T(test_after_a_killed_connection_the_next_statement_connects_again),
	T(test_a_transaction_begins_on_a_new_connection_when_the_old_was_closed),
	T(test_a_connection_lost_inside_a_transaction_fails_it_to_the_end),
	T(test_a_server_that_restarts_in_mid_transaction_is_found_again),
	T(test_waiting_too_long_for_a_lock_is_to_be_retried),
	T(test_a_deadlock_is_to_be_retried),
	T(test_many_rows_are_cut_into_packets),
	T(test_a_row_bigger_than_a_packet_is_refused_and_the_connection_stays),
	T(test_a_text_too_long_for_its_column_is_not_cut),
	T(test_the_encoding_is_that_of_the_database),
	T(test_a_database_that_is_made_compares_names_exactly),
	T(test_a_name_of_a_database_is_quoted),
	T(test_a_wrong_password_is_refused_and_not_shown),
	T(test_a_server_that_is_not_there_is_refused),
};

static int sqlite_setup(void **state)
{
	static char path[80];

	(void)state;
	strcpy(dir, "/tmp/test_sql-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/one.db", dir);
	config = (struct sql_config){ .backend = SQL_SQLITE, .path = path, .busy_timeout_ms = 50 };
	return 0;
}

static int sqlite_teardown(void **state)
{
	static const char *const names[] = { "one.db", "one.db-wal", "one.db-shm", "absent.db", "text" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static int mariadb_setup(void **state)
{
	(void)state;
	if (!mariadb_server_start(&server, NULL))
		return -1;
	config = mariadb_server_config(&server, "test");
	return 0;
}

static int mariadb_teardown(void **state)
{
	(void)state;
	mariadb_server_done(&server);
	return 0;
}

int main(int argc, char **argv)
{
	int failed;

	if (argc == 2)
		return look(argv[1]);
	failed = cmocka_run_group_tests_name("SQLite", sqlite_tests, sqlite_setup, sqlite_teardown);

	return failed + cmocka_run_group_tests_name("MariaDB", mariadb_tests, mariadb_setup, mariadb_teardown);
}
