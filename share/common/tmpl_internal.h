/* What tmpl.c and tmpl_parse.c share and nobody else needs. */
#ifndef COMMON_TMPL_INTERNAL_H
#define COMMON_TMPL_INTERNAL_H

#include "common/tmpl.h"

/* An attribute with nothing but a name, which is not copied. */
struct attr *attr_named(struct arena *arena, const char *name);
/* Sorts a list by name; equal names keep their order. */
struct attr *attr_list_sort(struct attr *list);

#endif
