/* Virtual routers: their NICs and floating addresses, what counts for whom, and what VMs get of them. */
#include "vm_world.h"

#include "oned/auth/quota_record.h"
#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"
#include "oned/objects/vrouter.h"

static struct one_err err;

static enum one_rc run(core_run_fn fn, void *arg)
{
	one_err_clear(&err);
	core_run(core, fn, arg, &err);
	return err.rc;
}

struct making_router { const struct identity *who; const char *text; };

static void make(struct txn *t, void *arg)
{
	const struct making_router *m = arg;
	struct object owner = owned_by(m->who);

	if (!vrouter_create(t, m->who, &owner, parsed(t->arena, m->text)))
		assert_false(txn_ok(t));
}

static enum one_rc router_of(const struct identity *who, const char *text)
{
	return run(make, &(struct making_router){ who, text });
}

static const char *why_not(const char *text)
{
	return router_of(&oneadmin, text) ? err.text : "";
}

static void destroy(struct txn *t, void *arg)
{
	(void)arg;
	vrouter_destroy(t, txn_edit(t, OBJ_VROUTER, 0));
}

static void attach(struct txn *t, void *arg)
{
	vrouter_nic_attach(t, &oneadmin, txn_edit(t, OBJ_VROUTER, 0), parsed(t->arena, arg));
}

static const char *attached(const char *text)
{
	return run(attach, (void *)text) ? err.text : "";
}

/* ---- what there is ---- */

static bool body_has(enum obj_type type, int id, const char *part)
{
	struct version *v = pool_get(core, type, id);
	bool has;

	assert_non_null(v);
	has = strstr(v->body, part) != NULL;
	version_unref(v);
	return has;
}

#define IN_ROUTER(part) assert_true(body_has(OBJ_VROUTER, 0, part))

static int used_leases(int net)
{
	struct version *v = pool_get(core, OBJ_NET, net);
	int n = vnet_used_leases((const struct vnet *)v->obj);

	version_unref(v);
	return n;
}

static bool lists_router(int net)
{
	struct version *v = pool_get(core, OBJ_NET, net);
	bool lists = idset_has(&((const struct vnet *)v->obj)->vrouters, 0);

	version_unref(v);
	return lists;
}

/* Hundredths. */
static long long counted(enum obj_type party, int id, int net)
{
	struct version *v = pool_get(core, party, id);
	const struct attr *record = v ? quota_record_find((const struct quota *)v->obj, QUOTA_NETWORK, net) : NULL;
	long long used = record ? quota_used(record, "LEASES") : 0;

	version_unref(v);
	return used / 100;
}

static void limit(struct txn *t, void *arg)
{
	struct quota *q = quota_edit(t, OBJ_USER_QUOTA, 2);
	struct attr *record = quota_record_find(q, QUOTA_NETWORK, 0);

	if (!record)
		record = quota_record_make(t, q, QUOTA_NETWORK, 0, QUOTA_DEFAULT);
	quota_set_limit(q, record, "LEASES", 100 * *(int *)arg);
}

/* ---- NICs ---- */

static void a_floating_address_is_leased_and_kept_apart(void **state)
{
	(void)state;
	assert_int_equal(router_of(&oneadmin, "NAME=r\nDESCRIPTION=d\nNIC=[NETWORK=net,FLOATING_IP=yes,IP=10.0.0.7,INBOUND_AVG_BW=9,NOTE=n]\n"
					      "NIC=[NETWORK_ID=1,INBOUND_AVG_BW=9]"), ONE_OK);
	IN_ROUTER("<NIC><AR_ID><![CDATA[0]]></AR_ID><FLOATING_IP><![CDATA[yes]]></FLOATING_IP><NETWORK><![CDATA[net]]></NETWORK>"
		  "<NETWORK_ID><![CDATA[0]]></NETWORK_ID><NIC_ID><![CDATA[0]]></NIC_ID><NOTE><![CDATA[n]]></NOTE>"
		  "<VROUTER_IP><![CDATA[10.0.0.7]]></VROUTER_IP><VROUTER_MAC><![CDATA[02:00:0a:00:00:07]]></VROUTER_MAC></NIC>");
	IN_ROUTER("<NIC><INBOUND_AVG_BW><![CDATA[9]]></INBOUND_AVG_BW><NETWORK><![CDATA[net2]]></NETWORK><NETWORK_ID><![CDATA[1]]></NETWORK_ID>"
		  "<NIC_ID><![CDATA[1]]></NIC_ID></NIC>");
	IN_ROUTER("<NAME>r</NAME>");
	IN_ROUTER("<VMS></VMS><TEMPLATE><DESCRIPTION>");
	assert_int_equal(used_leases(0), 1);
	assert_int_equal(used_leases(1), 0);
	assert_true(lists_router(0) && lists_router(1));
	assert_int_equal(run(destroy, NULL), ONE_OK);
	assert_int_equal(used_leases(0), 0);
	assert_false(lists_router(0) || lists_router(1));
	assert_null(pool_get(core, OBJ_VROUTER, 0));
}

