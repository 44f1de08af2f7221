/* Configuration as data: a program describes its keys in a table, the reader does the rest.
 *
 * The file syntax is OpenNebula's: KEY = value, KEY = "quoted", KEY = [ A = "x", B = "y" ], # comments;
 * keys may repeat (VM_MAD, RESTRICTED_ATTR...). It is the template language (tmpl.h). Unknown keys
 * warn with their line; a wrong type or a value out of range stops with file and line. */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"

enum conf_type { CONF_INT, CONF_FLOAT, CONF_BOOL /* YES/NO/TRUE/FALSE/1/0 */, CONF_STRING, CONF_VECTOR };

struct conf_key {
	const char *name;     /* upper case */
	enum conf_type type;
	bool multiple;        /* the key may repeat */
	long long min, max;   /* CONF_INT and CONF_FLOAT; both 0: any */
	const char *dflt;     /* text as in a file; NULL: none. Of a multiple key: one value a line, all of
			       * them used only if the file has none */
	const char *unit;     /* "s", "ms", "MB", or "" */
	const char *doc;      /* one sentence */
	const char *const *fields; /* CONF_VECTOR: "NAME!" required, "NAME" optional; NULL-terminated; NULL: any */
}; /* a table ends with a row whose name is NULL */

struct conf {
	struct arena arena;
	struct tmpl *values;               /* what the file says, plus the defaults of missing keys */
	const struct conf_key *keys;
};

/* Reads and checks a file. Warnings (unknown keys and fields; a key given again, where the first counts) are
 * appended to `warnings` (may be NULL) one a line, "FILE:LINE: text". On failure conf holds nothing.
 * ONE_INTERNAL: "FILE:LINE: KEY: ...". c must not move while in use: values point into its arena. */
enum one_rc conf_load(struct conf *c, const char *path, const struct conf_key *keys, struct strbuf *warnings, struct one_err *err);
/* Defaults only (no file). */
void conf_defaults(struct conf *c, const struct conf_key *keys);
void conf_done(struct conf *c);

/* The value of a key of the table (assert: it is one, of that type); 0 or false when unset. */
long long conf_int(const struct conf *c, const char *key);
double conf_float(const struct conf *c, const char *key);
bool conf_bool(const struct conf *c, const char *key);
const char *conf_string(const struct conf *c, const char *key); /* "" when unset */
/* Vectors and multiple keys: conf_first/next give the attributes in file order. */
const struct attr *conf_first(const struct conf *c, const char *key);
const struct attr *conf_next(const struct attr *a); /* next with the same key, or NULL */

/* Effective values as a file that conf_load accepts, with each key's doc, unit, range and whether it is the
 * default (oned -t). Values of names that end in PASSWD, PASSWORD or SECRET are shown as ***. */
void conf_print(const struct conf *c, struct strbuf *out);

#endif
