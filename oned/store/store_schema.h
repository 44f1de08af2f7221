/* The table of tables and the SQL texts made from it. */
#ifndef ONED_STORE_STORE_SCHEMA_H
#define ONED_STORE_STORE_SCHEMA_H

#include "common/strbuf.h"
#include "oned/store/store.h"

#define STORE_DB_VERSION  "6.10.0"
#define STORE_COLUMNS_MAX 16

enum store_type {
	STORE_T_INT, STORE_T_INTEGER, STORE_T_BIGINT, STORE_T_UBIGINT, STORE_T_BOOLEAN,
	STORE_T_VARCHAR32, STORE_T_VARCHAR128, STORE_T_VARCHAR256, STORE_T_MEDIUMTEXT, STORE_T_LONGTEXT, STORE_T_JSON,
};

struct store_column_def { const char *name; enum store_type type; };
struct store_index_def { const char *name, *columns; };

struct store_table_def {
	const char *name;
	const struct store_column_def *columns;
	int n_columns;
	int n_key;             /* the primary key is the first columns */
	uint32_t unique;       /* bits of the columns of a further unique key; 0: none */
	struct store_index_def index[2];
};

const struct store_table_def *store_table_def(enum store_table t);
/* The most bytes a column takes on MariaDB. */
size_t store_type_max(enum store_type type);

/* Each appends one statement. */
void store_ddl_table(struct strbuf *sb, enum store_table t);
void store_ddl_index(struct strbuf *sb, enum store_table t, const struct store_index_def *index);
/* Parameters: all columns. SQLite: inserts or updates by primary key. */
void store_sql_upsert(struct strbuf *sb, enum store_table t, enum sql_backend backend);
void store_sql_insert(struct strbuf *sb, enum store_table t);
/* Parameters: the columns after the key, then the key. */
void store_sql_update(struct strbuf *sb, enum store_table t);
/* Parameters: the key. */
void store_sql_delete(struct strbuf *sb, enum store_table t);
void store_sql_select(struct strbuf *sb, enum store_table t, uint32_t columns, const char *where);

#endif
