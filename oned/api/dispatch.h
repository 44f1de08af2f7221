/* What the dispatcher's own files share. */
#ifndef ONED_API_DISPATCH_H
#define ONED_API_DISPATCH_H

#include "oned/api/api.h"

struct call *call_new(struct api *a, struct http_request *rq);
void call_free(struct call *c);
/* From c->rpc on: finds the row, authenticates, checks parameters, runs; ends with call_finish, maybe later and on another thread. */
void call_start(struct call *c);
/* Finds out who is calling, then call_run or the refusal; maybe later and on another thread. */
void call_authenticate(struct call *c);
/* The method itself, for a caller who is known. */
void call_run(struct call *c);
/* Answers (or hands the answer to the multicall it belongs to) and frees c. err NULL or rc ONE_OK: success as the handler said. */
void call_finish(struct call *c, const struct one_err *err);
void call_finish_fault(struct call *c, int code, const char *text);
/* Answers the HTTP request with this text; takes the buffer. */
void call_send(struct call *c, struct strbuf *answer);

/* system.multicall: runs the parts one after the other. */
void multicall_start(struct call *c);
/* A part has its answer (a whole answer's XML); frees nothing of the part. */
void multicall_part_done(struct multicall *m, const struct strbuf *answer);

/* Parameters of a row, taken apart once. */
struct param_spec { const char *name; char type; bool secret, optional; struct rpc_value dflt; };
struct method_spec { const struct method *row; struct param_spec params[METHOD_MAX_PARAMS]; int n_params, n_required; };
const struct method_spec *api_method_spec(const char *name);

/* The lines of the call log (errors.md section 9). */
void call_log_invoked(const struct call *c);
void call_log_result(const struct call *c, const struct one_err *err, const char *message);
/* The text of a failure as the client sees it. */
void call_failure_text(const struct call *c, const struct one_err *err, struct strbuf *out);

/* Goes on with a call on a thread for long work. */
struct bulk;
struct bulk *bulk_new(int threads);
void bulk_submit(struct bulk *b, struct call *c, void (*run)(struct call *c));
void bulk_free(struct bulk *b);

#endif
