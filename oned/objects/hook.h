/* Hooks (HOOK): what the hook manager runs when a call was answered or an object came into a state. They are oneadmin's. */
#ifndef ONED_OBJECTS_HOOK_H
#define ONED_OBJECTS_HOOK_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

enum hook_type { HOOK_STATE, HOOK_API, HOOK_TYPES }; /* as the table's column has it */

struct hook {
	struct object o;
	enum hook_type type;
};

extern const struct obj_ops hook_ops;

/* HOOK_TYPES: there is no such type. */
enum hook_type hook_type_of(const char *text);
/* A hook with this template, whose NAME and TYPE it takes; is_call: may a hook be about this method? States and REMOTE are kept in their
 * canonical form. ONE_INTERNAL with the reason. */
struct hook *hook_create(struct txn *t, const struct tmpl *tmpl, bool (*is_call)(const char *method));

#endif
