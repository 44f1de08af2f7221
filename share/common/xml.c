/* XML in: libxml2's SAX callbacks build a tree of struct xnode in the caller's arena.
 *
 * No document of libxml2's own is ever made. Its parser is told to stop at a DOCTYPE, which is
 * before it would read the declarations inside, so there are no entities to expand. */
#include "common/xml.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>

#include "common/strbuf.h"

#define NAME_SLOTS 256
#define MAX_TAG_BYTES 8192

/* libxml2 keeps one copy of a name, so the same pointer is the same name. */
struct name_slot {
	const xmlChar *key;
	const char *name;
};

struct reader {
	xmlParserCtxtPtr ctxt;
	struct arena *arena;
	struct xnode *root, *cur;
	int depth, max_depth;
	struct strbuf *texts; /* one for each open element: its text when it comes in pieces */
	char reason[96];      /* why we stopped, "" while we go on */
	int line;
	struct name_slot names[NAME_SLOTS];
};

static void stop(struct reader *r, const char *reason)
{
	if (r->reason[0] == '\0') {
		strncpy(r->reason, reason, sizeof(r->reason) - 1);
		r->line = r->ctxt->input ? r->ctxt->input->line : 0;
	}
	xmlStopParser(r->ctxt);
}

static const char *intern_name(struct reader *r, const xmlChar *local, const xmlChar *prefix)
{
	struct name_slot *slot;

	if (prefix)
		return arena_printf(r->arena, "%s:%s", (const char *)prefix, (const char *)local);
	slot = &r->names[((uintptr_t)local ^ (uintptr_t)local >> 8) % NAME_SLOTS];
	if (slot->key != local) {
		slot->key = local;
		slot->name = arena_strdup(r->arena, (const char *)local);
	}
	return slot->name;
}

/* libxml2 gives five pointers an attribute: local name, prefix, URI, start and end of the value. */
static struct xattr *read_attrs(struct reader *r, int count, const xmlChar **fives)
{
	struct xattr *first = NULL, **end = &first;

	for (int i = 0; i < count; i++, fives += 5) {
		struct xattr *a = arena_new(r->arena, struct xattr);

		a->name = intern_name(r, fives[0], fives[1]);
		a->value = arena_strndup(r->arena, (const char *)fives[3], (size_t)(fives[4] - fives[3]));
		*end = a;
		end = &a->next;
	}
	return first;
}

static void on_start(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
		     int namespace_count, const xmlChar **namespaces, int attr_count, int defaulted,
		     const xmlChar **attrs)
{
	struct reader *r = data;
	struct xnode *n;

	(void)uri, (void)namespace_count, (void)namespaces, (void)defaulted;
	if (r->depth == r->max_depth) {
		stop(r, "elements are nested too deeply");
		return;
	}
	n = arena_new(r->arena, struct xnode);
	n->name = intern_name(r, local, prefix);
	n->text = "";
	n->parent = r->cur;
	n->attrs = read_attrs(r, attr_count, attrs);
	if (!r->cur)
		r->root = n;
	else if (r->cur->last)
		r->cur->last->next = n;
	else
		r->cur->first = n;
	if (r->cur)
		r->cur->last = n;
	r->cur = n;
	r->depth++;
}

static void on_end(void *data, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *r = data;
	struct strbuf *pieces = &r->texts[r->depth - 1];

	(void)local, (void)prefix, (void)uri;
	if (pieces->len > 0) {
		r->cur->text = arena_strndup(r->arena, pieces->buf, pieces->len);
		strbuf_reset(pieces);
	}
	r->cur = r->cur->parent;
	r->depth--;
}

static void on_text(void *data, const xmlChar *text, int len)
{
	struct reader *r = data;
	struct strbuf *pieces;

	if (!r->cur)
		return;
	if (!r->cur->has_text) {
		r->cur->has_text = true;
		r->cur->text = arena_strndup(r->arena, (const char *)text, (size_t)len);
		return;
	}
	pieces = &r->texts[r->depth - 1];
	if (pieces->len == 0)
		strbuf_adds(pieces, r->cur->text);
	strbuf_add(pieces, text, (size_t)len);
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
	(void)name, (void)public_id, (void)system_id;
	stop(data, "a DOCTYPE is not allowed");
}

static void set_callbacks(struct reader *r)
{
	xmlSAXHandler *sax = r->ctxt->sax;

	memset(sax, 0, sizeof(*sax));
	sax->initialized = XML_SAX2_MAGIC;
	sax->startElementNs = on_start;
	sax->endElementNs = on_end;
	sax->characters = on_text;
	sax->ignorableWhitespace = on_text;
	sax->cdataBlock = on_text;
	sax->internalSubset = on_doctype;
	r->ctxt->userData = r;
}

static enum one_rc refuse(struct one_err *err, int line, const char *reason)
{
	size_t len = strlen(reason);

	while (len > 0 && isspace((unsigned char)reason[len - 1]))
		len--;
	return one_err_set(err, ONE_INTERNAL, "XML, line %d: %.*s", line, (int)len, reason);
}

static enum one_rc run_parser(struct reader *r, const char *text, size_t len, struct one_err *err)
{
	/* NOENT makes libxml2 resolve &amp; in attributes, too; no other entities exist without a DOCTYPE. */
	static const int options = XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC |
				   XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	const xmlError *fault;

