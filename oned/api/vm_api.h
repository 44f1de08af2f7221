/* What the files of the VM's methods share. */
#ifndef ONED_API_VM_API_H
#define ONED_API_VM_API_H

#include "oned/api/call.h"

extern const struct method vm_read_methods[], vm_write_methods[], vm_change_methods[];

/* Rights that making a VM of this template needs beside CREATE or USE of the template: restricted attributes, USE of its images,
 * networks and security groups. false: the transaction failed. */
bool vm_may_use_parts(struct txn *t, struct call *c, const struct tmpl *tmpl);
/* May the caller (ctx: struct call *) USE the image of a file? A vm_may_use_fn. */
bool vm_may_use_file(void *ctx, const struct version *image);

#endif
