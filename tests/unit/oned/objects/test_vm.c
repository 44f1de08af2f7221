/* VMs as they are stored: bodies in and out, short forms, the row, history. */
#include "vm_world.h"

static const char body[] =
	"<VM><ID>7</ID><UID>2</UID><GID>1</GID><UNAME>alice</UNAME><GNAME>users</GNAME><NAME>web</NAME>"
	"<PERMISSIONS><OWNER_U>1</OWNER_U><OWNER_M>1</OWNER_M><OWNER_A>0</OWNER_A><GROUP_U>1</GROUP_U><GROUP_M>0</GROUP_M>"
	"<GROUP_A>0</GROUP_A><OTHER_U>0</OTHER_U><OTHER_M>0</OTHER_M><OTHER_A>0</OTHER_A></PERMISSIONS>"
	"<LAST_POLL>90</LAST_POLL><STATE>3</STATE><LCM_STATE>3</LCM_STATE><PREV_STATE>3</PREV_STATE><PREV_LCM_STATE>2</PREV_LCM_STATE>"
	"<RESCHED>1</RESCHED><STIME>50</STIME><ETIME>0</ETIME><DEPLOY_ID>one-7</DEPLOY_ID>"
	"<LOCK><LOCKED>2</LOCKED><OWNER>0</OWNER><TIME>60</TIME><REQ_ID>9</REQ_ID></LOCK>"
	"<MONITORING><CPU><![CDATA[12.5]]></CPU><DISK_SIZE><ID><![CDATA[0]]></ID><SIZE><![CDATA[3]]></SIZE></DISK_SIZE>"
	"<MEMORY><![CDATA[1024]]></MEMORY><NOTE><![CDATA[</MONITORING>]]></NOTE></MONITORING>"
	"<SCHED_ACTIONS><ID>4</ID><ID>5</ID></SCHED_ACTIONS>"
	"<TEMPLATE><CPU><![CDATA[0.5]]></CPU><DISK><DISK_ID><![CDATA[0]]></DISK_ID><IMAGE><![CDATA[os]]></IMAGE></DISK>"
	"<GRAPHICS><TYPE><![CDATA[vnc]]></TYPE></GRAPHICS><MEMORY><![CDATA[128]]></MEMORY>"
	"<NIC><IP><![CDATA[10.0.0.1]]></IP><NIC_ID><![CDATA[0]]></NIC_ID></NIC>"
	"<NIC_ALIAS><IP><![CDATA[10.0.0.2]]></IP><NIC_ID><![CDATA[1]]></NIC_ID></NIC_ALIAS>"
	"<PCI><TYPE><![CDATA[NIC]]></TYPE></PCI><PCI><VENDOR><![CDATA[10de]]></VENDOR></PCI></TEMPLATE>"
	"<USER_TEMPLATE><LABELS><![CDATA[a<b]]></LABELS><NOTE><![CDATA[<HISTORY_RECORDS>]]></NOTE>"
	"<SCHED_RANK><![CDATA[]]></SCHED_RANK></USER_TEMPLATE>"
	"<HISTORY_RECORDS><HISTORY><OID>7</OID><SEQ>2</SEQ><HOSTNAME>node&amp;1</HOSTNAME><HID>3</HID><CID>0</CID><STIME>51</STIME>"
	"<ETIME>0</ETIME><VM_MAD>kvm</VM_MAD><TM_MAD>ssh</TM_MAD><DS_ID>101</DS_ID><PSTIME>51</PSTIME><PETIME>52</PETIME>"
	"<RSTIME>53</RSTIME><RETIME>0</RETIME><ESTIME>0</ESTIME><EETIME>0</EETIME><ACTION>19</ACTION><UID>2</UID><GID>1</GID>"
	"<REQUEST_ID>77</REQUEST_ID></HISTORY></HISTORY_RECORDS>"
	"<SNAPSHOTS><ALLOW_ORPHANS><![CDATA[NO]]></ALLOW_ORPHANS><DISK_ID><![CDATA[0]]></DISK_ID>"
	"<SNAPSHOT><ID><![CDATA[0]]></ID><NAME><![CDATA[</HISTORY_RECORDS>]]></NAME></SNAPSHOT></SNAPSHOTS>"
	"<BACKUPS><BACKUP_CONFIG><MODE><![CDATA[FULL]]></MODE></BACKUP_CONFIG><BACKUP_IDS><ID>11</ID></BACKUP_IDS></BACKUPS></VM>";

