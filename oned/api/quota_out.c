#include "oned/api/quota_out.h"

#include <string.h>

#include "oned/api/api.h"
#include "oned/api/filter.h"
#include "oned/api/restricted.h"
#include "oned/auth/quota.h"
#include "oned/auth/user.h"

static void out_default(struct call *c, int which, struct strbuf *out)
{
	struct version *v = pool_get(c->api->core, OBJ_DEFAULT_QUOTA, which);

	if (v)
		strbuf_add(out, v->body, v->body_len);
	version_unref(v);
}

void quota_out_default(struct call *c, int which)
{
	out_default(c, which, call_ok_buffer(c));
}

/* A user's secrets are for himself and for those who may change him. */
static bool may_see_secrets(struct call *c, const struct version *v)
{
	struct authz a;

	if (v->ops->type != OBJ_USER || c->who.admin || v->id == c->who.uid)
		return true;
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_MANAGE, true, v);
	return authz_end(&a, NULL) == ONE_OK;
}

static void out_body(struct call *c, const struct version *v, struct strbuf *out)
{
	if (may_see_secrets(c, v))
		strbuf_add(out, v->body, v->body_len);
	else
		user_render_public((const struct user *)v->obj, out);
}

void quota_out_info(struct call *c, const struct version *v, enum obj_type quota_type, int which)
{
	struct version *quota = pool_get(c->api->core, quota_type, v->id);
	struct strbuf *out = call_ok_buffer(c);

	if (c->who.admin && c->n_args > 1 && call_bool(c, 1))
		api_out_decrypted(c, v, out);
	else
		out_body(c, v, out);
	strbuf_setlen(out, out->len - strlen("</>") - strlen(v->ops->root));
	if (quota)
		quota_out_sections((const struct quota *)quota->obj, out);
	out_default(c, which, out);
	xml_out_close(out, v->ops->root);
	version_unref(quota);
}

void quota_out_pool(struct call *c, enum obj_type type, enum obj_type quota_type, int which)
{
	struct pool_filter f = { .flag = -2, .first = -1, .last = -1 };
	struct version **list;
	struct strbuf *out;
	size_t n;

	if (filter_collect(c, type, &f, &list, &n))
		return;
	out = call_ok_buffer(c);
	xml_out_open(out, obj_ops(type)->pool_root);
	for (size_t i = 0; i < n; i++) {
		struct version *quota = pool_get(c->api->core, quota_type, list[i]->id);

		out_body(c, list[i], out);
		if (quota)
			strbuf_add(out, quota->body, quota->body_len);
		version_unref(quota);
	}
	out_default(c, which, out);
	xml_out_close(out, obj_ops(type)->pool_root);
	pool_release(list, n);
}
