/* one_im_libvirt: monitors hosts through their libvirt, over one kept connection a host. No agent is needed on them.
 *
 *   onemonitord ->  START_MONITOR - ID TIME PACKED     <MONITOR_DRIVER_ACTION><HOST/><MONITOR_CONFIGURATION/>...
 *   ->  onemonitord START_MONITOR SUCCESS ID TIME PACKED     a full report, as <MONITOR_MESSAGES>
 *                   BEACON_HOST, SYSTEM_HOST, MONITOR_HOST, STATE_VM, MONITOR_VM SUCCESS ID TIME PACKED
 *
 * Each host has a thread of its own, which asks and sends when a report is due. A host that doesn't answer is silent, and
 * onemonitord draws its conclusions from that. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto.h"
#include "common/timeutil.h"
#include "common/xml.h"
#include "drivers/im_libvirt/probe.h"
#include "drivers/im_libvirt/report.h"
#include "drivers/vmm_libvirt/virt.h"
#include "drivers/vmm_libvirt/vmm.h"

#define MESSAGE_MAX (16u * 1024 * 1024)
#define PROBE_TIMEOUT_S 90
#define PERIOD_MAX_S 86400

enum kind { KIND_BEACON, KIND_SYSTEM, KIND_MONITOR, KIND_STATE, KIND_VMS, KIND_SYNC, KINDS };

/* clang-format off */
static const struct { const char *message, *period; int dflt_s; } kinds[KINDS] = {
	[KIND_BEACON]  = { "BEACON_HOST",  "BEACON_HOST",   30 },
	[KIND_SYSTEM]  = { "SYSTEM_HOST",  "SYSTEM_HOST",   600 },
	[KIND_MONITOR] = { "MONITOR_HOST", "MONITOR_HOST",  120 },
	[KIND_STATE]   = { "STATE_VM",     "STATE_VM",      5 },
	[KIND_VMS]     = { "MONITOR_VM",   "MONITOR_VM",    30 },
	[KIND_SYNC]    = { "STATE_VM",     "SYNC_STATE_VM", 180 },
};
/* clang-format on */

struct im {
	struct vmm settings;      /* URIs and deadline, as the hypervisor driver finds them */
	struct driver *driver;
	const char *hypervisor;
	pthread_mutex_t lock;     /* all below */
	pthread_cond_t changed;
	struct imap hosts;        /* id -> struct host */
	int threads;              /* of hosts, running */
	bool stopping;
};

/* Belongs to its thread, but for `stop`. */
struct host {
	struct im *im;
	long long id;
	char *name;
	bool stop;                /* under im->lock: another has taken over, or nobody wants it */
	struct report report;
	int64_t due_ms[KINDS];
	int period_s[KINDS];
};

static void send_packed(struct im *im, const char *message, const char *status, long long id, const char *text)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "%lld ", (long long)time_now());
	driver_pack(text, strlen(text), &line);
	driver_send(im->driver, message, status, id, line.buf);
	strbuf_done(&line);
}

/* ---- one report ---- */

typedef enum one_rc (*probe_fn)(const struct virt_op *op, virConnectPtr c, virConnectPtr to, struct strbuf *out,
				struct one_err *err);

static enum one_rc ask(struct host *h, probe_fn probe, struct strbuf *out, struct one_err *err)
{
	const struct virt_op op = { .run = probe };
	int s = h->im->settings.timeout_s > 0 ? h->im->settings.timeout_s : PROBE_TIMEOUT_S;

	return hosts_run(&h->im->settings.hosts, h->name, &op, s * 1000, -1, out, err);
}

static enum one_rc make_report(struct host *h, enum kind kind, struct strbuf *out, struct one_err *err)
{
	struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
	enum one_rc rc = ONE_OK;

	switch (kind) {
	case KIND_BEACON:
		/* A sign of life is worth something only when the hypervisor answers. */
		rc = ask(h, probe_load, &a, err);
		strbuf_addi(out, (long long)time_now());
		break;
	case KIND_SYSTEM:
		rc = ask(h, probe_node, &a, err);
		if (rc == ONE_OK)
			rc = ask(h, probe_load, &b, err);
		if (rc == ONE_OK)
			report_system(&h->report, a.buf, b.buf, out);
		break;
	case KIND_MONITOR:
		rc = ask(h, probe_load, &a, err);
		if (rc == ONE_OK)
			report_load(&h->report, a.buf, out);
		break;
	case KIND_STATE:
	case KIND_SYNC:
		rc = ask(h, probe_domains, &a, err);
		if (rc == ONE_OK)
			report_states(&h->report, a.buf, kind == KIND_SYNC, out);
		break;
	case KIND_VMS:
		rc = ask(h, probe_domains, &a, err);
		if (rc == ONE_OK)
			report_vms(&h->report, a.buf, time_mono_ms(), out);
		break;
	case KINDS:
		break;
	}
	strbuf_done(&a);
	strbuf_done(&b);
	return rc;
}

