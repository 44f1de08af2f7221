/* Virtual data centres: the rules they stand for, shared where they are equal, and gone with what gave them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/acl_rule.h"
#include "oned/objects/vdc.h"

static struct core *core;

static void make_two(struct txn *t, void *arg)
{
	struct tmpl *tmpl = tmpl_new(t->arena);

	(void)arg;
	tmpl_set(tmpl, "NAME", "a");
	vdc_create(t, tmpl);
	tmpl_set(tmpl, "NAME", "b");
	vdc_create(t, tmpl);
}

static int setup(void **state)
{
	(void)state;
	core_new(NULL, NULL, NULL, &core, NULL);
	return core_run(core, make_two, NULL, NULL);
}

static int teardown(void **state)
{
	(void)state;
	core_free(core);
	return 0;
}

enum what { GROUP_IN, GROUP_OUT, IN, OUT };
struct step { enum what what; int vdc; enum vdc_kind kind; int id; };

static void take_step(struct txn *t, void *arg)
{
	const struct step *s = arg;
	struct vdc *v = txn_edit(t, OBJ_VDC, s->vdc);

	switch (s->what) {
	case GROUP_IN:
		vdc_group_add(t, v, s->id);
		return;
	case GROUP_OUT:
		vdc_group_del(t, v, s->id);
		return;
	case IN:
		vdc_resource_add(t, v, s->kind, 0, s->id);
		return;
	case OUT:
		vdc_resource_del(t, v, s->kind, 0, s->id);
		return;
	}
}

static void step(enum what what, int vdc, enum vdc_kind kind, int id)
{
	struct step s = { what, vdc, kind, id };

	assert_int_equal(core_run(core, take_step, &s, NULL), ONE_OK);
}

/* All rules, as they are printed, in the order they were made. */
static void expect_rules(const char *text)
{
	struct version **list;
	struct strbuf out = STRBUF_INIT;
	size_t n = pool_collect(core, OBJ_ACL, -1, -1, NULL, NULL, &list);

	for (size_t i = 0; i < n; i++) {
		const struct acl_rule *r = (const struct acl_rule *)list[i]->obj;

		if (out.len)
			strbuf_lit(&out, ", ");
		acl_rule_text(r->user, r->resource, r->rights, r->zone, &out);
	}
	assert_string_equal(out.len ? out.buf : "", text);
	strbuf_done(&out);
	pool_release(list, n);
}

static void groups_and_resources_meet_in_rules(void **state)
{
	(void)state;
	step(GROUP_IN, 0, VDC_HOST, 100);
	step(IN, 0, VDC_HOST, 7);
	step(IN, 0, VDC_CLUSTER, 2);
	expect_rules("@100 HOST/#7 MANAGE #0, @100 HOST/%2 MANAGE #0, @100 NET/%2 USE #0, @100 DATASTORE/%2 USE #0");
	step(GROUP_IN, 0, VDC_HOST, 101);
	step(OUT, 0, VDC_CLUSTER, 2);
	expect_rules("@100 HOST/#7 MANAGE #0, @101 HOST/#7 MANAGE #0");
	step(GROUP_OUT, 0, VDC_HOST, 100);
	expect_rules("@101 HOST/#7 MANAGE #0");
}

static void an_equal_rule_stays_while_another_gives_it(void **state)
{
	(void)state;
	for (int vdc = 0; vdc < 2; vdc++) {
		step(GROUP_IN, vdc, VDC_HOST, 100);
		step(IN, vdc, VDC_DATASTORE, 3);
	}
	expect_rules("@100 DATASTORE/#3 USE #0");
	step(OUT, 1, VDC_DATASTORE, 3);
	expect_rules("@100 DATASTORE/#3 USE #0");
	step(GROUP_OUT, 0, VDC_HOST, 100);
	expect_rules("");
}

static void all_clusters_and_all_hosts_say_the_same_of_hosts(void **state)
{
	(void)state;
	step(GROUP_IN, 0, VDC_HOST, 100);
	step(IN, 0, VDC_HOST, VDC_ALL_RESOURCES);
	step(IN, 0, VDC_CLUSTER, VDC_ALL_RESOURCES);
	expect_rules("@100 HOST/* MANAGE #0, @100 NET/* USE #0, @100 DATASTORE/* USE #0");
	step(OUT, 0, VDC_CLUSTER, VDC_ALL_RESOURCES);
	expect_rules("@100 HOST/* MANAGE #0");
}

static void many_resources_keep_their_order(void **state)
{
	struct version *v;
	const struct vdc *vdc;

	(void)state;
	for (int i = 0; i < 40; i++)
		step(IN, 0, VDC_VNET, i * 7 % 40);
	step(OUT, 0, VDC_VNET, 31);
	step(IN, 0, VDC_VNET, 50);
	v = pool_get(core, OBJ_VDC, 0);
	vdc = (const struct vdc *)v->obj;
	assert_int_equal(vdc->n_resources[VDC_VNET], 40);
	for (int i = 0; i < 39; i++)
		assert_int_equal(vdc->resources[VDC_VNET][i].id, i < 31 ? i : i + 1);
	assert_int_equal(vdc->resources[VDC_VNET][39].id, 50);
	version_unref(v);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(groups_and_resources_meet_in_rules), TEST(an_equal_rule_stays_while_another_gives_it),
		TEST(all_clusters_and_all_hosts_say_the_same_of_hosts), TEST(many_resources_keep_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
