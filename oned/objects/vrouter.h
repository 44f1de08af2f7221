/* Virtual routers (VROUTER): a few VMs that connect networks together, and the addresses that float between them. */
#ifndef ONED_OBJECTS_VROUTER_H
#define ONED_OBJECTS_VROUTER_H

#include "oned/auth/identity.h"
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/vm.h"

struct vrouter {
	struct object o;        /* each NIC of the template: NETWORK_ID, NIC_ID, and with FLOATING_IP the address as VROUTER_IP, VROUTER_MAC... */
	struct idset vms;       /* the VMs it was instantiated as, until they are DONE */
};

extern const struct obj_ops vrouter_ops;

/* A router with this template, whose NAME it takes (names may repeat). Its NICs take the floating addresses, which count in its owner's quotas.
 * who: whose networks NETWORK names. ONE_AUTHORIZATION for quotas, ONE_INTERNAL with the reason for the rest. */
struct vrouter *vrouter_create(struct txn *t, const struct identity *who, const struct object *owner, const struct tmpl *tmpl);
/* Gives back its addresses and deletes it. Its VMs are the caller's to end. */
void vrouter_destroy(struct txn *t, struct vrouter *vr);

/* Adds the one NIC of a template, with an id of its own; it lives as long as vr. NULL: ONE_AUTHORIZATION for quotas (of the router's owner),
 * ONE_ACTION with the reason. VMs of the router are the caller's to tell. */
const struct attr *vrouter_nic_attach(struct txn *t, const struct identity *who, struct vrouter *vr, const struct tmpl *tmpl);
/* ONE_ACTION: there is none of that id. */
enum one_rc vrouter_nic_detach(struct txn *t, struct vrouter *vr, int nic_id);

/* What it leases counts for its owner, whatever the limits. */
void vrouter_quota_count(struct txn *t, const struct vrouter *vr);
/* It has other owners now: what it leases counts for them. ONE_AUTHORIZATION: a limit of theirs says no. */
enum one_rc vrouter_quota_moved(struct txn *t, const struct vrouter *vr, int old_uid, int old_gid);

/* What its VMs get beside their own template: NICs (in place of others) and who they are. */
struct tmpl *vrouter_vm_template(const struct vrouter *vr, struct arena *arena);
/* The id of the router a VM says it is part of; -1: it is none. */
int vrouter_of_vm(const struct vm *vm);
/* A VM is DONE: its router, if there is one, has it no longer. */
void vrouter_vm_gone(struct txn *t, const struct vm *vm);

#endif
