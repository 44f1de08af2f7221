/* Reading VMs: one.vm.info, one.vm.monitoring and the pools. */
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/timeutil.h"
#include "oned/api/api.h"
#include "oned/api/filter.h"
#include "oned/store/readers.h"
#include "oned/api/restricted.h"
#include "oned/api/sched_action.h"
#include "oned/api/vm_api.h"
#include "oned/core/monitor.h"
#include "oned/objects/vm.h"

/* ---- one VM ---- */

/* The number of the current history record: 0 for most, and then there is nothing to read. */
static int current_seq(const struct version *v)
{
	const char *records = strstr(v->body, "<HISTORY_RECORDS><HISTORY>"), *seq = records ? strstr(records, "<SEQ>") : NULL;

	return seq ? atoi(seq + strlen("<SEQ>")) : 0;
}

/* A record as the table has it, without the VM in it. */
static bool add_record(void *ctx, const struct sql_value *cols, int n)
{
	struct strbuf *out = ctx;
	const char *body = cols[2].s, *vm = strstr(body, "<VM>");

	(void)n;
	if (!vm) {
		strbuf_add(out, body, cols[2].len);
		return true;
	}
	strbuf_add(out, body, (size_t)(vm - body));
	strbuf_lit(out, "</HISTORY>");
	return true;
}

static enum one_rc closed_records(struct call *c, const struct version *v, struct strbuf *out)
{
	struct sql_value params[2] = { SQL_INT(v->id), SQL_INT(current_seq(v)) };
	struct store *s;
	enum one_rc rc;

	if (params[1].i == 0)
		return ONE_OK;
	s = readers_take(c->api->readers, &c->err);
	if (!s)
		return c->err.rc;
	rc = store_select(s, TABLE_HISTORY, "vid = ? AND seq < ? ORDER BY seq", params, 2, add_record, out, &c->err);
	readers_give(c->api->readers, s);
	return rc;
}

static void out_vm(struct call *c, const struct version *v, struct strbuf *out)
{
	struct strbuf records = STRBUF_INIT, sample = STRBUF_INIT;
	struct vm_full more = { .sched_action = api_out_sched_action, .ctx = c->api->core };
	time_t when = 0;

	if (!closed_records(c, v, &records)) {
		more.closed_history = records.buf;
		if (monitor_get(c->api->monitor, MONITOR_VM, v->id, &when, &sample)) {
			more.monitoring = sample.buf;
			more.last_poll = (long long)when;
		}
		vm_render_full(v, &more, out);
	}
	strbuf_done(&records);
	strbuf_done(&sample);
}

static void vm_info(struct call *c)
{
	struct version *v = call_object(c), *clear = NULL;
	struct strbuf text = STRBUF_INIT;

	if (!v)
		return;
	if (c->who.admin && c->n_args > 1 && call_bool(c, 1))
		clear = version_decrypted(c, v);
	out_vm(c, clear ? clear : v, &text);
	if (!c->err.rc)
		rpc_escape(call_ok_wire(c), text.buf, text.len);
	strbuf_done(&text);
	version_unref(clear);
	version_unref(v);
}

/* ---- pools ---- */

static bool state_wanted(void *ctx, const struct version *v)
{
	int state = *(const int *)ctx;

	return state == -2 || (state == -1 ? v->index.state != VM_DONE : v->index.state == state);
}

/* The filter of vmpool.info and infoextended. */
static enum one_rc collect(struct call *c, int *state, struct version ***list, size_t *n)
{
	struct pool_filter f = { .flag = call_int(c, 0), .first = call_int(c, 1), .last = call_int(c, 2), .also = state_wanted, .also_ctx = state };

	*state = call_int(c, 3);
	if (f.flag < -4)
		return call_fail(c, ONE_API, "Incorrect filter_flag");
	if (*state < -2 || *state > VM_CLONING_FAILURE)
		return call_fail(c, ONE_API, "Incorrect filter_flag, state");
	if (*call_str(c, 4))
		return call_fail(c, ONE_INTERNAL, "JSON query search is not supported by the SQL backend");
	return filter_collect(c, OBJ_VM, &f, list, n);
}

