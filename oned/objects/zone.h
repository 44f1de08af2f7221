/* Zones (ZONE): this installation and, in a federation, the others. */
#ifndef ONED_OBJECTS_ZONE_H
#define ONED_OBJECTS_ZONE_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

enum zone_state { ZONE_ENABLED = 0, ZONE_DISABLED = 1 };

struct zone {
	struct object o;
	enum zone_state state;
	struct tmpl *servers;  /* SERVER vectors of SERVER_POOL */
};

extern const struct obj_ops zone_ops;

/* z becomes what `from` is, but for its id. */
void zone_take_over(struct zone *z, const struct zone *from);
/* The first start: zone 0 "OpenNebula" with this endpoint. */
enum one_rc zone_bootstrap(struct txn *t, const char *endpoint);

#endif
