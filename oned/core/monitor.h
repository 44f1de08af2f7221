/* The latest monitoring samples of hosts and VMs: memory only, published to readers of any thread without a transaction, because
 * what was measured a moment ago is no decision. The history goes to the monitoring tables in the batches of the core. */
#ifndef ONED_CORE_MONITOR_H
#define ONED_CORE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>
#include "common/strbuf.h"

enum monitor_kind { MONITOR_HOST, MONITOR_VM, MONITOR_KINDS };

struct monitor;

struct monitor *monitor_new(void);
void monitor_free(struct monitor *m);
/* Keeps a sample (a MONITORING element) as the latest of its object, unless there is a later one. Any thread. */
void monitor_put(struct monitor *m, enum monitor_kind kind, int id, time_t when, const char *xml, size_t len);
void monitor_drop(struct monitor *m, enum monitor_kind kind, int id);
/* Appends the latest sample; false: there is none, nothing appended. Any thread. */
bool monitor_get(struct monitor *m, enum monitor_kind kind, int id, time_t *when, struct strbuf *out);

#endif
