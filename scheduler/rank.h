/* Which of the resources that fit is the best: rank expressions, and the policies of sched.conf that stand
 * for one. */
#ifndef SCHEDULER_RANK_H
#define SCHEDULER_RANK_H

#include <stdbool.h>
#include "common/expr.h"

enum rank_kind { RANK_HOSTS, RANK_STORES, RANK_NETWORKS };

/* The rank expression of a policy number of DEFAULT_SCHED, DEFAULT_DS_SCHED or DEFAULT_NIC_SCHED; custom: the
 * RANK given with the custom policy. NULL: no such policy. */
const char *rank_policy(enum rank_kind kind, int policy, const char *custom);

/* The rank of a resource: a whole number as in OpenNebula (2.9 ranks like 2). A NULL expression ranks 0. */
double rank_value(const struct expr *e, expr_lookup lookup, void *ctx);

/* Is a resource better than the best so far? The higher rank; of equals the higher ID, as in OpenNebula. */
bool rank_better(double rank, int id, double best_rank, int best_id);

#endif
