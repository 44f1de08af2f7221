/* What becomes of apps by the answers of the market driver, after failures and after a restart. */
#include "tests/unit/oned/lifecycle/sent.h"

#include "oned/lifecycle/market.h"
#include "oned/objects/common.h"

static const char *told; /* what marketapp_import answered */

struct making_app { const char *text; int id; };

static void make(struct txn *t, void *arg)
{
	struct making_app *m = arg;
	struct object owner = owned_by(&alice);
	struct marketapp *app = marketapp_create(t, &owner, parsed(t->arena, m->text), txn_edit(t, OBJ_MARKET, 0));

	m->id = app->o.id;
	told = marketapp_import(t, app);
}

static int made(const char *text)
{
	struct making_app m = { .text = text, .id = -1 };

	if (run(make, &m))
		fail_msg("%s", err.text);
	return m.id;
}

struct reply { const char *action; bool ok; int id; const char *info; };

static void answer(struct txn *t, void *arg)
{
	const struct reply *r = arg;

	market_message(t, &(struct driver_msg){ .action = r->action, .status = r->ok ? "SUCCESS" : "FAILURE", .id = r->id, .payload = r->info });
}

#define ANSWER(...) run(answer, &(struct reply){ __VA_ARGS__ })

static const char *b64(const char *text)
{
	static struct strbuf out;

	strbuf_reset(&out);
	base64_encode(text, strlen(text), &out);
	return out.buf;
}

static struct marketapp *app(int id)
{
	return (struct marketapp *)reread(OBJ_MARKETAPP, id);
}

static struct image *os_image(void)
{
	return (struct image *)reread(OBJ_IMAGE, 0);
}

static struct market *shop(void)
{
	return (struct market *)reread(OBJ_MARKET, 0);
}

static bool has_error(int id, const char *text)
{
	const char *has = tmpl_text(app(id)->o.tmpl, "ERROR");

	if (!strstr(has, text))
		print_message("ERROR is: %s\n", has);
	return strstr(has, text) != NULL;
}

static void erase(struct txn *t, void *arg)
{
	marketapp_delete(t, txn_edit(t, OBJ_MARKETAPP, *(int *)arg));
}

static void restart(struct txn *t, void *arg)
{
	(void)arg;
	market_recover_all(t);
}

#define FACTS "SOURCE=\"http://shop/a\"\nMD5=m\nSIZE=12\nFORMAT=raw"

static int imported(void)
{
	int id = made("NAME=a\nORIGIN_ID=0");

	ANSWER("IMPORT", true, id, b64(FACTS));
	assert_int_equal(app(id)->state, APP_READY);
	return id;
}

/* ---- importing ---- */

static void an_image_is_copied_and_locked_meanwhile(void **state)
{
	int id = made("NAME=a\nORIGIN_ID=0");

	(void)state;
	assert_null(told);
	assert_string_equal(sent, "IMPORT 0;");
	assert_non_null(strstr(payload.buf, "<MARKET_DRIVER_ACTION_DATA><MARKETPLACEAPP><ID>0</ID>"));
	assert_non_null(strstr(payload.buf, "</MARKETPLACEAPP><MARKETPLACE>"));
	assert_non_null(strstr(payload.buf, "</MARKETPLACE><IMAGE>"));
	assert_non_null(strstr(payload.buf, "</IMAGE><DATASTORE>"));
	assert_int_equal(app(id)->state, APP_LOCKED);
	assert_int_equal(os_image()->state, IMAGE_USED);
	assert_true(idset_has(&os_image()->app_clones, id));
	ANSWER("IMPORT", true, id, b64(FACTS));
	assert_int_equal(app(id)->state, APP_READY);
	assert_string_equal(app(id)->source, "http://shop/a");
	assert_string_equal(app(id)->format, "raw");
	assert_int_equal(app(id)->size_mb, 12);
	assert_int_equal(os_image()->state, IMAGE_READY);
	assert_int_equal(os_image()->cloning_ops, 0);
	assert_false(idset_has(&os_image()->app_clones, id));
}

