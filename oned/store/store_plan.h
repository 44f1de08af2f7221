/* From the rows of a batch to the steps that write them: what is written, and in which order. Pure. */
#ifndef ONED_STORE_STORE_PLAN_H
#define ONED_STORE_STORE_PLAN_H

#include "common/arena.h"
#include "oned/store/store.h"

/* Rows of one table that go through one statement: order[first] ... order[first + n - 1]. */
struct store_step { enum store_table table; bool del; size_t first, n; };

struct store_plan {
	size_t *order; /* indexes into the caller's rows */
	size_t n;
	struct store_step *steps;
	size_t n_steps;
};

/* Of rows with the same key only the last stays. In a table with a further unique key each row is checked against it
 * when it is written, so there rows keep their order, and two of the same key become one only where that can't
 * change what the rows between them meet: both are puts with the same unique values. */
void store_plan_make(struct store_plan *plan, const struct store_row *rows, size_t n, struct arena *a);

#endif
