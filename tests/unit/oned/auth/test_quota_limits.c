/* Setting limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/auth/quota_count.h"
#include "oned/auth/quota_limits.h"
#include "oned/auth/user.h"
#include "oned/config.h"
#include "oned/core/core_internal.h"

static struct core *core;
static struct conf conf;

/* User 2 of group 1, default quotas. */
static void people(struct txn *t, void *arg)
{
	static const int admin[] = { 0 }, users[] = { 1 };

	(void)arg;
	group_create(t, "oneadmin");
	group_create(t, "users");
	user_create(t, "oneadmin", "x", "core", admin, 1);
	user_create(t, "serveradmin", "x", "core", admin, 1);
	user_create(t, "alice", "x", "core", users, 1);
	for (int i = 0; i < 2; i++) {
		struct quota *q = txn_new(t, OBJ_DEFAULT_QUOTA);

		q->o.id = i;
	}
}

static int begin(void **state)
{
	(void)state;
	conf_defaults(&conf, oned_keys);
	if (tmpl_parse(conf.values, "QUOTA_VM_ATTRIBUTE=GPU\nQUOTA_VM_ATTRIBUTE=CPU\nQUOTA_VM_ATTRIBUTE=GPU", NULL))
		return -1;
	return core_new(NULL, NULL, &conf, &core, NULL) || core_run(core, people, NULL, NULL) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	core_free(core);
	conf_done(&conf);
	return 0;
}

struct setting { enum obj_type type; int id; const char *text; };

static void run_setting(struct txn *t, void *arg)
{
	const struct setting *s = arg;
	struct tmpl *limits = tmpl_new(t->arena);

	assert_int_equal(tmpl_parse(limits, s->text, NULL), ONE_OK);
	quota_limits_set(t, quota_edit(t, s->type, s->id), limits);
}

static enum one_rc set_for(enum obj_type type, int id, const char *text, struct one_err *err)
{
	struct setting s = { type, id, text };

	return core_run(core, run_setting, &s, err);
}

static enum one_rc set(const char *text, struct one_err *err)
{
	return set_for(OBJ_USER_QUOTA, 2, text, err);
}

static void refused(enum obj_type type, const char *text, const char *message)
{
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(set_for(type, type == OBJ_USER_QUOTA ? 2 : 0, text, &err), ONE_ACTION);
	assert_string_equal(err.text, message);
}

/* A record as "ID=1 SIZE=5 ..." without counters and without limits of -1; "" when there is none. */
static const char *limits_of(enum obj_type type, int id, enum quota_section section, int record)
{
	static char text[512];
	struct version *v = pool_get(core, type, id);
	const struct attr *a = quota_record_find((const struct quota *)v->obj, section, record);
	size_t at = 0;

	text[0] = '\0';
	for (const struct attr *k = a ? a->kids : NULL; k; k = k->next)
		if (!strstr(k->name, "_USED") && strcmp(k->value, "-1") != 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s=%s", at ? " " : "", k->name, k->value);
	version_unref(v);
	return text;
}

static void a_vector_sets_all_limits_of_its_record(void **state)
{
	(void)state;
	assert_int_equal(set("VM=[VMS=5,CPU=2.5,MEMORY=1024]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_VM, -1), "CPU=2.50 MEMORY=1024 VMS=5");
	assert_int_equal(set("VM=[VMS=-2,RUNNING_CPU=0]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_VM, -1), "RUNNING_CPU=0 VMS=-2");
	assert_int_equal(set("DATASTORE=[ID=1,SIZE=7]\nDATASTORE=[ID=2,IMAGES=3]\nNETWORK=[ID=0,LEASES=1]\nIMAGE=[ID=4,RVMS=0]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_DATASTORE, 1), "ID=1 SIZE=7");
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_DATASTORE, 2), "ID=2 IMAGES=3");
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_NETWORK, 0), "ID=0 LEASES=1");
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_IMAGE, 4), "ID=4 RVMS=0");
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_VM, -1), "RUNNING_CPU=0 VMS=-2");
}

