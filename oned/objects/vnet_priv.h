/* What the files of networks share. */
#ifndef ONED_OBJECTS_VNET_PRIV_H
#define ONED_OBJECTS_VNET_PRIV_H

#include "oned/objects/vnet.h"

/* The upper 16 bits of MACs that are made here (MAC_PREFIX). */
unsigned vnet_mac_prefix(struct txn *t);
void vnet_set_state(struct vnet *vn, enum vnet_state state);
/* The VM is out of all the sets of VMs that follow updates. */
void vnet_vm_forget(struct vnet *vn, int vm_id);
/* Which address a vector asks for; ADDRESS_NONE: any. false: more than one. */
bool address_asked(const struct attr *v, enum address_kind *kind, const char **text);
/* Adds a range, a part of its parent's range parent_ar (-1: of its own). ONE_INTERNAL with the reason, nothing added. */
enum one_rc vnet_range_add(struct txn *t, struct vnet *vn, const struct attr *from, int parent_ar, struct one_err *err);
/* The addresses of one range of a reservation (NULL: of all) go back: they count no longer. */
void vnet_reservation_given_back(struct txn *t, const struct vnet *vn, const struct address_range *ar);

#endif
