/* Tests of requirement and rank expressions: what they match, OpenNebula's messages, limits, garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/expr.h"
#include "common/strbuf.h"

/* An attribute may be there several times. */
static const char *const host[][2] = {
	{ "FREE_CPU", "500" },       { "LOAD", "5.7" },      { "HYPERVISOR", "kvm" },    { "NAME", "edge-01" },
	{ "CLUSTER_ID", "0" },       { "CLUSTER_ID", "100" }, { "CLUSTER_ID", "7x" },    { "EMPTY", "" },
	{ "TEMPLATE/RACK", "b 12" }, { "NOTE", "none" },     { "NOTE", "12 GB" },        { "BIG", "4294967297" },
	{ "DIFF", "-3" },            { "WEIRD", "inf" },     { "TAG", "a*" },            { "TAG", "b" },
};

static const char *lookup(void *ctx, const char *name, int i)
{
	(void)ctx;
	assert_true(*name);
	for (size_t k = 0; k < sizeof(host) / sizeof(host[0]); k++) {
		if (strcmp(host[k][0], name) == 0 && i-- == 0)
			return host[k][1];
	}
	return NULL;
}

static bool match(const char *text)
{
	struct one_err err = ONE_ERR_INIT;
	struct expr *e = NULL;
	bool result;

	if (expr_compile_requirements(text, &e, &err) != ONE_OK)
		fail_msg("%s: %s", text, err.text);
	result = expr_match(e, lookup, NULL);
	expr_free(e);
	return result;
}

static double rank(const char *text)
{
	struct one_err err = ONE_ERR_INIT;
	struct expr *e = NULL;
	double result;

	if (expr_compile_rank(text, &e, &err) != ONE_OK)
		fail_msg("%s: %s", text, err.text);
	result = expr_rank(e, lookup, NULL);
	expr_free(e);
	return result;
}

static void matches(const char *const *texts)
{
	for (; *texts; texts++) {
		if (!match(*texts))
			fail_msg("does not match: %s", *texts);
	}
}

static void does_not_match(const char *const *texts)
{
	for (; *texts; texts++) {
		if (match(*texts))
			fail_msg("matches: %s", *texts);
	}
}

static void ranks(const char *text, double expected)
{
	double got = rank(text);

	if (got < expected - 1e-9 || got > expected + 1e-9)
		fail_msg("%s is %g, not %g", text, got, expected);
}

static void no_requirements_are_met(void **state)
{
	(void)state;
	static const char *const yes[] = { "", " ", "\n\t", ".", NULL };

	matches(yes);
}

static void whole_numbers_compare_with_the_whole_part(void **state)
{
	(void)state;
	static const char *const yes[] = { "FREE_CPU = 500", "FREE_CPU>499", "FREE_CPU < 501", "FREE_CPU != 5", "LOAD = 5",
					   "LOAD < 6",       "DIFF = -3",    "DIFF > -4",      "BIG > 4294967296", NULL };
	static const char *const no[] = { "FREE_CPU > 500", "FREE_CPU < 500", "FREE_CPU != 500", "LOAD > 5", "BIG = 1", NULL };

	matches(yes);
	does_not_match(no);
}

static void real_numbers_compare_as_they_are(void **state)
{
	(void)state;
	static const char *const yes[] = { "LOAD = 5.7", "LOAD > 5.6", "LOAD < 5.75", "LOAD != 5.0", "FREE_CPU = 500.0", NULL };
	static const char *const no[] = { "LOAD > 5.7", "LOAD < 5.7", "LOAD = 5.0", "WEIRD > 1.0", NULL };

	matches(yes);
	does_not_match(no);
}

static void texts_are_patterns(void **state)
{
	(void)state;
	static const char *const yes[] = { "HYPERVISOR = kvm",       "HYPERVISOR = \"kvm\"",     "NAME = \"edge-*\"",
					   "NAME = \"edge-0?\"",      "NAME = \"edge-[0-9]1\"",    "NAME != \"core-*\"",
					   "\"TEMPLATE/RACK\" = \"b 1*\"", "TAG = \"a\\*\"",        "EMPTY = \"*\"", NULL };
	static const char *const no[] = { "HYPERVISOR = KVM", "HYPERVISOR = kv", "NAME = \"edge\"", "NAME != \"edge-*\"", NULL };

	matches(yes);
	does_not_match(no);
}

