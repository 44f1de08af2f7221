/* One scheduling cycle: read the pools, plan, dispatch; and what is remembered from one cycle to the next. */
#ifndef SCHEDULER_CYCLE_H
#define SCHEDULER_CYCLE_H

#include <stdint.h>
#include "scheduler/api.h"
#include "scheduler/retry.h"
#include "scheduler/sched_conf.h"

struct cycle {
	const struct sched_conf *conf;
	struct api api;
	struct retries retries;
	int zone_id; /* -1: not known yet */
};

struct cycle_result {
	int pending; /* VMs looked at */
	int placed, failed;
	int left; /* not sent to oned: see JOB_LEFT */
	int waiting; /* found no place */
	int64_t next_ms; /* when a VM that failed may be tried again; INT64_MAX: none */
};

void cycle_init(struct cycle *c, const struct sched_conf *conf, const struct api *api);
void cycle_done(struct cycle *c);
/* Fails only where oned can't be read, or does not lead its zone (ONE_ACTION); out is zero then. */
enum one_rc cycle_run(struct cycle *c, struct cycle_result *out, struct one_err *err);
/* Reads the pools and appends the report on one VM (explain_vm) instead of placing anything. ONE_NO_EXISTS:
 * not pending. */
enum one_rc cycle_explain(struct cycle *c, int vm_id, struct strbuf *out, struct one_err *err);

#endif
