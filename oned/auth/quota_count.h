/* Counting against quotas: what users and groups use changes in the transaction of the object that uses it.
 *
 * oneadmin (uid 0) and its group (gid 0) are never counted; -1 leaves that side out. */
#ifndef ONED_AUTH_QUOTA_COUNT_H
#define ONED_AUTH_QUOTA_COUNT_H

#include <stdbool.h>
#include "oned/auth/quota_record.h"

struct quota_amount { const char *metric; double amount; };

/* Adds to one record: id of the datastore, network or image, -1 for QUOTA_VM. check: tested against the
 * limits first (the user's own, else the default ones; then the group's): ONE_AUTHORIZATION "user [2] limit
 * of 3 reached for VMS quota in VM", the transaction failed. */
enum one_rc quota_add(struct txn *t, int uid, int gid, enum quota_section section, int id,
		      const struct quota_amount *amounts, int n, bool check);
void quota_del(struct txn *t, int uid, int gid, enum quota_section section, int id,
	       const struct quota_amount *amounts, int n);

struct vm_usage_ds {
	int id;
	long long size_mb;
};

/* What a VM uses, or a part of it (vms 0). Numbers below 0 are refused when checked, as the reference words it. */
struct vm_usage {
	int vms, running_vms;
	double cpu, running_cpu;
	long long memory_mb, running_memory_mb, system_disk_mb;
	const int *networks;           /* a lease each; ids may repeat */
	int n_networks;
	const int *images;             /* a running VM each; ids may repeat */
	int n_images;
	const struct vm_usage_ds *datastores; /* what its disks take of image datastores */
	int n_datastores;
	const struct quota_amount *generic; /* what QUOTA_VM_ATTRIBUTE names, with RUNNING_ */
	int n_generic;
};

/* For the user first, then for the group: networks, the VM, images; then the datastores. Of a part only the limits of what it has are looked at. */
enum one_rc quota_vm_add(struct txn *t, int uid, int gid, const struct vm_usage *u, bool check);
void quota_vm_del(struct txn *t, int uid, int gid, const struct vm_usage *u);
/* A VM uses something else than before: limits are looked at where it uses more. */
enum one_rc quota_vm_change(struct txn *t, int uid, int gid, const struct vm_usage *before, const struct vm_usage *after);

#endif
