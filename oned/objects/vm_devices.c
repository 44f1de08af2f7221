/* OS, RAW, PCI, GRAPHICS and VIDEO of a VM being made, and the order its devices boot in. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto.h"
#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/settings.h"
#include "oned/objects/vm_priv.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* ---- OS ---- */

/* KERNEL or INITRD from a file datastore: what the driver needs to fetch it. */
static enum one_rc fill_os_file(struct vm_making *m, struct attr *os, const char *base,
				const struct image *img)
{
	const struct datastore *ds = txn_read(m->t, OBJ_DATASTORE, img->ds_id);
	struct arena *arena = &m->vm->o.arena;
	char name[32];

#define NAME(suffix) (snprintf(name, sizeof(name), "%s_DS_" suffix, base), name)
	attr_remove(os, base);
	attr_setf(arena, os, NAME("ID"), "%d", img->o.id);
	attr_set(arena, os, NAME("SOURCE"), img->source);
	attr_setf(arena, os, NAME("DSID"), "%d", img->ds_id);
	if (!ds)
		return vm_fail(m, "Associated datastore for image does not exist");
	attr_set(arena, os, NAME("TM"), ds->tm_mad);
	if (ds->clusters.n)
		attr_set(arena, os, NAME("CLUSTER_ID"), secgroup_ids_format(&ds->clusters, arena));
#undef NAME
	return ONE_OK;
}

static enum one_rc take_os_file(struct vm_making *m, struct attr *os, const char *base, enum image_type type)
{
	char name[32];
	const char *text;
	const struct image *img;
	int *ids, n;

	snprintf(name, sizeof(name), "%s_DS", base);
	text = text_of(os, name);
	if (!*text)
		return ONE_OK;
	if (vm_vars_files(m, text, &ids, &n))
		return m->t->err.rc;
	if (n != 1)
		return vm_fail(m, "Only one FILE variable can be used in: %s", text);
	img = txn_read(m->t, OBJ_IMAGE, ids[0]);
	if (img->type != type)
		return vm_fail(m, "%s needs an image of type %s and not %s", base, image_type_name(type),
			       image_type_name(img->type));
	if (img->state != IMAGE_READY)
		return vm_fail(m, "%s Image '%d 'not in READY state.", image_type_name(img->type), ids[0]);
	return fill_os_file(m, os, base, img);
}

/* A random one (version 4). */
static const char *make_uuid(struct arena *arena)
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	return arena_printf(arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
			    b[13], b[14], b[15]);
}

enum one_rc vm_take_os(struct vm_making *m)
{
	struct vm *vm = m->vm;
	int n = vm_take(vm, "OS", false);
	struct attr *os = n ? tmpl_find(vm->o.tmpl, "OS") : tmpl_add_vector(vm->o.tmpl, "OS");

	if (n > 1)
		return vm_fail(m, "Only one OS attribute can be defined.");
	if (!os->vector)
		return vm_fail(m, "Internal error parsing OS attribute.");
	if (take_os_file(m, os, "KERNEL", IMAGE_KERNEL) || take_os_file(m, os, "INITRD", IMAGE_RAMDISK))
		return m->t->err.rc;
	if (!*text_of(os, "UUID"))
		attr_set(&vm->o.arena, os, "UUID", make_uuid(&vm->o.arena));
	return ONE_OK;
}

static bool is_q35(const struct vm *vm)
{
	const struct attr *os = tmpl_vector(vm->o.tmpl, "OS");

	return os && strstr(text_of(os, "MACHINE"), "q35");
}

/* ---- RAW ---- */

/* The part of a domain must at least be XML: a driver that can't parse it would only say so at deployment. */
static bool is_domain_part(struct vm_making *m, const char *data)
{
	const char *domain = arena_printf(m->t->arena, "<domain>%s</domain>", data);
	struct xnode *root;

	return !xml_parse(m->t->arena, domain, strlen(domain), XML_MAX_DEPTH, TMPL_MAX_BYTES, &root, NULL);
}

enum one_rc vm_check_raw(struct vm_making *m, const struct tmpl *tmpl)
{
	const struct attr *raw = tmpl_vector(tmpl, "RAW"), *mad;
	const char *type;
	bool validate;

	if (!raw || (attr_get_bool(raw, "VALIDATE", &validate) && !validate))
		return ONE_OK;
	mad = settings_named(m->t, "VM_MAD", text_of(raw, "TYPE"));
	if (!mad)
		return vm_fail(m, "Invalid RAW section: unsupported TYPE");
	type = text_of(mad, "TYPE");
	if ((!strcasecmp(type, "kvm") || !strcasecmp(type, "qemu")) &&
	    !is_domain_part(m, text_of(raw, "DATA")))
		return vm_fail(m, "Invalid RAW section: cannot validate DATA with domain.rng schema");
	return ONE_OK;
}

