#include "oned/objects/zone.h"

#include "oned/objects/common.h"

static enum one_rc zone_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct zone *z = (struct zone *)o;
	const struct xnode *servers = xml_child(x, "SERVER_POOL");

	(void)err;
	object_own_none(o);
	z->state = xml_int(x, "STATE", 0) == ZONE_DISABLED ? ZONE_DISABLED : ZONE_ENABLED;
	z->servers = tmpl_new(&o->arena);
	if (servers)
		tmpl_from_xml(z->servers, servers);
	return ONE_OK;
}

static void zone_render(const struct object *o, struct strbuf *out)
{
	const struct zone *z = (const struct zone *)o;

	xml_out_open(out, "ZONE");
	xml_out_int(out, "ID", o->id);
	xml_out_text(out, "NAME", o->name);
	xml_out_int(out, "STATE", z->state);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	tmpl_to_xml(z->servers, "SERVER_POOL", out);
	xml_out_close(out, "ZONE");
}

static void zone_index(const struct object *o, struct obj_index *out)
{
	out->state = (int)((const struct zone *)o)->state;
}

/* Servers are changed by addserver and delserver only, and a zone always has an endpoint. */
static enum one_rc zone_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	(void)o;
	(void)err;
	if (!*tmpl_text(fresh, "ENDPOINT"))
		tmpl_set(fresh, "ENDPOINT", "-");
	tmpl_remove(fresh, "SERVER");
	return ONE_OK;
}

const struct obj_ops zone_ops = {
	.type = OBJ_ZONE, .token = "ZONE", .word = "zone", .root = "ZONE", .pool_root = "ZONE_POOL", .table = TABLE_ZONE,
	.size = sizeof(struct zone), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_SYSTEM100,
	.load = zone_load, .render = zone_render, .index = zone_index, .check_update = zone_check_update,
};

void zone_take_over(struct zone *z, const struct zone *from)
{
	z->o.name = arena_strdup(&z->o.arena, from->o.name);
	z->state = from->state;
	z->o.tmpl = tmpl_copy(&z->o.arena, from->o.tmpl);
	z->servers = tmpl_copy(&z->o.arena, from->servers);
}

enum one_rc zone_bootstrap(struct txn *t, const char *endpoint)
{
	struct zone *z = txn_new(t, OBJ_ZONE);

	if (!z)
		return t->err.rc;
	object_own_none(&z->o);
	z->servers = tmpl_new(&z->o.arena);
	tmpl_add(z->o.tmpl, "ENDPOINT", endpoint);
	txn_reserve_ids(t, OBJ_ZONE, 99);
	return object_name(t, &z->o, "OpenNebula", "Zone");
}
