/* Quotas of users and groups, and the default ones: limits, and what is used. The counters change in the transaction of the object. */
#ifndef ONED_AUTH_QUOTA_H
#define ONED_AUTH_QUOTA_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

/* The four sections are kept as templates: VM, IMAGE, NETWORK, DATASTORE vectors as OpenNebula has them. */
struct quota {
	struct object o;
	struct tmpl *datastore, *network, *vm, *image;
};

extern const struct obj_ops user_quota_ops, group_quota_ops, default_quota_ops;

/* DATASTORE_QUOTA NETWORK_QUOTA VM_QUOTA IMAGE_QUOTA, in this order (the inside of QUOTAS, or of a user's info). */
void quota_out_sections(const struct quota *q, struct strbuf *out);

#endif
