#include "oned/lifecycle/vm_lifecycle.h"

#include <string.h>

#include "common/crypto.h"
#include "common/log.h"
#include "oned/objects/cluster.h"
#include "oned/objects/datastore.h"
#include "oned/objects/host.h"
#include "oned/objects/settings.h"
#include "oned/objects/vm_quota.h"
#include "oned/objects/vm_size.h"
#include "oned/objects/vnc_ports.h"

/* ---- what is sent, and by which driver ---- */

static const struct { const char *kind, *action, *payload; } commands[VM_SENDS] = {
	[VM_SEND_PROLOG] = { "tm", "TRANSFER", "prolog" },
	[VM_SEND_PROLOG_RESUME] = { "tm", "TRANSFER", "resume" },
	[VM_SEND_EPILOG] = { "tm", "TRANSFER", "epilog" },
	[VM_SEND_EPILOG_STOP] = { "tm", "TRANSFER", "stop" },
	[VM_SEND_EPILOG_DELETE] = { "tm", "TRANSFER", "delete" },
	[VM_SEND_DEPLOY] = { "vmm", "DEPLOY", "" },
	[VM_SEND_RESTORE] = { "vmm", "RESTORE", "" },
	[VM_SEND_SHUTDOWN] = { "vmm", "SHUTDOWN", "" },
	[VM_SEND_CANCEL] = { "vmm", "CANCEL", "" },
	[VM_SEND_CANCEL_AGAIN] = { "vmm", "CANCEL", "" },
	[VM_SEND_SAVE] = { "vmm", "SAVE", "" },
	[VM_SEND_REBOOT] = { "vmm", "REBOOT", "" },
	[VM_SEND_RESET] = { "vmm", "RESET", "" },
	[VM_SEND_CLEANUP] = { "vmm", "CLEANUP", "" },
	[VM_SEND_RESIZE] = { "vmm", "RESIZE", "" },
	[VM_SEND_UPDATECONF] = { "vmm", "UPDATECONF", "" },
	[VM_SEND_CLEANUP_NOW] = { "vmm", "CLEANUP", "" },
	[VM_SEND_ATTACH_NIC] = { "vmm", "ATTACHNIC", "" },
	[VM_SEND_DETACH_NIC] = { "vmm", "DETACHNIC", "" },
	[VM_SEND_UPDATE_NIC] = { "vmm", "UPDATENIC", "" },
};

static const char *driver_name(const struct vm *vm, const char *kind)
{
	return !strcmp(kind, "vmm") ? vm->history->vm_mad : "tm";
}

static void send_command(struct txn *t, const struct vm *vm, enum vm_send send)
{
	const char *kind = commands[send].kind;

	if (send == VM_SEND_NOTHING || !vm->history)
		return;
	if (send == VM_SEND_CANCEL_AGAIN || send == VM_SEND_CLEANUP_NOW)
		txn_send(t, kind, driver_name(vm, kind), "DRIVER_CANCEL", vm->o.id, "");
	txn_send(t, kind, driver_name(vm, kind), commands[send].action, vm->o.id, commands[send].payload);
}

/* ---- the one setter of a VM's state ---- */

static void set_state(struct txn *t, struct vm *vm, enum vm_state state, enum vm_lcm lcm, enum vm_event why)
{
	bool was = vm_is_counted_running(vm);

	if (vm->state == state && vm->lcm_state == lcm)
		return;
	log_debug("LCM", "VM %d: %s/%s -> %s/%s (%s)", vm->o.id, vm_state_name(vm->state), vm_lcm_name(vm->lcm_state), vm_state_name(state),
		  vm_lcm_name(lcm), vm_event_name(why));
	txn_vm_log(t, vm->o.id, LOG_L_INFO, "VM", "New state is %s", vm_state_name(state));
	if (state == VM_ACTIVE)
		txn_vm_log(t, vm->o.id, LOG_L_INFO, "VM", "New LCM state is %s", vm_lcm_name(lcm));
	vm->state = vm->prev_state = state;
	vm->lcm_state = vm->prev_lcm_state = lcm;
	if (was != vm_is_counted_running(vm))
		vm_quota_running(t, vm, !was);
}

/* ---- the steps of a row ---- */

static void end_record(struct vm_history *h, long long now)
{
	if (!h->etime)
		h->etime = now;
}

