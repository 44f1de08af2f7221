/* Datastores (DATASTORE): where images, files, backups and the disks of running VMs live. */
#ifndef ONED_OBJECTS_DATASTORE_H
#define ONED_OBJECTS_DATASTORE_H

#include <stdbool.h>
#include "oned/core/object.h"
#include "oned/core/txn.h"

enum ds_type { DS_IMAGE = 0, DS_SYSTEM = 1, DS_FILE = 2, DS_BACKUP = 3, DS_TYPES };
enum ds_state { DS_READY = 0, DS_DISABLED = 1 };

/* How a disk appears to the hypervisor (DISK_TYPE of images and datastores, TYPE of a disk). */
enum disk_type {
	DISK_FILE = 0, DISK_CDROM = 1, DISK_BLOCK = 2, DISK_RBD = 3, DISK_RBD_CDROM = 4, DISK_GLUSTER = 5, DISK_GLUSTER_CDROM = 6,
	DISK_SHEEPDOG = 7, DISK_SHEEPDOG_CDROM = 8, DISK_ISCSI = 9,
	DISK_NONE = 255
};

struct datastore {
	struct object o;
	const char *ds_mad, *tm_mad, *base_path; /* ds_mad "-" for system, tm_mad "-" for backup datastores */
	enum ds_type type;
	enum disk_type disk_type;
	enum ds_state state;
	struct idset clusters, images;
	long long total_mb, free_mb, used_mb;
};

#define DATASTORE_SYSTEM 0
#define DATASTORE_DEFAULT 1
#define DATASTORE_FILES 2

extern const struct obj_ops datastore_ops;

const char *ds_type_name(enum ds_type type);             /* "IMAGE_DS" */
const char *disk_type_name(enum disk_type type);         /* "FILE" */
enum disk_type disk_type_parse(const char *name);        /* any case; DISK_NONE: no such type */

/* Makes a datastore of a template, in these clusters (both sides). ONE_INTERNAL with the reason. */
struct datastore *datastore_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, const int *clusters, int n_clusters);
/* With its clusters and VDCs. ONE_ACTION with the reason. */
enum one_rc datastore_delete(struct txn *t, struct datastore *ds);
/* After *.update: TYPE, DISK_TYPE, TM_MAD, DS_MAD of the template into the fields and back. ONE_INTERNAL with the reason. */
enum one_rc datastore_template_changed(struct txn *t, struct datastore *ds);
/* After it was renamed: its images follow. */
void datastore_renamed(struct txn *t, const struct datastore *ds);
/* Space left for new images; *check: whether it is to be looked at (DATASTORE_CAPACITY_CHECK). */
long long datastore_available_mb(struct txn *t, const struct datastore *ds, bool *check);
bool datastore_persistent_only(struct txn *t, const struct datastore *ds);
/* The DRIVER (format of images) that its TM_MAD or its template imposes; NULL: none. */
const char *datastore_driver(struct txn *t, const struct datastore *ds);
/* A system datastore whose disks all hosts see (SHARED=YES). */
bool datastore_shared(const struct datastore *ds);
/* Where it lies: DATASTORE_LOCATION and its id. */
const char *datastore_base_path(struct txn *t, struct arena *arena, int id);

/* Fills a DISK with what it gets from its datastore: DATASTORE, TM_MAD, CLUSTER_ID, CLONE_TARGET, LN_TARGET, DISK_TYPE, inherited attributes;
 * for volatile disks also DRIVER and FORMAT. TM_MAD_SYSTEM of the DISK, when it is there, chooses among the targets. ONE_ACTION: no such
 * datastore. */
enum one_rc datastore_disk_fill(struct txn *t, int ds_id, struct attr *disk, struct arena *arena);
/* A disk without an image: TYPE swap or fs. */
bool disk_is_volatile(const struct attr *disk);
/* Sets TYPE and DISK_TYPE; a CD stays one. */
void disk_set_types(struct attr *disk, struct arena *arena, const char *type);

/* The first start: 0 system, 1 default, 2 files, owned by oneadmin. */
enum one_rc datastore_bootstrap(struct txn *t);

#endif
