/* Tests of the configuration: what a file may say, what stops the start, and that its print is a file again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"

static const char *const LOG_FIELDS[] = { "SYSTEM!", "DEBUG_LEVEL", NULL };

/* clang-format off */
static const struct conf_key KEYS[] = {
	{ "PORT",       CONF_INT,    false, 0, 65535, "2633",   "",   "Port of the API.", NULL },
	{ "INTERVAL",   CONF_INT,    false, 1, 86400, "30",     "s",  "Time between two rounds.", NULL },
	{ "OFFSET",     CONF_INT,    false, 0, 0,     NULL,     "MB", "Any number, no default.", NULL },
	{ "CPU_COST",   CONF_FLOAT,  false, 0, 10,    "0.5",    "",   "Cost of a CPU.", NULL },
	{ "SECURE",     CONF_BOOL,   false, 0, 0,     "YES",    "",   "Whether to be careful.", NULL },
	{ "LISTEN",     CONF_STRING, false, 0, 0,     "0.0.0.0", "",  "Address to listen on.", NULL },
	{ "LABEL",      CONF_STRING, false, 0, 0,     NULL,     "",   "Text without a default.", NULL },
	{ "NOTHING",    CONF_STRING, false, 0, 0,     "",       "",   "An empty text.", NULL },
	{ "LOG",        CONF_VECTOR, false, 0, 0,     "[ SYSTEM = \"file\", DEBUG_LEVEL = \"3\" ]", "",
	  "The log.", LOG_FIELDS },
	{ "VM_MAD",     CONF_VECTOR, true,  0, 0,     NULL,     "",   "Hypervisor drivers.", NULL },
	{ "RESTRICTED", CONF_STRING, true,  0, 0,     "\"CONTEXT/FILES\"\n\"NIC/MAC\"", "",
	  "Attributes for administrators only.", NULL },
	{ "DB",         CONF_VECTOR, false, 0, 0,     NULL,     "",   "The database.", NULL },
	{ .name = NULL },
};
/* clang-format on */

static char path[] = "/tmp/test_conf_XXXXXX";
static struct conf conf;
static struct one_err err;
static struct strbuf warnings = STRBUF_INIT;

static int make_file(void **state)
{
	(void)state;
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	strbuf_done(&warnings);
	return unlink(path);
}

static enum one_rc load_bytes(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	strbuf_reset(&warnings);
	one_err_clear(&err);
	return conf_load(&conf, path, KEYS, &warnings, &err);
}

static enum one_rc load(const char *text)
{
	return load_bytes(text, strlen(text));
}

/* The load fails with "PATH<rest>" and leaves nothing. */
static void assert_refused(const char *text, const char *rest)
{
	assert_int_equal(load(text), ONE_INTERNAL);
	assert_memory_equal(err.text, path, strlen(path));
	assert_string_equal(err.text + strlen(path), rest);
	assert_null(conf.values);
}

static void assert_one_warning(const char *rest)
{
	assert_memory_equal(warnings.buf, path, strlen(path));
	assert_string_equal(warnings.buf + strlen(path), rest);
}

static void without_a_file_every_key_has_its_default(void **state)
{
	(void)state;
	conf_defaults(&conf, KEYS);
	assert_int_equal(conf_int(&conf, "PORT"), 2633);
	assert_int_equal(conf_int(&conf, "OFFSET"), 0);
	assert_true(conf_float(&conf, "CPU_COST") == 0.5);
	assert_true(conf_bool(&conf, "SECURE"));
	assert_string_equal(conf_string(&conf, "LISTEN"), "0.0.0.0");
	assert_string_equal(conf_string(&conf, "LABEL"), "");
	assert_string_equal(conf_string(&conf, "NOTHING"), "");
	assert_string_equal(attr_get(conf_first(&conf, "LOG"), "SYSTEM"), "file");
	assert_null(conf_first(&conf, "VM_MAD"));
	conf_done(&conf);
}

static void an_empty_file_says_the_same_as_none(void **state)
{
	(void)state;
	assert_int_equal(load(""), ONE_OK);
	assert_int_equal(conf_int(&conf, "INTERVAL"), 30);
	conf_done(&conf);
	assert_int_equal(load("# only a comment\n\n"), ONE_OK);
	assert_int_equal(conf_int(&conf, "INTERVAL"), 30);
	assert_string_equal(warnings.buf, "");
	conf_done(&conf);
}

