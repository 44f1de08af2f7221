/* Driver supervision with drivers that misbehave: whatever one does, the others go on. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/strbuf.h"
#include "oned/drivers/mad.h"
#include "tests/lib/fake_driver.h"

#define WAIT_S 20

/* What the I/O thread reported, one line an event: "vmm/good UP", "vmm/good SAVE SUCCESS 3 text". */
struct seen {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct strbuf text;
	size_t longest; /* payload */
};

static void on_event(void *ctx, const char *kind, const char *name, enum mad_event what,
		     const struct driver_msg *msg)
{
	struct seen *seen = ctx;
	pthread_mutex_lock(&seen->lock);
	strbuf_addf(&seen->text, "%s/%s ", kind, name);
	switch (what) {
	case MAD_UP:
		strbuf_lit(&seen->text, "UP");
		break;
	case MAD_DOWN:
		strbuf_lit(&seen->text, "DOWN");
		break;
	case MAD_MESSAGE:
		if (strlen(msg->payload) > seen->longest)
			seen->longest = strlen(msg->payload);
		strbuf_addf(&seen->text, "%s %s %lld %.100s", msg->action, msg->status, msg->id,
			    msg->payload);
		break;
	}
	strbuf_addc(&seen->text, '\n');
	pthread_cond_broadcast(&seen->more);
	pthread_mutex_unlock(&seen->lock);
}

struct fixture {
	struct mads *mads;
	struct seen seen;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	pthread_mutex_init(&f->seen.lock, NULL);
	pthread_cond_init(&f->seen.more, NULL);
	strbuf_init(&f->seen.text);
	assert_int_equal(mads_new(on_event, &f->seen, &f->mads, NULL), ONE_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	mads_stop(f->mads, 1000);
	strbuf_done(&f->seen.text);
	free(f);
	return 0;
}

/* Waits until the text has been reported `times` times; fails after WAIT_S. */
static void wait_for(struct fixture *f, const char *what, int times)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	int found = 0, rc = 0;
	pthread_mutex_lock(&f->seen.lock);
	for (;;) {
		found = 0;
		for (const char *at = f->seen.text.buf; (at = strstr(at, what)); at += strlen(what))
			found++;
		if (found >= times || rc)
			break;
		rc = pthread_cond_timedwait(&f->seen.more, &f->seen.lock, &until);
	}
	pthread_mutex_unlock(&f->seen.lock);
	if (found < times)
		print_error("no \"%s\" in:\n%s\n", what, f->seen.text.buf);
	assert_true(found >= times);
}

static bool was_reported(struct fixture *f, const char *what)
{
	pthread_mutex_lock(&f->seen.lock);
	bool yes = strstr(f->seen.text.buf, what) != NULL;
	pthread_mutex_unlock(&f->seen.lock);
	return yes;
}

static void add(struct fixture *f, const char *kind, const char *name, const char *const *steps)
{
	const char *argv[16] = { "/proc/self/exe", FAKE_DRIVER };
	int n = 2;
	for (; *steps; steps++)
		argv[n++] = *steps;
	const struct mad_config config = { kind, name, argv, NULL };
	assert_int_equal(mads_add(f->mads, &config, NULL), ONE_OK);
}
#define ADD(f, kind, name, ...) add(f, kind, name, (const char *const[]){ __VA_ARGS__, NULL })

static enum one_rc save(struct fixture *f, const char *name, long long id, const char *payload,
			struct one_err *err)
{
	return mads_send(f->mads, "vmm", name, "SAVE", id, payload, err);
}

/* The proof that the others are not touched. */
static void assert_good_one_answers(struct fixture *f)
{
	static long long id = 1000;
	char answer[64];
	id++;
	assert_int_equal(save(f, "good", id, "are you there", NULL), ONE_OK);
	snprintf(answer, sizeof(answer), "vmm/good SAVE SUCCESS %lld are you there\n", id);
	wait_for(f, answer, 1);
}

static void start_good_one(struct fixture *f)
{
	ADD(f, "vmm", "good", "init", "echo");
	wait_for(f, "vmm/good UP", 1);
}

static void a_driver_that_answers_init_is_up_and_answers(void **state)
{
	struct fixture *f = *state;
	ADD(f, "vmm", "good", "init", "echo");
	assert_int_equal(mads_wait_up(f->mads, WAIT_S * 1000, NULL), ONE_OK);
	assert_true(mads_has(f->mads, "vmm", "good"));
	assert_false(mads_has(f->mads, "tm", "good"));
	assert_good_one_answers(f);
}

