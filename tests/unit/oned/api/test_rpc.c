/* XML-RPC in and out: what we write is compared with what xmlrpc-c writes, what we refuse is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <xmlrpc-c/base.h>

#include "oned/api/rpc.h"

#define CALL(values)                                                                                         \
	"<?xml version=\"1.0\"?><methodCall><methodName>one.x</methodName><params>" values                   \
	"</params></methodCall>"
#define PARAM(value) "<param><value>" value "</value></param>"

static void assert_same(const struct strbuf *ours, xmlrpc_mem_block *theirs)
{
	assert_int_equal(ours->len, XMLRPC_MEMBLOCK_SIZE(char, theirs));
	assert_memory_equal(ours->buf, XMLRPC_MEMBLOCK_CONTENTS(char, theirs), ours->len);
}

/* Takes over `value`. */
static void assert_response(struct strbuf *ours, xmlrpc_value *value)
{
	xmlrpc_env env;
	xmlrpc_mem_block *theirs;

	xmlrpc_env_init(&env);
	theirs = XMLRPC_MEMBLOCK_NEW(char, &env, 0);
	xmlrpc_serialize_response(&env, theirs, value);
	assert_false(env.fault_occurred);
	assert_same(ours, theirs);
	XMLRPC_MEMBLOCK_FREE(char, theirs);
	xmlrpc_DECREF(value);
	xmlrpc_env_clean(&env);
	strbuf_done(ours);
}

static xmlrpc_value *build(const char *format, ...)
{
	xmlrpc_env env;
	xmlrpc_value *v = NULL;
	const char *tail;
	va_list ap;

	xmlrpc_env_init(&env);
	va_start(ap, format);
	xmlrpc_build_value_va(&env, format, ap, &v, &tail);
	va_end(ap);
	assert_false(env.fault_occurred);
	xmlrpc_env_clean(&env);
	return v;
}

static void successes_are_written_as_xmlrpc_c_does(void **state)
{
	/* xmlrpc-c knows no longer sequences */
	static const char text[] = "<VM><NAME>a & b</NAME>\r\n\t</VM> \"'\x7f \xc3\xa9\xe2\x82\xac";
	struct strbuf b = STRBUF_INIT;

	(void)state;
	rpc_success_string(&b, text, strlen(text));
	assert_response(&b, build("(bsi)", 1, text, 0));
	rpc_success_string(&b, "", 0);
	assert_response(&b, build("(bsi)", 1, "", 0));
	rpc_success_int(&b, -2147483647);
	assert_response(&b, build("(bii)", 1, -2147483647, 0));
	rpc_success_i8(&b, 1LL << 60);
	assert_response(&b, build("(bIi)", 1, (xmlrpc_int64)1 << 60, 0));
	rpc_success_bool(&b, true);
	assert_response(&b, build("(bbi)", 1, 1, 0));
	rpc_success_bool(&b, false);
	assert_response(&b, build("(bbi)", 1, 0, 0));
}

static void a_success_can_be_sent_in_pieces(void **state)
{
	struct strbuf b = STRBUF_INIT;

	(void)state;
	strbuf_adds(&b, rpc_success_head);
	rpc_escape(&b, "<A/>", 4);
	rpc_escape(&b, "<B/>", 4);
	strbuf_adds(&b, rpc_success_tail);
	assert_response(&b, build("(bsi)", 1, "<A/><B/>", 0));
}

static void a_failure_has_five_elements_the_last_an_i8(void **state)
{
	struct strbuf b = STRBUF_INIT;

	(void)state;
	rpc_failure(&b, "[one.vm.info] Error getting virtual machine [<7>].", 0x400, 7, -1);
	assert_response(&b, build("(bsiiI)", 0, "[one.vm.info] Error getting virtual machine [<7>].", 0x400,
				  7, (xmlrpc_int64)-1));
}

static void a_fault_is_written_as_xmlrpc_c_does(void **state)
{
	struct strbuf b = STRBUF_INIT;
	xmlrpc_env env, fault;
	xmlrpc_mem_block *theirs;

	(void)state;
	xmlrpc_env_init(&env);
	xmlrpc_env_init(&fault);
	xmlrpc_env_set_fault(&fault, RPC_FAULT_NO_METHOD, "Method 'one.<x>' not defined");
	theirs = XMLRPC_MEMBLOCK_NEW(char, &env, 0);
	xmlrpc_serialize_fault(&env, theirs, &fault);
	rpc_fault(&b, RPC_FAULT_NO_METHOD, "Method 'one.<x>' not defined");
	assert_same(&b, theirs);
	XMLRPC_MEMBLOCK_FREE(char, theirs);
	xmlrpc_env_clean(&fault);
	xmlrpc_env_clean(&env);
	strbuf_done(&b);
}

