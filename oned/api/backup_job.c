/* one.backupjob.*: all but running them. */
#include "oned/objects/backup_job.h"

#include <string.h>

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/api/sched_action.h"
#include "oned/api/usual.h"

#define USER_PRIORITY 49 /* a higher one takes ADMIN */

static bool priority_in_range(int priority)
{
	return priority >= 0 && priority <= BACKUP_JOB_MAX_PRIORITY;
}

/* May the caller put the VMs that come into a job? It changes their BACKUP_CONFIG, which takes MANAGE (as in one.vm.updateconf); a lock on
 * them doesn't keep them from being backed up. */
static bool may_take_vms(struct txn *t, struct call *c, const struct tmpl *tmpl, const struct tmpl *before)
{
	struct authz a;
	int *ids, n = backup_job_new_vms(t, tmpl, before, &ids);

	call_checks_begin(c, &a);
	for (int i = 0; i < n; i++) {
		const struct version *vm = txn_version(t, OBJ_VM, ids[i]);

		if (vm)
			authz_check_version(&a, AUTH_MANAGE, true, vm);
	}
	return call_checks_end(t, &a);
}

static void api_backupjob_allocate(struct txn *t, struct call *c)
{
	const struct tmpl *tmpl = c->prepared;
	struct object owner = infra_owner(c);
	int priority = backup_job_priority(tmpl);
	struct backup_job *job;

	if (!priority_in_range(priority))
		txn_fail(t, ONE_INTERNAL, "Wrong priority value");
	else if (priority > BACKUP_JOB_DEFAULT_PRIORITY && !c->who.admin)
		txn_fail(t, ONE_AUTHORIZATION, "%s", "");
	if (!txn_ok(t) || !may_take_vms(t, c, tmpl, NULL))
		return;
	job = backup_job_create(t, &owner, tmpl);
	if (job)
		call_ok_int(c, job->o.id);
}

/* The SCHED_ACTION bodies stand at the end of the template. */
static void api_backupjob_info(struct call *c)
{
	static const char tail[] = "</TEMPLATE></BACKUPJOB>";
	struct version *v = call_object(c);
	const struct backup_job *job;
	struct strbuf *out;

	if (!v)
		return;
	job = (const struct backup_job *)v->obj;
	out = call_ok_buffer(c);
	strbuf_add(out, v->body, v->body_len - strlen(tail));
	for (int i = 0; i < job->sched_actions.n; i++)
		api_out_sched_action(c->api->core, job->sched_actions.ids[i], out);
	strbuf_adds(out, tail);
	version_unref(v);
}

static void api_backupjob_update(struct txn *t, struct call *c)
{
	struct backup_job *job = call_edit(t, c);
	const struct tmpl *before = job ? job->o.tmpl : NULL;

	if (!job)
		return;
	api_update(t, c);
	if (!txn_ok(t) || !may_take_vms(t, c, job->o.tmpl, before))
		return;
	if (backup_job_vms_changed(t, job, before))
		infra_update_failed(t);
}

static void api_backupjob_delete(struct txn *t, struct call *c)
{
	struct backup_job *job = call_edit(t, c);

	if (!job)
		return;
	backup_job_release(t, job);
	api_delete(t, c);
}

/* The range comes before any right. */
static void api_backupjob_priority(struct txn *t, struct call *c)
{
	int id = call_int(c, 0), priority = call_int(c, 1);
	struct backup_job *job;

	if (!priority_in_range(priority)) {
		txn_fail(t, ONE_ACTION, "Wrong priority value");
		return;
	}
	if (!call_may(t, c, priority > USER_PRIORITY ? AUTH_ADMIN : AUTH_MANAGE, OBJ_BACKUPJOB, id))
		return;
	job = txn_edit(t, OBJ_BACKUPJOB, id);
	job->priority = priority;
	call_ok_int(c, id);
}

const struct method backup_job_methods[] = {
	/* clang-format off */
	{ .name = "one.backupjob.allocate", .params = "template:s", .object = OBJ_BACKUPJOB, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = api_backupjob_allocate,
	  .doc = "Makes a backup job of VMs the caller may MANAGE, with its schedules." },
	{ .name = "one.backupjob.info", .params = "id:i decrypt:b=false", .object = OBJ_BACKUPJOB, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_backupjob_info, .doc = "A backup job with its schedules." },
	USUAL_POOL("backupjob", OBJ_BACKUPJOB, "The visible backup jobs, without their schedules."),
	{ .name = "one.backupjob.update", .params = "id:i template:s append:i=0", .object = OBJ_BACKUPJOB, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_backupjob_update,
	  .doc = "Replaces the template, or merges into it; MANAGE on the VMs that come." },
	{ .name = "one.backupjob.delete", .params = "id:i unused:b=false", .object = OBJ_BACKUPJOB, .right = AUTH_MANAGE,
	  .flags = M_ID_FIRST, .write = api_backupjob_delete, .doc = "Deletes a backup job with its schedules; backups stay." },
	USUAL_RENAME("backupjob", OBJ_BACKUPJOB),
	USUAL_CHMOD("backupjob", OBJ_BACKUPJOB),
	USUAL_CHOWN("backupjob", OBJ_BACKUPJOB),
	USUAL_LOCKS("backupjob", OBJ_BACKUPJOB),
	{ .name = "one.backupjob.priority", .params = "id:i priority:i", .object = OBJ_BACKUPJOB, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_backupjob_priority, .doc = "Sets the priority, 0 to 99; from 50 on it takes ADMIN." },
	{ .name = "one.backupjob.schedadd", .params = "id:i template:s", .object = OBJ_BACKUPJOB, .right = AUTH_MANAGE,
	  .prepare = api_prepare_schedadd, .write = api_schedadd, .doc = "Adds a schedule: SCHED_ACTION=[TIME=...]." },
	{ .name = "one.backupjob.schedupdate", .params = "id:i schedule:i template:s", .object = OBJ_BACKUPJOB, .right = AUTH_MANAGE,
	  .prepare = api_prepare_schedupdate, .write = api_schedupdate, .doc = "Changes a schedule: SCHED_ACTION=[...]." },
	{ .name = "one.backupjob.scheddelete", .params = "id:i schedule:i", .object = OBJ_BACKUPJOB, .right = AUTH_MANAGE,
	  .write = api_scheddelete, .doc = "Deletes a schedule." },
	{ .name = NULL },
	/* clang-format on */
};
