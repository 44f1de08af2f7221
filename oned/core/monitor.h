/* Monitoring samples of hosts and VMs: the latest ones in memory, their history in the monitoring tables.
 *
 * What was measured a moment ago is no decision: the latest samples are published at once, to readers of any thread, without a
 * transaction. A sample is a MONITORING element. */
#ifndef ONED_CORE_MONITOR_H
#define ONED_CORE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "common/strbuf.h"
#include "oned/core/txn.h"

enum monitor_kind { MONITOR_HOST, MONITOR_VM, MONITOR_KINDS };

struct monitor;

struct monitor *monitor_new(void);
void monitor_free(struct monitor *m);
/* Keeps a sample as the latest of its object, unless there is a later one: then false. Any thread. */
bool monitor_put(struct monitor *m, enum monitor_kind kind, int id, time_t when, const char *xml, size_t len);
void monitor_drop(struct monitor *m, enum monitor_kind kind, int id);
/* Appends the latest sample; false: there is none, nothing appended. when may be NULL. Any thread. */
bool monitor_get(struct monitor *m, enum monitor_kind kind, int id, time_t *when, struct strbuf *out);

/* How long rows are kept (0: none are written); told by the monitor driver. */
void monitor_set_expiration(struct monitor *m, enum monitor_kind kind, int seconds);
int monitor_expiration(struct monitor *m, enum monitor_kind kind);

/* In a transaction: keeps the sample, in memory and as a row. */
void monitor_record(struct txn *t, enum monitor_kind kind, int id, time_t when, const char *xml, size_t len);
/* The object is gone. */
void monitor_forget(struct txn *t, enum monitor_kind kind, int id);
/* From now on rows that are too old are deleted. Any thread; once or more. */
void monitor_expire_start(struct monitor *m);
/* Deletes them for a few objects, the next time for the next ones. Only the thread that owns the store. */
void monitor_expire(struct core *c);

#endif
