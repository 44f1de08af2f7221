/* Arenas: blocks that double from 1 KB to 64 KB, so that a small object version stays small and a
 * large request needs few calls of malloc. What is bigger than a block gets a block of its own. */
#include "common/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* malloc's own header counts 16 bytes: blocks fill its size classes exactly. */
#define MALLOC_HEADER 16
#define FIRST_BLOCK   (1024 - MALLOC_HEADER)
#define LARGEST_BLOCK (64 * 1024 - MALLOC_HEADER)

struct arena_block {
	struct arena_block *next;
	size_t size; /* with this header */
};

_Static_assert(sizeof(struct arena_block) % 16 == 0, "what follows the header must be aligned to 16");

static void out_of_memory(void) __attribute__((noreturn));
static void out_of_memory(void)
{
	static const char text[] = "out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	abort();
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *xstrdup(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(xmalloc(size), s, size);
}

char *xasprintf(const char *fmt, ...)
{
	char *s;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	return s;
}

void arena_init(struct arena *a)
{
	*a = (struct arena)ARENA_INIT;
}

void arena_done(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	arena_init(a);
}

static struct arena_block *block_new(struct arena *a, size_t size)
{
	struct arena_block *b = xmalloc(size);

	b->size = size;
	a->total += size;
	return b;
}

static size_t next_block_size(const struct arena *a)
{
	size_t size = FIRST_BLOCK;

	while (a->blocks && size <= a->blocks->size && size < LARGEST_BLOCK)
		size = 2 * (size + MALLOC_HEADER) - MALLOC_HEADER;
	return size;
}

static void *alloc_slow(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		out_of_memory();

	size_t block_size = next_block_size(a), need = sizeof(struct arena_block) + size;

	if (a->blocks && need > block_size / 2) {
		/* Behind the newest block, whose free space goes on being used. */
		struct arena_block *own = block_new(a, need);

		own->next = a->blocks->next;
		a->blocks->next = own;
		return own + 1;
	}

	struct arena_block *b = block_new(a, need > block_size ? need : block_size);

	b->next = a->blocks;
	a->blocks = b;
	a->at = (char *)(b + 1) + size;
	a->end = (char *)b + b->size;
	return b + 1;
}

/* align: a power of two, at most 16. */
static inline void *alloc_aligned(struct arena *a, size_t size, size_t align)
{
	size_t skip = -(uintptr_t)a->at & (align - 1);
	size_t room = (size_t)(a->end - a->at);

	if (__builtin_expect(!a->at || skip > room || size > room - skip, 0))
		return alloc_slow(a, size);

	char *p = a->at + skip;

	a->at = p + size;
	return p;
}

void *arena_alloc_raw(struct arena *a, size_t size)
{
	return alloc_aligned(a, size, size >= 16 ? 16 : 8);
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(arena_alloc_raw(a, size), 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	if (len == SIZE_MAX)
		out_of_memory();

	/* Strings need no alignment; packed they take half the memory of a typical template. */
	char *copy = alloc_aligned(a, len + 1, 1);

	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);

	if (n < 0)
		out_of_memory();

	char *s;

	if ((size_t)n < sizeof(small)) {
		s = arena_strndup(a, small, (size_t)n);
	} else {
		s = alloc_aligned(a, (size_t)n + 1, 1);
		vsnprintf(s, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	return s;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}