static void any_value_is_written_as_xmlrpc_c_does(void **state)
{
	struct rpc_value items[] = {
		{ .type = RPC_INT, .i = 5 },
		{ .type = RPC_I8, .i = 1LL << 40 },
		{ .type = RPC_BOOL, .i = 1 },
		{ .type = RPC_STRING, .s = "a<b", .len = 3 },
		{ .type = RPC_DOUBLE, .d = -1.5 },
		{ .type = RPC_OTHER },
		{ .type = RPC_ARRAY },
	};
	struct rpc_member member = { "na&me", { .type = RPC_ARRAY, .items = items, .n = 7 } };
	struct rpc_value v = { .type = RPC_STRUCT, .members = &member, .n = 1 };
	struct strbuf b = STRBUF_INIT;

	(void)state;
	rpc_answer_value(&b, &v);
	assert_response(&b, build("{s:(iIbsdn())}", "na&me", 5, (xmlrpc_int64)1 << 40, 1, "a<b", -1.5));
}

static void a_multicall_is_made_of_answers(void **state)
{
	struct strbuf b = STRBUF_INIT, part = STRBUF_INIT;

	(void)state;
	strbuf_adds(&b, rpc_multicall_head);
	rpc_success_int(&part, 3);
	rpc_multicall_part(&b, part.buf, part.len);
	strbuf_reset(&part);
	rpc_fault(&part, -506, "Method 'x' not defined");
	rpc_multicall_part(&b, part.buf, part.len);
	strbuf_adds(&b, rpc_multicall_tail);
	strbuf_done(&part);
	assert_response(&b, build("(((bii)){s:i,s:s})", 1, 3, 0, "faultCode", -506, "faultString",
				  "Method 'x' not defined"));
}

/* ---- calls in ---- */

struct parsed {
	struct arena arena;
	struct rpc_request rq;
	struct one_err err;
	int fault;
};

static int setup(void **state)
{
	struct parsed *p = calloc(1, sizeof(*p));

	*state = p;
	return p ? 0 : -1;
}

static int teardown(void **state)
{
	struct parsed *p = *state;

	arena_done(&p->arena);
	free(p);
	return 0;
}

static void parse_bytes(struct parsed *p, const char *xml, size_t len)
{
	p->fault = rpc_parse(&p->arena, xml, len, 100, &p->rq, &p->err);
}

static void parse(struct parsed *p, const char *xml)
{
	parse_bytes(p, xml, strlen(xml));
}

static void assert_refused(struct parsed *p, const char *xml, int code, const char *why)
{
	parse(p, xml);
	assert_int_equal(p->fault, code);
	assert_non_null(strstr(p->err.text, why));
	assert_int_equal(p->rq.n, 0);
}

static void a_call_is_read_with_its_types(void **state)
{
	struct parsed *p = *state;

	parse(p, CALL(PARAM("<string>oneadmin:a&lt;b</string>") PARAM("<i4>-7</i4>") PARAM("<int>8</int>")
		      PARAM("<boolean>1</boolean>") PARAM("<i8>5000000000</i8>") PARAM("<double>-0.5</double>")
		      PARAM("untyped") PARAM("<nil/>")
		      PARAM("<array><data><value><int>1</int></value><value>x</value></data></array>")
		      PARAM("<struct><member><name>k</name><value><int>2</int></value></member></struct>")));
	assert_int_equal(p->fault, 0);
	assert_string_equal(p->rq.method, "one.x");
	assert_int_equal(p->rq.n, 10);
	const struct rpc_value *v = p->rq.params;
	assert_true(v[0].type == RPC_STRING && strcmp(v[0].s, "oneadmin:a<b") == 0 && v[0].len == 12);
	assert_true(v[1].type == RPC_INT && v[1].i == -7);
	assert_true(v[2].type == RPC_INT && v[2].i == 8);
	assert_true(v[3].type == RPC_BOOL && v[3].i == 1);
	assert_true(v[4].type == RPC_I8 && v[4].i == 5000000000);
	assert_true(v[5].type == RPC_DOUBLE && v[5].d > -0.51 && v[5].d < -0.49);
	assert_true(v[6].type == RPC_STRING && strcmp(v[6].s, "untyped") == 0);
	assert_true(v[7].type == RPC_OTHER);
	assert_true(v[8].type == RPC_ARRAY && v[8].n == 2 && v[8].items[0].i == 1 &&
		    strcmp(v[8].items[1].s, "x") == 0);
	assert_true(v[9].type == RPC_STRUCT && v[9].n == 1 && strcmp(v[9].members[0].name, "k") == 0 &&
		    v[9].members[0].value.i == 2);
}

