/* The hosts onemonitord knows, and whether they are alive.
 *
 * A host is heard when an agent's message arrives. One that is silent for MONITORING_INTERVAL_HOST gets
 * its agent started again (START_MONITOR, by its monitor driver); when that fails, or isn't answered
 * within HOSTS_EXPIRE_S, oned is told ERROR. A monitor driver that is down says nothing of its hosts:
 * they are ERROR only once they are silent for HOSTS_EXPIRE_S. Hosts in state OFFLINE are left alone.
 * While this front-end is no leader nothing is started. Any thread may call; the calls out are made under
 * the lock and must not come back. */
#ifndef IM_HOSTS_H
#define IM_HOSTS_H

#include <stdbool.h>
#include <time.h>
#include "common/err.h"
#include "common/xml.h"
#include "drivers/im/message.h"

#define HOSTS_EXPIRE_S 300

struct hosts_calls {
	void *ctx;
	/* To a monitor driver; host_xml is a <HOST>. ONE_NO_EXISTS: there is no such driver;
	 * ONE_INTERNAL: it is down. */
	enum one_rc (*start)(void *ctx, const char *im_mad, long long host, const char *host_xml,
			     struct one_err *err);
	void (*stop)(void *ctx, const char *im_mad, long long host, const char *host_xml);
	/* To oned: "ERROR reason", "MONITORED". */
	void (*state)(void *ctx, long long host, const char *state);
};

struct hosts;

struct hosts *hosts_new(const struct hosts_calls *calls, int interval_s);
void hosts_free(struct hosts *hosts);

/* What oned says. */
void hosts_update(struct hosts *hosts, const struct xnode *host, time_t now);
void hosts_delete(struct hosts *hosts, long long id);
void hosts_start(struct hosts *hosts, long long id, time_t now);
void hosts_stop(struct hosts *hosts, long long id);
void hosts_set_leader(struct hosts *hosts, bool leader);

/* What agents say. hosts_accepts: whether a message is to be heeded: the host is known and not OFFLINE,
 * we lead, and no later one of this type was accepted before. */
bool hosts_accepts(struct hosts *hosts, const struct message *m);
void hosts_heard(struct hosts *hosts, long long id, time_t now);
/* A sample of the host arrived: one that oned believes broken is well again. */
void hosts_sampled(struct hosts *hosts, long long id, time_t now);
void hosts_failed(struct hosts *hosts, long long id, const char *why, time_t now);
void hosts_started(struct hosts *hosts, long long id, bool ok, const char *why, time_t now);
/* A monitor driver died: what was asked of it is not coming. It is there (again): what couldn't be asked
 * is asked. */
void hosts_driver_down(struct hosts *hosts, const char *im_mad);
void hosts_driver_up(struct hosts *hosts, const char *im_mad, time_t now);

/* Looks at all clocks; to be called every MANAGER_TIMER. */
void hosts_tick(struct hosts *hosts, time_t now);

#endif
