/* Virtual data centres (VDC): which groups may use which clusters, hosts, datastores and networks of which zones; kept as ACL rules. */
#ifndef ONED_OBJECTS_VDC_H
#define ONED_OBJECTS_VDC_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

#define VDC_DEFAULT 0
#define VDC_ALL_RESOURCES (-10)

enum vdc_kind { VDC_CLUSTER, VDC_HOST, VDC_DATASTORE, VDC_VNET, VDC_KINDS };

struct vdc_resource { int zone, id; };

struct vdc {
	struct object o;
	struct idset groups;
	struct vdc_resource *resources[VDC_KINDS]; /* ascending */
	int n_resources[VDC_KINDS];
};

extern const struct obj_ops vdc_ops;

/* ONE_INTERNAL with the reason. */
struct vdc *vdc_create(struct txn *t, const struct tmpl *tmpl);
/* With the rights it gave. ONE_ACTION with the reason. */
enum one_rc vdc_delete(struct txn *t, struct vdc *v);
/* ONE_INTERNAL with the reason; the rules follow. */
enum one_rc vdc_group_add(struct txn *t, struct vdc *v, int gid);
enum one_rc vdc_group_del(struct txn *t, struct vdc *v, int gid);
enum one_rc vdc_resource_add(struct txn *t, struct vdc *v, enum vdc_kind kind, int zone, int id);
enum one_rc vdc_resource_del(struct txn *t, struct vdc *v, enum vdc_kind kind, int zone, int id);
/* The other halves of making and deleting: a new group joins VDC 0; a group, or a resource of this zone, leaves all VDCs. */
void vdc_group_created(struct txn *t, int gid);
void vdc_group_deleted(struct txn *t, int gid);
void vdc_resource_deleted(struct txn *t, enum vdc_kind kind, int id);
/* The first start: VDC 0 "default": group 1 and all clusters of this zone. */
enum one_rc vdc_bootstrap(struct txn *t);

#endif
