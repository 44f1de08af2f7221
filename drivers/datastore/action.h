/* Actions on datastores and images.
 *
 *   oned -> driver   CP ID DRV_ACTION       DRV_ACTION: base64 of
 *                                           <DS_DRIVER_ACTION_DATA><IMAGE/><DATASTORE/>...
 *   program          remotes/datastore/DS_MAD/cp ID, with DRV_ACTION on its standard input; what it prints
 *                    is the answer
 *   MONITOR of a system datastore (TYPE 1): remotes/tm/TM_MAD/monitor. Answers to MONITOR are base64. */
#ifndef DATASTORE_ACTION_H
#define DATASTORE_ACTION_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"

struct ds_drivers {
	const char *image_mads;  /* list of -d; NULL: any */
	const char *system_mads; /* list of -s */
	const char *remotes;     /* directory */
};

struct ds_target {
	const char *mad;
	bool system;
	const char *program; /* NULL: the built-in dummy answers */
};

/* Finds what does an action (in capitals). ONE_ACTION: the message can't be read, or its driver isn't in
 * the lists. */
enum one_rc ds_find_target(struct arena *arena, const struct ds_drivers *drivers, const char *action,
			   const char *drv_action, struct ds_target *out, struct one_err *err);

/* The answer of the dummy driver, which needs no program; NULL: it has no such action. */
const char *ds_dummy_answer(const char *action, bool system);

#endif
