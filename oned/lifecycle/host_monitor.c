/* The monitor driver: what it is told of hosts, and its messages (drawn at the top of drivers/im/monitor.h): states, what hosts are, states
 * of VMs, samples. All texts are packed. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto.h"
#include "common/log.h"
#include "oned/core/monitor.h"
#include "oned/lifecycle/host.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/common.h"
#include "oned/objects/vm.h"

#define IM_KIND "im"
#define IM_NAME "monitord"
#define TEXT_MAX (16u * 1024 * 1024) /* of one message, unpacked */

/* ---- telling ---- */

static void tell(struct txn *t, const char *action, long long id, const char *text, size_t len)
{
	struct strbuf packed = STRBUF_INIT;

	driver_pack(text, len, &packed);
	txn_send(t, IM_KIND, IM_NAME, action, id, packed.buf);
	strbuf_done(&packed);
}

void host_tell_updated(struct txn *t, const struct host *h)
{
	strbuf_reset(&t->scratch);
	h->o.ops->render(&h->o, &t->scratch);
	tell(t, "UPDATE_HOST", h->o.id, t->scratch.buf, t->scratch.len);
}

void host_tell_deleted(struct txn *t, int id)
{
	tell(t, "STOP_MONITOR", id, "", 0);
	tell(t, "DEL_HOST", id, "", 0);
}

void host_tell_start(struct txn *t, const struct host *h)
{
	log_debug("InM", "Monitoring host %s (%d)", h->o.name, h->o.id);
	tell(t, "START_MONITOR", h->o.id, "1", 1);
}

void im_driver_up(struct txn *t)
{
	struct strbuf pool = STRBUF_INIT;
	int *ids, n = txn_ids(t, OBJ_HOST, &ids);

	xml_out_open(&pool, "HOST_POOL");
	for (int i = 0; i < n; i++) {
		const struct host *h = txn_read(t, OBJ_HOST, ids[i]);

		if (h)
			h->o.ops->render(&h->o, &pool);
	}
	xml_out_close(&pool, "HOST_POOL");
	tell(t, "HOST_LIST", -1, pool.buf, pool.len);
	tell(t, "RAFT_STATUS", -1, "SOLO", 4);
	strbuf_done(&pool);
	monitor_expire_start(core_monitor(t->core));
}

/* ---- hosts ---- */

static struct host *edit_host(struct txn *t, long long id)
{
	return id >= 0 && id <= INT32_MAX && txn_exists(t, OBJ_HOST, (int)id) ? txn_edit(t, OBJ_HOST, (int)id) : NULL;
}

static struct tmpl *parse(struct txn *t, const char *what, long long host, const char *text)
{
	struct tmpl *out = tmpl_new(t->arena);
	struct one_err err = ONE_ERR_INIT;

	if (!tmpl_parse(out, text, &err))
		return out;
	log_error("InM", "%s of host %lld can't be read: %s", what, host, err.text);
	return NULL;
}

/* "ERROR reason", "MONITORED". */
static void on_state(struct txn *t, long long id, const char *text)
{
	struct host *h = edit_host(t, id);
	size_t word = strcspn(text, " \t\n");
	const char *reason = text + word + strspn(text + word, " \t\n");

	if (!h || h->state == HOST_OFFLINE)
		return;
	if (word == 5 && !strncmp(text, "ERROR", 5)) {
		if (h->state != HOST_ERROR)
			host_event(t, h, HOST_EV_FAILED, reason);
	} else if (word == 9 && !strncmp(text, "MONITORED", 9)) {
		host_event(t, h, HOST_EV_MONITORED, NULL);
	} else {
		log_warn("InM", "Unable to decode host state: %.*s", (int)word, text);
	}
}

