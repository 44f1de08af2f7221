#include "oned/objects/document.h"

#include <string.h>

#include "oned/objects/common.h"

#define NAME_MAX_BYTES 128

static enum one_rc document_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	(void)err;
	((struct document *)o)->type = (int)xml_int(x, "TYPE", 0);
	return ONE_OK;
}

static void document_render(const struct object *o, struct strbuf *out)
{
	xml_out_open(out, "DOCUMENT");
	obj_out_head(o, out);
	xml_out_int(out, "TYPE", ((const struct document *)o)->type);
	obj_out_permissions(o, out);
	obj_out_lock(o, out);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "DOCUMENT");
}

static void document_index(const struct object *o, struct obj_index *out)
{
	out->parent = ((const struct document *)o)->type;
}

/* The type stands behind the body. */
static int document_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
			struct sql_value *cols)
{
	struct sql_value usual[STORE_MAX_COLS];
	int n = obj_row_usual(o, v, usual);

	(void)brief;
	(void)json;
	memcpy(cols, usual, 3 * sizeof(*cols));
	cols[3] = SQL_INT(v->index.parent);
	memcpy(cols + 4, usual + 3, (size_t)(n - 3) * sizeof(*cols));
	return n + 1;
}

const struct obj_ops document_ops = {
	.type = OBJ_DOCUMENT, .token = "DOCUMENT", .word = "document", .root = "DOCUMENT", .pool_root = "DOCUMENT_POOL",
	.table = TABLE_DOCUMENT, .size = sizeof(struct document), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE,
	.load = document_load, .render = document_render, .index = document_index, .row = document_row,
};

struct document *document_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, int type)
{
	struct document *d = txn_new(t, OBJ_DOCUMENT);

	if (!d)
		return NULL;
	object_take(&d->o, owner, tmpl);
	d->type = type;
	d->o.name = tmpl_take(d->o.tmpl, "NAME");
	if (!*d->o.name)
		d->o.name = arena_printf(&d->o.arena, "document-%d", d->o.id);
	if (strlen(d->o.name) > NAME_MAX_BYTES) {
		if (d->o.id == 0) /* the first id of all, and only that one, stays taken */
			txn_keep_ids(t, OBJ_DOCUMENT);
		txn_fail(t, ONE_INTERNAL, "NAME is too long; max length is %d chars.", NAME_MAX_BYTES);
		return NULL;
	}
	return d;
}