static void a_call_without_params_is_one(void **state)
{
	struct parsed *p = *state;

	parse(p, "<methodCall><methodName>system.listMethods</methodName></methodCall>");
	assert_int_equal(p->fault, 0);
	assert_int_equal(p->rq.n, 0);
	assert_string_equal(p->rq.method, "system.listMethods");
}

static void texts_may_be_cdata_hold_markup_and_other_encodings(void **state)
{
	struct parsed *p = *state;

	parse(p, CALL(PARAM("<string><![CDATA[<a><b>]]></string>") "<!-- <x> --><?pi <y> ?>"));
	assert_int_equal(p->fault, 0);
	assert_string_equal(p->rq.params[0].s, "<a><b>");
	parse(p, "<?xml version='1.0' encoding='iso-8859-1'?>"
		 "<methodCall><methodName>m</methodName><params>" PARAM("\xe9") "</params></methodCall>");
	assert_int_equal(p->fault, 0);
	assert_string_equal(p->rq.params[0].s, "\xc3\xa9");
}

static void what_is_no_call_is_a_fault_with_xmlrpc_c_s_text(void **state)
{
	struct parsed *p = *state;

#define TEXT(text) "Call XML not a proper XML-RPC call.  " text
	assert_refused(p, "", RPC_FAULT_PARSE, TEXT("Call is not valid XML.  no element found"));
	assert_refused(p, "junk", RPC_FAULT_PARSE, TEXT("Call is not valid XML.  syntax error"));
	assert_refused(p, "<methodCall/>", RPC_FAULT_PARSE,
		       TEXT("Expected <methodCall> to have child <methodName>"));
	assert_refused(p, "<foo/>", RPC_FAULT_PARSE,
		       TEXT("XML-RPC call should be a <methodCall> element.  Instead, we have a <foo> element."));
	assert_refused(p, CALL(PARAM("<int>abc</int>")), RPC_FAULT_PARSE,
		       TEXT("<int> value 'abc' contains non-numerical junk: 'abc'"));
	assert_refused(p, CALL(PARAM("<int>99999999999</int>")), RPC_FAULT_PARSE,
		       "above the range allowed by XML-RPC");
	assert_refused(p, CALL(PARAM("<boolean>2</boolean>")), RPC_FAULT_PARSE, "either '0' or '1'");
	assert_refused(p, CALL(PARAM("<frob>2</frob>")), RPC_FAULT_PARSE,
		       TEXT("Unknown value type -- XML element is named <frob>"));
	assert_refused(p, CALL("<param/>"), RPC_FAULT_PARSE,
		       TEXT("Expected <param> to have 1 children, found 0"));
	assert_refused(p, CALL(PARAM("&#0;")), RPC_FAULT_PARSE, "invalid character number");
	assert_refused(p, CALL("") "<x", RPC_FAULT_PARSE, "does not end");
}

static void a_document_type_is_refused_wherever_it_hides(void **state)
{
	struct parsed *p = *state;
	static const char laughs[] =
		"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY a0 \"ha\"><!ENTITY a1 "
		"\"&a0;&a0;&a0;&a0;&a0;&a0;&a0;&a0;&a0;&a0;\">"
		"<!ENTITY a2 \"&a1;&a1;&a1;&a1;&a1;&a1;&a1;&a1;&a1;&a1;\">]>"
		"<methodCall><methodName>m</methodName><params>" PARAM("&a2;") "</params></methodCall>";

	assert_refused(p, laughs, RPC_FAULT_PARSE, "A document type declaration is not allowed.");
	assert_refused(p, "<!-- > --><?x > ?><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", RPC_FAULT_PARSE,
		       "document type");
	assert_refused(p, "\xef\xbb\xbf<!DOCTYPE a><a/>", RPC_FAULT_PARSE, "document type");
	assert_refused(p, "<a b='>'><!DOCTYPE a></a>", RPC_FAULT_PARSE, "document type");
	parse_bytes(p, "<\0!\0D\0O\0C\0T\0Y\0P\0E\0", 18);
	assert_int_equal(p->fault, RPC_FAULT_PARSE);
	assert_non_null(strstr(p->err.text, "zero byte"));
}

static void an_entity_of_ones_own_is_refused(void **state)
{
	assert_refused(*state, CALL(PARAM("&x;")), RPC_FAULT_PARSE, "undefined entity");
}