static void on_system(struct txn *t, long long id, const char *text)
{
	struct host *h = edit_host(t, id);
	struct tmpl *info = h && h->state != HOST_OFFLINE ? parse(t, "HOST_SYSTEM", id, text) : NULL;

	if (!info)
		return;
	host_update_info(t, h, info);
	host_event(t, h, HOST_EV_MONITORED, NULL);
	log_debug("InM", "Host %s (%d) successfully monitored.", h->o.name, h->o.id);
}

/* ---- states of VMs ---- */

static bool runs_here(struct txn *t, long long vm_id, long long host)
{
	const struct vm *vm = vm_id >= 0 && vm_id <= INT32_MAX ? txn_read(t, OBJ_VM, (int)vm_id) : NULL;

	return vm && vm->history && vm->history->hid == host;
}

/* A report of one host about VMs, and which of the host's were imported, once that is asked for. */
struct vm_report { struct txn *t; long long host; struct smap imported; bool looked; };

/* The VM an entry is about: by ID, or, when it was imported, by DEPLOY_ID; -1: none. */
static int vm_of_entry(struct vm_report *r, const struct attr *entry)
{
	const char *deploy_id = entry->vector ? attr_get(entry, "DEPLOY_ID") : NULL;
	const struct host *h;
	long long id;

	if (!entry->vector || !attr_get_int(entry, "ID", &id) || id > INT32_MAX)
		return -1;
	if (id >= 0)
		return (int)id;
	if (!deploy_id)
		return -1;
	h = r->looked || r->host < 0 || r->host > INT32_MAX ? NULL : txn_read(r->t, OBJ_HOST, (int)r->host);
	if (h)
		vm_imported(r->t, h->vms.ids, h->vms.n, &r->imported);
	r->looked = true;
	return (int)(intptr_t)smap_get(&r->imported, deploy_id) - 1;
}

/* VMs that the host reports though they aren't there by our books. */
static void note_zombies(struct txn *t, struct host *h, const struct idset *reported)
{
	struct strbuf list = STRBUF_INIT;
	const char *before = tmpl_text(h->o.tmpl, "ZOMBIES");
	int n = 0;

	(void)t;
	for (int i = 0; i < reported->n; i++)
		if (!idset_has(&h->vms, reported->ids[i]))
			strbuf_addf(&list, n++ ? ", %d" : "%d", reported->ids[i]);
	if (strcmp(list.buf, before) != 0) {
		tmpl_remove(h->o.tmpl, "ZOMBIES");
		tmpl_remove(h->o.tmpl, "TOTAL_ZOMBIES");
		if (n) {
			tmpl_set(h->o.tmpl, "ZOMBIES", list.buf);
			tmpl_setf(h->o.tmpl, "TOTAL_ZOMBIES", "%d", n);
		}
	}
	strbuf_done(&list);
}

/* A whole report: VMs of the host that don't stand in it are in MISSING_STATE. */
static void add_missing(struct txn *t, struct host *h, const struct tmpl *report, const struct idset *reported, struct strbuf *out)
{
	const char *state = tmpl_get(report, "MISSING_STATE");

	for (int i = 0; state && i < h->vms.n; i++)
		if (!idset_has(reported, h->vms.ids[i]) && runs_here(t, h->vms.ids[i], h->o.id))
			strbuf_addf(out, "VM = [ ID = \"%d\", STATE = \"%s\" ]\n", h->vms.ids[i],
				    strcasecmp(state, "UNKNOWN") ? "POWEROFF" : "UNKNOWN");
}

/* The word of a state: letters and '_' only, so that it can be quoted. */
static bool is_word(const char *s)
{
	return s && *s && s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")] == '\0';
}

