/* Counting against quotas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/auth/quota_count.h"
#include "oned/auth/user.h"
#include "oned/core/core_internal.h"

static struct core *core;

/* Users 0, 1 and 2 (of group 1), groups 0 and 1, default quotas. */
static void people(struct txn *t, void *arg)
{
	static const int admin[] = { 0 }, users[] = { 1 };

	(void)arg;
	group_create(t, "oneadmin");
	group_create(t, "users");
	user_create(t, "oneadmin", "x", "core", admin, 1);
	user_create(t, "serveradmin", "x", "core", admin, 1);
	user_create(t, "alice", "x", "core", users, 1);
	for (int i = 0; i < 2; i++) {
		struct quota *q = txn_new(t, OBJ_DEFAULT_QUOTA);

		q->o.id = i;
	}
}

static int begin(void **state)
{
	(void)state;
	return core_new(NULL, NULL, NULL, &core, NULL) || core_run(core, people, NULL, NULL) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	core_free(core);
	return 0;
}

/* ---- what is counted ---- */

struct step {
	int uid, gid;
	enum quota_section section;
	int id;
	const char *metric;
	double amount;
	bool check, take;
};

static void run_step(struct txn *t, void *arg)
{
	const struct step *s = arg;
	struct quota_amount amount = { s->metric, s->amount };

	if (s->take)
		quota_del(t, s->uid, s->gid, s->section, s->id, &amount, 1);
	else
		quota_add(t, s->uid, s->gid, s->section, s->id, &amount, 1, s->check);
}

static enum one_rc add(enum quota_section section, int id, const char *metric, double amount, bool check,
		       struct one_err *err)
{
	struct step s = { 2, 1, section, id, metric, amount, check, false };

	return core_run(core, run_step, &s, err);
}

static void del(enum quota_section section, int id, const char *metric, double amount)
{
	struct step s = { 2, 1, section, id, metric, amount, false, true };

	assert_int_equal(core_run(core, run_step, &s, NULL), ONE_OK);
}

static const char *body_of(enum obj_type type, int id)
{
	static char text[4096];
	struct version *v = pool_get(core, type, id);

	snprintf(text, sizeof(text), "%s", v->body);
	version_unref(v);
	return text;
}

static void assert_has(enum obj_type type, int id, const char *part)
{
	if (!strstr(body_of(type, id), part))
		fail_msg("no %s in %s", part, body_of(type, id));
}

struct limits { enum obj_type type; int id; const char *vm; };

static void set_limits(struct txn *t, void *arg)
{
	const struct limits *l = arg;
	struct quota *q = txn_edit(t, l->type, l->id);

	q->vm = tmpl_new(&q->o.arena);
	assert_int_equal(tmpl_parse(q->vm, l->vm, NULL), ONE_OK);
}

static void limit(enum obj_type type, int id, const char *vm)
{
	struct limits l = { type, id, vm };

	assert_int_equal(core_run(core, set_limits, &l, NULL), ONE_OK);
}

/* ---- tests ---- */