static void a_missing_attribute_and_an_empty_text_match_nothing(void **state)
{
	(void)state;
	static const char *const no[] = { "NONE = 1",      "NONE != 1",    "NONE < 1",       "NONE = x",     "NONE != x",
					  "NONE = 1.0",    "NONE @> x",    "NONE @> 1",      "EMPTY = \"\"", "NAME != \"\"",
					  "TAG @> \"\"",   "\"\" = 5",     "\"\" != x",      "NAME > 5",     "HYPERVISOR != 1", NULL };
	static const char *const yes[] = { "!NONE = 1", "!(NONE != x)", NULL };

	does_not_match(no);
	matches(yes);
}

static void only_the_at_operator_looks_at_all_values(void **state)
{
	(void)state;
	static const char *const yes[] = { "CLUSTER_ID @> 0", "CLUSTER_ID @> 100", "CLUSTER_ID @> 7", "CLUSTER_ID @> 100.0",
					   "CLUSTER_ID @> \"7*\"", "TAG @> b", "CLUSTER_ID = 0", "CLUSTER_ID != 100", NULL };
	static const char *const no[] = { "CLUSTER_ID = 100", "CLUSTER_ID @> 5", "CLUSTER_ID @> 5.5", "TAG = b", "TAG @> c", NULL };

	matches(yes);
	does_not_match(no);
}

static void a_number_is_the_first_value_that_is_one(void **state)
{
	(void)state;
	static const char *const yes[] = { "NOTE = 12", "NOTE > 11.5", "NOTE = none", NULL };

	matches(yes);
	ranks("NOTE", 12);
}

static void and_and_or_bind_alike_from_left_to_right(void **state)
{
	(void)state;
#define T "FREE_CPU = 500"
#define F "FREE_CPU = 1"
	static const char *const yes[] = { T " | " F, F " | " T, T " & " T, F " & " F " | " T, "(" F " & (" F " | " T ")) | " T,
					   T " | " T " & " T, "! " F " & " T, "!!" T, "!(" T " & " F ")", "((" T "))", NULL };
	static const char *const no[] = { T " & " F, F " & " T, F " | " F, T " | " F " & " F, F " & (" F " | " T ")", "! " T " | " F,
					  "!(" T " | " F ")", "!(" T ") | " F, NULL };

	matches(yes);
	does_not_match(no);
#undef T
#undef F
}

static void ranks_are_computed_by_the_usual_rules(void **state)
{
	(void)state;
	ranks("", 0);
	ranks("5", 5);
	ranks("FREE_CPU", 500);
	ranks("1 + 2 * 3", 7);
	ranks("(1 + 2) * 3", 9);
	ranks("10 - 2 - 3", 5);
	ranks("100 / 5 / 2", 10);
	ranks("- 2 + 5", 3);
	ranks("- 2 * 3 + 10", 4);
	ranks("FREE_CPU * 100 - -3 / 2", 50001.5);
	ranks("FREE_CPU - - DIFF", 497);
	ranks("2.5 * 2", 5);
	ranks("\"TEMPLATE/RACK\" + LOAD", 5.7);
}

static void a_sign_takes_the_whole_product_behind_it(void **state)
{
	(void)state;
	ranks("100 / - FREE_CPU * 5", -0.04);
	ranks("- FREE_CPU / 5", -100);
}

static void what_is_no_number_counts_nothing_and_division_by_zero_too(void **state)
{
	(void)state;
	ranks("NONE + 1", 1);
	ranks("HYPERVISOR + 1", 1);
	ranks("WEIRD + 1", 1);
	ranks("\"\" + 1", 1);
	ranks("5 / 0", 0);
	ranks("5 / (1 - 1) + 2", 2);
	ranks("- 1 * 0", 0);
}

