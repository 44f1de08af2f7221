/* NUMA nodes: reading, writing, monitoring. How VMs are laid out on them is host_layout.c. */
#include "oned/objects/host_numa.h"

#include <stdlib.h>
#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/host_numa_priv.h"

/* ---- looking ---- */

int numa_core_used(const struct numa_core *c)
{
	int used = 0;

	if (c->dedicated)
		return 1;
	for (int i = 0; i < c->n_cpus; i++)
		used += c->cpus[i].n_vms;
	return used;
}

static int core_isolated(const struct numa_core *c)
{
	int n = 0;

	for (int i = 0; i < c->n_cpus; i++)
		n += c->cpus[i].isolated;
	return n;
}

int numa_core_free(const struct numa_core *c, int vms_thread)
{
	int room = (c->n_cpus - core_isolated(c)) * vms_thread - numa_core_used(c);

	return c->dedicated || room < 0 ? 0 : room;
}

bool numa_core_whole(const struct numa_core *c)
{
	return numa_core_used(c) == 0 && core_isolated(c) < c->n_cpus;
}

struct numa_node *numa_node_find(const struct host_numa *n, int id)
{
	struct numa_node *node = n->nodes;

	while (node && node->id != id)
		node = node->next;
	return node;
}

struct numa_page *numa_page_find(const struct numa_node *node, long long size_kb)
{
	struct numa_page *p = node->pages;

	while (p && p->size_kb != size_kb)
		p = p->next;
	return p;
}

/* ---- building ---- */

static struct numa_node *node_get(struct host_numa *n, int id)
{
	struct numa_node **at = &n->nodes, *node;

	while (*at && (*at)->id < id)
		at = &(*at)->next;
	if (*at && (*at)->id == id)
		return *at;
	node = arena_new(n->arena, struct numa_node);
	node->id = id;
	node->distance = "";
	node->next = *at;
	*at = node;
	return node;
}

static struct numa_cpu *cpu_get(struct host_numa *n, struct numa_core *c, int id)
{
	struct numa_cpu *grown;
	int at = 0;

	while (at < c->n_cpus && c->cpus[at].id < id)
		at++;
	if (at < c->n_cpus && c->cpus[at].id == id)
		return &c->cpus[at];
	grown = arena_array(n->arena, c->n_cpus + 1, struct numa_cpu);
	if (c->n_cpus) {
		memcpy(grown, c->cpus, (size_t)at * sizeof(*grown));
		memcpy(grown + at + 1, c->cpus + at, (size_t)(c->n_cpus - at) * sizeof(*grown));
	}
	grown[at] = (struct numa_cpu){ .id = id };
	c->cpus = grown;
	c->n_cpus++;
	return &c->cpus[at];
}

void numa_cpu_take(struct host_numa *n, struct numa_cpu *cpu, int vm_id)
{
	int *vms = arena_array(n->arena, cpu->n_vms + 1, int);

	if (cpu->n_vms)
		memcpy(vms, cpu->vms, (size_t)cpu->n_vms * sizeof(int));
	vms[cpu->n_vms++] = vm_id;
	cpu->vms = vms;
}

/* "0:-1,16:5": a cpu may stand there several times, once a VM. */
static void parse_cpus(struct host_numa *n, struct numa_core *c, const char *text)
{
	char *item;

	while ((item = list_next(n->arena, &text, ','))) {
		char *end;
		long cpu = strtol(item, &end, 10), vm = -1;
		struct numa_cpu *slot;

		if (end == item || cpu < 0 || cpu > INT32_MAX)
			continue;
		if (*end == ':')
			vm = strtol(end + 1, NULL, 10);
		slot = cpu_get(n, c, (int)cpu);
		if (vm == -2)
			slot->isolated = true;
		else if (vm >= 0 && vm <= INT32_MAX)
			numa_cpu_take(n, slot, (int)vm);
	}
}

/* A core that is known already keeps what it has. */
static void add_core(struct host_numa *n, struct numa_node *node, int id, const char *cpus, bool dedicated)
{
	struct numa_core **at = &node->cores, *c;

	while (*at && (*at)->id < id)
		at = &(*at)->next;
	if (*at && (*at)->id == id)
		return;
	c = arena_new(n->arena, struct numa_core);
	c->id = id;
	c->dedicated = dedicated;
	parse_cpus(n, c, cpus);
	c->next = *at;
	*at = c;
}

static void add_page(struct host_numa *n, struct numa_node *node, long long size_kb, long long pages, long long usage)
{
	struct numa_page **at = &node->pages, *p;

	while (*at && (*at)->size_kb < size_kb)
		at = &(*at)->next;
	if (*at && (*at)->size_kb == size_kb) {
		(*at)->pages = pages;
		return;
	}
	p = arena_new(n->arena, struct numa_page);
	*p = (struct numa_page){ .next = *at, .size_kb = size_kb, .pages = pages, .usage = usage };
	*at = p;
}

/* ---- XML ---- */

static void load_node(struct host_numa *n, const struct xnode *x)
{
	struct numa_node *node = node_get(n, (int)xml_int(x, "NODE_ID", 0));
	const struct xnode *memory = xml_child(x, "MEMORY");
	bool dedicated;

	for (const struct xnode *c = xml_child(x, "CORE"); c; c = xml_next(c)) {
		if (!value_bool(xml_text_or(c, "DEDICATED", "NO"), &dedicated))
			dedicated = false;
		add_core(n, node, (int)xml_int(c, "ID", 0), xml_text_or(c, "CPUS", ""), dedicated);
	}
	for (const struct xnode *p = xml_child(x, "HUGEPAGE"); p; p = xml_next(p))
		add_page(n, node, xml_int(p, "SIZE", 0), xml_int(p, "PAGES", 0), xml_int(p, "USAGE", 0));
	if (!memory)
		return;
	node->has_memory = true;
	node->total_kb = xml_int(memory, "TOTAL", 0);
	node->usage_kb = xml_int(memory, "USAGE", 0);
	node->distance = arena_strdup(n->arena, xml_text_or(memory, "DISTANCE", ""));
}

