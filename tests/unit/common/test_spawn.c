/* Tests of processes: that they start clean, and that none of them can hang or flood us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/spawn.h"

#define LIMIT (1024 * 1024)
/* For what ends by itself: so long that a slow machine doesn't matter. */
#define PATIENT_MS 60000

static struct strbuf out = STRBUF_INIT, errout = STRBUF_INIT;
static struct one_err err;
static int status;

static int start_empty(void **state)
{
	(void)state;
	strbuf_reset(&out);
	strbuf_reset(&errout);
	one_err_clear(&err);
	status = -1;
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	strbuf_done(&out);
	strbuf_done(&errout);
	return 0;
}

static enum one_rc run_argv(const char *const *argv, const char *in, int timeout_ms, size_t limit)
{
	struct spawn sp = { .argv = argv };

	return spawn_run(&sp, in, in ? strlen(in) : 0, timeout_ms, limit, &out, &errout, &status, &err);
}

/* The tests use a shell as the program that misbehaves; spawn itself never does. */
static enum one_rc run_sh(const char *script, const char *in, int timeout_ms)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };

	return run_argv(argv, in, timeout_ms, LIMIT);
}

static void output_error_output_and_status_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(run_sh("echo one; echo two >&2; exit 3", NULL, PATIENT_MS), ONE_OK);
	assert_string_equal(out.buf, "one\n");
	assert_string_equal(errout.buf, "two\n");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
}

static void input_reaches_the_program_and_ends(void **state)
{
	(void)state;
	const char *const argv[] = { "cat", NULL };

	assert_int_equal(run_argv(argv, "a\nb\n", PATIENT_MS, LIMIT), ONE_OK);
	assert_string_equal(out.buf, "a\nb\n");
	assert_int_equal(run_argv(argv, NULL, PATIENT_MS, LIMIT), ONE_OK);
	assert_string_equal(out.buf, "a\nb\n");
}

static void arguments_arrive_as_they_are(void **state)
{
	(void)state;
	const char *const argv[] = { "printf", "[%s]", "; touch /tmp/x", "$(id) `id`", "", "a b", NULL };

	assert_int_equal(run_argv(argv, NULL, PATIENT_MS, LIMIT), ONE_OK);
	assert_string_equal(out.buf, "[; touch /tmp/x][$(id) `id`][][a b]");
}

static void a_program_that_does_not_exist_is_an_error(void **state)
{
	(void)state;
	const char *const argv[] = { "/nonexistent/driver", NULL };

	assert_int_equal(run_argv(argv, NULL, PATIENT_MS, LIMIT), ONE_INTERNAL);
	assert_string_equal(err.text, "Cannot start /nonexistent/driver: No such file or directory");
}

static void a_file_that_is_no_program_is_an_error_and_not_given_to_a_shell(void **state)
{
	(void)state;
	char name[] = "/tmp/test_spawn_XXXXXX";
	int fd = mkstemp(name);
	const char *const argv[] = { name, NULL };

	assert_int_equal(write(fd, "echo from a shell\n", 18), 18);
	fchmod(fd, 0700);
	close(fd);
	assert_int_equal(run_argv(argv, NULL, PATIENT_MS, LIMIT), ONE_INTERNAL);
	unlink(name);
	assert_string_equal(out.buf, "");
	assert_non_null(strstr(err.text, "Exec format error"));
}

static void a_flood_on_both_outputs_neither_hangs_nor_fills_memory(void **state)
{
	(void)state;
	const char *const argv[] = {
		"/bin/sh", "-c",
		"head -c 3000000 /dev/zero | tr '\\0' e >&2; head -c 3000000 /dev/zero | tr '\\0' o", NULL
	};

	assert_int_equal(run_argv(argv, NULL, PATIENT_MS, 100000), ONE_OK);
	assert_int_equal(status, 0);
	assert_int_equal(out.len, 100000);
	assert_int_equal(errout.len, 100000);
	assert_int_equal(strspn(out.buf, "o"), 100000);
	assert_int_equal(strspn(errout.buf, "e"), 100000);
}

