/* Sessions: from "name:secret" to who is calling (auth.md).
 *
 *   name:secret                 a user: one of his tokens, his password (driver core), or what his driver says
 *   server:name:secret          a user whose driver is server_*, for somebody else: the server's driver says
 *   server:name:EGID:secret     ... and limited to that group of his
 *   unknown:secret              somebody new: the driver DEFAULT_AUTH says, and who he is */
#ifndef ONED_AUTH_SESSION_H
#define ONED_AUTH_SESSION_H

#include "common/arena.h"
#include "oned/auth/external.h"
#include "oned/auth/identity.h"
#include "oned/core/core.h"

enum session_end {
	SESSION_OK,
	SESSION_REFUSED,  /* the reason went to the log; the caller learns only that it failed */
	SESSION_ASK,      /* an external driver must say: auth_external_ask, then session_identity */
};

struct session_config {
	unsigned default_umask;
	const char *default_auth; /* driver of those nobody knows; "" for none */
};

struct session {
	struct identity who;            /* SESSION_OK */
	struct auth_question question;  /* SESSION_ASK */
	const char *driver;             /* ... which is asked */
	int egid;                       /* ... a server's login for this group only; -1 */
	const char *dead_token;         /* SESSION_REFUSED: a token of user dead_uid, for a group he isn't in any more; else NULL */
	int dead_uid;
};

/* Splits and checks the session string against the published users; *out's texts live in arena. Any thread. */
enum session_end session_check(struct core *core, const struct session_config *config, const char *text, struct arena *arena,
			       struct session *out);
/* The identity of a user that was authenticated, limited to the group egid (-1: not). false, with the reason in the log: he is gone,
 * disabled, or not in that group. */
bool session_identity(struct core *core, const struct session_config *config, int uid, int egid, struct arena *arena, struct identity *who);

#endif
