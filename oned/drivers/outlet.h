/* The way out: what a committed batch lets go goes through one thread, in order: driver commands, events, lines of VMs' logs.
 *
 * The core only hands over references; files and messages are made here, so the core never waits for a disk. */
#ifndef ONED_DRIVERS_OUTLET_H
#define ONED_DRIVERS_OUTLET_H

#include "oned/core/core.h"
#include "oned/drivers/mad.h"
#include "oned/drivers/vm_codec.h"

struct outlet;

struct outlet_config {
	struct mads *mads;
	struct vm_codec *codec;
	bool vms_location;          /* LOG/USE_VMS_LOCATION: vms/<id>/vm.log instead of <log>/<id>.log */
};

struct outlet *outlet_new(void);
/* Before this nothing is taken out of the queue. */
enum one_rc outlet_start(struct outlet *o, const struct outlet_config *config, struct one_err *err);
/* Sends what is queued, ends the thread. */
void outlet_stop(struct outlet *o);
/* For core_new: ctx is the outlet. */
void outlet_callbacks(struct outlet *o, struct core_outlets *out);
/* The core that was made with them; before its thread starts, for what it sends while drivers come up. */
void outlet_set_core(struct outlet *o, struct core *core);

#endif
