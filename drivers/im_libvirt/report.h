/* Reports about a host, in OpenNebula's words, from the plain values of probe.h. Without a connection, so tested alone. */
#ifndef IM_LIBVIRT_REPORT_H
#define IM_LIBVIRT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/map.h"
#include "common/strbuf.h"

/* What was seen of one domain the last time. */
struct seen {
	int id;                /* of the VM; -1: not the cloud's */
	char *name;            /* of one that isn't the cloud's; NULL: none that can be told */
	const char *state;     /* as oned knows it: RUNNING, SUSPENDED, FAILURE, POWEROFF */
	unsigned long long cpu_ns;
	int64_t when_ms;
	int missed;            /* how often it wasn't there any more */
	bool present;          /* found by the look that goes on */
};

/* One host's memory between reports. */
struct report {
	const char *hypervisor;   /* "kvm" or "qemu" */
	struct smap domains;      /* UUID -> struct seen */
	unsigned long long busy_ns, idle_ns;
};

void report_init(struct report *r, const char *hypervisor);
void report_done(struct report *r);

/* SYSTEM_HOST: ARCH, MODELNAME, TOTALCPU, TOTALMEMORY, CORE, ... from a node's and a load's lines. */
void report_system(const struct report *r, const char *node, const char *load, struct strbuf *out);
/* MONITOR_HOST: USEDCPU, FREECPU (since the last look), USEDMEMORY, FREEMEMORY. */
void report_load(struct report *r, const char *load, struct strbuf *out);
/* STATE_VM: the VMs whose state has changed, or all of them with SYNC_STATE when `all`. Nothing is appended when there
 * is nothing to tell. A domain that was missed twice is off. One that isn't the cloud's has the ID -1 and is told by UUID and
 * by name: an imported VM may have either as its DEPLOY_ID. */
void report_states(struct report *r, const char *domains, bool all, struct strbuf *out);
/* MONITOR_VM: each VM's load since the last look. */
void report_vms(struct report *r, const char *domains, int64_t now_ms, struct strbuf *out);

#endif
