/* The dispatcher: from an HTTP request to the answer of a method. */
#include "oned/api/dispatch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "oned/api/call_event.h"

#define MAX_VALUES 100000 /* of one call */

/* ---- a call's life ---- */

struct call *call_new(struct api *a, struct http_request *rq)
{
	struct arena arena = ARENA_INIT;
	struct call *c = arena_new(&arena, struct call);

	c->arena = arena;
	c->api = a;
	c->http = rq;
	c->who.uid = -1;
	c->req_id = (int)(atomic_fetch_add(&a->next_req, 1) % 10000);
	c->err.object_id = -1;
	strbuf_init(&c->text);
	return c;
}

void call_free(struct call *c)
{
	struct arena arena = c->arena;

	strbuf_done(&c->text);
	if (c->versions)
		pool_release(c->versions, c->n_versions);
	version_unref(c->deleted);
	arena_done(&arena);
}

/* ---- answers ---- */

static void release_text(void *owner)
{
	free(owner);
}

void call_send(struct call *c, struct strbuf *answer)
{
	struct http_piece piece = { .release = release_text };

	piece.data = piece.owner = strbuf_detach(answer, &piece.len);
	http_reply(c->http, &piece, 1);
	c->http = NULL;
}

static void deliver(struct call *c, struct strbuf *answer)
{
	if (c->multi)
		multicall_part_done(c->multi, answer);
	else
		call_send(c, answer);
	strbuf_done(answer);
	call_free(c);
}

void call_finish_fault(struct call *c, int code, const char *text)
{
	struct strbuf answer = STRBUF_INIT;

	rpc_fault(&answer, code, text);
	deliver(c, &answer);
}

struct brief_owner { struct version **list; size_t n; char *frame; };

static void release_briefs(void *owner)
{
	struct brief_owner *b = owner;

	pool_release(b->list, b->n);
	free(b->frame);
	free(b);
}

/* The whole pool as pieces that point into the versions; the last piece releases them. */
static void send_briefs(struct call *c)
{
	struct brief_owner *b = xmalloc(sizeof(*b));
	struct http_piece *pieces = xmalloc((c->n_versions + 2) * sizeof(*pieces));
	size_t head, n = 0;

	strbuf_reset(&c->text);
	strbuf_adds(&c->text, rpc_success_head);
	strbuf_addf(&c->text, "&lt;%s&gt;", c->pool_root);
	head = c->text.len;
	strbuf_addf(&c->text, "&lt;/%s&gt;%s", c->pool_root, rpc_success_tail);
	*b = (struct brief_owner){ .list = c->versions, .n = c->n_versions };
	pieces[n].len = head;
	for (size_t i = 0; i < c->n_versions; i++)
		pieces[++n] = (struct http_piece){ .data = c->versions[i]->brief, .len = c->versions[i]->brief_len };
	pieces[++n].len = c->text.len - head;
	b->frame = strbuf_detach(&c->text, NULL);
	pieces[0] = (struct http_piece){ .data = b->frame, .len = head };
	pieces[n] = (struct http_piece){ .data = b->frame + head, .len = pieces[n].len, .release = release_briefs, .owner = b };
	c->versions = NULL;
	http_reply(c->http, pieces, n + 1);
	c->http = NULL;
	free(pieces);
	call_free(c);
}

static void briefs_to_wire(struct call *c)
{
	strbuf_reset(&c->text);
	strbuf_adds(&c->text, rpc_success_head);
	strbuf_addf(&c->text, "&lt;%s&gt;", c->pool_root);
	for (size_t i = 0; i < c->n_versions; i++)
		strbuf_add(&c->text, c->versions[i]->brief, c->versions[i]->brief_len);
	strbuf_addf(&c->text, "&lt;/%s&gt;", c->pool_root);
	c->kind = CALL_WIRE;
}

