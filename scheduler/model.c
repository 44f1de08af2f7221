/* The pools as tables, and the capacity that goes down while VMs are placed. */
#include "scheduler/model.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/tmpl.h"

/* HOST_POOL: states in which a host takes VMs: MONITORING_MONITORED (being measured) and MONITORED. */
#define HOST_STATE_MONITORING 1
#define HOST_STATE_MONITORED  2
#define STORE_TYPE_IMAGE      0
#define STORE_TYPE_SYSTEM     1
#define STORE_STATE_READY     0

static const char *const HOST_PLACES[] = {
	"", "TEMPLATE", "HOST_SHARE", "HOST_SHARE/DATASTORES", "MONITORING/CAPACITY", "MONITORING/SYSTEM",
	"CLUSTER_TEMPLATE", NULL,
};
static const char *const STORE_PLACES[] = { "", "TEMPLATE", NULL };

void model_init(struct model *m, struct arena *arena, int zone_id)
{
	*m = (struct model){ .arena = arena };
	access_init(&m->access, zone_id);
}

void model_done(struct model *m)
{
	access_done(&m->access);
}

static int count_kids(const struct xnode *n, const char *name)
{
	int count = 0;

	for (struct xnode *kid = xml_child(n, name); kid; kid = xml_next(kid))
		count++;
	return count;
}

/* Makes a copy of `from` the last child of n under another name; the children are shared. */
static void graft(struct arena *arena, struct xnode *n, const struct xnode *from, const char *name)
{
	struct xnode *copy = arena_new(arena, struct xnode);

	*copy = *from;
	copy->name = name;
	copy->next = NULL;
	copy->parent = n;
	if (n->last)
		n->last->next = copy;
	else
		n->first = copy;
	n->last = copy;
}

static void prune(struct xnode *n, const char *name)
{
	struct xnode *last = NULL;

	for (struct xnode **at = &n->first; *at;) {
		if (!strcmp((*at)->name, name)) {
			*at = (*at)->next;
		} else {
			last = *at;
			at = &last->next;
		}
	}
	n->last = last;
}

static void index_kids(struct imap *map, const struct xnode *pool, const char *name)
{
	for (struct xnode *n = pool ? xml_child(pool, name) : NULL; n; n = xml_next(n))
		imap_put(map, xml_int(n, "ID", -1), n);
}

static void read_spaces(struct sched_host *h, struct arena *arena, const struct xnode *datastores)
{
	h->spaces = arena_array(arena, datastores ? count_kids(datastores, "DS") : 0, struct local_space);
	for (struct xnode *ds = datastores ? xml_child(datastores, "DS") : NULL; ds; ds = xml_next(ds))
		h->spaces[h->n_spaces++] =
			(struct local_space){ (int)xml_int(ds, "ID", -1), xml_int(ds, "FREE_MB", 0) };
}

static void read_vm_ids(struct sched_host *h, struct arena *arena, const struct xnode *vms)
{
	h->cap_vm_ids = (vms ? count_kids(vms, "ID") : 0) + 16;
	h->vm_ids = arena_array(arena, h->cap_vm_ids, const char *);
	for (struct xnode *id = vms ? xml_child(vms, "ID") : NULL; id; id = xml_next(id))
		h->vm_ids[h->n_vm_ids++] = id->text;
}

static bool is_yes(const char *text)
{
	return text && !strcasecmp(text, "YES");
}

static void read_host(struct model *m, struct sched_host *h, struct xnode *n)
{
	struct xnode *share = xml_child(n, "HOST_SHARE");
	struct xnode *capacity = xml_path(n, "MONITORING/CAPACITY");
	struct xnode *template = xml_child(n, "TEMPLATE");

	*h = (struct sched_host){ .id = (int)xml_int(n, "ID", -1), .epoch = 1 };
	h->name = xml_text_or(n, "NAME", "");
	h->cluster_id = (int)xml_int(n, "CLUSTER_ID", -1);
	h->public_cloud = template && is_yes(xml_text(template, "PUBLIC_CLOUD"));
	access_read_object(&h->access, m->arena, ACCESS_HOST, n);
	if (share) {
		struct xnode *datastores = xml_child(share, "DATASTORES");

		h->max_cpu = xml_int(share, "MAX_CPU", 0);
		h->used_cpu = xml_int(share, "CPU_USAGE", 0);
		h->max_memory_kb = xml_int(share, "MAX_MEM", 0);
		h->used_memory_kb = xml_int(share, "MEM_USAGE", 0);
		h->running_vms = xml_int(share, "RUNNING_VMS", 0);
		h->free_disk_mb = datastores ? xml_int(datastores, "FREE_DISK", 0) : 0;
		h->share_vms = xml_child(share, "RUNNING_VMS");
		h->share_cpu = xml_child(share, "CPU_USAGE");
		h->share_memory = xml_child(share, "MEM_USAGE");
		read_spaces(h, m->arena, datastores);
	}
	if (capacity) {
		h->monitored_cpu = xml_child(capacity, "FREE_CPU");
		h->monitored_memory = xml_child(capacity, "FREE_MEMORY");
	}
	read_vm_ids(h, m->arena, xml_child(n, "VMS"));
	props_build(&h->props, m->arena, n, HOST_PLACES);
}