static void begin_copy_of_record(struct txn *t, struct vm *vm)
{
	struct vm_history *old = vm->history;

	old->etime = (long long)t->now;
	vm_history_save(t, vm);
	vm_history_open(t, vm, old->hid, old->cid, old->hostname, old->vm_mad, old->tm_mad, old->ds_id);
	vm->history->stime = (long long)t->now;
}

static void step_times(struct vm_history *h, unsigned steps, long long now)
{
	if (steps & VM_STEP_PROLOG_BEGIN)
		h->stime = h->pstime = now;
	if (steps & VM_STEP_PROLOG_END)
		h->petime = now;
	if (steps & VM_STEP_RUN_BEGIN)
		h->rstime = now;
	if (steps & VM_STEP_RUN_END)
		h->retime = now;
	if (steps & VM_STEP_RUN_GOES_ON)
		h->etime = h->retime = 0;
	if (steps & VM_STEP_EPILOG_BEGIN)
		h->estime = now;
	if (steps & VM_STEP_EPILOG_END)
		h->eetime = now;
	if (steps & VM_STEP_RECORD_END)
		h->etime = now;
}

static void leave_host(struct txn *t, struct vm *vm)
{
	struct capacity need;

	vm_capacity(vm, t->arena, &need);
	host_capacity_del(t, vm->history->hid, vm->o.id, &need);
}

static void free_all(struct txn *t, struct vm *vm)
{
	vm_release_resources(t, vm, false);
	vm->etime = (long long)t->now;
	if (!vm->history)
		return;
	if (vm->history->rstime && !vm->history->retime)
		vm->history->retime = (long long)t->now;
	end_record(vm->history, (long long)t->now);
}

#define STEPS_OF_RECORD                                                                                               \
	(VM_STEP_NEW_RECORD | VM_STEP_PROLOG_BEGIN | VM_STEP_PROLOG_END | VM_STEP_RUN_BEGIN | VM_STEP_RUN_END |         \
	 VM_STEP_RUN_GOES_ON | VM_STEP_EPILOG_BEGIN | VM_STEP_EPILOG_END | VM_STEP_RECORD_END | VM_STEP_ACTION |       \
	 VM_STEP_CLEAR_ACTION | VM_STEP_FREE | VM_STEP_HISTORY)

static void do_steps(struct txn *t, struct vm *vm, const struct vm_row *row)
{
	unsigned steps = row->steps;

	if (vm->history && (steps & VM_STEP_NEW_RECORD))
		begin_copy_of_record(t, vm);
	if (vm->history)
		step_times(vm->history, steps, (long long)t->now);
	if (vm->history && (steps & VM_STEP_ACTION))
		vm_history_action(t, vm, row->action);
	if (vm->history && (steps & VM_STEP_CLEAR_ACTION))
		vm_history_action(t, vm, VM_ACTION_NONE);
	if (steps & (VM_STEP_NO_RESCHED | VM_STEP_RESCHED))
		vm->resched = steps & VM_STEP_RESCHED;
	if (steps & VM_STEP_SIZE_STAYS)
		vm_size_forget(vm);
	if (vm->history && (steps & VM_STEP_SIZE_BACK))
		vm_size_back(t, vm);
	if (vm->history && (steps & VM_STEP_LEAVE_HOST)) {
		leave_host(t, vm);
		/* A stopped VM comes back with the port its checkpoint knows. */
		if (row->to != VM_STOPPED)
			vnc_port_release(t, vm);
	}
	if (steps & VM_STEP_NO_DEPLOY_ID)
		vm->deploy_id = "";
	if (steps & VM_STEP_NIC_STAYS)
		vm_nic_stays(vm);
	if (steps & VM_STEP_NIC_LEAVES)
		vm_nic_leaves(t, vm);
	if (steps & VM_STEP_NIC_CHANGED)
		vm_nic_changed(vm);
	if (steps & VM_STEP_CONTEXT)
		vm_context_renew(t, vm);
	if (steps & VM_STEP_FREE)
		free_all(t, vm);
	if (steps & VM_STEP_REQUIREMENTS)
		vm_set_requirements(t, vm);
}

static void carry_out(struct txn *t, struct vm *vm, const struct vm_row *row)
{
	do_steps(t, vm, row);
	set_state(t, vm, row->to, row->to_lcm, row->event);
	if (vm->history && (row->steps & STEPS_OF_RECORD))
		vm_history_save(t, vm);
	send_command(t, vm, row->send);
}

