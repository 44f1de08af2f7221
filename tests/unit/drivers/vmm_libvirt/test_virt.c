/* Domain operations against libvirt's in-process test hypervisor. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/vmm_libvirt/virt.h"
#include "tests/lib/tsan_libvirt.h"

static const char domain_xml[] = "<domain type='test'><name>one-7</name><memory>8192</memory><vcpu current='2'>4</vcpu><os><type>hvm</type></os>"
				 "<devices><disk type='file' device='cdrom'><source file='/a.iso'/><target dev='hda'/></disk>"
				 "<interface type='bridge'><source bridge='br0'/><mac address='02:00:00:00:00:01'/>"
				 "<target dev='one-7-0'/></interface></devices></domain>";

struct fixture {
	virConnectPtr c;
	struct strbuf uuid;
	struct one_err err;
};

static struct fixture fixture;

static int start(void **state)
{
	(void)state;
	return virt_start(NULL) == ONE_OK ? 0 : -1;
}

static int set_up(void **state)
{
	fixture = (struct fixture){ .uuid = STRBUF_INIT, .err = ONE_ERR_INIT };
	*state = &fixture;
	return virt_open("test:///default", &fixture.c, &fixture.err) == ONE_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	virt_destroy(f->c, "one-7", NULL);
	virConnectClose(f->c);
	strbuf_done(&f->uuid);
	return 0;
}

static void start_domain(struct fixture *f)
{
	assert_int_equal(virt_create(f->c, domain_xml, &f->uuid, &f->err), ONE_OK);
}

static bool exists(struct fixture *f, const char *id)
{
	bool found;

	assert_int_equal(virt_exists(f->c, id, &found, &f->err), ONE_OK);
	return found;
}

static void a_created_domain_is_found_by_its_uuid_and_by_its_name(void **state)
{
	struct fixture *f = *state;

	assert_false(exists(f, "one-7"));
	start_domain(f);
	assert_int_equal(f->uuid.len, 36);
	assert_true(exists(f, f->uuid.buf));
	assert_true(exists(f, "one-7"));
	assert_false(exists(f, "one-8"));
}

static void a_domain_cannot_be_created_twice_and_the_first_stays(void **state)
{
	struct fixture *f = *state;
	struct strbuf second = STRBUF_INIT;

	start_domain(f);
	assert_int_equal(virt_create(f->c, domain_xml, &second, &f->err), ONE_ACTION);
	assert_non_null(strstr(f->err.text, "already"));
	assert_int_equal(second.len, 0);
	assert_true(exists(f, f->uuid.buf));
	strbuf_done(&second);
}

static void bad_xml_is_an_error_with_the_reason(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(virt_create(f->c, "<domain type='test'/>", &f->uuid, &f->err), ONE_ACTION);
	assert_non_null(strstr(f->err.text, "Could not create the domain: "));
}

static void a_shut_down_domain_is_gone_and_one_that_is_gone_already_is_no_failure(void **state)
{
	struct fixture *f = *state;
	const struct virt_shutdown how = { .timeout_ms = 5000, .force = false };

	start_domain(f);
	assert_int_equal(virt_shutdown(f->c, f->uuid.buf, &how, NULL, &f->err), ONE_OK);
	assert_false(exists(f, f->uuid.buf));
	assert_int_equal(virt_shutdown(f->c, f->uuid.buf, &how, NULL, &f->err), ONE_OK);
}

static void destroying_needs_no_domain(void **state)
{
	struct fixture *f = *state;

	start_domain(f);
	assert_int_equal(virt_destroy(f->c, f->uuid.buf, &f->err), ONE_OK);
	assert_false(exists(f, f->uuid.buf));
	assert_int_equal(virt_destroy(f->c, f->uuid.buf, &f->err), ONE_OK);
}

static void what_acts_on_a_running_domain_fails_without_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(virt_reboot(f->c, "one-7", &f->err), ONE_ACTION);
	assert_string_equal(f->err.text, "Domain one-7 does not exist");
	assert_int_equal(virt_reset(f->c, "one-7", &f->err), ONE_ACTION);
	assert_int_equal(virt_save(f->c, "one-7", "/tmp/never", &f->err), ONE_ACTION);
	assert_int_equal(virt_snapshot_create(f->c, "one-7", "snap-0", &f->err), ONE_ACTION);
	assert_int_equal(virt_attach(f->c, "one-7", "<disk/>", &f->err), ONE_ACTION);
	assert_int_equal(virt_detach_disk(f->c, "one-7", "vda", 1, &f->err), ONE_ACTION);
	assert_int_equal(virt_resize(f->c, "one-7", 1, 1024, &f->err), ONE_ACTION);
	assert_int_equal(virt_plug_memory(f->c, "one-7", 1024, &f->err), ONE_ACTION);
}

static virDomainInfo info(struct fixture *f)
{
	virDomainPtr dom = virDomainLookupByName(f->c, "one-7");
	virDomainInfo found;

	assert_int_equal(virDomainGetInfo(dom, &found), 0);
	virDomainFree(dom);
	return found;
}

static void a_domain_gets_other_processors_and_memory(void **state)
{
	struct fixture *f = *state;

	start_domain(f);
	assert_int_equal(virt_resize(f->c, "one-7", 3, 0, &f->err), ONE_OK);
	assert_int_equal(info(f).nrVirtCpu, 3);
	assert_int_equal(info(f).memory, 8192);
	assert_int_equal(virt_resize(f->c, "one-7", 0, 4096, &f->err), ONE_OK);
	assert_int_equal(info(f).nrVirtCpu, 3);
	assert_int_equal(info(f).memory, 4096);
	assert_int_equal(virt_resize(f->c, "one-7", 5, 0, &f->err), ONE_ACTION);
	assert_int_equal(virt_resize(f->c, "one-7", 0, 16384, &f->err), ONE_ACTION);
}

static void only_memory_that_is_missing_is_plugged_in(void **state)
{
	struct fixture *f = *state;

	start_domain(f);
	assert_int_equal(virt_plug_memory(f->c, "one-7", 8192, &f->err), ONE_OK);
	assert_int_equal(virt_plug_memory(f->c, "one-7", 4096, &f->err), ONE_ACTION);
	assert_string_equal(f->err.text, "A running VM doesn't give memory back that was plugged in");
	/* The test hypervisor plugs nothing in. */
	assert_int_equal(virt_plug_memory(f->c, "one-7", 16384, &f->err), ONE_ACTION);
	assert_non_null(strstr(f->err.text, "Could not plug in memory"));
}

