/* Tests of hosts and datastores as tables, and of the capacity that goes down in them. */
#include <string.h>

#include "tests/unit/scheduler/pools_xml.h"

struct fixture {
	struct arena arena;
	struct model model;
	struct strbuf xml;
};

static int set_up(void **state)
{
	static struct fixture f;

	arena_init(&f.arena);
	model_init(&f.model, &f.arena, 0);
	strbuf_init(&f.xml);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	strbuf_done(&f->xml);
	model_done(&f->model);
	arena_done(&f->arena);
	return 0;
}

static struct xnode *wrapped(struct fixture *f, const char *root)
{
	return parse_xml(&f->arena, arena_printf(&f->arena, "<%s>%s</%s>", root, f->xml.buf, root));
}

static void only_monitored_hosts_are_kept_by_id(void **state)
{
	struct fixture *f = *state;

	for (int st = 8; st >= 0; st--)
		add_host(&f->xml, &(struct xml_host){ .id = st, .state = st });
	model_read_hosts(&f->model, wrapped(f, "HOST_POOL"), NULL, NULL);
	assert_int_equal(f->model.n_hosts, 2);
	assert_int_equal(f->model.hosts[0].id, 1);
	assert_int_equal(f->model.hosts[1].id, 2);
	assert_ptr_equal(model_host(&f->model, 2), &f->model.hosts[1]);
	assert_null(model_host(&f->model, 3));
}

static void hosts_are_asked_for_attributes_of_share_template_monitoring_and_cluster(void **state)
{
	static const char CLUSTERS[] = "<CLUSTER_POOL><CLUSTER><ID>7</ID><TEMPLATE><TIER>gold</TIER></"
				       "TEMPLATE></CLUSTER></CLUSTER_POOL>";
	static const char SAMPLES[] =
		"<MONITORING_DATA><MONITORING><ID>1</ID><CAPACITY><FREE_CPU>77</FREE_CPU></CAPACITY>"
		"<SYSTEM><NETRX>5</NETRX></SYSTEM></MONITORING></MONITORING_DATA>";
	static const struct {
		const char *name, *value;
	} ASKED[] = {
		{ "ID", "1" },
		{ "NAME", "rack1" },
		{ "CLUSTER", "c7" },
		{ "MAX_CPU", "800" },
		{ "FREE_DISK", "50" },
		{ "RACK", "3" },
		{ "FREE_CPU", "77" },
		{ "NETRX", "5" },
		{ "TIER", "gold" },
		{ "CLUSTER_TEMPLATE/TIER", "gold" },
		{ "NOSUCH", NULL },
		{ "MONITORING/CAPACITY/FREE_CPU", "77" },
		{ "/HOST/CLUSTER_TEMPLATE/TIER", "gold" },
		{ "CURRENT_VMS", "12" },
	};
	struct fixture *f = *state;

	add_host(&f->xml, &(struct xml_host){ .id = 1,
					      .state = 2,
					      .cluster = 7,
					      .max_cpu = 800,
					      .free_disk = 50,
					      .attributes = "<RACK>3</RACK>",
					      .vms = "<ID>12</ID><ID>13</ID>" });
	model_read_hosts(&f->model, wrapped(f, "HOST_POOL"), parse_xml(&f->arena, CLUSTERS),
			 parse_xml(&f->arena, SAMPLES));
	for (size_t i = 0; i < sizeof(ASKED) / sizeof(ASKED[0]); i++) {
		const char *value = host_lookup(&f->model.hosts[0], ASKED[i].name, 0);

		if (ASKED[i].value)
			assert_string_equal(value, ASKED[i].value);
		else
			assert_null(value);
	}
	assert_string_equal(host_lookup(&f->model.hosts[0], "CURRENT_VMS", 1), "13");
	assert_null(host_lookup(&f->model.hosts[0], "CURRENT_VMS", 2));
}

static void placing_a_vm_changes_numbers_and_attributes_of_the_host(void **state)
{
	static const char SAMPLES[] = "<MONITORING_DATA><MONITORING><ID>1</ID><CAPACITY><FREE_CPU>700</"
				      "FREE_CPU><FREE_MEMORY>9000</FREE_MEMORY>"
				      "</CAPACITY></MONITORING></MONITORING_DATA>";
	struct fixture *f = *state;
	struct sched_vm vm = { .id = 40, .cpu = 150, .memory_kb = 2000, .disk_mb = 10 };
	struct sched_host *h;

	add_host(&f->xml, &(struct xml_host){ .id = 1,
					      .state = 2,
					      .max_cpu = 800,
					      .used_cpu = 100,
					      .max_memory = 10000,
					      .used_memory = 1000,
					      .running = 1 });
	model_read_hosts(&f->model, wrapped(f, "HOST_POOL"), NULL, parse_xml(&f->arena, SAMPLES));
	h = &f->model.hosts[0];
	model_place(&f->model, &vm, h, NULL);
	assert_int_equal(h->used_cpu, 250);
	assert_int_equal(h->used_memory_kb, 3000);
	assert_int_equal(h->placed, 1);
	assert_string_equal(host_lookup(h, "RUNNING_VMS", 0), "2");
	assert_string_equal(host_lookup(h, "CPU_USAGE", 0), "250");
	assert_string_equal(host_lookup(h, "HOST_SHARE/MEM_USAGE", 0), "3000");
	assert_string_equal(host_lookup(h, "FREE_CPU", 0), "550");
	assert_string_equal(host_lookup(h, "FREE_MEMORY", 0), "7000");
	assert_string_equal(host_lookup(h, "CURRENT_VMS", 0), "40");
	for (int i = 0; i < 100; i++)
		model_place(&f->model, &vm, h, NULL);
	assert_string_equal(host_lookup(h, "CURRENT_VMS", 100), "40");
	assert_int_equal(h->epoch, 102);
}

