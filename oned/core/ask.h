/* Questions to drivers whose answer somebody waits for, e.g. a call that needs the size of a file before it can begin. They live in memory:
 * after a restart nobody waits any more. The core thread's only. */
#ifndef ONED_CORE_ASK_H
#define ONED_CORE_ASK_H

#include <stdbool.h>
#include "oned/core/txn.h"

struct asks;

/* Called once, in a transaction of its own: the driver's answer, or ok false with the reason. */
typedef void (*ask_answer_fn)(void *arg, bool ok, const char *info);

struct asks *asks_new(void);
void asks_free(struct asks *a);
/* Notes a question; returns the id to send it with (txn_send). Unanswered it ends after timeout_ms, from the commit on. When the
 * transaction fails, nothing was asked. */
long long ask_put(struct txn *t, int timeout_ms, ask_answer_fn fn, void *arg);
/* false: nobody waits for this id (any more). */
bool ask_answer(struct txn *t, long long id, bool ok, const char *info);

#endif
