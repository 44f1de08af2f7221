/* VM groups: their roles, and the rules that must fit them and each other. */
#include <stdio.h>

#include "vm_world.h"

#include "oned/objects/vmgroup.h"

static struct one_err err;

static void make(struct txn *t, void *arg)
{
	struct object owner = owned_by(&alice);

	if (!vmgroup_create(t, &owner, parsed(t->arena, arg)))
		assert_false(txn_ok(t));
}

/* The reason why a group can't be; "" when it can. */
static const char *group(const char *text)
{
	char copy[2000];

	strcpy(copy, text);
	one_err_clear(&err);
	return core_run(core, make, copy, &err) ? err.text : "";
}

struct change { enum { ADD, UPDATE, DELETE } what; int id; const char *role; };

static void change_role(struct txn *t, void *arg)
{
	const struct change *c = arg;
	struct vmgroup *g = txn_edit(t, OBJ_VMGROUP, 0);
	const struct attr *role = c->role ? tmpl_vector(parsed(t->arena, c->role), "ROLE") : NULL;

	if (c->what == ADD)
		vmgroup_role_add(t, g, role);
	else if (c->what == UPDATE)
		vmgroup_role_update(t, g, c->id, role);
	else
		vmgroup_role_delete(t, g, c->id);
}

static const char *change(int what, int id, const char *role)
{
	struct change c = { .what = what, .id = id, .role = role };

	one_err_clear(&err);
	return core_run(core, change_role, &c, &err) ? err.text : "";
}

static void give_vms(struct txn *t, void *arg)
{
	struct vmgroup *g = txn_edit(t, OBJ_VMGROUP, 0);

	(void)arg;
	attr_set(&g->o.arena, tmpl_find(g->roles, "ROLE"), "VMS", "3,4");
}

static enum one_rc update(const char *text)
{
	struct version *v = pool_get(core, OBJ_VMGROUP, 0);
	struct object *o;
	struct arena arena = ARENA_INIT;
	enum one_rc rc;

	one_err_clear(&err);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	rc = vmgroup_ops.check_update(o, parsed(&arena, text), &err);
	obj_free(o);
	arena_done(&arena);
	version_unref(v);
	return rc;
}

static void assert_roles(const char *part)
{
	struct version *v = pool_get(core, OBJ_VMGROUP, 0);

	if (!strstr(v->body, part))
		fail_msg("%s is not in %s", part, v->body);
	version_unref(v);
}

static void test_roles_are_numbered_and_have_no_vms_of_their_makers_choice(void **state)
{
	(void)state;
	assert_string_equal(group("NAME=g\nROLE=[NAME=a,ID=9,VMS=\"7\"]\nROLE=plain\nROLE=[NAME=b,POLICY=AFFINED]"), "");
	assert_roles("<ROLES><ROLE><ID><![CDATA[0]]></ID><NAME><![CDATA[a]]></NAME></ROLE><ROLE><ID><![CDATA[1]]></ID><NAME><![CDATA[b]]></NAME>"
		     "<POLICY><![CDATA[AFFINED]]></POLICY></ROLE></ROLES><TEMPLATE></TEMPLATE>");
}

static void test_rules_that_make_no_sense_are_refused(void **state)
{
	static const struct { const char *text, *why; } rules[] = {
		{ "ROLE=[POLICY=AFFINED]", "Missing NAME in VM group role" },
		{ "ROLE=[NAME=a]", "Role already exists" },
		{ "AFFINED=\"a,x\"", "Some roles used in AFFINED attribute (a,x) are not defined" },
		{ "ANTI_AFFINED=x", "Some roles used in ANTI_AFFINED attribute (x) are not defined" },
		{ "AFFINED=\"a, no\"", "Role no is in an AFFINED rule but the role policy is ANTI_AFFINED" },
		{ "AFFINED=\"a,b\"\nAFFINED=\"b , a\"", "Duplicated AFFINED rule (b , a) detected." },
		{ "AFFINED=\"a,b\"\nANTI_AFFINED=\"b,no\"", "Roles defined in AFFINED and ANTI_AFFINED rules: b" },
	};
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		snprintf(text, sizeof(text), "NAME=g\nROLE=[NAME=a]\nROLE=[NAME=b]\nROLE=[NAME=no,POLICY=anti_affined]\n%s", rules[i].text);
		assert_string_equal(group(text), rules[i].why);
	}
	assert_string_equal(group("NAME=g\nROLE=[NAME=a]\nROLE=[NAME=b]\nROLE=[NAME=c]\nAFFINED=\"a,b\"\nANTI_AFFINED=\"c\""), "");
}

