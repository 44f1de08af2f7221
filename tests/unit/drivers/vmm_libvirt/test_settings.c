/* Where the driver's settings come from. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "drivers/vmm_libvirt/vmm.h"

static char folder[] = "/tmp/test_settings.XXXXXX";
static struct vmm vmm;

static void make_folders(void)
{
	static const char *const names[] = { "var", "var/remotes", "var/remotes/etc", "var/remotes/etc/vmm", "var/remotes/etc/vmm/kvm" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		mkdir(names[i], 0700);
}

static int set_up_all(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return -1;
	make_folders();
	return setenv("ONE_LOCATION", folder, 1);
}

static int tear_down_all(void **state)
{
	static const char *const names[] = { "var/remotes/etc/vmm/kvm/kvmrc", "var/config" };
	static const char *const folders[] = { "var/remotes/etc/vmm/kvm", "var/remotes/etc/vmm", "var/remotes/etc", "var/remotes", "var" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		rmdir(folders[i]);
	return rmdir(folder);
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("LIBVIRT_URI");
	unlink("var/remotes/etc/vmm/kvm/kvmrc");
	unlink("var/config");
	vmm = (struct vmm){ .arena = ARENA_INIT };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&vmm.arena);
	return 0;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void without_files_the_usual_values_hold(void **state)
{
	(void)state;
	vmm_settings(&vmm);
	assert_string_equal(vmm.local_uri, "qemu:///system");
	assert_string_equal(vmm.remote_uri, "qemu+ssh://%h/system?no_tty=1");
	assert_string_equal(vmm.scripts_dir, "/var/tmp/one");
	assert_int_equal(vmm.shutdown_timeout_s, 180);
	assert_true(vmm.force_destroy);
	assert_false(vmm.cancel_no_acpi);
}

static void the_sites_kvmrc_is_read_line_by_line(void **state)
{
	(void)state;
	write_file("var/remotes/etc/vmm/kvm/kvmrc", "# export SHUTDOWN_TIMEOUT=1\nexport LIBVIRT_URI='qemu:///session'\n"
						    "export SHUTDOWN_TIMEOUT=60\nFORCE_DESTROY=\"no\"  \nexport CANCEL_NO_ACPI=yes\n"
						    "if true; then\n=\nOTHER=1\n");
	vmm_settings(&vmm);
	assert_string_equal(vmm.local_uri, "qemu:///session");
	assert_int_equal(vmm.shutdown_timeout_s, 60);
	assert_false(vmm.force_destroy);
	assert_true(vmm.cancel_no_acpi);
}

static void an_option_goes_before_the_environment_and_that_before_the_file(void **state)
{
	(void)state;
	write_file("var/remotes/etc/vmm/kvm/kvmrc", "export LIBVIRT_URI=qemu:///file\n");
	setenv("LIBVIRT_URI", "qemu:///environment", 1);
	vmm_settings(&vmm);
	assert_string_equal(vmm.local_uri, "qemu:///environment");
	vmm.local_uri = "qemu:///option";
	vmm_settings(&vmm);
	assert_string_equal(vmm.local_uri, "qemu:///option");
}

static void values_out_of_range_are_not_taken(void **state)
{
	static const char *const bad[] = { "0", "-5", "many", "1000000", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "SHUTDOWN_TIMEOUT=%s\n", bad[i]);
		write_file("var/remotes/etc/vmm/kvm/kvmrc", text);
		vmm_settings(&vmm);
		assert_int_equal(vmm.shutdown_timeout_s, 180);
	}
}

static void the_hosts_folder_of_scripts_is_what_oned_was_configured_with(void **state)
{
	(void)state;
	write_file("var/config", "PORT = \"2633\"\nSCRIPTS_REMOTE_DIR = \"/opt/one\"\n");
	vmm_settings(&vmm);
	assert_string_equal(vmm.scripts_dir, "/opt/one");
}

static void only_plain_absolute_paths_are_worked_on(void **state)
{
	(void)state;
	assert_true(path_ok("/var/lib/one//datastores/0/7/checkpoint"));
	assert_false(path_ok("relative"));
	assert_false(path_ok(""));
	assert_false(path_ok("/a/../b"));
	assert_false(path_ok("/a b"));
	assert_false(path_ok("/a;reboot"));
	assert_false(path_ok("/$(x)"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(without_files_the_usual_values_hold),
		CASE(the_sites_kvmrc_is_read_line_by_line),
		CASE(an_option_goes_before_the_environment_and_that_before_the_file),
		CASE(values_out_of_range_are_not_taken),
		CASE(the_hosts_folder_of_scripts_is_what_oned_was_configured_with),
		CASE(only_plain_absolute_paths_are_worked_on),
	};

	return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
