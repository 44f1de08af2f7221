/* PCI devices of a host, and the PCI vectors of VMs that ask for some: by SHORT_ADDRESS, or by VENDOR, DEVICE and CLASS. */
#include <stdlib.h>
#include <string.h>

#include "oned/objects/host_share.h"

/* A hexadecimal number. 0: not there, -1: no such number, 1: *out is set. */
static int hex_value(const struct attr *a, const char *name, unsigned long *out)
{
	const char *text = attr_get(a, name);
	char *end;

	if (!text || !*text)
		return 0;
	*out = strtoul(text, &end, 16);
	return *end ? -1 : 1;
}

struct wish { int vendor, device, class; unsigned long vendor_id, device_id, class_id; const char *address; };

static void read_wish(const struct attr *a, struct wish *w)
{
	const char *address = attr_get(a, "SHORT_ADDRESS");

	w->vendor = hex_value(a, "VENDOR", &w->vendor_id);
	w->device = hex_value(a, "DEVICE", &w->device_id);
	w->class = hex_value(a, "CLASS", &w->class_id);
	/* After a migration an address stands beside what was asked for; then it only says what it had. */
	w->address = address && *address && w->vendor <= 0 && w->device <= 0 && w->class <= 0 ? address : NULL;
}

static bool hex_matches(const struct attr *a, const char *name, int wanted, unsigned long id)
{
	unsigned long has;

	return wanted == 0 || (wanted > 0 && hex_value(a, name, &has) == 1 && has == id);
}

static bool matches(const struct attr *pci, const struct wish *w)
{
	const char *address = attr_get(pci, "SHORT_ADDRESS");

	if (w->address)
		return address && !strcmp(address, w->address);
	if (w->vendor <= 0 && w->device <= 0 && w->class <= 0)
		return false;
	return hex_matches(pci, "CLASS", w->class, w->class_id) && hex_matches(pci, "VENDOR", w->vendor, w->vendor_id) &&
	       hex_matches(pci, "DEVICE", w->device, w->device_id);
}

static bool is_free(const struct attr *pci)
{
	long long vm;

	return !attr_get_int(pci, "VMID", &vm) || vm == -1;
}

static const char *address_of(const struct attr *pci)
{
	const char *address = attr_get(pci, "ADDRESS");

	return address ? address : "";
}

/* The free device of the lowest address that the wish fits, but for those in `taken`. */
static struct attr *find_free(const struct host_share *s, const struct wish *w, struct attr *const *taken, int n_taken)
{
	struct attr *best = NULL;

	for (struct attr *pci = tmpl_vector(s->pci, "PCI"); pci; pci = tmpl_find_next(pci)) {
		int i = 0;

		while (i < n_taken && taken[i] != pci)
			i++;
		if (i == n_taken && is_free(pci) && matches(pci, w) && (!best || strcmp(address_of(pci), address_of(best)) < 0))
			best = pci;
	}
	return best;
}

#define MAX_DEVICES 128

/* A free device for each PCI of the VM, those with an address first. devices: the VM's; found: the host's. -1: not for all. */
static int match_all(const struct host_share *s, const struct tmpl *vm, struct attr **devices, struct attr **found)
{
	struct wish w;
	int n = 0;

	for (int by_address = 1; by_address >= 0; by_address--)
		for (struct attr *a = tmpl_vector(vm, "PCI"); a; a = tmpl_find_next(a)) {
			if (!a->vector)
				continue;
			read_wish(a, &w);
			if ((w.address != NULL) != by_address)
				continue;
			if (n == MAX_DEVICES || !(found[n] = find_free(s, &w, found, n)))
				return -1;
			devices[n++] = a;
		}
	return n;
}

bool host_pci_test(const struct host_share *s, const struct tmpl *vm)
{
	struct attr *devices[MAX_DEVICES], *found[MAX_DEVICES];

	return match_all(s, vm, devices, found) >= 0;
}

