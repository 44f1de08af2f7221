/* The store: the same tests over SQLite and over a private MariaDB server, then what is special to each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "common/arena.h"
#include "common/log.h"
#include "oned/store/store.h"
#include "oned/store/store_schema.h"
#include "tests/lib/mariadb_server.h"

#define RELEASE "OpenNebula 6.10.0.1 (test)"
#define COMMENT RELEASE " daemon bootstrap"

static struct mariadb_server server;
static char dir[64], path[80];
static struct sql_config config; /* of the backend under test */

/* --- helpers --------------------------------------------------------------------------------------------------- */

static struct store *store_make(bool create)
{
	struct one_err err = ONE_ERR_INIT;
	struct store *s = NULL;

	if (store_open(&config, create, COMMENT, &s, &err) != ONE_OK)
		fail_msg("%s", err.text);
	return s;
}

static void store_refused(bool create, const char *part)
{
	struct one_err err = ONE_ERR_INIT;
	struct store *s = NULL;

	assert_int_equal(store_open(&config, create, COMMENT, &s, &err), ONE_INTERNAL);
	assert_null(s);
	if (!strstr(err.text, part))
		fail_msg("'%s' does not say '%s'", err.text, part);
}

/* A connection beside the store. */
static struct sql *beside(void)
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

static void beside_run(const char *text)
{
	struct sql *db = beside();

	must(db, text);
	sql_close(db);
}

struct text { char at[512]; };

static bool text_row(void *ctx, const struct sql_value *cols, int n)
{
	struct text *text = ctx;
	size_t len = strlen(text->at);

	if (len)
		len += (size_t)snprintf(text->at + len, sizeof(text->at) - len, "|");
	for (int i = 0; i < n && len < sizeof(text->at); i++) {
		const char *comma = i ? "," : "";

		if (cols[i].type == SQL_V_TEXT)
			len += (size_t)snprintf(text->at + len, sizeof(text->at) - len, "%s%s", comma, cols[i].s);
		else if (cols[i].type == SQL_V_NULL)
			len += (size_t)snprintf(text->at + len, sizeof(text->at) - len, "%s-", comma);
		else
			len += (size_t)snprintf(text->at + len, sizeof(text->at) - len, "%s%lld", comma, (long long)cols[i].i);
	}
	return true;
}

/* The result as "a,b|c,d". */
static const char *result(const char *query)
{
	static struct text text;
	struct one_err err = ONE_ERR_INIT;
	struct sql *db = beside();

	text.at[0] = 0;
	if (sql_run(db, query, NULL, 0, text_row, &text, &err) != ONE_OK)
		fail_msg("%s: %s", query, err.text);
	sql_close(db);
	return text.at;
}

static int setup(void **state)
{
	struct sql *db = beside();
	char text[64];

	for (int t = 0; t < TABLE_COUNT; t++) {
		snprintf(text, sizeof(text), "DROP TABLE IF EXISTS %s", store_table_name((enum store_table)t));
		must(db, text);
	}
	sql_close(db);
	*state = NULL;
	return 0;
}

static int setup_store(void **state)
{
	setup(state);
	*state = store_make(true);
	return 0;
}

static int teardown(void **state)
{
	store_close(*state);
	return 0;
}

/* Fills cols for a row of a pool with the common columns. */
static struct store_row pool_row(enum store_table t, struct sql_value *cols, int64_t oid, const char *name, int64_t uid)
{
	struct sql_value made[] = { SQL_INT(oid), SQL_STR(name), SQL_STR("<X/>"), SQL_INT(uid), SQL_INT(1), SQL_INT(1), SQL_INT(0),
				    SQL_INT(0), SQL_INT(-1) };

	memcpy(cols, made, sizeof(made));
	return (struct store_row){ .table = t, .cols = cols };
}

static struct store_row vm_row(struct sql_value *cols, int64_t oid, const char *name, const char *body)
{
	struct sql_value made[] = { SQL_INT(oid), SQL_STR(name), SQL_STR(body), SQL_INT(0), SQL_INT(0), SQL_INT(3), SQL_INT(3),
				    SQL_INT(1), SQL_INT(0), SQL_INT(0), SQL_STR("<S/>"), SQL_STR("{\"VM\":{}}") };

	memcpy(cols, made, sizeof(made));
	return (struct store_row){ .table = TABLE_VM, .cols = cols };
}

