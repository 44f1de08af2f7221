/* Making and changing VMs: one.vm.allocate, deploy, action, update, recover..., and one.template.instantiate. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oned/api/api.h"
#include "oned/api/infra.h"
#include "oned/api/restricted.h"
#include "oned/api/sched_action.h"
#include "oned/api/template_api.h"
#include "oned/api/vm_api.h"
#include "oned/objects/vm_quota.h"
#include "oned/lifecycle/vm_change.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/cluster.h"
#include "oned/objects/datastore.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/host.h"
#include "oned/objects/image.h"
#include "oned/objects/template.h"
#include "oned/objects/vnet.h"

/* ---- making ---- */

static void use_object(struct txn *t, struct authz *a, enum obj_type type, int id)
{
	const struct version *v = id < 0 ? NULL : txn_version(t, type, id);

	if (v)
		authz_check_version(a, AUTH_USE, false, v);
}

bool vm_may_use_parts(struct txn *t, struct call *c, const struct tmpl *tmpl)
{
	struct authz a;

	call_checks_begin(c, &a);
	if (!strcmp(c->method->name, "one.vm.allocate"))
		authz_check_type(&a, AUTH_CREATE, OBJ_VM);
	for (const struct attr *d = tmpl_find(tmpl, "DISK"); d; d = tmpl_find_next(d))
		if (d->vector)
			use_object(t, &a, OBJ_IMAGE, image_disk_id(t, &c->who, d));
	vm_use_nics(t, c, &a, tmpl);
	return call_checks_end(t, &a);
}

bool vm_may_use_file(void *ctx, const struct version *image)
{
	struct authz a;

	call_checks_begin(ctx, &a);
	authz_check_version(&a, AUTH_USE, false, image);
	return !authz_end(&a, NULL);
}

static int make_vm(struct txn *t, struct call *c, const struct tmpl *tmpl, bool hold)
{
	struct object owner = { .name = "", .uname = "", .gname = "" };
	struct vm *vm;

	api_own(c, &owner);
	vm = vm_create_with(t, &c->who, &owner, tmpl, hold, vm_may_use_file, c);
	if (vm) {
		attributes_encrypt(txn_conf(t), OBJ_VM, vm->o.tmpl);
		attributes_encrypt(txn_conf(t), OBJ_VM, vm->user);
	}
	arena_done(&owner.arena);
	return vm ? vm->o.id : -1;
}

static void vm_allocate(struct txn *t, struct call *c)
{
	const struct tmpl *tmpl = c->prepared;
	int id;

	if (!infra_may_set(t, c, OBJ_VM, tmpl, "VM Template") || !vm_may_use_parts(t, c, tmpl))
		return;
	id = make_vm(t, c, tmpl, call_bool(c, 1));
	if (txn_ok(t) && api_schedule_vm(t, c, id, tmpl))
		call_ok_int(c, id);
}

/* id:i name:s hold:b=false extra:s= persistent:b=false */
struct instantiation { int template_id; struct tmpl *extra; bool private_copy; };

static enum one_rc prepare_instantiate(struct call *c, struct one_err *err)
{
	struct instantiation *in = arena_new(&c->arena, struct instantiation);

	*in = (struct instantiation){ .template_id = call_int(c, 0), .extra = tmpl_new(&c->arena), .private_copy = call_bool(c, 4) };
	c->prepared = in;
	return *call_str(c, 3) ? tmpl_parse(in->extra, call_str(c, 3), err) : ONE_OK;
}

/* private_copy: it is the caller's own; who the VM is for counts when the copy is instantiated. */
static bool may_instantiate(struct txn *t, struct call *c, const struct version *v, const struct tmpl *extra, bool private_copy)
{
	struct one_err err = ONE_ERR_INIT;
	struct authz a;

	if (!c->who.admin && restricted_check_extra(txn_conf(t), OBJ_VM, v->obj->tmpl, extra, &err)) {
		txn_fail(t, ONE_AUTHORIZATION, "%s", err.text);
		return false;
	}
	if (!private_copy && !infra_act_as(t, c, v->obj->tmpl, extra))
		return false;
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_USE, false, v);
	if (extra->first)
		authz_check_type(&a, AUTH_CREATE, OBJ_TEMPLATE);
	return call_checks_end(t, &a);
}

static const char *instance_name(struct txn *t, const char *pattern, int id)
{
	const char *mark = strstr(pattern, "%i");

	return mark ? arena_printf(t->arena, "%.*s%d%s", (int)(mark - pattern), pattern, id, mark + 2) : pattern;
}

