/* Makes reports of plain values; see report.h. */
#include "drivers/im_libvirt/report.h"

#include <libvirt/libvirt.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/arena.h"
#include "common/crypto.h"

#define MISSED_MAX 2 /* one look may have come between two states */

void report_init(struct report *r, const char *hypervisor)
{
	*r = (struct report){ .hypervisor = hypervisor, .domains = SMAP_INIT };
}

static void forget(struct seen *s)
{
	free(s->name);
	free(s);
}

void report_done(struct report *r)
{
	const char *uuid;
	size_t it = 0;
	void *seen;

	while (smap_next(&r->domains, &it, &uuid, &seen))
		forget(seen);
	smap_done(&r->domains);
}

/* Takes the next line of a text: false at its end. The line (without its newline) is copied into buf, cut when too long. */
static bool next_line(const char **text, char *buf, size_t size)
{
	if (**text == '\0')
		return false;
	size_t len = strcspn(*text, "\n");
	size_t n = len < size - 1 ? len : size - 1;
	memcpy(buf, *text, n);
	buf[n] = '\0';
	*text += len + ((*text)[len] == '\n');
	return true;
}

struct load { unsigned long long total_kb, free_kb, busy_ns, idle_ns; unsigned cpus; };

static struct load read_load(const char *text)
{
	struct load l = { 0 };

	if (sscanf(text, "%llu %llu %llu %llu %u", &l.total_kb, &l.free_kb, &l.busy_ns, &l.idle_ns, &l.cpus) != 5)
		l = (struct load){ 0 };
	if (l.free_kb > l.total_kb)
		l.free_kb = l.total_kb;
	return l;
}

/* ---- what the host is ---- */

static void system_line(char *line, struct strbuf *out)
{
	char a[64], b[64], c[4096];
	char *value = strchr(line, ' ');

	if (value == NULL)
		return;
	*value++ = '\0';
	if (strcmp(line, "CPUS") == 0)
		strbuf_addf(out, "TOTALCPU = \"%lld\"\n", strtoll(value, NULL, 10) * 100);
	else if (strcmp(line, "CORE") == 0 && sscanf(value, "%63s %63s %4095s", a, b, c) == 3)
		strbuf_addf(out, "CORE = [ NODE_ID = \"%s\", ID = \"%s\", CPUS = \"%s\" ]\n", a, b, c);
	else if (strcmp(line, "MEMORY_NODE") == 0 && sscanf(value, "%63s %63s %4095[0-9 ]", a, b, c) >= 2)
		strbuf_addf(out, "MEMORY_NODE = [ NODE_ID = \"%s\", TOTAL = \"%s\", DISTANCE = \"%s\" ]\n", a, b,
			    strcspn(value, "\n") > strlen(a) + strlen(b) + 1 ? c : a);
	else if (strcmp(line, "HUGEPAGE") == 0 && sscanf(value, "%63s %63s %4095s", a, b, c) == 3)
		strbuf_addf(out, "HUGEPAGE = [ NODE_ID = \"%s\", SIZE = \"%s\", PAGES = \"%s\" ]\n", a, b, c);
	else if (strncmp(line, "CORE", 4) != 0 && strncmp(line, "MEMORY", 6) != 0 && strncmp(line, "HUGE", 4) != 0)
		strbuf_addf(out, "%s = \"%s\"\n", line, value);
}

void report_system(const struct report *r, const char *node, const char *load, struct strbuf *out)
{
	char line[8192];

	strbuf_addf(out, "HYPERVISOR = \"%s\"\n", r->hypervisor);
	strbuf_addf(out, "TOTALMEMORY = \"%llu\"\n", read_load(load).total_kb);
	while (next_line(&node, line, sizeof(line)))
		system_line(line, out);
}

