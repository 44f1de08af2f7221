#include "oned/objects/host_share.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "oned/objects/common.h"

void host_share_init(struct host_share *s, struct arena *arena)
{
	*s = (struct host_share){ .arena = arena, .vms_thread = 1 };
	s->datastores = tmpl_new(arena);
	s->pci = tmpl_new(arena);
	s->numa = (struct host_numa){ .arena = arena, .vms_thread = 1 };
}

/* ---- XML ---- */

static void load_datastores(struct host_share *s, const struct tmpl *all)
{
	const struct { const char *name; long long *field; } numbers[] = {
		{ "DISK_USAGE", &s->disk_usage_mb }, { "FREE_DISK", &s->free_disk_mb }, { "MAX_DISK", &s->max_disk_mb },
		{ "USED_DISK", &s->used_disk_mb },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!tmpl_get_int(all, numbers[i].name, numbers[i].field))
			*numbers[i].field = 0;
	for (const struct attr *a = tmpl_vector(all, "DS"); a; a = tmpl_find_next(a))
		tmpl_add_attr(s->datastores, a);
}

void host_share_load(struct host_share *s, struct arena *arena, const struct xnode *x)
{
	const struct xnode *ds = xml_child(x, "DATASTORES"), *pci = xml_child(x, "PCI_DEVICES");
	struct tmpl *all = tmpl_new(arena);

	host_share_init(s, arena);
	s->mem_usage_kb = xml_int(x, "MEM_USAGE", 0);
	s->cpu_usage = xml_int(x, "CPU_USAGE", 0);
	s->total_mem_kb = xml_int(x, "TOTAL_MEM", 0);
	s->total_cpu = xml_int(x, "TOTAL_CPU", 0);
	s->max_mem_kb = xml_int(x, "MAX_MEM", 0);
	s->max_cpu = xml_int(x, "MAX_CPU", 0);
	s->running_vms = xml_int(x, "RUNNING_VMS", 0);
	s->vms_thread = (int)xml_int(x, "VMS_THREAD", 1);
	if (ds)
		tmpl_from_xml(all, ds);
	if (pci)
		tmpl_from_xml(s->pci, pci);
	load_datastores(s, all);
	host_numa_load(&s->numa, arena, xml_child(x, "NUMA_NODES"), s->vms_thread);
}

static void out_number(struct strbuf *out, const char *name, long long value)
{
	strbuf_addf(out, "<%s><![CDATA[%lld]]></%s>", name, value, name);
}

static void render_datastores(const struct host_share *s, struct strbuf *out)
{
	xml_out_open(out, "DATASTORES");
	out_number(out, "DISK_USAGE", s->disk_usage_mb);
	for (const struct attr *a = tmpl_find(s->datastores, "DS"); a; a = tmpl_find_next(a))
		attr_to_xml(a, out);
	out_number(out, "FREE_DISK", s->free_disk_mb);
	out_number(out, "MAX_DISK", s->max_disk_mb);
	out_number(out, "USED_DISK", s->used_disk_mb);
	xml_out_close(out, "DATASTORES");
}

void host_share_render(const struct host_share *s, struct strbuf *out)
{
	xml_out_open(out, "HOST_SHARE");
	xml_out_int(out, "MEM_USAGE", s->mem_usage_kb);
	xml_out_int(out, "CPU_USAGE", s->cpu_usage);
	xml_out_int(out, "TOTAL_MEM", s->total_mem_kb);
	xml_out_int(out, "TOTAL_CPU", s->total_cpu);
	xml_out_int(out, "MAX_MEM", s->max_mem_kb);
	xml_out_int(out, "MAX_CPU", s->max_cpu);
	xml_out_int(out, "RUNNING_VMS", s->running_vms);
	xml_out_int(out, "VMS_THREAD", s->vms_thread);
	render_datastores(s, out);
	tmpl_to_xml(s->pci, "PCI_DEVICES", out);
	host_numa_render(&s->numa, out);
	xml_out_close(out, "HOST_SHARE");
}

/* ---- booking ---- */

static bool numa_fits(const struct host_share *s, const struct tmpl *vm_template)
{
	struct host_numa numa = s->numa; /* the plan's numbers are the only thing that is touched */

	return host_numa_test(&numa, vm_template);
}

static enum one_rc test_numbers(const struct host_share *s, const struct capacity *c, struct one_err *err)
{
	if (s->max_cpu - s->cpu_usage < c->cpu_percent)
		return one_err_set(err, ONE_ACTION, "Not enough CPU: %lld/%lld", c->cpu_percent, s->max_cpu - s->cpu_usage);
	if (s->max_mem_kb - s->mem_usage_kb < c->memory_kb)
		return one_err_set(err, ONE_ACTION, "Not enough memory: %lld/%lld", c->memory_kb, s->max_mem_kb - s->mem_usage_kb);
	return ONE_OK;
}