static void a_failed_import_tells_why_and_frees_the_image(void **state)
{
	const struct { bool ok; const char *info, *error; } cases[] = {
		{ false, "disk full", "Error importing app into marketplace: disk full" },
		{ true, "%%%", "Error importing app into marketplace. Parse error" },
		{ true, b64("SOURCE=x\nMD5=m\nFORMAT=raw"), "Error importing app into marketplace. Missing app attributes." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int id = made(arena_printf(&conf.arena, "NAME=a%zu\nORIGIN_ID=0", i));

		ANSWER("IMPORT", cases[i].ok, id, cases[i].info);
		assert_int_equal(app(id)->state, APP_ERROR);
		assert_true(has_error(id, cases[i].error));
		assert_int_equal(os_image()->state, IMAGE_READY);
	}
}

static void an_app_that_cannot_be_imported_is_in_error_with_the_reason(void **state)
{
	const struct { const char *text, *why; } cases[] = {
		{ "NAME=a\nORIGIN_ID=99", "Image does not exist." },
		{ "NAME=b\nORIGIN_ID=-1", "Image does not exist." },
		{ "NAME=c\nORIGIN_ID=0\nTYPE=BOX", "Marketplace app type not supported." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int id = made(cases[i].text);

		assert_string_equal(told, cases[i].why);
		assert_string_equal(sent, "");
		assert_int_equal(app(id)->state, APP_ERROR);
		assert_true(has_error(id, cases[i].why));
	}
}

static void disable_image(struct txn *t, void *arg)
{
	(void)arg;
	image_event(t, txn_edit(t, OBJ_IMAGE, 0), IMAGE_EV_DISABLE);
}

static void an_image_that_rests_disabled_cannot_be_offered(void **state)
{
	int id;

	(void)state;
	run(disable_image, NULL);
	id = made("NAME=a\nORIGIN_ID=0");
	assert_string_equal(told, "Cannot clone image in current state");
	assert_int_equal(app(id)->state, APP_ERROR);
	assert_int_equal(os_image()->state, IMAGE_DISABLED);
	assert_int_equal(os_image()->cloning_ops, 0);
}

static void templates_have_no_contents(void **state)
{
	int id = made("NAME=a\nORIGIN_ID=0\nTYPE=VMTEMPLATE");

	(void)state;
	assert_null(told);
	assert_string_equal(sent, "");
	assert_int_equal(app(id)->state, APP_READY);
	assert_int_equal(os_image()->state, IMAGE_READY);
	run(erase, &id);
	assert_string_equal(sent, "");
	assert_null(app(id));
}

static void without_a_driver_nothing_is_imported_and_nothing_waits_for_one(void **state)
{
	int waits = made("NAME=a\nORIGIN_ID=0"), id;

	(void)state;
	tmpl_remove(conf.values, "MARKET_MAD");
	id = made("NAME=b\nORIGIN_ID=0\nTYPE=VMTEMPLATE");
	assert_string_equal(told, "Error getting MarketPlaceManagerDriver");
	assert_int_equal(app(id)->state, APP_ERROR);
	assert_int_equal(run(erase, &id), ONE_ACTION);
	assert_string_equal(err.text, "Error getting MarketPlaceManagerDriver");
	run(restart, NULL);
	assert_int_equal(app(waits)->state, APP_ERROR);
	assert_int_equal(os_image()->state, IMAGE_READY);
}

/* ---- deleting ---- */

static void an_app_goes_when_its_contents_are_gone(void **state)
{
	int id = imported();

	(void)state;
	assert_int_equal(run(erase, &id), ONE_OK);
	assert_string_equal(sent, "DELETE 0;");
	assert_non_null(strstr(payload.buf, "http://shop/a"));
	assert_non_null(strstr(payload.buf, "<MARKETPLACE>"));
	assert_int_equal(app(id)->state, APP_LOCKED);
	assert_int_equal(shop()->apps.n, 0);
	ANSWER("DELETE", true, id, "");
	assert_null(app(id));
}

static void an_app_goes_though_the_driver_fails(void **state)
{
	int id = imported();

	(void)state;
	run(erase, &id);
	ANSWER("DELETE", false, id, "no such file");
	assert_null(app(id));
}

static void an_app_that_is_still_imported_goes_at_once_and_frees_the_image(void **state)
{
	int id = made("NAME=a\nORIGIN_ID=0");

	(void)state;
	run(erase, &id);
	assert_null(app(id));
	assert_int_equal(shop()->apps.n, 0);
	assert_int_equal(os_image()->state, IMAGE_READY);
	assert_int_equal(ANSWER("IMPORT", true, id, b64(FACTS)), ONE_OK);
	assert_null(app(id));
}

static void answers_that_come_too_late_change_nothing(void **state)
{
	int id = imported();

	(void)state;
	ANSWER("IMPORT", false, id, "late");
	ANSWER("DELETE", true, id, "");
	assert_int_equal(app(id)->state, APP_READY);
	run(erase, &id);
	ANSWER("IMPORT", false, id, "late");
	assert_int_equal(app(id)->state, APP_LOCKED);
	ANSWER("IMPORT", true, 4711, b64(FACTS));
	ANSWER("DELETE", true, -5, "");
	ANSWER("EXPORT", true, id, "");
	assert_int_equal(app(id)->state, APP_LOCKED);
}

static void change(struct txn *t, void *arg)
{
	struct marketapp *a = txn_edit(t, OBJ_MARKETAPP, 0);

	if (!strcmp(arg, "zone"))
		a->zone_id = 100;
	else if (!strcmp(arg, "market"))
		a->market_id = 77;
	else
		a->type = APP_UNKNOWN;
}

static void what_is_not_ours_to_delete_stays(void **state)
{
	const struct { const char *what, *why; } cases[] = {
		{ "type", "" }, { "market", "Cannot find associated MARKETPLACE" }, { "zone", "Marketapp can only be deleted from zone 100" },
	};
	int id = imported();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char what[16];

		strcpy(what, cases[i].what);
		assert_int_equal(run(change, what), ONE_OK);
		assert_int_equal(run(erase, &id), ONE_ACTION);
		assert_string_equal(err.text, cases[i].why);
		assert_non_null(app(id));
	}
}

static void disable_market(struct txn *t, void *arg)
{
	(void)arg;
	market_enable(t, txn_edit(t, OBJ_MARKET, 0), false);
}

static void a_market_that_is_disabled_frees_the_images_of_its_apps(void **state)
{
	int id = made("NAME=a\nORIGIN_ID=0");

	(void)state;
	run(disable_market, NULL);
	assert_null(app(id));
	assert_int_equal(os_image()->state, IMAGE_READY);
}

/* ---- after a restart ---- */

static void what_was_asked_is_asked_again(void **state)
{
	int first = imported(), second = made("NAME=b\nORIGIN_ID=0");

	(void)state;
	run(erase, &first);
	run(restart, NULL);
	assert_string_equal(sent, "DELETE 0;IMPORT 1;");
	assert_int_equal(os_image()->cloning_ops, 1);
	ANSWER("DELETE", true, first, "");
	ANSWER("IMPORT", true, second, b64(FACTS));
	assert_null(app(first));
	assert_int_equal(app(second)->state, APP_READY);
	assert_int_equal(os_image()->state, IMAGE_READY);
	run(restart, NULL);
	assert_string_equal(sent, "");
}

static void drop_market(struct txn *t, void *arg)
{
	(void)arg;
	market_delete(t, txn_edit(t, OBJ_MARKET, 0));
}

static void an_app_that_outlives_its_market_goes(void **state)
{
	int id = imported();

	(void)state;
	run(erase, &id);
	assert_int_equal(run(drop_market, NULL), ONE_OK);
	run(restart, NULL);
	assert_string_equal(sent, "");
	assert_null(app(id));
}

/* ---- monitoring ---- */

static void watch(struct txn *t, void *arg)
{
	market_monitor(t, *(int *)arg);
}

static void only_enabled_markets_that_allow_it_are_watched(void **state)
{
	char closed[] = "NAME=closed\nMARKET_MAD=http\nSTATE=DISABLED", deaf[] = "NAME=deaf\nMARKET_MAD=deaf";

	(void)state;
	run(open_market, closed);
	run(open_market, deaf);
	for (int id = 0; id < 4; id++) {
		run(watch, &id);
		assert_string_equal(sent, id ? "" : "MONITOR 0;");
	}
}

static void a_report_tells_sizes(void **state)
{
	(void)state;
	ANSWER("MONITOR", true, 0, b64("TOTAL_MB=100\nFREE_MB=70\nUSED_MB=30"));
	assert_int_equal(shop()->total_mb, 100);
	assert_int_equal(shop()->free_mb, 70);
	assert_int_equal(shop()->used_mb, 30);
	ANSWER("MONITOR", true, 0, "%%%");
	ANSWER("MONITOR", false, 0, "unreachable");
	ANSWER("MONITOR", true, 99, b64("TOTAL_MB=1"));
	assert_int_equal(shop()->total_mb, 100);
	ANSWER("MONITOR", true, 0, b64("TOTAL_MB=1e300\nFREE_MB=-1\nUSED_MB=nan")); /* no sizes */
	assert_int_equal(shop()->total_mb, 100);
	assert_int_equal(shop()->free_mb, 70);
	assert_int_equal(shop()->used_mb, 30);
}

static void report(const char *first, const char *second)
{
	char text[300];

	snprintf(text, sizeof(text), "APP=\"%s\"\n", b64(first));
	if (second)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "APP=\"%s\"\n", b64(second));
	ANSWER("MONITOR", true, 0, b64(text));
}

