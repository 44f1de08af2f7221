/* Beside a pool: the ids of its objects by owner, by group, and of those that the group or everybody may use, so that what one person may see of a
 * large pool is found without looking at all of it. Under the pool's lock. */
#ifndef ONED_CORE_POOL_INDEX_H
#define ONED_CORE_POOL_INDEX_H

#include "common/map.h"
#include "oned/core/object.h"

struct pool_index { struct imap lists; };

void pool_index_done(struct pool_index *x);
/* now takes the place of old; either may be NULL. Costs nothing while owner, group and rights stay. */
void pool_index_change(struct pool_index *x, const struct version *old, const struct version *now);

/* Objects that somebody may be shown: those of an owner, those that the groups' members or everybody may use, all of some groups, and some by id. */
struct pool_sight {
	int uid;                  /* -1: nobody's */
	const int *gids;          /* used by the group */
	int n_gids;
	bool everybodys;
	const struct idset *whole_groups, *ids; /* NULL: none */
};

/* The ids, ascending and each once, malloc'ed in *out; -1 when they would be more than `most`, and *out is NULL. Ids of *ids may not exist. */
int pool_index_find(const struct pool_index *x, const struct pool_sight *s, int most, int **out);

#endif
