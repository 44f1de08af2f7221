#include "oned/objects/backup_job.h"

#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/sched_action.h"
#include "oned/objects/vm.h"

/* ---- XML and rows ---- */

static enum one_rc backup_job_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct backup_job *job = (struct backup_job *)o;

	(void)err;
	job->priority = (int)xml_int(x, "PRIORITY", BACKUP_JOB_DEFAULT_PRIORITY);
	job->last_time = xml_int(x, "LAST_BACKUP_TIME", 0);
	job->last_duration = xml_int(x, "LAST_BACKUP_DURATION", 0);
	idset_load(&job->sched_actions, &o->arena, xml_child(x, "SCHED_ACTIONS"));
	idset_load(&job->updated, &o->arena, xml_child(x, "UPDATED_VMS"));
	idset_load(&job->outdated, &o->arena, xml_child(x, "OUTDATED_VMS"));
	idset_load(&job->backing_up, &o->arena, xml_child(x, "BACKING_UP_VMS"));
	idset_load(&job->error, &o->arena, xml_child(x, "ERROR_VMS"));
	return ONE_OK;
}

static void backup_job_render(const struct object *o, struct strbuf *out)
{
	const struct backup_job *job = (const struct backup_job *)o;

	xml_out_open(out, "BACKUPJOB");
	obj_out_head(o, out);
	obj_out_lock(o, out);
	obj_out_permissions(o, out);
	xml_out_int(out, "PRIORITY", job->priority);
	xml_out_int(out, "LAST_BACKUP_TIME", job->last_time);
	xml_out_int(out, "LAST_BACKUP_DURATION", job->last_duration);
	obj_out_ids(out, "SCHED_ACTIONS", job->sched_actions.ids, job->sched_actions.n);
	obj_out_ids(out, "UPDATED_VMS", job->updated.ids, job->updated.n);
	obj_out_ids(out, "OUTDATED_VMS", job->outdated.ids, job->outdated.n);
	obj_out_ids(out, "BACKING_UP_VMS", job->backing_up.ids, job->backing_up.n);
	obj_out_ids(out, "ERROR_VMS", job->error.ids, job->error.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "BACKUPJOB");
}

static void backup_job_index(const struct object *o, struct obj_index *out)
{
	out->parent = ((const struct backup_job *)o)->priority;
}

static int backup_job_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
			  struct sql_value *cols)
{
	int n = obj_row_parent(o, v, brief, json, cols);

	cols[n] = SQL_INT(((const struct backup_job *)o)->outdated.n);
	return n + 1;
}

/* ---- BACKUP_VMS ---- */

struct vm_list { int *ids; int n; };

/* Items that are no id of a VM are left out. */
static struct vm_list vms_of_text(struct arena *arena, const char *text)
{
	struct vm_list list = { .n = 0 };
	int most = 1;

	for (const char *c = text; *c; c++)
		most += *c == ',';
	list.ids = arena_array(arena, most, int);
	while (text) {
		const char *comma = strchr(text, ',');
		int id;

		if (text_leading_int(text, &id) && id >= 0)
			list.ids[list.n++] = id;
		text = comma ? comma + 1 : NULL;
	}
	return list;
}

/* As BACKUP_VMS is kept: in the order given, which is the order of the backups; who follows himself stands there once. */
static const char *text_of_vms(struct arena *arena, const struct vm_list *list)
{
	struct strbuf out = STRBUF_INIT;
	const char *text;

	for (int i = 0; i < list->n; i++)
		if (!i || list->ids[i] != list->ids[i - 1])
			strbuf_addf(&out, "%s%d", i ? "," : "", list->ids[i]);
	text = arena_strdup(arena, out.buf);
	strbuf_done(&out);
	return text;
}

/* The VMs of a template as a set. */
static struct idset vms_of(struct arena *arena, const struct tmpl *tmpl)
{
	struct vm_list list = vms_of_text(arena, tmpl ? tmpl_text(tmpl, "BACKUP_VMS") : "");
	struct idset set = { .n = 0 };

	idset_add_all(&set, arena, list.ids, list.n);
	return set;
}

/* Keeps what is, or isn't, in the other. */
static void idset_filter(struct idset *s, const struct idset *other, bool in)
{
	int n = 0;

	for (int i = 0; i < s->n; i++)
		if (idset_has(other, s->ids[i]) == in)
			s->ids[n++] = s->ids[i];
	s->n = n;
}

int backup_job_new_vms(struct txn *t, const struct tmpl *tmpl, const struct tmpl *before, int **ids)
{
	struct idset now = vms_of(t->arena, tmpl), then = vms_of(t->arena, before);

	idset_filter(&now, &then, false);
	*ids = now.ids;
	return now.n;
}

/* NULL: there is none; a job may name VMs that aren't there. */
static struct vm *edit_vm(struct txn *t, int id)
{
	return txn_version(t, OBJ_VM, id) ? txn_edit(t, OBJ_VM, id) : NULL;
}

static enum one_rc add_vms(struct txn *t, const struct backup_job *job, const int *ids, int n)
{
	for (int i = 0; i < n; i++) {
		struct vm *vm = edit_vm(t, ids[i]);
		int other = vm ? vm_backup_job(vm) : -1;

		if (other >= 0 && other != job->o.id && txn_exists(t, OBJ_BACKUPJOB, other))
			return txn_fail(t, ONE_INTERNAL, "Unable to add VM %d to Backup Job %d. It's already in Backup Job %d", ids[i], job->o.id,
					other);
		if (vm)
			vm_set_backup_job(vm, job->o.id);
	}
	return ONE_OK;
}

