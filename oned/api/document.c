/* one.document.* */
#include "oned/objects/document.h"

#include "oned/api/filter.h"
#include "oned/api/infra.h"
#include "oned/api/usual.h"
#include "oned/objects/encrypted.h"

static void api_document_allocate(struct txn *t, struct call *c)
{
	struct object owner = infra_owner(c);
	struct document *d;

	attributes_encrypt(txn_conf(t), OBJ_DOCUMENT, c->prepared);
	d = document_create(t, &owner, c->prepared, call_int(c, 1));
	if (d)
		call_ok_int(c, d->o.id);
}

static void api_document_clone(struct txn *t, struct call *c)
{
	const struct document *from = txn_read(t, OBJ_DOCUMENT, call_int(c, 0));
	struct object owner = infra_owner(c);
	struct document *d;
	struct tmpl *copy;

	if (!from)
		txn_no_object(t, OBJ_DOCUMENT, call_int(c, 0));
	else
		call_may_clone(t, c, OBJ_DOCUMENT, from->o.id);
	if (!txn_ok(t))
		return;
	copy = tmpl_copy(t->arena, from->o.tmpl);
	tmpl_set(copy, "NAME", call_str(c, 1));
	d = document_create(t, &owner, copy, from->type);
	if (d)
		call_ok_int(c, d->o.id);
	else
		t->err.rc = ONE_ALLOCATE;
}

static bool of_type(void *ctx, const struct version *v)
{
	return v->index.parent == *(const int *)ctx;
}

static void api_document_pool(struct call *c)
{
	int type = call_int(c, 3);
	struct pool_filter f = { .flag = call_int(c, 0), .first = call_int(c, 1), .last = call_int(c, 2), .also = of_type, .also_ctx = &type };

	filter_answer(c, OBJ_DOCUMENT, &f);
}

const struct method document_methods[] = {
	/* clang-format off */
	{ .name = "one.document.allocate", .params = "template:s type:i", .object = OBJ_DOCUMENT, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_document_allocate, .doc = "Makes a document; its type is the caller's to choose." },
	{ .name = "one.document.clone", .params = "id:i name:s unused:b=false", .object = OBJ_DOCUMENT, .right = AUTH_USE,
	  .flags = M_NO_RIGHT, .write = api_document_clone, .doc = "Copies a document; needs CREATE too." },
	USUAL_INFO("document", OBJ_DOCUMENT, "A document; decrypt: encrypted attributes in clear, for admins."),
	{ .name = "one.documentpool.info", .params = "filter:i start:i end:i type:i", .object = OBJ_DOCUMENT, .right = AUTH_USE,
	  .flags = M_ZONE_DISABLED, .read = api_document_pool, .doc = "The visible documents of a type." },
	USUAL_UPDATE("document", OBJ_DOCUMENT),
	USUAL_DELETE("document", OBJ_DOCUMENT, "Deletes a document."),
	USUAL_RENAME("document", OBJ_DOCUMENT),
	USUAL_CHMOD("document", OBJ_DOCUMENT),
	USUAL_CHOWN("document", OBJ_DOCUMENT),
	USUAL_LOCKS("document", OBJ_DOCUMENT),
	{ .name = NULL },
	/* clang-format on */
};