static void commit(struct store *s, const struct store_row *rows, size_t n)
{
	struct one_err err = ONE_ERR_INIT;

	if (store_commit(s, rows, n, &err) != ONE_OK)
		fail_msg("%s", err.text);
	assert_true(store_failed_row(s) == SIZE_MAX);
}

/* --- opening --------------------------------------------------------------------------------------------------- */

static const char *columns_query(enum store_table t)
{
	static char text[256];
	const char *sqlite = "SELECT name FROM pragma_table_info('%s') ORDER BY cid";
	const char *mariadb = "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND "
			      "table_name = '%s' ORDER BY ordinal_position";
	const char *query = config.backend == SQL_SQLITE ? sqlite : mariadb;
	const char *mark = strstr(query, "%s");

	snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - query), query, store_table_name(t), mark + 2);
	return text;
}

static void test_all_tables_are_made_with_their_columns_in_order(void **state)
{
	(void)state;
	for (int t = 0; t < TABLE_COUNT; t++) {
		struct strbuf want = STRBUF_INIT;

		for (int i = 0; i < store_columns((enum store_table)t); i++)
			strbuf_addf(&want, "%s%s", i ? "|" : "", store_column((enum store_table)t, i));
		assert_string_equal(result(columns_query((enum store_table)t)), want.buf);
		strbuf_done(&want);
	}
}

static void test_indexes_are_made_and_a_missing_one_again(void **state)
{
	const char *query = config.backend == SQL_SQLITE
		? "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
		: "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND "
		  "index_name LIKE '%\\_idx' ORDER BY index_name";

	(void)state;
	assert_string_equal(result(query), "applied_idx|fed_index_idx|state_oid_idx");
	beside_run(config.backend == SQL_SQLITE ? "DROP INDEX state_oid_idx" : "DROP INDEX state_oid_idx ON vm_pool");
	store_close(store_make(true));
	assert_string_equal(result(query), "applied_idx|fed_index_idx|state_oid_idx");
}

static void test_the_first_start_notes_the_versions(void **state)
{
	(void)state;
	assert_string_equal(result("SELECT oid, version, comment FROM db_versioning"), "0,6.10.0," COMMENT);
	assert_string_equal(result("SELECT oid, version, comment, is_slave FROM local_db_versioning"),
			    "0,6.10.0," COMMENT ",0");
}

static void test_later_starts_add_nothing(void **state)
{
	char before[64];

	store_close(*state);
	beside_run("UPDATE db_versioning SET timestamp = 1");
	*state = store_make(true);
	store_close(store_make(false));
	strcpy(before, result("SELECT oid, timestamp FROM db_versioning"));
	assert_string_equal(before, "0,1");
	assert_string_equal(result("SELECT COUNT(*) FROM local_db_versioning"), "1");
}

static void test_an_empty_database_is_refused_unless_it_may_be_made(void **state)
{
	(void)state;
	store_refused(false, "has no table vm_pool (39 of 39 tables are missing)");
	assert_string_equal(result(config.backend == SQL_SQLITE ? "SELECT COUNT(*) FROM sqlite_master"
				   : "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"), "0");
}

static void test_a_database_that_is_not_there_is_not_made_by_a_reader(void **state)
{
	struct sql_config before = config;
	struct one_err err = ONE_ERR_INIT;
	struct store *s = NULL;
	char absent[96];

	(void)state;
	snprintf(absent, sizeof(absent), "%s/absent.db", dir);
	config.path = absent;
	config.database = "absent";
	assert_int_equal(store_open(&config, false, COMMENT, &s, &err), ONE_INTERNAL);
	config = before;
	assert_non_null(strstr(err.text, "absent"));
	assert_int_not_equal(access(absent, F_OK), 0);
}

static void test_a_missing_table_is_named_and_made_when_allowed(void **state)
{
	(void)state;
	beside_run("DROP TABLE hook_log");
	store_refused(false, "has no table hook_log (1 of 39 tables are missing)");
	store_close(store_make(true));
	assert_string_equal(result("SELECT COUNT(*) FROM hook_log"), "0");
}

static void test_an_empty_versioning_table_is_refused_unless_it_may_be_filled(void **state)
{
	(void)state;
	beside_run("DELETE FROM db_versioning");
	store_refused(false, "Table db_versioning is empty");
	store_close(store_make(true));
	assert_string_equal(result("SELECT version FROM db_versioning"), "6.10.0");
}

