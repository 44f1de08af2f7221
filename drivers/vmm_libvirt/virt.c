/* Domain operations over libvirt's API; see virt.h. */
#include "drivers/vmm_libvirt/virt.h"

#include <ctype.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include "common/arena.h"
#include "common/timeutil.h"
#include "common/xml.h"

#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 6
#define LOOK_AGAIN_MS 500       /* when no event tells */
#define PRESS_AGAIN_MS 10000    /* and after twice that, and so on */
#define XML_MAX_BYTES (4u * 1024 * 1024)

/* Anything that happened to any domain: those who wait for one look again. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
} events = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER };

static enum one_rc failed(struct one_err *err, const char *what)
{
	const virError *e = virGetLastError();

	return one_err_set(err, ONE_ACTION, "%s: %s", what, e != NULL && e->message != NULL ? e->message : "unknown error");
}

static void quiet(void *ctx, virErrorPtr e)
{
	(void)ctx;
	(void)e;
}

static void *event_loop(void *arg)
{
	(void)arg;
	while (virEventRunDefaultImpl() == 0)
		continue;
	return NULL;
}

enum one_rc virt_start(struct one_err *err)
{
	pthread_t thread;

	virSetErrorFunc(NULL, quiet);
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
		return failed(err, "Cannot initialise libvirt");
	if (pthread_create(&thread, NULL, event_loop, NULL) != 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot start libvirt's event loop");
	pthread_detach(thread);
	return ONE_OK;
}

static int on_event(virConnectPtr c, virDomainPtr dom, int event, int detail, void *ctx)
{
	(void)c, (void)dom, (void)event, (void)detail, (void)ctx;
	pthread_mutex_lock(&events.lock);
	pthread_cond_broadcast(&events.changed);
	pthread_mutex_unlock(&events.lock);
	return 0;
}

static void wait_event(int timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)timeout_ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&events.lock);
	pthread_cond_timedwait(&events.changed, &events.lock, &until);
	pthread_mutex_unlock(&events.lock);
}

enum one_rc virt_open(const char *uri, virConnectPtr *out, struct one_err *err)
{
	virConnectPtr c = virConnectOpen(uri);

	if (c == NULL)
		return failed(err, "Cannot connect to the hypervisor");
	/* In-process and old drivers have neither; then only their own errors tell. */
	virConnectSetKeepAlive(c, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
	virConnectDomainEventRegisterAny(c, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
					 VIR_DOMAIN_EVENT_CALLBACK(on_event), NULL, NULL);
	virResetLastError();
	*out = c;
	return ONE_OK;
}

/* ---- finding ---- */

/* *out is NULL (and the result ONE_OK) when there is no such domain. */
static enum one_rc look_up(virConnectPtr c, const char *id, virDomainPtr *out, struct one_err *err)
{
	virDomainPtr dom = NULL;

	if (strlen(id) == VIR_UUID_STRING_BUFLEN - 1)
		dom = virDomainLookupByUUIDString(c, id);
	if (dom == NULL)
		dom = virDomainLookupByName(c, id);
	*out = dom;
	if (dom != NULL || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
		return ONE_OK;
	return failed(err, "Cannot look for the domain");
}

static enum one_rc need(virConnectPtr c, const char *id, virDomainPtr *out, struct one_err *err)
{
	enum one_rc rc = look_up(c, id, out, err);

	if (rc == ONE_OK && *out == NULL)
		rc = one_err_set(err, ONE_ACTION, "Domain %s does not exist", id);
	return rc;
}

enum one_rc virt_exists(virConnectPtr c, const char *id, bool *exists, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = look_up(c, id, &dom, err);

	*exists = dom != NULL;
	if (dom != NULL)
		virDomainFree(dom);
	return rc;
}

/* ---- starting and ending ---- */

enum one_rc virt_create(virConnectPtr c, const char *xml, struct strbuf *uuid, struct one_err *err)
{
	char text[VIR_UUID_STRING_BUFLEN];
	virDomainPtr dom = virDomainCreateXML(c, xml, 0);

