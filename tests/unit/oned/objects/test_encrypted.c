/* Encrypted attributes: which ones, once only, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "oned/config.h"
#include "oned/objects/encrypted.h"

static struct conf conf;
static struct arena arena;

static int setup(void **state)
{
	static const char text[] = "VM_ENCRYPTED_ATTR = \"CONTEXT/PASSWORD\"\nVM_ENCRYPTED_ATTR = \"SECRET\"\n";
	char path[] = "/tmp/test_encrypted_XXXXXX";
	struct strbuf warnings = STRBUF_INIT;
	int fd = mkstemp(path);
	bool ok = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 &&
		  !conf_load(&conf, path, oned_keys, &warnings, NULL);

	(void)state;
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

static struct tmpl *template(void)
{
	struct tmpl *t = tmpl_new(&arena);

	assert_int_equal(tmpl_parse(t, "SECRET=a OTHER=b CONTEXT=[ password=c, OTHER=d ] PASSWORD=e", NULL), ONE_OK);
	return t;
}

static const char *context(const struct tmpl *t, const char *name)
{
	return attr_get(tmpl_vector(t, "CONTEXT"), name);
}

static void only_what_the_list_names_is_encrypted_and_only_once(void **state)
{
	struct tmpl *t = template();
	const char *once;

	(void)state;
	tmpl_set(conf.values, ENCRYPTION_KEY, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	attributes_encrypt(&conf, OBJ_TEMPLATE, t);
	assert_string_not_equal(tmpl_get(t, "SECRET"), "a");
	assert_string_not_equal(context(t, "PASSWORD"), "c");
	assert_string_equal(tmpl_get(t, "OTHER"), "b");
	assert_string_equal(context(t, "OTHER"), "d");
	assert_string_equal(tmpl_get(t, "PASSWORD"), "e");
	once = tmpl_get(t, "SECRET");
	attributes_encrypt(&conf, OBJ_TEMPLATE, t);
	assert_string_equal(tmpl_get(t, "SECRET"), once);
	attributes_decrypt(&conf, OBJ_TEMPLATE, t);
	assert_string_equal(tmpl_get(t, "SECRET"), "a");
	assert_string_equal(context(t, "PASSWORD"), "c");
}

static void other_types_and_a_missing_key_leave_all_as_it_is(void **state)
{
	struct tmpl *t = template();

	(void)state;
	attributes_encrypt(&conf, OBJ_TEMPLATE, t);
	attributes_encrypt(NULL, OBJ_TEMPLATE, t);
	assert_string_equal(tmpl_get(t, "SECRET"), "a");
	tmpl_set(conf.values, ENCRYPTION_KEY, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	attributes_encrypt(&conf, OBJ_GROUP, t);
	assert_string_equal(tmpl_get(t, "SECRET"), "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_the_list_names_is_encrypted_and_only_once, setup, teardown),
		cmocka_unit_test_setup_teardown(other_types_and_a_missing_key_leave_all_as_it_is, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
