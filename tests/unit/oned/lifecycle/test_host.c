/* Hosts: their states, and what the monitor driver's messages do to them. */
#include <stdio.h>

#include "tests/unit/oned/objects/vm_world.h"

#include "common/crypto.h"
#include "oned/core/monitor.h"
#include "oned/lifecycle/host.h"

static struct one_err err;
static char sent[256];

static void collect(struct txn *t)
{
	for (const struct txn_out *o = t->outs; o; o = o->next) {
		size_t len = strlen(sent);

		if (o->kind == TXN_SEND)
			snprintf(sent + len, sizeof(sent) - len, "%s %lld;", o->action, o->id);
	}
}

static enum one_rc run(core_run_fn fn, void *arg)
{
	one_err_clear(&err);
	sent[0] = '\0';
	core_run(core, fn, arg, &err);
	return err.rc;
}

/* ---- the table ---- */

static void every_state_can_be_enabled_disabled_and_left_offline(void **state)
{
	(void)state;
	for (enum host_state s = 0; s < HOST_STATES; s++) {
		assert_int_equal(host_next_state(s, HOST_EV_ENABLE), HOST_INIT);
		assert_int_equal(host_next_state(s, HOST_EV_DISABLE), HOST_DISABLED);
		assert_int_equal(host_next_state(s, HOST_EV_OFFLINE), HOST_OFFLINE);
		assert_int_not_equal(host_next_state(s, HOST_EV_ENABLE_KNOWN), HOST_STATES);
	}
}

static void a_new_host_is_left_by_success_and_by_failure(void **state)
{
	(void)state;
	assert_int_equal(host_next_state(HOST_INIT, HOST_EV_MONITORED), HOST_MONITORED);
	assert_int_equal(host_next_state(HOST_INIT, HOST_EV_FAILED), HOST_ERROR);
	assert_int_equal(host_next_state(HOST_ERROR, HOST_EV_MONITORED), HOST_MONITORED);
	assert_int_equal(host_next_state(HOST_MONITORED, HOST_EV_FAILED), HOST_ERROR);
}

static void monitoring_does_not_enable_what_an_administrator_disabled(void **state)
{
	(void)state;
	assert_int_equal(host_next_state(HOST_DISABLED, HOST_EV_MONITORED), HOST_DISABLED);
	assert_int_equal(host_next_state(HOST_DISABLED, HOST_EV_FAILED), HOST_DISABLED);
	assert_int_equal(host_next_state(HOST_OFFLINE, HOST_EV_MONITORED), HOST_STATES);
	assert_int_equal(host_next_state(HOST_OFFLINE, HOST_EV_FAILED), HOST_STATES);
}

static void states_of_old_databases_go_on(void **state)
{
	static const enum host_state old[] = { HOST_MONITORING_MONITORED, HOST_MONITORING_ERROR, HOST_MONITORING_INIT };

	(void)state;
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
		assert_int_equal(host_next_state(old[i], HOST_EV_MONITORED), HOST_MONITORED);
		assert_int_equal(host_next_state(old[i], HOST_EV_FAILED), HOST_ERROR);
	}
	assert_int_equal(host_next_state(HOST_MONITORING_DISABLED, HOST_EV_MONITORED), HOST_DISABLED);
}

/* ---- messages ---- */

static void make_host(struct txn *t, void *arg)
{
	(void)arg;
	host_create(t, "node", "dummy", "dummy", 0);
}

static int begin(void **state)
{
	return world_begin(state) || core_run(core, make_host, NULL, NULL) ? -1 : 0;
}

struct message { const char *action; int id; const char *text; };

static void deliver(struct txn *t, void *arg)
{
	const struct message *m = arg;
	struct strbuf payload = STRBUF_INIT;

	driver_pack(m->text, strlen(m->text), &payload);
	im_message(t, &(struct driver_msg){ .action = m->action, .status = "SUCCESS", .id = m->id, .payload = payload.buf });
	strbuf_done(&payload);
	collect(t);
}

