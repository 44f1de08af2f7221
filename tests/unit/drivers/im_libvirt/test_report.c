/* Reports about a host, from plain values and from libvirt's in-process test hypervisor. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/crypto.h"
#include "common/tmpl.h"
#include "drivers/im_libvirt/probe.h"
#include "drivers/im_libvirt/report.h"
#include "drivers/vmm_libvirt/virt.h"
#include "tests/lib/tsan_libvirt.h"

#define A "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define B "6695eb01-f6a4-8304-79aa-97f2502e1940"
#define RUNNING " 1 1 1 "
#define PAUSED " 3 1 1 "
#define REST "0 4096 1 2 3 4 5 6\n"

static struct report report;
static struct strbuf out;
static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	report_init(&report, "kvm");
	strbuf_init(&out);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	report_done(&report);
	strbuf_done(&out);
	arena_done(&arena);
	return 0;
}

static const struct tmpl *parsed(void)
{
	struct tmpl *t = tmpl_new(&arena);

	assert_int_equal(tmpl_parse(t, out.buf, NULL), ONE_OK);
	return t;
}

static void a_host_tells_what_it_is(void **state)
{
	(void)state;
	report_system(&report, "HOSTNAME edge01\nCPUS 4\nCPUSPEED 2400\nARCH x86_64\nMODELNAME Skylake\nCORE 0 1 1,3\n"
			       "MEMORY_NODE 0 4096 0 1\nMEMORY_NODE 1 4096\nHUGEPAGE 0 2048 16\nCORE broken\n",
		      "16000 4000 1 1 4", &out);
	assert_string_equal(out.buf,
			    "HYPERVISOR = \"kvm\"\nTOTALMEMORY = \"16000\"\nHOSTNAME = \"edge01\"\nTOTALCPU = \"400\"\n"
			    "CPUSPEED = \"2400\"\nARCH = \"x86_64\"\nMODELNAME = \"Skylake\"\n"
			    "CORE = [ NODE_ID = \"0\", ID = \"1\", CPUS = \"1,3\" ]\n"
			    "MEMORY_NODE = [ NODE_ID = \"0\", TOTAL = \"4096\", DISTANCE = \"0 1\" ]\n"
			    "MEMORY_NODE = [ NODE_ID = \"1\", TOTAL = \"4096\", DISTANCE = \"1\" ]\n"
			    "HUGEPAGE = [ NODE_ID = \"0\", SIZE = \"2048\", PAGES = \"16\" ]\n");
	parsed();
}

static void load_is_what_happened_since_the_last_look(void **state)
{
	(void)state;
	report_load(&report, "1000 400 100 300 2", &out);
	assert_string_equal(tmpl_get(parsed(), "USEDCPU"), "50");
	strbuf_reset(&out);
	report_load(&report, "1000 400 250 350 2", &out); /* 150 busy, 50 idle, of two processors */
	assert_string_equal(out.buf, "USEDCPU = \"150\"\nFREECPU = \"50\"\nUSEDMEMORY = \"600\"\nFREEMEMORY = \"400\"\n");
}

static void counters_that_went_back_and_nonsense_give_nothing(void **state)
{
	(void)state;
	report_load(&report, "1000 400 100 300 2", &out);
	strbuf_reset(&out);
	report_load(&report, "1000 4000 50 10 2", &out);
	assert_string_equal(out.buf, "USEDCPU = \"0\"\nFREECPU = \"200\"\nUSEDMEMORY = \"0\"\nFREEMEMORY = \"1000\"\n");
	strbuf_reset(&out);
	report_load(&report, "nonsense", &out);
	assert_string_equal(tmpl_get(parsed(), "FREECPU"), "0");
}

