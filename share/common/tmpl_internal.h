/* What tmpl.c and tmpl_parse.c share and nobody else needs. */
#ifndef COMMON_TMPL_INTERNAL_H
#define COMMON_TMPL_INTERNAL_H

#include "common/tmpl.h"

/* Sorts a list by name; equal names keep their order. */
struct attr *attr_list_sort(struct attr *list);
/* Puts a sorted list into t; among equal names those of t come first. */
void tmpl_adopt(struct tmpl *t, struct attr *sorted);

#endif
