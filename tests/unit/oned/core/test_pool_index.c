/* The index of a pool by owner and group: against looking at every object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "oned/core/pool_index.h"

enum { OBJECTS = 200 };

static struct pool_index x;
static struct version versions[OBJECTS];
static bool there[OBJECTS];

static int setup(void **state)
{
	(void)state;
	x = (struct pool_index){ 0 };
	for (int i = 0; i < OBJECTS; i++)
		there[i] = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_index_done(&x);
	return 0;
}

static void publish(int id, int uid, int gid, uint16_t perm)
{
	struct version now = { .id = id, .uid = uid, .gid = gid, .perm = perm };

	pool_index_change(&x, there[id] ? &versions[id] : NULL, &now);
	versions[id].id = id;
	versions[id].uid = uid;
	versions[id].gid = gid;
	versions[id].perm = perm;
	there[id] = true;
}

static void delete(int id)
{
	if (there[id])
		pool_index_change(&x, &versions[id], NULL);
	there[id] = false;
}

static void expect_ids(const struct pool_sight *s, const int *ids, int n)
{
	int *found, got = pool_index_find(&x, s, OBJECTS * 4, &found);

	assert_int_equal(got, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(found[i], ids[i]);
	free(found);
}

static void an_object_is_found_by_owner_group_and_rights(void **state)
{
	static const int gids[] = { 5 }, all[] = { 1, 2, 3, 4, 9 };
	struct idset whole = { .ids = (int[]){ 6 }, .n = 1 }, named = { .ids = (int[]){ 2, 9 }, .n = 2 };

	(void)state;
	publish(4, 7, 1, 0);
	publish(3, 8, 5, PERM_GROUP_U);
	publish(2, 8, 5, PERM_GROUP_M | PERM_OTHER_M);
	publish(1, 8, 6, 0);
	publish(0, 8, 1, PERM_OTHER_U);
	expect_ids(&(struct pool_sight){ .uid = 7 }, &all[3], 1);
	expect_ids(&(struct pool_sight){ .uid = 7, .gids = gids, .n_gids = 1 }, &all[2], 2);
	expect_ids(&(struct pool_sight){ .uid = 7, .gids = gids, .n_gids = 1, .whole_groups = &whole, .ids = &named }, all, 5);
	expect_ids(&(struct pool_sight){ .uid = -1, .everybodys = true }, (int[]){ 0 }, 1);
}

static void what_changes_hands_is_found_with_the_new_owner_only(void **state)
{
	(void)state;
	publish(4, 7, 1, 0);
	publish(4, 8, 1, PERM_OTHER_U);
	expect_ids(&(struct pool_sight){ .uid = 7 }, NULL, 0);
	expect_ids(&(struct pool_sight){ .uid = 8, .everybodys = true }, (int[]){ 4 }, 1);
	delete(4);
	expect_ids(&(struct pool_sight){ .uid = 8, .everybodys = true }, NULL, 0);
}

static void more_than_wanted_is_nothing(void **state)
{
	int *found = (int *)1;

	(void)state;
	for (int i = 0; i < 10; i++)
		publish(i, 7, 1, 0);
	assert_int_equal(pool_index_find(&x, &(struct pool_sight){ .uid = 7 }, 9, &found), -1);
	assert_null(found);
	assert_int_equal(pool_index_find(&x, &(struct pool_sight){ .uid = 7 }, 10, &found), 10);
	free(found);
}

static void it_finds_what_looking_at_all_finds(void **state)
{
	static const uint16_t perms[] = { 0, PERM_GROUP_U, PERM_OTHER_U, PERM_GROUP_U | PERM_OTHER_U, PERM_OWNER_U };

	(void)state;
	srandom(3);
	for (int round = 0; round < 3000; round++) {
		int gids[] = { (int)(random() % 4), (int)(4 + random() % 4) }, uid = (int)(random() % 8), ids[OBJECTS], n = 0;
		struct pool_sight s = { .uid = uid, .gids = gids, .n_gids = (int)(random() % 3), .everybodys = random() % 2 };

		if (random() % 4 == 0)
			delete((int)(random() % OBJECTS));
		else
			publish((int)(random() % OBJECTS), (int)(random() % 8), (int)(random() % 8), perms[random() % 5]);
		for (int i = 0; i < OBJECTS; i++) {
			bool of_group = false;

			for (int k = 0; k < s.n_gids; k++)
				of_group |= versions[i].gid == gids[k];
			if (there[i] && (versions[i].uid == uid || (of_group && (versions[i].perm & PERM_GROUP_U)) ||
					 (s.everybodys && (versions[i].perm & PERM_OTHER_U))))
				ids[n++] = i;
		}
		expect_ids(&s, ids, n);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_object_is_found_by_owner_group_and_rights), TEST(what_changes_hands_is_found_with_the_new_owner_only),
		TEST(more_than_wanted_is_nothing), TEST(it_finds_what_looking_at_all_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
