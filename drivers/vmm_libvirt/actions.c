/* The actions of oned's VMM protocol, each a table of steps. */
#include "drivers/vmm_libvirt/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include "common/tmpl.h"
#include "drivers/vmm_libvirt/device.h"

#define DEPLOYMENT_MAX_BYTES (4u * 1024 * 1024)

/* ---- steps: networks ---- */

static enum one_rc network_pre(struct action *a, struct one_err *err)
{
	return scripts_network(a, a->msg.host, "pre", NULL, err);
}

static enum one_rc network_post(struct action *a, struct one_err *err)
{
	const char *args[] = { a->msg.deploy_id, a->msg.host, NULL };

	return scripts_network(a, a->msg.host, "post", args, err);
}

static enum one_rc network_clean(struct action *a, struct one_err *err)
{
	const char *args[] = { a->msg.host, NULL };

	return scripts_network(a, a->msg.host, "clean", args, err);
}

static enum one_rc other_network_pre(struct action *a, struct one_err *err)
{
	return scripts_network(a, a->msg.migr_host, "pre", NULL, err);
}

static enum one_rc other_network_post(struct action *a, struct one_err *err)
{
	const char *args[] = { a->msg.deploy_id, a->msg.migr_host, NULL };

	return scripts_network(a, a->msg.migr_host, "post", args, err);
}

static enum one_rc other_network_clean(struct action *a, struct one_err *err)
{
	const char *args[] = { a->msg.migr_host, NULL };

	return *a->msg.migr_host != '\0' ? scripts_network(a, a->msg.migr_host, "clean", args, err) : ONE_OK;
}

static enum one_rc network_update_sg(struct action *a, struct one_err *err)
{
	const char *args[] = { a->msg.deploy_id, NULL };

	return scripts_network(a, a->msg.host, "update_sg", args, err);
}

static enum one_rc network_update_nic(struct action *a, struct one_err *err)
{
	const char *args[] = { a->msg.deploy_id, a->msg.vnet_id, NULL };

	return scripts_network(a, a->msg.host, "update_nic", args, err);
}

/* Undoing must go on whatever happens; what is left over is told in the log. */
static void log_failure(struct action *a, enum one_rc rc, const struct one_err *err)
{
	if (rc != ONE_OK)
		driver_log(a->call->driver, 'E', a->call->id, err->text);
}

static void undo_network(struct action *a)
{
	struct one_err err = ONE_ERR_INIT;

	log_failure(a, network_clean(a, &err), &err);
}

static void undo_other_network(struct action *a)
{
	struct one_err err = ONE_ERR_INIT;

	log_failure(a, other_network_clean(a, &err), &err);
}

/* ---- steps: storage ---- */

static enum one_rc storage(struct action *a, struct one_err *err)
{
	return scripts_tm(a, a->msg.tm_command, NULL, err);
}

/* The commands of a clean-up, one a line; each is tried. */
static enum one_rc storage_lines(struct action *a, struct one_err *err)
{
	char *save, *copy = arena_strdup(&a->call->arena, a->msg.tm_command);
	enum one_rc rc = ONE_OK;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (scripts_tm(a, line, NULL, err) != ONE_OK)
			rc = ONE_ACTION;
	}
	return rc;
}

static enum one_rc storage_around_migration(struct action *a, const char *when, struct one_err *err)
{
	struct strbuf vm = STRBUF_INIT;

	message_print(a->msg.vm, &vm);
	enum one_rc rc = scripts_tm(a, arena_printf(&a->call->arena, "%s%s", when, a->msg.tm_command), vm.buf, err);
	strbuf_done(&vm);
	return rc;
}

static enum one_rc storage_premigrate(struct action *a, struct one_err *err)
{
	return storage_around_migration(a, "PRE", err);
}

static enum one_rc storage_postmigrate(struct action *a, struct one_err *err)
{
	return storage_around_migration(a, "POST", err);
}

static void undo_storage_premigrate(struct action *a)
{
	struct one_err err = ONE_ERR_INIT;

	log_failure(a, storage_around_migration(a, "FAIL", &err), &err);
}

static void undo_storage(struct action *a)
{
	struct one_err err = ONE_ERR_INIT;

	log_failure(a, scripts_tm(a, a->msg.tm_rollback, NULL, &err), &err);
}