static void outputs_nobody_wants_are_drained(void **state)
{
	(void)state;
	const char *const argv[] = { "head", "-c", "1000000", "/dev/zero", NULL };
	struct spawn sp = { .argv = argv };

	assert_int_equal(spawn_run(&sp, NULL, 0, PATIENT_MS, LIMIT, NULL, NULL, &status, &err), ONE_OK);
	assert_int_equal(status, 0);
}

static void a_large_input_goes_through_while_the_output_comes(void **state)
{
	(void)state;
	const char *const argv[] = { "cat", NULL };
	char *in = malloc(900001);

	memset(in, 'i', 900000);
	in[900000] = '\0';
	assert_int_equal(run_argv(argv, in, PATIENT_MS, LIMIT), ONE_OK);
	assert_int_equal(out.len, 900000);
	assert_string_equal(out.buf, in);
	free(in);
}

static void a_program_that_does_not_read_its_input_is_no_error(void **state)
{
	(void)state;
	char *in = malloc(900001);

	memset(in, 'i', 900000);
	in[900000] = '\0';
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(run_sh("exec <&-; sleep 0.2; echo done", in, PATIENT_MS), ONE_OK);
	assert_string_equal(out.buf, "done\n");
	free(in);
}

static int group_is_empty(pid_t pgid)
{
	return kill(-pgid, 0) < 0 && errno == ESRCH;
}

/* Orphans are reaped by init, some moments after they die. */
static void assert_group_dies(pid_t pgid)
{
	for (int i = 0; i < 6000 && !group_is_empty(pgid); i++)
		poll(NULL, 0, 10);
	assert_true(group_is_empty(pgid));
}

static void at_the_deadline_the_whole_group_is_killed(void **state)
{
	(void)state;
	assert_int_equal(run_sh("trap '' TERM; echo $$; sleep 1000 & sleep 1000", NULL, 500), ONE_ACTION);
	assert_string_equal(err.text, "timeout after 0.5 s");
	assert_true(atoi(out.buf) > 1);
	assert_group_dies(atoi(out.buf));
}

static void a_deadline_already_passed_is_a_timeout(void **state)
{
	(void)state;
	assert_int_equal(run_sh("sleep 1000", NULL, 0), ONE_ACTION);
	assert_int_equal(run_sh("sleep 1000", NULL, -5), ONE_ACTION);
}

static void a_background_process_that_keeps_the_pipes_does_not_hold_us(void **state)
{
	(void)state;
	assert_int_equal(run_sh("echo $$; sleep 1000 & echo done", NULL, PATIENT_MS), ONE_OK);
	assert_non_null(strstr(out.buf, "done\n"));
	kill(-atoi(out.buf), SIGKILL);
}

static void a_background_process_that_never_stops_writing_does_not_hold_us(void **state)
{
	(void)state;
	assert_int_equal(run_sh("echo $$ >&2; yes & sleep 0.1; exit 4", NULL, PATIENT_MS), ONE_OK);
	kill(-atoi(errout.buf), SIGKILL);
	assert_int_equal(WEXITSTATUS(status), 4);
}