static void an_overflow_is_no_rank(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;

	strbuf_lit(&text, "BIG");
	for (int i = 0; i < 50; i++)
		strbuf_lit(&text, " * BIG");
	ranks(text.buf, 0);
	strbuf_done(&text);
}

struct row {
	const char *text, *message;
};

static void check_messages(enum one_rc (*compile)(const char *, struct expr **, struct one_err *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct one_err err = ONE_ERR_INIT;
		struct expr *e = NULL;

		if (compile(rows[i].text, &e, &err) == ONE_OK)
			fail_msg("accepted: %s", rows[i].text);
		assert_null(e);
		assert_int_equal(err.rc, ONE_INTERNAL);
		assert_string_equal(err.text, rows[i].message);
	}
}

#define U "syntax error, unexpected "

static void messages_are_those_of_opennebula(void **state)
{
	(void)state;
	static const struct row requirements[] = {
		{ "SPEED >> 50", U "'>', expecting INTEGER or FLOAT at line 1, columns 8:9" },
		{ "COST ! 5", U "INTEGER, expecting '=' at line 1, columns 8:9" },
		{ "(RACK == 2)", U "'=', expecting INTEGER or STRING or FLOAT at line 1, columns 8:9" },
		{ "(RACK = 1 ", U "$end, expecting '&' or '|' or ')' at line 1, columns 10:11" },
		{ "(RACK > )", U "')', expecting INTEGER or FLOAT at line 1, columns 9:10" },
		{ "(NAME = sc-a)", U "$undefined, expecting '&' or '|' or ')' at line 1, columns 11:12" },
		{ "A @ 5", U "INTEGER, expecting '>' at line 1, columns 5:6" },
		{ "A != >", U "'>', expecting INTEGER or STRING or FLOAT at line 1, columns 6:7" },
		{ "A > x", U "STRING, expecting INTEGER or FLOAT at line 1, columns 5:6" },
		{ "= 5", U "'=', expecting $end at line 1, columns 1:2" },
		{ "A = 1 B = 2", U "STRING, expecting $end at line 1, columns 7:8" },
		{ "A = 1 &", U "$end, expecting '!' or STRING or '(' at line 1, columns 7:8" },
		{ "A 5", U "INTEGER at line 1, columns 3:4" },
		{ "A", U "$end at line 1, columns 1:2" },
		{ "A = 1 &\nB = 2 )", U "')', expecting $end at line 2, columns 15:16" },
		{ "TEMPLATE/X = 5", U "$undefined at line 1, columns 9:10" },
	};
	static const struct row rank_rows[] = {
		{ "A-1", U "INTEGER, expecting $end at line 1, columns 2:4" },
		{ "* 5", U "'*', expecting $end at line 1, columns 1:2" },
		{ "A + ", U "$end at line 1, columns 4:5" },
		{ "(A", U "$end at line 1, columns 2:3" },
		{ "A & B", U "$undefined, expecting $end at line 1, columns 3:4" },
	};

	check_messages(expr_compile_requirements, requirements, sizeof(requirements) / sizeof(requirements[0]));
	check_messages(expr_compile_rank, rank_rows, sizeof(rank_rows) / sizeof(rank_rows[0]));
}

static void repeat(struct strbuf *text, const char *piece, int times)
{
	while (times-- > 0)
		strbuf_adds(text, piece);
}

/* A nesting of `depth`, closed. */
static enum one_rc compile_nested(const char *open, const char *core, const char *close, int depth, bool is_rank, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct expr *e = NULL;
	enum one_rc rc;

	repeat(&text, open, depth);
	strbuf_adds(&text, core);
	repeat(&text, close, depth);
	rc = is_rank ? expr_compile_rank(text.buf, &e, err) : expr_compile_requirements(text.buf, &e, err);
	if (rc == ONE_OK && is_rank)
		expr_rank(e, lookup, NULL);
	expr_free(e);
	strbuf_done(&text);
	return rc;
}

