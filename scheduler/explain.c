/* The words for verdicts. */
#include "scheduler/explain.h"

#include <string.h>
#include "common/timeutil.h"
#include "common/tmpl.h"

#define LEAD "Cannot dispatch VM: "

/* clang-format off */
static const char *const HOST_WORDS[HOST_VERDICTS] = {
	[HOST_FITS]             = "fits",
	[HOST_NOT_PUBLIC]       = "not a public cloud host",
	[HOST_DENIED]           = "owner is not authorized",
	[HOST_NO_CPU]           = "not enough CPU",
	[HOST_NO_MEMORY]        = "not enough memory",
	[HOST_BAD_REQUIREMENTS] = "SCHED_REQUIREMENTS can't be read",
	[HOST_UNMET]            = "SCHED_REQUIREMENTS not met",
};

static const char *const STORE_WORDS[STORE_VERDICTS] = {
	[STORE_FITS]             = "fits",
	[STORE_DENIED]           = "owner is not authorized",
	[STORE_NOT_MEASURED]     = "not monitored yet",
	[STORE_NO_SPACE]         = "not enough space",
	[STORE_BAD_REQUIREMENTS] = "SCHED_DS_REQUIREMENTS can't be read",
	[STORE_UNMET]            = "SCHED_DS_REQUIREMENTS not met",
};

static const char *const NEED_WORDS[] = {
	[NEED_NOTHING]  = "",
	[NEED_VMGROUP]  = "the placement of VM groups",
	[NEED_AUTO_NIC] = "the choice of networks for NICs in automatic mode",
	[NEED_PCI]      = "the assignment of PCI devices",
	[NEED_PINNING]  = "CPU pinning, hugepages and NUMA affinity",
};
/* clang-format on */

void explain_need(enum vm_need need, struct strbuf *out)
{
	strbuf_addf(out, LEAD "this scheduler does not support %s", NEED_WORDS[need]);
}

void explain_image_store(int store_id, struct strbuf *out)
{
	strbuf_addf(out, LEAD "Image Datastore %d does not have enough capacity", store_id);
}

void explain_no_host(const struct tally *t, const struct sched_vm *vm, const struct match_class *c,
		     struct strbuf *out)
{
	const int *n = t->hosts;
	int matched = n[HOST_FITS], compared = matched + n[HOST_UNMET] + n[HOST_BAD_REQUIREMENTS];
	int allowed = compared + n[HOST_NO_CPU] + n[HOST_NO_MEMORY];

	if (n[HOST_BAD_REQUIREMENTS])
		strbuf_addf(out, "Error in SCHED_REQUIREMENTS: '%s', error: %s", vm->requirements,
			    match_requirements_error(c));
	else if (allowed + n[HOST_DENIED] + n[HOST_NOT_PUBLIC] == 0)
		strbuf_lit(out, LEAD "No hosts enabled to run VMs");
	else if (allowed == 0)
		strbuf_lit(out, LEAD "User is not authorized to use any host");
	else if (compared == 0)
		strbuf_lit(out, LEAD "No host with enough capacity to deploy the VM");
	else
		strbuf_addf(out, LEAD "No host meets capacity and SCHED_REQUIREMENTS: %s", vm->requirements);
}

void explain_no_store(const struct tally *t, const struct sched_vm *vm, const struct match_class *c,
		      struct strbuf *out)
{
	const int *n = t->stores;
	int matched = n[STORE_FITS], compared = matched + n[STORE_UNMET] + n[STORE_BAD_REQUIREMENTS];
	int allowed = compared + n[STORE_NOT_MEASURED] + n[STORE_NO_SPACE];

	if (n[STORE_BAD_REQUIREMENTS])
		strbuf_addf(out, "Error in SCHED_DS_REQUIREMENTS: '%s', error: %s", vm->store_requirements,
			    match_store_requirements_error(c));
	else if (allowed + n[STORE_DENIED] == 0)
		strbuf_lit(out, LEAD "No system datastores found to run VMs");
	else if (allowed == 0)
		strbuf_lit(out, LEAD "User is not authorized to use any system datastore");
	else if (compared == 0)
		strbuf_lit(out, LEAD "No system datastore with enough capacity for the VM");
	else
		strbuf_addf(out, LEAD "No system datastore meets capacity and SCHED_DS_REQUIREMENTS: %s",
			    vm->store_requirements);
}

void explain_no_pair(struct strbuf *out)
{
	strbuf_lit(out, "Cannot dispatch VM to any Host. Possible reasons: Not enough capacity in Host or "
			"System DS, dispatch limit reached, or limit of free leases reached.");
}

void explain_refused(int host_id, const char *reason, struct strbuf *out)
{
	strbuf_addf(out, "Cannot dispatch VM to Host %d: %s", host_id, reason);
}

static void add_counts(const char *what, const char *const *words, const int *counts, int n,
		       struct strbuf *out)
{
	int total = 0;

	for (int i = 0; i < n; i++)
		total += counts[i];
	strbuf_addf(out, "%d %s", total, what);
	for (int i = 0, listed = 0; i < n; i++)
		if (counts[i])
			strbuf_addf(out, "%s%d %s", listed++ ? ", " : ": ", counts[i], words[i]);
}

