/* Hook events, from oned's message to the keys subscribers of the ZeroMQ socket filter by.
 *
 *   EXECUTE -1 BASE64      <HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE><CALL/><CALL_INFO><RESULT/>...
 *                          <HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT/><STATE/>[<LCM_STATE/>]
 *                          <RESOURCE_ID/>...
 *
 * Keys, each published with the same content (the blanks at their ends belong to them: a subscription is
 * a prefix):
 *   "EVENT API one.vm.allocate 1"
 *   "EVENT VM 7/ACTIVE/RUNNING "   "EVENT STATE VM/ACTIVE/RUNNING/7 "   "EVENT SERVICE 3 "
 *   (other objects than VMs have an empty LCM_STATE)
 * / */
#ifndef HM_EVENT_H
#define HM_EVENT_H

#include "common/arena.h"
#include "common/err.h"

#define EVENT_KEYS_MAX 3

struct event_keys {
	int n;
	const char *keys[EVENT_KEYS_MAX];
};

/* ONE_INTERNAL: the content is no hook message. */
enum one_rc event_find_keys(struct arena *arena, const char *base64, struct event_keys *out,
			    struct one_err *err);

#endif
