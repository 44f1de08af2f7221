/* The MariaDB (and MySQL) side of sql.h: everything that is known here about the server's habits.
 *
 * Connection  The encoding is that of the database unless configured: OpenNebula stored its bytes that way. Strict
 *             mode, so a text that doesn't fit is an error and not cut. A lock is waited for 5 s instead of 50.
 * Results     are streamed; a callback that stops early has the rest read away, or the connection would be unusable.
 * Many rows   go out by array binding (one round trip), cut into packets the server takes (max_allowed_packet). MySQL
 *             doesn't know it: there they go one by one.
 * Lost        connections are made anew by the next statement, but never inside a transaction, whose first half went
 *             down with the old one.
 */
#include "common/sql_internal.h"

#include <fcntl.h>
#include <mariadb/mysql.h>
#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/strbuf.h"

#define TIMEOUT_DEFAULT_MS 30000
#define PORT_DEFAULT       3306
#define PACKET_BYTES_MAX   (8u << 20)  /* of an array; nothing is gained beyond */
#define PACKET_OVERHEAD    4096
#define VALUE_OVERHEAD     10          /* type, indicator, length prefix */
#define COLUMN_BYTES_FIRST 256

struct mariadb_db {
	struct sql base;
	struct sql_config config; /* its strings are ours */
	MYSQL *handle;
	bool lost;
	bool bulk;                /* the server takes arrays */
	size_t packet_max;
};

/* A prepared statement and, once it had a result, where its columns go. */
struct statement {
	MYSQL_STMT *stmt;
	int n_columns;
	MYSQL_BIND *columns;
	struct cell *cells;
};

struct cell {
	int64_t number;
	char *text, *name;
	size_t cap;
	unsigned long len;
	my_bool null, error;
	enum sql_type type;
};

static struct mariadb_db *mariadb_of(struct sql *db)
{
	return (struct mariadb_db *)db;
}

/* The connection is gone, or the server is about to end it. */
static bool code_is_lost(unsigned code)
{
	switch (code) {
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_IPSOCK_ERROR:
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CR_SERVER_LOST_EXTENDED:
	case CR_SERVER_HANDSHAKE_ERR:
	case CR_MALFORMED_PACKET:
	case CR_COMMANDS_OUT_OF_SYNC:
	case CR_ERR_NET_READ:
	case CR_ERR_NET_WRITE:
	case ER_SERVER_SHUTDOWN:
	case ER_NORMAL_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case 4031: /* MySQL 8: closed because it was idle */
		return true;
	default:
		return false;
	}
}

static enum sql_failure failure_of(unsigned code)
{
	switch (code) {
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_QUERY_INTERRUPTED:
	case ER_CON_COUNT_ERROR:
	case ER_UNKNOWN_COM_ERROR: /* a Galera node that has left the cluster */
		return SQL_F_RETRY;
	case ER_DUP_ENTRY:
	case ER_DUP_ENTRY_WITH_KEY_NAME:
		return SQL_F_DUPLICATE;
	default:
		return code_is_lost(code) ? SQL_F_RETRY : SQL_F_OTHER;
	}
}

static enum one_rc refuse(struct sql *db, unsigned code, const char *text, struct one_err *err)
{
	db->failure = failure_of(code);
	if (code_is_lost(code))
		mariadb_of(db)->lost = true;
	return one_err_set(err, ONE_INTERNAL, "Database error: %s (MariaDB %u)", text, code);
}

static enum one_rc refuse_connection(struct sql *db, struct one_err *err)
{
	MYSQL *handle = mariadb_of(db)->handle;

	return refuse(db, mysql_errno(handle), mysql_error(handle), err);
}

static enum one_rc refuse_statement(struct sql *db, const struct statement *st, struct one_err *err)
{
	return refuse(db, mysql_stmt_errno(st->stmt), mysql_stmt_error(st->stmt), err);
}

/* --- statements ------------------------------------------------------------------------------------------------ */

static void finalize(void *stmt)
{
	struct statement *st = stmt;

	mysql_stmt_close(st->stmt);
	for (int i = 0; i < st->n_columns; i++) {
		free(st->cells[i].text);
		free(st->cells[i].name);
	}
	free(st->cells);
	free(st->columns);
	free(st);
}