static void nesting_is_limited(void **state)
{
	(void)state;
	static const struct {
		const char *open, *core, *close;
		bool is_rank;
	} rows[] = {
		{ "(", "A=1", ")", false },
		{ "!", "A=1", "", false },
		{ "A=1 & (", "A=1", ")", false },
		{ "(", "A", ")", true },
		{ "- ", "A", "", true },
		{ "A + B * (", "A + B * C", ")", true },
		{ "A * - ", "A", "", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct one_err err = ONE_ERR_INIT;

		assert_int_equal(compile_nested(rows[i].open, rows[i].core, rows[i].close, 100, rows[i].is_rank, &err), ONE_OK);
		assert_int_equal(compile_nested(rows[i].open, rows[i].core, rows[i].close, 101, rows[i].is_rank, &err), ONE_INTERNAL);
		assert_non_null(strstr(err.text, "nested more than 100 deep"));
		assert_int_equal(compile_nested(rows[i].open, rows[i].core, rows[i].close, 20000, rows[i].is_rank, &err), ONE_INTERNAL);
	}
}

static void long_chains_work_and_too_long_texts_are_refused(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct expr *e = NULL;

	repeat(&text, "CLUSTER_ID = 5 | ", 10000);
	strbuf_lit(&text, "CLUSTER_ID = 0");
	assert_true(match(text.buf));
	repeat(&text, " ", 256 * 1024);
	assert_int_equal(expr_compile_requirements(text.buf, &e, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "longer than 262144 bytes"));
	strbuf_reset(&text);
	repeat(&text, "1 + ", 10000);
	strbuf_lit(&text, "1");
	ranks(text.buf, 10001);
	strbuf_done(&text);
}

static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void random_text(struct strbuf *text, uint32_t *seed)
{
	static const char *const pieces[] = { "NOTE", "LOAD", "=", "!", ">", "<", "@", "&", "|", "(", ")", "-", "+", "*", "/",
					      "5", "2.5", "\"a*\"", "\"\"", "\"", " ", "\n", "." };
	const uint32_t n = sizeof(pieces) / sizeof(pieces[0]);

	strbuf_reset(text);
	for (uint32_t left = random_next(seed) % 12; left > 0; left--) {
		uint32_t i = random_next(seed) % (n + 1);

		if (i < n)
			strbuf_adds(text, pieces[i]);
		else
			strbuf_addc(text, (char)(1 + random_next(seed) % 255));
	}
}

static void random_texts_do_no_harm(void **state)
{
	(void)state;
	struct strbuf text = STRBUF_INIT;
	uint32_t seed = 987654321;
	int accepted = 0;

	for (int round = 0; round < 50000; round++) {
		struct one_err err = ONE_ERR_INIT;
		struct expr *e = NULL;
		bool is_rank = round % 2;

		random_text(&text, &seed);
		if ((is_rank ? expr_compile_rank : expr_compile_requirements)(text.buf, &e, &err) != ONE_OK) {
			assert_memory_equal(err.text, "syntax error", 12);
			continue;
		}
		accepted++;
		if (is_rank)
			assert_true(expr_rank(e, lookup, NULL) < 1e300);
		else
			expr_match(e, lookup, NULL);
		expr_free(e);
	}
	assert_true(accepted > 1000);
	strbuf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_requirements_are_met),
		cmocka_unit_test(whole_numbers_compare_with_the_whole_part),
		cmocka_unit_test(real_numbers_compare_as_they_are),
		cmocka_unit_test(texts_are_patterns),
		cmocka_unit_test(a_missing_attribute_and_an_empty_text_match_nothing),
		cmocka_unit_test(only_the_at_operator_looks_at_all_values),
		cmocka_unit_test(a_number_is_the_first_value_that_is_one),
		cmocka_unit_test(and_and_or_bind_alike_from_left_to_right),
		cmocka_unit_test(ranks_are_computed_by_the_usual_rules),
		cmocka_unit_test(a_sign_takes_the_whole_product_behind_it),
		cmocka_unit_test(what_is_no_number_counts_nothing_and_division_by_zero_too),
		cmocka_unit_test(an_overflow_is_no_rank),
		cmocka_unit_test(messages_are_those_of_opennebula),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(long_chains_work_and_too_long_texts_are_refused),
		cmocka_unit_test(random_texts_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
