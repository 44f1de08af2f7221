/* At the start: do the counters of the quotas say what the objects use? They change together, so only a database that somebody else wrote
 * (or an OpenNebula with its drift) can differ. */
#ifndef ONED_OBJECTS_QUOTA_CHECK_H
#define ONED_OBJECTS_QUOTA_CHECK_H

#include "oned/core/core.h"

/* Counts all objects again. Wrong counters are put right in one transaction, with a line in the log each; when all are right nothing is
 * written. Before core_start. */
enum one_rc quota_check(struct core *core, struct one_err *err);

#endif
