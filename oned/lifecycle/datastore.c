#include "oned/lifecycle/datastore.h"

#include <string.h>

#include "common/crypto.h"
#include "common/log.h"
#include "oned/core/ask.h"
#include "oned/lifecycle/image.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/settings.h"

/* ---- asking ---- */

void datastore_send(struct txn *t, const char *action, long long id, const char *image_xml, const struct datastore *ds, const char *extra)
{
	struct strbuf xml = STRBUF_INIT, payload = STRBUF_INIT;

	xml_out_open(&xml, "DS_DRIVER_ACTION_DATA");
	strbuf_adds(&xml, image_xml);
	object_render_clear(txn_conf(t), &ds->o, &xml);
	strbuf_adds(&xml, extra);
	xml_out_close(&xml, "DS_DRIVER_ACTION_DATA");
	base64_encode(xml.buf, xml.len, &payload);
	txn_send(t, DATASTORE_KIND, DATASTORE_NAME, action, id, payload.buf);
	strbuf_done(&xml);
	strbuf_done(&payload);
}

/* Each MONITOR_VM_DISK-th round the disks of VMs are looked at too. */
static void monitor_one(struct txn *t, const struct datastore *ds, bool vm_disks)
{
	struct strbuf extra = STRBUF_INIT;

	if (ds->type == DS_SYSTEM && !datastore_shared(ds))
		return; /* its hosts tell */
	if (ds->type == DS_SYSTEM) {
		xml_out_text(&extra, "DATASTORE_LOCATION", settings_text(t, "DATASTORE_LOCATION", ""));
		if (settings_int(t, "MONITORING_INTERVAL_DATASTORE", 0) && settings_int(t, "DS_MONITOR_VM_DISK", 0) > 0)
			xml_out_text(&extra, "MONITOR_VM_DISKS", vm_disks ? "1" : "0");
	}
	log_debug("ImM", "Monitoring datastore %s (%d)", ds->o.name, ds->o.id);
	datastore_send(t, "MONITOR", ds->o.id, "", ds, extra.buf);
	strbuf_done(&extra);
}

void datastore_monitor(struct txn *t, int ds_id)
{
	const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ds_id);

	if (ds)
		monitor_one(t, ds, false);
}

/* arg: the number of the round. */
static void monitor_all(struct txn *t, void *arg)
{
	intptr_t round = (intptr_t)arg;
	long long every = settings_int(t, "DS_MONITOR_VM_DISK", 0), interval_s = settings_int(t, "MONITORING_INTERVAL_DATASTORE", 300);
	int *ids, n = txn_ids(t, OBJ_DATASTORE, &ids);

	for (int i = 0; i < n; i++) {
		const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ids[i]);

		if (ds)
			monitor_one(t, ds, every > 0 && round % every == 0);
	}
	txn_after(t, (int)(interval_s > 0 ? interval_s : 300) * 1000, monitor_all, NULL, (void *)(round + 1));
}

void datastore_monitor_start(struct txn *t)
{
	int *ids, n = txn_ids(t, OBJ_DATASTORE, &ids);

	for (int i = 0; i < n; i++) {
		const struct datastore *ds = txn_read(t, OBJ_DATASTORE, ids[i]);
		const char *path = datastore_base_path(t, t->arena, ids[i]);
		struct datastore *mine = ds && strcmp(ds->base_path, path) != 0 ? txn_edit(t, OBJ_DATASTORE, ids[i]) : NULL;

		if (mine)
			mine->base_path = arena_strdup(&mine->o.arena, path);
	}
	txn_after(t, 0, monitor_all, NULL, NULL);
}

/* ---- answers ---- */

static void monitored(struct txn *t, const struct driver_msg *m)
{
	struct strbuf text = STRBUF_INIT;
	struct tmpl *info = tmpl_new(t->arena);
	struct one_err err = ONE_ERR_INIT;
	struct datastore *ds;
	double total = 0, free_mb = 0, used = 0;

	base64_decode(m->payload, strlen(m->payload), &text);
	if (strcmp(m->status, "SUCCESS") != 0 || !text.len)
		log_error("ImM", "Error monitoring datastore %lld: %s", m->id, text.len ? text.buf : m->payload);
	else if (tmpl_parse(info, text.buf, &err))
		log_error("ImM", "Error parsing datastore information: %s. Monitoring information: %s", err.text, text.buf);
	else if (m->id >= 0 && m->id <= INT32_MAX && txn_exists(t, OBJ_DATASTORE, (int)m->id) &&
		 (ds = txn_edit(t, OBJ_DATASTORE, (int)m->id))) {
		tmpl_get_float(info, "TOTAL_MB", &total);
		tmpl_get_float(info, "FREE_MB", &free_mb);
		tmpl_get_float(info, "USED_MB", &used);
		ds->total_mb = (long long)total;
		ds->free_mb = (long long)free_mb;
		ds->used_mb = (long long)used;
		log_debug("ImM", "Datastore %s (%d) successfully monitored.", ds->o.name, ds->o.id);
	}
	strbuf_done(&text);
}

/* The size of a file, which a call waits for. */
static void stated(struct txn *t, const struct driver_msg *m)
{
	bool ok = !strcmp(m->status, "SUCCESS");

	ask_answer(t, m->id, ok && *m->payload, ok && !*m->payload ? "Cannot get size from STAT" : m->payload);
}

void datastore_message(struct txn *t, const struct driver_msg *m)
{
	if (!strcmp(m->action, "LOG"))
		log_msg(log_level_of(*m->status), "ImM", "%s", m->payload);
	else if (!strcmp(m->action, "MONITOR"))
		monitored(t, m);
	else if (!strcmp(m->action, "STAT"))
		stated(t, m);
	else if (!image_message(t, m))
		log_warn("ImM", "The datastore driver sent an unknown message: %s", m->action);
}

void datastore_send_failed(struct txn *t, const char *action, long long id, const char *reason)
{
	struct driver_msg m = { .action = action, .status = "FAILURE", .id = id, .payload = reason };

	datastore_message(t, &m);
}
