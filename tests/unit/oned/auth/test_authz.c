/* ACL rules, their index, and permission checks in the order of the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/acl_rule.h"
#include "oned/auth/authz.h"

static struct core *core;
static struct acl_index *acl;

static int setup(void **state)
{
	(void)state;
	acl = acl_index_new();
	core_new(NULL, NULL, NULL, &core, NULL);
	core_on_publish(core, acl_index_publish, acl);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	core_free(core);
	acl_index_free(acl);
	return 0;
}

struct rule { uint64_t user, resource, rights, zone; };

static void add_rule(struct txn *t, void *arg)
{
	const struct rule *r = arg;

	acl_rule_add(t, r->user, r->resource, r->rights, r->zone);
}

static enum one_rc add(uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone, struct one_err *err)
{
	struct rule r = { user, resource, rights, zone };

	return core_run(core, add_rule, &r, err);
}

static const int alices_groups[] = { 1, 5 };
static const struct identity alice = { .uid = 2, .gid = 1, .gids = alices_groups, .n_gids = 2 };

static struct auth_target vm_of(int oid, int uid, int gid, uint16_t perm)
{
	return (struct auth_target){ .type = OBJ_VM, .oid = oid, .uid = uid, .gid = gid, .perm = perm };
}

static bool may(const struct identity *who, enum auth_op op, bool exempt, struct auth_target target, struct one_err *err)
{
	struct authz a;

	authz_begin(&a, who, acl, 0);
	authz_check(&a, op, exempt, &target);
	return !authz_end(&a, err);
}

static void bits_give_rights_to_owner_group_and_others(void **state)
{
	(void)state;
	assert_true(may(&alice, AUTH_MANAGE, false, vm_of(1, 2, 9, PERM_OWNER_M), NULL));
	assert_false(may(&alice, AUTH_ADMIN, false, vm_of(1, 2, 9, PERM_OWNER_M), NULL));
	assert_true(may(&alice, AUTH_USE, false, vm_of(1, 7, 5, PERM_GROUP_U), NULL));
	assert_false(may(&alice, AUTH_USE, false, vm_of(1, 7, 9, PERM_GROUP_U), NULL));
	assert_true(may(&alice, AUTH_USE, false, vm_of(1, 7, 9, PERM_OTHER_U), NULL));
	assert_false(may(&alice, AUTH_CREATE, false, vm_of(1, 2, 1, 0777), NULL));
}

static void a_refusal_names_operation_type_and_object(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	struct authz a;
	struct auth_target target = vm_of(3, 7, 9, 0);

	(void)state;
	assert_false(may(&alice, AUTH_USE, false, target, &err));
	assert_int_equal(err.rc, ONE_AUTHORIZATION);
	assert_string_equal(err.text, "Not authorized to perform USE VM [3]");
	authz_begin(&a, &alice, acl, 0);
	authz_check(&a, AUTH_MANAGE, false, &target);
	authz_check_type(&a, AUTH_CREATE, OBJ_IMAGE);
	one_err_clear(&err);
	authz_end(&a, &err);
	assert_string_equal(err.text, "Not authorized to perform MANAGE VM [3]; Not authorized to perform CREATE IMAGE");
}

static void locks_bind_admins_too_but_not_what_is_exempt(void **state)
{
	const struct identity root = { .uid = 0, .gid = 0, .admin = true };
	struct auth_target target = vm_of(3, 2, 1, 0777);
	struct one_err err = ONE_ERR_INIT;

	(void)state;
	target.lock = LOCK_MANAGE;
	assert_true(may(&root, AUTH_USE, false, target, NULL));
	assert_false(may(&root, AUTH_MANAGE, false, target, &err));
	assert_string_equal(err.text, "VM is locked. [3]");
	assert_true(may(&root, AUTH_MANAGE, true, target, NULL));
	assert_false(may(&alice, AUTH_ADMIN, false, target, NULL));
	assert_true(may(&alice, AUTH_USE, false, target, NULL));
}

static void rules_of_each_form_are_found(void **state)
{
	const uint64_t vms = ACL_TYPE(OBJ_VM);
	static const int clusters[] = { 100, 101 };
	struct auth_target host = { .type = OBJ_HOST, .oid = 4, .uid = 0, .gid = 0, .clusters = clusters, .n_clusters = 2 };

	(void)state;
	assert_false(may(&alice, AUTH_USE, false, vm_of(3, 7, 9, 0), NULL));
	assert_int_equal(add(ACL_INDIVIDUAL | 2, vms | ACL_INDIVIDUAL | 3, AUTH_USE | AUTH_MANAGE, ACL_INDIVIDUAL, NULL), ONE_OK);
	assert_true(may(&alice, AUTH_MANAGE, false, vm_of(3, 7, 9, 0), NULL));
	assert_false(may(&alice, AUTH_MANAGE, false, vm_of(4, 7, 9, 0), NULL));
	assert_int_equal(add(ACL_GROUP | 5, vms | ACL_GROUP | 9, AUTH_USE, ACL_ALL, NULL), ONE_OK);
	assert_true(may(&alice, AUTH_USE, false, vm_of(4, 7, 9, 0), NULL));
	assert_false(may(&alice, AUTH_USE, false, host, NULL));
	assert_int_equal(add(ACL_ALL, ACL_TYPE(OBJ_HOST) | ACL_CLUSTER | 101, AUTH_USE, ACL_INDIVIDUAL, NULL), ONE_OK);
	assert_true(may(&alice, AUTH_USE, false, host, NULL));
	/* a rule of another zone says nothing here */
	assert_int_equal(add(ACL_ALL, ACL_TYPE(OBJ_ZONE) | ACL_ALL, AUTH_ADMIN, ACL_INDIVIDUAL | 7, NULL), ONE_OK);
	assert_false(may(&alice, AUTH_ADMIN, false, (struct auth_target){ .type = OBJ_ZONE, .oid = 0 }, NULL));
}

