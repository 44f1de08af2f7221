/* The processors of a domain: weight, pinning, model, virtual topology, NUMA cells and huge pages. */
#include "oned/drivers/domain_priv.h"

#include <math.h>
#include <strings.h>

/* What a CPU of 1 weighs, and the limits, in each version of the kernel's control groups. */
static const struct { int base, min, max; } weights[] = {
	[1] = { 1024, 2, 262144 },
	[2] = { 100, 1, 10000 },
};

static long long node_cpus(const struct attr *node)
{
	long long n;

	return attr_get_int(node, "TOTAL_CPUS", &n) && n > 0 && n <= 4096 ? n : 0;
}

static const struct attr *first_node(const struct dom *d)
{
	return tmpl_vector(d->in->vm, "NUMA_NODE");
}

/* The i-th word of "4,5,12,13"; the whole list when there are fewer. */
static const char *nth_cpu(struct dom *d, const char *list, long long i)
{
	const char *p = list;

	while (i-- > 0 && p != NULL) {
		p = strchr(p, ',');
		if (p != NULL)
			p++;
	}
	return p != NULL ? arena_strndup(&d->arena, p, strcspn(p, ",")) : list;
}

static void pin_nodes(struct dom *d, bool one_to_one, const char *emulator_cpus)
{
	struct strbuf all = STRBUF_INIT;
	long long vcpu = 0;

	for (const struct attr *node = first_node(d); node != NULL; node = tmpl_find_next(node)) {
		const char *cpus = attr_get(node, "CPUS");
		if (!has_text(cpus))
			continue;
		for (long long i = 0; i < node_cpus(node); i++, vcpu++) {
			xw_open(&d->w, "vcpupin");
			xw_attr_int(&d->w, "vcpu", vcpu);
			xw_attr(&d->w, "cpuset", one_to_one ? nth_cpu(d, cpus, i) : cpus);
			xw_close(&d->w);
		}
		strbuf_addf(&all, "%s%s", all.len > 0 ? "," : "", cpus);
	}
	xw_leaf(&d->w, "emulatorpin", "cpuset", has_text(emulator_cpus) ? emulator_cpus : all.buf, NULL);
	strbuf_done(&all);
}

static void pinning(struct dom *d)
{
	const char *emulator_cpus = dom_get(d, DOM_SITE, NULL, "EMULATOR_CPUS");
	const char *policy = d->topology != NULL ? attr_get(d->topology, "PIN_POLICY") : NULL;
	long long affinity = -1;

	if (d->topology != NULL && !attr_get_int(d->topology, "NODE_AFFINITY", &affinity))
		affinity = -1;
	bool shared = policy != NULL && strcasecmp(policy, "SHARED") == 0;
	bool none = !has_text(policy) || strcasecmp(policy, "NONE") == 0;
	if (!none || affinity >= 0)
		pin_nodes(d, !none && !shared, emulator_cpus);
	else if (has_text(emulator_cpus))
		xw_leaf(&d->w, "emulatorpin", "cpuset", emulator_cpus, NULL);
}

void dom_cputune(struct dom *d)
{
	int version = dom_int(d, DOM_HOST, NULL, "CGROUPS_VERSION", 1) == 2 ? 2 : 1;
	double cpu = 1;

	if (!tmpl_get_float(d->in->vm, "CPU", &cpu) || !(cpu > 0))
		cpu = 1;
	double shares = ceil(weights[version].base * cpu);
	shares = fmin(fmax(shares, weights[version].min), weights[version].max);
	xw_open(&d->w, "cputune");
	xw_elem_int(&d->w, "shares", (long long)shares);
	pinning(d);
	xw_close(&d->w);
}

static void model(struct dom *d, const char *name)
{
	const char *features = dom_get(d, DOM_VM, "CPU_MODEL", "FEATURES");

	if (strcmp(name, "host-passthrough") != 0) {
		xw_open(&d->w, "model");
		xw_attr(&d->w, "fallback", "forbid");
		xw_text(&d->w, name);
		xw_close(&d->w);
	}
	for (const char *p = features; p != NULL && *p != '\0';) {
		size_t len = strcspn(p, ",");
		if (len > 0)
			xw_leaf(&d->w, "feature", "policy", "require", "name", arena_strndup(&d->arena, p, len), NULL);
		p += len;
		p += *p == ',';
	}
}

