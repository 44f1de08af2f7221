#include "oned/objects/host.h"

#include <string.h>

#include "common/log.h"
#include "oned/objects/cluster.h"
#include "oned/objects/common.h"
#include "oned/objects/vdc.h"

static const char *const state_names[HOST_STATES] = {
	[HOST_INIT] = "INIT", [HOST_MONITORING_MONITORED] = "MONITORING_MONITORED", [HOST_MONITORED] = "MONITORED",
	[HOST_ERROR] = "ERROR", [HOST_DISABLED] = "DISABLED", [HOST_MONITORING_ERROR] = "MONITORING_ERROR",
	[HOST_MONITORING_INIT] = "MONITORING_INIT", [HOST_MONITORING_DISABLED] = "MONITORING_DISABLED", [HOST_OFFLINE] = "OFFLINE",
};

const char *host_state_name(enum host_state s)
{
	return state_names[s];
}

static enum host_state load_state(const struct xnode *x, const char *name)
{
	long long n = xml_int(x, name, HOST_INIT);

	return n >= 0 && n < HOST_STATES ? (enum host_state)n : HOST_INIT;
}

static enum one_rc host_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct host *h = (struct host *)o;
	const struct xnode *share = xml_child(x, "HOST_SHARE");

	(void)err;
	object_own_none(o);
	h->state = load_state(x, "STATE");
	h->prev_state = load_state(x, "PREV_STATE");
	h->im_mad = arena_strdup(&o->arena, xml_text_or(x, "IM_MAD", ""));
	h->vm_mad = arena_strdup(&o->arena, xml_text_or(x, "VM_MAD", ""));
	h->cluster_id = (int)xml_int(x, "CLUSTER_ID", CLUSTER_NONE);
	h->cluster = arena_strdup(&o->arena, xml_text_or(x, "CLUSTER", ""));
	idset_load(&h->vms, &o->arena, xml_child(x, "VMS"));
	host_share_init(&h->share, &o->arena);
	if (share)
		host_share_load(&h->share, &o->arena, share);
	return ONE_OK;
}

static void host_render(const struct object *o, struct strbuf *out)
{
	const struct host *h = (const struct host *)o;

	xml_out_open(out, "HOST");
	xml_out_int(out, "ID", o->id);
	xml_out_text(out, "NAME", o->name);
	xml_out_int(out, "STATE", h->state);
	xml_out_int(out, "PREV_STATE", h->prev_state);
	xml_out_text(out, "IM_MAD", h->im_mad);
	xml_out_text(out, "VM_MAD", h->vm_mad);
	xml_out_int(out, "CLUSTER_ID", h->cluster_id);
	xml_out_text(out, "CLUSTER", h->cluster);
	host_share_render(&h->share, out);
	obj_out_ids(out, "VMS", h->vms.ids, h->vms.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	strbuf_lit(out, "<MONITORING/>");
	xml_out_close(out, "HOST");
}

static void host_index(const struct object *o, struct obj_index *out)
{
	const struct host *h = (const struct host *)o;

	out->state = (int)h->state;
	out->parent = h->cluster_id;
	out->clusters = &h->cluster_id;
	out->n_clusters = 1;
}

static int host_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		    struct sql_value *cols)
{
	struct sql_value usual[STORE_MAX_COLS];

	(void)brief;
	(void)json;
	obj_row_usual(o, v, usual);
	memcpy(cols, usual, 3 * sizeof(*cols));
	cols[3] = SQL_INT(v->index.state);
	memcpy(cols + 4, usual + 3, 5 * sizeof(*cols));
	cols[9] = SQL_INT(v->index.parent);
	return 10;
}

const struct obj_ops host_ops = {
	.type = OBJ_HOST, .token = "HOST", .word = "host", .root = "HOST", .pool_root = "HOST_POOL", .table = TABLE_HOST,
	.size = sizeof(struct host), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_EVENTS | OBJ_F_EVENT_NEW,
	.load = host_load, .render = host_render, .index = host_index, .row = host_row,
};

/* ---- capacity ---- */

enum one_rc host_capacity_test(struct txn *t, int host_id, const struct capacity *c, struct one_err *err)
{
	const struct host *h = txn_read(t, OBJ_HOST, host_id);

	if (!h)
		return one_err_set(err, ONE_ACTION, "Host no longer exists");
	return host_share_test(&h->share, c, err);
}

enum one_rc host_capacity_add(struct txn *t, int host_id, int vm_id, const struct capacity *c, bool enforce)
{
	struct host *h = txn_edit(t, OBJ_HOST, host_id);
	struct one_err err = ONE_ERR_INIT;

	if (!h)
		return t->err.rc;
	if (idset_has(&h->vms, vm_id)) {
		log_error("ONE", "VM %d is already in host %d.", vm_id, host_id);
		return ONE_OK;
	}
	if (enforce && host_share_test(&h->share, c, &err))
		return txn_fail(t, err.rc, "virtual machine [%d] does not fit in host [%d]. %s", vm_id, host_id, err.text);
	idset_add(&h->vms, &h->o.arena, vm_id);
	host_share_add(&h->share, vm_id, c);
	return ONE_OK;
}

void host_capacity_del(struct txn *t, int host_id, int vm_id, const struct capacity *c)
{
	struct host *h = txn_exists(t, OBJ_HOST, host_id) ? txn_edit(t, OBJ_HOST, host_id) : NULL;

	if (h && idset_del(&h->vms, vm_id))
		host_share_del(&h->share, vm_id, c);
}

