/* The hosts onemonitord knows, and whether they are alive (rules: hosts.h). */
#include "drivers/im/hosts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/map.h"

/* OpenNebula's numbers of those states that matter here. */
enum { STATE_INIT = 0, STATE_MONITORED = 2, STATE_ERROR = 3, STATE_OFFLINE = 8 };

#define LATE_MAX_S 300

struct host {
	long long id;
	char *name, *im_mad;
	char *xml;           /* what goes with START_MONITOR */
	long long state;
	time_t heard;        /* when its agent was last heard of, or oned told us of the host */
	time_t tried;        /* when START_MONITOR was last sent; 0: it couldn't be */
	bool starting;       /* START_MONITOR sent, not answered */
	time_t last[MESSAGE_TYPES]; /* when the last accepted message of the type was sent */
};

struct hosts {
	struct hosts_calls calls;
	int interval_s;
	pthread_mutex_t lock;
	struct imap by_id;
	bool leader;
};

struct hosts *hosts_new(const struct hosts_calls *calls, int interval_s)
{
	struct hosts *hosts = xcalloc(1, sizeof(*hosts));
	hosts->calls = *calls;
	hosts->interval_s = interval_s;
	hosts->leader = true;
	pthread_mutex_init(&hosts->lock, NULL);
	return hosts;
}

static void host_free(struct host *h)
{
	if (!h)
		return;
	free(h->name);
	free(h->im_mad);
	free(h->xml);
	free(h);
}

void hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return;
	size_t it = 0;
	int64_t id;
	void *h;
	while (imap_next(&hosts->by_id, &it, &id, &h))
		host_free(h);
	imap_done(&hosts->by_id);
	pthread_mutex_destroy(&hosts->lock);
	free(hosts);
}

/* Takes the lock. NULL where the host isn't known. */
static struct host *lock_host(struct hosts *hosts, long long id)
{
	pthread_mutex_lock(&hosts->lock);
	return imap_get(&hosts->by_id, id);
}

static void unlock(struct hosts *hosts)
{
	pthread_mutex_unlock(&hosts->lock);
}

static void tell_error(struct hosts *hosts, struct host *h, const char *why)
{
	char *text = xasprintf("ERROR %s", why);
	log_error("HMM", "Host %s (%lld): %s", h->name, h->id, why);
	h->state = STATE_ERROR;
	hosts->calls.state(hosts->calls.ctx, h->id, text);
	free(text);
}

static void start(struct hosts *hosts, struct host *h, time_t now)
{
	if (!hosts->leader || h->state == STATE_OFFLINE)
		return;
	struct one_err err = ONE_ERR_INIT;
	log_debug("HMM", "Starting the monitoring of host %s (%lld)", h->name, h->id);
	enum one_rc rc = hosts->calls.start(hosts->calls.ctx, h->im_mad, h->id, h->xml, &err);
	h->starting = rc == ONE_OK;
	h->tried = h->starting ? now : 0;
	bool hopeless = rc == ONE_NO_EXISTS || now - h->heard >= HOSTS_EXPIRE_S;
	if (!h->starting && hopeless && h->state != STATE_ERROR)
		tell_error(hosts, h, err.text);
}

static void stop(struct hosts *hosts, struct host *h)
{
	if (hosts->leader)
		hosts->calls.stop(hosts->calls.ctx, h->im_mad, h->id, h->xml);
	h->starting = false;
}

/* ---- What oned says ---- */

static char *make_xml(const struct xnode *host)
{
	static const char *const texts[] = { "NAME", "IM_MAD", "VM_MAD", "CLUSTER" };
	static const char *const numbers[] = { "ID", "STATE", "PREV_STATE", "CLUSTER_ID" };
	struct strbuf xml = STRBUF_INIT;
	xml_out_open(&xml, "HOST");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		xml_out_int(&xml, numbers[i], xml_int(host, numbers[i], -1));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		xml_out_text(&xml, texts[i], xml_text_or(host, texts[i], ""));
	xml_out_close(&xml, "HOST");
	return strbuf_detach(&xml, NULL);
}

static void take_fields(struct host *h, const struct xnode *host)
{
	free(h->name);
	free(h->im_mad);
	free(h->xml);
	h->name = xstrdup(xml_text_or(host, "NAME", ""));
	h->im_mad = xstrdup(xml_text_or(host, "IM_MAD", ""));
	h->xml = make_xml(host);
	h->state = xml_int(host, "STATE", STATE_INIT);
}

static void state_changed(struct hosts *hosts, struct host *h, long long old, time_t now)
{
	if (h->state == STATE_OFFLINE)
		stop(hosts, h);
	else if (old == STATE_OFFLINE && !h->starting)
		start(hosts, h, now);
	/* its clock may have been set meanwhile */
	memset(h->last, 0, sizeof(h->last));
	log_debug("HMM", "Host %s (%lld) is in state %lld", h->name, h->id, h->state);
}

void hosts_update(struct hosts *hosts, const struct xnode *host, time_t now)
{
	long long id = xml_int(host, "ID", -1);
	if (id < 0)
		return;
	struct host *h = lock_host(hosts, id);
	if (h) {
		long long old = h->state;
		take_fields(h, host);
		if (h->state != old)
			state_changed(hosts, h, old, now);
	} else {
		h = xcalloc(1, sizeof(*h));
		h->id = id;
		h->heard = now;
		take_fields(h, host);
		imap_put(&hosts->by_id, id, h);
		start(hosts, h, now);
	}
	unlock(hosts);
}

