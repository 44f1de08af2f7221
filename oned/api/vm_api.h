/* What the files of the VM's methods share. */
#ifndef ONED_API_VM_API_H
#define ONED_API_VM_API_H

#include "oned/api/call.h"

extern const struct method vm_read_methods[], vm_write_methods[], vm_nic_methods[];

/* Rights that making a VM of this template needs beside CREATE or USE of the template: restricted attributes, USE of its images,
 * networks and security groups. false: the transaction failed. */
bool vm_may_use_parts(struct txn *t, struct call *c, const struct tmpl *tmpl);

/* Adds to a check: USE of what the NICs of a template name, networks (with their security groups) and groups. */
void vm_use_nics(struct txn *t, struct call *c, struct authz *a, const struct tmpl *tmpl);
/* USE of one network and its groups, and of those the NIC names. */
void vm_use_nic(struct txn *t, struct authz *a, int network, const struct attr *nic);

#endif