static void a_reservation_is_reached_by_name_only(void **state)
{
	struct auth_target net = { .type = OBJ_NET, .oid = 8, .uid = 7, .gid = 9, .only_named = true };

	(void)state;
	assert_int_equal(add(ACL_ALL, ACL_TYPE(OBJ_NET) | ACL_ALL, AUTH_USE, ACL_ALL, NULL), ONE_OK);
	assert_false(may(&alice, AUTH_USE, false, net, NULL));
	assert_int_equal(add(ACL_INDIVIDUAL | 2, ACL_TYPE(OBJ_NET) | ACL_INDIVIDUAL | 8, AUTH_USE, ACL_INDIVIDUAL, NULL), ONE_OK);
	assert_true(may(&alice, AUTH_USE, false, net, NULL));
}

static void delete_rule(struct txn *t, void *arg)
{
	txn_delete(t, txn_edit(t, OBJ_ACL, *(int *)arg));
}

static void a_deleted_rule_gives_nothing_more(void **state)
{
	int id = 0;

	(void)state;
	assert_int_equal(add(ACL_ALL, ACL_TYPE(OBJ_VM) | ACL_ALL, AUTH_USE, ACL_ALL, NULL), ONE_OK);
	assert_true(may(&alice, AUTH_USE, false, vm_of(4, 7, 9, 0), NULL));
	assert_int_equal(core_run(core, delete_rule, &id, NULL), ONE_OK);
	assert_false(may(&alice, AUTH_USE, false, vm_of(4, 7, 9, 0), NULL));
}

static void forget_what_is_gone(struct txn *t, void *arg)
{
	(void)arg;
	acl_object_gone(t, OBJ_VM, 3);
	acl_user_gone(t, 2);
	acl_group_gone(t, 5);
	acl_zone_gone(t, 7);
}

static void rules_go_with_what_they_name_exactly(void **state)
{
	const uint64_t vms = ACL_TYPE(OBJ_VM), here = ACL_INDIVIDUAL;
	struct version **list;

	(void)state;
	add(ACL_INDIVIDUAL | 9, vms | ACL_INDIVIDUAL | 3, AUTH_USE, here, NULL);
	add(ACL_INDIVIDUAL | 2, vms | ACL_ALL, AUTH_USE, here, NULL);
	add(ACL_GROUP | 5, vms | ACL_ALL, AUTH_USE, here, NULL);
	add(ACL_ALL, vms | ACL_GROUP | 5, AUTH_USE, here, NULL);
	add(ACL_ALL, vms | ACL_ALL, AUTH_USE, ACL_INDIVIDUAL | 7, NULL);
	/* these stay */
	add(ACL_INDIVIDUAL | 9, vms | ACL_TYPE(OBJ_TEMPLATE) | ACL_INDIVIDUAL | 3, AUTH_USE, here, NULL);
	add(ACL_INDIVIDUAL | 5, vms | ACL_INDIVIDUAL | 5, AUTH_USE, here, NULL);
	add(ACL_GROUP | 2, vms | ACL_ALL, AUTH_USE, here, NULL);
	assert_int_equal(core_run(core, forget_what_is_gone, NULL, NULL), ONE_OK);
	assert_int_equal(pool_collect(core, OBJ_ACL, -1, -1, NULL, NULL, &list), 3);
	assert_int_equal(list[0]->id, 5);
	pool_release(list, 3);
}

