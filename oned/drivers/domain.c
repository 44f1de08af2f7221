/* Renders a VM as libvirt's domain XML; see domain.h. Here: the order of the sections, the look-up of values, and what
 * isn't a device. The devices are in domain_disk.c and domain_device.c, processors in domain_cpu.c. */
#include "oned/drivers/domain.h"

#include <strings.h>
#include "common/xml.h"
#include "oned/drivers/domain_priv.h"

#define Q35_ROOT_PORTS_DEFAULT 16
#define RAW_MAX_BYTES (1024u * 1024)

static const char *find_in(const struct tmpl *t, const char *vector, const char *name)
{
	if (t == NULL)
		return NULL;
	if (vector == NULL)
		return tmpl_get(t, name);
	const struct attr *a = tmpl_vector(t, vector);
	return a != NULL ? attr_get(a, name) : NULL;
}

/* The places of a scope in the order they are asked; the defaults always end it. */
static int places(const struct dom *d, unsigned scope, const struct tmpl *list[4])
{
	const struct domain_input *in = d->in;
	int n = 0;

	if (scope & DOM_VM)
		list[n++] = in->vm;
	if (scope & DOM_HOST)
		list[n++] = in->host;
	if (scope & DOM_CLUSTER)
		list[n++] = in->cluster;
	list[n++] = in->defaults;
	return n;
}

const char *dom_get(const struct dom *d, unsigned scope, const char *vector, const char *name)
{
	const struct tmpl *list[4];
	int n = places(d, scope, list);

	for (int i = 0; i < n; i++) {
		const char *value = find_in(list[i], vector, name);
		if (value != NULL)
			return value;
	}
	return NULL;
}

const char *dom_text(const struct dom *d, unsigned scope, const char *vector, const char *name)
{
	const char *value = dom_get(d, scope, vector, name);

	return value != NULL ? value : "";
}

long long dom_int(const struct dom *d, unsigned scope, const char *vector, const char *name, long long dflt)
{
	const struct tmpl *list[4];
	int n = places(d, scope, list);
	long long number;

	for (int i = 0; i < n; i++) {
		const char *value = find_in(list[i], vector, name);
		if (value != NULL && value_int(value, &number))
			return number;
	}
	return dflt;
}

bool dom_bool(const struct dom *d, unsigned scope, const char *vector, const char *name)
{
	const struct tmpl *list[4];
	int n = places(d, scope, list);
	bool flag;

	for (int i = 0; i < n; i++) {
		const char *value = find_in(list[i], vector, name);
		if (value != NULL && value_bool(value, &flag))
			return flag;
	}
	return false;
}

const char *dom_queues(const struct dom *d, const char *value)
{
	long long number;

	if (value == NULL)
		return NULL;
	if (strcasecmp(value, "auto") == 0)
		return d->vcpu;
	return value_int(value, &number) ? value : NULL;
}

static enum one_rc check_content(const char *what, const char *xml, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct strbuf doc = STRBUF_INIT;
	struct xnode *root;
	struct one_err why = ONE_ERR_INIT;

	/* One root of our own: content that closes it and opens another is then no document. */
	strbuf_addf(&doc, "<content xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>%s</content>", xml);
	enum one_rc rc = xml_parse(&arena, doc.buf, doc.len, XML_MAX_DEPTH, RAW_MAX_BYTES, &root, &why);
	if (rc != ONE_OK)
		rc = one_err_set(err, ONE_INTERNAL, "Invalid %s section: %s", what, why.text);
	strbuf_done(&doc);
	arena_done(&arena);
	return rc;
}

enum one_rc domain_check_raw(const char *data, struct one_err *err)
{
	return check_content("RAW", data, err);
}

enum one_rc dom_raw(struct dom *d, const char *what, const char *xml)
{
	if (!has_text(xml))
		return ONE_OK;
	enum one_rc rc = check_content(what, xml, d->err);
	if (rc == ONE_OK)
		xw_raw(&d->w, xml);
	return rc;
}

static enum one_rc identity(struct dom *d)
{
	const struct attr *os = tmpl_vector(d->in->vm, "OS");
	const char *uuid = os != NULL ? attr_get(os, "UUID") : NULL;

	xw_elem(&d->w, "name", arena_printf(&d->arena, "one-%d", d->in->vm_id));
	xw_elem(&d->w, "title", d->in->vm_name);
	if (has_text(uuid))
		xw_elem(&d->w, "uuid", uuid);
	return ONE_OK;
}

