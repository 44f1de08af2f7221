/* Reading oned's pools into a model. */
#ifndef SCHEDULER_POOLS_H
#define SCHEDULER_POOLS_H

#include <stdbool.h>
#include "scheduler/api.h"
#include "scheduler/model.h"
#include "scheduler/sched_conf.h"

/* The pending VMs: at most conf->max_vm of them, the most urgent. */
enum one_rc pools_read_vms(const struct api *api, const struct sched_conf *conf, struct model *m,
			   struct one_err *err);
/* Everything VMs can be placed on, and who may use it. */
enum one_rc pools_read_resources(const struct api *api, const struct sched_conf *conf, struct model *m,
				 struct one_err *err);
/* The zone that oned serves (rules of other zones don't count). */
enum one_rc pools_read_zone(const struct api *api, const struct sched_conf *conf, int *zone_id,
			    struct one_err *err);
/* Does this oned decide, being alone or the leader? Others of its zone only follow. */
enum one_rc pools_read_leader(const struct api *api, const struct sched_conf *conf, bool *leader,
			      struct one_err *err);

#endif
