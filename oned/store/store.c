/* Opening the store and reading from it. */
#include "oned/store/store.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/arena.h"
#include "oned/store/store_internal.h"
#include "oned/store/store_schema.h"

#define LOG_PAGES 4096 /* 64 MB */

enum one_rc store_open(const struct sql_config *config, bool create, const char *comment, struct store **out,
		       struct one_err *err)
{
	struct sql_config local = *config;
	struct store *s;
	struct sql *db;
	enum one_rc rc;

	local.must_exist |= !create;
	if (create) /* who creates commits */
		local.log_pages = LOG_PAGES;
	rc = sql_open(&local, &db, err);
	if (rc != ONE_OK)
		return rc;
	s = xcalloc(1, sizeof(*s));
	s->db = db;
	s->comment = xstrdup(comment);
	s->failed_row = SIZE_MAX;
	rc = store_bootstrap(s, create, err);
	if (rc == ONE_OK)
		*out = s;
	else
		store_close(s);
	return rc;
}

bool store_wants_json(const struct store *s)
{
	return sql_backend(s->db) == SQL_MARIADB;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (int t = 0; t < TABLE_COUNT; t++)
		for (int i = 0; i < STORE_TEXTS; i++)
			free(s->texts[t][i]);
	sql_close(s->db);
	free(s->comment);
	free(s);
}

size_t store_failed_row(const struct store *s)
{
	return s->failed_row;
}

/* Notes whether a row was handed out: from then on a read can't be done again. */
struct reader { sql_row_fn row; void *ctx; bool any; };

static bool reader_row(void *ctx, const struct sql_value *cols, int n)
{
	struct reader *r = ctx;

	r->any = true;
	return r->row ? r->row(r->ctx, cols, n) : true;
}

enum one_rc store_select_columns(struct store *s, enum store_table t, uint32_t columns, const char *where,
				 const struct sql_value *params, int n, sql_row_fn row, void *ctx, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct reader reader = { .row = row, .ctx = ctx };
	enum one_rc rc;

	store_sql_select(&text, t, columns, where);
	rc = sql_run(s->db, text.buf, params, n, reader_row, &reader, err);
	if (rc != ONE_OK && sql_may_retry(s->db) && !reader.any)
		rc = sql_run(s->db, text.buf, params, n, reader_row, &reader, err);
	strbuf_done(&text);
	return rc;
}

enum one_rc store_select(struct store *s, enum store_table t, const char *where, const struct sql_value *params, int n,
			 sql_row_fn row, void *ctx, struct one_err *err)
{
	return store_select_columns(s, t, STORE_ALL_COLUMNS, where, params, n, row, ctx, err);
}

struct named_reader { struct sql *db; store_named_row_fn row; void *ctx; };

static bool named_row(void *ctx, const struct sql_value *cols, int n)
{
	struct named_reader *r = ctx;
	const char *names[SQL_COLUMNS_MAX];

	for (int i = 0; i < n; i++)
		names[i] = sql_column_name(r->db, i);
	return r->row(r->ctx, names, cols, n);
}

static bool is_select(const char *text)
{
	text += strspn(text, " \t\r\n");
	return !strncasecmp(text, "SELECT", 6) && strchr(" \t\r\n(*", text[6]);
}

enum one_rc store_query(struct store *s, const char *select, store_named_row_fn row, void *ctx, struct one_err *err)
{
	struct named_reader reader = { .db = s->db, .row = row, .ctx = ctx };

	if (!is_select(select))
		return one_err_set(err, ONE_ACTION, "Only SELECT can be asked");
	return sql_run(s->db, select, NULL, 0, named_row, &reader, err);
}

enum one_rc store_load(struct store *s, enum store_table t, sql_row_fn row, void *ctx, struct one_err *err)
{
	return store_select_columns(s, t, STORE_ALL_COLUMNS, NULL, NULL, 0, row, ctx, err);
}

enum one_rc store_delete_where(struct store *s, enum store_table t, const char *where, const struct sql_value *params, int n,
			       struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc;

	strbuf_addf(&text, "DELETE FROM %s WHERE %s", store_table_name(t), where);
	rc = sql_run(s->db, text.buf, params, n, NULL, NULL, err);
	if (rc != ONE_OK && sql_may_retry(s->db))
		rc = sql_run(s->db, text.buf, params, n, NULL, NULL, err);
	strbuf_done(&text);
	return rc;
}
