/* Virtual machines as they are stored: names of states, body in and out, the row of vm_pool.
 *
 *   VM: head PERMISSIONS LAST_POLL STATE LCM_STATE PREV_STATE PREV_LCM_STATE RESCHED STIME ETIME DEPLOY_ID
 *       [LOCK] MONITORING SCHED_ACTIONS TEMPLATE USER_TEMPLATE HISTORY_RECORDS(the current one) SNAPSHOTS* BACKUPS */
#include "oned/objects/vm.h"

#include <stdlib.h>
#include <string.h>

#include "common/timeutil.h"
#include "oned/objects/vm_priv.h"

const char *vm_state_name(enum vm_state s)
{
	switch (s) {
#define X(number, name) case VM_##name: return #name;
	VM_STATES(X)
#undef X
	}
	return NULL;
}

const char *vm_lcm_name(enum vm_lcm s)
{
	switch (s) {
#define X(number, name) case LCM_##name: return #name;
	VM_LCM_STATES(X)
#undef X
	}
	return NULL;
}

/* ---- reading ---- */

/* An element as it was: texts as CDATA. */
static void node_out(const struct xnode *n, struct strbuf *out)
{
	if (!n->first && n->has_text) {
		xml_out_cdata(out, n->name, n->text);
		return;
	}
	xml_out_open(out, n->name);
	for (const struct xnode *kid = n->first; kid; kid = kid->next)
		node_out(kid, out);
	xml_out_close(out, n->name);
}

static const char *load_snapshots(struct arena *arena, const struct xnode *x)
{
	struct strbuf out = STRBUF_INIT;
	const char *text;

	for (const struct xnode *n = xml_child(x, "SNAPSHOTS"); n; n = xml_next(n))
		node_out(n, &out);
	text = arena_strdup(arena, out.buf);
	strbuf_done(&out);
	return text;
}

static enum one_rc load_states(struct vm *vm, const struct xnode *x, struct one_err *err)
{
	enum vm_state state = (enum vm_state)xml_int(x, "STATE", -1);
	enum vm_lcm lcm_state = (enum vm_lcm)xml_int(x, "LCM_STATE", -1);

	if (!vm_state_name(state) || !vm_lcm_name(lcm_state))
		return one_err_set(err, ONE_INTERNAL, "unknown state %d/%d", (int)state, (int)lcm_state);
	vm->state = state;
	vm->lcm_state = lcm_state;
	state = (enum vm_state)xml_int(x, "PREV_STATE", -1);
	lcm_state = (enum vm_lcm)xml_int(x, "PREV_LCM_STATE", -1);
	vm->prev_state = vm_state_name(state) ? state : vm->state;
	vm->prev_lcm_state = vm_lcm_name(lcm_state) ? lcm_state : vm->lcm_state;
	return ONE_OK;
}

static void load_part(struct tmpl **out, struct arena *arena, const struct xnode *x, const char *name)
{
	const struct xnode *part = xml_child(x, name);

	*out = tmpl_new(arena);
	if (part)
		tmpl_from_xml(*out, part);
}

static void load_backups(struct vm *vm, const struct xnode *x)
{
	if (!x)
		return;
	idset_load(&vm->backup_ids, &vm->o.arena, xml_child(x, "BACKUP_IDS"));
	load_part(&vm->backup_config, &vm->o.arena, x, "BACKUP_CONFIG");
}

static enum one_rc vm_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct vm *vm = (struct vm *)o;
	struct arena *arena = &o->arena;

	vm->last_poll = xml_int(x, "LAST_POLL", 0);
	vm->resched = xml_int(x, "RESCHED", 0) != 0;
	vm->stime = xml_int(x, "STIME", 0);
	vm->etime = xml_int(x, "ETIME", 0);
	vm->deploy_id = arena_strdup(arena, xml_text_or(x, "DEPLOY_ID", ""));
	idset_load(&vm->sched_actions, arena, xml_child(x, "SCHED_ACTIONS"));
	vm->history = vm_history_load(arena, xml_child(x, "HISTORY_RECORDS"));
	vm->snapshots_xml = load_snapshots(arena, x);
	load_part(&vm->user, arena, x, "USER_TEMPLATE");
	load_backups(vm, xml_child(x, "BACKUPS"));
	load_part(&vm->monitoring, arena, x, "MONITORING");
	return load_states(vm, x, err);
}

/* ---- writing ---- */

static void out_part(const struct tmpl *t, const char *root, struct strbuf *out)
{
	static const struct tmpl none;

	tmpl_to_xml(t ? t : &none, root, out);
}

static void out_states(const struct vm *vm, struct strbuf *out)
{
	xml_out_int(out, "LAST_POLL", vm->last_poll);
	xml_out_int(out, "STATE", vm->state);
	xml_out_int(out, "LCM_STATE", vm->lcm_state);
	xml_out_int(out, "PREV_STATE", vm->prev_state);
	xml_out_int(out, "PREV_LCM_STATE", vm->prev_lcm_state);
	xml_out_int(out, "RESCHED", vm->resched);
	xml_out_int(out, "STIME", vm->stime);
	xml_out_int(out, "ETIME", vm->etime);
	xml_out_text(out, "DEPLOY_ID", vm->deploy_id ? vm->deploy_id : "");
}

