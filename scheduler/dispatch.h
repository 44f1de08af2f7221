/* Carrying out a plan: deployments and messages are sent to oned over several lanes at once. */
#ifndef SCHEDULER_DISPATCH_H
#define SCHEDULER_DISPATCH_H

#include "scheduler/api.h"
#include "scheduler/plan.h"

enum job_result {
	JOB_LEFT, /* not sent: a signal came, or oned does not answer in time */
	JOB_DONE,
	JOB_FAILED, /* logged; the reason stands on the VM */
};

/* Sends the whole plan, the deployments first, in their order as far as several lanes keep it. A VM that
 * shows a message gets it cleared before it is deployed. results[i] is that of placement i (n_placements of
 * them). Returns when all is answered; once something failed and timeout_ms are over, what is left is not
 * sent any more. */
void dispatch_plan(const struct api *api, const struct plan *plan, int timeout_ms, enum job_result *results);

#endif