static void topology(struct dom *d)
{
	static const struct { const char *key, *attr; } parts[] = {
		{ "SOCKETS", "sockets" }, { "CORES", "cores" }, { "THREADS", "threads" },
	};

	if (d->topology == NULL)
		return;
	xw_open(&d->w, "topology");
	for (size_t i = 0; i < 3; i++) {
		long long n;
		if (!attr_get_int(d->topology, parts[i].key, &n) || n < 1)
			n = 1;
		xw_attr_int(&d->w, parts[i].attr, n);
	}
	xw_close(&d->w);
}

static long long hugepage_kb(const struct dom *d)
{
	long long mb;

	return d->topology != NULL && attr_get_int(d->topology, "HUGEPAGE_SIZE", &mb) && mb > 0 ? mb * 1024 : 0;
}

/* "private" or "shared"; it means something with huge pages only. */
static const char *memory_access(const struct dom *d)
{
	const char *access = d->topology != NULL ? attr_get(d->topology, "MEMORY_ACCESS") : NULL;

	if (access == NULL || hugepage_kb(d) == 0)
		return NULL;
	if (strcasecmp(access, "private") == 0)
		return "private";
	return strcasecmp(access, "shared") == 0 ? "shared" : NULL;
}

static void numa_cells(struct dom *d)
{
	long long cell = 0, cpu = 0;

	if (first_node(d) == NULL)
		return;
	xw_open(&d->w, "numa");
	for (const struct attr *node = first_node(d); node != NULL; node = tmpl_find_next(node), cell++) {
		long long cpus = node_cpus(node);
		xw_open(&d->w, "cell");
		xw_attr_int(&d->w, "id", cell);
		xw_attr(&d->w, "memory", attr_get(node, "MEMORY"));
		if (cpus > 0)
			xw_attr(&d->w, "cpus", arena_printf(&d->arena, "%lld-%lld", cpu, cpu + cpus - 1));
		xw_attr(&d->w, "memAccess", memory_access(d));
		xw_close(&d->w);
		cpu += cpus;
	}
	xw_close(&d->w);
}

/* Memory can be plugged into a guest with a NUMA cell only: one of all its processors, when it asked for none. */
static void hotplug_cell(struct dom *d)
{
	long long cpus;

	if (!d->memory_hotplug || first_node(d) != NULL)
		return;
	if (!value_int(d->vcpu, &cpus) || cpus < 1)
		cpus = 1;
	xw_open(&d->w, "numa");
	xw_open(&d->w, "cell");
	xw_attr(&d->w, "id", "0");
	xw_attr(&d->w, "cpus", arena_printf(&d->arena, "0-%lld", cpus - 1));
	xw_attr_int(&d->w, "memory", d->memory_mb * 1024);
	xw_attr(&d->w, "unit", "KiB");
	xw_close(&d->w);
	xw_close(&d->w);
}

/* Where the cells' memory comes from: the host's nodes that the scheduler has chosen. */
static void numatune(struct dom *d)
{
	struct strbuf all = STRBUF_INIT;
	long long cell = 0;

	xw_open(&d->w, "numatune");
	for (const struct attr *node = first_node(d); node != NULL; node = tmpl_find_next(node), cell++) {
		const char *from = attr_get(node, "MEMORY_NODE_ID");
		if (!has_text(from))
			continue;
		xw_open(&d->w, "memnode");
		xw_attr_int(&d->w, "cellid", cell);
		xw_attr(&d->w, "mode", "strict");
		xw_attr(&d->w, "nodeset", from);
		xw_close(&d->w);
		strbuf_addf(&all, "%s%s", all.len > 0 ? "," : "", from);
	}
	if (all.len > 0)
		xw_leaf(&d->w, "memory", "mode", "strict", "nodeset", all.buf, NULL);
	xw_close(&d->w);
	strbuf_done(&all);
}

static void hugepages(struct dom *d)
{
	if (hugepage_kb(d) == 0)
		return;
	xw_open(&d->w, "memoryBacking");
	xw_open(&d->w, "hugepages");
	xw_open(&d->w, "page");
	xw_attr_int(&d->w, "size", hugepage_kb(d));
	xw_close(&d->w);
	xw_close(&d->w);
	xw_close(&d->w);
}

void dom_cpu(struct dom *d)
{
	const char *name = dom_text(d, DOM_ANY, "CPU_MODEL", "MODEL");

	if (*name == '\0' && d->topology == NULL && !d->memory_hotplug)
		return;
	xw_open(&d->w, "cpu");
	if (*name != '\0') {
		xw_attr(&d->w, "mode", strcmp(name, "host-passthrough") == 0 ? name : "custom");
		model(d, name);
	}
	hotplug_cell(d);
	topology(d);
	numa_cells(d);
	xw_close(&d->w);
	if (first_node(d) != NULL) {
		numatune(d);
		hugepages(d);
	}
}
