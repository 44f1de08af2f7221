/* What the datastore driver does to images: registering, copying, deleting, and what becomes of them by its answers, after a failure and
 * after a restart. Their states are a table: objects/image_state.h. */
#ifndef ONED_LIFECYCLE_IMAGE_H
#define ONED_LIFECYCLE_IMAGE_H

#include <stdbool.h>
#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/lifecycle/datastore.h"
#include "oned/objects/image.h"

/* Asks the driver for the contents of a new image (image_create): to copy PATH, or to make an empty disk. One with a SOURCE is READY at
 * once. Of one that is made of an app (FROM_APP) the driver is told the marketplace too. */
void image_register(struct txn *t, struct image *img);
/* The same for a copy of `source`, which is in use (or CLONE) until it is made. ONE_INTERNAL: it can't be copied in its state. */
enum one_rc image_clone(struct txn *t, struct image *img, int source);
/* Starts deleting it: the driver removes the contents, then it goes; without contents it goes at once. force: a failure of the driver is no
 * reason to stay. ONE_ACTION with the reason. */
enum one_rc image_delete(struct txn *t, struct image *img, bool force);
/* ONE_INTERNAL with the reason. */
enum one_rc image_enable(struct txn *t, struct image *img, bool enable);

/* Something is done with a snapshot; the image is LOCKED until it is. ONE_ACTION with the reason. */
enum image_snapshot_job { IMAGE_SNAPSHOT_DELETE, IMAGE_SNAPSHOT_REVERT, IMAGE_SNAPSHOT_FLATTEN };
enum one_rc image_snapshot_start(struct txn *t, struct image *img, int snapshot, enum image_snapshot_job job);

/* Answers of the driver about images: CP, MKFS, CLONE, RM, SNAP_*. false: it is none of these. */
bool image_message(struct txn *t, const struct driver_msg *m);
/* After a restart of oned or of the driver: what images wait for is asked again. */
void image_recover_all(struct txn *t);

#endif
