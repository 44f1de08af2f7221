/* Network templates (VNTEMPLATE): what networks are made of, with an owner of their own. */
#ifndef ONED_OBJECTS_VNTEMPLATE_H
#define ONED_OBJECTS_VNTEMPLATE_H

#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/vnet.h"

struct vntemplate {
	struct object o;
	time_t regtime;
};

extern const struct obj_ops vntemplate_ops;

/* ONE_INTERNAL with the reason. */
struct vntemplate *vntemplate_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl);
/* Makes a network of it, with `extra` merged in (may change it), in those clusters of its own CLUSTER_IDS that exist (none named: the default
 * one). name "": "<template>-<network's id>". ONE_INTERNAL with the reason. */
struct vnet *vntemplate_instantiate(struct txn *t, const struct vntemplate *vt, const struct object *owner, const char *name,
				    const struct tmpl *extra);

#endif
