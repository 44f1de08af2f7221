#include "oned/auth/user.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "oned/auth/group.h"
#include "oned/auth/quota.h"
#include "oned/auth/vm_op.h"

static enum one_rc user_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct user *u = (struct user *)o;
	struct login_token **tail = &u->tokens;

	(void)err;
	u->o.uid = o->id;
	u->o.uname = o->name;
	idset_load(&u->groups, &o->arena, xml_child(x, "GROUPS"));
	u->password = arena_strdup(&o->arena, xml_text_or(x, "PASSWORD", ""));
	u->driver = arena_strdup(&o->arena, xml_text_or(x, "AUTH_DRIVER", "core"));
	u->enabled = xml_int(x, "ENABLED", 0) != 0;
	o->perm = PERM_OWNER_U | PERM_OWNER_M;
	for (const struct xnode *n = xml_child(x, "LOGIN_TOKEN"); n; n = xml_next(n)) {
		struct login_token *token = arena_new(&o->arena, struct login_token);

		token->token = arena_strdup(&o->arena, xml_text_or(n, "TOKEN", ""));
		token->expires = xml_int(n, "EXPIRATION_TIME", 0);
		token->egid = (int)xml_int(n, "EGID", -1);
		*tail = token;
		tail = &token->next;
	}
	return ONE_OK;
}

static void user_render(const struct object *o, struct strbuf *out)
{
	const struct user *u = (const struct user *)o;

	xml_out_open(out, "USER");
	xml_out_int(out, "ID", o->id);
	xml_out_int(out, "GID", o->gid);
	obj_out_ids(out, "GROUPS", u->groups.ids, u->groups.n);
	xml_out_text(out, "GNAME", o->gname);
	xml_out_text(out, "NAME", o->name);
	xml_out_text(out, "PASSWORD", u->password);
	xml_out_text(out, "AUTH_DRIVER", u->driver);
	xml_out_int(out, "ENABLED", u->enabled);
	for (const struct login_token *t = u->tokens; t; t = t->next) {
		xml_out_open(out, "LOGIN_TOKEN");
		xml_out_text(out, "TOKEN", t->token);
		xml_out_int(out, "EXPIRATION_TIME", t->expires);
		xml_out_int(out, "EGID", t->egid);
		xml_out_close(out, "LOGIN_TOKEN");
	}
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "USER");
}

void user_render_public(const struct user *u, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct user shown = *u;

	shown.password = "";
	shown.tokens = NULL;
	shown.o.tmpl = tmpl_copy(&arena, u->o.tmpl);
	tmpl_remove(shown.o.tmpl, "TOKEN_PASSWORD");
	user_render(&shown.o, out);
	arena_done(&arena);
}

static enum one_rc user_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	(void)o;
	return vm_op_check_template(fresh, err);
}

const struct obj_ops user_ops = {
	.type = OBJ_USER, .token = "USER", .word = "user", .root = "USER", .pool_root = "USER_POOL", .table = TABLE_USER,
	.size = sizeof(struct user), .flags = OBJ_F_NAME_GLOBAL | OBJ_F_ATTR_ONCE, .load = user_load, .render = user_render,
	.check_update = user_check_update,
};

enum one_rc user_check_password(const char *password, struct one_err *err)
{
	if (!*password)
		return one_err_set(err, ONE_INTERNAL, "Invalid password, it cannot be empty");
	for (const char *c = password; *c; c++)
		if (strchr(" \t\n\v\f\r", *c))
			return one_err_set(err, ONE_INTERNAL, "Invalid password, character '%c' is not allowed", *c);
	return ONE_OK;
}

const char *user_stored_password(struct arena *a, const char *driver, const char *password)
{
	char hex[65];

	if (strcmp(driver, "core") != 0)
		return arena_strdup(a, password);
	sha256_hex(password, strlen(password), hex);
	return arena_strdup(a, hex);
}

/* Besides what no name may have. */
#define USER_NAME_FORBIDDEN " \t\n\v\f\r"

