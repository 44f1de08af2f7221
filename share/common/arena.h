/* Memory by lifetime: an arena gives memory that is freed all at once.
 *
 * One arena a request, one a transaction, one an object version. Allocation never fails: out of
 * memory ends the process with a message (a controller that goes on without memory is worse).
 * An arena belongs to one thread at a time. */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include <stddef.h>
#include <stdarg.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *at, *end;             /* free space of the newest block */
	size_t total;               /* bytes taken from malloc so far */
};

#define ARENA_INIT { NULL, NULL, NULL, 0 }

void arena_init(struct arena *a);
/* Frees everything; the arena may be used again. */
void arena_done(struct arena *a);
/* Zeroed memory, aligned to 16 bytes when size >= 16, else to 8. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size);
/* Not zeroed. */
void *arena_alloc_raw(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);               /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *s, size_t len);  /* copies len bytes, adds NUL */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_array(a, n, type) ((type *)arena_alloc((a), (size_t)(n) * sizeof(type)))

/* malloc family that never fails; free() with free(). */
void *xmalloc(size_t size) __attribute__((malloc));
void *xcalloc(size_t n, size_t size) __attribute__((malloc));
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s) __attribute__((malloc));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc));

#endif
