/* What is done to a domain, over one libvirt connection.
 *
 * Each function is one step that either happened (ONE_OK) or did not (ONE_ACTION with libvirt's reason). They may
 * block as long as the hypervisor does: hosts_run() gives them their deadline. `id` is the deploy id that oned keeps: a
 * UUID (what DEPLOY answers) or a name (one-7). Errors never print anything. */
#ifndef VMM_LIBVIRT_VIRT_H
#define VMM_LIBVIRT_VIRT_H

#include <libvirt/libvirt.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "common/err.h"
#include "common/strbuf.h"

/* Once in a process, before any connection: libvirt's event loop runs in a thread of its own (it keeps connections
 * alive and notices dead ones), and libvirt keeps its errors to itself. */
enum one_rc virt_start(struct one_err *err);
/* Connects and turns on keep-alive and events. */
enum one_rc virt_open(const char *uri, virConnectPtr *out, struct one_err *err);

/* Starts a transient domain; its UUID is appended. */
enum one_rc virt_create(virConnectPtr c, const char *xml, struct strbuf *uuid, struct one_err *err);
/* Is there such a domain (in whatever state)? */
enum one_rc virt_exists(virConnectPtr c, const char *id, bool *exists, struct one_err *err);
/* Pulls the plug. A domain that isn't there is what was wanted. */
enum one_rc virt_destroy(virConnectPtr c, const char *id, struct one_err *err);

struct virt_shutdown {
	int timeout_ms;
	bool force;              /* after the timeout pull the plug, else fail */
	bool force_without_acpi; /* don't even ask a domain that has no ACPI */
};
/* Presses the power button (again after 10 s, 20 s, 40 s...) and waits until the domain is gone. `stop` (may be NULL) ends the
 * waiting early with ONE_ACTION. */
enum one_rc virt_shutdown(virConnectPtr c, const char *id, const struct virt_shutdown *how, const atomic_bool *stop,
			  struct one_err *err);

enum one_rc virt_reboot(virConnectPtr c, const char *id, struct one_err *err);
enum one_rc virt_reset(virConnectPtr c, const char *id, struct one_err *err);
/* Writes memory and state to a file of the host; the domain is gone afterwards. */
enum one_rc virt_save(virConnectPtr c, const char *id, const char *path, struct one_err *err);
/* The reverse. The domain's files are looked for in the checkpoint's own folder, wherever they lay when it was saved. */
enum one_rc virt_restore(virConnectPtr c, const char *path, struct one_err *err);
/* Moves a running domain to the hypervisor behind `to`; both need the same storage. */
enum one_rc virt_migrate(virConnectPtr c, const char *id, virConnectPtr to, struct one_err *err);

enum one_rc virt_snapshot_create(virConnectPtr c, const char *id, const char *name, struct one_err *err);
enum one_rc virt_snapshot_revert(virConnectPtr c, const char *id, const char *name, struct one_err *err);
enum one_rc virt_snapshot_delete(virConnectPtr c, const char *id, const char *name, struct one_err *err);

/* Puts a file into the CD-ROM drive `target`, or (path NULL) takes out what is in it. */
enum one_rc virt_change_cdrom(virConnectPtr c, const char *id, const char *target, const char *path, struct one_err *err);
enum one_rc virt_attach(virConnectPtr c, const char *id, const char *device_xml, struct one_err *err);
/* An interface with that MAC that is there already is what was wanted: the attempt before may have succeeded untold. */
enum one_rc virt_attach_nic(virConnectPtr c, const char *id, const char *mac, const char *device_xml, struct one_err *err);
/* Limits the traffic of an interface (its target or MAC). limits: six numbers separated by blanks, average and peak in KB/s and burst in
 * KB of what comes in, and of what goes out; 0: no limit. */
enum one_rc virt_limit_nic(virConnectPtr c, const char *id, const char *device, const char *limits, struct one_err *err);
/* Asks the guest to give the disk / the interface back, and waits up to timeout_ms until it has. */
enum one_rc virt_detach_disk(virConnectPtr c, const char *id, const char *target, int timeout_ms, struct one_err *err);
enum one_rc virt_detach_nic(virConnectPtr c, const char *id, const char *mac, int timeout_ms, struct one_err *err);
/* Live change of processors and memory; 0 leaves one as it is. */
enum one_rc virt_resize(virConnectPtr c, const char *id, unsigned vcpus, unsigned long memory_kb, struct one_err *err);

/* Plugs in what a domain lacks of so much memory. ONE_ACTION when it has more: a guest doesn't give that back. */
enum one_rc virt_plug_memory(virConnectPtr c, const char *id, unsigned long memory_kb, struct one_err *err);

/* Tells the guest that its disk has another size now. */
enum one_rc virt_resize_disk(virConnectPtr c, const char *id, const char *target, unsigned long long bytes, struct one_err *err);

/* The save image's XML with every ".../datastores/<number>/<vm id>/" replaced by the folder the checkpoint lies in.
 * Exported for its test. */
void virt_relocate(const char *xml, const char *checkpoint, struct strbuf *out);

#endif
