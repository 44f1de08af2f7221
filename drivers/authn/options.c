#include "drivers/authn/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "common/strbuf.h"
#include "common/tmpl.h"

#define DEPTH_MAX 16
#define FILE_MAX_BYTES (4 * 1024 * 1024)
#define NODES_MAX 100000 /* aliases inside aliases could make a small file large */

struct copy { struct arena *arena; yaml_document_t *doc; int left; };

static struct option_node *copy_node(struct copy *c, int index, int depth);

static struct option_node *copy_scalar(struct copy *c, const yaml_node_t *from)
{
	struct option_node *n = arena_new(c->arena, struct option_node);
	const char *text = (const char *)from->data.scalar.value;

	n->kind = OPTION_SCALAR;
	n->plain = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (n->plain && (!strcmp(text, "~") || !strcasecmp(text, "null")))
		text = "";
	if (n->plain && *text == ':' && text[1])
		text++;
	n->text = arena_strdup(c->arena, text);
	return n;
}

static bool add_pair(struct copy *c, struct option_pair ***tail, const char *key, int value, int depth)
{
	struct option_pair *p = arena_new(c->arena, struct option_pair);

	p->key = key;
	p->value = copy_node(c, value, depth);
	**tail = p;
	*tail = &p->next;
	return p->value != NULL;
}

static struct option_node *copy_list(struct copy *c, const yaml_node_t *from, int depth)
{
	struct option_node *n = arena_new(c->arena, struct option_node);
	struct option_pair **tail = &n->first;

	n->kind = OPTION_LIST;
	for (yaml_node_item_t *i = from->data.sequence.items.start; i < from->data.sequence.items.top; i++)
		if (!add_pair(c, &tail, NULL, *i, depth))
			return NULL;
	return n;
}

static struct option_node *copy_mapping(struct copy *c, const yaml_node_t *from, int depth)
{
	struct option_node *n = arena_new(c->arena, struct option_node);
	struct option_pair **tail = &n->first;

	n->kind = OPTION_MAPPING;
	for (yaml_node_pair_t *p = from->data.mapping.pairs.start; p < from->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(c->doc, p->key);

		if (!key || key->type != YAML_SCALAR_NODE)
			return NULL;
		if (!add_pair(c, &tail, arena_strdup(c->arena, (const char *)key->data.scalar.value), p->value, depth))
			return NULL;
	}
	return n;
}

/* NULL: too deep, too many, or nothing an option can be. */
static struct option_node *copy_node(struct copy *c, int index, int depth)
{
	const yaml_node_t *from = yaml_document_get_node(c->doc, index);

	if (!from || depth >= DEPTH_MAX || c->left-- <= 0)
		return NULL;
	switch (from->type) {
	case YAML_SCALAR_NODE:
		return copy_scalar(c, from);
	case YAML_SEQUENCE_NODE:
		return copy_list(c, from, depth + 1);
	case YAML_MAPPING_NODE:
		return copy_mapping(c, from, depth + 1);
	case YAML_NO_NODE:
		break;
	}
	return NULL;
}

static struct option_node *empty_mapping(struct arena *arena)
{
	struct option_node *n = arena_new(arena, struct option_node);

	n->kind = OPTION_MAPPING;
	return n;
}

enum one_rc options_parse(struct arena *arena, const char *text, size_t len, const char *path, struct option_node **out, struct one_err *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct copy c = { .arena = arena, .doc = &doc, .left = NODES_MAX };
	enum one_rc rc = ONE_OK;

	if (!yaml_parser_initialize(&parser))
		return one_err_set(err, ONE_INTERNAL, "No memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &doc)) {
		rc = one_err_set(err, ONE_INTERNAL, "%s:%zu: %s", path, parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML");
		yaml_parser_delete(&parser);
		return rc;
	}
	*out = yaml_document_get_root_node(&doc) ? copy_node(&c, 1, 0) : empty_mapping(arena);
	if (!*out || (*out)->kind != OPTION_MAPPING)
		rc = one_err_set(err, ONE_INTERNAL, "%s: it has to be a YAML mapping", path);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return rc;
}

enum one_rc options_read(struct arena *arena, const char *path, struct option_node **out, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	FILE *f = fopen(path, "re");
	char step[16384];
	enum one_rc rc;
	size_t n;

	if (!f && errno == ENOENT) {
		*out = empty_mapping(arena);
		return ONE_OK;
	}
	if (!f)
		return one_err_set(err, ONE_INTERNAL, "%s: %s", path, strerror(errno));
	while ((n = fread(step, 1, sizeof(step), f)) > 0 && text.len < FILE_MAX_BYTES)
		strbuf_add(&text, step, n);
	if (ferror(f) || text.len >= FILE_MAX_BYTES)
		rc = one_err_set(err, ONE_INTERNAL, "%s cannot be read", path);
	else
		rc = options_parse(arena, text.buf, text.len, path, out, err);
	fclose(f);
	strbuf_done(&text);
	return rc;
}

/* ---- looking up ---- */

struct option_node *option_find(const struct option_node *n, const char *key)
{
	if (!n || n->kind != OPTION_MAPPING)
		return NULL;
	for (const struct option_pair *p = n->first; p; p = p->next)
		if (!strcmp(p->key, key))
			return p->value;
	return NULL;
}

const char *option_text(const struct option_node *n, const char *key, const char *dflt)
{
	const struct option_node *v = option_find(n, key);

	return v && v->kind == OPTION_SCALAR && (*v->text || !v->plain) ? v->text : dflt;
}

long long option_int(const struct option_node *n, const char *key, long long dflt)
{
	const char *text = option_text(n, key, NULL);
	long long value;

	return text && value_int(text, &value) ? value : dflt;
}

bool option_flag(const struct option_node *n, const char *key, bool dflt)
{
	static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off", "0" };
	const char *text = option_text(n, key, "");

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (!strcasecmp(text, yes[i]))
			return true;
		if (!strcasecmp(text, no[i]))
			return false;
	}
	return dflt;
}
