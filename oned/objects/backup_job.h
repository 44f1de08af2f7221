/* Backup jobs (BACKUPJOB): which VMs are backed up together, how, where and when. A VM is in one job only, which its BACKUP_CONFIG names. */
#ifndef ONED_OBJECTS_BACKUP_JOB_H
#define ONED_OBJECTS_BACKUP_JOB_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

#define BACKUP_JOB_MAX_PRIORITY 99
#define BACKUP_JOB_DEFAULT_PRIORITY 50

struct backup_job {
	struct object o;
	int priority;                                       /* the higher, the sooner */
	long long last_time, last_duration;                 /* of its last run; 0 */
	struct idset sched_actions;
	struct idset updated, outdated, backing_up, error;  /* its VMs, as the last run left them */
};

extern const struct obj_ops backup_job_ops;

/* PRIORITY of a template, which may be out of range. */
int backup_job_priority(const struct tmpl *tmpl);
/* The VMs that BACKUP_VMS of one template names and that of another (NULL: none) doesn't, whether they exist or not, in ascending order; memory of
 * the transaction. */
int backup_job_new_vms(struct txn *t, const struct tmpl *tmpl, const struct tmpl *before, int **ids);

/* A job of this template (whose priority is in range), with the actions of its SCHED_ACTION vectors. Its VMs name it from now on. ONE_INTERNAL
 * with the reason. */
struct backup_job *backup_job_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl);
/* After its template changed: VMs that came name the job, those that left don't. ONE_INTERNAL: a new one is in another job. */
enum one_rc backup_job_vms_changed(struct txn *t, struct backup_job *job, const struct tmpl *before);
/* Before it is deleted: its VMs are in no job, its scheduled actions go. */
void backup_job_release(struct txn *t, struct backup_job *job);

#endif
