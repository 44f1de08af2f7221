/* Tests of verdicts: the order of the checks, and what a class remembers. */
#include <string.h>

#include "scheduler/match.h"
#include "tests/unit/scheduler/pools_xml.h"

struct fixture {
	struct arena arena;
	struct model model;
	struct matcher *matcher;
};

static const char USERS[] = "<USER_POOL><USER><ID>2</ID><GROUPS><ID>1</ID></GROUPS></USER></USER_POOL>";

static int set_up(void **state)
{
	static struct fixture f;
	struct strbuf hosts = STRBUF_INIT, stores = STRBUF_INIT;

	arena_init(&f.arena);
	model_init(&f.model, &f.arena, 0);
	strbuf_lit(&hosts, "<HOST_POOL>");
	add_host(&hosts, &(struct xml_host){ .id = 0,
					     .state = 2,
					     .max_cpu = 400,
					     .max_memory = 4096,
					     .free_disk = 100,
					     .attributes = "<RACK>1</RACK>" });
	add_host(&hosts,
		 &(struct xml_host){ .id = 1,
				     .state = 2,
				     .max_cpu = 400,
				     .max_memory = 4096,
				     .cluster = 5,
				     .attributes = "<RACK>2</RACK><PUBLIC_CLOUD>yes</PUBLIC_CLOUD>" });
	strbuf_lit(&hosts, "</HOST_POOL>");
	strbuf_lit(&stores, "<DATASTORE_POOL>");
	add_store(
		&stores,
		&(struct xml_store){
			.id = 10, .type = 1, .total = 1000, .free = 400, .attributes = "<SPEED>1</SPEED>" });
	add_store(&stores, &(struct xml_store){ .id = 11, .type = 1, .attributes = "<SPEED>1</SPEED>" });
	add_store(&stores, &(struct xml_store){
				   .id = 12, .type = 1, .local = true, .attributes = "<SPEED>2</SPEED>" });
	strbuf_lit(&stores, "</DATASTORE_POOL>");
	model_read_hosts(&f.model, parse_xml(&f.arena, hosts.buf), NULL, NULL);
	model_read_stores(&f.model, parse_xml(&f.arena, stores.buf));
	access_read_users(&f.model.access, &f.arena, parse_xml(&f.arena, USERS));
	f.matcher = matcher_new(&f.model, "ID", "");
	strbuf_done(&hosts);
	strbuf_done(&stores);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	matcher_free(f->matcher);
	model_done(&f->model);
	arena_done(&f->arena);
	return 0;
}

static struct sched_vm plain_vm(void)
{
	return (struct sched_vm){ .id = 9,
				  .cpu = 100,
				  .memory_kb = 1024,
				  .requirements = "",
				  .store_requirements = "",
				  .rank = "",
				  .store_rank = "",
				  .message = "" };
}

static enum host_verdict host_verdict(struct fixture *f, const struct sched_vm *vm, bool public_only)
{
	return match_host(f->matcher, match_class_of(f->matcher, vm), vm, 0, public_only);
}

static enum store_verdict store_verdict(struct fixture *f, const struct sched_vm *vm, int index)
{
	return match_store(f->matcher, match_class_of(f->matcher, vm), vm, index);
}

static void the_first_reason_against_a_host_is_the_verdict(void **state)
{
	struct fixture *f = *state;
	struct sched_vm vm = plain_vm();

	vm.uid = 2;
	vm.gid = 1;
	vm.cpu = 401;
	vm.memory_kb = 4097;
	vm.requirements = "RACK = ";
	assert_int_equal(host_verdict(f, &vm, true), HOST_NOT_PUBLIC);
	assert_int_equal(host_verdict(f, &vm, false), HOST_DENIED);
	vm.uid = 0;
	assert_int_equal(host_verdict(f, &vm, false), HOST_NO_CPU);
	vm.cpu = 400;
	assert_int_equal(host_verdict(f, &vm, false), HOST_NO_MEMORY);
	vm.memory_kb = 4096;
	assert_int_equal(host_verdict(f, &vm, false), HOST_BAD_REQUIREMENTS);
	assert_non_null(match_requirements_error(match_class_of(f->matcher, &vm)));
	vm.requirements = "RACK = 2";
	assert_int_equal(host_verdict(f, &vm, false), HOST_UNMET);
	vm.requirements = "RACK = 1";
	assert_int_equal(host_verdict(f, &vm, false), HOST_FITS);
	assert_null(match_requirements_error(match_class_of(f->matcher, &vm)));
	assert_int_equal(match_host(f->matcher, match_class_of(f->matcher, &vm), &vm, 1, true), HOST_UNMET);
}

