#include "oned/auth/quota.h"

#include <string.h>

/* Both sections and roots differ only by name. */
static const struct { const char *section, *element; } sections[] = {
	{ "DATASTORE_QUOTA", "DATASTORE" }, { "NETWORK_QUOTA", "NETWORK" }, { "VM_QUOTA", "VM" }, { "IMAGE_QUOTA", "IMAGE" },
};

static struct tmpl **section_of(struct quota *q, int i)
{
	struct tmpl **all[] = { &q->datastore, &q->network, &q->vm, &q->image };

	return all[i];
}

static void load_sections(struct quota *q, const struct xnode *x)
{
	for (int i = 0; i < 4; i++) {
		const struct xnode *part = xml_child(x, sections[i].section);

		*section_of(q, i) = tmpl_new(&q->o.arena);
		if (part)
			tmpl_from_xml(*section_of(q, i), part);
	}
}

void quota_out_sections(const struct quota *q, struct strbuf *out)
{
	struct quota copy = *q;

	for (int i = 0; i < 4; i++) {
		const struct tmpl *part = *section_of(&copy, i);

		if (part && part->first)
			tmpl_to_xml(part, sections[i].section, out);
		else
			strbuf_addf(out, "<%s></%s>", sections[i].section, sections[i].section);
	}
}

static enum one_rc quota_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	(void)err;
	load_sections((struct quota *)o, x);
	return ONE_OK;
}

static void quota_render(const struct object *o, struct strbuf *out)
{
	xml_out_open(out, "QUOTAS");
	xml_out_int(out, "ID", o->id);
	quota_out_sections((const struct quota *)o, out);
	xml_out_close(out, "QUOTAS");
}

static int quota_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		     struct sql_value *cols)
{
	(void)brief;
	(void)json;
	cols[0] = SQL_INT(o->id);
	cols[1] = SQL_STRN(v->body, v->body_len);
	return 2;
}

#define QUOTA_OPS(kind, tab)                                                                                          \
	{                                                                                                             \
		.type = kind, .token = "QUOTA", .word = "quota", .root = "QUOTAS", .pool_root = "", .table = tab,     \
		.size = sizeof(struct quota), .flags = OBJ_F_NO_COUNTER, .load = quota_load, .render = quota_render, \
		.row = quota_row,                                                                                     \
	}

const struct obj_ops user_quota_ops = QUOTA_OPS(OBJ_USER_QUOTA, TABLE_USER_QUOTAS);
const struct obj_ops group_quota_ops = QUOTA_OPS(OBJ_GROUP_QUOTA, TABLE_GROUP_QUOTAS);

/* ---- the default quotas: two rows of system_attributes ---- */

static const char *const default_names[] = { "DEFAULT_USER_QUOTAS", "DEFAULT_GROUP_QUOTAS" };

static enum one_rc default_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	o->id = !strcmp(x->name, default_names[1]);
	(void)err;
	load_sections((struct quota *)o, x);
	return ONE_OK;
}

static void default_render(const struct object *o, struct strbuf *out)
{
	xml_out_open(out, default_names[o->id]);
	quota_out_sections((const struct quota *)o, out);
	xml_out_close(out, default_names[o->id]);
}

static int default_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		       struct sql_value *cols)
{
	(void)brief;
	(void)json;
	cols[0] = SQL_STR(default_names[o->id]);
	cols[1] = SQL_STRN(v->body, v->body_len);
	return 2;
}

/* Other attributes of the system (RAFT_STATE) aren't objects: their rows are skipped. */
static bool default_wants_row(const struct sql_value *cols)
{
	return !strcmp(cols[0].s, default_names[0]) || !strcmp(cols[0].s, default_names[1]);
}

const struct obj_ops default_quota_ops = {
	.type = OBJ_DEFAULT_QUOTA, .token = "QUOTA", .word = "quota", .root = "QUOTAS", .pool_root = "",
	.table = TABLE_SYSTEM_ATTRIBUTES, .size = sizeof(struct quota), .flags = OBJ_F_NO_COUNTER | OBJ_F_NO_HEAD,
	.load = default_load, .render = default_render, .row = default_row, .wants_row = default_wants_row,
};