bool vm_may_instantiate(struct txn *t, struct call *c, const struct version *v, const struct tmpl *extra)
{
	return may_instantiate(t, c, v, extra, false);
}

int vm_instantiate(struct txn *t, struct call *c, const struct version *v, const struct vm_instance *in)
{
	struct tmpl *tmpl = tmpl_copy(t->arena, v->obj->tmpl);
	int id = -1;

	tmpl_merge(tmpl, in->extra);
	if (in->fixed)
		tmpl_merge(tmpl, in->fixed);
	tmpl_remove(tmpl, "AS_UID");
	tmpl_remove(tmpl, "AS_GID");
	tmpl_setf(tmpl, "TEMPLATE_ID", "%d", v->id);
	/* The VM's id is the next one: its name may hold it. */
	if (*in->name)
		tmpl_set(tmpl, "NAME", instance_name(t, in->name, txn_peek_id(t, OBJ_VM)));
	else if (!tmpl_get(in->extra, "NAME"))
		tmpl_setf(tmpl, "NAME", "%s-%d", v->name, txn_peek_id(t, OBJ_VM));
	if (vm_may_use_parts(t, c, tmpl))
		id = make_vm(t, c, tmpl, in->hold);
	if (t->err.rc == ONE_INTERNAL)
		t->err.rc = ONE_ALLOCATE;
	return txn_ok(t) && api_schedule_vm(t, c, id, tmpl) ? id : -1;
}

static void template_instantiate(struct txn *t, struct call *c);

static void copy_is_there(struct txn *t, void *call)
{
	(void)t;
	call_resume(call, template_instantiate);
}

/* The VM gets a template and images of its own: copied first, and kept when the VM can't be made. */
static void make_private_copy(struct txn *t, struct call *c, const struct version *v, struct instantiation *in)
{
	const char *name = *call_str(c, 1) ? call_str(c, 1) : arena_printf(t->arena, "%s-copy", v->name);
	int copy = template_api_clone(t, c, v->id, name, in->extra, true, true);

	if (copy < 0)
		return;
	in->extra = tmpl_new(&c->arena);
	tmpl_addf(in->extra, "CLONING_TEMPLATE_ID", "%d", v->id);
	in->template_id = copy;
	in->private_copy = false;
	c->waiting = true;
	txn_after(t, 0, copy_is_there, NULL, c);
}

static void template_instantiate(struct txn *t, struct call *c)
{
	struct instantiation *in = c->prepared;
	const struct version *v = txn_version(t, OBJ_TEMPLATE, in->template_id);
	const char *vrouter;
	bool is_vrouter = false;

	if (!v) {
		txn_no_object(t, OBJ_TEMPLATE, in->template_id);
		return;
	}
	vrouter = tmpl_get(v->obj->tmpl, "VROUTER");
	if (vrouter && value_bool(vrouter, &is_vrouter) && is_vrouter) {
		txn_fail(t, ONE_ACTION, "Virtual router templates cannot be instantiated");
		return;
	}
	if (!may_instantiate(t, c, v, in->extra, in->private_copy))
		return;
	if (in->private_copy)
		make_private_copy(t, c, v, in);
	else
		call_ok_int(c, vm_instantiate(t, c, v, &(struct vm_instance){ in->extra, NULL, call_str(c, 1), call_bool(c, 2) }));
}

/* ---- deploy ---- */

/* The system datastore a VM goes to when nobody says which: that of its last stay after stop and undeploy, else the cluster's first. */
static int default_datastore(struct txn *t, const struct vm *vm, int cluster_id)
{
	const struct cluster *cl = txn_read(t, OBJ_CLUSTER, cluster_id);
	bool comes_back = vm->history && (vm->history->action == VM_ACTION_STOP || vm->history->action == VM_ACTION_UNDEPLOY ||
					  vm->history->action == VM_ACTION_UNDEPLOY_HARD);

	if (comes_back)
		return vm->history->ds_id;
	if (!cl) {
		txn_no_object(t, OBJ_CLUSTER, cluster_id);
		return -1;
	}
	for (int i = 0; i < cl->datastores.n; i++) {
		const struct datastore *ds = txn_read(t, OBJ_DATASTORE, cl->datastores.ids[i]);

		if (ds && ds->type == DS_SYSTEM)
			return ds->o.id;
	}
	txn_fail(t, ONE_ACTION, "cluster [%d] does not have any datastore of type SYSTEM_DS.", cluster_id);
	return -1;
}

