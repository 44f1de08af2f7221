/* The driver runtime, seen from outside: the test starts itself as a driver and talks to it. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/driver.h"
#include "common/spawn.h"
#include "common/timeutil.h"

#define AS_DRIVER "--as-driver"
#define WAIT_MS 20000

/* ---- The driver ---- */

static void run_echo(struct driver_call *call)
{
	driver_success(call, call->payload);
}

static void run_twice(struct driver_call *call)
{
	driver_success(call, "first");
	driver_success(call, "second");
}

/* Until it is cancelled, or the file of its payload exists. */
static void run_wait(struct driver_call *call)
{
	driver_log(call->driver, 'I', call->id, "waiting");
	while (!driver_cancelled(call) && access(call->payload, F_OK) != 0) {
		struct pollfd p = { .fd = driver_cancel_fd(call), .events = POLLIN };
		poll(&p, 1, 10);
	}
	driver_success(call, "waited");
}

static void run_print(struct driver_call *call)
{
	printf("this is no message\n");
	fflush(stdout);
	driver_failure(call, "%s\n%d", "two lines", 2);
}

/* Payload: shell code (the test's own, not that of the driver runtime). */
static void run_script(struct driver_call *call)
{
	const char *argv[] = { "/bin/sh", "-c", call->payload, NULL };
	struct strbuf out = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	if (driver_run_script(call, argv, "input", 5, 2000, &out, &err) == ONE_OK)
		driver_success(call, out.buf);
	else
		driver_failure(call, "%s", err.text);
	strbuf_done(&out);
}

static bool option(void *ctx, int opt, const char *arg)
{
	*(const char **)ctx = arg;
	return opt == 'x' || opt == 'h';
}

static enum one_rc init(void *ctx, int argc, char **argv, struct one_err *err)
{
	const char *x = *(const char **)ctx;
	if (x && strcmp(x, "refuse") == 0)
		return one_err_set(err, ONE_INTERNAL, "told to refuse");
	fprintf(stderr, "x=%s args=%d %s\n", x ? x : "", argc, argc ? argv[0] : "");
	return ONE_OK;
}

static int be_driver(int argc, char **argv)
{
	const char *x = NULL;
	static const struct driver_action actions[] = {
		{ "ECHO", run_echo },   { "TWICE", run_twice },   { "WAIT", run_wait },
		{ "PRINT", run_print }, { "SCRIPT", run_script }, { NULL, NULL },
	};
	const struct driver_config config = { .name = "test_driver",
					      .actions = actions,
					      .threads = 4,
					      .ctx = &x,
					      .init = init,
					      .options = "x:",
					      .option = option };
	return driver_main(&config, argc, argv);
}

/* ---- The test's end of it ---- */

struct session {
	struct child child;
	struct strbuf in;
	char *line; /* the last one read */
};

static void start(struct session *s, const char *arguments)
{
	const char *argv[] = { "/proc/self/exe", AS_DRIVER, arguments, NULL };
	const struct spawn sp = { .argv = argv };
	memset(s, 0, sizeof(*s));
	strbuf_init(&s->in);
	assert_int_equal(spawn_start(&sp, &s->child, NULL), ONE_OK);
}

static void send_text(struct session *s, const char *text, size_t len)
{
	while (len) {
		struct pollfd p = { .fd = s->child.in, .events = POLLOUT };
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		ssize_t n = write(s->child.in, text, len);
		assert_true(n > 0);
		text += n;
		len -= (size_t)n;
	}
}

static void say(struct session *s, const char *line)
{
	send_text(s, line, strlen(line));
	send_text(s, "\n", 1);
}

/* The next line; NULL at the end. */
static const char *hear(struct session *s)
{
	char *nl;
	while (!(nl = memchr(s->in.buf, '\n', s->in.len))) {
		struct pollfd p = { .fd = s->child.out, .events = POLLIN };
		char buf[4096];
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		ssize_t n = read(s->child.out, buf, sizeof(buf));
		if (n <= 0)
			return NULL;
		strbuf_add(&s->in, buf, (size_t)n);
	}
	free(s->line);
	*nl = '\0';
	s->line = xstrdup(s->in.buf);
	size_t used = (size_t)(nl - s->in.buf) + 1;
	memmove(s->in.buf, s->in.buf + used, s->in.len - used);
	strbuf_setlen(&s->in, s->in.len - used);
	return s->line;
}

