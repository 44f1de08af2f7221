/* Writing a batch in one transaction.
 *
 * A batch first goes out as one statement a table (on MariaDB: one round trip). All its rows are absolute, a put or
 * a delete by key, so doing it twice is doing it once: after a lost connection, when nobody knows whether the commit
 * arrived, the whole batch is simply done again. When a statement for many rows is refused on MariaDB, the server
 * doesn't say which row it was; then the batch is done once more row by row to find out. */
#include "oned/store/store_internal.h"

#include <stdlib.h>
#include <time.h>

#include "common/log.h"
#include "common/timeutil.h"
#include "oned/store/store_plan.h"
#include "oned/store/store_schema.h"

static const int backoff_ms[] = { 100, 500, 2000 };
#define RETRIES      ((int)(sizeof(backoff_ms) / sizeof(backoff_ms[0])))
#define RETRY_MOST_MS 10000 /* when each attempt takes long, the callers shall rather know */

struct commit {
	struct store *s;
	const struct store_row *rows;
	struct store_plan plan;
	struct arena *a;
	bool row_by_row;
};

static const char *text_of(struct store *s, enum store_table t, enum store_text which)
{
	struct strbuf sb = STRBUF_INIT;

	if (s->texts[t][which])
		return s->texts[t][which];
	switch (which) {
	case STORE_UPSERT:
		store_sql_upsert(&sb, t, sql_backend(s->db));
		break;
	case STORE_INSERT:
		store_sql_insert(&sb, t);
		break;
	case STORE_UPDATE:
		store_sql_update(&sb, t);
		break;
	case STORE_DELETE:
		store_sql_delete(&sb, t);
		break;
	case STORE_TEXTS:
		break;
	}
	return s->texts[t][which] = strbuf_detach(&sb, NULL);
}

static enum one_rc blame(struct commit *c, size_t in_order, enum one_rc rc)
{
	c->s->failed_row = c->plan.order[in_order];
	return rc;
}

static enum one_rc row_sizes_check(const struct store_row *row, struct one_err *err)
{
	const struct store_table_def *def = store_table_def(row->table);

	for (int i = 0; i < def->n_columns; i++) {
		const struct store_column_def *column = &def->columns[i];
		size_t max = store_type_max(column->type);

		if (row->cols[i].type == SQL_V_TEXT && max && row->cols[i].len > max)
			return one_err_set(err, ONE_INTERNAL,
					   "Cannot write %s: %s has %zu bytes, the column takes %zu on MariaDB",
					   def->name, column->name, row->cols[i].len, max);
	}
	return ONE_OK;
}

/* SQLite takes any text; MariaDB would answer only after the whole of it was sent. */
static enum one_rc sizes_check(struct commit *c, struct one_err *err)
{
	if (sql_backend(c->s->db) != SQL_MARIADB)
		return ONE_OK;
	for (size_t i = 0; i < c->plan.n; i++) {
		const struct store_row *row = &c->rows[c->plan.order[i]];

		if (!row->del && row_sizes_check(row, err) != ONE_OK)
			return blame(c, i, ONE_INTERNAL);
	}
	return ONE_OK;
}

/* The first `width` columns of a step's rows, one after the other. */
static struct sql_value *params_pack(const struct commit *c, const struct store_step *step, int width)
{
	struct sql_value *params = arena_array(c->a, step->n * (size_t)width, struct sql_value);
	struct sql_value *p = params;

	for (size_t i = 0; i < step->n; i++) {
		const struct store_row *row = &c->rows[c->plan.order[step->first + i]];

		for (int k = 0; k < width; k++)
			*p++ = row->cols[k];
	}
	return params;
}

static enum one_rc step_many(struct commit *c, const struct store_step *step, const char *text, int width,
			     struct one_err *err)
{
	enum one_rc rc = sql_run_many(c->s->db, text, params_pack(c, step, width), width, (int)step->n, err);

	if (rc != ONE_OK && sql_failed_row(c->s->db) >= 0)
		return blame(c, step->first + (size_t)sql_failed_row(c->s->db), rc);
	return rc;
}

static enum one_rc step_each(struct commit *c, const struct store_step *step, const char *text, int width,
			     struct one_err *err)
{
	for (size_t i = step->first; i < step->first + step->n; i++) {
		enum one_rc rc = sql_run(c->s->db, text, c->rows[c->plan.order[i]].cols, width, NULL, NULL, err);

		if (rc != ONE_OK)
			return blame(c, i, rc);
	}
	return ONE_OK;
}