static int host_by_id(const void *a, const void *b)
{
	return ((const struct sched_host *)a)->id - ((const struct sched_host *)b)->id;
}

void model_read_hosts(struct model *m, struct xnode *host_pool, struct xnode *cluster_pool,
		      struct xnode *monitoring)
{
	struct imap clusters = IMAP_INIT, samples = IMAP_INIT;

	index_kids(&clusters, cluster_pool, "CLUSTER");
	index_kids(&samples, monitoring, "MONITORING");
	m->hosts = arena_array(m->arena, count_kids(host_pool, "HOST"), struct sched_host);
	m->n_hosts = 0;
	for (struct xnode *n = xml_child(host_pool, "HOST"); n; n = xml_next(n)) {
		long long state = xml_int(n, "STATE", -1);
		const struct xnode *cluster = imap_get(&clusters, xml_int(n, "CLUSTER_ID", -1));
		const struct xnode *sample = imap_get(&samples, xml_int(n, "ID", -1));

		if (state != HOST_STATE_MONITORED && state != HOST_STATE_MONITORING)
			continue;
		cluster = cluster ? xml_child(cluster, "TEMPLATE") : NULL;
		if (cluster)
			graft(m->arena, n, cluster, "CLUSTER_TEMPLATE");
		if (sample) {
			prune(n, "MONITORING");
			graft(m->arena, n, sample, "MONITORING");
		}
		read_host(m, &m->hosts[m->n_hosts++], n);
	}
	qsort(m->hosts, (size_t)m->n_hosts, sizeof(*m->hosts), host_by_id);
	imap_done(&clusters);
	imap_done(&samples);
}

/* Free space by the datastore's limit, if it has one, but never more than there is. */
static long long free_space_mb(const struct xnode *n, const struct xnode *template)
{
	long long free_mb = xml_int(n, "FREE_MB", 0), limit_mb;
	const char *limit = template ? xml_text(template, "LIMIT_MB") : NULL;

	if (limit && value_int(limit, &limit_mb)) {
		long long left_mb = limit_mb - xml_int(n, "USED_MB", 0);

		if (left_mb < free_mb)
			free_mb = left_mb;
	}
	return free_mb > 0 ? free_mb : 0;
}

static void read_store(struct model *m, struct sched_store *s, struct xnode *n)
{
	const struct xnode *template = xml_child(n, "TEMPLATE");
	const char *shared = template ? xml_text(template, "SHARED") : NULL;

	*s = (struct sched_store){ .id = (int)xml_int(n, "ID", -1), .epoch = 1 };
	s->name = xml_text_or(n, "NAME", "");
	s->shared = !shared || is_yes(shared);
	s->monitored = xml_int(n, "FREE_MB", 0) || xml_int(n, "TOTAL_MB", 0) || xml_int(n, "USED_MB", 0);
	s->free_mb = free_space_mb(n, template);
	s->free_node = xml_child(n, "FREE_MB");
	s->used_node = xml_child(n, "USED_MB");
	access_read_object(&s->access, m->arena, ACCESS_DATASTORE, n);
	props_build(&s->props, m->arena, n, STORE_PLACES);
}

static int store_by_id(const void *a, const void *b)
{
	return ((const struct sched_store *)a)->id - ((const struct sched_store *)b)->id;
}

