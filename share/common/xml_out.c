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

/* The ASCII that stands for itself in a text, and in a CDATA section. */
/* clang-format off */
static const bool plain_in_text[256] = {
	['\t'] = true, ['\n'] = true, [' ' ... '!'] = true, ['#' ... '%'] = true, ['(' ... ';'] = true, ['='] = true, ['?' ... 0x7f] = true,
};
static const bool plain_in_cdata[256] = { ['\t'] = true, ['\n'] = true, ['\r'] = true, [' ' ... '\\'] = true, ['^' ... 0x7f] = true };
/* clang-format on */

/* How many bytes from s on can be copied as they are. */
static size_t clean_run(const char *s, size_t len, const bool plain[256])
{
	size_t i = 0, step;

	for (;;) {
		while (i < len && plain[(unsigned char)s[i]])
			i++;
		if (i == len || (unsigned char)s[i] < 0x80 || !(step = xml_char_len(s + i, len - i)))
			return i;
		i += step;
	}
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
	while (len > 0) {
		size_t run = clean_run(text, len, plain_in_text);

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
	while (len > 0) {
		size_t run = clean_run(text, len, plain_in_cdata);

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

const char *xml_cdata_end(const char *text, size_t len)
{
	const char *end = text + len;

	for (; (text = memchr(text, ']', (size_t)(end - text))); text++)
		if (end - text >= 3 && text[1] == ']' && text[2] == '>')
			return text;
	return NULL;
}

static char *put(char *at, const char *s, size_t len)
{
	memcpy(at, s, len);
	return at + len;
}

static void end_at(struct strbuf *out, char *end)
{
	out->len = (size_t)(end - out->buf);
	*end = '\0';
}

/* Most of every object is made of these: one check of the room for all pieces. */
void xml_out_cdata(struct strbuf *out, const char *name, const char *text)
{
	static const char open[] = "><![CDATA[", close[] = "]]></";
	size_t name_len = strlen(name), len = strlen(text), run = clean_run(text, len, plain_in_cdata);
	char *at;

	strbuf_grow(out, 2 * name_len + run + sizeof(open) + sizeof(close));
	at = out->buf + out->len;
	*at++ = '<';
	at = put(at, name, name_len);
	at = put(at, open, sizeof(open) - 1);
	at = put(at, text, run);
	if (run < len) {
		end_at(out, at);
		add_cdata_content(out, text + run, len - run);
		strbuf_grow(out, name_len + sizeof(close));
		at = out->buf + out->len;
	}
	at = put(at, close, sizeof(close) - 1);
	at = put(at, name, name_len);
	*at++ = '>';
	end_at(out, at);
}