static void apps_that_several_reports_in_a_row_do_not_name_are_gone(void **state)
{
	(void)state;
	report("NAME=a\nVERSION=1", "NAME=b\nVERSION=1");
	assert_int_equal(shop()->apps.n, 2);
	report("NAME=a\nVERSION=1", NULL);
	report("NAME=a\nVERSION=1", NULL);
	report("NAME=a\nVERSION=1", "NAME=b\nVERSION=1"); /* there again */
	report("NAME=a\nVERSION=1", NULL);
	report("NAME=a\nVERSION=1", NULL);
	assert_non_null(app(1));
	report("NAME=a\nVERSION=1", NULL);
	assert_null(app(1));
	assert_int_equal(shop()->apps.n, 1);
	ANSWER("MONITOR", true, 0, b64("TOTAL_MB=1")); /* names none: it isn't one that others fill */
	assert_non_null(app(0));
}

static void a_report_may_be_longer_than_a_template(void **state)
{
	struct strbuf text = STRBUF_INIT, app_text = STRBUF_INIT, all64 = STRBUF_INIT;

	(void)state;
	for (int i = 0; i < 5; i++) {
		strbuf_reset(&app_text);
		strbuf_addf(&app_text, "NAME=a%d\nNOTE=\"%0*d\"", i, 500 * 1024, i);
		strbuf_adds(&text, "APP=\"");
		base64_encode(app_text.buf, app_text.len, &text);
		strbuf_adds(&text, "\"\n");
	}
	strbuf_adds(&text, "TOTAL_MB=5");
	assert_true(text.len > TMPL_MAX_BYTES);
	base64_encode(text.buf, text.len, &all64);
	ANSWER("MONITOR", true, 0, all64.buf);
	assert_int_equal(shop()->apps.n, 5);
	assert_int_equal(shop()->total_mb, 5);
	strbuf_done(&text);
	strbuf_done(&app_text);
	strbuf_done(&all64);
}

