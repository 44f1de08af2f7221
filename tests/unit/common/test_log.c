/* Tests of the log: the line, what is filtered, and that nobody can forge one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/strbuf.h"

static char dir[] = "/tmp/test_log_XXXXXX";
static char path[64], other[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/oned.log", dir);
	snprintf(other, sizeof(other), "%s/oned.log.1", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int open_log(void **state)
{
	(void)state;
	log_set_zone(0);
	return log_open("file", path, "test", LOG_L_INFO, NULL) == ONE_OK ? 0 : -1;
}

static int close_log(void **state)
{
	(void)state;
	log_open("std", NULL, "test", LOG_L_INFO, NULL);
	unlink(path);
	unlink(other);
	return 0;
}

/* The whole file, valid until the next call. */
static const char *content(const char *file)
{
	static char text[256 * 1024];
	int fd = open(file, O_RDONLY);

	assert_true(fd >= 0);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* What stands behind the date of the only line. */
static const char *only_line(void)
{
	const char *text = content(path);

	assert_true(strlen(text) > 25);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	return text + 25;
}

static void a_line_has_date_zone_module_level_and_text(void **state)
{
	(void)state;
	log_set_zone(104);
	log_warn("ReM", "%s took %d s", "one.vm.info", 3);
	assert_string_equal(only_line(), "[Z104][ReM][W]: one.vm.info took 3 s\n");
	assert_int_equal(content(path)[13], ':');
}

static void every_level_has_its_letter(void **state)
{
	(void)state;
	static const char letters[] = "EWIDDD";
	const char *at;

	log_set_level(LOG_L_DDDEBUG);
	for (int level = LOG_L_ERROR; level <= LOG_L_DDDEBUG; level++)
		log_msg((enum log_level)level, "VM", "x");
	at = content(path);
	for (size_t i = 0; i < 6; i++, at = strchr(at, '\n') + 1) {
		char head[32];

		snprintf(head, sizeof(head), "[Z0][VM][%c]: x\n", letters[i]);
		assert_memory_equal(at + 25, head, strlen(head));
	}
	assert_string_equal(at, "");
}

static void lines_above_the_level_are_not_written(void **state)
{
	(void)state;
	log_set_level(LOG_L_WARNING);
	log_info("VM", "not this");
	log_debug("VM", "nor %s", "this");
	assert_string_equal(content(path), "");
	log_error("VM", "but this");
	assert_string_equal(only_line(), "[Z0][VM][E]: but this\n");
}

static void a_text_cannot_forge_a_line_or_drive_a_terminal(void **state)
{
	(void)state;
	log_info("AuM", "user a\nWed Nov 25 02:00:52 2026 [Z0][AuM][I]: b\r\x1b[2J\x7f\x01\tend\n\n");
	assert_string_equal(only_line(),
			    "[Z0][AuM][I]: user a Wed Nov 25 02:00:52 2026 [Z0][AuM][I]: b ?[2J?? end\n");
}

static void accented_letters_stay_and_c1_controls_do_not(void **state)
{
	(void)state;
	log_info("VM", "caf\xC3\xA9 \xC2\xA3 \xC2\x9B"
		       "2J \xC2");
	assert_string_equal(only_line(), "[Z0][VM][I]: caf\xC3\xA9 \xC2\xA3 ??2J \xC2\n");
}

static void an_endless_text_is_cut(void **state)
{
	(void)state;
	char *text = malloc(1000001);

	memset(text, 'x', 1000000);
	text[1000000] = '\0';
	log_info("VM", "%s", text);
	free(text);

	const char *line = only_line();

	assert_true(strlen(line) < 70000);
	assert_string_equal(line + strlen(line) - 5, "x...\n");
}

static void logging_leaves_errno_alone(void **state)
{
	(void)state;
	errno = ENOENT;
	log_info("VM", "x");
	assert_int_equal(errno, ENOENT);
}

static void a_file_already_there_is_appended_to(void **state)
{
	(void)state;
	log_info("VM", "first");
	assert_int_equal(log_open("file", path, "test", LOG_L_INFO, NULL), ONE_OK);
	log_info("VM", "second");
	assert_non_null(strstr(content(path), "first\n"));
	assert_non_null(strstr(content(path), "second\n"));
}

static void after_a_rotation_the_new_file_is_written(void **state)
{
	(void)state;
	log_info("VM", "before");
	assert_int_equal(rename(path, other), 0);
	log_info("VM", "between");
	log_reopen();
	log_info("VM", "after");
	assert_string_equal(only_line(), "[Z0][VM][I]: after\n");
	assert_non_null(strstr(content(other), "before\n"));
	assert_non_null(strstr(content(other), "between\n"));
}

static void a_log_that_cannot_be_opened_is_an_error_and_the_old_one_goes_on(void **state)
{
	(void)state;
	struct one_err err = ONE_ERR_INIT;

	assert_int_equal(log_open("file", "/nonexistent/oned.log", "test", LOG_L_DEBUG, &err), ONE_INTERNAL);
	assert_string_equal(err.text,
			    "Cannot open log file /nonexistent/oned.log: No such file or directory");
	assert_int_equal(log_open("paper", path, "test", LOG_L_DEBUG, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "Unknown log system \"paper\"");
	assert_int_equal(log_get_level(), LOG_L_INFO);
	log_info("VM", "still here");
	assert_string_equal(only_line(), "[Z0][VM][I]: still here\n");
}

static void others_cannot_read_the_log(void **state)
{
	(void)state;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
}

static void the_standard_system_is_standard_error(void **state)
{
	(void)state;
	int saved = dup(STDERR_FILENO), fd = open(other, O_RDWR | O_CREAT | O_APPEND, 0600);

	log_open("std", NULL, "test", LOG_L_INFO, NULL);
	dup2(fd, STDERR_FILENO);
	log_info("VM", "to stderr");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	assert_string_equal(content(other) + 25, "[Z0][VM][I]: to stderr\n");
}

static void a_vms_own_log_is_made_and_appended_to(void **state)
{
	(void)state;
	log_file_line(other, LOG_L_INFO, "VM", "New state is ACTIVE");
	log_file_line(other, LOG_L_ERROR, "LCM", "no\nforged line");

	const char *text = content(other), *second = strchr(text, '\n') + 1;

	assert_memory_equal(text + 25, "[Z0][VM][I]: New state is ACTIVE\n", 33);
	assert_string_equal(second + 25, "[Z0][LCM][E]: no forged line\n");
	assert_string_equal(content(path), "");
}

static void a_vms_log_that_cannot_be_written_is_told_in_the_main_log(void **state)
{
	(void)state;
	log_file_line("/nonexistent/1.log", LOG_L_INFO, "VM", "lost");
	assert_string_equal(only_line(),
			    "[Z0][LOG][E]: Cannot open /nonexistent/1.log: No such file or directory\n");
}

static void lines_that_are_held_back_come_together(void **state)
{
	(void)state;
	log_hold();
	log_info("ONE", "first");
	log_info("ONE", "second");
	assert_string_equal(content(path), "");
	log_flush();
	log_info("ONE", "third");
	const char *first = strstr(content(path), "first\n"), *second = strstr(content(path), "second\n");
	assert_non_null(first);
	assert_true(first < second && second < strstr(content(path), "third\n"));
	/* not without end */
	log_hold();
	for (int i = 0; i < 2000; i++)
		log_info("ONE", "one of many lines");
	assert_non_null(strstr(content(path), "one of many lines\n"));
	log_flush();
}

static void *log_many(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_info("VM", "thread %s says a whole line", (const char *)arg);
	return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
	(void)state;
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t threads[4];
	size_t lines = 0;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
	log_reopen();
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (const char *at = content(path); *at; at = strchr(at, '\n') + 1, lines++) {
		assert_memory_equal(at + 25, "[Z0][VM][I]: thread ", 20);
		assert_memory_equal(at + 46, " says a whole line\n", 19);
	}
	assert_int_equal(lines, 800);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_log, close_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_date_zone_module_level_and_text),
		TEST(every_level_has_its_letter),
		TEST(lines_above_the_level_are_not_written),
		TEST(a_text_cannot_forge_a_line_or_drive_a_terminal),
		TEST(accented_letters_stay_and_c1_controls_do_not),
		TEST(an_endless_text_is_cut),
		TEST(logging_leaves_errno_alone),
		TEST(a_file_already_there_is_appended_to),
		TEST(after_a_rotation_the_new_file_is_written),
		TEST(a_log_that_cannot_be_opened_is_an_error_and_the_old_one_goes_on),
		TEST(others_cannot_read_the_log),
		TEST(the_standard_system_is_standard_error),
		TEST(a_vms_own_log_is_made_and_appended_to),
		TEST(a_vms_log_that_cannot_be_written_is_told_in_the_main_log),
		TEST(lines_that_are_held_back_come_together),
		TEST(lines_of_many_threads_stay_whole),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
