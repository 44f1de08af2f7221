/* Which drivers oned.conf asks for, and what happens with what they say. */
#ifndef ONED_DRIVERS_START_H
#define ONED_DRIVERS_START_H

#include "common/map.h"
#include "oned/auth/external.h"
#include "oned/config.h"
#include "oned/core/core.h"
#include "oned/drivers/mad.h"

struct drivers {
	struct arena arena;
	struct core *core;
	const struct conf *conf;
	const struct paths *paths;
	struct mads *mads;
	struct auth_external *external;   /* NULL: no AUTH_MAD */
	struct smap vm_mads;              /* NAME -> struct vm_mad */
};

/* Starts them all and waits until each has answered or failed to. One that fails is told in the log and tried again; the others work. */
enum one_rc drivers_start(struct drivers *d, struct core *core, const struct conf *conf, const struct paths *paths, struct one_err *err);
void drivers_stop(struct drivers *d);

#endif
