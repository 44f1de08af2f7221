/* Compiles requirement and rank expressions.
 *
 *   requirements = [ term { ("&" | "|") term } ]          from left to right: & and | bind alike
 *   term         = "!" term | "(" requirements ")" | name ("=" | "!=" | ">" | "<" | "@>") literal
 *
 *   rank         = [ product { ("+" | "-") product } ]
 *   product      = factor { ("*" | "/") factor }
 *   factor       = "-" product | "(" rank ")" | name | number
 *
 * A name is a word or in quotes (then it may be a path), a literal a number, a word or a pattern in quotes.
 * A '-' right before a digit belongs to the number. As in OpenNebula, characters that mean nothing are skipped. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/expr_internal.h"

/* Tokens that aren't the character they are. */
enum { END = 256, INTEGER, STRING, FLOAT };

struct parser {
	struct expr *expr;
	const char *operators; /* those of this grammar; others are "$undefined" in messages */
	const char *text, *end;
	const char *from, *at; /* what was matched last, be it a token or something skipped */
	int token;             /* the one to look at */
	bool started;          /* it isn't the first */
	int depth;
	struct one_err *err;
};

static int matched(struct parser *p, const char *from, const char *end, int token)
{
	p->from = from;
	p->at = end;
	return token;
}

static const char *skip_digits(const char *s)
{
	while (isdigit((unsigned char)*s))
		s++;
	return s;
}

static int scan_number(struct parser *p, const char *from)
{
	const char *end = skip_digits(from + 1);

	if (end[0] == '.' && isdigit((unsigned char)end[1]))
		return matched(p, from, skip_digits(end + 1), FLOAT);
	return matched(p, from, end, INTEGER);
}

static int scan(struct parser *p)
{
	while (*p->at != '\0') {
		const char *s = p->at, *end = s + 1;

		if (isdigit((unsigned char)*s) || (*s == '-' && isdigit((unsigned char)s[1])))
			return scan_number(p, s);
		if (strchr("@!&|=><()*+/^-", *s))
			return matched(p, s, end, *s);
		if (isalpha((unsigned char)*s)) {
			while (isalnum((unsigned char)*end) || *end == '_')
				end++;
			return matched(p, s, end, STRING);
		}
		if (*s == '"' && (end = memchr(s + 1, '"', (size_t)(p->end - s - 1))))
			return matched(p, s, end + 1, STRING);
		end = s + strspn(s, " \t");
		matched(p, s, end > s ? end : s + 1, END);
	}
	return END;
}

static void advance(struct parser *p)
{
	p->started = true;
	p->token = scan(p);
}

/* The string just scanned, without its quotes. */
static const char *take_string(struct parser *p)
{
	bool quoted = *p->from == '"';

	return arena_strndup(&p->expr->arena, p->from + quoted, (size_t)(p->at - p->from) - (quoted ? 2 : 0));
}

static int line_at(const struct parser *p, const char *place)
{
	int line = 1;

	for (const char *s = p->text; (s = memchr(s, '\n', (size_t)(place - s))); s++)
		line++;
	return line;
}

/* expected: "" where OpenNebula names nothing (there would be more than four). */
static enum one_rc unexpected(struct parser *p, const char *expected)
{
	static const char *const names[] = { "$end", "INTEGER", "STRING", "FLOAT" };
	char quoted[] = { '\'', (char)p->token, '\'', '\0' };
	const char *name;

	if (p->token >= END)
		name = names[p->token - END];
	else
		name = strchr(p->operators, p->token) ? quoted : "$undefined";
	return one_err_set(
		p->err, ONE_INTERNAL, "syntax error, unexpected %s%s%s at line %d, columns %td:%td", name,
		*expected ? ", expecting " : "", expected, line_at(p, p->token == END ? p->end : p->from),
		p->from - p->text + 1, p->at - p->text + 1);
}

static enum one_rc deeper(struct parser *p)
{
	if (++p->depth > EXPR_MAX_DEPTH)
		return one_err_set(p->err, ONE_INTERNAL, "nested more than %d deep at column %td",
				   EXPR_MAX_DEPTH, p->from - p->text + 1);
	return ONE_OK;
}

/* The new instruction is valid until the next one is added. */
static struct expr_instr *emit(struct parser *p, enum expr_op op)
{
	struct expr *e = p->expr;

	if (e->len == e->room) {
		e->room = e->room ? 2 * e->room : 8;
		e->code = xrealloc(e->code, e->room * sizeof(*e->code));
	}
	e->code[e->len] = (struct expr_instr){ .op = op };
	return &e->code[e->len++];
}

static void take_literal(struct parser *p, struct expr_instr *test)
{
	if (p->token == STRING) {
		test->kind = EXPR_TEXT;
		test->text = take_string(p);
		test->glob = strpbrk(test->text, "*?[\\") != NULL;
	} else {
		test->kind = p->token == INTEGER ? EXPR_WHOLE : EXPR_REAL;
		test->whole = strtoll(p->from, NULL, 10);
		test->real = strtod(p->from, NULL);
	}
}

/* The second character of a comparison of two. */
static enum one_rc expect_second(struct parser *p, int token, const char *expected)
{
	advance(p);
	return p->token == token ? ONE_OK : unexpected(p, expected);
}

static enum one_rc parse_comparison(struct parser *p, enum expr_cmp *cmp)
{
	switch (p->token) {
	case '=':
		*cmp = EXPR_EQ;
		return ONE_OK;
	case '>':
		*cmp = EXPR_GT;
		return ONE_OK;
	case '<':
		*cmp = EXPR_LT;
		return ONE_OK;
	case '!':
		*cmp = EXPR_NE;
		return expect_second(p, '=', "'='");
	case '@':
		*cmp = EXPR_IN;
		return expect_second(p, '>', "'>'");
	default:
		return unexpected(p, "");
	}
}