static void test_another_version_is_refused_in_opennebulas_words(void **state)
{
	(void)state;
	beside_run("INSERT INTO db_versioning VALUES (1, '7.0.0', 1, 'upgrade')");
	store_refused(true, "Database version mismatch ( db_versioning). Installed " RELEASE " needs DB version '6.10.0', and "
			    "existing DB version is '7.0.0'.");
	beside_run("INSERT INTO local_db_versioning VALUES (1, '5.12.0', 1, 'old', 0)");
	store_refused(false, "Database version mismatch ( local_db_versioning). Installed " RELEASE " needs DB version "
			     "'6.10.0', and existing DB version is '5.12.0'.");
}

static void test_in_a_database_of_another_version_nothing_is_made(void **state)
{
	(void)state;
	beside_run("DROP TABLE schedaction_pool");
	beside_run("UPDATE db_versioning SET version = '6.4.0'");
	store_refused(true, "existing DB version is '6.4.0'");
	beside_run("UPDATE db_versioning SET version = '6.10.0'");
	store_refused(false, "has no table schedaction_pool");
}

static void test_the_newest_version_counts(void **state)
{
	(void)state;
	beside_run("UPDATE db_versioning SET version = '5.12.0'");
	beside_run("INSERT INTO db_versioning VALUES (7, '6.10.0', 1, 'upgrade')");
	store_close(store_make(false));
}

/* --- writing --------------------------------------------------------------------------------------------------- */

static void test_a_put_inserts_and_then_replaces(void **state)
{
	struct sql_value cols[3][12];
	struct store_row rows[] = { vm_row(cols[0], 7, "one", "<A/>"), vm_row(cols[1], 8, "two", "<B/>") };

	commit(*state, rows, 2);
	assert_string_equal(result("SELECT oid, name, body, lcm_state, body_json FROM vm_pool ORDER BY oid"),
			    "7,one,<A/>,3,{\"VM\":{}}|8,two,<B/>,3,{\"VM\":{}}");
	rows[0] = vm_row(cols[2], 7, "changed", "<C/>");
	commit(*state, rows, 1);
	assert_string_equal(result("SELECT oid, name, body FROM vm_pool ORDER BY oid"), "7,changed,<C/>|8,two,<B/>");
}

static void test_a_batch_goes_through_all_kinds_of_tables(void **state)
{
	struct sql_value vm[12], image[9], relation[2] = { SQL_INT(0), SQL_INT(100) };
	struct sql_value control[2] = { SQL_STR("vm_pool"), SQL_UINT(7) };
	struct sql_value log[6] = { SQL_UINT(0), SQL_INT(0), SQL_STR("x"), SQL_INT(1), SQL_UINT(UINT64_MAX), SQL_INT(1) };
	struct store_row rows[] = {
		vm_row(vm, 7, "one", "<A/>"),
		pool_row(TABLE_IMAGE, image, 3, "disk", 0),
		{ .table = TABLE_CLUSTER_DATASTORE, .cols = relation },
		{ .table = TABLE_POOL_CONTROL, .cols = control },
		{ .table = TABLE_LOGDB, .cols = log },
	};

	commit(*state, rows, 5);
	commit(*state, rows, 5);
	assert_string_equal(result("SELECT name FROM vm_pool"), "one");
	assert_string_equal(result("SELECT name FROM image_pool"), "disk");
	assert_string_equal(result("SELECT * FROM cluster_datastore_relation"), "0,100");
	assert_string_equal(result("SELECT * FROM pool_control"), "vm_pool,7");
	assert_string_equal(result("SELECT log_index, fed_index FROM logdb"), "0,-1"); /* all bits, printed signed */
	assert_string_equal(result("SELECT COUNT(*) FROM logdb WHERE fed_index = 18446744073709551615"), "1");
}

static void test_a_delete_reads_only_the_key(void **state)
{
	struct sql_value cols[4][5], key[2] = { SQL_INT(1), SQL_INT(1) };
	struct store_row rows[5];

	for (int i = 0; i < 4; i++) {
		struct sql_value made[] = { SQL_INT(1), SQL_INT(i), SQL_STR("<H/>"), SQL_INT(5), SQL_INT(0) };

		memcpy(cols[i], made, sizeof(made));
		rows[i] = (struct store_row){ .table = TABLE_HISTORY, .cols = cols[i] };
	}
	rows[4] = (struct store_row){ .table = TABLE_HISTORY, .del = true, .cols = key };
	commit(*state, rows, 5);
	assert_string_equal(result("SELECT seq FROM history ORDER BY seq"), "0|2|3");
	commit(*state, rows + 4, 1); /* once more: nothing to delete is no error */
}

