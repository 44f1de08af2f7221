/* one.zone.*: this server alone; servers of a zone are only noted. */
#include "oned/objects/zone.h"

#include <string.h>

#include "oned/api/api.h"
#include "oned/auth/acl_rule.h"
#include "oned/objects/common.h"

/* Only for the zone this server is of. */
static bool is_ours(struct txn *t, struct call *c, const char *done)
{
	if (call_int(c, 0) == c->api->zone)
		return true;
	txn_fail(t, ONE_ACTION, "%s through the target zone endpoints", done);
	return false;
}

static struct zone *edit_ours(struct txn *t, struct call *c, const char *done)
{
	return is_ours(t, c, done) ? call_edit(t, c) : NULL;
}

static void zone_enable(struct txn *t, struct call *c)
{
	struct zone *z = edit_ours(t, c, "Enable/disable mode have to be set");

	if (!z)
		return;
	z->state = call_bool(c, 1) ? ZONE_ENABLED : ZONE_DISABLED;
	call_ok_int(c, z->o.id);
}

/* What is wrong with the text is told after everything else was checked. */
struct asked_server { struct tmpl *tmpl; struct one_err err; };

static enum one_rc prepare_addserver(struct call *c, struct one_err *err)
{
	struct asked_server *asked = arena_new(&c->arena, struct asked_server);

	(void)err;
	asked->tmpl = tmpl_new(&c->arena);
	tmpl_parse(asked->tmpl, call_str(c, 1), &asked->err);
	c->prepared = asked;
	return ONE_OK;
}

static void zone_addserver(struct txn *t, struct call *c)
{
	struct zone *z = edit_ours(t, c, "Servers have to be added");
	const struct asked_server *asked = c->prepared;
	const struct attr *server = tmpl_vector(asked->tmpl, "SERVER");
	static const char *const needed[] = { "NAME", "ENDPOINT" };
	long long id, next = 0;

	if (!z)
		return;
	if (asked->err.rc) {
		txn_fail(t, ONE_ACTION, "%s", asked->err.text);
		return;
	}
	if (!server) {
		txn_fail(t, ONE_ACTION, "%s", ""); /* as OpenNebula, which doesn't say why */
		return;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!attr_get(server, needed[i]) || !*attr_get(server, needed[i])) {
			txn_fail(t, ONE_ACTION, "Missing %s in SERVER", needed[i]);
			return;
		}
	for (const struct attr *a = tmpl_vector(z->servers, "SERVER"); a; a = tmpl_find_next(a))
		if (attr_get_int(a, "ID", &id) && id >= next)
			next = id + 1;
	attr_setf(&z->o.arena, tmpl_add_attr(z->servers, server), "ID", "%lld", next);
	call_ok_int(c, z->o.id);
}

static struct attr *find_server(const struct zone *z, int id)
{
	long long has;

	for (struct attr *a = tmpl_vector(z->servers, "SERVER"); a; a = tmpl_find_next(a))
		if (attr_get_int(a, "ID", &has) && has == id)
			return a;
	return NULL;
}

static void zone_delserver(struct txn *t, struct call *c)
{
	struct zone *z = edit_ours(t, c, "Servers have to be deleted");
	struct attr *server = z ? find_server(z, call_int(c, 1)) : NULL;

	if (!z)
		return;
	if (!server) {
		txn_fail(t, ONE_ACTION, "SERVER not found in zone");
		return;
	}
	tmpl_remove_attr(z->servers, server);
	call_ok_int(c, z->o.id);
}

/* There is no replication that would begin anew. */
static void zone_resetserver(struct txn *t, struct call *c)
{
	if (edit_ours(t, c, "Servers have to be deleted"))
		call_ok_int(c, call_int(c, 0));
}

static void zone_allocate(struct txn *t, struct call *c)
{
	(void)c;
	txn_fail(t, ONE_ALLOCATE, "New zones can only be created at federation master");
}

static void zone_delete(struct txn *t, struct call *c)
{
	struct zone *z = call_edit(t, c);

	if (!z)
		return;
	if (z->o.id < 100) {
		txn_fail(t, ONE_ACTION, "Cannot delete zone. System Zones (ID < 100) cannot be deleted.");
		return;
	}
	acl_zone_gone(t, z->o.id);
	acl_object_gone(t, OBJ_ZONE, z->o.id);
	txn_delete(t, &z->o);
	call_ok_int(c, z->o.id);
}

/* A server alone: state SOLO, no log. */
static void zone_raftstatus(struct call *c)
{
	static const char status[] = "<RAFT><SERVER_ID>-1</SERVER_ID><STATE>0</STATE><TERM>0</TERM><VOTEDFOR>-1</VOTEDFOR>"
				     "<COMMIT>0</COMMIT><LOG_INDEX>-1</LOG_INDEX><LOG_TERM>-1</LOG_TERM>"
				     "<FEDLOG_INDEX>-1</FEDLOG_INDEX></RAFT>";
	struct version *v = pool_get(c->api->core, OBJ_ZONE, c->api->zone);
	struct authz a;

	if (!v) {
		call_no_object(c, OBJ_ZONE, c->api->zone);
		return;
	}
	call_checks_begin(c, &a);
	authz_check_version(&a, AUTH_ADMIN, false, v);
	version_unref(v);
	if (!authz_end(&a, &c->err))
		call_ok_text(c, status, sizeof(status) - 1);
}

/* ---- what only servers among themselves call ---- */

static bool name_is_anothers(struct txn *t, const struct object *given)
{
	int has = txn_find(t, OBJ_ZONE, given->name, -1);

	return has >= 0 && has != given->id;
}

