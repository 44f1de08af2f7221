/* Users and groups are shown with their quotas. which: 0 users, 1 groups. */
#ifndef ONED_API_QUOTA_OUT_H
#define ONED_API_QUOTA_OUT_H

#include "oned/api/call.h"

/* The answer of one.user.info / one.group.info: the body of v with its quota sections and the default ones. */
void quota_out_info(struct call *c, const struct version *v, enum obj_type quota_type, int which);
/* The answer of the pools: each body followed by QUOTAS, then the default ones. */
void quota_out_pool(struct call *c, enum obj_type type, enum obj_type quota_type, int which);
/* DEFAULT_USER_QUOTAS or DEFAULT_GROUP_QUOTAS. */
void quota_out_default(struct call *c, int which);

#endif
