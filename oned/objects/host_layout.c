/* How a VM's topology is laid out on the NUMA nodes of a host.
 *
 * Three ways, as OpenNebula has them: a VM with NODE_AFFINITY goes whole to that node; one with huge pages but without pinning goes whole to
 * the node with most free pages of the size; one that is pinned (PIN_POLICY) gets cpus for each of its virtual nodes: as many threads a
 * core as its TOTAL_CPUS allow, on the node that it fills best, with memory from the nearest node that has it. */
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/host_numa_priv.h"

struct request {
	const struct attr *topology;
	const struct tmpl *vm;
	bool pinned, dedicated;
	long long affinity, page_kb;
	long long threads, sockets, vcpu;  /* asked; 0: anything */
	long long memory_kb;               /* of all virtual nodes */
};

/* Where one virtual node goes. */
struct place { struct attr *vnode; struct numa_node *cpu_node, *mem_node; long long cpus, memory_kb; };

#define MAX_VNODES 64

static long long number(const struct attr *a, const char *name, long long dflt)
{
	long long value;

	return attr_get_int(a, name, &value) ? value : dflt;
}

/* false: the VM asks for nothing. */
static bool read_request(const struct tmpl *vm, struct request *r)
{
	const char *policy;

	*r = (struct request){ .vm = vm };
	r->topology = vm ? tmpl_vector(vm, "TOPOLOGY") : NULL;
	if (!r->topology || !tmpl_vector(vm, "NUMA_NODE"))
		return false;
	policy = attr_get(r->topology, "PIN_POLICY");
	policy = policy ? policy : "NONE";
	r->dedicated = !strcasecmp(policy, "CORE");
	r->pinned = r->dedicated || !strcasecmp(policy, "THREAD") || !strcasecmp(policy, "SHARED");
	r->affinity = number(r->topology, "NODE_AFFINITY", -1);
	r->page_kb = number(r->topology, "HUGEPAGE_SIZE", 0) * 1024;
	r->threads = number(r->topology, "THREADS", 0);
	r->sockets = number(r->topology, "SOCKETS", 0);
	if (!tmpl_get_int(vm, "VCPU", &r->vcpu))
		r->vcpu = 1;
	for (const struct attr *a = tmpl_vector(vm, "NUMA_NODE"); a; a = tmpl_find_next(a))
		r->memory_kb += a->vector ? number(a, "MEMORY", 0) : 0;
	return true;
}

/* ---- a VM that goes whole to one node ---- */

static long long free_pages(const struct numa_node *node, long long size_kb)
{
	const struct numa_page *p = numa_page_find(node, size_kb);

	return p ? p->pages - p->usage - p->planned : 0;
}

static bool node_takes_whole(const struct numa_node *node, const struct request *r)
{
	long long memory = node->total_kb - node->usage_kb;

	if (memory <= 0 || memory < r->memory_kb)
		return false;
	return !r->page_kb || (free_pages(node, r->page_kb) > 0 && free_pages(node, r->page_kb) >= r->memory_kb / r->page_kb);
}

static struct numa_node *whole_node(const struct host_numa *n, const struct request *r)
{
	struct numa_node *best = NULL;

	if (r->affinity >= 0) {
		best = numa_node_find(n, (int)r->affinity);
		return best && node_takes_whole(best, r) ? best : NULL;
	}
	for (struct numa_node *node = n->nodes; node; node = node->next)
		if (node_takes_whole(node, r) && (!best || free_pages(node, r->page_kb) > free_pages(best, r->page_kb)))
			best = node;
	return best;
}

static const char *all_cpus(struct arena *arena, const struct numa_node *node)
{
	struct strbuf text = STRBUF_INIT;
	const char *copy;

	for (const struct numa_core *c = node->cores; c; c = c->next)
		for (int i = 0; i < c->n_cpus; i++)
			if (!c->cpus[i].isolated)
				strbuf_addf(&text, text.len ? ",%d" : "%d", c->cpus[i].id);
	copy = arena_strdup(arena, text.buf);
	strbuf_done(&text);
	return copy;
}

