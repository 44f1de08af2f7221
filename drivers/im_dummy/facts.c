/* What a dummy host says of itself (facts.h). */
#include "drivers/im_dummy/facts.h"

#include <stdint.h>
#include <time.h>

#include "common/crypto.h"

#define CPU_PERCENT 800
#define MEMORY_KB 16777216LL
#define NODES 2
#define CORES 8 /* of a node */
#define THREADS 4
#define HUGEPAGES 1024
static const int page_sizes_kb[] = { 2048, 1048576 };
#define PAGE_SIZES (sizeof(page_sizes_kb) / sizeof(page_sizes_kb[0]))

/* clang-format off */
static const char *const attributes[][2] = {
	{ "ARCH", "x86_64" },
	{ "HYPERVISOR", "dummy" },
	{ "MODELNAME", "Dummy(R) Core @ 3.2GHz" },
	{ "CPUSPEED", "3200" },
	{ "TOTALMEMORY", "16777216" },
	{ "TOTALCPU", "800" },
	{ "DS_LOCATION_USED_MB", "9720" },
	{ "DS_LOCATION_TOTAL_MB", "20480" },
	{ "DS_LOCATION_FREE_MB", "20480" },
	{ "KVM_CPU_MODELS",
	  "486 pentium pentium2 pentium3 pentiumpro coreduo n270 core2duo qemu32 kvm32 cpu64-rhel5 cpu64-rhel6 kvm64 "
	  "Conroe Penryn Nehalem Nehalem-IBRS Westmere Westmere-IBRS SandyBridge SandyBridge-IBRS IvyBridge "
	  "IvyBridge-IBRS SapphireRapids SapphireRapids-noTSX Opteron_G1" },
	{ "KVM_CPU_FEATURES",
	  "vme,ds,acpi,ss,ht,tm,pbe,dtes64,monitor,ds_cpl,vmx,smx,est,tm2,xtpr,pdcm,osxsave,f16c,rdrand,arat,tsc_adjust,"
	  "clflushopt,clwb,intel-pt,sha-ni,umip,pku,ospke,waitpkg,gfni,vaes,vpclmulqdq,rdpid,movdiri,movdir64b,pks,fsrm,"
	  "md-clear,serialize,arch-lbr,stibp,arch-capabilities,core-capability,ssbd,avx-vnni,xsaveopt,xsavec,xgetbv1,"
	  "xsaves,pdpe1gb,abm,invtsc,rdctl-no,ibrs-all,skip-l1dfl-vmentry,mds-no,pschange-mc-no" },
};

static const struct pci {
	const char *bus, *slot, *function, *class_id, *class_name, *device, *device_name;
	int node;
} devices[] = {
	{ "02", "00", "0", "0300", "VGA compatible controller", "0863", "C79 [GeForce 9400M]",           1 },
	{ "00", "06", "0", "0c03", "USB controller",            "0aa7", "MCP79 OHCI USB 1.1 Controller", 1 },
	{ "00", "06", "1", "0c03", "USB controller",            "0aa9", "MCP79 EHCI USB 2.0 Controller", 0 },
};
/* clang-format on */

long long facts_random(long long below)
{
	uint64_t r;
	random_bytes(&r, sizeof(r));
	return (long long)(r % (uint64_t)below);
}

static void add_cores(int node, struct strbuf *out)
{
	for (int core = node * CORES; core < (node + 1) * CORES; core++) {
		strbuf_addf(out, "CORE = [ NODE_ID = \"%d\", ID = \"%d\", CPUS = \"", node, core);
		for (int thread = 0; thread < THREADS; thread++)
			strbuf_addf(out, "%s%d", thread ? "," : "", core + thread * CORES * NODES);
		strbuf_lit(out, "\" ]\n");
	}
}