static void expect(struct session *s, const char *line)
{
	const char *heard = hear(s);
	assert_non_null(heard);
	assert_string_equal(heard, line);
}

static int finish(struct session *s)
{
	int status = 0;
	close(s->child.in);
	while (hear(s))
		continue;
	close(s->child.out);
	close(s->child.err);
	waitpid(s->child.pid, &status, 0);
	strbuf_done(&s->in);
	free(s->line);
	return status;
}

static void start_ready(struct session *s)
{
	start(s, "");
	say(s, "INIT");
	expect(s, "INIT SUCCESS -1 -");
}

/* ---- Tests ---- */

static void it_answers_init_and_actions_and_ends_at_finalize(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "ECHO  5 some words");
	expect(&s, "ECHO SUCCESS 5 some words");
	say(&s, "FINALIZE");
	assert_null(hear(&s));
	assert_int_equal(finish(&s), 0);
}

static void it_ends_when_its_input_ends_and_answers_what_it_had_heard(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "ECHO 1 a");
	close(s.child.in);
	s.child.in = -1;
	expect(&s, "ECHO SUCCESS 1 a");
	assert_null(hear(&s));
	assert_int_equal(finish(&s), 0);
}

static void an_unknown_action_is_refused_by_name(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "NONSENSE 5 x");
	expect(&s, "NONSENSE FAILURE 5 Action NONSENSE not supported by driver test_driver");
	finish(&s);
}

static void an_action_before_init_is_refused(void **state)
{
	struct session s;
	(void)state;
	start(&s, "");
	say(&s, "ECHO 5 x");
	expect(&s, "ECHO FAILURE 5 The driver was not initialised");
	finish(&s);
}

static void a_failed_init_says_why(void **state)
{
	struct session s;
	(void)state;
	start(&s, "-x refuse");
	say(&s, "INIT");
	expect(&s, "INIT FAILURE -1 told to refuse");
	finish(&s);
}

static void arguments_in_one_string_are_split_at_blanks(void **state)
{
	struct session s;
	char text[100] = "";
	(void)state;
	start(&s, "-t 2  -x why rest");
	say(&s, "INIT");
	expect(&s, "INIT SUCCESS -1 -");
	struct pollfd p = { .fd = s.child.err, .events = POLLIN };
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_true(read(s.child.err, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "x=why args=1 rest\n");
	finish(&s);
}

static void a_wrong_number_of_threads_ends_it(void **state)
{
	struct session s;
	(void)state;
	start(&s, "-t many");
	assert_null(hear(&s));
	int status = finish(&s);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 2);
}

static void a_call_answers_once(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "TWICE 5");
	expect(&s, "TWICE SUCCESS 5 first");
	say(&s, "ECHO 5 next");
	expect(&s, "ECHO SUCCESS 5 next");
	finish(&s);
}

static void stray_prints_do_not_reach_oned_and_answers_are_one_line(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "PRINT 5");
	expect(&s, "PRINT FAILURE 5 two lines 2");
	finish(&s);
}

static void actions_of_one_id_run_in_order_and_others_pass_them(void **state)
{
	struct session s;
	char dir[] = "/tmp/test_driver_main.XXXXXX";
	(void)state;
	assert_non_null(mkdtemp(dir));
	char *go = xasprintf("%s/go", dir), *wait = xasprintf("WAIT 1 %s", go);
	start_ready(&s);
	say(&s, wait);
	expect(&s, "LOG I 1 waiting");
	say(&s, "ECHO 1 behind");
	say(&s, "ECHO 2 beside");
	expect(&s, "ECHO SUCCESS 2 beside");
	fclose(fopen(go, "w"));
	expect(&s, "WAIT SUCCESS 1 waited");
	expect(&s, "ECHO SUCCESS 1 behind");
	finish(&s);
	unlink(go);
	rmdir(dir);
	free(go);
	free(wait);
}