static void use_memory(struct numa_node *node, long long kb, long long page_kb)
{
	struct numa_page *p = page_kb ? numa_page_find(node, page_kb) : NULL;

	node->usage_kb += kb;
	if (p)
		p->usage += kb / page_kb;
}

static void book_whole(struct numa_node *node, const struct request *r, struct tmpl *vm)
{
	const char *cpus = all_cpus(vm->arena, node);

	use_memory(node, r->memory_kb, r->page_kb);
	for (struct attr *a = tmpl_vector(vm, "NUMA_NODE"); a; a = tmpl_find_next(a)) {
		if (!a->vector)
			continue;
		attr_setf(vm->arena, a, "NODE_ID", "%d", node->id);
		attr_setf(vm->arena, a, "MEMORY_NODE_ID", "%d", node->id);
		attr_set(vm->arena, a, "CPUS", cpus);
	}
}

/* ---- a pinned VM ---- */

/* Groups of `threads` free cpus of one core each. */
static long long free_groups(const struct host_numa *n, const struct numa_node *node, long long threads, bool dedicated)
{
	long long groups = 0;

	for (const struct numa_core *c = node->cores; c; c = c->next)
		groups += dedicated ? numa_core_whole(c) : numa_core_free(c, n->vms_thread) / threads;
	return groups - node->planned_cpus / threads;
}

/* PCI devices of the VM draw it to their node. */
static bool pci_near(const struct request *r, const struct numa_node *node)
{
	for (const struct attr *a = tmpl_vector(r->vm, "PCI"); a; a = tmpl_find_next(a))
		if (a->vector && number(a, "NUMA_NODE", -1) == node->id)
			return true;
	return false;
}

static bool memory_fits(const struct numa_node *node, const struct request *r, long long kb)
{
	if (node->total_kb - node->usage_kb - node->planned_kb < kb)
		return false;
	return !r->page_kb || (free_pages(node, r->page_kb) > 0 && free_pages(node, r->page_kb) >= kb / r->page_kb);
}

/* The hop-th nearest node; the node itself when nothing is known. */
static struct numa_node *neighbour(const struct host_numa *n, const struct numa_node *node, int hop)
{
	struct arena scratch = ARENA_INIT;
	const char *at = node->distance, *item = NULL;
	struct numa_node *found = NULL;
	long long id;

	for (int i = 0; i <= hop; i++)
		do
			item = list_next(&scratch, &at, ' ');
		while (item && !*item);
	if (item && value_int(item, &id) && id >= 0 && id <= INT32_MAX)
		found = numa_node_find(n, (int)id);
	else if (!hop)
		found = numa_node_find(n, node->id);
	arena_done(&scratch);
	return found;
}

/* How well the virtual node fits a node: the more it leaves the better, so that big VMs find room longest in the emptiest; -1: not. */
static double fit(const struct host_numa *n, const struct request *r, const struct numa_node *node, long long threads, long long cpus)
{
	long long room = free_groups(n, node, threads, r->dedicated) * threads;

	if (room < cpus || room <= 0)
		return -1;
	return 1 - (double)cpus / (double)room + (pci_near(r, node) ? 1 : 0);
}

/* The best node for the cpus whose hop-th neighbour has the memory. */
static bool place_at_hop(const struct host_numa *n, const struct request *r, long long threads, int hop, struct place *p)
{
	double best = -1;

	for (struct numa_node *node = n->nodes; node; node = node->next) {
		double score = fit(n, r, node, threads, p->cpus);
		struct numa_node *memory = score >= 0 ? neighbour(n, node, hop) : NULL;

		if (!memory || score < best || !memory_fits(memory, r, p->memory_kb))
			continue;
		best = score;
		p->cpu_node = node;
		p->mem_node = memory;
	}
	return best >= 0;
}