static void a_snapshot_can_be_created_reverted_to_and_deleted(void **state)
{
	struct fixture *f = *state;

	start_domain(f);
	assert_int_equal(virt_snapshot_create(f->c, f->uuid.buf, "snap-0", &f->err), ONE_OK);
	assert_int_equal(virt_snapshot_revert(f->c, f->uuid.buf, "snap-0", &f->err), ONE_OK);
	assert_int_equal(virt_snapshot_delete(f->c, f->uuid.buf, "snap-0", &f->err), ONE_OK);
	assert_int_equal(virt_snapshot_delete(f->c, f->uuid.buf, "snap-0", &f->err), ONE_ACTION);
}

static void a_device_that_is_not_there_is_detached_already(void **state)
{
	struct fixture *f = *state;

	start_domain(f);
	assert_int_equal(virt_detach_disk(f->c, f->uuid.buf, "vdz", 1, &f->err), ONE_OK);
	assert_int_equal(virt_detach_nic(f->c, f->uuid.buf, "02:00:00:00:00:09", 1, &f->err), ONE_OK);
}

static void an_interface_that_is_there_is_attached_already(void **state)
{
	struct fixture *f = *state;
	const char *xml = "<interface type='bridge'><source bridge='br0'/><mac address='02:00:00:00:00:02'/></interface>";

	start_domain(f);
	assert_int_equal(virt_attach_nic(f->c, "one-7", "02:00:00:00:00:01", xml, &f->err), ONE_OK);
	assert_int_equal(virt_attach_nic(f->c, "one-7", "02:00:00:00:00:02", xml, &f->err), ONE_ACTION); /* this hypervisor can't */
	assert_int_equal(virt_attach_nic(f->c, "one-8", "02:00:00:00:00:01", xml, &f->err), ONE_ACTION);
}

