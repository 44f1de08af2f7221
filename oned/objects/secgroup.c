#include "oned/objects/secgroup.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/vnet.h"

static enum one_rc secgroup_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct secgroup *sg = (struct secgroup *)o;

	(void)err;
	idset_load(&sg->updated, &o->arena, xml_child(x, "UPDATED_VMS"));
	idset_load(&sg->outdated, &o->arena, xml_child(x, "OUTDATED_VMS"));
	idset_load(&sg->updating, &o->arena, xml_child(x, "UPDATING_VMS"));
	idset_load(&sg->error, &o->arena, xml_child(x, "ERROR_VMS"));
	return ONE_OK;
}

static void secgroup_render(const struct object *o, struct strbuf *out)
{
	const struct secgroup *sg = (const struct secgroup *)o;

	xml_out_open(out, "SECURITY_GROUP");
	obj_out_head(o, out);
	obj_out_permissions(o, out);
	obj_out_ids(out, "UPDATED_VMS", sg->updated.ids, sg->updated.n);
	obj_out_ids(out, "OUTDATED_VMS", sg->outdated.ids, sg->outdated.n);
	obj_out_ids(out, "UPDATING_VMS", sg->updating.ids, sg->updating.n);
	obj_out_ids(out, "ERROR_VMS", sg->error.ids, sg->error.n);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "SECURITY_GROUP");
}

const struct obj_ops secgroup_ops = {
	.type = OBJ_SECGROUP, .token = "SECGROUP", .word = "security group", .root = "SECURITY_GROUP",
	.pool_root = "SECURITY_GROUP_POOL", .table = TABLE_SECGROUP, .size = sizeof(struct secgroup),
	.flags = OBJ_F_OWNED | OBJ_F_NAME_OWNER | OBJ_F_SYSTEM100, .load = secgroup_load, .render = secgroup_render,
};

/* ---- rules ---- */

static bool is_one_of(const char *value, const char *const *names)
{
	for (; *names; names++)
		if (value && !strcasecmp(value, *names))
			return true;
	return false;
}

/* One port: at most 65535, digits only. 0: fine, 1: no number, 2: too big. */
static int check_port(const char **at)
{
	long port = 0;
	const char *from = *at;

	for (; isdigit((unsigned char)**at); (*at)++)
		if (port <= 65535)
			port = port * 10 + (**at - '0');
	if (*at == from)
		return 1;
	return port > 65535 ? 2 : 0;
}

/* "22,53:110": single ports and ranges. */
static enum one_rc check_range(const char *range, struct one_err *err)
{
	bool big = false;

	for (const char *at = range;; at++) {
		int port = check_port(&at);

		big |= port == 2;
		if (port != 1 && *at == ':') {
			at++;
			port = check_port(&at);
			big |= port == 2;
		}
		if (port == 1 || (*at && *at != ','))
			return one_err_set(err, ONE_INTERNAL, "Invalid RANGE specification.");
		if (!*at)
			break;
	}
	return big ? one_err_set(err, ONE_INTERNAL, "RANGE out of bounds 0-65536.") : ONE_OK;
}

/* ICMP_TYPE and ICMPV6_TYPE: a number, for its own protocol only. */
static enum one_rc check_icmp(const struct attr *rule, const char *name, const char *protocol, struct one_err *err)
{
	const char *value = attr_get(rule, name);
	long long type;

	if (!value || !*value)
		return ONE_OK;
	if (strcasecmp(attr_get(rule, "PROTOCOL"), protocol) != 0)
		return one_err_set(err, ONE_INTERNAL, "%s is supported only for %s protocol.", name, protocol);
	if (!value_int(value, &type))
		return one_err_set(err, ONE_INTERNAL, "Wrong %s, it must be integer", name);
	return ONE_OK;
}

/* What the other end is: an IP with a SIZE, a network, or anything. */
static enum one_rc check_target(const struct attr *rule, struct one_err *err)
{
	const char *ip = attr_get(rule, "IP");
	struct in6_addr address;
	long long n;

