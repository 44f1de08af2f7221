#include "oned/lifecycle/host.h"

#include "common/log.h"
#include "oned/lifecycle/vm_lifecycle.h"
#include "oned/objects/common.h"

struct step { enum host_state next; bool known; };

#define TO(state) { state, true }

/* clang-format off */
static const struct step steps[HOST_STATES][HOST_EVENTS] = {
#define ALWAYS [HOST_EV_ENABLE] = TO(HOST_INIT), [HOST_EV_DISABLE] = TO(HOST_DISABLED), [HOST_EV_OFFLINE] = TO(HOST_OFFLINE)
	[HOST_INIT]      = { [HOST_EV_MONITORED] = TO(HOST_MONITORED), [HOST_EV_FAILED] = TO(HOST_ERROR),
			     [HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	[HOST_MONITORED] = { [HOST_EV_MONITORED] = TO(HOST_MONITORED), [HOST_EV_FAILED] = TO(HOST_ERROR),
			     [HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	[HOST_ERROR]     = { [HOST_EV_MONITORED] = TO(HOST_MONITORED), [HOST_EV_FAILED] = TO(HOST_ERROR),
			     [HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	/* A disabled host is monitored, but stays what its administrator made it. */
	[HOST_DISABLED]  = { [HOST_EV_MONITORED] = TO(HOST_DISABLED), [HOST_EV_FAILED] = TO(HOST_DISABLED),
			     [HOST_EV_ENABLE_KNOWN] = TO(HOST_MONITORED), ALWAYS },
	[HOST_OFFLINE]   = { [HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	/* Databases of older versions: they go on as what they were before. */
	[HOST_MONITORING_MONITORED] = { [HOST_EV_MONITORED] = TO(HOST_MONITORED), [HOST_EV_FAILED] = TO(HOST_ERROR),
					[HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	[HOST_MONITORING_ERROR]     = { [HOST_EV_MONITORED] = TO(HOST_MONITORED), [HOST_EV_FAILED] = TO(HOST_ERROR),
					[HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	[HOST_MONITORING_INIT]      = { [HOST_EV_MONITORED] = TO(HOST_MONITORED), [HOST_EV_FAILED] = TO(HOST_ERROR),
					[HOST_EV_ENABLE_KNOWN] = TO(HOST_INIT), ALWAYS },
	[HOST_MONITORING_DISABLED]  = { [HOST_EV_MONITORED] = TO(HOST_DISABLED), [HOST_EV_FAILED] = TO(HOST_DISABLED),
					[HOST_EV_ENABLE_KNOWN] = TO(HOST_MONITORED), ALWAYS },
#undef ALWAYS
};
/* clang-format on */

enum host_state host_next_state(enum host_state state, enum host_event event)
{
	const struct step *s = &steps[state][event];

	return s->known ? s->next : HOST_STATES;
}

static void forget_capacity(struct host *h)
{
	static const char *const gone[] = { "TOTALCPU", "TOTALMEMORY", "FREECPU", "FREEMEMORY", "USEDCPU", "USEDMEMORY" };

	host_share_reset(&h->share);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++)
		tmpl_remove(h->o.tmpl, gone[i]);
}

/* Nobody can say any more how its VMs are. */
static void lose_vms(struct txn *t, const struct host *h)
{
	for (int i = 0; i < h->vms.n; i++) {
		struct vm *vm = txn_exists(t, OBJ_VM, h->vms.ids[i]) ? txn_edit(t, OBJ_VM, h->vms.ids[i]) : NULL;

		if (vm)
			vm_event(t, vm, VM_EV_LOST);
	}
}

static void note_failure(struct txn *t, struct host *h, const char *reason)
{
	log_error("ONE", "Error monitoring Host %s (%d): %s", h->o.name, h->o.id, reason);
	object_set_error(t, &h->o, "Error monitoring Host %s (%d): %s", h->o.name, h->o.id, reason);
}

bool host_event(struct txn *t, struct host *h, enum host_event event, const char *reason)
{
	enum host_state next = host_next_state(h->state, event), before = h->state;

	if (next == HOST_STATES)
		return false;
	h->state = h->prev_state = next;
	if (event == HOST_EV_FAILED)
		note_failure(t, h, reason);
	if (event == HOST_EV_OFFLINE)
		forget_capacity(h);
	if (next == before)
		return true;
	log_debug("InM", "Host %s (%d): %s -> %s", h->o.name, h->o.id, host_state_name(before), host_state_name(next));
	host_tell_updated(t, h);
	if (next == HOST_INIT && before != HOST_OFFLINE)
		host_tell_start(t, h);
	if (next == HOST_ERROR)
		lose_vms(t, h);
	return true;
}
