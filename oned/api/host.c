/* one.host.*, one.hostpool.* */
#include "oned/objects/host.h"

#include <string.h>

#include "oned/api/api.h"
#include "oned/api/filter.h"
#include "oned/api/infra.h"
#include "oned/store/readers.h"
#include "oned/api/restricted.h"
#include "oned/auth/acl_rule.h"
#include "oned/core/monitor.h"
#include "oned/lifecycle/host.h"
#include "oned/objects/vm.h"

static void api_host_allocate(struct txn *t, struct call *c)
{
	int cluster = call_int(c, 3);
	struct host *h;

	if (!infra_may_create(t, c, &cluster))
		return;
	h = host_create(t, call_str(c, 0), call_str(c, 1), call_str(c, 2), cluster);
	if (!h)
		return;
	host_tell_updated(t, h);
	call_ok_int(c, h->o.id);
}

static void api_host_delete(struct txn *t, struct call *c)
{
	struct host *h = call_edit(t, c);

	if (!h)
		return;
	if (host_delete(t, h)) {
		infra_delete_failed(t, c);
		return;
	}
	host_tell_deleted(t, h->o.id);
	monitor_forget(t, MONITOR_HOST, h->o.id);
	acl_object_gone(t, OBJ_HOST, h->o.id);
	call_ok_int(c, h->o.id);
}

static void api_host_update(struct txn *t, struct call *c)
{
	struct host *h;

	api_update(t, c);
	h = txn_ok(t) ? txn_edit(t, OBJ_HOST, call_int(c, 0)) : NULL;
	if (!h)
		return;
	host_template_changed(t, h);
	host_tell_updated(t, h);
}

static void api_host_rename(struct txn *t, struct call *c)
{
	const struct host *h;

	api_rename(t, c);
	h = txn_ok(t) ? txn_read(t, OBJ_HOST, call_int(c, 0)) : NULL;
	if (!h)
		return;
	vm_history_host_renamed(t, h);
	host_tell_updated(t, h);
}

/* 0 enabled, 1 disabled, 2 offline. */
static void api_host_status(struct txn *t, struct call *c)
{
	struct host *h = call_edit(t, c);

	if (!h)
		return;
	switch (call_int(c, 1)) {
	case 0:
		host_event(t, h, h->share.total_cpu > 0 ? HOST_EV_ENABLE_KNOWN : HOST_EV_ENABLE, NULL);
		break;
	case 1:
		host_event(t, h, HOST_EV_DISABLE, NULL);
		break;
	case 2:
		host_event(t, h, HOST_EV_OFFLINE, NULL);
		break;
	default:
		txn_fail(t, ONE_INTERNAL, "Wrong status code");
		return;
	}
	call_ok_int(c, h->o.id);
}

/* ---- info: with the latest sample ---- */

static const char no_sample[] = "<MONITORING/></HOST>";

static void api_host_info(struct call *c)
{
	struct version *v = call_object(c);
	struct strbuf body = STRBUF_INIT;
	size_t tail = sizeof(no_sample) - 1;

	if (!v)
		return;
	if (c->who.admin && call_bool(c, 1))
		api_out_decrypted(c, v, &body);
	else
		strbuf_add(&body, v->body, v->body_len);
	if (body.len > tail && !strcmp(body.buf + body.len - tail, no_sample)) {
		strbuf_setlen(&body, body.len - tail);
		if (!monitor_get(core_monitor(c->api->core), MONITOR_HOST, v->id, NULL, &body))
			strbuf_lit(&body, "<MONITORING/>");
		strbuf_lit(&body, "</HOST>");
	}
	if (!c->err.rc)
		rpc_escape(call_ok_wire(c), body.buf, body.len);
	strbuf_done(&body);
	version_unref(v);
}

/* ---- monitoring: from the database ---- */

struct rows { struct strbuf *out; const struct idset *visible; };

static bool add_row(void *ctx, const struct sql_value *cols, int n)
{
	struct rows *r = ctx;

	(void)n;
	if (!r->visible || idset_has(r->visible, (int)cols[0].i))
		strbuf_add(r->out, cols[2].s, cols[2].len);
	return true;
}

