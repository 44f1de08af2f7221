/* VM operation classes: which right an operation needs, by VM_ADMIN_, VM_MANAGE_ and VM_USE_OPERATIONS of the caller, his group, oned.conf. */
#include <string.h>

#include "common/conf.h"
#include "oned/api/api.h"

static const struct { const char *key; enum auth_op right; } classes[] = {
	{ "VM_ADMIN_OPERATIONS", AUTH_ADMIN }, { "VM_MANAGE_OPERATIONS", AUTH_MANAGE }, { "VM_USE_OPERATIONS", AUTH_USE },
};

static bool list_has(const char *list, const char *op)
{
	size_t len = strlen(op);

	for (const char *at = list; at && *at;) {
		size_t word = strcspn(at, ", \t\n");

		if (word == len && !strncasecmp(at, op, len))
			return true;
		at += word;
		at += strspn(at, ", \t\n");
	}
	return false;
}

/* The right a source names for the operation; 0: it doesn't. */
static enum auth_op right_of_template(const struct tmpl *t, const char *op)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (list_has(tmpl_get(t, classes[i].key), op))
			return classes[i].right;
	return 0;
}

static enum auth_op right_of_object(struct core *core, enum obj_type type, int id, const char *op)
{
	struct version *v = pool_get(core, type, id);
	enum auth_op right = v ? right_of_template(v->obj->tmpl, op) : 0;

	version_unref(v);
	return right;
}

static enum auth_op right_of_conf(const struct conf *conf, const char *op)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		if (list_has(conf_string(conf, classes[i].key), op))
			return classes[i].right;
	return 0;
}

/* one.vm.action: the class is that of the action, without its "-hard". */
static const char *class_of(const struct call *c)
{
	const char *op = c->method->op_class, *action;
	size_t len;

	if (strcmp(op, "action") != 0)
		return op;
	action = call_str(c, 0);
	if (!strcmp(action, "unresched"))
		return "resched";
	len = strlen(action);
	if (len > 5 && !strcmp(action + len - 5, "-hard"))
		return arena_strndup((struct arena *)&c->arena, action, len - 5);
	return action;
}

enum auth_op vm_op_right(const struct call *c)
{
	return vm_class_right(c, class_of(c));
}

enum auth_op vm_class_right(const struct call *c, const char *op)
{
	enum auth_op right = right_of_object(c->api->core, OBJ_USER, c->who.uid, op);

	if (!right)
		right = right_of_object(c->api->core, OBJ_GROUP, c->who.gid, op);
	if (!right)
		right = right_of_conf(c->api->conf, op);
	return right ? right : c->method->right;
}
