/* libFuzzer: whatever bytes come in, reading XML and making a template of it does no harm. */
#include <stddef.h>
#include <stdint.h>

#include "common/tmpl.h"
#include "common/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct strbuf out = STRBUF_INIT;
	struct tmpl *t = tmpl_new(&arena);
	struct xnode *root;

	if (xml_parse(&arena, (const char *)data, size, XML_MAX_DEPTH, 1 << 20, &root, NULL) == ONE_OK) {
		tmpl_from_xml(t, root);
		tmpl_to_xml(t, "TEMPLATE", &out);
	}
	strbuf_done(&out);
	arena_done(&arena);
	return 0;
}
