/* BACKUP_CONFIG of a VM: as its template gives it, and the backup job it names. */
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
	tmpl_set(config, "FS_FREEZE", text_choice(text_of(from, "FS_FREEZE"), freezes));
	tmpl_set(config, "INCREMENTAL_BACKUP_ID", "-1");
	tmpl_set(config, "LAST_INCREMENT_ID", "-1");
	if (!can_increment(vm)) {
		tmpl_set(config, "MODE", modes[0]);
		return;
	}
	tmpl_set(config, "MODE", text_choice(text_of(from, "MODE"), modes));
	tmpl_set(config, "INCREMENT_MODE", text_choice(text_of(from, "INCREMENT_MODE"), increments));
}

enum one_rc vm_take_backup(struct vm_making *m)
{
	struct vm *vm = m->vm;
	const struct attr *from = tmpl_find(vm->user, "BACKUP_CONFIG");

	if (!from)
		return ONE_OK;
	if (!from->vector)
		return vm_fail(m, "Internal error parsing BACKUP_CONFIG attribute.");
	vm->backup_config = tmpl_new(&vm->o.arena);
	fill_config(vm, vm->backup_config, from);
	tmpl_remove(vm->user, "BACKUP_CONFIG");
	return ONE_OK;
}

/* ---- its job ---- */

int vm_backup_job(const struct vm *vm)
{
	long long id;

	return vm->backup_config && tmpl_get_int(vm->backup_config, "BACKUP_JOB_ID", &id) && id >= 0 && id <= INT32_MAX ? (int)id : -1;
}

void vm_set_backup_job(struct vm *vm, int job_id)
{
	struct tmpl *config = vm->backup_config;

	if (!config)
		vm->backup_config = config = tmpl_new(&vm->o.arena);
	if (job_id >= 0) {
		tmpl_setf(config, "BACKUP_JOB_ID", "%d", job_id);
		return;
	}
	tmpl_remove(config, "BACKUP_JOB_ID");
	if (!strcasecmp(tmpl_text(config, "MODE"), "INCREMENT")) {
		tmpl_set(config, "INCREMENTAL_BACKUP_ID", "-1");
		tmpl_set(config, "LAST_INCREMENT_ID", "-1");
	}
}