static void more_ids_than_threads_wait_for_a_free_one(void **state)
{
	struct session s;
	char line[64];
	(void)state;
	start_ready(&s);
	for (int i = 0; i < 200; i++) {
		snprintf(line, sizeof(line), "ECHO %d x", i);
		say(&s, line);
	}
	bool answered[200] = { false };
	for (int i = 0; i < 200; i++) {
		int id = -1;
		assert_int_equal(sscanf(hear(&s), "ECHO SUCCESS %d x", &id), 1);
		assert_in_range(id, 0, 199);
		assert_false(answered[id]);
		answered[id] = true;
	}
	finish(&s);
}

static void a_cancelled_action_and_those_behind_it_answer_nothing(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "WAIT 1 /nowhere");
	expect(&s, "LOG I 1 waiting");
	say(&s, "ECHO 1 behind");
	say(&s, "DRIVER_CANCEL 1");
	expect(&s, "LOG I 1 Driver command cancelled");
	say(&s, "ECHO 1 afterwards");
	expect(&s, "ECHO SUCCESS 1 afterwards");
	finish(&s);
}

static void a_cancel_of_nothing_is_silent(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "DRIVER_CANCEL 1");
	say(&s, "ECHO 1 x");
	expect(&s, "ECHO SUCCESS 1 x");
	finish(&s);
}

static void what_is_no_message_is_skipped(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "");
	say(&s, "hello there");
	say(&s, "ECHO now");
	say(&s, "ECHO 1 x");
	expect(&s, "ECHO SUCCESS 1 x");
	finish(&s);
}

static void a_line_that_is_too_long_is_refused_and_the_next_one_heard(void **state)
{
	struct session s;
	char *block = xmalloc(1024 * 1024);
	(void)state;
	memset(block, 'x', 1024 * 1024);
	start_ready(&s);
	send_text(&s, "ECHO 9 ", 7);
	for (int i = 0; i < 70; i++)
		send_text(&s, block, 1024 * 1024);
	send_text(&s, "\n", 1);
	expect(&s, "ECHO FAILURE 9 The message is too long");
	say(&s, "ECHO 9 short");
	expect(&s, "ECHO SUCCESS 9 short");
	free(block);
	finish(&s);
}

static void a_script_gets_its_input_and_gives_its_output(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 read a; echo got $a; cat");
	expect(&s, "SCRIPT SUCCESS 1 got input ");
	finish(&s);
}

static void what_a_script_writes_to_stderr_is_logged_with_its_severity(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 echo plain >&2; echo 'ERROR: bad' >&2; echo 'DEBUG:fine' >&2");
	expect(&s, "LOG I 1 plain");
	expect(&s, "LOG E 1 bad");
	expect(&s, "LOG D 1 fine");
	expect(&s, "SCRIPT SUCCESS 1 -");
	finish(&s);
}

static void a_failed_scripts_last_line_is_the_reason(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 echo one >&2; echo two >&2; exit 3");
	expect(&s, "LOG I 1 one");
	expect(&s, "LOG I 1 two");
	expect(&s, "LOG E 1 /bin/sh failed with exit code 3");
	expect(&s, "SCRIPT FAILURE 1 two");
	say(&s, "SCRIPT 2 exit 4");
	expect(&s, "LOG E 2 /bin/sh failed with exit code 4");
	expect(&s, "SCRIPT FAILURE 2 /bin/sh failed with exit code 4");
	say(&s, "SCRIPT 3 kill -9 $$");
	expect(&s, "LOG E 3 /bin/sh was killed by signal 9");
	expect(&s, "SCRIPT FAILURE 3 /bin/sh was killed by signal 9");
	finish(&s);
}

static void what_stands_between_the_markers_is_the_reason(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 exec >&2; echo a; echo 'ERROR MESSAGE --8<------'; echo no space; echo left; "
		"echo 'ERROR MESSAGE ------>8--'; echo z; exit 1");
	expect(&s, "LOG I 1 a");
	expect(&s, "LOG E 1 no space");
	expect(&s, "LOG E 1 left");
	expect(&s, "LOG I 1 z");
	expect(&s, "LOG E 1 /bin/sh failed with exit code 1");
	expect(&s, "SCRIPT FAILURE 1 no space left");
	finish(&s);
}

