/* What the making of VMs needs of the methods of templates. */
#ifndef ONED_API_TEMPLATE_API_H
#define ONED_API_TEMPLATE_API_H

#include "oned/api/call.h"

/* A copy of a template for the caller, merged with `extra` (restricted attributes are the caller's to check; NULL: none). recursive: its
 * images are copied too, and persistent ones when `persistent`. Returns its id; -1: the transaction failed. */
int template_api_clone(struct txn *t, struct call *c, int id, const char *name, const struct tmpl *extra, bool recursive, bool persistent);

#endif
