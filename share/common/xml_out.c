/* XML out: elements with escaped text or CDATA, appended to a string buffer.
 *
 * Values come from drivers, guests and users, and one bad byte would make a whole pool unreadable
 * for every client, so only characters of XML 1.0 in well-formed UTF-8 pass. */
#include "common/xml.h"

#include <string.h>

size_t xml_char_len(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned code;
	size_t len;

	if (s[0] < 0x80)
		return s[0] >= 0x20 || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || left < len)
		return 0;
	code = s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fU);
	}
	if ((len == 3 && code < 0x800) || (len == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	return (code >= 0xd800 && code < 0xe000) || code == 0xfffe || code == 0xffff ? 0 : len;
}

/* How many bytes from s on can be copied as they are: up to one of `special`, a forbidden one or the end. */
static size_t clean_run(const char *s, size_t len, const bool special[256])
{
	size_t i = 0, step;

	while (i < len) {
		unsigned char c = (unsigned char)s[i];

		if (special[c])
			break;
		step = c >= 0x20 && c < 0x80 ? 1 : xml_char_len(s + i, len - i);
		if (step == 0)
			break;
		i += step;
	}
	return i;
}

static const char *reference_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\r':
		return "&#13;";
	default:
		return "?";
	}
}

void xml_escape(struct strbuf *out, const char *text, size_t len)
{
	static const bool special[256] = {
		['&'] = true, ['<'] = true, ['>'] = true, ['"'] = true, ['\''] = true, ['\r'] = true,
	};

	while (len > 0) {
		size_t run = clean_run(text, len, special);

		strbuf_add(out, text, run);
		text += run;
		len -= run;
		if (len > 0) {
			strbuf_adds(out, reference_of(*text++));
			len--;
		}
	}
}

void xml_out_open(struct strbuf *out, const char *name)
{
	strbuf_addc(out, '<');
	strbuf_adds(out, name);
	strbuf_addc(out, '>');
}

void xml_out_close(struct strbuf *out, const char *name)
{
	strbuf_lit(out, "</");
	strbuf_adds(out, name);
	strbuf_addc(out, '>');
}

void xml_out_int(struct strbuf *out, const char *name, long long value)
{
	xml_out_open(out, name);
	strbuf_addi(out, value);
	xml_out_close(out, name);
}

void xml_out_text(struct strbuf *out, const char *name, const char *text)
{
	xml_out_open(out, name);
	xml_escape(out, text, strlen(text));
	xml_out_close(out, name);
}

static void add_cdata_content(struct strbuf *out, const char *text, size_t len)
{
	static const bool special[256] = { [']'] = true };

	while (len > 0) {
		size_t run = clean_run(text, len, special);

		strbuf_add(out, text, run);
		text += run;
		len -= run;
		if (len >= 3 && memcmp(text, "]]>", 3) == 0) {
			strbuf_lit(out, "]]]]><![CDATA[>");
			text += 3;
			len -= 3;
		} else if (len > 0) {
			strbuf_addc(out, *text == ']' ? ']' : '?');
			text++;
			len--;
		}
	}
}

void xml_out_cdata(struct strbuf *out, const char *name, const char *text)
{
	xml_out_open(out, name);
	strbuf_lit(out, "<![CDATA[");
	add_cdata_content(out, text, strlen(text));
	strbuf_lit(out, "]]>");
	xml_out_close(out, name);
}