static void values_of_every_type_are_read(void **state)
{
	(void)state;
	assert_int_equal(load("# head\nPORT = 0 # a comment\nInterval=\"60\"\nCPU_COST = 1.25\nSECURE = no\n"
			      "LISTEN = \"a \\\"quoted\\\" text\"\nOFFSET = -7\n"
			      "LOG = [\n  SYSTEM = \"std\",\n  DEBUG_LEVEL = 5 ]\n"),
			 ONE_OK);
	assert_string_equal(warnings.buf, "");
	assert_int_equal(conf_int(&conf, "PORT"), 0);
	assert_int_equal(conf_int(&conf, "INTERVAL"), 60);
	assert_int_equal(conf_int(&conf, "OFFSET"), -7);
	assert_true(conf_float(&conf, "CPU_COST") == 1.25);
	assert_false(conf_bool(&conf, "SECURE"));
	assert_string_equal(conf_string(&conf, "LISTEN"), "a \"quoted\" text");
	assert_string_equal(attr_get(conf_first(&conf, "LOG"), "DEBUG_LEVEL"), "5");
	conf_done(&conf);
}

static void a_key_that_may_repeat_keeps_the_order_of_the_file(void **state)
{
	(void)state;
	assert_int_equal(load("VM_MAD = [ NAME = \"kvm\" ]\nPORT = 1\nVM_MAD = [ NAME = \"dummy\" ]\n"),
			 ONE_OK);

	const struct attr *a = conf_first(&conf, "VM_MAD");

	assert_string_equal(attr_get(a, "NAME"), "kvm");
	a = conf_next(a);
	assert_string_equal(attr_get(a, "NAME"), "dummy");
	assert_null(conf_next(a));
	assert_string_equal(warnings.buf, "");
	conf_done(&conf);
}

static void several_defaults_stand_only_where_the_file_has_none(void **state)
{
	(void)state;
	assert_int_equal(load("PORT = 1"), ONE_OK);
	assert_string_equal(conf_first(&conf, "RESTRICTED")->value, "CONTEXT/FILES");
	assert_string_equal(conf_next(conf_first(&conf, "RESTRICTED"))->value, "NIC/MAC");
	assert_null(conf_next(conf_next(conf_first(&conf, "RESTRICTED"))));
	conf_done(&conf);

	assert_int_equal(load("RESTRICTED = \"DISK/SIZE\""), ONE_OK);
	assert_string_equal(conf_first(&conf, "RESTRICTED")->value, "DISK/SIZE");
	assert_null(conf_next(conf_first(&conf, "RESTRICTED")));
	conf_done(&conf);
}

static void an_unknown_key_is_a_warning_with_its_line(void **state)
{
	(void)state;
	assert_int_equal(load("PORT = 1\n\nPROT = 2\n"), ONE_OK);
	assert_one_warning(":3: unknown key PROT\n");
	assert_int_equal(conf_int(&conf, "PORT"), 1);
	conf_done(&conf);
}

static void an_unknown_field_is_a_warning_with_its_line(void **state)
{
	(void)state;
	assert_int_equal(load("LOG = [ SYSTEM = \"std\",\n  DEBUG = 3 ]\n"), ONE_OK);
	assert_one_warning(":2: LOG: unknown field DEBUG\n");
	conf_done(&conf);
}

static void of_a_key_given_twice_the_first_counts_and_there_is_a_warning(void **state)
{
	(void)state;
	assert_int_equal(load("PORT = 1\nPORT = 2\nINTERVAL = 3\n"), ONE_OK);
	assert_one_warning(":2: PORT: given again, line 1 counts\n");
	assert_int_equal(conf_int(&conf, "PORT"), 1);
	conf_done(&conf);
}

static void warnings_may_be_unwanted(void **state)
{
	(void)state;
	assert_int_equal(load("PROT = 2\nPORT = 1\nPORT = 2\nLOG = [ SYSTEM = a, B = c ]"), ONE_OK);
	conf_done(&conf);
	assert_int_equal(conf_load(&conf, path, KEYS, NULL, NULL), ONE_OK);
	conf_done(&conf);
}