	xmlCtxtReadMemory(r->ctxt, text, (int)len, NULL, NULL, options);
	if (r->reason[0])
		return refuse(err, r->line, r->reason);
	if (r->ctxt->wellFormed && r->root)
		return ONE_OK;
	fault = xmlCtxtGetLastError(r->ctxt);
	if (!fault || !fault->message)
		return refuse(err, 1, "not well-formed");
	return refuse(err, fault->line, fault->message);
}

/* Behind the tag that begins at s, or NULL where it is too long or has no end. */
static const char *tag_end(const char *s, const char *end)
{
	const char *limit = end - s > MAX_TAG_BYTES ? s + MAX_TAG_BYTES : end;

	for (; s < limit; s++) {
		if (*s == '>')
			return s + 1;
		if (*s == '"' || *s == '\'') {
			s = memchr(s + 1, *s, (size_t)(limit - s - 1));
			if (!s)
				return NULL;
		}
	}
	return NULL;
}

/* Behind the markup that begins at s; NULL as above. */
static const char *markup_end(const char *s, const char *end)
{
	static const struct {
		const char *from, *to;
	} skipped[] = { { "<![CDATA[", "]]>" }, { "<!--", "-->" }, { "<?", "?>" } };

	if (end - s > 1 && (s[1] == '!' || s[1] == '?')) {
		for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++) {
			size_t len = strlen(skipped[i].from);
			const char *to;

			if ((size_t)(end - s) < len || memcmp(s, skipped[i].from, len) != 0)
				continue;
			to = memmem(s + len, (size_t)(end - s) - len, skipped[i].to, strlen(skipped[i].to));
			return to ? to + strlen(skipped[i].to) : end;
		}
	}
	return tag_end(s, end);
}

/* libxml2 compares each attribute of an element with all others: a long tag could keep it busy for minutes.
 * A tag without an end in the last bytes is left to libxml2, which has the better message. */
static bool has_long_tag(const char *text, const char *end)
{
	const char *next;

	for (const char *s = text; (s = memchr(s, '<', (size_t)(end - s))); s = next) {
		next = markup_end(s, end);
		if (!next)
			return end - s > MAX_TAG_BYTES;
	}
	return false;
}

static void init_library(void)
{
	xmlInitParser();
}

enum one_rc xml_parse(struct arena *arena, const char *text, size_t len, int max_depth, size_t max_bytes,
		      struct xnode **root, struct one_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct reader r = { .arena = arena, .max_depth = max_depth };
	enum one_rc rc;

	assert(max_depth > 0);
	if (len > max_bytes || len > INT_MAX)
		return one_err_set(err, ONE_INTERNAL, "XML: %zu bytes are more than the %zu allowed", len,
				   max_bytes);
	if (memchr(text, '\0', len))
		return one_err_set(err, ONE_INTERNAL, "XML: there is a NUL byte in the text");
	if (has_long_tag(text, text + len))
		return one_err_set(err, ONE_INTERNAL, "XML: a tag is longer than %d bytes", MAX_TAG_BYTES);
	pthread_once(&once, init_library);
	r.ctxt = xmlNewParserCtxt();
	if (!r.ctxt)
		return one_err_set(err, ONE_INTERNAL, "XML: no parser (out of memory)");
	r.texts = xcalloc((size_t)max_depth, sizeof(*r.texts));
	for (int i = 0; i < max_depth; i++)
		strbuf_init(&r.texts[i]);
	set_callbacks(&r);
	rc = run_parser(&r, text, len, err);
	for (int i = 0; i < max_depth; i++)
		strbuf_done(&r.texts[i]);
	free(r.texts);
	xmlFreeParserCtxt(r.ctxt);
	if (rc == ONE_OK)
		*root = r.root;
	return rc;
}

struct xnode *xml_child(const struct xnode *n, const char *name)
{
	struct xnode *child = n ? n->first : NULL;

	while (child && strcmp(child->name, name) != 0)
		child = child->next;
	return child;
}

struct xnode *xml_next(const struct xnode *n)
{
	struct xnode *other = n->next;

	while (other && strcmp(other->name, n->name) != 0)
		other = other->next;
	return other;
}

const char *xml_text(const struct xnode *n, const char *name)
{
	const struct xnode *child = xml_child(n, name);

	return child ? child->text : NULL;
}

const char *xml_text_or(const struct xnode *n, const char *name, const char *dflt)
{
	const char *text = xml_text(n, name);

	return text ? text : dflt;
}

static bool only_blanks(const char *s)
{
	return s[strspn(s, " \t\r\n")] == '\0';
}

long long xml_int(const struct xnode *n, const char *name, long long dflt)
{
	const char *text = xml_text(n, name);
	char *end;
	long long value;

	if (!text)
		return dflt;
	errno = 0;
	value = strtoll(text, &end, 10);
	return end != text && errno == 0 && only_blanks(end) ? value : dflt;
}

double xml_float(const struct xnode *n, const char *name, double dflt)
{
	const char *text = xml_text(n, name);
	char *end;
	double value;

	if (!text)
		return dflt;
	value = strtod(text, &end);
	return end != text && only_blanks(end) ? value : dflt;
}

struct xnode *xml_path(const struct xnode *n, const char *path)
{
	struct xnode *child = NULL;
	size_t len;

	do {
		len = strcspn(path, "/");
		child = n->first;
		while (child && (strncmp(child->name, path, len) != 0 || child->name[len] != '\0'))
			child = child->next;
		n = child;
		path += len;
	} while (n && *path++ == '/');
	return child;
}

const char *xml_attr(const struct xnode *n, const char *name)
{
	const struct xattr *a = n->attrs;

	while (a && strcmp(a->name, name) != 0)
		a = a->next;
	return a ? a->value : NULL;
}
