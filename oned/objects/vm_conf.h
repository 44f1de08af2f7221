/* What may be changed of a VM's configuration after it was made (one.vm.updateconf): OS, FEATURES, INPUT, GRAPHICS, VIDEO, RAW, CPU_MODEL and
 * BACKUP_CONFIG, each the values listed in vm_conf.c, and CONTEXT. */
#ifndef ONED_OBJECTS_VM_CONF_H
#define ONED_OBJECTS_VM_CONF_H

#include "oned/objects/vm.h"

/* What a template asks for of it; values that are empty count as not given. */
struct tmpl *vm_conf_asked(struct arena *arena, const struct tmpl *given);
/* Does replacing take away a vector of that name that isn't asked for? */
bool vm_conf_replaces(const char *name);

/* What replaces (append false) or joins what the VM has; only the first vector of a name counts. The context's variables, addresses and files are
 * made anew; *context_changed: it isn't what it was. Encrypts. Whose names of images count is `who`; may_use as in vm_create_with.
 * ONE_INTERNAL with OpenNebula's text. */
enum one_rc vm_conf_change(struct txn *t, struct vm *vm, const struct identity *who, const struct tmpl *asked, bool append,
			   vm_may_use_fn may_use, void *ctx, bool *context_changed);

#endif