static void sending_to_nobody_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct one_err err = ONE_ERR_INIT;
	assert_int_equal(save(f, "kvm", 1, "", &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "no vmm driver 'kvm'"));
}

static void two_drivers_of_one_name_are_refused(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	const char *const argv[] = { "/bin/true", NULL };
	const struct mad_config config = { "vmm", "good", argv, NULL };
	assert_int_equal(mads_add(f->mads, &config, NULL), ONE_INTERNAL);
	assert_good_one_answers(f);
}

static void newlines_in_a_payload_do_not_make_a_second_request(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	assert_int_equal(save(f, "good", 7, "one\nCANCEL 8", NULL), ONE_OK);
	wait_for(f, "vmm/good SAVE SUCCESS 7 one CANCEL 8\n", 1);
}

static void two_answers_are_two_messages(void **state)
{
	struct fixture *f = *state;
	ADD(f, "vmm", "two", "init", "twice");
	wait_for(f, "vmm/two UP", 1);
	assert_int_equal(save(f, "two", 5, "x", NULL), ONE_OK);
	wait_for(f, "vmm/two SAVE SUCCESS 5 x\n", 2);
}

static void a_driver_that_refuses_init_is_named_and_tried_again(void **state)
{
	struct fixture *f = *state;
	struct one_err err = ONE_ERR_INIT;
	start_good_one(f);
	ADD(f, "vmm", "no", "refuse", "echo");
	assert_int_equal(mads_wait_up(f->mads, WAIT_S * 1000, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Driver vmm/no: it refused to start: not today"));
	assert_null(strstr(err.text, "vmm/good"));
	wait_for(f, "vmm/no DOWN", 2);
	assert_false(was_reported(f, "vmm/no UP"));
	assert_good_one_answers(f);
}

static void a_driver_that_answers_init_late_is_waited_for(void **state)
{
	struct fixture *f = *state;
	ADD(f, "vmm", "late", "sleep:300", "init", "echo");
	assert_int_equal(mads_wait_up(f->mads, WAIT_S * 1000, NULL), ONE_OK);
	wait_for(f, "vmm/late UP", 1);
}

/* Takes as long as a driver is given. */
static void a_driver_that_never_answers_init_is_ended(void **state)
{
	struct fixture *f = *state;
	struct one_err err = ONE_ERR_INIT;
	start_good_one(f);
	ADD(f, "vmm", "never", "sleep:600000");
	assert_int_equal(mads_wait_up(f->mads, 0, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Driver vmm/never: no answer yet"));
	assert_good_one_answers(f);
	wait_for(f, "vmm/never DOWN", 1);
	assert_int_equal(mads_wait_up(f->mads, WAIT_S * 1000, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Driver vmm/never: it did not answer INIT in time"));
	assert_good_one_answers(f);
}

static void an_executable_that_is_missing_is_a_failure_of_that_driver(void **state)
{
	struct fixture *f = *state;
	struct one_err err = ONE_ERR_INIT;
	start_good_one(f);
	const char *const argv[] = { "/nowhere/one_vmm_none", NULL };
	const struct mad_config config = { "vmm", "none", argv, NULL };
	assert_int_equal(mads_add(f->mads, &config, NULL), ONE_OK);
	assert_int_equal(mads_wait_up(f->mads, WAIT_S * 1000, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "Driver vmm/none: Cannot start /nowhere/one_vmm_none"));
	assert_int_equal(save(f, "none", 1, "", NULL), ONE_INTERNAL);
	assert_good_one_answers(f);
}

static void a_driver_that_dies_is_reported_and_comes_back(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "mortal", "init", "read:1", "exit:3");
	wait_for(f, "vmm/mortal UP", 1);
	assert_int_equal(save(f, "mortal", 1, "", NULL), ONE_OK);
	wait_for(f, "vmm/mortal DOWN", 1);
	assert_good_one_answers(f);
	wait_for(f, "vmm/mortal UP", 2);
}

static void what_a_driver_said_before_it_died_is_heard(void **state)
{
	struct fixture *f = *state;
	ADD(f, "vmm", "last", "init", "line:SAVE SUCCESS 9 last words", "exit:0");
	wait_for(f, "vmm/last DOWN", 1);
	assert_true(was_reported(f, "vmm/last SAVE SUCCESS 9 last words\n"));
}

static void a_little_garbage_is_skipped(void **state)
{
	struct fixture *f = *state;
	ADD(f, "vmm", "noisy", "init", "garbage:3", "line:SAVE SUCCESS 4 fine", "echo");
	wait_for(f, "vmm/noisy SAVE SUCCESS 4 fine\n", 1);
	assert_false(was_reported(f, "vmm/noisy DOWN"));
}

static void nothing_but_garbage_ends_a_driver(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "mad", "init", "garbage:100", "echo");
	wait_for(f, "vmm/mad DOWN", 1);
	assert_good_one_answers(f);
}

static void a_line_of_ten_megabytes_is_one_message(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "long", "init", "long:10", "echo");
	wait_for(f, "vmm/long SAVE SUCCESS 1 xxx", 1);
	assert_int_equal(f->seen.longest, 10 * 1024 * 1024);
	assert_good_one_answers(f);
}

static void a_line_without_end_ends_its_driver(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "endless", "init", "long:70", "echo");
	wait_for(f, "vmm/endless DOWN", 1);
	assert_false(was_reported(f, "vmm/endless SAVE"));
	assert_good_one_answers(f);
}

static void much_on_standard_error_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "loud", "init", "stderr:2000", "line:SAVE SUCCESS 6 done", "echo");
	wait_for(f, "vmm/loud SAVE SUCCESS 6 done\n", 1);
	assert_good_one_answers(f);
}