static bool place_vnode(const struct host_numa *n, const struct request *r, long long threads, struct place *p)
{
	struct numa_page *page;
	int hops = 0;

	for (const struct numa_node *node = n->nodes; node; node = node->next)
		hops++;
	for (int hop = 0; hop < hops; hop++) {
		if (!place_at_hop(n, r, threads, hop, p))
			continue;
		page = r->page_kb ? numa_page_find(p->mem_node, r->page_kb) : NULL;
		p->cpu_node->planned_cpus += p->cpus;
		p->mem_node->planned_kb += p->memory_kb;
		if (page)
			page->planned += p->memory_kb / r->page_kb;
		return true;
	}
	return false;
}

static void forget_plan(struct host_numa *n)
{
	for (struct numa_node *node = n->nodes; node; node = node->next) {
		node->planned_cpus = node->planned_kb = 0;
		for (struct numa_page *p = node->pages; p; p = p->next)
			p->planned = 0;
	}
}

static int read_vnodes(const struct tmpl *vm, struct place *places)
{
	int n = 0;

	for (struct attr *a = tmpl_vector(vm, "NUMA_NODE"); a && n < MAX_VNODES; a = tmpl_find_next(a))
		if (a->vector)
			places[n++] = (struct place){ .vnode = a, .cpus = number(a, "TOTAL_CPUS", 0), .memory_kb = number(a, "MEMORY", 0) };
	return n;
}

/* Every virtual node's cpus can be parted into groups of `threads`. */
static bool divides(const struct place *places, int n, long long threads)
{
	for (int i = 0; i < n; i++)
		if (places[i].cpus % threads)
			return false;
	return true;
}

static long long most_threads(const struct host_numa *n, const struct request *r)
{
	long long of_host = n->nodes && n->nodes->cores ? n->nodes->cores->n_cpus : 1;
	long long most = r->threads > 0 && r->threads < of_host ? r->threads : of_host, power = 1;

	while (power * 2 <= most)
		power *= 2;
	return power;
}

/* Tries the threads a core: the largest power of two first. *threads: what was found. */
static bool plan(struct host_numa *n, const struct request *r, struct place *places, int n_places, long long *threads)
{
	for (long long i = r->dedicated ? 1 : most_threads(n, r); i >= 1; i /= 2) {
		int done = 0;

		if (!r->dedicated && ((r->threads && r->threads != i) || !divides(places, n_places, i)))
			continue;
		forget_plan(n);
		while (done < n_places && place_vnode(n, r, i, &places[done]))
			done++;
		forget_plan(n);
		if (done == n_places) {
			*threads = i;
			return true;
		}
	}
	return false;
}

/* One cpu of each of as many cores as there are cpus to give. */
static void take_cores(struct host_numa *n, const struct place *p, int vm_id, struct strbuf *out)
{
	long long left = p->cpus;

	for (struct numa_core *c = p->cpu_node->cores; c && left; c = c->next) {
		if (!numa_core_whole(c))
			continue;
		numa_cpu_take(n, &c->cpus[0], vm_id);
		c->dedicated = true;
		strbuf_addf(out, out->len ? ",%d" : "%d", c->cpus[0].id);
		left--;
	}
}

static void take_threads(struct host_numa *n, const struct place *p, int vm_id, long long threads, struct strbuf *out)
{
	long long left = p->cpus;

	for (struct numa_core *c = p->cpu_node->cores; c && left; c = c->next) {
		long long here = numa_core_free(c, n->vms_thread) / threads * threads;

		/* A cpu that several VMs may share is taken again only when the core's others are. */
		for (int i = 0; here && left; i++) {
			struct numa_cpu *cpu = &c->cpus[i % c->n_cpus];

			if (cpu->isolated || cpu->n_vms > i / c->n_cpus || cpu->n_vms >= n->vms_thread)
				continue;
			numa_cpu_take(n, cpu, vm_id);
			strbuf_addf(out, out->len ? ",%d" : "%d", cpu->id);
			here--;
			left--;
		}
	}
}

