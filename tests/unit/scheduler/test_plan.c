/* Tests of the decisions: against a brute-force oracle over many random sites, and one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/explain.h"
#include "scheduler/plan.h"
#include "scheduler/retry.h"
#include "tests/unit/scheduler/pools_xml.h"

#define MB 1024LL

struct site {
	struct arena arena;
	struct model model;
	struct matcher *matcher;
	struct retries retries;
	struct strbuf hosts, stores, vms;
	const char *rank, *store_rank;
	struct plan plan;
};

static void site_init(struct site *s)
{
	memset(s, 0, sizeof(*s));
	arena_init(&s->arena);
	strbuf_init(&s->hosts);
	strbuf_init(&s->stores);
	strbuf_init(&s->vms);
	s->rank = "- RUNNING_VMS";
	s->store_rank = "FREE_MB";
}

/* Reads what was added and plans. */
static void site_plan(struct site *s, struct plan_limits limits)
{
	struct arena *a = &s->arena;

	model_init(&s->model, a, 0);
	model_read_hosts(&s->model, parse_xml(a, arena_printf(a, "<HOST_POOL>%s</HOST_POOL>", s->hosts.buf)),
			 NULL, NULL);
	model_read_stores(&s->model, parse_xml(a, arena_printf(a, "<DATASTORE_POOL>%s</DATASTORE_POOL>",
							       s->stores.buf)));
	model_read_vms(&s->model, parse_xml(a, arena_printf(a, "<VM_POOL>%s</VM_POOL>", s->vms.buf)), 0);
	s->matcher = matcher_new(&s->model, s->rank, s->store_rank);
	plan_make(&s->plan, &s->model, s->matcher, &limits, &s->retries, 0);
}

static void site_done(struct site *s)
{
	matcher_free(s->matcher);
	model_done(&s->model);
	retries_done(&s->retries);
	strbuf_done(&s->hosts);
	strbuf_done(&s->stores);
	strbuf_done(&s->vms);
	arena_done(&s->arena);
}

static const struct placement *placement_of(const struct site *s, int vm_id)
{
	for (int i = 0; i < s->plan.n_placements; i++)
		if (s->plan.placements[i].vm->id == vm_id)
			return &s->plan.placements[i];
	return NULL;
}

static const char *reason_of(const struct site *s, int vm_id)
{
	for (int i = 0; i < s->plan.n_notices; i++)
		if (s->plan.notices[i].vm->id == vm_id)
			return s->plan.notices[i].reason;
	return NULL;
}

/* ---- against the oracle ---- */

#define MAX_HOSTS  7
#define MAX_STORES 4
#define MAX_VMS    24
#define CLUSTERS   2
#define RACKS      3

struct o_host {
	int id, cluster, rack, state, placed;
	long long cpu, memory, running, disk;
};
struct o_store {
	int id, clusters, speed;
	bool local, ready;
	long long total, free;
};
struct o_vm {
	int id, rack, speed, priority;
	long long cpu, memory, disk;
	bool resume, pair, done;
};
struct oracle {
	struct o_host hosts[MAX_HOSTS];
	struct o_store stores[MAX_STORES];
	struct o_vm vms[MAX_VMS];
	int n_hosts, n_stores, n_vms, max_host;
};

static int pick(int from, int to)
{
	return from + rand() % (to - from + 1);
}

static void make_hosts(struct oracle *o, struct site *s)
{
	o->n_hosts = pick(0, MAX_HOSTS);
	for (int i = 0; i < o->n_hosts; i++) {
		struct o_host *h = &o->hosts[i];
		long long used = pick(0, 3), memory = pick(0, 3);
		char rack[64];

		*h = (struct o_host){ .id = i * 3, .cluster = pick(0, CLUSTERS - 1), .rack = pick(1, RACKS) };
		h->state = pick(0, 9) == 0 ? 4 : pick(1, 2);
		h->cpu = pick(0, 8);
		h->memory = pick(0, 8);
		h->running = pick(0, 4);
		h->disk = pick(0, 3) * 1000;
		snprintf(rack, sizeof(rack), "<RACK>%d</RACK>", h->rack);
		add_host(&s->hosts, &(struct xml_host){ .id = h->id,
							.cluster = h->cluster,
							.state = h->state,
							.max_cpu = (h->cpu + used) * 100,
							.used_cpu = used * 100,
							.max_memory = (h->memory + memory) * MB,
							.used_memory = memory * MB,
							.running = h->running,
							.free_disk = h->disk,
							.attributes = rack });
	}
}

