/* Tests of whole cycles against a fake oned: what is deployed, what is said, and what is remembered. */
#include "scheduler/cycle.h"
#include "tests/unit/scheduler/fake_oned.h"

struct fixture {
	struct fake_oned oned;
	struct sched_conf conf;
	struct cycle cycle;
	struct cycle_result result;
	struct one_err err;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct api api;

	memset(&f, 0, sizeof(f));
	fake_init(&f.oned);
	f.conf = (struct sched_conf){
		.message_size = 1 << 24, .timeout_ms = 60000, .host_rank = "- RUNNING_VMS", .store_rank = ""
	};
	api = fake_api(&f.oned);
	cycle_init(&f.cycle, &f.conf, &api);
	log_open("file", "/dev/null", "", LOG_L_DEBUG, NULL); /* every line is made, none shown */
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	cycle_done(&f->cycle);
	fake_done(&f->oned);
	return 0;
}

static void run(struct fixture *f)
{
	assert_int_equal(cycle_run(&f->cycle, &f->result, &f->err), ONE_OK);
}

static void assert_message(const struct fixture *f, int vm, const char *reason)
{
	const char *message = f->oned.vms[vm].message, *said = strstr(message, ": ");

	assert_non_null(said);
	assert_int_equal(said - message, strlen("Wed Nov 25 02:00:52 2026"));
	assert_string_equal(said + 2, reason);
}

static void a_thousand_pending_vms_are_dispatched_in_one_cycle(void **state)
{
	struct fixture *f = *state;
	int on_host[10] = { 0 };

	fake_site(&f->oned, 10, 200);
	for (int i = 0; i < 1000; i++)
		fake_add_vm(&f->oned, "");
	run(f);
	assert_int_equal(f->result.placed, 1000);
	assert_int_equal(f->oned.n_order, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(f->oned.vms[i].deploys, 1);
		assert_int_equal(f->oned.vms[i].updates, 0);
		assert_int_equal(f->oned.vms[i].store, 100);
		on_host[f->oned.vms[i].host]++;
	}
	for (int i = 0; i < 10; i++)
		assert_int_equal(on_host[i], 100);
}

static void nothing_pending_reads_no_other_pool(void **state)
{
	struct fixture *f = *state;

	fake_site(&f->oned, 1, 1);
	run(f);
	f->oned.reads = 0;
	run(f);
	assert_int_equal(f->oned.reads, 2); /* the leader's state, the pending VMs */
	assert_int_equal(f->result.pending, 0);
}

static void a_message_is_written_once_and_cleared_when_the_vm_goes(void **state)
{
	struct fixture *f = *state;
	int vm = fake_add_vm(&f->oned, "");

	run(f);
	assert_int_equal(f->result.waiting, 1);
	assert_message(f, vm, "Cannot dispatch VM: No hosts enabled to run VMs");
	run(f);
	assert_int_equal(f->oned.vms[vm].updates, 1);
	fake_site(&f->oned, 1, 0);
	run(f);
	assert_int_equal(f->oned.vms[vm].updates, 2);
	assert_message(f, vm, "Cannot dispatch VM: No host with enough capacity to deploy the VM");
	strbuf_reset(&f->oned.hosts);
	fake_site(&f->oned, 1, 4);
	run(f);
	assert_int_equal(f->result.placed, 1);
	assert_int_equal(f->oned.vms[vm].updates, 3);
	assert_string_equal(f->oned.vms[vm].message, "");
}

static void requirements_with_quotes_reach_the_message_whole(void **state)
{
	struct fixture *f = *state;
	int vm = fake_add_vm(
		&f->oned, "<SCHED_REQUIREMENTS>NAME = \"a\\b\" &amp; TIER = \"gold\"</SCHED_REQUIREMENTS>");

	fake_site(&f->oned, 1, 4);
	run(f);
	assert_message(f, vm,
		       "Cannot dispatch VM: No host meets capacity and SCHED_REQUIREMENTS: NAME = \"a\\b\" & "
		       "TIER = \"gold\"");
	run(f);
	assert_int_equal(f->oned.vms[vm].updates, 1);
}

static void attributes_of_the_cluster_count_as_the_hosts(void **state)
{
	struct fixture *f = *state;
	int vm = fake_add_vm(&f->oned, "<SCHED_REQUIREMENTS>TIER = \"gold\" &amp; \"CLUSTER_TEMPLATE/TIER\" "
				       "= \"gold\"</SCHED_REQUIREMENTS>");

	fake_site(&f->oned, 1, 4);
	run(f);
	assert_int_equal(f->oned.vms[vm].host, 0);
	assert_false(f->oned.vms[vm].pending);
}

static void a_refused_vm_is_explained_waits_and_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	int bad = fake_add_vm(&f->oned, "<USER_PRIORITY>9</USER_PRIORITY>"), good = fake_add_vm(&f->oned, "");

	fake_site(&f->oned, 1, 8);
	f->oned.vms[bad].refused = true;
	run(f);
	assert_int_equal(f->result.placed, 1);
	assert_int_equal(f->result.failed, 1);
	assert_false(f->oned.vms[good].pending);
	assert_message(f, bad, "Cannot dispatch VM to Host 0: [one.vm.deploy] the host has no \"engine\".");
	assert_true(f->result.next_ms < INT64_MAX);
	run(f);
	assert_int_equal(f->oned.vms[bad].deploys, 1);
	assert_int_equal(f->result.failed, 0);
}

