/* What disks of VMs share with their images: snapshots, sizes, places; and what is given back when a VM ends.
 */
#include "vm_world.h"

#define SMALL "CPU=1\nMEMORY=128\n"

static void prepare(struct txn *t, void *arg)
{
	struct image *data = txn_edit(t, OBJ_IMAGE, 1), *cd = txn_edit(t, OBJ_IMAGE, 2);
	struct datastore *ds = txn_edit(t, OBJ_DATASTORE, 100);
	const char *snapshots =
		"ALLOW_ORPHANS=NO\nCURRENT_BASE=0\nNEXT_SNAPSHOT=1\nSNAPSHOT=[ID=0,NAME=first,PARENT=\"-1\",SIZE=512,DATE=1]";

	(void)arg;
	data->snapshots = parsed(&data->o.arena, snapshots);
	data->format = "raw";
	tmpl_set(data->o.tmpl, "PERSISTENT_TYPE", "SHAREABLE");
	cd->snapshots = parsed(&cd->o.arena, snapshots);
	tmpl_set(ds->o.tmpl, "LN_TARGET", "SELF");
}

static int begin(void **state)
{
	return world_begin(state) || core_run(core, prepare, NULL, NULL) ? -1 : 0;
}

static void a_disk_has_the_snapshots_of_its_image(void **state)
{
	struct vm *vm = loaded(create(SMALL "DISK=[TYPE=fs,SIZE=1]\nDISK=[IMAGE_ID=1]\nDISK=[IMAGE_ID=2]"));

	(void)state;
	assert_string_equal(
		vm->snapshots_xml,
		"<SNAPSHOTS><ALLOW_ORPHANS><![CDATA[NO]]></ALLOW_ORPHANS><CURRENT_BASE><![CDATA[0]]></CURRENT_BASE>"
		"<DISK_ID><![CDATA[1]]></DISK_ID><NEXT_SNAPSHOT><![CDATA[1]]></NEXT_SNAPSHOT><SNAPSHOT><DATE><![CDATA[1]]></DATE>"
		"<ID><![CDATA[0]]></ID><NAME><![CDATA[first]]></NAME><PARENT><![CDATA[-1]]></PARENT><SIZE><![CDATA[512]]></SIZE>"
		"</SNAPSHOT></SNAPSHOTS>");
	obj_free(&vm->o);
}

static void a_shared_image_needs_a_shared_datastore(void **state)
{
	struct vm *vm = loaded(create(SMALL "DISK=[IMAGE_ID=1]\nDISK=[IMAGE_ID=0]"));

	(void)state;
	assert_string_equal(attr_get(tmpl_find(vm->o.tmpl, "DISK"), "SHAREABLE"), "YES");
	assert_string_equal(tmpl_get(vm->o.tmpl, "AUTOMATIC_DS_REQUIREMENTS"),
			    "(\"CLUSTERS/ID\" @> 0) & (SHARED = \"YES\")");
	obj_free(&vm->o);
}

static void look_at_usage(struct txn *t, void *arg)
{
	const struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	struct vm_usage u;

	vm_usage_of(vm, true, t->arena, &u);
	assert_int_equal(u.vms, 1);
	assert_int_equal(u.running_memory_mb, 128);
	assert_int_equal(u.n_images, 2);
	assert_int_equal(u.n_datastores, 1);
	assert_int_equal(u.datastores[0].id, 100);
	assert_int_equal(u.datastores[0].size_mb, 1024); /* disk and snapshot */
	assert_int_equal(u.system_disk_mb, 1024);        /* the copy of image 0 */
	vm_usage_of(vm, false, t->arena, &u);
	assert_int_equal(u.running_vms, 0);
	assert_int_equal(u.memory_mb, 128);
}

static void disks_count_where_they_lie(void **state)
{
	int id = create(SMALL "DISK=[IMAGE_ID=1]\nDISK=[IMAGE_ID=0]");

	(void)state;
	assert_int_equal(core_run(core, look_at_usage, &id, NULL), ONE_OK);
}

