/* Marketplaces and their apps. */
#include "vm_world.h"

#include "oned/objects/marketapp.h"

static struct one_err err;

static const char app_xml[] =
	"<MARKETPLACEAPP><ID>7</ID><UID>0</UID><GID>0</GID><UNAME>oneadmin</UNAME><GNAME>oneadmin</GNAME><REGTIME>5</REGTIME>"
	"<NAME>app</NAME><ZONE_ID>0</ZONE_ID><ORIGIN_ID>3</ORIGIN_ID><SOURCE>http://x</SOURCE>"
	"<MD5>ab</MD5><SIZE>12</SIZE><DESCRIPTION>small</DESCRIPTION><VERSION>1.0</VERSION>"
	"<FORMAT>raw</FORMAT><APPTEMPLATE64>QT0x</APPTEMPLATE64><MARKETPLACE_ID>0</MARKETPLACE_ID>"
	"<MARKETPLACE>shop</MARKETPLACE><STATE>1</STATE><TYPE>2</TYPE>"
	"<PERMISSIONS><OWNER_U>1</OWNER_U><OWNER_M>1</OWNER_M><OWNER_A>0</OWNER_A><GROUP_U>0</GROUP_U><GROUP_M>0</GROUP_M>"
	"<GROUP_A>0</GROUP_A><OTHER_U>0</OTHER_U><OTHER_M>0</OTHER_M><OTHER_A>0</OTHER_A></PERMISSIONS>"
	"<TEMPLATE><A><![CDATA[1]]></A></TEMPLATE></MARKETPLACEAPP>";

static void make_market(struct txn *t, void *arg)
{
	struct object owner = owned_by(&oneadmin);

	if (!market_create(t, &owner, parsed(t->arena, arg)))
		assert_false(txn_ok(t));
}

static enum one_rc market(const char *text)
{
	char copy[200];

	strcpy(copy, text);
	one_err_clear(&err);
	core_run(core, make_market, copy, &err);
	return err.rc;
}

/* An app of market 0, as a database has it. */
static void make_app(struct txn *t, void *arg)
{
	struct marketapp *app = txn_new(t, OBJ_MARKETAPP);
	struct market *m = txn_edit(t, OBJ_MARKET, 0);

	(void)arg;
	app->o.name = "app";
	app->source = app->md5 = app->description = app->version = app->format = app->template64 = "";
	app->market = "shop";
	app->market_id = 0;
	idset_add(&m->apps, &m->o.arena, app->o.id);
}

static void rename_market(struct txn *t, void *arg)
{
	struct market *m = txn_edit(t, OBJ_MARKET, 0);

	m->o.name = arena_strdup(&m->o.arena, arg);
	market_renamed(t, m);
}

static void disable(struct txn *t, void *arg)
{
	(void)arg;
	market_enable(t, txn_edit(t, OBJ_MARKET, 0), false);
}

static void remove_market(struct txn *t, void *arg)
{
	(void)arg;
	market_delete(t, txn_edit(t, OBJ_MARKET, 0));
}

static void change(struct txn *t, void *arg)
{
	struct market *m = txn_edit(t, OBJ_MARKET, 0);

	tmpl_set(m->o.tmpl, "MARKET_MAD", arg);
	market_template_changed(t, m);
}

static const struct market *the_market(struct version **v)
{
	*v = pool_get(core, OBJ_MARKET, 0);
	return *v ? (const struct market *)(*v)->obj : NULL;
}

static void test_a_market_needs_a_name_a_driver_and_what_that_asks_for(void **state)
{
	(void)state;
	assert_int_equal(market("MARKET_MAD=http"), ONE_INTERNAL);
	assert_string_equal(err.text, "Invalid NAME, it cannot be empty");
	assert_int_equal(market("NAME=x"), ONE_INTERNAL);
	assert_string_equal(err.text, "No marketplace driver (MARKET_MAD) in template.");
	assert_int_equal(market("NAME=x\nMARKET_MAD=bazaar"), ONE_INTERNAL);
	assert_int_equal(market("NAME=x\nMARKET_MAD=http"), ONE_INTERNAL);
	assert_string_equal(err.text, "MarketPlace template is missing the \"BASE_URL\" attribute or it's empty.");
	assert_int_equal(market("NAME=x\nMARKET_MAD=http\nBASE_URL=u"), ONE_OK);
	assert_int_equal(market("NAME=x\nMARKET_MAD=http\nBASE_URL=u"), ONE_INTERNAL);
	assert_string_equal(err.text, "NAME is already taken by MARKETPLACE 0");
}