static void routers_that_make_no_sense_are_refused_and_hold_nothing(void **state)
{
	(void)state;
	assert_string_equal(why_not("NIC=[NETWORK_ID=0]"), "Invalid NAME, it cannot be empty");
	assert_string_equal(why_not("NAME=\"a;b\""), "Invalid NAME, char ';' is not allowed");
	assert_string_equal(why_not("NAME=r\nNIC=[NETWORK_ID=0,FLOATING_IP=yes]\nNIC=[NETWORK_MODE=Auto]"),
			    "Virtual Router is incompatible with auto mode");
	assert_int_equal(err.rc, ONE_INTERNAL);
	assert_string_equal(why_not("NAME=r\nNIC=[NETWORK_ID=0,FLOATING_IP=yes]\nNIC=[NETWORK_ID=9]"),
			    "Virtual network with ID: 9 does not exist");
	assert_int_equal(err.rc, ONE_INTERNAL);
	assert_string_equal(why_not("NAME=r\nNIC=[NETWORK_ID=0,FLOATING_IP=yes]\nNIC=[NETWORK_ID=0,FLOATING_IP=yes,IP=10.9.0.1]"),
			    "Cannot get IP/MAC lease from virtual network 0.");
	assert_int_equal(used_leases(0), 0);
	assert_false(lists_router(0));
}

static void there_is_room_for_so_many_nics(void **state)
{
	char text[32 * VM_MAX_DEVICES + 64] = "NAME=r\n", *end = text + strlen(text);

	(void)state;
	for (int i = 0; i < VM_MAX_DEVICES; i++)
		end = stpcpy(end, "NIC=[NETWORK_ID=1]\n");
	assert_string_equal(why_not(text), "");
	stpcpy(end, "NIC=[NETWORK_ID=1]\n");
	assert_non_null(strstr(why_not(text), "can't have more than"));
	assert_non_null(strstr(attached("NIC=[NETWORK_ID=1]"), "can't have more than"));
}

static void a_nic_without_a_network_is_only_kept(void **state)
{
	(void)state;
	assert_int_equal(router_of(&alice, "NAME=r\nNIC=[FLOATING_IP=yes,IP=10.0.0.1]\nNIC=plain"), ONE_OK);
	IN_ROUTER("<VROUTER_IP><![CDATA[10.0.0.1]]></VROUTER_IP>");
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 0);
	assert_int_equal(run(destroy, NULL), ONE_OK);
}

static void names_may_repeat(void **state)
{
	(void)state;
	assert_string_equal(why_not("NAME=r"), "");
	assert_string_equal(why_not("NAME=r"), "");
}

/* ---- quotas ---- */

static const char two_of_alice[] = "NAME=r\nNIC=[NETWORK=net,NETWORK_UID=0,FLOATING_IP=yes]\nNIC=[NETWORK_ID=0,FLOATING_IP=YES]\nNIC=[NETWORK_ID=0]";

static void floating_addresses_count_for_the_owner(void **state)
{
	(void)state;
	assert_int_equal(run(limit, &(int){ 1 }), ONE_OK);
	assert_int_equal(router_of(&alice, two_of_alice), ONE_AUTHORIZATION);
	assert_string_equal(err.text, "user [2] limit of 1 reached for LEASES quota in NETWORK with ID: 0");
	assert_int_equal(used_leases(0), 0);
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 0);
	assert_int_equal(run(limit, &(int){ 2 }), ONE_OK);
	assert_int_equal(router_of(&alice, two_of_alice), ONE_OK);
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 2);
	assert_int_equal(counted(OBJ_GROUP_QUOTA, 1, 0), 2);
	assert_int_equal(run(destroy, NULL), ONE_OK);
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 0);
	assert_int_equal(counted(OBJ_GROUP_QUOTA, 1, 0), 0);
}

static void give_to(struct txn *t, void *arg)
{
	struct vrouter *vr = txn_edit(t, OBJ_VROUTER, 0);
	int uid = vr->o.uid, gid = vr->o.gid;

	vr->o.uid = *(int *)arg;
	vrouter_quota_moved(t, vr, uid, gid);
}

