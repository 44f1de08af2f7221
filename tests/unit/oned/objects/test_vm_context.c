/* CONTEXT and the variables in it. */
#include "vm_world.h"

#include <stdio.h>

#include "common/crypto.h"

#define SMALL "CPU=1\nMEMORY=128\n"

static void check_context(int id, const char *const *pairs)
{
	struct vm *vm = loaded(id);
	const struct attr *context = tmpl_vector(vm->o.tmpl, "CONTEXT");

	assert_non_null(context);
	for (; *pairs; pairs += 2) {
		const char *has = attr_get(context, pairs[0]);

		if (!has || strcmp(has, pairs[1]) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", pairs[0], has ? has : "(none)", pairs[1]);
	}
	obj_free(&vm->o);
}

#define CHECK(id, ...)                                                                                       \
	do {                                                                                                 \
		static const char *const pairs_[] = { __VA_ARGS__, NULL };                                   \
		check_context(id, pairs_);                                                                   \
	} while (0)

/* The value an expression has in CONTEXT/X of a VM of this template. */
static const char *expanded(const char *more, const char *expression)
{
	static char value[16384];
	char text[1024];
	struct vm *vm;

	snprintf(text, sizeof(text), SMALL "%s\nCONTEXT=[X=\"%s\"]", more, expression);
	vm = loaded(create(text));
	snprintf(value, sizeof(value), "%s", attr_get(tmpl_vector(vm->o.tmpl, "CONTEXT"), "X"));
	obj_free(&vm->o);
	return value;
}

static void check_refused(const struct identity *who, const char *text, const char *message)
{
	struct one_err err = ONE_ERR_INIT;

	if (create_as(who, text, &err) >= 0)
		fail_msg("not refused: %s", text);
	if (err.rc != ONE_INTERNAL || strcmp(err.text, message) != 0)
		fail_msg("%s: %#x \"%s\", not \"%s\"", text, (unsigned)err.rc, err.text, message);
}

static void colour(struct txn *t, void *arg)
{
	struct user *u = txn_edit(t, OBJ_USER, 0);

	(void)arg;
	tmpl_set(u->o.tmpl, "COLOR", "blue");
	u->password = "secret-hash";
}

/* ---- variables ---- */

static void variables_are_replaced(void **state)
{
	(void)state;
	assert_int_equal(core_run(core, colour, NULL, NULL), ONE_OK);
	assert_string_equal(expanded("NAME=web", "$NAME"), "web");
	assert_string_equal(expanded("NAME=web", "a $name-$UID/$UNAME.$GID$GNAME!"),
			    "a web-0/oneadmin.0oneadmin!");
	assert_string_equal(expanded("TIER=front", "$TIER;$CPU;$NOSUCH."), "front;1;.");
	assert_string_equal(expanded("", "$USER[COLOR]"), "blue");
	assert_string_equal(expanded("DISK=[IMAGE_ID=0]", "$DISK[IMAGE] $DISK[SIZE, IMAGE_ID=0]"), "os 1024");
	assert_string_equal(
		expanded("DISK=[IMAGE_ID=0]",
			 "$IMAGE[DEV_PREFIX, IMAGE_ID=0]|$IMAGE[DEV_PREFIX, IMAGE=os]|$IMAGE[X, NAME=os]"),
		"sd|sd|");
	assert_string_equal(expanded("NIC=[NETWORK=net]", "$NIC[IP, NETWORK=net]$NIC[MAC, NETWORK_ID = 0 ]"),
			    "10.0.0.102:00:0a:00:00:01");
	assert_string_equal(expanded("NIC=[NETWORK=net]",
				     "$NETWORK[DNS, NETWORK=\\\"net\\\"] $NETWORK[NETWORK_MASK, NIC_ID=0]"),
			    "10.0.0.53 255.255.255.0");
	assert_string_equal(expanded("NIC=[NETWORK=net]",
				     "$NETWORK[SIZE, NETWORK_ID=0]$NETWORK[DNS]$NETWORK[DNS, NETWORK=net2]"),
			    "20");
}

static void what_is_no_variable_stays(void **state)
{
	(void)state;
	assert_string_equal(expanded("", "plain [text], = and more"), "plain [text], = and more");
	assert_string_equal(expanded("", "\\$NAME and \\x"), "\\$NAME and \\x");
	assert_string_equal(expanded("NAME=n", "\\\\$NAME"), "\\\\n");
	assert_string_equal(expanded("NAME=n", "$NAME\xc3\xa4"), "n\xc3\xa4");
}

static void a_whole_object_comes_encoded_and_without_its_secrets(void **state)
{
	struct strbuf xml = STRBUF_INIT;

	(void)state;
	assert_int_equal(core_run(core, colour, NULL, NULL), ONE_OK);
	const char *text = expanded("", "$USER[TEMPLATE]");

	assert_true(base64_decode(text, strlen(text), &xml));
	assert_non_null(strstr(xml.buf, "<USER><ID>0</ID>"));
	assert_non_null(strstr(xml.buf, "<COLOR><![CDATA[blue]]></COLOR>"));
	assert_null(strstr(xml.buf, "secret-hash"));
	strbuf_reset(&xml);
	text = expanded("DISK=[IMAGE_ID=0]", "$IMAGE[TEMPLATE, IMAGE_ID=0]");
	assert_true(base64_decode(text, strlen(text), &xml));
	assert_non_null(strstr(xml.buf, "<IMAGE><ID>0</ID>"));
	strbuf_reset(&xml);
	text = expanded("NAME=me", "$TEMPLATE");
	assert_true(base64_decode(text, strlen(text), &xml));
	assert_non_null(strstr(xml.buf, "<NAME>me</NAME>"));
	strbuf_done(&xml);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
	static const struct { const char *value, *reason;
	} bad[] = {
		{ "$", "syntax error, unexpected EOA, expecting VARIABLE or RSTRING at line 1, columns 1:2" },
		{ "5 $ ",
		  "syntax error, unexpected EOA, expecting $end or VARIABLE or RSTRING at line 1, columns 4:5" },
		{ "$A=", "syntax error, unexpected EQUAL, expecting OBRACKET or EOA at line 1, columns 3:4" },
		{ "$A[", "syntax error, unexpected EOA, expecting VARIABLE at line 1, columns 3:4" },
		{ "$A[B",
		  "syntax error, unexpected EOA, expecting COMMA or CBRACKET at line 1, columns 4:5" },
		{ "$A[B,C]", "syntax error, unexpected CBRACKET, expecting EQUAL at line 1, columns 7:8" },
		{ "$A[B,C=", "syntax error, unexpected $end, expecting STRING at line 1, columns 7:8" },
		{ "$A[B,C=D", "syntax error, unexpected EOA, expecting CBRACKET at line 1, columns 8:9" },
		{ "$A[B]]", "syntax error, unexpected CBRACKET, expecting EOA at line 1, columns 6:7" },
		{ "x\n$A\ny",
		  "syntax error, unexpected VARIABLE, expecting OBRACKET or EOA at line 3, columns 6:7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[256], message[512];

		snprintf(text, sizeof(text), SMALL "SCHED_REQUIREMENTS=\"%s\"", bad[i].value);
		snprintf(message, sizeof(message), "Error parsing: %s. %s", bad[i].value, bad[i].reason);
		check_refused(&oneadmin, text, message);
	}
	check_refused(&oneadmin, SMALL "CONTEXT=[PASSWORD=\"pa$$$word\"]",
		      "Error parsing: PASSWORD has a $ that begins no variable");
}

static void variables_are_limited(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_lit(&text, SMALL "CONTEXT=[X=\"");
	for (int i = 0; i < 1025; i++)
		strbuf_lit(&text, "$A ");
	strbuf_lit(&text, "\"]");
	check_refused(&oneadmin, text.buf, "There are more than 1024 variables in the template");
	strbuf_done(&text);
}

/* ---- network, files, token ---- */

static void a_context_knows_the_addresses(void **state)
{
	int id = create(
		SMALL
		"NIC=[NETWORK_ID=0,VROUTER_IP=\"$NAME\"]\nNIC=[NETWORK_ID=1]\nNIC=[NETWORK_MODE=auto]\nNIC_ALIAS=[NETWORK=net,PARENT=NIC0,EXTERNAL=YES]\n"
		"CONTEXT=[NETWORK=YES,ETH0_DNS=mine]");
	struct vm *vm;

	(void)state;
	CHECK(id, "ETH0_IP", "10.0.0.1", "ETH0_MAC", "02:00:0a:00:00:01", "ETH0_MASK", "255.255.255.0",
	      "ETH0_GATEWAY", "10.0.0.254", "ETH0_DNS", "10.0.0.53", "ETH0_NETWORK", "", "ETH0_IP6", "",
	      "ETH0_IP6_PREFIX_LENGTH", "", "ETH0_METRIC", "", "ETH0_EXTERNAL", "", "ETH0_VROUTER_IP",
	      "one-0", "ETH1_IP", "10.1.0.1", "ETH1_MASK", "", "ETH0_ALIAS0_IP", "10.0.0.2",
	      "ETH0_ALIAS0_EXTERNAL", "YES", "DISK_ID", "0", "TARGET", "hda", "NETWORK", "YES");
	vm = loaded(id);
	assert_null(attr_get(tmpl_vector(vm->o.tmpl, "CONTEXT"), "ETH2_IP"));
	obj_free(&vm->o);
	vm = loaded(create(SMALL "NIC=[NETWORK_ID=0]\nCONTEXT=[NETWORK=NO]\nCONTEXT=[B=2]\nCONTEXT=x"));
	assert_null(attr_get(tmpl_vector(vm->o.tmpl, "CONTEXT"), "ETH0_IP"));
	assert_null(tmpl_find_next(tmpl_find(vm->o.tmpl, "CONTEXT")));
	obj_free(&vm->o);
}

static void files_come_from_file_datastores(void **state)
{
	int id = create(
		SMALL
		"OS=[KERNEL=/x,KERNEL_DS=\"$FILE[IMAGE_ID=3]\",INITRD_DS=\"  $FILE[IMAGE=ird]\",UUID=u]\n"
		"CONTEXT=[FILES_DS=\"$FILE[IMAGE=\\\"ctx\\\", IMAGE_UNAME=oneadmin] $FILE[IMAGE_ID=5]\"]");
	struct vm *vm = loaded(id);
	const struct attr *os = tmpl_vector(vm->o.tmpl, "OS");

	(void)state;
	assert_null(attr_get(os, "KERNEL"));
	assert_string_equal(attr_get(os, "KERNEL_DS_ID"), "3");
	assert_string_equal(attr_get(os, "KERNEL_DS_DSID"), "103");
	assert_string_equal(attr_get(os, "KERNEL_DS_SOURCE"), "dummy_path");
	assert_string_equal(attr_get(os, "KERNEL_DS_TM"), "dummy");
	assert_string_equal(attr_get(os, "KERNEL_DS_CLUSTER_ID"), "0");
	assert_string_equal(attr_get(os, "INITRD_DS_ID"), "4");
	obj_free(&vm->o);
	CHECK(id, "FILES_DS", "dummy_path:'ctx' dummy_path:'ctx' ");
	check_refused(
		&oneadmin, SMALL "CONTEXT=[FILES_DS=nothing]",
		"Error parsing: nothing. syntax error, unexpected RSTRING, expecting VARIABLE at line 1, columns 1:8");
	check_refused(
		&oneadmin, SMALL "CONTEXT=[FILES_DS=\"$FILE[IMAGE=zz]\"]",
		"Error parsing: $FILE[IMAGE=zz]. User 0 does not own an image with name: zz . Set IMAGE_UNAME or IMAGE_UID of owner.");
	check_refused(
		&oneadmin, SMALL "CONTEXT=[FILES_DS=\"$FILE[IMAGE=ctx, IMAGE_UID=1]\"]",
		"Error parsing: $FILE[IMAGE=ctx, IMAGE_UID=1]. User 1 does not own an image with name: ctx . Set IMAGE_UNAME or IMAGE_UID of owner.");
	check_refused(&oneadmin, SMALL "CONTEXT=[FILES_DS=\"$IMAGE[IMAGE_ID=5]\"]",
		      "Error parsing: $IMAGE[IMAGE_ID=5]. Must use FILE variable for attribute.");
	check_refused(&oneadmin, SMALL "CONTEXT=[FILES_DS=\"$FILE[NAME=ctx]\"]",
		      "Error parsing: $FILE[NAME=ctx]. Cannot get image, set IMAGE_ID or IMAGE.");
}

struct asking { bool answer; struct one_err err; int id; };

static bool may_use(void *ctx, const struct version *image)
{
	assert_int_equal(image->id, 5);
	return *(bool *)ctx;
}

static void ask(struct txn *t, void *arg)
{
	struct asking *a = arg;
	struct object owner = owned_by(&alice);
	struct tmpl *tmpl = parsed(t->arena, SMALL "CONTEXT=[FILES_DS=\"$FILE[IMAGE_ID=5]\"]");
	struct vm *vm = vm_create_with(t, &alice, &owner, tmpl, false, may_use, &a->answer);

	a->id = vm ? vm->o.id : -1;
}

static void files_need_the_right_to_use_them(void **state)
{
	struct asking yes = { .answer = true }, no = { .answer = false };

	(void)state;
	check_refused(&alice, SMALL "CONTEXT=[FILES_DS=\"$FILE[IMAGE_ID=5]\"]",
		      "Error parsing: $FILE[IMAGE_ID=5]. User not authorize to use image.");
	assert_int_equal(core_run(core, ask, &no, &no.err), ONE_INTERNAL);
	assert_int_equal(core_run(core, ask, &yes, &yes.err), ONE_OK);
	assert_true(yes.id >= 0);
}

static void a_token_needs_an_endpoint(void **state)
{
	int id;

	(void)state;
	tmpl_set(conf.values, "ONEGATE_ENDPOINT", "http://gate:5030");
	id = create(SMALL "CONTEXT=[TOKEN=YES]\nVROUTER_ID=4");
	CHECK(id, "ONEGATE_ENDPOINT", "http://gate:5030", "VMID", "0", "VROUTER_ID", "4");
	struct vm *vm = loaded(id);

	assert_string_equal(tmpl_get(vm->o.tmpl, "CREATED_BY"), "0");
	assert_string_equal(tmpl_get(vm->o.tmpl, "VROUTER_ID"), "4");
	assert_null(tmpl_get(vm->user, "VROUTER_ID"));
	obj_free(&vm->o);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_WORLD(variables_are_replaced),
		IN_WORLD(what_is_no_variable_stays),
		IN_WORLD(a_whole_object_comes_encoded_and_without_its_secrets),
		IN_WORLD(what_is_wrong_is_told_with_its_place),
		IN_WORLD(variables_are_limited),
		IN_WORLD(a_context_knows_the_addresses),
		IN_WORLD(files_come_from_file_datastores),
		IN_WORLD(files_need_the_right_to_use_them),
		IN_WORLD(a_token_needs_an_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
