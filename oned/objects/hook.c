#include "oned/objects/hook.h"

#include <string.h>
#include <strings.h>

#include "oned/objects/common.h"
#include "oned/objects/host.h"
#include "oned/objects/image_state.h"
#include "oned/objects/vm.h"
#include "oned/objects/vnet.h"

static const char *const type_names[HOOK_TYPES] = { [HOOK_STATE] = "state", [HOOK_API] = "api" };

enum hook_type hook_type_of(const char *text)
{
	int i = 0;

	while (i < HOOK_TYPES && strcasecmp(type_names[i], text) != 0)
		i++;
	return (enum hook_type)i;
}

/* ---- XML ---- */

static enum one_rc hook_load(struct object *o, const struct xnode *x, struct one_err *err)
{
	struct hook *h = (struct hook *)o;

	object_own_none(o);
	h->type = hook_type_of(xml_text_or(x, "TYPE", ""));
	return h->type == HOOK_TYPES ? one_err_set(err, ONE_INTERNAL, "unknown type of hook") : ONE_OK;
}

static void hook_render(const struct object *o, struct strbuf *out)
{
	xml_out_open(out, "HOOK");
	xml_out_int(out, "ID", o->id);
	xml_out_text(out, "NAME", o->name);
	xml_out_text(out, "TYPE", type_names[((const struct hook *)o)->type]);
	obj_out_lock(o, out);
	tmpl_to_xml(o->tmpl, "TEMPLATE", out);
	xml_out_close(out, "HOOK");
}

static void hook_index(const struct object *o, struct obj_index *out)
{
	out->parent = (int)((const struct hook *)o)->type;
}

/* ---- states ---- */

static const char *vm_name(int i)
{
	return vm_state_name((enum vm_state)i);
}

static const char *lcm_name(int i)
{
	return vm_lcm_name((enum vm_lcm)i);
}

static const char *host_name(int i)
{
	return host_state_name((enum host_state)i);
}

static const char *image_name(int i)
{
	return image_state_name((enum image_state)i);
}

static const char *vnet_name(int i)
{
	return vnet_state_name((enum vnet_state)i);
}

/* What a hook can watch, by the names that events have, and from which state on (nothing comes into those before). */
struct resource { const char *token; int first, count; const char *(*name)(int state); };

static const struct resource resources[] = {
	{ "VM", VM_INIT, VM_CLONING_FAILURE + 1, vm_name },
	{ "HOST", HOST_INIT, HOST_STATES, host_name },
	{ "IMAGE", IMAGE_READY, IMAGE_STATES, image_name },
	{ "NET", VNET_READY, VNET_STATES, vnet_name },
};
static const struct resource lcm_states = { "VM", LCM_LCM_INIT, LCM_RESTORE + 1, lcm_name };

/* The name as events have it; NULL: no such state. */
static const char *state_of(const struct resource *r, const char *text)
{
	for (int i = r->first; i < r->count; i++)
		if (r->name(i) && !strcasecmp(r->name(i), text))
			return r->name(i);
	return NULL;
}

static const struct resource *resource_of(const struct tmpl *tmpl, struct one_err *err)
{
	const char *token = tmpl_text(tmpl, "RESOURCE");

	for (size_t i = 0; i < sizeof(resources) / sizeof(*resources); i++)
		if (!strcmp(resources[i].token, token))
			return &resources[i];
	if (*token)
		one_err_set(err, ONE_INTERNAL, "Invalid resource type: %s", token);
	else
		one_err_set(err, ONE_INTERNAL, "RESOURCE attribute is required for STATE hooks.");
	return NULL;
}

/* ON of a VM's hook: short words for the states that hooks are most often about. */
static const struct { const char *on; enum vm_state state; enum vm_lcm lcm; } moments[] = {
	{ "PROLOG", VM_ACTIVE, LCM_PROLOG }, { "RUNNING", VM_ACTIVE, LCM_RUNNING }, { "SHUTDOWN", VM_ACTIVE, LCM_EPILOG },
	{ "STOP", VM_STOPPED, LCM_LCM_INIT }, { "DONE", VM_DONE, LCM_LCM_INIT }, { "UNKNOWN", VM_ACTIVE, LCM_UNKNOWN },
};

static enum one_rc take_moment(struct tmpl *tmpl, struct one_err *err)
{
	const char *on = text_upper(tmpl->arena, tmpl_take(tmpl, "ON")), *state, *lcm;

	for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++)
		if (!strcmp(moments[i].on, on)) {
			tmpl_set(tmpl, "STATE", vm_state_name(moments[i].state));
			tmpl_set(tmpl, "LCM_STATE", vm_lcm_name(moments[i].lcm));
			return ONE_OK;
		}
	if (strcmp(on, "CUSTOM") != 0)
		return one_err_set(err, ONE_INTERNAL, "Unkown state condition: %s", on);
	state = state_of(&resources[0], tmpl_text(tmpl, "STATE"));
	if (!state)
		return one_err_set(err, ONE_INTERNAL, "Wrong STATE: %s", tmpl_text(tmpl, "STATE"));
	lcm = state_of(&lcm_states, tmpl_text(tmpl, "LCM_STATE"));
	if (!lcm)
		return one_err_set(err, ONE_INTERNAL, "Wrong LCM_STATE: %s", tmpl_text(tmpl, "LCM_STATE"));
	tmpl_set(tmpl, "STATE", state);
	tmpl_set(tmpl, "LCM_STATE", lcm);
	return ONE_OK;
}

