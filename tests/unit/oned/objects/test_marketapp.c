/* The states of apps, their making and their templates. */
#include "vm_world.h"

#include "common/crypto.h"
#include "oned/objects/common.h"
#include "oned/objects/marketapp.h"

static struct one_err err;

/* ---- the table ---- */

static void every_state_has_a_name_and_can_be_left_by_deleting(void **state)
{
	(void)state;
	for (int s = 0; s < APP_STATES; s++) {
		assert_non_null(app_state_name((enum app_state)s));
		assert_int_equal(app_next_state((enum app_state)s, APP_EV_DELETE), APP_LOCKED);
	}
}

static void what_waits_has_a_way_out_on_success_and_on_failure(void **state)
{
	(void)state;
	for (int s = 0; s < APP_STATES; s++) {
		bool waits = app_state_transient((enum app_state)s);

		assert_int_equal(app_next_state((enum app_state)s, APP_EV_DONE), waits ? APP_READY : APP_STATES);
		assert_int_equal(app_next_state((enum app_state)s, APP_EV_FAILED), waits ? APP_ERROR : APP_STATES);
	}
}

static void only_what_rests_is_enabled_and_disabled(void **state)
{
	(void)state;
	for (int s = 0; s < APP_STATES; s++) {
		bool rests = s == APP_READY || s == APP_DISABLED;

		assert_int_equal(app_next_state((enum app_state)s, APP_EV_ENABLE), rests ? APP_READY : APP_STATES);
		assert_int_equal(app_next_state((enum app_state)s, APP_EV_DISABLE), rests ? APP_DISABLED : APP_STATES);
	}
}

static void types_are_read_in_any_case(void **state)
{
	(void)state;
	assert_int_equal(app_type_parse(""), APP_IMAGE);
	assert_int_equal(app_type_parse("vmTemplate"), APP_VMTEMPLATE);
	assert_int_equal(app_type_parse("SERVICE_TEMPLATE"), APP_SERVICE_TEMPLATE);
	assert_int_equal(app_type_parse("BOX"), APP_UNKNOWN);
}

/* ---- making ---- */

struct making_app { const char *text; int id; };

static void make_app(struct txn *t, void *arg)
{
	struct making_app *m = arg;
	struct object owner = owned_by(&alice);
	struct marketapp *app = marketapp_create(t, &owner, parsed(t->arena, m->text), txn_edit(t, OBJ_MARKET, 0));

	m->id = app ? app->o.id : -1;
}

static enum one_rc app(const char *text, int *id)
{
	struct making_app m = { .text = text };

	one_err_clear(&err);
	core_run(core, make_app, &m, &err);
	*id = m.id;
	return err.rc;
}

static struct marketapp *look(int id)
{
	return (struct marketapp *)reread(OBJ_MARKETAPP, id);
}

static void a_new_app_takes_what_its_template_says_but_not_what_only_the_driver_knows(void **state)
{
	const struct marketapp *a;
	struct version *m;
	int id;

	(void)state;
	assert_int_equal(app("NAME=x\nORIGIN_ID=7\nTYPE=image\nDESCRIPTION=d\nAPPTEMPLATE64=QQ\nSOURCE=s\nSIZE=4\nMD5=m\nFORMAT=f\n"
			     "REGTIME=1\nZONE_ID=9\nNOTE=n", &id), ONE_OK);
	a = look(id);
	assert_int_equal(a->origin_id, 7);
	assert_int_equal(a->zone_id, 0);
	assert_int_equal(a->type, APP_IMAGE);
	assert_int_equal(a->state, APP_INIT);
	assert_int_equal(a->size_mb, 0);
	assert_string_equal(a->source, "");
	assert_string_equal(a->description, "d");
	assert_string_equal(a->version, "0.0");
	assert_string_equal(a->market, "shop");
	assert_string_equal(tmpl_text(a->o.tmpl, "NOTE"), "n");
	for (const char *const *gone = (const char *const[]){ "NAME", "ORIGIN_ID", "SOURCE", "SIZE", "MD5", "FORMAT", "REGTIME", "ZONE_ID", NULL }; *gone; gone++)
		assert_null(tmpl_find(a->o.tmpl, *gone));
	m = pool_get(core, OBJ_MARKET, 0);
	assert_true(idset_has(&((const struct market *)m->obj)->apps, id));
	version_unref(m);
}

static void an_app_needs_a_free_name_and_an_origin(void **state)
{
	int id;

	(void)state;
	assert_int_equal(app("ORIGIN_ID=1", &id), ONE_INTERNAL);
	assert_string_equal(err.text, "Invalid NAME, it cannot be empty");
	for (const char *const *text = (const char *const[]){ "NAME=x", "NAME=x\nORIGIN_ID=many", "NAME=x\nORIGIN_ID=99999999999", NULL }; *text; text++) {
		assert_int_equal(app(*text, &id), ONE_INTERNAL);
		assert_string_equal(err.text, "Missing ORIGIN_ID for the MARKETPLACEAPP");
	}
	assert_int_equal(app("NAME=x\nORIGIN_ID=1", &id), ONE_OK);
	assert_int_equal(app("NAME=x\nORIGIN_ID=1", &id), ONE_INTERNAL);
	assert_string_equal(err.text, "NAME is already taken by MARKETPLACEAPP 0");
	assert_int_equal(pool_count(core, OBJ_MARKETAPP), 1);
}

