#include "oned/api/restricted.h"

#include <string.h>
#include <strings.h>

#include "common/conf.h"
#include "oned/api/api.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/vm.h"
#include "oned/objects/vm_conf.h"

/* Which keys of oned.conf list a type's attributes. What quotas count is as restricted as what costs. */
static const struct { enum obj_type type; const char *keys[2]; } lists[] = {
	{ OBJ_VM, { "VM_RESTRICTED_ATTR", "QUOTA_VM_ATTRIBUTE" } },
	{ OBJ_TEMPLATE, { "VM_RESTRICTED_ATTR", "QUOTA_VM_ATTRIBUTE" } },
	{ OBJ_IMAGE, { "IMAGE_RESTRICTED_ATTR" } },
	{ OBJ_NET, { "VNET_RESTRICTED_ATTR" } },
	{ OBJ_VNTEMPLATE, { "VNET_RESTRICTED_ATTR" } },
	{ OBJ_USER, { "USER_RESTRICTED_ATTR" } },
	{ OBJ_GROUP, { "GROUP_RESTRICTED_ATTR" } },
};

/* The row of a type, -1: nothing of it is restricted. */
static int list_of(enum obj_type type)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (lists[i].type == type)
			return (int)i;
	return -1;
}

/* The entries of a type's restricted attributes, one after the other. */
struct restricted { const struct conf *conf; int list, key; const struct attr *at; };

static struct restricted restricted_of(const struct conf *conf, enum obj_type type)
{
	return (struct restricted){ .conf = conf, .list = conf ? list_of(type) : -1, .key = -1 };
}

static const char *restricted_next(struct restricted *r)
{
	if (r->at)
		r->at = conf_next(r->at);
	while (!r->at && r->list >= 0 && r->key < 1 && lists[r->list].keys[r->key + 1])
		r->at = conf_first(r->conf, lists[r->list].keys[++r->key]);
	return r->at ? r->at->value : NULL;
}

/* Entry "A" or "A/B": the part before and after the slash. */
struct entry { char vector[128]; const char *inner; };

static void split_entry(const char *text, struct entry *e)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);

	if (len >= sizeof(e->vector))
		len = sizeof(e->vector) - 1;
	memcpy(e->vector, text, len);
	e->vector[len] = '\0';
	e->inner = slash ? slash + 1 : NULL;
}

static const struct attr *next_named(const struct attr *a, const char *name)
{
	while (a && strcasecmp(a->name, name) != 0)
		a = a->next;
	return a;
}

static bool attr_has_inner(const struct attr *a, const char *inner)
{
	return a->vector && next_named(a->kids, inner);
}

/* Does the template hold what the entry names? A vector by the name of a single attribute counts: it would take its place. */
static bool entry_in(const struct entry *e, const struct tmpl *t)
{
	for (const struct attr *a = next_named(t->first, e->vector); a; a = next_named(a->next, e->vector))
		if (!e->inner || attr_has_inner(a, e->inner))
			return true;
	return false;
}

/* The vectors that an entry speaks of, with or without what it names in them. */
static bool has_vector(const struct entry *e, const struct tmpl *t)
{
	const struct attr *a = next_named(t->first, e->vector);

	while (a && !a->vector)
		a = next_named(a->next, e->vector);
	return a != NULL;
}

const char *restricted_find(const struct conf *conf, enum obj_type type, const struct tmpl *t)
{
	struct restricted all = restricted_of(conf, type);
	const char *text, *found = NULL;
	struct entry e;

	while ((text = restricted_next(&all))) {
		split_entry(text, &e);
		/* Of several the first by name is told. */
		if ((!found || strcmp(text, found) < 0) && entry_in(&e, t))
			found = text;
	}
	return found;
}

/* The values an entry names, in order, as one text: equal texts mean nothing restricted was changed. */
static void entry_values(const struct entry *e, const struct tmpl *t, struct strbuf *out)
{
	for (const struct attr *a = next_named(t->first, e->vector); a; a = next_named(a->next, e->vector)) {
		if (!e->inner) {
			attr_to_xml(a, out);
			continue;
		}
		for (const struct attr *k = a->vector ? next_named(a->kids, e->inner) : NULL; k; k = next_named(k->next, e->inner))
			attr_to_xml(k, out);
	}
}

static bool same_values(const struct entry *e, const struct tmpl *a, const struct tmpl *b)
{
	struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;
	bool same;

	entry_values(e, a, &one);
	entry_values(e, b, &two);
	same = one.len == two.len && !memcmp(one.buf, two.buf, one.len);
	strbuf_done(&one);
	strbuf_done(&two);
	return same;
}

static bool is_scalar(const struct tmpl *t, const char *name)
{
	const struct attr *a = next_named(t->first, name);

	return a && !a->vector;
}

/* Replacing: a restricted single attribute that was left out comes back; anything else that differs is refused. */
static enum one_rc keep_restricted(const char *text, const struct tmpl *old, struct tmpl *fresh, struct one_err *err)
{
	struct entry e;

