/* The keys hook events are published with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/crypto.h"
#include "common/strbuf.h"
#include "drivers/hm/event.h"

static struct arena arena = ARENA_INIT;

static enum one_rc find(const char *xml, struct event_keys *keys)
{
	struct strbuf base64 = STRBUF_INIT;
	base64_encode(xml, strlen(xml), &base64);
	enum one_rc rc = event_find_keys(&arena, base64.buf, keys, NULL);
	strbuf_done(&base64);
	return rc;
}

static void an_api_call_has_its_name_and_result(void **state)
{
	struct event_keys k;
	(void)state;
	assert_int_equal(
		find("<HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE><CALL>one.vm.allocate</CALL><CALL_INFO><RESULT>1</RESULT>"
		     "<PARAMETERS/></CALL_INFO></HOOK_MESSAGE>",
		     &k),
		ONE_OK);
	assert_int_equal(k.n, 1);
	assert_string_equal(k.keys[0], "EVENT API one.vm.allocate 1");
}

static void a_vm_has_keys_by_id_and_by_state(void **state)
{
	struct event_keys k;
	(void)state;
	assert_int_equal(
		find("<HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT>VM</HOOK_OBJECT><STATE>ACTIVE</STATE>"
		     "<LCM_STATE>RUNNING</LCM_STATE><RESOURCE_ID>7</RESOURCE_ID><REMOTE_HOST/><VM><STATE>3</STATE></VM>"
		     "</HOOK_MESSAGE>",
		     &k),
		ONE_OK);
	assert_int_equal(k.n, 2);
	assert_string_equal(k.keys[0], "EVENT VM 7/ACTIVE/RUNNING ");
	assert_string_equal(k.keys[1], "EVENT STATE VM/ACTIVE/RUNNING/7 ");
}

static void a_vm_of_a_service_has_one_more(void **state)
{
	struct event_keys k;
	(void)state;
	assert_int_equal(
		find("<HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT>VM</HOOK_OBJECT><STATE>DONE</STATE>"
		     "<LCM_STATE>LCM_INIT</LCM_STATE><RESOURCE_ID>7</RESOURCE_ID><SERVICE_ID>3</SERVICE_ID></HOOK_MESSAGE>",
		     &k),
		ONE_OK);
	assert_int_equal(k.n, 3);
	assert_string_equal(k.keys[2], "EVENT SERVICE 3 ");
}

static void other_objects_leave_the_lcm_state_empty(void **state)
{
	struct event_keys k;
	(void)state;
	assert_int_equal(
		find("<HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE><HOOK_OBJECT>HOST</HOOK_OBJECT><STATE>ERROR</STATE>"
		     "<RESOURCE_ID>0</RESOURCE_ID></HOOK_MESSAGE>",
		     &k),
		ONE_OK);
	assert_string_equal(k.keys[0], "EVENT HOST 0/ERROR/ ");
	assert_string_equal(k.keys[1], "EVENT STATE HOST/ERROR//0 ");
}

static void what_is_no_hook_message_has_no_keys(void **state)
{
	struct event_keys k;
	(void)state;
	assert_true(find("<HOOK_MESSAGE><HOOK_TYPE>API</HOOK_TYPE></HOOK_MESSAGE>", &k) != ONE_OK);
	assert_true(find("<HOOK_MESSAGE>", &k) != ONE_OK);
	assert_true(event_find_keys(&arena, "?", &k, NULL) != ONE_OK);
	assert_int_equal(k.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_api_call_has_its_name_and_result),
		cmocka_unit_test(a_vm_has_keys_by_id_and_by_state),
		cmocka_unit_test(a_vm_of_a_service_has_one_more),
		cmocka_unit_test(other_objects_leave_the_lcm_state_empty),
		cmocka_unit_test(what_is_no_hook_message_has_no_keys),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return failed;
}