	if (ip && *ip) {
		if (!attr_get_int(rule, "SIZE", &n) || n < 0)
			return one_err_set(err, ONE_INTERNAL, "Wrong or empty SIZE.");
		if (inet_pton(AF_INET6, ip, &address) != 1 && inet_pton(AF_INET, ip, &address) != 1)
			return one_err_set(err, ONE_INTERNAL, "Wrong format for IP value.");
	} else if (attr_get(rule, "NETWORK_ID") && !attr_get_int(rule, "NETWORK_ID", &n)) {
		return one_err_set(err, ONE_INTERNAL, "Wrong NETWORK_ID.");
	}
	return ONE_OK;
}

static enum one_rc check_rule(const struct attr *rule, struct one_err *err)
{
	static const char *const protocols[] = { "TCP", "UDP", "ICMP", "ICMPV6", "IPSEC", "ALL", NULL };
	static const char *const with_ports[] = { "TCP", "UDP", NULL };
	static const char *const directions[] = { "INBOUND", "OUTBOUND", NULL };
	const char *protocol = attr_get(rule, "PROTOCOL"), *range = attr_get(rule, "RANGE");
	enum one_rc rc = ONE_OK;

	if (!is_one_of(protocol, protocols))
		return one_err_set(err, ONE_INTERNAL,
				   "Wrong PROTOCOL in rule. Valid options: TCP, UDP, ICMP, ICMPV6, IPSEC, ALL.");
	if (range && *range) {
		if (!is_one_of(protocol, with_ports))
			return one_err_set(err, ONE_INTERNAL, "RANGE is supported only for TCP and UDP protocols.");
		rc = check_range(range, err);
	}
	if (!rc)
		rc = check_icmp(rule, "ICMP_TYPE", "ICMP", err);
	if (!rc)
		rc = check_icmp(rule, "ICMPV6_TYPE", "ICMPV6", err);
	if (!rc && !is_one_of(attr_get(rule, "RULE_TYPE"), directions))
		rc = one_err_set(err, ONE_INTERNAL, "Wrong RULE_TYPE in rule. Valid options: INBOUND, OUTBOUND.");
	return rc ? rc : check_target(rule, err);
}

static bool same_rule(const struct attr *a, const struct attr *b)
{
	const struct attr *x = a->kids, *y = b->kids;

	for (; x && y; x = x->next, y = y->next)
		if (strcmp(x->name, y->name) != 0 || strcmp(x->value, y->value) != 0)
			return false;
	return !x && !y;
}

enum one_rc secgroup_rules_check(struct tmpl *tmpl, struct one_err *err)
{
	struct attr *rule, *other, *next;
	enum one_rc rc;

	for (rule = tmpl_vector(tmpl, "RULE"); rule; rule = tmpl_find_next(rule)) {
		rc = rule->vector ? check_rule(rule, err) : ONE_OK;
		if (rc)
			return rc;
	}
	for (rule = tmpl_vector(tmpl, "RULE"); rule; rule = tmpl_find_next(rule))
		for (other = tmpl_find_next(rule); other; other = next) {
			next = tmpl_find_next(other);
			if (rule->vector && other->vector && same_rule(rule, other))
				tmpl_remove_attr(tmpl, other);
		}
	return ONE_OK;
}

static struct attr *add_rule(struct tmpl *to, const struct attr *rule, const struct secgroup *sg)
{
	struct attr *copy = tmpl_add_vector(to, "SECURITY_GROUP_RULE");

	for (const struct attr *kid = rule->kids; kid; kid = kid->next)
		attr_set(to->arena, copy, kid->name, kid->value);
	attr_setf(to->arena, copy, "SECURITY_GROUP_ID", "%d", sg->o.id);
	attr_set(to->arena, copy, "SECURITY_GROUP_NAME", sg->o.name);
	return copy;
}

void secgroup_rules_add(struct txn *t, int sg_id, int vm_id, struct tmpl *vm_template)
{
	const struct secgroup *sg = txn_read(t, OBJ_SECGROUP, sg_id);
	long long net;

	if (!sg)
		return;
	if (vm_id >= 0 && !idset_has(&sg->updated, vm_id)) {
		struct secgroup *mine = txn_edit(t, OBJ_SECGROUP, sg_id);

		if (!mine)
			return;
		idset_add(&mine->updated, &mine->o.arena, vm_id);
		sg = mine;
	}
	for (const struct attr *rule = tmpl_vector(sg->o.tmpl, "RULE"); rule; rule = tmpl_find_next(rule)) {
		const struct vnet *vn;

		if (!rule->vector)
			continue;
		if (!attr_get_int(rule, "NETWORK_ID", &net)) {
			add_rule(vm_template, rule, sg);
			continue;
		}
		vn = txn_read(t, OBJ_NET, (int)net);
		for (const struct address_range *ar = vn ? vn->ranges : NULL; ar; ar = ar->next)
			address_range_rule_fill(ar, add_rule(vm_template, rule, sg), vm_template->arena);
	}
}