	if (dom == NULL)
		return failed(err, "Could not create the domain");
	virDomainGetUUIDString(dom, text);
	strbuf_adds(uuid, text);
	virDomainFree(dom);
	return ONE_OK;
}

/* Does it once; a domain that ended meanwhile is no failure. */
static enum one_rc destroy_now(virConnectPtr c, const char *id, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = look_up(c, id, &dom, err);

	if (rc != ONE_OK || dom == NULL)
		return rc;
	if (virDomainDestroy(dom) < 0) {
		int code = virGetLastErrorCode();
		if (code != VIR_ERR_NO_DOMAIN && code != VIR_ERR_OPERATION_INVALID)
			rc = failed(err, "Could not destroy the domain");
	}
	virDomainFree(dom);
	return rc;
}

/* One that was made persistent by hand stays defined after it was destroyed; it no longer runs, which is enough. */
static enum one_rc is_running(virConnectPtr c, const char *id, bool *running, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = look_up(c, id, &dom, err);

	*running = dom != NULL && virDomainIsActive(dom) != 0;
	if (dom != NULL)
		virDomainFree(dom);
	return rc;
}

enum one_rc virt_destroy(virConnectPtr c, const char *id, struct one_err *err)
{
	bool running = true;
	enum one_rc rc = destroy_now(c, id, err);

	if (rc == ONE_OK)
		rc = is_running(c, id, &running, err);
	if (rc == ONE_OK && running)
		rc = one_err_set(err, ONE_ACTION, "Could not destroy %s", id);
	return rc;
}

static bool has_acpi(virDomainPtr dom)
{
	char *xml = virDomainGetXMLDesc(dom, 0);
	bool found = xml == NULL || strstr(xml, "<acpi/>") != NULL;

	free(xml);
	return found;
}

static enum one_rc press_button(virConnectPtr c, const char *id, bool force_without_acpi, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = look_up(c, id, &dom, err);

	if (rc != ONE_OK || dom == NULL)
		return rc;
	bool force = force_without_acpi && !has_acpi(dom);
	if ((force ? virDomainDestroy(dom) : virDomainShutdown(dom)) < 0 && virDomainIsActive(dom) > 0)
		rc = failed(err, "Could not shut down the domain");
	virDomainFree(dom);
	return rc;
}

enum one_rc virt_shutdown(virConnectPtr c, const char *id, const struct virt_shutdown *how, const atomic_bool *stop,
			  struct one_err *err)
{
	int64_t begin = time_mono_ms(), spent = 0, press_ms = PRESS_AGAIN_MS;
	bool running = true;
	enum one_rc rc = press_button(c, id, how->force_without_acpi, err);

