/* Where OpenNebula's files lie: under $ONE_LOCATION where that is set, else in the system's directories. */
#ifndef COMMON_PATHS_H
#define COMMON_PATHS_H

#include "common/arena.h"

enum paths_dir {
	PATHS_VAR,     /* /var/lib/one            $ONE_LOCATION/var */
	PATHS_ETC,     /* /etc/one                $ONE_LOCATION/etc */
	PATHS_LOG,     /* /var/log/one            $ONE_LOCATION/var */
	PATHS_RUN,     /* /var/run/one            $ONE_LOCATION/var */
	PATHS_LOCK,    /* /var/lock/one           $ONE_LOCATION/var */
	PATHS_MADS,    /* /usr/lib/one/mads       $ONE_LOCATION/lib/mads */
	PATHS_REMOTES, /* /var/lib/one/remotes    $ONE_LOCATION/var/remotes */
	PATHS_SHARE,   /* /usr/share/one          $ONE_LOCATION/share */
};

/* DIR/relative; an absolute `relative` stays as it is, NULL or "" gives the directory itself. No slash at
 * its end. */
char *paths_join(struct arena *arena, enum paths_dir dir, const char *relative);

#endif