static void make_stores(struct oracle *o, struct site *s)
{
	static const char *const IDS[] = { "", "<ID>0</ID>", "<ID>1</ID>", "<ID>0</ID><ID>1</ID>" };

	o->n_stores = pick(0, MAX_STORES);
	for (int i = 0; i < o->n_stores; i++) {
		struct o_store *d = &o->stores[i];
		char speed[64];

		*d = (struct o_store){
			.id = i + 100, .clusters = pick(0, 3), .speed = pick(1, 2), .local = pick(0, 1)
		};
		d->ready = pick(0, 5) > 0;
		d->total = pick(0, 4) ? 5000 : 0;
		d->free = d->total ? pick(0, 5) * 1000 : 0;
		snprintf(speed, sizeof(speed), "<SPEED>%d</SPEED>", d->speed);
		add_store(&s->stores, &(struct xml_store){ .id = d->id,
							   .type = 1,
							   .state = !d->ready,
							   .local = d->local,
							   .total = d->total,
							   .free = d->free,
							   .clusters = IDS[d->clusters],
							   .attributes = speed });
	}
}

static void make_vms(struct oracle *o, struct site *s)
{
	o->n_vms = pick(1, MAX_VMS);
	for (int i = 0; i < o->n_vms; i++) {
		struct o_vm *v = &o->vms[i];
		char user[256], disk[128], cpu[16];
		int len;

		*v = (struct o_vm){
			.id = i, .rack = pick(-1, RACKS), .speed = pick(-2, 2), .priority = pick(-1, 1)
		};
		v->cpu = pick(1, 3);
		v->memory = pick(1, 3);
		v->disk = pick(0, 2) * 700;
		v->resume = pick(0, 6) == 0;
		len = snprintf(user, sizeof(user), "<USER_PRIORITY>%d</USER_PRIORITY>", v->priority);
		if (v->rack >= 0)
			len += snprintf(user + len, sizeof(user) - (size_t)len,
					"<SCHED_REQUIREMENTS>RACK = %d</SCHED_REQUIREMENTS>", v->rack);
		if (v->speed > 0)
			snprintf(user + len, sizeof(user) - (size_t)len,
				 "<SCHED_DS_REQUIREMENTS>SPEED = %d</SCHED_DS_REQUIREMENTS>", v->speed);
		snprintf(disk, sizeof(disk), "<DISK><TYPE>fs</TYPE><SIZE>%lld</SIZE></DISK>", v->disk);
		snprintf(cpu, sizeof(cpu), "%lld", v->cpu);
		add_vm(&s->vms,
		       &(struct xml_vm){ .id = v->id,
					 .cpu = cpu,
					 .memory = v->memory,
					 .attributes = disk,
					 .user = user,
					 .history =
						 v->resume ? "<HISTORY><ACTION>5</ACTION></HISTORY>" : "" });
	}
}

static bool o_fits(const struct oracle *o, const struct o_vm *v, const struct o_host *h,
		   const struct o_store *d)
{
	if (h->state != 1 && h->state != 2)
		return false;
	if (h->cpu < v->cpu || h->memory < v->memory || (v->rack >= 0 && v->rack != h->rack))
		return false;
	if (o->max_host && h->placed >= o->max_host)
		return false;
	if (!d->ready || !(d->clusters & (1 << h->cluster)) || (v->speed > 0 && v->speed != d->speed))
		return false;
	if (d->local)
		return v->disk < h->disk;
	return d->total > 0 && (v->resume || v->disk == 0 || v->disk < d->free);
}

