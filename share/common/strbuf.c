/* A growing string; it doubles, so appending costs a constant a byte. */
#include "common/strbuf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"

#define SMALLEST 64

char strbuf_empty[1];

void strbuf_init(struct strbuf *sb)
{
	*sb = (struct strbuf)STRBUF_INIT;
}

void strbuf_done(struct strbuf *sb)
{
	if (sb->cap > 0)
		free(sb->buf);
	strbuf_init(sb);
}

void strbuf_reset(struct strbuf *sb)
{
	strbuf_setlen(sb, 0);
}

void strbuf_setlen(struct strbuf *sb, size_t len)
{
	assert(len <= sb->len);
	sb->len = len;
	/* The shared empty string is never written: other threads have it too. */
	if (sb->cap > 0)
		sb->buf[len] = '\0';
}

static void grow_slow(struct strbuf *sb, size_t more)
{
	size_t need = sb->len + more + 1, cap = sb->cap ? sb->cap * 2 : SMALLEST;

	if (need <= sb->len || cap < sb->cap)
		need = cap = SIZE_MAX; /* ends the process as out of memory */
	if (cap < need)
		cap = need;
	if (sb->cap > 0) {
		sb->buf = xrealloc(sb->buf, cap);
	} else {
		sb->buf = xmalloc(cap);
		sb->buf[0] = '\0';
	}
	sb->cap = cap;
}

static inline void need_room(struct strbuf *sb, size_t more)
{
	if (__builtin_expect(sb->cap <= sb->len || more >= sb->cap - sb->len, 0))
		grow_slow(sb, more);
}

void strbuf_grow(struct strbuf *sb, size_t more)
{
	need_room(sb, more);
}

char *strbuf_detach(struct strbuf *sb, size_t *len)
{
	need_room(sb, 0);

	char *s = sb->buf;

	if (len)
		*len = sb->len;
	strbuf_init(sb);
	return s;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (len == 0)
		return;
	need_room(sb, len);
	memcpy(sb->buf + sb->len, data, len);
	sb->len += len;
	sb->buf[sb->len] = '\0';
}

void strbuf_adds(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addc(struct strbuf *sb, char c)
{
	need_room(sb, 1);
	sb->buf[sb->len++] = c;
	sb->buf[sb->len] = '\0';
}

void strbuf_addi(struct strbuf *sb, long long n)
{
	char digits[24], *at = digits + sizeof(digits);
	unsigned long long left = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;

	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (n < 0)
		*--at = '-';
	strbuf_add(sb, at, (size_t)(digits + sizeof(digits) - at));
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	need_room(sb, SMALLEST - 1);

	int n = vsnprintf(sb->buf + sb->len, sb->cap - sb->len, fmt, ap);

	assert(n >= 0);
	if ((size_t)n >= sb->cap - sb->len) {
		need_room(sb, (size_t)n);
		vsnprintf(sb->buf + sb->len, sb->cap - sb->len, fmt, again);
	}
	sb->len += (size_t)n;
	va_end(again);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void strbuf_trim(struct strbuf *sb)
{
	size_t from = 0, to = sb->len;

	while (from < to && is_space(sb->buf[from]))
		from++;
	while (to > from && is_space(sb->buf[to - 1]))
		to--;
	if (from > 0)
		memmove(sb->buf, sb->buf + from, to - from);
	strbuf_setlen(sb, to - from);
}