static void grow_and_end(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	struct image *img = txn_edit(t, OBJ_IMAGE, 1);

	assert_int_equal(img->state, IMAGE_USED_PERS);
	attr_set(&vm->o.arena, tmpl_find(vm->o.tmpl, "DISK"), "SIZE", "600");
	vm->snapshots_xml =
		"<SNAPSHOTS><DISK_ID>9</DISK_ID><NEXT_SNAPSHOT>3</NEXT_SNAPSHOT></SNAPSHOTS>"
		"<SNAPSHOTS><DISK_ID>0</DISK_ID><NEXT_SNAPSHOT>5</NEXT_SNAPSHOT><SNAPSHOT><ID>4</ID></SNAPSHOT></SNAPSHOTS>";
	vm_release_resources(t, vm, false);
	assert_int_equal(img->size_mb, 600);
	assert_string_equal(tmpl_get(img->snapshots, "NEXT_SNAPSHOT"), "5");
	assert_null(tmpl_get(img->snapshots, "DISK_ID"));
	assert_int_equal(img->state, IMAGE_READY);
}

static void a_persistent_image_gets_what_the_vm_made_of_it(void **state)
{
	int id = create(SMALL "DISK=[IMAGE_ID=1]");

	(void)state;
	assert_int_equal(core_run(core, grow_and_end, &id, NULL), ONE_OK);
}

static void end_badly(struct txn *t, void *arg)
{
	vm_release_resources(t, txn_edit(t, OBJ_VM, *(int *)arg), true);
	assert_int_equal(((const struct image *)txn_read(t, OBJ_IMAGE, 1))->state, IMAGE_ERROR);
	assert_int_equal(((const struct image *)txn_read(t, OBJ_IMAGE, 0))->state, IMAGE_READY);
}

static void after_a_failure_a_persistent_image_cant_be_trusted(void **state)
{
	int id = create(SMALL "DISK=[IMAGE_ID=1]\nDISK=[IMAGE_ID=0]");

	(void)state;
	assert_int_equal(core_run(core, end_badly, &id, NULL), ONE_OK);
}

static void end_import(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);

	vm->state = VM_DONE;
	vm_release_resources(t, vm, false);
	assert_non_null(t->rows);
	assert_int_equal(t->rows->row.table, TABLE_VM_IMPORT);
	assert_true(t->rows->row.del);
	assert_string_equal(t->rows->row.cols[0].s, "wild-7");
}

static void what_was_imported_may_be_imported_again_when_it_is_done(void **state)
{
	int id = create(SMALL "DEPLOY_ID=wild-7");

	(void)state;
	assert_int_equal(core_run(core, end_import, &id, NULL), ONE_OK);
	create(SMALL "DEPLOY_ID=wild-7");
}

static void aliases_go_to_the_first_nic_of_a_name(void **state)
{
	struct vm *vm = loaded(create(
		SMALL
		"NIC=[NETWORK=net,NAME=x]\nNIC=[NETWORK=net2,NAME=x]\nNIC_ALIAS=[NETWORK=net,PARENT=x]"));

	(void)state;
	assert_string_equal(attr_get(tmpl_find(vm->o.tmpl, "NIC_ALIAS"), "PARENT_ID"), "0");
	obj_free(&vm->o);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_disk_has_the_snapshots_of_its_image),
		IN_WORLD(a_shared_image_needs_a_shared_datastore),
		IN_WORLD(disks_count_where_they_lie),
		IN_WORLD(a_persistent_image_gets_what_the_vm_made_of_it),
		IN_WORLD(after_a_failure_a_persistent_image_cant_be_trusted),
		IN_WORLD(what_was_imported_may_be_imported_again_when_it_is_done),
		IN_WORLD(aliases_go_to_the_first_nic_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