static void send_report(struct host *h, enum kind kind)
{
	struct strbuf text = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;

	if (make_report(h, kind, &text, &err) != ONE_OK)
		fprintf(stderr, "one_im_libvirt: host %lld (%s): %s\n", h->id, h->name, err.text);
	else if (text.len > 0)
		send_packed(h->im, kinds[kind].message, "SUCCESS", h->id, text.buf);
	strbuf_done(&text);
}

/* ---- a host's thread ---- */

static void host_free(struct host *h)
{
	report_done(&h->report);
	free(h->name);
	free(h);
}

/* What is due first; waits until it is. KINDS: the host is no longer wanted. */
static enum kind wait_due(struct host *h)
{
	enum kind first = KIND_BEACON;

	for (int k = 1; k < KINDS; k++) {
		if (h->due_ms[k] < h->due_ms[first])
			first = (enum kind)k;
	}
	pthread_mutex_lock(&h->im->lock);
	while (!h->stop && time_mono_ms() < h->due_ms[first])
		cond_wait_until(&h->im->changed, &h->im->lock, h->due_ms[first]);
	bool stop = h->stop;
	pthread_mutex_unlock(&h->im->lock);
	return stop ? KINDS : first;
}

static void *host_main(void *arg)
{
	struct host *h = arg;
	struct im *im = h->im;
	enum kind kind;

	while ((kind = wait_due(h)) != KINDS) {
		send_report(h, kind);
		/* From its end: a slow host is not asked faster than it answers. */
		h->due_ms[kind] = time_mono_ms() + h->period_s[kind] * 1000LL;
	}
	host_free(h);
	pthread_mutex_lock(&im->lock);
	im->threads--;
	pthread_cond_broadcast(&im->changed);
	pthread_mutex_unlock(&im->lock);
	return NULL;
}

/* Puts a host into the map (NULL: takes it out); the one that was there is told to stop. */
static void replace_host(struct im *im, long long id, struct host *h)
{
	pthread_mutex_lock(&im->lock);
	struct host *old = h != NULL ? imap_put(&im->hosts, id, h) : imap_del(&im->hosts, id);
	if (old != NULL)
		old->stop = true;
	im->threads += h != NULL;
	pthread_cond_broadcast(&im->changed);
	pthread_mutex_unlock(&im->lock);
}

/* It never got a thread: it stays silent, and onemonitord starts it anew. */
static void forget_host(struct im *im, long long id, struct host *h)
{
	fprintf(stderr, "one_im_libvirt: no thread for host %lld\n", id);
	pthread_mutex_lock(&im->lock);
	if (imap_get(&im->hosts, id) == h)
		imap_del(&im->hosts, id);
	im->threads--;
	pthread_mutex_unlock(&im->lock);
	host_free(h);
}

static bool start_thread(struct host *h)
{
	pthread_t thread;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 512 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	bool ok = pthread_create(&thread, &attr, host_main, h) == 0;
	pthread_attr_destroy(&attr);
	return ok;
}

/* ---- actions ---- */

static enum one_rc read_action(struct driver_call *call, struct xnode **action, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	const char *packed = call->payload + strcspn(call->payload, " "); /* after the time */
	enum one_rc rc;

	if (driver_unpack(packed, MESSAGE_MAX, &text))
		rc = xml_parse(&call->arena, text.buf, text.len, XML_MAX_DEPTH, MESSAGE_MAX, action, err);
	else
		rc = one_err_set(err, ONE_ACTION, "The message is not packed text");
	strbuf_done(&text);
	return rc;
}

static struct host *host_new(struct im *im, long long id, const struct xnode *action)
{
	const struct xnode *host = xml_child(action, "HOST");
	const struct xnode *periods = xml_path(action, "MONITOR_CONFIGURATION/PROBES_PERIOD");
	const struct xnode *own = host != NULL ? xml_path(host, "TEMPLATE/PROBES_PERIOD") : NULL;
	struct host *h = xcalloc(1, sizeof(*h));

	h->im = im;
	h->id = id;
	h->name = xstrdup(host != NULL ? xml_text_or(host, "NAME", "") : "");
	report_init(&h->report, im->hypervisor);
	for (int k = 0; k < KINDS; k++) {
		long long s = periods != NULL ? xml_int(periods, kinds[k].period, kinds[k].dflt_s) : kinds[k].dflt_s;
		if (own != NULL)
			s = xml_int(own, kinds[k].period, s);
		h->period_s[k] = s < 1 ? 1 : s > PERIOD_MAX_S ? PERIOD_MAX_S : (int)s;
		h->due_ms[k] = time_mono_ms() + h->period_s[k] * 1000LL;
	}
	h->due_ms[KIND_SYNC] = 0; /* after a start nobody knows what ran meanwhile */
	return h;
}

