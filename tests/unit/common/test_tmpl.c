/* Tests of templates as sorted lists: finding, adding, replacing, merging, typed values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/tmpl.h"

static struct arena arena;
static struct tmpl *t;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	t = tmpl_new(&arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

/* "A=1 B={C=2}" */
static void expect(const struct tmpl *tmpl, const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (const struct attr *a = tmpl->first; a; a = a->next) {
		strbuf_addf(&out, "%s%s=", out.len ? " " : "", a->name);
		if (a->vector) {
			strbuf_addc(&out, '{');
			for (const struct attr *kid = a->kids; kid; kid = kid->next)
				strbuf_addf(&out, "%s=%s%s", kid->name, kid->value, kid->next ? " " : "");
			strbuf_addc(&out, '}');
		} else {
			strbuf_adds(&out, a->value);
		}
	}
	assert_string_equal(out.buf, text);
	strbuf_done(&out);
}

static void add_text(struct tmpl *tmpl, const char *text)
{
	struct one_err err = ONE_ERR_INIT;

	if (tmpl_parse(tmpl, text, &err) != ONE_OK)
		fail_msg("%s: %s", text, err.text);
}

static void attributes_stand_in_byte_order_and_equal_names_as_added(void **state)
{
	(void)state;
	tmpl_add(t, "NIC", "1");
	tmpl_add(t, "A_B", "2");
	tmpl_add(t, "AB", "3");
	tmpl_add(t, "NIC", "4");
	tmpl_addf(t, "A", "%d", 5);
	attr_set(&arena, tmpl_add_vector(t, "NIC"), "X", "6");
	expect(t, "A=5 AB=3 A_B=2 NIC=1 NIC=4 NIC={X=6}");
}

static void finding_tells_singles_from_vectors(void **state)
{
	(void)state;
	add_text(t, "B=[X=1] B=2 B=[X=3] C=[] D=\n");
	assert_true(tmpl_find(t, "B")->vector);
	assert_string_equal(tmpl_get(t, "B"), "2");
	assert_string_equal(attr_get(tmpl_vector(t, "B"), "X"), "1");
	assert_string_equal(attr_get(tmpl_find_next(tmpl_find_next(tmpl_find(t, "B"))), "X"), "3");
	assert_null(tmpl_find_next(tmpl_find_next(tmpl_find_next(tmpl_find(t, "B")))));
	assert_null(tmpl_get(t, "C"));
	assert_null(tmpl_vector(t, "D"));
	assert_string_equal(tmpl_get(t, "D"), "");
	assert_null(tmpl_find(t, "A"));
	assert_null(tmpl_find(t, "Z"));
	assert_string_equal(tmpl_get_or(t, "Z", "none"), "none");
	assert_null(attr_get(tmpl_vector(t, "C"), "X"));
}

/* Names of every length around eight, of which many begin alike: a name is found if and only if it is there, whatever it begins with. */
static void names_that_begin_alike_are_told_apart_and_ordered_by_their_bytes(void **state)
{
	char all[64][20];
	int n = 0;

	(void)state;
	for (size_t len = 1; len <= 17; len++)
		for (const char *last = "A\x7f\xc3"; *last; last++) {
			memset(all[n], 'B', len);
			all[n][len - 1] = *last;
			all[n][len] = '\0';
			n++;
		}
	for (int i = 0; i < n; i++)
		tmpl_add(t, all[i * 7 % n], "x");
	for (const struct attr *a = t->first; a->next; a = a->next)
		assert_true(strcmp(a->name, a->next->name) < 0);
	for (int i = 0; i < n; i++) {
		char shorter[20];

		assert_string_equal(tmpl_find(t, all[i])->name, all[i]);
		assert_null(tmpl_find_next(tmpl_find(t, all[i])));
		strcpy(shorter, all[i]);
		shorter[strlen(shorter) - 1] = 'B';
		assert_null(tmpl_find(t, shorter));
		assert_int_equal(tmpl_remove(t, all[i]), 1);
		assert_null(tmpl_find(t, all[i]));
	}
	assert_null(t->first);
}

