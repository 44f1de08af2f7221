/* The texts of failures, and the lines of the call log (errors.md sections 3 and 9). Secrets never reach them. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/timeutil.h"
#include "oned/api/dispatch.h"

void call_failure_text(const struct call *c, const struct one_err *err, struct strbuf *out)
{
	const struct obj_ops *ops = c->method ? obj_ops(c->method->object) : NULL;
	const char *word = ops ? ops->word : "-";

	strbuf_addf(out, "[%s] ", c->method ? c->method->name : c->rpc.method);
	switch (err->rc) {
	case ONE_AUTHENTICATION:
		strbuf_lit(out, "User couldn't be authenticated, aborting call.");
		return;
	case ONE_AUTHORIZATION:
		if (*err->text)
			strbuf_addf(out, "User [%d] : %s.", c->who.uid, err->text);
		else
			strbuf_addf(out, "User [%d] not authorized to perform action on %s.", c->who.uid, word);
		return;
	case ONE_NO_EXISTS:
		if (err->object_id != -1)
			strbuf_addf(out, "Error getting %s [%d].", *err->text ? err->text : word, err->object_id);
		else
			strbuf_addf(out, "Error getting %s Pool.", *err->text ? err->text : word);
		return;
	case ONE_ALLOCATE:
		strbuf_addf(out, "Error allocating a new %s.%s%s", word, *err->text ? " " : "", err->text);
		return;
	case ONE_LOCKED:
		strbuf_addf(out, "The resource %s is locked.", word);
		if (err->object_id >= 0)
			strbuf_addf(out, " [%d].", err->object_id);
		return;
	case ONE_OK:
	case ONE_ACTION:
	case ONE_API:
	case ONE_INTERNAL:
	case ONE_REPLICATION:
		strbuf_adds(out, err->text);
		return;
	}
}

/* ---- parameters in a log line ---- */

static void add_param(struct strbuf *out, const struct param_spec *p, const struct rpc_value *v, int max)
{
	strbuf_lit(out, ", ");
	if (p->secret) {
		strbuf_lit(out, "****");
		return;
	}
	switch (v->type) {
	case RPC_INT:
	case RPC_I8:
		strbuf_addi(out, v->i);
		return;
	case RPC_BOOL:
		strbuf_adds(out, v->i ? "true" : "false");
		return;
	case RPC_STRING:
		if ((int)v->len > max)
			strbuf_addf(out, "\"%.*s...\"", max, v->s);
		else
			strbuf_addf(out, "\"%s\"", v->s);
		return;
	case RPC_DOUBLE:
	case RPC_ARRAY:
	case RPC_STRUCT:
	case RPC_OTHER:
		strbuf_lit(out, "unknown param type");
		return;
	}
}

static void add_params(struct strbuf *out, const struct call *c, int max)
{
	const struct method_spec *spec = api_method_spec(c->method->name);

	for (int i = 0; i < c->n_args; i++)
		add_param(out, &spec->params[i], &c->args[i], max);
}

/* One token of LOG_CALL_FORMAT after its '%'; returns what follows it. %p and %a would be secrets: never written. */
static const char *add_token(struct strbuf *out, const struct call *c, const char *at)
{
	int max = 0;

	switch (*at) {
	case 'i':
		strbuf_addi(out, c->req_id);
		break;
	case 'm':
		strbuf_adds(out, c->method->name);
		break;
	case 'u':
		strbuf_addi(out, c->who.uid);
		break;
	case 'U':
		strbuf_adds(out, c->who.uname ? c->who.uname : "-");
		break;
	case 'g':
		strbuf_addi(out, c->who.gid);
		break;
	case 'G':
		strbuf_adds(out, c->who.gname ? c->who.gname : "-");
		break;
	case 'p':
	case 'a':
		strbuf_lit(out, "****");
		break;
	case 'A':
		strbuf_adds(out, c->http ? c->http->client : "-");
		break;
	case 'P':
		strbuf_addi(out, c->http ? c->http->client_port : 0);
		break;
	case 'l':
		while (at[1] >= '0' && at[1] <= '9' && max < 100000)
			max = max * 10 + (*++at - '0');
		add_params(out, c, max ? max : 20);
		break;
	case '%':
		strbuf_addc(out, '%');
		break;
	case '\0':
		return at;
	default:
		strbuf_addc(out, '%');
		strbuf_addc(out, *at);
	}
	return at + 1;
}

void call_log_invoked(const struct call *c)
{
	struct strbuf line = STRBUF_INIT;

	if (log_get_level() < LOG_L_DEBUG)
		return;
	for (const char *at = c->api->log_call_format; *at;) {
		if (*at == '%')
			at = add_token(&line, c, at + 1);
		else
			strbuf_addc(&line, *at++);
	}
	log_debug("ReM", "%s", line.buf);
	strbuf_done(&line);
}

static void access_line(const struct call *c, const char *outcome)
{
	char text[400];

	snprintf(text, sizeof(text), "%s %s %s", c->http ? c->http->client : "-", c->method ? c->method->name : c->rpc.method, outcome);
	log_file_line(c->api->rpc_log, LOG_L_INFO, "XRP", text);
}

void call_log_result(const struct call *c, const struct one_err *err, const char *message)
{
	char uid[16] = "-";

	if (*c->api->rpc_log)
		access_line(c, err ? "FAILURE" : "SUCCESS");
	if (!err && log_get_level() < LOG_L_DEBUG)
		return;
	if (c->who.uid >= 0)
		snprintf(uid, sizeof(uid), "%d", c->who.uid);
	if (err)
		log_error("ReM", "Req:%d UID:%s %s result FAILURE %s", c->req_id, uid, c->method->name, message);
	else if (c->kind == CALL_INT)
		log_debug("ReM", "Req:%d UID:%s %s result SUCCESS, %lld", c->req_id, uid, c->method->name, c->number);
	else if (c->kind == CALL_TEXT && !(c->method->flags & M_SECRET_ANSWER))
		log_debug("ReM", "Req:%d UID:%s %s result SUCCESS, \"%.20s%s\"", c->req_id, uid, c->method->name, c->text.buf,
			  c->text.len > 20 ? "..." : "");
	else
		log_debug("ReM", "Req:%d UID:%s %s result SUCCESS", c->req_id, uid, c->method->name);
}
