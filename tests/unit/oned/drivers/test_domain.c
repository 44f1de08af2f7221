/* Rendering of domains. Each case is a folder-less triple in tests/unit/oned/drivers/domain: NAME.vm (a VM's TEMPLATE),
 * NAME.site (host, cluster and driver defaults; may be missing) and NAME.xml, what must come out.
 * DOMAIN_REGENERATE=1 writes the .xml files anew: look at the difference before you commit it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/xml.h"
#include "oned/drivers/domain.h"

#define FOLDER "tests/unit/oned/drivers/domain/"

struct fixture {
	struct arena arena;
	struct domain_input in;
	struct strbuf out;
	struct one_err err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strbuf_init(&f->out);
	f->err = (struct one_err)ONE_ERR_INIT;
	f->in = (struct domain_input){
		.hypervisor = "kvm", .vm_id = 7, .vm_name = "web & <db>", .uid = 3, .gid = 100, .uname = "alice",
		.gname = "users", .system_dir = "/var/lib/one/datastores/0/7", .version = "6.10.0",
		.start_time = 1700000000, .deploy_time = 1700000042,
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	strbuf_done(&f->out);
	arena_done(&f->arena);
	free(f);
	return 0;
}

static const struct tmpl *parse(struct fixture *f, const char *text)
{
	struct tmpl *t = tmpl_new(&f->arena);

	assert_int_equal(tmpl_parse(t, text, &f->err), ONE_OK);
	return t;
}

/* NULL: no such file. */
static char *read_file(struct fixture *f, const char *name, const char *suffix)
{
	char *text = arena_alloc(&f->arena, 65536);
	FILE *file = fopen(arena_printf(&f->arena, FOLDER "%s%s", name, suffix), "re");

	if (file == NULL)
		return NULL;
	size_t len = fread(text, 1, 65535, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

static void write_golden(struct fixture *f, const char *name)
{
	FILE *file = fopen(arena_printf(&f->arena, FOLDER "%s.xml", name), "we");

	assert_non_null(file);
	assert_int_equal(fwrite(f->out.buf, 1, f->out.len, file), f->out.len);
	assert_int_equal(fclose(file), 0);
}

static void check_golden(struct fixture *f, const char *name)
{
	struct xnode *root;

	assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
	assert_int_equal(xml_parse(&f->arena, f->out.buf, f->out.len, XML_MAX_DEPTH, 1 << 20, &root, NULL), ONE_OK);
	if (getenv("DOMAIN_REGENERATE") != NULL)
		write_golden(f, name);
	const char *golden = read_file(f, name, ".xml");
	assert_non_null(golden);
	assert_string_equal(f->out.buf, golden);
}

static void golden(struct fixture *f, const char *name)
{
	const char *site = read_file(f, name, ".site");

	f->in.vm = parse(f, read_file(f, name, ".vm"));
	f->in.defaults = parse(f, site != NULL ? site : read_file(f, "default", ".site"));
	check_golden(f, name);
}

static void a_small_vm_gets_what_the_driver_defaults_say(void **state)
{
	golden(*state, "small");
}

static void a_kernel_is_booted_directly_and_a_context_cdrom_is_attached(void **state)
{
	golden(*state, "kernel");
}

static void every_kind_of_disk_is_found_where_its_datastore_keeps_it(void **state)
{
	golden(*state, "disks");
}

static void io_limits_are_written_only_where_libvirt_accepts_them_together(void **state)
{
	golden(*state, "limits");
}

static void interfaces_go_to_their_bridge_with_filter_and_bandwidth(void **state)
{
	golden(*state, "nics");
}

static void numa_nodes_are_pinned_and_backed_by_huge_pages(void **state)
{
	golden(*state, "numa");
}

static void q35_with_uefi_has_root_ports_nvram_and_sata(void **state)
{
	golden(*state, "q35");
}

static void spice_video_pci_and_raw_devices_are_there(void **state)
{
	golden(*state, "devices");
}

static void memory_can_grow_by_balloon_or_by_hotplug(void **state)
{
	struct fixture *f = *state;

	f->in.defaults = parse(f, "OS = [ ARCH = \"x86_64\" ]\nMEMORY_SLOTS = 16\n");
	f->in.vm = parse(f, "MEMORY = 512\nMEMORY_MAX = 1024\nVCPU = 2\n");
	assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
	assert_non_null(strstr(f->out.buf, "<memory>1048576</memory>\n\t<currentMemory>524288</currentMemory>"));
	strbuf_reset(&f->out);
	f->in.vm = parse(f, "MEMORY = 512\nMEMORY_MAX = 1024\nMEMORY_RESIZE_MODE = HOTPLUG\nVCPU = 2\n");
	assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
	assert_non_null(strstr(f->out.buf, "<memory>524288</memory>\n\t<maxMemory slots='16'>1048576</maxMemory>"));
	assert_non_null(strstr(f->out.buf, "<cell id='0' cpus='0-1' memory='524288' unit='KiB'/>"));
}

static void a_value_is_taken_from_vm_then_host_then_cluster_then_defaults(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *vm, *host, *cluster, *wanted; } rows[] = {
		{ "MEMORY=64\nCPU_MODEL=[MODEL=vmm]", "CPU_MODEL=[MODEL=hostm]", "CPU_MODEL=[MODEL=clusterm]", ">vmm<" },
		{ "MEMORY=64", "CPU_MODEL=[MODEL=hostm]", "CPU_MODEL=[MODEL=clusterm]", ">hostm<" },
		{ "MEMORY=64", "X=1", "CPU_MODEL=[MODEL=clusterm]", ">clusterm<" },
		{ "MEMORY=64", "X=1", "X=1", ">defaultm<" },
	};

	f->in.defaults = parse(f, "OS=[ARCH=x86_64]\nCPU_MODEL=[MODEL=defaultm]\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->in.vm = parse(f, rows[i].vm);
		f->in.host = parse(f, rows[i].host);
		f->in.cluster = parse(f, rows[i].cluster);
		strbuf_reset(&f->out);
		assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
		assert_non_null(strstr(f->out.buf, rows[i].wanted));
	}
}

static void cpu_weight_follows_the_version_of_control_groups(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *host, *cpu, *wanted; } rows[] = {
		{ "CGROUPS_VERSION=1", "CPU=0.5", "<shares>512</shares>" },
		{ "CGROUPS_VERSION=2", "CPU=0.5", "<shares>50</shares>" },
		{ "X=1", "CPU=0.0001", "<shares>2</shares>" },
		{ "CGROUPS_VERSION=2", "CPU=500", "<shares>10000</shares>" },
	};

	f->in.defaults = parse(f, "OS=[ARCH=x86_64]\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->in.host = parse(f, rows[i].host);
		f->in.vm = parse(f, arena_printf(&f->arena, "MEMORY=64\n%s", rows[i].cpu));
		strbuf_reset(&f->out);
		assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
		assert_non_null(strstr(f->out.buf, rows[i].wanted));
	}
}