static void a_program_killed_by_a_signal_has_ended_by_itself(void **state)
{
	(void)state;
	assert_int_equal(run_sh("kill -9 $$", NULL, PATIENT_MS), ONE_OK);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void the_environment_is_added_to_and_overridden(void **state)
{
	(void)state;
	const char *const argv[] = { "/bin/sh", "-c", "echo $ONE_XMLRPC $HOME_OF_TEST $HOME_OF", NULL };
	const char *const env[] = { "ONE_XMLRPC=new", "HOME_OF=short", NULL };
	struct spawn sp = { .argv = argv, .env = env };

	setenv("ONE_XMLRPC", "old", 1);
	setenv("HOME_OF_TEST", "kept", 1);
	assert_int_equal(spawn_run(&sp, NULL, 0, PATIENT_MS, LIMIT, &out, NULL, &status, &err), ONE_OK);
	assert_string_equal(out.buf, "new kept short\n");
	assert_string_equal(getenv("ONE_XMLRPC"), "old");
}

static void the_folder_is_the_one_asked_for(void **state)
{
	(void)state;
	const char *const argv[] = { "pwd", NULL };
	struct spawn sp = { .argv = argv, .cwd = "/usr/lib" };

	assert_int_equal(spawn_run(&sp, NULL, 0, PATIENT_MS, LIMIT, &out, NULL, &status, &err), ONE_OK);
	assert_string_equal(out.buf, "/usr/lib\n");
	sp.cwd = "/nonexistent";
	assert_int_equal(spawn_run(&sp, NULL, 0, PATIENT_MS, LIMIT, &out, NULL, &status, &err), ONE_INTERNAL);
}

static void no_descriptor_is_inherited_but_the_three(void **state)
{
	(void)state;
	/* Without close-on-exec, as a library may do it. */
	int leaked = open("/dev/null", O_RDONLY);

	assert_int_equal(fcntl(leaked, F_DUPFD, 50), 50);
	assert_int_equal(
		run_sh("for fd in /proc/self/fd/*; do test -e $fd && echo ${fd##*/}; done", NULL, PATIENT_MS),
		ONE_OK);
	close(50);
	close(leaked);
	assert_string_equal(out.buf, "0\n1\n2\n");
}

/* The mask behind a label of /proc/PID/status, without the C library's own two signals (32 and 33). */
static unsigned long long signal_mask(const char *label)
{
	const char *at = strstr(out.buf, label);

	assert_non_null(at);
	return strtoull(at + strlen(label), NULL, 16) & ~(3ULL << 31);
}

static void signals_are_as_in_a_fresh_process(void **state)
{
	(void)state;
	const char *const argv[] = { "cat", "/proc/self/status", NULL };
	sigset_t set, old;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);

	enum one_rc rc = run_argv(argv, NULL, PATIENT_MS, LIMIT);

	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(rc, ONE_OK);
	assert_int_equal(signal_mask("SigBlk:"), 0);
	assert_int_equal(signal_mask("SigIgn:"), 0);
}