static void test_an_empty_batch_is_done(void **state)
{
	commit(*state, NULL, 0);
}

/* A name that is taken by another row is an error, and that row stays. */
static void test_a_name_that_is_taken_fails_the_batch_and_is_pointed_at(void **state)
{
	struct sql_value cols[5][12];
	struct one_err err = ONE_ERR_INIT;
	struct store_row rows[] = {
		pool_row(TABLE_IMAGE, cols[0], 1, "mine", 2),
		pool_row(TABLE_IMAGE, cols[1], 2, "other", 2),
		vm_row(cols[2], 1, "vm", "<A/>"),
		pool_row(TABLE_IMAGE, cols[3], 3, "mine", 2),
		pool_row(TABLE_IMAGE, cols[4], 4, "mine", 3),
	};

	commit(*state, rows, 1);
	assert_int_equal(store_commit(*state, rows, 5, &err), ONE_INTERNAL);
	assert_string_not_equal(err.text, "");
	assert_int_equal(store_failed_row(*state), 3);
	assert_string_equal(result("SELECT oid, name FROM image_pool"), "1,mine");
	assert_string_equal(result("SELECT COUNT(*) FROM vm_pool"), "0");
	rows[3] = rows[4];
	commit(*state, rows, 4);
	assert_string_equal(result("SELECT oid, name, uid FROM image_pool ORDER BY oid"), "1,mine,2|2,other,2|4,mine,3");
}

static void test_renaming_onto_a_name_that_is_taken_changes_nothing(void **state)
{
	struct sql_value cols[3][9];
	struct store_row rows[] = { pool_row(TABLE_USER, cols[0], 2, "alice", 2), pool_row(TABLE_USER, cols[1], 3, "bob", 3) };

	commit(*state, rows, 2);
	rows[0] = pool_row(TABLE_USER, cols[2], 3, "alice", 3);
	assert_int_equal(store_commit(*state, rows, 1, NULL), ONE_INTERNAL);
	assert_int_equal(store_failed_row(*state), 0);
	assert_string_equal(result("SELECT oid, name FROM user_pool ORDER BY oid"), "2,alice|3,bob");
}

static void test_a_name_may_move_from_row_to_row_in_one_batch(void **state)
{
	struct sql_value cols[8][9], key = SQL_INT(7);
	struct store_row first[] = { pool_row(TABLE_NETWORK, cols[0], 5, "x", 0), pool_row(TABLE_NETWORK, cols[1], 7, "w", 0) };
	struct store_row rows[] = {
		pool_row(TABLE_NETWORK, cols[2], 5, "y", 0),
		pool_row(TABLE_NETWORK, cols[3], 6, "x", 0),
		pool_row(TABLE_NETWORK, cols[4], 5, "z", 0),
		{ .table = TABLE_NETWORK, .del = true, .cols = &key },
		pool_row(TABLE_NETWORK, cols[5], 8, "y", 0),
		pool_row(TABLE_NETWORK, cols[6], 9, "w", 0),
	};

	commit(*state, first, 2);
	commit(*state, rows, 6);
	assert_string_equal(result("SELECT oid, name FROM network_pool ORDER BY oid"), "5,z|6,x|8,y|9,w");
}

static void test_an_equal_acl_rule_is_refused(void **state)
{
	struct sql_value cols[2][5] = { { SQL_INT(0), SQL_INT(INT64_C(0x100000001)), SQL_INT(2), SQL_INT(3), SQL_INT(4) },
					{ SQL_INT(1), SQL_INT(INT64_C(0x100000001)), SQL_INT(2), SQL_INT(3), SQL_INT(4) } };
	struct store_row rows[] = { { .table = TABLE_ACL, .cols = cols[0] }, { .table = TABLE_ACL, .cols = cols[1] } };

	assert_int_equal(store_commit(*state, rows, 2, NULL), ONE_INTERNAL);
	assert_int_equal(store_failed_row(*state), 1);
	assert_string_equal(result("SELECT COUNT(*) FROM acl"), "0");
	commit(*state, rows, 1);
	commit(*state, rows, 1);
	assert_string_equal(result("SELECT * FROM acl"), "0,4294967297,2,3,4");
}

static void test_of_one_key_the_last_row_is_written(void **state)
{
	struct sql_value cols[4][12], key = SQL_INT(2);
	struct store_row rows[] = {
		vm_row(cols[0], 1, "first", "<A/>"),
		vm_row(cols[1], 2, "gone", "<B/>"),
		vm_row(cols[2], 1, "last", "<C/>"),
		{ .table = TABLE_VM, .del = true, .cols = &key },
	};

	commit(*state, rows, 4);
	assert_string_equal(result("SELECT oid, name FROM vm_pool"), "1,last");
}