static void the_first_use_makes_a_record_with_all_metrics(void **state)
{
	(void)state;
	assert_int_equal(add(QUOTA_VM, -1, "CPU", 0.25, true, NULL), ONE_OK);
	assert_has(
		OBJ_USER_QUOTA, 2,
		"<VM_QUOTA><VM><CPU><![CDATA[-1]]></CPU><CPU_USED><![CDATA[0.25]]></CPU_USED><MEMORY><![CDATA[-1]]></MEMORY>"
		"<MEMORY_USED><![CDATA[0]]></MEMORY_USED><RUNNING_CPU><![CDATA[-1]]></RUNNING_CPU><RUNNING_CPU_USED><![CDATA[0]]></RUNNING_CPU_USED>"
		"<RUNNING_MEMORY><![CDATA[-1]]></RUNNING_MEMORY><RUNNING_MEMORY_USED><![CDATA[0]]></RUNNING_MEMORY_USED>"
		"<RUNNING_VMS><![CDATA[-1]]></RUNNING_VMS><RUNNING_VMS_USED><![CDATA[0]]></RUNNING_VMS_USED>"
		"<SYSTEM_DISK_SIZE><![CDATA[-1]]></SYSTEM_DISK_SIZE><SYSTEM_DISK_SIZE_USED><![CDATA[0]]></SYSTEM_DISK_SIZE_USED>"
		"<VMS><![CDATA[-1]]></VMS><VMS_USED><![CDATA[0]]></VMS_USED></VM></VM_QUOTA>");
	assert_has(OBJ_GROUP_QUOTA, 1, "<CPU_USED><![CDATA[0.25]]></CPU_USED>");
	assert_int_equal(add(QUOTA_DATASTORE, 100, "SIZE", 7, true, NULL), ONE_OK);
	assert_has(
		OBJ_USER_QUOTA, 2,
		"<DATASTORE><ID><![CDATA[100]]></ID><IMAGES><![CDATA[-1]]></IMAGES><IMAGES_USED><![CDATA[0]]></IMAGES_USED>"
		"<SIZE><![CDATA[-1]]></SIZE><SIZE_USED><![CDATA[7]]></SIZE_USED></DATASTORE>");
}

static void nothing_is_left_of_what_was_given_back(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(add(QUOTA_VM, -1, "CPU", 1.0 / 3, true, NULL), ONE_OK);
	assert_has(OBJ_USER_QUOTA, 2, "<CPU_USED><![CDATA[0.99]]></CPU_USED>");
	for (int i = 0; i < 2; i++)
		del(QUOTA_VM, -1, "CPU", 1.0 / 3);
	assert_has(OBJ_USER_QUOTA, 2, "<CPU_USED><![CDATA[0.33]]></CPU_USED>");
	del(QUOTA_VM, -1, "CPU", 1.0 / 3);
	assert_has(OBJ_USER_QUOTA, 2, "<VM_QUOTA></VM_QUOTA>");
	del(QUOTA_VM, -1, "CPU", 1);
	assert_has(OBJ_USER_QUOTA, 2, "<VM_QUOTA></VM_QUOTA>");
}

