/* What an authentication driver tells beside yes:
 *
 *   [expires=SECONDS] [target=NAME] [DRIVER NAME PASSWORD [[*]GID ...]]
 *
 * The first two are of Perigee's own drivers: when the credential ends (by the wall clock), and for whom a server's login was made. The
 * rest is OpenNebula's: who he is, and his groups (the first is the primary one; * marks those he administers). */
#ifndef ONED_AUTH_AUTH_REPLY_H
#define ONED_AUTH_AUTH_REPLY_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"

#define AUTH_REPLY_GROUPS 1024

struct auth_reply {
	long long expires;   /* -1: not told */
	const char *target;  /* NULL: not told */
	const char *driver, *name, *password; /* NULL: not told */
	int gids[AUTH_REPLY_GROUPS]; /* each once, in the order told */
	bool admin[AUTH_REPLY_GROUPS];
	int n_gids;
};

/* ONE_AUTHENTICATION: a group is no number, or there are too many. */
enum one_rc auth_reply_parse(struct arena *arena, const char *text, struct auth_reply *out, struct one_err *err);

#endif
