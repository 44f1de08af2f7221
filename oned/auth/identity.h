/* Who is calling: what authentication found out, valid for one call. */
#ifndef ONED_AUTH_IDENTITY_H
#define ONED_AUTH_IDENTITY_H

#include <stdbool.h>

#define GROUP_ONEADMIN 0
#define GROUP_USERS 1
#define USER_ONEADMIN 0
#define USER_SERVERADMIN 1

struct identity {
	int uid, gid;
	const int *gids;       /* ascending, the primary one included */
	int n_gids;
	const char *uname, *gname;
	unsigned umask;        /* of the user's template, else DEFAULT_UMASK */
	bool admin;            /* uid 0, or a member of group 0: permissions don't bind (locks do) */
	bool limited;          /* the session is a token for one group */
};

static inline bool identity_in_group(const struct identity *who, int gid)
{
	int low = 0, high = who->n_gids;

	while (low < high) {
		int mid = low + (high - low) / 2;

		if (who->gids[mid] == gid)
			return true;
		if (who->gids[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

#endif
