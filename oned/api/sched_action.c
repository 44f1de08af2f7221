/* Scheduled actions: adding, changing and deleting those of a VM or a backup job. */
#include "oned/api/sched_action.h"

#include <assert.h>
#include <string.h>

#include "oned/api/api.h"
#include "oned/objects/backup_job.h"
#include "oned/objects/sched_action.h"
#include "oned/objects/vm.h"

/* The SCHED_ACTION vector of the template in parameter i; without one: rc. */
static enum one_rc prepare(struct call *c, int i, enum one_rc rc, struct one_err *err)
{
	struct tmpl *tmpl = tmpl_new(&c->arena);

	if (tmpl_parse(tmpl, call_str(c, i), err))
		return err->rc;
	c->prepared = tmpl_vector(tmpl, "SCHED_ACTION");
	return c->prepared ? ONE_OK : one_err_set(err, rc, "No SCHED_ACTION attribute in template");
}

enum one_rc api_prepare_schedadd(struct call *c, struct one_err *err)
{
	return prepare(c, 1, ONE_ACTION, err);
}

enum one_rc api_prepare_schedupdate(struct call *c, struct one_err *err)
{
	return prepare(c, 2, ONE_INTERNAL, err);
}

static struct sched_parent parent_of(struct object *o)
{
	struct vm *vm = (struct vm *)o;

	if (o->ops->type == OBJ_VM)
		return (struct sched_parent){ OBJ_VM, o->id, &vm->sched_actions, &o->arena, (time_t)vm->stime };
	assert(o->ops->type == OBJ_BACKUPJOB);
	return (struct sched_parent){ OBJ_BACKUPJOB, o->id, &((struct backup_job *)o)->sched_actions, &o->arena, 0 };
}

static bool is_done(const struct object *parent)
{
	return parent->ops->type == OBJ_VM && ((const struct vm *)parent)->state == VM_DONE;
}

/* What is done later is done as by oneadmin: so the right to do it is asked for when it is scheduled. */
static bool may_schedule(struct txn *t, struct call *c, const struct object *parent, const struct attr *vector)
{
	const char *action = attr_get(vector, "ACTION");

	return parent->ops->type != OBJ_VM || !action || call_may(t, c, vm_action_right(c, action), OBJ_VM, parent->id);
}

void api_schedadd(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);
	const struct sched_action *s;
	struct sched_parent parent;

	if (!o)
		return;
	if (is_done(o)) {
		txn_fail(t, ONE_INTERNAL, "Unable to create Scheduled Action for Virtual Machine %d, it's in DONE state", o->id);
		return;
	}
	if (!may_schedule(t, c, o, c->prepared))
		return;
	parent = parent_of(o);
	s = sched_action_create(t, &parent, c->prepared, ONE_ACTION);
	if (s)
		call_ok_int(c, s->o.id);
}

void api_schedupdate(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);
	int id = call_int(c, 1);
	struct one_err err = ONE_ERR_INIT;
	struct sched_parent parent;

	if (!o)
		return;
	parent = parent_of(o);
	if (!idset_has(parent.ids, id)) {
		txn_fail(t, ONE_INTERNAL, "SCHED_ACTION with id = %d doesn't exist", id);
		return;
	}
	if (!txn_exists(t, OBJ_SCHEDACTION, id)) {
		txn_fail(t, ONE_INTERNAL, "Unable to get Scheduled Action id = %d. It doesn't exist or is malformed.", id);
		return;
	}
	if (!may_schedule(t, c, o, c->prepared))
		return;
	if (sched_action_take(txn_edit(t, OBJ_SCHEDACTION, id), c->prepared, parent.base, &err))
		txn_fail(t, ONE_INTERNAL, "%s", err.text);
	else
		call_ok_int(c, id);
}

void api_scheddelete(struct txn *t, struct call *c)
{
	struct object *o = call_edit(t, c);
	int id = call_int(c, 1);

	if (!o)
		return;
	if (!idset_del(parent_of(o).ids, id) || !txn_exists(t, OBJ_SCHEDACTION, id)) {
		txn_no_object(t, OBJ_SCHEDACTION, id);
		return;
	}
	txn_delete(t, txn_edit(t, OBJ_SCHEDACTION, id));
	call_ok_int(c, id);
}

void api_out_sched_action(void *ctx, int id, struct strbuf *out)
{
	struct version *v = pool_get(ctx, OBJ_SCHEDACTION, id);

	if (v)
		strbuf_add(out, v->body, v->body_len);
	version_unref(v);
}

bool api_schedule_vm(struct txn *t, struct call *c, int vm_id, const struct tmpl *tmpl)
{
	struct sched_parent parent;
	struct authz a;

	if (!tmpl_vector(tmpl, "SCHED_ACTION"))
		return true;
	call_checks_begin(c, &a);
	for (const struct attr *s = tmpl_find(tmpl, "SCHED_ACTION"); s; s = tmpl_find_next(s)) {
		const char *action = s->vector ? attr_get(s, "ACTION") : NULL;

		if (action && vm_action_right(c, action) == AUTH_ADMIN)
			authz_check_type(&a, AUTH_ADMIN, OBJ_VM);
	}
	if (!call_checks_end(t, &a))
		return false;
	parent = parent_of(txn_edit(t, OBJ_VM, vm_id));
	return !sched_actions_create(t, &parent, tmpl);
}
