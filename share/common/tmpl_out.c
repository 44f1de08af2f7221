/* Writing templates: XML as OpenNebula stores and sends it, the template language, and JSON. */
#include "common/tmpl.h"

#include <string.h>

void attr_to_xml(const struct attr *a, struct strbuf *out)
{
	if (!a->vector) {
		xml_out_cdata(out, a->name, a->value);
		return;
	}
	xml_out_open(out, a->name);
	for (const struct attr *kid = a->kids; kid; kid = kid->next)
		xml_out_cdata(out, kid->name, kid->value);
	xml_out_close(out, a->name);
}

void tmpl_to_xml(const struct tmpl *t, const char *root, struct strbuf *out)
{
	xml_out_open(out, root);
	for (const struct attr *a = t->first; a; a = a->next)
		attr_to_xml(a, out);
	xml_out_close(out, root);
}

/* The parser refuses a value with "]]>" behind it in its line, unless the string goes on in the next. */
static bool has_cdata_end(const char *value)
{
	return xml_cdata_end(value, strlen(value)) != NULL;
}

static void add_quoted(struct strbuf *out, const char *value)
{
	bool needs_line_end = has_cdata_end(value) && !strchr(value, '\n');

	strbuf_addc(out, '"');
	for (const char *quote; (quote = strchr(value, '"')); value = quote + 1) {
		strbuf_add(out, value, (size_t)(quote - value));
		strbuf_lit(out, "\\\"");
	}
	strbuf_adds(out, value);
	if (needs_line_end)
		strbuf_addc(out, '\n');
	else if (out->buf[out->len - 1] == '\\')
		strbuf_addc(out, ' ');
	strbuf_addc(out, '"');
}

static void vector_to_text(const struct attr *a, struct strbuf *out)
{
	bool lines = false;

	for (const struct attr *kid = a->kids; kid; kid = kid->next)
		lines = lines || has_cdata_end(kid->value);
	strbuf_addc(out, '[');
	for (const struct attr *kid = a->kids; kid; kid = kid->next) {
		strbuf_addc(out, lines ? '\n' : ' ');
		strbuf_adds(out, kid->name);
		strbuf_lit(out, " = ");
		add_quoted(out, kid->value);
		if (kid->next)
			strbuf_addc(out, ',');
	}
	strbuf_lit(out, " ]");
}

void tmpl_to_text(const struct tmpl *t, struct strbuf *out)
{
	for (const struct attr *a = t->first; a; a = a->next) {
		strbuf_adds(out, a->name);
		strbuf_lit(out, " = ");
		if (a->vector)
			vector_to_text(a, out);
		else
			add_quoted(out, a->value);
		strbuf_addc(out, '\n');
	}
}

static void add_json_char(struct strbuf *out, const char **at, size_t left)
{
	static const char controls[] = "btn?fr"; /* \b \t \n - \f \r are 8 to 13 */
	unsigned char c = (unsigned char)**at;
	size_t len;

	if (c == '"' || c == '\\')
		strbuf_addf(out, "\\%c", c);
	else if (c >= '\b' && c <= '\r' && c != '\v')
		strbuf_addf(out, "\\%c", controls[c - '\b']);
	else if (c < 0x20)
		strbuf_addf(out, "\\u%04x", c);
	else if ((len = xml_char_len(*at, left)) > 0) {
		strbuf_add(out, *at, len);
		*at += len - 1;
	} else
		strbuf_addc(out, '?');
	++*at;
}

/* The ASCII that stands for itself. */
/* clang-format off */
static const bool json_plain[256] = { [' ' ... '!'] = true, ['#' ... '['] = true, [']' ... '~'] = true };
/* clang-format on */

static void add_json_string(struct strbuf *out, const char *s)
{
	const char *end = s + strlen(s);

	strbuf_grow(out, (size_t)(end - s) + 2);
	strbuf_addc(out, '"');
	while (s < end) {
		const char *from = s;

		while (json_plain[(unsigned char)*s])
			s++;
		strbuf_add(out, from, (size_t)(s - from));
		if (s < end)
			add_json_char(out, &s, (size_t)(end - s));
	}
	strbuf_addc(out, '"');
}

static void add_json_value(struct strbuf *out, const struct attr *a)
{
	if (!a->vector) {
		add_json_string(out, a->value);
		return;
	}
	strbuf_addc(out, '{');
	for (const struct attr *kid = a->kids; kid; kid = kid->next) {
		add_json_string(out, kid->name);
		strbuf_lit(out, ": ");
		add_json_string(out, kid->value);
		if (kid->next)
			strbuf_lit(out, ", ");
	}
	strbuf_addc(out, '}');
}

static bool is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

void tmpl_to_json(const struct tmpl *t, const char *const *arrays, struct strbuf *out)
{
	for (const struct attr *a = t->first, *next; a; a = next) {
		bool array = tmpl_find_next(a) || is_listed(arrays, a->name);

		add_json_string(out, a->name);
		strbuf_adds(out, array ? ": [" : ": ");
		add_json_value(out, a);
		for (next = a; (next = tmpl_find_next(next)); a = next) {
			strbuf_lit(out, ", ");
			add_json_value(out, next);
		}
		if (array)
			strbuf_addc(out, ']');
		next = a->next;
		if (next)
			strbuf_lit(out, ", ");
	}
}
