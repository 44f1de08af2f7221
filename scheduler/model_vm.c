/* Pending VMs: what they need and what they ask for, read from VM_POOL with whole bodies (infoextended). */
#include "scheduler/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/tmpl.h"

#define VM_STATE_PENDING 1

/* More than any host has; keeps the arithmetic far from overflowing. */
#define MAX_CPUS      1e6f
#define MAX_MEMORY_MB (1LL << 40)

/* VM/HISTORY_RECORDS/HISTORY/ACTION: why the last record was closed. */
#define ACTION_UNDEPLOY      5
#define ACTION_UNDEPLOY_HARD 6
#define ACTION_STOP          9

static bool text_is(const struct xnode *n, const char *name, const char *value)
{
	const char *text = xml_text(n, name);

	return text && !strcasecmp(text, value);
}

static bool is_set(const struct xnode *n, const char *name)
{
	const char *text = xml_text(n, name);

	return text && *text;
}

/* The requirements oned derives from images and networks stand before the user's own. */
static const char *join_requirements(struct arena *arena, const struct xnode *template,
				     const char *automatic_name, const struct xnode *user, const char *name)
{
	const char *automatic = template ? xml_text_or(template, automatic_name, "") : "";
	const char *own = user ? xml_text(user, name) : NULL;

	if (!own)
		return automatic;
	return *automatic ? arena_printf(arena, "%s & ( %s )", automatic, own) : own;
}

static void read_wishes(struct model *m, struct sched_vm *vm, const struct xnode *template,
			const struct xnode *user)
{
	vm->requirements =
		join_requirements(m->arena, template, "AUTOMATIC_REQUIREMENTS", user, "SCHED_REQUIREMENTS");
	vm->store_requirements = join_requirements(m->arena, template, "AUTOMATIC_DS_REQUIREMENTS", user,
						   "SCHED_DS_REQUIREMENTS");
	vm->rank = vm->store_rank = vm->message = "";
	if (!user)
		return;
	vm->rank = xml_text(user, "SCHED_RANK");
	if (!vm->rank)
		vm->rank = xml_text_or(user, "RANK", "");
	vm->store_rank = xml_text_or(user, "SCHED_DS_RANK", "");
	vm->message = xml_text_or(user, "SCHED_MESSAGE", "");
	vm->priority = xml_float(user, "USER_PRIORITY", 0);
	vm->public_cloud = xml_child(user, "PUBLIC_CLOUD") || xml_child(user, "EC2");
}

static void add_image_use(struct sched_vm *vm, int store_id, long long mb)
{
	for (int i = 0; i < vm->n_images; i++) {
		if (vm->images[i].store_id == store_id) {
			vm->images[i].mb += mb;
			return;
		}
	}
	vm->images[vm->n_images++] = (struct image_use){ store_id, mb };
}

/* A disk made on the fly lies in the system datastore; an image where its transfer driver clones or links it
 * to. */
static void read_disk(struct sched_vm *vm, const struct xnode *disk)
{
	long long size_mb = xml_int(disk, "SIZE", -1), store_id = xml_int(disk, "DATASTORE_ID", -1);
	const char *target;
	bool clone;

	if (size_mb < 0)
		return;
	size_mb += xml_int(disk, "DISK_SNAPSHOT_TOTAL_SIZE", 0);
	if (text_is(disk, "TYPE", "SWAP") || text_is(disk, "TYPE", "FS")) {
		vm->disk_mb += size_mb;
		return;
	}
	if (store_id < 0)
		return;
	add_image_use(vm, (int)store_id, 0);
	if (!value_bool(xml_text_or(disk, "CLONE", ""), &clone))
		return;
	target = xml_text_or(disk, clone ? "CLONE_TARGET" : "LN_TARGET", "");
	if (!strcasecmp(target, "SELF"))
		add_image_use(vm, (int)store_id, size_mb);
	else if (!strcasecmp(target, "SYSTEM"))
		vm->disk_mb += size_mb;
}