static void a_limit_of_the_user_refuses(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	limit(OBJ_USER_QUOTA, 2, "VM=[CPU=1.5,CPU_USED=1,MEMORY=-2]");
	assert_int_equal(add(QUOTA_VM, -1, "CPU", 0.5, true, &err), ONE_OK);
	assert_int_equal(add(QUOTA_VM, -1, "CPU", 0.01, true, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] limit of 1.5 reached for CPU quota in VM");
	assert_has(OBJ_USER_QUOTA, 2, "<CPU_USED><![CDATA[1.50]]></CPU_USED>");
	assert_int_equal(add(QUOTA_VM, -1, "CPU", 5, false, NULL), ONE_OK); /* unchecked */
	assert_int_equal(add(QUOTA_VM, -1, "MEMORY", 1e9, true, NULL), ONE_OK);
}

static void a_record_with_a_limit_stays(void **state)
{
	(void)state;
	limit(OBJ_USER_QUOTA, 2, "VM=[VMS=0]");
	assert_int_equal(add(QUOTA_VM, -1, "VMS", 1, false, NULL), ONE_OK);
	del(QUOTA_VM, -1, "VMS", 1);
	assert_has(OBJ_USER_QUOTA, 2, "<VMS><![CDATA[0]]></VMS><VMS_USED><![CDATA[0]]></VMS_USED>");
}

static void default_limits_stand_behind_and_the_group_comes_second(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	limit(OBJ_DEFAULT_QUOTA, 0, "VM=[VMS=2,VMS_USED=0,CPU=-2]");
	limit(OBJ_DEFAULT_QUOTA, 1, "VM=[VMS=1,VMS_USED=0]");
	assert_int_equal(add(QUOTA_VM, -1, "VMS", 3, true, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] limit of 2 reached for VMS quota in VM");
	one_err_clear(&err);
	assert_int_equal(add(QUOTA_VM, -1, "VMS", 2, true, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "group [1] limit of 1 reached for VMS quota in VM");
	assert_has(OBJ_USER_QUOTA, 2, "<VM_QUOTA></VM_QUOTA>"); /* nothing of a failure stays */
	assert_int_equal(add(QUOTA_VM, -1, "CPU", 99, true, NULL), ONE_OK);
	limit(OBJ_USER_QUOTA, 2, "VM=[VMS=-2]");
	limit(OBJ_GROUP_QUOTA, 1, "VM=[VMS=-2]");
	assert_int_equal(add(QUOTA_VM, -1, "VMS", 9, true, NULL), ONE_OK);
}

static void oneadmin_and_its_group_arent_counted(void **state)
{
	struct step s = { 0, 0, QUOTA_VM, -1, "VMS", 1, true, false },
		    other = { -1, 1, QUOTA_VM, -1, "VMS", 1, true, false };

	(void)state;
	assert_int_equal(core_run(core, run_step, &s, NULL), ONE_OK);
	assert_has(OBJ_USER_QUOTA, 0, "<VM_QUOTA></VM_QUOTA>");
	assert_int_equal(core_run(core, run_step, &other, NULL), ONE_OK);
	assert_has(OBJ_USER_QUOTA, 2, "<VM_QUOTA></VM_QUOTA>");
	assert_has(OBJ_GROUP_QUOTA, 1, "<VMS_USED><![CDATA[1]]></VMS_USED>");
}

/* ---- VMs ---- */

static const int networks[] = { 3, 3 }, images[] = { 7 };
static const struct vm_usage_ds datastores[] = { { 100, 50 } };

static struct vm_usage usage(void)
{
	return (struct vm_usage){ .vms = 1,
				  .running_vms = 1,
				  .cpu = 0.5,
				  .running_cpu = 0.5,
				  .memory_mb = 64,
				  .running_memory_mb = 64,
				  .system_disk_mb = 10,
				  .networks = networks,
				  .n_networks = 2,
				  .images = images,
				  .n_images = 1,
				  .datastores = datastores,
				  .n_datastores = 1 };
}

static void add_vm(struct txn *t, void *arg)
{
	quota_vm_add(t, 2, 1, arg, true);
}

static void del_vm(struct txn *t, void *arg)
{
	quota_vm_del(t, 2, 1, arg);
}

static void a_vm_counts_in_all_sections(void **state)
{
	struct vm_usage u = usage();

	(void)state;
	assert_int_equal(core_run(core, add_vm, &u, NULL), ONE_OK);
	assert_has(OBJ_USER_QUOTA, 2, "<SIZE_USED><![CDATA[50]]></SIZE_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<IMAGES_USED><![CDATA[0]]></IMAGES_USED>");
	assert_has(
		OBJ_USER_QUOTA, 2,
		"<ID><![CDATA[3]]></ID><LEASES><![CDATA[-1]]></LEASES><LEASES_USED><![CDATA[2]]></LEASES_USED>");
	assert_has(OBJ_GROUP_QUOTA, 1, "<RVMS_USED><![CDATA[1]]></RVMS_USED>");
	assert_has(OBJ_GROUP_QUOTA, 1, "<SYSTEM_DISK_SIZE_USED><![CDATA[10]]></SYSTEM_DISK_SIZE_USED>");
	assert_int_equal(core_run(core, del_vm, &u, NULL), ONE_OK);
	assert_string_equal(
		body_of(OBJ_USER_QUOTA, 2),
		"<QUOTAS><ID>2</ID><DATASTORE_QUOTA></DATASTORE_QUOTA><NETWORK_QUOTA></NETWORK_QUOTA><VM_QUOTA></VM_QUOTA>"
		"<IMAGE_QUOTA></IMAGE_QUOTA></QUOTAS>");
}

static void the_numbers_of_a_vm_are_checked(void **state)
{
	struct vm_usage u = usage();
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	u.memory_mb = -1;
	assert_int_equal(core_run(core, add_vm, &u, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] MEMORY attribute must be a positive integer value");
	one_err_clear(&err);
	u.memory_mb = 1;
	u.cpu = -1;
	assert_int_equal(core_run(core, add_vm, &u, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] CPU attribute must be a positive float or integer value");
}

static void limit_image(struct txn *t, void *arg)
{
	struct quota *q = txn_edit(t, OBJ_USER_QUOTA, 2);

	assert_int_equal(tmpl_parse(q->image, arg, NULL), ONE_OK);
}

static void a_limit_with_an_id_names_it(void **state)
{
	struct vm_usage u = usage();
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, limit_image, (void *)"IMAGE=[ID=7,RVMS=0,RVMS_USED=0]", NULL),
			 ONE_OK);
	assert_int_equal(core_run(core, add_vm, &u, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] limit of 0 reached for RVMS quota in IMAGE with ID: 7");
}

struct change { struct vm_usage before, after; };

static void change_vm(struct txn *t, void *arg)
{
	const struct change *c = arg;

	quota_vm_change(t, 2, 1, &c->before, &c->after);
}

static void a_change_counts_the_difference_and_checks_what_grows(void **state)
{
	static const int other_networks[] = { 3, 4 };
	static const struct vm_usage_ds other_datastores[] = { { 100, 20 }, { 101, 5 } };
	struct change c = { usage(), usage() };
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, add_vm, &c.before, NULL), ONE_OK);
	c.after.cpu = 2;
	c.after.memory_mb = 32;
	c.after.networks = other_networks;
	c.after.datastores = other_datastores;
	c.after.n_datastores = 2;
	c.after.n_images = 0;
	assert_int_equal(core_run(core, change_vm, &c, NULL), ONE_OK);
	assert_has(OBJ_USER_QUOTA, 2, "<CPU_USED><![CDATA[2]]></CPU_USED><MEMORY><![CDATA[-1]]></MEMORY><MEMORY_USED><![CDATA[32]]></MEMORY_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<VMS_USED><![CDATA[1]]></VMS_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<ID><![CDATA[3]]></ID><LEASES><![CDATA[-1]]></LEASES><LEASES_USED><![CDATA[1]]></LEASES_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<ID><![CDATA[4]]></ID><LEASES><![CDATA[-1]]></LEASES><LEASES_USED><![CDATA[1]]></LEASES_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<SIZE_USED><![CDATA[20]]></SIZE_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<SIZE_USED><![CDATA[5]]></SIZE_USED>");
	assert_has(OBJ_USER_QUOTA, 2, "<IMAGE_QUOTA></IMAGE_QUOTA>");
	limit(OBJ_USER_QUOTA, 2, "VM=[VMS=0,VMS_USED=1,CPU=1,CPU_USED=2,MEMORY=10,MEMORY_USED=32,RUNNING_CPU_USED=0.5]");
	c.before = c.after;
	c.after.cpu = 1.5; /* less, though still too much; and it is no new VM */
	assert_int_equal(core_run(core, change_vm, &c, NULL), ONE_OK);
	c.before = c.after;
	c.after.memory_mb = 33;
	assert_int_equal(core_run(core, change_vm, &c, &err), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] limit of 10 reached for MEMORY quota in VM");
}

#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PEOPLE(the_first_use_makes_a_record_with_all_metrics),
		WITH_PEOPLE(nothing_is_left_of_what_was_given_back),
		WITH_PEOPLE(a_limit_of_the_user_refuses),
		WITH_PEOPLE(a_record_with_a_limit_stays),
		WITH_PEOPLE(default_limits_stand_behind_and_the_group_comes_second),
		WITH_PEOPLE(oneadmin_and_its_group_arent_counted),
		WITH_PEOPLE(a_vm_counts_in_all_sections),
		WITH_PEOPLE(the_numbers_of_a_vm_are_checked),
		WITH_PEOPLE(a_limit_with_an_id_names_it),
		WITH_PEOPLE(a_change_counts_the_difference_and_checks_what_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
