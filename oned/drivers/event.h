/* What the hook manager is told of an object's new state:
 *
 *   <HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT/><STATE/>[<LCM_STATE/>][<SERVICE_ID/>][<REMOTE_HOST/>]<RESOURCE_ID/>
 *   the object</HOOK_MESSAGE>
 *
 * LCM_STATE and SERVICE_ID (OneFlow's) are of VMs; REMOTE_HOST is a host's name or that of a VM's host. */
#ifndef ONED_DRIVERS_EVENT_H
#define ONED_DRIVERS_EVENT_H

#include "common/strbuf.h"
#include "oned/core/object.h"

/* Appends the message, base64. Any thread. The type has OBJ_F_EVENTS. */
void event_message(const struct version *v, struct strbuf *payload);

#endif
