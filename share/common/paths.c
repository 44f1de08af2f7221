/* Where OpenNebula's files lie (paths.h). */
#include "common/paths.h"

#include <stdlib.h>

/* clang-format off */
static const struct { const char *system, *self_contained; } dirs[] = {
	[PATHS_VAR]     = { "/var/lib/one",         "var" },
	[PATHS_ETC]     = { "/etc/one",             "etc" },
	[PATHS_LOG]     = { "/var/log/one",         "var" },
	[PATHS_RUN]     = { "/var/run/one",         "var" },
	[PATHS_LOCK]    = { "/var/lock/one",        "var" },
	[PATHS_MADS]    = { "/usr/lib/one/mads",    "lib/mads" },
	[PATHS_REMOTES] = { "/var/lib/one/remotes", "var/remotes" },
	[PATHS_SHARE]   = { "/usr/share/one",       "share" },
};
/* clang-format on */

char *paths_join(struct arena *arena, enum paths_dir dir, const char *relative)
{
	if (relative && *relative == '/')
		return arena_strdup(arena, relative);
	const char *slash = relative && *relative ? "/" : "";
	const char *location = getenv("ONE_LOCATION");
	if (!location || !*location)
		return arena_printf(arena, "%s%s%s", dirs[dir].system, slash, relative ? relative : "");
	return arena_printf(arena, "%s/%s%s%s", location, dirs[dir].self_contained, slash,
			    relative ? relative : "");
}
