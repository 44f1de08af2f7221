/* What one scheduling cycle works on: hosts, datastores and pending VMs as typed tables, read from the XML of
 * the pools.
 *
 * A model lives as long as its arena: one cycle. While the cycle places VMs the free capacity in it goes
 * down, so that many VMs can go to one host without overcommitting it. */
#ifndef SCHEDULER_MODEL_H
#define SCHEDULER_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include "common/arena.h"
#include "common/map.h"
#include "scheduler/access.h"
#include "scheduler/props.h"

/* Free space of a host's own disks for one datastore that is not shared. */
struct local_space {
	int store_id;
	long long free_mb;
};

struct sched_host {
	int id, cluster_id;
	const char *name;
	bool public_cloud; /* runs VMs elsewhere: needs no system datastore */
	struct access_object access;
	long long max_cpu, used_cpu; /* hundredths of a CPU */
	long long max_memory_kb, used_memory_kb;
	long long running_vms;
	long long free_disk_mb;
	struct local_space *spaces;
	int n_spaces;
	const char **vm_ids; /* text; those of the pool and those placed in this cycle */
	int n_vm_ids, cap_vm_ids;
	int placed;     /* VMs placed in this cycle */
	uint32_t epoch; /* goes up with each VM placed: what was computed before may be stale */
	struct props props;
	/* The elements with the numbers that change while VMs are placed; NULL where there are none. */
	struct xnode *share_vms, *share_cpu, *share_memory, *monitored_cpu, *monitored_memory;
};

struct sched_store {
	int id;
	const char *name;
	bool shared;
	bool monitored;
	long long free_mb;
	struct access_object access;
	uint32_t epoch;
	struct props props;
	struct xnode *free_node, *used_node;
};

/* Disk space a VM takes in an image datastore. */
struct image_use {
	int store_id;
	long long mb;
};

/* What a VM needs that is not scheduled here. */
enum vm_need { NEED_NOTHING, NEED_VMGROUP, NEED_AUTO_NIC, NEED_PCI, NEED_PINNING };

struct sched_vm {
	int id, uid, gid;
	double priority;
	bool resume;       /* was stopped or undeployed: its disks have their place already */
	bool public_cloud; /* may run in a public cloud */
	enum vm_need need;
	long long cpu, memory_kb, disk_mb;
	struct image_use *images;
	int n_images;
	const char *requirements, *store_requirements, *rank, *store_rank; /* "" when none */
	const char *message; /* SCHED_MESSAGE as it stands */
};

struct model {
	struct arena *arena;
	struct access access;
	struct sched_host *hosts; /* enabled ones, by id */
	int n_hosts;
	struct sched_store *stores; /* system datastores that are ready, by id */
	int n_stores;
	struct sched_store *images; /* image datastores, by id */
	int n_images;
	struct sched_vm *vms; /* pending, in the order they are to be placed */
	int n_vms;
};

void model_init(struct model *m, struct arena *arena, int zone_id);
/* Frees what is not in the arena. */
void model_done(struct model *m);

/* Each takes the root element of a pool; the tree (in the model's arena) is kept and its nodes may change. */
void model_read_vms(struct model *m, struct xnode *vm_pool, double memory_scale);
/* clusters and monitoring may be NULL: then hosts lack those attributes. */
void model_read_hosts(struct model *m, struct xnode *host_pool, struct xnode *cluster_pool,
		      struct xnode *monitoring);
void model_read_stores(struct model *m, struct xnode *datastore_pool);

/* The i-th value of an attribute (CURRENT_VMS: the IDs of the host's VMs), for expr_match; ctx: the host. */
const char *host_lookup(void *ctx, const char *name, int i);
const char *store_lookup(void *ctx, const char *name, int i);

struct sched_host *model_host(const struct model *m, int id);
struct sched_store *model_image_store(const struct model *m, int id);
/* Free space a host has for disks in a datastore that is not shared. */
long long host_free_mb(const struct sched_host *h, int store_id);
/* Is the datastore in the cluster? */
bool store_in_cluster(const struct sched_store *s, int cluster_id);

/* Takes the capacity a VM needs: of the host, and of the datastore (NULL in a public cloud) on the host or
 * shared. */
void model_place(struct model *m, const struct sched_vm *vm, struct sched_host *h, struct sched_store *s);

#endif