void report_load(struct report *r, const char *load, struct strbuf *out)
{
	struct load l = read_load(load);
	unsigned long long busy = l.busy_ns - r->busy_ns, idle = l.idle_ns - r->idle_ns;
	unsigned long long all = l.cpus * 100ULL, used = 0;

	/* The first time it is the mean since the host started; counters that went back give nothing. */
	if (l.busy_ns >= r->busy_ns && l.idle_ns >= r->idle_ns && busy + idle > 0)
		used = (unsigned long long)((double)all * (double)busy / (double)(busy + idle));
	r->busy_ns = l.busy_ns;
	r->idle_ns = l.idle_ns;
	strbuf_addf(out, "USEDCPU = \"%llu\"\nFREECPU = \"%llu\"\nUSEDMEMORY = \"%llu\"\nFREEMEMORY = \"%llu\"\n", used, all - used,
		    l.total_kb - l.free_kb, l.free_kb);
}

/* ---- what runs on it ---- */

struct domain {
	char uuid[40], name[256];
	int id;                       /* of the VM; -1: not the cloud's */
	int state, reason;
	unsigned vcpus;
	unsigned long long cpu_ns, rss_kb, rx, tx, rd, wr, rd_ops, wr_ops;
};

/* "one-<number>" and nothing more. */
static int vm_id(const char *name)
{
	char *end;

	if (strncmp(name, "one-", 4) != 0 || name[4] < '0' || name[4] > '9')
		return -1;
	long id = strtol(name + 4, &end, 10);
	return *end == '\0' && id <= 0x7fffffff ? (int)id : -1;
}

static bool next_domain(const char **text, struct domain *d)
{
	char line[1024];

	while (next_line(text, line, sizeof(line))) {
		int n = sscanf(line, "%39s %255s %d %d %u %llu %llu %llu %llu %llu %llu %llu %llu", d->uuid, d->name, &d->state,
			       &d->reason, &d->vcpus, &d->cpu_ns, &d->rss_kb, &d->rx, &d->tx, &d->rd, &d->wr, &d->rd_ops,
			       &d->wr_ops);
		d->id = vm_id(d->name);
		if (n == 13)
			return true;
	}
	return false;
}

/* Paused is a state of many meanings: only one that somebody asked for is a suspended VM. */
static const char *paused(int reason)
{
	switch ((virDomainPausedReason)reason) {
	case VIR_DOMAIN_PAUSED_USER:
		return "SUSPENDED";
	case VIR_DOMAIN_PAUSED_SNAPSHOT:
	case VIR_DOMAIN_PAUSED_DUMP:
	case VIR_DOMAIN_PAUSED_FROM_SNAPSHOT:
	case VIR_DOMAIN_PAUSED_MIGRATION:
	case VIR_DOMAIN_PAUSED_SAVE:
	case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
	case VIR_DOMAIN_PAUSED_STARTING_UP:
	case VIR_DOMAIN_PAUSED_POSTCOPY:
		return "RUNNING";
	case VIR_DOMAIN_PAUSED_UNKNOWN:
	case VIR_DOMAIN_PAUSED_IOERROR:
	case VIR_DOMAIN_PAUSED_WATCHDOG:
	case VIR_DOMAIN_PAUSED_CRASHED:
	case VIR_DOMAIN_PAUSED_POSTCOPY_FAILED:
		return "FAILURE";
	}
	return "UNKNOWN";
}

static const char *vm_state(const struct domain *d)
{
	switch ((virDomainState)d->state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
	case VIR_DOMAIN_SHUTDOWN:
		return "RUNNING";
	case VIR_DOMAIN_PAUSED:
		return paused(d->reason);
	case VIR_DOMAIN_SHUTOFF:
		return "POWEROFF";
	case VIR_DOMAIN_CRASHED:
		return "FAILURE";
	case VIR_DOMAIN_PMSUSPENDED:
		return "SUSPENDED";
	case VIR_DOMAIN_NOSTATE:
		break;
	}
	return "UNKNOWN";
}

/* Names that need no quoting in a report. */
static bool is_plain(const char *name)
{
	return name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-")] == '\0';
}

static struct seen *remember(struct report *r, const struct domain *d)
{
	struct seen *s = smap_get(&r->domains, d->uuid);

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->id = d->id;
		smap_put(&r->domains, d->uuid, s);
	}
	free(s->name);
	s->name = d->id < 0 && is_plain(d->name) ? xstrdup(d->name) : NULL;
	return s;
}

