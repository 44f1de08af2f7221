#include "oned/auth/acl_rule.h"

#include <stdio.h>
#include <string.h>

#include "oned/auth/acl.h"

#define ID_MASK UINT64_C(0xFFFFFFFF)
#define WRONG_TYPES UINT64_C(0xFE80000000000000)

/* Types in the order they are printed; the others have no word in a rule's text. */
static const struct { enum obj_type type; const char *token; } printed[] = {
	{ OBJ_VM, "VM" }, { OBJ_HOST, "HOST" }, { OBJ_NET, "NET" }, { OBJ_IMAGE, "IMAGE" }, { OBJ_USER, "USER" },
	{ OBJ_TEMPLATE, "TEMPLATE" }, { OBJ_GROUP, "GROUP" }, { OBJ_DATASTORE, "DATASTORE" }, { OBJ_CLUSTER, "CLUSTER" },
	{ OBJ_DOCUMENT, "DOCUMENT" }, { OBJ_ZONE, "ZONE" }, { OBJ_SECGROUP, "SECGROUP" }, { OBJ_VDC, "VDC" },
	{ OBJ_VROUTER, "VROUTER" }, { OBJ_MARKET, "MARKETPLACE" }, { OBJ_MARKETAPP, "MARKETPLACEAPP" },
	{ OBJ_VMGROUP, "VMGROUP" }, { OBJ_VNTEMPLATE, "VNTEMPLATE" }, { OBJ_BACKUPJOB, "BACKUPJOB" },
};
static const struct { unsigned bit; const char *word; } rights_words[] = {
	{ AUTH_USE, "USE" }, { AUTH_MANAGE, "MANAGE" }, { AUTH_ADMIN, "ADMIN" }, { AUTH_CREATE, "CREATE" },
};

/* The four numbers as one text: a rule's name, so that an equal one is found without looking at all. */
struct rule_key { char text[4 * 17]; };

static struct rule_key key_of(uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone)
{
	struct rule_key key;

	snprintf(key.text, sizeof(key.text), "%llx %llx %llx %llx", (unsigned long long)user, (unsigned long long)resource,
		 (unsigned long long)rights, (unsigned long long)zone);
	return key;
}

static void set_rule(struct acl_rule *r, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone)
{
	r->user = user;
	r->resource = resource;
	r->rights = rights;
	r->zone = zone;
	r->o.name = arena_strdup(&r->o.arena, key_of(user, resource, rights, zone).text);
}

static enum one_rc rule_load_row(struct object *o, const struct sql_value *cols, int n, struct one_err *err)
{
	struct acl_rule *r = (struct acl_rule *)o;

	if (n < 5)
		return one_err_set(err, ONE_INTERNAL, "ACL row with %d columns", n);
	o->id = (int)cols[0].i;
	set_rule(r, (uint64_t)cols[1].i, (uint64_t)cols[2].i, (uint64_t)cols[3].i, (uint64_t)cols[4].i);
	return ONE_OK;
}

static void rule_render(const struct object *o, struct strbuf *out)
{
	const struct acl_rule *r = (const struct acl_rule *)o;

	strbuf_addf(out, "<ACL><ID>%d</ID><USER>%llx</USER><RESOURCE>%llx</RESOURCE><RIGHTS>%llx</RIGHTS><ZONE>%llx</ZONE><STRING>",
		    o->id, (unsigned long long)r->user, (unsigned long long)r->resource, (unsigned long long)r->rights,
		    (unsigned long long)r->zone);
	acl_rule_text(r->user, r->resource, r->rights, r->zone, out);
	strbuf_lit(out, "</STRING></ACL>");
}

static int rule_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		    struct sql_value *cols)
{
	const struct acl_rule *r = (const struct acl_rule *)o;

	(void)v;
	(void)brief;
	(void)json;
	cols[0] = SQL_INT(o->id);
	cols[1] = SQL_INT((int64_t)r->user);
	cols[2] = SQL_INT((int64_t)r->resource);
	cols[3] = SQL_INT((int64_t)r->rights);
	cols[4] = SQL_INT((int64_t)r->zone);
	return 5;
}

const struct obj_ops acl_rule_ops = {
	.type = OBJ_ACL, .token = "ACL", .word = "ACL", .root = "ACL", .pool_root = "ACL_POOL", .table = TABLE_ACL,
	.size = sizeof(struct acl_rule), .flags = OBJ_F_NAME_GLOBAL, .render = rule_render, .row = rule_row, .load_row = rule_load_row,
};

/* ---- text ---- */

/* Of several selectors, which is an error, this order decides what is told. */
static void selector_text(uint64_t value, struct strbuf *out)
{
	int id = (int32_t)(value & ID_MASK);

	if (value & ACL_GROUP)
		strbuf_addf(out, "@%d", id);
	else if (value & ACL_INDIVIDUAL)
		strbuf_addf(out, "#%d", id);
	else if (value & ACL_CLUSTER)
		strbuf_addf(out, "%%%d", id);
	else if (value & ACL_ALL)
		strbuf_addc(out, '*');
	else
		strbuf_lit(out, "??");
}