static enum one_rc vcpus(struct dom *d)
{
	const char *max = dom_text(d, DOM_ANY, NULL, "VCPU_MAX");

	d->vcpu = dom_text(d, DOM_ANY, NULL, "VCPU");
	if (*d->vcpu == '\0')
		d->vcpu = max;
	if (*d->vcpu != '\0') {
		xw_open(&d->w, "vcpu");
		if (*max != '\0')
			xw_attr(&d->w, "current", d->vcpu);
		xw_text(&d->w, *max != '\0' ? max : d->vcpu);
		xw_close(&d->w);
	}
	dom_cputune(d);
	return ONE_OK;
}

static enum one_rc memory(struct dom *d)
{
	const char *mode = dom_text(d, DOM_VM, NULL, "MEMORY_RESIZE_MODE");
	long long max_mb = 0;

	if (!tmpl_get_int(d->in->vm, "MEMORY", &d->memory_mb) || d->memory_mb <= 0)
		return one_err_set(d->err, ONE_INTERNAL, "No MEMORY defined and no default provided.");
	bool growing = tmpl_get_int(d->in->vm, "MEMORY_MAX", &max_mb) && max_mb > d->memory_mb;
	d->memory_hotplug = growing && strcmp(mode, "HOTPLUG") == 0;
	if (growing && !d->memory_hotplug) { /* the balloon gives it back */
		xw_elem_int(&d->w, "memory", max_mb * 1024);
		xw_elem_int(&d->w, "currentMemory", d->memory_mb * 1024);
		return ONE_OK;
	}
	xw_elem_int(&d->w, "memory", d->memory_mb * 1024);
	if (d->memory_hotplug && d->topology == NULL) {
		xw_open(&d->w, "maxMemory");
		xw_attr_int(&d->w, "slots", dom_int(d, DOM_ANY, NULL, "MEMORY_SLOTS", 0));
		xw_text(&d->w, arena_printf(&d->arena, "%lld", max_mb * 1024));
		xw_close(&d->w);
	}
	return ONE_OK;
}

/* A word of a blank-separated list. */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p != '\0';) {
		size_t n = strcspn(p, " ");
		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n;
		p += strspn(p, " ");
	}
	return false;
}

static enum one_rc firmware(struct dom *d)
{
	const char *path = dom_text(d, DOM_VM, "OS", "FIRMWARE");
	const char *offered = dom_text(d, DOM_SITE, NULL, "OVMF_UEFIS");

	d->uefi = *path != '\0' && strcasecmp(path, "BIOS") != 0;
	if (!d->uefi)
		return ONE_OK;
	if (*offered == '\0')
		return one_err_set(d->err, ONE_INTERNAL, "No OVMF_UEFIS defined in configuration.");
	if (!list_has(offered, path))
		return one_err_set(d->err, ONE_INTERNAL, "FIRMWARE '%s' not allowed.", path);
	d->secure_boot = dom_bool(d, DOM_VM, "OS", "FIRMWARE_SECURE");
	xw_open(&d->w, "loader");
	xw_attr(&d->w, "readonly", "yes");
	xw_attr(&d->w, "type", "pflash");
	xw_attr(&d->w, "secure", d->secure_boot ? "yes" : "no");
	xw_text(&d->w, path);
	xw_close(&d->w);
	xw_elem(&d->w, "nvram", arena_printf(&d->arena, "%s/%s_VARS.fd", d->in->system_dir, d->in->vm_name));
	return ONE_OK;
}

static void direct_kernel(struct dom *d, const char *kernel)
{
	const char *initrd = dom_text(d, DOM_ANY, "OS", "INITRD");
	const char *root = dom_text(d, DOM_ANY, "OS", "ROOT");
	const char *cmd = dom_text(d, DOM_ANY, "OS", "KERNEL_CMD");

	xw_elem(&d->w, "kernel", kernel);
	if (*initrd != '\0')
		xw_elem(&d->w, "initrd", initrd);
	if (*root != '\0')
		cmd = arena_printf(&d->arena, "root=/dev/%s %s", root, cmd);
	if (*cmd != '\0')
		xw_elem(&d->w, "cmdline", cmd);
}