void secgroup_vm_remove(struct txn *t, int sg_id, int vm_id)
{
	const struct secgroup *sg = txn_read(t, OBJ_SECGROUP, sg_id);
	struct secgroup *mine;

	if (!sg || (!idset_has(&sg->updated, vm_id) && !idset_has(&sg->outdated, vm_id) && !idset_has(&sg->updating, vm_id) &&
		    !idset_has(&sg->error, vm_id)))
		return;
	mine = txn_edit(t, OBJ_SECGROUP, sg_id);
	if (!mine)
		return;
	idset_del(&mine->updated, vm_id);
	idset_del(&mine->outdated, vm_id);
	idset_del(&mine->updating, vm_id);
	idset_del(&mine->error, vm_id);
}

/* ---- lists ---- */

void secgroup_ids_parse(const char *list, struct idset *out, struct arena *arena)
{
	int most = 1, n = 0, *ids;
	char *item;

	for (const char *c = list; c && *c; c++)
		most += *c == ',';
	ids = arena_array(arena, most, int);
	while ((item = list_next(arena, &list, ','))) {
		long long id;

		if (value_int(item, &id) && id >= 0 && id <= INT32_MAX)
			ids[n++] = (int)id;
	}
	idset_add_all(out, arena, ids, n);
}

const char *secgroup_ids_format(const struct idset *ids, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	const char *copy;

	for (int i = 0; i < ids->n; i++)
		strbuf_addf(&text, i ? ",%d" : "%d", ids->ids[i]);
	copy = arena_strdup(arena, text.buf);
	strbuf_done(&text);
	return copy;
}

/* ---- making ---- */

static void move_all(struct idset *from, struct idset *to, struct arena *arena)
{
	for (int i = 0; i < from->n; i++)
		idset_add(to, arena, from->ids[i]);
	from->n = 0;
}

void secgroup_commit(struct secgroup *sg, bool recover)
{
	if (!recover)
		move_all(&sg->updated, &sg->outdated, &sg->o.arena);
	move_all(&sg->updating, &sg->outdated, &sg->o.arena);
	move_all(&sg->error, &sg->outdated, &sg->o.arena);
}

struct secgroup *secgroup_create(struct txn *t, const struct object *owner, const struct tmpl *tmpl)
{
	struct secgroup *sg = txn_new(t, OBJ_SECGROUP);
	struct one_err err = ONE_ERR_INIT;

	if (!sg)
		return NULL;
	object_take(&sg->o, owner, tmpl);
	if (object_name_of_template(t, &sg->o, "SecurityGroup"))
		return NULL;
	if (secgroup_rules_check(sg->o.tmpl, &err)) {
		txn_fail(t, err.rc, "%s", err.text);
		return NULL;
	}
	return sg;
}

enum one_rc secgroup_bootstrap(struct txn *t)
{
	static const char text[] =
		"NAME = \"default\"\n"
		"DESCRIPTION = \"The default security group is added to every network. Use it to add default filter rules for your "
		"networks. You may remove this security group from any network by updating its properties.\"\n"
		"RULE = [ RULE_TYPE = \"OUTBOUND\", PROTOCOL = \"ALL\" ]\n"
		"RULE = [ RULE_TYPE = \"INBOUND\", PROTOCOL = \"ALL\" ]\n";
	struct tmpl *tmpl = tmpl_new(t->arena);
	struct object owner = { 0 };

	if (tmpl_parse(tmpl, text, &t->err))
		return t->err.rc;
	object_owner_oneadmin(t, &owner, PERM_OWNER_U | PERM_OWNER_M | PERM_OWNER_A | PERM_GROUP_U | PERM_OTHER_U);
	secgroup_create(t, &owner, tmpl);
	txn_reserve_ids(t, OBJ_SECGROUP, 99);
	return t->err.rc;
}
