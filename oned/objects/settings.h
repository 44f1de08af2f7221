/* What oned.conf says, as objects ask for it. Without a configuration (unit tests) every key is unset. */
#ifndef ONED_OBJECTS_SETTINGS_H
#define ONED_OBJECTS_SETTINGS_H

#include <stdbool.h>
#include "common/conf.h"
#include "oned/core/txn.h"

const char *settings_text(struct txn *t, const char *key, const char *dflt);
long long settings_int(struct txn *t, const char *key, long long dflt);
bool settings_bool(struct txn *t, const char *key, bool dflt);
/* Values and vectors of keys that may repeat: settings_first, then conf_next. NULL: none. */
const struct attr *settings_first(struct txn *t, const char *key);
/* The vector of that key whose NAME is `name`, in any case (TM_MAD_CONF of "ssh"); NULL. */
const struct attr *settings_named(struct txn *t, const char *key, const char *name);
/* The id of this zone. */
int settings_zone(struct txn *t);

/* A vector gets from a template what the key's values (INHERIT_IMAGE_ATTR...) name and it hasn't got itself: single attributes by
 * their name, of a vector all it holds. */
void settings_inherit(struct txn *t, const char *key, const struct tmpl *from, struct attr *to, struct arena *arena);

#endif
