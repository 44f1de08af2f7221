/* Reading templates: OpenNebula's language and XML.
 *
 * The language's reader takes, wherever it stands, the longest of the tokens below; what no token
 * begins with is skipped. That is why a stray '[' does no harm, a comment needs its line end, and a quoted
 * string with letters right behind it is a bare one. A value, behind '=', has tokens of its own:
 *
 *   name  [0-9A-Za-z_]+    =    = followed by a line end (an empty value)    ,    ]     comment  #...\n
 *   value "..." (\" inside), bare (no = # , [ ] blank, line end), [, or a rest of line with ]]> (an error)
 *
 *   template = { pair | name "=\n" | name "=" "[" [ pair { "," pair } ] "]" }     pair = name "=" value */
#include "common/tmpl.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/tmpl_internal.h"

enum token { END, EQUAL, EQUAL_EMPTY, COMMA, OPEN, CLOSE, CDATA, QUOTED, BARE, NAME };

/* As OpenNebula's messages call them. */
/* clang-format off */
static const char *const token_names[] = {
	[END] = "$end", [EQUAL] = "EQUAL", [EQUAL_EMPTY] = "EQUAL_EMPTY", [COMMA] = "COMMA",
	[OPEN] = "OBRACKET", [CLOSE] = "CBRACKET", [CDATA] = "CCDATA", [QUOTED] = "STRING", [BARE] = "STRING",
	[NAME] = "VARIABLE",
};
/* clang-format on */

struct scanner {
	const char *text, *end;
	const char *at;           /* behind the last match */
	const char *from;         /* where the last match began, be it a token or something skipped */
	const char *last_newline; /* of the text; NULL: none */
	const char *cdata_end;    /* the next "]]>" not before `at`; NULL: none */
	const char *cdata_line;   /* where its line begins */
	bool value;               /* a value is expected */
	const char *line_at;      /* `line` is the line of this place */
	int line;
};

struct parser {
	struct scanner in;
	struct arena *arena;
	int attrs;
	struct one_err *err;
};

enum { BLANK = 1, SPACE = 2 /* blank or line end */, WORD = 4, STOP = 8 /* ends a bare value */ };

/* clang-format off */
static const unsigned char classes[256] = {
	['\0'] = STOP, ['='] = STOP, ['#'] = STOP, [','] = STOP, ['['] = STOP, [']'] = STOP,
	[' '] = BLANK | SPACE | STOP, ['\t'] = BLANK | SPACE | STOP, ['\n'] = SPACE | STOP,
	['0' ... '9'] = WORD, ['A' ... 'Z'] = WORD, ['a' ... 'z'] = WORD, ['_'] = WORD,
};
/* clang-format on */

static bool is_in(char c, unsigned set)
{
	return classes[(unsigned char)c] & set;
}

static const char *skip(const char *s, unsigned set)
{
	while (is_in(*s, set))
		s++;
	return s;
}

static const char *skip_bare(const char *s)
{
	while (!is_in(*s, STOP))
		s++;
	return s;
}

static void find_cdata_end(struct scanner *in, const char *from)
{
	const char *newline = NULL;

	in->cdata_end = xml_cdata_end(from, (size_t)(in->end - from));
	if (in->cdata_end)
		newline = memrchr(from, '\n', (size_t)(in->cdata_end - from));
	in->cdata_line = newline ? newline + 1 : from;
}

static void scan_init(struct scanner *in, const char *text, size_t len)
{
	*in = (struct scanner){
		.text = text, .end = text + len, .at = text, .from = text, .line_at = text, .line = 1};
	in->last_newline = memrchr(text, '\n', len);
	find_cdata_end(in, text);
}

/* Only forwards: a place is never in front of the one asked for before. */
static int line_of(struct scanner *in, const char *place)
{
	const char *newline;

	while ((newline = memchr(in->line_at, '\n', (size_t)(place - in->line_at)))) {
		in->line++;
		in->line_at = newline + 1;
	}
	in->line_at = place;
	return in->line;
}

static enum token matched(struct scanner *in, const char *from, const char *end, enum token token)
{
	in->from = from;
	in->at = end;
	return token;
}