void vm_forget(struct txn *t, struct vm *vm)
{
	vnc_port_release(t, vm);
	free_all(t, vm);
	set_state(t, vm, VM_DONE, LCM_LCM_INIT, VM_EV_DELETE);
	if (vm->history)
		vm_history_save(t, vm);
}

bool vm_event(struct txn *t, struct vm *vm, enum vm_event e)
{
	const struct vm_row *row = vm_row_find(vm->state, vm->lcm_state, e);

	if (row)
		carry_out(t, vm, row);
	return row != NULL;
}

/* ---- deploy ---- */

/* What the VM did last decides how it comes back. */
static enum vm_event deploy_event(const struct vm *vm)
{
	if (vm_is_imported(vm))
		return vm_import_is_off(vm) ? VM_EV_IMPORT_OFF : VM_EV_IMPORT;
	if (!vm->history)
		return VM_EV_DEPLOY;
	if (vm->history->action == VM_ACTION_STOP)
		return VM_EV_DEPLOY_STOPPED;
	if (vm->history->action == VM_ACTION_UNDEPLOY || vm->history->action == VM_ACTION_UNDEPLOY_HARD)
		return VM_EV_DEPLOY_UNDEPLOYED;
	return VM_EV_DEPLOY;
}

/* GRAPHICS/RANDOM_PASSWD: a password nobody chose; as long as VNC allows. */
static void choose_password(struct vm *vm)
{
	struct attr *graphics = tmpl_vector(vm->o.tmpl, "GRAPHICS");
	char password[9];
	bool wanted = false;

	if (!graphics || !attr_get_bool(graphics, "RANDOM_PASSWD", &wanted) || !wanted || attr_get(graphics, "PASSWD"))
		return;
	random_hex(password, 4);
	attr_set(&vm->o.arena, graphics, "PASSWD", password);
}

/* A change of a VM that is nowhere leaves a record that hasn't ended: it does, when it began. */
static void end_rest(struct txn *t, struct vm *vm)
{
	if (!vm->history || vm->history->etime)
		return;
	vm->history->etime = vm->history->stime;
	vm_history_save(t, vm);
}

bool vm_can_deploy(const struct vm *vm)
{
	return vm_row_find(vm->state, vm->lcm_state, deploy_event(vm)) != NULL;
}

enum one_rc vm_deploy(struct txn *t, struct vm *vm, int host_id, int ds_id, bool enforce)
{
	enum vm_event e = deploy_event(vm);
	const struct vm_row *row = vm_row_find(vm->state, vm->lcm_state, e);
	const struct host *host = txn_read(t, OBJ_HOST, host_id);
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ds_id);
	struct capacity need;

	if (!host)
		return txn_no_object(t, OBJ_HOST, host_id);
	if (!ds)
		return txn_no_object(t, OBJ_DATASTORE, ds_id);
	if (!row)
		return txn_fail(t, ONE_ACTION, "Deploy action is not available for state %s", vm_state_text(vm));
	vm_capacity(vm, t->arena, &need);
	if (host_capacity_add(t, host_id, vm->o.id, &need, enforce))
		return t->err.rc;
	if (!settings_named(t, "VM_MAD", host->vm_mad))
		return txn_fail(t, ONE_ACTION, "Cannot find vmm driver: %s", host->vm_mad);
	/* A NIC may have come while it was powered off. */
	if (vm_context_renew(t, vm))
		return t->err.rc;
	if (e != VM_EV_DEPLOY_STOPPED && vnc_port_take(t, vm, host->cluster_id))
		return t->err.rc;
	if (vm_is_imported(vm))
		vm->stime = (long long)t->now;
	else
		choose_password(vm);
	end_rest(t, vm);
	vm_history_open(t, vm, host_id, host->cluster_id, host->o.name, host->vm_mad, ds->tm_mad, ds_id);
	carry_out(t, vm, row);
	return t->err.rc;
}

const char *vm_state_text(const struct vm *vm)
{
	return vm->state == VM_ACTIVE ? vm_lcm_name(vm->lcm_state) : vm_state_name(vm->state);
}

/* ---- what is under way ---- */

