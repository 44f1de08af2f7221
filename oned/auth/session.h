/* Sessions: from "name:secret" to who is calling (auth.md). */
#ifndef ONED_AUTH_SESSION_H
#define ONED_AUTH_SESSION_H

#include "common/arena.h"
#include "oned/auth/identity.h"
#include "oned/core/core.h"

struct auth_external;

enum session_end {
	SESSION_OK,
	SESSION_REFUSED,  /* the reason went to the log; the caller learns only that it failed */
	SESSION_ASK,      /* an external driver must say: session_ask */
};

struct session_config {
	unsigned default_umask;
};

/* Splits and checks the session string against the published users. On SESSION_OK *who is filled (strings in arena). On SESSION_ASK
 * *request is the payload of the AUTHENTICATE message: "uid driver username password base64(secret)". Any thread. */
enum session_end session_check(struct core *core, const struct session_config *config, const char *session, struct arena *arena,
			       struct identity *who, const char **request);
/* The identity of a user that was authenticated. false: there is no such enabled user. */
bool session_identity(struct core *core, const struct session_config *config, int uid, struct arena *arena, struct identity *who);

#endif