static const char *column_name(void *stmt, int i)
{
	return ((struct statement *)stmt)->cells[i].name;
}

static bool type_is_number(enum enum_field_types type)
{
	return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 || type == MYSQL_TYPE_LONG ||
	       type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

static void column_bind(MYSQL_BIND *bind, struct cell *cell, const MYSQL_FIELD *field)
{
	bind->is_null = &cell->null;
	bind->error = &cell->error;
	bind->length = &cell->len;
	if (type_is_number(field->type)) {
		cell->type = field->flags & UNSIGNED_FLAG ? SQL_V_UINT : SQL_V_INT;
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = &cell->number;
		bind->buffer_length = sizeof(cell->number);
		bind->is_unsigned = cell->type == SQL_V_UINT;
		return;
	}
	cell->type = SQL_V_TEXT;
	cell->cap = COLUMN_BYTES_FIRST;
	cell->text = xmalloc(cell->cap);
	bind->buffer_type = MYSQL_TYPE_STRING;
	bind->buffer = cell->text;
	bind->buffer_length = cell->cap - 1; /* room for a NUL */
}

static void columns_prepare(struct statement *st, MYSQL_RES *fields)
{
	int n = (int)mysql_num_fields(fields);

	st->n_columns = n > SQL_COLUMNS_MAX ? SQL_COLUMNS_MAX : n;
	st->columns = xcalloc((size_t)n, sizeof(*st->columns));
	st->cells = xcalloc((size_t)n, sizeof(*st->cells));
	for (int i = 0; i < n; i++)
		column_bind(&st->columns[i], &st->cells[i], mysql_fetch_field_direct(fields, (unsigned)i));
	for (int i = 0; i < st->n_columns; i++)
		st->cells[i].name = xstrdup(mysql_fetch_field_direct(fields, (unsigned)i)->name);
}

static enum one_rc prepare(struct sql *db, const char *text, void **stmt, struct one_err *err)
{
	struct statement *st = xcalloc(1, sizeof(*st));
	MYSQL_RES *fields;
	enum one_rc rc;

	st->stmt = mysql_stmt_init(mariadb_of(db)->handle);
	if (!st->stmt || mysql_stmt_prepare(st->stmt, text, strlen(text)) != 0) {
		rc = st->stmt ? refuse_statement(db, st, err) : refuse_connection(db, err);
		finalize(st);
		return rc;
	}
	fields = mysql_stmt_result_metadata(st->stmt);
	if (fields) {
		columns_prepare(st, fields);
		mysql_free_result(fields);
	}
	*stmt = st;
	return ONE_OK;
}

/* --- results --------------------------------------------------------------------------------------------------- */

/* A text that was longer than its buffer: a bigger one, filled from the row that was just read. */
static bool cell_grow(struct statement *st, int i)
{
	struct cell *cell = &st->cells[i];
	MYSQL_BIND *bind = &st->columns[i];

	cell->cap = cell->len + cell->len / 2 + 1;
	free(cell->text);
	cell->text = xmalloc(cell->cap);
	bind->buffer = cell->text;
	bind->buffer_length = cell->cap - 1;
	return mysql_stmt_fetch_column(st->stmt, bind, (unsigned)i, 0) == 0;
}

static bool cells_complete(struct statement *st)
{
	bool grown = false;

	for (int i = 0; i < st->n_columns; i++) {
		struct cell *cell = &st->cells[i];

		if (cell->type != SQL_V_TEXT || cell->null || cell->len < cell->cap)
			continue;
		if (!cell_grow(st, i))
			return false;
		grown = true;
	}
	return !grown || mysql_stmt_bind_result(st->stmt, st->columns) == 0;
}

static struct sql_value cell_value(struct cell *cell)
{
	if (cell->null)
		return SQL_NULL;
	if (cell->type != SQL_V_TEXT)
		return (struct sql_value){ .type = cell->type, .i = cell->number };
	cell->text[cell->len] = 0;
	return SQL_STRN(cell->text, cell->len);
}

static bool row_out(struct statement *st, sql_row_fn row, void *ctx)
{
	struct sql_value cols[SQL_COLUMNS_MAX];

	for (int i = 0; i < st->n_columns; i++)
		cols[i] = cell_value(&st->cells[i]);
	return row(ctx, cols, st->n_columns);
}

static enum one_rc rows_fetch(struct sql *db, struct statement *st, sql_row_fn row, void *ctx, struct one_err *err)
{
	int got;

	if (mysql_stmt_bind_result(st->stmt, st->columns) != 0)
		return refuse_statement(db, st, err);
	while ((got = mysql_stmt_fetch(st->stmt)) == 0 || got == MYSQL_DATA_TRUNCATED) {
		if (!cells_complete(st))
			return refuse_statement(db, st, err);
		if (row && !row_out(st, row, ctx))
			return ONE_OK;
	}
	return got == MYSQL_NO_DATA ? ONE_OK : refuse_statement(db, st, err);
}

/* --- parameters ------------------------------------------------------------------------------------------------ */

static void param_bind(MYSQL_BIND *bind, const struct sql_value *v)
{
	switch (v->type) {
	case SQL_V_NULL:
		bind->buffer_type = MYSQL_TYPE_NULL;
		break;
	case SQL_V_INT:
	case SQL_V_UINT:
		bind->buffer_type = MYSQL_TYPE_LONGLONG;
		bind->buffer = (void *)(uintptr_t)&v->i;
		bind->is_unsigned = v->type == SQL_V_UINT;
		break;
	case SQL_V_TEXT:
		bind->buffer_type = MYSQL_TYPE_STRING;
		bind->buffer = (void *)(uintptr_t)v->s;
		bind->buffer_length = v->len;
		break;
	}
}

static size_t row_bytes(const struct sql_value *params, int n)
{
	size_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += VALUE_OVERHEAD + (params[i].type == SQL_V_TEXT ? params[i].len : 0);
	return sum;
}

/* The server would answer by closing the connection, with an error that says nothing about why. */
static enum one_rc packet_check(struct sql *db, size_t bytes, struct one_err *err)
{
	size_t max = mariadb_of(db)->packet_max;

	if (bytes <= max)
		return ONE_OK;
	db->failure = SQL_F_OTHER;
	return one_err_set(err, ONE_INTERNAL,
			   "Database error: a row of %zu bytes is more than the server takes (max_allowed_packet is %zu)",
			   bytes, max);
}

static enum one_rc array_size_set(struct sql *db, struct statement *st, unsigned n, struct one_err *err)
{
	return mysql_stmt_attr_set(st->stmt, STMT_ATTR_ARRAY_SIZE, &n) ? refuse_statement(db, st, err) : ONE_OK;
}

static enum one_rc execute(struct sql *db, struct statement *st, MYSQL_BIND *binds, struct one_err *err)
{
	if (mysql_stmt_bind_param(st->stmt, binds) != 0 || mysql_stmt_execute(st->stmt) != 0)
		return refuse_statement(db, st, err);
	return ONE_OK;
}

static enum one_rc params_check(struct sql *db, const struct statement *st, int n_params, struct one_err *err)
{
	if (mysql_stmt_param_count(st->stmt) == (unsigned long)n_params)
		return ONE_OK;
	db->failure = SQL_F_OTHER;
	return one_err_set(err, ONE_INTERNAL, "Database error: %lu parameters wanted, %d given",
			   mysql_stmt_param_count(st->stmt), n_params);
}

static enum one_rc run(struct sql *db, void *stmt, const struct sql_value *params, int n_params, sql_row_fn row,
		       void *ctx, struct one_err *err)
{
	MYSQL_BIND binds[SQL_PARAMS_MAX] = { 0 };
	struct statement *st = stmt;
	enum one_rc rc = params_check(db, st, n_params, err);

	for (int i = 0; i < n_params; i++)
		param_bind(&binds[i], &params[i]);
	if (rc == ONE_OK)
		rc = packet_check(db, row_bytes(params, n_params), err);
	if (rc == ONE_OK)
		rc = execute(db, st, binds, err);
	if (rc != ONE_OK)
		return rc;
	if (st->n_columns)
		rc = rows_fetch(db, st, row, ctx, err);
	else
		db->matched = (int64_t)mysql_stmt_affected_rows(st->stmt);
	mysql_stmt_free_result(st->stmt);
	return rc;
}

/* --- arrays of parameters -------------------------------------------------------------------------------------- */

/* The column's type over all rows; false: it differs, so it can't be an array. */
static bool column_type(const struct sql_value *first, int n_params, int rows, enum sql_type *type)
{
	*type = SQL_V_NULL;
	for (int i = 0; i < rows; i++) {
		enum sql_type t = first[(size_t)i * (size_t)n_params].type;

		if (t == SQL_V_NULL || t == *type)
			continue;
		if (*type != SQL_V_NULL)
			return false;
		*type = t;
	}
	return true;
}

static void column_array_text(MYSQL_BIND *bind, const struct sql_value *first, int n_params, int rows, struct arena *a)
{
	const char **texts = arena_array(a, rows, const char *);
	unsigned long *lens = arena_array(a, rows, unsigned long);

	for (int i = 0; i < rows; i++) {
		texts[i] = first[(size_t)i * (size_t)n_params].s;
		lens[i] = first[(size_t)i * (size_t)n_params].len;
	}
	bind->buffer_type = MYSQL_TYPE_STRING;
	bind->buffer = texts;
	bind->length = lens;
}

static void column_array_number(MYSQL_BIND *bind, const struct sql_value *first, int n_params, int rows, struct arena *a)
{
	int64_t *numbers = arena_array(a, rows, int64_t);

	for (int i = 0; i < rows; i++)
		numbers[i] = first[(size_t)i * (size_t)n_params].i;
	bind->buffer_type = MYSQL_TYPE_LONGLONG;
	bind->buffer = numbers;
}

static void column_array(MYSQL_BIND *bind, enum sql_type type, const struct sql_value *first, int n_params, int rows,
			 struct arena *a)
{
	char *indicators = arena_array(a, rows, char);

	for (int i = 0; i < rows; i++)
		if (first[(size_t)i * (size_t)n_params].type == SQL_V_NULL)
			indicators[i] = STMT_INDICATOR_NULL;
	bind->u.indicator = indicators;
	bind->is_unsigned = type == SQL_V_UINT;
	if (type == SQL_V_TEXT || type == SQL_V_NULL)
		column_array_text(bind, first, n_params, rows, a);
	else
		column_array_number(bind, first, n_params, rows, a);
}

static bool arrays_make(MYSQL_BIND *binds, const struct sql_value *params, int n_params, int rows, struct arena *a)
{
	for (int i = 0; i < n_params; i++) {
		enum sql_type type;

		if (!column_type(params + i, n_params, rows, &type))
			return false;
		column_array(&binds[i], type, params + i, n_params, rows, a);
	}
	return true;
}

static enum one_rc run_each(struct sql *db, struct statement *st, const struct sql_value *params, int n_params, int rows,
			    struct one_err *err)
{
	int64_t matched = 0;

	for (int i = 0; i < rows; i++) {
		enum one_rc rc = run(db, st, params + (size_t)i * (size_t)n_params, n_params, NULL, NULL, err);

		if (rc != ONE_OK) {
			db->failed_row = i;
			return rc;
		}
		matched += db->matched;
	}
	db->matched = matched;
	return ONE_OK;
}

static enum one_rc run_array(struct sql *db, struct statement *st, const struct sql_value *params, int n_params, int rows,
			     struct one_err *err)
{
	MYSQL_BIND binds[SQL_PARAMS_MAX] = { 0 };
	struct arena a = ARENA_INIT;
	enum one_rc rc, reset;

	if (rows == 1 || !mariadb_of(db)->bulk || !arrays_make(binds, params, n_params, rows, &a)) {
		arena_done(&a);
		return run_each(db, st, params, n_params, rows, err);
	}
	rc = array_size_set(db, st, (unsigned)rows, err);
	if (rc == ONE_OK)
		rc = execute(db, st, binds, err);
	if (rc == ONE_OK)
		db->matched = (int64_t)mysql_stmt_affected_rows(st->stmt);
	reset = array_size_set(db, st, 0, rc == ONE_OK ? err : NULL);
	arena_done(&a);
	return rc == ONE_OK ? reset : rc;
}

/* How many of the rows go into one packet; at least one. */
static int rows_in_packet(struct sql *db, const struct sql_value *params, int n_params, int rows)
{
	size_t max = mariadb_of(db)->packet_max < PACKET_BYTES_MAX ? mariadb_of(db)->packet_max : PACKET_BYTES_MAX;
	size_t sum = 0;
	int n = 0;

	while (n < rows) {
		sum += row_bytes(params + (size_t)n * (size_t)n_params, n_params);
		if (n > 0 && sum > max)
			break;
		n++;
	}
	return n;
}

static enum one_rc run_many(struct sql *db, void *stmt, const struct sql_value *params, int n_params, int rows,
			    struct one_err *err)
{
	enum one_rc rc = params_check(db, stmt, n_params, err);
	int64_t matched = 0;

	for (int done = 0; rc == ONE_OK && done < rows;) {
		const struct sql_value *p = params + (size_t)done * (size_t)n_params;
		int n = rows_in_packet(db, p, n_params, rows - done);

		rc = run_array(db, stmt, p, n_params, n, err);
		if (rc != ONE_OK && db->failed_row >= 0)
			db->failed_row += done;
		matched += db->matched;
		done += n;
	}
	db->matched = matched;
	return rc;
}

/* --- the connection -------------------------------------------------------------------------------------------- */

static unsigned seconds_of(int ms)
{
	return (unsigned)((ms > 0 ? ms : TIMEOUT_DEFAULT_MS) + 999) / 1000;
}

static void options_set(MYSQL *handle, const struct sql_config *config)
{
	unsigned seconds = seconds_of(config->timeout_ms), off = 0;

	mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &seconds);
	mysql_options(handle, MYSQL_OPT_WRITE_TIMEOUT, &seconds);
	mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &off); /* a server must not ask for our files */
}

