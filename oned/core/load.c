/* Start-up: reads the pools from the database. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "oned/core/core_internal.h"

struct loading {
	struct core *c;
	struct pool *pool;
	int body_column;
	struct one_err *err;
	enum one_rc rc;
};

static int find_column(enum store_table table, const char *name)
{
	for (int i = 0; i < store_columns(table); i++)
		if (!strcmp(store_column(table, i), name))
			return i;
	return -1;
}

static enum one_rc make_object(struct loading *l, const struct sql_value *cols, int n, struct object **o)
{
	const struct obj_ops *ops = l->pool->ops;

	if (!ops->load_row)
		return obj_load(ops, cols[l->body_column].s, cols[l->body_column].len, o, l->err);
	*o = obj_new(ops);
	l->rc = ops->load_row(*o, cols, n, l->err);
	if (l->rc)
		obj_free(*o);
	return l->rc;
}

static void take_version(struct loading *l, struct version *v)
{
	struct core *c = l->c;

	if (v->id > l->pool->last_id)
		l->pool->last_id = v->id;
	pool_publish(l->pool, v->id, v);
	if (c->on_publish)
		c->on_publish(c->publish_ctx, v->ops->type, v->id, v);
}

static enum one_rc load_whole(struct loading *l, const struct sql_value *cols, int n)
{
	struct core *c = l->c;
	struct version *v;
	struct object *o;
	enum one_rc rc = make_object(l, cols, n, &o);

	if (rc)
		return rc;
	v = version_make(o, &c->body, &c->brief, NULL);
	version_keep_obj(v, o);
	take_version(l, v);
	return ONE_OK;
}

/* Most of what is read at the start are VMs: their bodies are kept as they are. */
static enum one_rc load_peeked(struct loading *l, const struct sql_value *cols)
{
	struct object head = { .ops = l->pool->ops, .name = "", .uname = "", .gname = "" };
	struct obj_index index = { 0 };
	struct sql_value brief = SQL_STR("");
	enum one_rc rc = l->pool->ops->peek(cols, &head, &index, &brief, l->err);

	if (!rc)
		take_version(l, version_of_row(&head, &index, &cols[l->body_column], &brief));
	arena_done(&head.arena);
	return rc;
}

static bool load_one(void *ctx, const struct sql_value *cols, int n)
{
	struct loading *l = ctx;
	const struct obj_ops *ops = l->pool->ops;

	if (ops->wants_row && !ops->wants_row(cols))
		return true;
	l->rc = ops->peek ? load_peeked(l, cols) : load_whole(l, cols, n);
	if (l->rc)
		one_err_prefix(l->err, "Table %s: ", store_table_name(ops->table));
	return !l->rc;
}

static bool load_counter(void *ctx, const struct sql_value *cols, int n)
{
	struct core *c = ctx;
	(void)n;

	for (int i = 0; i < TABLE_COUNT; i++) {
		if (strcmp(store_table_name((enum store_table)i), cols[0].s) != 0)
			continue;
		c->side_ids[i] = cols[1].i;
		for (int k = 0; k < OBJ_TYPES; k++)
			if (c->pools[k].ops && (int)c->pools[k].ops->table == i)
				c->pools[k].last_id = (int)cols[1].i;
	}
	return true;
}

/* The JSON form is only ever written. */
static uint32_t wanted_columns(const struct obj_ops *ops)
{
	int json = find_column(ops->table, "body_json");

	return json < 0 ? STORE_ALL_COLUMNS : STORE_ALL_COLUMNS & ~STORE_COLUMN(json);
}

enum one_rc core_load(struct core *c, struct one_err *err)
{
	enum one_rc rc;

	for (int i = 0; i < OBJ_TYPES; i++) {
		struct loading l = { .c = c, .pool = &c->pools[i], .err = err };

		if (!l.pool->ops)
			continue;
		l.body_column = find_column(l.pool->ops->table, "body");
		rc = store_select_columns(c->store, l.pool->ops->table, wanted_columns(l.pool->ops), NULL, NULL, 0, load_one, &l, err);
		if (rc || l.rc)
			return rc ? rc : l.rc;
	}
	rc = store_load(c->store, TABLE_POOL_CONTROL, load_counter, c, err);
	batch_free(c->batch);
	c->batch = batch_new(c);
	return rc;
}
