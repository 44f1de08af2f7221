/* The core: one thread that runs every change as a transaction, and the pools it publishes to readers.
 *
 *   worker, driver or timer --core_submit--> queue --> [transaction]* --> one database transaction --> publish, reply, send
 *
 * The database transaction is written by a thread of its own (writer.h) while the core runs what comes next.
 * Readers call pool_* from any thread. Only the core thread runs transactions (txn.h). */
#ifndef ONED_CORE_CORE_H
#define ONED_CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "oned/core/object.h"
#include "oned/store/store.h"

struct core;
struct txn;
struct identity;
struct monitor;

/* What leaves oned after a commit; all called on the core thread, must not block. */
struct core_outlets {
	void *ctx;
	/* A driver command (drivers' mads_send). A failure is told to `failed` of the sender by the implementation. */
	void (*send)(void *ctx, const char *kind, const char *name, const char *action, long long id, const char *payload);
	/* A hook event: the object has another state; what was committed is published. */
	void (*event)(void *ctx, enum obj_type type, int id);
	/* A line for a VM's own log. */
	void (*vm_log)(void *ctx, int vm_id, int level, const char *module, const char *text);
};

struct conf;
/* store NULL: nothing is written (unit tests); conf: what txn_conf gives, may be NULL. */
enum one_rc core_new(struct store *store, const struct core_outlets *outlets, const struct conf *conf, struct core **out, struct one_err *err);
/* Reads all pools from the database. */
enum one_rc core_load(struct core *c, struct one_err *err);
/* Called for each version as it is published (v NULL: deleted), on the core thread and during core_load: for indexes kept beside the
 * pools (ACL). One function. */
typedef void (*core_publish_fn)(void *ctx, enum obj_type type, int id, const struct version *v);
void core_on_publish(struct core *c, core_publish_fn fn, void *ctx);
/* Starts the thread. */
enum one_rc core_start(struct core *c, struct one_err *err);
/* Runs what is queued and ends the thread. Pools can still be read, and what is submitted from now on waits for core_free, which tells it
 * that it wasn't run. */
void core_stop(struct core *c);
void core_free(struct core *c);

/* A change. run: on the core thread, inside a transaction. done: on the core thread after the batch is on disk (result->rc ONE_OK)
 * or the transaction failed; arg may be freed there. Either may be NULL but not both. Any thread may submit. */
typedef void (*core_run_fn)(struct txn *t, void *arg);
typedef void (*core_done_fn)(void *arg, const struct one_err *result);
void core_submit(struct core *c, core_run_fn run, core_done_fn done, void *arg);
/* The same for what nobody would ask again (a driver's answer): when the database refuses, it is run again every second until it
 * doesn't; arg must allow that. */
void core_submit_sure(struct core *c, core_run_fn run, core_done_fn done, void *arg);
/* The same as core_submit after a delay. */
void core_submit_after(struct core *c, int delay_ms, core_run_fn run, core_done_fn done, void *arg);
/* Submits and waits for the result; not from the core thread. Before core_start it runs at once. */
enum one_rc core_run(struct core *c, core_run_fn run, void *arg, struct one_err *err);

/* ---- readers, any thread ---- */

/* The published version, referenced; NULL. */
struct version *pool_get(struct core *c, enum obj_type type, int id);
/* By name: uid counts for types whose names are unique an owner (-1: any owner's). NULL when there is none. */
struct version *pool_find(struct core *c, enum obj_type type, const char *name, int uid);
int pool_count(struct core *c, enum obj_type type);
int pool_size(struct core *c, enum obj_type type); /* all ids are below it */
/* References all versions that `want` accepts (called under the pool's lock: only look at the version), in ascending order of id.
 * *out is malloc'ed; free with pool_release. */
typedef bool (*pool_want_fn)(void *ctx, const struct version *v);
size_t pool_collect(struct core *c, enum obj_type type, int first, int last, pool_want_fn want, void *ctx, struct version ***out);
/* The same, looking only at what somebody may be shown where that is found sooner (the pool has owners, and it isn't most of it); so `want` has the
 * last word, and is given a few or all. */
struct pool_sight;
size_t pool_collect_seen(struct core *c, enum obj_type type, const struct pool_sight *sight, int first, int last, pool_want_fn want,
			 void *ctx, struct version ***out);
void pool_release(struct version **list, size_t n);

/* The latest monitoring samples. */
struct monitor *core_monitor(struct core *c);

struct core_stats { uint64_t transactions, batches, failures, rows; uint64_t commit_us; int largest_batch; };
void core_stats(struct core *c, struct core_stats *out);

#endif
