/* Another size, another configuration of a VM: what changes with it, and what goes back when its driver can't. */
#include "tests/unit/oned/objects/vm_world.h"

#include <stdio.h>

#include "oned/lifecycle/vm_change.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/host.h"
#include "oned/objects/vm_conf.h"
#include "oned/objects/vnc_ports.h"

#define SMALL "CPU=1\nMEMORY=128\n"

static int host_id;

/* ---- VMs on a host ---- */

static void more_conf(void)
{
	struct one_err err = ONE_ERR_INIT;

	if (tmpl_parse(conf.values, "VM_MAD=[NAME=live,EXECUTABLE=x,TYPE=xml,LIVE_RESIZE=yes,IMPORTED_VMS_ACTIONS=\"terminate, resize\"]", &err))
		fail_msg("%s", err.text);
}

static void make_host(struct txn *t, void *arg)
{
	struct host *h = host_create(t, "node", "dummy", "live", 0);

	(void)arg;
	h->share.max_cpu = 8000;
	h->share.max_mem_kb = 4096 * 1024;
	host_id = h->o.id;
}

static int begin(void **state)
{
	if (world_begin(state))
		return -1;
	more_conf();
	return core_run(core, make_host, NULL, NULL);
}

struct placing { int id; enum vm_state state; enum vm_lcm lcm; const char *mad; };

static void place(struct txn *t, void *arg)
{
	const struct placing *p = arg;
	struct vm *vm = txn_edit(t, OBJ_VM, p->id);
	struct capacity need;

	vm_history_open(t, vm, host_id, 0, "node", p->mad, "dummy", 101);
	vm->history->rstime = vm->history->stime = 5;
	vm->deploy_id = "one-x";
	vm_capacity(vm, t->arena, &need);
	host_capacity_add(t, host_id, p->id, &need, true);
	vnc_port_take(t, vm, 0);
	vm->state = p->state;
	vm->lcm_state = p->lcm;
}

static int placed(const char *text, enum vm_state state, enum vm_lcm lcm)
{
	struct placing p = { -1, state, lcm, "live" };
	struct one_err err = ONE_ERR_INIT;

	p.id = create_as(&alice, text, &err);
	if (p.id < 0 || core_run(core, place, &p, &err))
		fail_msg("%s", err.text);
	return p.id;
}

static void set_state(struct txn *t, void *arg)
{
	const struct placing *p = arg;
	struct vm *vm = txn_edit(t, OBJ_VM, p->id);

	vm->state = p->state;
	vm->lcm_state = p->lcm;
}

/* ---- looking ---- */

static long long host_cpu(void)
{
	struct version *v = pool_get(core, OBJ_HOST, host_id);
	long long value = ((const struct host *)v->obj)->share.cpu_usage;

	version_unref(v);
	return value;
}

static long long quota_used_of(const char *metric)
{
	struct version *v = pool_get(core, OBJ_USER_QUOTA, 2);
	const struct attr *record = quota_record_find((const struct quota *)v->obj, QUOTA_VM, -1);
	long long value = record ? quota_used(record, metric) : 0;

	version_unref(v);
	return value;
}

/* Asserts a single attribute ("" none) of the VM's template; vector NULL: at top level. */
static void has(int id, const char *vector, const char *name, const char *value)
{
	struct vm *vm = loaded(id);
	const struct attr *v = vector ? tmpl_vector(vm->o.tmpl, vector) : NULL;
	const char *found = vector ? (v ? attr_get(v, name) : NULL) : tmpl_get(vm->o.tmpl, name);

	if (strcmp(found ? found : "", value) != 0)
		fail_msg("%s/%s: \"%s\", not \"%s\"", vector ? vector : "", name, found ? found : "", value);
	obj_free(&vm->o);
}

static void in_state(int id, enum vm_state state, enum vm_lcm lcm)
{
	struct vm *vm = loaded(id);

	assert_int_equal(vm->state, state);
	assert_int_equal(vm->lcm_state, lcm);
	obj_free(&vm->o);
}

/* ---- resizing ---- */

struct resizing { int id; const char *text; char sent[32]; };