static enum one_rc take_state(struct tmpl *tmpl, struct one_err *err)
{
	const struct resource *r = resource_of(tmpl, err);
	const char *text = tmpl_text(tmpl, "STATE"), *state;

	if (!r)
		return err->rc;
	if (!strcmp(r->token, "VM"))
		return take_moment(tmpl, err);
	state = state_of(r, text);
	if (state) {
		tmpl_set(tmpl, "STATE", state);
		return ONE_OK;
	}
	if (strcmp(r->token, "IMAGE") != 0)
		return one_err_set(err, ONE_INTERNAL, "Invalid STATE: %s", text);
	if (!*text)
		return one_err_set(err, ONE_INTERNAL, "Hook STATE attribute not found or invalid");
	return one_err_set(err, ONE_INTERNAL, "Invalid or unkown STATE condition: %s", text);
}

/* ---- updates ---- */

static enum one_rc update_state(struct tmpl *tmpl, const struct resource *r, const char *key, struct one_err *err)
{
	const char *state = state_of(r, tmpl_text(tmpl, key));

	if (!state)
		return one_err_set(err, ONE_INTERNAL, "The %s attribute is not defined or it's invalid.", key);
	tmpl_set(tmpl, key, state);
	return ONE_OK;
}

static void set_remote(struct tmpl *tmpl)
{
	bool remote = false;

	tmpl_get_bool(tmpl, "REMOTE", &remote);
	tmpl_set(tmpl, "REMOTE", remote ? "YES" : "NO");
}

/* CALL is looked at by who knows the calls. Unlike 6.10 what the hook watches has to exist, or oned couldn't read it again. */
static enum one_rc hook_check_update(struct object *o, struct tmpl *fresh, struct one_err *err)
{
	const struct hook *h = (const struct hook *)o;
	const struct resource *r;

	if (!*tmpl_text(fresh, "COMMAND"))
		return one_err_set(err, ONE_INTERNAL, "The COMMAND attribute is not defined.");
	if (tmpl_find(fresh, "REMOTE"))
		set_remote(fresh);
	if (h->type != HOOK_STATE)
		return ONE_OK;
	r = resource_of(fresh, err);
	if (!r || update_state(fresh, r, "STATE", err))
		return err->rc;
	return strcmp(r->token, "VM") ? ONE_OK : update_state(fresh, &lcm_states, "LCM_STATE", err);
}

const struct obj_ops hook_ops = {
	.type = OBJ_HOOK, .token = "HOOK", .word = "hook", .root = "HOOK", .pool_root = "HOOK_POOL", .table = TABLE_HOOK,
	.size = sizeof(struct hook), .flags = OBJ_F_LOCKABLE | OBJ_F_NAME_GLOBAL,
	.load = hook_load, .render = hook_render, .index = hook_index, .row = obj_row_parent, .check_update = hook_check_update,
};

/* ---- making ---- */

static enum one_rc hook_name(struct txn *t, struct hook *h)
{
	const char *name = tmpl_take(h->o.tmpl, "NAME");
	struct one_err err = ONE_ERR_INIT;

	if (obj_check_name(name, &err))
		return txn_fail(t, ONE_INTERNAL, "Invalid name.");
	return object_name(t, &h->o, name, "Hook");
}

static enum one_rc take_template(struct hook *h, bool (*is_call)(const char *method), struct one_err *err)
{
	struct tmpl *tmpl = h->o.tmpl;

	if (!*tmpl_text(tmpl, "COMMAND"))
		return one_err_set(err, ONE_INTERNAL, "No COMMAND in template for Hook.");
	set_remote(tmpl);
	if (h->type == HOOK_STATE)
		return take_state(tmpl, err);
	if (!is_call(tmpl_text(tmpl, "CALL")))
		return one_err_set(err, ONE_INTERNAL, "API call does not exist or is not supported: %s", tmpl_text(tmpl, "CALL"));
	return ONE_OK;
}

struct hook *hook_create(struct txn *t, const struct tmpl *tmpl, bool (*is_call)(const char *method))
{
	const char *type = tmpl_text(tmpl, "TYPE");
	struct object none = { .uname = "", .gname = "" };
	struct hook *h = txn_new(t, OBJ_HOOK);
	struct one_err err = ONE_ERR_INIT;

	if (!h)
		return NULL;
	object_take(&h->o, &none, tmpl);
	object_own_none(&h->o);
	h->type = hook_type_of(type);
	tmpl_remove(h->o.tmpl, "TYPE");
	if (h->type == HOOK_TYPES)
		txn_fail(t, ONE_INTERNAL, "Invalid Hook type: %s", type);
	else if (!hook_name(t, h) && take_template(h, is_call, &err))
		txn_fail(t, err.rc, "%s", err.text);
	return txn_ok(t) ? h : NULL;
}