static void success_text(struct call *c, struct strbuf *answer)
{
	switch (c->kind) {
	case CALL_INT:
		rpc_success_int(answer, c->number);
		return;
	case CALL_TEXT:
		rpc_success_string(answer, c->text.buf, c->text.len);
		return;
	case CALL_BRIEFS:
		briefs_to_wire(c);
		__attribute__((fallthrough));
	case CALL_WIRE:
		strbuf_adds(&c->text, rpc_success_tail);
		__attribute__((fallthrough));
	case CALL_WHOLE:
		*answer = c->text;
		strbuf_init(&c->text);
		return;
	case CALL_OPEN:
		break;
	}
	assert(!"a handler ended without an answer");
}

void call_finish(struct call *c, const struct one_err *err)
{
	struct strbuf answer = STRBUF_INIT, message = STRBUF_INIT;

	if (err && err->rc) {
		call_failure_text(c, err, &message);
		rpc_failure(&answer, message.buf, (int)err->rc, err->object_id, -1);
		call_event_send(c, err, message.buf);
		call_log_result(c, err, message.buf);
		strbuf_done(&message);
		deliver(c, &answer);
		return;
	}
	call_event_send(c, NULL, NULL);
	call_log_result(c, NULL, NULL);
	if (c->kind == CALL_BRIEFS && !c->multi) {
		send_briefs(c);
		return;
	}
	success_text(c, &answer);
	deliver(c, &answer);
}

/* ---- what handlers say ---- */

void call_ok_int(struct call *c, long long value)
{
	c->kind = CALL_INT;
	c->number = value;
}

void call_ok_text(struct call *c, const char *text, size_t len)
{
	strbuf_add(call_ok_buffer(c), text, len);
}

struct strbuf *call_ok_buffer(struct call *c)
{
	c->kind = CALL_TEXT;
	return &c->text;
}

struct strbuf *call_ok_wire(struct call *c)
{
	c->kind = CALL_WIRE;
	strbuf_adds(&c->text, rpc_success_head);
	return &c->text;
}

void call_ok_briefs(struct call *c, const char *root, struct version **list, size_t n)
{
	c->kind = CALL_BRIEFS;
	c->pool_root = root;
	c->versions = list;
	c->n_versions = n;
}

enum one_rc call_fail(struct call *c, enum one_rc rc, const char *fmt, ...)
{
	va_list ap;

	if (c->err.rc)
		return c->err.rc;
	va_start(ap, fmt);
	one_err_vset(&c->err, rc, fmt, ap);
	va_end(ap);
	return rc;
}

enum one_rc call_no_object(struct call *c, enum obj_type type, int id)
{
	call_fail(c, ONE_NO_EXISTS, "%s", obj_ops(type)->word);
	c->err.object_id = id;
	return ONE_NO_EXISTS;
}

/* ---- rights ---- */

static void check_row(struct call *c, struct authz *a, const struct version *v)
{
	bool exempt = c->method->flags & M_LOCK_EXEMPT;

	if (v)
		authz_check_version(a, call_right(c), exempt, v);
	else
		authz_check_type(a, call_right(c), c->method->object);
}

struct version *call_object(struct call *c)
{
	int id = call_int(c, 0);
	struct version *v = id < 0 ? NULL : pool_get(c->api->core, c->method->object, id);
	struct authz a;

	if (!v && (id >= 0 || (c->method->flags & M_ID_FIRST))) {
		call_no_object(c, c->method->object, id);
		return NULL;
	}
	call_checks_begin(c, &a);
	check_row(c, &a, v);
	if (authz_end(&a, &c->err)) {
		version_unref(v);
		return NULL;
	}
	if (!v)
		call_no_object(c, c->method->object, id);
	return v;
}

void *call_edit(struct txn *t, struct call *c)
{
	int id = call_int(c, c->method->id_at);

	if (!call_may(t, c, call_right(c), c->method->object, id))
		return NULL;
	return txn_edit(t, c->method->object, id);
}

bool call_may(struct txn *t, struct call *c, enum auth_op op, enum obj_type type, int id)
{
	const struct version *v = id < 0 ? NULL : txn_version(t, type, id);
	struct authz a;

	if (!txn_ok(t))
		return false;
	if (!v && (id >= 0 || (c->method->flags & M_ID_FIRST))) {
		txn_no_object(t, type, id);
		return false;
	}
	call_checks_begin(c, &a);
	if (v)
		authz_check_version(&a, op, (c->method->flags & M_LOCK_EXEMPT) && type == c->method->object, v);
	else
		authz_check_type(&a, op, type);
	if (!call_checks_end(t, &a))
		return false;
	if (!v && op != AUTH_CREATE)
		txn_no_object(t, type, id);
	return txn_ok(t);
}

