/* The SQLite side of sql.h.
 *
 * The settings (see settings[]) are for one writer that commits often and must not lose a commit, with readers on
 * connections of their own:
 *   WAL            a commit is one append and one fsync; readers never wait for the writer, nor it for them
 *   synchronous    FULL: that fsync is before the commit's answer (NORMAL would lose commits at a power cut)
 *   checkpoints    every 64 MB of log: rows that change again and again (a VM on its way up) are copied to the
 *                  file once instead of each time; the price is a log of about that size. A connection with log_pages
 *                  has a thread for them, and a log that has its full length from the beginning (sql_sqlite_log.h)
 *   page size      16 KB in new files: bodies are 1-30 KB, so most take one to three pages; with 4 KB the chain of
 *                  pages of each body costs more than the bytes
 *   cache          16 MB: holds the inner pages and any usual batch; the rest is the kernel's business
 *   secure_delete  FAST: Debian's default overwrites every freed page, which doubles what an update writes
 *   mmap           off: a disk error would be a SIGBUS in the middle of the daemon instead of an error
 */
#include "common/sql_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/sql_sqlite_log.h"

#define BUSY_TIMEOUT_DEFAULT_MS 2500
#define TWO_POW_63              9223372036854775808.0
#define TWO_POW_64              18446744073709551616.0

struct sqlite_db {
	struct sql base;
	sqlite3 *handle;
	struct sql *log_db;     /* of the thread of `log` */
	struct sqlite_log *log; /* NULL: commits copy it */
};

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

static const char *const settings[] = {
	"PRAGMA page_size = " TEXT(SQLITE_PAGE_BYTES), /* before the file has a page: of no effect on an existing one */
	"PRAGMA journal_mode = WAL",
	"PRAGMA synchronous = FULL",
	"PRAGMA wal_autocheckpoint = 4096",
	"PRAGMA journal_size_limit = 134217728",
	"PRAGMA cache_size = -16384",
	"PRAGMA secure_delete = FAST",
	"PRAGMA mmap_size = 0",
	"PRAGMA trusted_schema = OFF",
};

static sqlite3 *handle_of(struct sql *db)
{
	return ((struct sqlite_db *)db)->handle;
}

static enum sql_failure failure_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return SQL_F_NONE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return SQL_F_RETRY;
	case SQLITE_CONSTRAINT:
		return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? SQL_F_DUPLICATE
											       : SQL_F_OTHER;
	default:
		return SQL_F_OTHER;
	}
}

static enum one_rc refuse(struct sql *db, int code, struct one_err *err)
{
	db->failure = failure_of(code);
	return one_err_set(err, ONE_INTERNAL, "Database error: %s (SQLite %d)", sqlite3_errmsg(handle_of(db)), code);
}

static enum one_rc ready(struct sql *db, struct one_err *err)
{
	(void)db;
	(void)err;
	return ONE_OK;
}

static enum one_rc prepare(struct sql *db, const char *text, void **stmt, struct one_err *err)
{
	sqlite3_stmt *made;
	int code = sqlite3_prepare_v3(handle_of(db), text, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL);

	if (code != SQLITE_OK)
		return refuse(db, code, err);
	*stmt = made;
	return ONE_OK;
}

static void finalize(void *stmt)
{
	sqlite3_finalize(stmt);
}

static const char *column_name(void *stmt, int i)
{
	return sqlite3_column_name(stmt, i);
}

/* SQLite has no 64-bit unsigned: what doesn't fit becomes a REAL, as it does when the number stands in the SQL text. */
static int bind_uint(sqlite3_stmt *stmt, int i, uint64_t n)
{
	return n <= INT64_MAX ? sqlite3_bind_int64(stmt, i, (int64_t)n) : sqlite3_bind_double(stmt, i, (double)n);
}

static int bind_one(sqlite3_stmt *stmt, int i, const struct sql_value *v)
{
	switch (v->type) {
	case SQL_V_NULL:
		return sqlite3_bind_null(stmt, i);
	case SQL_V_INT:
		return sqlite3_bind_int64(stmt, i, v->i);
	case SQL_V_UINT:
		return bind_uint(stmt, i, (uint64_t)v->i);
	case SQL_V_TEXT:
		return sqlite3_bind_text64(stmt, i, v->s, v->len, SQLITE_STATIC, SQLITE_UTF8);
	}
	return SQLITE_MISUSE;
}

