/* Networks: NICs get addresses and give them back; holding, ranges, removal. */
#include "vm_world.h"

static struct one_err err;
static const struct identity bob = { .uid = 3, .gid = 1, .gids = gids_alice, .n_gids = 1, .uname = "bob", .gname = "users" };

static enum one_rc run(core_run_fn fn, void *arg)
{
	one_err_clear(&err);
	core_run(core, fn, arg, &err);
	return err.rc;
}

/* ---- NICs ---- */

struct nic { const char *text; int vm_id, vrouter_id; const struct identity *who; struct arena arena; struct attr *attr; };

static void acquire(struct txn *t, void *arg)
{
	struct nic *n = arg;

	n->attr = tmpl_find(parsed(&n->arena, n->text), "NIC");
	vnet_nic_acquire(t, n->who ? n->who : &oneadmin, n->attr, &n->arena, n->vm_id, n->vrouter_id);
}

static const char *got(const struct nic *n, const char *name)
{
	const char *value = attr_get(n->attr, name);

	return value ? value : "";
}

#define NIC(id, words) { .text = "NIC=[NIC_ID=0," words "]", .vm_id = id, .vrouter_id = -1 }

struct release { int net, ar; const char *mac; int vm; };

static void release(struct txn *t, void *arg)
{
	const struct release *r = arg;

	vnet_nic_release(t, r->net, r->ar, r->mac, r->vm);
}

static int used(int net)
{
	struct version *v = pool_get(core, OBJ_NET, net);
	int n;

	assert_non_null(v);
	n = vnet_used_leases((const struct vnet *)v->obj);
	version_unref(v);
	return n;
}

static void a_nic_gets_the_next_address_and_what_the_network_says(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0"), b = NIC(8, "NETWORK=net,NETWORK_UNAME=oneadmin");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_int_equal(run(acquire, &b), ONE_OK);
	assert_string_equal(got(&a, "IP"), "10.0.0.1");
	assert_string_equal(got(&a, "MAC"), "02:00:0a:00:00:01");
	assert_string_equal(got(&a, "NETWORK"), "net");
	assert_string_equal(got(&a, "BRIDGE"), "br0");
	assert_string_equal(got(&a, "AR_ID"), "0");
	assert_string_equal(got(&a, "GATEWAY"), "10.0.0.254");
	assert_string_equal(got(&a, "TARGET"), "one-7-0");
	assert_string_equal(got(&b, "NETWORK_ID"), "0");
	assert_string_equal(got(&b, "IP"), "10.0.0.2");
	assert_int_equal(used(0), 2);
	arena_done(&a.arena);
	arena_done(&b.arena);
}

static void an_address_that_is_asked_for_is_given_once(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0,IP=10.0.0.9"), b = NIC(8, "NETWORK_ID=0,IP=10.0.0.9");
	struct nic c = NIC(9, "NETWORK_ID=0,MAC=\"02:00:0a:00:00:0b\""), d = NIC(9, "NETWORK_ID=0,IP=11.0.0.1");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_string_equal(got(&a, "IP"), "10.0.0.9");
	assert_int_equal(run(acquire, &b), ONE_ACTION);
	assert_string_equal(err.text, "Cannot get IP/MAC lease from virtual network 0.");
	assert_int_equal(run(acquire, &c), ONE_OK);
	assert_string_equal(got(&c, "IP"), "10.0.0.11");
	assert_int_equal(run(acquire, &d), ONE_ACTION);
	assert_int_equal(used(0), 2);
	arena_done(&a.arena);
	arena_done(&b.arena);
	arena_done(&c.arena);
	arena_done(&d.arena);
}

static void a_nic_that_names_no_network_gets_nothing(void **state)
{
	struct nic a = NIC(7, "MODEL=virtio");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_string_equal(got(&a, "MAC"), "");
	arena_done(&a.arena);
}

static void networks_are_found_by_name_among_ones_own(void **state)
{
	struct nic a = NIC(7, "NETWORK=net"), b = NIC(7, "NETWORK=net,NETWORK_UNAME=nobody"), c = NIC(7, "NETWORK_ID=99");

	(void)state;
	a.who = &bob;
	assert_int_equal(run(acquire, &a), ONE_ACTION);
	assert_non_null(strstr(err.text, "net"));
	assert_int_equal(run(acquire, &b), ONE_ACTION);
	assert_int_equal(run(acquire, &c), ONE_ACTION);
	arena_done(&a.arena);
	arena_done(&b.arena);
	arena_done(&c.arena);
}

