/* Operations on VMs and the right each needs: VM_ADMIN_OPERATIONS, VM_MANAGE_OPERATIONS and VM_USE_OPERATIONS of users' and groups' templates and
 * of oned.conf list operations, separated by commas (permissions.md section 10). */
#ifndef ONED_AUTH_VM_OP_H
#define ONED_AUTH_VM_OP_H

#include "common/conf.h"
#include "common/err.h"
#include "common/tmpl.h"
#include "oned/auth/acl.h"

/* The right a source names for the operation; 0: it says nothing of it. */
enum auth_op vm_op_in_template(const struct tmpl *t, const char *op);
enum auth_op vm_op_in_conf(const struct conf *conf, const char *op);
/* ONE_INTERNAL "Unknown vm operation: x" when the lists of a template name one that doesn't exist. */
enum one_rc vm_op_check_template(const struct tmpl *t, struct one_err *err);

#endif