static void add_state(struct strbuf *out, const struct seen *s, const char *uuid, const char *state)
{
	strbuf_addf(out, "VM = [ ID = \"%d\", DEPLOY_ID = \"%s\", STATE = \"%s\" ]\n", s->id, uuid, state);
	if (s->name != NULL)
		strbuf_addf(out, "VM = [ ID = \"%d\", DEPLOY_ID = \"%s\", STATE = \"%s\" ]\n", s->id, s->name, state);
}

/* A domain that is gone: told when it was missed often enough, then forgotten. */
static void add_missing(struct report *r, struct strbuf *out)
{
	struct arena gone = ARENA_INIT;
	const char *uuid, **list = arena_array(&gone, r->domains.n + 1, const char *);
	size_t it = 0, n = 0;
	void *val;

	while (smap_next(&r->domains, &it, &uuid, &val)) {
		struct seen *s = val;
		if (!s->present && ++s->missed >= MISSED_MAX)
			list[n++] = arena_strdup(&gone, uuid);
	}
	for (size_t i = 0; i < n; i++) {
		struct seen *s = smap_del(&r->domains, list[i]);
		add_state(out, s, list[i], "POWEROFF");
		forget(s);
	}
	arena_done(&gone);
}

void report_states(struct report *r, const char *domains, bool all, struct strbuf *out)
{
	struct domain d;
	const char *uuid;
	size_t it = 0;
	void *val;

	while (smap_next(&r->domains, &it, &uuid, &val))
		((struct seen *)val)->present = false;
	if (all)
		strbuf_lit(out, "SYNC_STATE = \"yes\"\nMISSING_STATE = \"POWEROFF\"\n");
	while (next_domain(&domains, &d)) {
		struct seen *s = remember(r, &d);
		const char *state = vm_state(&d);
		s->id = d.id;
		if (all || s->state == NULL || strcmp(s->state, state) != 0)
			add_state(out, s, d.uuid, state);
		s->state = state;
		s->present = true;
		s->missed = 0;
	}
	add_missing(r, out);
}

/* Percent of a processor since the last look; the first time there is none. */
static double cpu_percent(struct seen *s, const struct domain *d, int64_t now_ms)
{
	double percent = 0;

	if (s->when_ms > 0 && now_ms > s->when_ms && d->cpu_ns >= s->cpu_ns)
		percent = (double)(d->cpu_ns - s->cpu_ns) / 1e4 / (double)(now_ms - s->when_ms);
	s->cpu_ns = d->cpu_ns;
	s->when_ms = now_ms;
	return percent;
}

static void add_sample(struct strbuf *out, int id, const char *deploy_id, const char *uuid, const struct strbuf *text)
{
	strbuf_addf(out, "VM = [ ID = \"%d\", DEPLOY_ID = \"%s\", UUID = \"%s\", MONITOR = \"", id, deploy_id, uuid);
	base64_encode(text->buf, text->len, out);
	strbuf_lit(out, "\" ]\n");
}

void report_vms(struct report *r, const char *domains, int64_t now_ms, struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	struct domain d;

	while (next_domain(&domains, &d)) {
		if (strcmp(vm_state(&d), "POWEROFF") == 0)
			continue;
		struct seen *s = remember(r, &d);
		strbuf_reset(&text);
		strbuf_addf(&text, "CPU = \"%.2f\"\nMEMORY = \"%llu\"\n", cpu_percent(s, &d, now_ms), d.rss_kb);
		strbuf_addf(&text, "NETRX = \"%llu\"\nNETTX = \"%llu\"\nDISKRDBYTES = \"%llu\"\nDISKWRBYTES = \"%llu\"\n", d.rx, d.tx,
			    d.rd, d.wr);
		strbuf_addf(&text, "DISKRDIOPS = \"%llu\"\nDISKWRIOPS = \"%llu\"\n", d.rd_ops, d.wr_ops);
		add_sample(out, d.id, d.uuid, d.uuid, &text);
		if (s->name != NULL)
			add_sample(out, d.id, s->name, d.uuid, &text);
	}
	strbuf_done(&text);
}