enum one_rc host_capacity_change(struct txn *t, int host_id, int vm_id, const struct capacity *before, const struct capacity *after,
				 bool enforce)
{
	struct host *h = txn_exists(t, OBJ_HOST, host_id) ? txn_edit(t, OBJ_HOST, host_id) : NULL;
	struct one_err err = ONE_ERR_INIT;

	if (!h && enforce)
		return txn_fail(t, ONE_ACTION, "Could not update host");
	if (!h || !idset_has(&h->vms, vm_id))
		return ONE_OK;
	host_share_take_back(&h->share, vm_id, before);
	if (enforce && host_share_test_size(&h->share, after, &err))
		return txn_fail(t, err.rc, "%s", err.text);
	host_share_give(&h->share, vm_id, after);
	return ONE_OK;
}

/* ---- making and changing ---- */

struct host *host_create(struct txn *t, const char *name, const char *im_mad, const char *vm_mad, int cluster_id)
{
	const struct cluster *cluster = txn_read(t, OBJ_CLUSTER, cluster_id);
	struct host *h = txn_new(t, OBJ_HOST);
	struct one_err err = ONE_ERR_INIT;

	if (!h)
		return NULL;
	object_own_none(&h->o);
	if (obj_check_name(name, &err))
		txn_fail(t, ONE_INTERNAL, "%s", err.text);
	else if (!*im_mad)
		txn_fail(t, ONE_INTERNAL, "IM_MAD_NAME cannot be empty.");
	else if (!*vm_mad)
		txn_fail(t, ONE_INTERNAL, "VMM_MAD_NAME cannot be empty.");
	else
		object_name(t, &h->o, name, "HOST");
	if (!txn_ok(t))
		return NULL;
	h->im_mad = arena_strdup(&h->o.arena, im_mad);
	h->vm_mad = arena_strdup(&h->o.arena, vm_mad);
	h->cluster_id = cluster ? cluster_id : CLUSTER_NONE;
	h->cluster = cluster ? arena_strdup(&h->o.arena, cluster->o.name) : "";
	host_share_init(&h->share, &h->o.arena);
	tmpl_add(h->o.tmpl, "RESERVED_CPU", "");
	tmpl_add(h->o.tmpl, "RESERVED_MEM", "");
	tmpl_add(h->o.tmpl, "IM_MAD", im_mad);
	tmpl_add(h->o.tmpl, "VM_MAD", vm_mad);
	if (cluster)
		cluster_join(t, OBJ_HOST, h->o.id, &cluster_id, 1);
	return txn_ok(t) ? h : NULL;
}

enum one_rc host_delete(struct txn *t, struct host *h)
{
	if (h->vms.n || h->share.running_vms > 0)
		return txn_fail(t, ONE_ACTION, "Can not remove a host with running VMs");
	cluster_forget(t, OBJ_HOST, h->o.id, &h->cluster_id, 1);
	vdc_resource_deleted(t, VDC_HOST, h->o.id);
	txn_delete(t, &h->o);
	return t->err.rc;
}

/* A reservation of the host goes before that of its cluster. */
static const char *reserved(struct txn *t, const struct host *h, const char *name)
{
	const char *own = tmpl_text(h->o.tmpl, name);
	const struct cluster *c = *own ? NULL : txn_read(t, OBJ_CLUSTER, h->cluster_id);

	return c ? tmpl_text(c->o.tmpl, name) : own;
}

void host_template_changed(struct txn *t, struct host *h)
{
	const char *im_mad = tmpl_text(h->o.tmpl, "IM_MAD"), *vm_mad = tmpl_text(h->o.tmpl, "VM_MAD");

	if (*im_mad)
		h->im_mad = im_mad;
	if (*vm_mad)
		h->vm_mad = vm_mad;
	tmpl_set(h->o.tmpl, "IM_MAD", h->im_mad);
	tmpl_set(h->o.tmpl, "VM_MAD", h->vm_mad);
	host_share_reserve(&h->share, reserved(t, h, "RESERVED_CPU"), reserved(t, h, "RESERVED_MEM"));
	host_share_shape(&h->share, h->o.tmpl);
}

/* VMs on the host that oned doesn't know: told as TOTAL_WILDS and WILDS; the others leave the template. */
static void note_wilds(struct host *h)
{
	struct strbuf names = STRBUF_INIT;
	struct attr *next;
	int n = 0;

	for (struct attr *a = tmpl_find(h->o.tmpl, "VM"); a; a = next) {
		const char *name;
		long long id;

		next = tmpl_find_next(a);
		if (!a->vector || !attr_get_int(a, "ID", &id) || id != -1) {
			tmpl_remove_attr(h->o.tmpl, a);
			continue;
		}
		name = attr_get(a, "VM_NAME");
		if (!name || !*name)
			name = attr_get(a, "DEPLOY_ID");
		strbuf_addf(&names, "%s%s", n++ ? ", " : "", name ? name : "");
	}
	tmpl_remove(h->o.tmpl, "WILDS");
	tmpl_remove(h->o.tmpl, "TOTAL_WILDS");
	if (n) {
		tmpl_setf(h->o.tmpl, "TOTAL_WILDS", "%d", n);
		tmpl_set(h->o.tmpl, "WILDS", names.buf);
	}
	strbuf_done(&names);
}

void host_update_info(struct txn *t, struct host *h, const struct tmpl *info)
{
	object_clear_error(&h->o);
	tmpl_remove(h->o.tmpl, "VM");
	tmpl_remove(h->o.tmpl, "VM_POLL");
	tmpl_merge(h->o.tmpl, info);
	note_wilds(h);
	host_share_monitor(&h->share, h->o.tmpl, reserved(t, h, "RESERVED_CPU"), reserved(t, h, "RESERVED_MEM"));
}