static void a_wrong_value_stops_with_file_line_and_key(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "\nPORT = many", ":2: PORT: must be a whole number, not \"many\"" },
		{ "PORT = 26.5", ":1: PORT: must be a whole number, not \"26.5\"" },
		{ "PORT = \"\"", ":1: PORT: must be a whole number, not \"\"" },
		{ "PORT = 65536", ":1: PORT: must be between 0 and 65535, not 65536" },
		{ "PORT = -1", ":1: PORT: must be between 0 and 65535, not -1" },
		{ "PORT = 99999999999999999999",
		  ":1: PORT: must be a whole number, not \"99999999999999999999\"" },
		{ "INTERVAL = 0", ":1: INTERVAL: must be between 1 and 86400, not 0" },
		{ "CPU_COST = 10.01", ":1: CPU_COST: must be between 0 and 10, not 10.01" },
		{ "CPU_COST = cheap", ":1: CPU_COST: must be a number, not \"cheap\"" },
		{ "CPU_COST = nan", ":1: CPU_COST: must be a number, not \"nan\"" },
		{ "SECURE = perhaps", ":1: SECURE: must be YES or NO, not \"perhaps\"" },
		{ "PORT = [ A = 1 ]", ":1: PORT: must be a single value, not a vector" },
		{ "LABEL = [ A = 1 ]", ":1: LABEL: must be a single value, not a vector" },
		{ "LOG = std", ":1: LOG: must be a vector: LOG = [ NAME = \"value\", ... ]" },
		{ "\n\nLOG = [ DEBUG_LEVEL = 3 ]", ":3: LOG: SYSTEM is missing" },
		/* Also where it is the second one, which doesn't count. */
		{ "PORT = 1\nPORT = x", ":2: PORT: must be a whole number, not \"x\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(cases[i][0], cases[i][1]);
}

static void the_ends_of_a_range_are_in_it(void **state)
{
	(void)state;
	assert_int_equal(load("PORT = 65535\nINTERVAL = 1\nCPU_COST = 10"), ONE_OK);
	conf_done(&conf);
	assert_int_equal(load("PORT = 0\nINTERVAL = 86400\nCPU_COST = 0"), ONE_OK);
	conf_done(&conf);
}

