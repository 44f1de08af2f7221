#include "oned/core/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void assert_ids(const struct idset *s, const int *ids, int n)
{
	assert_int_equal(s->n, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(s->ids[i], ids[i]);
}

static void ids_of_any_order_join_a_set(void **state)
{
	struct arena arena = ARENA_INIT;
	struct idset s = { 0 };
	int first[] = { 9, 3, 3, 7 }, second[] = { 8, 1, 3, 12, 1 }, third[] = { 0 };
	const int one[] = { 3, 7, 9 }, both[] = { 1, 3, 7, 8, 9, 12 }, all[] = { 0, 1, 3, 7, 8, 9, 12 };

	(void)state;
	idset_add_all(&s, &arena, first, COUNT(first));
	assert_ids(&s, one, COUNT(one));
	idset_add_all(&s, &arena, second, COUNT(second));
	assert_ids(&s, both, COUNT(both));
	idset_add_all(&s, &arena, third, 0);
	assert_ids(&s, both, COUNT(both));
	idset_add_all(&s, &arena, third, 1);
	assert_ids(&s, all, COUNT(all));
	arena_done(&arena);
}

static void it_is_as_if_each_were_added_alone(void **state)
{
	struct arena arena = ARENA_INIT;
	struct idset alone = { 0 }, together = { 0 };
	unsigned dice = 7;

	(void)state;
	for (int round = 0; round < 200; round++) {
		int ids[40], n = (int)((dice = dice * 1103515245 + 12345) >> 16) % 41;

		for (int i = 0; i < n; i++) {
			ids[i] = (int)((dice = dice * 1103515245 + 12345) >> 16) % 500;
			idset_add(&alone, &arena, ids[i]);
		}
		idset_add_all(&together, &arena, ids, n);
		assert_ids(&together, alone.ids, alone.n);
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_any_order_join_a_set),
		cmocka_unit_test(it_is_as_if_each_were_added_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
