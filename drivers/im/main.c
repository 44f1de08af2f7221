/* onemonitord: between oned and the agents on hosts. oned tells it which hosts there are; it has the
 * monitor drivers (IM_MAD of monitord.conf) start the agents, receives what they send over UDP and TCP,
 * notices silence, and passes on to oned what matters (lines: monitor.h). Lines from oned, all but
 * FINALIZE with packed text:
 *
 *   HOST_LIST     - -1    <HOST_POOL>         UPDATE_HOST   - HOST  <HOST>       DEL_HOST - HOST
 *   START_MONITOR - HOST                      STOP_MONITOR  - HOST
 *   RAFT_STATUS   - -1    SOLO, LEADER, FOLLOWER, ...: only the first two monitor */
#include <stdlib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/driver.h"
#include "common/log.h"
#include "common/paths.h"
#include "common/strbuf.h"
#include "common/timeutil.h"
#include "common/xml.h"
#include "drivers/im/config.h"
#include "drivers/im/monitor.h"
#include "drivers/im/net.h"
#include "oned/drivers/mad.h"

#define POOL_MAX (256u * 1024 * 1024)
#define DRIVERS_UP_MS 8000  /* oned gives us 10 s for INIT */
#define DRIVERS_END_MS 2000

struct monitord {
	const char *conf_path, *oned_conf_path;
	bool with_samples;
	struct driver *driver;
	struct im_config config;
	struct monitor monitor;
	struct message_key *key;
	struct mads *mads;
	struct net *net;
	pthread_t timer;
	bool timer_runs;
	pthread_mutex_t lock; /* of stopping */
	pthread_cond_t stop;
	bool stopping;
};

/* ---- Calls out ---- */

static void to_oned(void *ctx, const char *action, const char *status, long long host, const char *packed)
{
	struct monitord *d = ctx;
	driver_send(d->driver, action, status, host, packed);
}

static void host_state(void *ctx, long long host, const char *state)
{
	struct monitord *d = ctx;
	monitor_send(&d->monitor, "HOST_STATE", "-", host, state);
}

static enum one_rc to_driver(struct monitord *d, const char *im_mad, const char *action, long long host,
			     const char *host_xml, struct one_err *err)
{
	if (!mads_has(d->mads, "im", im_mad))
		return one_err_set(err, ONE_NO_EXISTS, "Cannot find the monitor driver '%s'", im_mad);
	struct strbuf xml = STRBUF_INIT, line = STRBUF_INIT;
	strbuf_addf(&xml, "<MONITOR_DRIVER_ACTION>%s%s</MONITOR_DRIVER_ACTION>", host_xml,
		    d->config.actions_xml);
	strbuf_addf(&line, "%lld ", (long long)time_now());
	driver_pack(xml.buf, xml.len, &line);
	enum one_rc rc = mads_send(d->mads, "im", im_mad, action, host, line.buf, err);
	strbuf_done(&xml);
	strbuf_done(&line);
	return rc;
}

static enum one_rc start_host(void *ctx, const char *im_mad, long long host, const char *host_xml,
			      struct one_err *err)
{
	return to_driver(ctx, im_mad, "START_MONITOR", host, host_xml, err);
}

static void stop_host(void *ctx, const char *im_mad, long long host, const char *host_xml)
{
	struct one_err err = ONE_ERR_INIT;
	if (to_driver(ctx, im_mad, "STOP_MONITOR", host, host_xml, &err) != ONE_OK)
		log_warn("HMM", "The agent of host %lld cannot be stopped: %s", host, err.text);
}

/* ---- Calls in ---- */

static void on_network_line(void *ctx, char *line)
{
	struct monitord *d = ctx;
	monitor_network_line(&d->monitor, line);
}

static void on_driver(void *ctx, const char *kind, const char *name, enum mad_event what,
		      const struct driver_msg *msg)
{
	struct monitord *d = ctx;
	(void)kind;
	switch (what) {
	case MAD_UP:
		hosts_driver_up(d->monitor.hosts, name, time_now());
		break;
	case MAD_DOWN:
		hosts_driver_down(d->monitor.hosts, name);
		break;
	case MAD_MESSAGE:
		monitor_driver_message(&d->monitor, name, msg);
		break;
	}
}