static int bind_all(sqlite3_stmt *stmt, const struct sql_value *params, int n)
{
	int code = sqlite3_bind_parameter_count(stmt) == n ? SQLITE_OK : SQLITE_RANGE;

	for (int i = 0; i < n && code == SQLITE_OK; i++)
		code = bind_one(stmt, i + 1, &params[i]);
	return code;
}

static struct sql_value real_value(double d)
{
	if (d >= TWO_POW_64)
		return SQL_UINT(UINT64_MAX);
	if (d >= TWO_POW_63)
		return SQL_UINT((uint64_t)d);
	return SQL_INT(d <= -TWO_POW_63 ? INT64_MIN : (int64_t)d);
}

static struct sql_value column_value(sqlite3_stmt *stmt, int i)
{
	const char *s;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return SQL_INT(sqlite3_column_int64(stmt, i));
	case SQLITE_FLOAT:
		return real_value(sqlite3_column_double(stmt, i));
	case SQLITE_NULL:
		return SQL_NULL;
	default:
		s = (const char *)sqlite3_column_text(stmt, i);
		return SQL_STRN(s ? s : "", s ? (size_t)sqlite3_column_bytes(stmt, i) : 0);
	}
}

static bool row_out(sqlite3_stmt *stmt, sql_row_fn row, void *ctx)
{
	struct sql_value cols[SQL_COLUMNS_MAX];
	int n = sqlite3_column_count(stmt);

	if (!row)
		return true;
	if (n > SQL_COLUMNS_MAX)
		n = SQL_COLUMNS_MAX;
	for (int i = 0; i < n; i++)
		cols[i] = column_value(stmt, i);
	return row(ctx, cols, n);
}

/* Steps to the end. The error is taken before the reset, which would report it a second time. */
static enum one_rc step_all(struct sql *db, sqlite3_stmt *stmt, sql_row_fn row, void *ctx, struct one_err *err)
{
	enum one_rc rc = ONE_OK;
	int64_t before = sqlite3_total_changes64(handle_of(db));
	int code = sqlite3_step(stmt);

	while (code == SQLITE_ROW && row_out(stmt, row, ctx))
		code = sqlite3_step(stmt);
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		rc = refuse(db, code, err);
	db->matched += sqlite3_total_changes64(handle_of(db)) - before;
	sqlite3_reset(stmt);
	return rc;
}

static enum one_rc run(struct sql *db, void *stmt, const struct sql_value *params, int n_params, sql_row_fn row,
		       void *ctx, struct one_err *err)
{
	int code = bind_all(stmt, params, n_params);
	enum one_rc rc = code == SQLITE_OK ? step_all(db, stmt, row, ctx, err) : refuse(db, code, err);

	sqlite3_clear_bindings(stmt); /* they point into the caller's memory */
	return rc;
}

static enum one_rc run_many(struct sql *db, void *stmt, const struct sql_value *params, int n_params, int rows,
			    struct one_err *err)
{
	for (int i = 0; i < rows; i++) {
		enum one_rc rc = run(db, stmt, params + (size_t)i * (size_t)n_params, n_params, NULL, NULL, err);

		if (rc != ONE_OK) {
			db->failed_row = i;
			return rc;
		}
	}
	return ONE_OK;
}

/* IMMEDIATE: who can't have the write lock learns it here and not in the middle. */
static enum one_rc control(struct sql *db, enum sql_control what, struct one_err *err)
{
	static const char *const texts[] = {
		[SQL_BEGIN] = "BEGIN IMMEDIATE",
		[SQL_COMMIT] = "COMMIT",
		[SQL_ROLLBACK] = "ROLLBACK",
	};
	int code;

	if (what == SQL_ROLLBACK && sqlite3_get_autocommit(handle_of(db)))
		return ONE_OK; /* a full disk and the like have rolled back already */
	code = sqlite3_exec(handle_of(db), texts[what], NULL, NULL, NULL);
	return code == SQLITE_OK ? ONE_OK : refuse(db, code, err);
}

