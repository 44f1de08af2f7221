#include "oned/objects/template.h"

static enum one_rc template_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct template *tp = (struct template *)o;

	(void)err;
	tp->regtime = (time_t)xml_int(x, "REGTIME", 0);
	return ONE_OK;
}

static void template_render(const struct object *o, struct strbuf *out)
{
	const struct template *tp = (const struct template *)o;

	xml_out_open(out, "VMTEMPLATE");
	obj_out_head(o, out);
	obj_out_lock(o, out);
	obj_out_permissions(o, out);
	xml_out_int(out, "REGTIME", (long long)tp->regtime);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "VMTEMPLATE");
}

const struct obj_ops template_ops = {
	.type = OBJ_TEMPLATE, .token = "TEMPLATE", .word = "virtual machine template", .root = "VMTEMPLATE", .pool_root = "VMTEMPLATE_POOL",
	.table = TABLE_TEMPLATE, .size = sizeof(struct template), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER,
	.load = template_load, .render = template_render,
};