static enum one_rc check_datastore(struct txn *t, int ds_id, const struct host *host)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ds_id);

	if (!ds)
		return txn_no_object(t, OBJ_DATASTORE, ds_id);
	if (ds->type != DS_SYSTEM)
		return txn_fail(t, ONE_INTERNAL, "Trying to use datastore [%d] to deploy the VM, but it is not of type system datastore.",
				ds_id);
	if (!idset_has(&ds->clusters, host->cluster_id))
		return txn_fail(t, ONE_ACTION, "datastore [%d] and host [%d] are not in the same cluster [%d].", ds_id, host->o.id,
				host->cluster_id);
	return ONE_OK;
}

static bool may_deploy(struct txn *t, struct call *c, int vm_id, int host_id, int ds_id)
{
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_version(&a, call_right(c), false, txn_version(t, OBJ_VM, vm_id));
	authz_check_version(&a, AUTH_MANAGE, false, txn_version(t, OBJ_HOST, host_id));
	authz_check_version(&a, AUTH_USE, false, txn_version(t, OBJ_DATASTORE, ds_id));
	return call_checks_end(t, &a);
}

static enum one_rc prepare_deploy(struct call *c, struct one_err *err)
{
	struct tmpl *chosen = tmpl_new(&c->arena);

	c->prepared = chosen;
	return *call_str(c, 4) ? tmpl_parse(chosen, call_str(c, 4), err) : ONE_OK;
}

/* The networks the scheduler chose for automatic NICs: as when a VM is made with them. */
static bool connect_chosen(struct txn *t, struct call *c, struct vm *vm)
{
	const struct tmpl *chosen = c->prepared;

	if (!chosen->first)
		return true;
	return infra_may_set(t, c, OBJ_VM, chosen, "NIC") && vm_may_use_parts(t, c, chosen) && !vm_connect_auto(t, vm, chosen);
}

/* id:i host:i enforce:b=false ds:i=-1 extra:s= */
static void vm_deploy_method(struct txn *t, struct call *c)
{
	int id = call_int(c, 0), host_id = call_int(c, 1), ds_id = call_int(c, 3);
	const struct host *host = txn_read(t, OBJ_HOST, host_id);
	struct vm_usage before;
	struct vm *vm;

	if (!host) {
		txn_no_object(t, OBJ_HOST, host_id);
		return;
	}
	if (host->state == HOST_OFFLINE) {
		txn_fail(t, ONE_ACTION, "Host is offline, cannot use it to deploy VM");
		return;
	}
	vm = txn_edit(t, OBJ_VM, id);
	if (!vm)
		return;
	if (ds_id == -1)
		ds_id = default_datastore(t, vm, host->cluster_id);
	if (!txn_ok(t) || check_datastore(t, ds_id, host) || !may_deploy(t, c, id, host_id, ds_id))
		return;
	if (!vm_can_deploy(vm)) {
		txn_fail(t, ONE_ACTION, "Deploy action is not available for state %s", vm_state_text(vm));
		return;
	}
	if (vm_quota_may_run(t, vm))
		return;
	vm_quota_usage(t, vm, vm_is_counted_running(vm), &before);
	if (!connect_chosen(t, c, vm) || vm_place_disks(t, vm, ds_id) || vm_quota_changed(t, vm, &before))
		return;
	if (!vm_deploy(t, vm, host_id, ds_id, call_bool(c, 2)))
		call_ok_int(c, id);
}

/* ---- actions ---- */

/* action:s id:i */
static void vm_action(struct txn *t, struct call *c)
{
	struct vm *vm = txn_edit(t, OBJ_VM, call_int(c, 1));

	if (vm && !vm_act(t, vm, call_str(c, 0)))
		call_ok_int(c, vm->o.id);
}

/* ---- recover ---- */

enum { RECOVER_FAILURE, RECOVER_SUCCESS, RECOVER_RETRY, RECOVER_DELETE, RECOVER_RECREATE, RECOVER_DELETE_DB, RECOVER_OPS };

/* Out of the database at once: drivers aren't asked. */
static void delete_db(struct txn *t, struct vm *vm)
{
	struct capacity need;

	if (vm->state == VM_DONE)
		return;
	vm_capacity(vm, t->arena, &need);
	if (vm->history)
		host_capacity_del(t, vm->history->hid, vm->o.id, &need);
	vm_forget(t, vm);
}

