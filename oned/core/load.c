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

static bool load_one(void *ctx, const struct sql_value *cols, int n)
{
	struct loading *l = ctx;
	struct core *c = l->c;
	struct version *v;
	struct object *o;

	if (l->pool->ops->wants_row && !l->pool->ops->wants_row(cols))
		return true;
	l->rc = make_object(l, cols, n, &o);
	if (l->rc) {
		one_err_prefix(l->err, "Table %s: ", store_table_name(l->pool->ops->table));
		return false;
	}
	v = version_make(o, &c->body, &c->brief, &c->json);
	version_keep_obj(v, o);
	if (v->id > l->pool->last_id)
		l->pool->last_id = v->id;
	pool_publish(l->pool, v->id, v);
	if (c->on_publish)
		c->on_publish(c->publish_ctx, v->ops->type, v->id, v);
	return true;
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

enum one_rc core_load(struct core *c, struct one_err *err)
{
	enum one_rc rc;

	for (int i = 0; i < OBJ_TYPES; i++) {
		struct loading l = { .c = c, .pool = &c->pools[i], .err = err };

		if (!l.pool->ops)
			continue;
		l.body_column = find_column(l.pool->ops->table, "body");
		rc = store_load(c->store, l.pool->ops->table, load_one, &l, err);
		if (rc || l.rc)
			return rc ? rc : l.rc;
	}
	rc = store_load(c->store, TABLE_POOL_CONTROL, load_counter, c, err);
	batch_done(c);
	batch_init(c);
	return rc;
}