/* The next token where no value is expected. */
static enum token scan_plain(struct scanner *in)
{
	for (;;) {
		const char *p = in->at, *word = skip(p, BLANK), *next = skip(word, SPACE), *end;

		if (*p == '\0')
			return END;
		if (*word == '=') {
			end = skip(word + 1, BLANK);
			if (*end == '\n')
				return matched(in, p, end + 1, EQUAL_EMPTY);
			in->value = true;
			return matched(in, p, end, EQUAL);
		}
		if (*next == ',')
			return matched(in, p, skip(next + 1, SPACE), COMMA);
		if (*next == ']')
			return matched(in, p, skip(next + 1, SPACE), CLOSE);
		if (is_in(*p, WORD))
			return matched(in, p, skip(p, WORD), NAME);
		if (*word == '#' && in->last_newline && word < in->last_newline)
			matched(in, p, (const char *)memchr(word, '\n', (size_t)(in->end - word)) + 1, END);
		else
			matched(in, p, next > p ? next : p + 1, END);
	}
}

/* End of a quoted string at p, behind its closing quote; NULL where nothing closes it.
 * A quote after a backslash closes it only if no other one does. */
static const char *quoted_end(const struct scanner *in, const char *p)
{
	const char *last = NULL;

	for (p = p + 1; (p = memchr(p, '"', (size_t)(in->end - p))); p++) {
		if (p[-1] != '\\')
			return p + 1;
		last = p + 1;
	}
	return last;
}

/* End of p's line if "]]>" is in the rest of it, else NULL. */
static const char *cdata_line_end(struct scanner *in, const char *p)
{
	const char *newline;

	if (in->cdata_end && in->cdata_end < p)
		find_cdata_end(in, p);
	if (!in->cdata_end || p < in->cdata_line)
		return NULL;
	newline = memchr(in->cdata_end, '\n', (size_t)(in->end - in->cdata_end));
	return newline ? newline : in->end;
}

/* The longest token of a value at p; among equally long ones the first of these. *end == p: there is none. */
static enum token longest_value(struct scanner *in, const char *p, const char **end)
{
	const char *bracket = skip(p, BLANK), *other;
	enum token token = END;

	*end = p;
	if (*bracket == '[') {
		*end = skip(bracket + 1, SPACE);
		token = OPEN;
	}
	other = cdata_line_end(in, p);
	if (other && other > *end) {
		*end = other;
		token = CDATA;
	}
	other = *p == '"' ? quoted_end(in, p) : NULL;
	if (other && other > *end) {
		*end = other;
		token = QUOTED;
	}
	other = skip_bare(p);
	if (other > *end) {
		*end = other;
		token = BARE;
	}
	return token;
}

/* The next token where a value is expected. */
static enum token scan_value(struct scanner *in)
{
	const char *end;

	while (*in->at != '\0') {
		enum token token = longest_value(in, in->at, &end);

		if (end > in->at) {
			in->value = false;
			return matched(in, in->at, end, token);
		}
		/* Skipped are single characters, but blanks without '[' behind them go at once. */
		end = skip(in->at, BLANK);
		if (end == in->at)
			end++;
		matched(in, end - 1, end, END);
	}
	return END;
}

static enum token next_token(struct parser *p)
{
	return p->in.value ? scan_value(&p->in) : scan_plain(&p->in);
}

static enum one_rc unexpected(struct parser *p, enum token token, const char *expected)
{
	struct scanner *in = &p->in;

	return one_err_set(
		p->err, ONE_INTERNAL,
		"Parse error: syntax error, unexpected %s, expecting %s at line %d, columns %td:%td",
		token_names[token], expected, line_of(in, token == END ? in->end : in->from),
		in->from - in->text + 1, in->at - in->text + 1);
}

static bool is_value(enum token token)
{
	return token == QUOTED || token == BARE;
}

