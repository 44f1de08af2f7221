/* How large a VM is, and what follows when it gets another size: its topology, what is booked on its host. Quotas are vm_quota.h's. */
#ifndef ONED_OBJECTS_VM_SIZE_H
#define ONED_OBJECTS_VM_SIZE_H

#include "oned/objects/vm.h"

/* 0: not given. */
struct vm_size { double cpu; long long memory_mb, vcpu; };

void vm_size_of(const struct vm *vm, struct vm_size *out);
bool vm_size_same(const struct vm_size *a, const struct vm_size *b);
/* What a template asks for. Read as leniently as the reference does: a text that begins with no number asks for nothing, what follows a
 * number is passed over. ONE_INTERNAL with OpenNebula's text for what is below 0, or more than can be counted. */
enum one_rc vm_size_asked(const struct tmpl *asked, struct vm_size *out, struct one_err *err);

/* What is counted and booked for a VM before it is changed. Memory of the transaction. */
struct vm_before { struct vm_size size; struct capacity capacity; struct vm_usage usage; };
void vm_before_take(struct txn *t, const struct vm *vm, struct vm_before *out);

/* The numbers alone; of a pinned VM CPU follows VCPU. */
void vm_size_set(struct vm *vm, const struct vm_size *asked);
/* TOPOLOGY and NUMA_NODE follow: more cores a socket, the nodes made anew. ONE_ACTION with OpenNebula's text. */
enum one_rc vm_size_shape(struct txn *t, struct vm *vm);
/* Its host has it booked with the new size, if it has room (ONE_ACTION with the reason); enforce false: anyhow. */
enum one_rc vm_size_book(struct txn *t, struct vm *vm, const struct vm_before *before, bool enforce);

/* While a driver is at it the old size stands in TEMPLATE/RESIZE. */
void vm_size_remember(struct vm *vm, const struct vm_size *old);
void vm_size_forget(struct vm *vm);
/* The driver couldn't: template, host and quotas have the old size again, whatever limits are now. */
void vm_size_back(struct txn *t, struct vm *vm);

#endif