/* ---- steps: the hypervisor ---- */

static enum one_rc read_deployment(struct action *a, char **text, size_t *len, struct one_err *err)
{
	int fd = open(a->msg.local_dfile, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	*text = arena_alloc_raw(&a->call->arena, DEPLOYMENT_MAX_BYTES + 1);
	*len = 0;
	while (fd >= 0 && *len < DEPLOYMENT_MAX_BYTES) {
		n = read(fd, *text + *len, DEPLOYMENT_MAX_BYTES - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	(*text)[*len] = '\0';
	if (fd < 0 || n < 0 || *len == 0)
		return one_err_set(err, ONE_ACTION, "Cannot open deployment file %s", a->msg.local_dfile);
	if (*len == DEPLOYMENT_MAX_BYTES)
		return one_err_set(err, ONE_ACTION, "Deployment file %s is too big", a->msg.local_dfile);
	return ONE_OK;
}

static enum one_rc create(struct action *a, struct one_err *err)
{
	struct strbuf uuid = STRBUF_INIT;
	char *xml;
	size_t len;
	enum one_rc rc = read_deployment(a, &xml, &len, err);

	if (rc == ONE_OK)
		rc = scripts_put_files(a, xml, len, err);
	if (rc == ONE_OK)
		rc = op_run(a, OP_CREATE, &(struct op_args){ .text = xml, .out = &uuid }, err);
	if (rc == ONE_OK) {
		a->msg.deploy_id = arena_strdup(&a->call->arena, uuid.buf);
		strbuf_adds(&a->info, uuid.buf);
	}
	strbuf_done(&uuid);
	return rc;
}

static enum one_rc destroy(struct action *a, struct one_err *err)
{
	return op_run(a, OP_DESTROY, NULL, err);
}

static enum one_rc destroy_other(struct action *a, struct one_err *err)
{
	return *a->msg.migr_host != '\0' ? op_run(a, OP_DESTROY, &(struct op_args){ .host = a->msg.migr_host }, err) : ONE_OK;
}

static void undo_create(struct action *a)
{
	struct one_err err = ONE_ERR_INIT;

	log_failure(a, destroy(a, &err), &err);
}

static enum one_rc shut_down(struct action *a, struct one_err *err)
{
	return op_run(a, OP_SHUTDOWN, NULL, err);
}

static enum one_rc reboot(struct action *a, struct one_err *err)
{
	return op_run(a, OP_REBOOT, NULL, err);
}

static enum one_rc reset(struct action *a, struct one_err *err)
{
	return op_run(a, OP_RESET, NULL, err);
}

static enum one_rc save(struct action *a, struct one_err *err)
{
	if (!path_ok(a->msg.checkpoint))
		return one_err_set(err, ONE_ACTION, "Bad path of the checkpoint: %.100s", a->msg.checkpoint);
	return op_run(a, OP_SAVE, &(struct op_args){ .text = a->msg.checkpoint }, err);
}

static enum one_rc restore(struct action *a, struct one_err *err)
{
	if (!path_ok(a->msg.checkpoint))
		return one_err_set(err, ONE_ACTION, "Bad path of the checkpoint: %.100s", a->msg.checkpoint);
	return op_run(a, OP_RESTORE, &(struct op_args){ .text = a->msg.checkpoint }, err);
}

static enum one_rc remove_checkpoint(struct action *a, struct one_err *err)
{
	(void)err;
	scripts_remove(a, a->msg.host, a->msg.checkpoint);
	return ONE_OK;
}

static enum one_rc migrate(struct action *a, struct one_err *err)
{
	return op_run(a, OP_MIGRATE, NULL, err);
}

/* ---- steps: snapshots, devices, size ---- */

static enum one_rc snapshot_create(struct action *a, struct one_err *err)
{
	const char *id = message_value(&a->msg, "SNAPSHOT", "ACTIVE", "SNAPSHOT_ID");
	const char *name = arena_printf(&a->call->arena, "snap-%s", id);

	if (*id == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot create the snapshot, expecting its SNAPSHOT_ID");
	enum one_rc rc = op_run(a, OP_SNAPSHOT_CREATE, &(struct op_args){ .text = name }, err);
	if (rc == ONE_OK)
		strbuf_adds(&a->info, name);
	return rc;
}

static enum one_rc snapshot_op(struct action *a, enum op op, struct one_err *err)
{
	const char *name = message_value(&a->msg, "SNAPSHOT", "ACTIVE", "HYPERVISOR_ID");

	if (*name == '\0')
		return one_err_set(err, ONE_ACTION, "The snapshot has no HYPERVISOR_ID");
	return op_run(a, op, &(struct op_args){ .text = name }, err);
}

static enum one_rc snapshot_revert(struct action *a, struct one_err *err)
{
	return snapshot_op(a, OP_SNAPSHOT_REVERT, err);
}

static enum one_rc snapshot_delete(struct action *a, struct one_err *err)
{
	return snapshot_op(a, OP_SNAPSHOT_DELETE, err);
}

static enum one_rc attach_disk(struct action *a, struct one_err *err)
{
	struct strbuf xml = STRBUF_INIT;
	enum one_rc rc = device_disk_xml(&a->msg, &xml, err);

	if (rc == ONE_OK)
		rc = op_run(a, OP_ATTACH, &(struct op_args){ .text = xml.buf }, err);
	strbuf_done(&xml);
	return rc;
}

static enum one_rc detach_disk(struct action *a, struct one_err *err)
{
	const char *target = message_value(&a->msg, "DISK", "ATTACH", "TARGET");

	if (*target == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot detach the disk, expecting its TARGET");
	return op_run(a, OP_DETACH_DISK, &(struct op_args){ .text = target }, err);
}

/* An alias is an address on an interface that is there already: nothing is plugged. */
static bool nic_is_alias(const struct action *a)
{
	return *message_value(&a->msg, "NIC", "ATTACH", "NIC_ID") == '\0' &&
	       *message_value(&a->msg, "NIC_ALIAS", "ATTACH", "NIC_ID") != '\0';
}

static enum one_rc attach_nic(struct action *a, struct one_err *err)
{
	struct strbuf xml = STRBUF_INIT;

	if (nic_is_alias(a))
		return ONE_OK;
	if (*message_value(&a->msg, "PCI", "ATTACH", "NIC_ID") != '\0')
		return one_err_set(err, ONE_ACTION, "Attaching a PCI interface is not supported yet");
	enum one_rc rc = device_nic_xml(&a->msg, &xml, err);
	if (rc == ONE_OK)
		rc = op_run(a, OP_ATTACH_NIC,
			    &(struct op_args){ .text = xml.buf, .text2 = message_value(&a->msg, "NIC", "ATTACH", "MAC") }, err);
	strbuf_done(&xml);
	return rc;
}

static enum one_rc detach_nic(struct action *a, struct one_err *err)
{
	const char *mac = message_value(&a->msg, "NIC", "ATTACH", "MAC");

	if (nic_is_alias(a))
		return ONE_OK;
	if (*mac == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot detach the interface, expecting its MAC");
	return op_run(a, OP_DETACH_NIC, &(struct op_args){ .text = mac }, err);
}

static void undo_attach_nic(struct action *a)
{
	struct one_err err = ONE_ERR_INIT;

	log_failure(a, detach_nic(a, &err), &err);
}

static const char *const limit_names[] = {
	"INBOUND_AVG_BW", "INBOUND_PEAK_BW", "INBOUND_PEAK_KB", "OUTBOUND_AVG_BW", "OUTBOUND_PEAK_BW", "OUTBOUND_PEAK_KB",
};
#define LIMITS (sizeof(limit_names) / sizeof(limit_names[0]))

/* VNET_UPDATE names what has changed. */
static bool limits_changed(const struct action *a)
{
	const struct xnode *changes = xml_child(a->msg.tmpl, "VNET_UPDATE");
	bool changed = false;

	for (size_t i = 0; changes != NULL && i < LIMITS; i++)
		changed |= xml_child(changes, limit_names[i]) != NULL;
	return changed;
}

static enum one_rc limit_nic(struct action *a, const struct xnode *nic, struct one_err *err)
{
	struct strbuf limits = STRBUF_INIT;

	for (size_t i = 0; i < LIMITS; i++) {
		long long value = xml_int(nic, limit_names[i], 0);
		strbuf_addf(&limits, "%lld ", value > 0 ? value : 0);
	}
	enum one_rc rc = op_run(a, OP_LIMIT_NIC,
				&(struct op_args){ .text = xml_text_or(nic, "TARGET", ""), .text2 = limits.buf }, err);
	strbuf_done(&limits);
	return rc;
}

/* The NICs of the network that the update is about. */
static enum one_rc limit_nics(struct action *a, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	if (!limits_changed(a))
		return ONE_OK;
	for (const struct xnode *n = xml_child(a->msg.tmpl, "NIC"); n != NULL && rc == ONE_OK; n = xml_next(n)) {
		if (strcmp(xml_text_or(n, "NETWORK_ID", "-"), a->msg.vnet_id) == 0)
			rc = limit_nic(a, n, err);
	}
	return rc;
}

/* The context CD-ROM is taken out before it is written anew, and put back afterwards. */
static enum one_rc eject_context(struct action *a, struct one_err *err)
{
	const char *target = message_value(&a->msg, "CONTEXT", NULL, "TARGET");

	return *target != '\0' ? op_run(a, OP_CHANGE_CDROM, &(struct op_args){ .text = target }, err) : ONE_OK;
}

static enum one_rc insert_context(struct action *a, struct one_err *err)
{
	const char *target = message_value(&a->msg, "CONTEXT", NULL, "TARGET");

	if (*target == '\0' || *a->msg.disk_path == '\0')
		return ONE_OK;
	return op_run(a, OP_CHANGE_CDROM, &(struct op_args){ .text = target, .text2 = a->msg.disk_path }, err);
}

/* What the VM had before: TEMPLATE/RESIZE, as oned keeps it meanwhile; -1: not told. */
static long long size_before(const struct action *a, const char *name)
{
	const struct xnode *before = xml_child(a->msg.tmpl, "RESIZE");

	return before != NULL ? xml_int(before, name, -1) : -1;
}

static enum one_rc resize_cpus(struct action *a, struct one_err *err)
{
	long long vcpus = xml_int(a->msg.tmpl, "VCPU", 0);

	if (vcpus == 0 || vcpus == size_before(a, "VCPU"))
		return ONE_OK;
	if (vcpus < 0 || vcpus > 4096)
		return one_err_set(err, ONE_ACTION, "Cannot resize to %lld CPUs", vcpus);
	return op_run(a, OP_RESIZE, &(struct op_args){ .number = vcpus }, err);
}

static void undo_resize_cpus(struct action *a)
{
	long long vcpus = xml_int(a->msg.tmpl, "VCPU", 0), before = size_before(a, "VCPU");
	struct one_err err = ONE_ERR_INIT;

	if (vcpus == 0 || before < 0 || vcpus == before)
		return;
	/* A VM that names no number has one. */
	log_failure(a, op_run(a, OP_RESIZE, &(struct op_args){ .number = before > 0 ? before : 1 }, &err), &err);
}

static enum one_rc resize_memory(struct action *a, struct one_err *err)
{
	long long memory_mb = xml_int(a->msg.tmpl, "MEMORY", 0);
	bool by_plugging = strcasecmp(xml_text_or(a->msg.tmpl, "MEMORY_RESIZE_MODE", ""), "HOTPLUG") == 0;

	if (memory_mb == 0 || memory_mb == size_before(a, "MEMORY"))
		return ONE_OK;
	if (memory_mb < 0 || memory_mb > (1LL << 40))
		return one_err_set(err, ONE_ACTION, "Cannot resize to %lld MB", memory_mb);
	return op_run(a, by_plugging ? OP_PLUG_MEMORY : OP_RESIZE, &(struct op_args){ .number2 = memory_mb * 1024 }, err);
}

static enum one_rc resize_disk(struct action *a, struct one_err *err)
{
	const char *target = message_value(&a->msg, "DISK", "RESIZE", "TARGET");
	long long size_mb;

	if (*target == '\0' || !value_int(message_value(&a->msg, "DISK", "RESIZE", "SIZE"), &size_mb) || size_mb <= 0 ||
	    size_mb > (1LL << 40))
		return one_err_set(err, ONE_ACTION, "Cannot resize the disk, expecting its TARGET and SIZE");
	return op_run(a, OP_RESIZE_DISK, &(struct op_args){ .text = target, .number = size_mb << 20 }, err);
}

/* A storage driver's verb for a running VM has _LIVE in its name: SNAP_CREATE.ssh becomes SNAP_CREATE_LIVE.ssh. */
static enum one_rc storage_live(struct action *a, struct one_err *err)
{
	const char *command = a->msg.tm_command + strspn(a->msg.tm_command, " \t\n");
	int verb = (int)strcspn(command, ". \t\n");

	return scripts_tm(a, arena_printf(&a->call->arena, "%.*s_LIVE%s", verb, command, command + verb), NULL, err);
}

/* ---- actions ---- */

/* clang-format off */
static const struct step deploy_steps[] = {
	{ "context",       storage,       NULL,         false },
	{ "network pre",   network_pre,   undo_network, false },
	{ "create",        create,        undo_create,  false },
	{ "network post",  network_post,  NULL,         false },
	{ NULL, NULL, NULL, false },
};
/* Once the domain is gone the action has succeeded: what the network leaves behind is told in the log. */
static const struct step shutdown_steps[] = {
	{ "shutdown",      shut_down,     NULL, false },
	{ "network clean", network_clean, NULL, true },
	{ NULL, NULL, NULL, false },
};
static const struct step cancel_steps[] = {
	{ "destroy",       destroy,       NULL, false },
	{ "network clean", network_clean, NULL, true },
	{ NULL, NULL, NULL, false },
};
static const struct step save_steps[] = {
	{ "save",          save,          NULL, false },
	{ "network clean", network_clean, NULL, true },
	{ NULL, NULL, NULL, false },
};
static const struct step restore_steps[] = {
	{ "context",           storage,           NULL,         false },
	{ "network pre",       network_pre,       undo_network, false },
	{ "restore",           restore,           undo_create,  false },
	{ "network post",      network_post,      NULL,         false },
	{ "remove checkpoint", remove_checkpoint, NULL,         true },
	{ NULL, NULL, NULL, false },
};
/* From the migration on the VM is on the other host, and there is no way back. */
static const struct step migrate_steps[] = {
	{ "storage pre",         storage_premigrate,  undo_storage_premigrate, false },
	{ "network pre there",   other_network_pre,   undo_other_network,      false },
	{ "migrate",             migrate,             NULL,                    false },
	{ "network clean",       network_clean,       NULL,                    true },
	{ "network post there",  other_network_post,  NULL,                    true },
	{ "storage post",        storage_postmigrate, NULL,                    true },
	{ NULL, NULL, NULL, false },
};
static const struct step reboot_steps[] = { { "reboot", reboot, NULL, false }, { NULL, NULL, NULL, false } };
static const struct step reset_steps[] = { { "reset", reset, NULL, false }, { NULL, NULL, NULL, false } };
static const struct step cleanup_steps[] = {
	{ "destroy",             destroy,             NULL, true },
	{ "network clean",       network_clean,       NULL, true },
	{ "destroy there",       destroy_other,       NULL, true },
	{ "network clean there", other_network_clean, NULL, true },
	{ "storage",             storage_lines,       NULL, true },
	{ NULL, NULL, NULL, false },
};
static const struct step snapshot_create_steps[] = { { "snapshot", snapshot_create, NULL, false }, { NULL, NULL, NULL, false } };
static const struct step snapshot_revert_steps[] = {
	{ "snapshot",     snapshot_revert, NULL, false },
	{ "network post", network_post,    NULL, false },
	{ NULL, NULL, NULL, false },
};
static const struct step snapshot_delete_steps[] = { { "snapshot", snapshot_delete, NULL, false }, { NULL, NULL, NULL, false } };
static const struct step attach_disk_steps[] = {
	{ "storage", storage,     undo_storage, false },
	{ "attach",  attach_disk, NULL,         false },
	{ NULL, NULL, NULL, false },
};
static const struct step detach_disk_steps[] = {
	{ "detach",  detach_disk, NULL, false },
	{ "storage", storage,     NULL, false },
	{ NULL, NULL, NULL, false },
};
static const struct step attach_nic_steps[] = {
	{ "network pre",    network_pre,    NULL,            false },
	{ "attach",         attach_nic,     undo_attach_nic, false },
	{ "network post",   network_post,   NULL,            false },
	{ "eject context",  eject_context,  NULL,            false },
	{ "context",        storage,        NULL,            false },
	{ "insert context", insert_context, NULL,            false },
	{ NULL, NULL, NULL, false },
};
static const struct step detach_nic_steps[] = {
	{ "detach",         detach_nic,     NULL, false },
	{ "network clean",  network_clean,  NULL, true },
	{ "eject context",  eject_context,  NULL, false },
	{ "context",        storage,        NULL, false },
	{ "insert context", insert_context, NULL, false },
	{ NULL, NULL, NULL, false },
};
static const struct step update_conf_steps[] = {
	{ "eject context",  eject_context,  NULL, false },
	{ "context",        storage,        NULL, false },
	{ "insert context", insert_context, NULL, false },
	{ NULL, NULL, NULL, false },
};
static const struct step update_sg_steps[] = { { "update_sg", network_update_sg, NULL, false }, { NULL, NULL, NULL, false } };
static const struct step update_nic_steps[] = {
	{ "limits",     limit_nics,         NULL, false },
	{ "update_nic", network_update_nic, NULL, false },
	{ NULL, NULL, NULL, false },
};
static const struct step resize_steps[] = {
	{ "processors", resize_cpus,   undo_resize_cpus, false },
	{ "memory",     resize_memory, NULL,             false },
	{ NULL, NULL, NULL, false },
};
static const struct step resize_disk_steps[] = {
	{ "storage", storage,     NULL, false },
	{ "resize",  resize_disk, NULL, false },
	{ NULL, NULL, NULL, false },
};
static const struct step disk_snapshot_steps[] = { { "storage", storage_live, NULL, false }, { NULL, NULL, NULL, false } };

enum needs { NEEDS_NOTHING = 0, NEEDS_ID = 1, NEEDS_DISK = 2, NEEDS_OTHER_HOST = 4, NEEDS_SHARED = 8 };

static const struct row {
	const char *action;
	const struct step *steps;          /* NULL: not supported yet */
	unsigned needs;
} rows[] = {
	{ "DEPLOY",             deploy_steps,          NEEDS_NOTHING },
	{ "SHUTDOWN",           shutdown_steps,        NEEDS_ID },
	{ "CANCEL",             cancel_steps,          NEEDS_ID },
	{ "SAVE",               save_steps,            NEEDS_ID },
	{ "RESTORE",            restore_steps,         NEEDS_ID },
	{ "MIGRATE",            migrate_steps,         NEEDS_ID | NEEDS_OTHER_HOST | NEEDS_SHARED },
	{ "REBOOT",             reboot_steps,          NEEDS_ID },
	{ "RESET",              reset_steps,           NEEDS_ID },
	{ "CLEANUP",            cleanup_steps,         NEEDS_NOTHING },
	{ "SNAPSHOTCREATE",     snapshot_create_steps, NEEDS_ID },
	{ "SNAPSHOTREVERT",     snapshot_revert_steps, NEEDS_ID },
	{ "SNAPSHOTDELETE",     snapshot_delete_steps, NEEDS_ID },
	{ "ATTACHDISK",         attach_disk_steps,     NEEDS_ID | NEEDS_DISK },
	{ "DETACHDISK",         detach_disk_steps,     NEEDS_ID | NEEDS_DISK },
	{ "ATTACHNIC",          attach_nic_steps,      NEEDS_ID },
	{ "DETACHNIC",          detach_nic_steps,      NEEDS_ID },
	{ "UPDATECONF",         update_conf_steps,     NEEDS_ID },
	{ "UPDATESG",           update_sg_steps,       NEEDS_ID },
	{ "UPDATENIC",          update_nic_steps,      NEEDS_ID },
	{ "RESIZE",             resize_steps,          NEEDS_ID },
	{ "RESIZEDISK",         resize_disk_steps,     NEEDS_ID | NEEDS_DISK },
	{ "DISKSNAPSHOTCREATE", disk_snapshot_steps,   NEEDS_ID | NEEDS_DISK },
	{ "BACKUP",             NULL,                  NEEDS_NOTHING },
	{ "BACKUPCANCEL",       NULL,                  NEEDS_NOTHING },
};
/* clang-format on */

static enum one_rc check_needs(const struct action *a, unsigned needs, struct one_err *err)
{
	const struct xnode *ds = a->msg.datastore;
	const struct xnode *ds_tmpl = ds != NULL ? xml_child(ds, "TEMPLATE") : NULL;
	const char *name = a->call->action;

	if ((needs & NEEDS_ID) != 0 && *a->msg.deploy_id == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot perform %s, expecting DEPLOY_ID", name);
	if ((needs & NEEDS_DISK) != 0 && *a->msg.tm_command == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot perform %s, expecting TM_COMMAND", name);
	if ((needs & NEEDS_OTHER_HOST) != 0 && *a->msg.migr_host == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot perform %s, expecting MIGR_HOST", name);
	if ((needs & NEEDS_SHARED) != 0 && (ds_tmpl == NULL || strcasecmp(xml_text_or(ds_tmpl, "SHARED", ""), "YES") != 0))
		return one_err_set(err, ONE_ACTION, "Live migration without shared storage is not supported yet");
	return ONE_OK;
}

/* UPDATESG and UPDATENIC tell what they were about, in success and failure. */
static void answer(struct action *a, enum one_rc rc, const struct one_err *err)
{
	const char *about = "";

	if (strcmp(a->call->action, "UPDATESG") == 0)
		about = a->msg.sg_id;
	else if (strcmp(a->call->action, "UPDATENIC") == 0)
		about = a->msg.vnet_id;
	if (*about != '\0')
		about = arena_printf(&a->call->arena, "%s ", about);
	if (rc == ONE_OK)
		driver_success(a->call, arena_printf(&a->call->arena, "%s%s", about, a->info.buf));
	else
		driver_failure(a->call, "%s%s", about, err->text);
}

static const struct row *find_row(const char *action)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].action, action) == 0)
			return &rows[i];
	}
	return NULL;
}

static void run_action(struct driver_call *call)
{
	const struct row *row = find_row(call->action);
	struct action a = { .vmm = call->ctx, .call = call, .info = STRBUF_INIT };
	struct one_err err = ONE_ERR_INIT;

	if (row == NULL || row->steps == NULL) {
		driver_failure(call, "%s is not supported yet by this driver", call->action);
		return;
	}
	enum one_rc rc = message_parse(&call->arena, call->payload, &a.msg, &err);
	if (rc != ONE_OK) {
		driver_failure(call, "%s", err.text);
		return;
	}
	/* A VM that never told its deploy id may have been started nevertheless; it has its name. */
	if (*a.msg.deploy_id == '\0' && row->steps == cleanup_steps)
		a.msg.deploy_id = arena_printf(&call->arena, "one-%lld", call->id);
	rc = check_needs(&a, row->needs, &err);
	if (rc == ONE_OK)
		rc = steps_run(&a, row->steps, &err);
	answer(&a, rc, &err);
	strbuf_done(&a.info);
}

const struct driver_action vmm_actions[] = {
	{ "DEPLOY", run_action },         { "SHUTDOWN", run_action },
	{ "CANCEL", run_action },         { "SAVE", run_action },
	{ "RESTORE", run_action },        { "MIGRATE", run_action },
	{ "REBOOT", run_action },         { "RESET", run_action },
	{ "CLEANUP", run_action },        { "SNAPSHOTCREATE", run_action },
	{ "SNAPSHOTREVERT", run_action }, { "SNAPSHOTDELETE", run_action },
	{ "ATTACHDISK", run_action },     { "DETACHDISK", run_action },
	{ "ATTACHNIC", run_action },      { "DETACHNIC", run_action },
	{ "UPDATECONF", run_action },     { "UPDATESG", run_action },
	{ "UPDATENIC", run_action },      { "RESIZE", run_action },
	{ "RESIZEDISK", run_action },     { "DISKSNAPSHOTCREATE", run_action },
	{ "BACKUP", run_action },         { "BACKUPCANCEL", run_action },
	{ NULL, NULL },
};
