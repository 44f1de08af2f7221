/* VM templates (VMTEMPLATE): what a VM is made of, with an owner of its own. */
#ifndef ONED_OBJECTS_TEMPLATE_H
#define ONED_OBJECTS_TEMPLATE_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

struct template {
	struct object o;
	time_t regtime;
};

extern const struct obj_ops template_ops;

#endif
