/* Ports of VMs' graphics (VNC, SPICE): a set a cluster, kept in the table cluster_vnc_bitmap as OpenNebula has it. */
#ifndef ONED_OBJECTS_VNC_PORTS_H
#define ONED_OBJECTS_VNC_PORTS_H

#include "oned/objects/vm.h"

#define VNC_PORTS 65536

/* id: the cluster's. */
struct vnc_ports {
	struct object o;
	uint64_t used[VNC_PORTS / 64];
};

extern const struct obj_ops vnc_ports_ops;

/* A VM with GRAPHICS goes to a host of this cluster: takes the PORT it asks for, or gives it a free one from VNC_PORTS/START on.
 * ONE_ACTION with OpenNebula's text when it is taken, or none is free. */
enum one_rc vnc_port_take(struct txn *t, struct vm *vm, int cluster_id);
/* Gives it back: the PORT leaves GRAPHICS. */
void vnc_port_release(struct txn *t, struct vm *vm);

#endif
