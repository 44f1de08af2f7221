#include "oned/objects/vntemplate.h"

#include "oned/objects/cluster.h"
#include "oned/objects/common.h"

static enum one_rc vntemplate_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	(void)err;
	((struct vntemplate *)o)->regtime = (time_t)xml_int(x, "REGTIME", 0);
	return ONE_OK;
}

static void vntemplate_render(const struct object *o, struct strbuf *out)
{
	xml_out_open(out, "VNTEMPLATE");
	obj_out_head(o, out);
	obj_out_lock(o, out);
	obj_out_permissions(o, out);
	xml_out_int(out, "REGTIME", (long long)((const struct vntemplate *)o)->regtime);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "VNTEMPLATE");
}

const struct obj_ops vntemplate_ops = {
	.type = OBJ_VNTEMPLATE, .token = "VNTEMPLATE", .word = "virtual network template", .root = "VNTEMPLATE", .pool_root = "VNTEMPLATE_POOL",
	.table = TABLE_VNTEMPLATE, .size = sizeof(struct vntemplate), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER,
	.load = vntemplate_load, .render = vntemplate_render,
};

struct vntemplate *vntemplate_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl)
{
	struct vntemplate *vt = txn_new(t, OBJ_VNTEMPLATE);

	if (!vt)
		return NULL;
	object_take(&vt->o, owner, tmpl);
	vt->regtime = t->now;
	return object_name_of_template(t, &vt->o, "VN TEMPLATE") ? NULL : vt;
}

/* Those of a list "100,0" that exist. */
static struct idset clusters_of(struct txn *t, const char *list)
{
	struct idset clusters = { .n = 0 };
	const char *item;
	long long id;

	if (!*list)
		idset_add(&clusters, t->arena, CLUSTER_DEFAULT);
	while ((item = list_next(t->arena, &list, ',')))
		if (value_int(item, &id) && id >= 0 && id <= INT32_MAX && txn_exists(t, OBJ_CLUSTER, (int)id))
			idset_add(&clusters, t->arena, (int)id);
	return clusters;
}

struct vnet *vntemplate_instantiate(struct txn *t, const struct vntemplate *vt, const struct object *owner, const char *name,
				    const struct tmpl *extra)
{
	struct idset clusters = clusters_of(t, tmpl_text(vt->o.tmpl, "CLUSTER_IDS"));
	struct tmpl *tmpl = tmpl_copy(t->arena, vt->o.tmpl);

	tmpl_merge(tmpl, extra);
	tmpl_set(tmpl, "NAME", *name ? name : arena_printf(t->arena, "%s-%d", vt->o.name, txn_peek_id(t, OBJ_NET)));
	tmpl_setf(tmpl, "TEMPLATE_ID", "%d", vt->o.id);
	return vnet_create(t, owner, tmpl, -1, clusters.ids, clusters.n);
}