static void test_a_change_of_the_driver_is_checked(void **state)
{
	char bazaar[] = "bazaar", own[] = "own";
	struct version *v;

	(void)state;
	assert_int_equal(market("NAME=x\nMARKET_MAD=http\nBASE_URL=u"), ONE_OK);
	assert_int_equal(core_run(core, change, bazaar, NULL), ONE_INTERNAL);
	assert_int_equal(core_run(core, change, own, NULL), ONE_OK);
	assert_string_equal(the_market(&v)->market_mad, "own");
	version_unref(v);
}

static void test_apps_follow_their_market(void **state)
{
	char name[] = "mall";
	struct version *v;

	(void)state;
	assert_int_equal(market("NAME=shop\nMARKET_MAD=http\nBASE_URL=u"), ONE_OK);
	assert_int_equal(core_run(core, make_app, NULL, NULL), ONE_OK);
	assert_int_equal(core_run(core, rename_market, name, NULL), ONE_OK);
	v = pool_get(core, OBJ_MARKETAPP, 0);
	assert_string_equal(((const struct marketapp *)v->obj)->market, "mall");
	version_unref(v);
	assert_int_equal(core_run(core, remove_market, NULL, &err), ONE_ACTION);
	assert_string_equal(err.text, "marketplace  0 is not empty.");
	assert_int_equal(core_run(core, disable, NULL, NULL), ONE_OK);
	assert_null(pool_get(core, OBJ_MARKETAPP, 0));
	assert_int_equal(the_market(&v)->apps.n, 0);
	assert_int_equal(the_market(&v)->state, MARKET_DISABLED);
	version_unref(v);
	version_unref(v);
	assert_int_equal(core_run(core, remove_market, NULL, NULL), ONE_OK);
	assert_int_equal(pool_count(core, OBJ_MARKET), 0);
}

static void test_an_app_is_read_and_written_alike(void **state)
{
	struct strbuf out = STRBUF_INIT;
	struct object *o;

	(void)state;
	assert_int_equal(obj_load(&marketapp_ops, app_xml, strlen(app_xml), &o, &err), ONE_OK);
	o->ops->render(o, &out);
	assert_string_equal(out.buf, app_xml);
	strbuf_done(&out);
	obj_free(o);
}

static void look_at_actions(struct txn *t, void *arg)
{
	const struct market *m = txn_read(t, OBJ_MARKET, 0);
	bool *as_told = arg;

	*as_told = market_allows(t, m, "create") && market_allows(t, m, "monitor") && !market_allows(t, m, "delete") &&
		   !market_allows(t, m, "mon") && !market_allows(t, m, "") && market_is_public(t, m);
}

static void test_what_may_be_done_with_apps_is_said_by_the_configuration(void **state)
{
	bool as_told = false;

	(void)state;
	assert_int_equal(market("NAME=shop\nMARKET_MAD=other"), ONE_OK);
	core_run(core, look_at_actions, &as_told, NULL);
	assert_true(as_told);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, world_end)

static int begin(void **state)
{
	return world_begin(state) ||
	       tmpl_parse(conf.values, "MARKET_MAD_CONF=[NAME=http,REQUIRED_ATTRS=BASE_URL]\nMARKET_MAD_CONF=[NAME=own,REQUIRED_ATTRS=\"\"]\n"
					   "MARKET_MAD_CONF=[NAME=other,APP_ACTIONS=\" create , monitor\",PUBLIC=YES]\n", &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_market_needs_a_name_a_driver_and_what_that_asks_for), TEST(test_a_change_of_the_driver_is_checked),
		TEST(test_what_may_be_done_with_apps_is_said_by_the_configuration), TEST(test_apps_follow_their_market), TEST(test_an_app_is_read_and_written_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
