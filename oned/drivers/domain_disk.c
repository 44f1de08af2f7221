/* The disks of a domain: where each kind of image lies, how it is cached and limited, the context CD-ROM, and the
 * controllers they hang on. */
#include "oned/drivers/domain_priv.h"

#include <strings.h>

/* One disk while it is written. */
struct disk {
	const struct attr *a;
	const char *target, *bus, *type, *disk_type;
	long long id;
};

/* Text of an attribute of the disk, "" when there is none. */
static const char *text(const struct disk *k, const char *name)
{
	const char *value = attr_get(k->a, name);

	return value != NULL ? value : "";
}

/* The disk's own value, else the site's default (DISK of the host, the cluster, vmm_exec_kvm.conf), else dflt. */
static const char *disk_value(const struct dom *d, const struct disk *k, const char *name, const char *dflt)
{
	const char *value = attr_get(k->a, name);

	if (!has_text(value))
		value = dom_get(d, DOM_SITE, "DISK", name);
	return has_text(value) ? value : dflt;
}

static bool clones(const struct disk *k)
{
	return strcmp(text(k, "CLONE"), "YES") == 0;
}

static const char *image_path(struct dom *d, long long id)
{
	return arena_printf(&d->arena, "%s/disk.%lld", d->in->system_dir, id);
}

/* ---- images that are reached over the network ---- */

static const char *iscsi_name(struct dom *d, const struct disk *k)
{
	(void)d;
	return *text(k, "ISCSI_IQN") != '\0' ? text(k, "ISCSI_IQN") : text(k, "SOURCE");
}

static const char *cloned_name(struct dom *d, const struct disk *k, const char *name, bool clone)
{
	return clone ? arena_printf(&d->arena, "%s-%d-%lld", name, d->in->vm_id, k->id) : name;
}

static const char *rbd_name(struct dom *d, const struct disk *k)
{
	const char *source = text(k, "SOURCE"), *pool = text(k, "POOL_NAME");

	if (*source != '\0')
		return cloned_name(d, k, source, clones(k));
	/* A volatile disk is made in the system datastore's pool. */
	return cloned_name(d, k, arena_printf(&d->arena, "%s/one-sys", *pool != '\0' ? pool : "one"), true);
}

static const char *sheepdog_name(struct dom *d, const struct disk *k)
{
	return cloned_name(d, k, text(k, "SOURCE"), clones(k));
}

static const char *gluster_name(struct dom *d, const struct disk *k)
{
	const char *source = text(k, "SOURCE"), *volume = text(k, "GLUSTER_VOLUME");
	const char *slash = strrchr(source, '/');

	if (clones(k))
		return arena_printf(&d->arena, "%s/%d/disk.%lld", volume, d->in->vm_id, k->id);
	return arena_printf(&d->arena, "%s/%s", volume, slash != NULL ? slash + 1 : source);
}

struct protocol {
	const char *name;
	const char *(*image)(struct dom *d, const struct disk *k);
	const char *hosts_key;   /* "host[:port] ..." */
	const char *port, *transport;
	const char *user_key, *secret_key; /* both are needed to log in; NULL: no log-in */
	const char *secret_type, *secret_attr;
};

/* clang-format off */
static const struct protocol protocols[] = {
	{ "iscsi",    iscsi_name,    "ISCSI_HOST",    "3260",  NULL,  "ISCSI_USER", "ISCSI_USAGE", "iscsi", "usage" },
	{ "rbd",      rbd_name,      "CEPH_HOST",     "6789",  NULL,  "CEPH_USER",  "CEPH_SECRET", "ceph",  "uuid" },
	{ "sheepdog", sheepdog_name, "SHEEPDOG_HOST", NULL,    "tcp", NULL,         NULL,          NULL,    NULL },
	{ "gluster",  gluster_name,  "GLUSTER_HOST",  "24007", "tcp", NULL,         NULL,          NULL,    NULL },
};

/* What TYPE (of a volatile disk: DISK_TYPE) says about the medium. protocol: index above; -1 for a file or device. */
static const struct disk_kind { const char *type; bool block, cdrom; int protocol; } kinds[] = {
	{ "BLOCK",          true,  false, -1 },
	{ "BLOCK_CDROM",    true,  true,  -1 },
	{ "CDROM",          false, true,  -1 },
	{ "ISCSI",          false, false, 0 },
	{ "RBD",            false, false, 1 },
	{ "RBD_CDROM",      false, true,  1 },
	{ "SHEEPDOG",       false, false, 2 },
	{ "SHEEPDOG_CDROM", false, true,  2 },
	{ "GLUSTER",        false, false, 3 },
	{ "GLUSTER_CDROM",  false, true,  3 },
};
/* clang-format on */