static void drop_vms(struct txn *t, const struct backup_job *job, const struct idset *ids)
{
	for (int i = 0; i < ids->n; i++) {
		struct vm *vm = edit_vm(t, ids->ids[i]);

		if (vm && vm_backup_job(vm) == job->o.id)
			vm_set_backup_job(vm, -1);
	}
}

enum one_rc backup_job_vms_changed(struct txn *t, struct backup_job *job, const struct tmpl *before)
{
	struct idset now = vms_of(t->arena, job->o.tmpl), left = vms_of(t->arena, before);
	int *added, n = backup_job_new_vms(t, job->o.tmpl, before, &added);

	if (add_vms(t, job, added, n))
		return t->err.rc;
	idset_filter(&left, &now, false);
	drop_vms(t, job, &left);
	idset_filter(&job->updated, &now, true);
	idset_filter(&job->outdated, &now, true);
	idset_filter(&job->backing_up, &now, true);
	idset_filter(&job->error, &now, true);
	return ONE_OK;
}

/* ---- the template ---- */

int backup_job_priority(const struct tmpl *tmpl)
{
	int priority = 0;

	if (!tmpl_find(tmpl, "PRIORITY"))
		return BACKUP_JOB_DEFAULT_PRIORITY;
	text_leading_int(tmpl_text(tmpl, "PRIORITY"), &priority);
	return priority;
}

static void set_choice(struct tmpl *tmpl, const char *name, const char *const *choices)
{
	tmpl_set(tmpl, name, text_choice(tmpl_text(tmpl, name), choices));
}

/* Gives every attribute of a job a value that it can have, and takes out what is kept elsewhere. */
static void complete(struct tmpl *tmpl)
{
	static const char *const elsewhere[] = { "NAME", "PRIORITY", "SCHED_ACTION", "BACKUP_VMS_OLD" };
	static const char *const no_yes[] = { "NO", "YES", NULL }, *const freezes[] = { "NONE", "AGENT", "SUSPEND", NULL };
	static const char *const modes[] = { "FULL", "INCREMENT", NULL }, *const increments[] = { "CBT", "SNAPSHOT", NULL };
	static const char *const executions[] = { "SEQUENTIAL", "PARALLEL", NULL };
	struct vm_list vms = vms_of_text(tmpl->arena, tmpl_text(tmpl, "BACKUP_VMS"));
	int keep = 0;

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		tmpl_remove(tmpl, elsewhere[i]);
	text_leading_int(tmpl_text(tmpl, "KEEP_LAST"), &keep);
	tmpl_setf(tmpl, "KEEP_LAST", "%d", keep < 0 ? 0 : keep);
	set_choice(tmpl, "BACKUP_VOLATILE", no_yes);
	set_choice(tmpl, "FS_FREEZE", freezes);
	set_choice(tmpl, "MODE", modes);
	if (!strcmp(tmpl_text(tmpl, "MODE"), "INCREMENT"))
		set_choice(tmpl, "INCREMENT_MODE", increments);
	set_choice(tmpl, "EXECUTION", executions);
	tmpl_set(tmpl, "BACKUP_VMS", text_of_vms(tmpl->arena, &vms));
}

static enum one_rc backup_job_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	(void)o;
	(void)err;
	complete(fresh);
	return ONE_OK;
}

const struct obj_ops backup_job_ops = {
	.type = OBJ_BACKUPJOB, .token = "BACKUPJOB", .word = "backup job", .root = "BACKUPJOB", .pool_root = "BACKUPJOB_POOL",
	.table = TABLE_BACKUPJOB, .size = sizeof(struct backup_job), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_NAME_OWNER,
	.load = backup_job_load, .render = backup_job_render, .index = backup_job_index, .row = backup_job_row,
	.check_update = backup_job_check_update,
};

/* ---- making and deleting ---- */

struct backup_job *backup_job_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl)
{
	struct backup_job *job = txn_new(t, OBJ_BACKUPJOB);

	if (!job)
		return NULL;
	object_take(&job->o, owner, tmpl);
	job->priority = backup_job_priority(tmpl);
	if (object_name_of_template(t, &job->o, "BACKUP JOB"))
		return NULL;
	complete(job->o.tmpl);
	if (backup_job_vms_changed(t, job, NULL))
		return NULL;
	/* Of a job whose schedule is wrong the ids are gone: OpenNebula has made it by then. */
	txn_keep_ids(t, OBJ_BACKUPJOB);
	txn_keep_ids(t, OBJ_SCHEDACTION);
	sched_actions_create(t, &(struct sched_parent){ OBJ_BACKUPJOB, job->o.id, &job->sched_actions, &job->o.arena, 0 }, tmpl);
	return txn_ok(t) ? job : NULL;
}

void backup_job_release(struct txn *t, struct backup_job *job)
{
	struct idset vms = vms_of(t->arena, job->o.tmpl);

	drop_vms(t, job, &vms);
	sched_actions_delete(t, &job->sched_actions);
}
