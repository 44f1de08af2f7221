/* What core.c, pool.c and txn.c share and nobody else sees. */
#ifndef ONED_CORE_CORE_INTERNAL_H
#define ONED_CORE_CORE_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include "common/map.h"
#include "oned/core/core.h"
#include "oned/core/pool_index.h"
#include "oned/core/txn.h"

/* Published versions of one type. `lock` is held for moments: while pointers are copied or replaced. */
struct pool {
	pthread_mutex_t lock;
	const struct obj_ops *ops;
	struct version **slots;   /* by id */
	int cap, count;
	struct smap names;        /* name or "uid name" -> id + 1, for types with unique names */
	struct pool_index index;  /* of types with owners */
	int last_id;              /* the core thread's only: pool_control */
};

void pool_init(struct pool *p, const struct obj_ops *ops);
void pool_done(struct pool *p);
/* Puts v in place of the version of its id (takes the reference); v NULL: removes. Core thread, lock held by the callee. */
void pool_publish(struct pool *p, int id, struct version *v);
/* The key of a name in pool->names; NULL for types whose names may repeat. */
const char *pool_name_key(const struct obj_ops *ops, const char *name, int uid, char *buf, size_t size);
#define POOL_KEY_MAX 320

struct job {
	struct job *next;
	core_run_fn run;
	core_done_fn done;
	void *arg;
	int64_t due_ms;     /* of a timer */
	bool sure;          /* run again when the database refuses */
};

/* An object in the maps of a transaction and of a batch. */
static inline int64_t object_key(enum obj_type type, int id)
{
	return ((int64_t)type << 32) | (uint32_t)id;
}

/* One object's state after the transactions of the batch so far. v NULL: deleted. */
struct pending { struct pending *next; enum obj_type type; int id; struct version *v; };

struct batch {
	struct arena arena;
	struct imap index;                 /* type and id -> struct pending */
	struct pending *all;
	struct smap names;                 /* "type key" -> id + 1, or -1 for a name given up in this batch */
	struct store_row *rows;
	size_t n_rows, cap_rows;
	struct version **held;             /* versions that rows point into */
	size_t n_held, cap_held;
	struct txn_out *outs, **outs_tail;
	struct finished { struct finished *next; struct job *job; struct one_err *err; } *finished, **finished_tail;
	int last_ids[OBJ_TYPES];           /* counters as of this batch */
	int64_t side_ids[TABLE_COUNT];
	int n_jobs;
};

struct core {
	struct store *store;               /* NULL in unit tests: nothing is written */
	struct core_outlets outlets;
	const struct conf *conf;
	struct pool pools[OBJ_TYPES];
	int64_t side_ids[TABLE_COUNT];     /* counters of tables that are no object pools */
	struct batch *batch;               /* what runs now */
	struct batch *writing;             /* closed, at the writer; NULL: none */
	struct writer *writer;
	struct strbuf body, brief, json;
	struct monitor *monitor;
	struct asks *asks;
	struct tallies *tallies;
	core_publish_fn on_publish;
	void *publish_ctx;

	pthread_t thread;
	bool started;
	pthread_mutex_t lock;              /* of what follows */
	pthread_cond_t wake;
	struct job *queue, **queue_tail;
	struct job **timers;               /* a heap by due_ms */
	size_t n_timers, cap_timers;
	bool stopping;
	struct core_stats stats;
};

/* Empty, counting on from the batch that is being written, or else from what is published. */
struct batch *batch_new(const struct core *c);
void batch_free(struct batch *b);
/* NULL: the batch doesn't touch the object (or b is NULL). */
struct pending *batch_find(const struct batch *b, enum obj_type type, int id);
/* The same, made when it isn't there. */
struct pending *batch_pending(struct batch *b, enum obj_type type, int id);
/* Keeps a version until the batch ends. */
void batch_hold(struct batch *b, struct version *v);
void batch_row(struct batch *b, const struct store_row *row); /* a copy; the values stay the caller's */
/* The rows of the counters that moved. */
void batch_counters(struct batch *b, const struct core *c);
void batch_publish(const struct batch *b, struct core *c);

void txn_begin(struct txn *t, struct core *c);
/* A call must not make an object larger than the database takes: it would take the others of its batch along. What drivers and timers do
 * isn't refused: the limit leaves room for it. */
void txn_check_sizes(struct txn *t);
/* Moves a good transaction's changes into the batch; a failed one's are forgotten (its counters too). Frees what isn't needed later. */
void txn_end(struct txn *t);

#endif