static void test_there_is_room_for_so_many_roles(void **state)
{
	char text[2000] = "NAME=g\n";

	(void)state;
	for (int i = 0; i < VMGROUP_MAX_ROLES; i++)
		sprintf(text + strlen(text), "ROLE=[NAME=r%d]\n", i);
	assert_string_equal(group(text), "");
	assert_string_equal(change(ADD, 0, "ROLE=[NAME=more]"), "Maximum number of roles in a VM Group reached");
}

static void test_roles_change_as_far_as_the_rules_allow(void **state)
{
	(void)state;
	assert_string_equal(group("NAME=g\nROLE=[NAME=a]\nROLE=[NAME=b]\nAFFINED=\"a,b\""), "");
	assert_string_equal(change(ADD, 0, "ROLE=[NAME=c]"), "");
	assert_string_equal(change(UPDATE, 2, "ROLE=[NAME=d,ID=0,VMS=\"1\",HOST_AFFINED=\"3\"]"), "");
	assert_roles("<HOST_AFFINED><![CDATA[3]]></HOST_AFFINED><ID><![CDATA[2]]></ID><NAME><![CDATA[d]]></NAME></ROLE></ROLES>");
	assert_string_equal(change(UPDATE, 2, "ROLE=[NAME=a]"), "VMGroup 0 Role 2 can not update name, role with name a already exists");
	assert_string_equal(change(UPDATE, 0, "ROLE=[NAME=x]"), "Some roles used in AFFINED attribute (a,b) are not defined");
	assert_string_equal(change(UPDATE, 7, "ROLE=[NAME=x]"), "VMGroup 0 doesn't have role 7");
	assert_string_equal(change(DELETE, 0, NULL), "Some roles used in AFFINED attribute (a,b) are not defined");
	assert_string_equal(change(DELETE, 2, NULL), "");
	assert_string_equal(change(DELETE, 2, NULL), "Unable to delete role 2, the role doesn't exists");
	assert_int_equal(update("AFFINED=\"a,d\""), ONE_INTERNAL);
	assert_int_equal(update("ANTI_AFFINED=\"a,b\""), ONE_OK);
}

static void test_while_vms_have_a_role_neither_it_nor_the_rules_change(void **state)
{
	(void)state;
	assert_string_equal(group("NAME=g\nROLE=[NAME=a]\nROLE=[NAME=b]"), "");
	core_run(core, give_vms, NULL, NULL);
	assert_string_equal(change(DELETE, 0, NULL), "Unable to delete role 0, the role has assigned VMs ");
	assert_string_equal(change(UPDATE, 0, "ROLE=[POLICY=AFFINED]"), "VMGroup 0 Role 0 has VMs, unable to update");
	assert_string_equal(change(DELETE, 1, NULL), "");
	assert_int_equal(update("NOTE=x"), ONE_INTERNAL);
	assert_string_equal(err.text, "VM Group has 2 VMs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_roles_are_numbered_and_have_no_vms_of_their_makers_choice, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_rules_that_make_no_sense_are_refused, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_there_is_room_for_so_many_roles, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_roles_change_as_far_as_the_rules_allow, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_while_vms_have_a_role_neither_it_nor_the_rules_change, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