void explain_tally(const struct tally *t, struct strbuf *out)
{
	add_counts("hosts", HOST_WORDS, t->hosts, HOST_VERDICTS, out);
	if (!t->hosts[HOST_FITS])
		return;
	strbuf_lit(out, "; ");
	add_counts("system datastores", STORE_WORDS, t->stores, STORE_VERDICTS, out);
}

bool explain_changed(const char *message, const char *reason)
{
	/* A message is "<date>: <reason>", and there is no ": " in a date. */
	const char *old = strstr(message, ": ");

	return strcmp(old ? old + 2 : message, reason) != 0;
}

void explain_template(const char *reason, time_t now, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct tmpl *t = tmpl_new(&arena);
	char date[64];

	time_text(now, date, sizeof(date));
	if (*reason)
		tmpl_addf(t, "SCHED_MESSAGE", "%s: %s", date, reason);
	else
		tmpl_add(t, "SCHED_MESSAGE", "");
	tmpl_to_text(t, out);
	arena_done(&arena);
}

static void report_hosts(struct matcher *mr, struct model *m, struct match_class *c,
			 const struct sched_vm *vm, struct strbuf *out)
{
	strbuf_lit(out, "\nHOST   NAME                     CPU free   MEMORY free KB  RANK        VERDICT\n");
	for (int i = 0; i < m->n_hosts; i++) {
		const struct sched_host *h = &m->hosts[i];
		enum host_verdict verdict = match_host(mr, c, vm, i, false);

		strbuf_addf(out, "%-6d %-24s %8.2f %16lld  ", h->id, h->name,
			    (double)(h->max_cpu - h->used_cpu) / 100, h->max_memory_kb - h->used_memory_kb);
		if (verdict == HOST_FITS)
			strbuf_addf(out, "%-11.0f %s\n", match_host_rank(mr, c, i), HOST_WORDS[verdict]);
		else
			strbuf_addf(out, "%-11s %s\n", "-", HOST_WORDS[verdict]);
	}
}

/* For a datastore that fits: on which of the hosts that fit is there room? */
static void report_pairs(struct matcher *mr, struct model *m, struct match_class *c,
			 const struct sched_vm *vm, const struct sched_store *s, struct strbuf *out)
{
	int n = 0;

	for (int i = 0; i < m->n_hosts; i++)
		if (match_host(mr, c, vm, i, false) == HOST_FITS && match_store_on_host(vm, &m->hosts[i], s))
			strbuf_addf(out, "%s%d", n++ ? "," : " on hosts ", m->hosts[i].id);
	if (!n)
		strbuf_lit(out, " no host that fits (cluster, or space on the host)");
}

static void report_stores(struct matcher *mr, struct model *m, struct match_class *c,
			  const struct sched_vm *vm, struct strbuf *out)
{
	strbuf_lit(out, "\nSYSTEM DS  NAME                 FREE MB         RANK        VERDICT\n");
	for (int i = 0; i < m->n_stores; i++) {
		const struct sched_store *s = &m->stores[i];
		enum store_verdict verdict = match_store(mr, c, vm, i);

		strbuf_addf(out, "%-10d %-20s ", s->id, s->name);
		if (s->shared)
			strbuf_addf(out, "%-15lld ", s->free_mb);
		else
			strbuf_addf(out, "%-15s ", "(of the host)");
		if (verdict == STORE_FITS) {
			strbuf_addf(out, "%-11.0f %s", match_store_rank(mr, c, i), STORE_WORDS[verdict]);
			report_pairs(mr, m, c, vm, s, out);
			strbuf_addc(out, '\n');
		} else {
			strbuf_addf(out, "%-11s %s\n", "-", STORE_WORDS[verdict]);
		}
	}
}

static void report_vm(const struct match_class *c, const struct sched_vm *vm, struct strbuf *out)
{
	strbuf_addf(out, "VM %d: CPU %.2f, memory %lld KB, system datastore %lld MB, priority %g%s\n", vm->id,
		    (double)vm->cpu / 100, vm->memory_kb, vm->disk_mb, vm->priority,
		    vm->resume ? ", resumes" : "");
	strbuf_addf(out, "Host requirements: %s\n", *vm->requirements ? vm->requirements : "(none)");
	if (match_requirements_error(c))
		strbuf_addf(out, "  error: %s\n", match_requirements_error(c));
	strbuf_addf(out, "Datastore requirements: %s\n",
		    *vm->store_requirements ? vm->store_requirements : "(none)");
	if (match_store_requirements_error(c))
		strbuf_addf(out, "  error: %s\n", match_store_requirements_error(c));
}

void explain_vm(struct matcher *mr, struct model *m, const struct sched_vm *vm, struct strbuf *out)
{
	struct match_class *c = match_class_of(mr, vm);
	int image_store = vm->resume ? -1 : match_images(m, vm);

	report_vm(c, vm, out);
	if (vm->need != NEED_NOTHING) {
		explain_need(vm->need, out);
		strbuf_addc(out, '\n');
	}
	if (image_store >= 0) {
		explain_image_store(image_store, out);
		strbuf_addc(out, '\n');
	}
	report_hosts(mr, m, c, vm, out);
	report_stores(mr, m, c, vm, out);
}
