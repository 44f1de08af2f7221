/* system.* and one.system.*: what there is, which version, how it is configured. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "oned/api/api.h"
#include "oned/api/dispatch.h"
#include "oned/store/readers.h"
#include "oned/version.h"

static void system_version(struct call *c)
{
	call_ok_text(c, ONE_VERSION, strlen(ONE_VERSION));
}

/* Secrets only for those whose group is oneadmin's. */
static void system_config(struct call *c)
{
	const struct strbuf *text = &c->api->config_xml[c->who.gid == GROUP_ONEADMIN];

	call_ok_text(c, text->buf, text->len);
}

/* ---- the database, for oneadmin himself ---- */

static void out_value(struct strbuf *out, const char *name, const struct sql_value *v)
{
	struct strbuf text = STRBUF_INIT, name64 = STRBUF_INIT;

	if (v->type == SQL_V_INT) {
		strbuf_addf(&text, "%lld", (long long)v->i);
	} else if (v->type == SQL_V_UINT) {
		strbuf_addf(&text, "%llu", (unsigned long long)v->i);
	} else if (v->type == SQL_V_TEXT && v->s[0] == '<') { /* XML is told as base64, under another name */
		strbuf_addf(&name64, "%s64", name);
		base64_encode(v->s, v->len, &text);
	} else if (v->type == SQL_V_TEXT) {
		strbuf_add(&text, v->s, v->len);
	}
	xml_out_cdata(out, name64.len ? name64.buf : name, text.len ? text.buf : "");
	strbuf_done(&text);
	strbuf_done(&name64);
}

/* An answer is held in memory, and again as it goes out. */
#define SQLQUERY_MAX_BYTES (64 << 20)

/* Stops at the first row beyond the limit. */
static bool out_row(void *ctx, const char *const *names, const struct sql_value *cols, int n)
{
	xml_out_open(ctx, "ROW");
	for (int i = 0; i < n; i++)
		out_value(ctx, names[i], &cols[i]);
	xml_out_close(ctx, "ROW");
	return ((struct strbuf *)ctx)->len <= SQLQUERY_MAX_BYTES;
}

static void system_sqlquery(struct call *c)
{
	struct strbuf rows = STRBUF_INIT, *out;
	struct store *s = call_by_oneadmin(c) ? readers_take(c->api->readers, &c->err) : NULL;

	if (!s)
		return;
	if (store_query(s, call_str(c, 0), out_row, &rows, &c->err)) {
		c->err.rc = ONE_ACTION;
	} else if (rows.len > SQLQUERY_MAX_BYTES) {
		call_fail(c, ONE_ACTION, "The answer is larger than %d MB: ask for less at a time", SQLQUERY_MAX_BYTES >> 20);
	} else {
		out = call_ok_buffer(c);
		xml_out_open(out, "SQL_COMMAND");
		xml_out_cdata(out, "QUERY", call_str(c, 0));
		xml_out_open(out, "RESULT");
		strbuf_add(out, rows.buf, rows.len);
		xml_out_close(out, "RESULT");
		xml_out_close(out, "SQL_COMMAND");
	}
	readers_give(c->api->readers, s);
	strbuf_done(&rows);
}

/* What is in memory is the state: it would neither notice a change of the database nor leave it there. */
static void system_sql(struct call *c)
{
	if (call_by_oneadmin(c))
		call_fail(c, ONE_ACTION, "oned is running: its database is changed by its methods, or by hand while it is stopped");
}

/* ---- introspection: what a library would answer by itself ---- */

static void answer_value(struct call *c, const struct rpc_value *v)
{
	struct strbuf *out = call_ok_wire(c);

	strbuf_reset(out);
	rpc_answer_value(out, v);
	c->kind = CALL_WHOLE;
}

static void list_methods(struct call *c)
{
	struct rpc_value all = { .type = RPC_ARRAY };

	while (api_method_at((int)all.n))
		all.n++;
	all.items = arena_array(&c->arena, all.n, struct rpc_value);
	for (size_t i = 0; i < all.n; i++) {
		const char *name = api_method_at((int)i)->name;

		all.items[i] = (struct rpc_value){ .type = RPC_STRING, .s = name, .len = strlen(name) };
	}
	answer_value(c, &all);
}

