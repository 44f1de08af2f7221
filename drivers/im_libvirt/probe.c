/* Questions to libvirt; see probe.h. */
#include "drivers/im_libvirt/probe.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/arena.h"
#include "common/xml.h"

#define CAPABILITIES_MAX_BYTES (16u * 1024 * 1024)
#define PARAMS_MAX 64

static enum one_rc failed(struct one_err *err, const char *what)
{
	const virError *e = virGetLastError();

	return one_err_set(err, ONE_ACTION, "%s: %s", what, e != NULL && e->message != NULL ? e->message : "unknown error");
}

/* ---- what it is ---- */

static void line(struct strbuf *out, const char *key, const char *value)
{
	strbuf_addf(out, "%s ", key);
	for (; *value != '\0'; value++)
		strbuf_addc(out, *value == '\n' || *value == '"' ? ' ' : *value);
	strbuf_addc(out, '\n');
}

static void cell_cores(const struct xnode *cell, struct strbuf *out)
{
	const struct xnode *cpus = xml_child(cell, "cpus");
	const char *id = xml_attr(cell, "id");

	/* Siblings share a core: it is told once, by the first of them. */
	for (const struct xnode *cpu = cpus != NULL ? xml_child(cpus, "cpu") : NULL; cpu != NULL; cpu = xml_next(cpu)) {
		const char *siblings = xml_attr(cpu, "siblings"), *number = xml_attr(cpu, "id");
		if (number == NULL)
			continue;
		if (siblings == NULL)
			siblings = number;
		if (strtol(siblings, NULL, 10) != strtol(number, NULL, 10))
			continue;
		const char *core = xml_attr(cpu, "core_id");
		strbuf_addf(out, "CORE %s %s %s\n", id, core != NULL ? core : number, siblings);
	}
}

static void cell_memory(const struct xnode *cell, struct strbuf *out)
{
	const char *id = xml_attr(cell, "id");
	const struct xnode *distances = xml_child(cell, "distances");

	strbuf_addf(out, "MEMORY_NODE %s %lld", id, xml_int(cell, "memory", 0));
	for (const struct xnode *s = distances != NULL ? xml_child(distances, "sibling") : NULL; s != NULL; s = xml_next(s)) {
		if (xml_attr(s, "id") != NULL)
			strbuf_addf(out, " %s", xml_attr(s, "id"));
	}
	strbuf_addc(out, '\n');
	for (const struct xnode *p = xml_child(cell, "pages"); p != NULL; p = xml_next(p)) {
		const char *size = xml_attr(p, "size");
		if (size != NULL && strtol(size, NULL, 10) > 4)
			strbuf_addf(out, "HUGEPAGE %s %s %ld\n", id, size, strtol(p->text, NULL, 10));
	}
}

static void machines(const struct xnode *root, const char *arch, struct strbuf *out)
{
	struct strbuf list = STRBUF_INIT;

	for (const struct xnode *guest = xml_child(root, "guest"); guest != NULL; guest = xml_next(guest)) {
		const struct xnode *a = xml_child(guest, "arch");
		if (a == NULL || xml_attr(a, "name") == NULL || strcmp(xml_attr(a, "name"), arch) != 0)
			continue;
		for (const struct xnode *m = xml_child(a, "machine"); m != NULL; m = xml_next(m))
			strbuf_addf(&list, "%s%s", list.len > 0 ? " " : "", m->text);
	}
	if (list.len > 0)
		line(out, "KVM_MACHINES", list.buf);
	strbuf_done(&list);
}

static void capabilities(const struct xnode *root, struct strbuf *out)
{
	const struct xnode *cpu = xml_path(root, "host/cpu");
	const struct xnode *cells = xml_path(root, "host/topology/cells");
	const char *arch = cpu != NULL ? xml_text_or(cpu, "arch", "") : "";

	if (*arch != '\0') {
		line(out, "ARCH", arch);
		machines(root, arch, out);
	}
	if (cpu != NULL && xml_text(cpu, "model") != NULL)
		line(out, "MODELNAME", xml_text(cpu, "model"));
	for (const struct xnode *cell = cells != NULL ? xml_child(cells, "cell") : NULL; cell != NULL; cell = xml_next(cell)) {
		if (xml_attr(cell, "id") == NULL)
			continue;
		cell_cores(cell, out);
		cell_memory(cell, out);
	}
}

