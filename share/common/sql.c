/* The part of SQL access that both backends share: statements kept by their text, transactions, what failed.
 *
 * A statement text is ours and constant, so a connection comes to a few hundred of them at most; the limit below is
 * for callers that don't keep to that. */
#include "common/sql_internal.h"

#include <assert.h>
#include <stdlib.h>

#define STATEMENTS_MAX 512

enum one_rc sql_open(const struct sql_config *config, struct sql **out, struct one_err *err)
{
	switch (config->backend) {
	case SQL_SQLITE:
		return sqlite_open(config, out, err);
	case SQL_MARIADB:
		return mariadb_open(config, out, err);
	}
	return one_err_set(err, ONE_INTERNAL, "Unknown database backend %d", (int)config->backend);
}

void sql_close(struct sql *db)
{
	if (!db)
		return;
	sql_statements_drop(db);
	db->driver->close(db);
}

enum sql_backend sql_backend(const struct sql *db)
{
	return db->backend;
}

void sql_statements_drop(struct sql *db)
{
	const char *text;
	void *stmt;
	size_t it = 0;

	while (smap_next(&db->statements, &it, &text, &stmt))
		db->driver->finalize(stmt);
	smap_done(&db->statements);
	db->statements = (struct smap)SMAP_INIT;
}

static enum one_rc statement_get(struct sql *db, const char *text, void **stmt, struct one_err *err)
{
	enum one_rc rc;

	*stmt = smap_get(&db->statements, text);
	if (*stmt)
		return ONE_OK;
	if (db->statements.n >= STATEMENTS_MAX)
		sql_statements_drop(db);
	rc = db->driver->prepare(db, text, stmt, err);
	if (rc == ONE_OK)
		smap_put(&db->statements, text, *stmt);
	return rc;
}

static enum one_rc statement_begin(struct sql *db, const char *text, int n_params, void **stmt, struct one_err *err)
{
	enum one_rc rc;

	assert(!db->running && n_params <= SQL_PARAMS_MAX);
	db->failure = SQL_F_NONE;
	db->failed_row = -1;
	db->matched = 0;
	rc = db->driver->ready(db, err);
	return rc == ONE_OK ? statement_get(db, text, stmt, err) : rc;
}

enum one_rc sql_run(struct sql *db, const char *text, const struct sql_value *params, int n_params,
		    sql_row_fn row, void *ctx, struct one_err *err)
{
	void *stmt;
	enum one_rc rc = statement_begin(db, text, n_params, &stmt, err);

	if (rc != ONE_OK)
		return rc;
	db->running = stmt;
	rc = db->driver->run(db, stmt, params, n_params, row, ctx, err);
	db->running = NULL;
	return rc;
}

const char *sql_column_name(const struct sql *db, int i)
{
	assert(db->running);
	return db->driver->column_name(db->running, i);
}

enum one_rc sql_run_many(struct sql *db, const char *text, const struct sql_value *params, int n_params, int rows,
			 struct one_err *err)
{
	void *stmt;
	enum one_rc rc = statement_begin(db, text, n_params, &stmt, err);

	if (rc != ONE_OK || rows == 0)
		return rc;
	return db->driver->run_many(db, stmt, params, n_params, rows, err);
}

static enum one_rc control(struct sql *db, enum sql_control what, struct one_err *err)
{
	assert(!db->running);
	db->failure = SQL_F_NONE;
	return db->driver->control(db, what, err);
}

enum one_rc sql_begin(struct sql *db, struct one_err *err)
{
	enum one_rc rc;

	assert(!db->in_txn && !db->running);
	db->failure = SQL_F_NONE;
	rc = db->driver->ready(db, err);
	if (rc != ONE_OK)
		return rc;
	rc = control(db, SQL_BEGIN, err);
	if (rc != ONE_OK && db->failure == SQL_F_RETRY && db->backend == SQL_MARIADB)
		rc = control(db, SQL_BEGIN, err); /* an idle connection was closed: nothing is lost yet */
	db->in_txn = rc == ONE_OK;
	return rc;
}

enum one_rc sql_commit(struct sql *db, struct one_err *err)
{
	enum one_rc rc;

	assert(db->in_txn);
	rc = control(db, SQL_COMMIT, err);
	if (rc == ONE_OK)
		db->in_txn = false;
	return rc;
}

void sql_rollback(struct sql *db)
{
	enum sql_failure why = db->failure; /* of the statement that made the caller give up */

	if (!db->in_txn)
		return;
	control(db, SQL_ROLLBACK, NULL);
	db->in_txn = false;
	db->failure = why;
}

int64_t sql_matched(const struct sql *db)
{
	return db->matched;
}

int sql_failed_row(const struct sql *db)
{
	return db->failed_row;
}

bool sql_may_retry(const struct sql *db)
{
	return db->failure == SQL_F_RETRY;
}

bool sql_is_duplicate(const struct sql *db)
{
	return db->failure == SQL_F_DUPLICATE;
}
