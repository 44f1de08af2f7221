#include "oned/auth/session.h"

#include <limits.h>
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

/* Only the rights of that one of his groups. */
static bool limit_to_group(struct core *core, const struct user *u, int egid, struct arena *arena, struct identity *who)
{
	struct version *group;
	int *gid;

	if (!idset_has(&u->groups, egid))
		return false;
	group = pool_get(core, OBJ_GROUP, egid);
	gid = arena_new(arena, int);
	*gid = egid;
	who->gid = egid;
	who->gids = gid;
	who->n_gids = 1;
	who->gname = arena_strdup(arena, group ? group->name : "");
	who->limited = true;
	who->admin = who->uid == USER_ONEADMIN || who->gid == GROUP_ONEADMIN;
	version_unref(group);
	return true;
}

static enum session_end check_token(struct core *core, const struct user *u, const struct login_token *token, struct arena *arena,
				    struct session *out)
{
	if (token->expires != -1 && token->expires <= time_now()) {
		log_error("AuM", "Token of user %s has expired.", u->o.name);
		return SESSION_REFUSED;
	}
	if (token->egid == -1 || limit_to_group(core, u, token->egid, arena, &out->who))
		return SESSION_OK;
	log_error("AuM", "User %s is not in the group %d of the token any more.", u->o.name, token->egid);
	out->dead_uid = u->o.id;
	out->dead_token = arena_strdup(arena, token->token);
	return SESSION_REFUSED;
}

static enum session_end check_core(const struct user *u, const char *secret)
{
	char hex[65];

	sha256_hex(secret, strlen(secret), hex);
	if (secret_equal(hex, u->password))
		return SESSION_OK;
	sha1_hex(secret, strlen(secret), hex); /* of very old databases */
	return secret_equal(hex, u->password) ? SESSION_OK : SESSION_REFUSED;
}

/* ---- what a driver is asked ---- */

/* Stands for no stored password in the message to the driver. */
#define NO_PASSWORD "-"

/* The stored password is one word of the message. What stands for none must not be taken for one: it is nobody's secret. */
static bool can_ask(const char *name, const char *password, const char *secret)
{
	if (strpbrk(password, " \t\r\n\v\f"))
		log_error("AuM", "The stored password of user %s has blanks: a driver can't be asked about it", name);
	else if (!*password && !strcmp(secret, NO_PASSWORD))
		log_error("AuM", "User %s has no stored password that \"%s\" could be", name, NO_PASSWORD);
	else
		return true;
	return false;
}

static enum session_end ask(struct session *out, int uid, const char *driver, const char *name, const char *password, const char *secret,
			    struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;

	if (!can_ask(name, password, secret))
		return SESSION_REFUSED;
	strbuf_addf(&text, "%d %s %s %s ", uid, driver, name, *password ? password : NO_PASSWORD);
	base64_encode(secret, strlen(secret), &text);
	out->question.payload = arena_strdup(arena, text.buf);
	out->driver = arena_strdup(arena, driver);
	explicit_bzero(text.buf, text.len);
	strbuf_done(&text);
	return SESSION_ASK;
}

static bool is_server(const struct user *u)
{
	return !strncmp(u->driver, "server", 6);
}

/* target:secret or target:EGID:secret. What the driver is asked about is the server; who gets in is the target. */
static enum session_end check_server(struct core *core, const struct session_config *config, const struct user *server, const char *rest,
				     struct arena *arena, struct session *out)
{
	const char *colon = strchr(rest, ':'), *secret = colon ? colon + 1 : "", *second = strchr(secret, ':');
	long long egid = -1;
	struct version *v;
	bool allowed;

	if (second && (!value_int(arena_strndup(arena, secret, (size_t)(second - secret)), &egid) || egid < -1 || egid > INT_MAX))
		colon = NULL;
	if (!colon) {
		log_error("AuM", "A login of the server %s has a wrong format", server->o.name);
		return SESSION_REFUSED;
	}
	if (second)
		secret = second + 1;
	out->question.user = arena_strndup(arena, rest, (size_t)(colon - rest));
	v = *out->question.user ? pool_find(core, OBJ_USER, out->question.user, -1) : NULL;
	out->question.uid = v ? v->id : -1;
	version_unref(v);
	out->egid = (int)egid;
	allowed = v && session_identity(core, config, out->question.uid, out->egid, arena, &out->who);
	if (!v)
		log_error("AuM", "The server %s wants to log in somebody who does not exist", server->o.name);
	if (!allowed)
		return SESSION_REFUSED;
	out->question.for_other = true;
	return ask(out, server->o.id, server->driver, server->o.name, server->password, secret, arena);
}

static enum session_end check_user(struct core *core, const struct session_config *config, const struct user *u, const char *secret,
				   struct arena *arena, struct session *out)
{
	const struct login_token *token;

	if (!u->enabled) {
		log_error("AuM", "User %s is disabled", u->o.name);
		return SESSION_REFUSED;
	}
	if (is_server(u))
		return check_server(core, config, u, secret, arena, out);
	fill_identity(u, config, arena, &out->who);
	token = find_token(u, secret);
	if (token)
		return check_token(core, u, token, arena, out);
	if (!strcmp(u->driver, "core"))
		return check_core(u, secret);
	if (!strcmp(u->driver, "public")) {
		log_error("AuM", "User %s attempted a direct authentication.", u->o.name);
		return SESSION_REFUSED;
	}
	out->question.uid = u->o.id;
	return ask(out, u->o.id, u->driver, u->o.name, u->password, secret, arena);
}

static bool is_name(const char *name)
{
	struct one_err err = ONE_ERR_INIT;

	return !obj_check_name(name, &err) && !strpbrk(name, " \t\r\n\v\f");
}

enum session_end session_check(struct core *core, const struct session_config *config, const char *text, struct arena *arena,
			       struct session *out)
{
	const char *colon = strchr(text, ':'), *name;
	enum session_end end;
	struct version *v;

	*out = (struct session){ .egid = -1, .question = { .uid = -1 } };
	name = colon ? arena_strndup(arena, text, (size_t)(colon - text)) : "";
	if (!is_name(name))
		return SESSION_REFUSED;
	out->question.user = name;
	v = pool_find(core, OBJ_USER, name, -1);
	if (v)
		end = check_user(core, config, (const struct user *)v->obj, colon + 1, arena, out);
	else
		end = *config->default_auth ? ask(out, -1, config->default_auth, name, "", colon + 1, arena) : SESSION_REFUSED;
	version_unref(v);
	return end;
}

bool session_identity(struct core *core, const struct session_config *config, int uid, int egid, struct arena *arena, struct identity *who)
{
	struct version *v = pool_get(core, OBJ_USER, uid);
	const struct user *u = v ? (const struct user *)v->obj : NULL;
	bool ok = u && u->enabled;

	if (ok)
		fill_identity(u, config, arena, who);
	else
		log_error("AuM", "User %s is %s", u ? u->o.name : "", u ? "disabled" : "gone");
	if (ok && egid != -1 && !limit_to_group(core, u, egid, arena, who)) {
		log_error("AuM", "User %s is not in the group %d of the login", u->o.name, egid);
		ok = false;
	}
	version_unref(v);
	return ok;
}
