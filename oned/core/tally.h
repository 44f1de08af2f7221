/* Small counts about objects that live in memory only: after a restart they begin again. The core thread's only; what a transaction that
 * fails counted stays counted. */
#ifndef ONED_CORE_TALLY_H
#define ONED_CORE_TALLY_H

#include "oned/core/txn.h"

enum tally {
	TALLY_APP_MISSED,       /* reports in a row that an app of a public market was missing in */
	TALLY_HOOK_RUN,         /* the number of a hook's latest execution + 1 */
};

struct tallies;

struct tallies *tallies_new(void);
void tallies_free(struct tallies *all);
/* One more; how many there are now. */
int tally_add(struct txn *t, enum tally of, int id);
int tally_get(struct txn *t, enum tally of, int id);
void tally_set(struct txn *t, enum tally of, int id, int count);

#endif