void model_read_stores(struct model *m, struct xnode *datastore_pool)
{
	int n = count_kids(datastore_pool, "DATASTORE");

	m->stores = arena_array(m->arena, n, struct sched_store);
	m->images = arena_array(m->arena, n, struct sched_store);
	m->n_stores = m->n_images = 0;
	for (struct xnode *ds = xml_child(datastore_pool, "DATASTORE"); ds; ds = xml_next(ds)) {
		long long type = xml_int(ds, "TYPE", -1);

		if (type == STORE_TYPE_SYSTEM && xml_int(ds, "STATE", -1) == STORE_STATE_READY)
			read_store(m, &m->stores[m->n_stores++], ds);
		else if (type == STORE_TYPE_IMAGE)
			read_store(m, &m->images[m->n_images++], ds);
	}
	qsort(m->stores, (size_t)m->n_stores, sizeof(*m->stores), store_by_id);
	qsort(m->images, (size_t)m->n_images, sizeof(*m->images), store_by_id);
}

const char *host_lookup(void *ctx, const char *name, int i)
{
	const struct sched_host *h = ctx;

	if (!strcmp(name, "CURRENT_VMS"))
		return i < h->n_vm_ids ? h->vm_ids[i] : NULL;
	return props_get(&h->props, name, i);
}

const char *store_lookup(void *ctx, const char *name, int i)
{
	const struct sched_store *s = ctx;

	return props_get(&s->props, name, i);
}

struct sched_host *model_host(const struct model *m, int id)
{
	struct sched_host key = { .id = id };

	return bsearch(&key, m->hosts, (size_t)m->n_hosts, sizeof(key), host_by_id);
}

struct sched_store *model_image_store(const struct model *m, int id)
{
	struct sched_store key = { .id = id };

	return bsearch(&key, m->images, (size_t)m->n_images, sizeof(key), store_by_id);
}

long long host_free_mb(const struct sched_host *h, int store_id)
{
	for (int i = 0; i < h->n_spaces; i++)
		if (h->spaces[i].store_id == store_id)
			return h->spaces[i].free_mb;
	return h->free_disk_mb;
}

bool store_in_cluster(const struct sched_store *s, int cluster_id)
{
	for (int i = 0; i < s->access.n_clusters; i++)
		if (s->access.clusters[i] == cluster_id)
			return true;
	return false;
}

/* Changes a number that expressions read. */
static void change_number(struct arena *arena, struct xnode *n, long long by)
{
	double number;

	if (n && value_float(n->text, &number))
		n->text = arena_printf(arena, "%lld", (long long)number + by);
}

/* All datastores a host has no figure of its own for lie on the same disk. */
static void take_local_space(struct sched_host *h, int store_id, long long mb)
{
	for (int i = 0; i < h->n_spaces; i++) {
		if (h->spaces[i].store_id == store_id) {
			h->spaces[i].free_mb -= mb;
			return;
		}
	}
	h->free_disk_mb -= mb;
}

static void add_vm_id(struct arena *arena, struct sched_host *h, int id)
{
	if (h->n_vm_ids == h->cap_vm_ids) {
		const char **more = arena_array(arena, h->cap_vm_ids * 2, const char *);

		memcpy(more, h->vm_ids, (size_t)h->n_vm_ids * sizeof(*more));
		h->vm_ids = more;
		h->cap_vm_ids *= 2;
	}
	h->vm_ids[h->n_vm_ids++] = arena_printf(arena, "%d", id);
}

static void take_host(struct model *m, const struct sched_vm *vm, struct sched_host *h)
{
	h->used_cpu += vm->cpu;
	h->used_memory_kb += vm->memory_kb;
	h->running_vms++;
	h->placed++;
	h->epoch++;
	add_vm_id(m->arena, h, vm->id);
	change_number(m->arena, h->share_vms, 1);
	change_number(m->arena, h->share_cpu, vm->cpu);
	change_number(m->arena, h->share_memory, vm->memory_kb);
	/* The load is measured later; until then a VM is expected to use what it was given. */
	change_number(m->arena, h->monitored_cpu, -vm->cpu);
	change_number(m->arena, h->monitored_memory, -vm->memory_kb);
}

void model_place(struct model *m, const struct sched_vm *vm, struct sched_host *h, struct sched_store *s)
{
	take_host(m, vm, h);
	if (!s)
		return;
	if (!s->shared) {
		take_local_space(h, s->id, vm->disk_mb);
	} else if (!vm->resume) {
		s->free_mb -= vm->disk_mb;
		s->epoch++;
		change_number(m->arena, s->free_node, -vm->disk_mb);
		change_number(m->arena, s->used_node, vm->disk_mb);
	}
	for (int i = 0; i < vm->n_images && !vm->resume; i++) {
		struct sched_store *image_store = model_image_store(m, vm->images[i].store_id);

		if (image_store)
			image_store->free_mb -= vm->images[i].mb;
	}
}
