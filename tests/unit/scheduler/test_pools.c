/* Tests of reading pools: the calls with their arguments, and answers that are wrong. */
#include "scheduler/pools.h"
#include "tests/unit/scheduler/fake_oned.h"

struct fixture {
	struct fake_oned oned;
	struct api api;
	struct sched_conf conf;
	struct arena arena;
	struct model model;
	struct one_err err;
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	fake_init(&f.oned);
	f.api = fake_api(&f.oned);
	f.conf = (struct sched_conf){ .message_size = 1 << 20 };
	arena_init(&f.arena);
	model_init(&f.model, &f.arena, 0);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	model_done(&f->model);
	arena_done(&f->arena);
	fake_done(&f->oned);
	return 0;
}

static enum one_rc check_filter(void *ctx, int lane, const char *method, const struct rpc_arg *args,
				struct strbuf *text, long long *number, struct one_err *err)
{
	static const long long FILTER[] = { -2, -1, -1, 1 };

	assert_string_equal(method, "one.vmpool.infoextended");
	for (int i = 0; i < 4; i++) {
		assert_int_equal(args[i].type, RPC_ARG_INT);
		assert_int_equal(args[i].i, FILTER[i]);
	}
	assert_int_equal(args[4].type, RPC_ARG_END);
	return fake_call(ctx, lane, method, args, text, number, err);
}

static void pending_vms_of_everybody_are_asked_for(void **state)
{
	struct fixture *f = *state;

	fake_add_vm(&f->oned, "");
	f->api.call = check_filter;
	assert_int_equal(pools_read_vms(&f->api, &f->conf, &f->model, &f->err), ONE_OK);
	assert_int_equal(f->model.n_vms, 1);
}

static void the_most_urgent_vms_are_kept_where_there_are_too_many(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 5; i++)
		fake_add_vm(&f->oned, i == 4 ? "<USER_PRIORITY>1</USER_PRIORITY>" : "");
	f->conf.max_vm = 2;
	assert_int_equal(pools_read_vms(&f->api, &f->conf, &f->model, &f->err), ONE_OK);
	assert_int_equal(f->model.n_vms, 2);
	assert_int_equal(f->model.vms[0].id, 4);
	assert_int_equal(f->model.vms[1].id, 0);
}

static void resources_come_with_their_clusters_and_rights(void **state)
{
	struct fixture *f = *state;

	fake_site(&f->oned, 2, 8);
	assert_int_equal(pools_read_resources(&f->api, &f->conf, &f->model, &f->err), ONE_OK);
	assert_int_equal(f->model.n_hosts, 2);
	assert_int_equal(f->model.n_stores, 1);
	assert_string_equal(host_lookup(&f->model.hosts[0], "TIER", 0), "gold");
	assert_int_equal(f->oned.reads, 6);
}

static void an_answer_that_is_too_large_or_no_xml_names_its_method(void **state)
{
	struct fixture *f = *state;

	fake_site(&f->oned, 2, 8);
	f->oned.broken_method = "one.acl.info";
	assert_int_equal(pools_read_resources(&f->api, &f->conf, &f->model, &f->err), ONE_INTERNAL);
	assert_non_null(strstr(f->err.text, "one.acl.info: "));
	f->oned.broken_method = NULL;
	f->conf.message_size = 100;
	assert_int_equal(pools_read_resources(&f->api, &f->conf, &f->model, &f->err), ONE_INTERNAL);
	assert_non_null(strstr(f->err.text, "one.hostpool.info: "));
}

static void zone_and_leadership_are_read(void **state)
{
	static const struct {
		int raft;
		bool leads;
	} STATES[] = { { 0, true }, { 1, false }, { 2, false }, { 3, true } };
	struct fixture *f = *state;
	int zone = -1;

	f->oned.zone = 7;
	assert_int_equal(pools_read_zone(&f->api, &f->conf, &zone, &f->err), ONE_OK);
	assert_int_equal(zone, 7);
	for (size_t i = 0; i < sizeof(STATES) / sizeof(STATES[0]); i++) {
		bool leads = !STATES[i].leads;

		f->oned.raft_state = STATES[i].raft;
		assert_int_equal(pools_read_leader(&f->api, &f->conf, &leads, &f->err), ONE_OK);
		assert_int_equal(leads, STATES[i].leads);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pending_vms_of_everybody_are_asked_for),
		TEST(the_most_urgent_vms_are_kept_where_there_are_too_many),
		TEST(resources_come_with_their_clusters_and_rights),
		TEST(an_answer_that_is_too_large_or_no_xml_names_its_method),
		TEST(zone_and_leadership_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
