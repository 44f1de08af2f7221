/* one_im_dummy: the monitor driver of hosts that don't exist. START_MONITOR is answered with a full
 * report, as the agent of a real host does on its first run; from then on a thread reports each host at
 * the periods it was given.
 *
 *   onemonitord -> START_MONITOR - ID TIME PACKED        base64(zlib(<MONITOR_DRIVER_ACTION><HOST/>
 *                                                        <MONITOR_CONFIGURATION/>...))
 *   -> onemonitord START_MONITOR SUCCESS ID TIME PACKED  <MONITOR_MESSAGES>: a base64 element a message
 *                  MONITOR_HOST, SYSTEM_HOST, MONITOR_VM, BEACON_HOST SUCCESS ID TIME PACKED */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/driver.h"
#include "common/timeutil.h"
#include "common/xml.h"
#include "drivers/im_dummy/facts.h"
#include "drivers/im_dummy/vms.h"

#define MESSAGE_MAX (16u * 1024 * 1024)
#define PERIOD_MIN_S 1
#define PERIOD_MAX_S 86400

enum report { REPORT_BEACON, REPORT_SYSTEM, REPORT_MONITOR, REPORT_VMS, REPORTS };

/* clang-format off */
static const struct { const char *message, *period; int dflt_s; } reports[REPORTS] = {
	[REPORT_BEACON]  = { "BEACON_HOST",  "BEACON_HOST",  30 },
	[REPORT_SYSTEM]  = { "SYSTEM_HOST",  "SYSTEM_HOST",  600 },
	[REPORT_MONITOR] = { "MONITOR_HOST", "MONITOR_HOST", 120 },
	[REPORT_VMS]     = { "MONITOR_VM",   "MONITOR_VM",   30 },
};
/* clang-format on */

struct host {
	char *name;
	int64_t due_ms[REPORTS];
	int period_s[REPORTS];
};

struct dummy {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct imap hosts; /* id -> struct host */
	struct driver *driver;
	bool stopping;
};

static void send_packed(struct driver *d, const char *message, const char *status, long long id,
			const char *text)
{
	struct strbuf line = STRBUF_INIT;
	strbuf_addf(&line, "%lld ", (long long)time_now());
	driver_pack(text, strlen(text), &line);
	driver_send(d, message, status, id, line.buf);
	strbuf_done(&line);
}

static void host_free(struct host *h)
{
	if (h)
		free(h->name);
	free(h);
}

/* ---- The reports of all hosts ---- */

struct due {
	long long id;
	enum report report;
	char *name;
};

/* Takes the next report whose time has come; until_ms: when to look again where there is none. */
static bool take_due(struct dummy *dummy, struct due *due, int64_t *until_ms)
{
	int64_t now = time_mono_ms(), id;
	size_t it = 0;
	void *val;
	*until_ms = now + PERIOD_MAX_S * 1000LL;
	while (imap_next(&dummy->hosts, &it, &id, &val)) {
		struct host *h = val;
		for (int i = 0; i < REPORTS; i++) {
			if (h->due_ms[i] <= now) {
				h->due_ms[i] = now + h->period_s[i] * 1000LL;
				*due = (struct due){ id, (enum report)i, xstrdup(h->name) };
				return true;
			}
			if (h->due_ms[i] < *until_ms)
				*until_ms = h->due_ms[i];
		}
	}
	return false;
}

/* One question to oned serves all hosts. */
static void report_vms(struct dummy *dummy)
{
	struct imap by_host = IMAP_INIT;
	struct one_err err = ONE_ERR_INIT;
	size_t it = 0;
	int64_t id;
	void *val;
	if (vms_ask(&by_host, &err) != ONE_OK)
		fprintf(stderr, "one_im_dummy: cannot ask for the VMs: %s\n", err.text);
	pthread_mutex_lock(&dummy->lock);
	while (imap_next(&dummy->hosts, &it, &id, &val)) {
		struct host *h = val;
		const struct strbuf *text = imap_get(&by_host, id);
		h->due_ms[REPORT_VMS] = time_mono_ms() + h->period_s[REPORT_VMS] * 1000LL;
		if (text)
			send_packed(dummy->driver, reports[REPORT_VMS].message, "SUCCESS", id, text->buf);
	}
	pthread_mutex_unlock(&dummy->lock);
	vms_free(&by_host);
}

static void report(struct dummy *dummy, const struct due *due)
{
	struct strbuf text = STRBUF_INIT;
	switch (due->report) {
	case REPORT_BEACON:
		strbuf_addi(&text, (long long)time_now());
		break;
	case REPORT_SYSTEM:
		facts_system(due->name, &text);
		break;
	case REPORT_MONITOR:
		facts_monitor(&text);
		break;
	case REPORT_VMS:
		report_vms(dummy);
		break;
	case REPORTS:
		break;
	}
	if (text.len)
		send_packed(dummy->driver, reports[due->report].message, "SUCCESS", due->id, text.buf);
	strbuf_done(&text);
}

static void *reporter_main(void *arg)
{
	struct dummy *dummy = arg;
	pthread_mutex_lock(&dummy->lock);
	while (!dummy->stopping) {
		struct due due;
		int64_t until_ms;
		if (take_due(dummy, &due, &until_ms)) {
			pthread_mutex_unlock(&dummy->lock);
			report(dummy, &due);
			free(due.name);
			pthread_mutex_lock(&dummy->lock);
			continue;
		}
		cond_wait_until(&dummy->changed, &dummy->lock, until_ms);
	}
	pthread_mutex_unlock(&dummy->lock);
	return NULL;
}