	split_entry(text, &e);
	if (!e.inner && is_scalar(old, e.vector) && !entry_in(&e, fresh)) {
		for (const struct attr *a = next_named(old->first, e.vector); a; a = next_named(a->next, e.vector))
			tmpl_add_attr(fresh, a);
		return ONE_OK;
	}
	if (!same_values(&e, old, fresh))
		return one_err_set(err, ONE_INTERNAL, "Tried to change restricted attribute: %s", e.vector);
	return ONE_OK;
}

/* Appending: only what the new text names is compared. A vector takes the place of all of its name, so it has to bring what is restricted. */
static enum one_rc append_restricted(const char *text, const struct tmpl *old, const struct tmpl *fresh, struct one_err *err)
{
	struct entry e;

	split_entry(text, &e);
	if ((e.inner ? has_vector(&e, fresh) : entry_in(&e, fresh)) && !same_values(&e, old, fresh))
		return one_err_set(err, ONE_INTERNAL, "User Template includes a restricted attribute %s", e.vector);
	return ONE_OK;
}

/* fresh is only changed without append. */
static enum one_rc check_restricted(const struct conf *conf, enum obj_type type, const struct tmpl *old, struct tmpl *fresh, bool append,
				    struct one_err *err)
{
	struct restricted all = restricted_of(conf, type);
	const char *text, *told = NULL;
	struct one_err one = ONE_ERR_INIT;

	while ((text = restricted_next(&all))) {
		enum one_rc rc = append ? append_restricted(text, old, fresh, &one) : keep_restricted(text, old, fresh, &one);

		if (rc && (!told || strcmp(text, told) < 0)) {
			told = text;
			*err = one;
		}
	}
	return told ? err->rc : ONE_OK;
}

enum one_rc restricted_check_extra(const struct conf *conf, enum obj_type type, const struct tmpl *base, const struct tmpl *extra,
				   struct one_err *err)
{
	struct tmpl only_read = *extra;

	return check_restricted(conf, type, base, &only_read, true, err);
}

static bool conf_changes(const struct entry *e, const struct tmpl *old, const struct tmpl *asked, bool append)
{
	if (e->inner ? has_vector(e, asked) : entry_in(e, asked))
		return !same_values(e, old, asked);
	return !append && vm_conf_replaces(e->vector) && entry_in(e, old);
}

enum one_rc restricted_check_conf(const struct conf *conf, const struct tmpl *old, const struct tmpl *asked, bool append,
				  struct one_err *err)
{
	struct restricted all = restricted_of(conf, OBJ_VM);
	const char *text, *told = NULL;
	struct entry e;

	while ((text = restricted_next(&all))) {
		split_entry(text, &e);
		if ((told && strcmp(text, told) >= 0) || !conf_changes(&e, old, asked, append))
			continue;
		told = text;
		one_err_set(err, ONE_AUTHORIZATION, "Template includes a restricted attribute %s", e.vector);
	}
	return told ? err->rc : ONE_OK;
}

enum one_rc object_update_template(struct txn *t, struct object *o, struct tmpl *fresh, bool append, const struct identity *who,
				   struct one_err *err)
{
	enum one_rc rc = ONE_OK;
	struct tmpl *result;

	if (o->ops->flags & OBJ_F_ATTR_ONCE)
		tmpl_keep_last(fresh);
	if (!who->admin)
		rc = check_restricted(txn_conf(t), o->ops->type, o->tmpl, fresh, append, err);
	if (rc)
		return rc;
	result = append ? tmpl_copy(&o->arena, o->tmpl) : tmpl_copy(&o->arena, fresh);
	if (append)
		tmpl_merge(result, fresh);
	if (o->ops->check_update)
		rc = o->ops->check_update(o, result, err);
	if (rc)
		return rc;
	o->tmpl = result;
	attributes_encrypt(txn_conf(t), o->ops->type, o->tmpl);
	return ONE_OK;
}

/* ---- in clear, for admins ---- */

struct version *version_decrypted(struct call *c, const struct version *v)
{
	struct strbuf body = STRBUF_INIT, brief = STRBUF_INIT;
	struct version *clear = NULL;
	struct object *o;

	if (obj_load(v->ops, v->body, v->body_len, &o, &c->err))
		return NULL;
	attributes_decrypt(c->api->conf, v->ops->type, o->tmpl);
	if (v->ops->type == OBJ_VM)
		attributes_decrypt(c->api->conf, OBJ_VM, ((struct vm *)o)->user);
	clear = version_make(o, &body, &brief, NULL);
	obj_free(o);
	strbuf_done(&body);
	strbuf_done(&brief);
	return clear;
}

void api_out_decrypted(struct call *c, const struct version *v, struct strbuf *out)
{
	struct version *clear = version_decrypted(c, v);

	if (clear)
		strbuf_add(out, clear->body, clear->body_len);
	version_unref(clear);
}
