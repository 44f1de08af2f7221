/* CONTEXT: what a VM is told when it starts. Variables in it are replaced, and the network's addresses, files
 * and the way to OneGate added. */
#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/image.h"
#include "oned/objects/vm_priv.h"

/* ETH<n>_<name> is what the NIC has as `nic`, or else as `other`; of some the network is asked when the NIC
 * hasn't got them. */
static const struct context_variable { const char *name, *nic, *other; bool of_network; } variables[] = {
	{ "IP", "IP", NULL, false },
	{ "MAC", "MAC", NULL, false },
	{ "MASK", "NETWORK_MASK", NULL, true },
	{ "NETWORK", "NETWORK_ADDRESS", NULL, true },
	{ "GATEWAY", "GATEWAY", NULL, true },
	{ "DNS", "DNS", NULL, true },
	{ "SEARCH_DOMAIN", "SEARCH_DOMAIN", NULL, true },
	{ "MTU", "GUEST_MTU", NULL, true },
	{ "METRIC", "METRIC", NULL, true },
	{ "METHOD", "METHOD", NULL, true },
	{ "VLAN_ID", "VLAN_ID", NULL, true },
	{ "VROUTER_IP", "VROUTER_IP", NULL, false },
	{ "VROUTER_MANAGEMENT", "VROUTER_MANAGEMENT", NULL, false },
	{ "EXTERNAL", "EXTERNAL", NULL, false },
	{ "IP6", "IP6_GLOBAL", "IP6", false },
	{ "IP6_ULA", "IP6_ULA", NULL, false },
	{ "IP6_GATEWAY", "GATEWAY6", NULL, true },
	{ "IP6_METRIC", "IP6_METRIC", NULL, true },
	{ "IP6_METHOD", "IP6_METHOD", NULL, true },
	{ "IP6_PREFIX_LENGTH", "PREFIX_LENGTH", NULL, true },
	{ "VROUTER_IP6", "VROUTER_IP6_GLOBAL", "VROUTER_IP6", false },
};

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

static bool flag(const struct attr *vector, const char *name)
{
	bool value;

	return attr_get_bool(vector, name, &value) && value;
}

static const char *own_value(const struct attr *nic, const struct context_variable *v)
{
	const char *value = text_of(nic, v->nic);

	return !*value && v->other ? text_of(nic, v->other) : value;
}

/* ---- NICs ---- */

static enum one_rc add_nic_variable(struct vm_making *m, struct attr *context, const struct attr *nic,
				    const char *prefix, const struct context_variable *v)
{
	const char *value = own_value(nic, v), *name = arena_printf(m->t->arena, "%s_%s", prefix, v->name);
	struct strbuf parsed = STRBUF_INIT;

	if (!*value && v->of_network) {
		value = vm_vars_nic(m, nic, v->nic);
	} else if (strchr(value, '$') && !vm_vars_expand(m, value, &parsed)) {
		value = arena_strdup(m->t->arena, parsed.buf);
	}
	strbuf_done(&parsed);
	attr_set(&m->vm->o.arena, context, name, value);
	return m->t->err.rc;
}

/* What the names of its variables begin with. */
static const char *prefix_of(const struct attr *nic, struct arena *arena)
{
	if (!strcmp(nic->name, "NIC"))
		return arena_printf(arena, "ETH%s", text_of(nic, "NIC_ID"));
	if (!strcmp(nic->name, "PCI"))
		return arena_printf(arena, "PCI%s", text_of(nic, "PCI_ID"));
	return arena_printf(arena, "ETH%s_ALIAS%s", text_of(nic, "PARENT_ID"), text_of(nic, "ALIAS_ID"));
}

void vm_context_forget(struct vm *vm, const struct attr *nic)
{
	struct attr *context = tmpl_vector(vm->o.tmpl, "CONTEXT");
	const char *prefix = prefix_of(nic, &vm->o.arena);

	if (!context)
		return;
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		attr_remove(context, arena_printf(&vm->o.arena, "%s_%s", prefix, variables[i].name));
	if (!strcmp(nic->name, "PCI"))
		attr_remove(context, arena_printf(&vm->o.arena, "%s_ADDRESS", prefix));
}

static enum one_rc add_nic(struct vm_making *m, struct attr *context, const struct attr *nic)
{
	const char *prefix = prefix_of(nic, m->t->arena);

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		if (add_nic_variable(m, context, nic, prefix, &variables[i]))
			return m->t->err.rc;
	return ONE_OK;
}

enum one_rc vm_context_nics(struct vm_making *m, bool automatic)
{
	static const char *const names[] = { "NIC", "NIC_ALIAS" };
	struct attr *context = tmpl_vector(m->vm->o.tmpl, "CONTEXT");

