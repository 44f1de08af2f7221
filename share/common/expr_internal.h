/* A compiled expression: what expr_parse.c writes and expr_eval.c runs.
 *
 * Requirements work on one truth value: a test sets it, NOT turns it round, AND and OR jump over what need not be
 * looked at any more. Ranks work on a stack of numbers. */
#ifndef COMMON_EXPR_INTERNAL_H
#define COMMON_EXPR_INTERNAL_H

#include "common/arena.h"
#include "common/expr.h"

#define EXPR_MAX_BYTES (256 * 1024)
#define EXPR_MAX_DEPTH 100
/* An open parenthesis or sign leaves at most two operands waiting. */
#define EXPR_MAX_STACK (2 * EXPR_MAX_DEPTH + 4)

enum expr_op {
	EXPR_TEST, /* value = attribute compared with literal */
	EXPR_NOT,
	EXPR_AND,  /* to target if the value is false */
	EXPR_OR,   /* to target if the value is true */

	EXPR_NUMBER,
	EXPR_ATTR,
	EXPR_ADD,
	EXPR_SUB,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_NEG,
};

enum expr_cmp { EXPR_EQ, EXPR_NE, EXPR_GT, EXPR_LT, EXPR_IN };

enum expr_kind { EXPR_WHOLE, EXPR_REAL, EXPR_TEXT };

struct expr_instr {
	enum expr_op op;
	enum expr_cmp cmp;
	enum expr_kind kind;  /* of the literal */
	bool glob;            /* the text has characters that mean something to fnmatch() */
	const char *name;     /* of the attribute */
	const char *text;
	long long whole;
	double real;
	size_t target;
};

struct expr {
	struct arena arena; /* names and texts */
	struct expr_instr *code;
	size_t len, room;
};

#endif
