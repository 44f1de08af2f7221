/* What the hook manager reports of hooks that ran, and hooks that are to run again. The log (table hook_log) keeps the last LOG_RETENTION
 * executions of each hook, numbered from 0.
 *
 *   oned -> driver   RETRY -1 BASE64      <HOOK_MESSAGE><ARGUMENTS>base64</ARGUMENTS><HOOK_ID/>[<REMOTE_HOST/>]</HOOK_MESSAGE>
 *   driver -> oned   EXECUTE SUCCESS|FAILURE HOOK_ID RC BASE64   what stands in <HOOK_EXECUTION_RECORD> beside number and time
 *                    SUBSCRIBED SUCCESS|FAILURE -1 API           somebody wants the events of API calls, or nobody */
#ifndef ONED_LIFECYCLE_HOOK_H
#define ONED_LIFECYCLE_HOOK_H

#include "common/driver.h"
#include "oned/core/core.h"
#include "oned/core/txn.h"
#include "oned/store/store.h"

/* Once, before the core's thread starts: counts go on from what is in the log, and what is too old is removed. */
enum one_rc hook_log_load(struct core *core, struct store *store, struct one_err *err);
/* The log of a hook that is deleted goes with it. */
void hook_log_drop(struct txn *t, int hook_id);

/* Does anybody subscribe to the events of API calls? Yes, as long as the driver doesn't say (OpenNebula's never does). Any thread. */
bool hook_api_has_subscribers(void);

/* A message of the driver. */
void hook_message(struct txn *t, const struct driver_msg *m);
/* Runs a hook again with arguments it had; host: where, "" here. ONE_INTERNAL: there is no driver. */
enum one_rc hook_retry(struct txn *t, int hook_id, const char *arguments, const char *host);

#endif