static enum one_rc operating_system(struct dom *d)
{
	const char *kernel = dom_text(d, DOM_ANY, "OS", "KERNEL");
	const char *bootloader = dom_text(d, DOM_ANY, "OS", "BOOTLOADER");

	d->arch = dom_text(d, DOM_ANY, "OS", "ARCH");
	d->machine = dom_text(d, DOM_ANY, "OS", "MACHINE");
	if (*d->arch == '\0')
		return one_err_set(d->err, ONE_INTERNAL, "No ARCH defined and no default provided.");
	xw_open(&d->w, "os");
	xw_open(&d->w, "type");
	xw_attr(&d->w, "arch", d->arch);
	xw_attr(&d->w, "machine", d->machine);
	xw_text(&d->w, "hvm");
	xw_close(&d->w);
	if (*kernel != '\0')
		direct_kernel(d, kernel);
	else if (*bootloader != '\0')
		xw_elem(&d->w, "bootloader", bootloader);
	enum one_rc rc = firmware(d);
	xw_close(&d->w);
	return rc;
}

static enum one_rc power_management(struct dom *d)
{
	/* Guests with UEFI on x86 fail to boot again after having been suspended by themselves. */
	if (d->uefi && strcmp(d->arch, "aarch64") != 0) {
		xw_open(&d->w, "pm");
		xw_leaf(&d->w, "suspend-to-disk", "enabled", "no", NULL);
		xw_leaf(&d->w, "suspend-to-mem", "enabled", "no", NULL);
		xw_close(&d->w);
	}
	return ONE_OK;
}

static enum one_rc processor(struct dom *d)
{
	dom_cpu(d);
	d->iothreads = (int)dom_int(d, DOM_ANY, "FEATURES", "IOTHREADS", 0);
	if (d->iothreads > 0)
		xw_elem_int(&d->w, "iothreads", d->iothreads);
	return ONE_OK;
}

/* PCI Express has no free slots of its own: each hot-plugged device needs a root port made beforehand. */
static void pcie_ports(struct dom *d)
{
	if (strstr(d->machine, "q35") == NULL && strcmp(d->arch, "aarch64") != 0)
		return;
	long long ports = dom_int(d, DOM_SITE, NULL, "Q35_ROOT_PORTS", 0);
	if (ports <= 0)
		ports = Q35_ROOT_PORTS_DEFAULT;
	xw_leaf(&d->w, "controller", "index", "0", "type", "pci", "model", "pcie-root", NULL);
	for (long long i = 0; i < ports && i < 256; i++)
		xw_leaf(&d->w, "controller", "type", "pci", "model", "pcie-root-port", NULL);
	xw_leaf(&d->w, "controller", "type", "pci", "model", "pcie-to-pci-bridge", NULL);
}

static void guest_agent(struct dom *d)
{
	if (!dom_bool(d, DOM_ANY, "FEATURES", "GUEST_AGENT"))
		return;
	xw_open(&d->w, "channel");
	xw_attr(&d->w, "type", "unix");
	xw_leaf(&d->w, "source", "mode", "bind", NULL);
	xw_leaf(&d->w, "target", "type", "virtio", "name", "org.qemu.guest_agent.0", NULL);
	xw_close(&d->w);
}

static enum one_rc devices(struct dom *d)
{
	const char *emulator = dom_text(d, DOM_ANY, NULL, "EMULATOR");

	xw_open(&d->w, "devices");
	if (*emulator != '\0') /* else libvirt takes the one it was built for */
		xw_elem(&d->w, "emulator", emulator);
	enum one_rc rc = dom_disks(d);
	if (rc == ONE_OK) {
		dom_nics(d);
		rc = dom_graphics(d);
	}
	if (rc == ONE_OK) {
		dom_other_devices(d);
		pcie_ports(d);
		guest_agent(d);
	}
	xw_close(&d->w);
	return rc;
}

static enum one_rc hyperv(struct dom *d)
{
	xw_open(&d->w, "hyperv");
	enum one_rc rc = dom_raw(d, "HYPERV_OPTIONS", dom_get(d, DOM_ANY, NULL, "HYPERV_OPTIONS"));
	xw_close(&d->w);
	return rc;
}

static enum one_rc features(struct dom *d)
{
	bool pae = dom_bool(d, DOM_ANY, "FEATURES", "PAE");
	bool acpi = dom_bool(d, DOM_ANY, "FEATURES", "ACPI");
	bool apic = dom_bool(d, DOM_ANY, "FEATURES", "APIC");
	bool hv = dom_bool(d, DOM_ANY, "FEATURES", "HYPERV");
	enum one_rc rc = ONE_OK;

