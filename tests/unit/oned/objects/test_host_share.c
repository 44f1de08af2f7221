/* What hosts have and what VMs are promised of it: CPU and memory, PCI devices, NUMA nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "oned/objects/host_share.h"

struct fixture { struct arena arena; struct host_share share; struct one_err err; };

static struct tmpl *parsed(struct fixture *f, const char *text)
{
	struct tmpl *t = tmpl_new(&f->arena);

	if (tmpl_parse(t, text, &f->err))
		fail_msg("%s", f->err.text);
	return t;
}

/* Two nodes of two cores of two threads: cpus 0,4 1,5 and 2,6 3,7; 1 GB each, 100 pages of 2 MB each; three devices. */
static const char monitored[] =
	"TOTALCPU=800\nTOTALMEMORY=2097152\nDS_LOCATION_TOTAL_MB=1000\nDS_LOCATION_USED_MB=400\nDS_LOCATION_FREE_MB=600\n"
	"CORE=[NODE_ID=0,ID=0,CPUS=\"0,4\"]\nCORE=[NODE_ID=0,ID=1,CPUS=\"1,5\"]\n"
	"CORE=[NODE_ID=1,ID=2,CPUS=\"2,6\"]\nCORE=[NODE_ID=1,ID=3,CPUS=\"3,7\"]\n"
	"HUGEPAGE=[NODE_ID=0,SIZE=2048,PAGES=100,FREE=100]\nHUGEPAGE=[NODE_ID=1,SIZE=2048,PAGES=100,FREE=100]\n"
	"MEMORY_NODE=[NODE_ID=0,TOTAL=1048576,FREE=1000000,USED=0,DISTANCE=\"0 1\"]\n"
	"MEMORY_NODE=[NODE_ID=1,TOTAL=1048576,FREE=1000000,USED=0,DISTANCE=\"1 0\"]\n"
	"PCI=[ADDRESS=\"0000:01:00:0\",SHORT_ADDRESS=\"01:00.0\",DOMAIN=\"0000\",BUS=\"01\",SLOT=\"00\",FUNCTION=\"0\",VENDOR=\"10de\","
	"DEVICE=\"0aa7\",CLASS=\"0c03\",NUMA_NODE=1]\n"
	"PCI=[ADDRESS=\"0000:02:00:0\",SHORT_ADDRESS=\"02:00.0\",VENDOR=\"10de\",DEVICE=\"0aa7\",CLASS=\"0c03\"]\n"
	"PCI=[ADDRESS=\"0000:03:00:0\",SHORT_ADDRESS=\"03:00.0\",VENDOR=\"8086\",DEVICE=\"1000\",CLASS=\"0200\"]\nOTHER=kept";

static int begin(void **state)
{
	static struct fixture f;
	struct tmpl *host;

	f = (struct fixture){ .arena = ARENA_INIT, .err = ONE_ERR_INIT };
	host_share_init(&f.share, &f.arena);
	host = parsed(&f, monitored);
	host_share_monitor(&f.share, host, "", "");
	assert_string_equal(tmpl_get(host, "OTHER"), "kept");
	assert_null(tmpl_find(host, "PCI"));
	assert_null(tmpl_find(host, "TOTALCPU"));
	*state = &f;
	return 0;
}

static int end(void **state)
{
	arena_done(&((struct fixture *)*state)->arena);
	return 0;
}

static const char *rendered(struct fixture *f)
{
	struct strbuf out = STRBUF_INIT;
	const char *text;

	host_share_render(&f->share, &out);
	text = arena_strdup(&f->arena, out.buf);
	strbuf_done(&out);
	return text;
}

static enum one_rc test(struct fixture *f, const struct capacity *c)
{
	one_err_clear(&f->err);
	return host_share_test(&f->share, c, &f->err);
}

/* ---- CPU, memory, disk ---- */

