/* The keys of sched.conf. */
#include "scheduler/sched_conf.h"

#include <limits.h>
#include <string.h>
#include "scheduler/rank.h"

static const char *const SCHED_FIELDS[] = { "POLICY!", "RANK", NULL };
static const char *const LOG_FIELDS[] = { "SYSTEM", "DEBUG_LEVEL", NULL };

#define POLICY_DOC "; RANK is the expression of the custom policy."

/* clang-format off */
const struct conf_key SCHED_CONF_KEYS[] = {
	{ .name = "MESSAGE_SIZE", .type = CONF_INT, .min = 65536, .max = 1LL << 40,
	  .dflt = "1073741824", .unit = "bytes",
	  .doc = "Largest answer of oned that is accepted." },
	{ .name = "TIMEOUT", .type = CONF_INT, .min = 1, .max = 3600, .dflt = "60", .unit = "s",
	  .doc = "How long one call to oned may take." },
	{ .name = "ONE_XMLRPC", .type = CONF_STRING, .dflt = "http://localhost:2633/RPC2", .unit = "",
	  .doc = "Where oned answers." },
	{ .name = "HTTP_PROXY", .type = CONF_STRING, .dflt = "", .unit = "",
	  .doc = "Proxy on the way to an oned on another machine." },
	{ .name = "HM_ENDPOINT", .type = CONF_STRING, .dflt = "tcp://127.0.0.1:2101", .unit = "",
	  .doc = "Where the hook manager publishes events, so that a new VM starts a cycle at once; "
	         "empty to do without." },
	{ .name = "SCHED_INTERVAL", .type = CONF_INT, .min = 1, .max = 86400, .dflt = "15", .unit = "s",
	  .doc = "Time between two cycles when no event asks for one earlier." },
	{ .name = "MAX_VM", .type = CONF_INT, .min = 0, .max = 1000000, .dflt = "5000", .unit = "",
	  .doc = "VMs looked at in a cycle, the most urgent first; 0 for all." },
	{ .name = "MAX_DISPATCH", .type = CONF_INT, .min = 0, .max = 1000000, .dflt = "0", .unit = "",
	  .doc = "VMs started in a cycle; 0 for no limit." },
	{ .name = "MAX_HOST", .type = CONF_INT, .min = 0, .max = 1000000, .dflt = "1000", .unit = "",
	  .doc = "VMs started on one host in a cycle; 0 for no limit." },
	{ .name = "LIVE_RESCHEDS", .type = CONF_INT, .min = 0, .max = 1, .dflt = "0", .unit = "",
	  .doc = "Rescheduled VMs migrate live (1) or not (0); checked, not used yet." },
	{ .name = "COLD_MIGRATE_MODE", .type = CONF_INT, .min = 0, .max = 2, .dflt = "0", .unit = "",
	  .doc = "How a rescheduled VM is stopped: saved (0), powered off (1), powered off hard (2); "
	         "not used yet." },
	{ .name = "MEMORY_SYSTEM_DS_SCALE", .type = CONF_FLOAT, .min = 0, .max = 100, .dflt = "0", .unit = "",
	  .doc = "Space in the system datastore counted for each MB of memory, for checkpoints." },
	{ .name = "DIFFERENT_VNETS", .type = CONF_BOOL, .dflt = "YES", .unit = "",
	  .doc = "The automatic NICs of a VM go to different networks; not used yet." },
	{ .name = "DEFAULT_SCHED", .type = CONF_VECTOR,
	  .dflt = "[ POLICY = 1 ]", .unit = "", .fields = SCHED_FIELDS,
	  .doc = "Hosts of VMs without a rank: 0 packing, 1 striping, 2 load-aware, 3 custom, 4 "
	         "fixed" POLICY_DOC },
	{ .name = "DEFAULT_DS_SCHED", .type = CONF_VECTOR,
	  .dflt = "[ POLICY = 1 ]", .unit = "", .fields = SCHED_FIELDS,
	  .doc = "Datastores of VMs without a rank: 0 packing, 1 striping, 2 custom, 3 fixed" POLICY_DOC },
	{ .name = "DEFAULT_NIC_SCHED", .type = CONF_VECTOR,
	  .dflt = "[ POLICY = 1 ]", .unit = "", .fields = SCHED_FIELDS,
	  .doc = "Networks of automatic NICs (not used yet): 0 packing, 1 striping, 2 custom, 3 "
	         "fixed" POLICY_DOC },
	{ .name = "LOG", .type = CONF_VECTOR,
	  .dflt = "[ SYSTEM = \"file\", DEBUG_LEVEL = 3 ]", .unit = "", .fields = LOG_FIELDS,
	  .doc = "Where to (file, std, syslog) and how much (0 errors ... 3 debug, 5 everything) is "
	         "logged." },
	{ .name = NULL },
};
/* clang-format on */

