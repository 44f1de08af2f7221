#include "oned/objects/image_state.h"

static const char *const names[IMAGE_STATES] = {
	[IMAGE_INIT] = "INIT", [IMAGE_READY] = "READY", [IMAGE_USED] = "USED", [IMAGE_DISABLED] = "DISABLED", [IMAGE_LOCKED] = "LOCKED",
	[IMAGE_ERROR] = "ERROR", [IMAGE_CLONE] = "CLONE", [IMAGE_DELETE] = "DELETE", [IMAGE_USED_PERS] = "USED",
	[IMAGE_LOCKED_USED] = "LOCKED_USED", [IMAGE_LOCKED_USED_PERS] = "LOCKED_USED",
};

const char *image_state_name(enum image_state state)
{
	return names[state];
}

/* Next state of an image that isn't persistent, and of one that is. */
struct step { enum image_state plain, persistent; bool known; };

#define TO(next)        { next, next, true }
#define BY(plain, pers) { plain, pers, true }

/* clang-format off */
static const struct step steps[IMAGE_STATES][IMAGE_EVENTS] = {
	[IMAGE_INIT] = {
		[IMAGE_EV_FAILED]      = TO(IMAGE_ERROR),
		[IMAGE_EV_DELETE]      = TO(IMAGE_DELETE),
	},
	[IMAGE_READY] = {
		[IMAGE_EV_ACQUIRE]     = BY(IMAGE_USED, IMAGE_USED_PERS),
		[IMAGE_EV_ENABLE]      = TO(IMAGE_READY),
		[IMAGE_EV_DISABLE]     = TO(IMAGE_DISABLED),
		[IMAGE_EV_DELETE]      = TO(IMAGE_DELETE),
		[IMAGE_EV_COPY_BEGIN]  = BY(IMAGE_USED, IMAGE_CLONE),
		[IMAGE_EV_LOCK]        = TO(IMAGE_LOCKED),
	},
	[IMAGE_USED] = {
		[IMAGE_EV_ACQUIRE]     = TO(IMAGE_USED),
		[IMAGE_EV_RELEASE]     = TO(IMAGE_READY),
		[IMAGE_EV_COPY_BEGIN]  = TO(IMAGE_USED),
		[IMAGE_EV_COPY_END]    = TO(IMAGE_READY),
	},
	[IMAGE_USED_PERS] = {
		[IMAGE_EV_ACQUIRE]     = TO(IMAGE_USED_PERS),  /* a shareable one */
		[IMAGE_EV_RELEASE]     = TO(IMAGE_READY),
		[IMAGE_EV_RELEASE_BAD] = TO(IMAGE_ERROR),
	},
	[IMAGE_DISABLED] = {
		[IMAGE_EV_ENABLE]      = TO(IMAGE_READY),
		[IMAGE_EV_DISABLE]     = TO(IMAGE_DISABLED),
		[IMAGE_EV_DELETE]      = TO(IMAGE_DELETE),
	},
	[IMAGE_LOCKED] = {
		[IMAGE_EV_ACQUIRE]     = BY(IMAGE_LOCKED_USED, IMAGE_LOCKED_USED_PERS),
		[IMAGE_EV_DONE]        = TO(IMAGE_READY),
		[IMAGE_EV_FAILED]      = TO(IMAGE_ERROR),
		[IMAGE_EV_DELETE]      = TO(IMAGE_DELETE),
	},
	[IMAGE_LOCKED_USED] = {
		[IMAGE_EV_ACQUIRE]     = TO(IMAGE_LOCKED_USED),
		[IMAGE_EV_RELEASE]     = TO(IMAGE_LOCKED),
		[IMAGE_EV_DONE]        = TO(IMAGE_USED),
		[IMAGE_EV_FAILED]      = TO(IMAGE_ERROR),
	},
	[IMAGE_LOCKED_USED_PERS] = {
		[IMAGE_EV_ACQUIRE]     = TO(IMAGE_LOCKED_USED_PERS),
		[IMAGE_EV_RELEASE]     = TO(IMAGE_LOCKED),
		[IMAGE_EV_RELEASE_BAD] = TO(IMAGE_ERROR),
		[IMAGE_EV_DONE]        = TO(IMAGE_USED_PERS),
		[IMAGE_EV_FAILED]      = TO(IMAGE_ERROR),
	},
	[IMAGE_ERROR] = {
		[IMAGE_EV_ENABLE]      = TO(IMAGE_READY),
		[IMAGE_EV_ENABLE_USED] = BY(IMAGE_USED, IMAGE_USED_PERS),
		[IMAGE_EV_DISABLE]     = TO(IMAGE_DISABLED),
		[IMAGE_EV_DELETE]      = TO(IMAGE_DELETE),
	},
	[IMAGE_CLONE] = {
		[IMAGE_EV_COPY_BEGIN]  = TO(IMAGE_CLONE),
		[IMAGE_EV_COPY_END]    = TO(IMAGE_READY),
	},
	[IMAGE_DELETE] = {
		[IMAGE_EV_FAILED]      = TO(IMAGE_ERROR),
		[IMAGE_EV_DELETE]      = TO(IMAGE_DELETE),
	},
};
/* clang-format on */

enum image_state image_next_state(enum image_state state, enum image_event event, bool persistent)
{
	const struct step *s = &steps[state][event];

	if (!s->known)
		return IMAGE_STATES;
	return persistent ? s->persistent : s->plain;
}

bool image_state_transient(enum image_state state)
{
	return state == IMAGE_LOCKED || state == IMAGE_LOCKED_USED || state == IMAGE_LOCKED_USED_PERS || state == IMAGE_DELETE;
}
