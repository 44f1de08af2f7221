/* Tests of the hash maps: against a plain array, over many random changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"

#define KEYS 600

/* Different pointers to serve as values. */
static char values[2 * KEYS];

static void an_empty_map_has_nothing(void **state)
{
	(void)state;
	struct imap im = IMAP_INIT;
	struct smap sm = SMAP_INIT;
	size_t it = 0;
	int64_t id;
	const char *name;
	void *val;

	assert_null(imap_get(&im, 0));
	assert_null(imap_del(&im, 0));
	assert_false(imap_next(&im, &it, &id, &val));
	assert_null(smap_get(&sm, ""));
	assert_null(smap_del(&sm, ""));
	assert_false(smap_next(&sm, &it, &name, &val));
	imap_done(&im);
	smap_done(&sm);
}

static void putting_a_key_again_returns_the_old_value(void **state)
{
	(void)state;
	struct imap im = IMAP_INIT;
	struct smap sm = SMAP_INIT;

	assert_null(imap_put(&im, -1, &values[0]));
	assert_ptr_equal(imap_put(&im, -1, &values[1]), &values[0]);
	assert_ptr_equal(imap_get(&im, -1), &values[1]);
	assert_int_equal(im.n, 1);

	assert_null(smap_put(&sm, "web", &values[0]));
	assert_ptr_equal(smap_put(&sm, "web", &values[1]), &values[0]);
	assert_ptr_equal(smap_get(&sm, "web"), &values[1]);
	assert_null(smap_get(&sm, "WEB"));
	assert_int_equal(sm.n, 1);
	imap_done(&im);
	smap_done(&sm);
}

static void integers_of_every_size_are_keys(void **state)
{
	(void)state;
	const int64_t keys[] = { 0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 32, INT64_C(2) << 32 };
	struct imap m = IMAP_INIT;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_null(imap_put(&m, keys[i], &values[i]));
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_ptr_equal(imap_get(&m, keys[i]), &values[i]);
	imap_done(&m);
}

static void strings_of_every_length_are_keys_and_are_copied(void **state)
{
	(void)state;
	char key[KEYS + 1];
	struct smap m = SMAP_INIT;

	for (size_t len = 0; len < KEYS; len++) {
		memset(key, 'k', len);
		key[len] = '\0';
		assert_null(smap_put(&m, key, &values[len]));
	}
	for (size_t len = 0; len < KEYS; len++) {
		memset(key, 'k', len);
		key[len] = '\0';
		assert_ptr_equal(smap_get(&m, key), &values[len]);
	}
	smap_done(&m);
}

/* The array that the maps must agree with. */
struct model {
	void *vals[KEYS];
	size_t n;
};

static void check_imap(const struct imap *m, const struct model *model)
{
	size_t it = 0, seen = 0;
	int64_t key;
	void *val;

	assert_int_equal(m->n, model->n);
	for (int64_t i = 0; i < KEYS; i++)
		assert_ptr_equal(imap_get(m, i * 1024), model->vals[i]);
	for (; imap_next(m, &it, &key, &val); seen++)
		assert_ptr_equal(val, model->vals[key / 1024]);
	assert_int_equal(seen, model->n);
}

static void integer_keys_survive_any_order_of_changes(void **state)
{
	(void)state;
	struct imap m = IMAP_INIT;
	struct model model = { .n = 0 };
	unsigned int seed = 1;

	for (int round = 0; round < 20000; round++) {
		int key = rand_r(&seed) % KEYS;

		if (rand_r(&seed) % 5 < 2) {
			assert_ptr_equal(imap_del(&m, key * 1024), model.vals[key]);
			model.n -= model.vals[key] != NULL;
			model.vals[key] = NULL;
		} else {
			assert_ptr_equal(imap_put(&m, key * 1024, &values[round % KEYS]), model.vals[key]);
			model.n += model.vals[key] == NULL;
			model.vals[key] = &values[round % KEYS];
		}
		if (round % 1000 == 0)
			check_imap(&m, &model);
	}
	check_imap(&m, &model);
	imap_done(&m);
}

static const char *name_of(int key, char *out, size_t size)
{
	snprintf(out, size, "user-%d-of-the-edge", key);
	return out;
}

static void check_smap(const struct smap *m, const struct model *model)
{
	size_t it = 0, seen = 0;
	const char *key;
	char name[64];
	void *val;

	assert_int_equal(m->n, model->n);
	for (int i = 0; i < KEYS; i++)
		assert_ptr_equal(smap_get(m, name_of(i, name, sizeof(name))), model->vals[i]);
	for (; smap_next(m, &it, &key, &val); seen++)
		assert_ptr_equal(val, model->vals[atoi(key + 5)]);
	assert_int_equal(seen, model->n);
}

static void string_keys_survive_any_order_of_changes(void **state)
{
	(void)state;
	struct smap m = SMAP_INIT;
	struct model model = { .n = 0 };
	unsigned int seed = 2;
	char name[64];

	for (int round = 0; round < 20000; round++) {
		int key = rand_r(&seed) % KEYS;

		name_of(key, name, sizeof(name));
		if (rand_r(&seed) % 5 < 2) {
			assert_ptr_equal(smap_del(&m, name), model.vals[key]);
			model.n -= model.vals[key] != NULL;
			model.vals[key] = NULL;
		} else {
			assert_ptr_equal(smap_put(&m, name, &values[round % KEYS]), model.vals[key]);
			model.n += model.vals[key] == NULL;
			model.vals[key] = &values[round % KEYS];
		}
		if (round % 1000 == 0)
			check_smap(&m, &model);
	}
	check_smap(&m, &model);
	smap_done(&m);
}

static void a_map_that_comes_and_goes_does_not_grow(void **state)
{
	(void)state;
	struct imap m = IMAP_INIT;

	for (int64_t i = 0; i < 100000; i++) {
		imap_put(&m, i, &values[0]);
		imap_del(&m, i - 5);
	}
	assert_int_equal(m.n, 5);
	assert_true(m.cap <= 16);
	imap_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing),
		cmocka_unit_test(putting_a_key_again_returns_the_old_value),
		cmocka_unit_test(integers_of_every_size_are_keys),
		cmocka_unit_test(strings_of_every_length_are_keys_and_are_copied),
		cmocka_unit_test(integer_keys_survive_any_order_of_changes),
		cmocka_unit_test(string_keys_survive_any_order_of_changes),
		cmocka_unit_test(a_map_that_comes_and_goes_does_not_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