static struct vm *load(const char *text)
{
	struct object *o = NULL;
	struct one_err err = ONE_ERR_INIT;

	if (obj_load(&vm_ops, text, strlen(text), &o, &err))
		fail_msg("%s", err.text);
	return (struct vm *)o;
}

static void what_is_loaded_is_rendered_again(void **state)
{
	struct vm *vm = load(body);
	struct strbuf out = STRBUF_INIT;

	(void)state;
	vm_ops.render(&vm->o, &out);
	assert_string_equal(out.buf, body);
	strbuf_done(&out);
	obj_free(&vm->o);
}

static void a_body_fills_the_fields(void **state)
{
	struct vm *vm = load(body);

	(void)state;
	assert_int_equal(vm->state, VM_ACTIVE);
	assert_int_equal(vm->lcm_state, LCM_RUNNING);
	assert_int_equal(vm->prev_lcm_state, LCM_BOOT);
	assert_true(vm->resched);
	assert_int_equal(vm->last_poll, 90);
	assert_string_equal(vm->deploy_id, "one-7");
	assert_int_equal(vm->sched_actions.n, 2);
	assert_string_equal(tmpl_get(vm->user, "LABELS"), "a<b");
	assert_string_equal(tmpl_get(vm->monitoring, "CPU"), "12.5");
	assert_int_equal(vm->history->seq, 2);
	assert_string_equal(vm->history->hostname, "node&1");
	assert_int_equal(vm->history->action, VM_ACTION_POWEROFF);
	assert_int_equal(vm->history->req_id, 77);
	obj_free(&vm->o);
}

static void a_body_of_another_release_may_lack_the_newer_parts(void **state)
{
	struct vm *vm = load(
		"<VM><ID>1</ID><NAME>x</NAME><STATE>8</STATE><LCM_STATE>0</LCM_STATE><TEMPLATE/><USER_TEMPLATE/>"
		"<HISTORY_RECORDS/></VM>");
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(vm->prev_state, VM_POWEROFF);
	assert_null(vm->history);
	vm_ops.render(&vm->o, &out);
	assert_non_null(strstr(out.buf,
			       "<HISTORY_RECORDS></HISTORY_RECORDS><BACKUPS><BACKUP_CONFIG></BACKUP_CONFIG>"
			       "<BACKUP_IDS></BACKUP_IDS></BACKUPS></VM>"));
	strbuf_done(&out);
	obj_free(&vm->o);
}

static void a_state_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "<VM><ID>1</ID><STATE>7</STATE><LCM_STATE>0</LCM_STATE></VM>",
					   "<VM><ID>1</ID><STATE>3</STATE><LCM_STATE>13</LCM_STATE></VM>",
					   "<VM><ID>1</ID></VM>" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct one_err err = ONE_ERR_INIT;
		struct object *o;

		assert_int_equal(obj_load(&vm_ops, bad[i], strlen(bad[i]), &o, &err), ONE_INTERNAL);
		assert_non_null(strstr(err.text, "VM 1: unknown state"));
	}
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(vm_state_name(VM_CLONING_FAILURE), "CLONING_FAILURE");
	assert_null(vm_state_name((enum vm_state)7));
	assert_string_equal(vm_lcm_name(LCM_LCM_INIT), "LCM_INIT");
	assert_string_equal(vm_lcm_name(LCM_RESTORE), "RESTORE");
	assert_null(vm_lcm_name((enum vm_lcm)13));
}

