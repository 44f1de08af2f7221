/* oned.conf: its keys as a table, and where everything lies on disk. */
#ifndef ONED_CONFIG_H
#define ONED_CONFIG_H

#include "common/arena.h"
#include "common/conf.h"

extern const struct conf_key oned_keys[];

/* OpenNebula's places: system-wide, or all under $ONE_LOCATION. */
struct paths {
	const char *etc;      /* /etc/one */
	const char *var;      /* /var/lib/one */
	const char *log;      /* /var/log/one */
	const char *mads;     /* /usr/lib/one/mads */
	const char *remotes;  /* /var/lib/one/remotes */
	const char *datastores; /* /var/lib/one/datastores, or DATASTORE_LOCATION */
	const char *vms;      /* /var/lib/one/vms */
};

void paths_find(struct arena *a, struct paths *out);

/* one.system.config: all effective values; with_secrets false: passwords and keys show as ***. */
void config_to_xml(const struct conf *c, bool with_secrets, struct strbuf *out);

#endif
