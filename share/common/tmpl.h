/* OpenNebula's template language.
 *
 *   NAME = value          NAME = "quoted \" text"      NAME = [ A = 1, B = "x, y" ]      # comment
 *
 * A template is a list of attributes sorted by name (bytes), equal names in the order given, exactly
 * the order OpenNebula shows them in. An attribute is single (value) or a vector (kids, sorted, a name once).
 * Names are upper-cased by the text parser. Everything lives in one arena, so nothing is freed singly;
 * a template belongs to one thread. */
#ifndef COMMON_TMPL_H
#define COMMON_TMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/xml.h"

struct attr {
	struct attr *next;
	const char *name;
	uint64_t order;     /* of its name, set where the attribute is made: lists are walked often, most names differ in their first bytes */
	const char *value;  /* NULL for a vector */
	struct attr *kids;  /* of a vector; may be NULL (an empty vector) */
	bool vector;
	int line;           /* where it was read, 1-based; 0: made by code */
};

struct tmpl {
	struct arena *arena;
	struct attr *first;
};

#define TMPL_MAX_BYTES (2 * 1024 * 1024)
#define TMPL_MAX_ATTRS 65536

/* An empty template whose attributes will live in `arena`. */
struct tmpl *tmpl_new(struct arena *arena);
/* Parses text: templates of the language, or, when the very first character is '<', XML
 * (<TEMPLATE>...</TEMPLATE> or any root whose children are attributes). Adds to t; NAME loses blanks at its end.
 * A name that a vector has twice: the first stays in the language, the last in XML. On an error t is unchanged:
 * ONE_INTERNAL with OpenNebula's text ("Parse error: syntax error, unexpected X, expecting Y at line L, columns C:C",
 * where columns are counted from the beginning of the text, or "Parse error: XML Template malformed."). */
enum one_rc tmpl_parse(struct tmpl *t, const char *text, struct one_err *err);
/* Adds the children of an element as attributes (an element with element children is a vector; one with nothing in
 * it, not even an empty CDATA section, is skipped). However many: what an object has grown to can be read again. */
void tmpl_from_xml(struct tmpl *t, const struct xnode *n);
struct tmpl *tmpl_copy(struct arena *arena, const struct tmpl *t);
struct attr *attr_copy(struct arena *arena, const struct attr *a); /* next = NULL */

/* First attribute of that name, single or vector; NULL. Names in upper case. */
struct attr *tmpl_find(const struct tmpl *t, const char *name);
struct attr *tmpl_find_next(const struct attr *a); /* the next one of the same name, or NULL */
struct attr *tmpl_vector(const struct tmpl *t, const char *name); /* first vector of that name, or NULL */
/* Value of the first single attribute of that name; NULL when there is none. */
const char *tmpl_get(const struct tmpl *t, const char *name);
const char *tmpl_get_or(const struct tmpl *t, const char *name, const char *dflt);
bool tmpl_get_int(const struct tmpl *t, const char *name, long long *out);   /* false: missing or not a whole number */
bool tmpl_get_float(const struct tmpl *t, const char *name, double *out);    /* false: missing or not a number */
bool tmpl_get_bool(const struct tmpl *t, const char *name, bool *out);       /* YES/TRUE/1, NO/FALSE/0 in any case */
const char *attr_get(const struct attr *vector, const char *name);           /* "in a vector"; NULL */
bool attr_get_int(const struct attr *vector, const char *name, long long *out);
bool attr_get_float(const struct attr *vector, const char *name, double *out);
bool attr_get_bool(const struct attr *vector, const char *name, bool *out);
/* Parsing of one value, as the above do. Blanks may stand in front of a number, nothing behind it; no hexadecimal,
 * no infinity. *out is only set when true is returned. */
bool value_int(const char *s, long long *out);
bool value_float(const char *s, double *out);
bool value_bool(const char *s, bool *out);

/* Adds one more. */
struct attr *tmpl_add(struct tmpl *t, const char *name, const char *value);
struct attr *tmpl_addf(struct tmpl *t, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct attr *tmpl_add_vector(struct tmpl *t, const char *name);
struct attr *tmpl_add_attr(struct tmpl *t, const struct attr *a); /* a copy */
/* Replaces every attribute of that name by this single one. */
void tmpl_set(struct tmpl *t, const char *name, const char *value);
void tmpl_setf(struct tmpl *t, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Takes all attributes of a name out, as a list; NULL: there is none. */
struct attr *tmpl_cut(struct tmpl *t, const char *name);
/* Puts a list sorted by name into t, without a copy; among equal names those of t come first. */
void tmpl_adopt(struct tmpl *t, struct attr *sorted);
/* Removes all of that name; how many there were. */
int tmpl_remove(struct tmpl *t, const char *name);
void tmpl_remove_attr(struct tmpl *t, const struct attr *a);
/* Sets / removes inside a vector (arena: where the copy of the strings goes). */
void attr_set(struct arena *arena, struct attr *vector, const char *name, const char *value);
void attr_setf(struct arena *arena, struct attr *vector, const char *name, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void attr_remove(struct attr *vector, const char *name);
/* Of several attributes of a name only the last stays. */
void tmpl_keep_last(struct tmpl *t);
/* OpenNebula's merge (append = 1 of *.update): all attributes of a name that stands in `from` are replaced by those
 * of `from`; an empty vector there only removes. */
void tmpl_merge(struct tmpl *t, const struct tmpl *from);

/* <ROOT><NAME><![CDATA[value]]></NAME>...</ROOT>; "]]>" in a value is split so that the XML stays well-formed. */
void tmpl_to_xml(const struct tmpl *t, const char *root, struct strbuf *out);
void attr_to_xml(const struct attr *a, struct strbuf *out);
/* Back to the language, one attribute a line, always quoted. What the language can't quote gets a character more:
 * a blank behind a value that ends in a backslash, a line end behind one of a single line with "]]>" in it. */
void tmpl_to_text(const struct tmpl *t, struct strbuf *out);
/* As members of a JSON object (without braces), every value a string; vectors that repeat are arrays, and always
 * those named in `arrays` (NULL-terminated, e.g. DISK, NIC). */
void tmpl_to_json(const struct tmpl *t, const char *const *arrays, struct strbuf *out);

#endif
