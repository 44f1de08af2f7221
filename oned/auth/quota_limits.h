/* Setting limits: what one.user.quota, one.group.quota and the updates of the default quotas do. */
#ifndef ONED_AUTH_QUOTA_LIMITS_H
#define ONED_AUTH_QUOTA_LIMITS_H

#include "oned/auth/quota_record.h"

/* Each vector DATASTORE, NETWORK, IMAGE and VM sets all limits of its record: a metric that isn't there, or is no number, goes back to
 * -1 (-2 when these are the default quotas). Other attributes mean nothing. ONE_ACTION "Negative limits or bad format in quota VM = [
 * VMS=-5 ]": the transaction failed, so none is set. */
enum one_rc quota_limits_set(struct txn *t, struct quota *q, const struct tmpl *limits);

#endif