static void resize(struct txn *t, void *arg)
{
	struct resizing *r = arg;
	struct one_err err = ONE_ERR_INIT;
	struct vm *vm = txn_edit(t, OBJ_VM, r->id);
	struct vm_size asked;

	if (vm_size_asked(parsed(t->arena, r->text), &asked, &err)) {
		txn_fail(t, err.rc, "%s", err.text);
		return;
	}
	vm_resize(t, vm, &asked);
	for (const struct txn_out *o = t->outs; o; o = o->next)
		if (o->kind == TXN_SEND)
			snprintf(r->sent, sizeof(r->sent), "%s", o->action);
}

static void must_resize(int id, const char *text, const char *sent)
{
	struct resizing r = { id, text, "" };
	struct one_err err = ONE_ERR_INIT;

	if (core_run(core, resize, &r, &err))
		fail_msg("%s", err.text);
	assert_string_equal(r.sent, sent);
}

static void must_not_resize(int id, const char *text, enum one_rc rc, const char *reason)
{
	struct resizing r = { id, text, "" };
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(core_run(core, resize, &r, &err), rc);
	assert_string_equal(err.text, reason);
}

struct answer { int id; const char *action, *status; };

static void answer(struct txn *t, void *arg)
{
	const struct answer *a = arg;
	struct driver_msg m = { .action = a->action, .status = a->status, .id = a->id, .payload = "no" };

	vmm_message(t, &m);
}

static void driver_says(int id, const char *action, const char *status)
{
	struct answer a = { id, action, status };

	assert_int_equal(core_run(core, answer, &a, NULL), ONE_OK);
}

static void a_resting_vm_has_its_size_at_once(void **state)
{
	int id = placed(SMALL "VCPU=2", VM_POWEROFF, LCM_LCM_INIT);
	long long cpu = host_cpu(), quota = quota_used_of("CPU");

	(void)state;
	must_resize(id, "CPU=2.5\nMEMORY=256", "");
	has(id, NULL, "CPU", "2.5");
	has(id, NULL, "MEMORY", "256");
	has(id, NULL, "VCPU", "2");
	has(id, "RESIZE", "CPU", "");
	assert_int_equal(host_cpu(), cpu + 150);
	assert_int_equal(quota_used_of("CPU"), quota + 150);
	must_not_resize(id, "CPU=90", ONE_ACTION, "Not enough CPU: 9000/8000");
	assert_int_equal(host_cpu(), cpu + 150);
	must_resize(id, "CPU=0.5", "");
	assert_int_equal(host_cpu(), cpu - 50);
	must_resize(id, "CPU=0.01", "");
}

static void an_ended_record_shows_the_vm_as_it_was(void **state)
{
	int id = placed(SMALL, VM_POWEROFF, LCM_LCM_INIT);
	struct vm *vm;

	(void)state;
	must_resize(id, "MEMORY=256", "");
	vm = loaded(id);
	assert_int_equal(vm->history->seq, 1);
	assert_int_equal(vm->history->etime, 0);
	assert_int_equal(vm->history->action, VM_ACTION_NONE);
	assert_int_not_equal(vm->history->stime, 5);
	obj_free(&vm->o);
}

static void a_running_vm_waits_for_its_driver(void **state)
{
	int id = placed(SMALL "VCPU=2", VM_ACTIVE, LCM_RUNNING);
	long long cpu = host_cpu(), quota = quota_used_of("RUNNING_CPU");

	(void)state;
	must_resize(id, "CPU=2\nVCPU=4", "RESIZE");
	in_state(id, VM_ACTIVE, LCM_HOTPLUG_RESIZE);
	has(id, NULL, "VCPU", "4");
	has(id, "RESIZE", "VCPU", "2");
	has(id, "RESIZE", "CPU", "1");
	has(id, "RESIZE", "MEMORY", "128");
	assert_int_equal(host_cpu(), cpu + 100);
	must_not_resize(id, "CPU=1", ONE_ACTION, "Cannot resize a VM in state HOTPLUG_RESIZE");
	driver_says(id, "RESIZE", "SUCCESS");
	in_state(id, VM_ACTIVE, LCM_RUNNING);
	has(id, NULL, "VCPU", "4");
	has(id, "RESIZE", "VCPU", "");
	assert_int_equal(host_cpu(), cpu + 100);
	assert_int_equal(quota_used_of("RUNNING_CPU"), quota + 100);
	must_resize(id, "VCPU=4", "");   /* nothing to do */
	in_state(id, VM_ACTIVE, LCM_RUNNING);
}