static void invalid_utf8_and_strange_encodings_are_refused(void **state)
{
	struct parsed *p = *state;

	assert_refused(p, CALL(PARAM("\xff\xfe")), RPC_FAULT_PARSE, "not valid UTF-8");
	assert_refused(p, CALL(PARAM("\xe0\x80\x80")), RPC_FAULT_PARSE, "not valid UTF-8");
	assert_refused(p, CALL(PARAM("truncated \xf0\x9f")), RPC_FAULT_PARSE, "not valid UTF-8");
	assert_refused(p, "<?xml version='1.0' encoding='UTF-7'?><a/>", RPC_FAULT_PARSE, "encoding");
	assert_refused(p, "<?xml version='1.0' encoding='UTF-16'?><a/>", RPC_FAULT_PARSE, "encoding");
}

static void repeat(struct strbuf *b, const char *text, int n)
{
	for (int i = 0; i < n; i++)
		strbuf_adds(b, text);
}

static void nested(struct strbuf *b, int depth)
{
	strbuf_reset(b);
	strbuf_adds(b, "<methodCall><methodName>m</methodName><params><param>");
	repeat(b, "<value><array><data>", depth);
	repeat(b, "</data></array></value>", depth);
	strbuf_adds(b, "</param></params></methodCall>");
}

static void deep_nesting_is_refused_before_it_costs_a_stack(void **state)
{
	struct parsed *p = *state;
	struct strbuf b = STRBUF_INIT;

	nested(&b, 50);
	parse(p, b.buf);
	assert_int_equal(p->fault, 0);
	nested(&b, 65);
	assert_refused(p, b.buf, RPC_FAULT_PARSE,
		       "Call XML not a proper XML-RPC call.  Nested data structure too deep.");
	nested(&b, 100000);
	assert_refused(p, b.buf, RPC_FAULT_PARSE, "Nested data structure too deep.");
	strbuf_reset(&b);
	repeat(&b, "<a>", 1000000);
	assert_refused(p, b.buf, RPC_FAULT_PARSE, "Nested data structure too deep.");
	strbuf_done(&b);
}

static void too_many_values_are_refused(void **state)
{
	struct parsed *p = *state;
	struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "<methodCall><methodName>m</methodName><params><param><value><array><data>");
	repeat(&b, "<value/>", 150); /* fewer elements than 100 values might have */
	strbuf_adds(&b, "</data></array></value></param></params></methodCall>");
	assert_refused(p, b.buf, RPC_FAULT_LIMIT, "Too many values.");
	strbuf_reset(&b);
	repeat(&b, "<a/>", 1000000);
	assert_refused(p, b.buf, RPC_FAULT_PARSE, "Too many values.");
	strbuf_done(&b);
}

static void bytes_at_random_never_do_harm(void **state)
{
	static const char call[] = CALL(PARAM("<string>a:b</string>")
					PARAM("<array><data><value><int>1</int></value></data></array>"));
	struct parsed *p = *state;
	unsigned seed = 3;
	int good = 0;

	for (int round = 0; round < 20000; round++) {
		char xml[sizeof(call)];
		memcpy(xml, call, sizeof(call));
		for (int n = rand_r(&seed) % 4; n > 0; n--)
			xml[(size_t)rand_r(&seed) % (sizeof(call) - 1)] = (char)(rand_r(&seed) % 256);
		parse_bytes(p, xml,
			    (size_t)rand_r(&seed) % 8 ? sizeof(call) - 1
						      : (size_t)rand_r(&seed) % sizeof(call));
		good += p->fault == 0;
		arena_done(&p->arena);
	}
	assert_true(good > 100); /* some are left whole */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(successes_are_written_as_xmlrpc_c_does),
		cmocka_unit_test(a_success_can_be_sent_in_pieces),
		cmocka_unit_test(a_failure_has_five_elements_the_last_an_i8),
		cmocka_unit_test(a_fault_is_written_as_xmlrpc_c_does),
		cmocka_unit_test(any_value_is_written_as_xmlrpc_c_does),
		cmocka_unit_test(a_multicall_is_made_of_answers),
		cmocka_unit_test_setup_teardown(a_call_is_read_with_its_types, setup, teardown),
		cmocka_unit_test_setup_teardown(a_call_without_params_is_one, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_may_be_cdata_hold_markup_and_other_encodings, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_call_is_a_fault_with_xmlrpc_c_s_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_document_type_is_refused_wherever_it_hides, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_entity_of_ones_own_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(invalid_utf8_and_strange_encodings_are_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(deep_nesting_is_refused_before_it_costs_a_stack, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_many_values_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_at_random_never_do_harm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