static void what_is_cut_out_of_one_template_can_be_put_into_another(void **state)
{
	struct tmpl *other = tmpl_new(&arena);
	struct attr *cut;

	(void)state;
	add_text(t, "A = 1\nB = 2\nB = [ C = 3 ]\nD = 4");
	add_text(other, "A = 0\nB = 1\nC = 2");
	assert_null(tmpl_cut(t, "C"));
	assert_null(tmpl_cut(t, ""));
	cut = tmpl_cut(t, "B");
	tmpl_adopt(other, cut);
	tmpl_adopt(other, NULL);
	expect(t, "A=1 D=4");
	expect(other, "A=0 B=1 B=2 B={C=3} C=2");
}

static void setting_replaces_all_of_the_name_even_by_one_of_its_own_values(void **state)
{
	(void)state;
	add_text(t, "A=1 B=2 B=[X=1] B=3 C=4");
	tmpl_set(t, "B", tmpl_get(t, "B"));
	expect(t, "A=1 B=2 C=4");
	tmpl_setf(t, "A", "%s-%s", tmpl_get(t, "A"), "x");
	tmpl_set(t, "AA", "new");
	expect(t, "A=1-x AA=new B=2 C=4");
}

static void removing_tells_how_many_there_were(void **state)
{
	(void)state;
	add_text(t, "A=1 B=2 B=[X=1] C=4 B=5");
	assert_int_equal(tmpl_remove(t, "B"), 3);
	assert_int_equal(tmpl_remove(t, "B"), 0);
	assert_int_equal(tmpl_remove(t, "Z"), 0);
	expect(t, "A=1 C=4");
}

static void one_attribute_can_be_removed_from_among_its_namesakes(void **state)
{
	(void)state;
	struct attr stranger = { .name = "B" };

	add_text(t, "B=1 B=2 B=3");
	tmpl_remove_attr(t, tmpl_find_next(tmpl_find(t, "B")));
	tmpl_remove_attr(t, &stranger);
	expect(t, "B=1 B=3");
}

static void a_vector_has_a_name_once_and_in_order(void **state)
{
	(void)state;
	struct attr *v = tmpl_add_vector(t, "V");

	attr_set(&arena, v, "M", "1");
	attr_set(&arena, v, "A", "2");
	attr_setf(&arena, v, "Z", "%d", 3);
	attr_set(&arena, v, "M", "4");
	expect(t, "V={A=2 M=4 Z=3}");
	attr_set(&arena, v, "M", attr_get(v, "A"));
	attr_remove(v, "A");
	attr_remove(v, "NONE");
	expect(t, "V={M=2 Z=3}");
}

static void a_copy_lives_on_alone(void **state)
{
	(void)state;
	struct arena other = ARENA_INIT;
	struct tmpl *from = tmpl_new(&other), *copy;

	add_text(from, "B=[X=1,Y=2] A=1");
	copy = tmpl_copy(&arena, from);
	tmpl_add_attr(t, tmpl_find(from, "B"));
	attr_set(&other, tmpl_find(from, "B"), "X", "changed");
	arena_done(&other);
	expect(copy, "A=1 B={X=1 Y=2}");
	expect(t, "B={X=1 Y=2}");
	assert_null(attr_copy(&arena, tmpl_find(copy, "A"))->next);
}

static void merging_replaces_all_namesakes_and_keeps_the_rest(void **state)
{
	(void)state;
	struct tmpl *from = tmpl_new(&arena);

	add_text(t, "A=1 B=2 B=3 C=[X=1] D=4 Z=9");
	add_text(from, "B=[Y=1] B=5 C=6 AA=7 D=[] E=[]");
	tmpl_merge(t, from);
	expect(t, "A=1 AA=7 B={Y=1} B=5 C=6 Z=9");
	tmpl_merge(t, t);
	expect(t, "A=1 AA=7 B={Y=1} B=5 C=6 Z=9");
	expect(from, "AA=7 B={Y=1} B=5 C=6 D={} E={}");
}