static void a_driver_that_does_not_read_fills_only_its_own_queue(void **state)
{
	struct fixture *f = *state;
	struct one_err err = ONE_ERR_INIT;
	start_good_one(f);
	ADD(f, "vmm", "deaf", "init", "sleep:600000");
	wait_for(f, "vmm/deaf UP", 1);
	char *megabyte = xmalloc(1024 * 1024);
	memset(megabyte, 'y', 1024 * 1024 - 1);
	megabyte[1024 * 1024 - 1] = '\0';
	int sent = 0;
	while (sent < 100 && save(f, "deaf", sent, megabyte, &err) == ONE_OK)
		sent++;
	free(megabyte);
	assert_in_range(sent, 60, 70);
	assert_non_null(strstr(err.text, "does not read its input"));
	assert_good_one_answers(f);
}

static void a_driver_that_closes_a_pipe_is_ended(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "mute", "init", "close:1", "sleep:600000");
	ADD(f, "vmm", "numb", "init", "close:0", "sleep:600000");
	wait_for(f, "vmm/mute DOWN", 1);
	wait_for(f, "vmm/numb DOWN", 1);
	assert_good_one_answers(f);
}

static void requests_to_monitor_drivers_have_a_status_word(void **state)
{
	struct fixture *f = *state;
	ADD(f, "im", "monitord", "init", "line:LOG I 1 ready", "echo");
	wait_for(f, "im/monitord UP", 1);
	assert_int_equal(mads_send(f->mads, "im", "monitord", "DEL_HOST", 12, "", NULL), ONE_OK);
	wait_for(f, "im/monitord DEL_HOST SUCCESS 12 \n", 1);
}

static void stopping_kills_what_does_not_end(void **state)
{
	struct fixture *f = *state;
	start_good_one(f);
	ADD(f, "vmm", "stubborn", "init", "sleep:600000");
	wait_for(f, "vmm/stubborn UP", 1);
	mads_stop(f->mads, 100);
	assert_false(was_reported(f, "DOWN")); /* they were told to */
	assert_int_equal(mads_new(on_event, &f->seen, &f->mads, NULL), ONE_OK);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], FAKE_DRIVER) == 0)
		return fake_driver_main(argc, argv);
	log_set_level(LOG_L_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_driver_that_answers_init_is_up_and_answers),
		TEST(sending_to_nobody_is_an_error),
		TEST(two_drivers_of_one_name_are_refused),
		TEST(newlines_in_a_payload_do_not_make_a_second_request),
		TEST(two_answers_are_two_messages),
		TEST(a_driver_that_refuses_init_is_named_and_tried_again),
		TEST(a_driver_that_answers_init_late_is_waited_for),
		TEST(a_driver_that_never_answers_init_is_ended),
		TEST(an_executable_that_is_missing_is_a_failure_of_that_driver),
		TEST(a_driver_that_dies_is_reported_and_comes_back),
		TEST(what_a_driver_said_before_it_died_is_heard),
		TEST(a_little_garbage_is_skipped),
		TEST(nothing_but_garbage_ends_a_driver),
		TEST(a_line_of_ten_megabytes_is_one_message),
		TEST(a_line_without_end_ends_its_driver),
		TEST(much_on_standard_error_blocks_nobody),
		TEST(a_driver_that_does_not_read_fills_only_its_own_queue),
		TEST(a_driver_that_closes_a_pipe_is_ended),
		TEST(requests_to_monitor_drivers_have_a_status_word),
		TEST(stopping_kills_what_does_not_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
