/* For tests of life cycles: runs transactions in the world of vm_world.h and remembers what left for drivers. */
#ifndef TESTS_UNIT_ONED_LIFECYCLE_SENT_H
#define TESTS_UNIT_ONED_LIFECYCLE_SENT_H

#include <stdio.h>

#include "tests/unit/oned/objects/vm_world.h"

#include "common/crypto.h"

static struct one_err err;
static char sent[256];          /* "CP 6;MKFS 7;": what left for the driver in the last transaction, in order */
static struct strbuf payload;   /* of the last one, decoded */
static const char *not_sent = ""; /* an action that isn't remembered */

static inline void remember_sent(struct txn *t)
{
	for (const struct txn_out *o = t->outs; o; o = o->next) {
		size_t len = strlen(sent);

		if (o->kind != TXN_SEND || strcmp(o->action, not_sent) == 0)
			continue;
		snprintf(sent + len, sizeof(sent) - len, "%s %lld;", o->action, o->id);
		strbuf_reset(&payload);
		base64_decode(o->text, strlen(o->text), &payload);
	}
}

struct sent_step { void (*fn)(struct txn *t, void *arg); void *arg; };

static inline void one_step(struct txn *t, void *arg)
{
	const struct sent_step *s = arg;

	s->fn(t, s->arg);
	if (txn_ok(t))
		remember_sent(t);
}

/* One transaction; its failure is in err. */
static inline enum one_rc run(void (*fn)(struct txn *t, void *arg), void *arg)
{
	struct sent_step s = { fn, arg };

	one_err_clear(&err);
	sent[0] = '\0';
	core_run(core, one_step, &s, &err);
	return err.rc;
}

#endif