/* The best of all pairs that fit: fewest VMs, highest ID; most free space, highest ID. */
static bool o_choose(const struct oracle *o, const struct o_vm *v, int *host, int *store)
{
	*host = *store = -1;
	for (int h = 0; h < o->n_hosts; h++) {
		for (int d = 0; d < o->n_stores; d++) {
			const struct o_host *a = &o->hosts[h], *b = *host < 0 ? NULL : &o->hosts[*host];
			const struct o_store *x = &o->stores[d], *y = *store < 0 ? NULL : &o->stores[*store];

			if (!o_fits(o, v, a, x))
				continue;
			if (!b || a->running < b->running || (a->running == b->running && a->id > b->id) ||
			    (a == b && (x->free > y->free || (x->free == y->free && x->id > y->id)))) {
				*host = h;
				*store = d;
			}
		}
	}
	return *host >= 0;
}

static void o_place(struct oracle *o, const struct o_vm *v, int host, int store)
{
	struct o_host *h = &o->hosts[host];
	struct o_store *d = &o->stores[store];

	h->cpu -= v->cpu;
	h->memory -= v->memory;
	h->running++;
	h->placed++;
	if (d->local)
		h->disk -= v->disk;
	else if (!v->resume)
		d->free -= v->disk;
	assert_true(h->cpu >= 0 && h->memory >= 0 && h->disk >= 0 && d->free >= 0);
}

static const struct o_vm *o_next(struct oracle *o)
{
	struct o_vm *best = NULL;

	for (int i = 0; i < o->n_vms; i++)
		if (!o->vms[i].done && (!best || o->vms[i].priority > best->priority))
			best = &o->vms[i];
	if (best)
		best->done = true;
	return best;
}

static void compare_with_oracle(const struct site *s, struct oracle *o)
{
	const struct o_vm *v;
	int placed = 0, waiting = 0, host, store;

	while ((v = o_next(o))) {
		const struct placement *p = placement_of(s, v->id);

		if (!o_choose(o, v, &host, &store)) {
			assert_null(p);
			assert_non_null(reason_of(s, v->id));
			assert_string_not_equal(reason_of(s, v->id), "");
			waiting++;
			continue;
		}
		assert_non_null(p);
		assert_null(reason_of(s, v->id));
		assert_ptr_equal(p, &s->plan.placements[placed]);
		assert_int_equal(p->host_id, o->hosts[host].id);
		assert_int_equal(p->store_id, o->stores[store].id);
		o_place(o, v, host, store);
		placed++;
	}
	assert_int_equal(s->plan.n_placements, placed);
	assert_int_equal(s->plan.waiting, waiting);
	assert_int_equal(s->plan.delayed, 0);
}

static void random_sites_are_planned_as_brute_force_would(void **state)
{
	(void)state;

	for (unsigned int seed = 1; seed <= 3000; seed++) {
		struct oracle o = { .max_host = (int)(seed % 3) };
		struct site s;

		srand(seed);
		site_init(&s);
		make_hosts(&o, &s);
		make_stores(&o, &s);
		make_vms(&o, &s);
		site_plan(&s, (struct plan_limits){ 0, o.max_host });
		compare_with_oracle(&s, &o);
		site_done(&s);
	}
}

/* ---- one by one ---- */

static void add_plain_host(struct site *s, int id, long long cpus)
{
	add_host(&s->hosts, &(struct xml_host){ .id = id,
						.state = 2,
						.max_cpu = cpus * 100,
						.max_memory = 1 << 30,
						.free_disk = 9000 });
}

static void add_plain_store(struct site *s)
{
	add_store(&s->stores, &(struct xml_store){ .id = 0, .type = 1, .total = 10000, .free = 5000 });
}

static void add_vms(struct site *s, int n, const char *user)
{
	for (int i = 0; i < n; i++)
		add_vm(&s->vms, &(struct xml_vm){ .id = i, .cpu = "1", .memory = 64, .user = user });
}

static void many_vms_go_to_one_host_until_it_is_full(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_store(&s);
	add_vms(&s, 150, "");
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(s.plan.n_placements, 100);
	assert_int_equal(s.plan.waiting, 50);
	for (int i = 0; i < 100; i++)
		assert_int_equal(s.plan.placements[i].vm->id, i);
	assert_string_equal(reason_of(&s, 149),
			    "Cannot dispatch VM: No host with enough capacity to deploy the VM");
	site_done(&s);
}

