/* What an object is, for all types: the editable form, the published version, and the row that describes a type.
 *
 * A published `struct version` is immutable and reference-counted: ids, rights and the few numbers that filters need, beside the XML
 * that is stored and served. A `struct object` is the parsed, editable form: the first member of each type's own struct
 * (struct vm, struct host...). Editing an object is: parse the XML of its version, change, render again; so every type
 * needs just two functions (load and render), and what is in memory is what is in the database. */
#ifndef ONED_CORE_OBJECT_H
#define ONED_CORE_OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "common/xml.h"
#include "oned/store/store.h"

/* In the order of the type bits of ACL rules: bit 36 + type. */
enum obj_type {
	OBJ_VM, OBJ_HOST, OBJ_NET, OBJ_IMAGE, OBJ_USER, OBJ_TEMPLATE, OBJ_GROUP, OBJ_ACL, OBJ_DATASTORE, OBJ_CLUSTER,
	OBJ_DOCUMENT, OBJ_ZONE, OBJ_SECGROUP, OBJ_VDC, OBJ_VROUTER, OBJ_MARKET, OBJ_MARKETAPP, OBJ_VMGROUP,
	OBJ_VNTEMPLATE, OBJ_HOOK, OBJ_BACKUPJOB, OBJ_SCHEDACTION,
	/* kept like objects, but not addressed by the API: the quotas of users and groups (id = uid, gid), and the default quotas
	 * (id 0 users', 1 groups') */
	OBJ_USER_QUOTA, OBJ_GROUP_QUOTA, OBJ_DEFAULT_QUOTA,
	OBJ_VNC_PORTS,             /* id = cluster id */
	OBJ_TYPES,
	OBJ_NONE = OBJ_TYPES
};

/* What a body may have when a call is done: 1 MB less than the database takes. */
#define OBJECT_MAX_BYTES (15 * 1024 * 1024)

/* Permission bits, as in umask arithmetic (PERMISSIONS/OWNER_U is 0400). */
#define PERM_OWNER_U 0400
#define PERM_OWNER_M 0200
#define PERM_OWNER_A 0100
#define PERM_GROUP_U 0040
#define PERM_GROUP_M 0020
#define PERM_GROUP_A 0010
#define PERM_OTHER_U 0004
#define PERM_OTHER_M 0002
#define PERM_OTHER_A 0001

/* Levels as stored (LOCK/LOCKED): what is blocked is every operation whose value is >= the level. */
enum lock_level { LOCK_NONE = 0, LOCK_USE = 1, LOCK_MANAGE = 2, LOCK_ADMIN = 3 };

struct obj_lock {
	enum lock_level level;
	int owner;       /* uid */
	time_t time;
	int req_id;
};

struct obj_ops;

/* The editable form. All memory is of `arena`, which belongs to the object. */
struct object {
	const struct obj_ops *ops;
	struct arena arena;
	int id, uid, gid;          /* id -1: not allocated yet */
	const char *name, *uname, *gname;
	uint16_t perm;
	struct obj_lock lock;
	struct tmpl *tmpl;         /* the TEMPLATE element (of a VM: TEMPLATE; USER_TEMPLATE is struct vm's) */
	bool fresh;                /* made in this transaction */
	bool deleted;
};

/* The few numbers of a version that filters and SQL columns need. */
struct obj_index {
	int state, lcm_state;      /* VM, host, image, ... ; 0 where there is none */
	int parent;                /* host: cluster; network: parent network; document, hook: type; backup job: priority; VM: 1 when imported */
	const int *clusters;       /* of a host, network or datastore, for rules with %cluster; in the object's arena */
	int n_clusters;
};

struct version {
	atomic_uint refs;
	const struct obj_ops *ops;
	int id, uid, gid;
	uint16_t perm;
	enum lock_level lock;
	struct obj_index index;
	const char *name;
	const char *body;          /* the XML, NUL-terminated */
	size_t body_len;
	const char *brief;         /* a VM's short form, escaped for the wire; else NULL */
	size_t brief_len;
	const struct object *obj;  /* the parsed form, read-only; NULL for types with OBJ_F_DROP */
};

enum obj_flags {
	OBJ_F_OWNED = 1 << 0,        /* owner, group and permission bits of its own (PERMISSIONS in the XML) */
	OBJ_F_LOCKABLE = 1 << 1,
	OBJ_F_NAME_GLOBAL = 1 << 2,  /* a name once */
	OBJ_F_NAME_OWNER = 1 << 3,   /* a name once an owner */
	OBJ_F_DROP = 1 << 4,         /* versions don't keep the parsed form (many and large) */
	OBJ_F_SYSTEM100 = 1 << 5,    /* ids below 100 are kept for the system: the first ordinary one is 100, those can't be deleted */
	OBJ_F_NO_COUNTER = 1 << 6,   /* ids are given, not counted (quotas) */
	OBJ_F_NO_HEAD = 1 << 7,      /* the body has no ID of its own: load sets it */
	OBJ_F_ATTR_ONCE = 1 << 8,    /* a name stands in the template once: of several the last */
	OBJ_F_EVENTS = 1 << 9,       /* a change of its state is an event for hooks */
	OBJ_F_EVENT_NEW = 1 << 10,    /* and so is the state it begins with */
};

