/* What a requirement or rank expression may ask of an object: a table of its attributes.
 *
 * An object's XML has a few places in which attributes are looked for by their bare name (of a host: itself,
 * its TEMPLATE, HOST_SHARE, ...). The table holds every element of those places sorted by name, equal names
 * in document order, so that a look-up is a binary search. It points into the XML tree, which must outlive
 * it; a changed text of a node is seen at once. */
#ifndef SCHEDULER_PROPS_H
#define SCHEDULER_PROPS_H

#include "common/arena.h"
#include "common/xml.h"

struct props {
	struct xnode *root;
	struct xnode **nodes; /* sorted by name */
	int n_nodes;
	struct xnode **places;
	int n_places;
};

/* Builds the table. places: paths below root, "" for root itself; NULL-terminated. */
void props_build(struct props *p, struct arena *arena, struct xnode *root, const char *const *places);
/* The i-th value of an attribute; NULL when there are not so many. name: bare ("FREE_CPU"), a path below one
 * of the places ("CLUSTERS/ID") or from the root ("/HOST/NAME"). */
const char *props_get(const struct props *p, const char *name, int i);

#endif