static void striping_spreads_vms_evenly_within_one_cycle(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	for (int id = 0; id < 5; id++)
		add_plain_host(&s, id, 100);
	add_plain_store(&s);
	add_vms(&s, 50, "");
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(s.plan.n_placements, 50);
	for (int i = 0; i < s.model.n_hosts; i++)
		assert_int_equal(s.model.hosts[i].placed, 10);
	site_done(&s);
}

static void the_load_aware_policy_counts_what_it_placed(void **state)
{
	(void)state;
	struct site s;
	struct strbuf monitoring = STRBUF_INIT;
	struct arena *a = &s.arena;

	site_init(&s);
	s.rank = "FREE_CPU";
	for (int id = 0; id < 2; id++) {
		add_plain_host(&s, id, 100);
		strbuf_addf(
			&monitoring,
			"<MONITORING><ID>%d</ID><CAPACITY><FREE_CPU>%d</FREE_CPU></CAPACITY></MONITORING>",
			id, id ? 5000 : 6000);
	}
	add_plain_store(&s);
	add_vms(&s, 30, "");
	model_init(&s.model, a, 0);
	model_read_hosts(
		&s.model, parse_xml(a, arena_printf(a, "<HOST_POOL>%s</HOST_POOL>", s.hosts.buf)), NULL,
		parse_xml(a, arena_printf(a, "<MONITORING_DATA>%s</MONITORING_DATA>", monitoring.buf)));
	model_read_stores(&s.model,
			  parse_xml(a, arena_printf(a, "<DATASTORE_POOL>%s</DATASTORE_POOL>", s.stores.buf)));
	model_read_vms(&s.model, parse_xml(a, arena_printf(a, "<VM_POOL>%s</VM_POOL>", s.vms.buf)), 0);
	s.matcher = matcher_new(&s.model, s.rank, s.store_rank);
	plan_make(&s.plan, &s.model, s.matcher, &(struct plan_limits){ 0, 0 }, &s.retries, 0);
	assert_int_equal(s.model.hosts[0].placed, 20);
	assert_int_equal(s.model.hosts[1].placed, 10);
	strbuf_done(&monitoring);
	site_done(&s);
}

static void requirements_are_asked_again_when_a_placement_changed_the_host(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_host(&s, 2, 100);
	add_plain_store(&s);
	add_vms(&s, 10, "<SCHED_REQUIREMENTS>RUNNING_VMS &lt; 3</SCHED_REQUIREMENTS>");
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(s.plan.n_placements, 6);
	assert_int_equal(s.model.hosts[0].placed, 3);
	assert_int_equal(s.model.hosts[1].placed, 3);
	site_done(&s);
}

static void vms_of_this_cycle_count_among_the_current_vms(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_host(&s.hosts, &(struct xml_host){ .id = 1,
					       .state = 2,
					       .max_cpu = 800,
					       .max_memory = 1 << 30,
					       .running = 5,
					       .vms = "<ID>70</ID>" });
	add_plain_host(&s, 2, 8);
	add_plain_store(&s);
	add_vms(&s, 1, "");
	add_vm(&s.vms, &(struct xml_vm){ .id = 5,
					 .memory = 64,
					 .user = "<SCHED_REQUIREMENTS>CURRENT_VMS = "
						 "0</SCHED_REQUIREMENTS><SCHED_RANK>-ID</SCHED_RANK>" });
	add_vm(&s.vms, &(struct xml_vm){ .id = 6,
					 .memory = 64,
					 .user = "<SCHED_REQUIREMENTS>CURRENT_VMS != 0 &amp; CURRENT_VMS != "
						 "5</SCHED_REQUIREMENTS>" });
	add_vm(&s.vms,
	       &(struct xml_vm){ .id = 7,
				 .memory = 64,
				 .user = "<SCHED_REQUIREMENTS>CURRENT_VMS = 6</SCHED_REQUIREMENTS>" });
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(placement_of(&s, 0)->host_id, 2);
	assert_int_equal(placement_of(&s, 5)->host_id, 2);
	assert_int_equal(placement_of(&s, 6)->host_id, 1);
	assert_int_equal(placement_of(&s, 7)->host_id, 1);
	site_done(&s);
}