static void an_address_comes_back_from_its_owner_only(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_int_equal(run(release, &(struct release){ 0, 0, "02:00:0a:00:00:01", 8 }), ONE_OK);
	assert_int_equal(used(0), 1);
	assert_int_equal(run(release, &(struct release){ 0, -1, "02:00:0a:00:00:01", 7 }), ONE_OK);
	assert_int_equal(used(0), 0);
	assert_int_equal(run(release, &(struct release){ 0, 5, "nonsense", 7 }), ONE_OK);
	assert_int_equal(run(release, &(struct release){ 99, 0, "02:00:0a:00:00:01", 7 }), ONE_OK);
	arena_done(&a.arena);
}

static void addresses_run_out(void **state)
{
	struct nic last = NIC(99, "NETWORK_ID=0");

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct nic a = NIC(i, "NETWORK_ID=0");

		assert_int_equal(run(acquire, &a), ONE_OK);
		arena_done(&a.arena);
	}
	assert_int_equal(run(acquire, &last), ONE_ACTION);
	arena_done(&last.arena);
}

/* ---- holding ---- */

struct change { int net; const char *text; bool flag; enum one_rc (*fn)(struct txn *t, struct vnet *vn, const struct tmpl *tmpl); };

static void change(struct txn *t, void *arg)
{
	const struct change *c = arg;
	struct vnet *vn = txn_edit(t, OBJ_NET, c->net);

	c->fn(t, vn, parsed(t->arena, c->text));
}

static enum one_rc hold(const char *text)
{
	return run(change, &(struct change){ .text = text, .fn = vnet_hold });
}

static enum one_rc unhold(const char *text)
{
	return run(change, &(struct change){ .text = text, .fn = vnet_unhold });
}

static void an_address_on_hold_is_given_to_nobody(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0"), b = NIC(7, "NETWORK_ID=0,IP=10.0.0.1");

	(void)state;
	assert_int_equal(hold("LEASES=[IP=10.0.0.1]"), ONE_OK);
	assert_int_equal(hold("LEASES=[IP=10.0.0.1]"), ONE_INTERNAL);
	assert_int_equal(run(acquire, &b), ONE_ACTION);
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_string_equal(got(&a, "IP"), "10.0.0.2");
	assert_int_equal(unhold("LEASES=[IP=10.0.0.1]"), ONE_OK);
	assert_int_equal(used(0), 1);
	arena_done(&a.arena);
	arena_done(&b.arena);
}

static void what_a_vm_has_is_no_address_on_hold(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	run(change, &(struct change){ .text = "LEASES=[IP=10.0.0.1]", .fn = vnet_unhold });
	assert_int_equal(used(0), 1);
	assert_int_equal(hold("LEASES=[IP=10.0.0.1,MAC=\"02:00:0a:00:00:01\"]"), ONE_INTERNAL);
	assert_int_equal(hold("A=1"), ONE_INTERNAL);
	assert_int_equal(hold("LEASES=[AR_ID=0]"), ONE_INTERNAL);
	arena_done(&a.arena);
}

/* ---- ranges ---- */

static enum one_rc update_as_user(struct txn *t, struct vnet *vn, const struct tmpl *tmpl)
{
	return vnet_ar_update(t, vn, tmpl, false);
}

static enum one_rc remove_range(struct txn *t, struct vnet *vn, const struct tmpl *tmpl)
{
	bool force;

	return vnet_ar_remove(t, vn, 0, tmpl_get_bool(tmpl, "FORCE", &force) && force);
}