static void recover_vm(struct txn *t, struct vm *vm, int op)
{
	bool done = true;

	switch (op) {
	case RECOVER_FAILURE:
	case RECOVER_SUCCESS:
		if (vm->state != VM_ACTIVE && vm->state != VM_CLONING_FAILURE)
			txn_fail(t, ONE_ACTION, "Could not perform a recover operation on VM %d, wrong state %s.", vm->o.id, vm_state_text(vm));
		else if (vm->state == VM_CLONING_FAILURE)
			done = vm_event(t, vm, op == RECOVER_SUCCESS ? VM_EV_RETRY : VM_EV_DISKS_FAILED);
		else
			done = vm_recover(t, vm, op == RECOVER_SUCCESS);
		break;
	case RECOVER_RETRY:
		if (vm->state != VM_ACTIVE)
			txn_fail(t, ONE_ACTION, "Could not perform a retry on VM %d, wrong state %s.", vm->o.id, vm_state_text(vm));
		else
			done = vm_retry(t, vm);
		break;
	case RECOVER_DELETE:
		done = vm->state == VM_DONE || vm_event(t, vm, VM_EV_DELETE);
		break;
	case RECOVER_RECREATE:
		if (vm->state == VM_DONE)
			txn_fail(t, ONE_ACTION, "Cannot delete-recreate a VM already in DONE state");
		else
			done = vm->state == VM_PENDING || vm_event(t, vm, VM_EV_DELETE_RECREATE) || vm_event(t, vm, VM_EV_RELEASE);
		break;
	default:
		delete_db(t, vm);
	}
	(void)done; /* nothing to recover is no error, as in OpenNebula */
}

/* id:i op:i; the class of the operation decides the right, so it is checked here. */
static void vm_recover_method(struct txn *t, struct call *c)
{
	static const char *const classes[RECOVER_OPS] = { "recover", "recover", "retry", "delete", "delete", "delete" };
	static const char *const names[RECOVER_OPS] = { "recover", "recover", "retry", "delete", "delete-recreate", "delete" };
	int op = call_int(c, 1);
	struct vm *vm;

	if (op < 0 || op >= RECOVER_OPS) {
		txn_fail(t, ONE_ACTION, "Wrong recovery operation code");
		return;
	}
	if (!call_may(t, c, vm_class_right(c, classes[op]), OBJ_VM, call_int(c, 0)))
		return;
	vm = txn_edit(t, OBJ_VM, call_int(c, 0));
	if (vm_import_allows(t, vm, names[op]))
		return;
	recover_vm(t, vm, op);
	call_ok_int(c, vm->o.id);
}

/* ---- changes ---- */

/* Unlike for other objects, what is wrong with the text is told alone. */
static enum one_rc prepare_update(struct call *c, struct one_err *err)
{
	enum one_rc rc = api_prepare_template1(c, err);

	if (api_check_append(c, 2, err))
		return err->rc;
	if (rc)
		err->rc = ONE_ACTION;
	return err->rc;
}

/* USER_TEMPLATE only. */
static void vm_update(struct txn *t, struct call *c)
{
	struct vm *vm = txn_edit(t, OBJ_VM, call_int(c, 0));
	struct one_err err = ONE_ERR_INIT;
	struct vm_usage before;
	struct tmpl *own;

	if (!vm)
		return;
	vm_quota_usage(t, vm, vm_is_counted_running(vm), &before);
	own = vm->o.tmpl;
	vm->o.tmpl = vm->user;
	if (object_update_template(t, &vm->o, c->prepared, call_int(c, 2) == 1, &c->who, &err))
		txn_fail(t, ONE_INTERNAL, "Cannot update template. %s", err.text);
	vm->user = vm->o.tmpl;
	vm->o.tmpl = own;
	if (vm->state != VM_DONE && txn_ok(t) && vm_quota_changed(t, vm, &before))
		t->err.rc = ONE_ACTION;
	call_ok_int(c, vm->o.id);
}

static void vm_chown(struct txn *t, struct call *c)
{
	int uid = call_int(c, 1), gid = call_int(c, 2);
	struct vm *vm;

	if (!object_may_chown(t, c, OBJ_VM, call_int(c, 0), uid, gid))
		return;
	vm = txn_edit(t, OBJ_VM, call_int(c, 0));
	if (vm->state == VM_DONE) {
		txn_fail(t, ONE_ACTION, "Could not change VM ownership, wrong state");
		return;
	}
	vm_quota_move(t, vm, uid, gid);
	object_chown(t, &vm->o, uid, gid);
	if (vm->history)
		vm_history_save(t, vm);
	call_ok_int(c, vm->o.id);
}

