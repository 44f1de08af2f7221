/* Samples of the VMs that oned believes to be on dummy hosts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/im_dummy/vms.h"

static const char pool[] =
	"<VM_POOL>"
	"<VM><ID>1</ID><DEPLOY_ID>h:a:dummy</DEPLOY_ID><TEMPLATE><CPU>0.5</CPU><MEMORY>100</MEMORY></TEMPLATE>"
	"<HISTORY_RECORDS><HISTORY><HID>7</HID></HISTORY><HISTORY><HID>3</HID></HISTORY></HISTORY_RECORDS></VM>"
	"<VM><ID>2</ID><TEMPLATE/><HISTORY_RECORDS><HISTORY><HID>3</HID></HISTORY></HISTORY_RECORDS></VM>"
	"<VM><ID>3</ID><TEMPLATE/><HISTORY_RECORDS/></VM>"
	"</VM_POOL>";

static void a_vm_belongs_to_its_last_host(void **state)
{
	struct imap by_host = IMAP_INIT;
	(void)state;
	assert_int_equal(vms_sample(pool, strlen(pool), &by_host, NULL), ONE_OK);
	assert_null(imap_get(&by_host, 7));
	const struct strbuf *text = imap_get(&by_host, 3);
	assert_non_null(text);
	assert_non_null(strstr(text->buf, "VM = [ ID = \"1\", DEPLOY_ID = \"h:a:dummy\", MONITOR = \""));
	assert_non_null(strstr(text->buf, "VM = [ ID = \"2\", DEPLOY_ID = \"\", MONITOR = \""));
	assert_null(strstr(text->buf, "ID = \"3\""));
	assert_int_equal(by_host.n, 1);
	vms_free(&by_host);
}

static void what_is_no_pool_is_an_error(void **state)
{
	struct imap by_host = IMAP_INIT;
	(void)state;
	assert_int_equal(vms_sample("<VM_POOL>", 9, &by_host, NULL), ONE_INTERNAL);
	vms_free(&by_host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_belongs_to_its_last_host),
		cmocka_unit_test(what_is_no_pool_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
