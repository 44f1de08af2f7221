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
/* What drivers of OpenNebula read at their start: NAME=VALUE lines, vectors as NAME=A=1,B=2; without passwords and keys. */
void config_to_lines(const struct conf *c, struct strbuf *out);
/* Writes them to VAR/config. */
enum one_rc config_for_drivers(const struct conf *c, const struct paths *paths, struct one_err *err);

#endif