static enum one_rc parse_test(struct parser *p)
{
	struct expr_instr *test = emit(p, EXPR_TEST);
	bool ordered;

	test->name = take_string(p);
	advance(p);
	if (parse_comparison(p, &test->cmp))
		return ONE_INTERNAL;
	ordered = test->cmp == EXPR_GT || test->cmp == EXPR_LT;
	advance(p);
	if (p->token != INTEGER && p->token != FLOAT && (ordered || p->token != STRING))
		return unexpected(p, ordered ? "INTEGER or FLOAT" : "INTEGER or STRING or FLOAT");
	take_literal(p, test);
	advance(p);
	return ONE_OK;
}

static enum one_rc parse_terms(struct parser *p);

static enum one_rc parse_term(struct parser *p)
{
	if (p->token == STRING)
		return parse_test(p);
	if (p->token != '!' && p->token != '(')
		return unexpected(p, p->started ? "'!' or STRING or '('" : "$end");
	if (deeper(p))
		return ONE_INTERNAL;
	if (p->token == '!') {
		advance(p);
		if (parse_term(p))
			return ONE_INTERNAL;
		emit(p, EXPR_NOT);
	} else {
		advance(p);
		if (parse_terms(p))
			return ONE_INTERNAL;
		if (p->token != ')')
			return unexpected(p, "'&' or '|' or ')'");
		advance(p);
	}
	p->depth--;
	return ONE_OK;
}

static enum one_rc parse_terms(struct parser *p)
{
	if (parse_term(p))
		return ONE_INTERNAL;
	while (p->token == '&' || p->token == '|') {
		size_t jump = p->expr->len;

		emit(p, p->token == '&' ? EXPR_AND : EXPR_OR);
		advance(p);
		if (parse_term(p))
			return ONE_INTERNAL;
		p->expr->code[jump].target = p->expr->len;
	}
	return ONE_OK;
}

static enum one_rc parse_product(struct parser *p);
static enum one_rc parse_sum(struct parser *p);

static enum one_rc parse_nested(struct parser *p)
{
	bool sign = p->token == '-';

	if (deeper(p))
		return ONE_INTERNAL;
	advance(p);
	if (sign ? parse_product(p) : parse_sum(p))
		return ONE_INTERNAL;
	if (sign)
		emit(p, EXPR_NEG);
	else if (p->token != ')')
		return unexpected(p, "");
	else
		advance(p);
	p->depth--;
	return ONE_OK;
}

static enum one_rc parse_factor(struct parser *p)
{
	if (p->token == '-' || p->token == '(')
		return parse_nested(p);
	if (p->token == STRING)
		emit(p, EXPR_ATTR)->name = take_string(p);
	else if (p->token == INTEGER || p->token == FLOAT)
		emit(p, EXPR_NUMBER)->real = strtod(p->from, NULL);
	else
		return unexpected(p, p->started ? "" : "$end");
	advance(p);
	return ONE_OK;
}

static enum one_rc parse_product(struct parser *p)
{
	if (parse_factor(p))
		return ONE_INTERNAL;
	while (p->token == '*' || p->token == '/') {
		enum expr_op op = p->token == '*' ? EXPR_MUL : EXPR_DIV;

		advance(p);
		if (parse_factor(p))
			return ONE_INTERNAL;
		emit(p, op);
	}
	return ONE_OK;
}

static enum one_rc parse_sum(struct parser *p)
{
	if (parse_product(p))
		return ONE_INTERNAL;
	while (p->token == '+' || p->token == '-') {
		enum expr_op op = p->token == '+' ? EXPR_ADD : EXPR_SUB;

		advance(p);
		if (parse_product(p))
			return ONE_INTERNAL;
		emit(p, op);
	}
	return ONE_OK;
}

static enum one_rc parse_all(struct parser *p, enum one_rc (*parse)(struct parser *))
{
	p->token = scan(p);
	if (p->token == END)
		return ONE_OK;
	if (parse(p))
		return ONE_INTERNAL;
	return p->token == END ? ONE_OK : unexpected(p, "$end");
}

static enum one_rc compile(const char *text, const char *operators, enum one_rc (*parse)(struct parser *),
			   struct expr **out, struct one_err *err)
{
	size_t len = strlen(text);
	struct parser p = { .operators = operators, .text = text, .end = text + len, .err = err };

	if (len > EXPR_MAX_BYTES)
		return one_err_set(err, ONE_INTERNAL, "the expression is longer than %d bytes",
				   EXPR_MAX_BYTES);
	p.from = p.at = text;
	p.expr = xcalloc(1, sizeof(*p.expr));
	arena_init(&p.expr->arena);
	if (parse_all(&p, parse)) {
		expr_free(p.expr);
		return ONE_INTERNAL;
	}
	*out = p.expr;
	return ONE_OK;
}

enum one_rc expr_compile_requirements(const char *text, struct expr **out, struct one_err *err)
{
	return compile(text, "!&|=><@()", parse_terms, out, err);
}

enum one_rc expr_compile_rank(const char *text, struct expr **out, struct one_err *err)
{
	return compile(text, "+-*/()", parse_sum, out, err);
}

void expr_free(struct expr *e)
{
	if (!e)
		return;
	arena_done(&e->arena);
	free(e->code);
	free(e);
}