static void vmpool_info(struct call *c)
{
	struct version **list;
	size_t n;
	int state;

	if (!collect(c, &state, &list, &n))
		call_ok_briefs(c, "VM_POOL", list, n);
}

static void out_bodies(struct call *c, struct version **list, size_t n)
{
	struct strbuf *out = call_ok_wire(c);
	size_t need = 0;

	for (size_t i = 0; i < n; i++)
		need += list[i]->body_len + list[i]->body_len / 2;
	strbuf_grow(out, need);
	strbuf_lit(out, "&lt;VM_POOL&gt;");
	for (size_t i = 0; i < n; i++)
		rpc_escape(out, list[i]->body, list[i]->body_len);
	strbuf_lit(out, "&lt;/VM_POOL&gt;");
	pool_release(list, n);
}

static void vmpool_infoextended(struct call *c)
{
	struct version **list;
	size_t n;
	int state;

	if (!collect(c, &state, &list, &n))
		out_bodies(c, list, n);
}

static void parse_ids(struct call *c, const char *text, struct idset *out)
{
	char *end;

	while (*text) {
		long id = strtol(text, &end, 10);

		if (end == text)
			break;
		if (id >= 0 && id <= INT32_MAX)
			idset_add(out, &c->arena, (int)id);
		text = end + strspn(end, ", ");
	}
}

static void vmpool_infoset(struct call *c)
{
	struct idset ids = { 0 };
	struct pool_filter f = { .flag = -2, .first = -1, .last = -1, .only = &ids };
	struct version **list;
	size_t n;

	parse_ids(c, call_str(c, 0), &ids);
	if (filter_collect(c, OBJ_VM, &f, &list, &n))
		return;
	if (call_bool(c, 1))
		out_bodies(c, list, n);
	else
		call_ok_briefs(c, "VM_POOL", list, n);
}

/* ---- accounting and monitoring: from the database ---- */

struct rows { struct call *c; struct strbuf *out; struct idset visible; int id_col, body_col; };

static bool add_visible_row(void *ctx, const struct sql_value *cols, int n)
{
	struct rows *r = ctx;

	(void)n;
	if (idset_has(&r->visible, (int)cols[r->id_col].i))
		strbuf_add(r->out, cols[r->body_col].s, cols[r->body_col].len);
	return true;
}

/* The ids of the VMs the caller may see with this filter flag. */
static enum one_rc visible_ids(struct call *c, int flag, struct idset *out)
{
	struct pool_filter f = { .flag = flag, .first = -1, .last = -1 };
	struct version **list;
	size_t n;
	enum one_rc rc = filter_collect(c, OBJ_VM, &f, &list, &n);

	if (rc)
		return rc;
	out->ids = arena_array(&c->arena, n + 1, int);
	out->cap = (int)n + 1;
	for (size_t i = 0; i < n; i++) {
		/* ascending, whatever the order of lists is */
		size_t at = list[0]->id <= list[n - 1]->id ? i : n - 1 - i;

		out->ids[out->n++] = list[at]->id;
	}
	pool_release(list, n);
	return ONE_OK;
}

static void select_rows(struct call *c, struct rows *r, enum store_table table, const char *root, const char *where,
			const struct sql_value *params, int n)
{
	struct store *s = readers_take(c->api->readers, &c->err);

	if (!s)
		return;
	r->out = call_ok_buffer(c);
	xml_out_open(r->out, root);
	store_select(s, table, where, params, n, add_visible_row, r, &c->err);
	xml_out_close(r->out, root);
	readers_give(c->api->readers, s);
}

