/* Documents (DOCUMENT): what other programs keep here, with an owner and a type of their choice. Names may repeat. */
#ifndef ONED_OBJECTS_DOCUMENT_H
#define ONED_OBJECTS_DOCUMENT_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

struct document {
	struct object o;
	int type;
};

extern const struct obj_ops document_ops;

/* A document with this template, whose NAME it takes ("document-<id>" without one; any characters). ONE_INTERNAL for one that is too long. */
struct document *document_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, int type);

#endif
