/* Address ranges: what users may ask for, which addresses they hold, and who has which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "oned/objects/address_range.h"

#define PREFIX 0x0200
#define VM(id) lease_owner(LEASE_VM, id)

struct fixture { struct arena arena; struct address_range ar; struct one_err err; };

static int begin(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .arena = ARENA_INIT, .err = ONE_ERR_INIT };
	*state = &f;
	return 0;
}

static int end(void **state)
{
	arena_done(&((struct fixture *)*state)->arena);
	return 0;
}

static struct attr *vector(struct fixture *f, const char *text)
{
	struct tmpl *t = tmpl_new(&f->arena);

	if (tmpl_parse(t, text, &f->err))
		fail_msg("%s", f->err.text);
	return tmpl_find(t, "AR");
}

static enum one_rc make(struct fixture *f, const char *text)
{
	one_err_clear(&f->err);
	return address_range_make(&f->ar, &f->arena, vector(f, text), 3, PREFIX, &f->err);
}

static void make_ok(struct fixture *f, const char *text)
{
	if (make(f, text))
		fail_msg("%s: %s", text, f->err.text);
}

/* An attribute of the address with that index. */
static const char *address(struct fixture *f, uint32_t index, const char *name)
{
	struct attr *v = arena_new(&f->arena, struct attr);

	v->name = "NIC";
	v->vector = true;
	ar_address_fill(&f->ar, index, v, &f->arena);
	return attr_get(v, name) ? attr_get(v, name) : "";
}

static const char *of_range(struct fixture *f, const char *name)
{
	return attr_get(f->ar.attr, name) ? attr_get(f->ar.attr, name) : "";
}

/* ---- what a range holds ---- */

static void an_ip4_range_makes_macs_of_its_ips(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.250,SIZE=10]");
	assert_string_equal(of_range(f, "MAC"), "02:00:0a:00:00:fa");
	assert_string_equal(of_range(f, "AR_ID"), "3");
	assert_string_equal(address(f, 0, "IP"), "10.0.0.250");
	assert_string_equal(address(f, 9, "IP"), "10.0.1.3");
	assert_string_equal(address(f, 9, "MAC"), "02:00:0a:00:01:03");
}

static void an_ether_range_has_only_macs(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=ETHER,MAC=\"02:00:00:00:00:fe\",SIZE=4,IP=10.0.0.1,IP6=\"::1\",GLOBAL_PREFIX=\"2001::\"]");
	assert_string_equal(address(f, 3, "MAC"), "02:00:00:00:01:01");
	assert_string_equal(address(f, 3, "IP"), "");
	assert_string_equal(of_range(f, "IP"), "");
	assert_string_equal(of_range(f, "IP6"), "");
	assert_string_equal(of_range(f, "GLOBAL_PREFIX"), "");
}

static void an_ether_range_without_a_mac_gets_one_of_the_prefix(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=ETHER,SIZE=4]");
	assert_int_equal(strncmp(of_range(f, "MAC"), "02:00:", 6), 0);
}

static void the_upper_bytes_of_a_mac_never_change(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=ETHER,MAC=\"02:00:ff:ff:ff:ff\",SIZE=2]");
	assert_string_equal(address(f, 1, "MAC"), "02:00:00:00:00:00");
}

static void an_ip6_range_has_an_address_for_each_prefix(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP6,MAC=\"02:00:0a:00:00:01\",SIZE=2,GLOBAL_PREFIX=\"2001:db8::\",ULA_PREFIX=\"fd00::\"]");
	assert_string_equal(address(f, 1, "IP6_LINK"), "fe80::aff:fe00:2");
	assert_string_equal(address(f, 1, "IP6_GLOBAL"), "2001:db8::aff:fe00:2");
	assert_string_equal(address(f, 1, "IP6_ULA"), "fd00::aff:fe00:2");
	make_ok(f, "AR=[TYPE=IP4_6,IP=10.0.0.1,SIZE=2]");
	assert_string_equal(address(f, 1, "IP"), "10.0.0.2");
	assert_string_equal(address(f, 1, "IP6_LINK"), "fe80::aff:fe00:2");
	assert_string_equal(address(f, 1, "IP6_GLOBAL"), "");
}

static void a_static_range_counts_on_in_its_prefix(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP6_STATIC,IP6=\"2001:db8::ff\",PREFIX_LENGTH=64,SIZE=3]");
	assert_string_equal(address(f, 2, "IP6"), "2001:db8::101");
	make_ok(f, "AR=[TYPE=IP6_STATIC,IP6=\"2001:db8::10\",PREFIX_LENGTH=120]");
	assert_string_equal(of_range(f, "SIZE"), "240"); /* what is left of the prefix */
}

static void a_range_gives_its_ports_in_turn(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=3,PORT_START=9000,PORT_SIZE=10]");
	assert_string_equal(address(f, 1, "EXTERNAL_PORT_RANGE"), "9011:9020");
	assert_string_equal(address(f, 1, "INTERNAL_PORT_RANGE"), "1-10/9011");
}

