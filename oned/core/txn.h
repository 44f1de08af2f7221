/* A transaction: sequential code over private copies, on the core thread.
 *
 * Errors are sticky: after the first txn_fail the transaction changes nothing and sends nothing, and later calls that return
 * objects give NULL, so a domain function may do several steps and look once. A function that takes a struct txn * can be
 * tested without threads, database or drivers (txn_begin/txn_look in tests). */
#ifndef ONED_CORE_TXN_H
#define ONED_CORE_TXN_H

#include <stdbool.h>
#include <time.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/map.h"
#include "oned/core/core.h"
#include "oned/core/object.h"
#include "oned/store/store.h"

struct txn_edit { struct object *o; struct txn_edit *next; };
struct txn_row { struct store_row row; struct txn_row *next; };

enum txn_out_kind { TXN_SEND, TXN_EVENT, TXN_VM_LOG, TXN_TIMER };
struct txn_out {
	struct txn_out *next;
	enum txn_out_kind kind;
	const char *mad_kind, *name, *action, *text;
	long long id;
	enum obj_type type;
	int level, delay_ms;
	core_run_fn run;
	core_done_fn done;
	void *arg;
};

struct txn {
	struct core *core;
	struct arena *arena;     /* the batch's: for all that lives as long as the transaction and its sending */
	time_t now;
	struct one_err err;      /* rc ONE_OK while all is well */
	/* Where it comes from; NULL for oned's own (driver messages, timers). */
	const struct identity *who;
	int req_id;              /* -1 */
	void *call;              /* struct call */
	struct txn_edit *edits, **edits_tail;
	struct imap edit_index;         /* ... by type and id, from EDITS_LISTED of them on */
	int n_edits;
	struct txn_row *rows, **rows_tail;
	struct txn_out *outs, **outs_tail;
	struct strbuf scratch;
	int last_ids[OBJ_TYPES];        /* counters as they were at the begin: a failure goes back to them */
	int64_t side_ids[TABLE_COUNT];
	uint32_t kept_ids;              /* types (bits) whose ids stay taken all the same */
};

static inline bool txn_ok(const struct txn *t) { return t->err.rc == ONE_OK; }
/* Fails the transaction (the first failure counts); returns rc. */
enum one_rc txn_fail(struct txn *t, enum one_rc rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* ONE_NO_EXISTS for an object: the answer names type and id. */
enum one_rc txn_no_object(struct txn *t, enum obj_type type, int id);

/* oned.conf. */
const struct conf *txn_conf(const struct txn *t);
/* The counter of a pool becomes at least `last`: the ids up to it are kept for the system. */
void txn_reserve_ids(struct txn *t, enum obj_type type, int last);

/* The id that the next txn_new of that type gets. */
int txn_peek_id(struct txn *t, enum obj_type type);

/* A private copy to change; the same pointer for the whole transaction. NULL (and ONE_NO_EXISTS) when there is none. */
void *txn_edit(struct txn *t, enum obj_type type, int id);
/* To look at only: the private copy if there is one, else the published form. NULL without failing when there is none. */
const void *txn_read(struct txn *t, enum obj_type type, int id);
bool txn_exists(struct txn *t, enum obj_type type, int id);
/* The version a reader of this transaction sees (rights, owner, index) unless edited in it; NULL when there is none. Valid during the transaction. */
const struct version *txn_version(struct txn *t, enum obj_type type, int id);
/* A new object with the next id of its pool; name etc. are the caller's to set. */
void *txn_new(struct txn *t, enum obj_type type);
/* The ids that new objects of a type took in this transaction stay taken when it fails, where that shows in OpenNebula. */
void txn_keep_ids(struct txn *t, enum obj_type type);
/* The same for the first object of a pool alone, whose making failed: OpenNebula's counter doesn't go back behind it. Returns NULL. */
void *txn_keep_first_id(struct txn *t, const struct object *o);
void txn_delete(struct txn *t, struct object *o);
/* Id of the object of that name (uid: for types with names unique an owner), -1. Looks at this batch's changes too. */
int txn_find(struct txn *t, enum obj_type type, const char *name, int uid);
/* All ids of a pool, ascending, this batch's changes included; memory of the transaction. */
int txn_ids(struct txn *t, enum obj_type type, int **ids);

/* A row of a side table (history, acl, relations, quotas, ...). Texts are copied. */
void txn_put(struct txn *t, enum store_table table, const struct sql_value *cols, int n);
void txn_remove(struct txn *t, enum store_table table, const struct sql_value *cols, int n);
/* The next number of a pool_control counter that is no object pool ("acl", ...). */
int txn_next_id(struct txn *t, enum store_table table);

/* What leaves after the commit, in this order, and then the events of the states that changed. Texts are copied. */
void txn_send(struct txn *t, const char *kind, const char *name, const char *action, long long id, const char *payload);
void txn_vm_log(struct txn *t, int vm_id, int level, const char *module, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* A timer; without `done` it is as sure as core_submit_sure. */
void txn_after(struct txn *t, int delay_ms, core_run_fn run, core_done_fn done, void *arg);

#endif