/* ---- Actions ---- */

/* false: the message can't be read; answered. */
static bool read_action(struct driver_call *call, struct xnode **action)
{
	struct strbuf text = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	const char *packed = call->payload + strcspn(call->payload, " "); /* after the time */
	bool ok = driver_unpack(packed, MESSAGE_MAX, &text) &&
		  xml_parse(&call->arena, text.buf, text.len, XML_MAX_DEPTH, MESSAGE_MAX, action, &err) ==
			  ONE_OK;
	strbuf_done(&text);
	if (!ok)
		send_packed(call->driver, call->action, "FAILURE", call->id,
			    *err.text ? err.text : "The message is not packed text");
	return ok;
}

static struct host *host_new(const struct xnode *action)
{
	const struct xnode *host = xml_child(action, "HOST");
	const struct xnode *periods = xml_path(action, "MONITOR_CONFIGURATION/PROBES_PERIOD");
	struct host *h = xcalloc(1, sizeof(*h));
	h->name = xstrdup(host ? xml_text_or(host, "NAME", "") : "");
	for (int i = 0; i < REPORTS; i++) {
		long long s =
			periods ? xml_int(periods, reports[i].period, reports[i].dflt_s) : reports[i].dflt_s;
		h->period_s[i] = s < PERIOD_MIN_S ? PERIOD_MIN_S : s > PERIOD_MAX_S ? PERIOD_MAX_S : (int)s;
		h->due_ms[i] = time_mono_ms() + h->period_s[i] * 1000LL;
	}
	h->due_ms[REPORT_VMS] = 0; /* the first answer doesn't have them */
	return h;
}

static void add_message(struct strbuf *out, enum report what, const struct strbuf *text)
{
	xml_out_open(out, reports[what].message);
	base64_encode(text->buf, text->len, out);
	xml_out_close(out, reports[what].message);
}

static void answer_start(struct driver_call *call, const char *name)
{
	struct strbuf answer = STRBUF_INIT, system = STRBUF_INIT, monitor = STRBUF_INIT;
	facts_system(name, &system);
	facts_monitor(&monitor);
	strbuf_lit(&answer, "<MONITOR_MESSAGES>");
	add_message(&answer, REPORT_SYSTEM, &system);
	add_message(&answer, REPORT_MONITOR, &monitor);
	xml_out_int(&answer, "TIMESTAMP", (long long)time_now());
	strbuf_lit(&answer, "</MONITOR_MESSAGES>");
	send_packed(call->driver, call->action, "SUCCESS", call->id, answer.buf);
	strbuf_done(&answer);
	strbuf_done(&system);
	strbuf_done(&monitor);
}

static void start_monitor(struct driver_call *call)
{
	struct dummy *dummy = call->ctx;
	struct xnode *action;
	if (!read_action(call, &action))
		return;
	struct host *h = host_new(action);
	answer_start(call, h->name);
	pthread_mutex_lock(&dummy->lock);
	host_free(imap_put(&dummy->hosts, call->id, h));
	pthread_cond_signal(&dummy->changed);
	pthread_mutex_unlock(&dummy->lock);
}

static void stop_monitor(struct driver_call *call)
{
	struct dummy *dummy = call->ctx;
	pthread_mutex_lock(&dummy->lock);
	host_free(imap_del(&dummy->hosts, call->id));
	pthread_mutex_unlock(&dummy->lock);
	send_packed(call->driver, call->action, "SUCCESS", call->id, "");
}

static void attach(void *ctx, struct driver *driver)
{
	struct dummy *dummy = ctx;
	dummy->driver = driver;
}

static enum one_rc init(void *ctx, int argc, char **argv, struct one_err *err)
{
	struct dummy *dummy = ctx;
	(void)argc;
	(void)argv;
	int rc = pthread_create(&dummy->thread, NULL, reporter_main, dummy);
	return rc ? one_err_set(err, ONE_INTERNAL, "Cannot start a thread: %s", strerror(rc)) : ONE_OK;
}

static void finalize(void *ctx)
{
	struct dummy *dummy = ctx;
	pthread_mutex_lock(&dummy->lock);
	dummy->stopping = true;
	pthread_cond_signal(&dummy->changed);
	pthread_mutex_unlock(&dummy->lock);
	pthread_join(dummy->thread, NULL);
	size_t it = 0;
	int64_t id;
	void *h;
	while (imap_next(&dummy->hosts, &it, &id, &h))
		host_free(h);
	imap_done(&dummy->hosts);
}

int main(int argc, char **argv)
{
	struct dummy dummy = { .hosts = IMAP_INIT, .lock = PTHREAD_MUTEX_INITIALIZER };
	cond_init(&dummy.changed);
	static const struct driver_action actions[] = {
		{ "START_MONITOR", start_monitor }, { "STOP_MONITOR", stop_monitor }, { NULL, NULL }
	};
	const struct driver_config config = {
		.name = "one_im_dummy",
		.help = "The monitor driver of hosts that do not exist.\n",
		.actions = actions,
		.threads = 4,
		.ctx = &dummy,
		.attach = attach,
		.init = init,
		.finalize = finalize,
	};
	return driver_main(&config, argc, argv);
}