void acl_rule_text(uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone, struct strbuf *out)
{
	const char *plus = "";

	selector_text(user, out);
	strbuf_addc(out, ' ');
	for (size_t i = 0; i < sizeof(printed) / sizeof(*printed); i++)
		if (resource & ACL_TYPE(printed[i].type)) {
			strbuf_addf(out, "%s%s", plus, printed[i].token);
			plus = "+";
		}
	strbuf_addc(out, '/');
	selector_text(resource, out);
	strbuf_addc(out, ' ');
	plus = "";
	for (size_t i = 0; i < sizeof(rights_words) / sizeof(*rights_words); i++)
		if (rights & rights_words[i].bit) {
			strbuf_addf(out, "%s%s", plus, rights_words[i].word);
			plus = "+";
		}
	strbuf_addc(out, ' ');
	selector_text(zone & ~(ACL_GROUP | ACL_CLUSTER), out); /* zones have neither */
}

/* ---- validity: permissions.md section 4 ---- */

static int n_bits(uint64_t v)
{
	return __builtin_popcountll(v);
}

static void reason(struct strbuf *out, const char *text)
{
	if (out->len)
		strbuf_lit(out, "; ");
	strbuf_adds(out, text);
}

static void check_user(uint64_t user, struct strbuf *out)
{
	if ((user & ACL_INDIVIDUAL) && (user & ACL_GROUP))
		reason(out, "[user] INDIVIDUAL (#) and GROUP (@) bits are exclusive");
	if ((user & ACL_INDIVIDUAL) && (user & ACL_ALL))
		reason(out, "[user] INDIVIDUAL (#) and ALL (*) bits are exclusive");
	if ((user & ACL_GROUP) && (user & ACL_ALL))
		reason(out, "[user] GROUP (@) and ALL (*) bits are exclusive");
	if (!(user & (ACL_INDIVIDUAL | ACL_GROUP | ACL_ALL)))
		reason(out, "[user] is missing one of the INDIVIDUAL, GROUP or ALL bits");
	if ((int32_t)(user & ID_MASK) < 0)
		reason(out, "[user] ID cannot be negative");
	if ((user & ACL_ALL) && (user & ID_MASK))
		reason(out, "when using the ALL bit, [user] ID must be 0");
}

static void check_resource(uint64_t res, struct strbuf *out)
{
	const uint64_t selectors = ACL_INDIVIDUAL | ACL_GROUP | ACL_ALL | ACL_CLUSTER;
	const uint64_t no_cluster = ~(ACL_TYPE(OBJ_DATASTORE) | ACL_TYPE(OBJ_HOST) | ACL_TYPE(OBJ_NET)) & ~(ACL_TYPE(0) - 1) & ~WRONG_TYPES;
	const uint64_t no_group = ACL_TYPE(OBJ_HOST) | ACL_TYPE(OBJ_GROUP) | ACL_TYPE(OBJ_CLUSTER) | ACL_TYPE(OBJ_ZONE) | ACL_TYPE(OBJ_VDC);

	if (n_bits(res & selectors) > 1)
		reason(out, "[resource] INDIVIDUAL (#), GROUP (@), CLUSTER (%) and ALL (*) bits are exclusive");
	if ((res & ACL_CLUSTER) && (res & no_cluster & ~ACL_TYPE(OBJ_BACKUPJOB) & ~ACL_TYPE(OBJ_HOOK)))
		reason(out, "[resource] CLUSTER(%) selector can be applied only to DATASTORE, HOST and NET types");
	if ((res & ACL_GROUP) && (res & no_group))
		reason(out, "[resource] GROUP(@) selector cannot be applied to HOST, GROUP, CLUSTER, ZONE or VDC types");
	if (!(res & selectors))
		reason(out, "[resource] is missing one of the INDIVIDUAL, GROUP, CLUSTER or ALL bits");
	if ((int32_t)(res & ID_MASK) < 0)
		reason(out, "[resource] ID cannot be negative");
	if ((res & ACL_ALL) && (res & ID_MASK))
		reason(out, "when using the ALL bit, [resource] ID must be 0");
	if (!(res & ~(ACL_TYPE(0) - 1)))
		reason(out, "[resource] type is missing");
	if (res & WRONG_TYPES)
		reason(out, "wrong [resource] type");
}

