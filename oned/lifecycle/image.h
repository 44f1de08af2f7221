/* The life of an image: (state, event) -> (next state, action), its operations on the datastore driver, and the monitoring of datastores. */
#ifndef ONED_LIFECYCLE_IMAGE_H
#define ONED_LIFECYCLE_IMAGE_H

#include <stdbool.h>
#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/objects/image.h"

/* Registers a new image (its fields are filled): LOCKED, and the driver is asked to copy or make it. */
void image_register(struct txn *t, struct image *img);
/* Starts deleting it; ONE_ACTION with the reason. */
enum one_rc image_delete(struct txn *t, struct image *img, bool force);
enum one_rc image_enable(struct txn *t, struct image *img, bool enable);
/* VMs wait for it no more: the lead's VM code is told through vm_disk_lock_done (lifecycle/vm_disk.h). */

/* Replies of datastore drivers (kind "datastore"). */
void datastore_message(struct txn *t, const struct driver_msg *m);
/* The driver died: what it was asked is lost; transient states go on. */
void datastore_driver_lost(struct txn *t);
/* After a restart: every transient state is run again or ends. */
void image_recover_all(struct txn *t);
/* Starts the timers that monitor datastores, once, from main. */
void datastore_monitor_start(struct txn *t);

#endif
