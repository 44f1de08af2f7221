/* The VMs of dummy hosts (vms.h). */
#include "drivers/im_dummy/vms.h"

#include <stdlib.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "common/rpc_client.h"
#include "common/xml.h"
#include "drivers/im_dummy/facts.h"

#define POOL_MAX (256u * 1024 * 1024)
#define ASK_MS 30000
#define DEFAULT_MEMORY_KB 256
#define DEFAULT_CPU_PERCENT 100
#define NO_HOST (-1)

static struct strbuf *text_of(struct imap *by_host, long long host)
{
	struct strbuf *text = imap_get(by_host, host);
	if (!text) {
		text = xcalloc(1, sizeof(*text));
		strbuf_init(text);
		imap_put(by_host, host, text);
	}
	return text;
}

/* The host of the last history record. */
static long long host_of(const struct xnode *vm)
{
	const struct xnode *records = xml_child(vm, "HISTORY_RECORDS");
	long long host = NO_HOST;
	for (const struct xnode *h = records ? xml_child(records, "HISTORY") : NULL; h; h = xml_next(h))
		host = xml_int(h, "HID", NO_HOST);
	return host;
}

static void sample_vm(const struct xnode *vm, struct strbuf *out)
{
	const struct xnode *template = xml_child(vm, "TEMPLATE");
	long long memory_mb = template ? xml_int(template, "MEMORY", 0) : 0;
	double cpu = template ? xml_float(template, "CPU", 0) : 0;
	struct strbuf sample = STRBUF_INIT;
	facts_vm(memory_mb > 0 ? memory_mb * 1024 : DEFAULT_MEMORY_KB,
		 cpu > 0 && cpu < 1e6 ? (long long)(cpu * 100) : DEFAULT_CPU_PERCENT, &sample);
	strbuf_addf(out, "VM = [ ID = \"%lld\", DEPLOY_ID = \"%s\", MONITOR = \"", xml_int(vm, "ID", -1),
		    xml_text_or(vm, "DEPLOY_ID", ""));
	base64_encode(sample.buf, sample.len, out);
	strbuf_lit(out, "\" ]\n");
	strbuf_done(&sample);
}

enum one_rc vms_sample(const char *pool, size_t len, struct imap *by_host, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	enum one_rc rc = xml_parse(&arena, pool, len, XML_MAX_DEPTH, POOL_MAX, &root, err);
	for (const struct xnode *vm = rc == ONE_OK ? xml_child(root, "VM") : NULL; vm; vm = xml_next(vm)) {
		long long host = host_of(vm);
		if (host != NO_HOST)
			sample_vm(vm, text_of(by_host, host));
	}
	arena_done(&arena);
	return rc;
}

enum one_rc vms_ask(struct imap *by_host, struct one_err *err)
{
	struct strbuf endpoint = STRBUF_INIT, session = STRBUF_INIT, pool = STRBUF_INIT;
	struct rpc_client *client = NULL;
	/* everybody's VMs in every state but DONE */
	const struct rpc_arg args[] = { RPC_INT(-2), RPC_INT(-1), RPC_INT(-1), RPC_INT(-1), RPC_END };
	enum one_rc rc = rpc_find_endpoint(NULL, &endpoint, err);
	if (rc == ONE_OK)
		rc = rpc_find_session(NULL, &session, err);
	if (rc == ONE_OK)
		rc = rpc_client_new(endpoint.buf, session.buf, ASK_MS, POOL_MAX, &client, err);
	if (rc == ONE_OK)
		rc = rpc_call(client, "one.vmpool.info", args, &pool, NULL, err);
	if (rc == ONE_OK)
		rc = vms_sample(pool.buf, pool.len, by_host, err);
	rpc_client_free(client);
	strbuf_done(&pool);
	strbuf_done(&session);
	strbuf_done(&endpoint);
	return rc;
}

void vms_free(struct imap *by_host)
{
	size_t it = 0;
	int64_t host;
	void *text;
	while (imap_next(by_host, &it, &host, &text)) {
		strbuf_done(text);
		free(text);
	}
	imap_done(by_host);
}