static enum one_rc read_capabilities(virConnectPtr c, struct strbuf *out, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	char *xml = virConnectGetCapabilities(c);

	if (xml == NULL)
		return failed(err, "Cannot read the hypervisor's capabilities");
	enum one_rc rc = xml_parse(&arena, xml, strlen(xml), XML_MAX_DEPTH, CAPABILITIES_MAX_BYTES, &root, err);
	if (rc == ONE_OK)
		capabilities(root, out);
	arena_done(&arena);
	free(xml);
	return rc;
}

static void cpu_models(virConnectPtr c, const char *arch, struct strbuf *out)
{
	struct strbuf list = STRBUF_INIT;
	char **names = NULL;
	int n = virConnectGetCPUModelNames(c, arch, &names, 0);

	for (int i = 0; i < n; i++) {
		strbuf_addf(&list, "%s%s", i > 0 ? " " : "", names[i]);
		free(names[i]);
	}
	free(names);
	if (list.len > 0)
		line(out, "KVM_CPU_MODELS", list.buf);
	strbuf_done(&list);
}

enum one_rc probe_node(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err)
{
	virNodeInfo info;

	(void)op, (void)to;
	if (virNodeGetInfo(c, &info) < 0)
		return failed(err, "Cannot read what the host is");
	char *name = virConnectGetHostname(c);
	if (name != NULL)
		line(out, "HOSTNAME", name);
	free(name);
	strbuf_addf(out, "CPUS %u\nCPUSPEED %u\n", info.cpus, info.mhz);
	cpu_models(c, info.model, out);
	return read_capabilities(c, out, err);
}

/* ---- how loaded it is ---- */

/* The memory of /proc/meminfo where the host tells it: nodeinfo's may be what the firmware counted. */
static void memory(virConnectPtr c, unsigned long long *total_kb, unsigned long long *free_kb)
{
	virNodeMemoryStats stats[PARAMS_MAX];
	int n = 0;
	virNodeInfo info;

	*total_kb = *free_kb = 0;
	if (virNodeGetMemoryStats(c, VIR_NODE_MEMORY_STATS_ALL_CELLS, NULL, &n, 0) == 0 && n > 0 && n <= PARAMS_MAX &&
	    virNodeGetMemoryStats(c, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) == 0) {
		for (int i = 0; i < n; i++) {
			if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_TOTAL) == 0)
				*total_kb = stats[i].value;
			else if (strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_FREE) == 0 ||
				 strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_BUFFERS) == 0 ||
				 strcmp(stats[i].field, VIR_NODE_MEMORY_STATS_CACHED) == 0)
				*free_kb += stats[i].value; /* what is cached is free for who needs it */
		}
	}
	if (*total_kb == 0 && virNodeGetInfo(c, &info) == 0) {
		*total_kb = info.memory;
		*free_kb = virNodeGetFreeMemory(c) / 1024;
	}
}

static void cpu_time(virConnectPtr c, unsigned long long *busy_ns, unsigned long long *idle_ns)
{
	virNodeCPUStats stats[PARAMS_MAX];
	int n = 0;

	*busy_ns = *idle_ns = 0;
	if (virNodeGetCPUStats(c, VIR_NODE_CPU_STATS_ALL_CPUS, NULL, &n, 0) != 0 || n <= 0 || n > PARAMS_MAX ||
	    virNodeGetCPUStats(c, VIR_NODE_CPU_STATS_ALL_CPUS, stats, &n, 0) != 0)
		return;
	for (int i = 0; i < n; i++) {
		if (strcmp(stats[i].field, VIR_NODE_CPU_STATS_KERNEL) == 0 || strcmp(stats[i].field, VIR_NODE_CPU_STATS_USER) == 0)
			*busy_ns += stats[i].value;
		else if (strcmp(stats[i].field, VIR_NODE_CPU_STATS_IDLE) == 0 ||
			 strcmp(stats[i].field, VIR_NODE_CPU_STATS_IOWAIT) == 0)
			*idle_ns += stats[i].value;
	}
}

enum one_rc probe_load(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err)
{
	unsigned long long total_kb, free_kb, busy_ns, idle_ns;
	virNodeInfo info;

