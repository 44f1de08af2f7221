/* The configuration of onemonitord: monitord.conf, and DATASTORE_LOCATION of oned.conf. */
#ifndef IM_CONFIG_H
#define IM_CONFIG_H

#include "common/arena.h"
#include "common/conf.h"
#include "common/err.h"

struct im_config {
	struct conf conf;        /* must not move */
	struct arena arena;
	int timer_s;             /* how often the hosts' clocks are looked at */
	int interval_host_s;     /* silence after which a host's agent is started anew */
	const char *address;     /* to listen on */
	int port, threads;
	const char *private_key; /* file; "": messages are not encrypted */
	const char *log_system;
	int debug_level;
	const char *actions_xml; /* <MONITOR_CONFIGURATION>, what goes with each START_MONITOR */
	const char *expiration;  /* template text: how long samples are kept, for oned */
};

/* Files: names in the configuration directory or absolute; oned_path may be missing on disk. Warnings a
 * line each. */
enum one_rc im_config_load(struct im_config *c, const char *path, const char *oned_path,
			   struct strbuf *warnings, struct one_err *err);
void im_config_done(struct im_config *c);

/* The command of an IM_MAD, NULL-terminated: its executable (in the directory of drivers unless absolute)
 * and arguments. */
const char *const *im_config_argv(struct im_config *c, const struct attr *im_mad);

#endif
