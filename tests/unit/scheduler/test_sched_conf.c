/* Tests of sched.conf: the file as installed, OpenNebula's keys, and values that make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scheduler/sched_conf.h"

struct fixture {
	struct conf conf;
	struct sched_conf values;
	struct strbuf warnings;
	struct one_err err;
};

static int set_up(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	strbuf_init(&f.warnings);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	strbuf_done(&((struct fixture *)*state)->warnings);
	return 0;
}

/* Reads a file of that text; what goes wrong, "" when nothing does. The values last until the next call. */
static const char *read_text(struct fixture *f, const char *text)
{
	char path[] = "/tmp/test_sched_conf_XXXXXX";
	int fd = mkstemp(path);
	enum one_rc rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	rc = conf_load(&f->conf, path, SCHED_CONF_KEYS, &f->warnings, &f->err);
	unlink(path);
	if (rc != ONE_OK)
		return f->err.text;
	rc = sched_conf_read(&f->conf, &f->values, &f->err);
	return rc == ONE_OK ? "" : f->err.text;
}

static void the_installed_file_says_what_the_defaults_are(void **state)
{
	struct fixture *f = *state;
	struct strbuf installed = STRBUF_INIT, defaults = STRBUF_INIT;
	struct conf dflt;

	assert_int_equal(conf_load(&f->conf, "share/etc/sched.conf", SCHED_CONF_KEYS, &f->warnings, &f->err),
			 ONE_OK);
	assert_string_equal(f->warnings.buf, "");
	assert_int_equal(sched_conf_read(&f->conf, &f->values, &f->err), ONE_OK);
	conf_defaults(&dflt, SCHED_CONF_KEYS);
	for (const struct conf_key *k = SCHED_CONF_KEYS; k->name; k++) {
		const struct attr *a = conf_first(&f->conf, k->name), *b = conf_first(&dflt, k->name);

		if (!a || !b)
			continue;
		attr_to_xml(a, &installed);
		attr_to_xml(b, &defaults);
	}
	assert_string_equal(installed.buf, defaults.buf);
	strbuf_done(&installed);
	strbuf_done(&defaults);
	conf_done(&dflt);
	conf_done(&f->conf);
}

static void values_are_typed_and_in_milliseconds(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(
		read_text(f, "SCHED_INTERVAL = 7\nTIMEOUT=3\nMAX_DISPATCH = 30\nMAX_HOST=1\nMAX_VM=300\n"
			     "MEMORY_SYSTEM_DS_SCALE = 1.5\nLOG = [ system = \"std\", DEBUG_LEVEL = 5 "
			     "]\nHM_ENDPOINT=\"\"\n"),
		"");
	assert_int_equal(f->values.interval_ms, 7000);
	assert_int_equal(f->values.timeout_ms, 3000);
	assert_int_equal(f->values.limits.max_dispatch, 30);
	assert_int_equal(f->values.limits.max_host, 1);
	assert_int_equal(f->values.max_vm, 300);
	assert_true(f->values.memory_scale > 1.49 && f->values.memory_scale < 1.51);
	assert_string_equal(f->values.log_system, "std");
	assert_int_equal(f->values.log_level, LOG_L_DDDEBUG);
	assert_string_equal(f->values.events, "");
	assert_string_equal(f->values.endpoint, "http://localhost:2633/RPC2");
	conf_done(&f->conf);
}

static void policies_become_rank_expressions(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(read_text(f, "DEFAULT_SCHED=[POLICY=3, RANK=\"- (RUNNING_VMS * 50 + "
					 "FREE_CPU)\"]\nDEFAULT_DS_SCHED=[POLICY=0]\n"),
			    "");
	assert_string_equal(f->values.host_rank, "- (RUNNING_VMS * 50 + FREE_CPU)");
	assert_string_equal(f->values.store_rank, "- FREE_MB");
	conf_done(&f->conf);
	assert_string_equal(read_text(f, "DEFAULT_SCHED=[POLICY=4]\nDEFAULT_DS_SCHED=[POLICY=3]\n"), "");
	assert_string_equal(f->values.host_rank, "PRIORITY");
	assert_string_equal(f->values.store_rank, "PRIORITY");
	conf_done(&f->conf);
	assert_string_equal(read_text(f, "DEFAULT_SCHED=[POLICY=3]\n"), "");
	assert_string_equal(f->values.host_rank, "");
	conf_done(&f->conf);
	assert_string_equal(read_text(f, ""), "");
	assert_string_equal(f->values.host_rank, "- RUNNING_VMS");
	conf_done(&f->conf);
}

static void nonsense_is_named(void **state)
{
	static const struct {
		const char *text, *named;
	} CASES[] = {
		{ "DEFAULT_SCHED=[POLICY=5]\n", "DEFAULT_SCHED: there is no POLICY 5" },
		{ "DEFAULT_DS_SCHED=[POLICY=4]\n", "DEFAULT_DS_SCHED: there is no POLICY 4" },
		{ "DEFAULT_NIC_SCHED=[POLICY=-1]\n", "DEFAULT_NIC_SCHED" },
		{ "DEFAULT_SCHED=[POLICY=x]\n", "DEFAULT_SCHED: POLICY is not a number" },
		{ "DEFAULT_SCHED=[POLICY=3,RANK=\"A +\"]\n", "RANK \"A +\": syntax error" },
		{ "LOG=[SYSTEM=\"tape\"]\n", "SYSTEM must be" },
		{ "LOG=[DEBUG_LEVEL=6]\n", "DEBUG_LEVEL must be" },
		{ "LOG=[DEBUG_LEVEL=high]\n", "DEBUG_LEVEL is not a number" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		assert_non_null(strstr(read_text(f, CASES[i].text), CASES[i].named));
		conf_done(&f->conf);
	}
	assert_non_null(strstr(read_text(f, "SCHED_INTERVAL = 0\n"), "SCHED_INTERVAL"));
	assert_non_null(strstr(read_text(f, "MAX_HOST = many\n"), "MAX_HOST"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_installed_file_says_what_the_defaults_are),
		TEST(values_are_typed_and_in_milliseconds),
		TEST(policies_become_rank_expressions),
		TEST(nonsense_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
