#include "oned/auth/session.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/log.h"
#include "common/timeutil.h"
#include "oned/auth/user.h"

static unsigned user_umask(const struct user *u, const struct session_config *config)
{
	const char *text = tmpl_get(u->o.tmpl, "UMASK");

	return text && *text ? (unsigned)strtoul(text, NULL, 8) & 0777 : config->default_umask;
}

static void fill_identity(const struct user *u, const struct session_config *config, struct arena *arena, struct identity *who)
{
	int *gids = arena_array(arena, u->groups.n + 1, int);

	if (u->groups.n)
		memcpy(gids, u->groups.ids, (size_t)u->groups.n * sizeof(int));
	*who = (struct identity){ .uid = u->o.id, .gid = u->o.gid, .gids = gids, .n_gids = u->groups.n,
				  .uname = arena_strdup(arena, u->o.name), .gname = arena_strdup(arena, u->o.gname),
				  .umask = user_umask(u, config) };
	who->admin = who->uid == USER_ONEADMIN || who->gid == GROUP_ONEADMIN || identity_in_group(who, GROUP_ONEADMIN);
}

/* The token that equals the secret; every one is compared, so that time tells nothing. */
static const struct login_token *find_token(const struct user *u, const char *secret)
{
	const struct login_token *found = NULL;

	for (const struct login_token *t = u->tokens; t; t = t->next)
		if (secret_equal(secret, t->token) && *secret)
			found = t;
	return found;
}

static enum session_end check_token(struct core *core, const struct user *u, const struct login_token *token, struct arena *arena,
				    struct identity *who)
{
	struct version *group;
	int *gid;

	if (token->expires != -1 && token->expires <= time_now()) {
		log_error("AuM", "Token of user %s has expired.", u->o.name);
		return SESSION_REFUSED;
	}
	if (token->egid == -1)
		return SESSION_OK;
	if (!idset_has(&u->groups, token->egid)) {
		log_error("AuM", "User %s is not in the group %d of the token any more.", u->o.name, token->egid);
		return SESSION_REFUSED;
	}
	group = pool_get(core, OBJ_GROUP, token->egid);
	gid = arena_new(arena, int);
	*gid = token->egid;
	who->gid = token->egid;
	who->gids = gid;
	who->n_gids = 1;
	who->gname = arena_strdup(arena, group ? group->name : "");
	who->limited = true;
	who->admin = who->uid == USER_ONEADMIN || who->gid == GROUP_ONEADMIN;
	version_unref(group);
	return SESSION_OK;
}

static const char *ask_payload(const struct user *u, const char *secret, struct arena *arena)
{
	struct strbuf out = STRBUF_INIT;
	const char *text;

	strbuf_addf(&out, "%d %s %s %s ", u->o.id, u->driver, u->o.name, *u->password ? u->password : "-");
	base64_encode(secret, strlen(secret), &out);
	text = arena_strdup(arena, out.buf);
	strbuf_done(&out);
	return text;
}

static enum session_end check_secret(struct core *core, const struct user *u, const char *secret, struct arena *arena,
				     struct identity *who, const char **request)
{
	const struct login_token *token = find_token(u, secret);
	char hex[65];

	if (token)
		return check_token(core, u, token, arena, who);
	if (!strcmp(u->driver, "core")) {
		sha256_hex(secret, strlen(secret), hex);
		if (secret_equal(hex, u->password))
			return SESSION_OK;
		sha1_hex(secret, strlen(secret), hex); /* of very old databases */
		return secret_equal(hex, u->password) ? SESSION_OK : SESSION_REFUSED;
	}
	if (!strcmp(u->driver, "public") || !strncmp(u->driver, "server", 6))
		return SESSION_REFUSED; /* servers log in for others: a later step */
	*request = ask_payload(u, secret, arena);
	return SESSION_ASK;
}

enum session_end session_check(struct core *core, const struct session_config *config, const char *session, struct arena *arena,
			       struct identity *who, const char **request)
{
	const char *colon = strchr(session, ':');
	enum session_end end = SESSION_REFUSED;
	struct version *v;

	if (!colon || colon == session)
		return SESSION_REFUSED;
	v = pool_find(core, OBJ_USER, arena_strndup(arena, session, (size_t)(colon - session)), -1);
	if (!v)
		return SESSION_REFUSED;
	if (((const struct user *)v->obj)->enabled) {
		fill_identity((const struct user *)v->obj, config, arena, who);
		end = check_secret(core, (const struct user *)v->obj, colon + 1, arena, who, request);
	}
	version_unref(v);
	return end;
}

bool session_identity(struct core *core, const struct session_config *config, int uid, struct arena *arena, struct identity *who)
{
	struct version *v = pool_get(core, OBJ_USER, uid);
	bool enabled = v && ((const struct user *)v->obj)->enabled;

	if (enabled)
		fill_identity((const struct user *)v->obj, config, arena, who);
	version_unref(v);
	return enabled;
}