	if (!context || !flag(context, "NETWORK"))
		return ONE_OK;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (const struct attr *nic = tmpl_find(m->vm->o.tmpl, names[i]); nic;
		     nic = tmpl_find_next(nic))
			if ((automatic || !vm_nic_is_auto(nic)) && add_nic(m, context, nic))
				return m->t->err.rc;
	return ONE_OK;
}

static void add_pci_nic(struct vm_making *m, struct attr *context, const struct attr *pci)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++) {
		const char *value = own_value(pci, &variables[i]);
		const char *name = arena_printf(m->t->arena, "%s_%s", prefix_of(pci, m->t->arena), variables[i].name);

		if (*value)
			attr_set(&m->vm->o.arena, context, name, value);
	}
}

void vm_context_pci(struct vm_making *m)
{
	struct attr *context = tmpl_vector(m->vm->o.tmpl, "CONTEXT");
	bool network = context && flag(context, "NETWORK");

	for (const struct attr *pci = tmpl_find(m->vm->o.tmpl, "PCI"); context && pci; pci = tmpl_find_next(pci)) {
		const char *address = text_of(pci, "VM_ADDRESS");

		if (network && !strcmp(text_of(pci, "TYPE"), "NIC"))
			add_pci_nic(m, context, pci);
		if (*address)
			attr_set(&m->vm->o.arena, context, arena_printf(m->t->arena, "%s_ADDRESS", prefix_of(pci, m->t->arena)), address);
	}
}

/* ---- files and the rest ---- */

/* FILES_DS becomes a list of "source:'name' ". */
static enum one_rc add_files(struct vm_making *m, struct attr *context, const char *files)
{
	struct strbuf list = STRBUF_INIT;
	int *ids, n;

	if (vm_vars_files(m, files, &ids, &n))
		return m->t->err.rc;
	for (int i = 0; i < n; i++) {
		const struct image *img = txn_read(m->t, OBJ_IMAGE, ids[i]);

		strbuf_addf(&list, "%s:'%s' ", img->source, img->o.name);
		if (img->type != IMAGE_CONTEXT)
			vm_fail(m, "Only images of type CONTEXT can be used in FILE_DS attribute.");
		else if (img->state != IMAGE_READY)
			vm_fail(m, "%s Image '%d' not in READY state.", image_type_name(img->type), ids[i]);
	}
	attr_set(&m->vm->o.arena, context, "FILES_DS", list.buf);
	strbuf_done(&list);
	return m->t->err.rc;
}

/* The token itself is made for each deployment; it needs to be known who made the VM, even after it changes
 * hands. */
static enum one_rc add_token(struct vm_making *m, struct attr *context)
{
	const char *endpoint = vm_setting(m->t, "ONEGATE_ENDPOINT");
	struct vm *vm = m->vm;

	if (!flag(context, "TOKEN"))
		return ONE_OK;
	if (!*endpoint)
		return vm_fail(m, "TOKEN set, but onegate endpoint was not defined in oned.conf.");
	attr_set(&vm->o.arena, context, "ONEGATE_ENDPOINT", endpoint);
	attr_setf(&vm->o.arena, context, "VMID", "%d", vm->o.id);
	if (!tmpl_get(vm->o.tmpl, "CREATED_BY"))
		tmpl_setf(vm->o.tmpl, "CREATED_BY", "%d", vm->o.uid);
	return ONE_OK;
}

static void add_vrouter(struct vm *vm, struct attr *context)
{
	for (const char *const *name = vm_vrouter_names; *name; name++) {
		const char *value = tmpl_text(vm->o.tmpl, *name);

		if (*value)
			attr_set(&vm->o.arena, context, *name, value);
	}
}

enum one_rc vm_check_context(struct vm_making *m, const struct attr *context)
{
	int n = 0;

	for (const struct attr *kid = context ? context->kids : NULL; kid; kid = kid->next)
		n++;
	return n > VM_MAX_CONTEXT ? vm_fail(m, "The CONTEXT of a VM can't have more than %d values", VM_MAX_CONTEXT) : ONE_OK;
}

enum one_rc vm_make_context(struct vm_making *m, bool automatic)
{
	struct attr *context = tmpl_vector(m->vm->o.tmpl, "CONTEXT");
	const char *files;

	if (!context)
		return ONE_OK;
	if (vm_check_context(m, context))
		return m->t->err.rc;
	files = arena_strdup(m->t->arena, text_of(context, "FILES_DS"));
	attr_remove(context, "FILES_DS");
	if (vm_vars_expand_vector(m, context) || vm_context_nics(m, automatic))
		return m->t->err.rc;
	vm_context_pci(m);
	if (*files && add_files(m, context, files))
		return m->t->err.rc;
	if (add_token(m, context))
		return m->t->err.rc;
	add_vrouter(m->vm, context);
	return ONE_OK;
}
