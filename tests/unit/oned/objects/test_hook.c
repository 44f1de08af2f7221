/* Hooks: what is taken for one, in which form it is kept, and that no update makes it unreadable. */
#include <stdio.h>

#include "vm_world.h"

#include "oned/objects/hook.h"

static struct one_err err;

static bool is_call(const char *method)
{
	return !strcmp(method, "one.vm.allocate");
}

static void make(struct txn *t, void *arg)
{
	if (!hook_create(t, parsed(t->arena, arg), is_call))
		assert_false(txn_ok(t));
}

/* The reason why a hook can't be; "" when it can. */
static const char *hook(const char *text)
{
	char copy[200];

	strcpy(copy, text);
	one_err_clear(&err);
	return core_run(core, make, copy, &err) ? err.text : "";
}

static void assert_body(int id, const char *part)
{
	struct version *v = pool_get(core, OBJ_HOOK, id);

	if (!v || !strstr(v->body, part))
		fail_msg("%s is not in %s", part, v ? v->body : "nothing");
	version_unref(v);
}

/* The template an update would leave, or why it is refused. */
static const char *update(int id, const char *text, const char *key)
{
	static char result[4096];
	struct version *v = pool_get(core, OBJ_HOOK, id);
	struct arena arena = ARENA_INIT;
	struct tmpl *fresh = parsed(&arena, text);
	struct object *o;

	one_err_clear(&err);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	snprintf(result, sizeof(result), "%s", hook_ops.check_update(o, fresh, &err) ? err.text : tmpl_get_or(fresh, key, ""));
	obj_free(o);
	arena_done(&arena);
	version_unref(v);
	return result;
}

static void test_what_lacks_something_is_refused_and_told_what(void **state)
{
	static const struct { const char *text, *why; } wrong[] = {
		{ "NAME=x\nTYPE=web\nCOMMAND=c", "Invalid Hook type: web" },
		{ "TYPE=api\nCOMMAND=c\nCALL=one.vm.allocate", "Invalid name." },
		{ "NAME=x\nTYPE=api", "No COMMAND in template for Hook." },
		{ "NAME=x\nTYPE=api\nCOMMAND=c\nCALL=one.no", "API call does not exist or is not supported: one.no" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c", "RESOURCE attribute is required for STATE hooks." },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=vm\nON=DONE", "Invalid resource type: vm" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=VM\nSTATE=ACTIVE", "Unkown state condition: " },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=VM\nON=CUSTOM\nSTATE=7", "Wrong STATE: 7" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=VM\nON=CUSTOM\nSTATE=ACTIVE\nLCM_STATE=x", "Wrong LCM_STATE: x" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=HOST\nSTATE=ASLEEP", "Invalid STATE: ASLEEP" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=NET\nSTATE=INIT", "Invalid STATE: INIT" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=IMAGE", "Hook STATE attribute not found or invalid" },
		{ "NAME=x\nTYPE=state\nCOMMAND=c\nRESOURCE=IMAGE\nSTATE=INIT", "Invalid or unkown STATE condition: INIT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_string_equal(hook(wrong[i].text), wrong[i].why);
	assert_string_equal(hook("NAME=x\nTYPE=api\nCOMMAND=c\nCALL=one.vm.allocate"), "");
	assert_string_equal(hook("NAME=x\nTYPE=api"), "NAME is already taken by Hook 0.");
}

static void test_states_and_places_are_kept_in_one_form(void **state)
{
	(void)state;
	assert_string_equal(hook("NAME=a\nTYPE=State\nCOMMAND=c\nRESOURCE=VM\nON=stop\nREMOTE=yes"), "");
	assert_body(0, "<NAME>a</NAME><TYPE>state</TYPE><TEMPLATE><COMMAND><![CDATA[c]]></COMMAND><LCM_STATE><![CDATA[LCM_INIT]]></LCM_STATE>"
		       "<REMOTE><![CDATA[YES]]></REMOTE><RESOURCE><![CDATA[VM]]></RESOURCE><STATE><![CDATA[STOPPED]]></STATE></TEMPLATE>");
	assert_string_equal(hook("NAME=b\nTYPE=state\nCOMMAND=c\nRESOURCE=HOST\nSTATE=error"), "");
	assert_body(1, "<STATE><![CDATA[ERROR]]></STATE>");
	assert_body(1, "<REMOTE><![CDATA[NO]]></REMOTE>");
	assert_string_equal(hook("NAME=c\nTYPE=state\nCOMMAND=c\nRESOURCE=VM\nON=CUSTOM\nSTATE=poweroff\nLCM_STATE=lcm_init"), "");
	assert_body(2, "<STATE><![CDATA[POWEROFF]]></STATE>");
}

static void test_an_update_leaves_a_hook_that_can_be_read(void **state)
{
	static const char no_state[] = "The STATE attribute is not defined or it's invalid.";

	(void)state;
	hook("NAME=a\nTYPE=state\nCOMMAND=c\nRESOURCE=VM\nON=RUNNING");
	hook("NAME=b\nTYPE=state\nCOMMAND=c\nRESOURCE=IMAGE\nSTATE=READY");
	assert_string_equal(update(0, "NOTE=x", "NOTE"), "The COMMAND attribute is not defined.");
	assert_string_equal(update(0, "COMMAND=d\nRESOURCE=VM\nSTATE=NEW\nLCM_STATE=RUNNING", ""), no_state);
	assert_string_equal(update(0, "COMMAND=d\nRESOURCE=VM\nSTATE=active", ""), "The LCM_STATE attribute is not defined or it's invalid.");
	assert_string_equal(update(0, "COMMAND=d\nRESOURCE=VM\nSTATE=active\nLCM_STATE=BOOT", "STATE"), "ACTIVE");
	assert_string_equal(update(0, "COMMAND=d\nRESOURCE=VM\nSTATE=ACTIVE\nLCM_STATE=BOOT\nREMOTE=no", "REMOTE"), "NO");
	assert_string_equal(update(1, "COMMAND=d\nRESOURCE=IMAGE\nSTATE=INIT", ""), no_state);
	assert_string_equal(update(1, "COMMAND=d\nRESOURCE=USER\nSTATE=READY", ""), "Invalid resource type: USER");
	assert_string_equal(update(1, "COMMAND=d\nSTATE=READY", ""), "RESOURCE attribute is required for STATE hooks.");
}

static void test_a_body_that_names_no_type_is_not_read(void **state)
{
	static const char body[] = "<HOOK><ID>0</ID><NAME>x</NAME><TYPE>web</TYPE><TEMPLATE/></HOOK>";
	struct object *o;

	(void)state;
	assert_int_equal(obj_load(&hook_ops, body, strlen(body), &o, &err), ONE_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_lacks_something_is_refused_and_told_what, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_states_and_places_are_kept_in_one_form, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_an_update_leaves_a_hook_that_can_be_read, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_a_body_that_names_no_type_is_not_read, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
