/* Permission checks, in the order of permissions.md section 3. */
#include "oned/auth/authz.h"

#include <string.h>

const char *auth_op_name(enum auth_op op)
{
	switch (op) {
	case AUTH_USE:
		return "USE";
	case AUTH_MANAGE:
		return "MANAGE";
	case AUTH_ADMIN:
		return "ADMIN";
	case AUTH_CREATE:
		return "CREATE";
	}
	return "?";
}

void auth_target_of(const struct version *v, struct auth_target *out)
{
	*out = (struct auth_target){ .type = v->ops->type, .oid = v->id, .uid = v->uid, .gid = v->gid, .perm = v->perm,
				     .lock = v->lock, .clusters = v->index.clusters, .n_clusters = v->index.n_clusters };
	out->only_named = v->ops->type == OBJ_NET && v->index.parent >= 0;
}

void authz_begin(struct authz *a, const struct identity *who, struct acl_index *acl, int zone)
{
	*a = (struct authz){ .who = who, .acl = acl, .zone = zone };
	strbuf_init(&a->failed);
}

/* The bits of the object itself. CREATE is never among them. */
static bool bits_allow(const struct identity *who, enum auth_op op, const struct auth_target *t)
{
	unsigned owner = op == AUTH_USE ? PERM_OWNER_U : op == AUTH_MANAGE ? PERM_OWNER_M : op == AUTH_ADMIN ? PERM_OWNER_A : 0;

	if (t->oid < 0 || !owner)
		return false;
	return ((t->perm & owner) && t->uid == who->uid) ||
	       ((t->perm & (owner >> 3)) && identity_in_group(who, t->gid)) || (t->perm & (owner >> 6));
}

static void add_reason(struct authz *a, const char *fmt_locked, enum auth_op op, const struct auth_target *t)
{
	const char *token = obj_ops(t->type) ? obj_ops(t->type)->token : "ACL";

	if (a->failed.len)
		strbuf_lit(&a->failed, "; ");
	if (fmt_locked)
		strbuf_addf(&a->failed, "%s is locked. [%d]", token, t->oid);
	else if (t->oid < 0)
		strbuf_addf(&a->failed, "Not authorized to perform %s %s", auth_op_name(op), token);
	else
		strbuf_addf(&a->failed, "Not authorized to perform %s %s [%d]", auth_op_name(op), token, t->oid);
}

void authz_check(struct authz *a, enum auth_op op, bool lock_exempt, const struct auth_target *t)
{
	bool locked = !lock_exempt && t->lock != LOCK_NONE && (unsigned)t->lock <= (unsigned)op;

	if (a->who->admin) {
		if (locked)
			add_reason(a, "locked", op, t);
		return;
	}
	if (locked || !(bits_allow(a->who, op, t) || acl_allows(a->acl, a->who, op, t, a->zone)))
		add_reason(a, NULL, op, t);
}

void authz_check_version(struct authz *a, enum auth_op op, bool lock_exempt, const struct version *v)
{
	struct auth_target t;

	auth_target_of(v, &t);
	authz_check(a, op, lock_exempt, &t);
}

void authz_check_type(struct authz *a, enum auth_op op, enum obj_type type)
{
	struct auth_target t = { .type = type, .oid = -1, .uid = a->who->uid, .gid = a->who->gid };

	if (op != AUTH_CREATE)
		t.gid = -1;
	authz_check(a, op, false, &t);
}

enum one_rc authz_end(struct authz *a, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	if (a->failed.len)
		rc = one_err_set(err, ONE_AUTHORIZATION, "%s", a->failed.buf);
	strbuf_done(&a->failed);
	return rc;
}
