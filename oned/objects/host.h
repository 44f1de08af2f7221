/* Hosts (HOST): where VMs run. Their states are driven by lifecycle/host.h. */
#ifndef ONED_OBJECTS_HOST_H
#define ONED_OBJECTS_HOST_H

#include <stdbool.h>
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/host_share.h"

enum host_state {
	HOST_INIT = 0,
	HOST_MONITORING_MONITORED = 1, /* this one and 5..7: of databases of older versions */
	HOST_MONITORED = 2,
	HOST_ERROR = 3,
	HOST_DISABLED = 4,
	HOST_MONITORING_ERROR = 5,
	HOST_MONITORING_INIT = 6,
	HOST_MONITORING_DISABLED = 7,
	HOST_OFFLINE = 8,
	HOST_STATES
};

struct host {
	struct object o;
	enum host_state state, prev_state;
	const char *im_mad, *vm_mad;
	int cluster_id;
	const char *cluster;
	struct host_share share;
	struct idset vms;
};

extern const struct obj_ops host_ops;

const char *host_state_name(enum host_state s); /* "MONITORED" */

/* Books what a VM needs on a host: usage, RUNNING_VMS, VMS, PCI devices, NUMA layout. With enforce it is tested first: ONE_ACTION with
 * the reason, nothing booked. A VM that is booked there already isn't booked twice. ONE_NO_EXISTS: no such host. */
enum one_rc host_capacity_add(struct txn *t, int host_id, int vm_id, const struct capacity *c, bool enforce);
/* Gives it back; a host or VM that isn't there is no error. */
void host_capacity_del(struct txn *t, int host_id, int vm_id, const struct capacity *c);
/* A VM that is booked there gets another size; its PCI devices stay the ones it has. ONE_ACTION: there is no room or no
 * such host; only with enforce. `before` with a copy of the template as it was. */
enum one_rc host_capacity_change(struct txn *t, int host_id, int vm_id, const struct capacity *before, const struct capacity *after,
				 bool enforce);
/* Would it fit? Like host_capacity_add with enforce, without booking; the transaction doesn't fail. */
enum one_rc host_capacity_test(struct txn *t, int host_id, const struct capacity *c, struct one_err *err);

/* Makes a host in state INIT in a cluster. ONE_INTERNAL: name, mads. */
struct host *host_create(struct txn *t, const char *name, const char *im_mad, const char *vm_mad, int cluster_id);
/* With its cluster and VDCs. ONE_ACTION with the reason. */
enum one_rc host_delete(struct txn *t, struct host *h);
/* After its template, or that of its cluster, changed: IM_MAD, VM_MAD, reservations, VMS_THREAD, ISOLCPUS. */
void host_template_changed(struct txn *t, struct host *h);
/* A whole HOST_SYSTEM message (parsed): template and share. The state isn't touched. */
void host_update_info(struct txn *t, struct host *h, const struct tmpl *info);

#endif
