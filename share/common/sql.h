/* SQL access: one interface over SQLite and MariaDB, bound parameters everywhere.
 *
 * A connection belongs to one thread at a time. Statements are prepared once a connection and kept
 * (by their text). Quirks of the servers live in sql_sqlite.c and sql_mariadb.c only. */
#ifndef COMMON_SQL_H
#define COMMON_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

enum sql_backend { SQL_SQLITE, SQL_MARIADB };

struct sql_config {
	enum sql_backend backend;
	const char *path;                          /* SQLite: the file (made if missing) */
	int busy_timeout_ms;                       /* SQLite */
	int log_pages;                             /* SQLite: a thread copies the log when it is so long (sql_sqlite_log.h); 0: commits do */
	bool must_exist;                           /* never make a missing file or database */
	const char *server, *user, *password, *database, *socket; /* MariaDB; socket NULL: TCP to server:port */
	const char *encoding;                      /* MariaDB: of the connection; NULL: the database's own */
	int port;
	int timeout_ms;                            /* connect, read and write; 0: 30 seconds */
};

enum sql_type { SQL_V_NULL, SQL_V_INT, SQL_V_UINT, SQL_V_TEXT };
/* SQL_V_UINT: the bits of a uint64_t are in i. A text that comes from the database has a NUL behind it. */
struct sql_value { enum sql_type type; int64_t i; const char *s; size_t len; };
#define SQL_INT(x)     ((struct sql_value){ .type = SQL_V_INT, .i = (x) })
#define SQL_UINT(x)    ((struct sql_value){ .type = SQL_V_UINT, .i = (int64_t)(uint64_t)(x) })
#define SQL_STR(p)     ((struct sql_value){ .type = SQL_V_TEXT, .s = (p), .len = strlen(p) })
#define SQL_STRN(p, n) ((struct sql_value){ .type = SQL_V_TEXT, .s = (p), .len = (n) })
#define SQL_NULL       ((struct sql_value){ .type = SQL_V_NULL })

struct sql;

#define SQL_COLUMNS_MAX 64 /* of a result; what is more is left out */

enum one_rc sql_open(const struct sql_config *config, struct sql **out, struct one_err *err);
void sql_close(struct sql *db);
enum sql_backend sql_backend(const struct sql *db);
/* One row of a result; the values are valid during the call only, and the call may not use the connection.
 * Return false to stop. */
typedef bool (*sql_row_fn)(void *ctx, const struct sql_value *cols, int n);

/* Runs one statement with its parameters ('?' in the text); row may be NULL. */
enum one_rc sql_run(struct sql *db, const char *text, const struct sql_value *params, int n_params,
		    sql_row_fn row, void *ctx, struct one_err *err);
/* Inside a row callback: the name of the i-th column of the result. */
const char *sql_column_name(const struct sql *db, int i);
/* The same statement for many rows of parameters: params[rows * n_params], row after row. On MariaDB one round trip
 * (array binding), so for statements without results only. */
enum one_rc sql_run_many(struct sql *db, const char *text, const struct sql_value *params, int n_params, int rows,
			 struct one_err *err);
/* Rows the last successful statement (all rows of sql_run_many) inserted, deleted or, changed or not, matched to update. */
int64_t sql_matched(const struct sql *db);
/* After sql_run_many failed: the index of the row that was refused, -1 when that is not known. */
int sql_failed_row(const struct sql *db);
/* A write transaction. A connection that was lost before is made anew first. */
enum one_rc sql_begin(struct sql *db, struct one_err *err);
enum one_rc sql_commit(struct sql *db, struct one_err *err);
void sql_rollback(struct sql *db);
/* After a failure: was it of the kind that goes away by doing the whole transaction again (lost connection, deadlock,
 * lock wait, busy)? sql_run after a lost connection connects again first, but inside a transaction everything fails
 * until sql_rollback. When sql_commit loses the connection nobody knows whether it was done. */
bool sql_may_retry(const struct sql *db);
/* After a failure: a unique key stood in the way. */
bool sql_is_duplicate(const struct sql *db);

#endif
