/* Transactions: private copies, side rows, and what leaves after the commit. */
#include "oned/core/txn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/timeutil.h"
#include "oned/core/core_internal.h"

void txn_begin(struct txn *t, struct core *c)
{
	*t = (struct txn){ .core = c, .arena = &c->batch->arena, .now = time_now(), .req_id = -1, .err = ONE_ERR_INIT };
	memcpy(t->last_ids, c->batch->last_ids, sizeof(t->last_ids));
	memcpy(t->side_ids, c->batch->side_ids, sizeof(t->side_ids));
	t->edits_tail = &t->edits;
	t->rows_tail = &t->rows;
	t->outs_tail = &t->outs;
	strbuf_init(&t->scratch);
}

enum one_rc txn_fail(struct txn *t, enum one_rc rc, const char *fmt, ...)
{
	va_list ap;

	assert(rc != ONE_OK);
	if (!txn_ok(t))
		return t->err.rc;
	va_start(ap, fmt);
	one_err_vset(&t->err, rc, fmt, ap);
	va_end(ap);
	return rc;
}

enum one_rc txn_no_object(struct txn *t, enum obj_type type, int id)
{
	const struct obj_ops *ops = obj_ops(type);

	if (!txn_ok(t))
		return t->err.rc;
	txn_fail(t, ONE_NO_EXISTS, "%s", ops ? ops->word : "-");
	t->err.object_id = id;
	return ONE_NO_EXISTS;
}

const struct conf *txn_conf(const struct txn *t)
{
	return t->core->conf;
}

void txn_reserve_ids(struct txn *t, enum obj_type type, int last)
{
	if (t->core->batch->last_ids[type] < last)
		t->core->batch->last_ids[type] = last;
}

int txn_peek_id(struct txn *t, enum obj_type type)
{
	int last = t->core->batch->last_ids[type];

	return last == INT32_MAX ? 0 : last + 1;
}

/* ---- objects ---- */

#define EDITS_LISTED 16 /* most transactions change a few objects: a short list is found through faster than a map is made */

static struct txn_edit *find_edit(struct txn *t, enum obj_type type, int id)
{
	bool indexed = t->n_edits >= EDITS_LISTED;
	const struct obj_ops *ops = obj_ops(type);
	struct txn_edit *found = indexed ? imap_get(&t->edit_index, object_key(type, id)) : NULL;

	/* A new object without a counter gets its id when it is in the index already. */
	if (found || (indexed && !(ops && ops->flags & OBJ_F_NO_COUNTER)))
		return found;
	for (struct txn_edit *e = t->edits; e; e = e->next)
		if (e->o->id == id && e->o->ops->type == type)
			return e;
	return NULL;
}

/* Of two of an object the first is the one that counts. */
static void index_edit(struct txn *t, struct txn_edit *e)
{
	int64_t key = object_key(e->o->ops->type, e->o->id);

	if (!imap_get(&t->edit_index, key))
		imap_put(&t->edit_index, key, e);
}

static void add_edit(struct txn *t, struct object *o)
{
	struct txn_edit *e = arena_new(t->arena, struct txn_edit);

	e->o = o;
	*t->edits_tail = e;
	t->edits_tail = &e->next;
	if (++t->n_edits == EDITS_LISTED)
		for (struct txn_edit *each = t->edits; each; each = each->next)
			index_edit(t, each);
	else if (t->n_edits > EDITS_LISTED)
		index_edit(t, e);
}

const struct version *txn_version(struct txn *t, enum obj_type type, int id)
{
	const struct pending *pending = batch_find(t->core->batch, type, id);
	const struct pool *p = &t->core->pools[type];

	if (!pending)
		pending = batch_find(t->core->writing, type, id);
	if (pending)
		return pending->v;
	/* Only this thread publishes, so the slot can be read without the lock. */
	return id >= 0 && id < p->cap ? p->slots[id] : NULL;
}

bool txn_exists(struct txn *t, enum obj_type type, int id)
{
	struct txn_edit *e = find_edit(t, type, id);

	return e ? !e->o->deleted : txn_version(t, type, id) != NULL;
}

static struct object *load_version(struct txn *t, const struct version *v)
{
	struct object *o = NULL;

	if (v->ops->load_row) { /* no XML form of its own: a row makes it */
		struct sql_value cols[STORE_MAX_COLS];
		struct strbuf none = STRBUF_INIT;
		int n = v->ops->row(v->obj, v, &none, &none, cols);

		o = obj_new(v->ops);
		if (v->ops->load_row(o, cols, n, &t->err))
			abort();
		return o;
	}
	if (obj_load(v->ops, v->body, v->body_len, &o, &t->err)) {
		/* What we rendered ourselves can't be unreadable. */
		fprintf(stderr, "core: %s\n", t->err.text);
		abort();
	}
	return o;
}

void *txn_edit(struct txn *t, enum obj_type type, int id)
{
	struct txn_edit *e;
	const struct version *v;
	struct object *o;

	if (!txn_ok(t))
		return NULL;
	e = find_edit(t, type, id);
	if (e && !e->o->deleted)
		return e->o;
	v = e ? NULL : txn_version(t, type, id);
	if (!v) {
		txn_no_object(t, type, id);
		return NULL;
	}
	o = load_version(t, v);
	add_edit(t, o);
	return o;
}

