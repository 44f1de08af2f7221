/* Escaping for the XML-RPC wire and back, byte for byte what a server with xmlrpc-c sends; that makes LF of
 * CR and CRLF.
 *
 * Bodies of objects are long and mostly clean, so the text is looked at 16 bytes at a time with the
 * compiler's vectors (SSE2 or NEON, whatever the machine has); only what needs care leaves that path. */
#include "common/rpc_text.h"

#include <stdint.h>

enum {
	CHUNK = 2048,   /* text for which room is made at once */
	LONGEST = 5,    /* "&amp;" */
	BLOCK = 16,
};

typedef signed char block_bytes __attribute__((vector_size(BLOCK)));
typedef uint64_t block_words __attribute__((vector_size(BLOCK)));

/* One bit for each marked byte, the lowest for the first. */
static inline unsigned block_bits(block_bytes marked)
{
	block_words words = (block_words)marked & 0x0101010101010101u;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	words[0] = __builtin_bswap64(words[0]);
	words[1] = __builtin_bswap64(words[1]);
#endif
	return (unsigned)((words[0] * 0x0102040810204080u) >> 56) |
	       (unsigned)((words[1] * 0x0102040810204080u) >> 56) << 8;
}

static inline bool block_any(block_bytes marked)
{
	block_words words = (block_words)marked;

	return (words[0] | words[1]) != 0;
}

static inline block_bytes block_load(const char *p)
{
	block_bytes v;

	memcpy(&v, p, BLOCK);
	return v;
}

static inline block_bytes block_controls(block_bytes v)
{
	return (v < 32) & (v != '\n') & (v != '\t'); /* signed: the bytes of UTF-8 sequences are among them */
}

static inline int is_tail(const unsigned char *p, size_t i)
{
	return (p[i] & 0xc0) == 0x80;
}

/* The length of the UTF-8 sequence at p if it is one XML allows, else 0. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return left >= 2 && is_tail(p, 1) ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if (left < 3 || !is_tail(p, 1) || !is_tail(p, 2))
			return 0;
		unsigned c = (unsigned)(p[0] & 0x0f) << 12 | (unsigned)(p[1] & 0x3f) << 6 |
			     (unsigned)(p[2] & 0x3f);
		return c >= 0x800 && (c < 0xd800 || c > 0xdfff) && c < 0xfffe ? 3 : 0;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if (left < 4 || !is_tail(p, 1) || !is_tail(p, 2) || !is_tail(p, 3))
			return 0;
		unsigned c = (unsigned)(p[0] & 0x07) << 6 | (unsigned)(p[1] & 0x3f);
		return c >= 0x10 && c <= 0x10f ? 4 : 0; /* U+10000 to U+10FFFF, in units of 0x1000 */
	}
	return 0;
}

static char *put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

/* Writes the character at *p, whatever it is, and moves *p behind it. */
static char *escape_one(char *to, const char **p, const char *end)
{
	unsigned char c = (unsigned char)**p;
	size_t n = 1;

	switch (c) {
	case '&': to = put(to, "&amp;", 5); break;
	case '<': to = put(to, "&lt;", 4); break;
	case '>': to = put(to, "&gt;", 4); break;
	case '\r': /* a line's end, alone or before LF */
		if (*p + 1 == end || (*p)[1] != '\n')
			*to++ = '\n';
		break;
	case '\t':
	case '\n': *to++ = (char)c; break;
	default:
		if (c >= 0x80) {
			n = sequence_length((const unsigned char *)*p, (size_t)(end - *p));
			if (n > 0 && n < 4)
				to = put(to, *p, n);
			else
				*to++ = '?'; /* also for a sequence of 4: xmlrpc-c refuses those */
		} else {
			*to++ = c < 32 ? '?' : (char)c;
		}
	}
	*p += n ? n : 1;
	return to;
}

/* Escapes a block whose bits say where & < > are. Copies whole blocks and moves on by what counted: a branch
 * less a character. */
static char *escape_block(char *to, const char *p, unsigned bits)
{
	static const char texts[64][8] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;" };
	static const unsigned char lengths[64] = { ['&'] = 5, ['<'] = 4, ['>'] = 4 };
	unsigned done = 0;

	for (; bits; bits &= bits - 1) {
		unsigned i = (unsigned)__builtin_ctz(bits), c = (unsigned char)p[i] & 63;
		memcpy(to, p + done, BLOCK);
		to += i - done;
		memcpy(to, texts[c], sizeof(texts[c]));
		to += lengths[c];
		done = i + 1;
	}
	memcpy(to, p + done, BLOCK);
	return to + BLOCK - done;
}

static char *escape_chunk(char *to, const char **from, const char *stop, const char *end)
{
	const char *p = *from;

	while (p < stop) {
		const char *next = p + 1;
		if (end - p >= 2 * BLOCK) {
			block_bytes v = block_load(p);
			block_bytes marks = (v == '&') | (v == '<') | (v == '>');
			next = p + BLOCK;
			if (!block_any(block_controls(v))) {
				to = escape_block(to, p, block_any(marks) ? block_bits(marks) : 0);
				p = next;
				continue;
			}
		}
		while (p < next)
			to = escape_one(to, &p, end);
	}
	*from = p;
	return to;
}

void rpc_escape(struct strbuf *out, const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		const char *stop = end - p > CHUNK ? p + CHUNK : end;
		/* the last block or sequence of a chunk may reach behind `stop`, and more is stored than
		 * counts */
		strbuf_grow(out, ((size_t)(stop - p) + BLOCK) * LONGEST + 2 * BLOCK);
		char *to = escape_chunk(out->buf + out->len, &p, stop, end);
		out->len = (size_t)(to - out->buf);
		*to = '\0';
	}
}

/* The character a reference at p stands for, and the reference's length; 0 where it isn't one of the four
 * that are sent. */
static size_t reference(const char *p, size_t left, char *c)
{
	static const struct { const char *text; size_t len; char c; } known[] = {
		{ "&lt;", 4, '<' }, { "&gt;", 4, '>' }, { "&amp;", 5, '&' }, { "&quot;", 6, '"' },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (left >= known[i].len && memcmp(p, known[i].text, known[i].len) == 0) {
			*c = known[i].c;
			return known[i].len;
		}
	}
	return 0;
}

bool rpc_unescape(struct strbuf *out, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	size_t before = out->len;
	char *to;

	strbuf_grow(out, len + BLOCK);
	to = out->buf + before;
	while (p < end) {
		if (end - p >= BLOCK) {
			block_bytes v = block_load(p);
			unsigned bits = block_bits((block_controls(v) & (v >= 0)) | (v == '&') | (v == '<'));
			unsigned n = bits ? (unsigned)__builtin_ctz(bits) : BLOCK;
			memcpy(to, p, BLOCK);
			p += n;
			to += n;
			if (n == BLOCK)
				continue;
		}
		unsigned char c = (unsigned char)*p;
		size_t n = c == '&' ? reference(p, (size_t)(end - p), to) : 0;
		if (n == 0) {
			if (c == '&' || c == '<' || (c < 32 && c != '\n' && c != '\t'))
				break;
			*to = (char)c;
			n = 1;
		}
		p += n;
		to++;
	}
	out->len = p == end ? (size_t)(to - out->buf) : before;
	out->buf[out->len] = '\0';
	return p == end;
}
