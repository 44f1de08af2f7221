/* What methods of templates do to images, too: with the rights of the caller, as the methods of images themselves. */
#ifndef ONED_API_IMAGE_API_H
#define ONED_API_IMAGE_API_H

#include "oned/api/call.h"

/* Makes a copy of an image, in the datastore ds_id (-1: where it lies). persistent: the copy is, whatever the defaults say. Returns its id;
 * -1: the transaction failed. */
int image_api_clone(struct txn *t, struct call *c, int id, const char *name, int ds_id, bool persistent);
/* Begins to delete it. When the transaction fails, nothing was changed. */
void image_api_delete(struct txn *t, struct call *c, int id, bool force);

/* image_make.c */
void api_image_allocate(struct txn *t, struct call *c); /* template:s ds:i no_check_capacity:b=false */
void api_image_clone(struct txn *t, struct call *c);    /* id:i name:s ds:i=-1 */

#endif
