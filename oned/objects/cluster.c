#include "oned/objects/cluster.h"

#include <assert.h>

#include "oned/objects/common.h"
#include "oned/objects/datastore.h"
#include "oned/objects/host.h"
#include "oned/objects/vnet.h"

static enum one_rc cluster_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct cluster *c = (struct cluster *)o;

	(void)err;
	object_own_none(o);
	idset_load(&c->hosts, &o->arena, xml_child(x, "HOSTS"));
	idset_load(&c->datastores, &o->arena, xml_child(x, "DATASTORES"));
	idset_load(&c->vnets, &o->arena, xml_child(x, "VNETS"));
	return ONE_OK;
}

static void cluster_render(const struct object *o, struct strbuf *out)
{
	const struct cluster *c = (const struct cluster *)o;

	xml_out_open(out, "CLUSTER");
	xml_out_int(out, "ID", o->id);
	xml_out_text(out, "NAME", o->name);
	obj_out_ids(out, "HOSTS", c->hosts.ids, c->hosts.n);
	obj_out_ids(out, "DATASTORES", c->datastores.ids, c->datastores.n);
	obj_out_ids(out, "VNETS", c->vnets.ids, c->vnets.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "CLUSTER");
}

const struct obj_ops cluster_ops = {
	.type = OBJ_CLUSTER, .token = "CLUSTER", .word = "cluster", .root = "CLUSTER", .pool_root = "CLUSTER_POOL",
	.table = TABLE_CLUSTER, .size = sizeof(struct cluster), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_SYSTEM100,
	.load = cluster_load, .render = cluster_render,
};

struct cluster *cluster_create(struct txn *t, const char *name)
{
	struct cluster *c = txn_new(t, OBJ_CLUSTER);

	if (!c)
		return NULL;
	object_own_none(&c->o);
	tmpl_add(c->o.tmpl, "RESERVED_CPU", "");
	tmpl_add(c->o.tmpl, "RESERVED_MEM", "");
	return object_name(t, &c->o, name, "CLUSTER") ? NULL : c;
}

enum one_rc cluster_delete(struct txn *t, struct cluster *c)
{
	const struct { const struct idset *members; const char *word; } kinds[] = {
		{ &c->hosts, "hosts" }, { &c->datastores, "datastores" }, { &c->vnets, "vnets" },
	};

	if (c->o.id < 100)
		return txn_fail(t, ONE_ACTION, "System Clusters (ID < 100) cannot be deleted.");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].members->n)
			return txn_fail(t, ONE_ACTION, "Cluster %d is not empty, it contains %d %s.", c->o.id,
					kinds[i].members->n, kinds[i].word);
	txn_delete(t, &c->o);
	return ONE_OK;
}

/* ---- members ---- */

static struct idset *members_of(struct cluster *c, enum obj_type type)
{
	if (type == OBJ_HOST)
		return &c->hosts;
	assert(type == OBJ_DATASTORE || type == OBJ_NET);
	return type == OBJ_DATASTORE ? &c->datastores : &c->vnets;
}

/* The table that holds the pair beside the bodies; hosts have a column of their own instead. */
static void write_relation(struct txn *t, enum obj_type type, int cluster_id, int id, bool add)
{
	struct sql_value cols[] = { SQL_INT(cluster_id), SQL_INT(id) };
	enum store_table table = type == OBJ_DATASTORE ? TABLE_CLUSTER_DATASTORE : TABLE_CLUSTER_NETWORK;

	if (type == OBJ_HOST)
		return;
	if (add)
		txn_put(t, table, cols, 2);
	else
		txn_remove(t, table, cols, 2);
}

static void change_membership(struct txn *t, int cluster_id, enum obj_type type, int id, bool add)
{
	struct cluster *c = txn_edit(t, OBJ_CLUSTER, cluster_id);
	struct idset *members;

	if (!c)
		return;
	members = members_of(c, type);
	if (add ? idset_add(members, &c->o.arena, id) : idset_del(members, id))
		write_relation(t, type, cluster_id, id, add);
}

