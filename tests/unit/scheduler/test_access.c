/* Tests of the rights to hosts and datastores. */
#include <stdio.h>
#include <string.h>

#include "scheduler/access.h"
#include "tests/unit/scheduler/pools_xml.h"

#define ANN         2
#define BOB         3
#define USERS_GROUP 1
#define STAFF       100

static const char USERS[] = "<USER_POOL><USER><ID>2</ID><GROUPS><ID>1</ID></GROUPS></USER>"
			    "<USER><ID>3</ID><GROUPS><ID>1</ID><ID>100</ID></GROUPS></USER></USER_POOL>";

static const char STORE[] = "<DATASTORE><ID>5</ID><UID>2</UID><GID>100</GID><CLUSTERS><ID>7</ID><ID>8</ID></"
			    "CLUSTERS><PERMISSIONS>"
			    "<OWNER_U>%d</OWNER_U><OWNER_M>%d</OWNER_M><GROUP_U>%d</GROUP_U><OTHER_U>%d</"
			    "OTHER_U></PERMISSIONS></DATASTORE>";
static const char HOST[] = "<HOST><ID>4</ID><CLUSTER_ID>7</CLUSTER_ID></HOST>";

struct fixture {
	struct arena arena;
	struct access access;
	struct access_object host, store;
};

static int set_up(void **state)
{
	static struct fixture f;
	char store[1024];

	arena_init(&f.arena);
	access_init(&f.access, 0);
	access_read_users(&f.access, &f.arena, parse_xml(&f.arena, USERS));
	snprintf(store, sizeof(store), STORE, 0, 0, 0, 0);
	access_read_object(&f.host, &f.arena, ACCESS_HOST, parse_xml(&f.arena, HOST));
	access_read_object(&f.store, &f.arena, ACCESS_DATASTORE, parse_xml(&f.arena, store));
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	access_done(&f->access);
	arena_done(&f->arena);
	return 0;
}

/* Is the host granted to ann when this is the only rule? */
static bool ann_may(struct fixture *f, const char *user, const char *resource, const char *rights,
		    const char *zone)
{
	struct strbuf xml = STRBUF_INIT;

	strbuf_addf(&xml,
		    "<ACL_POOL><ACL><ID>0</ID><USER>%s</USER><RESOURCE>%s</RESOURCE><RIGHTS>%s</"
		    "RIGHTS><ZONE>%s</ZONE></ACL></ACL_POOL>",
		    user, resource, rights, zone);
	access_read_rules(&f->access, &f->arena, parse_xml(&f->arena, xml.buf));
	strbuf_done(&xml);
	return access_allows(&f->access, ANN, USERS_GROUP, &f->host, ACCESS_MANAGE);
}

static void administrators_may_everything_and_strangers_nothing(void **state)
{
	struct fixture *f = *state;

	assert_true(access_allows(&f->access, 0, 0, &f->host, ACCESS_MANAGE));
	assert_true(access_allows(&f->access, 0, USERS_GROUP, &f->host, ACCESS_MANAGE));
	assert_true(access_allows(&f->access, ANN, 0, &f->host, ACCESS_MANAGE));
	assert_false(access_allows(&f->access, ANN, USERS_GROUP, &f->host, ACCESS_MANAGE));
	assert_true(ann_may(f, "400000000", "2400000000", "2", "400000000"));
	assert_false(access_allows(&f->access, 99, USERS_GROUP, &f->host, ACCESS_MANAGE));
}

static void a_rule_counts_for_everybody_for_the_user_and_for_his_groups(void **state)
{
	struct fixture *f = *state;

	assert_true(ann_may(f, "400000000", "2400000000", "2", "100000000"));
	assert_true(ann_may(f, "100000002", "2400000000", "2", "100000000"));
	assert_true(ann_may(f, "200000001", "2400000000", "2", "100000000"));
	assert_false(ann_may(f, "100000003", "2400000000", "2", "100000000"));
	assert_false(ann_may(f, "200000064", "2400000000", "2", "100000000"));
	assert_true(access_allows(&f->access, BOB, USERS_GROUP, &f->host, ACCESS_MANAGE));
}

static void a_rule_names_all_one_or_a_clusters_objects_of_its_types(void **state)
{
	struct fixture *f = *state;

	assert_true(ann_may(f, "400000000", "2100000004", "2", "400000000"));
	assert_false(ann_may(f, "400000000", "2100000005", "2", "400000000"));
	assert_true(ann_may(f, "400000000", "2800000007", "2", "400000000"));
	assert_false(ann_may(f, "400000000", "2800000008", "2", "400000000"));
	assert_false(ann_may(f, "400000000", "1400000000", "2", "400000000")); /* VMs */
	assert_true(ann_may(f, "400000000", "3400000000", "2", "400000000"));  /* VMs and hosts */
	assert_true(ann_may(f, "0x400000000", "0x2400000000", "0xf", "0x400000000"));
}

static void a_rule_needs_the_right_the_zone_and_readable_numbers(void **state)
{
	struct fixture *f = *state;

	assert_false(ann_may(f, "400000000", "2400000000", "1", "400000000"));
	assert_false(ann_may(f, "400000000", "2400000000", "2", "100000001"));
	assert_false(ann_may(f, "400000000", "2400000000", "x", "400000000"));
	assert_false(ann_may(f, "", "2400000000", "2", "400000000"));
	assert_false(ann_may(f, "400000000", "ffffffffffffffffff", "2", "400000000"));
	f->access.zone_id = 1;
	assert_true(ann_may(f, "400000000", "2400000000", "2", "100000001"));
}

static bool store_allows(struct fixture *f, int uid, int owner_u, int group_u, int other_u)
{
	char store[1024];

	snprintf(store, sizeof(store), STORE, owner_u, 0, group_u, other_u);
	access_read_object(&f->store, &f->arena, ACCESS_DATASTORE, parse_xml(&f->arena, store));
	return access_allows(&f->access, uid, USERS_GROUP, &f->store, ACCESS_USE);
}

static void permission_bits_count_for_owner_group_and_others(void **state)
{
	struct fixture *f = *state;

	assert_true(store_allows(f, ANN, 1, 0, 0));
	assert_false(store_allows(f, BOB, 1, 0, 0));
	assert_false(store_allows(f, ANN, 0, 1, 0)); /* she is not of staff */
	assert_true(store_allows(f, BOB, 0, 1, 0));
	assert_true(store_allows(f, ANN, 0, 0, 1));
	assert_true(store_allows(f, BOB, 0, 0, 1));
	assert_false(access_allows(&f->access, BOB, USERS_GROUP, &f->store, ACCESS_MANAGE));
}

static void rules_of_groups_cover_the_groups_objects(void **state)
{
	struct fixture *f = *state;

	ann_may(f, "400000000", "100200000064", "1", "400000000");
	assert_true(access_allows(&f->access, ANN, USERS_GROUP, &f->store, ACCESS_USE));
	ann_may(f, "400000000", "100200000065", "1", "400000000");
	assert_false(access_allows(&f->access, ANN, USERS_GROUP, &f->store, ACCESS_USE));
	ann_may(f, "400000000", "100800000008", "1", "400000000");
	assert_true(access_allows(&f->access, ANN, USERS_GROUP, &f->store, ACCESS_USE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(administrators_may_everything_and_strangers_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_rule_counts_for_everybody_for_the_user_and_for_his_groups,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_rule_names_all_one_or_a_clusters_objects_of_its_types,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_rule_needs_the_right_the_zone_and_readable_numbers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(permission_bits_count_for_owner_group_and_others, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(rules_of_groups_cover_the_groups_objects, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
