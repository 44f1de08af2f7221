/* The calls that read. All go over lane 0, one after the other. */
#include "scheduler/pools.h"

#include "common/xml.h"

#define FILTER_ALL        (-2)
#define STATE_PENDING     1
#define ANY_ID            (-1)
#define NEWEST_SAMPLES    0
#define RAFT_STATE_SOLO   0
#define RAFT_STATE_LEADER 3

/* Calls a method and parses its answer. */
static enum one_rc read_xml(const struct api *api, const struct sched_conf *conf, struct arena *arena,
			    const char *method, const struct rpc_arg *args, struct xnode **root,
			    struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = api->call(api->ctx, 0, method, args, &text, NULL, err);

	if (rc == ONE_OK)
		rc = xml_parse(arena, text.buf, text.len, XML_MAX_DEPTH, (size_t)conf->message_size, root,
			       err);
	if (rc != ONE_OK)
		one_err_prefix(err, "%s: ", method);
	strbuf_done(&text);
	return rc;
}

enum one_rc pools_read_vms(const struct api *api, const struct sched_conf *conf, struct model *m,
			   struct one_err *err)
{
	struct rpc_arg args[] = { RPC_INT(FILTER_ALL), RPC_INT(ANY_ID), RPC_INT(ANY_ID),
				  RPC_INT(STATE_PENDING), RPC_END };
	struct xnode *root;
	enum one_rc rc = read_xml(api, conf, m->arena, "one.vmpool.infoextended", args, &root, err);

	if (rc != ONE_OK)
		return rc;
	model_read_vms(m, root, conf->memory_scale);
	if (conf->max_vm && m->n_vms > conf->max_vm)
		m->n_vms = conf->max_vm;
	return ONE_OK;
}

enum one_rc pools_read_resources(const struct api *api, const struct sched_conf *conf, struct model *m,
				 struct one_err *err)
{
	static const struct {
		const char *method;
		struct rpc_arg args[2];
	} READS[] = {
		{ "one.hostpool.info", { RPC_END } },
		{ "one.clusterpool.info", { RPC_END } },
		{ "one.hostpool.monitoring", { RPC_INT(NEWEST_SAMPLES), RPC_END } },
		{ "one.datastorepool.info", { RPC_END } },
		{ "one.acl.info", { RPC_END } },
		{ "one.userpool.info", { RPC_END } },
	};
	enum { HOSTS, CLUSTERS, SAMPLES, STORES, RULES, USERS, POOLS };
	struct xnode *pools[POOLS];

	for (int i = 0; i < POOLS; i++) {
		enum one_rc rc =
			read_xml(api, conf, m->arena, READS[i].method, READS[i].args, &pools[i], err);

		if (rc != ONE_OK)
			return rc;
	}
	model_read_hosts(m, pools[HOSTS], pools[CLUSTERS], pools[SAMPLES]);
	model_read_stores(m, pools[STORES]);
	access_read_rules(&m->access, m->arena, pools[RULES]);
	access_read_users(&m->access, m->arena, pools[USERS]);
	return ONE_OK;
}

enum one_rc pools_read_zone(const struct api *api, const struct sched_conf *conf, int *zone_id,
			    struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct rpc_arg none[] = { RPC_END };
	struct xnode *root;
	enum one_rc rc = read_xml(api, conf, &arena, "one.system.config", none, &root, err);

	if (rc == ONE_OK) {
		const struct xnode *federation = xml_child(root, "FEDERATION");

		*zone_id = federation ? (int)xml_int(federation, "ZONE_ID", 0) : 0;
	}
	arena_done(&arena);
	return rc;
}

enum one_rc pools_read_leader(const struct api *api, const struct sched_conf *conf, bool *leader,
			      struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct rpc_arg none[] = { RPC_END };
	struct xnode *root;
	enum one_rc rc = read_xml(api, conf, &arena, "one.zone.raftstatus", none, &root, err);

	if (rc == ONE_OK) {
		long long state = xml_int(root, "STATE", RAFT_STATE_SOLO);

		*leader = state == RAFT_STATE_SOLO || state == RAFT_STATE_LEADER;
	}
	arena_done(&arena);
	return rc;
}
