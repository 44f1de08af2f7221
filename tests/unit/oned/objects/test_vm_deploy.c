/* Disks and NICs of a VM once its place is known. */
#include "vm_world.h"

#define SMALL "CPU=1\nMEMORY=128\n"

struct deploying { int id, ds_id; const char *chosen; };

static void deploy(struct txn *t, void *arg)
{
	const struct deploying *d = arg;
	struct vm *vm = txn_edit(t, OBJ_VM, d->id);

	if (d->chosen && vm_connect_auto(t, vm, parsed(t->arena, d->chosen)))
		return;
	if (d->ds_id >= 0)
		vm_place_disks(t, vm, d->ds_id);
}

static void must(int id, int ds_id, const char *chosen)
{
	struct deploying d = { id, ds_id, chosen };
	struct one_err err = ONE_ERR_INIT;

	if (core_run(core, deploy, &d, &err))
		fail_msg("%s", err.text);
}

static void must_not(int id, int ds_id, const char *chosen, const char *reason)
{
	struct deploying d = { id, ds_id, chosen };
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(core_run(core, deploy, &d, &err), ONE_ACTION);
	assert_string_equal(err.text, reason);
}

static void a_chosen_network_connects_an_automatic_nic(void **state)
{
	int id = create(
		SMALL
		"NIC=[NETWORK_MODE=auto]\nNIC=[NETWORK_ID=1]\nNIC_DEFAULT=[MODEL=virtio]\nCONTEXT=[NETWORK=YES]");
	const struct attr *nic;
	struct vm *vm;
	int rules = 0;

	(void)state;
	must(id, -1, "NIC=[NIC_ID=0,NETWORK_ID=0]");
	vm = loaded(id);
	nic = tmpl_find(vm->o.tmpl, "NIC");
	assert_string_equal(attr_get(nic, "IP"), "10.0.0.1");
	assert_string_equal(attr_get(nic, "MODEL"), "virtio");
	assert_string_equal(attr_get(nic, "NETWORK"), "net");
	assert_string_equal(attr_get(tmpl_vector(vm->o.tmpl, "CONTEXT"), "ETH0_IP"), "10.0.0.1");
	assert_string_equal(attr_get(tmpl_vector(vm->o.tmpl, "CONTEXT"), "ETH0_DNS"), "10.0.0.53");
	for (const struct attr *a = tmpl_find(vm->o.tmpl, "SECURITY_GROUP_RULE"); a; a = tmpl_find_next(a))
		rules++;
	assert_int_equal(rules, 4); /* two of each connection */
	obj_free(&vm->o);
	must_not(id, -1, "NIC=[NIC_ID=0,NETWORK_ID=0]", "NIC_ID 0 not AUTO");
	must_not(id, -1, "NIC=[NIC_ID=1,NETWORK_ID=0]", "NIC_ID 1 not AUTO");
	must_not(id, -1, "NIC=[NIC_ID=7,NETWORK_ID=0]", "NIC_ID 7 not found");
	id = create(SMALL "NIC=[NETWORK_MODE=auto]");
	must_not(id, -1, "NIC=[NIC_ID=0,NETWORK_ID=71]", "Virtual network with ID: 71 does not exist");
}

static void volatile_disks_belong_to_the_system_datastore(void **state)
{
	int id = create(SMALL "DISK=[TYPE=fs,SIZE=1]\nDISK=[IMAGE_ID=0]");
	const struct attr *disk;
	struct vm *vm;

	(void)state;
	must(id, 101, NULL);
	vm = loaded(id);
	disk = tmpl_find(vm->o.tmpl, "DISK");
	assert_string_equal(tmpl_get(vm->o.tmpl, "TM_MAD_SYSTEM"), "dummy");
	assert_string_equal(attr_get(disk, "DATASTORE_ID"), "101");
	assert_string_equal(attr_get(disk, "DRIVER"), "raw");
	disk = tmpl_find_next(disk);
	assert_string_equal(attr_get(disk, "DATASTORE_ID"), "100");
	assert_null(attr_get(disk, "TM_MAD_SYSTEM"));
	obj_free(&vm->o);
}

static void support_ssh(struct txn *t, void *arg)
{
	struct datastore *ds = txn_edit(t, OBJ_DATASTORE, 101), *images = txn_edit(t, OBJ_DATASTORE, 100);

	ds->tm_mad = "ssh";
	if (!arg)
		return;
	tmpl_set(images->o.tmpl, "CLONE_TARGET_SSH", "SYSTEM");
	tmpl_set(images->o.tmpl, "LN_TARGET_SSH", "SYSTEM");
	tmpl_set(images->o.tmpl, "DISK_TYPE_SSH", "FILE");
}

static void a_transfer_mode_must_be_known_and_is_decided_once(void **state)
{
	int id = create(SMALL "DISK=[IMAGE_ID=0]");
	struct vm *vm;

	(void)state;
	assert_int_equal(core_run(core, support_ssh, NULL, NULL), ONE_OK);
	must_not(id, 101, NULL, "Image Datastore does not support transfer mode: ssh");
	assert_int_equal(core_run(core, support_ssh, (void *)"ssh", NULL), ONE_OK);
	must(id, 101, NULL);
	must(id, 102, NULL);
	vm = loaded(id);
	assert_string_equal(tmpl_get(vm->o.tmpl, "TM_MAD_SYSTEM"), "ssh");
	assert_string_equal(attr_get(tmpl_find(vm->o.tmpl, "DISK"), "LN_TARGET"), "SYSTEM");
	assert_string_equal(attr_get(tmpl_find(vm->o.tmpl, "DISK"), "TM_MAD_SYSTEM"), "ssh");
	obj_free(&vm->o);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_chosen_network_connects_an_automatic_nic),
		IN_WORLD(volatile_disks_belong_to_the_system_datastore),
		IN_WORLD(a_transfer_mode_must_be_known_and_is_decided_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