static void book_place(struct host_numa *n, const struct request *r, const struct place *p, int vm_id, long long threads, struct arena *arena)
{
	struct strbuf cpus = STRBUF_INIT;

	if (r->dedicated)
		take_cores(n, p, vm_id, &cpus);
	else
		take_threads(n, p, vm_id, threads, &cpus);
	use_memory(p->mem_node, p->memory_kb, r->page_kb);
	attr_setf(arena, p->vnode, "NODE_ID", "%d", p->cpu_node->id);
	attr_set(arena, p->vnode, "CPUS", cpus.buf);
	attr_setf(arena, p->vnode, "MEMORY_NODE_ID", "%d", p->mem_node->id);
	strbuf_done(&cpus);
}

/* ---- the outside ---- */

/* A VM that neither is pinned nor has huge pages or an affinity is laid out like a pinned one when it names NUMA nodes. */
static bool goes_whole(const struct request *r)
{
	return r->affinity >= 0 || (r->page_kb && !r->pinned);
}

bool host_numa_test(struct host_numa *n, const struct tmpl *vm)
{
	struct place places[MAX_VNODES];
	struct request r;
	long long threads;

	if (!read_request(vm, &r))
		return true;
	if (goes_whole(&r))
		return whole_node(n, &r) != NULL;
	return plan(n, &r, places, read_vnodes(vm, places), &threads);
}

bool host_numa_add(struct host_numa *n, int vm_id, struct tmpl *vm)
{
	struct place places[MAX_VNODES];
	struct numa_node *node;
	struct attr *topology;
	struct request r;
	long long threads;
	int n_places;

	if (!read_request(vm, &r))
		return true;
	if (goes_whole(&r)) {
		node = whole_node(n, &r);
		if (node)
			book_whole(node, &r, vm);
		return node != NULL;
	}
	n_places = read_vnodes(vm, places);
	if (!plan(n, &r, places, n_places, &threads))
		return false;
	for (int i = 0; i < n_places; i++)
		book_place(n, &r, &places[i], vm_id, threads, vm->arena);
	topology = tmpl_vector(vm, "TOPOLOGY");
	attr_setf(vm->arena, topology, "THREADS", "%lld", threads);
	attr_setf(vm->arena, topology, "CORES", "%lld", r.vcpu / (threads * (r.sockets > 0 ? r.sockets : 1)));
	return true;
}

static void free_cpu(struct numa_node *node, long long cpu_id, int vm_id)
{
	for (struct numa_core *c = node->cores; c; c = c->next)
		for (int i = 0; i < c->n_cpus; i++) {
			struct numa_cpu *cpu = &c->cpus[i];
			int kept = 0;

			if (cpu->id != cpu_id)
				continue;
			for (int v = 0; v < cpu->n_vms; v++)
				if (cpu->vms[v] != vm_id)
					cpu->vms[kept++] = cpu->vms[v];
			if (kept != cpu->n_vms)
				c->dedicated = false;
			cpu->n_vms = kept;
		}
}

static void free_memory(struct numa_node *node, long long kb, long long page_kb)
{
	struct numa_page *p = page_kb ? numa_page_find(node, page_kb) : NULL;
	long long pages = page_kb ? kb / page_kb : 0;

	node->usage_kb = node->usage_kb > kb ? node->usage_kb - kb : 0;
	if (p)
		p->usage = p->usage > pages ? p->usage - pages : 0;
}

void host_numa_del(struct host_numa *n, int vm_id, const struct tmpl *vm)
{
	struct request r;

	if (!read_request(vm, &r))
		return;
	for (const struct attr *a = tmpl_vector(vm, "NUMA_NODE"); a; a = tmpl_find_next(a)) {
		struct numa_node *cpu_node, *mem_node;
		const char *cpus = a->vector ? attr_get(a, "CPUS") : NULL, *item;
		long long id;

		if (!cpus)
			continue;
		cpu_node = numa_node_find(n, (int)number(a, "NODE_ID", -1));
		mem_node = numa_node_find(n, (int)number(a, "MEMORY_NODE_ID", -1));
		while (cpu_node && (item = list_next(n->arena, &cpus, ',')))
			if (value_int(item, &id))
				free_cpu(cpu_node, id, vm_id);
		if (mem_node)
			free_memory(mem_node, number(a, "MEMORY", 0), r.page_kb);
	}
}
