/* TOPOLOGY and NUMA_NODE: how many sockets, cores and threads a VM sees, and how its CPUs and memory are
 * split over NUMA nodes. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"

#define MAX_NODES 1024

static bool is_pin_policy(const char *policy)
{
	return policy && (!strcasecmp(policy, "CORE") || !strcasecmp(policy, "THREAD") ||
			  !strcasecmp(policy, "SHARED"));
}

bool vm_is_pinned(const struct tmpl *tmpl)
{
	const struct attr *topology = tmpl_vector(tmpl, "TOPOLOGY");

	return topology && is_pin_policy(attr_get(topology, "PIN_POLICY"));
}

/* A count in a vector; 0: none, or not a good one. */
static long long count_of(const struct attr *vector, const char *name)
{
	long long value;

	return attr_get_int(vector, name, &value) && value > 0 && value <= INT32_MAX ? value : 0;
}

static void add_node(struct tmpl *user, long long cpus, long long memory_mb)
{
	struct attr *node = tmpl_add_vector(user, "NUMA_NODE");

	attr_setf(user->arena, node, "TOTAL_CPUS", "%lld", cpus);
	attr_setf(user->arena, node, "MEMORY", "%lld", vm_kb(memory_mb));
}

/* The one TOPOLOGY there may be: the first vector, or an empty one. */
static struct attr *only_topology(struct tmpl *user)
{
	const struct attr *first = tmpl_vector(user, "TOPOLOGY");
	struct attr *copy = first ? attr_copy(user->arena, first) : NULL;

	tmpl_remove(user, "TOPOLOGY");
	return copy ? tmpl_add_attr(user, copy) : tmpl_add_vector(user, "TOPOLOGY");
}

/* ---- not pinned: the numbers are only what the guest sees ---- */

static enum one_rc free_topology(struct txn *t, struct tmpl *user, struct attr *topology, long long vcpu,
				 long long memory, bool affine)
{
	long long s = count_of(topology, "SOCKETS"), c = count_of(topology, "CORES"),
		  th = count_of(topology, "THREADS");

	if (!s && !c && !th) {
		attr_set(user->arena, topology, "SOCKETS", "1");
		attr_setf(user->arena, topology, "CORES", "%lld", vcpu);
		attr_set(user->arena, topology, "THREADS", "1");
	} else if (!s || !c || !th) {
		return txn_fail(t, ONE_ALLOCATE,
				"Non-pinned VMs with a virtual topology needs to set  SOCKETS, CORES and THREADS "
				"numbers.");
	} else if ((double)s * (double)c * (double)th != (double)vcpu) {
		return txn_fail(t, ONE_ALLOCATE, "Total threads per core and socket needs to match VCPU");
	}
	attr_set(user->arena, topology, "PIN_POLICY", "NONE");
	tmpl_remove(user, "NUMA_NODE");
	if (affine || count_of(topology, "HUGEPAGE_SIZE"))
		add_node(user, vcpu, memory);
	return ONE_OK;
}

/* ---- pinned: nodes are what the host has to give ---- */

static int count_nodes(const struct tmpl *user)
{
	int n = 0;

	for (const struct attr *a = tmpl_find(user, "NUMA_NODE"); a; a = tmpl_find_next(a))
		n += a->vector;
	return n;
}

/* Equal nodes, one a socket. */
static enum one_rc equal_nodes(struct txn *t, struct tmpl *user, long long nodes, long long vcpu,
			       long long memory)
{
	if (vcpu % nodes)
		return txn_fail(t, ONE_ALLOCATE, "VCPU is not multiple of the number of NUMA nodes");
	if (memory % nodes)
		return txn_fail(t, ONE_ALLOCATE, "MEMORY is not multiple of the number of NUMA nodes");
	if (nodes > MAX_NODES)
		return txn_fail(t, ONE_ALLOCATE, "A VM can't have more than %d NUMA nodes", MAX_NODES);
	tmpl_remove(user, "NUMA_NODE");
	for (long long i = 0; i < nodes; i++)
		add_node(user, vcpu / nodes, memory / nodes);
	return ONE_OK;
}

/* The nodes as the user names them, with his megabytes. */
static enum one_rc given_nodes(struct txn *t, struct tmpl *user, long long vcpu, long long memory)
{
	struct tmpl *fresh = tmpl_new(user->arena);
	double all_cpus = 0, all_memory = 0;