void host_numa_load(struct host_numa *n, struct arena *arena, const struct xnode *numa_nodes, int vms_thread)
{
	*n = (struct host_numa){ .arena = arena, .vms_thread = vms_thread };
	for (const struct xnode *x = numa_nodes ? xml_child(numa_nodes, "NODE") : NULL; x; x = xml_next(x))
		load_node(n, x);
}

static void render_cpus(const struct numa_core *c, struct strbuf *out)
{
	const char *separator = "";

	strbuf_lit(out, "<CPUS><![CDATA[");
	for (int i = 0; i < c->n_cpus; i++) {
		const struct numa_cpu *cpu = &c->cpus[i];

		for (int v = 0; v < (cpu->n_vms && !cpu->isolated ? cpu->n_vms : 1); v++) {
			strbuf_addf(out, "%s%d:%d", separator, cpu->id, cpu->isolated ? -2 : cpu->n_vms ? cpu->vms[v] : -1);
			separator = ",";
		}
	}
	strbuf_lit(out, "]]></CPUS>");
}

static void render_number(struct strbuf *out, const char *name, long long value)
{
	strbuf_addf(out, "<%s><![CDATA[%lld]]></%s>", name, value, name);
}

static void render_node(const struct host_numa *n, const struct numa_node *node, struct strbuf *out)
{
	xml_out_open(out, "NODE");
	for (const struct numa_core *c = node->cores; c; c = c->next) {
		xml_out_open(out, "CORE");
		render_cpus(c, out);
		xml_out_cdata(out, "DEDICATED", c->dedicated ? "YES" : "NO");
		render_number(out, "FREE", numa_core_free(c, n->vms_thread));
		render_number(out, "ID", c->id);
		xml_out_close(out, "CORE");
	}
	for (const struct numa_page *p = node->pages; p; p = p->next) {
		xml_out_open(out, "HUGEPAGE");
		render_number(out, "PAGES", p->pages);
		render_number(out, "SIZE", p->size_kb);
		render_number(out, "USAGE", p->usage);
		xml_out_close(out, "HUGEPAGE");
	}
	if (node->has_memory) {
		xml_out_open(out, "MEMORY");
		xml_out_cdata(out, "DISTANCE", node->distance);
		render_number(out, "TOTAL", node->total_kb);
		render_number(out, "USAGE", node->usage_kb);
		xml_out_close(out, "MEMORY");
	}
	render_number(out, "NODE_ID", node->id);
	xml_out_close(out, "NODE");
}

void host_numa_render(const struct host_numa *n, struct strbuf *out)
{
	xml_out_open(out, "NUMA_NODES");
	for (const struct numa_node *node = n->nodes; node; node = node->next)
		render_node(n, node, out);
	xml_out_close(out, "NUMA_NODES");
}

/* ---- monitoring ---- */

static struct numa_node *node_of(struct host_numa *n, const struct attr *a)
{
	long long id;

	return a->vector && attr_get_int(a, "NODE_ID", &id) && id >= 0 && id <= INT32_MAX ? node_get(n, (int)id) : NULL;
}

static long long number(const struct attr *a, const char *name)
{
	long long value;

	return attr_get_int(a, name, &value) ? value : 0;
}

void host_numa_monitor(struct host_numa *n, struct tmpl *t)
{
	struct numa_node *node;

	for (const struct attr *a = tmpl_find(t, "CORE"); a; a = tmpl_find_next(a))
		if ((node = node_of(n, a)))
			add_core(n, node, (int)number(a, "ID"), attr_get(a, "CPUS") ? attr_get(a, "CPUS") : "", false);
	for (const struct attr *a = tmpl_find(t, "HUGEPAGE"); a; a = tmpl_find_next(a))
		if ((node = node_of(n, a)))
			add_page(n, node, number(a, "SIZE"), number(a, "PAGES"), 0);
	for (const struct attr *a = tmpl_find(t, "MEMORY_NODE"); a; a = tmpl_find_next(a)) {
		node = node_of(n, a);
		if (!node)
			continue;
		node->has_memory = true;
		node->total_kb = number(a, "TOTAL");
		node->distance = arena_strdup(n->arena, attr_get(a, "DISTANCE") ? attr_get(a, "DISTANCE") : "");
	}
	tmpl_remove(t, "CORE");
	tmpl_remove(t, "HUGEPAGE");
	tmpl_remove(t, "MEMORY_NODE");
}

void host_numa_isolate(struct host_numa *n, const char *cpus)
{
	struct idset wanted = { 0 };
	const char *item;
	long long id;

	while ((item = list_next(n->arena, &cpus, ',')))
		if (value_int(item, &id) && id >= 0 && id <= INT32_MAX)
			idset_add(&wanted, n->arena, (int)id);
	for (struct numa_node *node = n->nodes; node; node = node->next)
		for (struct numa_core *c = node->cores; c; c = c->next)
			for (int i = 0; i < c->n_cpus; i++)
				c->cpus[i].isolated = idset_has(&wanted, c->cpus[i].id) && (c->cpus[i].isolated || !c->cpus[i].n_vms);
}
