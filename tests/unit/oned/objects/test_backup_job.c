/* Backup jobs: their attributes, and the VMs that are in one of them only. */
#include <stdio.h>

#include "vm_world.h"

#include "oned/objects/backup_job.h"
#include "oned/objects/sched_action.h"

#define SMALL "CPU=1\nMEMORY=64\n"

struct doing { int id; const char *text; };

static struct one_err err;

static void make(struct txn *t, void *arg)
{
	struct doing *d = arg;
	struct object owner = owned_by(&alice);
	struct backup_job *job = backup_job_create(t, &owner, parsed(t->arena, d->text));

	d->id = job ? job->o.id : -1;
	assert_true(job || !txn_ok(t));
}

/* Its id; -1 with the reason in `err`. */
static int job(const char *text)
{
	struct doing d = { .text = text };

	one_err_clear(&err);
	core_run(core, make, &d, &err);
	return d.id;
}

/* The new template takes the place of the old one. */
static void change(struct txn *t, void *arg)
{
	struct doing *d = arg;
	struct backup_job *j = txn_edit(t, OBJ_BACKUPJOB, d->id);
	const struct tmpl *before = j->o.tmpl;
	struct tmpl *fresh = tmpl_copy(&j->o.arena, parsed(t->arena, d->text));

	assert_int_equal(backup_job_ops.check_update(&j->o, fresh, &err), ONE_OK);
	j->o.tmpl = fresh;
	backup_job_vms_changed(t, j, before);
}

static const char *changed(int id, const char *text)
{
	struct doing d = { .id = id, .text = text };

	one_err_clear(&err);
	return core_run(core, change, &d, &err) ? err.text : "";
}

static void end(struct txn *t, void *arg)
{
	struct backup_job *j = txn_edit(t, OBJ_BACKUPJOB, *(int *)arg);

	backup_job_release(t, j);
	txn_delete(t, &j->o);
}

static void assert_body(int id, const char *part)
{
	struct version *v = pool_get(core, OBJ_BACKUPJOB, id);

	assert_non_null(v);
	if (!strstr(v->body, part))
		fail_msg("%s is not in %s", part, v->body);
	version_unref(v);
}

static int job_of(int vm_id)
{
	struct vm *vm = loaded(vm_id);
	int id = vm_backup_job(vm);

	obj_free(&vm->o);
	return id;
}

static void test_every_attribute_has_a_value(void **state)
{
	(void)state;
	assert_int_equal(job("NAME=plain"), 0);
	assert_body(0, "<NAME>plain</NAME><PERMISSIONS>");
	assert_body(0, "<PRIORITY>50</PRIORITY><LAST_BACKUP_TIME>0</LAST_BACKUP_TIME><LAST_BACKUP_DURATION>0</LAST_BACKUP_DURATION>"
		       "<SCHED_ACTIONS></SCHED_ACTIONS><UPDATED_VMS></UPDATED_VMS><OUTDATED_VMS></OUTDATED_VMS><BACKING_UP_VMS></BACKING_UP_VMS>"
		       "<ERROR_VMS></ERROR_VMS><TEMPLATE><BACKUP_VMS><![CDATA[]]></BACKUP_VMS><BACKUP_VOLATILE><![CDATA[NO]]></BACKUP_VOLATILE>"
		       "<EXECUTION><![CDATA[SEQUENTIAL]]></EXECUTION><FS_FREEZE><![CDATA[NONE]]></FS_FREEZE><KEEP_LAST><![CDATA[0]]></KEEP_LAST>"
		       "<MODE><![CDATA[FULL]]></MODE></TEMPLATE></BACKUPJOB>");
	assert_int_equal(job("NAME=all\nPRIORITY=99\nMODE=increment\nINCREMENT_MODE=snapshot\nKEEP_LAST=7\nKEEP_LAST=8\nEXECUTION=Parallel\n"
			     "FS_FREEZE=suspend\nBACKUP_VOLATILE=yes\nBACKUP_VMS_OLD=3\nDATASTORE_ID=1"), 1);
	assert_body(1, "<PRIORITY>99</PRIORITY>");
	assert_body(1, "<TEMPLATE><BACKUP_VMS><![CDATA[]]></BACKUP_VMS><BACKUP_VOLATILE><![CDATA[YES]]></BACKUP_VOLATILE>"
		       "<DATASTORE_ID><![CDATA[1]]></DATASTORE_ID><EXECUTION><![CDATA[PARALLEL]]></EXECUTION>"
		       "<FS_FREEZE><![CDATA[SUSPEND]]></FS_FREEZE><INCREMENT_MODE><![CDATA[SNAPSHOT]]></INCREMENT_MODE>"
		       "<KEEP_LAST><![CDATA[7]]></KEEP_LAST><MODE><![CDATA[INCREMENT]]></MODE></TEMPLATE>");
	assert_string_equal(changed(1, "NAME=x\nPRIORITY=3\nKEEP_LAST=-2\nMODE=x\nINCREMENT_MODE=odd\nSCHED_ACTION=[TIME=1]"), "");
	assert_body(1, "<NAME>all</NAME>");
	assert_body(1, "<PRIORITY>99</PRIORITY>");
	assert_body(1, "<TEMPLATE><BACKUP_VMS><![CDATA[]]></BACKUP_VMS><BACKUP_VOLATILE><![CDATA[NO]]></BACKUP_VOLATILE>"
		       "<EXECUTION><![CDATA[SEQUENTIAL]]></EXECUTION><FS_FREEZE><![CDATA[NONE]]></FS_FREEZE>"
		       "<INCREMENT_MODE><![CDATA[odd]]></INCREMENT_MODE><KEEP_LAST><![CDATA[0]]></KEEP_LAST><MODE><![CDATA[FULL]]></MODE></TEMPLATE>");
	assert_int_equal(job("NAME=all"), -1);
	assert_string_equal(err.text, "NAME is already taken by BACKUP JOB 1.");
	assert_int_equal(job("MODE=FULL"), -1);
	assert_string_equal(err.text, "Invalid NAME, it cannot be empty");
}