static void close_db(struct sql *db)
{
	struct sqlite_db *s = (struct sqlite_db *)db;

	sqlite_log_stop(s->log);
	if (s->log_db)
		sql_close(s->log_db);
	sqlite3_close_v2(handle_of(db));
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

/* The file holds password hashes and tokens: nobody but the owner reads a new one. One that is there isn't opened, for then it would be
 * closed, and with that all locks of this process on it would be gone (fcntl(2)): other processes would take its log for an abandoned one. */
static enum one_rc file_make(const struct sql_config *config, struct one_err *err)
{
	int fd;

	if (!access(config->path, F_OK))
		return ONE_OK;
	fd = config->must_exist ? -1 : open(config->path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno != EEXIST)
		return one_err_set(err, ONE_INTERNAL, "Could not open database file %s: %s", config->path,
				   strerror(errno));
	if (fd >= 0)
		close(fd);
	return ONE_OK;
}

static enum one_rc settings_apply(struct sql *db, const char *path, struct one_err *err)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		int code = sqlite3_exec(handle_of(db), settings[i], NULL, NULL, NULL);

		if (code != SQLITE_OK) {
			refuse(db, code, err);
			one_err_prefix(err, "Could not set up database file %s. ", path);
			return ONE_INTERNAL;
		}
	}
	return ONE_OK;
}

static bool mode_note(void *ctx, const struct sql_value *cols, int n)
{
	*(bool *)ctx = n == 1 && cols[0].type == SQL_V_TEXT && !strcmp(cols[0].s, "wal");
	return true;
}

/* Where there is no shared memory (some network file systems) SQLite stays in its old mode without an error. */
static enum one_rc wal_check(struct sql *db, const char *path, struct one_err *err)
{
	bool wal = false;
	enum one_rc rc = sql_run(db, "PRAGMA journal_mode", NULL, 0, mode_note, &wal, err);

	if (rc == ONE_OK && !wal)
		return one_err_set(err, ONE_INTERNAL,
				   "Database file %s can't have a write-ahead log: put it on a local file system", path);
	return rc;
}

static enum one_rc handle_open(struct sql *db, const struct sql_config *config, struct one_err *err)
{
	int ms = config->busy_timeout_ms > 0 ? config->busy_timeout_ms : BUSY_TIMEOUT_DEFAULT_MS;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int code = sqlite3_open_v2(config->path, &((struct sqlite_db *)db)->handle, flags, NULL);
	enum one_rc rc;

	if (code != SQLITE_OK)
		return one_err_set(err, ONE_INTERNAL, "Could not open database file %s: %s", config->path,
				   sqlite3_errstr(code));
	if (sqlite3_db_readonly(handle_of(db), "main"))
		return one_err_set(err, ONE_INTERNAL, "Database file %s is read-only", config->path);
	sqlite3_busy_timeout(handle_of(db), ms);
	rc = settings_apply(db, config->path, err);
	return rc == ONE_OK ? wal_check(db, config->path, err) : rc;
}

static enum one_rc log_start(struct sqlite_db *s, const struct sql_config *config, struct one_err *err)
{
	struct sql_config of_thread = *config;

	of_thread.log_pages = 0;
	sqlite_log_reserve(s->handle, config->path, config->log_pages);
	if (sqlite_open(&of_thread, &s->log_db, err))
		return err->rc;
	s->log = sqlite_log_start(s->handle, handle_of(s->log_db), config->log_pages, err);
	return s->log ? ONE_OK : err->rc;
}

enum one_rc sqlite_open(const struct sql_config *config, struct sql **out, struct one_err *err)
{
	struct sqlite_db *made;
	enum one_rc rc;

	if (!config->path || !*config->path)
		return one_err_set(err, ONE_INTERNAL, "No path of the database file");
	rc = file_make(config, err);
	if (rc != ONE_OK)
		return rc;
	made = xcalloc(1, sizeof(*made));
	made->base = (struct sql){ .driver = &driver, .backend = SQL_SQLITE, .statements = SMAP_INIT };
	rc = handle_open(&made->base, config, err);
	if (rc == ONE_OK && config->log_pages > 0)
		rc = log_start(made, config, err);
	if (rc == ONE_OK)
		*out = &made->base;
	else
		sql_close(&made->base);
	return rc;
}
