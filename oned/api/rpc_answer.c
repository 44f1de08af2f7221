/* XML-RPC answers out (common/rpc_wire.h draws them). They are written by hand because xmlrpc-c copies a text
 * four times on its way, and bodies are megabytes. */
#include "oned/api/rpc.h"

#include <assert.h>
#include "common/rpc_wire.h"

const char rpc_success_head[] = WIRE_SUCCESS_STRING;
const char rpc_success_tail[] = WIRE_SUCCESS_STRING_END;
const char rpc_multicall_head[] = WIRE_PARAM WIRE_ARRAY;
const char rpc_multicall_tail[] = WIRE_ARRAY_END WIRE_PARAM_END;

static void add_string(struct strbuf *out, const char *text, size_t len)
{
	strbuf_lit(out, WIRE_STRING);
	rpc_escape(out, text, len);
	strbuf_lit(out, WIRE_STRING_END);
}

static void add_i4(struct strbuf *out, long long value)
{
	strbuf_lit(out, WIRE_I4);
	strbuf_addi(out, value);
	strbuf_lit(out, WIRE_I4_END);
}

static void add_i8(struct strbuf *out, long long value)
{
	strbuf_lit(out, WIRE_I8);
	strbuf_addi(out, value);
	strbuf_lit(out, WIRE_I8_END);
}

static void add_bool(struct strbuf *out, bool value)
{
	strbuf_lit(out, WIRE_BOOLEAN);
	strbuf_addc(out, value ? '1' : '0');
	strbuf_lit(out, WIRE_BOOLEAN_END);
}

void rpc_success_string(struct strbuf *out, const char *text, size_t len)
{
	strbuf_adds(out, rpc_success_head);
	rpc_escape(out, text, len);
	strbuf_adds(out, rpc_success_tail);
}

void rpc_success_int(struct strbuf *out, long long value)
{
	strbuf_lit(out, WIRE_SUCCESS);
	add_i4(out, value);
	strbuf_lit(out, WIRE_SUCCESS_END);
}

void rpc_success_i8(struct strbuf *out, long long value)
{
	strbuf_lit(out, WIRE_SUCCESS);
	add_i8(out, value);
	strbuf_lit(out, WIRE_SUCCESS_END);
}

void rpc_success_bool(struct strbuf *out, bool value)
{
	strbuf_lit(out, WIRE_SUCCESS);
	add_bool(out, value);
	strbuf_lit(out, WIRE_SUCCESS_END);
}

void rpc_failure(struct strbuf *out, const char *message, int code, int object_id,
		 long long replication_index)
{
	strbuf_lit(out, WIRE_PARAM WIRE_ARRAY WIRE_BOOLEAN "0" WIRE_BOOLEAN_END WIRE_CRLF);
	add_string(out, message, strlen(message));
	strbuf_lit(out, WIRE_CRLF);
	add_i4(out, code);
	strbuf_lit(out, WIRE_CRLF);
	add_i4(out, object_id);
	strbuf_lit(out, WIRE_CRLF);
	add_i8(out, replication_index);
	strbuf_lit(out, WIRE_CRLF WIRE_ARRAY_END WIRE_PARAM_END);
}

static void add_member_name(struct strbuf *out, const char *name)
{
	strbuf_lit(out, "<member><name>");
	rpc_escape(out, name, strlen(name));
	strbuf_lit(out, "</name>" WIRE_CRLF);
}

void rpc_fault(struct strbuf *out, int code, const char *text)
{
	strbuf_lit(out, WIRE_FAULT "<value><struct>" WIRE_CRLF);
	add_member_name(out, "faultCode");
	add_i4(out, code);
	strbuf_lit(out, "</member>" WIRE_CRLF);
	add_member_name(out, "faultString");
	add_string(out, text, strlen(text));
	strbuf_lit(out, "</member>" WIRE_CRLF "</struct></value>" WIRE_FAULT_END);
}

/* XML-RPC knows no exponents. */
static void add_double(struct strbuf *out, double value)
{
	strbuf_lit(out, "<value><double>");
	size_t start = out->len;
	strbuf_addf(out, "%.15f", value);
	while (out->len > start + 2 && out->buf[out->len - 1] == '0' && out->buf[out->len - 2] != '.')
		strbuf_setlen(out, out->len - 1);
	strbuf_lit(out, "</double></value>");
}

static void add_value(struct strbuf *out, const struct rpc_value *v)
{
	switch (v->type) {
	case RPC_INT: add_i4(out, v->i); break;
	case RPC_I8: add_i8(out, v->i); break;
	case RPC_BOOL: add_bool(out, v->i != 0); break;
	case RPC_STRING: add_string(out, v->s, v->len); break;
	case RPC_DOUBLE: add_double(out, v->d); break;
	case RPC_OTHER: strbuf_lit(out, "<value><nil/></value>"); break;
	case RPC_ARRAY:
		strbuf_lit(out, WIRE_ARRAY);
		for (size_t i = 0; i < v->n; i++) {
			add_value(out, &v->items[i]);
			strbuf_lit(out, WIRE_CRLF);
		}
		strbuf_lit(out, WIRE_ARRAY_END);
		break;
	case RPC_STRUCT:
		strbuf_lit(out, "<value><struct>" WIRE_CRLF);
		for (size_t i = 0; i < v->n; i++) {
			add_member_name(out, v->members[i].name);
			add_value(out, &v->members[i].value);
			strbuf_lit(out, "</member>" WIRE_CRLF);
		}
		strbuf_lit(out, "</struct></value>");
		break;
	}
}

void rpc_answer_value(struct strbuf *out, const struct rpc_value *v)
{
	strbuf_lit(out, WIRE_PARAM);
	add_value(out, v);
	strbuf_lit(out, WIRE_PARAM_END);
}

/* The answer between `head` and `tail`, if it has them. */
static bool strip(const char **answer, size_t *len, const char *head, size_t head_len, size_t tail_len)
{
	if (*len < head_len + tail_len || memcmp(*answer, head, head_len) != 0)
		return false;
	*answer += head_len;
	*len -= head_len + tail_len;
	return true;
}

void rpc_multicall_part(struct strbuf *out, const char *answer, size_t len)
{
	if (strip(&answer, &len, WIRE_FAULT, sizeof(WIRE_FAULT) - 1, sizeof(WIRE_FAULT_END) - 1)) {
		strbuf_add(out, answer, len);
		strbuf_lit(out, WIRE_CRLF);
		return;
	}
	bool ours = strip(&answer, &len, WIRE_PARAM, sizeof(WIRE_PARAM) - 1, sizeof(WIRE_PARAM_END) - 1);
	assert(ours);
	(void)ours;
	strbuf_lit(out, WIRE_ARRAY);
	strbuf_add(out, answer, len);
	strbuf_lit(out, WIRE_CRLF WIRE_ARRAY_END WIRE_CRLF);
}