	(void)op, (void)to;
	if (virNodeGetInfo(c, &info) < 0)
		return failed(err, "Cannot read how loaded the host is");
	memory(c, &total_kb, &free_kb);
	cpu_time(c, &busy_ns, &idle_ns);
	strbuf_addf(out, "%llu %llu %llu %llu %u\n", total_kb, free_kb, busy_ns, idle_ns, info.cpus);
	return ONE_OK;
}

/* ---- what runs on it ---- */

static unsigned long long value(virDomainStatsRecordPtr r, const char *name)
{
	unsigned long long n = 0;
	int i = 0;

	if (virTypedParamsGetULLong(r->params, r->nparams, name, &n) != 1 &&
	    virTypedParamsGetInt(r->params, r->nparams, name, &i) == 1 && i > 0)
		n = (unsigned long long)i;
	return n;
}

/* The sum over all devices of a kind, e.g. net.0.rx.bytes + net.1.rx.bytes. */
static unsigned long long sum(virDomainStatsRecordPtr r, const char *kind, const char *what)
{
	unsigned long long total = 0;
	unsigned count = 0;
	char name[64];

	snprintf(name, sizeof(name), "%s.count", kind);
	virTypedParamsGetUInt(r->params, r->nparams, name, &count);
	for (unsigned i = 0; i < count && i < 4096; i++) {
		snprintf(name, sizeof(name), "%s.%u.%s", kind, i, what);
		total += value(r, name);
	}
	return total;
}

/* A name for a line of words; "?" stands for one that isn't a word. */
static const char *word_or_none(const char *name)
{
	return name != NULL && *name != '\0' && strpbrk(name, " \t\n") == NULL ? name : "?";
}

static void domain_line(virDomainStatsRecordPtr r, struct strbuf *out)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	const char *name = virDomainGetName(r->dom);
	unsigned vcpus = 0;

	if (virDomainGetUUIDString(r->dom, uuid) < 0)
		return;
	virTypedParamsGetUInt(r->params, r->nparams, "vcpu.current", &vcpus);
	strbuf_addf(out, "%s %s %llu %llu %u %llu %llu", uuid, word_or_none(name), value(r, "state.state"), value(r, "state.reason"), vcpus,
		    value(r, "cpu.time"), value(r, "balloon.rss"));
	strbuf_addf(out, " %llu %llu %llu %llu %llu %llu\n", sum(r, "net", "rx.bytes"), sum(r, "net", "tx.bytes"),
		    sum(r, "block", "rd.bytes"), sum(r, "block", "wr.bytes"), sum(r, "block", "rd.reqs"),
		    sum(r, "block", "wr.reqs"));
}

/* For drivers that have no statistics in one go: state and processor time only. */
static enum one_rc each_domain(virConnectPtr c, struct strbuf *out, struct one_err *err)
{
	virDomainPtr *domains = NULL;
	int n = virConnectListAllDomains(c, &domains, 0);

	if (n < 0)
		return failed(err, "Cannot list the domains");
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN];
		virDomainInfo info = { 0 };
		int state = 0, reason = 0;
		if (virDomainGetState(domains[i], &state, &reason, 0) == 0 && virDomainGetInfo(domains[i], &info) == 0 &&
		    virDomainGetUUIDString(domains[i], uuid) == 0)
			strbuf_addf(out, "%s %s %d %d %u %llu %lu 0 0 0 0 0 0\n", uuid, word_or_none(virDomainGetName(domains[i])), state,
				    reason, info.nrVirtCpu, info.cpuTime, info.memory);
		virDomainFree(domains[i]);
	}
	free(domains);
	return ONE_OK;
}

enum one_rc probe_domains(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out, struct one_err *err)
{
	virDomainStatsRecordPtr *records = NULL;
	int n = virConnectGetAllDomainStats(c, 0, &records, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);

	(void)op, (void)to;
	if (n < 0 && (virGetLastErrorCode() == VIR_ERR_NO_SUPPORT || virGetLastErrorCode() == VIR_ERR_ARGUMENT_UNSUPPORTED))
		return each_domain(c, out, err);
	if (n < 0)
		return failed(err, "Cannot read the domains' statistics");
	for (int i = 0; i < n; i++)
		domain_line(records[i], out);
	virDomainStatsRecordListFree(records);
	return ONE_OK;
}
