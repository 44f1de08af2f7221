/* libFuzzer: whatever text comes in, compiling and running it does no harm. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, const char *name, int i)
{
	static const char *const values[] = { "5", "x", "-1.5e3", "" };

	(void)ctx;
	return name[0] != 'N' && i < 4 ? values[(i + (unsigned char)name[0]) % 4] : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);
	struct expr *e = NULL;

	if (expr_compile_requirements(text, &e, NULL) == ONE_OK)
		expr_match(e, lookup, NULL);
	expr_free(e);
	e = NULL;
	if (expr_compile_rank(text, &e, NULL) == ONE_OK)
		expr_rank(e, lookup, NULL);
	expr_free(e);
	arena_done(&arena);
	return 0;
}
