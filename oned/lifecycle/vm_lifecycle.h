/* Carrying out the life of a VM: events come in, rows of vm_table.h are carried out inside the transaction. */
#ifndef ONED_LIFECYCLE_VM_LIFECYCLE_H
#define ONED_LIFECYCLE_VM_LIFECYCLE_H

#include <stdbool.h>
#include "common/driver.h"
#include "oned/core/txn.h"
#include "oned/lifecycle/vm_table.h"

/* false: the event means nothing in the VM's state; nothing was changed. */
bool vm_event(struct txn *t, struct vm *vm, enum vm_event e);

/* A word of one.vm.action (vm_action.c): the RUNNING_ limits of its owner are looked at where it comes back to life, and what may be done with one
 * that was imported. ONE_ACTION with OpenNebula's reason. */
enum one_rc vm_act(struct txn *t, struct vm *vm, const char *word);

/* Is its state one it can be deployed from? */
bool vm_can_deploy(const struct vm *vm);
/* Puts a VM on a host and a system datastore and starts it (one that was imported is there already): books the capacity (enforce: tests it), opens
 * a history record. Its state must be PENDING, HOLD, STOPPED or UNDEPLOYED. Fails the transaction with the reason. */
enum one_rc vm_deploy(struct txn *t, struct vm *vm, int host_id, int ds_id, bool enforce);

/* NICs (vm_nics.c): the VM has to be RUNNING or in POWEROFF, to be updated in any state without a step under way. ONE_ACTION with OpenNebula's
 * reason. Rights, and the quotas of what is attached, were looked at before. least_id: as of vm_nic_attach. */
enum one_rc vm_attach_nic(struct txn *t, struct vm *vm, const struct attr *asked, int least_id);
enum one_rc vm_detach_nic(struct txn *t, struct vm *vm, int nic_id);
enum one_rc vm_update_nic(struct txn *t, struct vm *vm, int nic_id, const struct attr *asked, bool append);

/* vm_waits_for of what is under way with the VM. */
struct vm_waiting vm_waits(const struct vm *vm);

/* The word of its state in messages: the LCM state of an active VM. */
const char *vm_state_text(const struct vm *vm);
/* one.vm.recover: success or failure of the step under way; false: there is none. */
bool vm_recover(struct txn *t, struct vm *vm, bool success);
/* Sends the command of the step under way again; false: there is none (and no failed one). */
bool vm_retry(struct txn *t, struct vm *vm);

/* Ends a VM in the database only (recover 5): what it holds is given back, no driver is asked. */
void vm_forget(struct txn *t, struct vm *vm);

/* Replies of hypervisor drivers and of the transfer driver. */
void vmm_message(struct txn *t, const struct driver_msg *m);
void tm_message(struct txn *t, const struct driver_msg *m);
/* What a command to a VM's driver couldn't even be made of, or sent: its step failed. */
void vm_send_failed(struct txn *t, int vm_id, const char *kind, const char *action, const char *reason);
/* oned was started, or a driver again: every VM that waits for one of this kind ("vmm", "tm"; NULL: any) and name (NULL: any) gets its
 * command sent again. */
void vm_resume_all(struct txn *t, const char *kind, const char *name);

/* The monitor's report of VM states: a template of VM=[ID=, STATE=RUNNING|POWEROFF|SUSPENDED|..., ...]. */
void vm_monitor_state(struct txn *t, const char *payload);

#endif
