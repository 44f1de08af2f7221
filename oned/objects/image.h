/* Images (IMAGE): their fields, and how VMs take them into use. What the datastore driver does to them is lifecycle/image.h. */
#ifndef ONED_OBJECTS_IMAGE_H
#define ONED_OBJECTS_IMAGE_H

#include <stdbool.h>
#include "oned/auth/identity.h"
#include "oned/core/object.h"
#include "oned/core/txn.h"
#include "oned/objects/datastore.h"
#include "oned/objects/image_state.h"

enum image_type { IMAGE_OS = 0, IMAGE_CDROM, IMAGE_DATABLOCK, IMAGE_KERNEL, IMAGE_RAMDISK, IMAGE_CONTEXT, IMAGE_BACKUP, IMAGE_TYPES };

struct image {
	struct object o;
	enum image_type type;
	enum disk_type disk_type;
	bool persistent;
	time_t regtime;
	const char *source, *path, *format, *fs;  /* "" where there is none */
	long long size_mb;
	enum image_state state, prev_state;
	int running_vms, cloning_ops;
	int cloning_id, target_snapshot;          /* -1: none */
	int ds_id;
	const char *ds_name;
	struct idset vms, clones, app_clones, backup_disks;
	struct tmpl *snapshots;    /* SNAPSHOTS: ALLOW_ORPHANS, CURRENT_BASE, NEXT_SNAPSHOT, SNAPSHOT* */
	struct tmpl *increments;   /* BACKUP_INCREMENTS */
};

extern const struct obj_ops image_ops;

const char *image_type_name(enum image_type type);       /* "OS" */
enum image_type image_type_parse(const char *name);      /* any case; IMAGE_TYPES: no such type */
/* OS, CDROM and DATABLOCK can be disks; KERNEL, RAMDISK and CONTEXT are files. */
bool image_type_is_disk(enum image_type type);
bool image_type_is_file(enum image_type type);
/* SAVE_AS: its contents come from a disk of a VM. */
bool image_is_saving(const struct image *img);
bool image_has_snapshots(const struct image *img);

/* Changes the state by the table of image_state.h, with its log line. false: the event means nothing in this state, nothing is changed. */
bool image_event(struct txn *t, struct image *img, enum image_event event);

/* Something is made of its contents: `of` is its clones or app_clones. false: not in its state. Again for the same id is no error. */
bool image_copy_begin(struct txn *t, struct image *img, struct idset *of, int id);
/* It is made, or given up. */
void image_copy_end(struct txn *t, struct image *img, struct idset *of, int id);

/* Makes an image of a template, in a datastore of the right kind: state LOCKED, nothing asked of the driver yet. cloning_id: the image it
 * is a copy of, or -1. ONE_INTERNAL with OpenNebula's reason. */
struct image *image_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl, const struct datastore *ds, int cloning_id);
/* The datastore forgets it, its owner's quotas too, the object goes. */
void image_drop(struct txn *t, struct image *img);
/* image.chtype, image.persistent: ONE_INTERNAL with the reason. */
enum one_rc image_set_type(struct txn *t, struct image *img, const char *type);
enum one_rc image_set_persistent(struct txn *t, struct image *img, bool persistent);
/* What a copy of it is made of: its template with NAME, TYPE, PATH, FORMAT, SIZE. Memory of the transaction. */
struct tmpl *image_clone_template(struct txn *t, const struct image *img, const char *name);

/* ---- quotas: what it takes of its datastore counts for its owner and his group ---- */

/* Tested against the limits. */
enum one_rc image_quota_add(struct txn *t, int uid, int gid, int ds_id, long long size_mb, int images);
/* All it takes, whatever the limits. */
void image_quota_count(struct txn *t, const struct image *img);
/* It has other owners now than these. */
enum one_rc image_quota_move(struct txn *t, const struct image *img, int old_uid, int old_gid);
/* It became smaller (or larger, when negative). */
void image_quota_shrink(struct txn *t, const struct image *img, long long by_mb);

/* ---- disks of VMs (image_disk.c) ---- */

/* A VM takes the image of a DISK into use. Finds it by IMAGE_ID, or IMAGE with IMAGE_UID, IMAGE_UNAME or the caller's own; checks its state and
 * SIZE; adds the VM to it; fills the DISK with all it gets from the image and its datastore. A volatile disk (no IMAGE) is only checked and
 * gets its DEV_PREFIX. tm_mad_system: TM_MAD_SYSTEM of the VM's template, or NULL. attach: the VM exists already, so a locked image
 * can't be waited for. *snapshots (may be NULL): the image's SNAPSHOTS, NULL when it has none. ONE_ACTION with OpenNebula's text. */
enum one_rc image_disk_acquire(struct txn *t, const struct identity *who, struct attr *disk, struct arena *arena, int vm_id,
			       const char *tm_mad_system, bool attach, const struct tmpl **snapshots);
/* The VM, which counts once however many disks it has of it, gives it back with the last of them; failed: what a persistent image holds
 * can't be trusted, it ends in ERROR. An image that isn't there is no error. */
void image_disk_release(struct txn *t, int image_id, int vm_id, bool failed);
/* Only fills the DISK (template.info extended): nothing is taken. Unknown images are left as they are. */
void image_disk_show(struct txn *t, const struct identity *who, struct attr *disk, struct arena *arena);
/* The image a DISK names, seen by this user; -1: none (a volatile disk, or no such image). */
int image_disk_id(struct txn *t, const struct identity *who, const struct attr *disk);
/* SNAPSHOTS of an image that has none. */
struct tmpl *image_no_snapshots(struct arena *arena);
/* After a VM with the persistent image made or deleted snapshots, or resized the disk: the image follows. snapshots NULL: none. */
void image_set_snapshots(struct txn *t, int image_id, const struct tmpl *snapshots);
void image_set_size(struct txn *t, int image_id, long long size_mb);

#endif
