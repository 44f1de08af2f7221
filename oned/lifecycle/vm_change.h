/* Changes of a VM that a running domain has to follow: another size, another configuration. */
#ifndef ONED_LIFECYCLE_VM_CHANGE_H
#define ONED_LIFECYCLE_VM_CHANGE_H

#include "oned/objects/vm.h"
#include "oned/objects/vm_size.h"

/* May the action ("resize", as in IMPORTED_VMS_ACTIONS) be done with the VM, if it is one that ran before oned knew it? ONE_ACTION. */
enum one_rc vm_import_allows(struct txn *t, const struct vm *vm, const char *action);

/* Template, quotas, topology and host have the size at once; the driver of a running VM is told, and when it can't everything goes back.
 * ONE_AUTHORIZATION: a quota; ONE_ACTION: everything else. */
enum one_rc vm_resize(struct txn *t, struct vm *vm, const struct vm_size *asked);

/* As vm_conf_change, where the VM's state allows it; a VM that is on a host keeps or gets a port for GRAPHICS; a running one whose context
 * changed is told. ONE_INTERNAL. */
enum one_rc vm_configure(struct txn *t, struct vm *vm, const struct identity *who, const struct tmpl *asked, bool append,
			 vm_may_use_fn may_use, void *ctx);

#endif