static void test_what_a_priority_says(void **state)
{
	static const struct { const char *text; int priority; } cases[] = {
		{ "A=1", 50 }, { "PRIORITY=0", 0 }, { "PRIORITY=60x", 60 }, { "PRIORITY=high", 0 }, { "PRIORITY=-4", -4 }, { "PRIORITY=100", 100 },
	};
	struct arena arena = ARENA_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(backup_job_priority(parsed(&arena, cases[i].text)), cases[i].priority);
	arena_done(&arena);
}

static void test_vms_are_kept_in_their_order_and_name_their_job(void **state)
{
	int a = create(SMALL "NAME=a"), b = create(SMALL "NAME=b"), first, second;
	char text[100];

	(void)state;
	snprintf(text, sizeof(text), "NAME=first\nBACKUP_VMS=\"%d, %d,%d,x,-1,%d,77,99999999999,\"", b, a, a, b);
	first = job(text);
	assert_body(first, "<BACKUP_VMS><![CDATA[1,0,1,77]]></BACKUP_VMS>");
	assert_int_equal(job_of(a), first);
	assert_int_equal(job_of(b), first);

	assert_int_equal(job("NAME=second\nBACKUP_VMS=\"77,1,0\""), -1);
	assert_string_equal(err.text, "Unable to add VM 0 to Backup Job 1. It's already in Backup Job 0");
	second = job("NAME=second\nBACKUP_VMS=77");
	assert_int_equal(second, 1);                    /* a refused one took no id */
	assert_string_equal(changed(second, "BACKUP_VMS=\"1\""), "Unable to add VM 1 to Backup Job 1. It's already in Backup Job 0");
	assert_string_equal(changed(first, "BACKUP_VMS=\"0\""), "");
	assert_int_equal(job_of(b), -1);
	assert_string_equal(changed(second, "BACKUP_VMS=\"1\""), "");
	assert_int_equal(job_of(b), second);
	core_run(core, end, &first, NULL);
	assert_int_equal(job_of(a), -1);
	assert_int_equal(job_of(b), second);
	assert_null(pool_get(core, OBJ_BACKUPJOB, first));
}

static void run_it(struct txn *t, void *arg)
{
	struct backup_job *j = txn_edit(t, OBJ_BACKUPJOB, *(int *)arg);

	idset_add(&j->updated, &j->o.arena, 0);
	idset_add(&j->updated, &j->o.arena, 1);
	idset_add(&j->outdated, &j->o.arena, 2);
	idset_add(&j->backing_up, &j->o.arena, 3);
	idset_add(&j->error, &j->o.arena, 0);
	idset_add(&j->error, &j->o.arena, 4);
}

static void test_the_lists_follow_the_vms(void **state)
{
	int id = job("NAME=run\nBACKUP_VMS=\"0,1,2,3,4\"");
	struct strbuf none = STRBUF_INIT;
	struct sql_value cols[STORE_MAX_COLS];
	struct version *v;

	(void)state;
	core_run(core, run_it, &id, NULL);
	v = pool_get(core, OBJ_BACKUPJOB, id);
	assert_int_equal(backup_job_ops.row(v->obj, v, &none, &none, cols), 10);
	assert_int_equal(cols[8].i, 50);
	assert_int_equal(cols[9].i, 1);
	version_unref(v);
	assert_string_equal(changed(id, "BACKUP_VMS=\"4,1\""), "");
	assert_body(id, "<UPDATED_VMS><ID>1</ID></UPDATED_VMS><OUTDATED_VMS></OUTDATED_VMS><BACKING_UP_VMS></BACKING_UP_VMS>"
			"<ERROR_VMS><ID>4</ID></ERROR_VMS>");
}