static void what_its_driver_cannot_do_goes_back(void **state)
{
	int id = placed(SMALL, VM_ACTIVE, LCM_RUNNING);
	long long cpu = host_cpu(), quota = quota_used_of("CPU"), running = quota_used_of("RUNNING_MEMORY");

	(void)state;
	must_resize(id, "CPU=3\nMEMORY=512\nVCPU=2", "RESIZE");
	assert_int_equal(host_cpu(), cpu + 200);
	driver_says(id, "RESIZE", "FAILURE");
	in_state(id, VM_ACTIVE, LCM_RUNNING);
	has(id, NULL, "CPU", "1");
	has(id, NULL, "MEMORY", "128");
	has(id, NULL, "VCPU", "");
	has(id, "RESIZE", "CPU", "");
	assert_int_equal(host_cpu(), cpu);
	assert_int_equal(quota_used_of("CPU"), quota);
	assert_int_equal(quota_used_of("RUNNING_MEMORY"), running);
}

static void set_limit(struct txn *t, void *arg)
{
	struct quota *q = quota_edit(t, OBJ_USER_QUOTA, 2);

	quota_set_limit(q, quota_record_find(q, QUOTA_VM, -1), "CPU", *(int *)arg * 100);
}

static void limits_speak_before_the_state_and_never_against_going_back(void **state)
{
	int id = placed(SMALL, VM_ACTIVE, LCM_RUNNING), none = -1, low = 1;
	struct placing suspended = { id, VM_SUSPENDED, LCM_LCM_INIT, "" }, running = { id, VM_ACTIVE, LCM_RUNNING, "" };
	long long quota;

	(void)state;
	quota = quota_used_of("CPU");
	must_resize(id, "CPU=0.5", "RESIZE");
	assert_int_equal(core_run(core, set_limit, &low, NULL), ONE_OK);
	driver_says(id, "RESIZE", "FAILURE");
	assert_int_equal(quota_used_of("CPU"), quota);
	has(id, NULL, "CPU", "1");
	core_run(core, set_state, &suspended, NULL);
	must_not_resize(id, "CPU=2", ONE_AUTHORIZATION, "user [2] limit of 1 reached for CPU quota in VM");
	must_not_resize(id, "CPU=0.2", ONE_ACTION, "Cannot resize a VM in state SUSPENDED");
	core_run(core, set_state, &running, NULL);
	core_run(core, set_limit, &none, NULL);
}

static void numbers_are_read_leniently(void **state)
{
	int id = placed(SMALL, VM_PENDING, LCM_LCM_INIT);

	(void)state;
	must_resize(id, "CPU=x\nMEMORY=\"\"\nVCPU=[A=1]", "");
	has(id, NULL, "CPU", "1");
	must_resize(id, "CPU=\"0x9\"\nMEMORY=\"130.9\"\nVCPU=3x", "");
	has(id, NULL, "CPU", "1");
	has(id, NULL, "MEMORY", "130");
	has(id, NULL, "VCPU", "3");
	must_not_resize(id, "CPU=-1", ONE_INTERNAL, "CPU must be a positive float or integer value.");
	must_not_resize(id, "CPU=\"1e99\"", ONE_INTERNAL, "CPU must be a positive float or integer value.");
	must_not_resize(id, "MEMORY=-1", ONE_INTERNAL, "MEMORY must be a positive integer value.");
	must_not_resize(id, "MEMORY=99999999999999999999", ONE_INTERNAL, "MEMORY must be a positive integer value.");
	must_not_resize(id, "VCPU=4294967297", ONE_INTERNAL, "VCPU must be a positive integer value.");
}

static void the_topology_follows(void **state)
{
	int id = placed(SMALL "VCPU=4\nTOPOLOGY=[SOCKETS=1,CORES=2,THREADS=2]", VM_POWEROFF, LCM_LCM_INIT);
	int pinned = create("CPU=1\nMEMORY=128\nVCPU=4\nTOPOLOGY=[SOCKETS=2,PIN_POLICY=THREAD]");

	(void)state;
	must_not_resize(id, "VCPU=5", ONE_ACTION, "new VCPU is not multiple of the total number of threads");
	must_resize(id, "VCPU=8", "");
	has(id, "TOPOLOGY", "CORES", "4");
	must_resize(pinned, "VCPU=6\nCPU=1", "");
	has(pinned, NULL, "CPU", "6");
	has(pinned, "NUMA_NODE", "TOTAL_CPUS", "3");
	must_not_resize(pinned, "VCPU=7", ONE_ACTION, "VCPU is not multiple of the number of NUMA nodes");
	must_resize(pinned, "CPU=1", "");
	has(pinned, NULL, "CPU", "6");
}