#define MESSAGE(...) run(deliver, &(struct message){ __VA_ARGS__ })

static struct host *host(int id)
{
	static struct object *o;
	struct version *v = pool_get(core, OBJ_HOST, id);

	if (o)
		obj_free(o);
	o = NULL;
	assert_non_null(v);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	version_unref(v);
	return (struct host *)o;
}

static void a_host_that_answers_is_monitored(void **state)
{
	(void)state;
	assert_int_equal(MESSAGE("HOST_SYSTEM", 0, "TOTALCPU=400\nTOTALMEMORY=1000\nARCH=x86_64\nCPUSPEED=3200"), ONE_OK);
	assert_int_equal(host(0)->state, HOST_MONITORED);
	assert_int_equal(host(0)->share.max_cpu, 400);
	assert_int_equal(host(0)->share.max_mem_kb, 1000);
	assert_string_equal(tmpl_get(host(0)->o.tmpl, "ARCH"), "x86_64");
	assert_null(tmpl_get(host(0)->o.tmpl, "TOTALCPU"));
	assert_string_equal(sent, "UPDATE_HOST 0;");
}

static void a_host_that_fails_says_why_until_it_is_well(void **state)
{
	(void)state;
	MESSAGE("HOST_STATE", 0, "ERROR cannot reach it");
	assert_int_equal(host(0)->state, HOST_ERROR);
	assert_non_null(strstr(tmpl_get(host(0)->o.tmpl, "ERROR"), "cannot reach it"));
	MESSAGE("HOST_STATE", 0, "MONITORED");
	assert_int_equal(host(0)->state, HOST_MONITORED);
	MESSAGE("HOST_STATE", 0, "DANCING");
	assert_int_equal(host(0)->state, HOST_MONITORED);
}

static void messages_about_unknown_hosts_change_nothing(void **state)
{
	(void)state;
	assert_int_equal(MESSAGE("HOST_STATE", 77, "MONITORED"), ONE_OK);
	assert_int_equal(MESSAGE("HOST_SYSTEM", -1, "A=1"), ONE_OK);
	assert_int_equal(MESSAGE("HOST_SYSTEM", 0, "A=["), ONE_OK);
	assert_int_equal(MESSAGE("NOTHING", 0, "A=1"), ONE_OK);
	assert_int_equal(host(0)->state, HOST_INIT);
}

static void change_state(struct txn *t, void *arg)
{
	host_event(t, txn_edit(t, OBJ_HOST, 0), *(enum host_event *)arg, NULL);
	collect(t);
}

static void an_offline_host_has_no_capacity_and_hears_nothing(void **state)
{
	enum host_event offline = HOST_EV_OFFLINE, enable = HOST_EV_ENABLE;

	(void)state;
	MESSAGE("HOST_SYSTEM", 0, "TOTALCPU=400\nTOTALMEMORY=1000");
	run(change_state, &offline);
	assert_int_equal(host(0)->share.max_cpu, 0);
	MESSAGE("HOST_SYSTEM", 0, "TOTALCPU=400\nTOTALMEMORY=1000");
	MESSAGE("HOST_STATE", 0, "MONITORED");
	assert_int_equal(host(0)->state, HOST_OFFLINE);
	assert_int_equal(host(0)->share.max_cpu, 0);
	run(change_state, &enable);
	assert_int_equal(host(0)->state, HOST_INIT);
}

static void reservations_of_a_host_count_before_those_of_its_cluster(void **state)
{
	(void)state;
	MESSAGE("HOST_SYSTEM", 0, "TOTALCPU=400\nTOTALMEMORY=1000\nRESERVED_CPU=100");
	assert_int_equal(host(0)->share.total_cpu, 400);
	assert_int_equal(host(0)->share.max_cpu, 300);
}

/* ---- samples ---- */

