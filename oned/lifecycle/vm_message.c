/* What drivers answer, and what monitors see. */
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "oned/lifecycle/vm_lifecycle.h"

static const struct { const char *action; enum vm_event ok, fail; } replies[] = {
	{ "DEPLOY", VM_EV_BOOT_OK, VM_EV_BOOT_FAIL },
	{ "RESTORE", VM_EV_BOOT_OK, VM_EV_BOOT_FAIL },
	{ "SHUTDOWN", VM_EV_SHUTDOWN_OK, VM_EV_SHUTDOWN_FAIL },
	{ "CANCEL", VM_EV_SHUTDOWN_OK, VM_EV_SHUTDOWN_FAIL },
	{ "SAVE", VM_EV_SAVE_OK, VM_EV_SAVE_FAIL },
	{ "CLEANUP", VM_EV_CLEANUP_OK, VM_EV_CLEANUP_FAIL },
	{ "RESIZE", VM_EV_RESIZE_OK, VM_EV_RESIZE_FAIL },
	{ "UPDATECONF", VM_EV_CONFIGURE_OK, VM_EV_CONFIGURE_FAIL },
	{ "ATTACHNIC", VM_EV_NIC_ATTACH_OK, VM_EV_NIC_ATTACH_FAIL },
	{ "DETACHNIC", VM_EV_NIC_DETACH_OK, VM_EV_NIC_DETACH_FAIL },
	{ "UPDATENIC", VM_EV_NIC_UPDATE_OK, VM_EV_NIC_UPDATE_FAIL },
};

static struct vm *message_vm(struct txn *t, const struct driver_msg *m)
{
	if (m->id < 0 || !txn_exists(t, OBJ_VM, (int)m->id)) {
		log_debug("LCM", "%s of VM %lld, which is unknown", m->action, m->id);
		return NULL;
	}
	return txn_edit(t, OBJ_VM, (int)m->id);
}

static void log_line(struct txn *t, const struct driver_msg *m, const char *module)
{
	int level = *m->status == 'E' ? LOG_L_ERROR : *m->status == 'W' ? LOG_L_WARNING : *m->status == 'D' ? LOG_L_DEBUG : LOG_L_INFO;

	if (m->id >= 0)
		txn_vm_log(t, (int)m->id, level, module, "%s", m->payload);
	else
		log_msg((enum log_level)level, module, "%s", m->payload);
}

static void step_ended(struct txn *t, struct vm *vm, const struct driver_msg *m, const char *module, enum vm_event ok, enum vm_event fail)
{
	bool success = !strcmp(m->status, "SUCCESS");
	enum vm_lcm before = vm->lcm_state;

	if (!success) {
		txn_vm_log(t, vm->o.id, LOG_L_ERROR, module, "Error in %s: %s", m->action, m->payload);
		vm_set_error(t, vm, arena_printf(t->arena, "Error executing %s: %s", m->action, *m->payload ? m->payload : "no reason given"));
	}
	if (!vm_event(t, vm, success ? ok : fail))
		log_warn("LCM", "VM %d: %s %s came in %s/%s and means nothing there", vm->o.id, m->action, m->status, vm_state_name(vm->state),
			 vm_lcm_name(before));
}

/* All that is done to NICs is done in one state: the answer to a command that was given up must not end another. */
static bool is_of_other_nic_work(const struct vm *vm, enum vm_event ok)
{
	bool nic = ok == VM_EV_NIC_ATTACH_OK || ok == VM_EV_NIC_DETACH_OK || ok == VM_EV_NIC_UPDATE_OK;

	return nic && vm_waits(vm).ok != ok;
}

/* "12 reason": UPDATENIC tells of which network it was. */
static const char *without_id(const char *payload)
{
	const char *rest = payload + strspn(payload, "0123456789");

	return rest > payload && (*rest == ' ' || !*rest) ? rest + strspn(rest, " ") : payload;
}

static void nic_updated(struct txn *t, struct vm *vm, const struct driver_msg *m)
{
	struct driver_msg told = *m;

	told.payload = without_id(m->payload);
	step_ended(t, vm, &told, "VMM", VM_EV_NIC_UPDATE_OK, VM_EV_NIC_UPDATE_FAIL);
}