static void a_pinned_vm_and_a_driver_without_it_do_not_resize_while_running(void **state)
{
	int pinned = create("CPU=1\nMEMORY=128\nVCPU=2\nTOPOLOGY=[PIN_POLICY=THREAD]"), other = create(SMALL);
	struct placing p = { pinned, VM_ACTIVE, LCM_RUNNING, "live" }, q = { other, VM_ACTIVE, LCM_RUNNING, "dummy" };

	(void)state;
	core_run(core, place, &q, NULL);
	core_run(core, set_state, &p, NULL);
	must_not_resize(pinned, "VCPU=3", ONE_ACTION, "Cannot resize a pinned VM");
	must_not_resize(other, "CPU=1", ONE_ACTION, "Hotplug resize not supported by driver dummy");
}

/* ---- configuration ---- */

struct configuring { int id; const char *text; bool append; char sent[32]; };

static void configure(struct txn *t, void *arg)
{
	struct configuring *c = arg;

	vm_configure(t, txn_edit(t, OBJ_VM, c->id), &alice, vm_conf_asked(t->arena, parsed(t->arena, c->text)), c->append, NULL, NULL);
	for (const struct txn_out *o = t->outs; o; o = o->next)
		if (o->kind == TXN_SEND)
			snprintf(c->sent, sizeof(c->sent), "%s", o->action);
}

static void must_configure(int id, const char *text, bool append, const char *sent)
{
	struct configuring c = { id, text, append, "" };
	struct one_err err = ONE_ERR_INIT;

	if (core_run(core, configure, &c, &err))
		fail_msg("%s: %s", text, err.text);
	assert_string_equal(c.sent, sent);
}

static void must_not_configure(int id, const char *text, bool append, const char *reason)
{
	struct configuring c = { id, text, append, "" };
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(core_run(core, configure, &c, &err), ONE_INTERNAL);
	assert_string_equal(err.text, reason);
}

static void values_are_replaced_or_joined(void **state)
{
	int id = create(SMALL "OS=[ARCH=a,BOOT=\"\"]\nFEATURES=[ACPI=yes,PAE=no]\nINPUT=[TYPE=mouse]\nINPUT=[TYPE=tablet]\nRAW=[TYPE=dummy,DATA=x]");

	(void)state;
	must_configure(id, "FEATURES=[ACPI=no,ODD=1,APIC=\"\"]\nCPU=7", true, "");
	has(id, "FEATURES", "ACPI", "no");
	has(id, "FEATURES", "PAE", "no");
	has(id, "FEATURES", "ODD", "");
	has(id, NULL, "CPU", "1");
	has(id, "RAW", "DATA", "x");
	must_configure(id, "FEATURES=[PAE=yes]", false, "");
	has(id, "FEATURES", "PAE", "yes");
	has(id, "FEATURES", "ACPI", "");
	has(id, "RAW", "DATA", "");
	has(id, "OS", "UUID", "");
	has(id, "INPUT", "TYPE", "");
}

static void what_is_wrong_is_refused_as_a_whole(void **state)
{
	int id = create(SMALL "DISK=[IMAGE_ID=0]\nCONTEXT=[A=1,NETWORK=YES]\nNIC=[NETWORK_ID=0]"), bare = create(SMALL);

	(void)state;
	must_not_configure(id, "OS=[BOOT=disk9]\nFEATURES=[PAE=yes]", true, "Wrong OS/BOOT value. Device with DISK_ID 9 not found");
	has(id, "FEATURES", "PAE", "");
	must_not_configure(id, "RAW=[TYPE=none,DATA=x]", true, "Invalid RAW section: unsupported TYPE");
	must_not_configure(id, "RAW=[DATA=x]", true, "Invalid RAW section: unsupported TYPE");
	must_not_configure(id, "VIDEO=[TYPE=cga]", false, "Invalid video TYPE, should be either: none, vga, cirrus, or virtio");
	must_not_configure(id, "CONTEXT=[ETH0_IP=\"9.9.9.9\"]", true, "Unable to update ETH0_IP, update NIC to update the network");
	must_not_configure(id, "CONTEXT=[ETH7_IP=\"9.9.9.9\"]", true, "Unable to add ETH7_IP, update NIC to update network context");
	must_not_configure(id, "BACKUP_CONFIG=[MODE=increment]", true,
			   "VM cannot use backup increment mode, it has disks snapshots or disks are not qcow2.");
	must_not_configure(bare, "CONTEXT=[A=1]", true, "Virtual machine does not have context, cannot add a new one.");
}

