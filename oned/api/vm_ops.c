/* VM operation classes: which right an operation needs, by VM_ADMIN_, VM_MANAGE_ and VM_USE_OPERATIONS of the caller, his group, oned.conf. */
#include <string.h>

#include "oned/api/api.h"
#include "oned/auth/vm_op.h"

static enum auth_op right_of_object(struct core *core, enum obj_type type, int id, const char *op)
{
	struct version *v = pool_get(core, type, id);
	enum auth_op right = v ? vm_op_in_template(v->obj->tmpl, op) : 0;

	version_unref(v);
	return right;
}

/* The class of a word of one.vm.action or SCHED_ACTION. */
static const char *class_of_action(const struct call *c, const char *action)
{
	size_t len = strlen(action);

	if (!strcmp(action, "unresched"))
		return "resched";
	if (!strncmp(action, "snapshot-", 9))
		return "snapshot";
	if (!strncmp(action, "disk-snapshot-", 14))
		return "disk-snapshot";
	if (len > 5 && !strcmp(action + len - 5, "-hard"))
		return arena_strndup((struct arena *)&c->arena, action, len - 5);
	return action;
}

enum auth_op vm_op_right(const struct call *c)
{
	const char *op = c->method->op_class;

	return strcmp(op, "action") ? vm_class_right(c, op) : vm_action_right(c, call_str(c, 0));
}

enum auth_op vm_action_right(const struct call *c, const char *action)
{
	return vm_class_right(c, class_of_action(c, action));
}

enum auth_op vm_class_right(const struct call *c, const char *op)
{
	enum auth_op right = right_of_object(c->api->core, OBJ_USER, c->who.uid, op);

	if (!right)
		right = right_of_object(c->api->core, OBJ_GROUP, c->who.gid, op);
	if (!right)
		right = vm_op_in_conf(c->api->conf, op);
	return right ? right : c->method->right;
}