static void what_a_router_leases_follows_its_owner(void **state)
{
	(void)state;
	assert_int_equal(router_of(&alice, two_of_alice), ONE_OK);
	assert_int_equal(run(give_to, &(int){ 0 }), ONE_OK);
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 0);
	assert_int_equal(counted(OBJ_GROUP_QUOTA, 1, 0), 2);
	assert_int_equal(run(limit, &(int){ 1 }), ONE_OK);
	assert_int_equal(run(give_to, &(int){ 2 }), ONE_AUTHORIZATION);
	assert_int_equal(run(limit, &(int){ 2 }), ONE_OK);
	assert_int_equal(run(give_to, &(int){ 2 }), ONE_OK);
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 2);
}

/* ---- changes ---- */

static void an_update_keeps_the_nics(void **state)
{
	struct version *v;
	struct object *o;
	struct tmpl *fresh;
	struct arena arena = ARENA_INIT;

	(void)state;
	assert_string_equal(why_not("NAME=r\nNIC=[NETWORK_ID=0,NOTE=old]"), "");
	v = pool_get(core, OBJ_VROUTER, 0);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	fresh = parsed(&arena, "A=b\nNIC=[NETWORK_ID=1]\nNIC=x");
	assert_int_equal(vrouter_ops.check_update(o, fresh, &err), ONE_OK);
	assert_string_equal(attr_get(tmpl_find(fresh, "NIC"), "NOTE"), "old");
	assert_null(tmpl_find_next(tmpl_find(fresh, "NIC")));
	assert_string_equal(tmpl_get(fresh, "A"), "b");
	obj_free(o);
	arena_done(&arena);
	version_unref(v);
}

static void detach(struct txn *t, void *arg)
{
	vrouter_nic_detach(t, txn_edit(t, OBJ_VROUTER, 0), *(int *)arg);
}

static void nics_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(router_of(&alice, "NAME=r\nNIC=[NETWORK_ID=0]\nNIC=[NETWORK_ID=1]"), ONE_OK);
	assert_string_equal(attached("NIC=[NETWORK_ID=0,FLOATING_IP=yes]"), "");
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 1); /* the owner's, whoever attaches */
	IN_ROUTER("<NIC_ID><![CDATA[2]]></NIC_ID><VROUTER_IP><![CDATA[10.0.0.1]]>");
	assert_int_equal(run(detach, &(int){ 0 }), ONE_OK);
	assert_int_equal(used_leases(0), 1);
	assert_int_equal(run(detach, &(int){ 2 }), ONE_OK);
	assert_int_equal(used_leases(0), 0);
	assert_int_equal(counted(OBJ_USER_QUOTA, 2, 0), 0);
	assert_string_equal(attached("NIC=[NETWORK_ID=0]"), "");
	IN_ROUTER("<NETWORK_ID><![CDATA[0]]></NETWORK_ID><NIC_ID><![CDATA[2]]></NIC_ID>");
	assert_int_equal(run(detach, &(int){ 7 }), ONE_ACTION);
	assert_string_equal(err.text, "NIC with NIC_ID 7 does not exist.");
}

static void what_is_no_nic_is_not_attached(void **state)
{
	(void)state;
	assert_string_equal(why_not("NAME=r"), "");
	assert_string_equal(attached("NIC_ALIAS=[NETWORK_ID=0,PARENT=NIC0]\nNIC=[NETWORK_ID=0]"), "Alias can't be attached to virtual router.");
	assert_int_equal(err.rc, ONE_ACTION);
	assert_string_equal(attached("CPU=1"), "The template must contain one NIC attribute");
	assert_string_equal(attached("NIC=x"), "The template must contain one NIC attribute");
	assert_string_equal(attached("NIC=[NETWORK_ID=0]\nNIC=[NETWORK_ID=1]"), "The template must contain one NIC attribute");
	assert_string_equal(attached("NIC=[NETWORK_MODE=auto,NETWORK_ID=0]"), "Virtual Router is incompatible with auto mode");
	assert_string_equal(attached("NIC=[NETWORK_ID=0,FLOATING_IP=yes,IP=1.1.1.1]"), "Cannot get IP/MAC lease from virtual network 0.");
	assert_int_equal(err.rc, ONE_ACTION);
	assert_false(lists_router(0));
}

