/* What the files of images share. */
#ifndef ONED_LIFECYCLE_IMAGE_PRIV_H
#define ONED_LIFECYCLE_IMAGE_PRIV_H

#include "oned/lifecycle/image.h"
#include "oned/lifecycle/vm_images.h"

/* Tells the driver to do something with an image; without its datastore the image ends in ERROR. */
void image_send(struct txn *t, const char *action, struct image *img, const char *extra);

/* Answers, while the image waits for them. */
void image_snapshot_deleted(struct txn *t, struct image *img, bool ok, const char *info);
void image_snapshot_reverted(struct txn *t, struct image *img, bool ok, const char *info);
void image_snapshot_flattened(struct txn *t, struct image *img, bool ok, const char *info);

#endif
