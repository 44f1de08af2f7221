/* sched.conf: OpenNebula's keys, and ours. */
#ifndef SCHEDULER_SCHED_CONF_H
#define SCHEDULER_SCHED_CONF_H

#include "common/conf.h"
#include "common/err.h"
#include "common/log.h"
#include "scheduler/plan.h"

/* Typed values; the strings belong to the struct conf read with them. */
struct sched_conf {
	const char *endpoint; /* ONE_XMLRPC */
	const char *proxy;    /* HTTP_PROXY; "" for none */
	const char *events;   /* HM_ENDPOINT; "" for none */
	long long message_size;
	int timeout_ms;  /* of one call */
	int interval_ms; /* between two cycles when nothing happens */
	int max_vm;      /* VMs looked at in a cycle; 0: all */
	struct plan_limits limits;
	double memory_scale;                /* MB of system datastore per MB of memory, for checkpoints */
	const char *host_rank, *store_rank; /* of VMs without a rank of their own; "" for none */
	const char *log_system;
	enum log_level log_level;
};

extern const struct conf_key SCHED_CONF_KEYS[];

/* Takes the values out of a file read with SCHED_CONF_KEYS; c must outlive out. ONE_INTERNAL names the key
 * that is wrong. */
enum one_rc sched_conf_read(const struct conf *c, struct sched_conf *out, struct one_err *err);

#endif
