/* A client of the XML-RPC API: mm_sched, the command line and the tests call through it.
 * xmlrpc-c encodes and decodes; the connection is kept alive. One client belongs to one thread. */
#ifndef COMMON_RPC_CLIENT_H
#define COMMON_RPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "common/strbuf.h"

struct rpc_client;

enum rpc_arg_type { RPC_ARG_END, RPC_ARG_INT, RPC_ARG_BOOL, RPC_ARG_STRING, RPC_ARG_INTS };
struct rpc_arg { enum rpc_arg_type type; long long i; const char *s; const int *ints; size_t n; };
#define RPC_INT(x)  ((struct rpc_arg){ .type = RPC_ARG_INT, .i = (x) })
#define RPC_BOOL(x) ((struct rpc_arg){ .type = RPC_ARG_BOOL, .i = (x) })
#define RPC_STR(x)  ((struct rpc_arg){ .type = RPC_ARG_STRING, .s = (x) })
#define RPC_INTS(p, count) ((struct rpc_arg){ .type = RPC_ARG_INTS, .ints = (p), .n = (count) })
#define RPC_END     ((struct rpc_arg){ .type = RPC_ARG_END })

/* endpoint: http://host:port/RPC2; session "user:secret" goes before the arguments of each call.
 * timeout_ms bounds a whole call; max_bytes bounds an answer. */
enum one_rc rpc_client_new(const char *endpoint, const char *session, int timeout_ms, size_t max_bytes,
			   struct rpc_client **out, struct one_err *err);
void rpc_client_free(struct rpc_client *c);

/* Where a client finds them, in OpenNebula's order: given, $ONE_XMLRPC / $ONE_AUTH, ~/.one/one_endpoint /
 * one_auth, /var/lib/one/.one/..., default. Appended to out. */
enum one_rc rpc_find_endpoint(const char *given, struct strbuf *out, struct one_err *err);
enum one_rc rpc_find_session(const char *given_auth_file, struct strbuf *out, struct one_err *err);

/* Calls `method`; args end with RPC_END. On ONE_OK the payload is in `text` (strings) or *number (ints,
 * booleans); either may be NULL when not wanted. A failed answer gives its code and text; a fault, a broken
 * connection or a deadline give ONE_INTERNAL (the connection is opened anew by the next call). */
enum one_rc rpc_call(struct rpc_client *c, const char *method, const struct rpc_arg *args,
		     struct strbuf *text, long long *number, struct one_err *err);

#endif
