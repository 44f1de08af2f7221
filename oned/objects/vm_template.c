/* Which attributes of a user's template become the VM's own (TEMPLATE); the others stay his. */
#include <float.h>
#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"

/* ---- moving ---- */

int vm_take(struct vm *vm, const char *name, bool vectors_only)
{
	struct attr *list = tmpl_cut(vm->user, name), **at = &list;
	int n = 0;

	for (; *at; n++)
		if (vectors_only && !(*at)->vector)
			*at = (*at)->next;
		else
			at = &(*at)->next;
	tmpl_adopt(vm->o.tmpl, list);
	return n;
}

struct attr *vm_keep_first(struct tmpl *t, const char *name)
{
	struct attr *first = tmpl_find(t, name), *last = first;

	if (!first)
		return NULL;
	while (tmpl_find_next(last))
		last = last->next;
	first->next = last->next;
	return first;
}

const char *vm_take_text(struct vm *vm, const char *name)
{
	return tmpl_take(vm->user, name);
}

void vm_take_known(struct vm *vm)
{
	static const char *const names[] = {
		"INPUT", "FEATURES", "RAW", "CLONING_TEMPLATE_ID", "TOPOLOGY", "NUMA_NODE", "HYPERV_OPTIONS",
		"SPICE_OPTIONS",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		vm_take(vm, names[i], false);
}

/* ---- numbers ---- */

static const char *const not_whole = "%s attribute must be a positive integer value.";
static const char *const not_number = "%s attribute must be a positive float or integer value.";

static void put_number(struct vm *vm, const char *name, const char *value)
{
	tmpl_remove(vm->user, name);
	tmpl_add(vm->o.tmpl, name, value);
}

static void put_int(struct vm *vm, const char *name, long long value)
{
	put_number(vm, name, arena_printf(&vm->o.arena, "%lld", value));
}

static void put_float(struct vm *vm, const char *name, double value)
{
	put_number(vm, name, arena_printf(&vm->o.arena, "%g", value));
}

static enum one_rc take_memory_mode(struct vm_making *m)
{
	const char *mode = tmpl_get(m->vm->user, "MEMORY_RESIZE_MODE");

	if (!mode)
		return ONE_OK;
	mode = text_upper(&m->vm->o.arena, mode);
	if (strcmp(mode, "BALLOONING") != 0 && strcmp(mode, "HOTPLUG") != 0)
		return vm_fail(m, "Unknown MEMORY_RESIZE_MODE: %s", mode);
	put_number(m->vm, "MEMORY_RESIZE_MODE", mode);
	return ONE_OK;
}

/* Those that are only looked at when they are good. */
static void take_if_positive(struct vm *vm, const char *name)
{
	long long value;

	if (tmpl_get_int(vm->user, name, &value) && value > 0)
		put_int(vm, name, value);
}

static enum one_rc take_costs(struct vm_making *m)
{
	static const char *const names[] = { "CPU_COST", "MEMORY_COST", "DISK_COST" };
	double value;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!tmpl_get_float(m->vm->user, names[i], &value))
			continue;
		if (value < 0 || value > (double)FLT_MAX)
			return vm_fail(m, not_number, names[i]);
		put_float(m->vm, names[i], value);
	}
	return ONE_OK;
}

static enum one_rc take_vcpu(struct vm_making *m)
{
	long long value;

	if (!*tmpl_text(m->vm->user, "VCPU"))
		return ONE_OK;
	if (!tmpl_get_int(m->vm->user, "VCPU", &value) || value <= 0)
		return vm_fail(m, not_whole, "VCPU");
	put_int(m->vm, "VCPU", value);
	return ONE_OK;
}

enum one_rc vm_take_numbers(struct vm_making *m)
{
	struct vm *vm = m->vm;
	long long memory;
	double cpu;

	if (!tmpl_get_int(vm->user, "MEMORY", &memory) || memory <= 0)
		return vm_fail(m, not_whole, "MEMORY");
	put_int(vm, "MEMORY", memory);
	if (take_memory_mode(m))
		return m->t->err.rc;
	take_if_positive(vm, "MEMORY_MAX");
	take_if_positive(vm, "MEMORY_SLOTS");
	if (!tmpl_get_float(vm->user, "CPU", &cpu) || cpu <= 0 || cpu > (double)FLT_MAX)
		return vm_fail(m, not_number, "CPU");
	put_float(vm, "CPU", cpu);
	if (take_vcpu(m))
		return m->t->err.rc;
	take_if_positive(vm, "VCPU_MAX");
	return take_costs(m);
}

/* ---- texts with variables ---- */

enum one_rc vm_take_clouds(struct vm_making *m)
{
	static const char *const names[] = { "PUBLIC_CLOUD", "EC2" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (struct attr *a = tmpl_find(m->vm->user, names[i]); a; a = tmpl_find_next(a))
			if (a->vector && vm_vars_expand_vector(m, a))
				return m->t->err.rc;
	return ONE_OK;
}

enum one_rc vm_take_requirements(struct vm_making *m)
{
	struct tmpl *user = m->vm->user;
	struct attr *list = tmpl_cut(user, "SCHED_REQUIREMENTS"), *old = tmpl_cut(user, "REQUIREMENTS");
	struct strbuf parsed = STRBUF_INIT;

	if (!list)
		list = old; /* its name before OpenNebula 4.0 */
	if (!list)
		return ONE_OK;
	if (list->next)
		return vm_fail(m, "Only one SCHED_REQUIREMENTS attribute can be defined.");
	if (list->vector)
		return vm_fail(m, "Wrong format for SCHED_REQUIREMENTS attribute.");
	if (!vm_vars_expand(m, list->value, &parsed))
		tmpl_add(user, "SCHED_REQUIREMENTS", parsed.buf);
	strbuf_done(&parsed);
	return m->t->err.rc;
}

/* ---- defaults of NICs, virtual routers ---- */

enum one_rc vm_take_defaults(struct vm_making *m)
{
	static const char *const never[] = { "NETWORK_ID", "NETWORK", "NETWORK_UID", "NETWORK_UNAME" };
	const struct attr *a = tmpl_find(m->vm->user, "NIC_DEFAULT");

	if (!a)
		return ONE_OK;
	if (tmpl_find_next(a))
		return vm_fail(m, "Only one NIC_DEFAULT attribute can be defined.");
	if (!a->vector)
		return vm_fail(m, "Wrong format for NIC_DEFAULT attribute.");
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++) {
		const char *value = attr_get(a, never[i]);

		if (value && *value)
			return vm_fail(m, "Attribute %s is not allowed inside NIC_DEFAULT.", never[i]);
	}
	vm_take(m->vm, "NIC_DEFAULT", true);
	return ONE_OK;
}

const char *const vm_vrouter_names[] = { "VROUTER_ID", "VROUTER_KEEPALIVED_ID", "VROUTER_KEEPALIVED_PASSWORD",
					 NULL };

void vm_take_vrouter(struct vm *vm)
{
	for (const char *const *name = vm_vrouter_names; *name; name++) {
		const char *value = vm_take_text(vm, *name);

		if (*value)
			tmpl_set(vm->o.tmpl, *name, value);
	}
}