static void an_update_replaces_the_texts_and_not_the_facts(void **state)
{
	struct tmpl *fresh;
	struct marketapp *a;
	int id;

	(void)state;
	assert_int_equal(app("NAME=x\nORIGIN_ID=1\nDESCRIPTION=d\nVERSION=1", &id), ONE_OK);
	a = look(id);
	fresh = parsed(&a->o.arena, "VERSION=2\nSIZE=9\nSOURCE=s\nORIGIN_ID=4\nNOTE=n");
	assert_int_equal(a->o.ops->check_update(&a->o, fresh, &err), ONE_OK);
	assert_string_equal(a->version, "2");
	assert_string_equal(a->description, "");
	assert_int_equal(a->origin_id, 1);
	assert_null(tmpl_find(fresh, "SIZE"));
	assert_null(tmpl_find(fresh, "SOURCE"));
	assert_null(tmpl_find(fresh, "ORIGIN_ID"));
	assert_string_equal(tmpl_text(fresh, "VERSION"), "2");
}

/* ---- apps that others made ---- */

static void report(struct txn *t, void *arg)
{
	struct making_app *m = arg;
	struct strbuf text64 = STRBUF_INIT;

	base64_encode(m->text, strlen(m->text), &text64);
	m->id = marketapp_reported(t, txn_edit(t, OBJ_MARKET, 0), text64.len ? text64.buf : "");
	strbuf_done(&text64);
}

static int reported(const char *text)
{
	struct making_app m = { .text = text };

	assert_int_equal(core_run(core, report, &m, &err), ONE_OK);
	return m.id;
}

static void a_reported_app_is_oneadmins_and_everybody_may_use_it(void **state)
{
	int id = reported("NAME=far\nTYPE=VMTEMPLATE\nSOURCE=http://far\nSIZE=12\nMD5=m\nFORMAT=raw\nREGTIME=77\nVERSION=1\nORIGIN_ID=5\nTAGS=t");
	const struct marketapp *a = look(id);

	(void)state;
	assert_int_equal(a->o.uid, 0);
	assert_int_equal(a->o.perm, 0644);
	assert_int_equal(a->state, APP_READY);
	assert_int_equal(a->type, APP_VMTEMPLATE);
	assert_int_equal(a->size_mb, 12);
	assert_int_equal(a->regtime, 77);
	assert_int_equal(a->origin_id, -1);
	assert_string_equal(a->source, "http://far");
	assert_string_equal(tmpl_text(a->o.tmpl, "TAGS"), "t");
	assert_null(tmpl_find(a->o.tmpl, "SOURCE"));
}

static void an_app_that_is_reported_again_follows_a_new_version(void **state)
{
	int id = reported("NAME=far\nSOURCE=a\nMD5=m\nVERSION=1\nNOTE=old");

	(void)state;
	assert_int_equal(reported("NAME=far\nSOURCE=a\nMD5=m\nVERSION=1\nNOTE=unseen"), id);
	assert_string_equal(tmpl_text(look(id)->o.tmpl, "NOTE"), "old");
	assert_int_equal(reported("NAME=far\nSOURCE=a\nMD5=m\nVERSION=2\nNOTE=new"), id);
	assert_string_equal(tmpl_text(look(id)->o.tmpl, "NOTE"), "new");
	assert_string_equal(look(id)->version, "2");
	assert_int_equal(pool_count(core, OBJ_MARKETAPP), 1);
}

static void move_away(struct txn *t, void *arg)
{
	struct marketapp *a = txn_edit(t, OBJ_MARKETAPP, *(int *)arg);

	a->market_id = 55;
}

static void a_market_cannot_change_the_app_of_another(void **state)
{
	int id = reported("NAME=far\nSOURCE=a\nVERSION=1");

	(void)state;
	assert_int_equal(core_run(core, move_away, &id, &err), ONE_OK);
	assert_int_equal(reported("NAME=far\nSOURCE=evil\nVERSION=2"), -1);
	assert_string_equal(look(id)->source, "a");
}

static void what_cannot_be_read_is_no_app(void **state)
{
	(void)state;
	assert_int_equal(reported("NAME=[broken"), -1);
	assert_int_equal(pool_count(core, OBJ_MARKETAPP), 0);
	assert_string_equal(look(reported("NAME=\"a/b\""))->o.name, "imported--1");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, world_end)

static int begin(void **state)
{
	char shop[] = "NAME=shop\nMARKET_MAD=http";

	return world_begin(state) || tmpl_parse(conf.values, "MARKET_MAD_CONF=[NAME=http]\n", &err) || core_run(core, open_market, shop, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_has_a_name_and_can_be_left_by_deleting),
		cmocka_unit_test(what_waits_has_a_way_out_on_success_and_on_failure), cmocka_unit_test(only_what_rests_is_enabled_and_disabled),
		cmocka_unit_test(types_are_read_in_any_case), TEST(a_new_app_takes_what_its_template_says_but_not_what_only_the_driver_knows),
		TEST(an_app_needs_a_free_name_and_an_origin), TEST(an_update_replaces_the_texts_and_not_the_facts),
		TEST(a_reported_app_is_oneadmins_and_everybody_may_use_it), TEST(an_app_that_is_reported_again_follows_a_new_version),
		TEST(a_market_cannot_change_the_app_of_another), TEST(what_cannot_be_read_is_no_app),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