static void the_traffic_of_an_interface_is_limited_and_set_free(void **state)
{
	struct fixture *f = *state;
	virDomainPtr dom;
	char *xml;

	start_domain(f);
	dom = virDomainLookupByName(f->c, "one-7");
	assert_int_equal(virt_limit_nic(f->c, "one-7", "one-7-0", "500 600 700 0 0 0", &f->err), ONE_OK);
	xml = virDomainGetXMLDesc(dom, 0);
	assert_non_null(strstr(xml, "<inbound average='500' peak='600' burst='700'/>"));
	assert_null(strstr(xml, "<outbound"));
	free(xml);
	assert_int_equal(virt_limit_nic(f->c, "one-7", "02:00:00:00:00:01", "0 0 0 80 0 0", &f->err), ONE_OK);
	xml = virDomainGetXMLDesc(dom, 0);
	assert_null(strstr(xml, "<inbound"));
	assert_non_null(strstr(xml, "<outbound average='80'/>"));
	free(xml);
	virDomainFree(dom);
	assert_int_equal(virt_limit_nic(f->c, "one-7", "one-7-9", "1 0 0 0 0 0", &f->err), ONE_ACTION);
}

static void a_hypervisor_that_cannot_be_reached_says_why(void **state)
{
	struct fixture *f = *state;
	virConnectPtr c = NULL;

	assert_int_equal(virt_open("qemu+unix:///system?socket=/no/such/socket", &c, &f->err), ONE_ACTION);
	assert_null(c);
	assert_non_null(strstr(f->err.text, "Cannot connect to the hypervisor: "));
}

static void a_checkpoints_files_are_looked_for_in_its_own_folder(void **state)
{
	(void)state;
	static const struct { const char *xml, *checkpoint, *wanted; } rows[] = {
		{ "<source file='/var/lib/one/datastores/0/7/disk.0'/>", "/var/lib/one/datastores/104/7/checkpoint",
		  "<source file='/var/lib/one/datastores/104/7/disk.0'/>" },
		{ "<source file=\"/var/lib/one//datastores/0/7/disk.0\"/>", "/srv/datastores/1/7/checkpoint",
		  "<source file=\"/srv/datastores/1/7/disk.0\"/>" },
		{ "<a>/x/datastores/0/7/y</a><b c='/x/datastores/0/7/z'/>", "/x/datastores/2/7/checkpoint",
		  "<a>/x/datastores/2/7/y</a><b c='/x/datastores/2/7/z'/>" },
		/* another VM's file, an image's own datastore, a path laid out in another way: left alone */
		{ "'/x/datastores/0/71/y'", "/x/datastores/2/7/checkpoint", "'/x/datastores/0/71/y'" },
		{ "'/x/datastores/1/abcdef'", "/x/datastores/2/7/checkpoint", "'/x/datastores/1/abcdef'" },
		{ "'/x/datastores/0/7/y'", "/checkpoint", "'/x/datastores/0/7/y'" },
		{ "'/x/datastores/0/7/y'", "/tmp/a/b/checkpoint", "'/x/datastores/0/7/y'" },
		{ "", "/x/datastores/2/7/checkpoint", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct strbuf out = STRBUF_INIT;
		virt_relocate(rows[i].xml, rows[i].checkpoint, &out);
		assert_string_equal(out.buf, rows[i].wanted);
		strbuf_done(&out);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_created_domain_is_found_by_its_uuid_and_by_its_name),
		CASE(a_domain_cannot_be_created_twice_and_the_first_stays),
		CASE(bad_xml_is_an_error_with_the_reason),
		CASE(a_shut_down_domain_is_gone_and_one_that_is_gone_already_is_no_failure),
		CASE(destroying_needs_no_domain),
		CASE(what_acts_on_a_running_domain_fails_without_one),
		CASE(a_domain_gets_other_processors_and_memory), CASE(only_memory_that_is_missing_is_plugged_in),
		CASE(a_snapshot_can_be_created_reverted_to_and_deleted),
		CASE(a_device_that_is_not_there_is_detached_already),
		CASE(an_interface_that_is_there_is_attached_already),
		CASE(the_traffic_of_an_interface_is_limited_and_set_free),
		CASE(a_hypervisor_that_cannot_be_reached_says_why),
		CASE(a_checkpoints_files_are_looked_for_in_its_own_folder),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