static enum one_rc add_message(struct host *h, enum kind kind, struct strbuf *out, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = make_report(h, kind, &text, err);

	if (rc == ONE_OK) {
		xml_out_open(out, kinds[kind].message);
		base64_encode(text.buf, text.len, out);
		xml_out_close(out, kinds[kind].message);
	}
	strbuf_done(&text);
	return rc;
}

static enum one_rc first_report(struct host *h, struct strbuf *out, struct one_err *err)
{
	strbuf_lit(out, "<MONITOR_MESSAGES>");
	enum one_rc rc = add_message(h, KIND_SYSTEM, out, err);
	if (rc == ONE_OK)
		rc = add_message(h, KIND_MONITOR, out, err);
	xml_out_int(out, "TIMESTAMP", (long long)time_now());
	strbuf_lit(out, "</MONITOR_MESSAGES>");
	return rc;
}

static void start_monitor(struct driver_call *call)
{
	struct im *im = call->ctx;
	struct strbuf answer = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct xnode *action;
	struct host *h = NULL;

	enum one_rc rc = read_action(call, &action, &err);
	if (rc == ONE_OK) {
		h = host_new(im, call->id, action);
		rc = first_report(h, &answer, &err);
	}
	if (rc == ONE_OK) {
		send_packed(im, call->action, "SUCCESS", call->id, answer.buf);
		replace_host(im, call->id, h);
		if (!start_thread(h))
			forget_host(im, call->id, h);
	} else {
		send_packed(im, call->action, "FAILURE", call->id, err.text);
		if (h != NULL)
			host_free(h);
	}
	strbuf_done(&answer);
}

static void stop_monitor(struct driver_call *call)
{
	replace_host(call->ctx, call->id, NULL);
	send_packed(call->ctx, call->action, "SUCCESS", call->id, "");
}

/* ---- the program ---- */

static void attach(void *ctx, struct driver *driver)
{
	struct im *im = ctx;

	im->driver = driver;
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct im *im = ctx;
	int ms;

	switch (opt) {
	case 'u':
		im->settings.local_uri = arg;
		return true;
	case 'U':
		im->settings.remote_uri = arg;
		return true;
	case 'w':
		if (!driver_option_seconds(arg, &ms))
			return false;
		im->settings.timeout_s = ms / 1000;
		return true;
	case 'r': /* of one_im_ssh */
	case 'l':
		return true;
	}
	return false;
}

static enum one_rc init(void *ctx, int argc, char **argv, struct one_err *err)
{
	struct im *im = ctx;

	im->hypervisor = argc > 0 ? argv[0] : "kvm";
	vmm_settings(&im->settings);
	hosts_init(&im->settings.hosts, im->settings.local_uri, im->settings.remote_uri);
	return virt_start(err);
}

static void finalize(void *ctx)
{
	struct im *im = ctx;
	size_t it = 0;
	int64_t id;
	void *h;

	pthread_mutex_lock(&im->lock);
	while (imap_next(&im->hosts, &it, &id, &h))
		((struct host *)h)->stop = true;
	pthread_cond_broadcast(&im->changed);
	int64_t until_ms = time_mono_ms() + 2000; /* one that waits for a dead host ends with the process */
	while (im->threads > 0 && cond_wait_until(&im->changed, &im->lock, until_ms))
		continue;
	pthread_mutex_unlock(&im->lock);
}

int main(int argc, char **argv)
{
	static const struct driver_action actions[] = {
		{ "START_MONITOR", start_monitor }, { "STOP_MONITOR", stop_monitor }, { NULL, NULL },
	};
	struct im im = { .settings = { .arena = ARENA_INIT }, .hosts = IMAP_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct driver_config config = {
		.name = "one_im_libvirt",
		.help = "Monitors hosts through libvirt; the argument names the hypervisor (kvm or qemu).\n"
			"  -u URI     hypervisor of this machine (else LIBVIRT_URI of the environment or kvmrc, else qemu:///system)\n"
			"  -U URI     of other hosts, %h is the host (qemu+ssh://%h/system?no_tty=1)\n"
			"  -w SECONDS deadline of a question (90)\n"
			"  -r -l      are accepted for compatibility\n",
		.actions = actions,
		.threads = 15,
		.ctx = &im,
		.attach = attach,
		.init = init,
		.finalize = finalize,
		.options = "r:l:w:u:U:",
		.option = option,
	};

	cond_init(&im.changed);
	return driver_main(&config, argc, argv);
}
