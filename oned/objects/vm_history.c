/* History of VMs: a record a stay on a host. The current one is in the body, all are rows of a table. */
#include "oned/objects/vm.h"

#include "oned/objects/vm_priv.h"

struct vm_history *vm_history_load(struct arena *arena, const struct xnode *records)
{
	const struct xnode *x = xml_child(records, "HISTORY");
	struct vm_history *h;

	if (!x)
		return NULL;
	h = arena_new(arena, struct vm_history);
	h->seq = (int)xml_int(x, "SEQ", 0);
	h->hid = (int)xml_int(x, "HID", -1);
	h->cid = (int)xml_int(x, "CID", -1);
	h->ds_id = (int)xml_int(x, "DS_ID", 0);
	h->hostname = arena_strdup(arena, xml_text_or(x, "HOSTNAME", ""));
	h->vm_mad = arena_strdup(arena, xml_text_or(x, "VM_MAD", ""));
	h->tm_mad = arena_strdup(arena, xml_text_or(x, "TM_MAD", ""));
	h->stime = xml_int(x, "STIME", 0);
	h->etime = xml_int(x, "ETIME", 0);
	h->pstime = xml_int(x, "PSTIME", 0);
	h->petime = xml_int(x, "PETIME", 0);
	h->rstime = xml_int(x, "RSTIME", 0);
	h->retime = xml_int(x, "RETIME", 0);
	h->estime = xml_int(x, "ESTIME", 0);
	h->eetime = xml_int(x, "EETIME", 0);
	h->action = (enum vm_action)xml_int(x, "ACTION", VM_ACTION_NONE);
	h->uid = (int)xml_int(x, "UID", -1);
	h->gid = (int)xml_int(x, "GID", -1);
	h->req_id = (int)xml_int(x, "REQUEST_ID", -1);
	return h;
}

void vm_history_out(const struct vm *vm, const struct vm_history *h, const char *vm_xml, struct strbuf *out)
{
	xml_out_open(out, "HISTORY");
	xml_out_int(out, "OID", vm->o.id);
	xml_out_int(out, "SEQ", h->seq);
	xml_out_text(out, "HOSTNAME", h->hostname);
	xml_out_int(out, "HID", h->hid);
	xml_out_int(out, "CID", h->cid);
	xml_out_int(out, "STIME", h->stime);
	xml_out_int(out, "ETIME", h->etime);
	xml_out_text(out, "VM_MAD", h->vm_mad);
	xml_out_text(out, "TM_MAD", h->tm_mad);
	xml_out_int(out, "DS_ID", h->ds_id);
	xml_out_int(out, "PSTIME", h->pstime);
	xml_out_int(out, "PETIME", h->petime);
	xml_out_int(out, "RSTIME", h->rstime);
	xml_out_int(out, "RETIME", h->retime);
	xml_out_int(out, "ESTIME", h->estime);
	xml_out_int(out, "EETIME", h->eetime);
	xml_out_int(out, "ACTION", h->action);
	xml_out_int(out, "UID", h->uid);
	xml_out_int(out, "GID", h->gid);
	xml_out_int(out, "REQUEST_ID", h->req_id);
	if (vm_xml)
		strbuf_adds(out, vm_xml);
	xml_out_close(out, "HISTORY");
}

void vm_history_brief(const struct vm *vm, const struct vm_history *h, struct strbuf *out)
{
	xml_out_open(out, "HISTORY");
	xml_out_int(out, "OID", vm->o.id);
	xml_out_int(out, "SEQ", h->seq);
	xml_out_text(out, "HOSTNAME", h->hostname);
	xml_out_int(out, "HID", h->hid);
	xml_out_int(out, "CID", h->cid);
	xml_out_int(out, "DS_ID", h->ds_id);
	xml_out_text(out, "VM_MAD", h->vm_mad);
	xml_out_text(out, "TM_MAD", h->tm_mad);
	xml_out_int(out, "ACTION", h->action);
	xml_out_close(out, "HISTORY");
}

struct vm_history *vm_history_open(struct txn *t, struct vm *vm, int hid, int cid, const char *hostname,
				   const char *vm_mad, const char *tm_mad, int ds_id)
{
	struct arena *arena = &vm->o.arena;
	struct vm_history *h = arena_new(arena, struct vm_history);

	(void)t;
	*h = (struct vm_history){
		.seq = vm->history ? vm->history->seq + 1 : 0,
		.hid = hid,
		.cid = cid,
		.ds_id = ds_id,
		.hostname = arena_strdup(arena, hostname),
		.vm_mad = arena_strdup(arena, vm_mad),
		.tm_mad = arena_strdup(arena, tm_mad),
		.action = VM_ACTION_NONE,
		.uid = -1,
		.gid = -1,
		.req_id = -1,
	};
	vm->history = h;
	return h;
}

void vm_history_action(struct txn *t, struct vm *vm, enum vm_action action)
{
	struct vm_history *h = vm->history;

	if (!h)
		return;
	h->action = action;
	h->uid = t->who ? t->who->uid : -1;
	h->gid = t->who ? t->who->gid : -1;
	h->req_id = t->who ? t->req_id : -1;
}

void vm_history_split(struct txn *t, struct vm *vm, enum vm_action action)
{
	struct vm_history *old = vm->history;
	const enum vm_action before = old->action;
	const bool rests = old->retime != 0;

	old->etime = (long long)t->now;
	if (!rests)
		old->retime = (long long)t->now;
	vm_history_action(t, vm, action);
	vm_history_save(t, vm);
	vm_history_open(t, vm, old->hid, old->cid, old->hostname, old->vm_mad, old->tm_mad, old->ds_id);
	vm->history->action = before;
	vm->history->stime = vm->history->rstime = (long long)t->now;
	if (rests)
		vm->history->retime = (long long)t->now;
}

void vm_history_host_renamed(struct txn *t, const struct host *h)
{
	for (int i = 0; i < h->vms.n; i++) {
		const struct version *v = txn_version(t, OBJ_VM, h->vms.ids[i]);
		struct vm *vm = v ? txn_edit(t, OBJ_VM, v->id) : NULL;

		if (!vm || !vm->history || vm->history->hid != h->o.id)
			continue;
		vm->history->hostname = arena_strdup(&vm->o.arena, h->o.name);
		vm_history_save(t, vm);
	}
}

void vm_history_save(struct txn *t, struct vm *vm)
{
	const struct vm_history *h = vm->history;
	struct strbuf inside = STRBUF_INIT, body = STRBUF_INIT;
	struct sql_value cols[5];

	if (!h || !txn_ok(t))
		return;
	vm_out(vm, false, &inside);
	vm_history_out(vm, h, inside.buf, &body);
	cols[0] = SQL_INT(vm->o.id);
	cols[1] = SQL_INT(h->seq);
	cols[2] = SQL_STRN(body.buf, body.len);
	cols[3] = SQL_INT(h->stime);
	cols[4] = SQL_INT(h->etime);
	txn_put(t, TABLE_HISTORY, cols, 5);
	strbuf_done(&inside);
	strbuf_done(&body);
}