static void move_host(struct txn *t, int host_id, int cluster_id)
{
	struct host *h = txn_edit(t, OBJ_HOST, host_id);
	const struct cluster *c = txn_read(t, OBJ_CLUSTER, cluster_id);

	if (!h)
		return;
	if (!c) {
		txn_no_object(t, OBJ_CLUSTER, cluster_id);
		return;
	}
	if (h->cluster_id == cluster_id)
		return;
	if (txn_exists(t, OBJ_CLUSTER, h->cluster_id))
		change_membership(t, h->cluster_id, OBJ_HOST, host_id, false);
	change_membership(t, cluster_id, OBJ_HOST, host_id, true);
	h->cluster_id = cluster_id;
	h->cluster = arena_strdup(&h->o.arena, c->o.name);
	host_template_changed(t, h);
}

/* The ids of the clusters of a datastore or network. */
static struct idset *clusters_of(struct txn *t, enum obj_type type, int id, struct arena **arena)
{
	if (type == OBJ_DATASTORE) {
		struct datastore *ds = txn_edit(t, OBJ_DATASTORE, id);

		if (ds)
			*arena = &ds->o.arena;
		return ds ? &ds->clusters : NULL;
	}
	struct vnet *vn = txn_edit(t, OBJ_NET, id);

	if (vn)
		*arena = &vn->o.arena;
	return vn ? &vn->clusters : NULL;
}

static enum one_rc change_shared(struct txn *t, int cluster_id, enum obj_type type, int id, bool add)
{
	struct arena *arena = NULL;
	struct idset *clusters;

	if (!txn_exists(t, OBJ_CLUSTER, cluster_id))
		return txn_no_object(t, OBJ_CLUSTER, cluster_id);
	clusters = clusters_of(t, type, id, &arena);
	if (!clusters)
		return t->err.rc;
	if (add)
		idset_add(clusters, arena, cluster_id);
	else
		idset_del(clusters, cluster_id);
	change_membership(t, cluster_id, type, id, add);
	return t->err.rc;
}

enum one_rc cluster_add(struct txn *t, int cluster_id, enum obj_type type, int id)
{
	if (type != OBJ_HOST)
		return change_shared(t, cluster_id, type, id, true);
	move_host(t, id, cluster_id);
	return t->err.rc;
}

enum one_rc cluster_remove(struct txn *t, int cluster_id, enum obj_type type, int id)
{
	if (type != OBJ_HOST)
		return change_shared(t, cluster_id, type, id, false);
	move_host(t, id, CLUSTER_DEFAULT);
	return t->err.rc;
}

void cluster_join(struct txn *t, enum obj_type type, int id, const int *clusters, int n)
{
	for (int i = 0; i < n; i++)
		change_membership(t, clusters[i], type, id, true);
}

void cluster_forget(struct txn *t, enum obj_type type, int id, const int *clusters, int n)
{
	for (int i = 0; i < n; i++)
		if (txn_exists(t, OBJ_CLUSTER, clusters[i]))
			change_membership(t, clusters[i], type, id, false);
}

void cluster_template_changed(struct txn *t, const struct cluster *c)
{
	for (int i = 0; i < c->hosts.n; i++) {
		struct host *h = txn_edit(t, OBJ_HOST, c->hosts.ids[i]);

		if (h)
			host_template_changed(t, h);
	}
}

void cluster_renamed(struct txn *t, const struct cluster *c)
{
	for (int i = 0; i < c->hosts.n; i++) {
		struct host *h = txn_edit(t, OBJ_HOST, c->hosts.ids[i]);

		if (h)
			h->cluster = arena_strdup(&h->o.arena, c->o.name);
	}
}

enum one_rc cluster_bootstrap(struct txn *t)
{
	cluster_create(t, "default");
	txn_reserve_ids(t, OBJ_CLUSTER, 99);
	return t->err.rc;
}
