/* Configuration as data: reads a file of OpenNebula's syntax, checks it against the program's table of
 * keys, fills in the defaults and prints the result. */
#include "common/conf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where an attribute was read, for messages. */
struct place {
	const char *path;
	const struct conf_key *key;
	int line;
};

static enum one_rc wrong(const struct place *at, struct one_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static enum one_rc wrong(const struct place *at, struct one_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	one_err_vset(err, ONE_INTERNAL, fmt, ap);
	va_end(ap);
	one_err_prefix(err, "%s:%d: %s: ", at->path, at->line, at->key->name);
	return ONE_INTERNAL;
}

static const struct conf_key *key_find(const struct conf_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static bool has_range(const struct conf_key *key)
{
	return key->min != 0 || key->max != 0;
}

static enum one_rc check_int(const struct place *at, const char *value, struct one_err *err)
{
	const struct conf_key *key = at->key;
	long long n;

	if (!value_int(value, &n))
		return wrong(at, err, "must be a whole number, not \"%s\"", value);
	if (has_range(key) && (n < key->min || n > key->max))
		return wrong(at, err, "must be between %lld and %lld, not %lld", key->min, key->max, n);
	return ONE_OK;
}

static enum one_rc check_float(const struct place *at, const char *value, struct one_err *err)
{
	const struct conf_key *key = at->key;
	double n;

	if (!value_float(value, &n))
		return wrong(at, err, "must be a number, not \"%s\"", value);
	if (has_range(key) && (n < (double)key->min || n > (double)key->max))
		return wrong(at, err, "must be between %lld and %lld, not %s", key->min, key->max, value);
	return ONE_OK;
}

static enum one_rc check_bool(const struct place *at, const char *value, struct one_err *err)
{
	bool b;

	if (!value_bool(value, &b))
		return wrong(at, err, "must be YES or NO, not \"%s\"", value);
	return ONE_OK;
}

static bool field_is(const char *field, const char *name)
{
	size_t len = strcspn(field, "!");

	return strlen(name) == len && memcmp(field, name, len) == 0;
}

static bool field_is_known(const char *const *fields, const char *name)
{
	for (; *fields; fields++)
		if (field_is(*fields, name))
			return true;
	return false;
}

static enum one_rc check_vector(const struct place *at, const struct attr *a, struct strbuf *warnings,
				struct one_err *err)
{
	const char *const *fields = at->key->fields;

	if (!a->vector)
		return wrong(at, err, "must be a vector: %s = [ NAME = \"value\", ... ]", at->key->name);
	if (!fields)
		return ONE_OK;
	for (const struct attr *kid = a->kids; kid; kid = kid->next)
		if (!field_is_known(fields, kid->name) && warnings)
			strbuf_addf(warnings, "%s:%d: %s: unknown field %s\n", at->path, kid->line,
				    at->key->name, kid->name);
	for (; *fields; fields++) {
		size_t len = strcspn(*fields, "!");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)len, *fields);
		if ((*fields)[len] == '!' && !attr_get(a, name))
			return wrong(at, err, "%s is missing", name);
	}
	return ONE_OK;
}

/* warnings may be NULL. */
static enum one_rc check_attr(const struct place *at, const struct attr *a, struct strbuf *warnings,
			      struct one_err *err)
{
	if (at->key->type != CONF_VECTOR && a->vector)
		return wrong(at, err, "must be a single value, not a vector");
	switch (at->key->type) {
	case CONF_INT:
		return check_int(at, a->value, err);
	case CONF_FLOAT:
		return check_float(at, a->value, err);
	case CONF_BOOL:
		return check_bool(at, a->value, err);
	case CONF_STRING:
		return ONE_OK;
	case CONF_VECTOR:
		return check_vector(at, a, warnings, err);
	}
	return ONE_OK;
}

static void warn_repeated(const struct place *at, int first_line, struct strbuf *warnings)
{
	if (warnings)
		strbuf_addf(warnings, "%s:%d: %s: given again, line %d counts\n", at->path, at->line,
			    at->key->name, first_line);
}

