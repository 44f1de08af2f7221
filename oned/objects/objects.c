/* The types of objects there are: one row each. */
#include "oned/core/object.h"
#include "oned/auth/acl_rule.h"
#include "oned/objects/backup_job.h"
#include "oned/objects/cluster.h"
#include "oned/objects/datastore.h"
#include "oned/objects/document.h"
#include "oned/auth/group.h"
#include "oned/objects/hook.h"
#include "oned/objects/host.h"
#include "oned/objects/image.h"
#include "oned/objects/market.h"
#include "oned/objects/marketapp.h"
#include "oned/auth/quota.h"
#include "oned/objects/sched_action.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/template.h"
#include "oned/auth/user.h"
#include "oned/objects/vdc.h"
#include "oned/objects/vm.h"
#include "oned/objects/vmgroup.h"
#include "oned/objects/vnc_ports.h"
#include "oned/objects/vnet.h"
#include "oned/objects/vntemplate.h"
#include "oned/objects/vrouter.h"
#include "oned/objects/zone.h"

static const struct obj_ops *const all[OBJ_TYPES] = {
	[OBJ_VM] = &vm_ops, [OBJ_HOST] = &host_ops, [OBJ_NET] = &vnet_ops, [OBJ_IMAGE] = &image_ops,
	[OBJ_USER] = &user_ops, [OBJ_TEMPLATE] = &template_ops, [OBJ_GROUP] = &group_ops, [OBJ_ACL] = &acl_rule_ops,
	[OBJ_DATASTORE] = &datastore_ops, [OBJ_CLUSTER] = &cluster_ops, [OBJ_ZONE] = &zone_ops,
	[OBJ_SECGROUP] = &secgroup_ops, [OBJ_VDC] = &vdc_ops, [OBJ_DOCUMENT] = &document_ops, [OBJ_VNTEMPLATE] = &vntemplate_ops,
	[OBJ_VMGROUP] = &vmgroup_ops, [OBJ_VROUTER] = &vrouter_ops, [OBJ_HOOK] = &hook_ops,
	[OBJ_MARKET] = &market_ops, [OBJ_MARKETAPP] = &marketapp_ops,
	[OBJ_BACKUPJOB] = &backup_job_ops, [OBJ_SCHEDACTION] = &sched_action_ops,
	[OBJ_USER_QUOTA] = &user_quota_ops, [OBJ_GROUP_QUOTA] = &group_quota_ops, [OBJ_DEFAULT_QUOTA] = &default_quota_ops,
	[OBJ_VNC_PORTS] = &vnc_ports_ops,
};

const struct obj_ops *obj_ops(enum obj_type type)
{
	return type < OBJ_TYPES ? all[type] : NULL;
}