static void on_vm_state(struct txn *t, long long id, const char *text)
{
	struct tmpl *report = parse(t, "VM_STATE", id, text);
	struct strbuf ours = STRBUF_INIT;
	struct idset reported = { 0 };
	struct vm_report r = { .t = t, .host = id };
	struct host *h;
	bool whole;

	if (!report)
		return;
	for (const struct attr *a = tmpl_find(report, "VM"); a; a = tmpl_find_next(a)) {
		const char *state = a->vector ? attr_get(a, "STATE") : NULL;
		int vm = is_word(state) ? vm_of_entry(&r, a) : -1;

		if (vm < 0)
			continue;
		idset_add(&reported, t->arena, vm);
		if (runs_here(t, vm, id)) /* one that has left since says nothing */
			strbuf_addf(&ours, "VM = [ ID = \"%d\", STATE = \"%s\" ]\n", vm, state);
	}
	if (tmpl_get_bool(report, "SYNC_STATE", &whole) && whole && (h = edit_host(t, id))) {
		note_zombies(t, h, &reported);
		add_missing(t, h, report, &reported, &ours);
	}
	if (ours.len)
		vm_monitor_state(t, ours.buf);
	strbuf_done(&ours);
	smap_done(&r.imported);
}

/* ---- samples ---- */

static void out_number(struct strbuf *out, const struct tmpl *from, const char *name, const char *shown)
{
	long long value;

	if (tmpl_get_int(from, name, &value))
		strbuf_addf(out, "<%s><![CDATA[%lld]]></%s>", shown, value, shown);
}

static void out_numa(struct strbuf *out, const struct tmpl *from)
{
	for (const struct attr *m = tmpl_vector(from, "MEMORY_NODE"); m; m = tmpl_find_next(m)) {
		long long node, free_kb = 0, used = 0, of, size;

		if (!m->vector || !attr_get_int(m, "NODE_ID", &node))
			continue;
		attr_get_int(m, "FREE", &free_kb);
		attr_get_int(m, "USED", &used);
		xml_out_open(out, "NUMA_NODE");
		for (const struct attr *p = tmpl_vector(from, "HUGEPAGE"); p; p = tmpl_find_next(p)) {
			long long pages = 0;

			if (!p->vector || !attr_get_int(p, "NODE_ID", &of) || of != node || !attr_get_int(p, "SIZE", &size))
				continue;
			attr_get_int(p, "FREE", &pages);
			strbuf_addf(out, "<HUGEPAGE><FREE><![CDATA[%lld]]></FREE><SIZE><![CDATA[%lld]]></SIZE></HUGEPAGE>", pages, size);
		}
		strbuf_addf(out, "<MEMORY><FREE><![CDATA[%lld]]></FREE><USED><![CDATA[%lld]]></USED></MEMORY>", free_kb, used);
		strbuf_addf(out, "<NODE_ID><![CDATA[%lld]]></NODE_ID>", node);
		xml_out_close(out, "NUMA_NODE");
	}
}

static void on_host_sample(struct txn *t, long long id, const char *text)
{
	struct tmpl *sample = id >= 0 && id <= INT32_MAX && txn_exists(t, OBJ_HOST, (int)id) ? parse(t, "MONITOR_HOST", id, text) : NULL;
	struct strbuf xml = STRBUF_INIT;

	if (!sample)
		return;
	xml_out_open(&xml, "MONITORING");
	xml_out_int(&xml, "TIMESTAMP", (long long)t->now);
	xml_out_int(&xml, "ID", id);
	xml_out_open(&xml, "CAPACITY");
	out_number(&xml, sample, "FREECPU", "FREE_CPU");
	out_number(&xml, sample, "FREEMEMORY", "FREE_MEMORY");
	out_number(&xml, sample, "USEDCPU", "USED_CPU");
	out_number(&xml, sample, "USEDMEMORY", "USED_MEMORY");
	xml_out_close(&xml, "CAPACITY");
	xml_out_open(&xml, "SYSTEM");
	out_number(&xml, sample, "NETRX", "NETRX");
	out_number(&xml, sample, "NETTX", "NETTX");
	xml_out_close(&xml, "SYSTEM");
	out_numa(&xml, sample);
	xml_out_close(&xml, "MONITORING");
	monitor_record(t, MONITOR_HOST, (int)id, t->now, xml.buf, xml.len);
	strbuf_done(&xml);
}

