/* Snapshots of disks: a tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "oned/objects/snapshots.h"

static struct arena arena;

static struct tmpl *parsed(const char *text)
{
	struct tmpl *t = tmpl_new(&arena);
	struct one_err err = ONE_ERR_INIT;

	if (tmpl_parse(t, text, &err))
		fail_msg("%s", err.text);
	return t;
}

/* 0 - 1 - 2 and 3 beside 1; 2 is active. */
static struct tmpl *tree(const char *orphans)
{
	struct tmpl *t = parsed("CURRENT_BASE=\"-1\"\nNEXT_SNAPSHOT=4\n"
				"SNAPSHOT=[ID=0,PARENT=\"-1\",CHILDREN=\"1,3\",SIZE=10]\nSNAPSHOT=[ID=1,PARENT=0,CHILDREN=2,SIZE=11]\n"
				"SNAPSHOT=[ID=2,PARENT=1,ACTIVE=YES,SIZE=12]\nSNAPSHOT=[ID=3,PARENT=0,SIZE=13]");

	tmpl_set(t, "ALLOW_ORPHANS", orphans);
	return t;
}

static const char *of(const struct tmpl *t, int id, const char *name)
{
	const char *value = attr_get(snapshots_find(t, id), name);

	return value ? value : "";
}

static const char *reason(const struct tmpl *t, int id)
{
	static struct one_err err;

	one_err_clear(&err);
	snapshots_check_delete(t, id, &err);
	return err.text;
}

static void sizes_are_told(void **state)
{
	struct tmpl *t = tree("NO");

	(void)state;
	assert_int_equal(snapshots_size_mb(t, 1), 11);
	assert_int_equal(snapshots_size_mb(t, 9), 0);
	assert_int_equal(snapshots_total_mb(t), 46);
	assert_false(snapshots_any(parsed("NEXT_SNAPSHOT=0")));
}

static void what_the_disk_stands_on_is_not_deleted(void **state)
{
	(void)state;
	assert_string_equal(reason(tree("NO"), 2), "Cannot delete the active snapshot");
	assert_string_equal(reason(tree("NO"), 1), "Cannot delete snapshot with children");
	assert_string_equal(reason(tree("NO"), 9), "Snapshot does not exist");
	assert_string_equal(reason(tree("NO"), 3), "");
	assert_string_equal(reason(tree("YES"), 2), "");
	assert_string_equal(reason(tree("YES"), 1), "");
}

static void a_leaf_leaves_its_parent(void **state)
{
	struct tmpl *t = tree("NO");

	(void)state;
	snapshots_delete(t, 3);
	assert_null(snapshots_find(t, 3));
	assert_string_equal(of(t, 0, "CHILDREN"), "1");
	snapshots_delete(t, 2);
	assert_string_equal(of(t, 1, "CHILDREN"), "");
	assert_string_equal(of(t, 1, "ACTIVE"), "YES");
}

static void an_only_child_goes_to_its_grandparent(void **state)
{
	struct tmpl *t = tree("NO");

	(void)state;
	snapshots_delete(t, 1);
	assert_string_equal(of(t, 2, "PARENT"), "0");
	assert_string_equal(of(t, 0, "CHILDREN"), "2,3");
}

static void orphans_keep_their_word(void **state)
{
	struct tmpl *t = tree("YES");

	(void)state;
	snapshots_delete(t, 1);
	assert_string_equal(of(t, 2, "PARENT"), "1");
	assert_string_equal(of(t, 0, "CHILDREN"), "1,3");
}

static void reverting_makes_another_one_active(void **state)
{
	struct tmpl *t = tree("NO"), *mixed = tree("MIXED");

	(void)state;
	snapshots_revert(t, 3);
	assert_string_equal(of(t, 3, "ACTIVE"), "YES");
	assert_string_equal(of(t, 2, "ACTIVE"), "");
	assert_string_equal(tmpl_get(t, "CURRENT_BASE"), "-1");
	snapshots_revert(mixed, 3);
	assert_string_equal(tmpl_get(mixed, "CURRENT_BASE"), "3");
	snapshots_revert(t, 9);
	assert_string_equal(of(t, 3, "ACTIVE"), "YES");
}

static int end(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_told),
		cmocka_unit_test(what_the_disk_stands_on_is_not_deleted),
		cmocka_unit_test(a_leaf_leaves_its_parent),
		cmocka_unit_test(an_only_child_goes_to_its_grandparent),
		cmocka_unit_test(orphans_keep_their_word),
		cmocka_unit_test(reverting_makes_another_one_active),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
