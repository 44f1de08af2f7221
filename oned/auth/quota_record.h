/* The records inside quotas: limits and counters of a user, a group, or of everybody (the default limits).
 *
 * A record is a vector as OpenNebula stores it: for each metric M the limit (M) and what is used (M_USED), beside the ID of the datastore,
 * network or image; VM_QUOTA has one record without ID. Numbers are handled in hundredths, so what was added and taken away again leaves
 * nothing behind. A record exists while something is used or limited. */
#ifndef ONED_AUTH_QUOTA_RECORD_H
#define ONED_AUTH_QUOTA_RECORD_H

#include <stdbool.h>
#include "oned/auth/quota.h"

enum quota_section { QUOTA_DATASTORE, QUOTA_NETWORK, QUOTA_VM, QUOTA_IMAGE, QUOTA_SECTIONS };

/* Limits with a meaning of their own, in hundredths. */
#define QUOTA_DEFAULT   (-100) /* what the default quotas say */
#define QUOTA_UNLIMITED (-200)

/* The metrics of a section, in the order in which limits are checked. */
struct quota_metrics { const char *const *names; int n; };

/* Memory of the transaction. For QUOTA_VM with those of QUOTA_VM_ATTRIBUTE and their RUNNING_ ones. */
struct quota_metrics quota_metrics_of(struct txn *t, enum quota_section section);
/* Those of QUOTA_VM_ATTRIBUTE alone. */
struct quota_metrics quota_generic_metrics(struct txn *t);

/* "DATASTORE", "NETWORK", "VM", "IMAGE". */
const char *quota_element(enum quota_section section);
/* The records of a section; NULL: it has none yet (quota_edit completes them). */
struct tmpl *quota_records(const struct quota *q, enum quota_section section);
/* A private copy of the quotas of a user or group: made when they are missing. NULL: there is no such user or group, or the transaction failed. */
struct quota *quota_edit(struct txn *t, enum obj_type type, int id);

/* id -1 for QUOTA_VM. */
struct attr *quota_record_find(const struct quota *q, enum quota_section section, int id);
/* Nothing used, every limit `limit`. */
struct attr *quota_record_make(struct txn *t, struct quota *q, enum quota_section section, int id, long long limit);
/* Removes it when nothing is used and every limit is `limit`. */
void quota_record_tidy(struct txn *t, struct quota *q, enum quota_section section, struct attr *record, long long limit);

long long quota_hundredths(double value); /* kept far from overflow, whatever is added up */
long long quota_limit(const struct attr *record, const char *metric, long long dflt);
long long quota_used(const struct attr *record, const char *metric);
void quota_set_limit(struct quota *q, struct attr *record, const char *metric, long long value);
void quota_set_used(struct quota *q, struct attr *record, const char *metric, long long value);

#endif