/* All of what the file says. Attributes of a name stand side by side. */
static enum one_rc check_all(const struct conf *c, const char *path, struct strbuf *warnings,
			     struct one_err *err)
{
	const struct attr *before = NULL;

	for (const struct attr *a = c->values->first; a; before = a, a = a->next) {
		struct place at = { path, key_find(c->keys, a->name), a->line };

		if (!at.key) {
			if (warnings)
				strbuf_addf(warnings, "%s:%d: unknown key %s\n", path, a->line, a->name);
			continue;
		}
		if (before && !at.key->multiple && strcmp(before->name, a->name) == 0)
			warn_repeated(&at, tmpl_find(c->values, a->name)->line, warnings);

		enum one_rc rc = check_attr(&at, a, warnings, err);

		if (rc != ONE_OK)
			return rc;
	}
	return ONE_OK;
}

/* Adds the default of a missing key: a value a line. A wrong one is a mistake in the table. */
static void add_default(struct conf *c, const struct conf_key *key)
{
	struct strbuf text = STRBUF_INIT;
	struct place at = { "default", key, 0 };

	for (const char *line = key->dflt; line; line = *line ? line + 1 : NULL) {
		size_t len = strcspn(line, "\n");

		strbuf_addf(&text, "%s = %.*s\n", key->name, (int)len, line);
		line += len;
	}

	enum one_rc rc = tmpl_parse(c->values, text.buf, NULL);

	assert(rc == ONE_OK);
	strbuf_done(&text);
	for (struct attr *a = tmpl_find(c->values, key->name); a; a = tmpl_find_next(a)) {
		rc = check_attr(&at, a, NULL, NULL);
		assert(rc == ONE_OK);
		a->line = 0;
	}
}

static void add_defaults(struct conf *c)
{
	for (const struct conf_key *key = c->keys; key->name; key++)
		if (key->dflt && !tmpl_find(c->values, key->name))
			add_default(c, key);
}

static void start_empty(struct conf *c, const struct conf_key *keys)
{
	arena_init(&c->arena);
	c->values = tmpl_new(&c->arena);
	c->keys = keys;
}

void conf_defaults(struct conf *c, const struct conf_key *keys)
{
	start_empty(c, keys);
	add_defaults(c);
}

void conf_done(struct conf *c)
{
	arena_done(&c->arena);
	c->values = NULL;
	c->keys = NULL;
}

static enum one_rc read_text(const char *path, struct strbuf *text, struct one_err *err)
{
	FILE *f = fopen(path, "re");
	char step[4096];
	size_t n;

	if (!f)
		return one_err_set(err, ONE_INTERNAL, "Cannot open %s: %s", path, strerror(errno));
	while (text->len <= TMPL_MAX_BYTES && (n = fread(step, 1, sizeof(step), f)) > 0)
		strbuf_add(text, step, n);

	int error = ferror(f) ? errno : 0;

	fclose(f);
	if (error)
		return one_err_set(err, ONE_INTERNAL, "Cannot read %s: %s", path, strerror(error));
	if (text->len > TMPL_MAX_BYTES)
		return one_err_set(err, ONE_INTERNAL, "%s: larger than %d bytes", path, TMPL_MAX_BYTES);
	if (memchr(text->buf, '\0', text->len))
		return one_err_set(err, ONE_INTERNAL, "%s: not a text, it has NUL bytes", path);
	/* The template parser would take XML too; no configuration is written in it. */
	if (text->buf[strspn(text->buf, " \t\r\n")] == '<')
		return one_err_set(err, ONE_INTERNAL, "%s: not a configuration, it begins with '<'", path);
	return ONE_OK;
}

static enum one_rc read_values(struct conf *c, const char *path, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = read_text(path, &text, err);

	if (rc == ONE_OK) {
		rc = tmpl_parse(c->values, text.buf, err);
		if (rc != ONE_OK)
			one_err_prefix(err, "%s: ", path);
	}
	strbuf_done(&text);
	return rc;
}

enum one_rc conf_load(struct conf *c, const char *path, const struct conf_key *keys, struct strbuf *warnings,
		      struct one_err *err)
{
	start_empty(c, keys);

