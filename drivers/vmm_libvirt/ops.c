/* Hypervisor steps: each a call of virt.h, run on the VM's host with its deadline. */
#include "drivers/vmm_libvirt/vmm.h"

#include "drivers/vmm_libvirt/virt.h"

/* How long each may take, seconds. Saving and restoring write all of the guest's memory; migrating sends it over a WAN. */
enum { DEADLINE_S = 120, DEADLINE_CREATE_S = 180, DEADLINE_MEMORY_S = 1800, DEADLINE_MIGRATE_S = 7200, DETACH_WAIT_S = 30 };

#define OP(fn) static enum one_rc fn(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, \
				     struct one_err *err)

OP(run_create)
{
	(void)to;
	return virt_create(c, op->text, out, err);
}

OP(run_destroy)
{
	(void)to, (void)out;
	return virt_destroy(c, op->id, err);
}

OP(run_shutdown)
{
	(void)to, (void)out;
	const struct virt_shutdown how = {
		.timeout_ms = (int)op->number, .force = op->flag, .force_without_acpi = op->flag2,
	};
	return virt_shutdown(c, op->id, &how, op->stop, err);
}

OP(run_reboot)
{
	(void)to, (void)out;
	return virt_reboot(c, op->id, err);
}

OP(run_reset)
{
	(void)to, (void)out;
	return virt_reset(c, op->id, err);
}

OP(run_save)
{
	(void)to, (void)out;
	return virt_save(c, op->id, op->text, err);
}

OP(run_restore)
{
	(void)to, (void)out;
	return virt_restore(c, op->text, err);
}

OP(run_migrate)
{
	(void)out;
	return virt_migrate(c, op->id, to, err);
}

OP(run_snapshot_create)
{
	(void)to, (void)out;
	return virt_snapshot_create(c, op->id, op->text, err);
}

OP(run_snapshot_revert)
{
	(void)to, (void)out;
	return virt_snapshot_revert(c, op->id, op->text, err);
}

OP(run_snapshot_delete)
{
	(void)to, (void)out;
	return virt_snapshot_delete(c, op->id, op->text, err);
}

OP(run_change_cdrom)
{
	(void)to, (void)out;
	return virt_change_cdrom(c, op->id, op->text, op->text2, err);
}

OP(run_attach)
{
	(void)to, (void)out;
	return virt_attach(c, op->id, op->text, err);
}

OP(run_detach_disk)
{
	(void)to, (void)out;
	return virt_detach_disk(c, op->id, op->text, DETACH_WAIT_S * 1000, err);
}

OP(run_attach_nic)
{
	(void)to, (void)out;
	return virt_attach_nic(c, op->id, op->text2, op->text, err);
}

OP(run_limit_nic)
{
	(void)to, (void)out;
	return virt_limit_nic(c, op->id, op->text, op->text2, err);
}

OP(run_detach_nic)
{
	(void)to, (void)out;
	return virt_detach_nic(c, op->id, op->text, DETACH_WAIT_S * 1000, err);
}

OP(run_resize)
{
	(void)to, (void)out;
	return virt_resize(c, op->id, (unsigned)op->number, (unsigned long)op->number2, err);
}

OP(run_plug_memory)
{
	(void)to, (void)out;
	return virt_plug_memory(c, op->id, (unsigned long)op->number2, err);
}

OP(run_resize_disk)
{
	(void)to, (void)out;
	return virt_resize_disk(c, op->id, op->text, (unsigned long long)op->number, err);
}

/* oned was told that it failed, so the domain that started after all must not stay. */
static void destroy_late(const struct virt_op *op, virConnectPtr c)
{
	virt_destroy(c, op->id, NULL);
}

/* clang-format off */
static const struct op_kind {
	enum one_rc (*run)(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err);
	void (*late)(const struct virt_op *op, virConnectPtr c);
	int deadline_s;
} kinds[] = {
	[OP_CREATE]          = { run_create,          destroy_late, DEADLINE_CREATE_S },
	[OP_DESTROY]         = { run_destroy,         NULL,         DEADLINE_S },
	[OP_SHUTDOWN]        = { run_shutdown,        NULL,         DEADLINE_S },
	[OP_REBOOT]          = { run_reboot,          NULL,         DEADLINE_S },
	[OP_RESET]           = { run_reset,           NULL,         DEADLINE_S },
	[OP_SAVE]            = { run_save,            NULL,         DEADLINE_MEMORY_S },
	[OP_RESTORE]         = { run_restore,         destroy_late, DEADLINE_MEMORY_S },
	[OP_MIGRATE]         = { run_migrate,         NULL,         DEADLINE_MIGRATE_S },
	[OP_SNAPSHOT_CREATE] = { run_snapshot_create, NULL,         DEADLINE_MEMORY_S },
	[OP_SNAPSHOT_REVERT] = { run_snapshot_revert, NULL,         DEADLINE_MEMORY_S },
	[OP_SNAPSHOT_DELETE] = { run_snapshot_delete, NULL,         DEADLINE_MEMORY_S },
	[OP_CHANGE_CDROM]    = { run_change_cdrom,    NULL,         DEADLINE_S },
	[OP_ATTACH]          = { run_attach,          NULL,         DEADLINE_S },
	[OP_DETACH_DISK]     = { run_detach_disk,     NULL,         DEADLINE_S },
	[OP_ATTACH_NIC]      = { run_attach_nic,      NULL,         DEADLINE_S },
	[OP_DETACH_NIC]      = { run_detach_nic,      NULL,         DEADLINE_S },
	[OP_LIMIT_NIC]       = { run_limit_nic,       NULL,         DEADLINE_S },
	[OP_RESIZE]          = { run_resize,          NULL,         DEADLINE_S },
	[OP_PLUG_MEMORY]     = { run_plug_memory,     NULL,         DEADLINE_S },
	[OP_RESIZE_DISK]     = { run_resize_disk,     NULL,         DEADLINE_S },
};
/* clang-format on */

static int deadline_ms(const struct vmm *v, enum op op)
{
	int s = v->timeout_s > 0 ? v->timeout_s : kinds[op].deadline_s;

	/* A shutdown waits for the guest; the hypervisor gets its time on top of that. */
	return (op == OP_SHUTDOWN ? s + v->shutdown_timeout_s : s) * 1000;
}

enum one_rc op_run(struct action *a, enum op op, const struct op_args *args, struct one_err *err)
{
	static const struct op_args none;
	const struct op_args *with = args != NULL ? args : &none;
	const struct vmm *v = a->vmm;
	const struct virt_op work = {
		.run = kinds[op].run, .late = kinds[op].late,
		.id = op == OP_CREATE ? arena_printf(&a->call->arena, "one-%lld", a->call->id) : a->msg.deploy_id,
		.text = with->text, .text2 = with->text2,
		.to_host = op == OP_MIGRATE ? a->msg.migr_host : NULL,
		.number = op == OP_SHUTDOWN ? v->shutdown_timeout_s * 1000LL : with->number,
		.number2 = with->number2, .flag = v->force_destroy, .flag2 = v->cancel_no_acpi,
	};

	return hosts_run(&a->vmm->hosts, with->host != NULL ? with->host : a->msg.host, &work, deadline_ms(v, op),
			 a->undoing ? -1 : driver_cancel_fd(a->call), with->out, err);
}
