/* one.acl.* */
#include <stdlib.h>
#include <string.h>

#include "oned/api/api.h"
#include "oned/auth/acl_rule.h"

/* All rules, by user specifier as a number, then in the order they were made. */
static int by_user(const void *a, const void *b)
{
	const struct version *va = *(struct version *const *)a, *vb = *(struct version *const *)b;
	const struct acl_rule *ra = (const struct acl_rule *)va->obj, *rb = (const struct acl_rule *)vb->obj;

	if (ra->user != rb->user)
		return ra->user < rb->user ? -1 : 1;
	return (va->id > vb->id) - (va->id < vb->id);
}

static bool may_list(struct call *c)
{
	struct authz a;

	call_checks_begin(c, &a);
	authz_check_type(&a, AUTH_MANAGE, OBJ_ACL);
	return !authz_end(&a, &c->err);
}

static void acl_info(struct call *c)
{
	struct version **list;
	struct strbuf *out;
	size_t n;

	if (!may_list(c))
		return;
	n = pool_collect(c->api->core, OBJ_ACL, -1, -1, NULL, NULL, &list);
	qsort(list, n, sizeof(*list), by_user);
	out = call_ok_buffer(c);
	xml_out_open(out, "ACL_POOL");
	for (size_t i = 0; i < n; i++)
		strbuf_add(out, list[i]->body, list[i]->body_len);
	xml_out_close(out, "ACL_POOL");
	pool_release(list, n);
}

/* As far as the text is a number; 0 when it isn't at all. Too large is the largest: no such rule is valid. */
static uint64_t hex(const struct call *c, int i)
{
	return (uint64_t)strtoll(call_str(c, i), NULL, 16);
}

static void acl_addrule(struct txn *t, struct call *c)
{
	uint64_t zone = *call_str(c, 3) ? hex(c, 3) : ACL_INDIVIDUAL | (uint64_t)c->api->zone;
	struct acl_rule *r = acl_rule_add(t, hex(c, 0), hex(c, 1), hex(c, 2), zone);

	if (r)
		call_ok_int(c, r->o.id);
}

static void acl_delrule(struct txn *t, struct call *c)
{
	int id = call_int(c, 0);

	if (!txn_exists(t, OBJ_ACL, id)) {
		txn_fail(t, ONE_INTERNAL, "Rule %d does not exist", id);
		return;
	}
	txn_delete(t, txn_edit(t, OBJ_ACL, id));
	call_ok_int(c, id);
}

const struct method acl_methods[] = {
	/* clang-format off */
	{ .name = "one.acl.info", .params = "", .object = OBJ_ACL, .right = AUTH_MANAGE, .flags = M_TYPE_RIGHT | M_BULK,
	  .read = acl_info, .doc = "All ACL rules." },
	{ .name = "one.acl.addrule", .params = "user:s resource:s rights:s zone:s=", .object = OBJ_ACL, .right = AUTH_MANAGE,
	  .flags = M_TYPE_RIGHT, .write = acl_addrule, .doc = "Adds a rule; values are hexadecimal numbers." },
	{ .name = "one.acl.delrule", .params = "id:i", .object = OBJ_ACL, .right = AUTH_MANAGE, .flags = M_TYPE_RIGHT,
	  .write = acl_delrule, .doc = "Removes a rule." },
	{ .name = NULL },
	/* clang-format on */
};