	while (rc == ONE_OK && (rc = is_running(c, id, &running, err)) == ONE_OK && running) {
		spent = time_mono_ms() - begin;
		if (spent >= how->timeout_ms || (stop != NULL && atomic_load(stop)))
			break;
		if (spent >= press_ms) { /* guests that were booting have missed it */
			press_ms *= 2;
			rc = press_button(c, id, how->force_without_acpi, err);
			continue;
		}
		wait_event(how->timeout_ms - spent < LOOK_AGAIN_MS ? (int)(how->timeout_ms - spent) : LOOK_AGAIN_MS);
	}
	if (rc != ONE_OK || !running)
		return rc;
	if (stop != NULL && atomic_load(stop))
		return one_err_set(err, ONE_ACTION, "Gave up waiting for %s to shut down", id);
	if (how->force)
		return virt_destroy(c, id, err);
	return one_err_set(err, ONE_ACTION, "Timed out shutting down %s", id);
}

/* ---- operations that are one call ---- */

static int reboot(virDomainPtr dom, const char *arg)
{
	(void)arg;
	return virDomainReboot(dom, 0);
}

static int reset(virDomainPtr dom, const char *arg)
{
	(void)arg;
	return virDomainReset(dom, 0);
}

static int save(virDomainPtr dom, const char *path)
{
	return virDomainSave(dom, path);
}

static int attach(virDomainPtr dom, const char *xml)
{
	return virDomainAttachDeviceFlags(dom, xml, VIR_DOMAIN_AFFECT_LIVE);
}

static enum one_rc simple(virConnectPtr c, const char *id, int (*call)(virDomainPtr, const char *), const char *arg,
			  const char *what, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	if (call(dom, arg) < 0)
		rc = failed(err, what);
	virDomainFree(dom);
	return rc;
}

enum one_rc virt_reboot(virConnectPtr c, const char *id, struct one_err *err)
{
	return simple(c, id, reboot, NULL, "Could not reboot the domain", err);
}

enum one_rc virt_reset(virConnectPtr c, const char *id, struct one_err *err)
{
	return simple(c, id, reset, NULL, "Could not reset the domain", err);
}

enum one_rc virt_save(virConnectPtr c, const char *id, const char *path, struct one_err *err)
{
	return simple(c, id, save, path, "Could not save the domain", err);
}

enum one_rc virt_attach(virConnectPtr c, const char *id, const char *device_xml, struct one_err *err)
{
	return simple(c, id, attach, device_xml, "Could not attach the device", err);
}

/* ---- checkpoints ---- */

/* Length of "<digits>/" at p; 0: something else stands there. */
static size_t number_folder(const char *p)
{
	size_t n = 0;

	while (isdigit((unsigned char)p[n]))
		n++;
	return n > 0 && p[n] == '/' ? n + 1 : 0;
}

/* Where ".../datastores/" begins its last two folders (<datastore>/<vm>/) in the checkpoint's path; NULL: not so laid out. */
static const char *last_folders(const char *checkpoint)
{
	const char *p = strrchr(checkpoint, '/');

	for (int up = 0; up < 2 && p != NULL; up++) {
		do {
			if (p == checkpoint)
				return NULL;
			p--;
		} while (*p != '/');
	}
	return p != NULL ? p + 1 : NULL;
}

void virt_relocate(const char *xml, const char *checkpoint, struct strbuf *out)
{
	const char *folders = last_folders(checkpoint);
	size_t ds = folders != NULL ? number_folder(folders) : 0;
	size_t vm = ds > 0 ? number_folder(folders + ds) : 0;
	size_t base = folders != NULL ? (size_t)(folders - checkpoint) : 0;

	while (vm > 0 && *xml != '\0') {
		const char *hit = strstr(xml, "/datastores/");
		const char *ds_at = hit != NULL ? hit + strlen("/datastores/") : NULL;
		size_t n = ds_at != NULL ? number_folder(ds_at) : 0;
		if (hit == NULL)
			break;
		if (n == 0 || strncmp(ds_at + n, folders + ds, vm) != 0) {
			strbuf_add(out, xml, (size_t)(ds_at - xml));
			xml = ds_at;
			continue;
		}
		const char *start = hit; /* the path's beginning: where its quote or '>' is */
		while (start > xml && strchr("'\">", start[-1]) == NULL)
			start--;
		strbuf_add(out, xml, (size_t)(start - xml));
		strbuf_add(out, checkpoint, base + ds);
		xml = ds_at + n;
	}
	strbuf_adds(out, xml);
}

enum one_rc virt_restore(virConnectPtr c, const char *path, struct one_err *err)
{
	struct strbuf moved = STRBUF_INIT;
	char *xml = virDomainSaveImageGetXMLDesc(c, path, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);
	enum one_rc rc = ONE_OK;