static enum one_rc update_or_insert(struct store *s, const struct store_row *row, struct one_err *err)
{
	const struct store_table_def *def = store_table_def(row->table);
	struct sql_value params[STORE_COLUMNS_MAX];
	int n = 0;
	enum one_rc rc;

	for (int i = def->n_key; i < def->n_columns; i++)
		params[n++] = row->cols[i];
	for (int i = 0; i < def->n_key; i++)
		params[n++] = row->cols[i];
	rc = sql_run(s->db, text_of(s, row->table, STORE_UPDATE), params, n, NULL, NULL, err);
	if (rc != ONE_OK || sql_matched(s->db) > 0)
		return rc;
	return sql_run(s->db, text_of(s, row->table, STORE_INSERT), row->cols, def->n_columns, NULL, NULL, err);
}

/* MariaDB's REPLACE and ON DUPLICATE KEY UPDATE take a clash on any unique key for "the row is there" and would delete or
 * change somebody else's row of the same name. */
static enum one_rc step_unique(struct commit *c, const struct store_step *step, struct one_err *err)
{
	for (size_t i = step->first; i < step->first + step->n; i++) {
		enum one_rc rc = update_or_insert(c->s, &c->rows[c->plan.order[i]], err);

		if (rc != ONE_OK)
			return blame(c, i, rc);
	}
	return ONE_OK;
}

static enum one_rc step_run(struct commit *c, const struct store_step *step, struct one_err *err)
{
	const struct store_table_def *def = store_table_def(step->table);
	const char *text;
	int width = step->del ? def->n_key : def->n_columns;

	if (!step->del && def->unique && sql_backend(c->s->db) == SQL_MARIADB)
		return step_unique(c, step, err);
	text = text_of(c->s, step->table, step->del ? STORE_DELETE : STORE_UPSERT);
	return c->row_by_row ? step_each(c, step, text, width, err) : step_many(c, step, text, width, err);
}

static enum one_rc transaction_run(struct commit *c, struct one_err *err)
{
	enum one_rc rc;

	c->s->failed_row = SIZE_MAX;
	rc = sql_begin(c->s->db, err);
	for (size_t i = 0; rc == ONE_OK && i < c->plan.n_steps; i++)
		rc = step_run(c, &c->plan.steps[i], err);
	if (rc == ONE_OK)
		rc = sql_commit(c->s->db, err);
	if (rc != ONE_OK)
		sql_rollback(c->s->db);
	return rc;
}

static void sleep_ms(int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&left, &left) != 0)
		;
}

static enum one_rc transaction_repeat(struct commit *c, struct one_err *err)
{
	struct one_err why = ONE_ERR_INIT;
	int64_t begin = time_mono_ms();
	enum one_rc rc = transaction_run(c, &why);

	for (int i = 0; rc != ONE_OK && sql_may_retry(c->s->db) && i < RETRIES; i++) {
		if (time_mono_ms() - begin > RETRY_MOST_MS)
			break;
		log_warn("ONE", "%s; doing the transaction again in %d ms", why.text, backoff_ms[i]);
		sleep_ms(backoff_ms[i]);
		rc = transaction_run(c, &why);
	}
	if (rc != ONE_OK) {
		if (sql_may_retry(c->s->db))
			c->s->failed_row = SIZE_MAX; /* the server's fault, not the row's */
		one_err_set(err, rc, "%s", why.text);
	}
	return rc;
}

static enum one_rc commit_run(struct commit *c, struct one_err *err)
{
	enum one_rc rc = sizes_check(c, err);

	if (rc == ONE_OK)
		rc = transaction_repeat(c, err);
	else
		return rc;
	if (rc == ONE_OK || sql_may_retry(c->s->db) || c->s->failed_row != SIZE_MAX ||
	    sql_backend(c->s->db) != SQL_MARIADB)
		return rc;
	c->row_by_row = true;
	return transaction_repeat(c, err);
}

enum one_rc store_commit(struct store *s, const struct store_row *rows, size_t n, struct one_err *err)
{
	struct arena a = ARENA_INIT;
	struct commit c = { .s = s, .rows = rows, .a = &a };
	enum one_rc rc;

	s->failed_row = SIZE_MAX;
	if (n == 0)
		return ONE_OK;
	store_plan_make(&c.plan, rows, n, &a);
	rc = commit_run(&c, err);
	arena_done(&a);
	return rc;
}
