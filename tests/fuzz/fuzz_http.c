/* libFuzzer: a request's head is judged the same whether it comes at once or byte by byte, and never read
 * beyond its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oned/api/http_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1); /* the sanitizer guards its end */
	struct http_head at_once = { .status = 0 }, in_parts = { .status = 0 };
	size_t from = 0, len;
	bool whole;

	if (!copy || size == 0) {
		free(copy);
		return 0;
	}
	memcpy(copy, data, size);
	whole = http_parse_head(copy, size, &from, &at_once);
	if (whole && at_once.status == 0 && (at_once.length == 0 || at_once.length > size))
		abort();
	from = 0;
	for (len = 1; len <= size && !http_parse_head(copy, len, &from, &in_parts); len++)
		;
	if (whole != (len <= size) ||
	    (whole && (at_once.status != in_parts.status || at_once.length != in_parts.length)))
		abort();
	free(copy);
	return 0;
}
