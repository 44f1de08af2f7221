/* Scheduled actions of VMs and backup jobs: what their methods share. */
#ifndef ONED_API_SCHED_ACTION_H
#define ONED_API_SCHED_ACTION_H

#include "oned/api/call.h"

/* one.<kind>.schedadd, schedupdate, scheddelete: the first parameter is the parent. */
enum one_rc api_prepare_schedadd(struct call *c, struct one_err *err);
enum one_rc api_prepare_schedupdate(struct call *c, struct one_err *err);
void api_schedadd(struct txn *t, struct call *c);
void api_schedupdate(struct txn *t, struct call *c);
void api_scheddelete(struct txn *t, struct call *c);

/* The SCHED_ACTION element of an id, if there is one. ctx: struct core *. Any thread. */
void api_out_sched_action(void *ctx, int id, struct strbuf *out);

/* Makes those of a new VM's template. false: the transaction failed; not all that may be done with the VM may be scheduled by the caller. */
bool api_schedule_vm(struct txn *t, struct call *c, int vm_id, const struct tmpl *tmpl);

#endif