bool call_by_oneadmin(struct call *c)
{
	if (c->who.uid == USER_ONEADMIN)
		return true;
	call_fail(c, ONE_AUTHORIZATION, "%s", "");
	return false;
}

bool call_may_clone(struct txn *t, struct call *c, enum obj_type type, int id)
{
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_USE, false, txn_version(t, type, id));
	authz_check_type(&a, AUTH_CREATE, type);
	return call_checks_end(t, &a);
}

void call_checks_begin(struct call *c, struct authz *a)
{
	authz_begin(a, &c->who, c->api->acl, c->api->zone);
}

bool call_checks_end(struct txn *t, struct authz *a)
{
	struct one_err err = ONE_ERR_INIT;

	if (authz_end(a, &err))
		txn_fail(t, err.rc, "%s", err.text);
	return txn_ok(t);
}

/* ---- running ---- */

enum auth_op call_right(const struct call *c)
{
	return c->method->flags & M_OP_CLASS ? vm_op_right(c) : c->method->right;
}

void call_run_read(struct call *c)
{
	c->method->read(c);
	if (c->fault)
		call_finish_fault(c, c->fault, c->fault_text);
	else
		call_finish(c, &c->err);
}

/* The right the row asks for. */
static bool row_allows(struct txn *t, struct call *c)
{
	const struct method *m = c->method;
	struct authz a;

	if (!m->right || (m->flags & M_NO_RIGHT))
		return true;
	if (!(m->flags & M_TYPE_RIGHT))
		return call_may(t, c, call_right(c), m->object, call_int(c, m->id_at));
	call_checks_begin(c, &a);
	authz_check_type(&a, call_right(c), m->object);
	return call_checks_end(t, &a);
}

static void run_write(struct txn *t, void *arg)
{
	struct call *c = arg;
	const struct method *m = c->method;

	t->call = c;
	t->who = &c->who;
	t->req_id = c->req_id;
	/* A template that can't be read: told before the right to create, but after most rights to change (as OpenNebula). */
	if (c->prepare_err.rc && (m->right == AUTH_CREATE || (m->flags & M_PARSE_FIRST)))
		goto unprepared;
	if (!row_allows(t, c))
		return;
	if (c->prepare_err.rc)
		goto unprepared;
	m->write(t, c);
	return;
unprepared:
	txn_fail(t, c->prepare_err.rc, "%s", c->prepare_err.text);
}

static void write_done(void *arg, const struct one_err *result)
{
	struct call *c = arg;

	if (result->rc || !c->waiting)
		call_finish(c, result->rc ? result : &c->err);
}

static void run_resumed(struct txn *t, void *arg)
{
	struct call *c = arg;

	t->call = c;
	t->who = &c->who;
	t->req_id = c->req_id;
	c->resumed(t, c);
}

void call_resume(struct call *c, void (*write)(struct txn *t, struct call *c))
{
	c->waiting = false;
	c->resumed = write;
	core_submit(c->api->core, run_resumed, write_done, c);
}

/* ---- parameters ---- */

/* xmlrpc-c's texts. */
static const char *wrong_type_text(char type)
{
	switch (type) {
	case 'i':
		return "Parameter that is supposed to be integer is not";
	case 'l':
		return "Parameter that is supposed to be 64-bit integer is not";
	case 'b':
		return "Parameter that is supposed to be boolean is not";
	case 's':
		return "Parameter that is supposed to be a string is not";
	default:
		return "Parameter that is supposed to be an array is not";
	}
}

static bool type_matches(const struct rpc_value *v, char type)
{
	switch (type) {
	case 'i':
		return v->type == RPC_INT;
	case 'l':
		return v->type == RPC_I8 || v->type == RPC_INT;
	case 'b':
		return v->type == RPC_BOOL;
	case 's':
		return v->type == RPC_STRING;
	default:
		return v->type == RPC_ARRAY;
	}
}