void vm_out(const struct vm *vm, bool with_history, struct strbuf *out)
{
	xml_out_open(out, "VM");
	obj_out_head(&vm->o, out);
	obj_out_permissions(&vm->o, out);
	out_states(vm, out);
	obj_out_lock(&vm->o, out);
	out_part(vm->monitoring, "MONITORING", out);
	obj_out_ids(out, "SCHED_ACTIONS", vm->sched_actions.ids, vm->sched_actions.n);
	out_part(vm->o.tmpl, "TEMPLATE", out);
	out_part(vm->user, "USER_TEMPLATE", out);
	xml_out_open(out, "HISTORY_RECORDS");
	if (vm->history && with_history)
		vm_history_out(vm, vm->history, NULL, out);
	xml_out_close(out, "HISTORY_RECORDS");
	if (vm->snapshots_xml)
		strbuf_adds(out, vm->snapshots_xml);
	xml_out_open(out, "BACKUPS");
	out_part(vm->backup_config, "BACKUP_CONFIG", out);
	obj_out_ids(out, "BACKUP_IDS", vm->backup_ids.ids, vm->backup_ids.n);
	xml_out_close(out, "BACKUPS");
	xml_out_close(out, "VM");
}

static void vm_render(const struct object *o, struct strbuf *out)
{
	vm_out((const struct vm *)o, true, out);
}

static void vm_index(const struct object *o, struct obj_index *out)
{
	const struct vm *vm = (const struct vm *)o;

	out->state = (int)vm->state;
	out->lcm_state = (int)vm->lcm_state;
	out->parent = vm_is_imported(vm);
}

/* oid name body uid gid state lcm_state owner_u group_u other_u short_body body_json */
static int vm_row(const struct object *o, const struct version *v, const struct strbuf *brief, const struct strbuf *json,
		  struct sql_value *cols)
{
	const struct vm *vm = (const struct vm *)o;

	cols[0] = SQL_INT(o->id);
	cols[1] = SQL_STR(v->name);
	cols[2] = SQL_STRN(v->body, v->body_len);
	cols[3] = SQL_INT(o->uid);
	cols[4] = SQL_INT(o->gid);
	cols[5] = SQL_INT(vm->state);
	cols[6] = SQL_INT(vm->lcm_state);
	cols[7] = SQL_INT(!!(o->perm & PERM_OWNER_U));
	cols[8] = SQL_INT(!!(o->perm & PERM_GROUP_U));
	cols[9] = SQL_INT(!!(o->perm & PERM_OTHER_U));
	cols[10] = SQL_STRN(brief->buf, brief->len);
	cols[11] = json ? SQL_STRN(json->buf, json->len) : SQL_NULL;
	return 12;
}

/* ---- a row, without parsing the whole body ---- */

enum { COL_OID, COL_NAME, COL_BODY, COL_UID, COL_GID, COL_STATE, COL_LCM, COL_OWNER_U, COL_GROUP_U, COL_OTHER_U, COL_SHORT };

/* Parses one element of the body's head; NULL when it isn't there. */
static struct xnode *peek_element(struct arena *arena, const char *body, const char *name, struct one_err *err)
{
	const char *open = strstr(body, arena_printf(arena, "<%s>", name)), *close = open ? strstr(open, "</") : NULL, *end;
	struct xnode *x = NULL;

	if (!close)
		return NULL;
	end = strstr(close, arena_printf(arena, "</%s>", name));
	if (end)
		xml_parse(arena, open, (size_t)(end - open) + strlen(name) + 3, 3, 64 * 1024, &x, err);
	return x;
}

static enum one_rc vm_peek(const struct sql_value *cols, struct object *head, struct obj_index *index, struct sql_value *brief,
			   struct one_err *err)
{
	const char *body = cols[COL_BODY].s;
	const struct xnode *perm = peek_element(&head->arena, body, "PERMISSIONS", err), *lock;

	if (!perm)
		return one_err_set(err, ONE_INTERNAL, "VM %lld has no PERMISSIONS", (long long)cols[COL_OID].i);
	/* The lock stands before MONITORING; a later "<LOCK>" would be text of a template. */
	lock = strstr(body, "<LOCK>") && strstr(body, "<LOCK>") < strstr(body, "<MONITORING") ? peek_element(&head->arena, body, "LOCK", err)
											       : NULL;
	if (lock)
		obj_load_lock(&head->lock, lock);
	head->id = (int)cols[COL_OID].i;
	head->uid = (int)cols[COL_UID].i;
	head->gid = (int)cols[COL_GID].i;
	head->name = cols[COL_NAME].s;
	head->perm = obj_load_permissions(perm);
	index->state = (int)cols[COL_STATE].i;
	index->lcm_state = (int)cols[COL_LCM].i;
	index->parent = vm_may_be_imported(body);
	*brief = cols[COL_SHORT];
	return ONE_OK;
}

