/* A call from its arrival to its answer, and the row of the method table it belongs to.
 *
 * The dispatcher does parse -> find the row -> authenticate -> check parameters -> authorise -> run -> answer -> log
 * for all methods. A row names a handler of one of two kinds:
 *   read:  runs on the worker (an HTTP loop's thread), on published versions;
 *   write: runs on the core thread, inside the transaction, after `prepare` (on the worker: parse, validate, no objects).
 * A handler says how it ended with call_ok_* or by failing (call_fail; in a write handler, txn_fail). A write handler that calls call_fail
 * keeps what it changed, and tells that something else failed. */
#ifndef ONED_API_CALL_H
#define ONED_API_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/err.h"
#include "oned/api/http.h"
#include "oned/api/rpc.h"
#include "oned/auth/authz.h"
#include "oned/auth/identity.h"
#include "oned/core/core.h"
#include "oned/core/txn.h"

struct api;
struct call;

#define METHOD_MAX_PARAMS 12

enum method_flags {
	M_LOCK_EXEMPT = 1 << 0,    /* locks don't block it (info, lock, unlock) */
	M_NO_RIGHT = 1 << 1,       /* the dispatcher checks nothing: anybody who is authenticated, or the handler checks (and its comment says how) */
	M_TYPE_RIGHT = 1 << 2,     /* the right is checked on the type as a whole (CREATE, ADMIN of pools) */
	M_ZONE_DISABLED = 1 << 3,  /* works while the zone is disabled */
	M_BULK = 1 << 4,           /* may take long (whole pools): runs on the bulk thread */
	M_OP_CLASS = 1 << 5,       /* the right of a VM operation: VM_*_OPERATIONS may change it; `op_class` is its name */
	M_NO_AUTH = 1 << 6,        /* system.*: has no session */
	M_SECRET_ANSWER = 1 << 7,  /* the answer is not logged */
	M_PARSE_FIRST = 1 << 8,    /* what prepare() refuses is told before the right is checked */
	M_ID_FIRST = 1 << 9,       /* an id that no object can have is told before the right is checked */
};

struct method {
	const char *name;          /* "one.vm.deploy" */
	/* Parameters after the session: "name:type[=default]" separated by blanks; types: i int, l i8, b bool, s string, A array of ints.
	 * A leading '*' hides the value in logs. e.g. "id:i host:i enforce:b=false ds:i=-1 extra:s=" */
	const char *params;
	enum obj_type object;      /* whose word stands in error texts, and on which the right is checked */
	enum auth_op right;
	unsigned flags;
	const char *op_class;      /* "deploy": the token in VM_*_OPERATIONS */
	int id_at;                 /* which parameter names the object: 0 but for one.vm.action */
	void (*read)(struct call *c);
	enum one_rc (*prepare)(struct call *c, struct one_err *err); /* may be NULL */
	void (*write)(struct txn *t, struct call *c);
	bool (*by_write)(const struct call *c); /* of a row with both handlers: which one runs */
	const char *doc;           /* one sentence, for the reference */
};

struct call {
	struct call *next;         /* in the bulk queue, and what is run there */
	void (*run)(struct call *c);
	struct arena arena;
	struct api *api;
	struct http_request *http; /* NULL for calls of oned itself and parts of a multicall */
	const struct method *method;
	struct rpc_request rpc;
	const struct rpc_value *args; /* after the session, defaults filled in */
	int n_args;                /* given ones */
	struct identity who;
	int req_id;
	void *prepared;            /* from prepare() to write() */
	struct one_err prepare_err; /* of prepare(): told after the right was checked, as OpenNebula does, but for *.allocate and
	                            * M_PARSE_FIRST */
	/* how it ended */
	enum { CALL_OPEN, CALL_INT, CALL_TEXT, CALL_WIRE, CALL_BRIEFS, CALL_WHOLE /* text is the whole answer */ } kind;
	long long number;
	struct strbuf text;        /* CALL_TEXT: the payload as it is; CALL_WIRE: the answer so far, escaped */
	struct one_err err;
	int fault;                 /* not 0: the answer is this fault */
	const char *fault_text;
	struct version **versions; /* CALL_BRIEFS: their escaped texts are sent without copying */
	size_t n_versions;
	const char *pool_root;
	struct version *deleted;   /* what it deletes, for its event; NULL */
	struct login *login;       /* while it is found out who is calling */
	struct multicall *multi;   /* the system.multicall it is part of; NULL */
	/* Set by a write handler that asked a driver first: when its transaction is committed, nobody is answered yet, and call_resume goes on. */
	bool waiting;
	void (*resumed)(struct txn *t, struct call *c);
};