static void the_context_is_made_anew(void **state)
{
	int id = create(SMALL "NAME=ctx\nCONTEXT=[A=1,B=\"$NAME\",NETWORK=YES,FILES_DS=\"$FILE[IMAGE_ID=5]\"]\nNIC=[NETWORK_ID=0]");

	(void)state;
	has(id, "CONTEXT", "B", "ctx");
	must_configure(id, "CONTEXT=[C=\"<$NAME>\"]", true, "");
	has(id, "CONTEXT", "C", "<ctx>");
	has(id, "CONTEXT", "A", "1");
	has(id, "CONTEXT", "ETH0_DNS", "10.0.0.53");
	must_configure(id, "CONTEXT=[A=1,C=x]", false, "");
	has(id, "CONTEXT", "A", "1");
	has(id, "CONTEXT", "C", "x");
	has(id, "CONTEXT", "B", "");
	has(id, "CONTEXT", "ETH0_DNS", "");
	has(id, "CONTEXT", "FILES_DS", "");
	has(id, "CONTEXT", "DISK_ID", "0");
	must_configure(id, "CONTEXT=[NETWORK=YES,ETHX_Y=1,ETH_1=2]", false, "");
	has(id, "CONTEXT", "ETH0_DNS", "10.0.0.53");
	has(id, "CONTEXT", "ETHX_Y", "1");
	must_configure(id, "CONTEXT=[NETWORK=YES]", false, "");
	has(id, "CONTEXT", "ETH0_DNS", "10.0.0.53");
	must_configure(id, "OS=[ARCH=z]", false, "");
	has(id, "CONTEXT", "NETWORK", "YES");
}

static void a_running_vm_is_told_of_another_context_alone(void **state)
{
	int id = placed(SMALL "CONTEXT=[A=1]", VM_ACTIVE, LCM_RUNNING);

	(void)state;
	must_configure(id, "FEATURES=[PAE=yes]\nCONTEXT=[A=1]", true, "");
	in_state(id, VM_ACTIVE, LCM_RUNNING);
	must_configure(id, "CONTEXT=[A=2]", true, "UPDATECONF");
	in_state(id, VM_ACTIVE, LCM_HOTPLUG);
	must_not_configure(id, "OS=[ARCH=x]", true, "configuration cannot be updated in state HOTPLUG");
	driver_says(id, "UPDATECONF", "SUCCESS");
	in_state(id, VM_ACTIVE, LCM_RUNNING);
	must_configure(id, "CONTEXT=[B=2]", false, "UPDATECONF");
	driver_says(id, "UPDATECONF", "FAILURE");
	in_state(id, VM_ACTIVE, LCM_RUNNING);
	has(id, "CONTEXT", "B", "2");
	has(id, "CONTEXT", "A", "");
}

static void states_that_have_no_configuration_to_change(void **state)
{
	static const struct { enum vm_state state; enum vm_lcm lcm; const char *name; } refused[] = {
		{ VM_STOPPED, 0, "STOPPED" }, { VM_SUSPENDED, 0, "SUSPENDED" }, { VM_DONE, 0, "DONE" },
		{ VM_ACTIVE, LCM_BOOT, "BOOT" }, { VM_ACTIVE, LCM_UNKNOWN, "UNKNOWN" }, { VM_ACTIVE, LCM_HOTPLUG_RESIZE, "HOTPLUG_RESIZE" },
	};
	int id = create(SMALL);
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct placing p = { id, refused[i].state, refused[i].lcm, "" };

		core_run(core, set_state, &p, NULL);
		snprintf(text, sizeof(text), "configuration cannot be updated in state %s", refused[i].name);
		must_not_configure(id, "OS=[ARCH=x]", true, text);
	}
}

static bool port_is_used(int port)
{
	struct version *v = pool_get(core, OBJ_VNC_PORTS, 0);
	bool used = v && ((const struct vnc_ports *)v->obj)->used[port / 64] >> (port % 64) & 1;

	version_unref(v);
	return used;
}

