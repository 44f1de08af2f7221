/* BACKUP_CONFIG of a VM: as its template gives it, as it is changed, and the backup job it names. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"

static const char *text_of(const struct attr *vector, const char *name)
{
	const char *value = attr_get(vector, name);

	return value ? value : "";
}

/* Increments need qcow2 disks without snapshots; swap isn't backed up, volatile disks only where that is asked for. */
static bool can_increment(const struct vm *vm, bool with_volatile)
{
	if (vm->snapshots_xml && *vm->snapshots_xml)
		return false;
	for (const struct attr *a = tmpl_find(vm->o.tmpl, "DISK"); a; a = tmpl_find_next(a)) {
		const char *type = a->vector ? text_of(a, "TYPE") : "SWAP";

		if (!strcasecmp(type, "SWAP") || (!strcasecmp(type, "FS") && !with_volatile))
			continue;
		if (strcasecmp(text_of(a, "FORMAT"), "QCOW2") != 0)
			return false;
	}
	return true;
}

static const char *const freezes[] = { "NONE", "AGENT", "SUSPEND", NULL }, *const modes[] = { "FULL", "INCREMENT", NULL },
			 *const increments[] = { "CBT", "SNAPSHOT", NULL };

static bool is_increment(const char *mode)
{
	return !strcasecmp(mode, modes[1]);
}

static void begin_increments_anew(struct tmpl *config)
{
	tmpl_set(config, "INCREMENTAL_BACKUP_ID", "-1");
	tmpl_set(config, "LAST_INCREMENT_ID", "-1");
}

static void fill_mode(struct tmpl *config, const struct attr *from, bool append)
{
	const char *mode = text_of(from, "MODE");

	if (append && !*mode)
		return;
	if (!is_increment(mode) || !is_increment(tmpl_get_or(config, "MODE", "")))
		begin_increments_anew(config);
	tmpl_set(config, "MODE", text_choice(mode, modes));
	if (!append || *text_of(from, "INCREMENT_MODE"))
		tmpl_set(config, "INCREMENT_MODE", text_choice(text_of(from, "INCREMENT_MODE"), increments));
}

/* append: what isn't named stays. */
static void fill_config(struct tmpl *config, const struct attr *from, bool append, bool increment)
{
	bool with_volatile = false;
	long long keep;

	if (attr_get_int(from, "KEEP_LAST", &keep))
		tmpl_setf(config, "KEEP_LAST", "%lld", keep < 0 ? 0 : keep);
	else if (!append)
		tmpl_remove(config, "KEEP_LAST");
	if (attr_get_bool(from, "BACKUP_VOLATILE", &with_volatile) || !append)
		tmpl_set(config, "BACKUP_VOLATILE", with_volatile ? "YES" : "NO");
	if (*text_of(from, "FS_FREEZE") || !append)
		tmpl_set(config, "FS_FREEZE", text_choice(text_of(from, "FS_FREEZE"), freezes));
	if (increment) {
		fill_mode(config, from, append);
		return;
	}
	begin_increments_anew(config);
	tmpl_set(config, "MODE", modes[0]);
	tmpl_remove(config, "INCREMENT_MODE");
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
	fill_config(vm->backup_config, from, false, can_increment(vm, true));
	tmpl_remove(vm->user, "BACKUP_CONFIG");
	return ONE_OK;
}

static struct tmpl *config_of(struct vm *vm)
{
	if (!vm->backup_config)
		vm->backup_config = tmpl_new(&vm->o.arena);
	return vm->backup_config;
}

enum one_rc vm_change_backup(struct vm_making *m, const struct attr *fresh, bool append)
{
	bool with_volatile = false, snapshots = tmpl_vector(m->vm->o.tmpl, "SNAPSHOT") != NULL, increment;
	struct tmpl *config;

	if (!fresh)
		return ONE_OK;
	config = config_of(m->vm);
	tmpl_get_bool(config, "BACKUP_VOLATILE", &with_volatile);
	increment = !snapshots && can_increment(m->vm, with_volatile);
	if (is_increment(text_of(fresh, "MODE")) && !increment)
		return vm_fail(m, "VM cannot use backup increment mode, it has %s.",
			       snapshots ? "snapshots" : "disks snapshots or disks are not qcow2");
	fill_config(config, fresh, append, increment);
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
	struct tmpl *config = config_of(vm);

	if (job_id >= 0) {
		tmpl_setf(config, "BACKUP_JOB_ID", "%d", job_id);
		return;
	}
	tmpl_remove(config, "BACKUP_JOB_ID");
	if (is_increment(tmpl_text(config, "MODE")))
		begin_increments_anew(config);
}