static struct disk_kind kind_of(const struct disk *k)
{
	struct disk_kind kind = { "FILE", false, false, -1 };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(k->type, kinds[i].type) == 0)
			kind = kinds[i];
	}
	if (kind.protocol < 0 && !kind.block && !kind.cdrom && strcmp(k->disk_type, "RBD") == 0)
		kind.protocol = 1;
	if (strcmp(k->type, "CDROM") == 0 && strcmp(k->disk_type, "BLOCK") == 0)
		kind.block = true;
	return kind;
}

static void source_hosts(struct dom *d, const char *list, const struct protocol *p)
{
	while (*list != '\0') {
		size_t len = strcspn(list, " ");
		const char *host = arena_strndup(&d->arena, list, len);
		char *colon = strchr(host, ':');
		if (colon != NULL)
			*colon++ = '\0';
		if (len > 0)
			xw_leaf(&d->w, "host", "name", host, "port", colon != NULL ? colon : p->port, "transport",
				p->transport, NULL);
		list += len;
		list += strspn(list, " ");
	}
}

static void network_source(struct dom *d, const struct disk *k, const struct protocol *p)
{
	xw_open(&d->w, "source");
	xw_attr(&d->w, "protocol", p->name);
	xw_attr(&d->w, "name", p->image(d, k));
	source_hosts(d, text(k, p->hosts_key), p);
	xw_close(&d->w);
	if (p->user_key == NULL || *text(k, p->user_key) == '\0' || *text(k, p->secret_key) == '\0')
		return;
	xw_open(&d->w, "auth");
	xw_attr(&d->w, "username", text(k, p->user_key));
	xw_leaf(&d->w, "secret", "type", p->secret_type, p->secret_attr, text(k, p->secret_key), NULL);
	xw_close(&d->w);
}

static void open_disk(struct dom *d, const struct disk *k)
{
	struct disk_kind kind = kind_of(k);
	const char *type = kind.protocol >= 0 ? "network" : kind.block ? "block" : "file";

	xw_open(&d->w, "disk");
	xw_attr(&d->w, "type", type);
	xw_attr(&d->w, "device", kind.cdrom ? "cdrom" : "disk");
	if (kind.protocol >= 0)
		network_source(d, k, &protocols[kind.protocol]);
	else
		xw_leaf(&d->w, "source", kind.block ? "dev" : "file", image_path(d, k->id), NULL);
}

/* ---- what is around the image ---- */

/* The bus that goes with a target's name: vdX is virtio, sdX what the site says, anything else the chipset's own. */
static const char *bus_of(const struct dom *d, const char *target)
{
	if (target[0] == 's')
		return dom_text(d, DOM_ANY, "OS", "SD_DISK_BUS");
	if (target[0] == 'v')
		return "virtio";
	return strstr(d->machine, "q35") != NULL ? "sata" : "ide";
}

static void io_thread(struct dom *d, const struct disk *k)
{
	long long wanted;

	if (d->iothreads <= 0 || strcmp(k->bus, "virtio") != 0)
		return;
	if (!attr_get_int(k->a, "IOTHREAD", &wanted) || wanted < 1 || wanted > d->iothreads) {
		wanted = d->iothread_next;
		d->iothread_next = d->iothread_next % d->iothreads + 1;
	}
	xw_attr_int(&d->w, "iothread", wanted);
}

static void driver(struct dom *d, const struct disk *k)
{
	const char *queues = text(k, "VIRTIO_BLK_QUEUES");
	bool cdrom = strcmp(k->type, "CDROM") == 0;

	xw_open(&d->w, "driver");
	xw_attr(&d->w, "name", "qemu");
	xw_attr(&d->w, "type", cdrom ? "raw" : disk_value(d, k, "DRIVER", "raw"));
	xw_attr(&d->w, "cache", disk_value(d, k, "CACHE", "default"));
	xw_attr(&d->w, "io", disk_value(d, k, "IO", NULL));
	xw_attr(&d->w, "discard", disk_value(d, k, "DISCARD", NULL));
	io_thread(d, k);
	if (*queues == '\0')
		queues = dom_get(d, DOM_ANY, "FEATURES", "VIRTIO_BLK_QUEUES");
	if (strcmp(k->bus, "virtio") == 0)
		xw_attr(&d->w, "queues", dom_queues(d, queues));
	xw_close(&d->w);
}