static void the_short_form_has_what_pools_show(void **state)
{
	struct vm *vm = load(body);
	struct strbuf xml = STRBUF_INIT, json = STRBUF_INIT;

	(void)state;
	vm_ops.brief(&vm->o, &xml, &json);
	assert_string_equal(
		xml.buf,
		"<VM><ID>7</ID><UID>2</UID><GID>1</GID><UNAME>alice</UNAME><GNAME>users</GNAME><NAME>web</NAME><LAST_POLL>90</LAST_POLL>"
		"<STATE>3</STATE><LCM_STATE>3</LCM_STATE><RESCHED>1</RESCHED><STIME>50</STIME><ETIME>0</ETIME><DEPLOY_ID>one-7</DEPLOY_ID>"
		"<LOCK><LOCKED>2</LOCKED></LOCK><TEMPLATE><CPU>0.5</CPU><MEMORY>128</MEMORY><VCPU></VCPU><DISK><DISK_ID>0</DISK_ID>"
		"<DATASTORE></DATASTORE><DATASTORE_ID></DATASTORE_ID><IMAGE>os</IMAGE><IMAGE_ID></IMAGE_ID><SIZE></SIZE><TYPE></TYPE>"
		"<CLONE></CLONE><CLONE_TARGET></CLONE_TARGET><LN_TARGET></LN_TARGET>"
		"<DISK_SNAPSHOT_TOTAL_SIZE></DISK_SNAPSHOT_TOTAL_SIZE></DISK>"
		"<NIC><IP>10.0.0.1</IP><MAC></MAC><NETWORK></NETWORK><NETWORK_ID></NETWORK_ID><NIC_ID>0</NIC_ID>"
		"<SECURITY_GROUPS></SECURITY_GROUPS></NIC><NIC><MAC></MAC><NETWORK></NETWORK><NETWORK_ID></NETWORK_ID><NIC_ID></NIC_ID>"
		"<SECURITY_GROUPS></SECURITY_GROUPS></NIC><NIC><IP>10.0.0.2</IP><MAC></MAC><NETWORK></NETWORK><NETWORK_ID></NETWORK_ID>"
		"<NIC_ID>1</NIC_ID><SECURITY_GROUPS></SECURITY_GROUPS></NIC><GRAPHICS><TYPE><![CDATA[vnc]]></TYPE></GRAPHICS></TEMPLATE>"
		"<MONITORING><CPU>12.5</CPU><MEMORY>1024</MEMORY><STATE></STATE></MONITORING>"
		"<USER_TEMPLATE><LABELS>a&lt;b</LABELS><SCHED_RANK></SCHED_RANK></USER_TEMPLATE>"
		"<HISTORY_RECORDS><HISTORY><OID>7</OID><SEQ>2</SEQ><HOSTNAME>node&amp;1</HOSTNAME><HID>3</HID><CID>0</CID>"
		"<DS_ID>101</DS_ID><VM_MAD>kvm</VM_MAD><TM_MAD>ssh</TM_MAD><ACTION>19</ACTION></HISTORY></HISTORY_RECORDS></VM>");
	strbuf_done(&xml);
	strbuf_done(&json);
	obj_free(&vm->o);
}

static void queries_look_into_json(void **state)
{
	struct vm *vm = load(
		"<VM><ID>1</ID><UID>0</UID><GID>0</GID><UNAME>a\"b</UNAME><GNAME>g</GNAME><NAME>x</NAME><LAST_POLL>0</LAST_POLL>"
		"<STATE>1</STATE><LCM_STATE>0</LCM_STATE><STIME>5</STIME>"
		"<TEMPLATE><CPU>1</CPU><DISK><DISK_ID>0</DISK_ID></DISK></TEMPLATE><USER_TEMPLATE><K>v</K></USER_TEMPLATE>"
		"<HISTORY_RECORDS/></VM>");
	struct strbuf xml = STRBUF_INIT, json = STRBUF_INIT;

	(void)state;
	vm_ops.brief(&vm->o, &xml, &json);
	assert_string_equal(
		json.buf,
		"{\"VM\": {\"ID\": \"1\", \"UID\": \"0\", \"GID\": \"0\", \"UNAME\": \"a\\\"b\", \"GNAME\": \"g\", \"NAME\": \"x\", "
		"\"LAST_POLL\": \"0\", \"STATE\": \"1\", \"LCM_STATE\": \"0\", \"PREV_STATE\": \"1\", \"PREV_LCM_STATE\": \"0\", "
		"\"RESCHED\": \"0\", \"STIME\": \"5\", \"ETIME\": \"0\", \"DEPLOY_ID\": \"\", "
		"\"TEMPLATE\": {\"CPU\": \"1\", \"DISK\": [{\"DISK_ID\": \"0\"}]}, \"USER_TEMPLATE\": {\"K\": \"v\"}}}");
	strbuf_done(&xml);
	strbuf_done(&json);
	obj_free(&vm->o);
	vm = load(body);
	strbuf_reset(&json);
	vm_ops.brief(&vm->o, &xml, &json);
	assert_non_null(strstr(
		json.buf,
		"\"HISTORY_RECORDS\": {\"HISTORY\": [{\"OID\": \"7\", \"SEQ\": \"2\", \"HOSTNAME\": \"node&1\""));
	assert_non_null(strstr(json.buf, "\"REQUEST_ID\": \"77\"}]}}}"));
	strbuf_done(&xml);
	strbuf_done(&json);
	obj_free(&vm->o);
}