static void check_zone(uint64_t res, uint64_t zone, struct strbuf *out)
{
	const uint64_t everywhere = ACL_TYPE(OBJ_USER) | ACL_TYPE(OBJ_GROUP) | ACL_TYPE(OBJ_ZONE) | ACL_TYPE(OBJ_ACL) | ACL_TYPE(OBJ_VDC);
	uint64_t types = res & ~(ACL_TYPE(0) - 1);

	if (zone & ACL_GROUP)
		strbuf_lit(out, "[zone] GROUP (@) bit is not supported"); /* right behind the reason before it, as OpenNebula */
	if ((zone & ACL_INDIVIDUAL) && (zone & ACL_ALL))
		reason(out, "[zone] INDIVIDUAL (#) and ALL (*) bits are exclusive");
	if (!(zone & (ACL_INDIVIDUAL | ACL_GROUP | ACL_ALL)))
		reason(out, "[zone] is missing one of the INDIVIDUAL or ALL bits");
	if ((int32_t)(zone & ID_MASK) < 0)
		reason(out, "[zone] ID cannot be negative");
	if ((zone & ACL_ALL) && (zone & ID_MASK))
		reason(out, "when using the ALL bit, [zone] ID must be 0");
	if ((zone & ACL_ALL) && (res & ACL_INDIVIDUAL) && (types & ~everywhere))
		reason(out, "[resource] INDIVIDUAL(#) selector cannot be applied to ALL zones, except for USER, GROUP and ZONE types");
}

static void check_rights(uint64_t rights, struct strbuf *out)
{
	if (!rights)
		reason(out, "wrong [rights], it cannot be 0");
	if (rights > 0xF)
		reason(out, "wrong [rights], it cannot be bigger than 0xF");
}

int acl_rule_find(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone)
{
	return txn_find(t, OBJ_ACL, key_of(user, resource, rights, zone).text, -1);
}

struct acl_rule *acl_rule_add(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone)
{
	struct strbuf text = STRBUF_INIT, bad = STRBUF_INIT;
	struct acl_rule *r = NULL;

	acl_rule_text(user, resource, rights, zone, &text);
	check_user(user, &bad);
	check_resource(resource, &bad);
	check_rights(rights, &bad);
	check_zone(resource, zone, &bad);
	if (bad.len)
		txn_fail(t, ONE_INTERNAL, "Rule %s is malformed: %s", text.buf, bad.buf);
	else if (acl_rule_find(t, user, resource, rights, zone) >= 0)
		txn_fail(t, ONE_INTERNAL, "Rule %s already exists", text.buf);
	else
		r = txn_new(t, OBJ_ACL);
	if (r)
		set_rule(r, user, resource, rights, zone);
	strbuf_done(&text);
	strbuf_done(&bad);
	return r;
}

void acl_rule_ensure(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone)
{
	if (acl_rule_find(t, user, resource, rights, zone) < 0)
		acl_rule_add(t, user, resource, rights, zone);
}

void acl_rule_drop(struct txn *t, uint64_t user, uint64_t resource, uint64_t rights, uint64_t zone)
{
	int id = acl_rule_find(t, user, resource, rights, zone);
	struct acl_rule *r = id < 0 ? NULL : txn_edit(t, OBJ_ACL, id);

	if (r)
		txn_delete(t, &r->o);
}

void acl_rules_delete(struct txn *t, bool (*match)(const struct acl_rule *r, void *ctx), void *ctx)
{
	int *ids, n = txn_ids(t, OBJ_ACL, &ids);

	for (int i = 0; i < n; i++)
		if (match(txn_read(t, OBJ_ACL, ids[i]), ctx))
			txn_delete(t, txn_edit(t, OBJ_ACL, ids[i]));
}

/* ---- rules that go with what they name ---- */

static bool names_resource(const struct acl_rule *r, void *ctx)
{
	return r->resource == *(const uint64_t *)ctx;
}

void acl_object_gone(struct txn *t, enum obj_type type, int id)
{
	uint64_t resource = ACL_TYPE(type) | ACL_INDIVIDUAL | (uint64_t)id;

	acl_rules_delete(t, names_resource, &resource);
}

static bool names_user(const struct acl_rule *r, void *ctx)
{
	return r->user == (ACL_INDIVIDUAL | (uint64_t)*(const int *)ctx);
}

void acl_user_gone(struct txn *t, int uid)
{
	acl_rules_delete(t, names_user, &uid);
}

static bool names_group(const struct acl_rule *r, void *ctx)
{
	uint64_t group = ACL_GROUP | (uint64_t)*(const int *)ctx;

	return r->user == group || (r->resource & (ACL_GROUP | ID_MASK)) == group;
}

void acl_group_gone(struct txn *t, int gid)
{
	acl_rules_delete(t, names_group, &gid);
}

static bool holds_in_zone(const struct acl_rule *r, void *ctx)
{
	return r->zone == (ACL_INDIVIDUAL | (uint64_t)*(const int *)ctx);
}

void acl_zone_gone(struct txn *t, int zone)
{
	acl_rules_delete(t, holds_in_zone, &zone);
}