static void what_a_domain_cannot_do_without_is_an_error_that_leaves_the_output_alone(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *vm, *site, *wanted; } rows[] = {
		{ "CPU=1", "OS=[ARCH=x86_64]", "No MEMORY" },
		{ "MEMORY=64", "X=1", "No ARCH" },
		{ "MEMORY=64\nDISK=[DISK_ID=0]", "OS=[ARCH=x86_64]", "target" },
		{ "MEMORY=64\nDISK=[TARGET=vda]", "OS=[ARCH=x86_64]", "DISK_ID" },
		{ "MEMORY=64\nOS=[FIRMWARE=\"/x.fd\"]", "OS=[ARCH=x86_64]", "No OVMF_UEFIS" },
		{ "MEMORY=64\nOS=[FIRMWARE=\"/x\"]", "OS=[ARCH=x86_64]\nOVMF_UEFIS=\"/x.fd /y\"", "not allowed" },
	};

	strbuf_lit(&f->out, "before");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->in.vm = parse(f, rows[i].vm);
		f->in.defaults = parse(f, rows[i].site);
		assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_INTERNAL);
		assert_non_null(strstr(f->err.text, rows[i].wanted));
		assert_string_equal(f->out.buf, "before");
	}
}

static void nothing_in_a_template_can_step_out_of_its_place(void **state)
{
	struct fixture *f = *state;
	static const char evil[] = "x'/><disk type='file'/><y z='";
	static const char *const fields[] = {
		"OS=[KERNEL=\"%s\"]", "OS=[MACHINE=\"%s\"]", "CPU_MODEL=[MODEL=\"%s\",FEATURES=\"%s\"]", "VCPU=\"%s\"",
		"NIC=[BRIDGE=\"%s\",MAC=\"%s\",TARGET=\"%s\"]", "INPUT=[TYPE=\"%s\",BUS=\"%s\"]",
		"GRAPHICS=[TYPE=vnc,LISTEN=\"%s\",PASSWD=\"%s\"]", "VIDEO=[TYPE=\"%s\",RESOLUTION=\"1x%s\"]",
		"DISK=[DISK_ID=0,TARGET=\"vd%s\",DRIVER=\"%s\",CACHE=\"%s\"]", "OS=[UUID=\"%s\"]",
	};

	f->in.defaults = parse(f, "OS=[ARCH=x86_64]");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct strbuf text = STRBUF_INIT;
		strbuf_lit(&text, "MEMORY=64\n");
		for (const char *p = fields[i]; *p != '\0'; p++) {
			if (p[0] == '%')
				strbuf_adds(&text, evil), p++;
			else
				strbuf_addc(&text, *p);
		}
		f->in.vm = parse(f, text.buf);
		strbuf_reset(&f->out);
		assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
		assert_null(strstr(f->out.buf, "<disk type='file'/>"));
		assert_null(strstr(f->out.buf, "<y"));
		strbuf_done(&text);
	}
}