static void the_row_follows_the_columns_of_vm_pool(void **state)
{
	struct vm *vm = load(body);
	struct strbuf b = STRBUF_INIT, xml = STRBUF_INIT, json = STRBUF_INIT;
	struct version *v = version_make(&vm->o, &b, &xml, &json);
	struct sql_value cols[STORE_MAX_COLS];

	(void)state;
	assert_int_equal(vm_ops.row(&vm->o, v, &xml, &json, cols), store_columns(TABLE_VM));
	assert_int_equal(cols[0].i, 7);
	assert_string_equal(cols[1].s, "web");
	assert_ptr_equal(cols[2].s, v->body);
	for (int i = 3; i < 10; i++) {
		static const int want[] = {
			2, 1, 3, 3, 1, 1, 0
		}; /* uid gid state lcm_state owner_u group_u other_u */

		assert_int_equal(cols[i].i, want[i - 3]);
	}
	assert_ptr_equal(cols[10].s, xml.buf);
	assert_ptr_equal(cols[11].s, json.buf);
	assert_int_equal(v->index.state, VM_ACTIVE);
	assert_int_equal(v->index.lcm_state, LCM_RUNNING);
	version_unref(v);
	strbuf_done(&b);
	strbuf_done(&xml);
	strbuf_done(&json);
	obj_free(&vm->o);
}

/* ---- vm.info ---- */

static void out_id(void *ctx, int id, struct strbuf *out)
{
	(void)ctx;
	strbuf_addf(out, "<S>%d</S>", id);
}

static void bodies_that_opennebula_wrote_are_served_too(void **state)
{
	static const char theirs[] =
		"<VM><ID>1</ID><LAST_POLL>0</LAST_POLL><LOCK/><MONITORING/><SCHED_ACTIONS><ID>5</ID><ID>12</ID></SCHED_ACTIONS><TEMPLATE><A><B/></A></TEMPLATE>"
		"<USER_TEMPLATE/><HISTORY_RECORDS/><BACKUPS><BACKUP_CONFIG/></BACKUPS></VM>";
	struct version v = { .body = theirs, .body_len = sizeof(theirs) - 1 };
	struct vm_full none = { 0 }, more = { .monitoring = "<MONITORING>x</MONITORING>",
					      .last_poll = 3,
					      .sched_action = out_id };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	vm_render_full(&v, &none, &out);
	assert_string_equal(out.buf, theirs);
	strbuf_reset(&out);
	vm_render_full(&v, &more, &out);
	assert_string_equal(
		out.buf,
		"<VM><ID>1</ID><LAST_POLL>3</LAST_POLL><LOCK/><MONITORING>x</MONITORING>"
		"<SCHED_ACTIONS><ID>5</ID><ID>12</ID></SCHED_ACTIONS><TEMPLATE><A><B/></A><S>5</S><S>12</S></TEMPLATE><USER_TEMPLATE/><HISTORY_RECORDS/>"
		"<BACKUPS><BACKUP_CONFIG/></BACKUPS></VM>");
	strbuf_done(&out);
}

static void full_as(const struct vm_full *more, struct strbuf *out)
{
	struct vm *vm = load(body);
	struct strbuf b = STRBUF_INIT, xml = STRBUF_INIT, json = STRBUF_INIT;
	struct version *v = version_make(&vm->o, &b, &xml, &json);

	vm_render_full(v, more, out);
	version_unref(v);
	strbuf_done(&b);
	strbuf_done(&xml);
	strbuf_done(&json);
	obj_free(&vm->o);
}

static void info_without_anything_more_is_the_body(void **state)
{
	struct vm_full none = { 0 };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	full_as(&none, &out);
	assert_string_equal(out.buf, body);
	strbuf_done(&out);
}