static bool connect_to(struct mariadb_db *db, const char *database)
{
	const struct sql_config *c = &db->config;

	if (db->handle)
		mysql_close(db->handle);
	db->handle = mysql_init(NULL);
	options_set(db->handle, c);
	if (!mysql_real_connect(db->handle, c->server, c->user, c->password, database,
				c->port > 0 ? (unsigned)c->port : PORT_DEFAULT, c->socket, CLIENT_FOUND_ROWS))
		return false;
	/* The library leaves it open for the programs we start: a driver would hold a connection with all our rights. */
	return fcntl((int)mysql_get_socket(db->handle), F_SETFD, FD_CLOEXEC) == 0;
}

static bool simple_query(struct mariadb_db *db, const char *text)
{
	return mysql_real_query(db->handle, text, strlen(text)) == 0;
}

/* Names compare exactly, as they do in SQLite and in oned. */
static bool database_make(struct mariadb_db *db)
{
	struct strbuf text = STRBUF_INIT;
	bool ok;

	strbuf_adds(&text, "CREATE DATABASE IF NOT EXISTS `");
	for (const char *s = db->config.database; *s; s++)
		strbuf_addf(&text, *s == '`' ? "`%c" : "%c", *s);
	strbuf_adds(&text, "` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
	ok = connect_to(db, NULL) && simple_query(db, text.buf) && connect_to(db, db->config.database);
	strbuf_done(&text);
	return ok;
}

static bool settings_read(struct mariadb_db *db, char *encoding, size_t size)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	bool ok = false;

	if (!simple_query(db, "SELECT @@character_set_database, @@max_allowed_packet"))
		return false;
	res = mysql_store_result(db->handle);
	row = res ? mysql_fetch_row(res) : NULL;
	if (row && row[0] && row[1] && strlen(row[0]) < size) {
		strcpy(encoding, row[0]);
		db->packet_max = strtoull(row[1], NULL, 10);
		db->packet_max -= db->packet_max > 2 * PACKET_OVERHEAD ? PACKET_OVERHEAD : 0;
		ok = true;
	}
	mysql_free_result(res);
	return ok;
}

