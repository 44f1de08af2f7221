/* What host_numa.c and host_layout.c share. */
#ifndef ONED_OBJECTS_HOST_NUMA_PRIV_H
#define ONED_OBJECTS_HOST_NUMA_PRIV_H

#include "oned/objects/host_numa.h"

int numa_core_used(const struct numa_core *c);                 /* places of threads that VMs have */
int numa_core_free(const struct numa_core *c, int vms_thread);
bool numa_core_whole(const struct numa_core *c);               /* nobody uses it */
struct numa_node *numa_node_find(const struct host_numa *n, int id);
struct numa_page *numa_page_find(const struct numa_node *node, long long size_kb);
void numa_cpu_take(struct host_numa *n, struct numa_cpu *cpu, int vm_id);

#endif
