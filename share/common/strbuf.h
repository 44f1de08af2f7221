/* A growing string. Invariants: buf is never NULL, buf[len] is NUL, so buf is always a C string
 * (it may hold NUL bytes of its own). Appending never fails (see arena.h). */
#ifndef COMMON_STRBUF_H
#define COMMON_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct strbuf {
	char *buf;
	size_t len;
	size_t cap; /* 0 while buf is the shared empty string */
};

extern char strbuf_empty[1];
#define STRBUF_INIT { strbuf_empty, 0, 0 }

void strbuf_init(struct strbuf *sb);
void strbuf_done(struct strbuf *sb);             /* frees; leaves it empty and usable */
void strbuf_reset(struct strbuf *sb);            /* len = 0, keeps the memory */
void strbuf_grow(struct strbuf *sb, size_t more); /* room for `more` bytes and the NUL */
char *strbuf_detach(struct strbuf *sb, size_t *len); /* malloc'ed string (len may be NULL); sb is empty after */
void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addi(struct strbuf *sb, long long n);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void strbuf_setlen(struct strbuf *sb, size_t len); /* only shorter */
/* Removes blanks, tabs, CR and LF at both ends. */
void strbuf_trim(struct strbuf *sb);

/* A string literal: length known at compile time. */
#define strbuf_lit(sb, literal) strbuf_add((sb), "" literal, sizeof(literal) - 1)

#endif