static bool sample(enum monitor_kind kind, int id, const char *part)
{
	struct strbuf xml = STRBUF_INIT;
	bool found = monitor_get(core_monitor(core), kind, id, NULL, &xml) && strstr(xml.buf, part);

	if (!found)
		print_message("sample: %s\n", xml.buf ? xml.buf : "none");
	strbuf_done(&xml);
	return found;
}

static void the_latest_sample_of_a_host_is_kept(void **state)
{
	(void)state;
	MESSAGE("MONITOR_HOST", 0, "FREECPU=300\nUSEDCPU=100\nNETRX=5\nHUGEPAGE=[NODE_ID=0,SIZE=2048,FREE=7]\nMEMORY_NODE=[NODE_ID=0,FREE=9,USED=1]");
	assert_true(sample(MONITOR_HOST, 0, "<FREE_CPU><![CDATA[300]]></FREE_CPU>"));
	assert_true(sample(MONITOR_HOST, 0, "<NETRX><![CDATA[5]]></NETRX>"));
	assert_true(sample(MONITOR_HOST, 0, "<HUGEPAGE><FREE><![CDATA[7]]></FREE>"));
	MESSAGE("MONITOR_HOST", 9, "FREECPU=300");
	assert_false(monitor_get(core_monitor(core), MONITOR_HOST, 9, NULL, &(struct strbuf)STRBUF_INIT));
}

/* A VM on host 0. */
static int running(void)
{
	return create("CPU=1\nMEMORY=64");
}

static void start(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	struct host *h = txn_edit(t, OBJ_HOST, 0);

	vm->state = vm->prev_state = VM_ACTIVE;
	vm->lcm_state = vm->prev_lcm_state = LCM_RUNNING;
	vm->history = arena_new(&vm->o.arena, struct vm_history);
	*vm->history = (struct vm_history){ .hid = 0, .ds_id = 101, .stime = 1 };
	vm->history->hostname = vm->history->vm_mad = vm->history->tm_mad = "";
	idset_add(&h->vms, &h->o.arena, vm->o.id);
}

static const char *vm_message(int id, const char *sample_text)
{
	static char text[512];
	struct strbuf b64 = STRBUF_INIT;

	base64_encode(sample_text, strlen(sample_text), &b64);
	snprintf(text, sizeof(text), "VM=[ID=\"%d\",UUID=\"x\",MONITOR=\"%s\"]", id, b64.buf);
	strbuf_done(&b64);
	return text;
}

static void samples_of_vms_add_to_what_was_known(void **state)
{
	int id = running(), other = running();

	(void)state;
	assert_int_equal(run(start, &id), ONE_OK);
	MESSAGE("MONITOR_VM", 0, vm_message(id, "CPU=12.5\nMEMORY=100"));
	MESSAGE("MONITOR_VM", 0, vm_message(id, "DISK_SIZE=[ID=0,SIZE=5]"));
	assert_true(sample(MONITOR_VM, id, "<CPU><![CDATA[12.5]]></CPU>"));
	assert_true(sample(MONITOR_VM, id, "<SIZE><![CDATA[5]]></SIZE>"));
	MESSAGE("MONITOR_VM", 0, vm_message(other, "CPU=1")); /* runs elsewhere */
	assert_false(monitor_get(core_monitor(core), MONITOR_VM, other, NULL, &(struct strbuf)STRBUF_INIT));
	MESSAGE("MONITOR_VM", 0, "VM=[ID=\"0\",MONITOR=\"!!!\"]");
}

static struct vm *vm(int id)
{
	static struct vm *last;

	if (last)
		obj_free(&last->o);
	last = loaded(id);
	return last;
}