static void what_fits_is_booked_and_given_back(void **state)
{
	struct fixture *f = *state;
	const struct capacity c = { .cpu_percent = 500, .memory_kb = 1048576, .disk_mb = 10 };

	assert_int_equal(test(f, &c), ONE_OK);
	host_share_add(&f->share, 1, &c);
	assert_int_equal(f->share.cpu_usage, 500);
	assert_int_equal(f->share.mem_usage_kb, 1048576);
	assert_int_equal(f->share.disk_usage_mb, 10);
	assert_int_equal(f->share.running_vms, 1);
	assert_int_equal(test(f, &c), ONE_ACTION);
	assert_string_equal(f->err.text, "Not enough CPU: 500/300");
	host_share_del(&f->share, 1, &c);
	host_share_del(&f->share, 1, &c); /* never below nothing */
	assert_int_equal(f->share.cpu_usage, 0);
	assert_int_equal(f->share.mem_usage_kb, 0);
	assert_int_equal(f->share.running_vms, 0);
}

static void memory_that_is_not_there_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(test(f, &(struct capacity){ .cpu_percent = 10, .memory_kb = 2097153 }), ONE_ACTION);
	assert_string_equal(f->err.text, "Not enough memory: 2097153/2097152");
}

static void reservations_are_numbers_or_percentages(void **state)
{
	struct fixture *f = *state;

	host_share_reserve(&f->share, "200", "25%");
	assert_int_equal(f->share.max_cpu, 600);
	assert_int_equal(f->share.max_mem_kb, 1572864);
	host_share_reserve(&f->share, "-200", " -100% ");
	assert_int_equal(f->share.max_cpu, 1000); /* more than there is: overcommitment */
	assert_int_equal(f->share.max_mem_kb, 4194304);
	host_share_reserve(&f->share, "half", "");
	assert_int_equal(f->share.max_cpu, 800);
	assert_int_equal(f->share.max_mem_kb, 2097152);
}

static void a_host_that_is_offline_has_nothing(void **state)
{
	struct fixture *f = *state;

	host_share_reset(&f->share);
	assert_int_equal(test(f, &(struct capacity){ .cpu_percent = 1 }), ONE_ACTION);
}

static void a_share_is_the_same_after_loading(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm = parsed(f, "VCPU=2\nTOPOLOGY=[PIN_POLICY=THREAD]\nNUMA_NODE=[TOTAL_CPUS=2,MEMORY=1024]\nPCI=[VENDOR=8086]");
	struct host_share again;
	const char *before;
	struct xnode *x;

	host_share_add(&f->share, 7, &(struct capacity){ .cpu_percent = 200, .memory_kb = 1024, .vm_template = vm });
	before = rendered(f);
	assert_int_equal(xml_parse(&f->arena, before, strlen(before), XML_MAX_DEPTH, 65536, &x, &f->err), ONE_OK);
	host_share_load(&again, &f->arena, x);
	f->share = again;
	assert_string_equal(rendered(f), before);
}

/* ---- PCI ---- */

static const char *device_of(struct tmpl *vm)
{
	return attr_get(tmpl_find(vm, "PCI"), "ADDRESS") ? attr_get(tmpl_find(vm, "PCI"), "ADDRESS") : "";
}

static void a_device_is_found_by_what_it_is(void **state)
{
	struct fixture *f = *state;
	struct tmpl *first = parsed(f, "PCI=[VENDOR=10de,CLASS=0c03]"), *second = parsed(f, "PCI=[DEVICE=\"0AA7\"]");
	struct tmpl *third = parsed(f, "PCI=[VENDOR=10de]");

	host_share_add(&f->share, 1, &(struct capacity){ .vm_template = first });
	host_share_add(&f->share, 2, &(struct capacity){ .vm_template = second });
	assert_string_equal(device_of(first), "0000:01:00:0");
	assert_string_equal(attr_get(tmpl_find(first, "PCI"), "NUMA_NODE"), "1");
	assert_string_equal(device_of(second), "0000:02:00:0");
	assert_int_equal(test(f, &(struct capacity){ .vm_template = third }), ONE_ACTION);
	assert_string_equal(f->err.text, "Unavailable PCI device.");
	host_share_del(&f->share, 1, &(struct capacity){ .vm_template = first });
	assert_int_equal(test(f, &(struct capacity){ .vm_template = third }), ONE_OK);
}