static void a_state_is_told_when_it_changes(void **state)
{
	(void)state;
	report_states(&report, A " one-7" RUNNING REST, false, &out);
	assert_string_equal(out.buf, "VM = [ ID = \"7\", DEPLOY_ID = \"" A "\", STATE = \"RUNNING\" ]\n");
	strbuf_reset(&out);
	report_states(&report, A " one-7" RUNNING REST, false, &out);
	assert_int_equal(out.len, 0);
	report_states(&report, A " one-7" PAUSED REST, false, &out);
	assert_non_null(strstr(out.buf, "SUSPENDED"));
}

static void a_domain_missed_twice_is_off_and_forgotten(void **state)
{
	(void)state;
	report_states(&report, A " one-7" RUNNING REST B " one-8" RUNNING REST, false, &out);
	strbuf_reset(&out);
	report_states(&report, B " one-8" RUNNING REST, false, &out);
	assert_int_equal(out.len, 0);
	report_states(&report, B " one-8" RUNNING REST, false, &out);
	assert_string_equal(out.buf, "VM = [ ID = \"7\", DEPLOY_ID = \"" A "\", STATE = \"POWEROFF\" ]\n");
	strbuf_reset(&out);
	report_states(&report, B " one-8" RUNNING REST, false, &out);
	assert_int_equal(out.len, 0);
}

static void a_sync_tells_all_and_what_became_of_the_others(void **state)
{
	(void)state;
	report_states(&report, A " one-7" RUNNING REST, false, &out);
	strbuf_reset(&out);
	report_states(&report, A " one-7" RUNNING REST, true, &out);
	const struct tmpl *t = parsed();
	assert_string_equal(tmpl_get(t, "SYNC_STATE"), "yes");
	assert_string_equal(tmpl_get(t, "MISSING_STATE"), "POWEROFF");
	assert_string_equal(attr_get(tmpl_vector(t, "VM"), "ID"), "7");
}

/* One of them may have been imported, by its UUID or its name; the cloud's are "one-" and a number. */
static void domains_of_others_are_told_by_uuid_and_name(void **state)
{
	(void)state;
	report_states(&report, A " web.1" RUNNING REST, false, &out);
	assert_string_equal(out.buf, "VM = [ ID = \"-1\", DEPLOY_ID = \"" A "\", STATE = \"RUNNING\" ]\n"
				     "VM = [ ID = \"-1\", DEPLOY_ID = \"web.1\", STATE = \"RUNNING\" ]\n");
	strbuf_reset(&out);
	report_vms(&report, A " web.1" RUNNING REST, 1000, &out);
	const struct attr *first = tmpl_vector(parsed(), "VM");
	assert_string_equal(attr_get(first, "DEPLOY_ID"), A);
	assert_string_equal(attr_get(tmpl_find_next(first), "DEPLOY_ID"), "web.1");
	strbuf_reset(&out);
	report_states(&report, "", false, &out);
	report_states(&report, "", false, &out);
	assert_string_equal(out.buf, "VM = [ ID = \"-1\", DEPLOY_ID = \"" A "\", STATE = \"POWEROFF\" ]\n"
				     "VM = [ ID = \"-1\", DEPLOY_ID = \"web.1\", STATE = \"POWEROFF\" ]\n");
	strbuf_reset(&out);
	report_states(&report, A " one-x" RUNNING REST B " x\",ID=\"7" RUNNING REST, false, &out);
	assert_string_equal(out.buf, "VM = [ ID = \"-1\", DEPLOY_ID = \"" A "\", STATE = \"RUNNING\" ]\n"
				     "VM = [ ID = \"-1\", DEPLOY_ID = \"one-x\", STATE = \"RUNNING\" ]\n"
				     "VM = [ ID = \"-1\", DEPLOY_ID = \"" B "\", STATE = \"RUNNING\" ]\n");
}