static bool bulk_known(MYSQL *handle)
{
	unsigned long caps = 0;

	return mariadb_get_infov(handle, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &caps) == 0 &&
	       caps & (unsigned long)(MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32);
}

static bool session_set(struct mariadb_db *db)
{
	char encoding[64];

	if (!settings_read(db, encoding, sizeof(encoding)))
		return false;
	db->bulk = bulk_known(db->handle);
	return mysql_set_character_set(db->handle, db->config.encoding ? db->config.encoding : encoding) == 0 &&
	       simple_query(db, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1, "
				"innodb_lock_wait_timeout = 5");
}

static enum one_rc connection_make(struct mariadb_db *db, struct one_err *err)
{
	bool ok = connect_to(db, db->config.database);

	if (!ok && mysql_errno(db->handle) == ER_BAD_DB_ERROR && !db->config.must_exist)
		ok = database_make(db);
	if (ok && session_set(db)) {
		db->lost = false;
		return ONE_OK;
	}
	refuse_connection(&db->base, err);
	one_err_prefix(err, "Could not connect to database server. ");
	db->lost = true;
	return ONE_INTERNAL;
}

static enum one_rc ready(struct sql *db, struct one_err *err)
{
	if (!mariadb_of(db)->lost)
		return ONE_OK;
	db->failure = SQL_F_RETRY;
	if (db->in_txn)
		return one_err_set(err, ONE_INTERNAL, "Database error: the connection was lost in the middle of a transaction");
	sql_statements_drop(db);
	return connection_make(mariadb_of(db), err);
}

