/* VLAN ids that oned gives out: 802.1Q ids from one bitmap for all networks, VXLAN ids from the network's own id. */
#ifndef ONED_OBJECTS_VLAN_IDS_H
#define ONED_OBJECTS_VLAN_IDS_H

#include "oned/objects/vnet.h"

/* The checks on what a driver needs: ONE_INTERNAL "PHYDEV is mandatory for driver ...". */
enum one_rc vlan_ids_check(struct txn *t, const struct vnet *vn);
/* Gives the automatic ids. ONE_INTERNAL when there are none left. */
enum one_rc vlan_ids_assign(struct txn *t, struct vnet *vn);
void vlan_ids_release(struct txn *t, const struct vnet *vn);

#endif
