/* Policies and ranks. */
#include "scheduler/rank.h"

#include <math.h>
#include <stddef.h>

#define POLICIES   5
#define RANK_GIVEN "" /* the custom policy: its expression comes with it */

/* clang-format off */
static const char *const POLICY_RANKS[][POLICIES] = {
	/*                   packing        striping         load-aware  custom      fixed */
	[RANK_HOSTS]    = { "RUNNING_VMS", "- RUNNING_VMS", "FREE_CPU", RANK_GIVEN, "PRIORITY" },
	/*                   packing        striping         custom      fixed */
	[RANK_STORES]   = { "- FREE_MB",   "FREE_MB",       RANK_GIVEN, "PRIORITY", NULL },
	[RANK_NETWORKS] = { "USED_LEASES", "- USED_LEASES", RANK_GIVEN, "PRIORITY", NULL },
};
/* clang-format on */

const char *rank_policy(enum rank_kind kind, int policy, const char *custom)
{
	const char *rank;

	if (policy < 0 || policy >= POLICIES)
		return NULL;
	rank = POLICY_RANKS[kind][policy];
	return rank && !*rank ? custom : rank;
}

double rank_value(const struct expr *e, expr_lookup lookup, void *ctx)
{
	double rank = e ? expr_rank(e, lookup, ctx) : 0;

	return isfinite(rank) ? trunc(rank) : 0;
}

bool rank_better(double rank, int id, double best_rank, int best_id)
{
	return rank > best_rank || (rank >= best_rank && id > best_id);
}