/* What the last sample said, for what this one is silent about: probes report at different times. */
static struct tmpl *last_sample(struct txn *t, int vm_id)
{
	struct strbuf xml = STRBUF_INIT;
	struct tmpl *last = tmpl_new(t->arena);

	if (monitor_get(core_monitor(t->core), MONITOR_VM, vm_id, NULL, &xml) && tmpl_parse(last, xml.buf, NULL))
		last = tmpl_new(t->arena);
	strbuf_done(&xml);
	return last;
}

static void vm_sample(struct txn *t, int vm_id, const char *base64)
{
	struct strbuf text = STRBUF_INIT, xml = STRBUF_INIT;
	struct tmpl *sample;

	if (base64_decode(base64, strlen(base64), &text) && (sample = parse(t, "A sample of a VM", vm_id, text.buf))) {
		struct tmpl *all = last_sample(t, vm_id);

		tmpl_merge(all, sample);
		tmpl_setf(all, "ID", "%d", vm_id);
		tmpl_setf(all, "TIMESTAMP", "%lld", (long long)t->now);
		tmpl_to_xml(all, "MONITORING", &xml);
		monitor_record(t, MONITOR_VM, vm_id, t->now, xml.buf, xml.len);
	}
	strbuf_done(&text);
	strbuf_done(&xml);
}

static void on_vm_samples(struct txn *t, long long id, const char *text)
{
	struct tmpl *list = parse(t, "MONITOR_VM", id, text);
	struct vm_report r = { .t = t, .host = id };

	for (const struct attr *a = list ? tmpl_find(list, "VM") : NULL; a; a = tmpl_find_next(a)) {
		int vm = a->vector && attr_get(a, "MONITOR") ? vm_of_entry(&r, a) : -1;

		if (runs_here(t, vm, id))
			vm_sample(t, vm, attr_get(a, "MONITOR"));
	}
	smap_done(&r.imported);
}

static void on_conf(struct txn *t, long long id, const char *text)
{
	struct tmpl *conf = parse(t, "MONITOR_CONF", id, text);
	struct monitor *m = core_monitor(t->core);
	long long seconds;

	if (conf && tmpl_get_int(conf, "HOST_MONITORING_EXPIRATION_TIME", &seconds))
		monitor_set_expiration(m, MONITOR_HOST, (int)seconds);
	if (conf && tmpl_get_int(conf, "VM_MONITORING_EXPIRATION_TIME", &seconds))
		monitor_set_expiration(m, MONITOR_VM, (int)seconds);
}

/* ---- all messages ---- */

static const struct { const char *action; void (*run)(struct txn *t, long long id, const char *text); } messages[] = {
	{ "HOST_STATE", on_state },     { "HOST_SYSTEM", on_system },  { "VM_STATE", on_vm_state },
	{ "MONITOR_HOST", on_host_sample }, { "MONITOR_VM", on_vm_samples }, { "MONITOR_CONF", on_conf },
};

void im_message(struct txn *t, const struct driver_msg *m)
{
	struct strbuf text = STRBUF_INIT;

	if (!strcmp(m->action, "LOG")) {
		log_msg(*m->status == 'E' ? LOG_L_ERROR : *m->status == 'W' ? LOG_L_WARNING : LOG_L_DEBUG, "InM", "%s", m->payload);
		return;
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (strcmp(messages[i].action, m->action) != 0)
			continue;
		if (driver_unpack(m->payload, TEXT_MAX, &text))
			messages[i].run(t, m->id, text.buf);
		else
			log_warn("InM", "%s of host %lld can't be unpacked", m->action, m->id);
		strbuf_done(&text);
		return;
	}
	log_warn("InM", "The monitor driver sent an unknown message: %s", m->action);
}
