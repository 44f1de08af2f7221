#include "oned/lifecycle/hook.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"
#include "common/log.h"
#include "oned/core/tally.h"
#include "oned/objects/settings.h"

#define HM "hm"
#define RECORD_MAX (1024 * 1024)

/* ---- the log ---- */

static int retention(struct txn *t)
{
	const struct attr *conf = settings_first(t, "HOOK_LOG_CONF");
	long long keep;

	return conf && attr_get_int(conf, "LOG_RETENTION", &keep) && keep > 0 && keep < 100000 ? (int)keep : 20;
}

struct last { int hook, exeid; };
struct loading { struct last *all; size_t n, cap; int keep; };

static bool note_last(void *ctx, const struct sql_value *cols, int n)
{
	struct loading *l = ctx;
	int hook = (int)cols[0].i;

	(void)n;
	if (!l->n || l->all[l->n - 1].hook != hook) {
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 16;
			l->all = xrealloc(l->all, l->cap * sizeof(*l->all));
		}
		l->all[l->n++].hook = hook;
	}
	l->all[l->n - 1].exeid = (int)cols[1].i;
	return true;
}

static void set_counts(struct txn *t, void *arg)
{
	struct loading *l = arg;

	l->keep = retention(t);
	for (size_t i = 0; i < l->n; i++)
		tally_set(t, TALLY_HOOK_RUN, l->all[i].hook, l->all[i].exeid + 1);
}

enum one_rc hook_log_load(struct core *core, struct store *store, struct one_err *err)
{
	struct loading l = { 0 };
	enum one_rc rc = store_select_columns(store, TABLE_HOOK_LOG, STORE_COLUMN(0) | STORE_COLUMN(1), NULL, NULL, 0, note_last, &l, err);

	if (!rc)
		rc = core_run(core, set_counts, &l, err);
	for (size_t i = 0; i < l.n && !rc; i++) {
		struct sql_value params[] = { SQL_INT(l.all[i].hook), SQL_INT(l.all[i].exeid - l.keep) };

		rc = store_delete_where(store, TABLE_HOOK_LOG, "hkid = ? AND exeid <= ?", params, 2, err);
	}
	free(l.all);
	return rc;
}

static void forget(struct txn *t, int hook_id, int exeid)
{
	txn_remove(t, TABLE_HOOK_LOG, (struct sql_value[]){ SQL_INT(hook_id), SQL_INT(exeid) }, 2);
}

void hook_log_drop(struct txn *t, int hook_id)
{
	int next = tally_get(t, TALLY_HOOK_RUN, hook_id), keep = retention(t);

	for (int i = next - keep < 0 ? 0 : next - keep; i < next; i++)
		forget(t, hook_id, i);
	tally_set(t, TALLY_HOOK_RUN, hook_id, 0);
}

static bool well_formed(struct txn *t, const struct strbuf *record)
{
	struct one_err err = ONE_ERR_INIT;
	struct xnode *x;

	if (!xml_parse(t->arena, record->buf, record->len, XML_MAX_DEPTH, RECORD_MAX, &x, &err))
		return true;
	log_error("HKM", "What a hook reported of its execution can't be read: %s", err.text);
	return false;
}

static void add_record(struct txn *t, int hook_id, int exit_code, const char *report)
{
	int exeid = tally_add(t, TALLY_HOOK_RUN, hook_id) - 1;
	struct strbuf record = STRBUF_INIT;

	xml_out_open(&record, "HOOK_EXECUTION_RECORD");
	xml_out_int(&record, "HOOK_ID", hook_id);
	xml_out_int(&record, "EXECUTION_ID", exeid);
	xml_out_int(&record, "TIMESTAMP", (long long)t->now);
	strbuf_adds(&record, report);
	xml_out_close(&record, "HOOK_EXECUTION_RECORD");
	if (!well_formed(t, &record)) {
		tally_set(t, TALLY_HOOK_RUN, hook_id, exeid);
	} else {
		txn_put(t, TABLE_HOOK_LOG, (struct sql_value[]){ SQL_INT(hook_id), SQL_INT(exeid), SQL_INT((long long)t->now), SQL_INT(exit_code),
			SQL_STRN(record.buf, record.len) }, 5);
		if (exeid >= retention(t))
			forget(t, hook_id, exeid - retention(t));
	}
	strbuf_done(&record);
}

/* ---- messages ---- */

static void executed(struct txn *t, const struct driver_msg *m)
{
	struct strbuf report = STRBUF_INIT;
	bool ok = !strcmp(m->status, "SUCCESS");
	char *rest;
	long exit_code = strtol(m->payload, &rest, 10);

	if (rest == m->payload || m->id < 0 || m->id > INT32_MAX || !base64_decode(rest, strlen(rest), &report)) {
		log_error("HKM", "The hook manager's report of hook %lld can't be read", m->id);
	} else {
		log_msg(ok ? LOG_L_INFO : LOG_L_ERROR, "HKM", "%s executing Hook %lld", ok ? "Success" : "Error", m->id);
		if (txn_exists(t, OBJ_HOOK, (int)m->id)) /* else deleted meanwhile */
			add_record(t, (int)m->id, (int)exit_code, report.len ? report.buf : "");
	}
	strbuf_done(&report);
}

static atomic_bool nobody_subscribes; /* there is one hook manager */

bool hook_api_has_subscribers(void)
{
	return !atomic_load(&nobody_subscribes);
}

void hook_message(struct txn *t, const struct driver_msg *m)
{
	if (!strcmp(m->action, "EXECUTE"))
		executed(t, m);
	else if (!strcmp(m->action, "SUBSCRIBED"))
		atomic_store(&nobody_subscribes, strcmp(m->status, "SUCCESS") != 0);
	else if (!strcmp(m->action, "LOG"))
		log_msg(log_level_of(*m->status), "HKM", "%s", m->payload);
}

enum one_rc hook_retry(struct txn *t, int hook_id, const char *arguments, const char *host)
{
	struct strbuf xml = STRBUF_INIT, payload = STRBUF_INIT;

	if (!settings_first(t, "HM_MAD"))
		return txn_fail(t, ONE_INTERNAL, "There is no hook manager (HM_MAD)");
	strbuf_lit(&xml, "<HOOK_MESSAGE><ARGUMENTS>");
	base64_encode(arguments, strlen(arguments), &xml);
	strbuf_lit(&xml, "</ARGUMENTS>");
	xml_out_int(&xml, "HOOK_ID", hook_id);
	if (*host)
		xml_out_text(&xml, "REMOTE_HOST", host);
	xml_out_close(&xml, "HOOK_MESSAGE");
	base64_encode(xml.buf, xml.len, &payload);
	txn_send(t, HM, HM, "RETRY", -1, payload.buf);
	strbuf_done(&xml);
	strbuf_done(&payload);
	return t->err.rc;
}
