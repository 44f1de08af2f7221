#include "oned/lifecycle/vm_schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/timeutil.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/sched_action.h"

#define LOOK_EVERY_MS 1000

/* One that is due; it outlives the transaction that found it. */
struct due {
	struct core *core;
	int id, vm_id;
	long long time;
	char action[32];
	bool has_failed;
	bool tried;
	char *reason; /* why it failed; NULL */
};

/* ---- doing it ---- */

/* Who had the right to do it was asked when it was scheduled. */
static void run(struct txn *t, void *arg)
{
	static const struct identity oneadmin = { .uname = "oneadmin", .gname = "oneadmin" };
	struct due *d = arg;
	const struct sched_action *found = txn_read(t, OBJ_SCHEDACTION, d->id);
	struct sched_action *s;
	struct vm *vm;

	if (!found || !sched_action_is_due(found, t->now))
		return;
	d->tried = true;
	t->who = &oneadmin;
	s = txn_edit(t, OBJ_SCHEDACTION, d->id);
	vm = txn_edit(t, OBJ_VM, s->parent_id);
	if (!vm || vm_act(t, vm, s->action))
		return;
	sched_action_ran(s, t->now);
}

static void note(struct txn *t, void *arg)
{
	const struct due *d = arg;
	struct sched_action *s = txn_exists(t, OBJ_SCHEDACTION, d->id) ? txn_edit(t, OBJ_SCHEDACTION, d->id) : NULL;
	char when[32];

	if (!s)
		return;
	time_text(t->now, when, sizeof(when));
	s->message = arena_printf(&s->o.arena, "%s : [%s] %s", when, d->action, d->reason);
}

static void forget(void *arg, const struct one_err *result)
{
	struct due *d = arg;

	(void)result;
	free(d->reason);
	free(d);
}

static void was_run(void *arg, const struct one_err *result)
{
	struct due *d = arg;

	if (!d->tried) { /* it went away meanwhile, or oned stops */
		forget(d, result);
		return;
	}
	if (!result->rc) {
		log_info("SCH", "Executing action '%s' for VM %d : Success.", d->action, d->vm_id);
		forget(d, result);
		return;
	}
	log_info("SCH", "Executing action '%s' for VM %d : Failure. [%s] %s", d->action, d->vm_id, d->action, result->text);
	d->reason = xstrdup(result->text);
	core_submit(d->core, note, forget, d);
}

/* ---- finding it ---- */

static int by_time(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	return x->time != y->time ? (x->time < y->time ? -1 : 1) : (x->id > y->id) - (x->id < y->id);
}

/* All actions of VMs that are due, in their order; memory of the transaction. *next: when another one is. */
static int find_due(struct txn *t, struct due **out, int64_t *next)
{
	int *ids, n_ids = txn_ids(t, OBJ_SCHEDACTION, &ids), n = 0;

	*next = INT64_MAX;
	*out = arena_array(t->arena, n_ids, struct due);
	for (int i = 0; i < n_ids; i++) {
		const struct sched_action *s = txn_read(t, OBJ_SCHEDACTION, ids[i]);
		struct due *d = &(*out)[n];
		int64_t at = s && s->parent_type == OBJ_VM ? sched_action_due_at(s, t->now) : INT64_MAX;

		if (at > t->now) {
			*next = at < *next ? at : *next;
			continue;
		}
		*d = (struct due){ .core = t->core, .id = s->o.id, .vm_id = s->parent_id, .time = s->time, .has_failed = *s->message };
		snprintf(d->action, sizeof(d->action), "%s", s->action);
		n++;
	}
	qsort(*out, (size_t)n, sizeof(**out), by_time);
	return n;
}

static void start_due(struct txn *t, struct vm_schedules *s)
{
	bool failed_too = t->now >= s->again;
	struct idset vms = { .n = 0 };
	struct due *due;
	int n;

	s->changed = false;
	n = find_due(t, &due, &s->next);
	for (int i = 0; i < n; i++) {
		struct due *d;

		if (!idset_add(&vms, t->arena, due[i].vm_id) || (due[i].has_failed && !failed_too))
			continue;
		d = xmalloc(sizeof(*d));
		*d = due[i];
		txn_after(t, 0, run, was_run, d);
	}
	if (n > 0)
		s->next = t->now; /* they may fail without a change, or wait */
	if (failed_too)
		s->again = t->now + conf_int(txn_conf(t), "MANAGER_TIMER");
}

static void look(struct txn *t, void *arg)
{
	struct vm_schedules *s = arg;

	if (s->changed || t->now >= s->next)
		start_due(t, s);
	txn_after(t, LOOK_EVERY_MS, look, NULL, s);
}

void vm_schedules_start(struct txn *t, struct vm_schedules *schedules)
{
	txn_after(t, LOOK_EVERY_MS, look, NULL, schedules);
}