	for (const struct attr *a = tmpl_find(user, "NUMA_NODE"); a; a = tmpl_find_next(a)) {
		long long cpus, mb;

		if (!a->vector)
			continue;
		cpus = count_of(a, "TOTAL_CPUS");
		mb = count_of(a, "MEMORY");
		if (!cpus)
			return txn_fail(t, ONE_ALLOCATE, "A NUMA_NODE must have TOTAL_CPUS greater than 0");
		if (!mb)
			return txn_fail(t, ONE_ALLOCATE, " A NUMA_NODE must have MEMORY greater than 0");
		all_cpus += (double)cpus;
		all_memory += (double)mb;
		add_node(fresh, cpus, mb);
	}
	if (all_cpus != (double)vcpu)
		return txn_fail(t, ONE_ALLOCATE, "Total CPUS of NUMA nodes is different from VM VCPU");
	if (all_memory != (double)memory)
		return txn_fail(t, ONE_ALLOCATE, "Total MEMORY of NUMA nodes is different from VM MEMORY");
	tmpl_merge(user, fresh);
	return ONE_OK;
}

/* Threads follow from the cores when only those are given. */
static enum one_rc complete_threads(struct txn *t, struct tmpl *user, struct attr *topology,
				    long long sockets, long long vcpu)
{
	long long cores = count_of(topology, "CORES"), threads = count_of(topology, "THREADS");

	if (cores && threads && (double)sockets * (double)cores * (double)threads != (double)vcpu)
		return txn_fail(t, ONE_ALLOCATE, "Total threads per core and socket needs to match VCPU");
	if (!cores || threads)
		return ONE_OK;
	if (vcpu % (cores * sockets))
		return txn_fail(t, ONE_ALLOCATE, "VCPU is not multiple of the total number of cores");
	threads = vcpu / (cores * sockets);
	if (threads & (threads - 1))
		return txn_fail(t, ONE_ALLOCATE, "Computed number of threads is not power of 2");
	attr_setf(user->arena, topology, "THREADS", "%lld", threads);
	return ONE_OK;
}

static enum one_rc pinned_topology(struct txn *t, struct tmpl *user, struct attr *topology, long long vcpu,
				   long long memory)
{
	int given = count_nodes(user);
	long long sockets = count_of(topology, "SOCKETS");

	if (!sockets) {
		sockets = given ? given : 1;
		attr_setf(user->arena, topology, "SOCKETS", "%lld", sockets);
	}
	if (complete_threads(t, user, topology, sockets, vcpu))
		return t->err.rc;
	return given ? given_nodes(t, user, vcpu, memory) : equal_nodes(t, user, sockets, vcpu, memory);
}

enum one_rc vm_topology_check(struct txn *t, struct tmpl *user)
{
	long long memory, affinity, vcpu, vcpu_max;
	struct attr *topology;
	bool pinned, affine;

	if (!tmpl_vector(user, "TOPOLOGY") && !tmpl_vector(user, "NUMA_NODE"))
		return ONE_OK;
	topology = only_topology(user);
	pinned = is_pin_policy(attr_get(topology, "PIN_POLICY"));
	affine = attr_get_int(topology, "NODE_AFFINITY", &affinity) && affinity != -1;
	if (!attr_get_int(topology, "NODE_AFFINITY", &affinity))
		attr_remove(topology, "NODE_AFFINITY");
	if (pinned && affine)
		return txn_fail(t, ONE_ALLOCATE, "NUMA node affinity cannot be set for pinned VMs");
	if (!tmpl_get_int(user, "MEMORY", &memory))
		return txn_fail(t, ONE_ALLOCATE, "VM has not MEMORY set");
	if (!tmpl_get_int(user, "VCPU", &vcpu)) {
		vcpu = 1;
		tmpl_set(user, "VCPU", "1");
	}
	if (memory <= 0 || vcpu <= 0 || vcpu > INT32_MAX)
		return ONE_OK; /* refused with a better reason when they are taken over */
	if (pinned)
		tmpl_setf(user, "CPU", "%lld", vcpu);
	if (tmpl_get_int(user, "VCPU_MAX", &vcpu_max))
		return txn_fail(t, ONE_ALLOCATE, "VM with TOPOLOGY does not support CPU hotplug (VCPU_MAX)");
	return pinned ? pinned_topology(t, user, topology, vcpu, memory)
		      : free_topology(t, user, topology, vcpu, memory, affine);
}
