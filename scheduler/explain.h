/* Why a VM is pending, in words: SCHED_MESSAGE on the VM, and the report of `mm_sched --explain`.
 *
 * The sentences of SCHED_MESSAGE are OpenNebula's, so that what reads them goes on working. */
#ifndef SCHEDULER_EXPLAIN_H
#define SCHEDULER_EXPLAIN_H

#include <stdbool.h>
#include <time.h>
#include "common/strbuf.h"
#include "scheduler/match.h"

/* How many hosts and datastores got which verdict. */
struct tally {
	int hosts[HOST_VERDICTS];
	int stores[STORE_VERDICTS];
};

/* Each writes the reason, without a date, into out. */
void explain_need(enum vm_need need, struct strbuf *out);
void explain_image_store(int store_id, struct strbuf *out);
/* No host got HOST_FITS. */
void explain_no_host(const struct tally *t, const struct sched_vm *vm, const struct match_class *c,
		     struct strbuf *out);
/* No datastore got STORE_FITS. */
void explain_no_store(const struct tally *t, const struct sched_vm *vm, const struct match_class *c,
		      struct strbuf *out);
/* There are hosts and there are datastores, but no pair of them. */
void explain_no_pair(struct strbuf *out);
/* oned refused the deployment. */
void explain_refused(int host_id, const char *reason, struct strbuf *out);

/* "3 hosts: 1 not enough CPU, 2 requirements not met": for the log. */
void explain_tally(const struct tally *t, struct strbuf *out);

/* Does the message that is on the VM say something else than reason (dates don't count)? "" is no reason. */
bool explain_changed(const char *message, const char *reason);
/* Appends the template that puts the reason, dated now, on a VM ("" clears it), for one.vm.update. */
void explain_template(const char *reason, time_t now, struct strbuf *out);

/* The report on one VM: every host and datastore with its verdict and, where it fits, its rank. */
void explain_vm(struct matcher *mr, struct model *m, const struct sched_vm *vm, struct strbuf *out);

#endif