static void the_limit_of_a_cycle_leaves_the_rest_unexplained(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_store(&s);
	add_vms(&s, 10, "");
	site_plan(&s, (struct plan_limits){ 4, 0 });
	assert_int_equal(s.plan.n_placements, 4);
	assert_int_equal(s.plan.delayed, 6);
	assert_int_equal(s.plan.n_notices, 0);
	site_done(&s);
}

static void the_limit_of_a_host_is_a_reason(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_store(&s);
	add_vms(&s, 3, "");
	site_plan(&s, (struct plan_limits){ 0, 2 });
	assert_int_equal(s.plan.n_placements, 2);
	assert_non_null(strstr(reason_of(&s, 2), "dispatch limit reached"));
	site_done(&s);
}

static void a_vm_that_failed_waits_and_then_tries_other_hosts_first(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_host(&s, 2, 100);
	add_plain_store(&s);
	add_vms(&s, 2, "");
	retries_failed(&s.retries, 0, 2, 0);
	retries_failed(&s.retries, 1, 2, -RETRY_FIRST_MS);
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_null(placement_of(&s, 0));
	assert_int_equal(s.plan.delayed, 1);
	assert_int_equal(placement_of(&s, 1)->host_id, 1);
	site_done(&s);
}

static void what_is_not_supported_is_said_and_not_placed(void **state)
{
	(void)state;
	static const char *const NEEDS[] = {
		"<VMGROUP><ROLE>web</ROLE></VMGROUP>",
		"<NIC><NETWORK_MODE>auto</NETWORK_MODE></NIC>",
		"<PCI><CLASS>0300</CLASS></PCI>",
		"<TOPOLOGY><PIN_POLICY>CORE</PIN_POLICY></TOPOLOGY>",
		"<TOPOLOGY><HUGEPAGE_SIZE>2</HUGEPAGE_SIZE></TOPOLOGY>",
	};
	int n = (int)(sizeof(NEEDS) / sizeof(NEEDS[0]));
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_store(&s);
	for (int i = 0; i < n; i++)
		add_vm(&s.vms, &(struct xml_vm){ .id = i, .memory = 64, .attributes = NEEDS[i] });
	add_vm(&s.vms,
	       &(struct xml_vm){
		       .id = n,
		       .memory = 64,
		       .attributes = "<TOPOLOGY><PIN_POLICY>NONE</PIN_POLICY><CORES>2</CORES></TOPOLOGY>" });
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(s.plan.n_placements, 1);
	assert_non_null(placement_of(&s, n));
	for (int i = 0; i < n; i++)
		assert_non_null(strstr(reason_of(&s, i), "does not support"));
	site_done(&s);
}

static void images_that_are_cloned_in_their_datastore_need_room_there(void **state)
{
	(void)state;
	static const char CLONE[] = "<DISK><DATASTORE_ID>1</DATASTORE_ID><SIZE>400</SIZE><CLONE>YES</"
				    "CLONE><CLONE_TARGET>SELF</CLONE_TARGET></DISK>";
	struct site s;

	site_init(&s);
	add_plain_host(&s, 1, 100);
	add_plain_store(&s);
	add_store(&s.stores, &(struct xml_store){ .id = 1, .type = 0, .total = 1000, .free = 1000 });
	for (int i = 0; i < 4; i++)
		add_vm(&s.vms,
		       &(struct xml_vm){ .id = i,
					 .memory = 64,
					 .attributes = CLONE,
					 .history = i == 3 ? "<HISTORY><ACTION>9</ACTION></HISTORY>" : "" });
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_non_null(placement_of(&s, 0));
	assert_non_null(placement_of(&s, 1));
	assert_string_equal(reason_of(&s, 2),
			    "Cannot dispatch VM: Image Datastore 1 does not have enough capacity");
	assert_non_null(placement_of(&s, 3)); /* it resumes: its clone is there */
	site_done(&s);
}

static void a_public_cloud_host_needs_no_datastore(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_host(&s.hosts, &(struct xml_host){ .id = 1,
					       .state = 2,
					       .max_cpu = 800,
					       .max_memory = 1 << 30,
					       .attributes = "<PUBLIC_CLOUD>YES</PUBLIC_CLOUD>" });
	add_plain_host(&s, 2, 8);
	add_vm(&s.vms, &(struct xml_vm){ .id = 0,
					 .memory = 64,
					 .user = "<PUBLIC_CLOUD><TYPE>x</TYPE></PUBLIC_CLOUD>" });
	add_vm(&s.vms, &(struct xml_vm){ .id = 1, .memory = 64 });
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(placement_of(&s, 0)->host_id, 1);
	assert_int_equal(placement_of(&s, 0)->store_id, -1);
	assert_string_equal(reason_of(&s, 1), "Cannot dispatch VM: No system datastores found to run VMs");
	site_done(&s);
}

