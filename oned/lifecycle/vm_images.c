#include "oned/lifecycle/vm_images.h"

#include <ctype.h>

#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/vm.h"

static bool names_image(const struct attr *disk, int image_id)
{
	long long id;

	return disk->vector && attr_get_int(disk, "IMAGE_ID", &id) && id == image_id;
}

/* What wasn't known while the image was locked. */
static void fill_disk(struct vm *vm, struct attr *disk, const struct image *img)
{
	struct arena *a = &vm->o.arena;
	char *format = arena_strdup(a, img->format);

	attr_remove(disk, "CLONING");
	attr_set(a, disk, "SOURCE", img->source);
	for (char *c = format; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (*format) {
		attr_set(a, disk, "DRIVER", format);
		attr_set(a, disk, "FORMAT", format);
	}
}

static void image_is_ready(struct vm *vm, const struct image *img)
{
	for (struct attr *d = tmpl_find(vm->o.tmpl, "DISK"); d; d = tmpl_find_next(d))
		if (names_image(d, img->o.id) && attr_get(d, "CLONING"))
			fill_disk(vm, d, img);
}

static bool still_waits(const struct vm *vm)
{
	for (const struct attr *d = tmpl_find(vm->o.tmpl, "DISK"); d; d = tmpl_find_next(d))
		if (d->vector && attr_get(d, "CLONING"))
			return true;
	return false;
}

/* The VM goes on to where it was meant to begin. */
static void go_on(struct txn *t, struct vm *vm)
{
	bool hold;

	vm_event(t, vm, VM_EV_DISKS_READY);
	if (vm->state == VM_PENDING && tmpl_get_bool(vm->o.tmpl, "SUBMIT_ON_HOLD", &hold) && hold)
		vm_event(t, vm, VM_EV_HOLD);
}

void vm_images_changed(struct txn *t, const struct image *img)
{
	for (int i = 0; i < img->vms.n; i++) {
		const struct vm *v = txn_read(t, OBJ_VM, img->vms.ids[i]);
		struct vm *vm;

		if (!v || (v->state != VM_CLONING && v->state != VM_CLONING_FAILURE))
			continue;
		vm = txn_edit(t, OBJ_VM, img->vms.ids[i]);
		if (!vm)
			return;
		if (img->state == IMAGE_ERROR) {
			vm_event(t, vm, VM_EV_DISKS_FAILED);
			continue;
		}
		image_is_ready(vm, img);
		if (!still_waits(vm))
			go_on(t, vm);
	}
}
