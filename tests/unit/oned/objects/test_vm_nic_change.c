/* NICs that come to a VM, go from it and change. */
#include "vm_world.h"

#include "oned/objects/vm_quota.h"

#define SMALL "CPU=1\nMEMORY=128\n"

/* What is done to a VM: a NIC is attached (and stays, or leaves), or one is detached (and leaves). */
struct work { int vm, detach; const char *attach; bool leaves, stays; };

static void do_work(struct txn *t, void *arg)
{
	const struct work *w = arg;
	struct vm *vm = txn_edit(t, OBJ_VM, w->vm);

	if (w->attach ? vm_nic_attach(t, vm, vm_nic_asked(parsed(t->arena, w->attach)), 0) : vm_nic_detach(t, vm, w->detach))
		return;
	if (w->leaves)
		vm_nic_leaves(t, vm);
	if (w->stays)
		vm_nic_stays(vm);
}

static void must(struct work w)
{
	struct one_err err = ONE_ERR_INIT;

	if (core_run(core, do_work, &w, &err))
		fail_msg("%s", err.text);
}

static void must_not(struct work w, const char *reason)
{
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(core_run(core, do_work, &w, &err), ONE_ACTION);
	assert_string_equal(err.text, reason);
}

static void attach(int vm, const char *text)
{
	must((struct work){ .vm = vm, .attach = text, .stays = true });
}

static void detach(int vm, int nic)
{
	must((struct work){ .vm = vm, .detach = nic, .leaves = true });
}

static const char *value(const struct vm *vm, int nic, const char *name)
{
	const struct attr *a = vm_nic(vm, nic);

	return a && attr_get(a, name) ? attr_get(a, name) : "";
}

static int rules(const struct vm *vm)
{
	int n = 0;

	for (const struct attr *a = tmpl_find(vm->o.tmpl, "SECURITY_GROUP_RULE"); a; a = tmpl_find_next(a))
		n++;
	return n;
}

static int leases(int net)
{
	struct version *v = pool_get(core, OBJ_NET, net);
	int n = vnet_used_leases((const struct vnet *)v->obj);

	version_unref(v);
	return n;
}

static void look(struct txn *t, void *arg)
{
	*(const struct secgroup **)arg = txn_read(t, OBJ_SECGROUP, 0);
}

static bool in_group(int vm)
{
	const struct secgroup *sg = NULL;

	core_run(core, look, &sg, NULL);
	return idset_has(&sg->updated, vm);
}

static void a_nic_that_comes_gets_all_a_nic_has(void **state)
{
	int id = create(SMALL "NIC_DEFAULT=[MODEL=virtio]");
	struct vm *vm;

	(void)state;
	assert_false(in_group(id));
	attach(id, "NIC=[NETWORK_ID=1,IP=10.1.0.7,ALIAS_IDS=\"5\",NIC_ID=9]");
	vm = loaded(id);
	assert_string_equal(value(vm, 0, "IP"), "10.1.0.7");
	assert_string_equal(value(vm, 0, "NAME"), "NIC0");
	assert_string_equal(value(vm, 0, "MODEL"), "virtio");
	assert_string_equal(value(vm, 0, "NETWORK"), "net2");
	assert_string_equal(value(vm, 0, "ALIAS_IDS"), "");
	assert_string_equal(value(vm, 0, "ATTACH"), "");
	assert_int_equal(rules(vm), 2);
	assert_int_equal(leases(1), 1);
	assert_true(in_group(id));
	obj_free(&vm->o);
	attach(id, "NIC=[NETWORK_ID=0]");
	vm = loaded(id);
	assert_string_equal(value(vm, 1, "IP"), "10.0.0.1");
	assert_int_equal(rules(vm), 2); /* of the same group */
	obj_free(&vm->o);
}