static void a_syntax_error_names_the_file_and_the_line(void **state)
{
	(void)state;
	assert_int_equal(load("PORT = 1\nINTERVAL\nLABEL = x\n"), ONE_INTERNAL);
	assert_memory_equal(err.text, path, strlen(path));
	assert_non_null(strstr(err.text, "syntax error"));
	assert_non_null(strstr(err.text, "at line 3"));
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	one_err_clear(&err);
	assert_int_equal(conf_load(&conf, "/nonexistent/oned.conf", KEYS, &warnings, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "Cannot open /nonexistent/oned.conf: No such file or directory");
	assert_int_equal(conf_load(&conf, "/tmp", KEYS, &warnings, &err), ONE_INTERNAL);
	assert_string_equal(err.text, "Cannot read /tmp: Is a directory");
}

static void what_is_no_configuration_is_refused(void **state)
{
	(void)state;
	char *large = malloc(TMPL_MAX_BYTES + 2);

	memset(large, '\n', TMPL_MAX_BYTES + 1);
	large[TMPL_MAX_BYTES + 1] = '\0';
	assert_refused(large, ": larger than 2097152 bytes");
	free(large);
	assert_refused("\n <C><PORT>1</PORT></C>", ": not a configuration, it begins with '<'");

	assert_int_equal(load_bytes("PORT = 1\n\0PORT = x\n", 19), ONE_INTERNAL);
	assert_string_equal(err.text + strlen(path), ": not a text, it has NUL bytes");
}

static void hostile_bytes_never_do_more_than_fail(void **state)
{
	(void)state;
	unsigned int seed = 3;
	static const char pieces[] = "PORT=LOG[],\"#\\\n \t9xVM_MAD<]]>\x80\xff";

	for (int round = 0; round < 3000; round++) {
		char text[200];
		size_t len = (size_t)rand_r(&seed) % sizeof(text);

		for (size_t i = 0; i < len; i++)
			text[i] = pieces[(size_t)rand_r(&seed) % (sizeof(pieces) - 1)];
		if (load_bytes(text, len) == ONE_OK) {
			assert_in_range(conf_int(&conf, "PORT"), 0, 65535);
			conf_done(&conf);
		} else {
			assert_string_not_equal(err.text, "");
			assert_null(conf.values);
		}
	}
}

/* Prints the configuration, loads the print and prints again: the values must be the same. */
static void assert_print_is_stable(void)
{
	struct strbuf once = STRBUF_INIT, values = STRBUF_INIT, again = STRBUF_INIT;

	conf_print(&conf, &once);
	tmpl_to_text(conf.values, &values);
	conf_done(&conf);
	assert_int_equal(load(once.buf), ONE_OK);
	assert_string_equal(warnings.buf, "");
	tmpl_to_text(conf.values, &again);
	assert_string_equal(again.buf, values.buf);
	strbuf_done(&once);
	strbuf_done(&values);
	strbuf_done(&again);
}

static void the_print_of_the_defaults_is_a_file_again(void **state)
{
	(void)state;
	conf_defaults(&conf, KEYS);
	assert_print_is_stable();
	conf_done(&conf);
}

static void the_print_of_a_file_is_a_file_again(void **state)
{
	(void)state;
	assert_int_equal(
		load("LISTEN = \"a \\\"quoted\\\" # text, [ ] = \\ \"\nLABEL = \"two\nlines\"\nPORT = 7\n"
		     "VM_MAD = [ NAME = \"a, b\", X = \"\\\"\" ]\nVM_MAD = [ NAME = \"c\" ]\nSECURE = 0\n"),
		ONE_OK);
	assert_print_is_stable();
	assert_string_equal(conf_string(&conf, "LISTEN"), "a \"quoted\" # text, [ ] = \\ ");
	assert_string_equal(attr_get(conf_first(&conf, "VM_MAD"), "X"), "\"");
	conf_done(&conf);
}

static void the_print_tells_doc_unit_range_default_and_line(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;

	assert_int_equal(load("\nINTERVAL = 60\n"), ONE_OK);
	conf_print(&conf, &out);
	assert_non_null(strstr(out.buf, "# Time between two rounds.\n"
					"# whole number, 1 to 86400 s; default 30; set in line 2\n"
					"INTERVAL = \"60\"\n"));
	assert_non_null(
		strstr(out.buf, "# whole number, 0 to 65535; this is the default\nPORT = \"2633\"\n"));
	assert_non_null(strstr(out.buf, "# whole number, in MB; not set\n#OFFSET =\n"));
	assert_non_null(strstr(out.buf, "# text, may repeat; this is the default\n"
					"RESTRICTED = \"CONTEXT/FILES\"\nRESTRICTED = \"NIC/MAC\"\n"));
	conf_done(&conf);
	strbuf_done(&out);
}

static void the_print_hides_secrets(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;

	assert_int_equal(load("DB = [ BACKEND = \"mysql\", PASSWD = \"oneadmin\", API_SECRET = \"s3\" ]\n"),
			 ONE_OK);
	conf_print(&conf, &out);
	assert_null(strstr(out.buf, "oneadmin"));
	assert_null(strstr(out.buf, "s3"));
	assert_non_null(strstr(out.buf, "BACKEND = \"mysql\""));
	assert_non_null(strstr(out.buf, "PASSWD = \"***\""));
	assert_string_equal(attr_get(conf_first(&conf, "DB"), "PASSWD"), "oneadmin");
	conf_done(&conf);
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_every_key_has_its_default),
		cmocka_unit_test(an_empty_file_says_the_same_as_none),
		cmocka_unit_test(values_of_every_type_are_read),
		cmocka_unit_test(a_key_that_may_repeat_keeps_the_order_of_the_file),
		cmocka_unit_test(several_defaults_stand_only_where_the_file_has_none),
		cmocka_unit_test(an_unknown_key_is_a_warning_with_its_line),
		cmocka_unit_test(an_unknown_field_is_a_warning_with_its_line),
		cmocka_unit_test(of_a_key_given_twice_the_first_counts_and_there_is_a_warning),
		cmocka_unit_test(warnings_may_be_unwanted),
		cmocka_unit_test(a_wrong_value_stops_with_file_line_and_key),
		cmocka_unit_test(the_ends_of_a_range_are_in_it),
		cmocka_unit_test(a_syntax_error_names_the_file_and_the_line),
		cmocka_unit_test(a_file_that_cannot_be_read_is_an_error),
		cmocka_unit_test(what_is_no_configuration_is_refused),
		cmocka_unit_test(hostile_bytes_never_do_more_than_fail),
		cmocka_unit_test(the_print_of_the_defaults_is_a_file_again),
		cmocka_unit_test(the_print_of_a_file_is_a_file_again),
		cmocka_unit_test(the_print_tells_doc_unit_range_default_and_line),
		cmocka_unit_test(the_print_hides_secrets),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
