/* Tests of arenas: alignment, zeroing, growth, and strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

static bool all_zero(const void *p, size_t len)
{
	const char *c = p;

	for (size_t i = 0; i < len; i++)
		if (c[i] != 0)
			return false;
	return true;
}

static void memory_is_aligned_by_its_size(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;

	for (size_t size = 0; size < 3000; size++) {
		void *p = arena_alloc(&a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % (size >= 16 ? 16 : 8), 0);
		arena_strdup(&a, "odd");
	}
	arena_done(&a);
}

static void memory_is_zeroed_and_nobody_elses(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	char *taken[500];

	for (size_t i = 0; i < 500; i++) {
		taken[i] = arena_alloc(&a, i * 7);
		assert_true(all_zero(taken[i], i * 7));
		memset(taken[i], (int)(i % 255) + 1, i * 7);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t k = 0; k < i * 7; k++)
			assert_int_equal((unsigned char)taken[i][k], i % 255 + 1);
	arena_done(&a);
}

static void a_small_arena_takes_one_kilobyte(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;

	for (int i = 0; i < 20; i++)
		arena_strdup(&a, "a name of an attribute, or a value");
	assert_true(a.total <= 1024);
	arena_done(&a);
}

static void blocks_grow_so_that_little_is_wasted_and_malloc_is_rarely_called(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	size_t calls = 0, total = 0;

	for (int i = 0; i < 100000; i++) {
		arena_alloc(&a, 32);
		calls += a.total != total;
		total = a.total;
	}
	assert_true(calls < 100);
	assert_true(a.total < 3200000 + 70000);
	arena_done(&a);
}

static void a_large_piece_does_not_waste_the_block_in_use(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	char *before = arena_alloc(&a, 16);
	char *large = arena_alloc(&a, 1000000);
	char *after = arena_alloc(&a, 16);

	memset(large, 'x', 1000000);
	assert_ptr_equal(after, before + 16);
	/* One that would fit into the next block, but leave the greater part of this one. */
	memset(arena_alloc(&a, 1500), 'y', 1500);
	assert_ptr_equal(arena_alloc(&a, 16), after + 16);
	assert_true(a.total < 1000000 + 4096);
	arena_done(&a);
}

static void a_large_piece_may_come_first(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;

	memset(arena_alloc_raw(&a, 1000000), 'x', 1000000);
	assert_true(all_zero(arena_alloc(&a, 100), 100));
	arena_done(&a);
}

static void an_arena_is_empty_and_usable_once_freed(void **state)
{
	(void)state;
	struct arena a;

	arena_init(&a);
	arena_alloc(&a, 5000);
	arena_done(&a);
	assert_int_equal(a.total, 0);
	assert_null(a.blocks);
	assert_string_equal(arena_strdup(&a, "again"), "again");
	arena_done(&a);
	arena_done(&a);
}

static void strings_are_copied(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;
	char source[] = "abcdef";
	const char *whole = arena_strdup(&a, source), *part = arena_strndup(&a, source, 3);

	source[0] = 'X';
	assert_string_equal(whole, "abcdef");
	assert_string_equal(part, "abc");
	assert_string_equal(arena_strdup(&a, ""), "");
	assert_string_equal(arena_strndup(&a, NULL, 0), "");
	assert_null(arena_strdup(&a, NULL));
	arena_done(&a);
}

static void a_counted_string_may_hold_nul_bytes(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;

	assert_memory_equal(arena_strndup(&a, "a\0b", 3), "a\0b", 4);
	arena_done(&a);
}

static void printed_strings_may_have_any_length(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT;

	for (int width = 0; width < 3000; width += 37) {
		const char *s = arena_printf(&a, "<%*d>", width, 7);

		assert_int_equal(strlen(s), width < 1 ? 3 : width + 2);
		assert_memory_equal(s + strlen(s) - 2, "7>", 3);
	}
	arena_done(&a);
}

static void the_malloc_family_gives_pointers_even_for_nothing(void **state)
{
	(void)state;
	void *p = xmalloc(0), *q = xcalloc(0, 8);
	char *s = xstrdup("copy"), *f = xasprintf("%s-%d", "vm", 3);

	assert_non_null(p);
	assert_non_null(q);
	assert_string_equal(s, "copy");
	assert_string_equal(f, "vm-3");
	p = xrealloc(p, 100);
	memset(p, 1, 100);
	free(p);
	free(q);
	free(s);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_aligned_by_its_size),
		cmocka_unit_test(memory_is_zeroed_and_nobody_elses),
		cmocka_unit_test(a_small_arena_takes_one_kilobyte),
		cmocka_unit_test(blocks_grow_so_that_little_is_wasted_and_malloc_is_rarely_called),
		cmocka_unit_test(a_large_piece_does_not_waste_the_block_in_use),
		cmocka_unit_test(a_large_piece_may_come_first),
		cmocka_unit_test(an_arena_is_empty_and_usable_once_freed),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(a_counted_string_may_hold_nul_bytes),
		cmocka_unit_test(printed_strings_may_have_any_length),
		cmocka_unit_test(the_malloc_family_gives_pointers_even_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