static void a_device_is_found_by_its_address_before_others_take_it(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm = parsed(f, "PCI=[VENDOR=10de]\nPCI=[SHORT_ADDRESS=\"01:00.0\"]");

	host_share_add(&f->share, 1, &(struct capacity){ .vm_template = vm });
	for (const struct attr *a = tmpl_find(vm, "PCI"); a; a = tmpl_find_next(a))
		assert_string_equal(attr_get(a, "ADDRESS"), attr_get(a, "VENDOR") ? "0000:02:00:0" : "0000:01:00:0");
}

static void nonsense_matches_no_device(void **state)
{
	struct fixture *f = *state;

	assert_false(host_pci_test(&f->share, parsed(f, "PCI=[VENDOR=xyz]")));
	assert_false(host_pci_test(&f->share, parsed(f, "PCI=[TYPE=NIC]")));
	assert_false(host_pci_test(&f->share, parsed(f, "PCI=[VENDOR=10de,DEVICE=1000]")));
}

static void a_device_in_use_stays_when_it_is_no_longer_monitored(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm = parsed(f, "PCI=[VENDOR=8086]");

	host_share_add(&f->share, 4, &(struct capacity){ .vm_template = vm });
	host_share_monitor(&f->share, parsed(f, "TOTALCPU=800"), "", "");
	assert_non_null(strstr(rendered(f), "<VMID><![CDATA[4]]></VMID>"));
	assert_null(strstr(rendered(f), "0000:01:00:0"));
	host_share_del(&f->share, 4, &(struct capacity){ .vm_template = vm });
	host_share_monitor(&f->share, parsed(f, "TOTALCPU=800"), "", "");
	assert_null(strstr(rendered(f), "0000:03:00:0"));
}

/* ---- NUMA ---- */

static struct tmpl *book(struct fixture *f, int vm_id, const char *text)
{
	struct tmpl *vm = parsed(f, text);

	if (test(f, &(struct capacity){ .vm_template = vm }))
		return NULL;
	host_share_add(&f->share, vm_id, &(struct capacity){ .vm_template = vm });
	return vm;
}

static const char *got(struct tmpl *vm, const char *name)
{
	const struct attr *node = vm ? tmpl_find(vm, "NUMA_NODE") : NULL;

	return node && attr_get(node, name) ? attr_get(node, name) : "";
}

#define PINNED(policy, cpus) "VCPU=" cpus "\nTOPOLOGY=[PIN_POLICY=" policy "]\nNUMA_NODE=[TOTAL_CPUS=" cpus ",MEMORY=1024]"

static void threads_of_a_core_go_together(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm = book(f, 1, PINNED("THREAD", "2"));

	assert_non_null(vm);
	assert_true(!strcmp(got(vm, "CPUS"), "2,6") || !strcmp(got(vm, "CPUS"), "0,4"));
	assert_string_equal(attr_get(tmpl_find(vm, "TOPOLOGY"), "THREADS"), "2");
	assert_string_equal(attr_get(tmpl_find(vm, "TOPOLOGY"), "CORES"), "1");
}

static void a_dedicated_core_is_for_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm = book(f, 1, PINNED("CORE", "2")), *other;

	assert_non_null(vm);
	other = book(f, 2, PINNED("THREAD", "4"));
	assert_non_null(other); /* the other node */
	assert_string_not_equal(got(vm, "NODE_ID"), got(other, "NODE_ID"));
	assert_null(book(f, 3, PINNED("THREAD", "1")));
	host_share_del(&f->share, 1, &(struct capacity){ .vm_template = vm });
	assert_non_null(book(f, 3, PINNED("THREAD", "4")));
}

static void a_thread_is_shared_as_often_as_the_host_allows(void **state)
{
	struct fixture *f = *state;

	host_share_shape(&f->share, parsed(f, "VMS_THREAD=2"));
	for (int i = 0; i < 4; i++)
		assert_non_null(book(f, i, PINNED("SHARED", "4")));
	assert_null(book(f, 9, PINNED("SHARED", "1")));
}