static void the_first_reason_against_a_datastore_is_the_verdict(void **state)
{
	struct fixture *f = *state;
	struct sched_vm vm = plain_vm();

	vm.uid = 2;
	vm.gid = 1;
	vm.disk_mb = 400;
	vm.store_requirements = "SPEED = ";
	assert_int_equal(store_verdict(f, &vm, 0), STORE_DENIED);
	vm.uid = 0;
	assert_int_equal(store_verdict(f, &vm, 1), STORE_NOT_MEASURED);
	assert_int_equal(store_verdict(f, &vm, 0), STORE_NO_SPACE); /* the last MB stays free */
	vm.disk_mb = 399;
	assert_int_equal(store_verdict(f, &vm, 0), STORE_BAD_REQUIREMENTS);
	vm.store_requirements = "SPEED = 2";
	assert_int_equal(store_verdict(f, &vm, 0), STORE_UNMET);
	vm.store_requirements = "SPEED = 1";
	assert_int_equal(store_verdict(f, &vm, 0), STORE_FITS);
	vm.store_requirements = "";
	vm.disk_mb = 1 << 20;
	assert_int_equal(store_verdict(f, &vm, 2), STORE_FITS); /* its space is the hosts' affair */
	vm.resume = true;
	assert_int_equal(store_verdict(f, &vm, 0), STORE_FITS);
	assert_int_equal(store_verdict(f, &vm, 1), STORE_FITS);
}

static void a_datastore_suits_a_host_of_its_cluster_with_space(void **state)
{
	struct fixture *f = *state;
	struct sched_vm vm = plain_vm();
	const struct sched_host *h = f->model.hosts;
	const struct sched_store *s = f->model.stores;

	assert_true(match_store_on_host(&vm, &h[0], &s[0]));
	assert_false(match_store_on_host(&vm, &h[1], &s[0])); /* another cluster */
	assert_false(match_store_on_host(&vm, &h[0], &s[1])); /* never measured */
	vm.disk_mb = 99;
	assert_true(match_store_on_host(&vm, &h[0], &s[2]));
	vm.disk_mb = 100;
	assert_false(match_store_on_host(&vm, &h[0], &s[2]));
}

static void vms_that_ask_for_the_same_are_one_class(void **state)
{
	struct fixture *f = *state;
	struct sched_vm a = plain_vm(), b = plain_vm();

	b.id = 10;
	b.cpu = 1;
	assert_ptr_equal(match_class_of(f->matcher, &a), match_class_of(f->matcher, &b));
	b.rank = "ID";
	assert_ptr_not_equal(match_class_of(f->matcher, &a), match_class_of(f->matcher, &b));
	b = plain_vm();
	b.uid = 2;
	assert_ptr_not_equal(match_class_of(f->matcher, &a), match_class_of(f->matcher, &b));
	b = plain_vm();
	b.store_requirements = "A = 1";
	assert_ptr_not_equal(match_class_of(f->matcher, &a), match_class_of(f->matcher, &b));
}

static void ranks_and_requirements_follow_the_placements(void **state)
{
	struct fixture *f = *state;
	struct sched_vm vm = plain_vm();
	struct match_class *c;

	vm.rank = "RUNNING_VMS";
	vm.store_rank = "FREE_MB";
	vm.requirements = "RUNNING_VMS < 1";
	vm.disk_mb = 100;
	c = match_class_of(f->matcher, &vm);
	assert_true(match_host_rank(f->matcher, c, 0) < 1);
	assert_true(match_store_rank(f->matcher, c, 0) > 399);
	assert_int_equal(match_host(f->matcher, c, &vm, 0, false), HOST_FITS);
	model_place(&f->model, &vm, &f->model.hosts[0], &f->model.stores[0]);
	assert_true(match_host_rank(f->matcher, c, 0) > 0);
	assert_true(match_store_rank(f->matcher, c, 0) < 301);
	assert_int_equal(match_host(f->matcher, c, &vm, 0, false), HOST_UNMET);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_reason_against_a_host_is_the_verdict),
		TEST(the_first_reason_against_a_datastore_is_the_verdict),
		TEST(a_datastore_suits_a_host_of_its_cluster_with_space),
		TEST(vms_that_ask_for_the_same_are_one_class),
		TEST(ranks_and_requirements_follow_the_placements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
