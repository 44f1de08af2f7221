/* The states of images as a table: (state, event) -> next state. The transient ones wait for the datastore driver: LOCKED (and
 * LOCKED_USED, LOCKED_USED_PERS: VMs wait with it) for a copy, DELETE for a removal, CLONE for the copies made of it. */
#ifndef ONED_OBJECTS_IMAGE_STATE_H
#define ONED_OBJECTS_IMAGE_STATE_H

#include <stdbool.h>

enum image_state {
	IMAGE_INIT = 0, IMAGE_READY, IMAGE_USED, IMAGE_DISABLED, IMAGE_LOCKED, IMAGE_ERROR, IMAGE_CLONE, IMAGE_DELETE, IMAGE_USED_PERS,
	IMAGE_LOCKED_USED, IMAGE_LOCKED_USED_PERS, IMAGE_STATES
};

enum image_event {
	IMAGE_EV_ACQUIRE,       /* a VM takes it */
	IMAGE_EV_RELEASE,       /* the last VM gave it back, and no copy is made of it */
	IMAGE_EV_RELEASE_BAD,   /* a VM failed with it: a persistent image's contents can't be trusted */
	IMAGE_EV_DONE,          /* the driver did what the image waited for */
	IMAGE_EV_FAILED,        /* the driver failed, or there is none */
	IMAGE_EV_ENABLE, IMAGE_EV_ENABLE_USED /* while VMs have it */, IMAGE_EV_DISABLE,
	IMAGE_EV_DELETE,
	IMAGE_EV_COPY_BEGIN,    /* a copy of it is made */
	IMAGE_EV_COPY_END,      /* the last copy is made, and no VM has it */
	IMAGE_EV_LOCK,          /* the driver works on its snapshots */
	IMAGE_EVENTS
};

/* IMAGE_STATES: the event means nothing in this state. */
enum image_state image_next_state(enum image_state state, enum image_event event, bool persistent);
/* Waits for the driver. */
bool image_state_transient(enum image_state state);
/* "READY"; the same word for a state and its persistent form, as OpenNebula's messages have it. */
const char *image_state_name(enum image_state state);

#endif