	if (xml == NULL && virGetLastErrorCode() != VIR_ERR_NO_SUPPORT)
		return failed(err, "Could not read the checkpoint");
	if (xml != NULL)
		virt_relocate(xml, path, &moved);
	if (virDomainRestoreFlags(c, path, xml != NULL ? moved.buf : NULL, 0) < 0)
		rc = failed(err, "Could not restore from the checkpoint");
	strbuf_done(&moved);
	free(xml);
	return rc;
}

enum one_rc virt_migrate(virConnectPtr c, const char *id, virConnectPtr to, struct one_err *err)
{
	virDomainPtr dom, moved;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	moved = virDomainMigrate3(dom, to, NULL, 0, VIR_MIGRATE_LIVE);
	if (moved == NULL)
		rc = failed(err, "Could not migrate the domain");
	else
		virDomainFree(moved);
	virDomainFree(dom);
	return rc;
}

/* ---- snapshots ---- */

enum one_rc virt_snapshot_create(virConnectPtr c, const char *id, const char *name, struct one_err *err)
{
	struct strbuf xml = STRBUF_INIT;
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	strbuf_lit(&xml, "<domainsnapshot>");
	xml_out_text(&xml, "name", name);
	strbuf_lit(&xml, "</domainsnapshot>");
	virDomainSnapshotPtr snap = virDomainSnapshotCreateXML(dom, xml.buf, 0);
	if (snap == NULL)
		rc = failed(err, "Could not create the snapshot");
	else
		virDomainSnapshotFree(snap);
	virDomainFree(dom);
	strbuf_done(&xml);
	return rc;
}

static int snapshot_revert(virDomainPtr dom, const char *name)
{
	virDomainSnapshotPtr snap = virDomainSnapshotLookupByName(dom, name, 0);
	int rc = snap != NULL ? virDomainRevertToSnapshot(snap, 0) : -1;

	if (snap != NULL)
		virDomainSnapshotFree(snap);
	return rc;
}

static int snapshot_delete(virDomainPtr dom, const char *name)
{
	virDomainSnapshotPtr snap = virDomainSnapshotLookupByName(dom, name, 0);
	int rc = snap != NULL ? virDomainSnapshotDelete(snap, 0) : -1;

	if (snap != NULL)
		virDomainSnapshotFree(snap);
	return rc;
}

enum one_rc virt_snapshot_revert(virConnectPtr c, const char *id, const char *name, struct one_err *err)
{
	return simple(c, id, snapshot_revert, name, "Could not revert to the snapshot", err);
}

enum one_rc virt_snapshot_delete(virConnectPtr c, const char *id, const char *name, struct one_err *err)
{
	return simple(c, id, snapshot_delete, name, "Could not delete the snapshot", err);
}

/* ---- devices ---- */

enum one_rc virt_change_cdrom(virConnectPtr c, const char *id, const char *target, const char *path, struct one_err *err)
{
	struct strbuf xml = STRBUF_INIT;
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	strbuf_lit(&xml, "<disk type='file' device='cdrom'>");
	if (path != NULL) {
		strbuf_lit(&xml, "<source file='");
		xml_escape(&xml, path, strlen(path));
		strbuf_lit(&xml, "'/>");
	}
	strbuf_lit(&xml, "<target dev='");
	xml_escape(&xml, target, strlen(target));
	strbuf_lit(&xml, "'/><readonly/></disk>");
	unsigned flags = VIR_DOMAIN_AFFECT_LIVE | (path == NULL ? VIR_DOMAIN_DEVICE_MODIFY_FORCE : 0u);
	if (virDomainUpdateDeviceFlags(dom, xml.buf, flags) < 0)
		rc = failed(err, path != NULL ? "Could not insert the CD-ROM" : "Could not eject the CD-ROM");
	virDomainFree(dom);
	strbuf_done(&xml);
	return rc;
}

/* How to find one device in the domain's XML: its element, and the child and attribute that tell it from others. */
struct device_key { const char *element, *child, *attr; };

static const struct device_key disk_key = { "disk", "target", "dev" };
static const struct device_key nic_key = { "interface", "mac", "address" };

static const struct xnode *find_device(const struct xnode *domain, const struct device_key *key, const char *value)
{
	const struct xnode *devices = xml_child(domain, "devices");

	for (const struct xnode *n = devices != NULL ? xml_child(devices, key->element) : NULL; n != NULL; n = xml_next(n)) {
		const struct xnode *child = xml_child(n, key->child);
		const char *found = child != NULL ? xml_attr(child, key->attr) : NULL;
		if (found != NULL && strcasecmp(found, value) == 0)
			return n;
	}
	return NULL;
}

/* libvirt's name of a device of a running domain, appended. false: the domain has (no longer) such a device. */
static bool device_alias(virDomainPtr dom, const struct device_key *key, const char *value, struct strbuf *alias)
{
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	const struct xnode *device = NULL;
	char *xml = virDomainGetXMLDesc(dom, 0);

	if (xml != NULL && xml_parse(&arena, xml, strlen(xml), XML_MAX_DEPTH, XML_MAX_BYTES, &root, NULL) == ONE_OK)
		device = find_device(root, key, value);
	const struct xnode *n = device != NULL ? xml_child(device, "alias") : NULL;
	if (n != NULL && xml_attr(n, "name") != NULL)
		strbuf_adds(alias, xml_attr(n, "name"));
	arena_done(&arena);
	free(xml);
	return device != NULL;
}

/* libvirt says yes once the guest was asked; the device leaves when the guest agrees. */
static enum one_rc wait_released(virDomainPtr dom, const struct device_key *key, const char *value, int timeout_ms,
				 struct one_err *err)
{
	int64_t deadline = time_mono_ms() + timeout_ms;
	struct strbuf unused = STRBUF_INIT;
	bool there;