static void info_puts_each_part_where_it_belongs(void **state)
{
	struct vm_full more = { .monitoring = "<MONITORING><NEW></NEW></MONITORING>",
				.last_poll = 99,
				.sched_action = out_id,
				.closed_history = "<HISTORY><SEQ>1</SEQ></HISTORY>" };
	struct strbuf out = STRBUF_INIT;

	(void)state;
	full_as(&more, &out);
	assert_non_null(strstr(out.buf, "<LAST_POLL>99</LAST_POLL><STATE>"));
	assert_non_null(strstr(out.buf, "</LOCK><MONITORING><NEW></NEW></MONITORING><SCHED_ACTIONS>"));
	assert_null(strstr(out.buf, "12.5"));
	assert_non_null(strstr(out.buf, "</PCI><S>4</S><S>5</S></TEMPLATE>"));
	/* What looks like it inside a value isn't it. */
	assert_non_null(strstr(
		out.buf,
		"</USER_TEMPLATE><HISTORY_RECORDS><HISTORY><SEQ>1</SEQ></HISTORY><HISTORY><OID>7</OID>"));
	assert_non_null(strstr(out.buf, "<![CDATA[<HISTORY_RECORDS>]]></NOTE>"));
	strbuf_done(&out);
}

/* ---- errors and history ---- */

static void set_errors(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	char text[121];

	t->now = 0;
	vm_set_error(t, vm, "no such host");
	assert_non_null(strstr(tmpl_get(vm->user, "ERROR"), " 1970: no such host"));
	memset(text, 'x', 120);
	text[120] = '\0';
	vm_set_error(t, vm, text);
	assert_non_null(strstr(tmpl_get(vm->user, "ERROR"), "xxx... see more details in VM log"));
	assert_null(strstr(tmpl_get(vm->user, "ERROR"), text));
	vm_set_error(t, vm, NULL);
	assert_null(tmpl_get(vm->user, "ERROR"));
}

static void an_error_has_its_date_and_is_cut(void **state)
{
	int id = create("CPU=1\nMEMORY=1");

	(void)state;
	assert_int_equal(core_run(core, set_errors, &id, NULL), ONE_OK);
}

static void deploy_twice(struct txn *t, void *arg)
{
	struct vm *vm = txn_edit(t, OBJ_VM, *(int *)arg);
	struct vm_history *h = vm_history_open(t, vm, 4, 100, "node4", "kvm", "ssh", 101);
	const struct store_row *row;

	assert_int_equal(h->seq, 0);
	assert_int_equal(h->uid, -1);
	h->stime = 10;
	t->who = &alice;
	t->req_id = 12;
	vm_history_action(t, vm, VM_ACTION_STOP);
	assert_int_equal(h->action, VM_ACTION_STOP);
	assert_int_equal(h->uid, 2);
	assert_int_equal(h->req_id, 12);
	vm_history_save(t, vm);
	assert_non_null(t->rows);
	row = &t->rows->row;
	assert_int_equal(row->table, TABLE_HISTORY);
	assert_int_equal(row->cols[0].i, vm->o.id);
	assert_int_equal(row->cols[1].i, 0);
	assert_non_null(strstr(row->cols[2].s, "<REQUEST_ID>12</REQUEST_ID><VM><ID>"));
	assert_non_null(strstr(row->cols[2].s, "<HISTORY_RECORDS></HISTORY_RECORDS>")); /* of the VM inside */
	assert_int_equal(row->cols[3].i, 10);
	assert_int_equal(vm_history_open(t, vm, 5, 100, "node5", "kvm", "ssh", 101)->seq, 1);
	assert_int_equal(vm->history->hid, 5);
}

static void history_counts_stays_and_keeps_the_vm_with_each(void **state)
{
	int id = create("CPU=1\nMEMORY=1");

	(void)state;
	assert_int_equal(core_run(core, deploy_twice, &id, NULL), ONE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_loaded_is_rendered_again),
		cmocka_unit_test(a_body_fills_the_fields),
		cmocka_unit_test(a_body_of_another_release_may_lack_the_newer_parts),
		cmocka_unit_test(a_state_that_is_none_is_refused),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(the_short_form_has_what_pools_show),
		cmocka_unit_test(queries_look_into_json),
		cmocka_unit_test(the_row_follows_the_columns_of_vm_pool),
		cmocka_unit_test(info_without_anything_more_is_the_body),
		cmocka_unit_test(info_puts_each_part_where_it_belongs),
		cmocka_unit_test(bodies_that_opennebula_wrote_are_served_too),
		cmocka_unit_test_setup_teardown(an_error_has_its_date_and_is_cut, world_begin, world_end),
		cmocka_unit_test_setup_teardown(history_counts_stays_and_keeps_the_vm_with_each, world_begin,
						world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
