/* onexpath: prints values of an XML document for scripts, as OpenNebula's xpath.rb does (and may be installed under that name).
 *
 *   onexpath [--stdin | -b BASE64] [--subtree] XPATH...
 *
 * For each XPath its first value and a NUL byte; "%m%XPATH" prints all its values with blanks between them. */
#include <getopt.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/crypto.h"
#include "common/strbuf.h"

#define INPUT_MAX_BYTES (64u * 1024 * 1024)

static bool read_stdin(struct strbuf *out)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0 && out->len < INPUT_MAX_BYTES)
		strbuf_add(out, buf, (size_t)n);
	return n == 0;
}

static void print_node(xmlDocPtr doc, xmlNodePtr node, bool subtree)
{
	if (subtree && node->type == XML_ELEMENT_NODE) {
		xmlBufferPtr buf = xmlBufferCreate();
		xmlNodeDump(buf, doc, node, 0, 0);
		fputs((const char *)xmlBufferContent(buf), stdout);
		xmlBufferFree(buf);
		return;
	}
	xmlChar *text = xmlNodeGetContent(node);
	fputs(text != NULL ? (const char *)text : "", stdout);
	xmlFree(text);
}

/* false: not an XPath. */
static bool print_path(xmlXPathContextPtr ctx, const char *path, bool subtree)
{
	bool all = strncmp(path, "%m%", 3) == 0;
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)(all ? path + 3 : path), ctx);

	if (found == NULL)
		return false;
	int n = found->type == XPATH_NODESET && found->nodesetval != NULL ? found->nodesetval->nodeNr : 0;
	for (int i = 0; i < (all || n == 0 ? n : 1); i++) {
		if (i > 0)
			putchar(' ');
		print_node(ctx->doc, found->nodesetval->nodeTab[i], subtree);
	}
	putchar('\0');
	xmlXPathFreeObject(found);
	return true;
}

static int print_all(const struct strbuf *xml, char **paths, bool subtree)
{
	xmlDocPtr doc = xmlReadMemory(xml->buf, (int)xml->len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlXPathContextPtr ctx = doc != NULL ? xmlXPathNewContext(doc) : NULL;
	int status = 0;

	if (ctx == NULL || xmlGetIntSubset(doc) != NULL) {
		fputs("onexpath: not an XML document\n", stderr);
		status = 1;
	}
	for (; status == 0 && *paths != NULL; paths++) {
		if (!print_path(ctx, *paths, subtree)) {
			fprintf(stderr, "onexpath: not an XPath: %s\n", *paths);
			status = 1;
		}
	}
	xmlXPathFreeContext(ctx);
	xmlFreeDoc(doc);
	return status;
}

static const char usage[] =
	"Usage: onexpath [--stdin | -b BASE64] [--subtree] XPATH...\n"
	"Prints the first value of each XPath in an XML document, and a NUL byte; all of them for \"%m%XPATH\".\n\n"
	"  -s, --stdin      the document is on standard input (so it is without -b)\n"
	"  -b, --base64 XML the document\n"
	"  -t, --subtree    elements as XML\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "stdin", no_argument, NULL, 's' }, { "subtree", no_argument, NULL, 't' },
		{ "base64", required_argument, NULL, 'b' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' }, { NULL, 0, NULL, 0 },
	};
	struct strbuf xml = STRBUF_INIT;
	const char *base64 = NULL;
	bool subtree = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "+stb:hV", options, NULL)) != -1) {
		if (opt == '?')
			return 2;
		if (opt == 'h' || opt == 'V') {
			fputs(opt == 'h' ? usage : "onexpath (Perigee), for OpenNebula 6.10\n", stdout);
			return 0;
		}
		subtree |= opt == 't';
		if (opt == 'b')
			base64 = optarg;
	}
	bool ok = base64 != NULL ? base64_decode(base64, strlen(base64), &xml) : read_stdin(&xml);
	int status = 1;
	if (ok && xml.len <= INPUT_MAX_BYTES)
		status = print_all(&xml, argv + optind, subtree);
	else
		fputs("onexpath: cannot read the document\n", stderr);
	strbuf_done(&xml);
	return fflush(stdout) == 0 ? status : 1;
}