/* The value that was just scanned, without its quotes, \" turned into ". */
static const char *take_value(struct parser *p, enum token token)
{
	const char *from = p->in.from, *end = p->in.at;
	char *copy, *to, *backslash;

	if (token == QUOTED) {
		from++;
		end--;
	}
	copy = arena_strndup(p->arena, from, (size_t)(end - from));
	backslash = memchr(copy, '\\', (size_t)(end - from));
	if (!backslash)
		return copy;
	to = backslash;
	for (const char *s = backslash; *s; s++) {
		if (s[0] == '\\' && s[1] == '"')
			s++;
		*to++ = *s;
	}
	*to = '\0';
	return copy;
}

/* The upper-case name; "ONE_" goes in front of what XML doesn't allow as a name (or reserves: `reserved`). */
static const char *make_name(struct arena *arena, const char *name, size_t len, bool reserved)
{
	bool prefix = !(is_in(name[0], WORD) && !(name[0] >= '0' && name[0] <= '9')) ||
		      (reserved && len >= 3 && strncasecmp(name, "xml", 3) == 0);
	size_t before = prefix ? 4 : 0;
	char *copy = arena_alloc_raw(arena, before + len + 1);

	memcpy(copy, "ONE_", before);
	for (size_t i = 0; i < len; i++)
		copy[before + i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' : name[i]);
	copy[before + len] = '\0';
	return copy;
}

static enum one_rc count_attr(int *attrs, struct one_err *err)
{
	if (++*attrs > TMPL_MAX_ATTRS)
		return one_err_set(err, ONE_INTERNAL, "Parse error: more than %d attributes.",
				   TMPL_MAX_ATTRS);
	return ONE_OK;
}

/* A new attribute at the end of a list, with the name that was just scanned. */
static struct attr *add_scanned(struct parser *p, struct attr ***end, bool reserved)
{
	struct attr *a = attr_named(p->arena, make_name(p->arena, p->in.from, (size_t)(p->in.at - p->in.from), reserved));

	a->line = line_of(&p->in, p->in.from);
	**end = a;
	*end = &a->next;
	return a;
}

/* Sorts the values of a vector; of equal names one stays. */
static struct attr *unique_kids(struct attr *kids, bool keep_last)
{
	kids = attr_list_sort(kids);
	for (struct attr *a = kids; a; a = a->next) {
		while (tmpl_find_next(a)) {
			if (keep_last)
				a->value = a->next->value;
			a->next = a->next->next;
		}
	}
	return kids;
}

/* NAME = VALUE inside a vector; token is the one already read, which should be the name. */
static enum one_rc parse_kid(struct parser *p, enum token token, const char *expected, struct attr ***end)
{
	struct attr *kid;

	if (token != NAME)
		return unexpected(p, token, expected);
	if (count_attr(&p->attrs, p->err))
		return ONE_INTERNAL;
	kid = add_scanned(p, end, false);
	token = next_token(p);
	if (token != EQUAL)
		return unexpected(p, token, "EQUAL");
	token = next_token(p);
	if (!is_value(token))
		return unexpected(p, token, "STRING");
	kid->value = take_value(p, token);
	return ONE_OK;
}

/* What follows the '[' of a vector. */
static enum one_rc parse_vector(struct parser *p, struct attr *vector)
{
	struct attr **end = &vector->kids;
	enum token token = next_token(p);
	const char *expected = "CBRACKET or VARIABLE";

	vector->vector = true;
	if (token == CLOSE)
		return ONE_OK;
	for (;;) {
		if (parse_kid(p, token, expected, &end))
			return ONE_INTERNAL;
		token = next_token(p);
		if (token == CLOSE)
			break;
		if (token != COMMA)
			return unexpected(p, token, "COMMA or CBRACKET");
		token = next_token(p);
		expected = "VARIABLE";
	}
	vector->kids = unique_kids(vector->kids, false);
	return ONE_OK;
}

/* What follows the name of an attribute. */
static enum one_rc parse_attr(struct parser *p, struct attr *a)
{
	enum token token = next_token(p);

	a->value = "";
	if (token == EQUAL_EMPTY)
		return ONE_OK;
	if (token != EQUAL)
		return unexpected(p, token, "EQUAL or EQUAL_EMPTY");
	token = next_token(p);
	if (is_value(token)) {
		a->value = take_value(p, token);
		return ONE_OK;
	}
	if (token == CDATA)
		return one_err_set(p->err, ONE_INTERNAL, "Parse error.");
	if (token != OPEN)
		return unexpected(p, token, "OBRACKET or CCDATA or STRING");
	a->value = NULL;
	return parse_vector(p, a);
}

static enum one_rc parse_text(struct tmpl *t, const char *text, size_t len, struct one_err *err)
{
	struct parser p = { .arena = t->arena, .err = err };
	struct attr *list = NULL, **end = &list;
	enum token token;

	scan_init(&p.in, text, len);
	while ((token = next_token(&p)) == NAME) {
		if (count_attr(&p.attrs, err) || parse_attr(&p, add_scanned(&p, &end, true)))
			return ONE_INTERNAL;
	}
	if (token != END)
		return unexpected(&p, token, "$end");
	tmpl_adopt(t, attr_list_sort(list));
	return ONE_OK;
}

/* Those that may become attributes. */
static enum one_rc count_elements(const struct xnode *root, struct one_err *err)
{
	int attrs = 0;

	for (const struct xnode *n = root->first; n; n = n->next) {
		if (count_attr(&attrs, err))
			return err->rc;
		for (const struct xnode *kid = n->first; kid; kid = kid->next)
			if (count_attr(&attrs, err))
				return err->rc;
	}
	return ONE_OK;
}

static enum one_rc parse_xml(struct tmpl *t, const char *text, size_t len, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	enum one_rc rc;

	if (xml_parse(&arena, text, len, XML_MAX_DEPTH, TMPL_MAX_BYTES, &root, NULL) != ONE_OK)
		rc = one_err_set(err, ONE_INTERNAL, "Parse error: XML Template malformed.");
	else if (!(rc = count_elements(root, err)))
		tmpl_from_xml(t, root);
	arena_done(&arena);
	return rc;
}

/* NAME loses blanks at its end, and with them everything else called NAME. */
static void trim_name(struct tmpl *t)
{
	const char *name = tmpl_get(t, "NAME");
	size_t len;

	if (!name || *name == '\0')
		return;
	len = strlen(name);
	while (len > 0 && isspace((unsigned char)name[len - 1]))
		len--;
	tmpl_setf(t, "NAME", "%.*s", (int)len, name);
}

enum one_rc tmpl_parse(struct tmpl *t, const char *text, struct one_err *err)
{
	size_t len = strlen(text);
	enum one_rc rc;

	if (len > TMPL_MAX_BYTES)
		return one_err_set(err, ONE_INTERNAL, "Parse error: the template is larger than %d bytes.",
				   TMPL_MAX_BYTES);
	rc = text[0] == '<' ? parse_xml(t, text, len, err) : parse_text(t, text, len, err);
	if (rc == ONE_OK)
		trim_name(t);
	return rc;
}

static void kids_from_xml(struct tmpl *t, struct attr *vector, const struct xnode *n)
{
	struct attr **end = &vector->kids;

	vector->vector = true;
	for (n = n->first; n; n = n->next) {
		if (!n->has_text)
			continue;
		*end = attr_named(t->arena, arena_strdup(t->arena, n->name));
		(*end)->value = arena_strdup(t->arena, n->text);
		end = &(*end)->next;
	}
	vector->kids = unique_kids(vector->kids, true);
}

static struct attr *attr_from_xml(struct tmpl *t, const struct xnode *n)
{
	struct attr *a = attr_named(t->arena, make_name(t->arena, n->name, strlen(n->name), true));

	if (n->first)
		kids_from_xml(t, a, n);
	else
		a->value = arena_strdup(t->arena, n->text);
	return a;
}

/* An element with neither text nor elements is no attribute: OpenNebula drops it. */
void tmpl_from_xml(struct tmpl *t, const struct xnode *n)
{
	struct attr *list = NULL, **end = &list;

	for (n = n->first; n; n = n->next) {
		if (!n->has_text && !n->first)
			continue;
		*end = attr_from_xml(t, n);
		end = &(*end)->next;
	}
	tmpl_adopt(t, attr_list_sort(list));
}