const struct obj_ops vm_ops = {
	.type = OBJ_VM, .token = "VM", .word = "virtual machine", .root = "VM", .pool_root = "VM_POOL", .table = TABLE_VM,
	.size = sizeof(struct vm), .flags = OBJ_F_OWNED | OBJ_F_LOCKABLE | OBJ_F_DROP | OBJ_F_EVENTS | OBJ_F_EVENT_NEW,
	.load = vm_load, .render = vm_render, .brief = vm_brief, .index = vm_index, .row = vm_row, .peek = vm_peek,
};

void vm_set_error(struct txn *t, struct vm *vm, const char *text)
{
	const size_t most = 100; /* the rest is in the VM's log */
	char when[32];

	if (!text) {
		tmpl_remove(vm->user, "ERROR");
		return;
	}
	time_text(t->now, when, sizeof(when));
	if (strlen(text) < most)
		tmpl_setf(vm->user, "ERROR", "%s: %s", when, text);
	else
		tmpl_setf(vm->user, "ERROR", "%s: %.*s... see more details in VM log", when, (int)most, text);
}

/* ---- the body of vm.info ---- */

/* A child of VM in its text. */
struct span { const char *open, *content, *close, *end; };

/* The next tag from `at` on; CDATA sections, which may hold anything, are passed over. NULL: there is none. */
static const char *next_tag(const char *at)
{
	while ((at = strchr(at, '<')) && !strncmp(at, "<![CDATA[", 9)) {
		at = strstr(at, "]]>");
		if (!at)
			return NULL;
	}
	return at;
}

static bool tag_is(const char *tag, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(tag, name, len) && (tag[len] == '>' || tag[len] == '/');
}

/* Finds `name` among the elements that follow at this level. <NAME/> has its content behind it. */
static bool find_element(const char *at, const char *name, struct span *out)
{
	int depth = 0;

	for (const char *tag = next_tag(at), *end; tag && depth >= 0; tag = next_tag(end)) {
		bool closes = tag[1] == '/', empty;

		end = strchr(tag, '>');
		if (!end)
			return false;
		empty = end[-1] == '/';
		end++;
		if (!closes && depth == 0 && tag_is(tag + 1, name)) {
			*out = (struct span){ tag, end, end, end };
			if (empty)
				return true;
		}
		depth += closes ? -1 : !empty;
		if (closes && depth == 0 && tag_is(tag + 2, name)) {
			out->close = tag;
			out->end = end;
			return true;
		}
	}
	return false;
}

static void out_sched_actions(const char *after, const struct vm_full *more, struct strbuf *out)
{
	struct span list, id;

	if (!more->sched_action || !find_element(after, "SCHED_ACTIONS", &list))
		return;
	for (const char *at = list.content; at < list.close && find_element(at, "ID", &id); at = id.end)
		more->sched_action(more->ctx, (int)strtol(id.content, NULL, 10), out);
}

void vm_render_full(const struct version *v, const struct vm_full *more, struct strbuf *out)
{
	const char *at = v->body;
	struct span last_poll, monitoring, tmpl, history;

	if (!find_element(at + strlen("<VM>"), "LAST_POLL", &last_poll) || !find_element(last_poll.end, "MONITORING", &monitoring) ||
	    !find_element(monitoring.end, "TEMPLATE", &tmpl) || !find_element(tmpl.end, "HISTORY_RECORDS", &history)) {
		strbuf_add(out, v->body, v->body_len);
		return;
	}
	if (more->monitoring) {
		strbuf_add(out, at, (size_t)(last_poll.content - at));
		strbuf_addi(out, more->last_poll);
		strbuf_add(out, last_poll.close, (size_t)(monitoring.open - last_poll.close));
		strbuf_adds(out, more->monitoring);
		at = monitoring.end;
	}
	strbuf_add(out, at, (size_t)(tmpl.close - at));
	out_sched_actions(monitoring.end, more, out);
	strbuf_add(out, tmpl.close, (size_t)(history.content - tmpl.close));
	strbuf_adds(out, more->closed_history ? more->closed_history : "");
	strbuf_add(out, history.content, v->body_len - (size_t)(history.content - v->body));
}

enum one_rc vm_load_known(const struct version *v, struct vm **out, struct one_err *err)
{
	struct strbuf body = STRBUF_INIT;
	struct span tmpl, user;
	struct object *o = NULL;
	enum one_rc rc;

	if (find_element(v->body + strlen("<VM>"), "TEMPLATE", &tmpl) && find_element(tmpl.end, "USER_TEMPLATE", &user)) {
		strbuf_grow(&body, v->body_len);
		strbuf_add(&body, v->body, (size_t)(user.content - v->body));
		strbuf_add(&body, user.close, v->body_len - (size_t)(user.close - v->body));
	}
	rc = obj_load(v->ops, body.len ? body.buf : v->body, body.len ? body.len : v->body_len, &o, err);
	strbuf_done(&body);
	*out = (struct vm *)o;
	return rc;
}
