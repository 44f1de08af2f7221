/* NUMA nodes of a host: cores, threads, memory and huge pages, and how VMs that ask for a topology are laid out on them.
 *
 * A VM asks with TOPOLOGY (PIN_POLICY, NODE_AFFINITY, HUGEPAGE_SIZE in MB, SOCKETS, CORES, THREADS) and one NUMA_NODE a virtual node
 * (TOTAL_CPUS, MEMORY in KB). In a core "CPUS" is "cpu:vm,...": -1 is a free cpu, -2 one that is isolated. */
#ifndef ONED_OBJECTS_HOST_NUMA_H
#define ONED_OBJECTS_HOST_NUMA_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/strbuf.h"
#include "common/tmpl.h"
#include "common/xml.h"

struct numa_cpu { int id; bool isolated; int *vms; int n_vms; };

struct numa_core {
	struct numa_core *next;
	int id;
	bool dedicated;             /* one VM has it for itself, whatever it uses */
	struct numa_cpu *cpus;      /* ascending */
	int n_cpus;
};

struct numa_page { struct numa_page *next; long long size_kb, pages, usage, planned; };

struct numa_node {
	struct numa_node *next;
	int id;
	struct numa_core *cores;    /* ascending */
	struct numa_page *pages;    /* ascending by size */
	bool has_memory;
	long long total_kb, usage_kb;
	const char *distance;       /* ids of nodes, the nearest first */
	long long planned_cpus, planned_kb; /* while a VM is being laid out */
};

struct host_numa { struct arena *arena; struct numa_node *nodes; /* ascending */ int vms_thread; };

void host_numa_load(struct host_numa *n, struct arena *arena, const struct xnode *numa_nodes, int vms_thread);
void host_numa_render(const struct host_numa *n, struct strbuf *out);
/* Can the VM be laid out? Only plan numbers are touched. */
bool host_numa_test(struct host_numa *n, const struct tmpl *vm_template);
/* Lays it out and writes that into its template. false: it can't be, nothing is changed. */
bool host_numa_add(struct host_numa *n, int vm_id, struct tmpl *vm_template);
void host_numa_del(struct host_numa *n, int vm_id, const struct tmpl *vm_template);
/* Takes CORE, HUGEPAGE and MEMORY_NODE out of a host's template. What VMs have stays. */
void host_numa_monitor(struct host_numa *n, struct tmpl *host_template);
/* These cpus ("0,1") are left to the host, when no VM has them; others no longer. */
void host_numa_isolate(struct host_numa *n, const char *cpus);

#endif