static void a_vm_that_a_whole_report_misses_is_off(void **state)
{
	int id = running();

	(void)state;
	run(start, &id);
	MESSAGE("VM_STATE", 0, "SYNC_STATE=YES\nMISSING_STATE=POWEROFF\nVM=[ID=50,STATE=RUNNING]");
	assert_int_equal(vm(id)->state, VM_POWEROFF);
	assert_string_equal(tmpl_get(host(0)->o.tmpl, "ZOMBIES"), "50");
	assert_string_equal(tmpl_get(host(0)->o.tmpl, "TOTAL_ZOMBIES"), "1");
	MESSAGE("VM_STATE", 0, arena_printf(&vm(id)->o.arena, "SYNC_STATE=YES\nMISSING_STATE=POWEROFF\nVM=[ID=%d,STATE=RUNNING]", id));
	assert_null(tmpl_get(host(0)->o.tmpl, "ZOMBIES"));
}

static void a_partial_report_misses_nobody(void **state)
{
	int id = running();

	(void)state;
	run(start, &id);
	MESSAGE("VM_STATE", 0, "VM=[ID=50,STATE=RUNNING]");
	assert_int_equal(vm(id)->state, VM_ACTIVE);
	MESSAGE("VM_STATE", 5, "SYNC_STATE=YES\nMISSING_STATE=POWEROFF"); /* another host */
	assert_int_equal(vm(id)->state, VM_ACTIVE);
}

/* A domain that isn't the cloud's is told of by its name alone. */
static void a_vm_that_was_imported_is_known_by_its_deploy_id(void **state)
{
	int id = create("CPU=1\nMEMORY=64\nDEPLOY_ID=wild-1"), other = create("CPU=1\nMEMORY=64\nDEPLOY_ID=wild-2");

	(void)state;
	run(start, &id);
	MESSAGE("VM_STATE", 0, "VM=[ID=-1,DEPLOY_ID=wild-3,STATE=POWEROFF]\nVM=[ID=-1,STATE=POWEROFF]\nVM=[ID=-1,DEPLOY_ID=wild-2,STATE=POWEROFF]");
	assert_int_equal(vm(id)->state, VM_ACTIVE);
	assert_int_equal(vm(other)->state, VM_HOLD); /* it is on no host */
	MESSAGE("VM_STATE", 0, "SYNC_STATE=YES\nMISSING_STATE=POWEROFF\nVM=[ID=-1,DEPLOY_ID=wild-1,STATE=RUNNING]");
	assert_int_equal(vm(id)->state, VM_ACTIVE);
	assert_null(tmpl_get(host(0)->o.tmpl, "ZOMBIES"));
	MESSAGE("VM_STATE", 5, "VM=[ID=-1,DEPLOY_ID=wild-1,STATE=POWEROFF]");
	assert_int_equal(vm(id)->state, VM_ACTIVE);
	MESSAGE("VM_STATE", 0, "VM=[ID=-1,DEPLOY_ID=wild-1,STATE=POWEROFF]");
	assert_int_equal(vm(id)->state, VM_POWEROFF);
}

static void driver_up(struct txn *t, void *arg)
{
	(void)arg;
	im_driver_up(t);
	collect(t);
}

static void a_driver_that_is_up_learns_all_hosts(void **state)
{
	(void)state;
	run(driver_up, NULL);
	assert_string_equal(sent, "HOST_LIST -1;RAFT_STATUS -1;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_can_be_enabled_disabled_and_left_offline),
		cmocka_unit_test(a_new_host_is_left_by_success_and_by_failure),
		cmocka_unit_test(monitoring_does_not_enable_what_an_administrator_disabled),
		cmocka_unit_test(states_of_old_databases_go_on),
		TEST(a_host_that_answers_is_monitored),
		TEST(a_host_that_fails_says_why_until_it_is_well),
		TEST(messages_about_unknown_hosts_change_nothing),
		TEST(an_offline_host_has_no_capacity_and_hears_nothing),
		TEST(reservations_of_a_host_count_before_those_of_its_cluster),
		TEST(the_latest_sample_of_a_host_is_kept),
		TEST(samples_of_vms_add_to_what_was_known),
		TEST(a_vm_that_a_whole_report_misses_is_off),
		TEST(a_partial_report_misses_nobody),
		TEST(a_vm_that_was_imported_is_known_by_its_deploy_id),
		TEST(a_driver_that_is_up_learns_all_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
