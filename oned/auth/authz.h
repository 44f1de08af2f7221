/* Permission checks: a request carries several, all must pass; what failed is told together. */
#ifndef ONED_AUTH_AUTHZ_H
#define ONED_AUTH_AUTHZ_H

#include <stdbool.h>
#include "common/err.h"
#include "common/strbuf.h"
#include "oned/auth/acl.h"
#include "oned/auth/identity.h"
#include "oned/core/object.h"

struct authz {
	const struct identity *who;
	struct acl_index *acl;
	int zone;
	struct strbuf failed;    /* reasons, joined by "; " */
};

void authz_begin(struct authz *a, const struct identity *who, struct acl_index *acl, int zone);
/* One check. lock_exempt: for *.info, lock and unlock, which locks don't block. */
void authz_check(struct authz *a, enum auth_op op, bool lock_exempt, const struct auth_target *target);
/* ... on an existing object. */
void authz_check_version(struct authz *a, enum auth_op op, bool lock_exempt, const struct version *v);
/* ... on a new one (CREATE, or a check of the type as a whole): the caller's own uid and gid count. */
void authz_check_type(struct authz *a, enum auth_op op, enum obj_type type);
/* ONE_AUTHORIZATION with the reasons, or ONE_OK; ends a. */
enum one_rc authz_end(struct authz *a, struct one_err *err);

void auth_target_of(const struct version *v, struct auth_target *out);
const char *auth_op_name(enum auth_op op);

#endif