static const struct method_spec *named_method(struct call *c)
{
	const struct method_spec *spec = api_method_spec(call_str(c, 0));

	if (!spec)
		call_fail(c, ONE_NO_EXISTS, "Unknown method");
	return spec;
}

static void no_such_method(struct call *c)
{
	char text[300];

	snprintf(text, sizeof(text), "Method '%.200s' does not exist", call_str(c, 0));
	c->fault = RPC_FAULT_NO_METHOD;
	c->fault_text = arena_strdup(&c->arena, text);
}

static void method_help(struct call *c)
{
	const struct method_spec *spec = named_method(c);

	if (!spec) {
		no_such_method(c);
		return;
	}
	answer_value(c, &(struct rpc_value){ .type = RPC_STRING, .s = spec->row->doc, .len = strlen(spec->row->doc) });
}

static const char *type_word(char type)
{
	switch (type) {
	case 'i':
		return "int";
	case 'l':
		return "i8";
	case 'b':
		return "boolean";
	case 's':
		return "string";
	default:
		return "array";
	}
}

static struct rpc_value string_value(const char *s)
{
	return (struct rpc_value){ .type = RPC_STRING, .s = s, .len = strlen(s) };
}

/* One signature: the type of the answer, the session, the parameters. */
static void method_signature(struct call *c)
{
	const struct method_spec *spec = named_method(c);
	struct rpc_value *items, inner = { .type = RPC_ARRAY }, outer = { .type = RPC_ARRAY, .n = 1, .items = &inner };
	bool session;

	if (!spec) {
		no_such_method(c);
		return;
	}
	session = !(spec->row->flags & M_NO_AUTH);
	items = inner.items = arena_array(&c->arena, spec->n_params + 2, struct rpc_value);
	items[inner.n++] = string_value("array");
	if (session)
		items[inner.n++] = string_value("string");
	for (int i = 0; i < spec->n_params; i++)
		items[inner.n++] = string_value(type_word(spec->params[i].type));
	answer_value(c, &outer);
}

/* system.multicall is the dispatcher's; the row is for the reference and for a call inside a multicall. */
static void multicall_row(struct call *c)
{
	c->fault = RPC_FAULT_TYPE;
	c->fault_text = "system.multicall cannot be called inside itself";
}

const struct method system_methods[] = {
	/* clang-format off */
	{ .name = "system.listMethods", .params = "", .object = OBJ_NONE, .flags = M_NO_AUTH | M_ZONE_DISABLED,
	  .read = list_methods, .doc = "Names of all methods." },
	{ .name = "system.methodHelp", .params = "method:s", .object = OBJ_NONE, .flags = M_NO_AUTH | M_ZONE_DISABLED,
	  .read = method_help, .doc = "What a method does." },
	{ .name = "system.methodSignature", .params = "method:s", .object = OBJ_NONE, .flags = M_NO_AUTH | M_ZONE_DISABLED,
	  .read = method_signature, .doc = "Types of a method's answer and parameters." },
	{ .name = "system.multicall", .params = "calls:A", .object = OBJ_NONE, .flags = M_NO_AUTH | M_ZONE_DISABLED,
	  .read = multicall_row, .doc = "Runs several calls, one after the other; an array of their answers." },
	{ .name = "one.system.version", .params = "", .object = OBJ_NONE, .flags = M_NO_RIGHT | M_ZONE_DISABLED,
	  .read = system_version, .doc = "Version of OpenNebula whose API is served." },
	{ .name = "one.system.config", .params = "", .object = OBJ_NONE, .flags = M_NO_RIGHT | M_ZONE_DISABLED | M_SECRET_ANSWER,
	  .read = system_config, .doc = "oned's configuration as XML; secrets only for the group oneadmin." },
	{ .name = "one.system.sqlquery", .params = "query:s", .object = OBJ_NONE, .flags = M_NO_RIGHT | M_BULK | M_SECRET_ANSWER,
	  .read = system_sqlquery, .doc = "What the database answers to a SELECT; for oneadmin himself." },
	{ .name = "one.system.sql", .params = "command:s federate:b", .object = OBJ_NONE, .flags = M_NO_RIGHT, .read = system_sql,
	  .doc = "Refused: what oned has in memory is the state, and a change behind it would be lost." },
	{ .name = NULL },
	/* clang-format on */
};
