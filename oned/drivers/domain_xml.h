/* Writes indented XML element by element into a strbuf; values are escaped.
 * Elements without content are closed in their tag; attributes without a value are left out. */
#ifndef ONED_DRIVERS_DOMAIN_XML_H
#define ONED_DRIVERS_DOMAIN_XML_H

#include <stdbool.h>
#include "common/strbuf.h"

#define XW_MAX_DEPTH 12

struct xw {
	struct strbuf *out;
	const char *open[XW_MAX_DEPTH]; /* names of the elements that are open */
	int depth;
	bool in_tag;                    /* "<name ..." is written, its ">" is not */
	bool inline_text;               /* the open element holds text: no line break before its end */
};

void xw_open(struct xw *w, const char *name);  /* name must live until the matching close */
void xw_attr(struct xw *w, const char *name, const char *value); /* NULL or "": left out */
void xw_attr_int(struct xw *w, const char *name, long long value);
void xw_text(struct xw *w, const char *text);
void xw_raw(struct xw *w, const char *xml);    /* well-formed content, on lines of its own */
void xw_close(struct xw *w);
/* An element with attributes only: name, value pairs, then NULL. */
void xw_leaf(struct xw *w, const char *name, ...) __attribute__((sentinel));
void xw_elem(struct xw *w, const char *name, const char *text);
void xw_elem_int(struct xw *w, const char *name, long long value);

#endif
