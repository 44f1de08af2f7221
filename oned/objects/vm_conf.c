#include "oned/objects/vm_conf.h"

#include <ctype.h>
#include <string.h>

#include "oned/objects/encrypted.h"
#include "oned/objects/vm_priv.h"

#define MAX_VALUES 12

/* BACKUP_CONFIG isn't in the VM's template (vm_backup.c). */
static const struct part { const char *vector; bool of_template; const char *values[MAX_VALUES]; } parts[] = {
	{ "OS", true, { "ARCH", "MACHINE", "KERNEL", "INITRD", "BOOTLOADER", "BOOT", "KERNEL_CMD", "ROOT", "SD_DISK_BUS", "UUID",
			"FIRMWARE" } },
	{ "FEATURES", true, { "PAE", "ACPI", "APIC", "LOCALTIME", "HYPERV", "GUEST_AGENT", "VIRTIO_SCSI_QUEUES", "VIRTIO_BLK_QUEUES",
			      "IOTHREADS" } },
	{ "INPUT", true, { "TYPE", "BUS" } },
	{ "GRAPHICS", true, { "TYPE", "LISTEN", "PASSWD", "KEYMAP", "COMMAND" } },
	{ "VIDEO", true, { "IOMMU", "ATS", "TYPE", "VRAM", "RESOLUTION" } },
	{ "RAW", true, { "TYPE", "DATA", "VALIDATE", "DATA_VMX" } },
	{ "CPU_MODEL", true, { "MODEL" } },
	{ "BACKUP_CONFIG", false, { "FS_FREEZE", "KEEP_LAST", "BACKUP_VOLATILE", "INCREMENT_MODE", "MODE" } },
};
#define N_PARTS (sizeof(parts) / sizeof(*parts))

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* ---- what is asked ---- */

static void ask_part(struct tmpl *asked, const struct part *p, const struct attr *given)
{
	struct attr *part = NULL;

	for (const char *const *name = p->values; *name; name++) {
		const char *value = text_of(given, *name);

		if (!*value)
			continue;
		if (!part)
			part = tmpl_add_vector(asked, p->vector);
		attr_set(asked->arena, part, *name, value);
	}
}

struct tmpl *vm_conf_asked(struct arena *arena, const struct tmpl *given)
{
	const struct attr *context = tmpl_vector(given, "CONTEXT");
	struct tmpl *asked = tmpl_new(arena);

	for (size_t i = 0; i < N_PARTS; i++) {
		const struct attr *part = tmpl_vector(given, parts[i].vector);

		if (part)
			ask_part(asked, &parts[i], part);
	}
	if (context)
		tmpl_add_attr(asked, context);
	return asked;
}

bool vm_conf_replaces(const char *name)
{
	for (size_t i = 0; i < N_PARTS; i++)
		if (parts[i].of_template && !strcmp(parts[i].vector, name))
			return true;
	return false;
}

/* ---- parts of the template ---- */

static void change_part(struct vm *vm, const struct part *p, const struct attr *fresh, bool append)
{
	struct attr *old = tmpl_vector(vm->o.tmpl, p->vector);

	if (!fresh || !old) {
		if (!append || fresh)
			tmpl_remove(vm->o.tmpl, p->vector);
		if (fresh)
			tmpl_add_attr(vm->o.tmpl, fresh);
		return;
	}
	for (const char *const *name = p->values; *name; name++) {
		const char *value = attr_get(fresh, *name);

		if (value)
			attr_set(&vm->o.arena, old, *name, value);
		else if (!append)
			attr_remove(old, *name);
	}
}

/* ---- CONTEXT ---- */