const void *txn_read(struct txn *t, enum obj_type type, int id)
{
	struct txn_edit *e = find_edit(t, type, id);
	const struct version *v;

	if (e)
		return e->o->deleted ? NULL : e->o;
	v = txn_version(t, type, id);
	if (!v)
		return NULL;
	return v->obj ? (const void *)v->obj : txn_edit(t, type, id);
}

void *txn_new(struct txn *t, enum obj_type type)
{
	const struct obj_ops *ops = obj_ops(type);
	struct object *o;
	int *last = &t->core->batch->last_ids[type];

	if (!txn_ok(t))
		return NULL;
	o = obj_new(ops);
	o->fresh = true;
	if (!(ops->flags & OBJ_F_NO_COUNTER)) {
		*last = *last == INT32_MAX ? 0 : *last + 1;
		o->id = *last;
	}
	add_edit(t, o);
	return o;
}

void txn_keep_ids(struct txn *t, enum obj_type type)
{
	_Static_assert(OBJ_TYPES <= 32, "types are bits of kept_ids");
	t->kept_ids |= 1u << type;
}

void *txn_keep_first_id(struct txn *t, const struct object *o)
{
	if (o->id == 0)
		txn_keep_ids(t, o->ops->type);
	return NULL;
}

void txn_delete(struct txn *t, struct object *o)
{
	(void)t;
	o->deleted = true;
}

int txn_find(struct txn *t, enum obj_type type, const char *name, int uid)
{
	struct pool *p = &t->core->pools[type];
	char buf[POOL_KEY_MAX], full[POOL_KEY_MAX + 16];
	const char *key = pool_name_key(p->ops, name, uid, buf, sizeof(buf));
	intptr_t id;

	assert(key);
	for (struct txn_edit *e = t->edits; e; e = e->next)
		if (e->o->ops->type == type && !e->o->deleted && !strcmp(e->o->name, name) &&
		    ((p->ops->flags & OBJ_F_NAME_GLOBAL) || e->o->uid == uid))
			return e->o->id;
	snprintf(full, sizeof(full), "%d %s", (int)type, key);
	id = (intptr_t)smap_get(&t->core->batch->names, full);
	if (!id && t->core->writing)
		id = (intptr_t)smap_get(&t->core->writing->names, full);
	if (!id)
		id = (intptr_t)smap_get(&p->names, key);
	if (id <= 0)
		return -1;
	/* A private copy may have given the name up meanwhile. */
	return find_edit(t, type, (int)(id - 1)) ? -1 : (int)(id - 1);
}

int txn_ids(struct txn *t, enum obj_type type, int **out)
{
	struct pool *p = &t->core->pools[type];
	int n = 0, last = t->core->batch->last_ids[type], *ids;

	if (last < p->cap - 1)
		last = p->cap - 1;
	ids = arena_array(t->arena, last + 2, int);
	for (int id = 0; id <= last; id++)
		if (txn_exists(t, type, id))
			ids[n++] = id;
	*out = ids;
	return n;
}

/* ---- rows ---- */

static void add_row(struct txn *t, enum store_table table, const struct sql_value *cols, int n, bool del)
{
	struct txn_row *r = arena_new(t->arena, struct txn_row);
	struct sql_value *copy = arena_array(t->arena, n, struct sql_value);

	for (int i = 0; i < n; i++) {
		copy[i] = cols[i];
		if (cols[i].type == SQL_V_TEXT)
			copy[i].s = arena_strndup(t->arena, cols[i].s, cols[i].len);
	}
	r->row = (struct store_row){ .table = table, .del = del, .cols = copy };
	*t->rows_tail = r;
	t->rows_tail = &r->next;
}

void txn_put(struct txn *t, enum store_table table, const struct sql_value *cols, int n)
{
	assert(n == store_columns(table));
	add_row(t, table, cols, n, false);
}

void txn_remove(struct txn *t, enum store_table table, const struct sql_value *cols, int n)
{
	add_row(t, table, cols, n, true);
}

int txn_next_id(struct txn *t, enum store_table table)
{
	return (int)++t->core->batch->side_ids[table];
}

/* ---- what leaves ---- */

static struct txn_out *add_out(struct txn *t, enum txn_out_kind kind)
{
	struct txn_out *out = arena_new(t->arena, struct txn_out);

	out->kind = kind;
	*t->outs_tail = out;
	t->outs_tail = &out->next;
	return out;
}

void txn_send(struct txn *t, const char *kind, const char *name, const char *action, long long id, const char *payload)
{
	struct txn_out *out = add_out(t, TXN_SEND);

	out->mad_kind = arena_strdup(t->arena, kind);
	out->name = arena_strdup(t->arena, name);
	out->action = arena_strdup(t->arena, action);
	out->text = arena_strdup(t->arena, payload);
	out->id = id;
}