	while ((there = device_alias(dom, key, value, &unused)) && time_mono_ms() < deadline) {
		wait_event(LOOK_AGAIN_MS / 2);
		strbuf_reset(&unused);
	}
	strbuf_done(&unused);
	return there ? one_err_set(err, ONE_ACTION, "The guest did not release device %s", value) : ONE_OK;
}

static enum one_rc detach(virConnectPtr c, const char *id, const struct device_key *key, const char *value, int timeout_ms,
			  struct one_err *err)
{
	struct strbuf alias = STRBUF_INIT;
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	if (device_alias(dom, key, value, &alias)) {
		if (virDomainDetachDeviceAlias(dom, alias.buf, VIR_DOMAIN_AFFECT_LIVE) < 0)
			rc = failed(err, "Could not detach the device");
		else
			rc = wait_released(dom, key, value, timeout_ms, err);
	}
	virDomainFree(dom);
	strbuf_done(&alias);
	return rc;
}

enum one_rc virt_detach_disk(virConnectPtr c, const char *id, const char *target, int timeout_ms, struct one_err *err)
{
	return detach(c, id, &disk_key, target, timeout_ms, err);
}

enum one_rc virt_detach_nic(virConnectPtr c, const char *id, const char *mac, int timeout_ms, struct one_err *err)
{
	return detach(c, id, &nic_key, mac, timeout_ms, err);
}

enum one_rc virt_attach_nic(virConnectPtr c, const char *id, const char *mac, const char *device_xml, struct one_err *err)
{
	struct strbuf unused = STRBUF_INIT;
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	if (!device_alias(dom, &nic_key, mac, &unused) && attach(dom, device_xml) < 0)
		rc = failed(err, "Could not attach the interface");
	virDomainFree(dom);
	strbuf_done(&unused);
	return rc;
}

static const char *const limit_names[] = {
	VIR_DOMAIN_BANDWIDTH_IN_AVERAGE,  VIR_DOMAIN_BANDWIDTH_IN_PEAK,  VIR_DOMAIN_BANDWIDTH_IN_BURST,
	VIR_DOMAIN_BANDWIDTH_OUT_AVERAGE, VIR_DOMAIN_BANDWIDTH_OUT_PEAK, VIR_DOMAIN_BANDWIDTH_OUT_BURST,
};
#define LIMITS (sizeof(limit_names) / sizeof(limit_names[0]))

enum one_rc virt_limit_nic(virConnectPtr c, const char *id, const char *device, const char *limits, struct one_err *err)
{
	virTypedParameterPtr params = NULL;
	int n = 0, room = 0;
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	for (size_t i = 0; i < LIMITS; i++) {
		char *end;
		unsigned long value = strtoul(limits, &end, 10);

		virTypedParamsAddUInt(&params, &n, &room, limit_names[i], value <= UINT32_MAX ? (unsigned)value : UINT32_MAX);
		limits = end;
	}
	if (virDomainSetInterfaceParameters(dom, device, params, n, VIR_DOMAIN_AFFECT_LIVE) < 0)
		rc = failed(err, "Could not limit the traffic of the interface");
	virTypedParamsFree(params, n);
	virDomainFree(dom);
	return rc;
}

enum one_rc virt_resize(virConnectPtr c, const char *id, unsigned vcpus, unsigned long memory_kb, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	if (vcpus > 0 && virDomainSetVcpusFlags(dom, vcpus, VIR_DOMAIN_AFFECT_LIVE) < 0)
		rc = failed(err, "Could not change the number of CPUs");
	if (rc == ONE_OK && memory_kb > 0 && virDomainSetMemoryFlags(dom, memory_kb, VIR_DOMAIN_AFFECT_LIVE) < 0)
		rc = failed(err, "Could not change the memory");
	virDomainFree(dom);
	return rc;
}

enum one_rc virt_plug_memory(virConnectPtr c, const char *id, unsigned long memory_kb, struct one_err *err)
{
	struct strbuf xml = STRBUF_INIT;
	unsigned long has_kb;
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	has_kb = virDomainGetMaxMemory(dom);
	if (has_kb == 0) {
		rc = failed(err, "Could not find out how much memory there is");
	} else if (has_kb > memory_kb) {
		rc = one_err_set(err, ONE_ACTION, "A running VM doesn't give memory back that was plugged in");
	} else if (has_kb < memory_kb) {
		strbuf_addf(&xml, "<memory model='dimm'><target><size unit='KiB'>%lu</size><node>0</node></target></memory>",
			    memory_kb - has_kb);
		if (virDomainAttachDeviceFlags(dom, xml.buf, VIR_DOMAIN_AFFECT_LIVE) < 0)
			rc = failed(err, "Could not plug in memory");
	}
	virDomainFree(dom);
	strbuf_done(&xml);
	return rc;
}

enum one_rc virt_resize_disk(virConnectPtr c, const char *id, const char *target, unsigned long long bytes, struct one_err *err)
{
	virDomainPtr dom;
	enum one_rc rc = need(c, id, &dom, err);

	if (rc != ONE_OK)
		return rc;
	if (virDomainBlockResize(dom, target, bytes, VIR_DOMAIN_BLOCK_RESIZE_BYTES) < 0)
		rc = failed(err, "Could not resize the disk");
	virDomainFree(dom);
	return rc;
}
