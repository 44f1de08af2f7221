/* Disks of a VM: their images, numbers and device names. */
#include <string.h>
#include <strings.h>

#include "common/map.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/settings.h"
#include "oned/objects/vm_priv.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* ---- device names: the prefix and a, b ... z, aa ... ---- */

struct targets {
	struct smap used;
	struct smap next;   /* prefix -> index of the first that may be free */
};

static bool use_target(struct targets *names, const char *target)
{
	static char taken;

	return !smap_put(&names->used, target, &taken);
}

static const char *target_name(struct arena *arena, const char *prefix, unsigned index)
{
	char letters[8], *at = letters + sizeof(letters) - 1;

	*at = '\0';
	for (;; index = index / 26 - 1) {
		*--at = (char)('a' + index % 26);
		if (index < 26)
			break;
	}
	return arena_printf(arena, "%s%s", prefix, at);
}

static void give_target(struct targets *names, struct arena *arena, struct attr *disk, const char *prefix)
{
	uintptr_t index = (uintptr_t)smap_get(&names->next, prefix);
	const char *target;

	do
		target = target_name(arena, prefix, (unsigned)index++);
	while (!use_target(names, target));
	smap_put(&names->next, prefix, (void *)index);
	attr_set(arena, disk, "TARGET", target);
}

/* Disks without a name of their own get one in this order. */
enum rank { RANK_FIRST_OS, RANK_CDROM, RANK_CONTEXT, RANK_DATA, RANK_NAMED };

struct disk { struct attr *attr; const char *prefix; enum rank rank; };

struct disks {
	struct disk *list;
	int n;
	struct targets names;
};

static void give_targets(struct disks *d, struct arena *arena)
{
	for (enum rank rank = RANK_FIRST_OS; rank < RANK_NAMED; rank++)
		for (int i = 0; i < d->n; i++)
			if (d->list[i].rank == rank)
				give_target(&d->names, arena, d->list[i].attr, d->list[i].prefix);
}

/* ---- taking ---- */

static enum image_type type_of(struct vm_making *m, const struct attr *disk)
{
	const struct image *img;
	long long id;

	if (!attr_get_int(disk, "IMAGE_ID", &id))
		return IMAGE_DATABLOCK; /* made for the VM */
	img = txn_read(m->t, OBJ_IMAGE, (int)id);
	return img ? img->type : IMAGE_DATABLOCK;
}

static enum rank rank_of(const struct disks *d, enum image_type type)
{
	if (type == IMAGE_CDROM)
		return RANK_CDROM;
	if (type != IMAGE_OS)
		return RANK_DATA;
	for (int i = 0; i < d->n; i++)
		if (d->list[i].rank == RANK_FIRST_OS)
			return RANK_DATA;
	return RANK_FIRST_OS;
}

static enum one_rc note_disk(struct vm_making *m, struct disks *d, struct attr *disk, const char *prefix,
			     enum rank rank)
{
	const char *target = text_of(disk, "TARGET");

	if (*target) {
		if (!use_target(&d->names, target))
			return vm_fail(m, "Two disks have defined the same target %s", target);
		rank = RANK_NAMED;
	}
	d->list[d->n++] = (struct disk){ disk, prefix, rank };
	return ONE_OK;
}

/* The image's snapshots are those of the disk from now on. */
static void add_snapshots(const struct tmpl *snapshots, int disk_id, struct arena *scratch,
			  struct strbuf *out)
{
	struct tmpl *copy = tmpl_copy(scratch, snapshots);

	tmpl_setf(copy, "DISK_ID", "%d", disk_id);
	tmpl_to_xml(copy, "SNAPSHOTS", out);
}

static enum one_rc take_disk(struct vm_making *m, struct disks *d, struct attr *disk,
			     const char *tm_mad_system, struct strbuf *snapshots_xml)
{
	struct arena *arena = &m->vm->o.arena;
	const struct tmpl *snapshots;
	int id = d->n;
	enum image_type type;

	attr_setf(arena, disk, "DISK_ID", "%d", id);
	if (image_disk_acquire(m->t, m->who, disk, arena, m->vm->o.id, tm_mad_system, false, &snapshots)) {
		one_err_prefix(&m->t->err, "DISK %d: ", id);
		return m->t->err.rc = ONE_INTERNAL;
	}
	type = type_of(m, disk);
	if (snapshots && type != IMAGE_CDROM)
		add_snapshots(snapshots, id, m->t->arena, snapshots_xml);
	return note_disk(m, d, disk, text_of(disk, "DEV_PREFIX"), rank_of(d, type));
}

/* An IDE bus has room for four, and names for 256 SCSI disks end there. */
static enum one_rc check_prefixes(struct vm_making *m, const struct disks *d)
{
	const struct attr *os = tmpl_vector(m->vm->o.tmpl, "OS");
	bool q35 = os && strstr(text_of(os, "MACHINE"), "q35");
	int hd = 0, sd = 0;

