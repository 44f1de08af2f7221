/* Records of quotas: metrics, numbers, what a record is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/auth/group.h"
#include "oned/auth/quota_record.h"
#include "oned/config.h"
#include "oned/core/core_internal.h"

static struct core *core;
static struct conf conf;

static int begin(void **state)
{
	(void)state;
	conf_defaults(&conf, oned_keys);
	return core_new(NULL, NULL, &conf, &core, NULL) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	core_free(core);
	conf_done(&conf);
	return 0;
}

static void check_usual(struct txn *t, void *arg)
{
	(void)arg;
	assert_int_equal(quota_metrics_of(t, QUOTA_DATASTORE).n, 2);
	assert_int_equal(quota_metrics_of(t, QUOTA_VM).n, 7);
	assert_string_equal(quota_metrics_of(t, QUOTA_VM).names[0], "VMS");
	assert_int_equal(quota_generic_metrics(t).n, 0);
}

static void check_generic(struct txn *t, void *arg)
{
	struct quota_metrics all = quota_metrics_of(t, QUOTA_VM);

	(void)arg;
	assert_int_equal(quota_generic_metrics(t).n, 2);
	assert_int_equal(all.n, 11);
	assert_string_equal(all.names[7], "GPU");
	assert_string_equal(all.names[8], "RUNNING_GPU");
	assert_string_equal(all.names[10], "RUNNING_LICENSES");
	assert_int_equal(quota_metrics_of(t, QUOTA_NETWORK).n, 1);
}

static void metrics_are_the_usual_ones_and_those_of_oned_conf(void **state)
{
	(void)state;
	assert_int_equal(core_run(core, check_usual, NULL, NULL), ONE_OK);
	assert_int_equal(tmpl_parse(conf.values,
				    "QUOTA_VM_ATTRIBUTE=GPU\nQUOTA_VM_ATTRIBUTE=MEMORY\nQUOTA_VM_ATTRIBUTE=GPU\nQUOTA_VM_ATTRIBUTE=LICENSES",
				    NULL),
			 ONE_OK);
	assert_int_equal(core_run(core, check_generic, NULL, NULL), ONE_OK);
}

static void numbers_dont_overflow(void **state)
{
	(void)state;
	assert_true(quota_hundredths(0.29) == 29);
	assert_true(quota_hundredths(-0.5) == -50);
	assert_true(quota_hundredths(1e300) == 100000000000000000);
	assert_true(quota_hundredths(-1e300) == -100000000000000000);
}

static void make_records(struct txn *t, void *arg)
{
	struct quota *q;
	struct attr *vm, *net;

	(void)arg;
	group_create(t, "oneadmin");
	group_create(t, "users");
	assert_null(quota_edit(t, OBJ_GROUP_QUOTA, 7));
	assert_int_equal(t->err.rc, ONE_OK);
	q = quota_edit(t, OBJ_GROUP_QUOTA, 1);
	assert_null(quota_record_find(q, QUOTA_NETWORK, 3));
	net = quota_record_make(t, q, QUOTA_NETWORK, 3, QUOTA_DEFAULT);
	vm = quota_record_make(t, q, QUOTA_VM, -1, QUOTA_UNLIMITED);
	assert_ptr_equal(quota_record_find(q, QUOTA_NETWORK, 3), net);
	assert_null(quota_record_find(q, QUOTA_NETWORK, 4));
	assert_ptr_equal(quota_record_find(q, QUOTA_VM, -1), vm);
	assert_null(attr_get(vm, "ID"));
	assert_string_equal(attr_get(vm, "CPU"), "-2");
	quota_set_used(q, vm, "CPU", 150);
	assert_string_equal(attr_get(vm, "CPU_USED"), "1.50");
	quota_set_used(q, vm, "CPU", -5);
	assert_string_equal(attr_get(vm, "CPU_USED"), "-0.05");
	quota_record_tidy(t, q, QUOTA_VM, vm, QUOTA_UNLIMITED); /* used: stays */
	assert_non_null(quota_record_find(q, QUOTA_VM, -1));
	quota_set_used(q, vm, "CPU", 0);
	quota_record_tidy(t, q, QUOTA_VM, vm, QUOTA_DEFAULT); /* limited: stays */
	assert_non_null(quota_record_find(q, QUOTA_VM, -1));
	quota_record_tidy(t, q, QUOTA_VM, vm, QUOTA_UNLIMITED);
	assert_null(quota_record_find(q, QUOTA_VM, -1));
}

static void a_record_stays_while_something_is_used_or_limited(void **state)
{
	(void)state;
	assert_int_equal(core_run(core, make_records, NULL, NULL), ONE_OK);
}

#define WITH_CORE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CORE(metrics_are_the_usual_ones_and_those_of_oned_conf),
		WITH_CORE(numbers_dont_overflow),
		WITH_CORE(a_record_stays_while_something_is_used_or_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
