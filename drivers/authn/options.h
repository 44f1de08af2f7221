/* Configuration files of authentication drivers, as OpenNebula has them: YAML, keys with a colon in front (":ca_dir: /etc/one/x").
 *
 * What is read: mappings, lists and scalars. Of values that look like Ruby's symbols (":simple") the colon is left out. */
#ifndef AUTHN_OPTIONS_H
#define AUTHN_OPTIONS_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"

struct option_node {
	enum { OPTION_SCALAR, OPTION_LIST, OPTION_MAPPING } kind;
	const char *text;          /* of a scalar; "" for null */
	bool plain;                /* ... written without quotes */
	struct option_pair *first; /* of a list (keys NULL) or a mapping */
};
struct option_pair { struct option_pair *next; const char *key; struct option_node *value; };

/* A file that isn't there is an empty mapping. ONE_INTERNAL: it can't be read, or isn't a YAML mapping; with file and line. */
enum one_rc options_read(struct arena *arena, const char *path, struct option_node **out, struct one_err *err);
enum one_rc options_parse(struct arena *arena, const char *text, size_t len, const char *path, struct option_node **out, struct one_err *err);

/* By key, as written; n NULL or none there: NULL. */
struct option_node *option_find(const struct option_node *n, const char *key);
/* A scalar's text; dflt when the key is missing or null. */
const char *option_text(const struct option_node *n, const char *key, const char *dflt);
long long option_int(const struct option_node *n, const char *key, long long dflt);
/* true, yes, on, 1 / false, no, off, 0, in any case. */
bool option_flag(const struct option_node *n, const char *key, bool dflt);

#endif
