/* A writer of indented XML; see domain_xml.h. */
#include "oned/drivers/domain_xml.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include "common/xml.h"

static void indent(struct xw *w)
{
	for (int i = 0; i < w->depth; i++)
		strbuf_addc(w->out, '\t');
}

static void end_tag(struct xw *w)
{
	if (w->in_tag)
		strbuf_lit(w->out, ">\n");
	w->in_tag = false;
}

void xw_open(struct xw *w, const char *name)
{
	assert(w->depth < XW_MAX_DEPTH && !w->inline_text);
	end_tag(w);
	indent(w);
	strbuf_addc(w->out, '<');
	strbuf_adds(w->out, name);
	w->open[w->depth++] = name;
	w->in_tag = true;
}

void xw_attr(struct xw *w, const char *name, const char *value)
{
	assert(w->in_tag);
	if (value == NULL || *value == '\0')
		return;
	strbuf_addf(w->out, " %s='", name);
	xml_escape(w->out, value, strlen(value));
	strbuf_addc(w->out, '\'');
}

void xw_attr_int(struct xw *w, const char *name, long long value)
{
	assert(w->in_tag);
	strbuf_addf(w->out, " %s='%lld'", name, value);
}

void xw_text(struct xw *w, const char *text)
{
	assert(w->in_tag);
	strbuf_addc(w->out, '>');
	xml_escape(w->out, text, strlen(text));
	w->in_tag = false;
	w->inline_text = true;
}

void xw_raw(struct xw *w, const char *xml)
{
	end_tag(w);
	indent(w);
	strbuf_adds(w->out, xml);
	strbuf_addc(w->out, '\n');
}

void xw_close(struct xw *w)
{
	assert(w->depth > 0);
	const char *name = w->open[--w->depth];
	if (w->in_tag) {
		strbuf_lit(w->out, "/>\n");
	} else {
		if (!w->inline_text)
			indent(w);
		strbuf_addf(w->out, "</%s>\n", name);
	}
	w->in_tag = false;
	w->inline_text = false;
}

void xw_leaf(struct xw *w, const char *name, ...)
{
	va_list ap;
	const char *key;

	xw_open(w, name);
	va_start(ap, name);
	while ((key = va_arg(ap, const char *)) != NULL)
		xw_attr(w, key, va_arg(ap, const char *));
	va_end(ap);
	xw_close(w);
}

void xw_elem(struct xw *w, const char *name, const char *text)
{
	xw_open(w, name);
	xw_text(w, text);
	xw_close(w);
}

void xw_elem_int(struct xw *w, const char *name, long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", value);
	xw_elem(w, name, text);
}
