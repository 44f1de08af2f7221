#include "oned/core/ask.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/map.h"
#include "oned/core/core_internal.h"

struct question { ask_answer_fn fn; void *arg; };

struct asks { struct imap waiting; long long last_id; };

struct asks *asks_new(void)
{
	return xcalloc(1, sizeof(struct asks));
}

void asks_free(struct asks *a)
{
	size_t it = 0;
	int64_t id;
	void *q;

	while (imap_next(&a->waiting, &it, &id, &q))
		free(q);
	imap_done(&a->waiting);
	free(a);
}

static void time_is_up(struct txn *t, void *arg)
{
	ask_answer(t, (intptr_t)arg, false, "The driver doesn't answer");
}

long long ask_put(struct txn *t, int timeout_ms, ask_answer_fn fn, void *arg)
{
	struct asks *a = t->core->asks;
	struct question *q = xmalloc(sizeof(*q));

	*q = (struct question){ .fn = fn, .arg = arg };
	imap_put(&a->waiting, ++a->last_id, q);
	txn_after(t, timeout_ms, time_is_up, NULL, (void *)(intptr_t)a->last_id);
	return a->last_id;
}

bool ask_answer(struct txn *t, long long id, bool ok, const char *info)
{
	struct question *q = imap_del(&t->core->asks->waiting, id);

	if (!q)
		return false;
	q->fn(q->arg, ok, info);
	free(q);
	return true;
}
