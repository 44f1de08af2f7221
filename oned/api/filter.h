/* Which objects of a pool a caller is shown: the filter flag, the range, and his rights (pools.md sections 1 and 2). */
#ifndef ONED_API_FILTER_H
#define ONED_API_FILTER_H

#include "oned/api/call.h"

struct pool_filter {
	int flag, first, last;   /* as the call gives them */
	/* More to ask of a version; NULL: nothing. */
	bool (*also)(void *ctx, const struct version *v);
	void *also_ctx;
	/* Only objects of these ids (ascending), in this order; NULL: all. */
	const struct idset *only;
};

/* The versions, in the order of the answer (API_LIST_ORDER); *list as of pool_collect. ONE_API for a flag that doesn't exist. */
enum one_rc filter_collect(struct call *c, enum obj_type type, const struct pool_filter *f, struct version ***list, size_t *n);
/* Answers with their bodies, under the root of the type's pool; or fails. */
void filter_answer(struct call *c, enum obj_type type, const struct pool_filter *f);

#endif