/* The process that committed ends at once, without closing anything. */
static void test_a_commit_survives_the_death_of_the_process(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct sql_value cols[12];
		struct store_row row = vm_row(cols, 1, "vm", "<A/>");
		struct one_err err = ONE_ERR_INIT;
		struct store *s;

		if (store_open(&config, false, COMMENT, &s, &err) == ONE_OK && store_commit(s, &row, 1, &err) == ONE_OK)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_string_equal(result("SELECT name FROM vm_pool"), "vm");
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static void fill_history(struct store *s)
{
	static const int seqs[] = { 3, 0, 2, 1 };
	struct sql_value cols[4][5];
	struct store_row rows[4];

	for (int i = 0; i < 4; i++) {
		struct sql_value made[] = { SQL_INT(i % 2), SQL_INT(seqs[i]), SQL_STR("<H/>"), SQL_INT(10 + i), SQL_INT(0) };

		memcpy(cols[i], made, sizeof(made));
		rows[i] = (struct store_row){ .table = TABLE_HISTORY, .cols = cols[i] };
	}
	commit(s, rows, 4);
}

static void test_a_table_is_read_in_key_order(void **state)
{
	struct text text = { "" };

	fill_history(*state);
	assert_int_equal(store_load(*state, TABLE_HISTORY, text_row, &text, NULL), ONE_OK);
	assert_string_equal(text.at, "0,2,<H/>,12,0|0,3,<H/>,10,0|1,0,<H/>,11,0|1,1,<H/>,13,0");
}

static void test_columns_not_asked_for_are_null(void **state)
{
	struct sql_value params[] = { SQL_INT(0) };
	struct text text = { "" };

	fill_history(*state);
	assert_int_equal(store_select_columns(*state, TABLE_HISTORY, STORE_COLUMN(1) | STORE_COLUMN(3), "vid = ? ORDER BY seq",
					      params, 1, text_row, &text, NULL), ONE_OK);
	assert_string_equal(text.at, "-,2,-,12,-|-,3,-,10,-");
}

static void test_rows_are_selected_and_deleted_by_a_condition(void **state)
{
	struct sql_value params[] = { SQL_INT(12) };
	struct text text = { "" };

	fill_history(*state);
	assert_int_equal(store_delete_where(*state, TABLE_HISTORY, "stime < ?", params, 1, NULL), ONE_OK);
	assert_int_equal(store_select(*state, TABLE_HISTORY, "stime > ?", params, 1, text_row, &text, NULL), ONE_OK);
	assert_string_equal(text.at, "1,1,<H/>,13,0");
	assert_string_equal(result("SELECT COUNT(*) FROM history"), "2");
}

static void test_a_wrong_condition_is_an_error(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(store_select(*state, TABLE_VM, "nocolumn = 1", NULL, 0, NULL, NULL, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "nocolumn"));
	assert_int_equal(store_delete_where(*state, TABLE_VM, "nocolumn = 1", NULL, 0, NULL), ONE_INTERNAL);
}

/* --- SQLite ---------------------------------------------------------------------------------------------------- */

static void *let_go(void *db)
{
	nanosleep(&(struct timespec){ .tv_nsec = 150000000 }, NULL);
	sql_commit(db, NULL);
	return NULL;
}

static void test_a_commit_waits_out_another_writer(void **state)
{
	struct sql_value cols[12];
	struct store_row row = vm_row(cols, 1, "vm", "<A/>");
	struct sql *other = beside();
	pthread_t thread;

	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	must(other, "DELETE FROM vm_pool");
	assert_int_equal(pthread_create(&thread, NULL, let_go, other), 0);
	commit(*state, &row, 1);
	pthread_join(thread, NULL);
	sql_close(other);
	assert_string_equal(result("SELECT name FROM vm_pool"), "vm");
}

static void test_a_writer_that_stays_fails_the_commit_and_no_row_is_blamed(void **state)
{
	struct sql_value cols[12];
	struct store_row row = vm_row(cols, 1, "vm", "<A/>");
	struct one_err err = ONE_ERR_INIT;
	struct sql *other = beside();

	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	assert_int_equal(store_commit(*state, &row, 1, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "locked"));
	assert_true(store_failed_row(*state) == SIZE_MAX);
	sql_rollback(other);
	sql_close(other);
	commit(*state, &row, 1);
}

/* A limit on the size of files stands for a disk that is full. */
static void test_a_disk_that_refuses_fails_the_commit_and_what_was_there_stays(void **state)
{
	struct sql_value cols[2][12];
	struct store_row rows[] = { vm_row(cols[0], 1, "vm", "<A/>"), vm_row(cols[1], 2, "big", "") };
	struct one_err err = ONE_ERR_INIT;
	struct rlimit before, low;
	size_t len = 8 << 20;
	char *body = xcalloc(1, len);
	enum one_rc rc;

	commit(*state, rows, 1);
	memset(body, 'x', len);
	cols[1][2] = SQL_STRN(body, len);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low = (struct rlimit){ .rlim_cur = 4 << 20, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	rc = store_commit(*state, rows, 2, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(rc, ONE_INTERNAL);
	assert_non_null(strstr(err.text, "disk"));
	assert_string_equal(result("SELECT name FROM vm_pool"), "vm");
	commit(*state, rows, 2);
	assert_string_equal(result("SELECT name FROM vm_pool ORDER BY oid"), "vm|big");
	free(body);
}

/* --- MariaDB --------------------------------------------------------------------------------------------------- */

static void connections_kill(void)
{
	struct text ids = { "" };
	struct sql *db = beside();
	char *at, *id;

	assert_int_equal(sql_run(db, "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'",
				 NULL, 0, text_row, &ids, NULL), ONE_OK);
	for (at = ids.at; (id = strsep(&at, "|")) && *id;) {
		char text[64];

		snprintf(text, sizeof(text), "KILL %ld", strtol(id, NULL, 10));
		must(db, text);
	}
	sql_close(db);
}

static void test_a_killed_connection_does_not_lose_a_batch(void **state)
{
	struct sql_value cols[2][12];
	struct store_row rows[] = { vm_row(cols[0], 1, "a", "<A/>"), vm_row(cols[1], 2, "b", "<B/>") };
	struct text text = { "" };

	commit(*state, rows, 1);
	connections_kill();
	commit(*state, rows, 2);
	assert_string_equal(result("SELECT name FROM vm_pool ORDER BY oid"), "a|b");
	connections_kill();
	assert_int_equal(store_select_columns(*state, TABLE_VM, STORE_COLUMN(1), NULL, NULL, 0, text_row, &text, NULL), ONE_OK);
	assert_string_equal(text.at, "-,a,-,-,-,-,-,-,-,-,-,-|-,b,-,-,-,-,-,-,-,-,-,-");
	connections_kill();
	assert_int_equal(store_delete_where(*state, TABLE_VM, "oid = 1", NULL, 0, NULL), ONE_OK);
}

/* Waits until somebody waits for a lock; says which connection. */
static long waiting_connection(void)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	struct text id = { "" };
	struct sql *db = beside();

	while (!id.at[0]) {
		nanosleep(&pause, NULL);
		sql_run(db, "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'", NULL, 0,
			text_row, &id, NULL);
	}
	sql_close(db);
	return strtol(id.at, NULL, 10);
}

/* Holds a row until the store waits for it, then has the store's connection killed in mid-transaction. */
static void *kill_the_waiting(void *arg)
{
	char text[64];

	snprintf(text, sizeof(text), "KILL %ld", waiting_connection());
	beside_run(text);
	sql_rollback(arg);
	return NULL;
}

static void test_a_connection_killed_in_mid_transaction_does_not_lose_a_batch(void **state)
{
	struct sql_value vm[12], image[9];
	struct store_row rows[] = { vm_row(vm, 1, "vm", "<A/>"), pool_row(TABLE_IMAGE, image, 1, "held", 0) };
	struct sql *other = beside();
	pthread_t thread;

	commit(*state, rows + 1, 1);
	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	must(other, "UPDATE image_pool SET body = 'other' WHERE oid = 1");
	assert_int_equal(pthread_create(&thread, NULL, kill_the_waiting, other), 0);
	commit(*state, rows, 2);
	pthread_join(thread, NULL);
	sql_close(other);
	assert_string_equal(result("SELECT name, body FROM image_pool"), "held,<X/>");
	assert_string_equal(result("SELECT name FROM vm_pool"), "vm");
}

/* Locks crosswise with the store: holds the image, waits for the store to wait, then wants the VM. */
static void *lock_crosswise(void *arg)
{
	waiting_connection();
	if (sql_run(arg, "UPDATE vm_pool SET body = 'other' WHERE oid = 1", NULL, 0, NULL, NULL, NULL) == ONE_OK)
		sql_commit(arg, NULL);
	else
		sql_rollback(arg);
	return NULL;
}

static void test_a_deadlock_does_not_lose_a_batch(void **state)
{
	struct sql_value vm[12], image[9];
	struct store_row rows[] = { vm_row(vm, 1, "vm", "<A/>"), pool_row(TABLE_IMAGE, image, 1, "held", 0) };
	struct sql *other = beside();
	pthread_t thread;

	commit(*state, rows, 2);
	assert_int_equal(sql_begin(other, NULL), ONE_OK);
	must(other, "UPDATE image_pool SET body = 'other' WHERE oid = 1");
	/* the one with fewer changed rows is ended: the store */
	must(other, "INSERT INTO vm_monitoring VALUES (1, 1, 'a'), (1, 2, 'b'), (1, 3, 'c'), (1, 4, 'd'), (1, 5, 'e')");
	assert_int_equal(pthread_create(&thread, NULL, lock_crosswise, other), 0);
	commit(*state, rows, 2);
	pthread_join(thread, NULL);
	sql_close(other);
	assert_string_equal(result("SELECT body FROM image_pool"), "<X/>");
	assert_string_equal(result("SELECT body FROM vm_pool"), "<A/>");
}

static void *start_later(void *arg)
{
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	return mariadb_server_start_again(arg, NULL) ? arg : NULL;
}

static void test_a_restart_of_the_server_does_not_lose_a_batch(void **state)
{
	struct sql_value cols[12];
	struct store_row row = vm_row(cols, 1, "vm", "<A/>");
	struct one_err err = ONE_ERR_INIT;
	pthread_t thread;
	void *started;
	enum one_rc rc;

	assert_true(mariadb_server_stop(&server));
	assert_int_equal(pthread_create(&thread, NULL, start_later, &server), 0);
	do /* a slow machine may need longer than one commit tries; the store must come back by itself */
		rc = store_commit(*state, &row, 1, &err);
	while (rc != ONE_OK && strstr(err.text, "Could not connect"));
	pthread_join(thread, &started);
	assert_non_null(started);
	assert_int_equal(rc, ONE_OK);
	assert_string_equal(result("SELECT name FROM vm_pool"), "vm");
}

static void test_a_server_that_is_away_fails_the_commit_and_no_row_is_blamed(void **state)
{
	struct sql_value cols[12];
	struct store_row row = vm_row(cols, 1, "vm", "<A/>");
	struct one_err err = ONE_ERR_INIT;

	assert_true(mariadb_server_stop(&server));
	assert_int_equal(store_commit(*state, &row, 1, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Could not connect to database server. "));
	assert_true(store_failed_row(*state) == SIZE_MAX);
	assert_true(mariadb_server_start_again(&server, NULL));
	commit(*state, &row, 1);
}

static void test_the_row_to_blame_is_found_among_many(void **state)
{
	struct sql_value cols[9][12];
	struct store_row rows[9];
	struct one_err err = ONE_ERR_INIT;

	for (int i = 0; i < 9; i++)
		rows[i] = vm_row(cols[i], i, "vm", "<A/>");
	cols[6][11] = SQL_STR("{ no json");
	assert_int_equal(store_commit(*state, rows, 9, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "body_json"));
	assert_int_equal(store_failed_row(*state), 6);
	assert_string_equal(result("SELECT COUNT(*) FROM vm_pool"), "0");
}

static void test_a_body_too_long_for_the_column_is_refused_before_it_is_sent(void **state)
{
	size_t len = 1 << 24;
	char *body = xmalloc(len + 1);
	struct sql_value cols[2][12];
	struct store_row rows[] = { vm_row(cols[0], 1, "vm", "<A/>"), vm_row(cols[1], 2, "big", "") };
	struct one_err err = ONE_ERR_INIT;

	memset(body, 'x', len);
	cols[1][2] = SQL_STRN(body, len);
	assert_int_equal(store_commit(*state, rows, 2, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "Cannot write vm_pool: body has 16777216 bytes, the column takes 16777215 on MariaDB");
	assert_int_equal(store_failed_row(*state), 1);
	cols[1][2] = SQL_STRN(body, len / 2);
	cols[1][10] = SQL_STRN(body, len / 2);
	assert_int_equal(store_commit(*state, rows, 2, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "max_allowed_packet"));
	assert_int_equal(store_failed_row(*state), 1);
	cols[1][10] = SQL_STR("<S/>");
	commit(*state, rows, 2);
	assert_string_equal(result("SELECT oid, LENGTH(body) FROM vm_pool ORDER BY oid"), "1,4|2,8388608");
	free(body);
}

static void test_a_table_without_transactions_is_refused(void **state)
{
	(void)state;
	beside_run("CREATE TABLE IF NOT EXISTS foreign_table (a INTEGER) ENGINE=MyISAM"); /* is none of our business */
	store_close(store_make(false));
	beside_run("ALTER TABLE image_pool ENGINE=MyISAM");
	store_refused(true, "Table image_pool has the engine MyISAM");
	beside_run("DROP TABLE foreign_table");
}

/* --- running --------------------------------------------------------------------------------------------------- */

#define T(f) cmocka_unit_test_setup_teardown(f, setup_store, teardown)
#define BOTH                                                                                                    \
	cmocka_unit_test_setup_teardown(test_an_empty_database_is_refused_unless_it_may_be_made, setup, teardown), \
	T(test_all_tables_are_made_with_their_columns_in_order), T(test_indexes_are_made_and_a_missing_one_again), \
	T(test_the_first_start_notes_the_versions), T(test_later_starts_add_nothing),                           \
	T(test_a_database_that_is_not_there_is_not_made_by_a_reader),                                           \
	T(test_a_missing_table_is_named_and_made_when_allowed),                                                 \
	T(test_an_empty_versioning_table_is_refused_unless_it_may_be_filled),                                   \
	T(test_another_version_is_refused_in_opennebulas_words),                                                \
	T(test_in_a_database_of_another_version_nothing_is_made), T(test_the_newest_version_counts),            \
	T(test_a_put_inserts_and_then_replaces), T(test_a_batch_goes_through_all_kinds_of_tables),              \
	T(test_a_delete_reads_only_the_key), T(test_an_empty_batch_is_done),                                    \
	T(test_a_name_that_is_taken_fails_the_batch_and_is_pointed_at),                                         \
	T(test_renaming_onto_a_name_that_is_taken_changes_nothing),                                             \
	T(test_a_name_may_move_from_row_to_row_in_one_batch), T(test_an_equal_acl_rule_is_refused),             \
	T(test_a_commit_survives_the_death_of_the_process), T(test_of_one_key_the_last_row_is_written), T(test_a_table_is_read_in_key_order),                       \
	T(test_columns_not_asked_for_are_null), T(test_rows_are_selected_and_deleted_by_a_condition),           \
	T(test_a_wrong_condition_is_an_error)

static const struct CMUnitTest sqlite_tests[] = {
	BOTH,
	T(test_a_commit_waits_out_another_writer),
	T(test_a_writer_that_stays_fails_the_commit_and_no_row_is_blamed),
	T(test_a_disk_that_refuses_fails_the_commit_and_what_was_there_stays),
};

static const struct CMUnitTest mariadb_tests[] = {
	BOTH,
	T(test_a_killed_connection_does_not_lose_a_batch),
	T(test_a_connection_killed_in_mid_transaction_does_not_lose_a_batch),
	T(test_a_deadlock_does_not_lose_a_batch),
	T(test_a_restart_of_the_server_does_not_lose_a_batch),
	T(test_a_server_that_is_away_fails_the_commit_and_no_row_is_blamed),
	T(test_the_row_to_blame_is_found_among_many),
	T(test_a_body_too_long_for_the_column_is_refused_before_it_is_sent),
	T(test_a_table_without_transactions_is_refused),
};

static int sqlite_setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_store-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/one.db", dir);
	config = (struct sql_config){ .backend = SQL_SQLITE, .path = path, .busy_timeout_ms = 20 };
	return 0;
}

static int sqlite_teardown(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[128];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return rmdir(dir);
}

static int mariadb_setup(void **state)
{
	(void)state;
	if (!mariadb_server_start(&server, NULL))
		return -1;
	config = mariadb_server_config(&server, "opennebula");
	return 0;
}

static int mariadb_teardown(void **state)
{
	(void)state;
	mariadb_server_done(&server);
	return 0;
}

int main(void)
{
	int failed;

	log_set_level(LOG_L_ERROR);
	failed = cmocka_run_group_tests_name("SQLite", sqlite_tests, sqlite_setup, sqlite_teardown);
	return failed + cmocka_run_group_tests_name("MariaDB", mariadb_tests, mariadb_setup, mariadb_teardown);
}