static void isolated_cpus_are_not_given(void **state)
{
	struct fixture *f = *state;

	host_share_shape(&f->share, parsed(f, "ISOLCPUS=\"0,4,1,5,2,6\""));
	assert_null(book(f, 1, PINNED("THREAD", "4")));
	assert_string_equal(got(book(f, 1, PINNED("THREAD", "2")), "CPUS"), "3,7");
}

static void a_vm_with_an_affinity_goes_whole_to_its_node(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm = book(f, 1, "TOPOLOGY=[NODE_AFFINITY=1]\nNUMA_NODE=[TOTAL_CPUS=1,MEMORY=1024]");

	assert_string_equal(got(vm, "NODE_ID"), "1");
	assert_string_equal(got(vm, "MEMORY_NODE_ID"), "1");
	assert_string_equal(got(vm, "CPUS"), "2,6,3,7");
	assert_null(book(f, 2, "TOPOLOGY=[NODE_AFFINITY=7]\nNUMA_NODE=[TOTAL_CPUS=1,MEMORY=1024]"));
}

static void huge_pages_run_out(void **state)
{
	static const char *const vm = "TOPOLOGY=[HUGEPAGE_SIZE=2]\nNUMA_NODE=[TOTAL_CPUS=1,MEMORY=122880]"; /* 60 pages */
	struct fixture *f = *state;
	struct tmpl *first = book(f, 1, vm), *second = book(f, 2, vm);

	assert_non_null(first);
	assert_string_not_equal(got(first, "NODE_ID"), got(second, "NODE_ID"));
	assert_null(book(f, 3, vm));
	assert_string_equal(f->err.text, "Cannot allocate NUMA topology");
	host_share_del(&f->share, 1, &(struct capacity){ .vm_template = first });
	assert_non_null(book(f, 3, vm));
}

static void memory_comes_from_the_nearest_node_that_has_it(void **state)
{
	struct fixture *f = *state;
	struct tmpl *vm;

	assert_non_null(book(f, 1, "TOPOLOGY=[NODE_AFFINITY=0]\nNUMA_NODE=[TOTAL_CPUS=1,MEMORY=1048576]"));
	assert_non_null(book(f, 2, PINNED("THREAD", "4"))); /* node 1, the one with memory */
	vm = book(f, 3, PINNED("THREAD", "4"));
	assert_string_equal(got(vm, "NODE_ID"), "0");
	assert_string_equal(got(vm, "MEMORY_NODE_ID"), "1");
}

static void what_vms_have_stays_when_a_host_is_monitored_again(void **state)
{
	struct fixture *f = *state;
	const char *before;

	assert_non_null(book(f, 1, PINNED("CORE", "2")));
	before = rendered(f);
	host_share_monitor(&f->share, parsed(f, monitored), "", "");
	assert_string_equal(rendered(f), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_fits_is_booked_and_given_back),
		TEST(memory_that_is_not_there_is_told),
		TEST(reservations_are_numbers_or_percentages),
		TEST(a_host_that_is_offline_has_nothing),
		TEST(a_share_is_the_same_after_loading),
		TEST(a_device_is_found_by_what_it_is),
		TEST(a_device_is_found_by_its_address_before_others_take_it),
		TEST(nonsense_matches_no_device),
		TEST(a_device_in_use_stays_when_it_is_no_longer_monitored),
		TEST(threads_of_a_core_go_together),
		TEST(a_dedicated_core_is_for_nobody_else),
		TEST(a_thread_is_shared_as_often_as_the_host_allows),
		TEST(isolated_cpus_are_not_given),
		TEST(a_vm_with_an_affinity_goes_whole_to_its_node),
		TEST(huge_pages_run_out),
		TEST(memory_comes_from_the_nearest_node_that_has_it),
		TEST(what_vms_have_stays_when_a_host_is_monitored_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