static enum one_rc control(struct sql *db, enum sql_control what, struct one_err *err)
{
	static const char *const texts[] = {
		[SQL_BEGIN] = "START TRANSACTION",
		[SQL_COMMIT] = "COMMIT",
		[SQL_ROLLBACK] = "ROLLBACK",
	};
	enum one_rc rc;

	if (what == SQL_ROLLBACK && mariadb_of(db)->lost)
		return ONE_OK; /* the server has done it */
	rc = ready(db, err);
	if (rc != ONE_OK)
		return rc;
	return simple_query(mariadb_of(db), texts[what]) ? ONE_OK : refuse_connection(db, err);
}

static void close_db(struct sql *base)
{
	struct mariadb_db *db = mariadb_of(base);
	const char *texts[] = { db->config.server,   db->config.user,   db->config.password,
				db->config.database, db->config.socket, db->config.encoding };

	if (db->handle)
		mysql_close(db->handle);
	if (db->config.password)
		explicit_bzero((void *)(uintptr_t)db->config.password, strlen(db->config.password));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free((void *)(uintptr_t)texts[i]);
	free(db);
}

static const struct sql_driver driver = {
	.close = close_db,
	.ready = ready,
	.prepare = prepare,
	.finalize = finalize,
	.column_name = column_name,
	.run = run,
	.run_many = run_many,
	.control = control,
};

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static struct mariadb_db *mariadb_new(const struct sql_config *config)
{
	struct mariadb_db *db = xcalloc(1, sizeof(*db));

	db->base = (struct sql){ .driver = &driver, .backend = SQL_MARIADB, .statements = SMAP_INIT };
	db->config = *config;
	db->config.server = copy(config->server);
	db->config.user = copy(config->user);
	db->config.password = copy(config->password);
	db->config.database = copy(config->database);
	db->config.socket = copy(config->socket);
	db->config.encoding = copy(config->encoding);
	return db;
}

static void library_init(void)
{
	mysql_library_init(0, NULL, NULL);
}

enum one_rc mariadb_open(const struct sql_config *config, struct sql **out, struct one_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct mariadb_db *db;
	enum one_rc rc;

	if (!config->database || !*config->database)
		return one_err_set(err, ONE_INTERNAL, "No name of the database");
	pthread_once(&once, library_init);
	db = mariadb_new(config);
	rc = connection_make(db, err);
	if (rc == ONE_OK)
		*out = &db->base;
	else
		sql_close(&db->base);
	return rc;
}
