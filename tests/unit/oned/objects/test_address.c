/* Addresses: what is one, and how it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "oned/objects/address.h"

static void a_mac_has_six_bytes(void **state)
{
	uint64_t mac = 7;
	char text[MAC_TEXT];

	(void)state;
	assert_true(mac_parse("02:00:0A:00:00:ff", &mac));
	assert_true(mac == UINT64_C(0x02000a0000ff));
	mac_format(mac, text);
	assert_string_equal(text, "02:00:0a:00:00:ff");
}

static void what_is_no_mac_is_refused(void **state)
{
	static const char *const bad[] = { "", "02:00:0a:00:00", "02:00:0a:00:00:01:02", "02:00:0a:00:00:0g", "02-00-0a-00-00-01",
					   "02:00:0a:00:00:01 ", "02:00:0a:00:00:100" };
	uint64_t mac = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mac_parse(bad[i], &mac))
			fail_msg("%s", bad[i]);
	assert_false(mac_parse(NULL, &mac));
	assert_true(mac == 7);
}

static void an_ip4_has_four_numbers(void **state)
{
	static const char *const bad[] = { "", "10.0.0", "10.0.0.256", "10.0.0.1.1", "10.0.0.1/8", "a.b.c.d", "10.0.0.-1" };
	uint32_t ip = 7;
	char text[IP4_TEXT];

	(void)state;
	assert_true(ip4_parse("10.0.0.1", &ip));
	assert_true(ip == 0x0a000001);
	ip4_format(0xfffffffe, text);
	assert_string_equal(text, "255.255.255.254");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ip4_parse(bad[i], &ip))
			fail_msg("%s", bad[i]);
	assert_true(ip == 0x0a000001);
}

static void an_ip6_is_written_short(void **state)
{
	struct ip6 ip;
	char text[IP6_TEXT];

	(void)state;
	assert_true(ip6_parse("2001:0db8:0000:0000:0000:0000:0000:0001", &ip));
	assert_true(ip.hi == UINT64_C(0x20010db800000000) && ip.lo == 1);
	ip6_format(ip, text);
	assert_string_equal(text, "2001:db8::1");
	assert_false(ip6_parse("2001:db8::1/64", &ip));
	assert_false(ip6_parse("10.0.0.1", &ip));
	assert_false(ip6_parse(NULL, &ip));
}

static void a_card_makes_its_address_of_its_mac(void **state)
{
	char text[IP6_TEXT];

	(void)state;
	ip6_format(ip6_of_mac(UINT64_C(0x20010db800000000), UINT64_C(0x02000a000001)), text);
	assert_string_equal(text, "2001:db8::aff:fe00:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_has_six_bytes),
		cmocka_unit_test(what_is_no_mac_is_refused),
		cmocka_unit_test(an_ip4_has_four_numbers),
		cmocka_unit_test(an_ip6_is_written_short),
		cmocka_unit_test(a_card_makes_its_address_of_its_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
