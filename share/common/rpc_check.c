/* Looks over an XML document before xmlrpc-c parses it (rpc_text.h says what is refused and why).
 *
 * This is no parser: it only has to see every '<' in the way the real one does, and a document that confuses
 * it is refused. */
#include "common/rpc_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <strings.h>

struct scan {
	const char *at, *end;
	size_t elements, depth;
	const char *why;
};

/* Moves behind the next `mark`; a document without one is not well-formed. */
static bool skip_past(struct scan *s, const char *mark, size_t len)
{
	const char *found = memmem(s->at, (size_t)(s->end - s->at), mark, len);

	if (!found) {
		s->why = "Markup that does not end.";
		return false;
	}
	s->at = found + len;
	return true;
}

static bool starts(const struct scan *s, const char *text, size_t len)
{
	return (size_t)(s->end - s->at) >= len && memcmp(s->at, text, len) == 0;
}

/* Moves behind the '>' of a tag (an attribute's value may hold one); *empty: it was <x/>. */
static bool skip_tag(struct scan *s, bool *empty)
{
	char quote = 0;

	for (; s->at < s->end; s->at++) {
		char c = *s->at;
		if (quote) {
			if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			*empty = s->at[-1] == '/';
			s->at++;
			return true;
		}
	}
	s->why = "Markup that does not end.";
	return false;
}

static bool scan_markup(struct scan *s, size_t max_elements, size_t max_depth)
{
	bool empty = false;

	if (starts(s, "<?", 2))
		return skip_past(s, "?>", 2);
	if (starts(s, "<!--", 4)) {
		s->at += 4; /* "<!-->" does not end one */
		return skip_past(s, "-->", 3);
	}
	if (starts(s, "<![CDATA[", 9))
		return skip_past(s, "]]>", 3);
	if (starts(s, "<!", 2)) {
		s->why = "A document type declaration is not allowed.";
		return false;
	}
	if (starts(s, "</", 2)) {
		if (s->depth > 0)
			s->depth--;
		return skip_tag(s, &empty);
	}
	s->at++;
	if (!skip_tag(s, &empty))
		return false;
	if (++s->elements > max_elements)
		s->why = "Too many values.";
	else if (!empty && ++s->depth > max_depth)
		s->why = "Nested data structure too deep.";
	return !s->why;
}

/* The encoding named in <?xml ... encoding="..."?>, if it isn't one of those known. */
static bool encoding_allowed(const char *xml, size_t len, bool *utf8)
{
	static const char *const known[] = { "UTF-8", "ISO-8859-1", "US-ASCII" };
	const char *end = len > 5 && memcmp(xml, "<?xml", 5) == 0 ? memmem(xml, len, "?>", 2) : NULL;
	const char *name = end ? memmem(xml, (size_t)(end - xml), "encoding", 8) : NULL;

	*utf8 = true;
	if (!name)
		return true;
	name += 8;
	while (name < end && strchr(" \t\r\n=", *name))
		name++;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i]);
		if ((size_t)(end - name) >= n + 2 && strncasecmp(name + 1, known[i], n) == 0 &&
		    name[n + 1] == name[0]) {
			*utf8 = i != 1;
			return true;
		}
	}
	return false;
}

static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t sequence_length(const unsigned char *p, size_t left)
{
	size_t n = 0;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (!is_tail((char)p[i]))
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static bool utf8_valid(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		uint64_t word;
		if (end - p >= 8) {
			memcpy(&word, p, 8);
			if (!(word & 0x8080808080808080u)) {
				p += 8;
				continue;
			}
		}
		size_t n = *p < 0x80 ? 1 : sequence_length(p, (size_t)(end - p));
		if (n == 0)
			return false;
		p += n;
	}
	return true;
}

const char *rpc_xml_refused(const char *xml, size_t len, size_t max_elements, size_t max_depth)
{
	struct scan s = { .at = xml, .end = xml + len };
	bool utf8;

	if (memchr(xml, 0, len))
		return "A zero byte is not allowed.";
	if (!encoding_allowed(xml, len, &utf8))
		return "The encoding is not supported.";
	if (utf8 && !utf8_valid(xml, len))
		return "The text is not valid UTF-8.";
	for (;;) {
		const char *next = memchr(s.at, '<', (size_t)(s.end - s.at));
		if (!next)
			return NULL;
		s.at = next;
		if (!scan_markup(&s, max_elements, max_depth))
			return s.why;
	}
}
