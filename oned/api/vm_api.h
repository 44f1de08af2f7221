/* What the files of the VM's methods share. */
#ifndef ONED_API_VM_API_H
#define ONED_API_VM_API_H

#include "oned/api/call.h"

struct vm;

extern const struct method vm_read_methods[], vm_write_methods[], vm_change_methods[], vm_nic_methods[];

/* Rights that making a VM of this template needs beside CREATE or USE of the template: restricted attributes, USE of its images,
 * networks and security groups. false: the transaction failed. */
bool vm_may_use_parts(struct txn *t, struct call *c, const struct tmpl *tmpl);
/* May the caller (ctx: struct call *) USE the image of a file? A vm_may_use_fn. */
bool vm_may_use_file(void *ctx, const struct version *image);

/* A VM of a registered template: what the caller adds to it, what stands above both (NULL: nothing), its name ("": of the template). */
struct vm_instance { const struct tmpl *extra, *fixed; const char *name; bool hold; };
/* May the caller have VMs of the template with what he adds? He acts as AS_UID and AS_GID from then on. false: the transaction failed. */
bool vm_may_instantiate(struct txn *t, struct call *c, const struct version *v, const struct tmpl *extra);
/* Makes it; rights on what the VM uses are checked. Its id, -1: the transaction failed. */
int vm_instantiate(struct txn *t, struct call *c, const struct version *v, const struct vm_instance *in);

/* Adds to a check: USE of what the NICs of a template name, networks (with their security groups) and groups. */
void vm_use_nics(struct txn *t, struct call *c, struct authz *a, const struct tmpl *tmpl);
/* USE of one network and its groups, and of those the NIC names. */
void vm_use_nic(struct txn *t, struct authz *a, int network, const struct attr *nic);
/* A NIC that is to be attached counts for the VM's owner. ONE_AUTHORIZATION: a limit of his says no. */
enum one_rc vm_count_lease(struct txn *t, const struct vm *vm, const struct attr *nic);

#endif