static void answer_rows(struct call *c, const char *where, const struct sql_value *params, int n, const struct idset *visible)
{
	struct strbuf out = STRBUF_INIT;
	struct rows rows = { .out = &out, .visible = visible };
	struct one_err err = ONE_ERR_INIT;
	struct store *s = readers_take(c->api->readers, &err);

	strbuf_lit(&out, "<MONITORING_DATA>");
	if (!s || store_select(s, TABLE_HOST_MONITORING, where, params, n, add_row, &rows, &err)) {
		call_fail(c, ONE_INTERNAL, "Internal error");
	} else {
		strbuf_lit(&out, "</MONITORING_DATA>");
		call_ok_text(c, out.buf, out.len);
	}
	if (s)
		readers_give(c->api->readers, s);
	strbuf_done(&out);
}

static void api_host_monitoring(struct call *c)
{
	struct version *v = call_object(c);
	struct sql_value id;

	if (!v)
		return;
	id = SQL_INT(v->id);
	version_unref(v);
	answer_rows(c, "hid = ? ORDER BY last_mon_time", &id, 1, NULL);
}

/* 0: the newest of each host, from memory. */
static void answer_latest(struct call *c, const struct idset *visible)
{
	struct strbuf *out = call_ok_buffer(c);

	strbuf_lit(out, "<MONITORING_DATA>");
	for (int i = 0; i < visible->n; i++)
		monitor_get(core_monitor(c->api->core), MONITOR_HOST, visible->ids[i], NULL, out);
	strbuf_lit(out, "</MONITORING_DATA>");
}

static void api_hostpool_monitoring(struct call *c)
{
	struct pool_filter f = { .flag = -2, .first = -1, .last = -1 };
	struct idset visible = { 0 };
	struct version **list;
	struct sql_value since = SQL_INT((int64_t)time(NULL) - call_int(c, 0));
	size_t n;

	if (filter_collect(c, OBJ_HOST, &f, &list, &n))
		return;
	for (size_t i = 0; i < n; i++)
		idset_add(&visible, &c->arena, list[i]->id);
	pool_release(list, n);
	if (call_int(c, 0) == 0)
		answer_latest(c, &visible);
	else if (call_int(c, 0) == -1)
		answer_rows(c, "1 = 1 ORDER BY hid, last_mon_time", NULL, 0, &visible);
	else
		answer_rows(c, "last_mon_time > ? ORDER BY hid, last_mon_time", &since, 1, &visible);
}

const struct method host_methods[] = {
	/* clang-format off */
	{ .name = "one.host.allocate", .params = "name:s im_mad:s vm_mad:s cluster:i", .object = OBJ_HOST, .right = AUTH_CREATE,
	  .flags = M_NO_RIGHT, .write = api_host_allocate, .doc = "Makes a host; needs ADMIN of its cluster too (-1: the default one)." },
	{ .name = "one.host.info", .params = "id:i decrypt:b=false", .object = OBJ_HOST, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_host_info, .doc = "A host with its latest sample." },
	{ .name = "one.hostpool.info", .params = "", .object = OBJ_HOST, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "All visible hosts." },
	{ .name = "one.host.update", .params = "id:i template:s append:i=0", .object = OBJ_HOST, .right = AUTH_ADMIN,
	  .prepare = api_prepare_update, .write = api_host_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.host.delete", .params = "id:i unused:b=false", .object = OBJ_HOST, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = api_host_delete, .doc = "Deletes a host without VMs." },
	{ .name = "one.host.rename", .params = "id:i name:s", .object = OBJ_HOST, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = api_host_rename, .doc = "Gives another name." },
	{ .name = "one.host.status", .params = "id:i status:i", .object = OBJ_HOST, .right = AUTH_ADMIN,
	  .write = api_host_status, .doc = "0 enables, 1 disables, 2 takes offline." },
	{ .name = "one.host.monitoring", .params = "id:i", .object = OBJ_HOST, .right = AUTH_USE, .flags = M_BULK | M_ZONE_DISABLED,
	  .read = api_host_monitoring, .doc = "All stored samples of a host." },
	{ .name = "one.hostpool.monitoring", .params = "seconds:i=-1", .object = OBJ_HOST, .right = AUTH_USE, .flags = M_BULK | M_ZONE_DISABLED,
	  .read = api_hostpool_monitoring, .doc = "Samples of all visible hosts: the latest (0), all (-1), or of the last seconds." },
	{ .name = NULL },
	/* clang-format on */
};
