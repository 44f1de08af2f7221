/* XML of hot-plugged devices; see device.h. */
#include "drivers/vmm_libvirt/device.h"

#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

/* before, the escaped value, after; nothing at all without a value. */
static void piece(struct strbuf *out, const char *before, const char *value, const char *after)
{
	if (value == NULL || *value == '\0')
		return;
	strbuf_adds(out, before);
	xml_escape(out, value, strlen(value));
	strbuf_adds(out, after);
}

static const char *or_default(const char *value, const char *dflt)
{
	return *value != '\0' ? value : dflt;
}

static bool is_yes(const char *value)
{
	return strcasecmp(value, "YES") == 0;
}

enum one_rc device_disk_xml(const struct message *m, struct strbuf *out, struct one_err *err)
{
	static const struct { const char *type; bool block, cdrom; } kinds[] = {
		{ "FILE", false, false }, { "FS", false, false },  { "SWAP", false, false },
		{ "CDROM", false, true }, { "BLOCK", true, false }, { "BLOCK_CDROM", true, true },
	};
	const char *target = message_value(m, "DISK", "ATTACH", "TARGET");
	const char *type = or_default(message_value(m, "DISK", "ATTACH", "TYPE"), "FILE");
	size_t k = 0;

	while (k < sizeof(kinds) / sizeof(kinds[0]) && strcasecmp(kinds[k].type, type) != 0)
		k++;
	if (*target == '\0' || *m->disk_path == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot attach the disk, expecting its TARGET and path");
	if (k == sizeof(kinds) / sizeof(kinds[0]))
		return one_err_set(err, ONE_ACTION, "Attaching a disk of type %s is not supported yet", type);
	strbuf_addf(out, "<disk type='%s' device='%s'><driver name='qemu'", kinds[k].block ? "block" : "file",
		    kinds[k].cdrom ? "cdrom" : "disk");
	piece(out, " type='", kinds[k].cdrom ? "raw" : or_default(message_value(m, "DISK", "ATTACH", "DRIVER"), "raw"), "'");
	piece(out, " cache='", or_default(message_value(m, "DISK", "ATTACH", "CACHE"), "none"), "'");
	piece(out, " io='", message_value(m, "DISK", "ATTACH", "IO"), "'");
	piece(out, " discard='", or_default(message_value(m, "DISK", "ATTACH", "DISCARD"), "unmap"), "'");
	piece(out, kinds[k].block ? "/><source dev='" : "/><source file='", m->disk_path, "'/>");
	piece(out, "<target dev='", target, "'/>");
	if (is_yes(message_value(m, "DISK", "ATTACH", "READONLY")))
		strbuf_lit(out, "<readonly/>");
	if (is_yes(message_value(m, "DISK", "ATTACH", "SHAREABLE")))
		strbuf_lit(out, "<shareable/>");
	strbuf_lit(out, "</disk>");
	return ONE_OK;
}

static const char *nic(const struct message *m, const char *name)
{
	return message_value(m, "NIC", "ATTACH", name);
}

static void bandwidth(const struct message *m, const char *element, const char *way, struct strbuf *out)
{
	static const struct { const char *suffix, *attr; } parts[] = {
		{ "AVG_BW", " average='" }, { "PEAK_BW", " peak='" }, { "PEAK_KB", " burst='" },
	};

	strbuf_addf(out, "<%s", element);
	for (size_t i = 0; i < 3; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%s_%s", way, parts[i].suffix);
		piece(out, parts[i].attr, nic(m, name), "'");
	}
	strbuf_lit(out, "/>");
}

static bool is_limited(const struct message *m, const char *avg, const char *peak, const char *burst)
{
	return *nic(m, avg) != '\0' || *nic(m, peak) != '\0' || *nic(m, burst) != '\0';
}

static void bandwidths(const struct message *m, struct strbuf *out)
{
	bool in = is_limited(m, "INBOUND_AVG_BW", "INBOUND_PEAK_BW", "INBOUND_PEAK_KB");
	bool outb = is_limited(m, "OUTBOUND_AVG_BW", "OUTBOUND_PEAK_BW", "OUTBOUND_PEAK_KB");

	if (!in && !outb)
		return;
	strbuf_lit(out, "<bandwidth>");
	if (in)
		bandwidth(m, "inbound", "INBOUND", out);
	if (outb)
		bandwidth(m, "outbound", "OUTBOUND", out);
	strbuf_lit(out, "</bandwidth>");
}

enum one_rc device_nic_xml(const struct message *m, struct strbuf *out, struct one_err *err)
{
	const char *model = or_default(nic(m, "MODEL"), "virtio");

	if (*nic(m, "VN_MAD") == '\0' || *nic(m, "BRIDGE") == '\0' || *nic(m, "TARGET") == '\0' || *nic(m, "MAC") == '\0')
		return one_err_set(err, ONE_ACTION, "Missing VN_MAD, BRIDGE, TARGET or MAC in VM NIC");
	strbuf_lit(out, "<interface type='bridge'>");
	if (strncmp(nic(m, "BRIDGE_TYPE"), "openvswitch", 11) == 0)
		strbuf_lit(out, "<virtualport type='openvswitch'/>");
	piece(out, "<source bridge='", nic(m, "BRIDGE"), "'/>");
	piece(out, "<mac address='", nic(m, "MAC"), "'/>");
	piece(out, "<target dev='", nic(m, "TARGET"), "'/>");
	piece(out, "<script path='", nic(m, "SCRIPT"), "'/>");
	piece(out, "<model type='", model, "'/>");
	if (strcmp(model, "virtio") == 0)
		piece(out, "<driver name='vhost' queues='", nic(m, "VIRTIO_QUEUES"), "'/>");
	if (*nic(m, "IP") != '\0' && *nic(m, "FILTER") != '\0') {
		piece(out, "<filterref filter='", nic(m, "FILTER"), "'>");
		piece(out, "<parameter name='IP' value='", nic(m, "IP"), "'/>");
		piece(out, "<parameter name='IP' value='", nic(m, "VROUTER_IP"), "'/>");
		strbuf_lit(out, "</filterref>");
	}
	bandwidths(m, out);
	strbuf_lit(out, "</interface>");
	return ONE_OK;
}