enum one_rc host_share_test_size(const struct host_share *s, const struct capacity *c, struct one_err *err)
{
	enum one_rc rc = test_numbers(s, c, err);

	if (!rc && c->vm_template && !numa_fits(s, c->vm_template))
		rc = one_err_set(err, ONE_ACTION, "Cannot allocate NUMA topology");
	return rc;
}

enum one_rc host_share_test(const struct host_share *s, const struct capacity *c, struct one_err *err)
{
	enum one_rc rc = test_numbers(s, c, err);

	if (rc || !c->vm_template)
		return rc;
	if (!host_pci_test(s, c->vm_template))
		return one_err_set(err, ONE_ACTION, "Unavailable PCI device.");
	if (!numa_fits(s, c->vm_template))
		return one_err_set(err, ONE_ACTION, "Cannot allocate NUMA topology");
	return ONE_OK;
}

void host_share_give(struct host_share *s, int vm_id, const struct capacity *c)
{
	s->cpu_usage += c->cpu_percent;
	s->mem_usage_kb += c->memory_kb;
	s->disk_usage_mb += c->disk_mb;
	if (c->vm_template)
		host_numa_add(&s->numa, vm_id, c->vm_template);
}

void host_share_add(struct host_share *s, int vm_id, const struct capacity *c)
{
	s->running_vms++;
	if (c->vm_template)
		host_pci_add(s, vm_id, c->vm_template);
	host_share_give(s, vm_id, c);
}

static void give_back(long long *usage, long long amount)
{
	*usage = *usage > amount ? *usage - amount : 0;
}

void host_share_take_back(struct host_share *s, int vm_id, const struct capacity *c)
{
	give_back(&s->cpu_usage, c->cpu_percent);
	give_back(&s->mem_usage_kb, c->memory_kb);
	give_back(&s->disk_usage_mb, c->disk_mb);
	if (c->vm_template)
		host_numa_del(&s->numa, vm_id, c->vm_template);
}

void host_share_del(struct host_share *s, int vm_id, const struct capacity *c)
{
	give_back(&s->running_vms, 1);
	if (c->vm_template)
		host_pci_del(s, vm_id, c->vm_template);
	host_share_take_back(s, vm_id, c);
}

/* ---- what the host has ---- */

/* total less what is reserved: "200", "10%" or "-100" (more than there is). */
static long long without_reserved(long long total, const char *reserved)
{
	size_t len = strlen(reserved);
	bool percent;
	char *end;
	long value;

	while (len && isspace((unsigned char)reserved[len - 1]))
		len--;
	percent = len && reserved[len - 1] == '%';
	value = strtol(reserved, &end, 10);
	if (end == reserved || end != reserved + len - percent)
		return total;
	if (!percent)
		return total - value;
	return (long long)((double)total * (1 - (double)value / 100.0));
}

void host_share_reserve(struct host_share *s, const char *reserved_cpu, const char *reserved_mem)
{
	s->max_cpu = without_reserved(s->total_cpu, reserved_cpu);
	s->max_mem_kb = without_reserved(s->total_mem_kb, reserved_mem);
}

void host_share_shape(struct host_share *s, struct tmpl *t)
{
	long long threads;

	if (tmpl_get_int(t, "VMS_THREAD", &threads)) {
		if (threads <= 0) {
			threads = 1;
			tmpl_set(t, "VMS_THREAD", "1");
		}
		s->vms_thread = s->numa.vms_thread = threads > 64 ? 64 : (int)threads;
	}
	if (tmpl_get(t, "ISOLCPUS"))
		host_numa_isolate(&s->numa, tmpl_get(t, "ISOLCPUS"));
}

static void take_number(struct tmpl *t, const char *name, long long *field)
{
	tmpl_get_int(t, name, field);
	tmpl_remove(t, name);
}

static void monitor_datastores(struct host_share *s, struct tmpl *t)
{
	take_number(t, "DS_LOCATION_TOTAL_MB", &s->max_disk_mb);
	take_number(t, "DS_LOCATION_FREE_MB", &s->free_disk_mb);
	take_number(t, "DS_LOCATION_USED_MB", &s->used_disk_mb);
	s->datastores = tmpl_new(s->arena);
	for (const struct attr *a = tmpl_vector(t, "DS"); a; a = tmpl_find_next(a))
		tmpl_add_attr(s->datastores, a);
	tmpl_remove(t, "DS");
}

void host_share_monitor(struct host_share *s, struct tmpl *t, const char *reserved_cpu, const char *reserved_mem)
{
	take_number(t, "TOTALCPU", &s->total_cpu);
	take_number(t, "TOTALMEMORY", &s->total_mem_kb);
	host_share_reserve(s, reserved_cpu, reserved_mem);
	monitor_datastores(s, t);
	host_pci_monitor(s, t);
	host_numa_monitor(&s->numa, t);
}

void host_share_reset(struct host_share *s)
{
	s->total_cpu = s->total_mem_kb = s->max_cpu = s->max_mem_kb = 0;
}