static void whole_numbers_are_whole(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", " ", "-", "+", "1 ", "1.0", "0x10", "1e3", "9223372036854775808", "a", "- 1"};
	long long n = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_int(bad[i], &n));
	assert_int_equal(n, 77);
	assert_true(value_int(" \n-12", &n) && n == -12);
	assert_true(value_int("+007", &n) && n == 7);
	assert_true(value_int("-9223372036854775808", &n) && n == INT64_MIN);
}

static void decimal_numbers_are_decimal(void **state)
{
	(void)state;
	static const char *const bad[] = {"",	  ".",	"-",   "1 ",	"inf",	 "nan",
					  "0x10", "1e", "1e+", "1.2.3", "1e999", "1,5"};
	double f = 77;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(value_float(bad[i], &f));
	assert_true(f > 76.9 && f < 77.1);
	assert_true(value_float(" -1.5", &f) && f < -1.4 && f > -1.6);
	assert_true(value_float("5.", &f) && f > 4.9);
	assert_true(value_float(".5", &f) && f < 0.6);
	assert_true(value_float("1e-2", &f) && f < 0.02 && f > 0);
}

static void booleans_are_the_known_words_only(void **state)
{
	(void)state;
	bool b = true;

	assert_false(value_bool("", &b));
	assert_false(value_bool("maybe", &b));
	assert_false(value_bool("YES ", &b));
	assert_true(b);
	assert_true(value_bool("no", &b) && !b);
	assert_true(value_bool("Yes", &b) && b);
	assert_true(value_bool("FALSE", &b) && !b);
	assert_true(value_bool("true", &b) && b);
	assert_true(value_bool("0", &b) && !b);
	assert_true(value_bool("1", &b) && b);
}

static void typed_values_are_found_by_name(void **state)
{
	(void)state;
	long long n;
	double f;
	bool b;

	add_text(t, "N=5 F=2.5 B=YES V=[N=6,F=3.5,B=NO]");
	assert_true(tmpl_get_int(t, "N", &n) && n == 5);
	assert_false(tmpl_get_int(t, "F", &n));
	assert_false(tmpl_get_int(t, "NONE", &n));
	assert_true(tmpl_get_float(t, "F", &f) && f > 2.4);
	assert_true(tmpl_get_bool(t, "B", &b) && b);
	assert_true(attr_get_int(tmpl_vector(t, "V"), "N", &n) && n == 6);
	assert_true(attr_get_float(tmpl_vector(t, "V"), "F", &f) && f > 3.4);
	assert_true(attr_get_bool(tmpl_vector(t, "V"), "B", &b) && !b);
	assert_false(attr_get_bool(tmpl_vector(t, "V"), "NONE", &b));
}

static void of_several_of_a_name_the_last_stays(void **state)
{
	(void)state;
	add_text(t, "B = 1 A = [ X = 1 ] B = 2 A = 3 C = 4 B = 5");
	tmpl_keep_last(t);
	expect(t, "A=3 B=5 C=4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(attributes_stand_in_byte_order_and_equal_names_as_added,
						setup, teardown),
		cmocka_unit_test_setup_teardown(finding_tells_singles_from_vectors, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_begin_alike_are_told_apart_and_ordered_by_their_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_cut_out_of_one_template_can_be_put_into_another, setup, teardown),
		cmocka_unit_test_setup_teardown(
			setting_replaces_all_of_the_name_even_by_one_of_its_own_values, setup, teardown),
		cmocka_unit_test_setup_teardown(removing_tells_how_many_there_were, setup, teardown),
		cmocka_unit_test_setup_teardown(one_attribute_can_be_removed_from_among_its_namesakes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_vector_has_a_name_once_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_lives_on_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(merging_replaces_all_namesakes_and_keeps_the_rest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(of_several_of_a_name_the_last_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_numbers_are_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(decimal_numbers_are_decimal, setup, teardown),
		cmocka_unit_test_setup_teardown(booleans_are_the_known_words_only, setup, teardown),
		cmocka_unit_test_setup_teardown(typed_values_are_found_by_name, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
