#include "oned/objects/vm_size.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vm_quota.h"

/* ---- reading ---- */

void vm_size_of(const struct vm *vm, struct vm_size *out)
{
	*out = (struct vm_size){ 0 };
	tmpl_get_float(vm->o.tmpl, "CPU", &out->cpu);
	tmpl_get_int(vm->o.tmpl, "MEMORY", &out->memory_mb);
	tmpl_get_int(vm->o.tmpl, "VCPU", &out->vcpu);
}

bool vm_size_same(const struct vm_size *a, const struct vm_size *b)
{
	return a->cpu == b->cpu && a->memory_mb == b->memory_mb && a->vcpu == b->vcpu;
}

/* The decimal number a text begins with: no hexadecimal, no infinity. false: it begins with none. */
static bool begins_with_number(const char *text)
{
	text += strspn(text, " \t\n\v\f\r");
	text += *text == '-' || *text == '+';
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return false;
	return isdigit((unsigned char)text[0]) || (text[0] == '.' && isdigit((unsigned char)text[1]));
}

static enum one_rc asked_int(const struct tmpl *asked, const char *name, long long most, long long *out, struct one_err *err)
{
	const char *text = tmpl_get_or(asked, name, "");

	*out = 0;
	if (!begins_with_number(text))
		return ONE_OK;
	errno = 0;
	*out = strtoll(text, NULL, 10);
	if (errno || *out < 0 || *out > most)
		return one_err_set(err, ONE_INTERNAL, "%s must be a positive integer value.", name);
	return ONE_OK;
}

enum one_rc vm_size_asked(const struct tmpl *asked, struct vm_size *out, struct one_err *err)
{
	const char *cpu = tmpl_get_or(asked, "CPU", "");

	*out = (struct vm_size){ .cpu = begins_with_number(cpu) ? strtod(cpu, NULL) : 0 };
	if (out->cpu < 0 || out->cpu > (double)FLT_MAX)
		return one_err_set(err, ONE_INTERNAL, "CPU must be a positive float or integer value.");
	if (asked_int(asked, "MEMORY", INT64_MAX, &out->memory_mb, err))
		return ONE_INTERNAL;
	return asked_int(asked, "VCPU", INT32_MAX, &out->vcpu, err);
}

/* ---- changing ---- */

void vm_before_take(struct txn *t, const struct vm *vm, struct vm_before *out)
{
	vm_size_of(vm, &out->size);
	vm_capacity(vm, t->arena, &out->capacity);
	out->capacity.vm_template = tmpl_copy(t->arena, vm->o.tmpl);
	vm_quota_usage(t, vm, vm_is_counted_running(vm), &out->usage);
}

void vm_size_set(struct vm *vm, const struct vm_size *asked)
{
	double cpu = vm_is_pinned(vm->o.tmpl) ? (double)asked->vcpu : asked->cpu;

	if (cpu > 0)
		tmpl_setf(vm->o.tmpl, "CPU", "%g", cpu);
	if (asked->memory_mb > 0)
		tmpl_setf(vm->o.tmpl, "MEMORY", "%lld", asked->memory_mb);
	if (asked->vcpu > 0)
		tmpl_setf(vm->o.tmpl, "VCPU", "%lld", asked->vcpu);
}

/* A whole topology that has another number of threads gets other cores. */
static enum one_rc fit_cores(struct txn *t, struct vm *vm, struct attr *topology)
{
	long long sockets = 0, cores = 0, threads = 0, vcpu = 0, per_core;

	attr_get_int(topology, "SOCKETS", &sockets);
	attr_get_int(topology, "CORES", &cores);
	attr_get_int(topology, "THREADS", &threads);
	tmpl_get_int(vm->o.tmpl, "VCPU", &vcpu);
	if (sockets <= 0 || cores <= 0 || threads <= 0 || sockets > INT32_MAX || threads > INT32_MAX)
		return ONE_OK;
	per_core = sockets * threads;
	if ((double)per_core * (double)cores == (double)vcpu)
		return ONE_OK;
	if (vcpu % per_core)
		return txn_fail(t, ONE_ACTION, "new VCPU is not multiple of the total number of threads");
	attr_setf(&vm->o.arena, topology, "CORES", "%lld", vcpu / per_core);
	return ONE_OK;
}

enum one_rc vm_size_shape(struct txn *t, struct vm *vm)
{
	struct attr *topology = tmpl_vector(vm->o.tmpl, "TOPOLOGY");

	if (!topology)
		return ONE_OK;
	if (fit_cores(t, vm, topology))
		return t->err.rc;
	tmpl_remove(vm->o.tmpl, "NUMA_NODE");
	if (vm_topology_check(t, vm->o.tmpl))
		t->err.rc = ONE_ACTION;
	return t->err.rc;
}

enum one_rc vm_size_book(struct txn *t, struct vm *vm, const struct vm_before *before, bool enforce)
{
	struct capacity now;

	vm_capacity(vm, t->arena, &now);
	return host_capacity_change(t, vm->history->hid, vm->o.id, &before->capacity, &now, enforce);
}

/* ---- while a driver is at it ---- */

void vm_size_remember(struct vm *vm, const struct vm_size *old)
{
	struct attr *resize;

	tmpl_remove(vm->o.tmpl, "RESIZE");
	resize = tmpl_add_vector(vm->o.tmpl, "RESIZE");
	attr_setf(&vm->o.arena, resize, "CPU", "%g", old->cpu);
	attr_setf(&vm->o.arena, resize, "MEMORY", "%lld", old->memory_mb);
	attr_setf(&vm->o.arena, resize, "VCPU", "%lld", old->vcpu);
}

void vm_size_forget(struct vm *vm)
{
	tmpl_remove(vm->o.tmpl, "RESIZE");
}

void vm_size_back(struct txn *t, struct vm *vm)
{
	const struct attr *resize = tmpl_vector(vm->o.tmpl, "RESIZE");
	struct vm_size old = { 0 };
	struct vm_before before;

	if (!resize) {
		log_error("LCM", "VM %d: what it had before it was resized isn't known", vm->o.id);
		return;
	}
	attr_get_float(resize, "CPU", &old.cpu);
	attr_get_int(resize, "MEMORY", &old.memory_mb);
	attr_get_int(resize, "VCPU", &old.vcpu);
	vm_before_take(t, vm, &before);
	vm_size_set(vm, &old);
	if (old.vcpu <= 0)
		tmpl_remove(vm->o.tmpl, "VCPU");
	vm_size_forget(vm);
	vm_size_shape(t, vm);
	vm_size_book(t, vm, &before, false);
	vm_quota_changed_back(t, vm, &before.usage);
}