static void a_script_past_its_deadline_is_ended(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 sleep 1000");
	expect(&s, "SCRIPT FAILURE 1 /bin/sh did not end within 2 s");
	finish(&s);
}

static void a_script_that_leaves_something_running_is_over_when_it_ends(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	int64_t before = time_mono_ms();
	say(&s, "SCRIPT 1 sleep 1000 & echo $!");
	const char *heard = hear(&s);
	int pid = 0;
	assert_int_equal(sscanf(heard, "SCRIPT SUCCESS 1 %d", &pid), 1);
	assert_true(time_mono_ms() - before < 100000);
	kill(pid, SIGKILL);
	finish(&s);
}

/* Neither gone, nor a zombie that nobody waits for yet. */
static bool is_running(int pid)
{
	char *path = xasprintf("/proc/%d/cmdline", pid);
	FILE *f = fopen(path, "r");
	bool running = f && fgetc(f) != EOF;

	if (f)
		fclose(f);
	free(path);
	return running;
}

static void a_cancelled_script_is_ended_with_all_it_started(void **state)
{
	struct session s;
	int pid = 0;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 sleep 1000 & echo $! >&2; wait");
	assert_int_equal(sscanf(hear(&s), "LOG I 1 %d", &pid), 1);
	assert_int_equal(kill(pid, 0), 0);
	say(&s, "DRIVER_CANCEL 1");
	expect(&s, "LOG I 1 Driver command cancelled");
	say(&s, "ECHO 1 next");
	expect(&s, "ECHO SUCCESS 1 next");
	for (int i = 0; is_running(pid) && i < 1000; i++)
		usleep(10000);
	assert_false(is_running(pid));
	finish(&s);
}

static void megabytes_on_stderr_do_not_block_a_script(void **state)
{
	struct session s;
	(void)state;
	start_ready(&s);
	say(&s, "SCRIPT 1 head -c 300000 /dev/zero | tr '\\0' 'e' >&2; echo done");
	const char *heard;
	while ((heard = hear(&s)) && strncmp(heard, "LOG I 1 eee", 11) == 0)
		continue;
	assert_non_null(heard);
	assert_string_equal(heard, "SCRIPT SUCCESS 1 done ");
	finish(&s);
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], AS_DRIVER) == 0) {
		argv[1] = argv[0];
		return be_driver(argc - 1, argv + 1);
	}
	signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_answers_init_and_actions_and_ends_at_finalize),
		cmocka_unit_test(it_ends_when_its_input_ends_and_answers_what_it_had_heard),
		cmocka_unit_test(an_unknown_action_is_refused_by_name),
		cmocka_unit_test(an_action_before_init_is_refused),
		cmocka_unit_test(a_failed_init_says_why),
		cmocka_unit_test(arguments_in_one_string_are_split_at_blanks),
		cmocka_unit_test(a_wrong_number_of_threads_ends_it),
		cmocka_unit_test(a_call_answers_once),
		cmocka_unit_test(stray_prints_do_not_reach_oned_and_answers_are_one_line),
		cmocka_unit_test(actions_of_one_id_run_in_order_and_others_pass_them),
		cmocka_unit_test(more_ids_than_threads_wait_for_a_free_one),
		cmocka_unit_test(a_cancelled_action_and_those_behind_it_answer_nothing),
		cmocka_unit_test(a_cancel_of_nothing_is_silent),
		cmocka_unit_test(what_is_no_message_is_skipped),
		cmocka_unit_test(a_line_that_is_too_long_is_refused_and_the_next_one_heard),
		cmocka_unit_test(a_script_gets_its_input_and_gives_its_output),
		cmocka_unit_test(what_a_script_writes_to_stderr_is_logged_with_its_severity),
		cmocka_unit_test(a_failed_scripts_last_line_is_the_reason),
		cmocka_unit_test(what_stands_between_the_markers_is_the_reason),
		cmocka_unit_test(a_script_past_its_deadline_is_ended),
		cmocka_unit_test(a_script_that_leaves_something_running_is_over_when_it_ends),
		cmocka_unit_test(a_cancelled_script_is_ended_with_all_it_started),
		cmocka_unit_test(megabytes_on_stderr_do_not_block_a_script),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