/* Hooks are told of a state that wasn't there before this transaction. */
static void tell_state(struct txn *t, const struct version *old, const struct version *v)
{
	unsigned flags = v->ops->flags;
	struct txn_out *out;

	if (!(flags & OBJ_F_EVENTS) || (!old && !(flags & OBJ_F_EVENT_NEW)) ||
	    (old && old->index.state == v->index.state && old->index.lcm_state == v->index.lcm_state))
		return;
	out = add_out(t, TXN_EVENT);
	out->type = v->ops->type;
	out->id = v->id;
}

void txn_vm_log(struct txn *t, int vm_id, int level, const char *module, const char *fmt, ...)
{
	struct txn_out *out = add_out(t, TXN_VM_LOG);
	va_list ap;

	va_start(ap, fmt);
	out->text = arena_vprintf(t->arena, fmt, ap);
	va_end(ap);
	out->name = arena_strdup(t->arena, module);
	out->id = vm_id;
	out->level = level;
}

void txn_after(struct txn *t, int delay_ms, core_run_fn run, core_done_fn done, void *arg)
{
	struct txn_out *out = add_out(t, TXN_TIMER);

	out->delay_ms = delay_ms;
	out->run = run;
	out->done = done;
	out->arg = arg;
}

/* ---- into the batch ---- */

static void batch_name(struct core *c, const struct version *v, bool add)
{
	char buf[POOL_KEY_MAX], full[POOL_KEY_MAX + 16];
	const char *key = pool_name_key(v->ops, v->name, v->uid, buf, sizeof(buf));

	if (!key)
		return;
	snprintf(full, sizeof(full), "%d %s", (int)v->ops->type, key);
	smap_put(&c->batch->names, full, (void *)(intptr_t)(add ? v->id + 1 : -1));
}

/* A text of the row that isn't part of the version lives in the batch from here on. */
static void keep_texts(struct batch *b, const struct version *v, const char *span, size_t span_len, struct sql_value *cols, int n)
{
	for (int i = 0; i < n; i++) {
		if (cols[i].type != SQL_V_TEXT || (cols[i].s >= span && cols[i].s <= span + span_len) || cols[i].s == v->name)
			continue;
		cols[i].s = arena_strndup(&b->arena, cols[i].s, cols[i].len);
	}
}

static void end_edit(struct txn *t, struct object *o)
{
	struct core *c = t->core;
	struct batch *b = c->batch;
	struct strbuf *json = c->store && !store_wants_json(c->store) ? NULL : &c->json;
	struct sql_value *cols = arena_array(&b->arena, STORE_MAX_COLS, struct sql_value);
	const struct version *old = txn_version(t, o->ops->type, o->id);
	struct pending *p;
	struct version *v;
	int n;

	if (o->deleted && (o->fresh || !old)) { /* never was */
		obj_free(o);
		return;
	}
	if (old)
		batch_name(c, old, false);
	v = version_make(o, &c->body, &c->brief, json);
	n = o->ops->row ? o->ops->row(o, v, &c->brief, json, cols) : obj_row_usual(o, v, cols);
	assert(n == store_columns(o->ops->table));
	keep_texts(b, v, v->body, v->body_len, cols, n);
	batch_row(b, &(struct store_row){ .table = o->ops->table, .del = o->deleted, .cols = cols });
	batch_hold(b, v);
	p = batch_pending(b, o->ops->type, o->id);
	version_unref(p->v);
	p->v = NULL;
	if (o->deleted) {
		obj_free(o);
		version_unref(v);
		return;
	}
	batch_name(c, v, true);
	tell_state(t, old, v);
	version_keep_obj(v, o);
	p->v = v;
}

#define OBJECT_SMALL (1024 * 1024) /* of memory: too little to look closer */

static bool is_too_large(struct txn *t, const struct object *o)
{
	struct strbuf *body = &t->core->body;

	if (o->deleted || o->arena.total < OBJECT_SMALL)
		return false;
	strbuf_reset(body);
	o->ops->render(o, body);
	return body->len > OBJECT_MAX_BYTES;
}

void txn_check_sizes(struct txn *t)
{
	for (struct txn_edit *e = t->edits; e && t->call && txn_ok(t); e = e->next)
		if (is_too_large(t, e->o))
			txn_fail(t, ONE_INTERNAL, "%s %d can't have more than %d bytes", e->o->ops->token, e->o->id, OBJECT_MAX_BYTES);
}

void txn_end(struct txn *t)
{
	struct batch *b = t->core->batch;
	struct txn_edit *e = t->edits;

	strbuf_done(&t->scratch);
	imap_done(&t->edit_index);
	if (!txn_ok(t)) {
		for (; e; e = e->next)
			obj_free(e->o);
		for (int i = 0; i < OBJ_TYPES; i++)
			if (!(t->kept_ids & 1u << i))
				b->last_ids[i] = t->last_ids[i];
		memcpy(b->side_ids, t->side_ids, sizeof(b->side_ids));
		return;
	}
	for (; e; e = e->next)
		end_edit(t, e->o);
	for (struct txn_row *r = t->rows; r; r = r->next)
		batch_row(b, &r->row);
	*b->outs_tail = t->outs;
	if (t->outs)
		b->outs_tail = t->outs_tail;
}