static void add_node(int node, struct strbuf *out)
{
	add_cores(node, out);
	for (size_t i = 0; i < PAGE_SIZES; i++)
		strbuf_addf(out, "HUGEPAGE = [ NODE_ID = \"%d\", SIZE = \"%d\", PAGES = \"%d\" ]\n", node,
			    page_sizes_kb[i], HUGEPAGES);
	strbuf_addf(out, "MEMORY_NODE = [ NODE_ID = \"%d\", TOTAL = \"%lld\", DISTANCE = \"%d", node,
		    MEMORY_KB / NODES, node);
	for (int other = 0; other < NODES; other++)
		if (other != node)
			strbuf_addf(out, " %d", other);
	strbuf_lit(out, "\" ]\n");
}

static void add_device(const struct pci *d, struct strbuf *out)
{
	strbuf_addf(
		out,
		"PCI = [ ADDRESS = \"0000:%s:%s:%s\", SHORT_ADDRESS = \"%s:%s.%s\", DOMAIN = \"0000\", BUS = \"%s\", "
		"SLOT = \"%s\", FUNCTION = \"%s\", TYPE = \"10de:%s:%s\", VENDOR = \"10de\", "
		"VENDOR_NAME = \"NVIDIA Corporation\", CLASS = \"%s\", CLASS_NAME = \"%s\", DEVICE = \"%s\", "
		"DEVICE_NAME = \"%s\", NUMA_NODE = \"%d\" ]\n",
		d->bus, d->slot, d->function, d->bus, d->slot, d->function, d->bus, d->slot, d->function,
		d->device, d->class_id, d->class_id, d->class_name, d->device, d->device_name, d->node);
}

void facts_system(const char *host_name, struct strbuf *out)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		strbuf_addf(out, "%s = \"%s\"\n", attributes[i][0], attributes[i][1]);
	strbuf_addf(out, "HOSTNAME = \"%s\"\n", host_name);
	for (int node = 0; node < NODES; node++)
		add_node(node, out);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		add_device(&devices[i], out);
}

void facts_monitor(struct strbuf *out)
{
	for (int node = 0; node < NODES; node++) {
		for (size_t i = 0; i < PAGE_SIZES; i++)
			strbuf_addf(out, "HUGEPAGE = [ NODE_ID = \"%d\", SIZE = \"%d\", FREE = \"%d\" ]\n",
				    node, page_sizes_kb[i], HUGEPAGES);
		strbuf_addf(out, "MEMORY_NODE = [ NODE_ID = \"%d\", FREE = \"%lld\", USED = \"%lld\" ]\n",
			    node, facts_random(MEMORY_KB / NODES), facts_random(MEMORY_KB / NODES));
	}
	long long memory_kb = facts_random(MEMORY_KB), cpu = facts_random(CPU_PERCENT);
	strbuf_addf(out,
		    "USEDMEMORY = \"%lld\"\nFREEMEMORY = \"%lld\"\nUSEDCPU = \"%lld\"\nFREECPU = \"%lld\"\n",
		    memory_kb, MEMORY_KB - memory_kb, cpu, CPU_PERCENT - cpu);
	strbuf_lit(out, "NETTX = \"1241307203246698\"\nNETRX = \"50104108822222\"\n");
}

void facts_vm(long long memory_kb, long long cpu_percent, struct strbuf *out)
{
	long long net = (long long)time(NULL) % 10000; /* grows, as counters do */
	strbuf_addf(out, "NETTX = \"%lld\"\nNETRX = \"%lld\"\n", net + 50 * (1 + facts_random(3)),
		    net + 100 * (1 + facts_random(4)));
	strbuf_addf(out, "MEMORY = \"%lld\"\nCPU = \"%lld\"\n", memory_kb * (20 + facts_random(81)) / 100,
		    cpu_percent * (5 + facts_random(96)) / 100);
	strbuf_addf(
		out,
		"DISKRDBYTES = \"%lld\"\nDISKWRBYTES = \"%lld\"\nDISKRDIOPS = \"%lld\"\nDISKWRIOPS = \"%lld\"\n",
		1 + facts_random(1000), 1 + facts_random(1000), 1 + facts_random(1000),
		1 + facts_random(1000));
}
