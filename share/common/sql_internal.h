/* What sql.c and the two backends share. Nobody else includes this. */
#ifndef COMMON_SQL_INTERNAL_H
#define COMMON_SQL_INTERNAL_H

#include "common/map.h"
#include "common/sql.h"

#define SQL_PARAMS_MAX  64

enum sql_failure { SQL_F_NONE, SQL_F_RETRY, SQL_F_DUPLICATE, SQL_F_OTHER };
enum sql_control { SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK };

/* A backend. All but close and finalize report through err and set db->failure. `stmt` is what prepare made. */
struct sql_driver {
	void (*close)(struct sql *db);
	/* Makes sure there is a connection; one that has to be made anew drops the statements first. */
	enum one_rc (*ready)(struct sql *db, struct one_err *err);
	enum one_rc (*prepare)(struct sql *db, const char *text, void **stmt, struct one_err *err);
	void (*finalize)(void *stmt);
	const char *(*column_name)(void *stmt, int i);
	enum one_rc (*run)(struct sql *db, void *stmt, const struct sql_value *params, int n_params,
			   sql_row_fn row, void *ctx, struct one_err *err);
	enum one_rc (*run_many)(struct sql *db, void *stmt, const struct sql_value *params, int n_params,
				int rows, struct one_err *err);
	enum one_rc (*control)(struct sql *db, enum sql_control what, struct one_err *err);
};

/* The first member of each backend's connection. */
struct sql {
	const struct sql_driver *driver;
	enum sql_backend backend;
	struct smap statements; /* text -> stmt */
	bool in_txn;
	void *running;          /* the statement that runs: a row callback may not come back in */
	enum sql_failure failure;
	int failed_row;
	int64_t matched;
};

enum one_rc sqlite_open(const struct sql_config *config, struct sql **out, struct one_err *err);
enum one_rc mariadb_open(const struct sql_config *config, struct sql **out, struct one_err *err);

void sql_statements_drop(struct sql *db);

#endif
