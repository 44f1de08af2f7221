/* The only code of oned that speaks SQL: the tables of an OpenNebula 6.10 database (shared spec, db.md).
 *
 * The core hands in rows, the store writes all of a batch in one database transaction. A table is a row of the
 * table of tables in store.c: its columns in order, its key, its DDL. Values of a row are in the order of the columns.
 * One store belongs to one thread (the core's); readers of big tables (monitoring, accounting, DONE VMs) open their own. */
#ifndef ONED_STORE_STORE_H
#define ONED_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/sql.h"

enum store_table {
	TABLE_VM, TABLE_HOST, TABLE_TEMPLATE, TABLE_NETWORK, TABLE_VNTEMPLATE, TABLE_IMAGE, TABLE_DATASTORE, TABLE_CLUSTER,
	TABLE_DOCUMENT, TABLE_SECGROUP, TABLE_VROUTER, TABLE_VMGROUP, TABLE_HOOK, TABLE_BACKUPJOB, TABLE_SCHEDACTION,
	TABLE_GROUP, TABLE_USER, TABLE_ZONE, TABLE_VDC, TABLE_MARKET, TABLE_MARKETAPP,
	TABLE_HISTORY, TABLE_VM_MONITORING, TABLE_HOST_MONITORING, TABLE_VM_SHOWBACK, TABLE_VM_IMPORT,
	TABLE_CLUSTER_DATASTORE, TABLE_CLUSTER_NETWORK, TABLE_VNC_BITMAP, TABLE_VLAN_BITMAP, TABLE_ACL,
	TABLE_USER_QUOTAS, TABLE_GROUP_QUOTAS, TABLE_HOOK_LOG, TABLE_LOGDB, TABLE_POOL_CONTROL,
	TABLE_SYSTEM_ATTRIBUTES, TABLE_DB_VERSIONING, TABLE_LOCAL_DB_VERSIONING,
	TABLE_COUNT
};

struct store_row {
	enum store_table table;
	bool del;                       /* delete by key: only the key columns of `cols` are read */
	const struct sql_value *cols;   /* one a column, in the table's order */
};

struct store;

int store_columns(enum store_table t);          /* number of columns */
const char *store_table_name(enum store_table t);
const char *store_column(enum store_table t, int i);

/* Opens the database. `create`: makes all tables and indexes that are missing (CREATE ... IF NOT EXISTS) and, in an empty
 * database, the versioning rows ("oned -i" and the first start). Without it, missing tables are an error that says so.
 * Then checks the schema version (6.10.0): another one is ONE_INTERNAL with OpenNebula's text (db.md section 3).
 * `comment` is that of the versioning rows, "<name and version> daemon bootstrap"; that text takes name and version from it. */
enum one_rc store_open(const struct sql_config *config, bool create, const char *comment, struct store **out, struct one_err *err);
void store_close(struct store *s);
/* Is body_json of use? Only MariaDB searches it; on SQLite the column stays NULL, which saves two fifths of what is written. */
bool store_wants_json(const struct store *s);

/* All rows in one transaction, in the order given where it matters: of one key only the last counts. A put inserts or replaces by key.
 * Lost connections and deadlocks are retried as a whole (3 times, with backoff, none after 10 s); else nothing was written and the
 * reason is in err. Durable when it returns ONE_OK (SQLite: WAL with synchronous=FULL). */
enum one_rc store_commit(struct store *s, const struct store_row *rows, size_t n, struct one_err *err);
/* After store_commit failed: the index of the row that is to blame (its key clashes with another row's name, it is too
 * big, ...), so the others can be committed without it; SIZE_MAX when no single row is (disk full, no connection). */
size_t store_failed_row(const struct store *s);

/* The columns a reader asks for: bit i for column i. The others arrive as SQL_V_NULL, in their places, and cost nothing. */
#define STORE_COLUMN(i)   (UINT32_C(1) << (i))
#define STORE_ALL_COLUMNS UINT32_MAX

/* Reads a table in key order (order of its primary key), all columns. A row callback may not use the store. */
enum one_rc store_load(struct store *s, enum store_table t, sql_row_fn row, void *ctx, struct one_err *err);
/* One SELECT of somebody who may read everything, as it is; rows with the columns' names. ONE_ACTION when it is anything else. */
typedef bool (*store_named_row_fn)(void *ctx, const char *const *names, const struct sql_value *cols, int n);
enum one_rc store_query(struct store *s, const char *select, store_named_row_fn row, void *ctx, struct one_err *err);
/* Reads with a condition of ours, e.g. "vid = ? ORDER BY seq". Never text from outside. */
enum one_rc store_select(struct store *s, enum store_table t, const char *where, const struct sql_value *params, int n,
			 sql_row_fn row, void *ctx, struct one_err *err);
/* Both with a choice of columns; where NULL: all rows in key order. */
enum one_rc store_select_columns(struct store *s, enum store_table t, uint32_t columns, const char *where,
				 const struct sql_value *params, int n, sql_row_fn row, void *ctx, struct one_err *err);
/* Deletes with a condition of ours in a transaction of its own (expiry of monitoring). */
enum one_rc store_delete_where(struct store *s, enum store_table t, const char *where, const struct sql_value *params, int n,
			       struct one_err *err);

#endif