/* The rank expression a policy key stands for. */
static enum one_rc read_policy(const struct conf *c, const char *key, enum rank_kind kind, const char **rank,
			       struct one_err *err)
{
	const struct attr *v = conf_first(c, key);
	const char *custom = v ? attr_get(v, "RANK") : NULL, *text;
	struct one_err reason = ONE_ERR_INIT;
	struct expr *e = NULL;
	long long policy;

	*rank = "";
	if (!v)
		return ONE_OK;
	if (!attr_get_int(v, "POLICY", &policy) || policy < 0 || policy > INT_MAX)
		return one_err_set(err, ONE_INTERNAL, "%s: POLICY is not a number", key);
	text = rank_policy(kind, (int)policy, custom ? custom : "");
	if (!text)
		return one_err_set(err, ONE_INTERNAL, "%s: there is no POLICY %lld", key, policy);
	if (expr_compile_rank(text, &e, &reason) != ONE_OK)
		return one_err_set(err, ONE_INTERNAL, "%s: RANK \"%s\": %s", key, text, reason.text);
	expr_free(e);
	*rank = text;
	return ONE_OK;
}

static enum one_rc read_log(const struct conf *c, struct sched_conf *out, struct one_err *err)
{
	const struct attr *v = conf_first(c, "LOG");
	const char *system = v ? attr_get(v, "SYSTEM") : NULL;
	long long level = LOG_L_DEBUG;

	out->log_system = system ? system : "file";
	if (strcmp(out->log_system, "file") != 0 && strcmp(out->log_system, "std") != 0 &&
	    strcmp(out->log_system, "syslog") != 0)
		return one_err_set(err, ONE_INTERNAL, "LOG: SYSTEM must be file, std or syslog");
	if (v && attr_get(v, "DEBUG_LEVEL") && !attr_get_int(v, "DEBUG_LEVEL", &level))
		return one_err_set(err, ONE_INTERNAL, "LOG: DEBUG_LEVEL is not a number");
	if (level < LOG_L_ERROR || level > LOG_L_DDDEBUG)
		return one_err_set(err, ONE_INTERNAL, "LOG: DEBUG_LEVEL must be between 0 and 5");
	out->log_level = (enum log_level)level;
	return ONE_OK;
}

enum one_rc sched_conf_read(const struct conf *c, struct sched_conf *out, struct one_err *err)
{
	const char *network_rank;
	enum one_rc rc;

	*out = (struct sched_conf){
		.endpoint = conf_string(c, "ONE_XMLRPC"),
		.proxy = conf_string(c, "HTTP_PROXY"),
		.events = conf_string(c, "HM_ENDPOINT"),
		.message_size = conf_int(c, "MESSAGE_SIZE"),
		.timeout_ms = (int)conf_int(c, "TIMEOUT") * 1000,
		.interval_ms = (int)conf_int(c, "SCHED_INTERVAL") * 1000,
		.max_vm = (int)conf_int(c, "MAX_VM"),
		.limits = { (int)conf_int(c, "MAX_DISPATCH"), (int)conf_int(c, "MAX_HOST") },
		.memory_scale = conf_float(c, "MEMORY_SYSTEM_DS_SCALE"),
	};
	if ((rc = read_policy(c, "DEFAULT_SCHED", RANK_HOSTS, &out->host_rank, err)) != ONE_OK ||
	    (rc = read_policy(c, "DEFAULT_DS_SCHED", RANK_STORES, &out->store_rank, err)) != ONE_OK ||
	    (rc = read_policy(c, "DEFAULT_NIC_SCHED", RANK_NETWORKS, &network_rank, err)) != ONE_OK)
		return rc;
	return read_log(c, out, err);
}