static void a_nic_that_goes_takes_its_aliases_and_leaves_nothing(void **state)
{
	int id = create(SMALL "NIC=[NETWORK_ID=0]\nNIC_ALIAS=[NETWORK_ID=0,PARENT=NIC0]\nCONTEXT=[NETWORK=YES,ETH0_NOTE=mine]");
	const struct attr *context;
	struct vm *vm;

	(void)state;
	attach(id, "NIC_ALIAS=[NETWORK_ID=1,PARENT=NIC0]");
	assert_int_equal(leases(0), 2);
	assert_int_equal(leases(1), 1);
	vm = loaded(id);
	assert_string_equal(value(vm, 0, "ALIAS_IDS"), "1,2");
	assert_string_equal(value(vm, 2, "ALIAS_ID"), "1");
	assert_string_equal(value(vm, 2, "NAME"), "NIC0_ALIAS2");
	obj_free(&vm->o);
	detach(id, 1);
	vm = loaded(id);
	assert_string_equal(value(vm, 0, "ALIAS_IDS"), "2");
	assert_int_equal(rules(vm), 2);
	obj_free(&vm->o);
	assert_int_equal(leases(0), 1);
	assert_true(in_group(id));
	detach(id, 0);
	assert_int_equal(leases(0) + leases(1), 0);
	assert_false(in_group(id));
	vm = loaded(id);
	assert_null(vm_nic(vm, 2));
	assert_int_equal(rules(vm), 0);
	context = tmpl_vector(vm->o.tmpl, "CONTEXT");
	assert_null(attr_get(context, "ETH0_IP"));
	assert_null(attr_get(context, "ETH0_ALIAS0_IP"));
	assert_string_equal(attr_get(context, "ETH0_NOTE"), "mine");
	obj_free(&vm->o);
}

