/* Tests of carrying out a plan: each job once, over all lanes, and an end where oned hangs. */
#include "common/log.h"
#include "scheduler/dispatch.h"
#include "tests/unit/scheduler/fake_oned.h"

#define JOBS 300

struct fixture {
	struct fake_oned oned;
	struct api api;
	struct sched_vm vms[JOBS];
	struct placement placements[JOBS];
	struct notice notices[JOBS];
	enum job_result results[JOBS];
	struct plan plan;
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	fake_init(&f.oned);
	f.api = fake_api(&f.oned);
	f.plan = (struct plan){ .placements = f.placements, .notices = f.notices };
	for (int i = 0; i < JOBS; i++)
		f.vms[i] = (struct sched_vm){ .id = fake_add_vm(&f.oned, ""), .message = "" };
	log_open("file", "/dev/null", "", LOG_L_DEBUG, NULL); /* every line is made, none shown */
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	fake_done(&((struct fixture *)*state)->oned);
	return 0;
}

static void plan_all(struct fixture *f, int placements)
{
	for (int i = 0; i < JOBS; i++) {
		if (i < placements)
			f->placements[f->plan.n_placements++] =
				(struct placement){ &f->vms[i], i % 7, 100 + i % 3 };
		else
			f->notices[f->plan.n_notices++] = (struct notice){ &f->vms[i], "a reason" };
	}
}

static void every_job_is_done_once_with_what_was_planned(void **state)
{
	struct fixture *f = *state;

	plan_all(f, 200);
	dispatch_plan(&f->api, &f->plan, 60000, f->results);
	for (int i = 0; i < JOBS; i++) {
		const struct fake_vm *v = &f->oned.vms[i];

		assert_int_equal(v->deploys, i < 200);
		assert_int_equal(v->updates, i >= 200);
		if (i < 200) {
			assert_int_equal(f->results[i], JOB_DONE);
			assert_int_equal(v->host, i % 7);
			assert_int_equal(v->store, 100 + i % 3);
		} else {
			assert_non_null(strstr(v->message, ": a reason"));
		}
	}
}

static void an_empty_plan_calls_nothing(void **state)
{
	struct fixture *f = *state;

	f->oned.down = ONE_INTERNAL;
	dispatch_plan(&f->api, &f->plan, 60000, f->results);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(f->oned.vms[i].deploys + f->oned.vms[i].updates, 0);
}

static void refusals_are_told_to_the_vm_and_the_others_go_on(void **state)
{
	struct fixture *f = *state;

	plan_all(f, JOBS);
	for (int i = 0; i < JOBS; i += 10)
		f->oned.vms[i].refused = true;
	dispatch_plan(&f->api, &f->plan, 60000, f->results);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(f->results[i], i % 10 ? JOB_DONE : JOB_FAILED);
		assert_int_equal(f->oned.vms[i].updates, i % 10 == 0);
	}
}

static void an_old_message_is_cleared_before_the_vm_goes(void **state)
{
	struct fixture *f = *state;

	f->vms[0].message = "Wed Nov 25 02:00:52 2026: a reason";
	plan_all(f, 2);
	f->plan.n_notices = 0;
	dispatch_plan(&f->api, &f->plan, 60000, f->results);
	assert_int_equal(f->oned.vms[0].updates, 1);
	assert_string_equal(f->oned.vms[0].message, "");
	assert_int_equal(f->oned.vms[1].updates, 0);
}

/* With no time at all the first failure is one too many. */
static void an_oned_that_fails_and_takes_too_long_gets_no_more_calls(void **state)
{
	struct fixture *f = *state;
	int left = 0, failed = 0;

	plan_all(f, JOBS);
	f->oned.down = ONE_INTERNAL;
	dispatch_plan(&f->api, &f->plan, -1, f->results);
	for (int i = 0; i < JOBS; i++) {
		left += f->results[i] == JOB_LEFT;
		failed += f->results[i] == JOB_FAILED;
	}
	assert_in_range(failed, 1, API_LANES);
	assert_int_equal(left, JOBS - failed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_job_is_done_once_with_what_was_planned),
		TEST(an_empty_plan_calls_nothing),
		TEST(refusals_are_told_to_the_vm_and_the_others_go_on),
		TEST(an_old_message_is_cleared_before_the_vm_goes),
		TEST(an_oned_that_fails_and_takes_too_long_gets_no_more_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
