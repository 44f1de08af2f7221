/* The configuration of onemonitord. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/strbuf.h"
#include "common/xml.h"
#include "drivers/im/config.h"

static char path[64];

static enum one_rc load(struct im_config *c, const char *text, struct strbuf *warnings, struct one_err *err)
{
	strcpy(path, "/tmp/test_config.XXXXXX");
	FILE *f = fdopen(mkstemp(path), "w");
	fputs(text, f);
	fclose(f);
	enum one_rc rc = im_config_load(c, path, "/nowhere/oned.conf", warnings, err);
	unlink(path);
	return rc;
}

static void an_empty_file_gives_the_defaults(void **state)
{
	struct im_config c;
	(void)state;
	assert_int_equal(load(&c, "\n", NULL, NULL), ONE_OK);
	assert_int_equal(c.timer_s, 15);
	assert_int_equal(c.interval_host_s, 180);
	assert_string_equal(c.address, "0.0.0.0");
	assert_int_equal(c.port, 4124);
	assert_string_equal(c.private_key, "");
	assert_null(conf_first(&c.conf, "IM_MAD"));
	im_config_done(&c);
}

static void values_are_taken_and_go_with_start_monitor(void **state)
{
	struct im_config c;
	struct arena arena = ARENA_INIT;
	struct xnode *xml;
	(void)state;
	assert_int_equal(
		load(&c,
		     "MONITORING_INTERVAL_HOST = 60\nNETWORK = [ ADDRESS = \"127.0.0.1\", PORT = 5000, THREADS = 3,"
		     " MONITOR_ADDRESS = \"10.0.0.1\", PUBKEY = \"\", PRIKEY = \"/secret/key\" ]\n"
		     "PROBES_PERIOD = [ BEACON_HOST = 7 ]\n",
		     NULL, NULL),
		ONE_OK);
	assert_int_equal(c.interval_host_s, 60);
	assert_int_equal(c.port, 5000);
	assert_int_equal(c.threads, 3);
	assert_string_equal(c.private_key, "/secret/key");
	assert_null(strstr(c.actions_xml, "secret"));
	assert_int_equal(xml_parse(&arena, c.actions_xml, strlen(c.actions_xml), 10, 100000, &xml, NULL),
			 ONE_OK);
	assert_string_equal(xml->name, "MONITOR_CONFIGURATION");
	assert_string_equal(xml_path(xml, "NETWORK/MONITOR_ADDRESS")->text, "10.0.0.1");
	assert_string_equal(xml_path(xml, "NETWORK/PORT")->text, "5000");
	assert_string_equal(xml_path(xml, "PROBES_PERIOD/BEACON_HOST")->text, "7");
	assert_string_equal(xml_path(xml, "PROBES_PERIOD/SYSTEM_HOST")->text, "600");
	arena_done(&arena);
	im_config_done(&c);
}

static void a_wrong_value_is_named(void **state)
{
	struct im_config c;
	struct one_err err = ONE_ERR_INIT;
	(void)state;
	assert_int_equal(load(&c, "NETWORK = [ PORT = 99999 ]\n", NULL, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "PORT"));
	assert_int_equal(load(&c, "MANAGER_TIMER = soon\n", NULL, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "MANAGER_TIMER"));
	assert_int_equal(load(&c, "NETWORK = [ PUBKEY = \"/nowhere/key.pub\" ]\n", NULL, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "/nowhere/key.pub"));
}

static void an_unknown_key_is_a_warning(void **state)
{
	struct im_config c;
	struct strbuf warnings = STRBUF_INIT;
	(void)state;
	assert_int_equal(load(&c, "\nFOO = 1\n", &warnings, NULL), ONE_OK);
	assert_non_null(strstr(warnings.buf, ":2:"));
	assert_non_null(strstr(warnings.buf, "FOO"));
	strbuf_done(&warnings);
	im_config_done(&c);
}

static void the_command_of_a_driver_is_split_at_blanks(void **state)
{
	struct im_config c;
	(void)state;
	unsetenv("ONE_LOCATION");
	assert_int_equal(
		load(&c,
		     "IM_MAD = [ NAME = \"kvm\", EXECUTABLE = \"one_im_ssh\", ARGUMENTS = \" -r 3  kvm\" ]\n"
		     "IM_MAD = [ NAME = \"x\", EXECUTABLE = \"/opt/im\" ]\n",
		     NULL, NULL),
		ONE_OK);
	const struct attr *mad = conf_first(&c.conf, "IM_MAD");
	const char *const *argv = im_config_argv(&c, mad);
	assert_string_equal(argv[0], "/usr/lib/one/mads/one_im_ssh");
	assert_string_equal(argv[1], "-r");
	assert_string_equal(argv[2], "3");
	assert_string_equal(argv[3], "kvm");
	assert_null(argv[4]);
	argv = im_config_argv(&c, conf_next(mad));
	assert_string_equal(argv[0], "/opt/im");
	assert_null(argv[1]);
	im_config_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(values_are_taken_and_go_with_start_monitor),
		cmocka_unit_test(a_wrong_value_is_named),
		cmocka_unit_test(an_unknown_key_is_a_warning),
		cmocka_unit_test(the_command_of_a_driver_is_split_at_blanks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