const struct method vm_write_methods[] = {
	/* clang-format off */
	{ .name = "one.vm.allocate", .params = "template:s hold:b=false", .object = OBJ_VM, .right = AUTH_CREATE, .flags = M_NO_RIGHT,
	  .prepare = api_prepare_template0, .write = vm_allocate,
	  .doc = "Makes a VM of a template; needs CREATE, and USE of its images, networks and security groups." },
	{ .name = "one.template.instantiate", .params = "id:i name:s hold:b=false extra:s= persistent:b=false", .object = OBJ_TEMPLATE,
	  .right = AUTH_USE, .flags = M_NO_RIGHT, .prepare = prepare_instantiate, .write = template_instantiate,
	  .doc = "Makes a VM of a registered template merged with extra attributes (which need CREATE on templates)." },
	{ .name = "one.vm.deploy", .params = "id:i host:i enforce:b=false ds:i=-1 extra:s=", .object = OBJ_VM, .right = AUTH_ADMIN,
	  .flags = M_NO_RIGHT | M_OP_CLASS, .op_class = "deploy", .prepare = prepare_deploy, .write = vm_deploy_method,
	  .doc = "Starts a VM on a host and a system datastore; needs MANAGE on the host and USE of the datastore." },
	{ .name = "one.vm.action", .params = "action:s id:i", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_OP_CLASS, .op_class = "action",
	  .id_at = 1, .write = vm_action,
	  .doc = "terminate, hold, release, stop, suspend, resume, reboot, resched, unresched, poweroff, undeploy; some with -hard." },
	{ .name = "one.vm.recover", .params = "id:i op:i", .object = OBJ_VM, .right = AUTH_ADMIN, .flags = M_NO_RIGHT, .write = vm_recover_method,
	  .doc = "Ends a step by hand: 0 failed, 1 succeeded, 2 retry, 3 delete, 4 delete and recreate, 5 delete from the database only." },
	{ .name = "one.vm.update", .params = "id:i template:s append:i=0", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_OP_CLASS,
	  .op_class = "update", .prepare = prepare_update, .write = vm_update, .doc = "Replaces the user template, or merges into it." },
	{ .name = "one.vm.rename", .params = "id:i name:s", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_OP_CLASS | M_NO_RIGHT,
	  .op_class = "rename", .write = api_rename, .doc = "Gives a VM another name." },
	{ .name = "one.vm.schedadd", .params = "id:i template:s", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_OP_CLASS,
	  .op_class = "sched-action", .prepare = api_prepare_schedadd, .write = api_schedadd,
	  .doc = "Schedules an action: SCHED_ACTION=[ACTION=...,TIME=...]; takes the right to do it, too." },
	{ .name = "one.vm.schedupdate", .params = "id:i schedule:i template:s", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_OP_CLASS,
	  .op_class = "sched-action", .prepare = api_prepare_schedupdate, .write = api_schedupdate,
	  .doc = "Changes a scheduled action: SCHED_ACTION=[...]; takes the right to do it, too." },
	{ .name = "one.vm.scheddelete", .params = "id:i schedule:i", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_OP_CLASS,
	  .op_class = "sched-action", .write = api_scheddelete, .doc = "Deletes a scheduled action." },
	{ .name = "one.vm.chmod", .params = "id:i uu:i um:i ua:i gu:i gm:i ga:i ou:i om:i oa:i unused:b=false", .object = OBJ_VM,
	  .right = AUTH_MANAGE, .flags = M_NO_RIGHT, .write = api_chmod, .doc = "Sets permission bits; -1 keeps one." },
	{ .name = "one.vm.chown", .params = "id:i uid:i gid:i", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = vm_chown, .doc = "Gives a VM to another owner or group; -1 keeps one. Its quotas move along." },
	{ .name = "one.vm.lock", .params = "id:i level:i test:b=false", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT,
	  .write = api_lock, .doc = "Locks: 1 use, 2 manage, 3 admin, 4 all." },
	{ .name = "one.vm.unlock", .params = "id:i", .object = OBJ_VM, .right = AUTH_MANAGE, .flags = M_LOCK_EXEMPT,
	  .write = api_unlock, .doc = "Takes the lock away." },
	{ .name = NULL },
	/* clang-format on */
};
