/* The writer: the thread that owns the store and writes closed batches, one at a time, while the core runs the next. */
#ifndef ONED_CORE_WRITER_H
#define ONED_CORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"

struct batch;
struct core;
struct writer;

/* How it went: err.rc ONE_OK: on disk; else nothing of the batch is. */
struct written {
	struct one_err err;
	bool row_is_to_blame;   /* the database can write, but not this batch */
	uint64_t us;
};

struct writer *writer_new(struct core *c);
void writer_free(struct writer *w); /* after writer_stop; NULL: nothing */
enum one_rc writer_start(struct writer *w, struct one_err *err);
/* After what it was given is written. */
void writer_stop(struct writer *w);

/* Core thread; only when nothing is there already. When it is done the core's `wake` is signalled. */
void writer_put(struct writer *w, const struct batch *b);
/* Is there something to take? Any thread. */
bool writer_is_done(const struct writer *w);
/* Core thread. false: not done. */
bool writer_take(struct writer *w, struct written *out);
/* The same on the caller's thread, before writer_start. */
void writer_write(struct core *c, const struct batch *b, struct written *out);

#endif