static void a_disabled_market_hears_nothing(void **state)
{
	(void)state;
	run(disable_market, NULL);
	report("NAME=a\nVERSION=1", NULL);
	assert_int_equal(pool_count(core, OBJ_MARKETAPP), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

static int begin(void **state)
{
	char text[] = "NAME=shop\nMARKET_MAD=http";

	return world_begin(state) ||
	       tmpl_parse(conf.values, "MARKET_MAD=[EXECUTABLE=x]\nMARKET_MAD_CONF=[NAME=http]\nMARKET_MAD_CONF=[NAME=deaf,APP_ACTIONS=create]\n", &err) ||
	       run(open_market, text);
}

static int end(void **state)
{
	strbuf_done(&payload);
	reread(OBJ_MARKETAPP, -1);
	return world_end(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_image_is_copied_and_locked_meanwhile), TEST(a_failed_import_tells_why_and_frees_the_image),
		TEST(an_app_that_cannot_be_imported_is_in_error_with_the_reason), TEST(an_image_that_rests_disabled_cannot_be_offered),
		TEST(templates_have_no_contents), TEST(without_a_driver_nothing_is_imported_and_nothing_waits_for_one),
		TEST(an_app_goes_when_its_contents_are_gone), TEST(an_app_goes_though_the_driver_fails),
		TEST(an_app_that_is_still_imported_goes_at_once_and_frees_the_image), TEST(answers_that_come_too_late_change_nothing),
		TEST(what_is_not_ours_to_delete_stays), TEST(a_market_that_is_disabled_frees_the_images_of_its_apps),
		TEST(what_was_asked_is_asked_again), TEST(an_app_that_outlives_its_market_goes),
		TEST(only_enabled_markets_that_allow_it_are_watched), TEST(a_report_tells_sizes),
		TEST(apps_that_several_reports_in_a_row_do_not_name_are_gone), TEST(a_report_may_be_longer_than_a_template),
		TEST(a_disabled_market_hears_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