static void raw_data_must_be_well_formed_and_stay_inside(void **state)
{
	struct fixture *f = *state;
	static const char *const bad[] = {
		"<devices>", "</domain><domain>", "</content><content>", "<a></b>", "<!DOCTYPE x><a/>", "<a b=c/>",
	};

	assert_int_equal(domain_check_raw("<devices><serial type='pty'/></devices>", &f->err), ONE_OK);
	assert_int_equal(domain_check_raw("<qemu:commandline><qemu:arg value='-s'/></qemu:commandline>", &f->err), ONE_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(domain_check_raw(bad[i], &f->err), ONE_INTERNAL);
}

static void a_user_cannot_bring_whole_devices_as_spice_options(void **state)
{
	struct fixture *f = *state;

	f->in.defaults = parse(f, "OS=[ARCH=x86_64]\nSPICE_OPTIONS=\"<sound model='ich6'/>\"\n");
	f->in.vm = parse(f, "MEMORY=64\nGRAPHICS=[TYPE=spice]\nSPICE_OPTIONS=\"<disk type='block'/>\"\n");
	assert_int_equal(domain_render(&f->in, &f->out, &f->err), ONE_OK);
	assert_non_null(strstr(f->out.buf, "<sound model='ich6'/>"));
	assert_null(strstr(f->out.buf, "type='block'"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_small_vm_gets_what_the_driver_defaults_say),
		CASE(a_kernel_is_booted_directly_and_a_context_cdrom_is_attached),
		CASE(every_kind_of_disk_is_found_where_its_datastore_keeps_it),
		CASE(io_limits_are_written_only_where_libvirt_accepts_them_together),
		CASE(interfaces_go_to_their_bridge_with_filter_and_bandwidth),
		CASE(numa_nodes_are_pinned_and_backed_by_huge_pages),
		CASE(q35_with_uefi_has_root_ports_nvram_and_sata),
		CASE(spice_video_pci_and_raw_devices_are_there),
		CASE(memory_can_grow_by_balloon_or_by_hotplug),
		CASE(a_value_is_taken_from_vm_then_host_then_cluster_then_defaults),
		CASE(cpu_weight_follows_the_version_of_control_groups),
		CASE(what_a_domain_cannot_do_without_is_an_error_that_leaves_the_output_alone),
		CASE(nothing_in_a_template_can_step_out_of_its_place),
		CASE(raw_data_must_be_well_formed_and_stay_inside),
		CASE(a_user_cannot_bring_whole_devices_as_spice_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
