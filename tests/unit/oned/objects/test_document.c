/* Documents: names, types, and what a body says is what was there. */
#include "vm_world.h"

#include "oned/objects/document.h"

static struct one_err err;

struct asked { const char *text; int type, id; };

static void make(struct txn *t, void *arg)
{
	struct asked *a = arg;
	struct object owner = owned_by(&alice);
	struct document *d = document_create(t, &owner, parsed(t->arena, a->text), a->type);

	a->id = d ? d->o.id : -1;
}

static int document(const char *text, int type)
{
	struct asked a = { .text = text, .type = type };

	one_err_clear(&err);
	core_run(core, make, &a, &err);
	return a.id;
}

static void assert_body(int id, const char *part)
{
	struct version *v = pool_get(core, OBJ_DOCUMENT, id);

	assert_non_null(strstr(v->body, part));
	version_unref(v);
}

static void test_names_may_repeat_and_hold_any_character(void **state)
{
	(void)state;
	assert_int_equal(document("NAME=\"a;b\"", 7), 0);
	assert_int_equal(document("NAME=\"a;b\"", 7), 1);
	assert_body(1, "<NAME>a;b</NAME><TYPE>7</TYPE>");
}

static void test_without_a_name_it_is_called_by_its_id(void **state)
{
	(void)state;
	assert_int_equal(document("NOTE=x", 7), 0);
	assert_body(0, "<NAME>document-0</NAME>");
	assert_body(0, "<TEMPLATE><NOTE><![CDATA[x]]></NOTE></TEMPLATE>");
}

static void test_a_name_that_is_too_long_is_refused(void **state)
{
	char text[200] = "NAME=";

	(void)state;
	memset(text + 5, 'n', 129);
	assert_int_equal(document(text, 7), -1);
	assert_int_equal(err.rc, ONE_INTERNAL);
	assert_string_equal(err.text, "NAME is too long; max length is 128 chars.");
	assert_int_equal(document(text, 7), -1);
	text[5 + 128] = '\0';
	assert_int_equal(document(text, 7), 1); /* the first of all used up its id */
}

static void test_a_body_is_read_as_it_was_written(void **state)
{
	struct version *v;
	struct object *o;
	struct strbuf again = STRBUF_INIT;

	(void)state;
	document("NAME=d\nV=[A=1]", -3);
	v = pool_get(core, OBJ_DOCUMENT, 0);
	assert_int_equal(v->index.parent, -3);
	assert_int_equal(obj_load(v->ops, v->body, v->body_len, &o, &err), ONE_OK);
	o->ops->render(o, &again);
	assert_string_equal(again.buf, v->body);
	strbuf_done(&again);
	obj_free(o);
	version_unref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names_may_repeat_and_hold_any_character, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_without_a_name_it_is_called_by_its_id, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_a_name_that_is_too_long_is_refused, world_begin, world_end),
		cmocka_unit_test_setup_teardown(test_a_body_is_read_as_it_was_written, world_begin, world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