static void what_is_no_number_is_no_limit(void **state)
{
	(void)state;
	assert_int_equal(set("VM=[VMS=many,CPU=1]\nVM=5\nOTHER=[ID=1]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_VM, -1), "CPU=1");
}

static void a_record_without_limits_and_use_goes(void **state)
{
	(void)state;
	assert_int_equal(set("NETWORK=[ID=3,LEASES=2]", NULL), ONE_OK);
	assert_int_equal(set("NETWORK=[ID=3]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_NETWORK, 3), "");
}

static void count_one(struct txn *t, void *arg)
{
	(void)arg;
	quota_add(t, 2, -1, QUOTA_NETWORK, 3, &(struct quota_amount){ "LEASES", 4 }, 1, false);
}

static void counters_stay_when_limits_change(void **state)
{
	struct version *v;

	(void)state;
	assert_int_equal(core_run(core, count_one, NULL, NULL), ONE_OK);
	assert_int_equal(set("NETWORK=[ID=3,LEASES=2]", NULL), ONE_OK); /* below what is used: that is allowed */
	assert_int_equal(set("NETWORK=[ID=3]", NULL), ONE_OK);
	v = pool_get(core, OBJ_USER_QUOTA, 2);
	assert_int_equal(quota_used(quota_record_find((const struct quota *)v->obj, QUOTA_NETWORK, 3), "LEASES"), 400);
	version_unref(v);
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	refused(OBJ_USER_QUOTA, "VM=[VMS=-5]", "Negative limits or bad format in quota VM = [ VMS=-5 ]");
	refused(OBJ_USER_QUOTA, "VM=[CPU=-0.5]", "Negative limits or bad format in quota VM = [ CPU=-0.5 ]");
	refused(OBJ_USER_QUOTA, "DATASTORE=[SIZE=1]", "Negative limits or bad format in quota DATASTORE = [ SIZE=1 ]");
	refused(OBJ_USER_QUOTA, "NETWORK=[LEASES=1,ID=one]", "Negative limits or bad format in quota NETWORK = [ ID=one,LEASES=1 ]");
	refused(OBJ_USER_QUOTA, "IMAGE=[ID=-2147483649,RVMS=1]", "Negative limits or bad format in quota IMAGE = [ ID=-2147483649,RVMS=1 ]");
	refused(OBJ_USER_QUOTA, "IMAGE=[ID=4294967296,RVMS=1]", "Negative limits or bad format in quota IMAGE = [ ID=4294967296,RVMS=1 ]");
	refused(OBJ_DEFAULT_QUOTA, "VM=[VMS=-1]", "Negative limits or bad format in quota VM = [ VMS=-1 ]");
}

static void all_limits_of_a_call_are_set_or_none(void **state)
{
	(void)state;
	assert_int_equal(set("VM=[VMS=1]", NULL), ONE_OK);
	refused(OBJ_USER_QUOTA, "DATASTORE=[ID=5,SIZE=10]\nNETWORK=[ID=5,LEASES=-3]\nVM=[VMS=9]",
		"Negative limits or bad format in quota NETWORK = [ ID=5,LEASES=-3 ]");
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_DATASTORE, 5), "");
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_VM, -1), "VMS=1");
}

static void default_quotas_are_unlimited_where_nothing_is_said(void **state)
{
	(void)state;
	assert_int_equal(set_for(OBJ_DEFAULT_QUOTA, 0, "DATASTORE=[ID=1,IMAGES=3]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_DEFAULT_QUOTA, 0, QUOTA_DATASTORE, 1), "ID=1 IMAGES=3 SIZE=-2");
	assert_int_equal(set_for(OBJ_DEFAULT_QUOTA, 0, "DATASTORE=[ID=1]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_DEFAULT_QUOTA, 0, QUOTA_DATASTORE, 1), "");
}

static void what_oned_conf_names_can_be_limited(void **state)
{
	(void)state;
	assert_int_equal(set("VM=[GPU=2,RUNNING_GPU=1,TPU=9]", NULL), ONE_OK);
	assert_string_equal(limits_of(OBJ_USER_QUOTA, 2, QUOTA_VM, -1), "GPU=2 RUNNING_GPU=1");
	refused(OBJ_USER_QUOTA, "VM=[RUNNING_GPU=-7]", "Negative limits or bad format in quota VM = [ RUNNING_GPU=-7 ]");
}

#define WITH_PEOPLE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PEOPLE(a_vector_sets_all_limits_of_its_record),
		WITH_PEOPLE(what_is_no_number_is_no_limit),
		WITH_PEOPLE(a_record_without_limits_and_use_goes),
		WITH_PEOPLE(counters_stay_when_limits_change),
		WITH_PEOPLE(what_is_wrong_is_told),
		WITH_PEOPLE(all_limits_of_a_call_are_set_or_none),
		WITH_PEOPLE(default_quotas_are_unlimited_where_nothing_is_said),
		WITH_PEOPLE(what_oned_conf_names_can_be_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
