/* What dummy hosts report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "drivers/im_dummy/facts.h"

static struct arena arena = ARENA_INIT;

static struct tmpl *parse(struct strbuf *text)
{
	struct tmpl *t = tmpl_new(&arena);
	assert_int_equal(tmpl_parse(t, arena_strdup(&arena, text->buf), NULL), ONE_OK);
	strbuf_done(text);
	return t;
}

static int count(const struct tmpl *t, const char *name)
{
	int n = 0;
	for (const struct attr *a = tmpl_find(t, name); a; a = tmpl_find_next(a))
		n++;
	return n;
}

static void a_host_has_its_name_cores_memory_and_devices(void **state)
{
	struct strbuf text = STRBUF_INIT;
	(void)state;
	facts_system("h1", &text);
	const struct tmpl *t = parse(&text);
	assert_string_equal(tmpl_get(t, "HOSTNAME"), "h1");
	assert_string_equal(tmpl_get(t, "TOTALCPU"), "800");
	assert_string_equal(tmpl_get(t, "TOTALMEMORY"), "16777216");
	assert_int_equal(count(t, "CORE"), 16);
	assert_int_equal(count(t, "HUGEPAGE"), 4);
	assert_int_equal(count(t, "PCI"), 3);
	assert_int_equal(count(t, "MEMORY_NODE"), 2);
	const struct attr *core = tmpl_find(t, "CORE");
	assert_string_equal(attr_get(core, "CPUS"), "0,16,32,48");
	for (int i = 0; i < 8; i++)
		core = tmpl_find_next(core);
	assert_string_equal(attr_get(core, "ID"), "8");
	assert_string_equal(attr_get(core, "NODE_ID"), "1");
	assert_string_equal(attr_get(core, "CPUS"), "8,24,40,56");
	const struct attr *memory = tmpl_find_next(tmpl_find(t, "MEMORY_NODE"));
	assert_string_equal(attr_get(memory, "TOTAL"), "8388608");
	assert_string_equal(attr_get(memory, "DISTANCE"), "1 0");
	assert_string_equal(attr_get(tmpl_find(t, "PCI"), "ADDRESS"), "0000:02:00:0");
	assert_string_equal(attr_get(tmpl_find(t, "PCI"), "SHORT_ADDRESS"), "02:00.0");
}

static void a_load_is_within_the_totals(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct strbuf text = STRBUF_INIT;
		long long used, left;
		facts_monitor(&text);
		const struct tmpl *t = parse(&text);
		assert_true(tmpl_get_int(t, "USEDCPU", &used) && tmpl_get_int(t, "FREECPU", &left));
		assert_in_range(used, 0, 799);
		assert_int_equal(used + left, 800);
		assert_true(tmpl_get_int(t, "USEDMEMORY", &used) && tmpl_get_int(t, "FREEMEMORY", &left));
		assert_int_equal(used + left, 16777216);
	}
}

static void a_vm_uses_no_more_than_it_has(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++) {
		struct strbuf text = STRBUF_INIT;
		long long memory_kb, cpu;
		facts_vm(1000, 200, &text);
		const struct tmpl *t = parse(&text);
		assert_true(tmpl_get_int(t, "MEMORY", &memory_kb) && tmpl_get_int(t, "CPU", &cpu));
		assert_in_range(memory_kb, 200, 1000);
		assert_in_range(cpu, 10, 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_has_its_name_cores_memory_and_devices),
		cmocka_unit_test(a_load_is_within_the_totals),
		cmocka_unit_test(a_vm_uses_no_more_than_it_has),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