/* ---- limits ---- */

struct limit { const char *element, *key; bool bytes; };

/* A total forbids separate limits for reading and writing of the same unit. */
static const struct limit totals[] = { { "total_bytes", "TOTAL_BYTES_SEC", true }, { "total_iops", "TOTAL_IOPS_SEC", false } };
static const struct limit halves[] = {
	{ "read_bytes", "READ_BYTES_SEC", true }, { "write_bytes", "WRITE_BYTES_SEC", true },
	{ "read_iops", "READ_IOPS_SEC", false },  { "write_iops", "WRITE_IOPS_SEC", false },
};

static long long limit_value(struct dom *d, const struct disk *k, const char *key, const char *suffix)
{
	const char *value = disk_value(d, k, arena_printf(&d->arena, "%s%s", key, suffix), NULL);
	long long n;

	return value != NULL && value_int(value, &n) && n >= 0 ? n : -1;
}

static bool limited(struct dom *d, const struct disk *k, const struct limit *l)
{
	return limit_value(d, k, l->key, "") >= 0 || limit_value(d, k, l->key, "_MAX") >= 0;
}

/* The steady rate, a burst that is higher than it, and how long the burst may last. */
static void write_limit(struct dom *d, const struct disk *k, const struct limit *l)
{
	long long rate = limit_value(d, k, l->key, "");
	long long max = limit_value(d, k, l->key, "_MAX");
	long long length = limit_value(d, k, l->key, "_MAX_LENGTH");

	if (rate >= 0)
		xw_elem_int(&d->w, arena_printf(&d->arena, "%s_sec", l->element), rate);
	if (max <= (rate > 0 ? rate : 0))
		return;
	xw_elem_int(&d->w, arena_printf(&d->arena, "%s_sec_max", l->element), max);
	if (length >= 0)
		xw_elem_int(&d->w, arena_printf(&d->arena, "%s_sec_max_length", l->element), length);
}

static void limits(struct dom *d, const struct disk *k)
{
	bool any = false, iops = false;

	for (size_t i = 0; i < 2; i++)
		any |= limited(d, k, &totals[i]);
	for (size_t i = 0; i < 4; i++)
		any |= limited(d, k, &halves[i]);
	if (!any)
		return;
	xw_open(&d->w, "iotune");
	for (size_t i = 0; i < 2; i++) {
		const struct limit *group = &halves[i * 2];
		if (limited(d, k, &totals[i])) {
			write_limit(d, k, &totals[i]);
		} else {
			write_limit(d, k, &group[0]);
			write_limit(d, k, &group[1]);
		}
		iops = !totals[i].bytes && (limit_value(d, k, totals[i].key, "") >= 0 ||
					    limit_value(d, k, group[0].key, "") >= 0 ||
					    limit_value(d, k, group[1].key, "") >= 0);
	}
	long long size = limit_value(d, k, "SIZE_IOPS_SEC", "");
	if (size >= 0 && iops)
		xw_elem_int(&d->w, "size_iops_sec", size);
	xw_close(&d->w);
}

/* ---- addresses and controllers ---- */

/* "sda" is 0, "sdz" 25, "sdaa" 26; -1: no such name. */
static int target_index(const char *target)
{
	int n = 0;

	for (const char *p = target + 2; *p != '\0'; p++) {
		if (*p < 'a' || *p > 'z' || n > 1000)
			return -1;
		n = n * 26 + (*p - 'a' + 1);
	}
	return n - 1;
}

static void drive_address(struct dom *d, long long controller, long long target)
{
	xw_open(&d->w, "address");
	xw_attr(&d->w, "type", "drive");
	xw_attr_int(&d->w, "controller", controller);
	xw_attr(&d->w, "bus", "0");
	xw_attr_int(&d->w, "target", target);
	xw_attr(&d->w, "unit", "0");
	xw_close(&d->w);
}

/* SATA takes one disk a controller, SCSI's target follows the name: so disks keep their order in the guest. */
static void address(struct dom *d, const struct disk *k)
{
	int index = target_index(k->target);

	if (strncmp(k->target, "sd", 2) != 0)
		return;
	if (strcmp(k->bus, "sata") == 0)
		drive_address(d, d->sata_index++, 0);
	else if (index >= 0 && index < 256)
		drive_address(d, 0, index);
}

static void sata_controllers(struct dom *d, int first)
{
	for (int i = first; i < d->sata_index; i++) {
		xw_open(&d->w, "controller");
		xw_attr(&d->w, "type", "sata");
		xw_attr_int(&d->w, "index", i);
		xw_close(&d->w);
	}
}