/* ---- PCI ---- */

static bool hex_value(const char *text, unsigned *out)
{
	char *end;
	unsigned long value;

	while (isspace((unsigned char)*text))
		text++;
	if (!isxdigit((unsigned char)*text))
		return false;
	value = strtoul(text, &end, 16);
	*out = (unsigned)value;
	return !*end && value <= UINT32_MAX;
}

static enum one_rc check_pci(struct vm_making *m, const struct attr *pci)
{
	static const char *const names[] = { "VENDOR", "DEVICE", "CLASS" };
	bool by_kind = false, by_address = *text_of(pci, "SHORT_ADDRESS");
	unsigned value;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = text_of(pci, names[i]);

		if (*text && !hex_value(text, &value))
			return vm_fail(m, "Wrong Hex value for PCI attribute %s", names[i]);
		by_kind = by_kind || *text;
	}
	if (!by_address && !by_kind)
		return vm_fail(m, "SHORT_ADDRESS, DEVICE, VENDOR or CLASS must be defined for PCI.");
	if (by_address && by_kind)
		return vm_fail(m, "SHORT_ADDRESS cannot be set with DEVICE, VENDOR or CLASS");
	return ONE_OK;
}

/* Where the guest finds the device: a slot each on one bus, or with q35 a bus each. */
static enum one_rc place_pci(struct vm_making *m, struct attr *pci, unsigned slot)
{
	static const char *const host_side[] = {
		"DOMAIN", "BUS", "SLOT", "FUNCTION", "ADDRESS", "PREV_ADDRESS", "NUMA_NODE", "UUID",
	};
	struct arena *arena = &m->vm->o.arena;
	const char *text = text_of(pci, "VM_BUS");
	unsigned bus;

	for (size_t i = 0; i < sizeof(host_side) / sizeof(*host_side); i++)
		attr_remove(pci, host_side[i]);
	if (!*text)
		text = vm_setting(m->t, "PCI_PASSTHROUGH_BUS");
	if (!hex_value(*text ? text : "0x01", &bus))
		return vm_fail(m, "Wrong BUS in PCI attribute");
	if (is_q35(m->vm)) {
		bus = slot;
		slot = 0;
	}
	attr_set(arena, pci, "VM_DOMAIN", "0x0000");
	attr_set(arena, pci, "VM_FUNCTION", "0");
	attr_setf(arena, pci, "VM_SLOT", slot ? "0x%02x" : "0000", slot);
	attr_setf(arena, pci, "VM_BUS", bus ? "0x%02x" : "0000", bus);
	attr_setf(arena, pci, "VM_ADDRESS", "%02x:%02x.0", bus, slot);
	return ONE_OK;
}

enum one_rc vm_prepare_pci(struct vm_making *m, struct attr *pci, unsigned id)
{
	attr_setf(&m->vm->o.arena, pci, "PCI_ID", "%u", id);
	return check_pci(m, pci) ? m->t->err.rc : place_pci(m, pci, id + 1);
}

enum one_rc vm_take_pci(struct vm_making *m)
{
	struct vm *vm = m->vm;
	unsigned id = 0;

	vm_take(vm, "PCI", true);
	for (struct attr *pci = tmpl_find(vm->o.tmpl, "PCI"); pci; pci = tmpl_find_next(pci), id++) {
		if (id >= VM_MAX_DEVICES)
			return vm_fail(m, "A VM can't have more than %d PCI devices", VM_MAX_DEVICES);
		if (vm_prepare_pci(m, pci, id))
			return m->t->err.rc;
	}
	return ONE_OK;
}

/* ---- GRAPHICS and VIDEO: only the first vector counts ---- */

static void take_first(struct vm *vm, const char *name)
{
	vm_take(vm, name, true);
	vm_keep_first(vm->o.tmpl, name);
}

/* vnc and spice servers take no longer ones. */
static void cut_password(struct arena *arena, struct attr *graphics)
{
	static const struct { const char *type; int most; } limits[] = { { "spice", 59 }, { "vnc", 8 } };
	const char *password = text_of(graphics, "PASSWD"), *type = text_of(graphics, "TYPE");

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (!strcasecmp(type, limits[i].type) && strlen(password) > (size_t)limits[i].most)
			attr_setf(arena, graphics, "PASSWD", "%.*s", limits[i].most, password);
}

enum one_rc vm_take_graphics(struct vm_making *m)
{
	take_first(m->vm, "GRAPHICS");
	return vm_check_graphics(m);
}

enum one_rc vm_check_graphics(struct vm_making *m)
{
	struct attr *graphics = tmpl_vector(m->vm->o.tmpl, "GRAPHICS");
	char secret[65];
	long long port;
	bool at_random;

