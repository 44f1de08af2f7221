/* A batch: what the transactions since the last one change, write, send and answer. It is on disk whole or not at all. */
#include <stdlib.h>
#include <string.h>

#include "oned/core/core_internal.h"

struct batch *batch_new(const struct core *c)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->outs_tail = &b->outs;
	b->finished_tail = &b->finished;
	if (c->writing) {
		memcpy(b->last_ids, c->writing->last_ids, sizeof(b->last_ids));
		memcpy(b->side_ids, c->writing->side_ids, sizeof(b->side_ids));
		return b;
	}
	for (int i = 0; i < OBJ_TYPES; i++)
		b->last_ids[i] = c->pools[i].last_id;
	memcpy(b->side_ids, c->side_ids, sizeof(b->side_ids));
	return b;
}

void batch_free(struct batch *b)
{
	for (struct pending *p = b->all; p; p = p->next)
		version_unref(p->v);
	for (size_t i = 0; i < b->n_held; i++)
		version_unref(b->held[i]);
	free(b->held);
	free(b->rows);
	imap_done(&b->index);
	smap_done(&b->names);
	arena_done(&b->arena);
	free(b);
}

struct pending *batch_find(const struct batch *b, enum obj_type type, int id)
{
	return b ? imap_get(&b->index, object_key(type, id)) : NULL;
}

struct pending *batch_pending(struct batch *b, enum obj_type type, int id)
{
	struct pending *p = batch_find(b, type, id);

	if (p)
		return p;
	p = arena_new(&b->arena, struct pending);
	p->type = type;
	p->id = id;
	p->next = b->all;
	b->all = p;
	imap_put(&b->index, object_key(type, id), p);
	return p;
}

void batch_hold(struct batch *b, struct version *v)
{
	if (b->n_held == b->cap_held) {
		b->cap_held = b->cap_held ? b->cap_held * 2 : 64;
		b->held = xrealloc(b->held, b->cap_held * sizeof(*b->held));
	}
	b->held[b->n_held++] = version_ref(v);
}

void batch_row(struct batch *b, const struct store_row *row)
{
	if (b->n_rows == b->cap_rows) {
		b->cap_rows = b->cap_rows ? b->cap_rows * 2 : 64;
		b->rows = xrealloc(b->rows, b->cap_rows * sizeof(*b->rows));
	}
	b->rows[b->n_rows++] = *row;
}

static void counter_row(struct batch *b, enum store_table table, int64_t last)
{
	struct sql_value *cols = arena_array(&b->arena, 2, struct sql_value);

	cols[0] = SQL_STR(store_table_name(table));
	cols[1] = SQL_INT(last);
	batch_row(b, &(struct store_row){ .table = TABLE_POOL_CONTROL, .cols = cols });
}

void batch_counters(struct batch *b, const struct core *c)
{
	for (int i = 0; i < OBJ_TYPES; i++)
		if (c->pools[i].ops && b->last_ids[i] != c->pools[i].last_id)
			counter_row(b, c->pools[i].ops->table, b->last_ids[i]);
	for (int i = 0; i < TABLE_COUNT; i++)
		if (b->side_ids[i] != c->side_ids[i])
			counter_row(b, (enum store_table)i, b->side_ids[i]);
}

void batch_publish(const struct batch *b, struct core *c)
{
	for (struct pending *p = b->all; p; p = p->next) {
		pool_publish(&c->pools[p->type], p->id, version_ref(p->v));
		if (c->on_publish)
			c->on_publish(c->publish_ctx, p->type, p->id, p->v);
	}
	for (int i = 0; i < OBJ_TYPES; i++)
		c->pools[i].last_id = b->last_ids[i];
	memcpy(c->side_ids, b->side_ids, sizeof(c->side_ids));
}