static void a_message_that_says_the_same_is_left_alone(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	add_vm(&s.vms, &(struct xml_vm){ .id = 0,
					 .memory = 64,
					 .user = "<SCHED_MESSAGE>Wed Nov 25 02:00:52 2026: Cannot dispatch "
						 "VM: No hosts enabled to run VMs</SCHED_MESSAGE>" });
	add_vm(&s.vms,
	       &(struct xml_vm){ .id = 1,
				 .memory = 64,
				 .user = "<SCHED_MESSAGE>Wed Nov 25 02:00:52 2026: else</SCHED_MESSAGE>" });
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(s.plan.waiting, 2);
	assert_null(reason_of(&s, 0));
	assert_string_equal(reason_of(&s, 1), "Cannot dispatch VM: No hosts enabled to run VMs");
	site_done(&s);
}

static void the_default_rank_gives_way_to_the_vms_own(void **state)
{
	(void)state;
	struct site s;

	site_init(&s);
	for (int id = 0; id < 3; id++)
		add_plain_host(&s, id, 8);
	add_plain_store(&s);
	add_store(&s.stores, &(struct xml_store){ .id = 3, .type = 1, .total = 10000, .free = 4000 });
	add_vm(&s.vms,
	       &(struct xml_vm){ .id = 0,
				 .memory = 64,
				 .user = "<SCHED_RANK>-ID</SCHED_RANK><SCHED_DS_RANK>ID</SCHED_DS_RANK>" });
	add_vm(&s.vms, &(struct xml_vm){ .id = 1, .memory = 64, .user = "<RANK>-ID</RANK>" });
	add_vm(&s.vms, &(struct xml_vm){ .id = 2,
					 .memory = 64,
					 .user = "<RANK>-ID</RANK><SCHED_RANK>ID / 3</SCHED_RANK>" });
	add_vm(&s.vms, &(struct xml_vm){ .id = 3, .memory = 64, .user = "<SCHED_RANK>ID ++</SCHED_RANK>" });
	site_plan(&s, (struct plan_limits){ 0, 0 });
	assert_int_equal(placement_of(&s, 0)->host_id, 0);
	assert_int_equal(placement_of(&s, 0)->store_id, 3);
	assert_int_equal(placement_of(&s, 1)->host_id, 0);
	assert_int_equal(placement_of(&s, 1)->store_id, 0);
	assert_int_equal(placement_of(&s, 2)->host_id, 2); /* ranks are whole: all 0, the highest ID */
	assert_int_equal(placement_of(&s, 3)->host_id, 2); /* can't be compiled: all rank 0 */
	site_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sites_are_planned_as_brute_force_would),
		cmocka_unit_test(many_vms_go_to_one_host_until_it_is_full),
		cmocka_unit_test(striping_spreads_vms_evenly_within_one_cycle),
		cmocka_unit_test(the_load_aware_policy_counts_what_it_placed),
		cmocka_unit_test(requirements_are_asked_again_when_a_placement_changed_the_host),
		cmocka_unit_test(vms_of_this_cycle_count_among_the_current_vms),
		cmocka_unit_test(the_limit_of_a_cycle_leaves_the_rest_unexplained),
		cmocka_unit_test(the_limit_of_a_host_is_a_reason),
		cmocka_unit_test(a_vm_that_failed_waits_and_then_tries_other_hosts_first),
		cmocka_unit_test(what_is_not_supported_is_said_and_not_placed),
		cmocka_unit_test(images_that_are_cloned_in_their_datastore_need_room_there),
		cmocka_unit_test(a_public_cloud_host_needs_no_datastore),
		cmocka_unit_test(a_message_that_says_the_same_is_left_alone),
		cmocka_unit_test(the_default_rank_gives_way_to_the_vms_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