static void wrong_ranges_are_refused_with_the_reason(void **state)
{
	static const struct { const char *text, *reason; } cases[] = {
		{ "AR=[SIZE=4]", "Unknown or missing address range TYPE." },
		{ "AR=[TYPE=IPX,SIZE=4]", "Unknown or missing address range TYPE." },
		{ "AR=[TYPE=IP4,SIZE=4]", "Wrong or empty IP attribute" },
		{ "AR=[TYPE=IP4,IP=10.0.0,SIZE=4]", "Wrong or empty IP attribute" },
		{ "AR=[TYPE=IP4,IP=10.0.0.1]", "Wrong SIZE for address range" },
		{ "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=many]", "Wrong SIZE for address range" },
		{ "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=-4]", "Wrong SIZE for address range" },
		{ "AR=[TYPE=ETHER,MAC=cafe,SIZE=4]", "Wrong format for MAC attribute" },
		{ "AR=[TYPE=IP6,SIZE=4,GLOBAL_PREFIX=x]", "Wrong format for IP6 global address prefix" },
		{ "AR=[TYPE=IP6,SIZE=4,ULA_PREFIX=x]", "Wrong format for IP6 unique local address prefix" },
		{ "AR=[TYPE=IP6_STATIC,SIZE=4]", "Wrong or empty IP6 attribute" },
		{ "AR=[TYPE=IP6_STATIC,SIZE=4,IP6=\"2001::1\"]", "Wrong or empty PREFIX_LENGTH" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (make(f, cases[i].text) != ONE_INTERNAL || strcmp(f->err.text, cases[i].reason) != 0)
			fail_msg("%s: %s", cases[i].text, f->err.text);
	}
}

static void users_cannot_write_leases(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4,ALLOCATED=\" 0 68719476736\",PARENT_NETWORK_AR_ID=1,USED_LEASES=4]");
	assert_null(ar_lease_at(&f->ar, 0));
	assert_string_equal(of_range(f, "ALLOCATED"), "");
	assert_string_equal(of_range(f, "PARENT_NETWORK_AR_ID"), "");
}

/* ---- who has which ---- */

static void the_first_free_address_is_found(void **state)
{
	struct fixture *f = *state;
	uint32_t index = 99;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4]");
	assert_true(ar_lease_take(&f->ar, 0, VM(1)));
	assert_true(ar_lease_take(&f->ar, 2, VM(2)));
	assert_true(ar_find_free(&f->ar, 1, &index));
	assert_int_equal(index, 1);
	assert_true(ar_lease_take(&f->ar, 1, VM(3)));
	assert_true(ar_lease_take(&f->ar, 3, VM(4)));
	assert_false(ar_find_free(&f->ar, 1, &index));
}

static void several_free_addresses_are_found_in_a_row(void **state)
{
	struct fixture *f = *state;
	uint32_t index = 99;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=8]");
	ar_lease_take(&f->ar, 2, VM(1));
	assert_true(ar_find_free(&f->ar, 3, &index));
	assert_int_equal(index, 3);
	assert_true(ar_find_free(&f->ar, 2, &index));
	assert_int_equal(index, 0);
	assert_false(ar_find_free(&f->ar, 6, &index));
}

static void an_address_has_one_owner(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4]");
	assert_true(ar_lease_take(&f->ar, 1, VM(7)));
	assert_false(ar_lease_take(&f->ar, 1, VM(8)));
	assert_false(ar_lease_take(&f->ar, 4, VM(8))); /* behind the end */
	assert_true(ar_lease_at(&f->ar, 1)->owner == VM(7));
	assert_false(ar_lease_free(&f->ar, 1, VM(8)));
	assert_false(ar_lease_free(&f->ar, 1, lease_owner(LEASE_VROUTER, 7)));
	assert_true(ar_lease_free(&f->ar, 1, VM(7)));
	assert_null(ar_lease_at(&f->ar, 1));
}

static void leases_are_kept_in_the_vector(void **state)
{
	struct fixture *f = *state;
	struct address_range again;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4]");
	ar_lease_take(&f->ar, 2, VM(5));
	ar_lease_take(&f->ar, 0, VM(-1)); /* on hold */
	assert_string_equal(of_range(f, "ALLOCATED"), " 0 73014444031 2 68719476741");
	assert_int_equal(address_range_load(&again, &f->arena, f->ar.attr, &f->err), ONE_OK);
	assert_int_equal(again.n_leases, 2);
	assert_true(ar_lease_at(&again, 2)->owner == VM(5));
	assert_int_equal(lease_owner_id(ar_lease_at(&again, 0)->owner), -1);
}

static void leases_of_an_owner_are_freed_together(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=8]");
	for (uint32_t i = 0; i < 6; i++)
		ar_lease_take(&f->ar, i, i % 2 ? VM(1) : VM(2));
	assert_int_equal(ar_lease_free_range(&f->ar, 0, 3, VM(2)), 2);
	assert_int_equal(ar_lease_free_owner(&f->ar, VM(1)), 3);
	assert_int_equal(f->ar.n_leases, 1);
	assert_int_equal(f->ar.leases[0].index, 4);
}