static enum vm_action action_under_way(const struct vm *vm)
{
	static const enum vm_action of_nics[] = {
		[VM_NIC_ATTACHES] = VM_ACTION_NIC_ATTACH, [VM_NIC_DETACHES] = VM_ACTION_NIC_DETACH, [VM_NIC_UPDATES] = VM_ACTION_NIC_UPDATE,
	};
	bool hotplug = vm->lcm_state == LCM_HOTPLUG_NIC || vm->lcm_state == LCM_HOTPLUG_NIC_POWEROFF;
	struct attr *nic;

	if (vm->state == VM_ACTIVE && hotplug)
		return of_nics[vm_nic_work(vm, &nic)];
	return vm->history ? vm->history->action : VM_ACTION_NONE;
}

struct vm_waiting vm_waits(const struct vm *vm)
{
	return vm_waits_for(vm->state, vm->lcm_state, action_under_way(vm));
}

/* ---- recover ---- */

bool vm_recover(struct txn *t, struct vm *vm, bool success)
{
	static const struct { enum vm_lcm lcm; enum vm_event ok, fail; } failed[] = {
		{ LCM_PROLOG_FAILURE, VM_EV_PROLOG_OK, VM_EV_PROLOG_FAIL },
		{ LCM_PROLOG_RESUME_FAILURE, VM_EV_PROLOG_OK, VM_EV_PROLOG_FAIL },
		{ LCM_PROLOG_UNDEPLOY_FAILURE, VM_EV_PROLOG_OK, VM_EV_PROLOG_FAIL },
		{ LCM_BOOT_FAILURE, VM_EV_BOOT_OK, VM_EV_BOOT_FAIL },
		{ LCM_BOOT_STOPPED_FAILURE, VM_EV_BOOT_OK, VM_EV_BOOT_FAIL },
		{ LCM_BOOT_UNDEPLOY_FAILURE, VM_EV_BOOT_OK, VM_EV_BOOT_FAIL },
		{ LCM_EPILOG_FAILURE, VM_EV_EPILOG_OK, VM_EV_EPILOG_FAIL },
		{ LCM_EPILOG_STOP_FAILURE, VM_EV_EPILOG_OK, VM_EV_EPILOG_FAIL },
		{ LCM_EPILOG_UNDEPLOY_FAILURE, VM_EV_EPILOG_OK, VM_EV_EPILOG_FAIL },
	};
	struct vm_waiting w = vm_waits(vm);
	enum vm_event e = success ? w.ok : w.fail;

	if (vm->state == VM_ACTIVE && vm->lcm_state == LCM_UNKNOWN)
		e = VM_EV_RECOVER_UNKNOWN;
	for (size_t i = 0; vm->state == VM_ACTIVE && i < sizeof(failed) / sizeof(*failed); i++)
		if (failed[i].lcm == vm->lcm_state)
			e = success ? failed[i].ok : failed[i].fail;
	if (e == VM_EVENTS)
		return false;
	if (e == VM_EV_BOOT_OK && !*vm->deploy_id)
		vm->deploy_id = arena_printf(&vm->o.arena, "one-%d", vm->o.id);
	vm_event(t, vm, e);
	return true;
}

static bool send_again(struct txn *t, struct vm *vm)
{
	struct vm_waiting w = vm_waits(vm);

	send_command(t, vm, w.send);
	return w.send != VM_SEND_NOTHING;
}

bool vm_retry(struct txn *t, struct vm *vm)
{
	return vm_event(t, vm, VM_EV_RETRY) || send_again(t, vm);
}

void vm_resume_all(struct txn *t, const char *kind, const char *name)
{
	int *ids, n = txn_ids(t, OBJ_VM, &ids);

	for (int i = 0; i < n; i++) {
		const struct version *v = txn_version(t, OBJ_VM, ids[i]);
		struct vm_waiting w = vm_waits_for((enum vm_state)v->index.state, (enum vm_lcm)v->index.lcm_state, VM_ACTION_NONE);
		struct vm *vm;

		if (w.send == VM_SEND_NOTHING || (kind && strcmp(commands[w.send].kind, kind) != 0))
			continue;
		vm = txn_edit(t, OBJ_VM, ids[i]);
		if (!vm || !vm->history || (name && strcmp(driver_name(vm, commands[w.send].kind), name) != 0))
			continue;
		log_info("LCM", "VM %d in %s: its step is run again", vm->o.id, vm_lcm_name(vm->lcm_state));
		send_again(t, vm);
	}
}
