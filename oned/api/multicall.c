/* system.multicall: an array of {methodName, params}, run one after the other; the answer is the array of their answers. */
#include <stdatomic.h>
#include <string.h>

#include "oned/api/dispatch.h"

#define MULTICALL_MAX 1000

enum { PART_STARTED, PART_WAITED_FOR, PART_DONE };

struct multicall {
	struct call *outer;
	const struct rpc_value *parts;
	size_t n, at;
	struct strbuf out;         /* the parts' <value>s */
	atomic_int state;          /* of the part: a part that ends at once must not recurse, one on the core thread goes on there */
};

static const struct rpc_value *member(const struct rpc_value *v, const char *name)
{
	for (size_t i = 0; v->type == RPC_STRUCT && i < v->n; i++)
		if (!strcmp(v->members[i].name, name))
			return &v->members[i].value;
	return NULL;
}

static void finish(struct multicall *m)
{
	struct strbuf answer = STRBUF_INIT;
	struct call *c = m->outer;

	strbuf_adds(&answer, rpc_multicall_head);
	strbuf_add(&answer, m->out.buf, m->out.len);
	strbuf_adds(&answer, rpc_multicall_tail);
	strbuf_done(&m->out);
	call_send(c, &answer);
	call_free(c);
}

static void start_part(struct multicall *m)
{
	const struct rpc_value *name = member(&m->parts[m->at], "methodName"), *params = member(&m->parts[m->at], "params");
	struct call *part = call_new(m->outer->api, NULL);

	part->multi = m;
	part->rpc.method = name && name->type == RPC_STRING ? name->s : "";
	m->at++;
	if (!name || name->type != RPC_STRING || !params || params->type != RPC_ARRAY) {
		call_finish_fault(part, RPC_FAULT_TYPE, "A part of system.multicall needs methodName and params");
		return;
	}
	if (!strcmp(name->s, "system.multicall")) {
		call_finish_fault(part, RPC_FAULT_TYPE, "system.multicall cannot be called inside itself");
		return;
	}
	part->rpc.params = params->items;
	part->rpc.n = params->n;
	call_start(part);
}

static void run_parts(struct multicall *m)
{
	do {
		if (m->at == m->n) {
			finish(m);
			return;
		}
		atomic_store(&m->state, PART_STARTED);
		start_part(m);
	} while (atomic_exchange(&m->state, PART_WAITED_FOR) == PART_DONE);
}

void multicall_part_done(struct multicall *m, const struct strbuf *answer)
{
	rpc_multicall_part(&m->out, answer->buf, answer->len);
	if (atomic_exchange(&m->state, PART_DONE) == PART_WAITED_FOR)
		run_parts(m);
}

void multicall_start(struct call *c)
{
	struct multicall *m = arena_new(&c->arena, struct multicall);

	if (c->rpc.n != 1 || c->rpc.params[0].type != RPC_ARRAY) {
		call_finish_fault(c, RPC_FAULT_TYPE, "system.multicall takes one array");
		return;
	}
	if (c->rpc.params[0].n > MULTICALL_MAX) {
		call_finish_fault(c, RPC_FAULT_LIMIT, "Too many calls in one system.multicall");
		return;
	}
	m->outer = c;
	m->parts = c->rpc.params[0].items;
	m->n = c->rpc.params[0].n;
	strbuf_init(&m->out);
	run_parts(m);
}