static void read_capacity(struct model *m, struct sched_vm *vm, const struct xnode *template,
			  double memory_scale)
{
	/* In single precision, as oned accounts for it: 0.29 CPUs are 29 and not 28. */
	float cpu = (float)xml_float(template, "CPU", 0);
	long long memory_mb = xml_int(template, "MEMORY", 0);
	int n_disks = 0;

	for (struct xnode *disk = xml_child(template, "DISK"); disk; disk = xml_next(disk))
		n_disks++;
	vm->images = arena_array(m->arena, n_disks, struct image_use);
	for (struct xnode *disk = xml_child(template, "DISK"); disk; disk = xml_next(disk))
		read_disk(vm, disk);
	if (memory_mb <= 0 || cpu <= 0) {
		vm->disk_mb = 0;
		return;
	}
	memory_mb = memory_mb < MAX_MEMORY_MB ? memory_mb : MAX_MEMORY_MB;
	vm->cpu = (long long)(fminf(cpu, MAX_CPUS) * 100.0f);
	vm->memory_kb = memory_mb * 1024;
	if (memory_scale > 0)
		vm->disk_mb += (long long)((double)memory_mb * memory_scale);
}

static enum vm_need read_need(const struct xnode *template)
{
	const struct xnode *topology = xml_child(template, "TOPOLOGY");

	if (xml_child(template, "VMGROUP"))
		return NEED_VMGROUP;
	if (xml_child(template, "PCI"))
		return NEED_PCI;
	if (topology && ((is_set(topology, "PIN_POLICY") && !text_is(topology, "PIN_POLICY", "NONE")) ||
			 is_set(topology, "HUGEPAGE_SIZE") || is_set(topology, "NODE_AFFINITY")))
		return NEED_PINNING;
	for (struct xnode *nic = xml_child(template, "NIC"); nic; nic = xml_next(nic))
		if (text_is(nic, "NETWORK_MODE", "AUTO"))
			return NEED_AUTO_NIC;
	return NEED_NOTHING;
}

static bool read_resume(const struct xnode *n)
{
	const struct xnode *last = NULL, *records = xml_child(n, "HISTORY_RECORDS");
	long long action;

	for (struct xnode *h = records ? xml_child(records, "HISTORY") : NULL; h; h = xml_next(h))
		last = h;
	action = last ? xml_int(last, "ACTION", -1) : -1;
	return action == ACTION_STOP || action == ACTION_UNDEPLOY || action == ACTION_UNDEPLOY_HARD;
}

static void read_vm(struct model *m, struct sched_vm *vm, struct xnode *n, double memory_scale)
{
	struct xnode *template = xml_child(n, "TEMPLATE");

	*vm = (struct sched_vm){ .id = (int)xml_int(n, "ID", -1) };
	vm->uid = (int)xml_int(n, "UID", -1);
	vm->gid = (int)xml_int(n, "GID", -1);
	vm->resume = read_resume(n);
	read_wishes(m, vm, template, xml_child(n, "USER_TEMPLATE"));
	if (template) {
		read_capacity(m, vm, template, memory_scale);
		vm->need = read_need(template);
	}
}

/* The higher USER_PRIORITY first, then the older. */
static int by_priority(const void *a, const void *b)
{
	const struct sched_vm *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->id - y->id;
}

void model_read_vms(struct model *m, struct xnode *vm_pool, double memory_scale)
{
	int n = 0;

	for (struct xnode *vm = xml_child(vm_pool, "VM"); vm; vm = xml_next(vm))
		n++;
	m->vms = arena_array(m->arena, n, struct sched_vm);
	m->n_vms = 0;
	for (struct xnode *vm = xml_child(vm_pool, "VM"); vm; vm = xml_next(vm))
		if (xml_int(vm, "STATE", -1) == VM_STATE_PENDING)
			read_vm(m, &m->vms[m->n_vms++], vm, memory_scale);
	qsort(m->vms, (size_t)m->n_vms, sizeof(*m->vms), by_priority);
}
