/* HOST_SHARE: what a host has and what its VMs have been promised: CPU, memory, disk of its own datastores, PCI devices, NUMA nodes. */
#ifndef ONED_OBJECTS_HOST_SHARE_H
#define ONED_OBJECTS_HOST_SHARE_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "common/xml.h"
#include "oned/objects/host_numa.h"

/* What a VM asks of a host. */
struct capacity {
	long long cpu_percent;      /* CPU * 100 */
	long long memory_kb;
	long long disk_mb;          /* on the host's own system datastore; 0 for a shared one */
	/* The VM's TEMPLATE: PCI, TOPOLOGY, NUMA_NODE and VCPU are read, and when it is booked PCI and NUMA_NODE get what was assigned
	 * (ADDRESS, SHORT_ADDRESS...; CPUS, NODE_ID, MEMORY_NODE_ID), TOPOLOGY its THREADS and CORES. May be NULL. */
	struct tmpl *vm_template;
};

struct host_share {
	struct arena *arena;        /* the host's */
	long long mem_usage_kb, cpu_usage, total_mem_kb, total_cpu, max_mem_kb, max_cpu;
	long long running_vms;
	int vms_thread;             /* VMs that may share a thread of the CPU */
	long long disk_usage_mb, max_disk_mb, free_disk_mb, used_disk_mb;
	struct tmpl *datastores;    /* DS vectors, as monitored */
	struct tmpl *pci;           /* PCI vectors; VMID -1: free */
	struct host_numa numa;
};

void host_share_init(struct host_share *s, struct arena *arena);
void host_share_load(struct host_share *s, struct arena *arena, const struct xnode *x);
void host_share_render(const struct host_share *s, struct strbuf *out);

/* Does it fit? ONE_ACTION with OpenNebula's reason ("Not enough CPU: 100/50", ...). Nothing is changed. */
enum one_rc host_share_test(const struct host_share *s, const struct capacity *c, struct one_err *err);
/* Books it, whether it fits or not: what can't be assigned of PCI and NUMA stays unassigned. */
void host_share_add(struct host_share *s, int vm_id, const struct capacity *c);
void host_share_del(struct host_share *s, int vm_id, const struct capacity *c);

/* Another size for a VM that has its place: the same as the three above without the number of VMs and without PCI devices. */
enum one_rc host_share_test_size(const struct host_share *s, const struct capacity *c, struct one_err *err);
void host_share_give(struct host_share *s, int vm_id, const struct capacity *c);
void host_share_take_back(struct host_share *s, int vm_id, const struct capacity *c);

/* Takes from a host's template what belongs into the share (TOTALCPU, TOTALMEMORY, DS, PCI, CORE, HUGEPAGE, MEMORY_NODE...).
 * reserved_*: RESERVED_CPU and RESERVED_MEM in force ("" none). */
void host_share_monitor(struct host_share *s, struct tmpl *host_template, const char *reserved_cpu, const char *reserved_mem);
/* Maximum = total - reserved: a number, or a percentage "10%"; anything else counts as nothing. */
void host_share_reserve(struct host_share *s, const char *reserved_cpu, const char *reserved_mem);
/* VMS_THREAD and ISOLCPUS of the host's template. */
void host_share_shape(struct host_share *s, struct tmpl *host_template);
/* Nothing is known of the host any more (it is offline). */
void host_share_reset(struct host_share *s);

/* ---- PCI devices (host_pci.c) ---- */

/* Is there a free device for each PCI of the VM? */
bool host_pci_test(const struct host_share *s, const struct tmpl *vm_template);
void host_pci_add(struct host_share *s, int vm_id, struct tmpl *vm_template);
void host_pci_del(struct host_share *s, int vm_id, struct tmpl *vm_template);
/* One PCI of a VM, for hotplug. false: there is no free one. */
bool host_pci_add_one(struct host_share *s, int vm_id, struct attr *device, struct arena *arena);
void host_pci_del_one(struct host_share *s, int vm_id, struct attr *device);
void host_pci_monitor(struct host_share *s, struct tmpl *host_template);

#endif