/* The right the caller needs: the row's, or that of the class his VM operation is in. */
enum auth_op call_right(const struct call *c);
/* For a row with M_OP_CLASS; and of a class by its name. */
enum auth_op vm_op_right(const struct call *c);
enum auth_op vm_class_right(const struct call *c, const char *op);
enum auth_op vm_action_right(const struct call *c, const char *action); /* ... of the class of a word of one.vm.action or SCHED_ACTION */
/* Runs the read handler and answers. */
void call_run_read(struct call *c);

/* Runs another write handler for a call that waits, in a new transaction, and answers. Rights are the handler's to check (again). Core thread. */
void call_resume(struct call *c, void (*write)(struct txn *t, struct call *c));

/* Arguments by position after the session (asserted by the table's types). */
static inline int call_int(const struct call *c, int i) { return (int)c->args[i].i; }
static inline bool call_bool(const struct call *c, int i) { return c->args[i].i != 0; }
static inline const char *call_str(const struct call *c, int i) { return c->args[i].s; }

void call_ok_int(struct call *c, long long value);
void call_ok_text(struct call *c, const char *text, size_t len);     /* copied */
/* The payload is appended to the returned buffer. */
struct strbuf *call_ok_buffer(struct call *c);
/* For large ones: the returned buffer takes what rpc_escape() makes of the payload (call_add_escaped), so it is touched once. */
struct strbuf *call_ok_wire(struct call *c);
/* `<root>` + the brief (escaped) form of each version + `</root>`; takes the list over (pool_release). */
void call_ok_briefs(struct call *c, const char *root, struct version **list, size_t n);
enum one_rc call_fail(struct call *c, enum one_rc rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Only oneadmin himself may; false: failed already. */
bool call_by_oneadmin(struct call *c);
enum one_rc call_no_object(struct call *c, enum obj_type type, int id);

/* The version of the object that parameter 0 names, after the right of the method's row was checked on it; NULL: failed already.
 * To be unref'ed. For read handlers. */
struct version *call_object(struct call *c);
/* The same for write handlers: a private copy. NULL: the transaction failed (no such object, or not allowed). */
void *call_edit(struct txn *t, struct call *c);
/* Checks a right of the caller on another object inside a transaction. false: failed. */
bool call_may(struct txn *t, struct call *c, enum auth_op op, enum obj_type type, int id);
/* USE of an object that exists and CREATE of its type, told together. false: failed. */
bool call_may_clone(struct txn *t, struct call *c, enum obj_type type, int id);
/* Several at once, told together: call_checks_begin, authz_check_*, call_checks_end. */
void call_checks_begin(struct call *c, struct authz *a);
bool call_checks_end(struct txn *t, struct authz *a);

/* Tables of the method rows, one a file; each ends with a NULL name. */
extern const struct method system_methods[], user_methods[], group_methods[], acl_methods[], zone_methods[], cluster_methods[],
	host_methods[], datastore_methods[], image_methods[], vn_methods[], secgroup_methods[], template_methods[], vdc_methods[],
	quota_methods[], document_methods[], vntemplate_methods[], vmgroup_methods[], hook_methods[],
	market_methods[], vrouter_methods[], backup_job_methods[];

/* Handlers that fit many types (generic.c); the row's object says which. */
void api_info(struct call *c);                                     /* id:i decrypt:b=false */
void api_pool_info(struct call *c);                                /* filter:i start:i end:i, or no parameters: everything visible */
enum one_rc api_check_append(const struct call *c, int i, struct one_err *err); /* 0 or 1; ONE_API */
enum one_rc api_prepare_update(struct call *c, struct one_err *err);
void api_update(struct txn *t, struct call *c);                    /* id:i template:s append:i=0 */
void api_delete(struct txn *t, struct call *c);                    /* id:i; of what nothing else depends on */
void api_rename(struct txn *t, struct call *c);                    /* id:i name:s */
void api_chmod(struct txn *t, struct call *c);                     /* id:i uu:i ... oa:i */
void api_chown(struct txn *t, struct call *c);                     /* id:i uid:i gid:i */
void api_lock(struct txn *t, struct call *c);                      /* id:i level:i test:b=false */
void api_unlock(struct txn *t, struct call *c);                    /* id:i */
/* Parses the template in parameter 0 into c->prepared (struct tmpl *). ONE_INTERNAL with the parser's text. */
enum one_rc api_prepare_template0(struct call *c, struct one_err *err);
enum one_rc api_prepare_template1(struct call *c, struct one_err *err); /* ... in parameter 1 */
/* Owner, group, names and permission bits of a new object from the caller and his umask. */
void api_own(struct call *c, struct object *o);

#endif
