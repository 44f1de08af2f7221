/* The counters of quotas at the start: found wrong, put right, and left alone when they are right. */
#include "vm_world.h"

#include <stdio.h>

#include "oned/auth/quota_count.h"
#include "oned/objects/quota_check.h"
#include "oned/objects/vrouter.h"

static const char *body_of(enum obj_type type, int id)
{
	static char text[2][4096];
	struct version *v = pool_get(core, type, id);
	char *at = text[type == OBJ_GROUP_QUOTA];

	snprintf(at, sizeof(text[0]), "%s", v->body);
	version_unref(v);
	return at;
}

static void image_of_alice(struct txn *t, void *arg)
{
	(void)arg;
	world_image(t, &alice, "NAME=hers\nTYPE=DATABLOCK\nSIZE=30", 100, "dummy_path", "raw");
	image_quota_count(t, txn_read(t, OBJ_IMAGE, 6));
}

static void reservation_of_alice(struct txn *t, void *arg)
{
	static const int cluster[] = { 0 };
	struct object owner = owned_by(&alice);
	const struct vnet_part part = { .ar_id = -1, .size = 5 };
	struct vnet *parent = txn_edit(t, OBJ_NET, 0);
	struct vnet *mine = vnet_create(t, &owner, vnet_reservation_template(parent, "mine", t->arena), 0, cluster, 1);

	(void)arg;
	assert_int_equal(vnet_reserve(t, parent, mine, &part), ONE_OK);
}

static void router_of_alice(struct txn *t, void *arg)
{
	struct object owner = owned_by(&alice);

	(void)arg;
	assert_non_null(vrouter_create(t, &alice, &owner, parsed(t->arena, "NAME=r\nNIC=[NETWORK_ID=0,FLOATING_IP=yes]\nNIC=[NETWORK_ID=0]")));
}

static void make_everything(void)
{
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(core_run(core, router_of_alice, NULL, NULL), ONE_OK);
	assert_int_equal(core_run(core, image_of_alice, NULL, NULL), ONE_OK);
	assert_int_equal(core_run(core, reservation_of_alice, NULL, NULL), ONE_OK);
	if (create_as(&alice,
		      "CPU=0.125\nMEMORY=64\nGPU=2\nDISK=[IMAGE=data,IMAGE_UNAME=oneadmin]\nDISK=[TYPE=fs,SIZE=10]\n"
		      "NIC=[NETWORK=net,NETWORK_UID=0]",
		      &err) < 0 ||
	    create_as(&alice, "CPU=0.0149999999\nMEMORY=1", &err) < 0)
		fail_msg("%s", err.text);
	create("CPU=1\nMEMORY=64"); /* oneadmin's */
}

static void right_counters_are_left_alone(void **state)
{
	struct version *before, *after;

	(void)state;
	make_everything();
	before = pool_get(core, OBJ_USER_QUOTA, 2);
	assert_int_equal(quota_check(core, NULL), ONE_OK);
	after = pool_get(core, OBJ_USER_QUOTA, 2);
	assert_ptr_equal(after, before); /* nothing was written */
	version_unref(before);
	version_unref(after);
}

/* As another program could have left it: a number too much, one too little, one for nothing, one that is missing. */
static void spoil(struct txn *t, void *arg)
{
	const struct quota_amount vms = { "VMS", 3 }, leases = { "LEASES", 2 }, rvms = { "RVMS", 1 };
	struct quota *group;

	(void)arg;
	quota_add(t, 2, -1, QUOTA_VM, -1, &vms, 1, false);
	quota_del(t, 2, 1, QUOTA_NETWORK, 0, &leases, 1);
	quota_add(t, -1, 1, QUOTA_IMAGE, 99, &rvms, 1, false);
	group = quota_edit(t, OBJ_GROUP_QUOTA, 1);
	group->datastore = tmpl_new(&group->o.arena);
}

static void wrong_counters_are_put_right(void **state)
{
	char user[4096], group[4096];

	(void)state;
	make_everything();
	snprintf(user, sizeof(user), "%s", body_of(OBJ_USER_QUOTA, 2));
	snprintf(group, sizeof(group), "%s", body_of(OBJ_GROUP_QUOTA, 1));
	assert_non_null(strstr(user, "<LEASES_USED><![CDATA[7]]></LEASES_USED>"));
	assert_non_null(strstr(user, "<SIZE_USED><![CDATA[30]]></SIZE_USED>"));
	assert_int_equal(core_run(core, spoil, NULL, NULL), ONE_OK);
	assert_string_not_equal(body_of(OBJ_USER_QUOTA, 2), user);
	assert_int_equal(quota_check(core, NULL), ONE_OK);
	assert_string_equal(body_of(OBJ_USER_QUOTA, 2), user);
	assert_string_equal(body_of(OBJ_GROUP_QUOTA, 1), group);
}

static void limit_and_spoil(struct txn *t, void *arg)
{
	struct quota *q = quota_edit(t, OBJ_USER_QUOTA, 2);
	struct attr *record = quota_record_make(t, q, QUOTA_IMAGE, 42, QUOTA_DEFAULT);

	(void)arg;
	quota_set_limit(q, record, "RVMS", 300);
	quota_set_used(q, record, "RVMS", 700);
}

static void limits_stay(void **state)
{
	(void)state;
	assert_int_equal(core_run(core, limit_and_spoil, NULL, NULL), ONE_OK);
	assert_int_equal(quota_check(core, NULL), ONE_OK);
	assert_non_null(strstr(body_of(OBJ_USER_QUOTA, 2), "<RVMS><![CDATA[3]]></RVMS><RVMS_USED><![CDATA[0]]></RVMS_USED>"));
}

static int begin(void **state)
{
	return world_begin(state) || tmpl_parse(conf.values, "QUOTA_VM_ATTRIBUTE=GPU", NULL) ? -1 : 0;
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(right_counters_are_left_alone),
		IN_WORLD(wrong_counters_are_put_right),
		IN_WORLD(limits_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
