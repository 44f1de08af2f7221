/* The expression language of SCHED_REQUIREMENTS and SCHED_RANK.
 *
 *   requirements:  ( A = "x" ) & !( B > 3 ) | C != "*glob*" & D @> 5     rank:  FREE_CPU * 100 - -RUNNING_VMS / 2
 *
 * Compiled once into an immutable program (any thread may evaluate it), evaluated against a lookup of
 * attributes. An attribute may have several values (e.g. several CLUSTER_ID): @> asks for any of them, the others look at
 * the first (for a number: at the first that is one). Comparing a missing attribute is false, != too, and so is
 * comparing with "". A whole number compares with the whole part of a value, text in front of which there is a
 * number counts as that number; a text is a pattern of fnmatch(). & and | bind alike, from left to right.
 * OpenNebula's pseudo attribute CURRENT_VMS is a set: = asks whether a VM is in it, != whether it is not (true of an
 * empty set too). */
#ifndef COMMON_EXPR_H
#define COMMON_EXPR_H

#include <stdbool.h>
#include "common/err.h"

struct expr;

/* The i-th value of an attribute (path like FREE_CPU, TEMPLATE/HYPERVISOR or HOST/TEMPLATE/X as given in the text), or NULL. */
typedef const char *(*expr_lookup)(void *ctx, const char *name, int i);

/* ONE_INTERNAL with OpenNebula's text: "syntax error, unexpected X, expecting Y at line L, columns C:C" (columns count
 * from the beginning of the text). Empty text: a program that is true / ranks 0. Free with expr_free(). */
enum one_rc expr_compile_requirements(const char *text, struct expr **out, struct one_err *err);
enum one_rc expr_compile_rank(const char *text, struct expr **out, struct one_err *err);
void expr_free(struct expr *e);
bool expr_match(const struct expr *e, expr_lookup lookup, void *ctx);
/* A missing or non-numeric attribute counts 0; x/0 is 0; the result is always finite. (OpenNebula cuts off the fraction.) */
double expr_rank(const struct expr *e, expr_lookup lookup, void *ctx);

#endif
