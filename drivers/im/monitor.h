/* What onemonitord does with the messages of agents and monitor drivers: keeps the hosts' clocks, and
 * passes on to oned what it needs to know. Lines to oned, all with packed text (base64(zlib(text))):
 *
 *   HOST_STATE   - HOST        ERROR <reason>  |  MONITORED
 *   HOST_SYSTEM  SUCCESS HOST  template: what the host is (ARCH, TOTALCPU, CORE, PCI, ...)
 *   VM_STATE     - HOST        template: VM = [ ID, DEPLOY_ID, STATE ] ..., SYNC_STATE, MISSING_STATE
 * and, because only oned writes the database, the samples (not sent under a stock oned, option -n):
 *   MONITOR_HOST - HOST        template: FREECPU, USEDCPU, FREEMEMORY, ..., as the probes gave it
 *   MONITOR_VM   - HOST        template: one VM = [ ID, DEPLOY_ID, MONITOR = "<base64 of template text>" ]
 *                              a VM; ID -1: known by DEPLOY_ID only
 *   MONITOR_CONF - -1          template: HOST_MONITORING_EXPIRATION_TIME, VM_MONITORING_EXPIRATION_TIME, in
 *                              seconds; sent in answer to HOST_LIST
 * / */
#ifndef IM_MONITOR_H
#define IM_MONITOR_H

#include <stdatomic.h>
#include "common/driver.h"
#include "drivers/im/hosts.h"
#include "drivers/im/message.h"

struct monitor {
	struct hosts *hosts;
	const struct message_key *key; /* NULL: what comes over the network is not encrypted */
	bool with_samples;
	/* A line to oned; any thread. */
	void (*send)(void *ctx, const char *action, const char *status, long long host, const char *packed);
	void *ctx;
	/* Complaints about what strangers send are limited, so that nobody can fill the disk with our log. */
	atomic_llong complaints_since_ms;
	atomic_int complaints;
};

/* A line from the network. Changed in place. Any thread. */
void monitor_network_line(struct monitor *m, char *line);
/* A message of a monitor driver. */
void monitor_driver_message(struct monitor *m, const char *mad, const struct driver_msg *msg);
/* A line to oned with its text packed. */
void monitor_send(struct monitor *m, const char *action, const char *status, long long host,
		  const char *text);

#endif
