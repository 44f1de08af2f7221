/* The message of a VMM action, and what the network scripts are given of it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/crypto.h"
#include "drivers/vmm_libvirt/device.h"
#include "drivers/vmm_libvirt/message.h"

static const char text[] =
	"<VMM_DRIVER_ACTION_DATA><HOST>edge01</HOST><MIGR_HOST/><DEPLOY_ID>abc</DEPLOY_ID>"
	"<TM_COMMAND>CONTEXT shared /x host:/y 7 0</TM_COMMAND><DISK_TARGET_PATH>/ds/0/7/disk.3</DISK_TARGET_PATH>"
	"<VM><ID>7</ID><NAME>secret &lt;name&gt;</NAME><TEMPLATE><CONTEXT><A><![CDATA[1 < 2]]></A></CONTEXT>"
	"<DISK><DISK_ID>0</DISK_ID><TARGET>vda</TARGET></DISK>"
	"<DISK><DISK_ID>3</DISK_ID><TARGET>vdb</TARGET><ATTACH>YES</ATTACH><DRIVER>qcow2</DRIVER></DISK>"
	"<NIC><NIC_ID>0</NIC_ID><VN_MAD>bridge</VN_MAD></NIC><NIC><NIC_ID>1</NIC_ID></NIC>"
	"<NIC><NIC_ID>2</NIC_ID><VN_MAD>fw</VN_MAD><BRIDGE>br0</BRIDGE><MAC>02:00</MAC><TARGET>one-7-2</TARGET>"
	"<ATTACH>YES</ATTACH></NIC>"
	"<NIC_ALIAS><NIC_ID>4</NIC_ID><VN_MAD>bridge</VN_MAD></NIC_ALIAS></TEMPLATE>"
	"<HISTORY_RECORDS><HISTORY><HOSTNAME>edge01</HOSTNAME><HID>0</HID><TM_MAD>shared</TM_MAD></HISTORY></HISTORY_RECORDS>"
	"</VM></VMM_DRIVER_ACTION_DATA>";

static struct arena arena = ARENA_INIT;
static struct one_err err = ONE_ERR_INIT;

static enum one_rc parse(const char *xml, struct message *m)
{
	struct strbuf b64 = STRBUF_INIT;

	base64_encode(xml, strlen(xml), &b64);
	enum one_rc rc = message_parse(&arena, b64.buf, m, &err);
	strbuf_done(&b64);
	return rc;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void a_message_is_taken_apart_and_what_is_missing_is_empty(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(parse(text, &m), ONE_OK);
	assert_string_equal(m.host, "edge01");
	assert_string_equal(m.migr_host, "");
	assert_string_equal(m.deploy_id, "abc");
	assert_string_equal(m.checkpoint, "");
	assert_string_equal(message_value(&m, "DISK", "ATTACH", "TARGET"), "vdb");
	assert_string_equal(message_value(&m, "DISK", NULL, "TARGET"), "vda");
	assert_string_equal(message_value(&m, "DISK", "RESIZE", "TARGET"), "");
}

static void what_is_no_message_is_refused(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(message_parse(&arena, "***", &m, &err), ONE_ACTION);
	assert_int_equal(parse("<VMM", &m), ONE_ACTION);
	assert_int_equal(parse("<A><VM><TEMPLATE/></VM></A>", &m), ONE_ACTION);
	assert_non_null(strstr(err.text, "HOST"));
	assert_int_equal(parse("<A><HOST>h</HOST></A>", &m), ONE_ACTION);
	assert_non_null(strstr(err.text, "VM/TEMPLATE"));
}

static void network_scripts_see_the_vms_networks_and_nothing_else(void **state)
{
	struct message m;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(parse(text, &m), ONE_OK);
	message_network_xml(&m, &out);
	assert_string_equal(out.buf,
		"<VM><ID><![CDATA[7]]></ID><TEMPLATE><CONTEXT><A><![CDATA[1 < 2]]></A></CONTEXT>"
		"<NIC><NIC_ID><![CDATA[0]]></NIC_ID><VN_MAD><![CDATA[bridge]]></VN_MAD></NIC>"
		"<NIC><NIC_ID><![CDATA[2]]></NIC_ID><VN_MAD><![CDATA[fw]]></VN_MAD><BRIDGE><![CDATA[br0]]></BRIDGE>"
		"<MAC><![CDATA[02:00]]></MAC><TARGET><![CDATA[one-7-2]]></TARGET><ATTACH><![CDATA[YES]]></ATTACH></NIC>"
		"<NIC_ALIAS><NIC_ID><![CDATA[4]]></NIC_ID><VN_MAD><![CDATA[bridge]]></VN_MAD></NIC_ALIAS></TEMPLATE>"
		"<HISTORY_RECORDS><HISTORY><HOSTNAME><![CDATA[edge01]]></HOSTNAME><HID><![CDATA[0]]></HID></HISTORY>"
		"</HISTORY_RECORDS></VM>");
	strbuf_done(&out);
}

static void each_network_driver_is_named_once(void **state)
{
	struct message m;

	(void)state;
	assert_int_equal(parse(text, &m), ONE_OK);
	const char *const *mads = message_network_mads(&m);
	assert_string_equal(mads[0], "bridge");
	assert_string_equal(mads[1], "fw");
	assert_null(mads[2]);
}

static void an_attached_disk_and_interface_are_described_to_libvirt(void **state)
{
	struct message m;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(parse(text, &m), ONE_OK);
	assert_int_equal(device_disk_xml(&m, &out, &err), ONE_OK);
	assert_string_equal(out.buf, "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' "
				     "discard='unmap'/><source file='/ds/0/7/disk.3'/><target dev='vdb'/></disk>");
	strbuf_reset(&out);
	assert_int_equal(device_nic_xml(&m, &out, &err), ONE_OK);
	assert_string_equal(out.buf, "<interface type='bridge'><source bridge='br0'/><mac address='02:00'/>"
				     "<target dev='one-7-2'/><model type='virtio'/></interface>");
	strbuf_done(&out);
}

static void a_device_that_cannot_be_described_is_an_honest_error(void **state)
{
	struct message m;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(parse("<A><HOST>h</HOST><DISK_TARGET_PATH>/x</DISK_TARGET_PATH><VM><TEMPLATE><DISK><ATTACH>YES</ATTACH>"
			       "<TARGET>sda</TARGET><TYPE>RBD</TYPE></DISK><NIC><ATTACH>YES</ATTACH></NIC></TEMPLATE></VM></A>",
			       &m), ONE_OK);
	assert_int_equal(device_disk_xml(&m, &out, &err), ONE_ACTION);
	assert_non_null(strstr(err.text, "RBD is not supported yet"));
	assert_int_equal(device_nic_xml(&m, &out, &err), ONE_ACTION);
	assert_int_equal(out.len, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_message_is_taken_apart_and_what_is_missing_is_empty),
		CASE(what_is_no_message_is_refused),
		CASE(network_scripts_see_the_vms_networks_and_nothing_else),
		CASE(each_network_driver_is_named_once),
		CASE(an_attached_disk_and_interface_are_described_to_libvirt),
		CASE(a_device_that_cannot_be_described_is_an_honest_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