static void what_cannot_be_attached_is_refused_with_the_reason(void **state)
{
	int id = create(SMALL "NIC=[NETWORK_ID=0,NAME=front]\nNIC_ALIAS=[NETWORK_ID=0,PARENT=front,NAME=second]");
	static const struct { const char *text, *reason; } wrong[] = {
		{ "DISK=[A=1]", "Wrong format or missing NIC/NIC_ALIAS/PCI attribute" },
		{ "NIC=x", "Wrong format or missing NIC/NIC_ALIAS/PCI attribute" },
		{ "PCI=[VENDOR=1]", "PCI device is not of type NIC" },
		{ "PCI=[TYPE=NIC,NETWORK_ID=0]", "SHORT_ADDRESS, DEVICE, VENDOR or CLASS must be defined for PCI." },
		{ "NIC=[NETWORK_ID=77]", "Virtual network with ID: 77 does not exist" },
		{ "NIC=[NETWORK_ID=0,IP=10.9.9.9]", "Cannot get IP/MAC lease from virtual network 0." },
		{ "NIC=[NETWORK_ID=0,IP=10.0.0.1]", "Cannot get IP/MAC lease from virtual network 0." },
		{ "NIC_ALIAS=[NETWORK_ID=0]", "Alias not found." },
		{ "NIC_ALIAS=[NETWORK_ID=0,PARENT=nobody]", "Alias not found." },
		{ "NIC_ALIAS=[NETWORK_ID=0,PARENT=second]", "Alias not found." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		must_not((struct work){ .vm = id, .attach = wrong[i].text }, wrong[i].reason);
	must_not((struct work){ .vm = id, .detach = 7 }, "Could not detach NIC with NIC_ID 7, it does not exist.");
	assert_int_equal(leases(0), 2);
}

static void only_the_nic_that_is_worked_on_is_marked(void **state)
{
	int id = create(SMALL "NIC=[NETWORK_ID=0,ATTACH=YES,DETACH=YES]");
	struct attr *nic;
	struct vm *vm;

	(void)state;
	must((struct work){ .vm = id, .attach = "NIC=[NETWORK_ID=0,DETACH=YES]" });
	vm = loaded(id);
	assert_int_equal(vm_nic_work(vm, &nic), VM_NIC_ATTACHES);
	assert_string_equal(attr_get(nic, "NIC_ID"), "1");
	assert_string_equal(value(vm, 0, "ATTACH"), "");
	obj_free(&vm->o);
	must((struct work){ .vm = id, .detach = 0 });
	vm = loaded(id);
	assert_int_equal(vm_nic_work(vm, &nic), VM_NIC_DETACHES);
	assert_string_equal(attr_get(nic, "NIC_ID"), "0");
	assert_string_equal(attr_get(nic, "ATTACH"), "YES"); /* what drivers look for */
	obj_free(&vm->o);
	assert_int_equal(leases(0), 2); /* until it has left */
}

static void use(struct txn *t, void *arg)
{
	const struct vm *vm = txn_read(t, OBJ_VM, *(int *)arg);
	struct vm_usage u;

	vm_quota_usage(t, vm, false, &u);
	*(int *)arg = u.n_networks;
}

static void what_leaves_counts_no_longer(void **state)
{
	int id = create(SMALL "NIC=[NETWORK_ID=0]\nNIC=[NETWORK_MODE=auto]"), n = id;

	(void)state;
	core_run(core, use, &n, NULL);
	assert_int_equal(n, 1);
	detach(id, 0);
	n = id;
	core_run(core, use, &n, NULL);
	assert_int_equal(n, 0);
	attach(id, "NIC=[NETWORK_MODE=auto]"); /* names no network: nothing is taken */
	assert_int_equal(leases(0), 0);
}

/* ---- changes ---- */

static struct attr *vector(struct arena *arena, const char *text)
{
	return tmpl_find(parsed(arena, text), "NIC");
}

static void bandwidths_change_and_nothing_else(void **state)
{
	int id = create(SMALL "NIC=[NETWORK_ID=0,INBOUND_AVG_BW=5,MODEL=e1000]");
	struct arena arena = ARENA_INIT;
	struct vm *vm = loaded(id);
	struct attr *nic = vm_nic(vm, 0), *old;

	(void)state;
	assert_true(vm_nic_change(vm, nic, vector(&arena, "NIC=[INBOUND_PEAK_BW=9,IP=1.2.3.4,MODEL=virtio]"), true, false));
	assert_string_equal(value(vm, 0, "INBOUND_AVG_BW"), "5");
	assert_string_equal(value(vm, 0, "INBOUND_PEAK_BW"), "9");
	assert_string_equal(value(vm, 0, "IP"), "10.0.0.1");
	assert_string_equal(value(vm, 0, "MODEL"), "e1000");
	assert_null(tmpl_vector(vm->o.tmpl, "VNET_UPDATE"));
	assert_false(vm_nic_change(vm, nic, vector(&arena, "NIC=[INBOUND_PEAK_BW=9]"), true, true));
	assert_true(vm_nic_change(vm, nic, vector(&arena, "NIC=[INBOUND_PEAK_BW=8]"), false, true));
	assert_int_equal(vm_nic_work(vm, &old), VM_NIC_UPDATES);
	old = tmpl_vector(vm->o.tmpl, "VNET_UPDATE");
	assert_string_equal(attr_get(old, "INBOUND_AVG_BW"), "5");
	assert_string_equal(attr_get(old, "INBOUND_PEAK_BW"), "9");
	assert_null(attr_get(nic, "INBOUND_AVG_BW"));
	assert_true(vm_nic_change(vm, nic, vector(&arena, "NIC=[INBOUND_PEAK_BW=7]"), false, true));
	assert_string_equal(attr_get(old, "INBOUND_PEAK_BW"), "9"); /* the host never had 8 */
	vm_nic_changed(vm);
	assert_null(tmpl_vector(vm->o.tmpl, "VNET_UPDATE"));
	assert_null(attr_get(nic, "UPDATE"));
	obj_free(&vm->o);
	arena_done(&arena);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_nic_that_comes_gets_all_a_nic_has),
		CASE(a_nic_that_goes_takes_its_aliases_and_leaves_nothing),
		CASE(what_cannot_be_attached_is_refused_with_the_reason),
		CASE(only_the_nic_that_is_worked_on_is_marked),
		CASE(what_leaves_counts_no_longer),
		CASE(bandwidths_change_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
