/* The devices of a domain that are not disks: network interfaces, graphics, video, input and PCI pass-through. */
#include "oned/drivers/domain_priv.h"

#include <strings.h>

/* An XML attribute and the template attribute it is filled from. */
struct field { const char *xml, *key; };

static void fields(struct dom *d, const struct attr *a, const struct field *f)
{
	for (; f->xml != NULL; f++)
		xw_attr(&d->w, f->xml, attr_get(a, f->key));
}

static bool has_field(const struct attr *a, const struct field *f)
{
	bool found = false;

	for (; f->xml != NULL; f++)
		found |= has_text(attr_get(a, f->key));
	return found;
}

static const char *text(const struct attr *a, const char *name)
{
	const char *value = attr_get(a, name);

	return value != NULL ? value : "";
}

/* ---- network ---- */

static void nic_source(struct dom *d, const struct attr *nic)
{
	const char *bridge = text(nic, "BRIDGE"), *type = text(nic, "BRIDGE_TYPE");

	if (*bridge == '\0') {
		xw_attr(&d->w, "type", "ethernet");
		return;
	}
	if (strcmp(type, "openvswitch_dpdk") == 0) {
		xw_attr(&d->w, "type", "vhostuser");
		xw_leaf(&d->w, "source", "type", "unix", "mode", "server", "path",
			arena_printf(&d->arena, "%s/%s", d->in->system_dir, text(nic, "TARGET")), NULL);
		return;
	}
	xw_attr(&d->w, "type", "bridge");
	if (strcmp(type, "openvswitch") == 0)
		xw_leaf(&d->w, "virtualport", "type", "openvswitch", NULL);
	xw_leaf(&d->w, "source", "bridge", bridge, NULL);
}

static const char *nic_value(const struct dom *d, const struct attr *nic, const char *name)
{
	const char *value = attr_get(nic, name);

	return has_text(value) ? value : dom_get(d, DOM_SITE, "NIC", name);
}

static void nic_model(struct dom *d, const struct attr *nic)
{
	const char *model = nic_value(d, nic, "MODEL");
	const char *queues = dom_queues(d, attr_get(nic, "VIRTIO_QUEUES"));

	if (!has_text(model))
		return;
	xw_leaf(&d->w, "model", "type", model, NULL);
	if (has_text(queues) && strcmp(model, "virtio") == 0)
		xw_leaf(&d->w, "driver", "name", "vhost", "queues", queues, NULL);
}

static void nic_filter(struct dom *d, const struct attr *nic)
{
	const char *filter = nic_value(d, nic, "FILTER");
	const char *ip = text(nic, "IP"), *vrouter_ip = text(nic, "VROUTER_IP");

	if (*ip == '\0' || !has_text(filter))
		return;
	xw_open(&d->w, "filterref");
	xw_attr(&d->w, "filter", filter);
	xw_leaf(&d->w, "parameter", "name", "IP", "value", ip, NULL);
	if (*vrouter_ip != '\0')
		xw_leaf(&d->w, "parameter", "name", "IP", "value", vrouter_ip, NULL);
	xw_close(&d->w);
}

static void nic_bandwidth(struct dom *d, const struct attr *nic)
{
	static const struct { const char *element; struct field fields[4]; } ways[] = {
		{ "inbound",
		  { { "average", "INBOUND_AVG_BW" }, { "peak", "INBOUND_PEAK_BW" }, { "burst", "INBOUND_PEAK_KB" } } },
		{ "outbound",
		  { { "average", "OUTBOUND_AVG_BW" }, { "peak", "OUTBOUND_PEAK_BW" }, { "burst", "OUTBOUND_PEAK_KB" } } },
	};

	if (!has_field(nic, ways[0].fields) && !has_field(nic, ways[1].fields))
		return;
	xw_open(&d->w, "bandwidth");
	for (size_t i = 0; i < 2; i++) {
		if (!has_field(nic, ways[i].fields))
			continue;
		xw_open(&d->w, ways[i].element);
		fields(d, nic, ways[i].fields);
		xw_close(&d->w);
	}
	xw_close(&d->w);
}

static void one_nic(struct dom *d, const struct attr *nic)
{
	static const struct { const char *element; struct field fields[2]; } leaves[] = {
		{ "mac", { { "address", "MAC" } } },
		{ "target", { { "dev", "TARGET" } } },
		{ "boot", { { "order", "ORDER" } } },
		{ "script", { { "path", "SCRIPT" } } },
	};

	xw_open(&d->w, "interface");
	nic_source(d, nic);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (!has_field(nic, leaves[i].fields))
			continue;
		xw_open(&d->w, leaves[i].element);
		fields(d, nic, leaves[i].fields);
		xw_close(&d->w);
	}
	nic_model(d, nic);
	nic_filter(d, nic);
	nic_bandwidth(d, nic);
	xw_close(&d->w);
}

void dom_nics(struct dom *d)
{
	for (const struct attr *a = tmpl_vector(d->in->vm, "NIC"); a != NULL; a = tmpl_find_next(a)) {
		if (a->vector)
			one_nic(d, a);
	}
}

/* ---- graphics ---- */

enum one_rc dom_graphics(struct dom *d)
{
	static const struct field looked_up[] = {
		{ "listen", "LISTEN" }, { "port", "PORT" }, { "passwd", "PASSWD" }, { "keymap", "KEYMAP" },
	};
	const struct attr *graphics = tmpl_vector(d->in->vm, "GRAPHICS");
	const char *type = dom_text(d, DOM_ANY, "GRAPHICS", "TYPE");

