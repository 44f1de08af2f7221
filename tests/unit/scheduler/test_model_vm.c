/* Tests of pending VMs as read: what they need, what they ask for, and in which order they come. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/scheduler/pools_xml.h"

struct fixture {
	struct arena arena;
	struct model model;
};

static int set_up(void **state)
{
	static struct fixture f;

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
	return 0;
}

/* Reads a pool of just this VM. */
static const struct sched_vm *read_one(struct fixture *f, const struct xml_vm *v, double memory_scale)
{
	struct strbuf xml = STRBUF_INIT;

	strbuf_lit(&xml, "<VM_POOL>");
	add_vm(&xml, v);
	strbuf_lit(&xml, "</VM_POOL>");
	model_read_vms(&f->model, parse_xml(&f->arena, xml.buf), memory_scale);
	strbuf_done(&xml);
	assert_int_equal(f->model.n_vms, 1);
	return &f->model.vms[0];
}

static void capacity_is_in_hundredths_and_kilobytes(void **state)
{
	static const struct {
		const char *cpu;
		long long hundredths;
	} CPUS[] = {
		{ "1", 100 },    { "0.1", 10 },  { "0.29", 29 },   { "0.57", 57 },
		{ "1.13", 113 }, { "0.001", 0 }, { "16.5", 1650 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(CPUS) / sizeof(CPUS[0]); i++)
		assert_int_equal(read_one(f, &(struct xml_vm){ .cpu = CPUS[i].cpu, .memory = 1 }, 0)->cpu,
				 CPUS[i].hundredths);
	assert_int_equal(read_one(f, &(struct xml_vm){ .memory = 3 }, 0)->memory_kb, 3072);
}

static void absurd_capacity_does_not_overflow(void **state)
{
	struct fixture *f = *state;
	const struct sched_vm *vm = read_one(f, &(struct xml_vm){ .cpu = "1e300", .memory = INT64_MAX }, 0);

	assert_true(vm->cpu > 0);
	assert_true(vm->memory_kb > 0);
}

static void a_vm_without_cpu_or_memory_takes_nothing(void **state)
{
	static const char DISK[] = "<DISK><TYPE>fs</TYPE><SIZE>100</SIZE></DISK>";
	struct fixture *f = *state;
	const struct sched_vm *vm =
		read_one(f, &(struct xml_vm){ .cpu = "0", .memory = 64, .attributes = DISK }, 1);

	assert_true(vm->cpu == 0 && vm->memory_kb == 0 && vm->disk_mb == 0);
	vm = read_one(f, &(struct xml_vm){ .cpu = "1", .memory = 0, .attributes = DISK }, 1);
	assert_true(vm->cpu == 0 && vm->memory_kb == 0 && vm->disk_mb == 0);
}

#define IMAGE "<DATASTORE_ID>1</DATASTORE_ID><SIZE>100</SIZE>"

static void disks_count_where_they_will_lie(void **state)
{
	static const struct {
		const char *disk;
		long long system_mb, image_mb;
		int images;
	} CASES[] = {
		{ "<DISK><TYPE>swap</TYPE><SIZE>100</SIZE></DISK>", 100, 0, 0 },
		{ "<DISK><TYPE>FS</TYPE><SIZE>100</SIZE></DISK>", 100, 0, 0 },
		{ "<DISK>" IMAGE
		  "<CLONE>YES</CLONE><CLONE_TARGET>SYSTEM</CLONE_TARGET><LN_TARGET>NONE</LN_TARGET></DISK>",
		  100, 0, 1 },
		{ "<DISK>" IMAGE
		  "<CLONE>YES</CLONE><CLONE_TARGET>SELF</CLONE_TARGET><LN_TARGET>NONE</LN_TARGET></DISK>",
		  0, 100, 1 },
		{ "<DISK>" IMAGE
		  "<CLONE>NO</CLONE><CLONE_TARGET>SYSTEM</CLONE_TARGET><LN_TARGET>NONE</LN_TARGET></DISK>",
		  0, 0, 1 },
		{ "<DISK>" IMAGE
		  "<CLONE>NO</CLONE><CLONE_TARGET>SELF</CLONE_TARGET><LN_TARGET>system</LN_TARGET></DISK>",
		  100, 0, 1 },
		{ "<DISK>" IMAGE "<CLONE>YES</CLONE><CLONE_TARGET>SYSTEM</CLONE_TARGET>"
		  "<DISK_SNAPSHOT_TOTAL_SIZE>30</DISK_SNAPSHOT_TOTAL_SIZE></DISK>",
		  130, 0, 1 },
		{ "<DISK><SIZE>100</SIZE><CLONE>YES</CLONE><CLONE_TARGET>SYSTEM</CLONE_TARGET></DISK>", 0, 0,
		  0 },
		{ "<DISK><TYPE>fs</TYPE></DISK>", 0, 0, 0 },
		{ "<DISK>" IMAGE "<CLONE>YES</CLONE><CLONE_TARGET>SELF</CLONE_TARGET></DISK>"
		  "<DISK>" IMAGE "<CLONE>YES</CLONE><CLONE_TARGET>SELF</CLONE_TARGET></DISK>",
		  0, 200, 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		const struct sched_vm *vm =
			read_one(f, &(struct xml_vm){ .memory = 64, .attributes = CASES[i].disk }, 0);

		assert_int_equal(vm->disk_mb, CASES[i].system_mb);
		assert_int_equal(vm->n_images, CASES[i].images);
		if (vm->n_images)
			assert_int_equal(vm->images[0].mb, CASES[i].image_mb);
	}
}

static void memory_counts_as_disk_by_the_scale(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_one(f, &(struct xml_vm){ .memory = 64 }, 1.5)->disk_mb, 96);
	assert_int_equal(read_one(f, &(struct xml_vm){ .memory = 64 }, 0)->disk_mb, 0);
}

static void automatic_requirements_stand_before_the_users(void **state)
{
	static const char AUTOMATIC[] =
		"<AUTOMATIC_REQUIREMENTS>(CLUSTER_ID = 0) &amp; !(PUBLIC_CLOUD = "
		"YES)</AUTOMATIC_REQUIREMENTS>"
		"<AUTOMATIC_DS_REQUIREMENTS>(\"CLUSTERS/ID\" @&gt; 0)</AUTOMATIC_DS_REQUIREMENTS>";
	static const char USER[] =
		"<SCHED_REQUIREMENTS>A = 1 | B = 2</SCHED_REQUIREMENTS><SCHED_DS_REQUIREMENTS>C = "
		"3</SCHED_DS_REQUIREMENTS>";
	struct fixture *f = *state;
	const struct sched_vm *vm =
		read_one(f, &(struct xml_vm){ .memory = 1, .attributes = AUTOMATIC, .user = USER }, 0);

	assert_string_equal(vm->requirements, "(CLUSTER_ID = 0) & !(PUBLIC_CLOUD = YES) & ( A = 1 | B = 2 )");
	assert_string_equal(vm->store_requirements, "(\"CLUSTERS/ID\" @> 0) & ( C = 3 )");
	vm = read_one(f, &(struct xml_vm){ .memory = 1, .attributes = AUTOMATIC }, 0);
	assert_string_equal(vm->requirements, "(CLUSTER_ID = 0) & !(PUBLIC_CLOUD = YES)");
	vm = read_one(f, &(struct xml_vm){ .memory = 1, .user = USER }, 0);
	assert_string_equal(vm->requirements, "A = 1 | B = 2");
	assert_string_equal(read_one(f, &(struct xml_vm){ .memory = 1 }, 0)->store_requirements, "");
}

static void ranks_priority_and_message_come_from_the_user_template(void **state)
{
	struct fixture *f = *state;
	const struct sched_vm *vm = read_one(
		f,
		&(struct xml_vm){ .memory = 1,
				  .uid = 3,
				  .gid = 100,
				  .user = "<RANK>A</RANK><SCHED_DS_RANK>B</SCHED_DS_RANK><USER_PRIORITY>2.5</"
					  "USER_PRIORITY><SCHED_MESSAGE>m</SCHED_MESSAGE>" },
		0);

	assert_string_equal(vm->rank, "A");
	assert_string_equal(vm->store_rank, "B");
	assert_string_equal(vm->message, "m");
	assert_true(vm->priority > 2.4 && vm->priority < 2.6);
	assert_int_equal(vm->uid, 3);
	assert_int_equal(vm->gid, 100);
	vm = read_one(f,
		      &(struct xml_vm){ .memory = 1,
					.user = "<RANK>A</RANK><SCHED_RANK>C</"
						"SCHED_RANK><USER_PRIORITY>high</USER_PRIORITY>" },
		      0);
	assert_string_equal(vm->rank, "C");
	assert_true(vm->priority >= 0 && vm->priority <= 0);
}

static void stopped_and_undeployed_vms_resume(void **state)
{
	static const struct {
		const char *history;
		bool resume;
	} CASES[] = {
		{ "", false },
		{ "<HISTORY><ACTION>9</ACTION></HISTORY>", true },
		{ "<HISTORY><ACTION>5</ACTION></HISTORY>", true },
		{ "<HISTORY><ACTION>6</ACTION></HISTORY>", true },
		{ "<HISTORY><ACTION>14</ACTION></HISTORY>", false },
		{ "<HISTORY><ACTION>9</ACTION></HISTORY><HISTORY><ACTION>14</ACTION></HISTORY>", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		assert_int_equal(
			read_one(f, &(struct xml_vm){ .memory = 1, .history = CASES[i].history }, 0)->resume,
			CASES[i].resume);
}

static void vms_come_by_priority_and_then_by_age_and_only_pending_ones(void **state)
{
	static const struct {
		int id;
		const char *priority;
	} VMS[] = { { 4, "" }, { 2, "5" }, { 1, "-1" }, { 0, "5.5" }, { 3, "0" } };
	static const int ORDER[] = { 0, 2, 3, 4, 1 };
	struct fixture *f = *state;
	struct strbuf xml = STRBUF_INIT;

	strbuf_lit(&xml, "<VM_POOL><VM><ID>9</ID><STATE>3</STATE><TEMPLATE/></VM>");
	for (size_t i = 0; i < sizeof(VMS) / sizeof(VMS[0]); i++) {
		char user[64];

		snprintf(user, sizeof(user), "<USER_PRIORITY>%s</USER_PRIORITY>", VMS[i].priority);
		add_vm(&xml, &(struct xml_vm){ .id = VMS[i].id, .memory = 1, .user = user });
	}
	strbuf_lit(&xml, "</VM_POOL>");
	model_read_vms(&f->model, parse_xml(&f->arena, xml.buf), 0);
	assert_int_equal(f->model.n_vms, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(f->model.vms[i].id, ORDER[i]);
	strbuf_done(&xml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(capacity_is_in_hundredths_and_kilobytes),
		TEST(absurd_capacity_does_not_overflow),
		TEST(a_vm_without_cpu_or_memory_takes_nothing),
		TEST(disks_count_where_they_will_lie),
		TEST(memory_counts_as_disk_by_the_scale),
		TEST(automatic_requirements_stand_before_the_users),
		TEST(ranks_priority_and_message_come_from_the_user_template),
		TEST(stopped_and_undeployed_vms_resume),
		TEST(vms_come_by_priority_and_then_by_age_and_only_pending_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