static const char *const bad_array_item =
	"Unexpected error executing code for particular method, detected by Xmlrpc-c method registry code.  "
	"Method did not fail; rather, it did not complete at all.  Not integer type.  See type() method";

static bool array_is_ints(const struct rpc_value *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->items[i].type != RPC_INT)
			return false;
	return true;
}

/* In the order the reference looks at them: the first parameter that is missing or wrong is told. */
static bool check_params(struct call *c, const struct method_spec *spec, int offset)
{
	struct rpc_value *args = arena_array(&c->arena, spec->n_params + 1, struct rpc_value);
	int given = (int)c->rpc.n - offset;

	for (int i = 0; i < spec->n_params; i++) {
		const struct param_spec *p = &spec->params[i];
		const struct rpc_value *v = i < given ? &c->rpc.params[i + offset] : NULL;

		if (!v && i < spec->n_required) {
			call_finish_fault(c, RPC_FAULT_TYPE, "Not enough parameters");
			return false;
		}
		if (v && !type_matches(v, p->type)) {
			call_finish_fault(c, RPC_FAULT_TYPE, wrong_type_text(p->type));
			return false;
		}
		if (v && p->type == 'A' && !array_is_ints(v)) {
			call_finish_fault(c, RPC_FAULT_INTERNAL, bad_array_item);
			return false;
		}
		args[i] = v ? *v : p->dflt;
	}
	c->args = args;
	c->n_args = given < spec->n_params ? given : spec->n_params;
	return true;
}

void call_run(struct call *c)
{
	const struct method *m = c->method;

	/* Not before it is known who asks: strangers are told nothing else. */
	if (!check_params(c, api_method_spec(m->name), 1))
		return;
	call_log_invoked(c);
	if (!(m->flags & M_ZONE_DISABLED) && atomic_load(&c->api->zone_disabled)) {
		call_fail(c, ONE_INTERNAL, "Cannot process request, zone disabled");
		call_finish(c, &c->err);
		return;
	}
	call_event_prepare(c);
	if (m->prepare)
		m->prepare(c, &c->prepare_err);
	if (m->write && (!m->read || m->by_write(c)))
		core_submit(c->api->core, run_write, write_done, c);
	else if (m->flags & M_BULK)
		bulk_submit(c->api->bulk, c, call_run_read);
	else
		call_run_read(c);
}

void call_start(struct call *c)
{
	const struct method_spec *spec = api_method_spec(c->rpc.method);
	char text[300];

	if (!spec) {
		snprintf(text, sizeof(text), "Method '%.200s' not defined", c->rpc.method);
		call_finish_fault(c, RPC_FAULT_NO_METHOD, text);
		return;
	}
	c->method = spec->row;
	if (c->method->flags & M_NO_AUTH) {
		if (check_params(c, spec, 0))
			call_run_read(c);
		return;
	}
	if (c->rpc.n == 0) {
		call_finish_fault(c, RPC_FAULT_TYPE, "Not enough parameters");
		return;
	}
	if (c->rpc.params[0].type != RPC_STRING) {
		call_finish_fault(c, RPC_FAULT_TYPE, wrong_type_text('s'));
		return;
	}
	call_authenticate(c);
}

static void parse_and_start(struct call *c)
{
	struct one_err err = ONE_ERR_INIT;
	int fault = rpc_parse(&c->arena, c->http->body, c->http->len, MAX_VALUES, &c->rpc, &err);

	if (fault)
		call_finish_fault(c, fault, err.text);
	else if (!strcmp(c->rpc.method, "system.multicall"))
		multicall_start(c);
	else
		call_start(c);
}

/* xmlrpc-c reads some 50 MB/s: a large body would hold up all other clients of the loop. */
#define PARSE_HERE_MAX (256 * 1024)

void api_handle(void *ctx, struct http_request *rq)
{
	struct call *c = call_new(ctx, rq);

	if (rq->len <= PARSE_HERE_MAX)
		parse_and_start(c);
	else
		bulk_submit(c->api->bulk, c, parse_and_start);
}