	if (graphics == NULL)
		return ONE_OK;
	bool spice = strcasecmp(type, "spice") == 0;
	if (!spice && strcasecmp(type, "vnc") != 0)
		return ONE_OK; /* other kinds are for other hypervisors */
	xw_open(&d->w, "graphics");
	xw_attr(&d->w, "type", spice ? "spice" : "vnc");
	for (size_t i = 0; i < sizeof(looked_up) / sizeof(looked_up[0]); i++) {
		/* A port belongs to one VM: no default can give it. */
		bool own = strcmp(looked_up[i].key, "PORT") == 0;
		xw_attr(&d->w, looked_up[i].xml,
			own ? attr_get(graphics, "PORT") : dom_get(d, DOM_ANY, "GRAPHICS", looked_up[i].key));
	}
	xw_close(&d->w);
	/* Whole devices: a VM's owner must not bring his own, as he must not with RAW. */
	return spice ? dom_raw(d, "SPICE_OPTIONS", dom_get(d, DOM_SITE, NULL, "SPICE_OPTIONS")) : ONE_OK;
}

/* ---- video ---- */

static void video_driver(struct dom *d)
{
	bool iommu = dom_bool(d, DOM_ANY, "VIDEO", "IOMMU"), ats = dom_bool(d, DOM_ANY, "VIDEO", "ATS");

	if (iommu || ats)
		xw_leaf(&d->w, "driver", "iommu", iommu ? "on" : NULL, "ats", ats ? "on" : NULL, NULL);
}

static void video_resolution(struct dom *d)
{
	const char *size = dom_text(d, DOM_ANY, "VIDEO", "RESOLUTION");
	const char *x = strchr(size, 'x');

	if (x != NULL && x != size && x[1] != '\0')
		xw_leaf(&d->w, "resolution", "x", arena_strndup(&d->arena, size, (size_t)(x - size)), "y", x + 1, NULL);
}

static void video(struct dom *d)
{
	long long vram_kb = dom_int(d, DOM_ANY, "VIDEO", "VRAM", 0);
	char *type = arena_strdup(&d->arena, dom_text(d, DOM_ANY, "VIDEO", "TYPE"));

	if (tmpl_vector(d->in->vm, "VIDEO") == NULL)
		return;
	for (char *p = type; *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
	xw_open(&d->w, "video");
	if (strcmp(type, "virtio") == 0)
		video_driver(d);
	xw_open(&d->w, "model");
	xw_attr(&d->w, "type", type);
	if (vram_kb >= 1024 && strcmp(type, "none") != 0)
		xw_attr_int(&d->w, "vram", vram_kb);
	if (strcmp(type, "none") != 0 && strcmp(type, "cirrus") != 0)
		video_resolution(d);
	xw_close(&d->w);
	xw_close(&d->w);
}

/* ---- input and PCI ---- */

static void input(struct dom *d)
{
	const struct attr *a = tmpl_vector(d->in->vm, "INPUT");

	if (a != NULL && has_text(attr_get(a, "TYPE")))
		xw_leaf(&d->w, "input", "type", attr_get(a, "TYPE"), "bus", attr_get(a, "BUS"), NULL);
}

static bool has_all(const struct attr *a, const struct field *f)
{
	for (; f->xml != NULL; f++) {
		if (!has_text(attr_get(a, f->key)))
			return false;
	}
	return true;
}

static const struct field host_address[] = {
	{ "domain", "DOMAIN" }, { "bus", "BUS" }, { "slot", "SLOT" }, { "function", "FUNCTION" }, { NULL, NULL },
};
static const struct field guest_address[] = {
	{ "domain", "VM_DOMAIN" }, { "bus", "VM_BUS" }, { "slot", "VM_SLOT" }, { "function", "VM_FUNCTION" }, { NULL, NULL },
};

static void pci_source(struct dom *d, const struct attr *a, const char *uuid)
{
	xw_open(&d->w, "source");
	xw_open(&d->w, "address");
	xw_attr(&d->w, "uuid", uuid);
	for (const struct field *f = host_address; f->xml != NULL && !has_text(uuid); f++)
		xw_attr(&d->w, f->xml, arena_printf(&d->arena, "0x%s", text(a, f->key)));
	xw_close(&d->w);
	xw_close(&d->w);
}

static void pci(struct dom *d, const struct attr *a)
{
	const char *uuid = attr_get(a, "UUID"); /* of a mediated device, e.g. a share of a GPU */

	if (!has_all(a, host_address))
		return;
	xw_open(&d->w, "hostdev");
	xw_attr(&d->w, "mode", "subsystem");
	xw_attr(&d->w, "type", has_text(uuid) ? "mdev" : "pci");
	xw_attr(&d->w, has_text(uuid) ? "model" : "managed", has_text(uuid) ? "vfio-pci" : "yes");
	pci_source(d, a, uuid);
	if (has_all(a, guest_address)) {
		xw_open(&d->w, "address");
		xw_attr(&d->w, "type", "pci");
		fields(d, a, guest_address);
		xw_close(&d->w);
	}
	xw_close(&d->w);
}

void dom_other_devices(struct dom *d)
{
	video(d);
	input(d);
	for (const struct attr *a = tmpl_vector(d->in->vm, "PCI"); a != NULL; a = tmpl_find_next(a)) {
		if (a->vector)
			pci(d, a);
	}
}