static void assign(struct host_share *s, int vm_id, struct attr *device, struct attr *pci, struct arena *arena)
{
	static const char *const always[] = { "DOMAIN", "BUS", "SLOT", "FUNCTION", "ADDRESS", "SHORT_ADDRESS" };
	static const char *const maybe[] = { "NUMA_NODE", "UUID" };
	const char *before = attr_get(device, "ADDRESS");

	if (before && *before) /* a migration: the old host's is freed later */
		attr_set(arena, device, "PREV_ADDRESS", before);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		attr_set(arena, device, always[i], attr_get(pci, always[i]) ? attr_get(pci, always[i]) : "");
	for (size_t i = 0; i < sizeof(maybe) / sizeof(maybe[0]); i++)
		if (attr_get(pci, maybe[i]) && *attr_get(pci, maybe[i]))
			attr_set(arena, device, maybe[i], attr_get(pci, maybe[i]));
	attr_setf(s->arena, pci, "VMID", "%d", vm_id);
}

void host_pci_add(struct host_share *s, int vm_id, struct tmpl *vm)
{
	struct attr *devices[MAX_DEVICES], *found[MAX_DEVICES];
	int n = match_all(s, vm, devices, found);

	for (int i = 0; i < n; i++)
		assign(s, vm_id, devices[i], found[i], vm->arena);
}

bool host_pci_add_one(struct host_share *s, int vm_id, struct attr *device, struct arena *arena)
{
	struct attr *pci;
	struct wish w;

	read_wish(device, &w);
	pci = find_free(s, &w, NULL, 0);
	if (pci)
		assign(s, vm_id, device, pci, arena);
	return pci != NULL;
}

static bool free_at(struct host_share *s, int vm_id, const char *address)
{
	for (struct attr *pci = tmpl_vector(s->pci, "PCI"); address && *address && pci; pci = tmpl_find_next(pci)) {
		long long vm;

		if (strcmp(address_of(pci), address) != 0 || !attr_get_int(pci, "VMID", &vm) || vm != vm_id)
			continue;
		attr_set(s->arena, pci, "VMID", "-1");
		return true;
	}
	return false;
}

void host_pci_del_one(struct host_share *s, int vm_id, struct attr *device)
{
	if (free_at(s, vm_id, attr_get(device, "PREV_ADDRESS")))
		attr_remove(device, "PREV_ADDRESS");
	else if (free_at(s, vm_id, attr_get(device, "ADDRESS")))
		attr_remove(device, "ADDRESS");
}

void host_pci_del(struct host_share *s, int vm_id, struct tmpl *vm)
{
	for (struct attr *a = tmpl_vector(vm, "PCI"); a; a = tmpl_find_next(a))
		if (a->vector)
			host_pci_del_one(s, vm_id, a);
}

static struct attr *find_address(const struct tmpl *t, const char *address)
{
	struct attr *a = tmpl_vector(t, "PCI");

	while (a && (!a->vector || strcmp(address_of(a), address) != 0))
		a = tmpl_find_next(a);
	return a;
}

void host_pci_monitor(struct host_share *s, struct tmpl *t)
{
	struct attr *next, *added;

	for (struct attr *pci = tmpl_vector(s->pci, "PCI"); pci; pci = next) {
		next = tmpl_find_next(pci);
		if (is_free(pci) && !find_address(t, address_of(pci)))
			tmpl_remove_attr(s->pci, pci);
	}
	for (const struct attr *pci = tmpl_vector(t, "PCI"); pci; pci = tmpl_find_next(pci)) {
		if (!pci->vector || !*address_of(pci) || find_address(s->pci, address_of(pci)))
			continue;
		added = tmpl_add_attr(s->pci, pci);
		if (!attr_get(added, "VMID"))
			attr_set(s->arena, added, "VMID", "-1");
	}
	tmpl_remove(t, "PCI");
}
