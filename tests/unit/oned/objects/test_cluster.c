/* Clusters and their members, which know each other; hosts and datastores as members; VDCs and the rights they give. */
#include "vm_world.h"

#include "oned/auth/acl_rule.h"
#include "oned/objects/host.h"
#include "oned/objects/vdc.h"

static struct one_err err;

static enum one_rc run(core_run_fn fn, void *arg)
{
	one_err_clear(&err);
	core_run(core, fn, arg, &err);
	return err.rc;
}

static void prepare(struct txn *t, void *arg)
{
	(void)arg;
	txn_reserve_ids(t, OBJ_CLUSTER, 99);
	cluster_create(t, "east");
	host_create(t, "node", "dummy", "dummy", 0);
	vdc_bootstrap(t);
}

static int begin(void **state)
{
	return world_begin(state) || run(prepare, NULL) ? -1 : 0;
}

struct member { int cluster; enum obj_type type; int id; };

static void add(struct txn *t, void *arg)
{
	const struct member *m = arg;

	cluster_add(t, m->cluster, m->type, m->id);
}

static void take_out(struct txn *t, void *arg)
{
	const struct member *m = arg;

	cluster_remove(t, m->cluster, m->type, m->id);
}

/* ---- members ---- */

struct membership { int cluster; enum obj_type type; int id; bool cluster_says, member_says; };

static void look(struct txn *t, void *arg)
{
	struct membership *m = arg;
	const struct cluster *c = txn_read(t, OBJ_CLUSTER, m->cluster);
	const struct host *h = m->type == OBJ_HOST ? txn_read(t, OBJ_HOST, m->id) : NULL;
	const struct datastore *ds = m->type == OBJ_DATASTORE ? txn_read(t, OBJ_DATASTORE, m->id) : NULL;
	const struct vnet *vn = m->type == OBJ_NET ? txn_read(t, OBJ_NET, m->id) : NULL;

	m->cluster_says = idset_has(h ? &c->hosts : ds ? &c->datastores : &c->vnets, m->id);
	m->member_says = h ? h->cluster_id == m->cluster : idset_has(ds ? &ds->clusters : &vn->clusters, m->cluster);
}

static bool is_member(int cluster, enum obj_type type, int id)
{
	struct membership m = { cluster, type, id, false, false };

	run(look, &m);
	assert_int_equal(m.cluster_says, m.member_says);
	return m.cluster_says;
}

static void a_host_is_in_one_cluster(void **state)
{
	(void)state;
	assert_true(is_member(0, OBJ_HOST, 0));
	assert_int_equal(run(add, &(struct member){ 100, OBJ_HOST, 0 }), ONE_OK);
	assert_true(is_member(100, OBJ_HOST, 0));
	assert_false(is_member(0, OBJ_HOST, 0));
	assert_int_equal(run(take_out, &(struct member){ 100, OBJ_HOST, 0 }), ONE_OK);
	assert_true(is_member(0, OBJ_HOST, 0));
	assert_false(is_member(100, OBJ_HOST, 0));
}