static void wrong_rules_are_refused_with_the_reason(void **state)
{
	const uint64_t vms = ACL_TYPE(OBJ_VM);
	static const struct { struct rule rule; const char *text; } wrong[] = {
		{ { 0, ACL_TYPE(OBJ_VM) | ACL_ALL, 1, ACL_ALL },
		  "Rule ?? VM/* USE * is malformed: [user] is missing one of the INDIVIDUAL, GROUP or ALL bits" },
		{ { ACL_ALL, ACL_TYPE(OBJ_VM) | ACL_CLUSTER | 1, 1, ACL_ALL },
		  "Rule * VM/%1 USE * is malformed: [resource] CLUSTER(%) selector can be applied only to DATASTORE, HOST and NET types" },
		{ { ACL_ALL, ACL_TYPE(OBJ_VM) | ACL_ALL, 0, ACL_ALL }, "Rule * VM/*  * is malformed: wrong [rights], it cannot be 0" },
		{ { ACL_ALL, ACL_TYPE(OBJ_VM) | ACL_INDIVIDUAL | 1, 1, ACL_ALL },
		  "Rule * VM/#1 USE * is malformed: [resource] INDIVIDUAL(#) selector cannot be applied to ALL zones, except for USER, "
		  "GROUP and ZONE types" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const struct rule *r = &wrong[i].rule;
		struct one_err err = ONE_ERR_INIT;

		assert_int_equal(add(r->user, r->resource, r->rights, r->zone, &err), ONE_INTERNAL);
		assert_string_equal(err.text, wrong[i].text);
	}
	assert_int_equal(pool_count(core, OBJ_ACL), 0);
	assert_int_equal(add(ACL_ALL, vms | ACL_ALL, 1, ACL_ALL, NULL), ONE_OK);
	assert_int_equal(add(ACL_ALL, vms | ACL_ALL, 1, ACL_ALL, NULL), ONE_INTERNAL);
	assert_int_equal(pool_count(core, OBJ_ACL), 1);
}

static void a_view_gathers_what_rules_show(void **state)
{
	struct arena arena = ARENA_INIT;
	struct acl_view view;

	(void)state;
	add(ACL_INDIVIDUAL | 2, ACL_TYPE(OBJ_VM) | ACL_INDIVIDUAL | 3, AUTH_USE, ACL_INDIVIDUAL, NULL);
	add(ACL_GROUP | 1, ACL_TYPE(OBJ_VM) | ACL_GROUP | 9, AUTH_USE, ACL_ALL, NULL);
	add(ACL_GROUP | 1, ACL_TYPE(OBJ_VM) | ACL_GROUP | 8, AUTH_MANAGE, ACL_ALL, NULL);
	add(ACL_GROUP | 77, ACL_TYPE(OBJ_VM) | ACL_ALL, AUTH_USE, ACL_ALL, NULL);
	acl_view_make(acl, &alice, OBJ_VM, 0, &arena, &view);
	assert_false(view.all);
	assert_true(idset_has(&view.oids, 3));
	assert_true(idset_has(&view.gids, 9));
	assert_false(idset_has(&view.gids, 8));
	arena_done(&arena);
}

/* ---- the index against going through all rules ---- */

static bool matches(const struct acl_rule *r, const struct identity *who, unsigned rights, const struct auth_target *t)
{
	uint64_t id = r->resource & 0xFFFFFFFF;
	bool user = r->user == ACL_ALL || r->user == (ACL_INDIVIDUAL | (uint64_t)who->uid), resource = false;

	for (int i = 0; i < who->n_gids; i++)
		user |= r->user == (ACL_GROUP | (uint64_t)who->gids[i]);
	if (r->resource & ACL_ALL)
		resource = !t->only_named;
	else if (r->resource & ACL_INDIVIDUAL)
		resource = (int)id == t->oid;
	else if (r->resource & ACL_GROUP)
		resource = (int)id == t->gid;
	else
		for (int i = 0; i < t->n_clusters; i++)
			resource |= !t->only_named && (int)id == t->clusters[i];
	return user && resource && (r->resource & ACL_TYPE(t->type)) && (r->rights & rights) == rights &&
	       (r->zone == ACL_ALL || r->zone == ACL_INDIVIDUAL);
}

static bool some_rule_matches(const struct identity *who, unsigned rights, const struct auth_target *t)
{
	struct version **list;
	size_t n = pool_collect(core, OBJ_ACL, -1, -1, NULL, NULL, &list);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found |= matches((const struct acl_rule *)list[i]->obj, who, rights, t);
	pool_release(list, n);
	return found;
}

static uint64_t any_of(const uint64_t *values, int n)
{
	return values[random() % n];
}

static void add_any_rule(void)
{
	static const uint64_t whom[] = { ACL_ALL, ACL_INDIVIDUAL, ACL_GROUP, ACL_GROUP }, where[] = { ACL_ALL, ACL_INDIVIDUAL, ACL_INDIVIDUAL | 3 };
	static const uint64_t which[] = { ACL_ALL, ACL_INDIVIDUAL, ACL_GROUP, ACL_CLUSTER };
	static const uint64_t types[] = { ACL_TYPE(OBJ_NET), ACL_TYPE(OBJ_HOST), ACL_TYPE(OBJ_NET) | ACL_TYPE(OBJ_HOST) };
	uint64_t user = any_of(whom, 4), resource = any_of(which, 4);

	user |= user == ACL_ALL ? 0 : (uint64_t)random() % 12;
	resource |= any_of(types, 3) | (resource == ACL_ALL ? 0 : (uint64_t)random() % 6);
	add(user, resource, (uint64_t)random() % 15 + 1, any_of(where, 3), NULL); /* malformed and equal ones are refused */
}

static void compare_some_checks(void)
{
	static const unsigned ops[] = { AUTH_USE, AUTH_MANAGE, AUTH_ADMIN, AUTH_CREATE };

	for (int i = 0; i < 20; i++) {
		int gids[] = { (int)(random() % 4), (int)(4 + random() % 4), (int)(8 + random() % 4) };
		int clusters[] = { (int)(random() % 6), (int)(random() % 6) };
		struct identity who = { .uid = (int)(random() % 12), .gid = gids[0], .gids = gids, .n_gids = (int)(random() % 4) };
		struct auth_target t = { .type = random() % 2 ? OBJ_NET : OBJ_HOST, .oid = (int)(random() % 7) - 1, .gid = (int)(random() % 6),
					 .clusters = clusters, .n_clusters = (int)(random() % 3), .only_named = random() % 5 == 0 };
		unsigned op = ops[random() % 4];

		assert_int_equal(acl_allows(acl, &who, op, &t, 0), some_rule_matches(&who, op, &t));
	}
}

static void the_index_says_what_all_rules_say(void **state)
{
	(void)state;
	srandom(7);
	for (int round = 0; round < 300; round++) {
		int id = (int)(random() % (pool_size(core, OBJ_ACL) + 1));
		struct version *v = pool_get(core, OBJ_ACL, id);

		add_any_rule();
		if (v && random() % 2)
			core_run(core, delete_rule, &id, NULL);
		version_unref(v);
		compare_some_checks();
	}
	assert_true(pool_count(core, OBJ_ACL) > 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(bits_give_rights_to_owner_group_and_others), TEST(a_refusal_names_operation_type_and_object),
		TEST(locks_bind_admins_too_but_not_what_is_exempt), TEST(rules_of_each_form_are_found),
		TEST(a_reservation_is_reached_by_name_only), TEST(a_deleted_rule_gives_nothing_more),
		TEST(rules_go_with_what_they_name_exactly), TEST(wrong_rules_are_refused_with_the_reason), TEST(a_view_gathers_what_rules_show),
		TEST(the_index_says_what_all_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
