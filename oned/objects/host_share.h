/* HOST_SHARE: what a host has and what its VMs have been promised: CPU, memory, disk of local datastores, PCI devices, NUMA nodes. */
#ifndef ONED_OBJECTS_HOST_SHARE_H
#define ONED_OBJECTS_HOST_SHARE_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "common/xml.h"
#include "oned/core/object.h"

/* What a VM asks of a host. */
struct capacity {
	long long cpu_percent;      /* CPU * 100 */
	long long memory_kb;
	long long disk_mb;          /* of the host's local system datastore; 0 for a shared one */
	/* The VM's TEMPLATE: PCI, TOPOLOGY and NUMA_NODE are read, and the PCI and NUMA_NODE vectors get what was assigned
	 * (ADDRESS, ... and CPUS, NODE_ID, MEMORY_NODE_ID). May be NULL. */
	struct tmpl *vm_template;
};

struct host_core { int id; int cpus[16]; int n_cpus; int owner[16]; /* VM of each cpu, -1 free, -2 isolated */ bool dedicated; int vms; };

struct numa_page { long long size_kb, pages, usage; };

struct numa_node {
	struct numa_node *next;
	int id;
	struct host_core *cores;
	int n_cores;
	struct numa_page pages[8];
	int n_pages;
	long long total_kb, usage_kb;
	const char *distance;
};

struct host_share {
	long long mem_usage_kb, cpu_usage, total_mem_kb, total_cpu, max_mem_kb, max_cpu;
	long long running_vms;
	int vms_thread;             /* VMs that may share a hardware thread */
	long long disk_usage_mb, max_disk_mb, free_disk_mb, used_disk_mb;
	struct tmpl *datastores;    /* DS vectors, as monitored */
	struct tmpl *pci;           /* PCI vectors; VMID -1: free */
	struct numa_node *numa;     /* ascending */
};

void host_share_init(struct host_share *s, struct arena *arena);
void host_share_load(struct host_share *s, struct arena *arena, const struct xnode *x);
void host_share_render(const struct host_share *s, struct strbuf *out);

/* Does it fit? ONE_ACTION with OpenNebula's reason ("Not enough CPU: 100/50", ...). Nothing is changed. */
enum one_rc host_share_test(const struct host_share *s, const struct capacity *c, struct one_err *err);
/* Books it, whether it fits or not. */
void host_share_add(struct host_share *s, struct arena *arena, int vm_id, const struct capacity *c);
void host_share_del(struct host_share *s, struct arena *arena, int vm_id, const struct capacity *c);

/* Takes from a monitored template what belongs to the share (TOTALCPU, TOTALMEMORY, DS*, PCI, CORE, HUGEPAGE, MEMORY_NODE...) and removes it
 * there. reserved_*: RESERVED_CPU and RESERVED_MEM in force ("" none). */
void host_share_monitor(struct host_share *s, struct arena *arena, struct tmpl *monitored, const char *reserved_cpu,
			const char *reserved_mem);
/* max = total - reserved; VMS_THREAD and ISOLCPUS of the host's template. */
void host_share_reserve(struct host_share *s, struct tmpl *host_template, const char *reserved_cpu, const char *reserved_mem);
/* Nothing is known any more (host offline). */
void host_share_reset(struct host_share *s);

#endif