static void graphics_keep_get_and_give_back_their_port(void **state)
{
	int id = placed(SMALL "GRAPHICS=[TYPE=vnc,PORT=7001]", VM_POWEROFF, LCM_LCM_INIT), later = placed(SMALL, VM_ACTIVE, LCM_RUNNING);
	struct vm *vm;

	(void)state;
	must_configure(id, "GRAPHICS=[TYPE=spice,PORT=7002]", false, "");
	has(id, "GRAPHICS", "TYPE", "spice");
	has(id, "GRAPHICS", "PORT", "7001");
	assert_true(port_is_used(7001));
	must_configure(id, "", false, "");
	has(id, "GRAPHICS", "TYPE", "");
	assert_false(port_is_used(7001));
	must_configure(later, "GRAPHICS=[TYPE=vnc]", true, "");
	vm = loaded(later);
	assert_non_null(attr_get(tmpl_vector(vm->o.tmpl, "GRAPHICS"), "PORT"));
	obj_free(&vm->o);
}

static void backups_are_configured(void **state)
{
	int id = create(SMALL "BACKUP_CONFIG=[KEEP_LAST=3,FS_FREEZE=agent]");
	struct vm *vm;

	(void)state;
	must_configure(id, "BACKUP_CONFIG=[KEEP_LAST=-4]", true, "");
	vm = loaded(id);
	assert_string_equal(tmpl_get(vm->backup_config, "KEEP_LAST"), "0");
	assert_string_equal(tmpl_get(vm->backup_config, "FS_FREEZE"), "AGENT");
	obj_free(&vm->o);
	must_configure(id, "BACKUP_CONFIG=[MODE=INCREMENT]", false, "");
	vm = loaded(id);
	assert_null(tmpl_get(vm->backup_config, "KEEP_LAST"));
	assert_string_equal(tmpl_get(vm->backup_config, "FS_FREEZE"), "NONE");
	assert_string_equal(tmpl_get(vm->backup_config, "MODE"), "INCREMENT");
	assert_string_equal(tmpl_get(vm->backup_config, "INCREMENT_MODE"), "CBT");
	obj_free(&vm->o);
}

/* ---- imported ---- */

static void allow(struct txn *t, void *arg)
{
	const struct resizing *r = arg;

	vm_import_allows(t, txn_edit(t, OBJ_VM, r->id), r->text);
}

static void an_imported_vm_can_do_what_its_driver_lists(void **state)
{
	int mine = create(SMALL), wild = create(SMALL "DEPLOY_ID=wild-1\nHYPERVISOR=live"), lost = create(SMALL "DEPLOY_ID=wild-2");
	struct resizing r = { mine, "updateconf", "" };
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	assert_int_equal(core_run(core, allow, &r, NULL), ONE_OK);
	r = (struct resizing){ wild, "resize", "" };
	assert_int_equal(core_run(core, allow, &r, NULL), ONE_OK);
	r = (struct resizing){ wild, "updateconf", "" };
	assert_int_equal(core_run(core, allow, &r, &err), ONE_ACTION);
	assert_string_equal(err.text, "Action \"updateconf\" is not supported for imported VMs");
	r = (struct resizing){ lost, "resize", "" };
	assert_int_equal(core_run(core, allow, &r, NULL), ONE_ACTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_resting_vm_has_its_size_at_once),
		cmocka_unit_test(an_ended_record_shows_the_vm_as_it_was),
		cmocka_unit_test(a_running_vm_waits_for_its_driver),
		cmocka_unit_test(what_its_driver_cannot_do_goes_back),
		cmocka_unit_test(limits_speak_before_the_state_and_never_against_going_back),
		cmocka_unit_test(numbers_are_read_leniently),
		cmocka_unit_test(the_topology_follows),
		cmocka_unit_test(a_pinned_vm_and_a_driver_without_it_do_not_resize_while_running),
		cmocka_unit_test(values_are_replaced_or_joined),
		cmocka_unit_test(what_is_wrong_is_refused_as_a_whole),
		cmocka_unit_test(the_context_is_made_anew),
		cmocka_unit_test(a_running_vm_is_told_of_another_context_alone),
		cmocka_unit_test(states_that_have_no_configuration_to_change),
		cmocka_unit_test(graphics_keep_get_and_give_back_their_port),
		cmocka_unit_test(backups_are_configured),
		cmocka_unit_test(an_imported_vm_can_do_what_its_driver_lists),
	};

	return cmocka_run_group_tests(tests, begin, world_end);
}
