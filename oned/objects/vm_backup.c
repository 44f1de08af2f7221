/* BACKUP_CONFIG of a VM being made, as it is kept in BACKUPS. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* Increments need qcow2 disks without snapshots; swap isn't backed up. */
static bool can_increment(const struct vm *vm)
{
	if (vm->snapshots_xml && *vm->snapshots_xml)
		return false;
	for (const struct attr *a = tmpl_find(vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a))
		if (a->vector && strcasecmp(text_of(a, "TYPE"), "SWAP") != 0 &&
		    strcasecmp(text_of(a, "FORMAT"), "QCOW2") != 0)
			return false;
	return true;
}

/* A value out of a list, upper case; the first of the list when it is none of them. */
static void set_choice(struct tmpl *config, const struct attr *from, const char *name,
		       const char *const *choices)
{
	const char *value = choices[0];

	for (const char *const *c = choices; *c; c++)
		if (!strcasecmp(text_of(from, name), *c))
			value = *c;
	tmpl_set(config, name, value);
}

static void fill_config(const struct vm *vm, struct tmpl *config, const struct attr *from)
{
	static const char *const freezes[] = { "NONE", "AGENT", "SUSPEND", NULL },
				 *const modes[] = { "FULL", "INCREMENT", NULL },
				 *const increments[] = { "CBT", "SNAPSHOT", NULL };
	bool with_volatile = false;
	long long keep;

	if (attr_get_int(from, "KEEP_LAST", &keep))
		tmpl_setf(config, "KEEP_LAST", "%lld", keep < 0 ? 0 : keep);
	attr_get_bool(from, "BACKUP_VOLATILE", &with_volatile);
	tmpl_set(config, "BACKUP_VOLATILE", with_volatile ? "YES" : "NO");
	set_choice(config, from, "FS_FREEZE", freezes);
	tmpl_set(config, "INCREMENTAL_BACKUP_ID", "-1");
	tmpl_set(config, "LAST_INCREMENT_ID", "-1");
	if (!can_increment(vm)) {
		tmpl_set(config, "MODE", modes[0]);
		return;
	}
	set_choice(config, from, "MODE", modes);
	set_choice(config, from, "INCREMENT_MODE", increments);
}

enum one_rc vm_take_backup(struct vm_making *m)
{
	struct vm *vm = m->vm;
	const struct attr *from = tmpl_find(vm->user, "BACKUP_CONFIG");
	struct strbuf out = STRBUF_INIT;
	struct tmpl *config;

	vm->backups_xml = VM_NO_BACKUPS;
	if (!from)
		return ONE_OK;
	if (!from->vector)
		return vm_fail(m, "Internal error parsing BACKUP_CONFIG attribute.");
	config = tmpl_new(m->t->arena);
	fill_config(vm, config, from);
	tmpl_remove(vm->user, "BACKUP_CONFIG");
	xml_out_open(&out, "BACKUPS");
	tmpl_to_xml(config, "BACKUP_CONFIG", &out);
	obj_out_ids(&out, "BACKUP_IDS", NULL, 0);
	xml_out_close(&out, "BACKUPS");
	vm->backups_xml = arena_strdup(&vm->o.arena, out.buf);
	strbuf_done(&out);
	return ONE_OK;
}
