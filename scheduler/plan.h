/* The decisions of one cycle: which VM goes to which host and datastore, and what is said about the others.
 *
 * Pure: it reads a model and changes only the capacity in it. */
#ifndef SCHEDULER_PLAN_H
#define SCHEDULER_PLAN_H

#include <stdint.h>
#include "scheduler/match.h"
#include "scheduler/retry.h"

struct plan_limits {
	int max_dispatch; /* VMs placed in a cycle; 0: any number */
	int max_host;     /* VMs placed on one host in a cycle; 0: any number */
};

struct placement {
	const struct sched_vm *vm;
	int host_id;
	int store_id; /* -1: none is needed */
};

struct notice {
	const struct sched_vm *vm;
	const char *reason; /* without a date, in the model's arena; the VM shows something else now */
};

struct plan {
	struct placement *placements;
	int n_placements;
	struct notice *notices;
	int n_notices;
	int waiting; /* VMs that found no place */
	int delayed; /* VMs not looked at: the cycle's limit was reached, or a failure makes them wait */
};

/* Decides about all VMs of the model in their order. The plan lives in the model's arena. */
void plan_make(struct plan *p, struct model *m, struct matcher *mr, const struct plan_limits *limits,
	       const struct retries *retries, int64_t now_ms);

#endif