static void every_state_of_libvirt_is_one_of_ours(void **state)
{
	(void)state;
	static const struct { int state, reason; const char *wanted; } rows[] = {
		{ VIR_DOMAIN_RUNNING, 1, "RUNNING" },
		{ VIR_DOMAIN_BLOCKED, 0, "RUNNING" },
		{ VIR_DOMAIN_SHUTDOWN, 0, "RUNNING" },
		{ VIR_DOMAIN_SHUTOFF, 0, "POWEROFF" },
		{ VIR_DOMAIN_CRASHED, 0, "FAILURE" },
		{ VIR_DOMAIN_PMSUSPENDED, 0, "SUSPENDED" },
		{ VIR_DOMAIN_NOSTATE, 0, "UNKNOWN" },
		{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, "SUSPENDED" },
		{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, "RUNNING" },
		{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_SNAPSHOT, "RUNNING" },
		{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, "FAILURE" },
		{ VIR_DOMAIN_PAUSED, 99, "UNKNOWN" },
		{ 99, 0, "UNKNOWN" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *line = arena_printf(&arena, A " one-7 %d %d 1 " REST, rows[i].state, rows[i].reason);
		strbuf_reset(&out);
		report_states(&report, line, true, &out);
		assert_string_equal(attr_get(tmpl_vector(parsed(), "VM"), "STATE"), rows[i].wanted);
	}
}

static void a_vms_load_is_in_percent_of_a_processor(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	report_vms(&report, A " one-7" RUNNING "1000000000 4096 1 2 3 4 5 6\n", 10000, &out);
	strbuf_reset(&out);
	report_vms(&report, A " one-7" RUNNING "1500000000 4096 1 2 3 4 5 6\n", 12000, &out);
	const char *b64 = attr_get(tmpl_vector(parsed(), "VM"), "MONITOR");
	assert_true(base64_decode(b64, strlen(b64), &text));
	assert_string_equal(text.buf, "CPU = \"25.00\"\nMEMORY = \"4096\"\nNETRX = \"1\"\nNETTX = \"2\"\nDISKRDBYTES = \"3\"\n"
				      "DISKWRBYTES = \"4\"\nDISKRDIOPS = \"5\"\nDISKWRIOPS = \"6\"\n");
	strbuf_done(&text);
}

static void a_hypervisor_answers_all_questions(void **state)
{
	const struct virt_op op = { 0 };
	struct strbuf node = STRBUF_INIT, load = STRBUF_INIT, domains = STRBUF_INIT;
	virConnectPtr c;

	(void)state;
	assert_int_equal(virt_open("test:///default", &c, NULL), ONE_OK);
	assert_int_equal(probe_node(&op, c, NULL, &node, NULL), ONE_OK);
	assert_int_equal(probe_load(&op, c, NULL, &load, NULL), ONE_OK);
	assert_int_equal(probe_domains(&op, c, NULL, &domains, NULL), ONE_OK);
	assert_non_null(strstr(domains.buf, " test 1 "));
	report_system(&report, node.buf, load.buf, &out);
	const struct tmpl *t = parsed();
	assert_string_equal(tmpl_get(t, "TOTALCPU"), "1600");
	assert_string_equal(tmpl_get(t, "TOTALMEMORY"), "3145728");
	assert_non_null(tmpl_vector(t, "CORE"));
	virConnectClose(c);
	strbuf_done(&node);
	strbuf_done(&load);
	strbuf_done(&domains);
}

static int start(void **state)
{
	(void)state;
	return virt_start(NULL) == ONE_OK ? 0 : -1;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_host_tells_what_it_is),
		CASE(load_is_what_happened_since_the_last_look),
		CASE(counters_that_went_back_and_nonsense_give_nothing),
		CASE(a_state_is_told_when_it_changes),
		CASE(a_domain_missed_twice_is_off_and_forgotten),
		CASE(a_sync_tells_all_and_what_became_of_the_others),
		CASE(domains_of_others_are_told_by_uuid_and_name),
		CASE(every_state_of_libvirt_is_one_of_ours),
		CASE(a_vms_load_is_in_percent_of_a_processor),
		CASE(a_hypervisor_answers_all_questions),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
