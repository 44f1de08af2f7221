/* Clusters (CLUSTER): which hosts, datastores and networks belong together. A host is in one cluster, datastores and networks may be in
 * several or none. The members also know their clusters; these functions change both sides and the relation tables. */
#ifndef ONED_OBJECTS_CLUSTER_H
#define ONED_OBJECTS_CLUSTER_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

#define CLUSTER_DEFAULT 0
#define CLUSTER_NONE (-1)

struct cluster {
	struct object o;
	struct idset hosts, datastores, vnets;
};

extern const struct obj_ops cluster_ops;

/* Makes a cluster. ONE_INTERNAL for a bad or taken name. */
struct cluster *cluster_create(struct txn *t, const char *name);
/* Deletes an empty one. ONE_ACTION with the reason otherwise (text without the "Cannot delete cluster. " prefix). */
enum one_rc cluster_delete(struct txn *t, struct cluster *c);
/* Members by type: OBJ_HOST, OBJ_DATASTORE, OBJ_NET. Both fail with ONE_NO_EXISTS when a side is missing; being (or not being) a
 * member already is no error. Adding a host takes it out of its old cluster; taking a host out puts it into the default one. */
enum one_rc cluster_add(struct txn *t, int cluster_id, enum obj_type type, int id);
enum one_rc cluster_remove(struct txn *t, int cluster_id, enum obj_type type, int id);
/* The other halves of making and deleting a member, whose own list of clusters isn't touched: into and out of all its clusters. */
void cluster_join(struct txn *t, enum obj_type type, int id, const int *clusters, int n);
void cluster_forget(struct txn *t, enum obj_type type, int id, const int *clusters, int n);
/* After its template changed (RESERVED_CPU, RESERVED_MEM), and after it was renamed: its hosts follow. */
void cluster_template_changed(struct txn *t, const struct cluster *c);
void cluster_renamed(struct txn *t, const struct cluster *c);
/* The first start: cluster 0 "default". */
enum one_rc cluster_bootstrap(struct txn *t);

#endif
