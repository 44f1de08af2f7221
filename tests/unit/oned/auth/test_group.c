/* Administrators of groups: the rules they get, and what goes when they are no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/acl.h"
#include "oned/auth/acl_rule.h"
#include "oned/auth/group.h"
#include "oned/auth/user.h"

#define BOSS 0

static struct core *core;

/* Groups 0 and 1, and a user in both; his primary one is 0. */
static void people(struct txn *t, void *arg)
{
	static const int both[] = { 0, 1 };

	(void)arg;
	group_create(t, "red");
	group_create(t, "blue");
	user_create(t, "boss", "x", "core", both, 2);
}

static int setup(void **state)
{
	(void)state;
	core_new(NULL, NULL, NULL, &core, NULL);
	return core_run(core, people, NULL, NULL);
}

static int teardown(void **state)
{
	(void)state;
	core_free(core);
	return 0;
}

static void admin_add(struct txn *t, void *arg)
{
	group_admin_add(t, txn_edit(t, OBJ_GROUP, *(int *)arg), BOSS);
}

static void admin_del(struct txn *t, void *arg)
{
	group_admin_del(t, txn_edit(t, OBJ_GROUP, *(int *)arg), BOSS);
}

static void leave(struct txn *t, void *arg)
{
	user_leave_group(t, txn_edit(t, OBJ_USER, BOSS), *(int *)arg);
}

static enum one_rc run(core_run_fn fn, int gid, struct one_err *err)
{
	return core_run(core, fn, &gid, err);
}

static bool rule_is_there(const char *text)
{
	struct version **list;
	size_t n = pool_collect(core, OBJ_ACL, -1, -1, NULL, NULL, &list);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found |= strstr(list[i]->body, text) != NULL;
	pool_release(list, n);
	return found;
}

static void an_administrator_gets_four_rules(void **state)
{
	(void)state;
	assert_int_equal(run(admin_add, 1, NULL), ONE_OK);
	assert_int_equal(pool_count(core, OBJ_ACL), 4);
	assert_true(rule_is_there("#0 USER/@1 USE+MANAGE+ADMIN+CREATE *"));
	assert_true(rule_is_there("#0 VM+NET+IMAGE+TEMPLATE+DOCUMENT+SECGROUP+VROUTER+VMGROUP+BACKUPJOB/@1 USE+MANAGE *"));
	assert_true(rule_is_there("#0 VROUTER/* CREATE *"));
	assert_true(rule_is_there("#0 GROUP/#1 MANAGE *"));
}

static void only_members_and_only_once(void **state)
{
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	run(admin_add, 1, NULL);
	assert_int_equal(run(admin_add, 1, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "User 0 is already an administrator of Group 1.");
	assert_int_equal(run(admin_del, 0, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "User 0 is not an administrator of Group 0.");
	run(leave, 1, NULL);
	assert_int_equal(run(admin_add, 1, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "User 0 is not part of Group 1.");
}

static void all_of_it_goes_with_the_last_group(void **state)
{
	(void)state;
	run(admin_add, 0, NULL);
	run(admin_add, 1, NULL);
	assert_int_equal(pool_count(core, OBJ_ACL), 7);
	assert_int_equal(run(admin_del, 0, NULL), ONE_OK);
	assert_int_equal(pool_count(core, OBJ_ACL), 4);
	assert_true(rule_is_there("#0 VROUTER/* CREATE *"));
	assert_int_equal(run(admin_del, 1, NULL), ONE_OK);
	assert_int_equal(pool_count(core, OBJ_ACL), 0);
}

static void who_leaves_a_group_administers_it_no_more(void **state)
{
	struct version *v;

	(void)state;
	run(admin_add, 1, NULL);
	assert_int_equal(run(leave, 1, NULL), ONE_OK);
	assert_int_equal(pool_count(core, OBJ_ACL), 0);
	v = pool_get(core, OBJ_GROUP, 1);
	assert_int_equal(((const struct group *)v->obj)->admins.n, 0);
	assert_int_equal(((const struct group *)v->obj)->users.n, 0);
	version_unref(v);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_administrator_gets_four_rules), TEST(only_members_and_only_once), TEST(all_of_it_goes_with_the_last_group),
		TEST(who_leaves_a_group_administers_it_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
