/* Planning a batch: coalescing rows of one key and grouping rows of one table (see the header). */
#include "oned/store/store_plan.h"

#include <stdlib.h>
#include <string.h>

#include "oned/store/store_schema.h"

/* A row that will be written. */
struct slot { const struct store_row *row; size_t place; };

/* Open addressing; an entry is the number of the slot + 1 that has the latest row of a key. */
struct key_table { size_t *entries; size_t mask; };

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h;
}

static uint64_t row_hash(const struct store_row *row)
{
	uint64_t h = hash_bytes(UINT64_C(14695981039346656037), &row->table, sizeof(row->table));

	for (int i = 0; i < store_table_def(row->table)->n_key; i++) {
		const struct sql_value *v = &row->cols[i];

		h = v->type == SQL_V_TEXT ? hash_bytes(h, v->s, v->len) : hash_bytes(h, &v->i, sizeof(v->i));
	}
	return h ^ h >> 32;
}

static bool value_equal(const struct sql_value *a, const struct sql_value *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == SQL_V_TEXT)
		return a->len == b->len && !memcmp(a->s, b->s, a->len);
	return a->type == SQL_V_NULL || a->i == b->i;
}

static bool columns_equal(const struct store_row *a, const struct store_row *b, uint32_t columns)
{
	for (int i = 0; columns >> i; i++)
		if (columns & STORE_COLUMN(i) && !value_equal(&a->cols[i], &b->cols[i]))
			return false;
	return true;
}

static bool key_equal(const struct store_row *a, const struct store_row *b)
{
	return a->table == b->table && columns_equal(a, b, STORE_COLUMN(store_table_def(a->table)->n_key) - 1);
}

static bool may_merge(const struct store_row *earlier, const struct store_row *later)
{
	uint32_t unique = store_table_def(later->table)->unique;

	return !unique || (!earlier->del && !later->del && columns_equal(earlier, later, unique));
}

/* The entry of the row's key; 0 in it: none yet. */
static size_t *key_entry(const struct key_table *keys, const struct slot *slots, const struct store_row *row)
{
	size_t at = (size_t)row_hash(row) & keys->mask;

	while (keys->entries[at] && !key_equal(slots[keys->entries[at] - 1].row, row))
		at = (at + 1) & keys->mask;
	return &keys->entries[at];
}

static struct key_table keys_make(size_t n, struct arena *a)
{
	size_t cap = 4;

	while (cap < 2 * n)
		cap *= 2;
	return (struct key_table){ .entries = arena_array(a, cap, size_t), .mask = cap - 1 };
}

static size_t coalesce(struct slot *slots, const struct store_row *rows, size_t n, struct arena *a)
{
	struct key_table keys = keys_make(n, a);
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		size_t *entry = key_entry(&keys, slots, &rows[i]);

		if (*entry && may_merge(slots[*entry - 1].row, &rows[i])) {
			slots[*entry - 1].row = &rows[i];
			continue;
		}
		slots[used] = (struct slot){ .row = &rows[i], .place = used };
		*entry = ++used;
	}
	return used;
}

/* Table by table (always in the same order, which also keeps two writers from locking crosswise); puts before deletes
 * where the order doesn't matter. */
static int slot_compare(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->row->table != y->row->table)
		return x->row->table < y->row->table ? -1 : 1;
	if (!store_table_def(x->row->table)->unique && x->row->del != y->row->del)
		return x->row->del ? 1 : -1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static bool same_step(const struct store_row *a, const struct store_row *b)
{
	return a->table == b->table && a->del == b->del;
}

void store_plan_make(struct store_plan *plan, const struct store_row *rows, size_t n, struct arena *a)
{
	struct slot *slots = arena_array(a, n, struct slot);
	size_t used = coalesce(slots, rows, n, a);

	qsort(slots, used, sizeof(*slots), slot_compare);
	*plan = (struct store_plan){
		.order = arena_array(a, used, size_t),
		.steps = arena_array(a, used, struct store_step),
		.n = used,
	};
	for (size_t i = 0; i < used; i++) {
		const struct store_row *row = slots[i].row;

		plan->order[i] = (size_t)(row - rows);
		if (i == 0 || !same_step(slots[i - 1].row, row))
			plan->steps[plan->n_steps++] =
				(struct store_step){ .table = row->table, .del = row->del, .first = i };
		plan->steps[plan->n_steps - 1].n++;
	}
}
