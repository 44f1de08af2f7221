/* Network templates: the networks that are made of them. */
#include "vm_world.h"

#include "oned/objects/vntemplate.h"

static struct one_err err;

struct asked { const char *name, *extra; int id; };

static void make_template(struct txn *t, void *arg)
{
	struct object owner = owned_by(&oneadmin);

	if (!vntemplate_create(t, &owner, parsed(t->arena, arg)))
		assert_false(txn_ok(t));
}

static void make_network(struct txn *t, void *arg)
{
	struct asked *a = arg;
	struct object owner = owned_by(&alice);
	const struct vntemplate *vt = txn_read(t, OBJ_VNTEMPLATE, 0);
	struct vnet *vn = vntemplate_instantiate(t, vt, &owner, a->name, parsed(t->arena, a->extra));

	a->id = vn ? vn->o.id : -1;
}

static enum one_rc vntemplate(const char *text)
{
	char copy[200];

	strcpy(copy, text);
	one_err_clear(&err);
	core_run(core, make_template, copy, &err);
	return err.rc;
}

static int network(const char *name, const char *extra)
{
	struct asked a = { .name = name, .extra = extra };

	one_err_clear(&err);
	core_run(core, make_network, &a, &err);
	return a.id;
}

static void test_a_network_has_the_templates_attributes_and_the_callers(void **state)
{
	struct version *v;
	const struct vnet *vn;

	(void)state;
	assert_int_equal(vntemplate("NAME=base\nVN_MAD=dummy\nBRIDGE=b\nNOTE=a\nCOLOR=red\nCLUSTER_IDS=\"0,9\""), ONE_OK);
	assert_int_equal(network("", "NOTE=b"), 2); /* after those of the world */
	v = pool_get(core, OBJ_NET, 2);
	vn = (const struct vnet *)v->obj;
	assert_string_equal(v->name, "base-2");
	assert_int_equal(v->uid, alice.uid);
	assert_string_equal(tmpl_get(vn->o.tmpl, "NOTE"), "b");
	assert_string_equal(tmpl_get(vn->o.tmpl, "COLOR"), "red");
	assert_string_equal(tmpl_get(vn->o.tmpl, "TEMPLATE_ID"), "0");
	assert_int_equal(vn->clusters.n, 1); /* there is no cluster 9 */
	version_unref(v);
}

static void test_nothing_is_left_of_a_network_that_is_refused(void **state)
{
	(void)state;
	assert_int_equal(vntemplate("NAME=base\nVN_MAD=dummy\nBRIDGE=b"), ONE_OK);
	assert_int_equal(network("n", ""), 2);
	assert_int_equal(network("n", ""), -1);
	assert_string_equal(err.text, "NAME is already taken by NET 2.");
	assert_null(pool_get(core, OBJ_NET, 3));
}

static void test_a_name_is_needed_and_an_owner_has_it_once(void **state)
{
	(void)state;
	assert_int_equal(vntemplate("VN_MAD=dummy"), ONE_INTERNAL);
	assert_int_equal(vntemplate("NAME=base"), ONE_OK);
	assert_int_equal(vntemplate("NAME=base"), ONE_INTERNAL);
	assert_string_equal(err.text, "NAME is already taken by VN TEMPLATE 0.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_network_has_the_templates_attributes_and_the_callers, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_nothing_is_left_of_a_network_that_is_refused, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_a_name_is_needed_and_an_owner_has_it_once, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