	if (!pae && !acpi && !apic && !hv && !d->secure_boot)
		return ONE_OK;
	xw_open(&d->w, "features");
	if (pae)
		xw_leaf(&d->w, "pae", NULL);
	if (acpi && (d->uefi || strcmp(d->arch, "aarch64") != 0)) /* ARM has ACPI with UEFI only */
		xw_leaf(&d->w, "acpi", NULL);
	if (apic)
		xw_leaf(&d->w, "apic", NULL);
	if (hv)
		rc = hyperv(d);
	if (d->secure_boot)
		xw_leaf(&d->w, "smm", "state", "on", NULL);
	xw_close(&d->w);
	return rc;
}

static enum one_rc clock_source(struct dom *d)
{
	bool localtime_clock = dom_bool(d, DOM_ANY, "FEATURES", "LOCALTIME");

	if (!localtime_clock && !dom_bool(d, DOM_ANY, "FEATURES", "HYPERV"))
		return ONE_OK;
	xw_open(&d->w, "clock");
	xw_attr(&d->w, "offset", localtime_clock ? "localtime" : "utc");
	enum one_rc rc = dom_raw(d, "HYPERV_TIMERS", dom_get(d, DOM_ANY, NULL, "HYPERV_TIMERS"));
	xw_close(&d->w);
	return rc;
}

static enum one_rc raw_sections(struct dom *d)
{
	enum one_rc rc = ONE_OK;

	for (const struct attr *a = tmpl_find(d->in->vm, "RAW"); a != NULL && rc == ONE_OK; a = tmpl_find_next(a)) {
		const char *type = a->vector ? attr_get(a, "TYPE") : NULL;
		if (type != NULL && strcasecmp(type, "kvm") == 0)
			rc = dom_raw(d, "RAW", attr_get(a, "DATA"));
	}
	if (rc == ONE_OK)
		rc = dom_raw(d, "RAW", dom_get(d, DOM_SITE, NULL, "RAW"));
	return rc;
}

static enum one_rc metadata(struct dom *d)
{
	const struct domain_input *in = d->in;

	xw_open(&d->w, "metadata");
	xw_open(&d->w, "one:vm");
	xw_attr(&d->w, "xmlns:one", "http://opennebula.org/xmlns/libvirt/1.0");
	xw_elem(&d->w, "one:system_datastore", in->system_dir);
	xw_elem(&d->w, "one:name", in->vm_name);
	xw_elem(&d->w, "one:uname", in->uname);
	xw_elem_int(&d->w, "one:uid", in->uid);
	xw_elem(&d->w, "one:gname", in->gname);
	xw_elem_int(&d->w, "one:gid", in->gid);
	xw_elem(&d->w, "one:opennebula_version", in->version);
	xw_elem_int(&d->w, "one:stime", in->start_time);
	xw_elem_int(&d->w, "one:deployment_time", in->deploy_time);
	xw_close(&d->w);
	xw_close(&d->w);
	return ONE_OK;
}

/* In the document's order; a later one may use what an earlier one found out. */
static enum one_rc (*const sections[])(struct dom *d) = {
	identity, vcpus, memory, operating_system, power_management, processor,
	devices, features, clock_source, raw_sections, metadata,
};

enum one_rc domain_render(const struct domain_input *in, struct strbuf *out, struct one_err *err)
{
	struct strbuf doc = STRBUF_INIT;
	struct dom d = { .in = in, .w = { .out = &doc }, .arena = ARENA_INIT, .err = err, .iothread_next = 1,
			 .vcpu = "", .arch = "", .machine = "", .topology = tmpl_vector(in->vm, "TOPOLOGY") };
	enum one_rc rc = ONE_OK;

	xw_open(&d.w, "domain");
	xw_attr(&d.w, "type", in->hypervisor);
	xw_attr(&d.w, "xmlns:qemu", "http://libvirt.org/schemas/domain/qemu/1.0");
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]) && rc == ONE_OK; i++)
		rc = sections[i](&d);
	if (rc == ONE_OK) {
		xw_close(&d.w);
		strbuf_add(out, doc.buf, doc.len);
	}
	strbuf_done(&doc);
	arena_done(&d.arena);
	return rc;
}