void hosts_delete(struct hosts *hosts, long long id)
{
	pthread_mutex_lock(&hosts->lock);
	host_free(imap_del(&hosts->by_id, id));
	unlock(hosts);
}

void hosts_start(struct hosts *hosts, long long id, time_t now)
{
	struct host *h = lock_host(hosts, id);
	if (h)
		start(hosts, h, now);
	else
		log_warn("HMM", "START_MONITOR: host %lld is not known", id);
	unlock(hosts);
}

void hosts_stop(struct hosts *hosts, long long id)
{
	struct host *h = lock_host(hosts, id);
	if (h)
		stop(hosts, h);
	else
		log_warn("HMM", "STOP_MONITOR: host %lld is not known", id);
	unlock(hosts);
}

void hosts_set_leader(struct hosts *hosts, bool leader)
{
	pthread_mutex_lock(&hosts->lock);
	hosts->leader = leader;
	unlock(hosts);
	log_info("HMM", "This front-end %s", leader ? "leads" : "does not lead");
}

/* ---- What agents say ---- */

static bool in_order(struct host *h, const struct message *m)
{
	if (m->when == 0)
		return true;
	/* much older: not late, but the clock of the host was set back */
	if (h->last[m->type] > m->when && h->last[m->type] - m->when < LATE_MAX_S) {
		log_warn("HMM", "A %s of host %s (%lld) came too late and is ignored",
			 message_type_names[m->type], h->name, h->id);
		return false;
	}
	h->last[m->type] = m->when;
	return true;
}

bool hosts_accepts(struct hosts *hosts, const struct message *m)
{
	struct host *h = lock_host(hosts, m->host);
	bool accepts = h && hosts->leader && h->state != STATE_OFFLINE && in_order(h, m);
	if (!h)
		log_msg(LOG_L_DDEBUG, "HMM", "A %s of host %lld, which is not known",
			message_type_names[m->type], m->host);
	unlock(hosts);
	return accepts;
}

void hosts_heard(struct hosts *hosts, long long id, time_t now)
{
	struct host *h = lock_host(hosts, id);
	if (h)
		h->heard = now;
	unlock(hosts);
}

void hosts_sampled(struct hosts *hosts, long long id, time_t now)
{
	struct host *h = lock_host(hosts, id);
	if (h) {
		h->heard = now;
		h->starting = false;
		if (h->state == STATE_ERROR) {
			h->state = STATE_MONITORED;
			hosts->calls.state(hosts->calls.ctx, id, "MONITORED");
		}
	}
	unlock(hosts);
}

void hosts_failed(struct hosts *hosts, long long id, const char *why, time_t now)
{
	struct host *h = lock_host(hosts, id);
	if (h && h->state != STATE_OFFLINE) {
		h->heard = now;
		h->starting = false;
		tell_error(hosts, h, why);
	}
	unlock(hosts);
}

void hosts_started(struct hosts *hosts, long long id, bool ok, const char *why, time_t now)
{
	struct host *h = lock_host(hosts, id);
	if (h && hosts->leader && h->state != STATE_OFFLINE) {
		h->starting = false;
		if (ok)
			h->heard = now;
		else
			tell_error(hosts, h, why);
	}
	unlock(hosts);
}

void hosts_driver_down(struct hosts *hosts, const char *im_mad)
{
	size_t it = 0;
	int64_t id;
	void *val;
	pthread_mutex_lock(&hosts->lock);
	while (imap_next(&hosts->by_id, &it, &id, &val)) {
		struct host *h = val;
		if (h->starting && strcmp(h->im_mad, im_mad) == 0) {
			h->starting = false;
			h->tried = 0;
		}
	}
	unlock(hosts);
}

void hosts_driver_up(struct hosts *hosts, const char *im_mad, time_t now)
{
	size_t it = 0;
	int64_t id;
	void *val;
	pthread_mutex_lock(&hosts->lock);
	while (imap_next(&hosts->by_id, &it, &id, &val)) {
		struct host *h = val;
		if (h->tried == 0 && strcmp(h->im_mad, im_mad) == 0)
			start(hosts, h, now);
	}
	unlock(hosts);
}

static void look_at(struct hosts *hosts, struct host *h, time_t now)
{
	if (h->state == STATE_OFFLINE)
		return;
	if (h->tried == 0) {
		start(hosts, h, now);
		return;
	}
	time_t last = h->heard > h->tried ? h->heard : h->tried;
	if (now - last <= (h->starting ? HOSTS_EXPIRE_S : hosts->interval_s))
		return;
	if (h->starting)
		tell_error(hosts, h, "The monitor driver did not answer in time");
	start(hosts, h, now);
}

void hosts_tick(struct hosts *hosts, time_t now)
{
	size_t it = 0;
	int64_t id;
	void *h;
	pthread_mutex_lock(&hosts->lock);
	while (hosts->leader && imap_next(&hosts->by_id, &it, &id, &h))
		look_at(hosts, h, now);
	unlock(hosts);
}
