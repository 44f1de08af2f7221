/* The events of API calls, for hooks of TYPE=API and whoever else subscribes to "EVENT API ...". A call that only tells what there is (info) has
 * none. They cost something, so they are made only when a hook is about the method or the hook manager knows of a subscriber. */
#ifndef ONED_API_CALL_EVENT_H
#define ONED_API_CALL_EVENT_H

#include "oned/api/call.h"

/* Which methods hooks are about. */
struct call_events;
struct call_events *call_events_new(void);
void call_events_free(struct call_events *e);
/* A hook was published (v NULL: deleted). Core thread, and core_load. */
void call_events_hook(struct call_events *e, int id, const struct version *v);

/* Can a hook be about this method? */
bool call_event_exists(const char *method);

/* Before a call runs: what it deletes is part of its event. */
void call_event_prepare(struct call *c);
/* A call has ended; err NULL: well, else `message` is what the client is told. Any thread. */
void call_event_send(struct call *c, const struct one_err *err, const char *message);

#endif