/* One row a type (objects.c). */
struct obj_ops {
	enum obj_type type;
	const char *token;       /* "VM": in ACL rules and refusals */
	const char *word;        /* "virtual machine": in error texts */
	const char *root, *pool_root;
	enum store_table table;
	size_t size;             /* of the type's struct */
	unsigned flags;
	/* Fills the type's own fields from the XML (the head is done). Copies what it keeps. */
	enum one_rc (*load)(struct object *o, const struct xnode *x, struct one_err *err);
	/* The whole body. */
	void (*render)(const struct object *o, struct strbuf *out);
	/* The short forms: XML, and JSON for body_json (json NULL: not wanted). NULL where there are none. */
	void (*brief)(const struct object *o, struct strbuf *xml, struct strbuf *json);
	/* NULL: all zero. */
	void (*index)(const struct object *o, struct obj_index *out);
	/* Fills cols (STORE_MAX_COLS) with the columns of the type's table and returns their number; NULL: obj_row_usual. Texts may point into
	 * o, v, brief and json. */
	int (*row)(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json, struct sql_value *cols);
	/* Makes an object of a row of the table, where there is no XML body to parse. NULL: column `body` is parsed with load. */
	enum one_rc (*load_row)(struct object *o, const struct sql_value *cols, int n, struct one_err *err);
	/* For OBJ_F_DROP: the head (id, owner, name, permissions, lock), the index and the short form of a row, without parsing its whole body.
	 * Texts may point into cols; memory of head->arena. */
	enum one_rc (*peek)(const struct sql_value *cols, struct object *head, struct obj_index *index, struct sql_value *brief,
			    struct one_err *err);
	/* Which rows of the table are objects of this type; NULL: all. */
	bool (*wants_row)(const struct sql_value *cols);
	/* Which part of the template may be changed by *.update: called with the new template before it replaces o->tmpl. NULL: no rule. */
	enum one_rc (*check_update)(struct object *o, struct tmpl *fresh, struct one_err *err);
};

#define STORE_MAX_COLS 16

const struct obj_ops *obj_ops(enum obj_type type); /* NULL: there is no such type yet */

/* Makes an empty object of a type. */
void *obj_new(const struct obj_ops *ops);
void obj_free(struct object *o);
/* Parses a body. On failure the text says which object and where. */
enum one_rc obj_load(const struct obj_ops *ops, const char *body, size_t len, struct object **out, struct one_err *err);
/* All of it but its id becomes what the XML says. After a failure it is of no use. */
enum one_rc obj_reload(struct object *o, const struct xnode *x, struct one_err *err);

/* Renders o and makes its version (refs 1). o stays the caller's until version_keep_obj; body, brief and json (NULL: not wanted) are work space, and
 * the raw texts afterwards. */
struct version *version_make(const struct object *o, struct strbuf *body, struct strbuf *brief, struct strbuf *json);
/* The version of a row that was peeked at (head, index, brief as peek gives them). */
struct version *version_of_row(const struct object *head, const struct obj_index *index, const struct sql_value *body,
			       const struct sql_value *brief);
/* Gives o to its version: kept as v->obj, or freed for types with OBJ_F_DROP. */
void version_keep_obj(struct version *v, struct object *o);
struct version *version_ref(struct version *v);
void version_unref(struct version *v); /* NULL is fine */

/* The nine bits of a PERMISSIONS element; the LOCK element. */
uint16_t obj_load_permissions(const struct xnode *x);
void obj_load_lock(struct obj_lock *lock, const struct xnode *x);

/* Parts of bodies that most types share. */
void obj_out_head(const struct object *o, struct strbuf *out);        /* ID UID GID UNAME GNAME NAME */
void obj_out_lock(const struct object *o, struct strbuf *out);        /* LOCK, or nothing */
void obj_out_permissions(const struct object *o, struct strbuf *out); /* PERMISSIONS */
void obj_out_ids(struct strbuf *out, const char *root, const int *ids, int n); /* <ROOT><ID>..</ID>...</ROOT> */
/* The usual head of a row: oid, name, body (as they all begin). */
int obj_row_usual(const struct object *o, const struct version *v, struct sql_value *cols);
/* The same and the index's parent, which has a column of its own behind them: a `row`. */
int obj_row_parent(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		   struct sql_value *cols);

/* A set of ids, kept sorted; memory of an arena. */
struct idset { int *ids; int n, cap; };
bool idset_has(const struct idset *s, int id);
bool idset_add(struct idset *s, struct arena *a, int id); /* false: was there */
void idset_add_all(struct idset *s, struct arena *a, int *ids, int n); /* in any order; ids is sorted */
bool idset_del(struct idset *s, int id);                  /* false: was not there */
void idset_load(struct idset *s, struct arena *a, const struct xnode *x); /* children ID of x; x may be NULL */

/* Names: 1..128 bytes without these. ONE_INTERNAL "Invalid NAME, ...". */
#define OBJ_NAME_FORBIDDEN "&|:\\\";/'#{}$<>"
enum one_rc obj_check_name(const char *name, struct one_err *err);

#endif