	if (!graphics)
		return ONE_OK;
	if (*text_of(graphics, "PORT") &&
	    (!attr_get_int(graphics, "PORT", &port) || port < 0 || port > 65535))
		return vm_fail(m, "Wrong PORT number in GRAPHICS attribute");
	if (attr_get_bool(graphics, "RANDOM_PASSWD", &at_random) && at_random &&
	    !*text_of(graphics, "PASSWD")) {
		random_hex(secret, 32);
		attr_set(&m->vm->o.arena, graphics, "PASSWD", secret);
	}
	cut_password(&m->vm->o.arena, graphics);
	return ONE_OK;
}

/* "1024x768" */
static bool is_resolution(const char *text)
{
	size_t width = strspn(text, "0123456789"), height;

	if (!width || text[width] != 'x')
		return false;
	text += width + 1;
	height = strspn(text, "0123456789");
	return height && !text[height];
}

enum one_rc vm_take_video(struct vm_making *m)
{
	take_first(m->vm, "VIDEO");
	return vm_check_video(m);
}

enum one_rc vm_check_video(struct vm_making *m)
{
	static const char *const types[] = { "vga", "cirrus", "none", "virtio" };
	struct attr *video = tmpl_vector(m->vm->o.tmpl, "VIDEO");
	const char *type = NULL;
	bool iommu = false, ats = false;
	long long vram;

	if (!video)
		return ONE_OK;
	if (!*text_of(video, "TYPE"))
		return vm_fail(m, "Video TYPE is required");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcasecmp(text_of(video, "TYPE"), types[i]))
			type = types[i];
	if (!type)
		return vm_fail(m, "Invalid video TYPE, should be either: none, vga, cirrus, or virtio");
	attr_set(&m->vm->o.arena, video, "TYPE", type);
	attr_get_bool(video, "IOMMU", &iommu);
	attr_get_bool(video, "ATS", &ats);
	if ((iommu || ats) && strcmp(type, "virtio") != 0)
		return vm_fail(m, "IOMMU and ATS are only available for virtio TYPE");
	if (*text_of(video, "VRAM") && (!attr_get_int(video, "VRAM", &vram) || vram < 1024))
		return vm_fail(m, "Invalid VRAM value in VIDEO attribute, must be >= 1024");
	if (*text_of(video, "RESOLUTION") && !is_resolution(text_of(video, "RESOLUTION")))
		return vm_fail(m, "Invalid RESOLUTION string format");
	return ONE_OK;
}

/* ---- OS/BOOT ---- */

static void clear_order(struct tmpl *tmpl, const char *name)
{
	for (struct attr *a = tmpl_find(tmpl, name); a; a = tmpl_find_next(a))
		if (a->vector)
			attr_remove(a, "ORDER");
}

static bool set_order(struct vm *vm, const char *name, const char *id_name, long long id, int order)
{
	long long has;

	for (struct attr *a = tmpl_find(vm->o.tmpl, name); a; a = tmpl_find_next(a)) {
		if (!a->vector || !attr_get_int(a, id_name, &has) || has != id)
			continue;
		attr_setf(&vm->o.arena, a, "ORDER", "%d", order);
		return true;
	}
	return false;
}

/* One of "disk0" and "nic1". */
static enum one_rc order_device(struct vm_making *m, const char *device, const char *all, int order)
{
	bool disk = !strncasecmp(device, "disk", 4);
	const char *digits = device + (disk ? 4 : 3), *id_name = disk ? "DISK_ID" : "NIC_ID";
	long long id;

	if ((!disk && strncasecmp(device, "nic", 3) != 0) || !isdigit((unsigned char)*digits) ||
	    !value_int(digits, &id))
		return vm_fail(m, "Wrong OS/BOOT value: \"%s\" should be a comma-separated list of disk# or nic#",
			       all);
	if (!set_order(m->vm, disk ? "DISK" : "NIC", id_name, id, order))
		return vm_fail(m, "Wrong OS/BOOT value. Device with %s %lld not found", id_name, id);
	return ONE_OK;
}

enum one_rc vm_set_boot_order(struct vm_making *m)
{
	struct tmpl *tmpl = m->vm->o.tmpl;
	const struct attr *os = tmpl_vector(tmpl, "OS");
	const char *all = os ? text_of(os, "BOOT") : "";
	int order = 1;

	clear_order(tmpl, "DISK");
	clear_order(tmpl, "NIC");
	for (const char *at = all; *at;) {
		size_t len = strcspn(at, ",");

		if (order > VM_MAX_DEVICES)
			return vm_fail(m, "OS/BOOT names more than %d devices", VM_MAX_DEVICES);
		if (len && order_device(m, arena_strndup(m->t->arena, at, len), all, order++))
			return m->t->err.rc;
		at += len;
		at += *at == ',';
	}
	return ONE_OK;
}
