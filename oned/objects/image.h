/* Images (IMAGE). Their states are driven by lifecycle/image.h. */
#ifndef ONED_OBJECTS_IMAGE_H
#define ONED_OBJECTS_IMAGE_H

#include <stdbool.h>
#include "oned/auth/identity.h"
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/datastore.h"

enum image_type { IMAGE_OS = 0, IMAGE_CDROM, IMAGE_DATABLOCK, IMAGE_KERNEL, IMAGE_RAMDISK, IMAGE_CONTEXT, IMAGE_BACKUP, IMAGE_TYPES };

enum image_state {
	IMAGE_INIT = 0, IMAGE_READY, IMAGE_USED, IMAGE_DISABLED, IMAGE_LOCKED, IMAGE_ERROR, IMAGE_CLONE, IMAGE_DELETE, IMAGE_USED_PERS,
	IMAGE_LOCKED_USED, IMAGE_LOCKED_USED_PERS, IMAGE_STATES
};

struct image {
	struct object o;
	enum image_type type;
	enum disk_type disk_type;
	bool persistent;
	time_t regtime;
	const char *source, *path, *format, *fs;
	long long size_mb;
	enum image_state state, prev_state;
	int running_vms, cloning_ops, cloning_id, target_snapshot; /* ids: -1 none */
	int ds_id;
	const char *ds_name;
	struct idset vms, clones, app_clones, backup_disks;
	struct tmpl *snapshots;    /* SNAPSHOTS: ALLOW_ORPHANS, CURRENT_BASE, NEXT_SNAPSHOT, SNAPSHOT* */
	struct tmpl *increments;   /* BACKUP_INCREMENTS */
};

extern const struct obj_ops image_ops;

const char *image_type_name(enum image_type type);       /* "OS" */
enum image_type image_type_parse(const char *name);      /* any case; IMAGE_TYPES: no such type */
const char *image_state_name(enum image_state state);    /* "READY" */

/* A VM takes the image of a DISK into use. Finds it by IMAGE_ID, or IMAGE with IMAGE_UID, IMAGE_UNAME or the caller's own; checks its state and
 * SIZE; READY -> USED or USED_PERS; adds the VM to it; fills the DISK with all it gets from the image and its datastore. A volatile disk
 * (no IMAGE) is only checked and gets its DEV_PREFIX. tm_mad_system: TM_MAD_SYSTEM of the VM's template, or NULL. *snapshots (may be
 * NULL): the image's snapshots, or NULL when it has none. ONE_ACTION (or ONE_NO_EXISTS) with OpenNebula's text. */
enum one_rc image_disk_acquire(struct txn *t, const struct identity *who, struct attr *disk, struct arena *arena, int vm_id,
			       const char *tm_mad_system, const struct tmpl **snapshots);
/* The VM gives it back; failed: a persistent image's contents can't be trusted, it ends in ERROR. */
void image_disk_release(struct txn *t, int image_id, int vm_id, bool failed);
/* Only fills the DISK (template.info extended, quotas): nothing is taken. Unknown images are left as they are. */
void image_disk_show(struct txn *t, const struct identity *who, struct attr *disk, struct arena *arena);
/* The image a DISK names, seen by this user; -1: none (a volatile disk, or no such image). */
int image_disk_id(struct txn *t, const struct identity *who, const struct attr *disk);

/* The same reading for a KERNEL or RAMDISK file (KERNEL_DS...): the version of an image; used by VMs without counting. */
long long image_snapshots_mb(const struct image *img);

#endif