static void ranges_come_and_go(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0"), b = NIC(8, "NETWORK_ID=0");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_int_equal(run(change, &(struct change){ .text = "A=1", .fn = remove_range }), ONE_INTERNAL);
	assert_int_equal(run(change, &(struct change){ .text = "AR=[TYPE=IP4,IP=10.9.0.1,SIZE=2]", .fn = vnet_ar_add }), ONE_OK);
	assert_int_equal(run(change, &(struct change){ .text = "FORCE=YES", .fn = remove_range }), ONE_OK);
	assert_int_equal(run(acquire, &b), ONE_OK);
	assert_string_equal(got(&b, "IP"), "10.9.0.1");
	assert_string_equal(got(&b, "AR_ID"), "1");
	assert_int_equal(run(change, &(struct change){ .text = "AR=[TYPE=IP5]", .fn = vnet_ar_add }), ONE_INTERNAL);
	assert_int_equal(run(change, &(struct change){ .text = "A=1", .fn = vnet_ar_add }), ONE_INTERNAL);
	arena_done(&a.arena);
	arena_done(&b.arena);
}

static void a_range_is_changed_by_its_id(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0,IP=10.0.0.25");

	(void)state;
	assert_int_equal(run(change, &(struct change){ .text = "AR=[AR_ID=0,SIZE=30]", .fn = update_as_user }), ONE_OK);
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_int_equal(run(change, &(struct change){ .text = "AR=[SIZE=30]", .fn = update_as_user }), ONE_INTERNAL);
	assert_int_equal(run(change, &(struct change){ .text = "AR=[AR_ID=8,SIZE=30]", .fn = update_as_user }), ONE_INTERNAL);
	assert_string_equal(err.text, "Address Range with ID 8 was not found.");
	arena_done(&a.arena);
}

/* ---- reservations ---- */

struct reserving { struct vnet_part part; const char *name; int into; };

static void reserve(struct txn *t, void *arg)
{
	static const int cluster[] = { 0 };
	struct reserving *r = arg;
	struct object owner = owned_by(&alice);
	struct vnet *parent = txn_edit(t, OBJ_NET, 0);
	struct vnet *vn = r->into >= 0 ? txn_edit(t, OBJ_NET, r->into) :
					 vnet_create(t, &owner, vnet_reservation_template(parent, r->name, t->arena), 0, cluster, 1);

	if (vn && !vnet_reserve(t, parent, vn, &r->part))
		r->into = vn->o.id;
}

static void quota_of_alice(struct txn *t, void *arg)
{
	const struct quota *q = txn_read(t, OBJ_USER_QUOTA, 2);
	const struct attr *network = q && q->network ? tmpl_find(q->network, "NETWORK") : NULL;
	double used_leases = 0;

	if (network)
		attr_get_float(network, "LEASES_USED", &used_leases);
	*(int *)arg = (int)used_leases;
}

static int counted(void)
{
	int n = -1;

	run(quota_of_alice, &n);
	return n;
}

static void a_reservation_has_addresses_of_its_parent(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0"), b = NIC(8, "NETWORK_ID=0,IP=10.0.0.3"), c = NIC(9, "NETWORK_ID=0");
	struct reserving r = { .part = { .size = 3, .ar_id = -1 }, .name = "mine", .into = -1 };
	struct nic inside = NIC(9, "NETWORK_ID=2");

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_int_equal(run(reserve, &r), ONE_OK);
	assert_int_equal(r.into, 2);
	assert_int_equal(used(0), 4);
	assert_int_equal(counted(), 3);
	assert_int_equal(run(acquire, &b), ONE_ACTION); /* reserved */
	assert_int_equal(run(acquire, &c), ONE_OK);
	assert_string_equal(got(&c, "IP"), "10.0.0.5");
	assert_int_equal(run(acquire, &inside), ONE_OK);
	assert_string_equal(got(&inside, "IP"), "10.0.0.2");
	assert_string_equal(got(&inside, "PARENT_NETWORK_ID"), "0");
	arena_done(&a.arena);
	arena_done(&b.arena);
	arena_done(&c.arena);
	arena_done(&inside.arena);
}

static void a_reservation_grows_and_goes(void **state)
{
	struct reserving first = { .part = { .size = 2, .ar_id = -1 }, .name = "mine", .into = -1 };
	struct reserving more = { .part = { .size = 2, .ar_id = 0, .kind = ADDRESS_IP4, .address = "10.0.0.10" } };
	int id;

	(void)state;
	run(reserve, &first);
	id = more.into = first.into;
	assert_int_equal(run(reserve, &more), ONE_OK);
	assert_int_equal(used(0), 4);
	assert_int_equal(counted(), 4);
	assert_int_equal(run(change, &(struct change){ .net = id, .text = "A=1", .fn = remove_range }), ONE_OK);
	assert_int_equal(used(0), 2);
	assert_int_equal(counted(), 2);
}