static void set_incremental(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);

	tmpl_set(vm->backup_config, "INCREMENTAL_BACKUP_ID", "8");
	tmpl_set(vm->backup_config, "LAST_INCREMENT_ID", "3");
}

/* The increments of a job that a VM left are no base for others. */
static void test_a_vm_that_leaves_begins_its_increments_anew(void **state)
{
	int vm = create(SMALL "BACKUP_CONFIG=[MODE=INCREMENT,BACKUP_JOB_ID=5]");
	struct vm *after;

	(void)state;
	assert_int_equal(job_of(vm), -1);
	assert_int_equal(job("NAME=inc\nBACKUP_VMS=0"), 0);
	core_run(core, set_incremental, &vm, NULL);
	assert_string_equal(changed(0, "BACKUP_VMS=0"), "");
	after = loaded(vm);
	assert_string_equal(tmpl_get(after->backup_config, "INCREMENTAL_BACKUP_ID"), "8");
	obj_free(&after->o);
	assert_string_equal(changed(0, "BACKUP_VMS=\"\""), "");
	after = loaded(vm);
	assert_int_equal(vm_backup_job(after), -1);
	assert_string_equal(tmpl_get(after->backup_config, "INCREMENTAL_BACKUP_ID"), "-1");
	assert_string_equal(tmpl_get(after->backup_config, "LAST_INCREMENT_ID"), "-1");
	obj_free(&after->o);
}

/* Such databases come from OpenNebula: the job is gone, the VM still names it. */
static void forget_job(struct txn *t, void *arg)
{
	txn_delete(t, txn_edit(t, OBJ_BACKUPJOB, *(int *)arg));
}

static void test_a_vm_whose_job_is_gone_may_be_in_another(void **state)
{
	int gone;

	(void)state;
	create(SMALL);
	gone = job("NAME=gone\nBACKUP_VMS=0");
	core_run(core, forget_job, &gone, NULL);
	assert_int_equal(job_of(0), gone);
	assert_int_equal(job("NAME=next\nBACKUP_VMS=0"), 1);
	assert_int_equal(job_of(0), 1);
}

static void test_schedules_are_made_with_the_job_and_go_with_it(void **state)
{
	int id = job("NAME=plan\nSCHED_ACTION=[TIME=5,ARGS=x]\nSCHED_ACTION=plain\nSCHED_ACTION=[TIME=6,REPEAT=0,DAYS=1]");
	struct version *v = pool_get(core, OBJ_SCHEDACTION, 0);

	(void)state;
	assert_body(id, "<SCHED_ACTIONS><ID>0</ID><ID>1</ID></SCHED_ACTIONS>");
	assert_non_null(strstr(v->body, "<ARGS></ARGS>"));
	version_unref(v);
	/* As in OpenNebula, the ids of a job whose second schedule is wrong are gone. */
	assert_int_equal(job("NAME=bad\nSCHED_ACTION=[TIME=5]\nSCHED_ACTION=[TIME=x]"), -1);
	assert_string_equal(err.text, "Unable to parse the time value or value is empty: x");
	assert_int_equal(pool_count(core, OBJ_SCHEDACTION), 2);
	assert_int_equal(job("NAME=next\nSCHED_ACTION=[TIME=5]"), 2);
	assert_body(2, "<SCHED_ACTIONS><ID>3</ID></SCHED_ACTIONS>");
	core_run(core, end, &id, NULL);
	assert_int_equal(pool_count(core, OBJ_SCHEDACTION), 1);
}

static void test_bodies_are_read_as_they_were_written(void **state)
{
	int id = job("NAME=run\nBACKUP_VMS=\"0,1,2,3,4\"\nSCHED_ACTION=[TIME=5]");
	struct strbuf again = STRBUF_INIT;
	struct version *v;
	struct object *o;

	(void)state;
	core_run(core, run_it, &id, NULL);
	v = pool_get(core, OBJ_BACKUPJOB, id);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	v->ops->render(o, &again);
	assert_string_equal(again.buf, v->body);
	assert_non_null(strstr(again.buf, "<ERROR_VMS><ID>0</ID><ID>4</ID></ERROR_VMS>"));
	strbuf_done(&again);
	obj_free(o);
	version_unref(v);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_every_attribute_has_a_value),
		IN_WORLD(test_what_a_priority_says),
		IN_WORLD(test_vms_are_kept_in_their_order_and_name_their_job),
		IN_WORLD(test_the_lists_follow_the_vms),
		IN_WORLD(test_a_vm_that_leaves_begins_its_increments_anew),
		IN_WORLD(test_a_vm_whose_job_is_gone_may_be_in_another),
		IN_WORLD(test_schedules_are_made_with_the_job_and_go_with_it),
		IN_WORLD(test_bodies_are_read_as_they_were_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
