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
	set_choice(config, from, "MODE", modes);
	if (!append || *text_of(from, "INCREMENT_MODE"))
		set_choice(config, from, "INCREMENT_MODE", increments);
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
		set_choice(config, from, "FS_FREEZE", freezes);
	if (increment) {
		fill_mode(config, from, append);
		return;
	}
	begin_increments_anew(config);
	tmpl_set(config, "MODE", modes[0]);
	tmpl_remove(config, "INCREMENT_MODE");
}

static void put_backups(struct vm *vm, const struct tmpl *config, const struct idset *ids)
{
	struct strbuf out = STRBUF_INIT;

	xml_out_open(&out, "BACKUPS");
	tmpl_to_xml(config, "BACKUP_CONFIG", &out);
	obj_out_ids(&out, "BACKUP_IDS", ids->ids, ids->n);
	xml_out_close(&out, "BACKUPS");
	vm->backups_xml = arena_strdup(&vm->o.arena, out.buf);
	strbuf_done(&out);
}

enum one_rc vm_take_backup(struct vm_making *m)
{
	struct vm *vm = m->vm;
	const struct attr *from = tmpl_find(vm->user, "BACKUP_CONFIG");
	const struct idset none = { 0 };
	struct tmpl *config;

	vm->backups_xml = VM_NO_BACKUPS;
	if (!from)
		return ONE_OK;
	if (!from->vector)
		return vm_fail(m, "Internal error parsing BACKUP_CONFIG attribute.");
	config = tmpl_new(m->t->arena);
	fill_config(config, from, false, can_increment(vm, true));
	tmpl_remove(vm->user, "BACKUP_CONFIG");
	put_backups(vm, config, &none);
	return ONE_OK;
}

static enum one_rc read_backups(struct vm_making *m, struct tmpl *config, struct idset *ids)
{
	const char *text = m->vm->backups_xml ? m->vm->backups_xml : VM_NO_BACKUPS;
	struct one_err err = ONE_ERR_INIT;
	const struct xnode *old;
	struct xnode *root;

	if (xml_parse(m->t->arena, text, strlen(text), XML_MAX_DEPTH, TMPL_MAX_BYTES, &root, &err))
		return vm_fail(m, "The BACKUPS of the VM can't be read: %s", err.text);
	old = xml_child(root, "BACKUP_CONFIG");
	if (old && tmpl_from_xml(config, old, &err))
		return vm_fail(m, "The BACKUPS of the VM can't be read: %s", err.text);
	idset_load(ids, m->t->arena, xml_child(root, "BACKUP_IDS"));
	return ONE_OK;
}

enum one_rc vm_change_backup(struct vm_making *m, const struct attr *fresh, bool append)
{
	bool with_volatile = false, snapshots = tmpl_vector(m->vm->o.tmpl, "SNAPSHOT") != NULL, increment;
	struct tmpl *config = tmpl_new(m->t->arena);
	struct idset ids = { 0 };

	if (!fresh)
		return ONE_OK;
	if (read_backups(m, config, &ids))
		return m->t->err.rc;
	tmpl_get_bool(config, "BACKUP_VOLATILE", &with_volatile);
	increment = !snapshots && can_increment(m->vm, with_volatile);
	if (is_increment(text_of(fresh, "MODE")) && !increment)
		return vm_fail(m, "VM cannot use backup increment mode, it has %s.",
			       snapshots ? "snapshots" : "disks snapshots or disks are not qcow2");
	fill_config(config, fresh, append, increment);
	put_backups(m->vm, config, &ids);
	return ONE_OK;
}