/* ETH<number>_<name> comes from a NIC. */
static bool is_of_nic(const char *name)
{
	size_t digits;

	if (strncmp(name, "ETH", 3) != 0)
		return false;
	digits = strspn(name + 3, "0123456789");
	if (!digits || name[3 + digits] != '_')
		return false;
	name += 3 + digits + 1;
	if (!*name)
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

static bool same_value(const struct attr *vector, const struct attr *kid)
{
	const char *value = attr_get(vector, kid->name);

	return value && !strcmp(value, kid->value);
}

static enum one_rc check_context(struct vm_making *m, const struct attr *old, const struct attr *fresh)
{
	for (const struct attr *kid = fresh->kids; kid; kid = kid->next) {
		if (!is_of_nic(kid->name) || same_value(old, kid))
			continue;
		if (!attr_get(old, kid->name))
			return vm_fail(m, "Unable to add %s, update NIC to update network context", kid->name);
		return vm_fail(m, "Unable to update %s, update NIC to update the network", kid->name);
	}
	return ONE_OK;
}

/* What is as it was isn't read again (its variables are replaced already), but for what brings other variables with it. */
static void put_changed(struct vm *vm, const struct attr *old, const struct attr *fresh, struct attr *work)
{
	static const char *const kept[] = { "TARGET", "DISK_ID" };

	for (const struct attr *kid = fresh->kids; kid; kid = kid->next)
		if (!same_value(old, kid) || !strcmp(kid->name, "NETWORK") || !strcmp(kid->name, "TOKEN"))
			attr_set(&vm->o.arena, work, kid->name, kid->value);
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		attr_set(&vm->o.arena, work, kept[i], text_of(old, kept[i]));
}

static void put_missing(struct vm *vm, const struct attr *from, struct attr *work, const struct attr *only)
{
	for (const struct attr *kid = from->kids; kid; kid = kid->next)
		if (!attr_get(work, kid->name) && (!only || attr_get(only, kid->name)))
			attr_set(&vm->o.arena, work, kid->name, kid->value);
}

static bool same_vector(const struct attr *a, const struct attr *b)
{
	const struct attr *x = a->kids, *y = b->kids;

	for (; x && y; x = x->next, y = y->next)
		if (strcmp(x->name, y->name) != 0 || strcmp(x->value, y->value) != 0)
			return false;
	return !x && !y;
}

static enum one_rc change_context(struct vm_making *m, const struct attr *fresh, bool append, bool *changed)
{
	struct tmpl *tmpl = m->vm->o.tmpl;
	const struct attr *old = tmpl_vector(tmpl, "CONTEXT");
	struct attr *context;

	if (!fresh)
		return ONE_OK;
	if (!old)
		return vm_fail(m, "Virtual machine does not have context, cannot add a new one.");
	if (vm_check_context(m, fresh) || check_context(m, old, fresh))
		return m->t->err.rc;
	old = attr_copy(m->t->arena, old);
	tmpl_remove(tmpl, "CONTEXT");
	put_changed(m->vm, old, fresh, tmpl_add_vector(tmpl, "CONTEXT"));
	if (vm_make_context(m, true))
		return m->t->err.rc;
	context = tmpl_vector(tmpl, "CONTEXT");
	put_missing(m->vm, old, context, append ? NULL : fresh);
	if (vm_check_context(m, context))
		return m->t->err.rc;
	*changed = !same_vector(old, context);
	return ONE_OK;
}

/* ---- all of it ---- */

enum one_rc vm_conf_change(struct txn *t, struct vm *vm, const struct identity *who, const struct tmpl *asked, bool append,
			   vm_may_use_fn may_use, void *ctx, bool *context_changed)
{
	struct vm_making m = { .t = t, .vm = vm, .who = who, .may_use = may_use, .may_ctx = ctx };

	*context_changed = false;
	if (vm_check_raw(&m, asked))
		return t->err.rc;
	for (size_t i = 0; i < N_PARTS; i++)
		if (parts[i].of_template)
			change_part(vm, &parts[i], tmpl_vector(asked, parts[i].vector), append);
	if (vm_set_boot_order(&m) || change_context(&m, tmpl_vector(asked, "CONTEXT"), append, context_changed) || vm_check_graphics(&m) ||
	    vm_check_video(&m) || vm_change_backup(&m, tmpl_vector(asked, "BACKUP_CONFIG"), append))
		return t->err.rc;
	attributes_encrypt(txn_conf(t), OBJ_VM, vm->o.tmpl);
	return ONE_OK;
}