/* A zone as the master of the federation has it. */
static void zone_updatedb(struct txn *t, struct call *c)
{
	struct object *given = NULL;
	struct one_err err = ONE_ERR_INIT;
	const char *xml = call_str(c, 1);

	if (!call_by_oneadmin(c))
		return;
	if (!txn_exists(t, OBJ_ZONE, call_int(c, 0)))
		txn_no_object(t, OBJ_ZONE, call_int(c, 0));
	else if (obj_load(&zone_ops, xml, strlen(xml), &given, &err))
		txn_fail(t, ONE_INTERNAL, "Cannot update object from XML");
	else if (given->id != call_int(c, 0) || obj_check_name(given->name, &err) || name_is_anothers(t, given))
		txn_fail(t, ONE_INTERNAL, "Cannot update object from XML");
	else
		zone_take_over(txn_edit(t, OBJ_ZONE, given->id), (const struct zone *)given);
	if (given)
		obj_free(given);
	if (txn_ok(t))
		call_ok_int(c, call_int(c, 0));
}

/* Replication and elections are of servers that share a zone, and this one is alone: it neither follows nor votes, and its term is 0. */
static void refuse_peer(struct call *c)
{
	if (call_by_oneadmin(c))
		call_fail(c, ONE_ACTION, "This server stands alone in its zone");
	c->err.object_id = 0;
}

static void zone_voterequest(struct call *c)
{
	if (call_int(c, 1) >= 0)
		refuse_peer(c);
	else
		call_fail(c, ONE_INTERNAL, "%s", "");
	c->err.object_id = 0;
}

static void zone_fedreplicate(struct call *c)
{
	if (call_by_oneadmin(c))
		call_fail(c, ONE_REPLICATION, "Error replicating log entry %llu: Cannot replicate federate log records on federation master.",
			  (unsigned long long)UINT64_MAX);
}

const struct method zone_methods[] = {
	/* clang-format off */
	{ .name = "one.zone.info", .params = "id:i decrypt:b=false", .object = OBJ_ZONE, .right = AUTH_USE,
	  .flags = M_LOCK_EXEMPT | M_ZONE_DISABLED, .read = api_info, .doc = "A zone with its servers." },
	{ .name = "one.zonepool.info", .params = "", .object = OBJ_ZONE, .right = AUTH_USE, .flags = M_ZONE_DISABLED,
	  .read = api_pool_info, .doc = "All visible zones." },
	{ .name = "one.zone.allocate", .params = "template:s", .object = OBJ_ZONE, .right = AUTH_CREATE, .flags = M_TYPE_RIGHT,
	  .prepare = api_prepare_template0, .write = zone_allocate, .doc = "Refused: this is no master of a federation." },
	{ .name = "one.zone.delete", .params = "id:i unused:b=false", .object = OBJ_ZONE, .right = AUTH_ADMIN,
	  .flags = M_ID_FIRST, .write = zone_delete, .doc = "Deletes a zone that isn't the system's." },
	{ .name = "one.zone.update", .params = "id:i template:s append:i=0", .object = OBJ_ZONE, .right = AUTH_MANAGE,
	  .prepare = api_prepare_update, .write = api_update, .doc = "Replaces the template, or merges into it." },
	{ .name = "one.zone.rename", .params = "id:i name:s", .object = OBJ_ZONE, .right = AUTH_MANAGE, .flags = M_NO_RIGHT,
	  .write = api_rename, .doc = "Gives another name." },
	{ .name = "one.zone.enable", .params = "id:i enable:b", .object = OBJ_ZONE, .right = AUTH_ADMIN,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED, .write = zone_enable, .doc = "Enables or disables changes in this zone." },
	{ .name = "one.zone.raftstatus", .params = "", .object = OBJ_ZONE, .right = AUTH_ADMIN, .flags = M_NO_RIGHT | M_ZONE_DISABLED,
	  .read = zone_raftstatus, .doc = "The state of this server in its zone: alone." },
	{ .name = "one.zone.addserver", .params = "id:i template:s", .object = OBJ_ZONE, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .prepare = prepare_addserver, .write = zone_addserver, .doc = "Notes a server of this zone." },
	{ .name = "one.zone.delserver", .params = "id:i server:i", .object = OBJ_ZONE, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = zone_delserver, .doc = "Takes a server out of the zone." },
	{ .name = "one.zone.resetserver", .params = "id:i server:i", .object = OBJ_ZONE, .right = AUTH_ADMIN, .flags = M_NO_RIGHT,
	  .write = zone_resetserver, .doc = "Replication to a server begins anew; there is none here." },
	{ .name = "one.zone.updatedb", .params = "id:i xml:s", .object = OBJ_ZONE, .flags = M_NO_RIGHT, .write = zone_updatedb,
	  .doc = "Takes a zone over as the XML says it; for oneadmin himself." },
	{ .name = "one.zone.replicate", .params = "leader:i commit:l leader_term:i index:l term:i prev_index:l prev_term:i fed_index:l *sql:s",
	  .object = OBJ_ZONE, .flags = M_NO_RIGHT | M_ZONE_DISABLED, .read = refuse_peer,
	  .doc = "Refused: this server follows no other." },
	{ .name = "one.zone.voterequest", .params = "term:i candidate:i log_index:l log_term:i", .object = OBJ_ZONE,
	  .flags = M_NO_RIGHT | M_ZONE_DISABLED, .read = zone_voterequest, .doc = "Refused: this server has no vote." },
	{ .name = "one.zone.fedreplicate", .params = "index:l prev_index:l *sql:s", .object = OBJ_ZONE, .flags = M_NO_RIGHT | M_ZONE_DISABLED,
	  .read = zone_fedreplicate, .doc = "Refused: this is no slave of a federation." },
	{ .name = NULL },
	/* clang-format on */
};