	enum one_rc rc = read_values(c, path, err);

	if (rc == ONE_OK)
		rc = check_all(c, path, warnings, err);
	if (rc == ONE_OK)
		add_defaults(c);
	else
		conf_done(c);
	return rc;
}

/* The value of a key that must be of that type; NULL when unset. */
static const char *single(const struct conf *c, const char *name, enum conf_type type)
{
	const struct conf_key *key = key_find(c->keys, name);

	assert(key && key->type == type);
	return tmpl_get(c->values, name);
}

long long conf_int(const struct conf *c, const char *key)
{
	const char *value = single(c, key, CONF_INT);
	long long n = 0;

	if (value)
		value_int(value, &n);
	return n;
}

double conf_float(const struct conf *c, const char *key)
{
	const char *value = single(c, key, CONF_FLOAT);
	double n = 0;

	if (value)
		value_float(value, &n);
	return n;
}

bool conf_bool(const struct conf *c, const char *key)
{
	const char *value = single(c, key, CONF_BOOL);
	bool b = false;

	if (value)
		value_bool(value, &b);
	return b;
}

const char *conf_string(const struct conf *c, const char *key)
{
	const char *value = single(c, key, CONF_STRING);

	return value ? value : "";
}

const struct attr *conf_first(const struct conf *c, const char *key)
{
	assert(key_find(c->keys, key));
	return tmpl_find(c->values, key);
}

const struct attr *conf_next(const struct attr *a)
{
	return tmpl_find_next(a);
}

/* Whether a name says that its value isn't for everybody's eyes. */
static bool is_secret(const char *name)
{
	static const char *const ends[] = { "PASSWD", "PASSWORD", "SECRET" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (len >= strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static void print_value(const struct attr *a, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena);
	struct attr *copy = tmpl_add_attr(t, a);

	if (!a->vector && is_secret(a->name))
		copy->value = "***";
	for (struct attr *kid = copy->kids; kid; kid = kid->next)
		if (is_secret(kid->name))
			kid->value = "***";
	tmpl_to_text(t, out);
	arena_done(&arena);
}

static void print_default(const char *dflt, struct strbuf *out)
{
	strbuf_lit(out, "; default ");
	for (; *dflt; dflt++) {
		if (*dflt == '\n')
			strbuf_lit(out, ", ");
		else
			strbuf_addc(out, *dflt);
	}
}

static const char *type_name(enum conf_type type)
{
	switch (type) {
	case CONF_INT:
		return "whole number";
	case CONF_FLOAT:
		return "number";
	case CONF_BOOL:
		return "YES or NO";
	case CONF_STRING:
		return "text";
	case CONF_VECTOR:
		return "vector";
	}
	return "";
}

/* "# whole number, 1 to 86400 s; default 30; set in line 12" */
static void print_facts(const struct conf_key *key, const struct attr *a, struct strbuf *out)
{
	strbuf_addf(out, "# %s", type_name(key->type));
	if (has_range(key))
		strbuf_addf(out, ", %lld to %lld", key->min, key->max);
	if (key->unit && key->unit[0])
		strbuf_addf(out, "%s %s", has_range(key) ? "" : ", in", key->unit);
	if (key->multiple)
		strbuf_lit(out, ", may repeat");
	if (key->dflt && a && a->line > 0)
		print_default(key->dflt, out);
	if (!a)
		strbuf_lit(out, "; not set");
	else if (a->line == 0)
		strbuf_lit(out, "; this is the default");
	else
		strbuf_addf(out, "; set in line %d", a->line);
	strbuf_addc(out, '\n');
}

void conf_print(const struct conf *c, struct strbuf *out)
{
	for (const struct conf_key *key = c->keys; key->name; key++) {
		const struct attr *a = tmpl_find(c->values, key->name);

		strbuf_addf(out, "# %s\n", key->doc);
		print_facts(key, a, out);
		if (!a)
			strbuf_addf(out, "#%s =\n", key->name);
		for (; a; a = key->multiple ? tmpl_find_next(a) : NULL)
			print_value(a, out);
		strbuf_addc(out, '\n');
	}
}