void vmm_message(struct txn *t, const struct driver_msg *m)
{
	struct vm *vm;

	if (!strcmp(m->action, "LOG")) {
		log_line(t, m, "VMM");
		return;
	}
	vm = message_vm(t, m);
	if (!vm)
		return;
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		if (strcmp(replies[i].action, m->action) != 0)
			continue;
		if (replies[i].ok == VM_EV_BOOT_OK && !strcmp(m->status, "SUCCESS") && *m->payload)
			vm->deploy_id = arena_strdup(&vm->o.arena, m->payload);
		if (is_of_other_nic_work(vm, replies[i].ok))
			log_warn("LCM", "VM %d: %s %s came, which nothing waits for", vm->o.id, m->action, m->status);
		else if (replies[i].ok == VM_EV_NIC_UPDATE_OK)
			nic_updated(t, vm, m);
		else
			step_ended(t, vm, m, "VMM", replies[i].ok, replies[i].fail);
		return;
	}
	/* REBOOT, RESET, DRIVER_CANCEL: no step waits for them. */
	if (!strcmp(m->status, "FAILURE"))
		txn_vm_log(t, vm->o.id, LOG_L_ERROR, "VMM", "Error in %s: %s", m->action, m->payload);
}

static bool in_prolog(const struct vm *vm)
{
	return vm_waits_for(vm->state, vm->lcm_state, VM_ACTION_NONE).ok == VM_EV_PROLOG_OK;
}

void tm_message(struct txn *t, const struct driver_msg *m)
{
	struct vm *vm;

	if (!strcmp(m->action, "LOG")) {
		log_line(t, m, "TrM");
		return;
	}
	if (strcmp(m->action, "TRANSFER") != 0)
		return;
	vm = message_vm(t, m);
	if (!vm)
		return;
	if (in_prolog(vm))
		step_ended(t, vm, m, "TrM", VM_EV_PROLOG_OK, VM_EV_PROLOG_FAIL);
	else
		step_ended(t, vm, m, "TrM", VM_EV_EPILOG_OK, VM_EV_EPILOG_FAIL);
}

void vm_send_failed(struct txn *t, int vm_id, const char *kind, const char *action, const char *reason)
{
	struct driver_msg m = { .action = action, .status = "FAILURE", .id = vm_id, .payload = reason };

	if (!strcmp(kind, "vmm"))
		vmm_message(t, &m);
	else
		tm_message(t, &m);
}

/* ---- the monitor ---- */

static const struct { const char *word; enum vm_event event; } seen[] = {
	{ "RUNNING", VM_EV_SEEN_RUNNING }, { "ACTIVE", VM_EV_SEEN_RUNNING }, { "POWEROFF", VM_EV_SEEN_POWEROFF },
	{ "SUSPENDED", VM_EV_SEEN_SUSPENDED }, { "PAUSED", VM_EV_SEEN_SUSPENDED },
	/* What can't be told is unknown, never "off". */
	{ "UNKNOWN", VM_EV_LOST }, { "ERROR", VM_EV_LOST }, { "FAILURE", VM_EV_LOST },
};

#define MONITOR_GRACE_S 30 /* a report may be older than the last step of the VM */

/* A report that was on its way while a step ended says nothing. */
static bool too_fresh(const struct txn *t, const struct vm *vm)
{
	const struct vm_history *h = vm->history;
	long long last;

	if (!h)
		return true;
	last = h->rstime > h->retime ? h->rstime : h->retime;
	return (long long)t->now - last < MONITOR_GRACE_S;
}

static void vm_seen(struct txn *t, int vm_id, const char *word)
{
	const struct version *v = txn_version(t, OBJ_VM, vm_id);
	struct vm *vm;

	if (!v)
		return;
	for (size_t i = 0; i < sizeof(seen) / sizeof(*seen); i++) {
		if (strcasecmp(seen[i].word, word) != 0)
			continue;
		/* Most reports tell what is known. */
		if (!vm_row_find((enum vm_state)v->index.state, (enum vm_lcm)v->index.lcm_state, seen[i].event) ||
		    (v->index.lcm_state == LCM_RUNNING && seen[i].event == VM_EV_SEEN_RUNNING))
			return;
		vm = txn_edit(t, OBJ_VM, vm_id);
		if (vm && !too_fresh(t, vm)) {
			log_info("LCM", "VM %d in %s: its host reports %s", vm_id, vm_state_text(vm), word);
			vm_event(t, vm, seen[i].event);
		}
		return;
	}
}

void vm_monitor_state(struct txn *t, const char *payload)
{
	struct tmpl *list = tmpl_new(t->arena);
	long long id;

	if (tmpl_parse(list, payload, NULL)) {
		log_warn("LCM", "A report of VM states can't be read");
		return;
	}
	for (const struct attr *a = tmpl_find(list, "VM"); a; a = tmpl_find_next(a))
		if (a->vector && attr_get_int(a, "ID", &id) && attr_get(a, "STATE"))
			vm_seen(t, (int)id, attr_get(a, "STATE"));
}
