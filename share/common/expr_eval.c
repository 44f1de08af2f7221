/* Runs compiled expressions. A program is never changed here, so threads may share it. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/expr_internal.h"

struct values {
	expr_lookup lookup;
	void *ctx;
	const char *name;
};

static const char *value_at(const struct values *v, int i)
{
	return *v->name ? v->lookup(v->ctx, v->name, i) : NULL;
}

/* The whole number a text begins with ("5.7" and "5 GB" are 5). */
static bool leading_whole(const char *s, long long *out)
{
	char *end;

	errno = 0;
	*out = strtoll(s, &end, 10);
	return end != s && errno == 0;
}

/* The decimal number a text begins with; strtod() alone would also take "inf", "nan" and hexadecimal. */
static bool leading_real(const char *s, double *out)
{
	const char *first = s;
	char *end;

	while (isspace((unsigned char)*first))
		first++;
	first += *first == '-' || *first == '+';
	if (!isdigit((unsigned char)*first) && *first != '.')
		return false;
	if (first[0] == '0' && (first[1] == 'x' || first[1] == 'X')) {
		*out = 0;
		return true;
	}
	*out = strtod(s, &end);
	return end != s && isfinite(*out);
}

/* The first value that is a number. */
static bool first_whole(const struct values *v, long long *out)
{
	const char *value;

	for (int i = 0; (value = value_at(v, i)); i++) {
		if (leading_whole(value, out))
			return true;
	}
	return false;
}

static bool first_real(const struct values *v, double *out)
{
	const char *value;

	for (int i = 0; (value = value_at(v, i)); i++) {
		if (leading_real(value, out))
			return true;
	}
	return false;
}

static bool text_matches(const struct expr_instr *test, const char *value)
{
	return test->glob ? fnmatch(test->text, value, 0) == 0 : strcmp(test->text, value) == 0;
}

/* test->cmp for two numbers that compare as `order` does with 0. */
static bool ordered(enum expr_cmp cmp, int order)
{
	switch (cmp) {
	case EXPR_EQ:
	case EXPR_IN:
		return order == 0;
	case EXPR_NE:
		return order != 0;
	case EXPR_GT:
		return order > 0;
	case EXPR_LT:
		return order < 0;
	}
	return false;
}

static bool has_value(const struct expr_instr *test, const struct values *v)
{
	const char *value;
	long long whole;
	double real;

	for (int i = 0; (value = value_at(v, i)); i++) {
		switch (test->kind) {
		case EXPR_WHOLE:
			if (leading_whole(value, &whole) && whole == test->whole)
				return true;
			break;
		case EXPR_REAL:
			if (leading_real(value, &real) && !(real < test->real) && !(real > test->real))
				return true;
			break;
		case EXPR_TEXT:
			if (*test->text && text_matches(test, value))
				return true;
			break;
		}
	}
	return false;
}

/* The VMs of a host are a set, of which = and != ask whether one is in it. */
static bool is_set(const char *name)
{
	return strcmp(name, "CURRENT_VMS") == 0;
}

static bool run_test(const struct expr_instr *test, const struct values *v)
{
	const char *value;
	long long whole;
	double real;

	if (test->cmp == EXPR_IN)
		return has_value(test, v);
	if (is_set(v->name) && (test->cmp == EXPR_EQ || test->cmp == EXPR_NE))
		return has_value(test, v) == (test->cmp == EXPR_EQ);
	switch (test->kind) {
	case EXPR_WHOLE:
		return first_whole(v, &whole) &&
		       ordered(test->cmp, (whole > test->whole) - (whole < test->whole));
	case EXPR_REAL:
		return first_real(v, &real) && ordered(test->cmp, (real > test->real) - (real < test->real));
	case EXPR_TEXT:
		value = value_at(v, 0);
		return value && *test->text && text_matches(test, value) == (test->cmp == EXPR_EQ);
	}
	return false;
}

bool expr_match(const struct expr *e, expr_lookup lookup, void *ctx)
{
	struct values v = { .lookup = lookup, .ctx = ctx };
	bool value = true;
	size_t at = 0;

	while (at < e->len) {
		const struct expr_instr *in = &e->code[at++];

		if (in->op == EXPR_TEST) {
			v.name = in->name;
			value = run_test(in, &v);
		} else if (in->op == EXPR_NOT) {
			value = !value;
		} else {
			assert(in->op == EXPR_AND || in->op == EXPR_OR);
			if (value == (in->op == EXPR_OR))
				at = in->target;
		}
	}
	return value;
}

static double apply(enum expr_op op, double a, double b)
{
	if (op == EXPR_ADD)
		return a + b;
	if (op == EXPR_SUB)
		return a - b;
	if (op == EXPR_MUL)
		return a * b;
	assert(op == EXPR_DIV);
	return fpclassify(b) == FP_ZERO ? 0 : a / b;
}

double expr_rank(const struct expr *e, expr_lookup lookup, void *ctx)
{
	struct values v = { .lookup = lookup, .ctx = ctx };
	double stack[EXPR_MAX_STACK];
	size_t top = 0;

	for (size_t at = 0; at < e->len; at++) {
		const struct expr_instr *in = &e->code[at];

		if (in->op == EXPR_NUMBER) {
			stack[top++] = in->real;
		} else if (in->op == EXPR_ATTR) {
			v.name = in->name;
			if (!first_real(&v, &stack[top]))
				stack[top] = 0;
			top++;
		} else if (in->op == EXPR_NEG) {
			stack[top - 1] = -stack[top - 1];
		} else {
			top--;
			stack[top - 1] = apply(in->op, stack[top - 1], stack[top]);
		}
		assert(top > 0 && top < EXPR_MAX_STACK);
	}
	return top == 1 && isfinite(stack[0]) ? stack[0] : 0;
}