static void datastores_and_networks_are_in_any_number_of_them(void **state)
{
	static const struct { enum obj_type type; int id; } members[] = { { OBJ_DATASTORE, 100 }, { OBJ_NET, 1 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(run(add, &(struct member){ 100, members[i].type, members[i].id }), ONE_OK);
		assert_int_equal(run(add, &(struct member){ 100, members[i].type, members[i].id }), ONE_OK); /* twice is once */
		assert_true(is_member(100, members[i].type, members[i].id));
		assert_true(is_member(0, members[i].type, members[i].id));
		run(take_out, &(struct member){ 0, members[i].type, members[i].id });
		run(take_out, &(struct member){ 100, members[i].type, members[i].id });
		assert_false(is_member(0, members[i].type, members[i].id));
		assert_false(is_member(100, members[i].type, members[i].id));
	}
}

static void both_sides_have_to_be_there(void **state)
{
	(void)state;
	assert_int_equal(run(add, &(struct member){ 55, OBJ_HOST, 0 }), ONE_NO_EXISTS);
	assert_int_equal(run(add, &(struct member){ 0, OBJ_HOST, 55 }), ONE_NO_EXISTS);
	assert_int_equal(run(add, &(struct member){ 0, OBJ_DATASTORE, 55 }), ONE_NO_EXISTS);
	assert_int_equal(run(take_out, &(struct member){ 0, OBJ_NET, 55 }), ONE_NO_EXISTS);
}

static void delete_cluster(struct txn *t, void *arg)
{
	cluster_delete(t, txn_edit(t, OBJ_CLUSTER, *(int *)arg));
}

static void only_an_empty_cluster_is_deleted(void **state)
{
	int east = 100, system = 0;

	(void)state;
	run(add, &(struct member){ 100, OBJ_HOST, 0 });
	assert_int_equal(run(delete_cluster, &east), ONE_ACTION);
	assert_string_equal(err.text, "Cluster 100 is not empty, it contains 1 hosts.");
	run(take_out, &(struct member){ 100, OBJ_HOST, 0 });
	assert_int_equal(run(delete_cluster, &east), ONE_OK);
	assert_int_equal(run(delete_cluster, &system), ONE_ACTION);
}

static void make_cluster(struct txn *t, void *arg)
{
	cluster_create(t, arg);
}

static void names_of_clusters_are_unique(void **state)
{
	char east[] = "east", none[] = "";

	(void)state;
	assert_int_equal(run(make_cluster, east), ONE_INTERNAL);
	assert_string_equal(err.text, "NAME is already taken by CLUSTER 100.");
	assert_int_equal(run(make_cluster, none), ONE_INTERNAL);
}

/* ---- hosts ---- */

static void reserve(struct txn *t, void *arg)
{
	struct cluster *c = txn_edit(t, OBJ_CLUSTER, 100);
	struct host *h = txn_edit(t, OBJ_HOST, 0);

	h->share.total_cpu = 400;
	tmpl_set(c->o.tmpl, "RESERVED_CPU", arg);
	cluster_template_changed(t, c);
}

static void look_at_host(struct txn *t, void *arg)
{
	*(struct host_share *)arg = ((const struct host *)txn_read(t, OBJ_HOST, 0))->share;
}

static void hosts_follow_the_reservations_of_their_cluster(void **state)
{
	struct host_share share;
	char ten_percent[] = "10%";

	(void)state;
	run(add, &(struct member){ 100, OBJ_HOST, 0 });
	assert_int_equal(run(reserve, ten_percent), ONE_OK);
	run(look_at_host, &share);
	assert_int_equal(share.max_cpu, 360);
	run(take_out, &(struct member){ 100, OBJ_HOST, 0 });
	run(look_at_host, &share);
	assert_int_equal(share.max_cpu, 400);
}

struct booking { int vm; long long cpu; bool enforce; };

static void book(struct txn *t, void *arg)
{
	const struct booking *b = arg;

	host_capacity_add(t, 0, b->vm, &(struct capacity){ .cpu_percent = b->cpu }, b->enforce);
}

static void free_booking(struct txn *t, void *arg)
{
	const struct booking *b = arg;

	host_capacity_del(t, 0, b->vm, &(struct capacity){ .cpu_percent = b->cpu });
}

static void delete_host(struct txn *t, void *arg)
{
	(void)arg;
	host_delete(t, txn_edit(t, OBJ_HOST, 0));
}

static void a_vm_is_booked_once(void **state)
{
	struct host_share share;
	char nothing[] = "";

	(void)state;
	run(add, &(struct member){ 100, OBJ_HOST, 0 });
	run(reserve, nothing);
	assert_int_equal(run(book, &(struct booking){ 1, 300, true }), ONE_OK);
	assert_int_equal(run(book, &(struct booking){ 1, 300, true }), ONE_OK);
	assert_int_equal(run(book, &(struct booking){ 2, 300, false }), ONE_OK);
	run(look_at_host, &share);
	assert_int_equal(share.cpu_usage, 600);
	assert_int_equal(run(book, &(struct booking){ 3, 100, true }), ONE_ACTION);
	assert_int_equal(run(delete_host, NULL), ONE_ACTION);
	assert_string_equal(err.text, "Can not remove a host with running VMs");
	run(free_booking, &(struct booking){ 1, 300, false });
	run(free_booking, &(struct booking){ 1, 300, false });
	run(free_booking, &(struct booking){ 2, 300, false });
	run(look_at_host, &share);
	assert_int_equal(share.cpu_usage, 0);
	assert_int_equal(run(delete_host, NULL), ONE_OK);
	assert_null(pool_get(core, OBJ_HOST, 0));
}

/* ---- datastores ---- */

static void make_datastore(struct txn *t, void *arg)
{
	static const int cluster[] = { 0 };
	struct object owner = owned_by(&oneadmin);

	datastore_create(t, &owner, parsed(t->arena, arg), cluster, 1);
}

static void wrong_datastores_are_refused_with_the_reason(void **state)
{
	static const struct { const char *text, *reason; } bad[] = {
		{ "NAME=a\nDS_MAD=dummy", "No TM_MAD in template." },
		{ "NAME=a\nTM_MAD=dummy", "No DS_MAD in template." },
		{ "NAME=a\nTM_MAD=pigeon\nDS_MAD=dummy", "TM_MAD named \"pigeon\" is not defined in oned.conf" },
		{ "NAME=a\nTM_MAD=dummy\nDS_MAD=pigeon", "DS_MAD named \"pigeon\" is not defined in oned.conf" },
		{ "NAME=a\nTM_MAD=dummy\nDS_MAD=dummy\nDISK_TYPE=PAPER", "Unknown DISK_TYPE in template." },
		{ "NAME=a\nTM_MAD=dummy\nTYPE=SYSTEM_DS\nDISK_TYPE=GLUSTER", "Invalid DISK_TYPE for a System Datastore." },
		{ "NAME=imgs\nTM_MAD=dummy\nDS_MAD=dummy", "NAME is already taken by DATASTORE 100." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128];

		strcpy(text, bad[i].text);
		if (run(make_datastore, text) != ONE_INTERNAL || !strstr(err.text, bad[i].reason))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

static void delete_datastore(struct txn *t, void *arg)
{
	datastore_delete(t, txn_edit(t, OBJ_DATASTORE, *(int *)arg));
}

static void a_datastore_with_images_stays(void **state)
{
	int images = 100, empty = 101;

	(void)state;
	assert_int_equal(run(delete_datastore, &images), ONE_ACTION);
	assert_string_equal(err.text, "Datastore 100 is not empty.");
	assert_int_equal(run(delete_datastore, &empty), ONE_OK);
}

/* ---- VDCs ---- */

static void count_rules(struct txn *t, void *arg)
{
	int *ids;

	*(int *)arg = txn_ids(t, OBJ_ACL, &ids);
}

static int rules(void)
{
	int n = -1;

	run(count_rules, &n);
	return n;
}

struct sharing { enum { VDC_MAKE, ADD_GROUP, DEL_GROUP, ADD, DEL, GROUP_GONE, HOST_GONE } what; int vdc, id; };

static void share(struct txn *t, void *arg)
{
	const struct sharing *s = arg;
	struct vdc *v = s->what == VDC_MAKE ? NULL : txn_edit(t, OBJ_VDC, s->vdc);

	switch (s->what) {
	case VDC_MAKE:
		vdc_create(t, parsed(t->arena, s->id ? "NAME=two" : "NAME=one"));
		break;
	case ADD_GROUP:
		vdc_group_add(t, v, s->id);
		break;
	case DEL_GROUP:
		vdc_group_del(t, v, s->id);
		break;
	case ADD:
		vdc_resource_add(t, v, VDC_HOST, 0, s->id);
		break;
	case DEL:
		vdc_resource_del(t, v, VDC_HOST, 0, s->id);
		break;
	case GROUP_GONE:
		vdc_group_deleted(t, s->id);
		break;
	case HOST_GONE:
		vdc_resource_deleted(t, VDC_HOST, s->id);
		break;
	}
}

#define SHARE(...) run(share, &(struct sharing){ __VA_ARGS__ })

static void the_default_vdc_gives_the_users_group_all_clusters(void **state)
{
	int n = rules();

	(void)state;
	assert_true(n > 0);
	assert_int_equal(SHARE(DEL_GROUP, 0, 1), ONE_OK);
	assert_int_equal(rules(), 0);
	assert_int_equal(SHARE(DEL_GROUP, 0, 1), ONE_INTERNAL);
	assert_int_equal(SHARE(ADD_GROUP, 0, 1), ONE_OK);
	assert_int_equal(rules(), n);
}

static void an_equal_right_of_two_vdcs_stays_until_both_are_gone(void **state)
{
	int n = rules();

	(void)state;
	SHARE(VDC_MAKE, 0, 0);
	SHARE(VDC_MAKE, 0, 1);
	SHARE(ADD, 100, 0);
	SHARE(ADD, 101, 0);
	SHARE(ADD_GROUP, 100, 1);
	assert_int_equal(rules(), n + 1);
	SHARE(ADD_GROUP, 101, 1);
	assert_int_equal(rules(), n + 1);
	SHARE(DEL, 100, 0);
	assert_int_equal(rules(), n + 1);
	SHARE(HOST_GONE, 0, 0);
	assert_int_equal(rules(), n);
}

static void all_stands_for_those_named_before(void **state)
{
	int n = rules();

	(void)state;
	SHARE(VDC_MAKE, 0, 0);
	SHARE(ADD_GROUP, 100, 1);
	SHARE(ADD, 100, 0);
	SHARE(ADD, 100, 1);
	assert_int_equal(rules(), n + 2);
	assert_int_equal(SHARE(ADD, 100, VDC_ALL_RESOURCES), ONE_OK);
	assert_int_equal(rules(), n); /* all clusters of VDC 0 give the same right */
	SHARE(DEL_GROUP, 0, 1);
	assert_int_equal(rules(), 1);
	assert_int_equal(SHARE(DEL, 100, 1), ONE_INTERNAL);
	SHARE(GROUP_GONE, 0, 1);
	assert_int_equal(rules(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_is_in_one_cluster),
		TEST(datastores_and_networks_are_in_any_number_of_them),
		TEST(both_sides_have_to_be_there),
		TEST(only_an_empty_cluster_is_deleted),
		TEST(names_of_clusters_are_unique),
		TEST(hosts_follow_the_reservations_of_their_cluster),
		TEST(a_vm_is_booked_once),
		TEST(wrong_datastores_are_refused_with_the_reason),
		TEST(a_datastore_with_images_stays),
		TEST(the_default_vdc_gives_the_users_group_all_clusters),
		TEST(an_equal_right_of_two_vdcs_stays_until_both_are_gone),
		TEST(all_stands_for_those_named_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
