/* Tests of the attribute tables: which of an object's elements an expression's name means. */
#include <string.h>

#include "tests/unit/scheduler/pools_xml.h"
#include "scheduler/props.h"

static const char *const PLACES[] = { "", "TEMPLATE", "SHARE", "SHARE/DISKS", NULL };

static const char OBJECT[] =
	"<HOST><ID>7</ID><NAME>rack7</NAME><SHARE><USED>3</USED><DISKS><FREE>100</FREE><DS><ID>1</ID>"
	"</DS><DS><ID>9</ID></DS></DISKS></SHARE><VMS><ID>4</ID><ID>5</ID></VMS>"
	"<TEMPLATE><RACK>1</RACK><NAME>other</NAME><RACK>2</RACK><DEEP><RACK>3</RACK></DEEP></TEMPLATE></"
	"HOST>";

static void assert_value(const struct props *p, const char *name, int i, const char *expected)
{
	const char *found = props_get(p, name, i);

	if (!expected)
		assert_null(found);
	else
		assert_string_equal(found, expected);
}

struct fixture {
	struct arena arena;
	struct props props;
};

static int set_up(void **state)
{
	static struct fixture f;

	arena_init(&f.arena);
	props_build(&f.props, &f.arena, parse_xml(&f.arena, OBJECT), PLACES);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&((struct fixture *)*state)->arena);
	return 0;
}

static void bare_names_are_found_in_every_place_in_document_order(void **state)
{
	const struct props *p = &((struct fixture *)*state)->props;

	assert_value(p, "ID", 0, "7");
	assert_value(p, "USED", 0, "3");
	assert_value(p, "FREE", 0, "100");
	assert_value(p, "NAME", 0, "rack7");
	assert_value(p, "NAME", 1, "other");
	assert_value(p, "NAME", 2, NULL);
	assert_value(p, "RACK", 0, "1");
	assert_value(p, "RACK", 1, "2");
	assert_value(p, "RACK", 2, NULL);
}

static void elements_outside_the_places_are_not_found_by_a_bare_name(void **state)
{
	const struct props *p = &((struct fixture *)*state)->props;

	assert_value(p, "ID", 1, NULL); /* neither those of DS nor those of VMS */
	assert_value(p, "NOSUCH", 0, NULL);
	assert_value(p, "", 0, NULL);
	assert_value(p, "RAC", 0, NULL);
	assert_value(p, "RACKS", 0, NULL);
}

static void paths_lead_to_elements_below_any_place(void **state)
{
	const struct props *p = &((struct fixture *)*state)->props;

	assert_value(p, "TEMPLATE/RACK", 1, "2");
	assert_value(p, "DEEP/RACK", 0, "3");
	assert_value(p, "VMS/ID", 0, "4");
	assert_value(p, "VMS/ID", 1, "5");
	assert_value(p, "VMS/ID", 2, NULL);
	assert_value(p, "DS/ID", 1, "9");
	assert_value(p, "/HOST/TEMPLATE/RACK", 0, "1");
	assert_value(p, "/VM/TEMPLATE/RACK", 0, NULL);
	assert_value(p, "/HOSTS/ID", 0, NULL);
	assert_value(p, "TEMPLATE/", 0, NULL);
	assert_value(p, "/", 0, NULL);
}

static void a_changed_text_is_seen_by_every_name(void **state)
{
	struct fixture *f = *state;

	xml_path(f->props.root, "SHARE/USED")->text = "4";
	assert_value(&f->props, "USED", 0, "4");
	assert_value(&f->props, "SHARE/USED", 0, "4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bare_names_are_found_in_every_place_in_document_order, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(elements_outside_the_places_are_not_found_by_a_bare_name,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(paths_lead_to_elements_below_any_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_changed_text_is_seen_by_every_name, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