static void what_is_not_free_is_not_reserved(void **state)
{
	static const struct vnet_part bad[] = {
		{ .size = 21, .ar_id = -1 },
		{ .size = 1, .ar_id = 4 },
		{ .size = 2, .ar_id = 0, .kind = ADDRESS_IP4, .address = "10.0.0.20" }, /* the last one */
		{ .size = 1, .ar_id = 0, .kind = ADDRESS_IP4, .address = "11.0.0.1" },
		{ .size = 1, .ar_id = 0, .kind = ADDRESS_MAC, .address = "nonsense" },
		{ .size = UINT32_MAX, .ar_id = 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(run(reserve, &(struct reserving){ .part = bad[i], .name = "mine", .into = -1 }), ONE_ACTION);
	assert_int_equal(used(0), 0);
	assert_int_equal(counted(), 0);
	assert_null(pool_get(core, OBJ_NET, 2));
}

/* ---- making and removing ---- */

struct making_net { const char *text; int id; int parent; };

static void make(struct txn *t, void *arg)
{
	static const int cluster[] = { 0 };
	struct making_net *m = arg;
	struct object owner = owned_by(&alice);
	struct vnet *vn = vnet_create(t, &owner, parsed(t->arena, m->text), -1, cluster, 1);

	m->id = vn ? vn->o.id : -1;
}

static void a_network_needs_a_name_and_a_driver(void **state)
{
	(void)state;
	assert_int_equal(run(make, &(struct making_net){ .text = "VN_MAD=bridge\nBRIDGE=b" }), ONE_INTERNAL);
	assert_int_equal(run(make, &(struct making_net){ .text = "NAME=n\nBRIDGE=b" }), ONE_INTERNAL);
	assert_string_equal(err.text, "No VN_MAD in template for Virtual Network.");
	assert_int_equal(run(make, &(struct making_net){ .text = "NAME=n\nVN_MAD=tokenring" }), ONE_INTERNAL);
	assert_string_equal(err.text, "VN_MAD named \"tokenring\" is not defined in oned.conf");
}

static void look_at_error(struct txn *t, void *arg)
{
	const struct vnet *vn = txn_read(t, OBJ_NET, *(int *)arg);

	assert_int_equal(vn->state, VNET_ERROR);
	assert_non_null(strstr(tmpl_get(vn->o.tmpl, "ERROR"), "Wrong or empty IP attribute"));
}

static void a_network_with_a_wrong_range_is_there_in_error(void **state)
{
	struct making_net m = { .text = "NAME=n\nVN_MAD=bridge\nBRIDGE=b\nAR=[TYPE=IP4,SIZE=3]" };

	(void)state;
	assert_int_equal(run(make, &m), ONE_OK);
	run(look_at_error, &m.id);
}

struct judging { int id; enum vnet_verdict verdict; };

static void judge(struct txn *t, void *arg)
{
	const struct judging *j = arg;

	vnet_recover(t, txn_edit(t, OBJ_NET, j->id), j->verdict);
}

static void a_person_decides_what_became_of_a_network(void **state)
{
	struct making_net m = { .text = "NAME=n\nVN_MAD=bridge\nBRIDGE=b\nAR=[TYPE=IP4,SIZE=3]" };

	(void)state;
	run(make, &m);
	assert_int_equal(run(judge, &(struct judging){ m.id, VNET_FAILED }), ONE_INTERNAL);
	assert_string_equal(err.text, "Could not perform 'recover failure' on VN 2, wrong state ERROR.");
	assert_int_equal(run(judge, &(struct judging){ m.id, VNET_SUCCEEDED }), ONE_OK);
	assert_int_equal(run(judge, &(struct judging){ m.id, VNET_REMOVED }), ONE_INTERNAL); /* it is READY now */
	assert_int_equal(run(judge, &(struct judging){ m.id, VNET_AGAIN }), ONE_INTERNAL);
	m.text = "NAME=n2\nVN_MAD=bridge\nBRIDGE=b\nAR=[TYPE=IP4,SIZE=3]";
	run(make, &m);
	assert_int_equal(run(judge, &(struct judging){ m.id, VNET_REMOVED }), ONE_OK);
	assert_null(pool_get(core, OBJ_NET, m.id));
}

static void destroy(struct txn *t, void *arg)
{
	struct vnet *vn = txn_edit(t, OBJ_NET, *(int *)arg);

	vnet_destroy(t, vn);
}

static void cluster_has(struct txn *t, void *arg)
{
	const struct cluster *c = txn_read(t, OBJ_CLUSTER, 0);

	assert_int_equal(idset_has(&c->vnets, 0), *(bool *)arg);
}

static void a_network_goes_when_its_addresses_are_back(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0");
	int net = 0;
	bool there = true;

	(void)state;
	run(cluster_has, &there);
	assert_int_equal(run(acquire, &a), ONE_OK);
	assert_int_equal(run(destroy, &net), ONE_ACTION);
	assert_string_equal(err.text, "Can not remove a virtual network with leases in use");
	run(release, &(struct release){ 0, 0, "02:00:0a:00:00:01", 7 });
	assert_int_equal(run(destroy, &net), ONE_OK);
	assert_null(pool_get(core, OBJ_NET, 0));
	there = false;
	run(cluster_has, &there);
	arena_done(&a.arena);
}

/* A network that is read again is the same, leases and all. */
static void a_network_survives_its_row(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0");
	struct strbuf again = STRBUF_INIT;
	struct version *v;
	struct object *o;

	(void)state;
	assert_int_equal(run(acquire, &a), ONE_OK);
	v = pool_get(core, OBJ_NET, 0);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	v->ops->render(o, &again);
	assert_string_equal(again.buf, v->body);
	assert_int_equal(vnet_used_leases((struct vnet *)o), 1);
	obj_free(o);
	version_unref(v);
	strbuf_done(&again);
	arena_done(&a.arena);
}

static bool only_mine(void *ctx, int64_t owner)
{
	return lease_owner_id(owner) == *(int *)ctx;
}

static void leases_are_shown_to_those_who_may_see_their_owners(void **state)
{
	struct nic a = NIC(7, "NETWORK_ID=0"), b = NIC(8, "NETWORK_ID=0");
	struct strbuf all = STRBUF_INIT, some = STRBUF_INIT;
	struct version *v;
	int mine = 8;

	(void)state;
	run(acquire, &a);
	run(acquire, &b);
	v = pool_get(core, OBJ_NET, 0);
	vnet_render_extended((const struct vnet *)v->obj, NULL, NULL, &all);
	vnet_render_extended((const struct vnet *)v->obj, only_mine, &mine, &some);
	assert_non_null(strstr(all.buf, "<VM><![CDATA[7]]></VM>"));
	assert_null(strstr(some.buf, "<VM><![CDATA[7]]></VM>"));
	assert_non_null(strstr(some.buf, "<VM><![CDATA[8]]></VM>"));
	assert_non_null(strstr(some.buf, "<USED_LEASES>2</USED_LEASES>"));
	version_unref(v);
	strbuf_done(&all);
	strbuf_done(&some);
	arena_done(&a.arena);
	arena_done(&b.arena);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_nic_gets_the_next_address_and_what_the_network_says),
		TEST(an_address_that_is_asked_for_is_given_once),
		TEST(a_nic_that_names_no_network_gets_nothing),
		TEST(networks_are_found_by_name_among_ones_own),
		TEST(an_address_comes_back_from_its_owner_only),
		TEST(addresses_run_out),
		TEST(an_address_on_hold_is_given_to_nobody),
		TEST(what_a_vm_has_is_no_address_on_hold),
		TEST(ranges_come_and_go),
		TEST(a_range_is_changed_by_its_id),
		TEST(a_reservation_has_addresses_of_its_parent),
		TEST(a_reservation_grows_and_goes),
		TEST(what_is_not_free_is_not_reserved),
		TEST(a_network_needs_a_name_and_a_driver),
		TEST(a_network_with_a_wrong_range_is_there_in_error),
		TEST(a_person_decides_what_became_of_a_network),
		TEST(a_network_goes_when_its_addresses_are_back),
		TEST(a_network_survives_its_row),
		TEST(leases_are_shown_to_those_who_may_see_their_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
