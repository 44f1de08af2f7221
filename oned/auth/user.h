/* Users (USER): who may log in, how, and into which groups. */
#ifndef ONED_AUTH_USER_H
#define ONED_AUTH_USER_H

#include "oned/core/object.h"
#include "oned/core/txn.h"

struct login_token { struct login_token *next; const char *token; long long expires; int egid; }; /* expires -1: never; egid -1: any group */

/* o.uid is the user's own id, o.gid the primary group. */
struct user {
	struct object o;
	struct idset groups;
	const char *password, *driver;
	bool enabled;
	struct login_token *tokens;
};

#define USER_MAX_TOKENS 10

extern const struct obj_ops user_ops;

/* What those see who may only USE a user: as rendered, without password, tokens and TOKEN_PASSWORD. */
void user_render_public(const struct user *u, struct strbuf *out);

/* Makes a user in these groups (the first is the primary one) and adds it to them. password as to be stored. Checks name, groups. */
struct user *user_create(struct txn *t, const char *name, const char *password, const char *driver, const int *gids, int n_gids);
/* Makes him a member, or not any more: what he has through the group goes (its administration); tokens that
 * are only good for it end when they are used. The primary
 * group (o.gid) is the caller's to set. */
void user_join_group(struct txn *t, struct user *u, int gid);
void user_leave_group(struct txn *t, struct user *u, int gid);
/* Takes away that token if it is for a group he isn't in any more. He may be gone. */
void user_drop_dead_token(struct txn *t, int uid, const char *token);
/* ONE_INTERNAL "Invalid password, ..." (without the final full stop). */
enum one_rc user_check_password(const char *password, struct one_err *err);
/* What is stored for a password: its SHA-256 for the driver core, itself for the others. */
const char *user_stored_password(struct arena *a, const char *driver, const char *password);

#endif