static enum one_rc check_user_name(struct txn *t, const char *name)
{
	size_t at = strcspn(name, OBJ_NAME_FORBIDDEN USER_NAME_FORBIDDEN);
	struct one_err err = ONE_ERR_INIT;
	int taken;

	if (name[at] && strchr(USER_NAME_FORBIDDEN, name[at]))
		return txn_fail(t, ONE_INTERNAL, "Invalid NAME, char '%c' is not allowed.", name[at]);
	if (obj_check_name(name, &err))
		return txn_fail(t, ONE_INTERNAL, "%s.", err.text);
	taken = txn_find(t, OBJ_USER, name, -1);
	if (taken >= 0)
		return txn_fail(t, ONE_INTERNAL, "NAME is already taken by USER %d.", taken);
	return ONE_OK;
}

static enum one_rc check_groups(struct txn *t, const int *gids, int n)
{
	struct strbuf list = STRBUF_INIT;
	struct idset sorted = { 0 };
	bool missing = false;

	if (n == 0 || !txn_exists(t, OBJ_GROUP, gids[0]))
		return txn_fail(t, ONE_INTERNAL, "The array of groups needs to have at least a valid Group ID.");
	for (int i = 0; i < n; i++) {
		missing |= !txn_exists(t, OBJ_GROUP, gids[i]);
		idset_add(&sorted, t->arena, gids[i]);
	}
	for (int i = 0; i < sorted.n; i++)
		strbuf_addf(&list, "%s%d", i ? "," : "", sorted.ids[i]);
	if (missing)
		txn_fail(t, ONE_INTERNAL, "One or more of the groups %s do not exist.", list.buf);
	strbuf_done(&list);
	return t->err.rc;
}

struct user *user_create(struct txn *t, const char *name, const char *password, const char *driver, const int *gids, int n_gids)
{
	struct user *u;
	struct quota *q;
	char secret[65];

	if (check_user_name(t, name) || check_groups(t, gids, n_gids))
		return NULL;
	u = txn_new(t, OBJ_USER);
	if (!u)
		return NULL;
	u->o.uid = u->o.id;
	u->o.gid = gids[0];
	u->o.name = u->o.uname = arena_strdup(&u->o.arena, name);
	u->o.gname = arena_strdup(&u->o.arena, ((const struct object *)txn_read(t, OBJ_GROUP, gids[0]))->name);
	u->o.perm = PERM_OWNER_U | PERM_OWNER_M;
	u->password = arena_strdup(&u->o.arena, password);
	u->driver = arena_strdup(&u->o.arena, driver);
	u->enabled = true;
	random_hex(secret, 32);
	tmpl_add(u->o.tmpl, "TOKEN_PASSWORD", secret);
	for (int i = 0; i < n_gids; i++)
		user_join_group(t, u, gids[i]);
	q = txn_new(t, OBJ_USER_QUOTA);
	if (q)
		q->o.id = u->o.id;
	return u;
}

void user_join_group(struct txn *t, struct user *u, int gid)
{
	struct group *g = txn_edit(t, OBJ_GROUP, gid);

	if (!g)
		return;
	idset_add(&u->groups, &u->o.arena, gid);
	idset_add(&g->users, &g->o.arena, u->o.id);
}

void user_drop_dead_token(struct txn *t, int uid, const char *token)
{
	struct user *u = txn_exists(t, OBJ_USER, uid) ? txn_edit(t, OBJ_USER, uid) : NULL;
	struct login_token **at = u ? &u->tokens : NULL;

	while (at && *at && strcmp((*at)->token, token) != 0)
		at = &(*at)->next;
	if (at && *at && (*at)->egid != -1 && !idset_has(&u->groups, (*at)->egid))
		*at = (*at)->next;
}

void user_leave_group(struct txn *t, struct user *u, int gid)
{
	struct group *g = txn_exists(t, OBJ_GROUP, gid) ? txn_edit(t, OBJ_GROUP, gid) : NULL;

	idset_del(&u->groups, gid);
	if (!g)
		return;
	if (idset_has(&g->admins, u->o.id))
		group_admin_del(t, g, u->o.id);
	idset_del(&g->users, u->o.id);
}