static void a_started_process_leads_a_group_and_talks_over_its_pipes(void **state)
{
	(void)state;
	const char *const argv[] = { "cat", NULL };
	struct spawn sp = { .argv = argv };
	struct child c;
	char line[16];

	assert_int_equal(spawn_start(&sp, &c, &err), ONE_OK);
	assert_int_equal(getpgid(c.pid), c.pid);
	for (int i = 0; i < 3; i++) {
		int fd = ((int[]){ c.in, c.out, c.err })[i];

		assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(read(c.out, line, sizeof(line)), -1);
	assert_int_equal(write(c.in, "hello\n", 6), 6);

	struct pollfd p = { .fd = c.out, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENT_MS), 1);
	assert_int_equal(read(c.out, line, sizeof(line)), 6);
	spawn_stop(&c, PATIENT_MS);
	assert_int_equal(c.pid, -1);
	assert_int_equal(c.in, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_stubborn_process_is_killed_with_its_children(void **state)
{
	(void)state;
	const char *const argv[] = { "/bin/sh", "-c",
				     "trap '' TERM; sleep 1000 & echo up; sleep 1000; sleep 1000", NULL };
	struct spawn sp = { .argv = argv };
	struct child c;

	assert_int_equal(spawn_start(&sp, &c, &err), ONE_OK);

	struct pollfd p = { .fd = c.out, .events = POLLIN };
	pid_t pgid = c.pid;

	assert_int_equal(poll(&p, 1, PATIENT_MS), 1);
	spawn_stop(&c, 50);
	assert_group_dies(pgid);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	spawn_stop(&c, 50);
}

static void an_obedient_process_may_clean_up(void **state)
{
	(void)state;
	char name[] = "/tmp/test_spawn_XXXXXX";
	const char *const argv[] = { "/bin/sh", "-c",
				     "trap 'rm $0; exit' TERM; echo up; while :; do sleep 0.02; done", name,
				     NULL };
	struct spawn sp = { .argv = argv };
	struct child c;

	close(mkstemp(name));
	assert_int_equal(spawn_start(&sp, &c, &err), ONE_OK);

	struct pollfd p = { .fd = c.out, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENT_MS), 1);
	spawn_stop(&c, 2000);
	assert_int_equal(access(name, F_OK), -1);
	unlink(name);
}

static void no_descriptor_of_ours_is_left_behind(void **state)
{
	(void)state;
	int before = dup(0);

	close(before);
	run_sh("true", NULL, PATIENT_MS);
	run_sh("sleep 1000", NULL, 10);
	run_argv((const char *const[]){ "/nonexistent", NULL }, NULL, PATIENT_MS, LIMIT);
	int after = dup(0);

	close(after);
	assert_int_equal(after, before);
}

static void closed_standard_descriptors_do_no_harm(void **state)
{
	(void)state;
	int saved = dup(STDIN_FILENO);

	close(STDIN_FILENO);

	enum one_rc rc = run_sh("cat; echo two >&2", "one\n", PATIENT_MS);

	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(rc, ONE_OK);
	assert_string_equal(out.buf, "one\n");
	assert_string_equal(errout.buf, "two\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(output_error_output_and_status_are_told_apart, start_empty),
		cmocka_unit_test_setup(input_reaches_the_program_and_ends, start_empty),
		cmocka_unit_test_setup(arguments_arrive_as_they_are, start_empty),
		cmocka_unit_test_setup(a_program_that_does_not_exist_is_an_error, start_empty),
		cmocka_unit_test_setup(a_file_that_is_no_program_is_an_error_and_not_given_to_a_shell,
				       start_empty),
		cmocka_unit_test_setup(a_flood_on_both_outputs_neither_hangs_nor_fills_memory, start_empty),
		cmocka_unit_test_setup(outputs_nobody_wants_are_drained, start_empty),
		cmocka_unit_test_setup(a_large_input_goes_through_while_the_output_comes, start_empty),
		cmocka_unit_test_setup(a_program_that_does_not_read_its_input_is_no_error, start_empty),
		cmocka_unit_test_setup(at_the_deadline_the_whole_group_is_killed, start_empty),
		cmocka_unit_test_setup(a_deadline_already_passed_is_a_timeout, start_empty),
		cmocka_unit_test_setup(a_background_process_that_keeps_the_pipes_does_not_hold_us,
				       start_empty),
		cmocka_unit_test_setup(a_background_process_that_never_stops_writing_does_not_hold_us,
				       start_empty),
		cmocka_unit_test_setup(a_program_killed_by_a_signal_has_ended_by_itself, start_empty),
		cmocka_unit_test_setup(the_environment_is_added_to_and_overridden, start_empty),
		cmocka_unit_test_setup(the_folder_is_the_one_asked_for, start_empty),
		cmocka_unit_test_setup(no_descriptor_is_inherited_but_the_three, start_empty),
		cmocka_unit_test_setup(signals_are_as_in_a_fresh_process, start_empty),
		cmocka_unit_test_setup(a_started_process_leads_a_group_and_talks_over_its_pipes, start_empty),
		cmocka_unit_test_setup(a_stubborn_process_is_killed_with_its_children, start_empty),
		cmocka_unit_test_setup(an_obedient_process_may_clean_up, start_empty),
		cmocka_unit_test_setup(no_descriptor_of_ours_is_left_behind, start_empty),
		cmocka_unit_test_setup(closed_standard_descriptors_do_no_harm, start_empty),
	};

	return cmocka_run_group_tests(tests, NULL, free_all);
}
