/* What a VM uses: of hosts, of system datastores, of its owner's quotas. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/datastore.h"
#include "oned/objects/vm_priv.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

void vm_capacity(const struct vm *vm, struct arena *arena, struct capacity *out)
{
	const double most = 1e9; /* more than a host can have, and no overflow */
	long long memory;
	double cpu;

	(void)arena;
	*out = (struct capacity){ .vm_template = vm->o.tmpl };
	if (!tmpl_get_int(vm->o.tmpl, "MEMORY", &memory) || !tmpl_get_float(vm->o.tmpl, "CPU", &cpu))
		return;
	/* In single precision as the reference: 0.29 is 29 %, not 28. */
	out->cpu_percent = (long long)((float)(cpu > most ? most : cpu) * 100);
	out->memory_kb = vm_kb(memory);
}

/* ---- disks ---- */

/* Where the disk of a VM ends up: SYSTEM, SELF (the image datastore) or NONE. */
static const char *disk_target(const struct attr *disk)
{
	bool clone;

	if (!attr_get_bool(disk, "CLONE", &clone))
		return "";
	return text_of(disk, clone ? "CLONE_TARGET" : "LN_TARGET");
}

/* With its snapshots; 0: no size is known. */
static long long disk_mb(const struct attr *disk)
{
	long long size, snapshots;

	if (!attr_get_int(disk, "SIZE", &size))
		return 0;
	return attr_get_int(disk, "DISK_SNAPSHOT_TOTAL_SIZE", &snapshots) ? size + snapshots : size;
}

static long long system_mb(const struct tmpl *tmpl)
{
	long long sum = 0, size;

	for (const struct attr *a = tmpl_find(tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (a->vector && (disk_is_volatile(a) || !strcasecmp(disk_target(a), "SYSTEM")))
			sum += disk_mb(a);
	for (const struct attr *a = tmpl_find(tmpl, "SNAPSHOT"); a; a = tmpl_find_next(a))
		if (a->vector && attr_get_int(a, "SYSTEM_DISK_SIZE", &size))
			sum += size;
	return sum;
}

long long vm_system_disk_mb(const struct vm *vm)
{
	return system_mb(vm->o.tmpl);
}

/* ---- quotas ---- */

static int count_vectors(const struct tmpl *tmpl, const char *name)
{
	int n = 0;

	for (const struct attr *a = tmpl_find(tmpl, name); a; a = tmpl_find_next(a))
		n += a->vector;
	return n;
}

static void use_disks(const struct tmpl *tmpl, struct arena *arena, struct vm_usage *out)
{
	int n = count_vectors(tmpl, "DISK"), *images = arena_array(arena, n + 1, int);
	struct vm_usage_ds *datastores = arena_array(arena, n + 1, struct vm_usage_ds);
	long long id;

	for (const struct attr *a = tmpl_find(tmpl, "DISK"); a; a = tmpl_find_next(a)) {
		if (!a->vector)
			continue;
		if (attr_get_int(a, "IMAGE_ID", &id))
			images[out->n_images++] = (int)id;
		if (!strcasecmp(disk_target(a), "SELF") && disk_mb(a) && attr_get_int(a, "DATASTORE_ID", &id))
			datastores[out->n_datastores++] = (struct vm_usage_ds){ (int)id, disk_mb(a) };
	}
	out->images = images;
	out->datastores = datastores;
	out->system_disk_mb = system_mb(tmpl);
}

static void use_nics(const struct tmpl *tmpl, struct arena *arena, struct vm_usage *out)
{
	static const char *const names[] = { "NIC", "NIC_ALIAS", "PCI" };
	int n = count_vectors(tmpl, names[0]) + count_vectors(tmpl, names[1]) + count_vectors(tmpl, names[2]);
	int *networks = arena_array(arena, n + 1, int);
	long long id;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (const struct attr *a = tmpl_find(tmpl, names[i]); a; a = tmpl_find_next(a))
			if (vm_nic_is_device(a) && attr_get_int(a, "NETWORK_ID", &id))
				networks[out->n_networks++] = (int)id;
	out->networks = networks;
}

void vm_usage_of_template(const struct tmpl *tmpl, bool running, struct arena *arena, struct vm_usage *out)
{
	*out = (struct vm_usage){ .vms = 1 };
	tmpl_get_float(tmpl, "CPU", &out->cpu);
	tmpl_get_int(tmpl, "MEMORY", &out->memory_mb);
	if (running) {
		out->running_vms = 1;
		out->running_cpu = out->cpu;
		out->running_memory_mb = out->memory_mb;
	}
	use_disks(tmpl, arena, out);
	use_nics(tmpl, arena, out);
}

void vm_usage_of(const struct vm *vm, bool running, struct arena *arena, struct vm_usage *out)
{
	vm_usage_of_template(vm->o.tmpl, running, arena, out);
}