/* A router can't free what another has, whatever its NIC says. */
static void only_its_own_leases_are_given_back(void **state)
{
	(void)state;
	assert_string_equal(why_not("NAME=r\nNIC=[NETWORK_ID=0,VROUTER_MAC=\"02:00:0a:00:00:01\",AR_ID=0]"), "");
	assert_string_equal(why_not("NAME=s\nNIC=[NETWORK_ID=0,FLOATING_IP=yes]"), "");
	assert_int_equal(run(destroy, NULL), ONE_OK);
	assert_int_equal(used_leases(0), 1);
}

/* ---- VMs ---- */

struct wanted { const char *name, *value; };

static void check_vm_template(struct txn *t, void *arg)
{
	const struct tmpl *tmpl = vrouter_vm_template(txn_read(t, OBJ_VROUTER, 0), t->arena);

	for (const struct wanted *w = arg; w->name; w++)
		assert_string_equal(tmpl_text(tmpl, w->name), w->value);
	assert_string_equal(attr_get(tmpl_vector(tmpl, "NIC"), "VROUTER_IP"), "10.0.0.1");
	assert_null(attr_get(tmpl_vector(tmpl, "NIC"), "IP"));
}

static void say_more(struct txn *t, void *arg)
{
	struct vrouter *vr = txn_edit(t, OBJ_VROUTER, 0);

	(void)arg;
	tmpl_set(vr->o.tmpl, "KEEPALIVED_ID", "77");
	tmpl_set(vr->o.tmpl, "KEEPALIVED_PASSWORD", "pw");
	tmpl_set(vr->o.tmpl, "NOTE", "n");
}

static void vms_get_the_nics_and_know_whose_they_are(void **state)
{
	const struct wanted plain[] = { { "VROUTER_ID", "0" }, { "VROUTER_KEEPALIVED_ID", "1" }, { "VROUTER_KEEPALIVED_PASSWORD", "" }, { NULL, NULL } };
	const struct wanted told[] = { { "VROUTER_KEEPALIVED_ID", "77" }, { "VROUTER_KEEPALIVED_PASSWORD", "pw" }, { "NOTE", "" }, { NULL, NULL } };

	(void)state;
	assert_string_equal(why_not("NAME=r\nNIC=[NETWORK_ID=0,FLOATING_IP=yes]"), "");
	assert_int_equal(run(check_vm_template, (void *)plain), ONE_OK);
	assert_int_equal(run(say_more, NULL), ONE_OK);
	assert_int_equal(run(check_vm_template, (void *)told), ONE_OK);
}

static void add_vms(struct txn *t, void *arg)
{
	struct vrouter *vr = txn_edit(t, OBJ_VROUTER, 0);

	(void)arg;
	idset_add(&vr->vms, &vr->o.arena, 0);
	idset_add(&vr->vms, &vr->o.arena, 1);
}

static void vm_ends(struct txn *t, void *arg)
{
	vm_release_resources(t, txn_edit(t, OBJ_VM, *(int *)arg), false);
}

static void a_vm_that_ends_is_its_routers_no_more(void **state)
{
	(void)state;
	assert_string_equal(why_not("NAME=r"), "");
	for (int i = 0; i < 3; i++)
		create("CPU=1\nMEMORY=64\nVROUTER_ID=0");
	create("CPU=1\nMEMORY=64\nVROUTER_ID=99");
	assert_int_equal(run(add_vms, NULL), ONE_OK);
	IN_ROUTER("<VMS><ID>0</ID><ID>1</ID></VMS>");
	for (int vm = 1; vm < 4; vm++) /* 2 only says so of itself, 3 names a router that isn't there */
		assert_int_equal(run(vm_ends, &vm), ONE_OK);
	IN_ROUTER("<VMS><ID>0</ID></VMS>");
}

static int begin(void **state)
{
	return world_begin(state) || tmpl_parse(conf.values, "VM_RESTRICTED_ATTR=\"NIC/MAC\"\nVM_RESTRICTED_ATTR=\"NIC/INBOUND_AVG_BW\"", NULL) ? -1 : 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, world_end)
	const struct CMUnitTest tests[] = {
		TEST(a_floating_address_is_leased_and_kept_apart), TEST(routers_that_make_no_sense_are_refused_and_hold_nothing),
		TEST(there_is_room_for_so_many_nics), TEST(a_nic_without_a_network_is_only_kept), TEST(names_may_repeat),
		TEST(floating_addresses_count_for_the_owner), TEST(what_a_router_leases_follows_its_owner), TEST(an_update_keeps_the_nics),
		TEST(nics_come_and_go), TEST(what_is_no_nic_is_not_attached), TEST(only_its_own_leases_are_given_back),
		TEST(vms_get_the_nics_and_know_whose_they_are), TEST(a_vm_that_ends_is_its_routers_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
