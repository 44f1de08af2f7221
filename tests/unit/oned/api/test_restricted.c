/* Restricted attributes: found wherever they stand, kept where a template is replaced, compared where one is merged in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "oned/api/restricted.h"
#include "oned/config.h"

static struct conf conf;
static struct arena arena;

static int setup(void **state)
{
	static const char text[] = "VM_RESTRICTED_ATTR = \"NIC/MAC\"\nVM_RESTRICTED_ATTR = \"CPU_COST\"\nVM_RESTRICTED_ATTR = \"PCI\"\n"
				   "QUOTA_VM_ATTRIBUTE = \"LICENSES\"\nUSER_RESTRICTED_ATTR = \"VM_USE_OPERATIONS\"\n";
	char path[] = "/tmp/test_restricted_XXXXXX";
	struct strbuf warnings = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	int fd = mkstemp(path);
	bool ok = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1;

	(void)state;
	ok = ok && !conf_load(&conf, path, oned_keys, &warnings, &err);
	strbuf_done(&warnings);
	unlink(path);
	close(fd);
	return ok ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	conf_done(&conf);
	arena_done(&arena);
	return 0;
}

static struct tmpl *template(const char *text)
{
	struct tmpl *t = tmpl_new(&arena);

	assert_int_equal(tmpl_parse(t, text, NULL), ONE_OK);
	return t;
}

static const char *found(enum obj_type type, const char *text)
{
	const char *name = restricted_find(&conf, type, template(text));

	return name ? name : "-";
}

static void they_are_found_in_any_form(void **state)
{
	(void)state;
	assert_string_equal(found(OBJ_VM, "CPU = 1 NIC = [ NETWORK = n ]"), "-");
	assert_string_equal(found(OBJ_VM, "cpu_cost = 1"), "CPU_COST");
	assert_string_equal(found(OBJ_VM, "NIC = [ NETWORK = n ] NIC = [ mac = x ]"), "NIC/MAC");
	assert_string_equal(found(OBJ_VM, "<T><NIC><mac>x</mac></NIC></T>"), "NIC/MAC");
	assert_string_equal(found(OBJ_VM, "PCI = [ VENDOR = 1 ]"), "PCI");
	assert_string_equal(found(OBJ_VM, "CPU_COST = [ A = 1 ]"), "CPU_COST");
	assert_string_equal(found(OBJ_TEMPLATE, "LICENSES = 3"), "LICENSES");
	assert_string_equal(found(OBJ_USER, "LICENSES = 3"), "-");
	assert_string_equal(found(OBJ_VM, "PCI = 1 CPU_COST = 1 NIC = [ MAC = x ]"), "CPU_COST");
}

static const char *merged(const char *base, const char *extra)
{
	static struct one_err err;

	err = (struct one_err)ONE_ERR_INIT;
	return restricted_check_extra(&conf, OBJ_VM, template(base), template(extra), &err) ? err.text : "-";
}

static void what_is_merged_in_may_not_change_them(void **state)
{
	const char *base = "CPU_COST = 2 NIC = [ NETWORK = a, MAC = x ]";

	(void)state;
	assert_string_equal(merged(base, "CPU = 1"), "-");
	assert_string_equal(merged(base, "CPU_COST = 2"), "-");
	assert_string_equal(merged(base, "CPU_COST = 0"), "User Template includes a restricted attribute CPU_COST");
	assert_string_equal(merged(base, "NIC = [ NETWORK = b, MAC = x ]"), "-");
	assert_string_equal(merged(base, "NIC = [ NETWORK = b, MAC = y ]"), "User Template includes a restricted attribute NIC");
	/* it would take the place of the one with the address */
	assert_string_equal(merged(base, "NIC = [ NETWORK = b ]"), "User Template includes a restricted attribute NIC");
	/* more of the same is more */
	assert_string_equal(merged(base, "CPU_COST = 2 CPU_COST = 0"), "User Template includes a restricted attribute CPU_COST");
	/* an empty vector removes */
	assert_string_equal(merged(base, "CPU_COST = [ ]"), "User Template includes a restricted attribute CPU_COST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_are_found_in_any_form, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_merged_in_may_not_change_them, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
