#include "oned/api/call_event.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/map.h"
#include "common/xml.h"
#include "oned/api/dispatch.h"
#include "oned/lifecycle/hook.h"
#include "oned/objects/hook.h"

/* ---- which ---- */

struct call_events {
	pthread_rwlock_t lock;
	struct imap calls;       /* of API hooks by id: the method, malloc'ed */
	atomic_int n;
};

struct call_events *call_events_new(void)
{
	struct call_events *e = xcalloc(1, sizeof(*e));

	pthread_rwlock_init(&e->lock, NULL);
	return e;
}

void call_events_free(struct call_events *e)
{
	size_t it = 0;
	int64_t id;
	void *call;

	if (!e)
		return;
	while (imap_next(&e->calls, &it, &id, &call))
		free(call);
	imap_done(&e->calls);
	pthread_rwlock_destroy(&e->lock);
	free(e);
}

void call_events_hook(struct call_events *e, int id, const struct version *v)
{
	const struct hook *h = v ? (const struct hook *)v->obj : NULL;
	const char *call = h && h->type == HOOK_API ? tmpl_get(h->o.tmpl, "CALL") : NULL;

	pthread_rwlock_wrlock(&e->lock);
	free(imap_del(&e->calls, id));
	if (call)
		imap_put(&e->calls, id, xstrdup(call));
	atomic_store(&e->n, (int)e->calls.n);
	pthread_rwlock_unlock(&e->lock);
}

bool call_event_exists(const char *method)
{
	const char *dot = strrchr(method, '.');

	return api_method(method) && strncmp(method, "one.", 4) == 0 && strcmp(dot, ".info") != 0 && strcmp(dot, ".infoextended") != 0;
}

static bool has_hook(struct call_events *e, const char *method)
{
	bool found = false;
	size_t it = 0;
	int64_t id;
	void *call;

	if (!atomic_load(&e->n))
		return false;
	pthread_rwlock_rdlock(&e->lock);
	while (!found && imap_next(&e->calls, &it, &id, &call))
		found = !strcmp(call, method);
	pthread_rwlock_unlock(&e->lock);
	return found;
}

static bool is_wanted(const struct call *c)
{
	const struct api *a = c->api;

	if (!a->publish || !c->method || (!hook_api_has_subscribers() && !has_hook(a->events, c->method->name)))
		return false;
	return call_event_exists(c->method->name);
}

/* ---- what ---- */

static bool ends_in(const struct call *c, const char *verb)
{
	return !strcmp(strrchr(c->method->name, '.') + 1, verb);
}

void call_event_prepare(struct call *c)
{
	if (is_wanted(c) && ends_in(c, "delete") && c->n_args > 0 && c->args[0].type == RPC_INT && obj_ops(c->method->object))
		c->deleted = pool_get(c->api->core, c->method->object, call_int(c, 0));
}

static void out_value(struct strbuf *out, const struct rpc_value *v)
{
	switch (v->type) {
	case RPC_INT:
	case RPC_I8:
	case RPC_BOOL:
		strbuf_addi(out, v->i);
		return;
	case RPC_STRING:
		xml_escape(out, v->s, v->len);
		return;
	case RPC_DOUBLE:
	case RPC_ARRAY:
	case RPC_STRUCT:
	case RPC_OTHER:
		return;
	}
}

static void parameter_open(struct strbuf *out, int position, const char *type)
{
	xml_out_open(out, "PARAMETER");
	xml_out_int(out, "POSITION", position);
	xml_out_text(out, "TYPE", type);
	xml_out_open(out, "VALUE");
}

static void parameter_close(struct strbuf *out)
{
	xml_out_close(out, "VALUE");
	xml_out_close(out, "PARAMETER");
}

static void out_text(struct strbuf *out, int position, const char *text)
{
	parameter_open(out, position, "OUT");
	xml_escape(out, text, strlen(text));
	parameter_close(out);
}

static void out_number(struct strbuf *out, int position, long long n)
{
	parameter_open(out, position, "OUT");
	strbuf_addi(out, n);
	parameter_close(out);
}

/* The session is the first. */
static void out_given(struct strbuf *out, const struct call *c)
{
	const struct method_spec *spec = api_method_spec(c->method->name);

	for (int i = -1; i < c->n_args; i++) {
		parameter_open(out, i + 2, "IN");
		if (i < 0 || spec->params[i].secret)
			strbuf_lit(out, "****");
		else
			out_value(out, &c->args[i]);
		parameter_close(out);
	}
}

/* Not of pools, which no event is about. */
static void out_payload(struct strbuf *out, const struct call *c)
{
	if (c->method->flags & M_SECRET_ANSWER)
		strbuf_lit(out, "****");
	else if (c->kind == CALL_INT)
		strbuf_addi(out, c->number);
	else if (c->kind == CALL_TEXT)
		xml_escape(out, c->text.buf, c->text.len);
	else if (c->kind == CALL_WIRE)
		strbuf_adds(out, c->text.buf + strlen(rpc_success_head)); /* escaped as it is sent */
}

static void out_answer(struct strbuf *out, const struct call *c, const struct one_err *err, const char *message)
{
	out_text(out, 1, err ? "false" : "true");
	if (err) {
		out_text(out, 2, message);
		out_number(out, 3, err->rc);
		out_number(out, 4, err->object_id);
		return;
	}
	parameter_open(out, 2, "OUT");
	out_payload(out, c);
	parameter_close(out);
	out_number(out, 3, ONE_OK);
}

/* The object that was made or deleted. */
static void out_extra(struct strbuf *out, const struct call *c, bool ok)
{
	enum obj_type type = c->method->object;
	bool made = ok && c->kind == CALL_INT && obj_ops(type) && (ends_in(c, "allocate") || (type == OBJ_IMAGE && ends_in(c, "clone")));
	struct version *v = made ? pool_get(c->api->core, type, (int)c->number) : ok ? version_ref(c->deleted) : NULL;

	xml_out_open(out, "EXTRA");
	if (v)
		strbuf_add(out, v->body, v->body_len);
	xml_out_close(out, "EXTRA");
	version_unref(v);
}

void call_event_send(struct call *c, const struct one_err *err, const char *message)
{
	struct strbuf xml = STRBUF_INIT, packed = STRBUF_INIT;

	/* Whoever isn't known has called nothing. */
	if ((err && err->rc == ONE_AUTHENTICATION) || !is_wanted(c))
		return;
	strbuf_lit(&xml, "<HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE>");
	xml_out_text(&xml, "CALL", c->method->name);
	xml_out_open(&xml, "CALL_INFO");
	xml_out_int(&xml, "RESULT", !err);
	xml_out_open(&xml, "PARAMETERS");
	out_given(&xml, c);
	out_answer(&xml, c, err, message);
	xml_out_close(&xml, "PARAMETERS");
	out_extra(&xml, c, !err);
	xml_out_close(&xml, "CALL_INFO");
	xml_out_close(&xml, "HOOK_MESSAGE");
	base64_encode(xml.buf, xml.len, &packed);
	c->api->publish(c->api->publish_ctx, packed.buf);
	strbuf_done(&xml);
	strbuf_done(&packed);
}