static void a_vm_that_left_is_not_remembered(void **state)
{
	struct fixture *f = *state;
	int vm = fake_add_vm(&f->oned, "");

	fake_site(&f->oned, 1, 8);
	f->oned.vms[vm].refused = true;
	run(f);
	f->oned.vms[vm].pending = false;
	run(f);
	assert_true(f->result.next_ms == INT64_MAX);
	f->oned.vms[vm].pending = true;
	f->oned.vms[vm].refused = false;
	run(f);
	assert_int_equal(f->result.placed, 1);
}

static void a_follower_does_nothing(void **state)
{
	struct fixture *f = *state;
	int vm = fake_add_vm(&f->oned, "");

	fake_site(&f->oned, 1, 8);
	f->oned.raft_state = 2;
	assert_int_equal(cycle_run(&f->cycle, &f->result, &f->err), ONE_ACTION);
	assert_string_equal(f->err.text, "oned is not leader");
	assert_true(f->oned.vms[vm].pending);
	f->oned.raft_state = 3;
	run(f);
	assert_false(f->oned.vms[vm].pending);
}

static void an_oned_that_is_away_or_talks_nonsense_fails_the_cycle_only(void **state)
{
	static const char *const READS[] = { "one.vmpool.infoextended", "one.hostpool.info",
					     "one.clusterpool.info",    "one.acl.info",
					     "one.userpool.info",       "one.datastorepool.info",
					     "one.hostpool.monitoring" };
	struct fixture *f = *state;
	int vm = fake_add_vm(&f->oned, "");

	fake_site(&f->oned, 1, 8);
	f->oned.down = ONE_INTERNAL;
	assert_int_equal(cycle_run(&f->cycle, &f->result, &f->err), ONE_INTERNAL);
	f->oned.down = ONE_AUTHENTICATION;
	assert_int_equal(cycle_run(&f->cycle, &f->result, &f->err), ONE_AUTHENTICATION);
	f->oned.down = ONE_OK;
	for (size_t i = 0; i < sizeof(READS) / sizeof(READS[0]); i++) {
		f->oned.broken_method = READS[i];
		assert_int_not_equal(cycle_run(&f->cycle, &f->result, &f->err), ONE_OK);
		assert_non_null(strstr(f->err.text, READS[i]));
		assert_true(f->oned.vms[vm].pending);
	}
	f->oned.broken_method = NULL;
	run(f);
	assert_int_equal(f->result.placed, 1);
}

static void a_signal_leaves_what_is_not_sent_for_later(void **state)
{
	struct fixture *f = *state;

	fake_site(&f->oned, 1, 100);
	for (int i = 0; i < 20; i++)
		fake_add_vm(&f->oned, "");
	atomic_store(&f->oned.stopping, true);
	run(f);
	assert_int_equal(f->result.left, 20);
	assert_int_equal(f->oned.n_order, 0);
	atomic_store(&f->oned.stopping, false);
	run(f);
	assert_int_equal(f->result.placed, 20);
}

static void only_the_most_urgent_are_looked_at(void **state)
{
	struct fixture *f = *state;

	fake_site(&f->oned, 1, 100);
	for (int i = 0; i < 10; i++)
		fake_add_vm(&f->oned, i == 7 ? "<USER_PRIORITY>0.5</USER_PRIORITY>" : "");
	f->conf.max_vm = 3;
	run(f);
	assert_int_equal(f->result.placed, 3);
	assert_false(f->oned.vms[0].pending);
	assert_false(f->oned.vms[1].pending);
	assert_false(f->oned.vms[7].pending);
}

static void a_vm_can_be_explained_without_being_placed(void **state)
{
	struct fixture *f = *state;
	struct strbuf report = STRBUF_INIT;
	int vm = fake_add_vm(&f->oned, "<SCHED_REQUIREMENTS>ID = 1</SCHED_REQUIREMENTS>");

	fake_site(&f->oned, 2, 8);
	assert_int_equal(cycle_explain(&f->cycle, vm, &report, &f->err), ONE_OK);
	assert_non_null(strstr(report.buf, "Host requirements: ID = 1"));
	assert_non_null(strstr(report.buf, "SCHED_REQUIREMENTS not met"));
	assert_non_null(strstr(report.buf, "on hosts 1"));
	assert_int_equal(f->oned.vms[vm].deploys, 0);
	assert_int_equal(cycle_explain(&f->cycle, 77, &report, &f->err), ONE_NO_EXISTS);
	strbuf_done(&report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_thousand_pending_vms_are_dispatched_in_one_cycle),
		TEST(nothing_pending_reads_no_other_pool),
		TEST(a_message_is_written_once_and_cleared_when_the_vm_goes),
		TEST(requirements_with_quotes_reach_the_message_whole),
		TEST(attributes_of_the_cluster_count_as_the_hosts),
		TEST(a_refused_vm_is_explained_waits_and_blocks_nobody),
		TEST(a_vm_that_left_is_not_remembered),
		TEST(a_follower_does_nothing),
		TEST(an_oned_that_is_away_or_talks_nonsense_fails_the_cycle_only),
		TEST(a_signal_leaves_what_is_not_sent_for_later),
		TEST(only_the_most_urgent_are_looked_at),
		TEST(a_vm_can_be_explained_without_being_placed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