/* Every domain has one, so that SCSI disks can be plugged in later. */
static void scsi_controller(struct dom *d)
{
	const char *queues = dom_queues(d, dom_get(d, DOM_ANY, "FEATURES", "VIRTIO_SCSI_QUEUES"));

	xw_open(&d->w, "controller");
	xw_attr(&d->w, "type", "scsi");
	xw_attr(&d->w, "index", "0");
	xw_attr(&d->w, "model", "virtio-scsi");
	xw_open(&d->w, "driver");
	xw_attr(&d->w, "queues", has_text(queues) ? queues : "1");
	if (d->iothreads > 0)
		xw_attr_int(&d->w, "iothread", d->iothread_next);
	xw_close(&d->w);
	xw_close(&d->w);
}

/* ---- the whole ---- */

static void encryption(struct dom *d, const struct disk *k)
{
	const char *uuid = text(k, "LUKS_SECRET");

	if (*uuid == '\0')
		return;
	xw_open(&d->w, "encryption");
	xw_attr(&d->w, "format", "luks");
	xw_leaf(&d->w, "secret", "type", "passphrase", "uuid", uuid, NULL);
	xw_close(&d->w);
}

static bool is_volatile(const struct attr *a)
{
	const char *type = attr_get(a, "TYPE");

	return type != NULL && (strcasecmp(type, "SWAP") == 0 || strcasecmp(type, "FS") == 0);
}

static enum one_rc one_disk(struct dom *d, const struct attr *a)
{
	struct disk k = { .a = a };
	long long order;

	k.target = text(&k, "TARGET");
	if (*k.target == '\0')
		return one_err_set(d->err, ONE_INTERNAL, "Wrong target value in DISK.");
	if (!attr_get_int(a, "DISK_ID", &k.id))
		return one_err_set(d->err, ONE_INTERNAL, "No DISK_ID in DISK.");
	k.disk_type = text(&k, "DISK_TYPE");
	k.type = is_volatile(a) ? k.disk_type : text(&k, "TYPE");
	k.bus = bus_of(d, k.target);

	open_disk(d, &k);
	xw_leaf(&d->w, "target", "dev", k.target, "bus", k.bus, NULL);
	encryption(d, &k);
	if (attr_get_int(a, "ORDER", &order)) {
		xw_open(&d->w, "boot");
		xw_attr_int(&d->w, "order", order);
		xw_close(&d->w);
	}
	if (strcasecmp(text(&k, "READONLY"), "YES") == 0)
		xw_leaf(&d->w, "readonly", NULL);
	if (strcmp(text(&k, "SHAREABLE"), "YES") == 0)
		xw_leaf(&d->w, "shareable", NULL);
	driver(d, &k);
	limits(d, &k);
	address(d, &k);
	xw_close(&d->w);
	return ONE_OK;
}

static void context_cdrom(struct dom *d)
{
	const struct attr *context = tmpl_vector(d->in->vm, "CONTEXT");
	const char *target = context != NULL ? attr_get(context, "TARGET") : NULL;
	long long id;

	/* Without a target or a disk number the VM was given no context disk. */
	if (!has_text(target) || !attr_get_int(context, "DISK_ID", &id))
		return;
	xw_open(&d->w, "disk");
	xw_attr(&d->w, "type", d->in->context_is_block ? "block" : "file");
	xw_attr(&d->w, "device", "cdrom");
	xw_leaf(&d->w, "source", d->in->context_is_block ? "dev" : "file", image_path(d, id), NULL);
	xw_leaf(&d->w, "target", "dev", target, "bus", bus_of(d, target), NULL);
	xw_leaf(&d->w, "readonly", NULL);
	xw_leaf(&d->w, "driver", "name", "qemu", "type", "raw", NULL);
	xw_close(&d->w);
}

enum one_rc dom_disks(struct dom *d)
{
	int first_sata = strstr(d->machine, "q35") != NULL ? 1 : 0; /* q35 brings controller 0 with it */
	enum one_rc rc = ONE_OK;

	d->sata_index = first_sata;
	for (const struct attr *a = tmpl_vector(d->in->vm, "DISK"); a != NULL && rc == ONE_OK; a = tmpl_find_next(a))
		rc = a->vector ? one_disk(d, a) : ONE_OK;
	if (rc != ONE_OK)
		return rc;
	sata_controllers(d, first_sata);
	context_cdrom(d);
	scsi_controller(d);
	return ONE_OK;
}
