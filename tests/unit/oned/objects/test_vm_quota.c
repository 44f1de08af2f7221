/* How a VM's life shows in quotas. */
#include "vm_world.h"

#include <stdio.h>

#include "oned/objects/vm_quota.h"

/* ---- what is used ---- */

/* A counter of alice (group: of her group) in hundredths. */
static long long used(bool group, enum quota_section section, int id, const char *metric)
{
	struct version *v = pool_get(core, group ? OBJ_GROUP_QUOTA : OBJ_USER_QUOTA, group ? 1 : 2);
	const struct attr *record = quota_record_find((const struct quota *)v->obj, section, id);
	long long value = record ? quota_used(record, metric) : 0;

	version_unref(v);
	return value;
}

static long long vm_used(const char *metric)
{
	long long value = used(false, QUOTA_VM, -1, metric);

	assert_int_equal(used(true, QUOTA_VM, -1, metric), value);
	return value;
}

static int allocate(const char *text)
{
	struct one_err err = ONE_ERR_INIT;
	int id = create_as(&alice, text, &err);

	if (id < 0)
		fail_msg("%s", err.text);
	return id;
}

struct limit { enum obj_type type; int id; const char *metric; long long value; };

static void set_limit(struct txn *t, void *arg)
{
	const struct limit *l = arg;
	struct quota *q = quota_edit(t, l->type, l->id);
	struct attr *record = quota_record_find(q, QUOTA_VM, -1);

	quota_set_limit(q, record ? record : quota_record_make(t, q, QUOTA_VM, -1, QUOTA_DEFAULT), l->metric, l->value);
}

static void limit(enum obj_type type, int id, const char *metric, int value)
{
	struct limit l = { type, id, metric, value * 100 };

	assert_int_equal(core_run(core, set_limit, &l, NULL), ONE_OK);
}

/* ---- running ---- */

static void stop(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);

	vm->state = VM_POWEROFF;
	vm_quota_running(t, vm, false);
}

static void may_run(struct txn *t, void *arg)
{
	vm_quota_may_run(t, txn_edit(t, OBJ_VM, *(int *)arg));
}

static void running_limits_speak_when_it_comes_back(void **state)
{
	int id = allocate("CPU=0.5\nMEMORY=64\nGPU=2"), other = allocate("CPU=1\nMEMORY=32");
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(vm_used("RUNNING_VMS"), 200);
	assert_int_equal(vm_used("RUNNING_GPU"), 200);
	assert_int_equal(core_run(core, stop, &id, NULL), ONE_OK);
	assert_int_equal(vm_used("RUNNING_VMS"), 100);
	assert_int_equal(vm_used("RUNNING_CPU"), 100);
	assert_int_equal(vm_used("RUNNING_MEMORY"), 3200);
	assert_int_equal(vm_used("RUNNING_GPU"), 0);
	assert_int_equal(vm_used("GPU"), 200);
	assert_int_equal(core_run(core, may_run, &id, NULL), ONE_OK);
	assert_int_equal(vm_used("RUNNING_VMS"), 100); /* asking counts nothing */
	limit(OBJ_USER_QUOTA, 2, "VMS", 1); /* another limit: it is a VM already */
	assert_int_equal(core_run(core, may_run, &id, NULL), ONE_OK);
	limit(OBJ_USER_QUOTA, 2, "RUNNING_VMS", 1);
	assert_int_equal(core_run(core, may_run, &id, &err), ONE_ACTION);
	assert_string_equal(err.text, "user [2] limit of 1 reached for RUNNING_VMS quota in VM");
	assert_int_equal(core_run(core, may_run, &other, NULL), ONE_OK); /* it does run */
}

/* ---- owners ---- */

struct move { int id, uid, gid; };

static void move(struct txn *t, void *arg)
{
	const struct move *m = arg;

	vm_quota_move(t, txn_edit(t, OBJ_VM, m->id), m->uid, m->gid);
}

static void only_the_side_that_changes_is_counted_and_checked(void **state)
{
	struct move m = { allocate("CPU=0.5\nMEMORY=64\nNIC=[NETWORK=net,NETWORK_UID=0]"), 1, -1 };
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	limit(OBJ_GROUP_QUOTA, 1, "VMS", 0); /* exceeded since: a user's change isn't the group's business */
	assert_int_equal(core_run(core, move, &m, &err), ONE_OK);
	assert_int_equal(used(false, QUOTA_VM, -1, "VMS"), 0);
	assert_int_equal(used(false, QUOTA_NETWORK, 0, "LEASES"), 0);
	assert_int_equal(used(true, QUOTA_VM, -1, "VMS"), 100);
	assert_int_equal(used(true, QUOTA_NETWORK, 0, "LEASES"), 100);
}

static void a_limit_of_the_new_owner_refuses(void **state)
{
	struct move m = { allocate("CPU=0.5\nMEMORY=64"), 1, -1 };
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	limit(OBJ_USER_QUOTA, 1, "MEMORY", 63);
	assert_int_equal(core_run(core, move, &m, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [1] limit of 63 reached for MEMORY quota in VM");
	assert_int_equal(vm_used("VMS"), 100);
}

/* ---- changes ---- */

struct change { int id; const char *gpu; int disks; };

static void change(struct txn *t, void *arg)
{
	const struct change *c = arg;
	struct vm *vm = txn_edit(t, OBJ_VM, c->id);
	struct vm_usage before;

	vm_quota_usage(t, vm, true, &before);
	tmpl_set(vm->user, "GPU", c->gpu);
	for (int i = 0; i < c->disks; i++) {
		struct attr *disk = tmpl_add_vector(vm->o.tmpl, "DISK");

		attr_set(&vm->o.arena, disk, "TYPE", "fs");
		attr_set(&vm->o.arena, disk, "SIZE", "10");
	}
	vm_quota_changed(t, vm, &before);
}

static void counters_follow_what_is_changed(void **state)
{
	struct change c = { allocate("CPU=0.5\nMEMORY=64\nGPU=3"), "1", 2 };
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, change, &c, NULL), ONE_OK);
	assert_int_equal(vm_used("GPU"), 100);
	assert_int_equal(vm_used("RUNNING_GPU"), 100);
	assert_int_equal(vm_used("SYSTEM_DISK_SIZE"), 2000);
	assert_int_equal(vm_used("VMS"), 100);
	limit(OBJ_USER_QUOTA, 2, "VMS", 0);
	limit(OBJ_USER_QUOTA, 2, "GPU", 2);
	c = (struct change){ c.id, "2", 0 };
	assert_int_equal(core_run(core, change, &c, NULL), ONE_OK);
	c.gpu = "2.5";
	assert_int_equal(core_run(core, change, &c, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] limit of 2 reached for GPU quota in VM");
	c.gpu = "-9"; /* nothing is gained by it */
	assert_int_equal(core_run(core, change, &c, NULL), ONE_OK);
	assert_int_equal(vm_used("GPU"), 0);
}

static int begin(void **state)
{
	return world_begin(state) || tmpl_parse(conf.values, "QUOTA_VM_ATTRIBUTE=GPU", NULL) ? -1 : 0;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(running_limits_speak_when_it_comes_back),
		IN_WORLD(only_the_side_that_changes_is_counted_and_checked),
		IN_WORLD(a_limit_of_the_new_owner_refuses),
		IN_WORLD(counters_follow_what_is_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