static void vmpool_accounting(struct call *c)
{
	long long from = call_int(c, 1), to = call_int(c, 2);
	struct sql_value params[2];
	struct rows r = { .c = c, .id_col = 0, .body_col = 2 };
	const char *where;
	int n = 0;

	if (visible_ids(c, call_int(c, 0), &r.visible))
		return;
	if (from != -1)
		params[n++] = SQL_INT(from);
	if (to != -1)
		params[n++] = SQL_INT(to);
	where = from != -1 && to != -1 ? "(etime > ? OR etime = 0) AND stime < ? ORDER BY vid, seq"
		: from != -1	       ? "(etime > ? OR etime = 0) ORDER BY vid, seq"
		: to != -1	       ? "stime < ? ORDER BY vid, seq"
				       : "1 = 1 ORDER BY vid, seq";
	select_rows(c, &r, TABLE_HISTORY, "HISTORY_RECORDS", where, params, n);
}

static void vm_monitoring(struct call *c)
{
	struct version *v = call_object(c);
	struct rows r = { .c = c, .id_col = 0, .body_col = 2 };
	struct sql_value id;

	if (!v)
		return;
	id = SQL_INT(v->id);
	idset_add(&r.visible, &c->arena, v->id);
	version_unref(v);
	select_rows(c, &r, TABLE_VM_MONITORING, "MONITORING_DATA", "vmid = ? ORDER BY last_poll", &id, 1);
}

/* seconds: -1 all, 0 the latest sample of each, N the last N seconds. */
static void vmpool_monitoring(struct call *c)
{
	struct rows r = { .c = c, .id_col = 0, .body_col = 2 };
	long long seconds = call_int(c, 1);
	struct sql_value since = SQL_INT((int64_t)time_now() - seconds);

	if (visible_ids(c, call_int(c, 0), &r.visible))
		return;
	if (seconds == 0) {
		struct strbuf *out = call_ok_buffer(c);
		time_t when;

		xml_out_open(out, "MONITORING_DATA");
		for (int i = 0; i < r.visible.n; i++)
			monitor_get(c->api->monitor, MONITOR_VM, r.visible.ids[i], &when, out);
		xml_out_close(out, "MONITORING_DATA");
		return;
	}
	if (seconds < 0)
		select_rows(c, &r, TABLE_VM_MONITORING, "MONITORING_DATA", "1 = 1 ORDER BY vmid, last_poll", NULL, 0);
	else
		select_rows(c, &r, TABLE_VM_MONITORING, "MONITORING_DATA", "last_poll > ? ORDER BY vmid, last_poll", &since, 1);
}

const struct method vm_read_methods[] = {
	/* clang-format off */
	{ .name = "one.vm.info", .params = "id:i decrypt:b=false", .object = OBJ_VM, .right = AUTH_USE, .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED,
	  .read = vm_info, .doc = "A VM with all of its history and its newest sample; decrypt: encrypted attributes in clear, for admins." },
	{ .name = "one.vm.monitoring", .params = "id:i", .object = OBJ_VM, .right = AUTH_USE, .flags = M_LOCK_EXEMPT,
	  .read = vm_monitoring, .doc = "All samples of a VM that are kept." },
	{ .name = "one.vmpool.info", .params = "filter:i start:i end:i state:i query:s=", .object = OBJ_VM, .right = AUTH_USE,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED, .read = vmpool_info, .doc = "Visible VMs in their short form." },
	{ .name = "one.vmpool.infoextended", .params = "filter:i start:i end:i state:i query:s=", .object = OBJ_VM, .right = AUTH_USE,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED | M_BULK, .read = vmpool_infoextended, .doc = "Visible VMs with their whole bodies." },
	{ .name = "one.vmpool.infoset", .params = "ids:s extended:b", .object = OBJ_VM, .right = AUTH_USE,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED, .read = vmpool_infoset, .doc = "Visible VMs of a list of ids separated by commas." },
	{ .name = "one.vmpool.accounting", .params = "filter:i start_time:i end_time:i", .object = OBJ_VM, .right = AUTH_USE,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED | M_BULK, .read = vmpool_accounting, .doc = "History records between two times; -1: open." },
	{ .name = "one.vmpool.monitoring", .params = "filter:i seconds:i=-1", .object = OBJ_VM, .right = AUTH_USE,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED | M_BULK, .read = vmpool_monitoring,
	  .doc = "Samples of visible VMs: all (-1), the latest (0), of the last N seconds." },
	{ .name = NULL },
	/* clang-format on */
};