static void datastores_are_system_ones_that_are_ready_and_image_ones(void **state)
{
	struct fixture *f = *state;

	add_store(&f->xml,
		  &(struct xml_store){
			  .id = 3, .type = 1, .total = 100, .free = 40, .attributes = "<SPEED>5</SPEED>" });
	add_store(&f->xml, &(struct xml_store){ .id = 0, .type = 1, .state = 1 });
	add_store(&f->xml, &(struct xml_store){ .id = 2, .type = 2 });
	add_store(&f->xml, &(struct xml_store){ .id = 1, .type = 0, .state = 1 });
	model_read_stores(&f->model, wrapped(f, "DATASTORE_POOL"));
	assert_int_equal(f->model.n_stores, 1);
	assert_int_equal(f->model.stores[0].id, 3);
	assert_int_equal(f->model.n_images, 1);
	assert_non_null(model_image_store(&f->model, 1));
	assert_null(model_image_store(&f->model, 3));
	assert_string_equal(store_lookup(&f->model.stores[0], "SPEED", 0), "5");
	assert_string_equal(store_lookup(&f->model.stores[0], "CLUSTERS/ID", 0), "0");
	assert_true(store_in_cluster(&f->model.stores[0], 0));
	assert_false(store_in_cluster(&f->model.stores[0], 1));
}

static void a_limit_makes_free_space_smaller_but_never_larger(void **state)
{
	static const struct {
		const char *limit;
		long long free_mb;
	} CASES[] = {
		{ "", 400 },
		{ "<LIMIT_MB>700</LIMIT_MB>", 100 },
		{ "<LIMIT_MB>9000</LIMIT_MB>", 400 },
		{ "<LIMIT_MB>500</LIMIT_MB>", 0 },
		{ "<LIMIT_MB></LIMIT_MB>", 400 },
		{ "<LIMIT_MB>all</LIMIT_MB>", 400 },
	};
	struct fixture *f = *state;

	for (int i = 0; i < (int)(sizeof(CASES) / sizeof(CASES[0])); i++)
		add_store(&f->xml, &(struct xml_store){ .id = i,
							.type = 1,
							.total = 1000,
							.free = 400,
							.attributes = CASES[i].limit });
	model_read_stores(&f->model, wrapped(f, "DATASTORE_POOL"));
	for (int i = 0; i < f->model.n_stores; i++)
		assert_int_equal(f->model.stores[i].free_mb, CASES[i].free_mb);
}

static void shared_space_is_the_datastores_and_local_space_the_hosts(void **state)
{
	static const char HOSTS[] =
		"<HOST_POOL><HOST><ID>1</ID><STATE>2</STATE><HOST_SHARE><DATASTORES><FREE_DISK>900</"
		"FREE_DISK>"
		"<DS><ID>5</ID><FREE_MB>300</FREE_MB></DS></DATASTORES></HOST_SHARE></HOST></HOST_POOL>";
	struct fixture *f = *state;
	struct sched_vm vm = { .id = 40, .disk_mb = 100 };
	struct sched_host *h;

	add_store(&f->xml, &(struct xml_store){ .id = 5, .type = 1, .local = true });
	add_store(&f->xml, &(struct xml_store){ .id = 6, .type = 1, .local = true });
	add_store(&f->xml, &(struct xml_store){ .id = 7, .type = 1, .total = 1000, .free = 400 });
	model_read_stores(&f->model, wrapped(f, "DATASTORE_POOL"));
	model_read_hosts(&f->model, parse_xml(&f->arena, HOSTS), NULL, NULL);
	h = &f->model.hosts[0];
	model_place(&f->model, &vm, h, &f->model.stores[0]);
	assert_int_equal(host_free_mb(h, 5), 200);
	assert_int_equal(host_free_mb(h, 6), 900);
	model_place(&f->model, &vm, h, &f->model.stores[1]);
	assert_int_equal(host_free_mb(h, 6), 800);
	assert_int_equal(host_free_mb(h, 8), 800); /* the same disk */
	model_place(&f->model, &vm, h, &f->model.stores[2]);
	assert_int_equal(f->model.stores[2].free_mb, 300);
	assert_string_equal(store_lookup(&f->model.stores[2], "FREE_MB", 0), "300");
	assert_string_equal(store_lookup(&f->model.stores[2], "USED_MB", 0), "700");
	vm.resume = true;
	model_place(&f->model, &vm, h, &f->model.stores[2]);
	assert_int_equal(f->model.stores[2].free_mb, 300); /* its disks are there already */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_monitored_hosts_are_kept_by_id),
		TEST(hosts_are_asked_for_attributes_of_share_template_monitoring_and_cluster),
		TEST(placing_a_vm_changes_numbers_and_attributes_of_the_host),
		TEST(datastores_are_system_ones_that_are_ready_and_image_ones),
		TEST(a_limit_makes_free_space_smaller_but_never_larger),
		TEST(shared_space_is_the_datastores_and_local_space_the_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
