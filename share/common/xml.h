/* XML in, over libxml2's SAX interface into a small arena tree, and XML out into a strbuf.
 *
 * Reading refuses a DOCTYPE (so no entities but the five predefined ones and character references),
 * nesting deeper than max_depth, texts over max_bytes, tags over 8 KB and NUL bytes. The text is UTF-8 whatever its declaration
 * says. Comments and processing instructions are skipped. Namespaces are ignored (prefixes stay in the name).
 * Text of mixed content is joined. */
#ifndef COMMON_XML_H
#define COMMON_XML_H

#include <stdbool.h>
#include <stddef.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"

struct xattr { struct xattr *next; const char *name, *value; };

struct xnode {
	struct xnode *next;        /* sibling */
	struct xnode *parent;
	struct xnode *first, *last; /* children */
	const char *name;          /* interned in the arena */
	const char *text;          /* all text inside, entities resolved; "" when none; surrounding blanks kept */
	bool has_text;             /* there is text, if only an empty CDATA section: <A/> has none, <A><![CDATA[]]></A> has */
	struct xattr *attrs;
};

#define XML_MAX_DEPTH 64

/* Parses len bytes; the tree lives in arena. ONE_INTERNAL with line and reason.
 * Hidden: libxmlrpc has a function of this name too, and would call ours instead of its own. */
enum one_rc xml_parse(struct arena *arena, const char *text, size_t len, int max_depth, size_t max_bytes,
		      struct xnode **root, struct one_err *err) __attribute__((visibility("hidden")));
struct xnode *xml_child(const struct xnode *n, const char *name);      /* first child of that name, NULL */
struct xnode *xml_next(const struct xnode *n);                         /* next sibling of the same name, NULL */
const char *xml_text(const struct xnode *n, const char *name);         /* text of that child; NULL when missing */
const char *xml_text_or(const struct xnode *n, const char *name, const char *dflt);
long long xml_int(const struct xnode *n, const char *name, long long dflt); /* dflt also where it isn't a number */
double xml_float(const struct xnode *n, const char *name, double dflt);
/* Walks "A/B/C" from n (first of each). */
struct xnode *xml_path(const struct xnode *n, const char *path);
const char *xml_attr(const struct xnode *n, const char *name);         /* XML attribute; NULL */

/* Writing. Names are trusted (ours, or checked by the template parser). What XML can't hold (control characters,
 * bytes that aren't UTF-8) becomes '?', one for each byte, so that what is written can always be read again. */
void xml_out_open(struct strbuf *out, const char *name);   /* <NAME> */
void xml_out_close(struct strbuf *out, const char *name);  /* </NAME> */
void xml_out_int(struct strbuf *out, const char *name, long long value);
void xml_out_text(struct strbuf *out, const char *name, const char *text);  /* escaped; <NAME></NAME> for "" */
void xml_out_cdata(struct strbuf *out, const char *name, const char *text); /* <![CDATA[..]]>, "]]>" split */
/* The first "]]>" in a text; NULL: it has none. */
const char *xml_cdata_end(const char *text, size_t len);
/* Replaces & < > " ' and carriage returns by references. */
void xml_escape(struct strbuf *out, const char *text, size_t len);
/* Length of the UTF-8 sequence at text (left > 0 bytes are there) if it is a character XML may hold, else 0. */
size_t xml_char_len(const char *text, size_t left);

#endif
