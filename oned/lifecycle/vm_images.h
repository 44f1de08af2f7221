/* VMs that wait for their images (state CLONING). */
#ifndef ONED_LIFECYCLE_VM_IMAGES_H
#define ONED_LIFECYCLE_VM_IMAGES_H

#include "oned/core/txn.h"
#include "oned/objects/image.h"

/* The image can be used now, or has failed: VMs that waited for it go on, or fail. */
void vm_images_changed(struct txn *t, const struct image *img);

#endif
