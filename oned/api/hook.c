/* one.hook.* and the log of what hooks did. */
#include "oned/objects/hook.h"

#include <string.h>

#include "oned/api/api.h"
#include "oned/api/call_event.h"
#include "oned/api/infra.h"
#include "oned/api/usual.h"
#include "oned/lifecycle/hook.h"
#include "oned/store/readers.h"

static void api_hook_allocate(struct txn *t, struct call *c)
{
	struct hook *h = hook_create(t, c->prepared, call_event_exists);

	if (h)
		call_ok_int(c, h->o.id);
}

static void api_hook_update(struct txn *t, struct call *c)
{
	const struct hook *h;

	api_update(t, c);
	h = txn_ok(t) ? txn_read(t, OBJ_HOOK, call_int(c, 0)) : NULL;
	if (h && h->type == HOOK_API && !call_event_exists(tmpl_get_or(h->o.tmpl, "CALL", "")))
		txn_fail(t, ONE_INTERNAL, "Cannot update template. The CALL attribute is not defined or it's invalid.");
}

static void api_hook_delete(struct txn *t, struct call *c)
{
	api_delete(t, c);
	if (txn_ok(t))
		hook_log_drop(t, call_int(c, 0));
}

/* ---- what hooks did ---- */

static bool add_record(void *ctx, const struct sql_value *cols, int n)
{
	(void)n;
	strbuf_add(ctx, cols[4].s, cols[4].len);
	return true;
}

static void out_log(struct call *c, const char *where, const struct sql_value *params, int n, struct strbuf *out)
{
	struct store *s = readers_take(c->api->readers, &c->err);

	if (!s)
		return;
	xml_out_open(out, "HOOKLOG");
	store_select(s, TABLE_HOOK_LOG, where, params, n, add_record, out, &c->err);
	xml_out_close(out, "HOOKLOG");
	readers_give(c->api->readers, s);
}

static void api_hook_info(struct call *c)
{
	struct version *v = call_object(c);
	struct sql_value id = SQL_INT(call_int(c, 0));
	struct strbuf *out;

	if (!v)
		return;
	out = call_ok_buffer(c);
	strbuf_add(out, v->body, v->body_len - strlen("</HOOK>"));
	out_log(c, "hkid = ? ORDER BY exeid", &id, 1, out);
	xml_out_close(out, "HOOK");
	version_unref(v);
}

/* Of oneadmin's group as one's own: what hooks printed may be about anybody. */
static void api_hooklog_info(struct call *c)
{
	long long from = call_int(c, 0), to = call_int(c, 1), id = call_int(c, 2), rc = call_int(c, 3);
	struct sql_value params[] = { SQL_INT(from < 0), SQL_INT(from), SQL_INT(to < 0), SQL_INT(to), SQL_INT(id < 0), SQL_INT(id),
				      SQL_INT(rc), SQL_INT(rc) };

	if (c->who.gid != GROUP_ONEADMIN) {
		call_fail(c, ONE_AUTHORIZATION, "%s", "");
		return;
	}
	out_log(c, "(? = 1 OR timestamp > ?) AND (? = 1 OR timestamp < ?) AND (? = 1 OR hkid = ?) AND "
		   "(? <> -1 OR rc <> 0) AND (? <> 1 OR rc = 0) ORDER BY hkid, exeid",
		params, sizeof(params) / sizeof(*params), call_ok_buffer(c));
}

/* ---- doing it again ---- */

struct execution { const char *arguments, *host; };

static bool take_record(void *ctx, const struct sql_value *cols, int n)
{
	struct call *c = ctx;
	struct execution *e = arena_new(&c->arena, struct execution);
	struct one_err err = ONE_ERR_INIT;
	struct xnode *x;

	(void)n;
	if (!xml_parse(&c->arena, cols[4].s, cols[4].len, XML_MAX_DEPTH, SIZE_MAX, &x, &err) && xml_text(x, "ARGUMENTS")) {
		e->arguments = xml_text(x, "ARGUMENTS");
		e->host = xml_text_or(x, "REMOTE_HOST", "");
		c->prepared = e;
	}
	return false;
}

/* Looks for the execution; -1: the oldest one. */
static enum one_rc prepare_retry(struct call *c, struct one_err *err)
{
	struct sql_value params[] = { SQL_INT(call_int(c, 0)), SQL_INT(call_int(c, 1)), SQL_INT(call_int(c, 1)) };
	struct store *s = readers_take(c->api->readers, err);

	if (!s)
		return err->rc;
	store_select(s, TABLE_HOOK_LOG, "hkid = ? AND (? = -1 OR exeid = ?) ORDER BY exeid", params, 3, take_record, c, err);
	readers_give(c->api->readers, s);
	if (err->rc)
		one_err_prefix(err, "Error reading HookLog. ");
	else if (!c->prepared)
		one_err_set(err, ONE_INTERNAL, "Invalid HookLog body. Arguments not found.");
	return err->rc;
}

static void api_hook_retry(struct txn *t, struct call *c)
{
	const struct execution *e = c->prepared;

	if (!hook_retry(t, call_int(c, 0), e->arguments, e->host))
		call_ok_int(c, call_int(c, 0));
}

const struct method hook_methods[] = {
	/* clang-format off */
	{ .name = "one.hook.allocate", .params = "template:s", .object = OBJ_HOOK, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_hook_allocate, .doc = "Makes a hook: TYPE api with CALL, or state with RESOURCE." },
	{ .name = "one.hook.info", .params = "id:i decrypt:b=false", .object = OBJ_HOOK, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_hook_info, .doc = "A hook, and the log of what it did." },
	USUAL_POOL("hook", OBJ_HOOK, "The hooks, without their logs."),
	{ .name = "one.hook.update", .params = "id:i template:s append:i=0", .object = OBJ_HOOK, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_hook_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.hook.delete", .params = "id:i unused:b=false", .object = OBJ_HOOK, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_hook_delete, .doc = "Deletes a hook and its log." },
	{ .name = "one.hook.retry", .params = "id:i execution:i", .object = OBJ_HOOK, .right = AUTH_MANAGE,
	  .prepare = prepare_retry, .write = api_hook_retry, .doc = "Runs a hook again, with the arguments of an execution in its log." },
	USUAL_RENAME("hook", OBJ_HOOK),
	USUAL_LOCKS("hook", OBJ_HOOK),
	{ .name = "one.hooklog.info", .params = "from:i to:i hook:i rc:i", .object = OBJ_HOOK, .right = AUTH_USE, .flags = M_NO_RIGHT,
	  .read = api_hooklog_info, .doc = "What hooks did, between two times; rc -1: what failed, 1: what succeeded. For oneadmin's group." },
	{ .name = NULL },
	/* clang-format on */
};
