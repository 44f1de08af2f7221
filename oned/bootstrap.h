/* The first start: users, groups, rules and the other objects every OpenNebula begins with; and the files with their secrets. */
#ifndef ONED_BOOTSTRAP_H
#define ONED_BOOTSTRAP_H

#include "common/arena.h"
#include "common/err.h"
#include "oned/config.h"
#include "oned/core/core.h"

/* Makes what is missing. In a database that has objects already nothing changes. Reads $ONE_AUTH or ~/.one/one_auth (name:password of
 * user 0); writes VAR/.one/{sunstone,onegate,oneflow}_auth with the random password of serveradmin. ONE_INTERNAL with the reason. */
enum one_rc bootstrap(struct core *core, const struct paths *paths, int port, struct one_err *err);

/* The key of encrypted attributes, VAR/.one/one_key: read, or made at the first start. In arena a. */
enum one_rc bootstrap_one_key(struct arena *a, const struct paths *paths, const char **key, struct one_err *err);

#endif
