/* XML-RPC calls and answers, over xmlrpc-c.
 *
 * A call is parsed once on the loop's thread into an arena; answers are written as pieces around texts that
 * are escaped already (bodies of objects), so a pool of 20,000 VMs is sent without copying it. */
#ifndef ONED_API_RPC_H
#define ONED_API_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/rpc_text.h" /* rpc_escape */
#include "common/strbuf.h"

enum rpc_type { RPC_INT, RPC_I8, RPC_BOOL, RPC_STRING, RPC_DOUBLE, RPC_ARRAY, RPC_STRUCT, RPC_OTHER };

struct rpc_member;
struct rpc_value {
	enum rpc_type type;
	long long i;                  /* RPC_INT, RPC_I8, RPC_BOOL */
	double d;
	const char *s; size_t len;    /* RPC_STRING: UTF-8, no NUL inside */
	struct rpc_value *items; size_t n; /* RPC_ARRAY */
	struct rpc_member *members;   /* RPC_STRUCT, n of them */
};
struct rpc_member { const char *name; struct rpc_value value; };

struct rpc_request {
	const char *method;
	struct rpc_value *params; size_t n;
};

/* xmlrpc-c's fault codes */
#define RPC_FAULT_INTERNAL (-500)
#define RPC_FAULT_TYPE (-501)
#define RPC_FAULT_PARSE (-503)
#define RPC_FAULT_NO_METHOD (-506)
#define RPC_FAULT_LIMIT (-509)

/* Parses a call. A DOCTYPE, wrong nesting, too many values (max_values) or bytes: a fault code (negative)
 * with text in err->text; else 0. Strings with NUL inside are refused. */
int rpc_parse(struct arena *arena, const char *xml, size_t len, size_t max_values, struct rpc_request *out,
	      struct one_err *err);

/* Whole answers. The parts before and after the payload of a successful string answer:
 *   rpc_success_head + escaped text ... + rpc_success_tail */
extern const char rpc_success_head[], rpc_success_tail[];
void rpc_success_string(struct strbuf *out, const char *text, size_t len); /* escapes */
void rpc_success_int(struct strbuf *out, long long value);
void rpc_success_i8(struct strbuf *out, long long value);
void rpc_success_bool(struct strbuf *out, bool value);
void rpc_failure(struct strbuf *out, const char *message, int code, int object_id,
		 long long replication_index);
void rpc_fault(struct strbuf *out, int code, const char *text);
/* Any value as an answer with one param (system.listMethods, system.methodHelp, system.multicall). */
void rpc_answer_value(struct strbuf *out, const struct rpc_value *v);
/* An answer as it stands inside system.multicall's array: a fault is itself, anything else is an array of one
 * value. The answer of the whole multicall is rpc_multicall_head + parts ... + rpc_multicall_tail. */
extern const char rpc_multicall_head[], rpc_multicall_tail[];
void rpc_multicall_part(struct strbuf *out, const char *answer, size_t len);

#endif
