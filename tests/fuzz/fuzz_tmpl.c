/* libFuzzer: any template that is accepted can be written as XML and as text, and both can be read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/tmpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(struct arena *arena, const char *text)
{
	if (tmpl_parse(tmpl_new(arena), text, NULL) != ONE_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct strbuf out = STRBUF_INIT;
	struct tmpl *t = tmpl_new(&arena);
	const char *text = arena_strndup(&arena, (const char *)data, size);

	if (tmpl_parse(t, text, NULL) == ONE_OK) {
		tmpl_to_xml(t, "TEMPLATE", &out);
		read_again(&arena, out.buf);
		/* names of XML needn't be words of the language */
		if (text[0] != '<') {
			strbuf_reset(&out);
			tmpl_to_text(t, &out);
			read_again(&arena, out.buf);
		}
		strbuf_reset(&out);
		tmpl_to_json(t, NULL, &out);
	}
	strbuf_done(&out);
	arena_done(&arena);
	return 0;
}
