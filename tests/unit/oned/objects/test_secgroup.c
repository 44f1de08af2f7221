/* Security groups: which rules there may be, and what VMs get of them. */
#include "vm_world.h"

static struct one_err err;

static enum one_rc run(core_run_fn fn, void *arg)
{
	one_err_clear(&err);
	core_run(core, fn, arg, &err);
	return err.rc;
}

struct checking { const char *text; int rules; };

static void check(struct txn *t, void *arg)
{
	struct checking *c = arg;
	struct tmpl *tmpl = parsed(t->arena, c->text);
	struct one_err why = ONE_ERR_INIT;

	if (secgroup_rules_check(tmpl, &why))
		txn_fail(t, why.rc, "%s", why.text);
	c->rules = 0;
	for (const struct attr *a = tmpl_find(tmpl, "RULE"); a; a = tmpl_find_next(a))
		c->rules++;
}

static void good_rules_pass(void **state)
{
	static const char *const good[] = {
		"RULE=[PROTOCOL=TCP,RULE_TYPE=inbound]",
		"RULE=[PROTOCOL=tcp,RULE_TYPE=OUTBOUND,RANGE=\"22,80,1000:2000\"]",
		"RULE=[PROTOCOL=ICMP,ICMP_TYPE=8,RULE_TYPE=inbound]",
		"RULE=[PROTOCOL=ICMPV6,RULE_TYPE=inbound]",
		"RULE=[PROTOCOL=ALL,RULE_TYPE=inbound,IP=10.0.0.1,SIZE=20]",
		"RULE=[PROTOCOL=IPSEC,RULE_TYPE=inbound,NETWORK_ID=0]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (run(check, &(struct checking){ .text = good[i] }))
			fail_msg("%s: %s", good[i], err.text);
}

static void bad_rules_are_refused_with_the_reason(void **state)
{
	static const struct { const char *text, *reason; } bad[] = {
		{ "RULE=[PROTOCOL=TCP,RULE_TYPE=sideways]", "Wrong RULE_TYPE in rule. Valid options: INBOUND, OUTBOUND." },
		{ "RULE=[PROTOCOL=TCP]", "Wrong RULE_TYPE in rule" },
		{ "RULE=[PROTOCOL=SMOKE,RULE_TYPE=inbound]", "PROTOCOL" },
		{ "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=\"70000\"]", "RANGE out of bounds 0-65536." },
		{ "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=\"22;reboot\"]", "Invalid RANGE specification." },
		{ "RULE=[PROTOCOL=ICMP,RULE_TYPE=inbound,RANGE=\"22\"]", "RANGE is supported only for TCP and UDP protocols." },
		{ "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,IP=10.0.0,SIZE=1]", "Wrong format for IP value." },
		{ "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,IP=10.0.0.1,SIZE=x]", "Wrong or empty SIZE." },
		{ "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,NETWORK_ID=x]", "Wrong NETWORK_ID." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (run(check, &(struct checking){ .text = bad[i].text }) != ONE_INTERNAL || !strstr(err.text, bad[i].reason))
			fail_msg("%s: %s", bad[i].text, err.text);
}

static void equal_rules_are_kept_once(void **state)
{
	struct checking c = { .text = "RULE=[PROTOCOL=TCP,RULE_TYPE=inbound,RANGE=22]\nRULE=[RULE_TYPE=inbound,PROTOCOL=TCP,RANGE=22]\n"
				      "RULE=[PROTOCOL=UDP,RULE_TYPE=inbound,RANGE=22]" };

	(void)state;
	assert_int_equal(run(check, &c), ONE_OK);
	assert_int_equal(c.rules, 2);
}

/* ---- VMs ---- */

struct making_group { const char *text; int id; };

static void make(struct txn *t, void *arg)
{
	struct making_group *m = arg;
	struct object owner = owned_by(&alice);
	struct secgroup *sg = secgroup_create(t, &owner, parsed(t->arena, m->text));

	m->id = sg ? sg->o.id : -1;
}

struct expanding { int group, vm; int rules; bool ip; };

static void expand(struct txn *t, void *arg)
{
	struct expanding *e = arg;
	struct tmpl *vm = tmpl_new(t->arena);

	secgroup_rules_add(t, e->group, e->vm, vm);
	e->rules = 0;
	for (const struct attr *a = tmpl_find(vm, "SECURITY_GROUP_RULE"); a; a = tmpl_find_next(a)) {
		e->rules++;
		e->ip = e->ip || (attr_get(a, "IP") && !strcmp(attr_get(a, "IP"), "10.0.0.1"));
		assert_non_null(attr_get(a, "SECURITY_GROUP_ID"));
		assert_non_null(attr_get(a, "SECURITY_GROUP_NAME"));
	}
}

static void a_rule_about_a_network_is_one_for_each_of_its_ranges(void **state)
{
	struct making_group m = { .text = "NAME=g\nRULE=[PROTOCOL=TCP,RULE_TYPE=inbound,NETWORK_ID=0]\nRULE=[PROTOCOL=UDP,RULE_TYPE=inbound]" };
	struct expanding e = { .vm = 7 };

	(void)state;
	assert_int_equal(run(make, &m), ONE_OK);
	e.group = m.id;
	assert_int_equal(run(expand, &e), ONE_OK);
	assert_int_equal(e.rules, 2);
	assert_true(e.ip);
	e.group = 777;
	assert_int_equal(run(expand, &e), ONE_OK);
	assert_int_equal(e.rules, 0);
}

static struct secgroup *group(int id)
{
	static struct object *o;
	struct version *v = pool_get(core, OBJ_SECGROUP, id);

	if (o)
		obj_free(o);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	version_unref(v);
	return (struct secgroup *)o;
}

static void commit(struct txn *t, void *arg)
{
	(void)arg;
	secgroup_commit(txn_edit(t, OBJ_SECGROUP, 0), false);
}

static void leave(struct txn *t, void *arg)
{
	(void)arg;
	secgroup_vm_remove(t, 0, 7);
	secgroup_vm_remove(t, 0, 8);
	secgroup_vm_remove(t, 777, 8);
}

static void vms_of_a_group_are_told_when_it_changes(void **state)
{
	(void)state;
	run(expand, &(struct expanding){ .group = 0, .vm = 7 });
	assert_true(idset_has(&group(0)->updated, 7));
	run(commit, NULL);
	assert_true(idset_has(&group(0)->outdated, 7));
	assert_false(idset_has(&group(0)->updated, 7));
	run(leave, NULL);
	assert_int_equal(group(0)->outdated.n, 0);
}

static void lists_of_groups_are_read_and_written(void **state)
{
	struct arena arena = ARENA_INIT;
	struct idset ids = { .n = 0 };

	(void)state;
	secgroup_ids_parse("100, 0,100,x,5", &ids, &arena);
	assert_string_equal(secgroup_ids_format(&ids, &arena), "0,5,100");
	arena_done(&arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(good_rules_pass),
		TEST(bad_rules_are_refused_with_the_reason),
		TEST(equal_rules_are_kept_once),
		TEST(a_rule_about_a_network_is_one_for_each_of_its_ranges),
		TEST(vms_of_a_group_are_told_when_it_changes),
		TEST(lists_of_groups_are_read_and_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