static void *timer_main(void *arg)
{
	struct monitord *d = arg;
	int64_t until_ms = time_mono_ms();
	pthread_mutex_lock(&d->lock);
	while (!d->stopping) {
		until_ms += (int64_t)d->config.timer_s * 1000;
		while (!d->stopping && cond_wait_until(&d->stop, &d->lock, until_ms))
			continue;
		pthread_mutex_unlock(&d->lock);
		hosts_tick(d->monitor.hosts, time_now());
		pthread_mutex_lock(&d->lock);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* ---- Actions of oned ---- */

/* The text of a message; NULL: it can't be read, which is logged (oned waits for no answer). */
static const char *text_of(struct driver_call *call)
{
	struct strbuf text = STRBUF_INIT;
	const char *kept = NULL;
	if (driver_unpack(call->payload, POOL_MAX, &text))
		kept = arena_strndup(&call->arena, text.buf, text.len);
	else
		log_error("MDR", "%s from oned cannot be read", call->action);
	strbuf_done(&text);
	return kept;
}

static struct xnode *xml_of(struct driver_call *call)
{
	const char *text = text_of(call);
	struct xnode *root = NULL;
	struct one_err err = ONE_ERR_INIT;
	if (text &&
	    xml_parse(&call->arena, text, strlen(text), XML_MAX_DEPTH, POOL_MAX, &root, &err) != ONE_OK)
		log_error("MDR", "%s from oned cannot be read: %s", call->action, err.text);
	return root;
}

static void host_list(struct driver_call *call)
{
	struct monitord *d = call->ctx;
	const struct xnode *pool = xml_of(call);
	for (const struct xnode *h = pool ? xml_child(pool, "HOST") : NULL; h; h = xml_next(h))
		hosts_update(d->monitor.hosts, h, time_now());
	if (d->with_samples)
		monitor_send(&d->monitor, "MONITOR_CONF", "-", -1, d->config.expiration);
}

static void update_host(struct driver_call *call)
{
	struct monitord *d = call->ctx;
	const struct xnode *host = xml_of(call);
	if (host)
		hosts_update(d->monitor.hosts, host, time_now());
}

static void del_host(struct driver_call *call)
{
	struct monitord *d = call->ctx;
	hosts_delete(d->monitor.hosts, call->id);
}

static void start_monitor(struct driver_call *call)
{
	struct monitord *d = call->ctx;
	hosts_start(d->monitor.hosts, call->id, time_now());
}

static void stop_monitor(struct driver_call *call)
{
	struct monitord *d = call->ctx;
	hosts_stop(d->monitor.hosts, call->id);
}

static void raft_status(struct driver_call *call)
{
	struct monitord *d = call->ctx;
	const char *status = text_of(call);
	if (status)
		hosts_set_leader(d->monitor.hosts,
				 strcmp(status, "SOLO") == 0 || strcmp(status, "LEADER") == 0);
}

/* ---- Start and end ---- */

static enum one_rc open_log(struct monitord *d, struct one_err *err)
{
	char system[16];
	size_t i = 0;
	for (; d->config.log_system[i] && i < sizeof(system) - 1; i++)
		system[i] = (char)(d->config.log_system[i] | 0x20); /* lower case */
	system[i] = '\0';
	return log_open(system, paths_join(&d->config.arena, PATHS_LOG, "monitor.log"), "one_monitor",
			(enum log_level)d->config.debug_level, err);
}

static void log_warnings(char *warnings)
{
	char *line;
	while ((line = strsep(&warnings, "\n")))
		if (*line)
			log_warn("MON", "%s", line);
}

static enum one_rc configure(struct monitord *d, struct one_err *err)
{
	struct strbuf warnings = STRBUF_INIT;
	enum one_rc rc = im_config_load(&d->config, d->conf_path, d->oned_conf_path, &warnings, err);
	if (rc == ONE_OK)
		rc = open_log(d, err);
	if (rc == ONE_OK)
		log_warnings(warnings.buf);
	strbuf_done(&warnings);
	return rc;
}

static enum one_rc start_drivers(struct monitord *d, struct one_err *err)
{
	enum one_rc rc = mads_new(on_driver, d, &d->mads, err);
	for (const struct attr *a = conf_first(&d->config.conf, "IM_MAD"); rc == ONE_OK && a;
	     a = conf_next(a)) {
		const struct mad_config mad = { "im", attr_get(a, "NAME"), im_config_argv(&d->config, a),
						NULL };
		rc = mads_add(d->mads, &mad, err);
	}
	struct one_err down = ONE_ERR_INIT;
	/* the others can do their work; this one is started again and again */
	if (rc == ONE_OK && mads_wait_up(d->mads, DRIVERS_UP_MS, &down) != ONE_OK)
		log_error("MON", "%s", down.text);
	return rc;
}

static enum one_rc start_timer(struct monitord *d, struct one_err *err)
{
	int rc = pthread_create(&d->timer, NULL, timer_main, d);
	d->timer_runs = rc == 0;
	return rc ? one_err_set(err, ONE_INTERNAL, "Cannot start a thread: %s", strerror(rc)) : ONE_OK;
}

static void finalize(void *ctx)
{
	struct monitord *d = ctx;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->stop);
	pthread_mutex_unlock(&d->lock);
	if (d->timer_runs)
		pthread_join(d->timer, NULL);
	net_stop(d->net);
	mads_stop(d->mads, DRIVERS_END_MS);
	hosts_free(d->monitor.hosts);
	message_key_free(d->key);
	im_config_done(&d->config);
}

static enum one_rc init(void *ctx, int argc, char **argv, struct one_err *err)
{
	struct monitord *d = ctx;
	const struct hosts_calls calls = { d, start_host, stop_host, host_state };
	(void)argc;
	(void)argv;
	enum one_rc rc = configure(d, err);
	if (rc != ONE_OK)
		return rc;
	d->monitor.hosts = hosts_new(&calls, d->config.interval_host_s);
	d->monitor.with_samples = d->with_samples;
	d->monitor.send = to_oned;
	d->monitor.ctx = d;
	rc = message_key_load(d->config.private_key, &d->key, err);
	d->monitor.key = d->key;
	if (rc == ONE_OK)
		rc = net_start(d->config.address, d->config.port, d->config.threads, on_network_line, d,
			       &d->net, err);
	if (rc == ONE_OK)
		rc = start_drivers(d, err);
	if (rc == ONE_OK)
		rc = start_timer(d, err);
	if (rc != ONE_OK) {
		log_error("MON", "%s", err->text);
		finalize(d);
		d->timer_runs = d->stopping = false;
		d->net = NULL;
		d->mads = NULL;
	}
	return rc;
}

static void attach(void *ctx, struct driver *driver)
{
	struct monitord *d = ctx;
	d->driver = driver;
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct monitord *d = ctx;
	if (opt == 'c')
		d->conf_path = arg;
	else if (opt == 'o')
		d->oned_conf_path = arg;
	else if (opt == 'n')
		d->with_samples = false;
	return opt == 'c' || opt == 'o' || opt == 'n';
}

int main(int argc, char **argv)
{
	struct monitord d = { .conf_path = "monitord.conf",
			      .oned_conf_path = "oned.conf",
			      .with_samples = true,
			      .lock = PTHREAD_MUTEX_INITIALIZER };
	cond_init(&d.stop);
	static const struct driver_action actions[] = {
		{ "HOST_LIST", host_list },
		{ "UPDATE_HOST", update_host },
		{ "DEL_HOST", del_host },
		{ "START_MONITOR", start_monitor },
		{ "STOP_MONITOR", stop_monitor },
		{ "RAFT_STATUS", raft_status },
		{ NULL, NULL },
	};
	const struct driver_config config = {
		.name = "onemonitord",
		.help = "Watches the hosts: starts their agents and receives what they report.\n"
			"  -c FILE          configuration (default monitord.conf)\n"
			"  -o FILE          configuration of oned (default oned.conf)\n"
			"  -n               send no samples to oned (OpenNebula's own would not know what to do with them)\n",
		.actions = actions,
		.threads = 1,
		.ordered = true, /* what oned says is heeded in the order it was said */
		.ctx = &d,
		.attach = attach,
		.init = init,
		.finalize = finalize,
		.options = "c:o:n",
		.option = option,
	};
	return driver_main(&config, argc, argv);
}