static void an_address_is_found_by_each_name_it_has(void **state)
{
	struct fixture *f = *state;
	uint32_t index = 99;

	make_ok(f, "AR=[TYPE=IP4_6_STATIC,IP=10.0.0.1,IP6=\"2001::1\",PREFIX_LENGTH=64,SIZE=10]");
	assert_true(ar_index_of(&f->ar, ADDRESS_IP4, "10.0.0.4", &index) && index == 3);
	assert_true(ar_index_of(&f->ar, ADDRESS_IP6, "2001::5", &index) && index == 4);
	assert_true(ar_index_of(&f->ar, ADDRESS_MAC, "02:00:0a:00:00:06", &index) && index == 5);
	assert_false(ar_index_of(&f->ar, ADDRESS_IP4, "10.0.0.11", &index));
	assert_false(ar_index_of(&f->ar, ADDRESS_IP4, "9.255.255.255", &index));
	assert_false(ar_index_of(&f->ar, ADDRESS_MAC, "03:00:0a:00:00:06", &index));
	assert_false(ar_index_of(&f->ar, ADDRESS_IP4, "nonsense", &index));
	assert_false(ar_index_of(&f->ar, ADDRESS_NONE, "", &index));
	make_ok(f, "AR=[TYPE=ETHER,MAC=\"02:00:0a:00:00:01\",SIZE=10]");
	assert_false(ar_index_of(&f->ar, ADDRESS_IP4, "10.0.0.4", &index));
}

static void a_damaged_range_is_not_loaded(void **state)
{
	static const char *const bad[] = {
		"AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4,MAC=\"02:00:0a:00:00:01\"]",
		"AR=[AR_ID=0,TYPE=IP4,IP=10.0.0.1,SIZE=4,MAC=\"02:00:0a:00:00:01\",ALLOCATED=\" 1\"]",
		"AR=[AR_ID=0,TYPE=IP4,IP=10.0.0.1,SIZE=4,MAC=\"02:00:0a:00:00:01\",ALLOCATED=\" x 1\"]",
		"AR=[AR_ID=0,TYPE=IP4,SIZE=4,MAC=\"02:00:0a:00:00:01\"]",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!address_range_load(&f->ar, &f->arena, vector(f, bad[i]), &f->err))
			fail_msg("%s", bad[i]);
}

/* ---- changes ---- */

static enum one_rc update(struct fixture *f, const char *text)
{
	one_err_clear(&f->err);
	return address_range_update(&f->ar, vector(f, text), &f->err);
}

static void a_change_keeps_what_the_range_is(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=4]");
	ar_lease_take(&f->ar, 1, VM(1));
	assert_int_equal(update(f, "AR=[TYPE=ETHER,IP=11.0.0.1,MAC=\"03:00:00:00:00:01\",SIZE=9,COLOR=red,ALLOCATED=\"\",AR_ID=7]"), ONE_OK);
	assert_string_equal(of_range(f, "TYPE"), "IP4");
	assert_string_equal(of_range(f, "IP"), "10.0.0.1");
	assert_string_equal(of_range(f, "MAC"), "02:00:0a:00:00:01");
	assert_string_equal(of_range(f, "AR_ID"), "3");
	assert_string_equal(of_range(f, "COLOR"), "red");
	assert_int_equal(f->ar.size, 9);
	assert_non_null(ar_lease_at(&f->ar, 1));
}

static void a_range_does_not_shrink_below_its_leases(void **state)
{
	struct fixture *f = *state;

	make_ok(f, "AR=[TYPE=IP4,IP=10.0.0.1,SIZE=8]");
	ar_lease_take(&f->ar, 5, VM(1));
	assert_int_equal(update(f, "AR=[SIZE=5]"), ONE_INTERNAL);
	assert_string_equal(f->err.text, "New SIZE cannot be applied. There are used leases that would fall outside the range.");
	assert_int_equal(f->ar.size, 8);
	assert_int_equal(update(f, "AR=[SIZE=6]"), ONE_OK);
	assert_int_equal(update(f, "AR=[SIZE=none]"), ONE_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ip4_range_makes_macs_of_its_ips),
		TEST(an_ether_range_has_only_macs),
		TEST(an_ether_range_without_a_mac_gets_one_of_the_prefix),
		TEST(the_upper_bytes_of_a_mac_never_change),
		TEST(an_ip6_range_has_an_address_for_each_prefix),
		TEST(a_static_range_counts_on_in_its_prefix),
		TEST(a_range_gives_its_ports_in_turn),
		TEST(wrong_ranges_are_refused_with_the_reason),
		TEST(users_cannot_write_leases),
		TEST(the_first_free_address_is_found),
		TEST(several_free_addresses_are_found_in_a_row),
		TEST(an_address_has_one_owner),
		TEST(leases_are_kept_in_the_vector),
		TEST(leases_of_an_owner_are_freed_together),
		TEST(an_address_is_found_by_each_name_it_has),
		TEST(a_damaged_range_is_not_loaded),
		TEST(a_change_keeps_what_the_range_is),
		TEST(a_range_does_not_shrink_below_its_leases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
