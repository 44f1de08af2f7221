/* Tests of the words: OpenNebula's sentences for each combination of verdicts, and the template that carries
 * them. */
#include <string.h>

#include "common/tmpl.h"
#include "scheduler/explain.h"
#include "tests/unit/scheduler/pools_xml.h"

struct fixture {
	struct arena arena;
	struct model model;
	struct matcher *matcher;
	struct strbuf out;
};

static int set_up(void **state)
{
	static struct fixture f;

	arena_init(&f.arena);
	model_init(&f.model, &f.arena, 0);
	f.matcher = matcher_new(&f.model, "", "");
	strbuf_init(&f.out);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	strbuf_done(&f->out);
	matcher_free(f->matcher);
	model_done(&f->model);
	arena_done(&f->arena);
	return 0;
}

static const struct sched_vm VM = { .requirements = "(CLUSTER_ID = 0) & ( RACK > )",
				    .store_requirements = "SPEED >> 50",
				    .rank = "",
				    .store_rank = "",
				    .message = "" };

static void hosts_are_explained_by_the_check_that_none_passed(void **state)
{
	static const struct {
		struct tally t;
		const char *text;
	} CASES[] = {
		{ { .hosts = { 0 } }, "Cannot dispatch VM: No hosts enabled to run VMs" },
		{ { .hosts = { [HOST_DENIED] = 3 } },
		  "Cannot dispatch VM: User is not authorized to use any host" },
		{ { .hosts = { [HOST_NOT_PUBLIC] = 3 } },
		  "Cannot dispatch VM: User is not authorized to use any host" },
		{ { .hosts = { [HOST_DENIED] = 3, [HOST_NO_CPU] = 1 } },
		  "Cannot dispatch VM: No host with enough capacity to deploy the VM" },
		{ { .hosts = { [HOST_NO_MEMORY] = 1 } },
		  "Cannot dispatch VM: No host with enough capacity to deploy the VM" },
		{ { .hosts = { [HOST_NO_MEMORY] = 1, [HOST_UNMET] = 1 } },
		  "Cannot dispatch VM: No host meets capacity and SCHED_REQUIREMENTS: (CLUSTER_ID = 0) & ( "
		  "RACK > )" },
		{ { .hosts = { [HOST_BAD_REQUIREMENTS] = 1, [HOST_NO_CPU] = 1 } },
		  "Error in SCHED_REQUIREMENTS: '(CLUSTER_ID = 0) & ( RACK > )', error: syntax error, "
		  "unexpected ')', expecting INTEGER or FLOAT "
		  "at line 1, columns 29:30" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		strbuf_reset(&f->out);
		explain_no_host(&CASES[i].t, &VM, match_class_of(f->matcher, &VM), &f->out);
		assert_string_equal(f->out.buf, CASES[i].text);
	}
}

static void datastores_are_explained_by_the_check_that_none_passed(void **state)
{
	static const struct {
		struct tally t;
		const char *text;
	} CASES[] = {
		{ { .stores = { 0 } }, "Cannot dispatch VM: No system datastores found to run VMs" },
		{ { .stores = { [STORE_DENIED] = 1 } },
		  "Cannot dispatch VM: User is not authorized to use any system datastore" },
		{ { .stores = { [STORE_DENIED] = 1, [STORE_NOT_MEASURED] = 1 } },
		  "Cannot dispatch VM: No system datastore with enough capacity for the VM" },
		{ { .stores = { [STORE_NO_SPACE] = 1 } },
		  "Cannot dispatch VM: No system datastore with enough capacity for the VM" },
		{ { .stores = { [STORE_NO_SPACE] = 1, [STORE_UNMET] = 1 } },
		  "Cannot dispatch VM: No system datastore meets capacity and SCHED_DS_REQUIREMENTS: SPEED "
		  ">> 50" },
		{ { .stores = { [STORE_BAD_REQUIREMENTS] = 1 } },
		  "Error in SCHED_DS_REQUIREMENTS: 'SPEED >> 50', error: syntax error, unexpected '>', "
		  "expecting INTEGER or FLOAT "
		  "at line 1, columns 8:9" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		strbuf_reset(&f->out);
		explain_no_store(&CASES[i].t, &VM, match_class_of(f->matcher, &VM), &f->out);
		assert_string_equal(f->out.buf, CASES[i].text);
	}
}

static void what_changed_is_told_from_a_new_date(void **state)
{
	(void)state;
	assert_false(explain_changed("Wed Nov 25 02:00:52 2026: Error in A: 'x'", "Error in A: 'x'"));
	assert_true(explain_changed("Wed Nov 25 02:00:52 2026: Error in A: 'x'", "Error in A: 'y'"));
	assert_true(explain_changed("", "Error"));
	assert_false(explain_changed("", ""));
	assert_false(explain_changed("no date", "no date"));
}

static void the_template_carries_any_text(void **state)
{
	static const char *const TEXTS[] = { "plain", "\"quoted\" and 'single'", "back\\slash",
					     "[a, b] = { # }", "\xc3\xa4\xe2\x82\xac" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
		struct tmpl *t = tmpl_new(&f->arena);
		struct one_err err = ONE_ERR_INIT;
		const char *text;

		strbuf_reset(&f->out);
		explain_template(TEXTS[i], 1795572052, &f->out);
		assert_int_equal(tmpl_parse(t, f->out.buf, &err), ONE_OK);
		text = tmpl_get(t, "SCHED_MESSAGE");
		assert_non_null(text);
		assert_string_equal(strstr(text, ": ") + 2, TEXTS[i]);
		assert_false(explain_changed(text, TEXTS[i]));
	}
	strbuf_reset(&f->out);
	explain_template("", 0, &f->out);
	assert_non_null(strstr(f->out.buf, "SCHED_MESSAGE"));
	assert_null(strstr(f->out.buf, ": "));
}

static void the_tally_names_what_there_is(void **state)
{
	struct fixture *f = *state;

	explain_tally(&(struct tally){ .hosts = { [HOST_NO_CPU] = 2, [HOST_UNMET] = 1 } }, &f->out);
	assert_string_equal(f->out.buf, "3 hosts: 2 not enough CPU, 1 SCHED_REQUIREMENTS not met");
	strbuf_reset(&f->out);
	explain_tally(&(struct tally){ .hosts = { [HOST_FITS] = 1 }, .stores = { [STORE_DENIED] = 1 } },
		      &f->out);
	assert_string_equal(f->out.buf, "1 hosts: 1 fits; 1 system datastores: 1 owner is not authorized");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hosts_are_explained_by_the_check_that_none_passed),
		TEST(datastores_are_explained_by_the_check_that_none_passed),
		cmocka_unit_test(what_changed_is_told_from_a_new_date),
		TEST(the_template_carries_any_text),
		TEST(the_tally_names_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
