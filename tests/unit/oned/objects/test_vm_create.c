/* Making VMs: what becomes of each attribute of a template, and what is refused. */
#include "vm_world.h"

#include <stdio.h>

#define SMALL "CPU=1\nMEMORY=128\n"

/* ---- reading the result ---- */

/* A part of a VM's TEMPLATE or USER_TEMPLATE as "A=1 B=x | C=2": vectors of that name, "|" between them. */
static const char *shown(const struct tmpl *t, const char *name)
{
	static char text[8192];
	size_t at = 0;

	text[0] = '\0';
	for (const struct attr *a = tmpl_find(t, name); a; a = tmpl_find_next(a)) {
		if (at)
			at += (size_t)snprintf(text + at, sizeof(text) - at, " | ");
		if (!a->vector)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", a->value);
		for (const struct attr *kid = a->kids; kid; kid = kid->next)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s=%s",
					       kid == a->kids ? "" : " ", kid->name, kid->value);
	}
	return text;
}

struct expected { bool user; const char *name, *text; };

static void check_vm(int id, const struct expected *list, size_t n)
{
	struct vm *vm = loaded(id);

	for (size_t i = 0; i < n; i++) {
		const char *has = shown(list[i].user ? vm->user : vm->o.tmpl, list[i].name);

		if (strcmp(has, list[i].text) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", list[i].name, has, list[i].text);
	}
	obj_free(&vm->o);
}

#define CHECK(id, ...)                                                                                       \
	do {                                                                                                 \
		static const struct expected list_[] = { __VA_ARGS__ };                                      \
		check_vm(id, list_, sizeof(list_) / sizeof(*list_));                                         \
	} while (0)

static void check_refused(const struct identity *who, const char *text, enum one_rc rc, const char *message)
{
	struct one_err err = ONE_ERR_INIT;

	if (create_as(who, text, &err) >= 0)
		fail_msg("not refused: %s", text);
	if (err.rc != rc || strcmp(err.text, message) != 0)
		fail_msg("%s: %#x \"%s\", not %#x \"%s\"", text, (unsigned)err.rc, err.text, (unsigned)rc,
			 message);
}

/* ---- the whole ---- */

static void a_bare_vm_gets_its_name_and_requirements(void **state)
{
	int id = create(SMALL);
	struct vm *vm = loaded(id);

	(void)state;
	assert_int_equal(id, 0);
	assert_string_equal(vm->o.name, "one-0");
	assert_int_equal(vm->state, VM_PENDING);
	assert_int_equal(vm->prev_state, VM_PENDING);
	assert_int_equal(vm->lcm_state, LCM_LCM_INIT);
	assert_true(vm->stime > 0);
	assert_null(vm->user->first);
	assert_string_equal(shown(vm->o.tmpl, "VMID"), "0");
	assert_string_equal(shown(vm->o.tmpl, "AUTOMATIC_REQUIREMENTS"),
			    "!(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)");
	assert_null(tmpl_find(vm->o.tmpl, "AUTOMATIC_DS_REQUIREMENTS"));
	assert_int_equal(strlen(attr_get(tmpl_vector(vm->o.tmpl, "OS"), "UUID")), 36);
	assert_int_equal(attr_get(tmpl_vector(vm->o.tmpl, "OS"), "UUID")[14], '4');
	obj_free(&vm->o);
}

static void numbers_names_and_known_attributes_move_and_the_rest_stays(void **state)
{
	int id = create(
		"NAME=web\nTEMPLATE_ID=3\nCPU=0.250\nMEMORY=64\nVCPU=2\nMEMORY_MAX=128\nMEMORY_SLOTS=2\nVCPU_MAX=4\nCPU_COST=1.50\n"
		"MEMORY_COST=2\nDISK_COST=0.01\nMEMORY_RESIZE_MODE=hotplug\nEMULATOR=/q\nFEATURES=[ACPI=yes]\nINPUT=[BUS=usb]\nVMID=9\n"
		"HYPERV_OPTIONS=[A=1]\nSPICE_OPTIONS=[B=2]\nCLONING_TEMPLATE_ID=5\nCPU_MODEL=[MODEL=host]\nCPU_MODEL=[MODEL=x]\n"
		"RAW=[TYPE=dummy,DATA=\"<a/>\"]\nDESCRIPTION=\"x <&> y\"\nTAG=[A=1]\nSCHED_RANK=R\nUSER_INPUTS=[X=\"M|text|d\"]");
	struct vm *vm = loaded(id);

	(void)state;
	assert_string_equal(vm->o.name, "web");
	obj_free(&vm->o);
	CHECK(id, { false, "CPU", "0.25" }, { false, "MEMORY", "64" }, { false, "VCPU", "2" },
	      { false, "MEMORY_MAX", "128" }, { false, "MEMORY_SLOTS", "2" }, { false, "VCPU_MAX", "4" },
	      { false, "CPU_COST", "1.5" }, { false, "MEMORY_COST", "2" }, { false, "DISK_COST", "0.01" },
	      { false, "MEMORY_RESIZE_MODE", "HOTPLUG" }, { false, "EMULATOR", "/q" },
	      { false, "FEATURES", "ACPI=yes" }, { false, "INPUT", "BUS=usb" }, { false, "VMID", "0" },
	      { false, "HYPERV_OPTIONS", "A=1" }, { false, "SPICE_OPTIONS", "B=2" },
	      { false, "CLONING_TEMPLATE_ID", "5" }, { false, "CPU_MODEL", "MODEL=host" },
	      { false, "RAW", "DATA=<a/> TYPE=dummy" }, { false, "TEMPLATE_ID", "3" },
	      { true, "DESCRIPTION", "x <&> y" }, { true, "TAG", "A=1" }, { true, "SCHED_RANK", "R" },
	      { true, "USER_INPUTS", "X=M|text|d" }, { true, "CPU", "" }, { true, "VMID", "" },
	      { true, "NAME", "" }, { true, "TEMPLATE_ID", "" }, { true, "FEATURES", "" });
}

static void a_template_names_its_vms(void **state)
{
	struct vm *vm = loaded(create("TEMPLATE_NAME=tiny\nNAME=\"\"\n" SMALL));

	(void)state;
	assert_string_equal(vm->o.name, "tiny-0");
	assert_null(vm->user->first);
	obj_free(&vm->o);
}

static void hold(struct txn *t, void *arg)
{
	struct making *m = arg;

	m->hold = true;
	make_vm(t, m);
}

static void on_hold_is_a_state_and_an_attribute(void **state)
{
	struct making m = { .who = &oneadmin, .text = SMALL };
	struct vm *vm;

	(void)state;
	assert_int_equal(core_run(core, hold, &m, NULL), ONE_OK);
	vm = loaded(m.id);
	assert_int_equal(vm->state, VM_HOLD);
	obj_free(&vm->o);
	CHECK(m.id, { false, "SUBMIT_ON_HOLD", "YES" }, { true, "SUBMIT_ON_HOLD", "" });
}

static void a_vm_that_ran_before_is_imported_once(void **state)
{
	int id = create(SMALL "DEPLOY_ID=\"wild&7\"");
	struct vm *vm = loaded(id);

	(void)state;
	assert_int_equal(vm->state, VM_HOLD);
	assert_int_equal(vm->prev_state, VM_HOLD);
	assert_string_equal(vm->deploy_id, "wild&7");
	obj_free(&vm->o);
	CHECK(id, { false, "IMPORTED", "YES" }, { true, "DEPLOY_ID", "" });
	check_refused(&oneadmin, SMALL "DEPLOY_ID=\"wild&7\"", ONE_INTERNAL,
		      "Virtual Machine wild&7 already imported.");
	check_refused(&oneadmin, SMALL "DEPLOY_ID=one-5", ONE_INTERNAL,
		      "Trying to import an OpenNebula VM: 'one-*'.");
	create(SMALL "DEPLOY_ID=one-x");
}

/* ---- refusals ---- */

static void bad_templates_are_refused_with_opennebulas_words(void **state)
{
	/* clang-format off */
	static const struct { const char *text; enum one_rc rc; const char *message; } bad[] = {
		{ "", ONE_INTERNAL, "MEMORY attribute must be a positive integer value." },
		{ "MEMORY=128", ONE_INTERNAL, "CPU attribute must be a positive float or integer value." },
		{ "CPU=x\nMEMORY=1", ONE_INTERNAL,
		  "CPU attribute must be a positive float or integer value." },
		{ "CPU=0\nMEMORY=1", ONE_INTERNAL,
		  "CPU attribute must be a positive float or integer value." },
		{ "CPU=1e300\nMEMORY=1", ONE_INTERNAL,
		  "CPU attribute must be a positive float or integer value." },
		{ "CPU=1\nMEMORY=1.5", ONE_INTERNAL, "MEMORY attribute must be a positive integer value." },
		{ "CPU=1\nMEMORY=-5", ONE_INTERNAL, "MEMORY attribute must be a positive integer value." },
		{ SMALL "VCPU=0", ONE_INTERNAL, "VCPU attribute must be a positive integer value." },
		{ SMALL "CPU_COST=-1", ONE_INTERNAL,
		  "CPU_COST attribute must be a positive float or integer value." },
		{ SMALL "MEMORY_RESIZE_MODE=up", ONE_INTERNAL, "Unknown MEMORY_RESIZE_MODE: UP" },
		{ SMALL "OS=x", ONE_INTERNAL, "Internal error parsing OS attribute." },
		{ SMALL "OS=[A=1]\nOS=[A=2]", ONE_INTERNAL, "Only one OS attribute can be defined." },
		{ SMALL "RAW=[TYPE=xen,DATA=x]", ONE_INTERNAL, "Invalid RAW section: unsupported TYPE" },
		{ SMALL "RAW=[TYPE=kvm,DATA=\"<a>\"]", ONE_INTERNAL,
		  "Invalid RAW section: cannot validate DATA with domain.rng schema" },
		{ SMALL "NIC_DEFAULT=[NETWORK=net]", ONE_INTERNAL,
		  "Attribute NETWORK is not allowed inside NIC_DEFAULT." },
		{ SMALL "NIC_DEFAULT=x", ONE_INTERNAL, "Wrong format for NIC_DEFAULT attribute." },
		{ SMALL "NIC_DEFAULT=[A=1]\nNIC_DEFAULT=[A=1]", ONE_INTERNAL,
		  "Only one NIC_DEFAULT attribute can be defined." },
		{ SMALL "DISK=[IMAGE_ID=99]", ONE_INTERNAL, "DISK 0: Image with ID: 99 does not exist" },
		{ SMALL "DISK=[TYPE=fs,SIZE=1]\nDISK=[TYPE=weird,SIZE=1]", ONE_INTERNAL,
		  "DISK 1: Unknown disk type WEIRD" },
		{ SMALL "DISK=[IMAGE_ID=0,TARGET=vdq]\nDISK=[IMAGE_ID=0,TARGET=vdq]", ONE_INTERNAL,
		  "Two disks have defined the same target vdq" },
		{ SMALL "DISK=[IMAGE_ID=0,TARGET=vdq]\nCONTEXT=[TARGET=vdq]", ONE_INTERNAL,
		  "Two disks have defined the same target vdq" },
		{ SMALL "NIC=[NETWORK_ID=77]", ONE_INTERNAL, "Virtual network with ID: 77 does not exist" },
		{ SMALL "NIC=[NETWORK_ID=0,IP=10.0.0.200]", ONE_INTERNAL,
		  "Cannot get IP/MAC lease from virtual network 0." },
		{ SMALL "NIC_ALIAS=[NETWORK_ID=0,PARENT=zz]", ONE_INTERNAL,
		  "NIC named zz not found for alias" },
		{ SMALL "NIC_ALIAS=[NETWORK_ID=0]", ONE_INTERNAL, "NIC named  not found for alias" },
		{ SMALL "NIC=[NETWORK_ID=0]\nNIC_ALIAS=[NETWORK_MODE=auto,PARENT=NIC0]", ONE_INTERNAL,
		  "Alias is incompatible with auto mode" },
		{ SMALL "NIC=[NETWORK_MODE=auto,NAME=p]\nNIC_ALIAS=[NETWORK=net,PARENT=p]", ONE_INTERNAL,
		  "NIC named p not found for alias" },
		{ SMALL "OS=[BOOT=\"disk9\"]", ONE_INTERNAL,
		  "Wrong OS/BOOT value. Device with DISK_ID 9 not found" },
		{ SMALL "OS=[BOOT=\"nic0\"]", ONE_INTERNAL,
		  "Wrong OS/BOOT value. Device with NIC_ID 0 not found" },
		{ SMALL "OS=[BOOT=\"hd\"]", ONE_INTERNAL,
		  "Wrong OS/BOOT value: \"hd\" should be a comma-separated list of disk# or nic#" },
		{ SMALL "PCI=[VENDOR=zz]", ONE_INTERNAL, "Wrong Hex value for PCI attribute VENDOR" },
		{ SMALL "PCI=[A=1]", ONE_INTERNAL,
		  "SHORT_ADDRESS, DEVICE, VENDOR or CLASS must be defined for PCI." },
		{ SMALL "PCI=[SHORT_ADDRESS=\"01:00.0\",CLASS=1]", ONE_INTERNAL,
		  "SHORT_ADDRESS cannot be set with DEVICE, VENDOR or CLASS" },
		{ SMALL "PCI=[CLASS=1,VM_BUS=zz]", ONE_INTERNAL, "Wrong BUS in PCI attribute" },
		{ SMALL "GRAPHICS=[PORT=65536]", ONE_INTERNAL, "Wrong PORT number in GRAPHICS attribute" },
		{ SMALL "VIDEO=[A=1]", ONE_INTERNAL, "Video TYPE is required" },
		{ SMALL "VIDEO=[TYPE=qxl]", ONE_INTERNAL,
		  "Invalid video TYPE, should be either: none, vga, cirrus, or virtio" },
		{ SMALL "VIDEO=[TYPE=vga,ATS=YES]", ONE_INTERNAL,
		  "IOMMU and ATS are only available for virtio TYPE" },
		{ SMALL "VIDEO=[TYPE=vga,VRAM=1023]", ONE_INTERNAL,
		  "Invalid VRAM value in VIDEO attribute, must be >= 1024" },
		{ SMALL "VIDEO=[TYPE=vga,RESOLUTION=1024x]", ONE_INTERNAL,
		  "Invalid RESOLUTION string format" },
		{ SMALL "BACKUP_CONFIG=x", ONE_INTERNAL, "Internal error parsing BACKUP_CONFIG attribute." },
		{ SMALL "SCHED_REQUIREMENTS=a\nSCHED_REQUIREMENTS=b", ONE_INTERNAL,
		  "Only one SCHED_REQUIREMENTS attribute can be defined." },
		{ SMALL "SCHED_REQUIREMENTS=[A=1]", ONE_INTERNAL,
		  "Wrong format for SCHED_REQUIREMENTS attribute." },
		{ SMALL "CONTEXT=[TOKEN=YES]", ONE_INTERNAL,
		  "TOKEN set, but onegate endpoint was not defined in oned.conf." },
		{ SMALL "VMGROUP=[VMGROUP_ID=1]", ONE_INTERNAL, "Missing role name in VM Group definition" },
		{ SMALL "VMGROUP=[VMGROUP_ID=1,ROLE=x]", ONE_INTERNAL,
		  "Cannot find VM Group to associate the VM" },
		{ SMALL "OS=[KERNEL_DS=\"$FILE[IMAGE_ID=5]\"]", ONE_INTERNAL,
		  "KERNEL needs an image of type KERNEL and not CONTEXT" },
		{ SMALL "OS=[KERNEL_DS=\"$FILE[IMAGE_ID=99]\"]", ONE_INTERNAL,
		  "Error parsing: $FILE[IMAGE_ID=99]. Image with ID: 99 does not exist" },
		{ SMALL "OS=[KERNEL_DS=\"$FILE[IMAGE_ID=3]$FILE[IMAGE_ID=3]\"]", ONE_INTERNAL,
		  "Only one FILE variable can be used in: $FILE[IMAGE_ID=3]$FILE[IMAGE_ID=3]" },
		{ SMALL "CONTEXT=[FILES_DS=\"$FILE[IMAGE_ID=3]\"]", ONE_INTERNAL,
		  "Only images of type CONTEXT can be used in FILE_DS attribute." },
		/* topology */
		{ "CPU=1\nTOPOLOGY=[SOCKETS=1]", ONE_ALLOCATE, "VM has not MEMORY set" },
		{ SMALL "VCPU=2\nTOPOLOGY=[SOCKETS=2]", ONE_ALLOCATE,
		  "Non-pinned VMs with a virtual topology needs to set  SOCKETS, CORES and THREADS numbers." },
		{ SMALL "VCPU=2\nTOPOLOGY=[SOCKETS=1,CORES=3,THREADS=1]", ONE_ALLOCATE,
		  "Total threads per core and socket needs to match VCPU" },
		{ SMALL "TOPOLOGY=[PIN_POLICY=CORE,NODE_AFFINITY=0]", ONE_ALLOCATE,
		  "NUMA node affinity cannot be set for pinned VMs" },
		{ SMALL "VCPU_MAX=2\nTOPOLOGY=[PIN_POLICY=CORE]", ONE_ALLOCATE,
		  "VM with TOPOLOGY does not support CPU hotplug (VCPU_MAX)" },
		{ SMALL "VCPU=6\nTOPOLOGY=[PIN_POLICY=THREAD,CORES=2]", ONE_ALLOCATE,
		  "Computed number of threads is not power of 2" },
		{ SMALL "VCPU=3\nTOPOLOGY=[PIN_POLICY=THREAD,CORES=2]", ONE_ALLOCATE,
		  "VCPU is not multiple of the total number of cores" },
		{ SMALL "VCPU=3\nTOPOLOGY=[PIN_POLICY=CORE,SOCKETS=2]", ONE_ALLOCATE,
		  "VCPU is not multiple of the number of NUMA nodes" },
		{ "CPU=1\nMEMORY=127\nVCPU=2\nTOPOLOGY=[PIN_POLICY=CORE,SOCKETS=2]", ONE_ALLOCATE,
		  "MEMORY is not multiple of the number of NUMA nodes" },
		{ SMALL "TOPOLOGY=[PIN_POLICY=CORE]\nNUMA_NODE=[MEMORY=128]", ONE_ALLOCATE,
		  "A NUMA_NODE must have TOTAL_CPUS greater than 0" },
		{ SMALL "TOPOLOGY=[PIN_POLICY=CORE]\nNUMA_NODE=[TOTAL_CPUS=1]", ONE_ALLOCATE,
		  " A NUMA_NODE must have MEMORY greater than 0" },
		{ SMALL "TOPOLOGY=[PIN_POLICY=CORE]\nNUMA_NODE=[TOTAL_CPUS=2,MEMORY=128]", ONE_ALLOCATE,
		  "Total CPUS of NUMA nodes is different from VM VCPU" },
		{ SMALL "TOPOLOGY=[PIN_POLICY=CORE]\nNUMA_NODE=[TOTAL_CPUS=1,MEMORY=64]", ONE_ALLOCATE,
		  "Total MEMORY of NUMA nodes is different from VM MEMORY" },
		{ "CPU=1\nMEMORY=2147480000\nVCPU=2147480000\nTOPOLOGY=[PIN_POLICY=CORE,SOCKETS=2147480000]", ONE_ALLOCATE,
		  "A VM can't have more than 1024 NUMA nodes" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		check_refused(&oneadmin, bad[i].text, bad[i].rc, bad[i].message);
	assert_int_equal(pool_count(core, OBJ_VM), 0);
}

/* ---- disks ---- */

static void disks_are_numbered_and_named(void **state)
{
	int id = create(
		SMALL "DISK=[IMAGE_ID=0]\nDISK=[IMAGE=data,IMAGE_UNAME=oneadmin]\nDISK=[TYPE=swap,SIZE=64]\n"
		      "DISK=[TYPE=fs,SIZE=32,FORMAT=ext4]\nDISK=[IMAGE_ID=2]\nCONTEXT=[A=1]");

	(void)state;
	CHECK(id,
	      { false, "DISK",
		"ALLOW_ORPHANS=NO CLONE=YES CLONE_TARGET=SYSTEM CLUSTER_ID=0 DATASTORE=imgs DATASTORE_ID=100 DEV_PREFIX=sd DISK_ID=0 "
		"DISK_SNAPSHOT_TOTAL_SIZE=0 DISK_TYPE=FILE DRIVER=raw FORMAT=raw IMAGE=os IMAGE_ID=0 IMAGE_STATE=2 LN_TARGET=NONE "
		"ORIGINAL_SIZE=1024 READONLY=NO SAVE=NO SIZE=1024 SOURCE=/x/os TARGET=sda TM_MAD=dummy TYPE=FILE | "
		"ALLOW_ORPHANS=NO CLONE=NO CLONE_TARGET=SYSTEM CLUSTER_ID=0 DATASTORE=imgs DATASTORE_ID=100 DEV_PREFIX=sd DISK_ID=1 "
		"DISK_SNAPSHOT_TOTAL_SIZE=0 DISK_TYPE=FILE DRIVER=raw FORMAT=raw IMAGE=data IMAGE_ID=1 IMAGE_STATE=8 IMAGE_UNAME=oneadmin "
		"LN_TARGET=NONE ORIGINAL_SIZE=512 PERSISTENT=YES READONLY=NO SAVE=YES SIZE=512 SOURCE=dummy_path TARGET=sdb TM_MAD=dummy "
		"TYPE=FILE | "
		"DEV_PREFIX=sd DISK_ID=2 SIZE=64 TARGET=sdc TYPE=swap | DEV_PREFIX=sd DISK_ID=3 FORMAT=ext4 SIZE=32 TARGET=sdd TYPE=fs | "
		"ALLOW_ORPHANS=NO CLONE=NO CLONE_TARGET=SYSTEM CLUSTER_ID=0 DATASTORE=imgs DATASTORE_ID=100 DEV_PREFIX=hd DISK_ID=4 "
		"DISK_SNAPSHOT_TOTAL_SIZE=0 DISK_TYPE=FILE DRIVER=dummy_format FORMAT=dummy_format IMAGE=cd IMAGE_ID=2 IMAGE_STATE=2 "
		"LN_TARGET=NONE ORIGINAL_SIZE=1024 READONLY=YES SAVE=NO SIZE=1024 SOURCE=dummy_path TARGET=hda TM_MAD=dummy TYPE=CDROM" },
	      { false, "CONTEXT", "A=1 DISK_ID=5 TARGET=hdb" });
}

static void names_go_on_behind_z_and_around_what_is_taken(void **state)
{
	struct strbuf text = STRBUF_INIT;
	const struct attr *disk;
	struct vm *vm;

	(void)state;
	strbuf_lit(&text, SMALL "DISK=[TYPE=fs,SIZE=1,TARGET=vdb,DEV_PREFIX=vd]\n");
	for (int i = 0; i < 30; i++)
		strbuf_lit(&text, "DISK=[TYPE=fs,SIZE=1,DEV_PREFIX=vd]\n");
	vm = loaded(create(text.buf));
	disk = tmpl_find(vm->o.tmpl, "DISK");
	assert_string_equal(attr_get(disk, "TARGET"), "vdb");
	disk = tmpl_find_next(disk);
	assert_string_equal(attr_get(disk, "TARGET"), "vda");
	disk = tmpl_find_next(disk);
	assert_string_equal(attr_get(disk, "TARGET"), "vdc");
	while (tmpl_find_next(disk))
		disk = tmpl_find_next(disk);
	assert_string_equal(attr_get(disk, "TARGET"), "vdae");
	strbuf_done(&text);
	obj_free(&vm->o);
}

static void an_os_disk_comes_first_and_a_context_after_the_cds(void **state)
{
	int id = create(
		SMALL "DISK=[TYPE=fs,SIZE=1]\nDISK=[IMAGE_ID=0]\nDISK=[IMAGE_ID=0]\nCONTEXT=[DEV_PREFIX=sd]");
	static const char *const targets[] = { "sdc", "sda", "sdd" };
	struct vm *vm = loaded(id);
	int i = 0;

	(void)state;
	for (const struct attr *d = tmpl_find(vm->o.tmpl, "DISK"); d; d = tmpl_find_next(d))
		assert_string_equal(attr_get(d, "TARGET"), targets[i++]);
	obj_free(&vm->o);
	CHECK(id, { false, "CONTEXT", "DEV_PREFIX=sd DISK_ID=3 TARGET=sdb" });
}

static void a_bus_has_only_so_much_room(void **state)
{
	static const char five[] =
		"DISK=[TYPE=fs,SIZE=1,DEV_PREFIX=hd]\nDISK=[TYPE=fs,SIZE=1,DEV_PREFIX=hd]\nDISK=[TYPE=fs,SIZE=1,DEV_PREFIX=hd]\n"
		"DISK=[TYPE=fs,SIZE=1,DEV_PREFIX=hd]\nDISK=[TYPE=fs,SIZE=1,DEV_PREFIX=hd]\n";
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_addf(&text, SMALL "%s", five);
	check_refused(&oneadmin, text.buf, ONE_INTERNAL, "Non-q35 VM 0 has more than 4 hd disks");
	strbuf_lit(&text, "OS=[MACHINE=pc-q35-7]");
	create(text.buf);
	strbuf_reset(&text);
	strbuf_lit(&text, SMALL);
	for (int i = 0; i < 257; i++)
		strbuf_lit(&text, "DISK=[TYPE=fs,SIZE=1]\n");
	check_refused(&oneadmin, text.buf, ONE_INTERNAL, "A VM can't have more than 256 disks");
	strbuf_done(&text);
}

static void tm_mad_system_is_that_of_all_disks(void **state)
{
	int id = create(SMALL "TM_MAD_SYSTEM=ssh\nDISK=[TYPE=fs,SIZE=1]");

	(void)state;
	CHECK(id, { false, "TM_MAD_SYSTEM", "ssh" }, { true, "TM_MAD_SYSTEM", "" },
	      { false, "DISK", "DEV_PREFIX=sd DISK_ID=0 SIZE=1 TARGET=sda TM_MAD_SYSTEM=ssh TYPE=fs" });
}

static void lock_image(struct txn *t, void *arg)
{
	struct image *img = txn_edit(t, OBJ_IMAGE, 0);

	img->state = *(enum image_state *)arg;
}

static void a_vm_waits_for_a_locked_image(void **state)
{
	enum image_state locked = IMAGE_LOCKED;
	struct vm *vm;
	int id;

	(void)state;
	assert_int_equal(core_run(core, lock_image, &locked, NULL), ONE_OK);
	id = create(SMALL "DISK=[IMAGE_ID=0]");
	vm = loaded(id);
	assert_int_equal(vm->state, VM_CLONING);
	assert_int_equal(vm->lcm_state, LCM_LCM_INIT);
	assert_true(vm_disks_locked(vm));
	obj_free(&vm->o);
}

/* ---- NICs ---- */

static void nics_get_addresses_names_and_aliases(void **state)
{
	int id = create(
		SMALL
		"NIC=[NETWORK=net,NAME=eth]\nNIC=[NETWORK_ID=1,IP=10.1.0.9]\nNIC_ALIAS=[NETWORK=net,PARENT=eth]\n"
		"NIC_ALIAS=[NETWORK=net,PARENT=eth,NAME=NIC7]\nNIC_ALIAS=[NETWORK=net,PARENT=NIC1]");

	(void)state;
	CHECK(id,
	      { false, "NIC",
		"ALIAS_IDS=2,3 AR_ID=0 BRIDGE=br0 BRIDGE_TYPE=linux CLUSTER_ID=0 DNS=10.0.0.53 GATEWAY=10.0.0.254 IP=10.0.0.1 "
		"MAC=02:00:0a:00:00:01 NAME=eth NETWORK=net NETWORK_ID=0 NIC_ID=0 SECURITY_GROUPS=0 TARGET=one-0-0 VN_MAD=dummy | "
		"ALIAS_IDS=4 AR_ID=0 BRIDGE=br1 BRIDGE_TYPE=linux CLUSTER_ID=0 IP=10.1.0.9 MAC=02:00:0a:01:00:09 NAME=NIC1 NETWORK=net2 "
		"NETWORK_ID=1 NIC_ID=1 SECURITY_GROUPS=0 TARGET=one-0-1 VN_MAD=bridge" },
	      { false, "NIC_ALIAS",
		"ALIAS_ID=0 AR_ID=0 BRIDGE=br0 BRIDGE_TYPE=linux CLUSTER_ID=0 DNS=10.0.0.53 GATEWAY=10.0.0.254 IP=10.0.0.2 "
		"MAC=02:00:0a:00:00:02 NAME=NIC0_ALIAS2 NETWORK=net NETWORK_ID=0 NIC_ID=2 PARENT=eth PARENT_ID=0 SECURITY_GROUPS=0 "
		"TARGET=one-0-2 VN_MAD=dummy | "
		"ALIAS_ID=1 AR_ID=0 BRIDGE=br0 BRIDGE_TYPE=linux CLUSTER_ID=0 DNS=10.0.0.53 GATEWAY=10.0.0.254 IP=10.0.0.3 "
		"MAC=02:00:0a:00:00:03 NAME=_NIC7 NETWORK=net NETWORK_ID=0 NIC_ID=3 PARENT=eth PARENT_ID=0 SECURITY_GROUPS=0 "
		"TARGET=one-0-3 VN_MAD=dummy | "
		"ALIAS_ID=0 AR_ID=0 BRIDGE=br0 BRIDGE_TYPE=linux CLUSTER_ID=0 DNS=10.0.0.53 GATEWAY=10.0.0.254 IP=10.0.0.4 "
		"MAC=02:00:0a:00:00:04 NAME=NIC1_ALIAS4 NETWORK=net NETWORK_ID=0 NIC_ID=4 PARENT=NIC1 PARENT_ID=1 SECURITY_GROUPS=0 "
		"TARGET=one-0-4 VN_MAD=dummy" },
	      { false, "SECURITY_GROUP_RULE",
		"PROTOCOL=ALL RULE_TYPE=OUTBOUND SECURITY_GROUP_ID=0 SECURITY_GROUP_NAME=default | "
		"PROTOCOL=ALL RULE_TYPE=INBOUND SECURITY_GROUP_ID=0 SECURITY_GROUP_NAME=default" });
}

static void defaults_fill_what_nics_lack_but_not_automatic_ones(void **state)
{
	int id = create(
		SMALL
		"NIC_DEFAULT=[MODEL=e1000]\nNIC=[NETWORK_MODE=auto,SCHED_REQUIREMENTS=\"ID=0\"]\nNIC=[BRIDGE=br9,MODEL=virtio]\n"
		"NIC=[BRIDGE=br8]");

	(void)state;
	CHECK(id,
	      { false, "NIC",
		"NAME=NIC0 NETWORK_MODE=auto NIC_ID=0 SCHED_REQUIREMENTS=ID=0 | BRIDGE=br9 MODEL=virtio NAME=NIC1 NIC_ID=1 | "
		"BRIDGE=br8 MODEL=e1000 NAME=NIC2 NIC_ID=2" },
	      { false, "NIC_DEFAULT", "MODEL=e1000" }, { true, "NIC_DEFAULT", "" },
	      { false, "AUTOMATIC_NIC_REQUIREMENTS", "" });
}

static void a_pci_device_may_be_a_nic(void **state)
{
	int id = create(
		SMALL
		"PCI=[CLASS=\"0c03\",TYPE=NIC,NETWORK=net,DOMAIN=1]\nPCI=[VENDOR=10de]\nNIC=[NETWORK=net2]\nCONTEXT=[NETWORK=YES]");
	struct vm *vm = loaded(id);
	const struct attr *context = tmpl_vector(vm->o.tmpl, "CONTEXT");

	(void)state;
	assert_string_equal(attr_get(context, "PCI0_IP"), "10.0.0.1");
	assert_string_equal(attr_get(context, "PCI0_ADDRESS"), "01:01.0");
	assert_string_equal(attr_get(context, "PCI1_ADDRESS"), "01:02.0");
	assert_null(attr_get(context, "PCI1_IP"));
	assert_string_equal(attr_get(context, "ETH0_IP"), "10.1.0.1");
	obj_free(&vm->o);
	CHECK(id,
	      { false, "PCI",
		"AR_ID=0 BRIDGE=br0 BRIDGE_TYPE=linux CLASS=0c03 CLUSTER_ID=0 DNS=10.0.0.53 GATEWAY=10.0.0.254 IP=10.0.0.1 "
		"MAC=02:00:0a:00:00:01 NAME=NIC1 NETWORK=net NETWORK_ID=0 NIC_ID=1 PCI_ID=0 SECURITY_GROUPS=0 TARGET=one-0-1 TYPE=NIC "
		"VM_ADDRESS=01:01.0 VM_BUS=0x01 VM_DOMAIN=0x0000 VM_FUNCTION=0 VM_SLOT=0x01 VN_MAD=dummy | "
		"PCI_ID=1 VENDOR=10de VM_ADDRESS=01:02.0 VM_BUS=0x01 VM_DOMAIN=0x0000 VM_FUNCTION=0 VM_SLOT=0x02" });
}

static void with_q35_each_pci_device_has_a_bus(void **state)
{
	int id = create(SMALL "OS=[MACHINE=q35,UUID=abc]\nPCI=[CLASS=1]\nPCI=[CLASS=1,VM_BUS=05]");

	(void)state;
	CHECK(id, { false, "OS", "MACHINE=q35 UUID=abc" },
	      { false, "PCI",
		"CLASS=1 PCI_ID=0 VM_ADDRESS=01:00.0 VM_BUS=0x01 VM_DOMAIN=0x0000 VM_FUNCTION=0 VM_SLOT=0000 | "
		"CLASS=1 PCI_ID=1 VM_ADDRESS=02:00.0 VM_BUS=0x02 VM_DOMAIN=0x0000 VM_FUNCTION=0 VM_SLOT=0000" });
}

static void boot_order_is_written_on_the_devices(void **state)
{
	int id = create(
		SMALL
		"OS=[BOOT=\"NIC1,disk0,\",UUID=u]\nDISK=[TYPE=fs,SIZE=1,ORDER=9]\nDISK=[TYPE=fs,SIZE=1,ORDER=9]\nNIC=[A=1]\nNIC=[A=2]");

	(void)state;
	CHECK(id,
	      { false, "DISK",
		"DEV_PREFIX=sd DISK_ID=0 ORDER=2 SIZE=1 TARGET=sda TYPE=fs | DEV_PREFIX=sd DISK_ID=1 SIZE=1 TARGET=sdb TYPE=fs" },
	      { false, "NIC", "A=1 NAME=NIC0 NIC_ID=0 | A=2 NAME=NIC1 NIC_ID=1 ORDER=1" });
}

/* ---- graphics, topology, backups ---- */

static void graphics_and_video_are_checked_and_completed(void **state)
{
	int id = create(
		SMALL
		"GRAPHICS=[TYPE=VNC,PASSWD=123456789]\nGRAPHICS=[TYPE=spice]\nVIDEO=[TYPE=Virtio,IOMMU=YES,VRAM=1024,RESOLUTION=1024x768]");
	struct vm *vm;

	(void)state;
	CHECK(id, { false, "GRAPHICS", "PASSWD=12345678 TYPE=VNC" },
	      { false, "VIDEO", "IOMMU=YES RESOLUTION=1024x768 TYPE=virtio VRAM=1024" },
	      { true, "GRAPHICS", "" });
	vm = loaded(create(SMALL "GRAPHICS=[TYPE=spice,RANDOM_PASSWD=YES,PORT=5900]"));
	assert_int_equal(strlen(attr_get(tmpl_find(vm->o.tmpl, "GRAPHICS"), "PASSWD")), 59);
	obj_free(&vm->o);
}

static void topologies_are_completed(void **state)
{
	int id = create(SMALL "VCPU=4\nTOPOLOGY=[NODE_AFFINITY=x]\nTOPOLOGY=[SOCKETS=9]");

	(void)state;
	CHECK(id, { false, "TOPOLOGY", "CORES=4 PIN_POLICY=NONE SOCKETS=1 THREADS=1" },
	      { false, "NUMA_NODE", "" }, { false, "CPU", "1" });
	id = create(SMALL "VCPU=2\nTOPOLOGY=[SOCKETS=1,CORES=2,THREADS=1,HUGEPAGE_SIZE=2]");
	CHECK(id, { false, "TOPOLOGY", "CORES=2 HUGEPAGE_SIZE=2 PIN_POLICY=NONE SOCKETS=1 THREADS=1" },
	      { false, "NUMA_NODE", "MEMORY=131072 TOTAL_CPUS=2" });
	id = create(SMALL "VCPU=8\nTOPOLOGY=[PIN_POLICY=thread,SOCKETS=2,CORES=2]");
	CHECK(id, { false, "TOPOLOGY", "CORES=2 PIN_POLICY=thread SOCKETS=2 THREADS=2" },
	      { false, "CPU", "8" },
	      { false, "NUMA_NODE", "MEMORY=65536 TOTAL_CPUS=4 | MEMORY=65536 TOTAL_CPUS=4" },
	      { false, "AUTOMATIC_REQUIREMENTS", "!(PUBLIC_CLOUD = YES) & (PIN_POLICY = PINNED)" });
	id = create(
		SMALL
		"VCPU=3\nTOPOLOGY=[PIN_POLICY=SHARED]\nNUMA_NODE=[TOTAL_CPUS=1,MEMORY=28]\nNUMA_NODE=[TOTAL_CPUS=2,MEMORY=100]");
	CHECK(id, { false, "TOPOLOGY", "PIN_POLICY=SHARED SOCKETS=2" },
	      { false, "NUMA_NODE", "MEMORY=28672 TOTAL_CPUS=1 | MEMORY=102400 TOTAL_CPUS=2" },
	      { true, "NUMA_NODE", "" });
	id = create(SMALL "NUMA_NODE=[TOTAL_CPUS=5]");
	CHECK(id, { false, "TOPOLOGY", "CORES=1 PIN_POLICY=NONE SOCKETS=1 THREADS=1" },
	      { false, "VCPU", "1" });
}

static void backups_are_configured(void **state)
{
	static const struct { const char *text, *xml;
	} cases[] = {
		{ "DISK=[IMAGE_ID=0]\nBACKUP_CONFIG=[MODE=INCREMENT,KEEP_LAST=-2,FS_FREEZE=agent]",
		  "<BACKUPS><BACKUP_CONFIG><BACKUP_VOLATILE><![CDATA[NO]]></BACKUP_VOLATILE><FS_FREEZE><![CDATA[AGENT]]></FS_FREEZE>"
		  "<INCREMENTAL_BACKUP_ID><![CDATA[-1]]></INCREMENTAL_BACKUP_ID><KEEP_LAST><![CDATA[0]]></KEEP_LAST>"
		  "<LAST_INCREMENT_ID><![CDATA[-1]]></LAST_INCREMENT_ID><MODE><![CDATA[FULL]]></MODE></BACKUP_CONFIG><BACKUP_IDS></BACKUP_IDS></BACKUPS>" },
		{ "DISK=[TYPE=fs,SIZE=1,FORMAT=qcow2]\nDISK=[TYPE=swap,SIZE=1]\nBACKUP_CONFIG=[MODE=increment,BACKUP_VOLATILE=YES]",
		  "<BACKUPS><BACKUP_CONFIG><BACKUP_VOLATILE><![CDATA[YES]]></BACKUP_VOLATILE><FS_FREEZE><![CDATA[NONE]]></FS_FREEZE>"
		  "<INCREMENTAL_BACKUP_ID><![CDATA[-1]]></INCREMENTAL_BACKUP_ID><INCREMENT_MODE><![CDATA[CBT]]></INCREMENT_MODE>"
		  "<LAST_INCREMENT_ID><![CDATA[-1]]></LAST_INCREMENT_ID><MODE><![CDATA[INCREMENT]]></MODE></BACKUP_CONFIG><BACKUP_IDS></BACKUP_IDS></BACKUPS>" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct strbuf body = STRBUF_INIT;
		char text[512];
		struct vm *vm;

		snprintf(text, sizeof(text), SMALL "%s", cases[i].text);
		vm = loaded(create(text));
		vm_ops.render(&vm->o, &body);
		assert_non_null(strstr(body.buf, cases[i].xml));
		assert_null(tmpl_find(vm->user, "BACKUP_CONFIG"));
		strbuf_done(&body);
		obj_free(&vm->o);
	}
}

/* ---- requirements ---- */

static void places_follow_images_networks_and_clouds(void **state)
{
	int id = create(
		SMALL
		"DISK=[IMAGE_ID=0]\nNIC=[NETWORK_ID=0]\nPUBLIC_CLOUD=[TYPE=ec2,INSTANCE=\"$SIZE\"]\nPUBLIC_CLOUD=[TYPE=azure]\n"
		"PUBLIC_CLOUD=[TYPE=ec2]\nSIZE=m1\nCPU_MODEL=[MODEL=x,FEATURES=\"avx,,vmx\"]\nTM_MAD_SYSTEM=\" ssh\"\n"
		"REQUIREMENTS=\"NAME = $NAME\"\nNAME=web");

	(void)state;
	CHECK(id,
	      { false, "AUTOMATIC_REQUIREMENTS",
		"(CLUSTER_ID = 0) & !(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED) | (PUBLIC_CLOUD = YES & (HYPERVISOR = azure | HYPERVISOR = ec2)) & "
		"(KVM_CPU_FEATURES = \"*avx*\") & (KVM_CPU_FEATURES = \"*vmx*\")" },
	      { false, "AUTOMATIC_DS_REQUIREMENTS", "(\"CLUSTERS/ID\" @> 0) & (TM_MAD = \"ssh\")" },
	      { false, "AUTOMATIC_NIC_REQUIREMENTS", "(\"CLUSTERS/ID\" @> 0)" },
	      { true, "SCHED_REQUIREMENTS", "NAME = web" }, { true, "REQUIREMENTS", "" },
	      { true, "PUBLIC_CLOUD", "INSTANCE=m1 TYPE=ec2 | TYPE=azure | TYPE=ec2" });
}

struct placing { enum obj_type type; int id, n, clusters[2]; };

static void place(struct txn *t, void *arg)
{
	const struct placing *p = arg;
	struct arena *arena;
	struct idset *set;

	if (p->type == OBJ_NET) {
		struct vnet *vn = txn_edit(t, OBJ_NET, p->id);

		set = &vn->clusters;
		arena = &vn->o.arena;
	} else {
		struct datastore *ds = txn_edit(t, OBJ_DATASTORE, p->id);

		set = &ds->clusters;
		arena = &ds->o.arena;
	}
	set->n = 0;
	for (int i = 0; i < p->n; i++)
		idset_add(set, arena, p->clusters[i]);
}

static void move_to(enum obj_type type, int id, int n, int first, int second)
{
	struct placing p = { type, id, n, { first, second } };

	assert_int_equal(core_run(core, place, &p, NULL), ONE_OK);
}

static void compatible(struct txn *t, void *arg)
{
	struct datastore *ds = txn_edit(t, OBJ_DATASTORE, 100);

	tmpl_set(ds->o.tmpl, "COMPATIBLE_SYS_DS", arg);
}

static void what_has_no_place_in_common_is_refused(void **state)
{
	int id;

	(void)state;
	move_to(OBJ_NET, 0, 2, 100, 101);
	move_to(OBJ_NET, 1, 1, 102, 0);
	check_refused(
		&oneadmin, SMALL "NIC=[NETWORK_ID=0]\nNIC=[NETWORK_ID=1]", ONE_INTERNAL,
		"Incompatible clusters in NIC. Network for NIC 1 is not in the same cluster as the one used by other VM elements "
		"(cluster 100,101)");
	check_refused(
		&oneadmin, SMALL "DISK=[IMAGE_ID=0]\nNIC=[NETWORK_ID=1]", ONE_INTERNAL,
		"Incompatible clusters in NIC. Network for NIC 0 is not in the same cluster as the one used by other VM elements (cluster 0)");
	check_refused(
		&oneadmin,
		SMALL
		"OS=[KERNEL_DS=\"$FILE[IMAGE_ID=3]\"]\nPCI=[CLASS=1]\nPCI=[CLASS=1,TYPE=NIC,NETWORK_ID=1]",
		ONE_INTERNAL,
		"Incompatible clusters in PCI (TYPE=NIC). Network for PCI 1 is not in the same cluster as the one used by other VM elements "
		"(cluster 0)");
	move_to(OBJ_NET, 1, 2, 101, 102);
	id = create(SMALL "NIC=[NETWORK_ID=0]\nNIC=[NETWORK_ID=1]");
	CHECK(id, { false, "AUTOMATIC_REQUIREMENTS",
		    "(CLUSTER_ID = 101) & !(PUBLIC_CLOUD = YES) & !(PIN_POLICY = PINNED)" });
	move_to(OBJ_NET, 1, 0, 0, 0);
	check_refused(&oneadmin, SMALL "NIC=[NETWORK_ID=1]", ONE_INTERNAL,
		      "Missing clusters. Network for NIC 0 is not in any cluster");
	move_to(OBJ_DATASTORE, 100, 0, 0, 0);
	check_refused(&oneadmin, SMALL "DISK=[IMAGE_ID=0]", ONE_INTERNAL,
		      "Missing clusters. Datastore for DISK 0 is not in any cluster");
	move_to(OBJ_DATASTORE, 103, 0, 0, 0);
	check_refused(&oneadmin, SMALL "OS=[KERNEL_DS=\"$FILE[IMAGE_ID=3]\"]", ONE_INTERNAL,
		      "Missing clusters. KERNEL datastore is not in any cluster.");
}

static void image_datastores_may_ask_for_system_datastores(void **state)
{
	int id;

	(void)state;
	assert_int_equal(core_run(core, compatible, (void *)"101,102", NULL), ONE_OK);
	id = create(SMALL "DISK=[IMAGE_ID=0]");
	CHECK(id, { false, "AUTOMATIC_DS_REQUIREMENTS",
		    "(\"CLUSTERS/ID\" @> 0) & (\"ID\" @> 101 | \"ID\" @> 102)" });
}

/* ---- quotas and giving back ---- */

static void limit(struct txn *t, void *arg)
{
	struct quota *q = txn_edit(t, OBJ_USER_QUOTA, 2);

	q->vm = parsed(&q->o.arena, arg);
}

static void a_quota_that_is_full_refuses(void **state)
{
	(void)state;
	assert_int_equal(
		core_run(core, limit,
			 (void *)"VM=[VMS=1,VMS_USED=0,SYSTEM_DISK_SIZE=100,SYSTEM_DISK_SIZE_USED=0]", NULL),
		ONE_OK);
	check_refused(&alice, SMALL "DISK=[TYPE=fs,SIZE=101]", ONE_AUTHORIZATION,
		      "user [2] limit of 100 reached for SYSTEM_DISK_SIZE quota in VM");
	check_refused(&alice, "CPU=-1\nMEMORY=1", ONE_AUTHORIZATION,
		      "user [2] CPU attribute must be a positive float or integer value");
	assert_true(create_as(&alice, SMALL, NULL) >= 0);
	check_refused(&alice, SMALL "DISK=[IMAGE_ID=99]", ONE_AUTHORIZATION,
		      "user [2] limit of 1 reached for VMS quota in VM");
	create(SMALL); /* oneadmin isn't counted */
}

static const char *quota_of(enum obj_type type, int id)
{
	static char text[4096];
	struct version *v = pool_get(core, type, id);

	snprintf(text, sizeof(text), "%s", v->body);
	version_unref(v);
	return text;
}

static void let_go(struct txn *t, void *arg)
{
	vm_release_resources(t, txn_edit(t, OBJ_VM, *(int *)arg), false);
}

static void running_too(struct txn *t, void *arg)
{
	const struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	struct vm_usage u = { .running_vms = 1, .running_cpu = 0.25, .running_memory_mb = 64 };

	quota_vm_del(t, vm->o.uid, vm->o.gid, &u);
}

static void what_a_vm_uses_is_counted_and_given_back(void **state)
{
	struct one_err err = ONE_ERR_INIT;
	const char *text =
		"CPU=0.25\nMEMORY=64\nDISK=[IMAGE=data,IMAGE_UNAME=oneadmin]\nDISK=[TYPE=fs,SIZE=10]\n"
		"NIC=[NETWORK=net,NETWORK_UID=0]\nNIC_ALIAS=[NETWORK_ID=0,PARENT=NIC0]";
	int id = create_as(&alice, text, &err);
	const struct image *img;
	const struct vnet *vn;
	const struct secgroup *sg;
	struct version *v;

	(void)state;
	if (id < 0)
		fail_msg("%s", err.text);
	assert_non_null(strstr(quota_of(OBJ_USER_QUOTA, 2), "<VMS_USED><![CDATA[1]]></VMS_USED>"));
	assert_non_null(
		strstr(quota_of(OBJ_USER_QUOTA, 2), "<RUNNING_CPU_USED><![CDATA[0.25]]></RUNNING_CPU_USED>"));
	assert_non_null(strstr(quota_of(OBJ_USER_QUOTA, 2),
			       "<SYSTEM_DISK_SIZE_USED><![CDATA[10]]></SYSTEM_DISK_SIZE_USED>"));
	assert_non_null(strstr(quota_of(OBJ_GROUP_QUOTA, 1),
			       "<NETWORK><ID><![CDATA[0]]></ID><LEASES><![CDATA[-1]]></LEASES>"
			       "<LEASES_USED><![CDATA[2]]></LEASES_USED></NETWORK>"));
	assert_non_null(strstr(quota_of(OBJ_GROUP_QUOTA, 1),
			       "<IMAGE><ID><![CDATA[1]]></ID><RVMS><![CDATA[-1]]></RVMS>"
			       "<RVMS_USED><![CDATA[1]]></RVMS_USED></IMAGE>"));
	assert_int_equal(core_run(core, let_go, &id, NULL), ONE_OK);
	assert_int_equal(core_run(core, running_too, &id, NULL), ONE_OK);
	assert_null(strstr(quota_of(OBJ_USER_QUOTA, 2), "_USED"));
	assert_null(strstr(quota_of(OBJ_GROUP_QUOTA, 1), "_USED"));
	v = pool_get(core, OBJ_IMAGE, 1);
	img = (const struct image *)v->obj;
	assert_int_equal(img->running_vms, 0);
	assert_int_equal(img->state, IMAGE_READY);
	version_unref(v);
	v = pool_get(core, OBJ_NET, 0);
	vn = (const struct vnet *)v->obj;
	assert_int_equal(vnet_used_leases(vn), 0);
	assert_int_equal(vn->updated.n, 0);
	version_unref(v);
	v = pool_get(core, OBJ_SECGROUP, 0);
	sg = (const struct secgroup *)v->obj;
	assert_int_equal(sg->updated.n, 0);
	version_unref(v);
}

static void a_failure_takes_nothing(void **state)
{
	struct version *v;

	(void)state;
	check_refused(&oneadmin, SMALL "DISK=[IMAGE_ID=0]\nNIC=[NETWORK_ID=0]\nVIDEO=[TYPE=x]", ONE_INTERNAL,
		      "Invalid video TYPE, should be either: none, vga, cirrus, or virtio");
	v = pool_get(core, OBJ_IMAGE, 0);
	assert_int_equal(((const struct image *)v->obj)->running_vms, 0);
	version_unref(v);
	v = pool_get(core, OBJ_NET, 0);
	assert_int_equal(vnet_used_leases((const struct vnet *)v->obj), 0);
	version_unref(v);
}

static void capacity(struct txn *t, void *arg)
{
	const struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	struct capacity c;

	vm_capacity(vm, t->arena, &c);
	assert_int_equal(c.cpu_percent, 29);
	assert_int_equal(c.memory_kb, 131072);
	assert_ptr_equal(c.vm_template, vm->o.tmpl);
	assert_int_equal(vm_system_disk_mb(vm), 1034);
}

static void a_host_needs_room_for_cpu_memory_and_disks(void **state)
{
	int id = create("CPU=0.29\nMEMORY=128\nDISK=[IMAGE_ID=0]\nDISK=[TYPE=fs,SIZE=10]\nDISK=[IMAGE_ID=1]");

	(void)state;
	assert_int_equal(core_run(core, capacity, &id, NULL), ONE_OK);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_bare_vm_gets_its_name_and_requirements),
		IN_WORLD(numbers_names_and_known_attributes_move_and_the_rest_stays),
		IN_WORLD(a_template_names_its_vms),
		IN_WORLD(on_hold_is_a_state_and_an_attribute),
		IN_WORLD(a_vm_that_ran_before_is_imported_once),
		IN_WORLD(bad_templates_are_refused_with_opennebulas_words),
		IN_WORLD(disks_are_numbered_and_named),
		IN_WORLD(names_go_on_behind_z_and_around_what_is_taken),
		IN_WORLD(an_os_disk_comes_first_and_a_context_after_the_cds),
		IN_WORLD(a_bus_has_only_so_much_room),
		IN_WORLD(tm_mad_system_is_that_of_all_disks),
		IN_WORLD(a_vm_waits_for_a_locked_image),
		IN_WORLD(nics_get_addresses_names_and_aliases),
		IN_WORLD(defaults_fill_what_nics_lack_but_not_automatic_ones),
		IN_WORLD(a_pci_device_may_be_a_nic),
		IN_WORLD(with_q35_each_pci_device_has_a_bus),
		IN_WORLD(boot_order_is_written_on_the_devices),
		IN_WORLD(graphics_and_video_are_checked_and_completed),
		IN_WORLD(topologies_are_completed),
		IN_WORLD(backups_are_configured),
		IN_WORLD(places_follow_images_networks_and_clouds),
		IN_WORLD(what_has_no_place_in_common_is_refused),
		IN_WORLD(image_datastores_may_ask_for_system_datastores),
		IN_WORLD(a_quota_that_is_full_refuses),
		IN_WORLD(what_a_vm_uses_is_counted_and_given_back),
		IN_WORLD(a_failure_takes_nothing),
		IN_WORLD(a_host_needs_room_for_cpu_memory_and_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
