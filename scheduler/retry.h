/* VMs whose deployment oned refused: when to try again, and which hosts to try last.
 *
 * The wait doubles with each failure, so a VM that can't start never keeps the scheduler busy, and a host
 * that refuses it doesn't keep it from the others. */
#ifndef SCHEDULER_RETRY_H
#define SCHEDULER_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/map.h"

#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS  60000
#define RETRY_HOSTS    8

struct retries {
	struct imap vms; /* id -> struct retry */
};

/* clang-format off */
#define RETRIES_INIT { IMAP_INIT }
/* clang-format on */

void retries_done(struct retries *r);
/* A deployment to that host failed. */
void retries_failed(struct retries *r, int vm_id, int host_id, int64_t now_ms);
/* It succeeded, or the VM is no longer pending. */
void retries_forget(struct retries *r, int vm_id);
/* Must the VM still wait? */
bool retries_waiting(const struct retries *r, int vm_id, int64_t now_ms);
/* How lately did the host refuse the VM? 0: not among the last RETRY_HOSTS refusals; the higher the later. */
int retries_refused(const struct retries *r, int vm_id, int host_id);
/* Forgets the VMs for which keep() says no. */
void retries_sweep(struct retries *r, bool (*keep)(const void *ctx, int vm_id), const void *ctx);
/* When the next VM need not wait any more; INT64_MAX when none waits. */
int64_t retries_next_ms(const struct retries *r, int64_t now_ms);

#endif
