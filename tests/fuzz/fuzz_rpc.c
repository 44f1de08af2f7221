/* libFuzzer: whatever bytes come in as a call, reading them does no harm, and what was read can be written as
 * an answer that can be escaped and unescaped again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "oned/api/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void escape_and_back(const char *text, size_t len)
{
	struct strbuf once = STRBUF_INIT, back = STRBUF_INIT, twice = STRBUF_INIT;

	rpc_escape(&once, text, len);
	if (!rpc_unescape(&back, once.buf, once.len))
		abort();
	rpc_escape(&twice, back.buf, back.len);
	if (once.len != twice.len || memcmp(once.buf, twice.buf, once.len) != 0)
		abort();
	strbuf_done(&once);
	strbuf_done(&back);
	strbuf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct strbuf out = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct rpc_request rq;
	int fault = rpc_parse(&arena, (const char *)data, size, 1000, &rq, &err);

	if (fault) {
		rpc_fault(&out, fault, err.text);
	} else {
		struct rpc_value all = { .type = RPC_ARRAY, .items = rq.params, .n = rq.n };
		rpc_answer_value(&out, &all);
	}
	/* what we send is a document we'd look at ourselves */
	if (rpc_xml_refused(out.buf, out.len, SIZE_MAX, SIZE_MAX))
		abort();
	strbuf_done(&out);
	escape_and_back((const char *)data, size);
	arena_done(&arena);
	return 0;
}