	for (int i = 0; i < d->n; i++) {
		hd += !strcmp(d->list[i].prefix, "hd");
		sd += !strcmp(d->list[i].prefix, "sd");
	}
	if (hd > 4 && !q35)
		return vm_fail(m, "Non-q35 VM %d has more than 4 hd disks", m->vm->o.id);
	if (sd > 256)
		return vm_fail(m, "VM %d has more than 256 disks", m->vm->o.id);
	return ONE_OK;
}

/* The context comes on a CD of its own, the last of the disks. */
static enum one_rc note_context(struct vm_making *m, struct disks *d)
{
	struct attr *context = tmpl_vector(m->vm->o.tmpl, "CONTEXT");
	const char *prefix;

	if (!context)
		return ONE_OK;
	attr_setf(&m->vm->o.arena, context, "DISK_ID", "%d", d->n);
	prefix = text_of(context, "DEV_PREFIX");
	if (!*prefix)
		prefix = settings_text(m->t, "DEFAULT_CDROM_DEVICE_PREFIX", "hd");
	return note_disk(m, d, context, prefix, RANK_CONTEXT);
}

static enum one_rc take_all(struct vm_making *m, struct disks *d, const char *tm_mad_system)
{
	struct tmpl *tmpl = m->vm->o.tmpl;
	struct strbuf snapshots = STRBUF_INIT;

	for (struct attr *a = tmpl_find(tmpl, "DISK"); a && txn_ok(m->t); a = tmpl_find_next(a))
		take_disk(m, d, a, tm_mad_system, &snapshots);
	m->vm->snapshots_xml = arena_strdup(&m->vm->o.arena, snapshots.buf);
	strbuf_done(&snapshots);
	if (txn_ok(m->t) && !check_prefixes(m, d) && !note_context(m, d))
		give_targets(d, &m->vm->o.arena);
	return m->t->err.rc;
}

enum one_rc vm_take_disks(struct vm_making *m)
{
	struct vm *vm = m->vm;
	struct disks d = { 0 };
	const char *tm_mad_system;
	int n;

	vm_take(vm, "CONTEXT", true);
	n = vm_take(vm, "DISK", true);
	if (n > VM_MAX_DEVICES)
		return vm_fail(m, "A VM can't have more than %d disks", VM_MAX_DEVICES);
	vm_keep_first(vm->o.tmpl, "CONTEXT");
	tm_mad_system = vm_take_text(vm, "TM_MAD_SYSTEM");
	if (*tm_mad_system)
		tmpl_add(vm->o.tmpl, "TM_MAD_SYSTEM", tm_mad_system);
	d.list = arena_array(m->t->arena, n + 1, struct disk);
	take_all(m, &d, tm_mad_system);
	smap_done(&d.names.used);
	smap_done(&d.names.next);
	return m->t->err.rc;
}

/* ---- locked images ---- */

static bool is_cloning(const struct attr *disk)
{
	bool value;

	return disk->vector && attr_get_bool(disk, "CLONING", &value) && value;
}

bool vm_disks_locked(const struct vm *vm)
{
	for (const struct attr *a = tmpl_find(vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (is_cloning(a))
			return true;
	return false;
}

/* ---- giving back ---- */

/* The SNAPSHOTS of a disk; NULL. */
static struct tmpl *snapshots_of(const struct vm *vm, long long disk_id, struct arena *scratch)
{
	const char *xml = vm->snapshots_xml ? vm->snapshots_xml : "";
	char *doc = arena_printf(scratch, "<ALL>%s</ALL>", xml);
	struct tmpl *found = NULL;
	struct xnode *root;

	if (!*xml || xml_parse(scratch, doc, strlen(doc), XML_MAX_DEPTH, SIZE_MAX, &root, NULL))
		return NULL;
	for (const struct xnode *n = xml_child(root, "SNAPSHOTS"); n && !found; n = xml_next(n)) {
		if (xml_int(n, "DISK_ID", -1) != disk_id)
			continue;
		found = tmpl_new(scratch);
		tmpl_from_xml(found, n);
	}
	return found;
}

static void release_disk(struct txn *t, const struct vm *vm, const struct attr *disk, bool failed)
{
	long long image, disk_id, size, original;

	if (!attr_get_int(disk, "IMAGE_ID", &image))
		return;
	if (attr_get_int(disk, "SIZE", &size) && attr_get_int(disk, "ORIGINAL_SIZE", &original) &&
	    size > original)
		image_set_size(t, (int)image, size);
	if (attr_get_int(disk, "DISK_ID", &disk_id))
		image_set_snapshots(t, (int)image, snapshots_of(vm, disk_id, t->arena));
	image_disk_release(t, (int)image, vm->o.id, failed);
}

void vm_release_disks(struct txn *t, struct vm *vm, bool failed)
{
	for (const struct attr *a = tmpl_find(vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (a->vector)
			release_disk(t, vm, a, failed);
}
