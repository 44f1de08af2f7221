/* The short forms of VMs: what pools show (short_body), and the JSON that queries look into (body_json).
 *
 *   VM: head LAST_POLL STATE LCM_STATE RESCHED STIME ETIME DEPLOY_ID [LOCK]
 *       TEMPLATE{CPU MEMORY VCPU DISK* NIC* GRAPHICS} MONITORING{CPU MEMORY STATE} USER_TEMPLATE{a few}
 *       HISTORY_RECORDS{the current one, shortened} */
#include <string.h>

#include "oned/objects/common.h"
#include "oned/objects/vm_priv.h"

/* ---- XML ---- */

/* Which values of a vector are shown: all of `names`, or only those that are set. */
static void out_values(const struct attr *vector, const char *const *names, bool all, struct strbuf *out)
{
	for (; *names; names++) {
		const char *value = attr_get(vector, *names);

		if (all || (value && *value))
			xml_out_text(out, *names, value ? value : "");
	}
}

static void out_disks(const struct tmpl *tmpl, struct strbuf *out)
{
	static const char *const names[] = {
		"DISK_ID", "DATASTORE", "DATASTORE_ID", "IMAGE", "IMAGE_ID", "SIZE", "TYPE", "CLONE",
		"CLONE_TARGET", "LN_TARGET", "DISK_SNAPSHOT_TOTAL_SIZE", NULL,
	};

	for (const struct attr *a = tmpl_find(tmpl, "DISK"); a; a = tmpl_find_next(a)) {
		if (!a->vector)
			continue;
		xml_out_open(out, "DISK");
		out_values(a, names, true, out);
		xml_out_close(out, "DISK");
	}
}

static void out_nic(const struct attr *nic, struct strbuf *out)
{
	static const char *const if_set[] = {
		"IP", "EXTERNAL_IP", "IP6", "IP6_ULA", "IP6_LINK", "IP6_GLOBAL", "NETWORK_MODE",
		"SCHED_REQUIREMENTS", "SCHED_RANK", NULL,
	};
	static const char *const always[] = {
		"MAC", "NETWORK", "NETWORK_ID", "NIC_ID", "SECURITY_GROUPS", NULL,
	};

	xml_out_open(out, "NIC");
	out_values(nic, if_set, false, out);
	out_values(nic, always, true, out);
	xml_out_close(out, "NIC");
}

/* NICs, PCI devices that are NICs, and aliases all show as NIC. */
static void out_nics(const struct tmpl *tmpl, struct strbuf *out)
{
	static const char *const names[] = { "NIC", "PCI", "NIC_ALIAS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (const struct attr *a = tmpl_find(tmpl, names[i]); a; a = tmpl_find_next(a)) {
			const char *type = i == 1 && a->vector ? attr_get(a, "TYPE") : "NIC";

			if (a->vector && type && !strcmp(type, "NIC"))
				out_nic(a, out);
		}
}

static void out_template(const struct tmpl *tmpl, struct strbuf *out)
{
	const struct attr *graphics = tmpl_vector(tmpl, "GRAPHICS");

	xml_out_open(out, "TEMPLATE");
	xml_out_text(out, "CPU", tmpl_text(tmpl, "CPU"));
	xml_out_text(out, "MEMORY", tmpl_text(tmpl, "MEMORY"));
	xml_out_text(out, "VCPU", tmpl_text(tmpl, "VCPU"));
	out_disks(tmpl, out);
	out_nics(tmpl, out);
	if (graphics)
		attr_to_xml(graphics, out);
	xml_out_close(out, "TEMPLATE");
}

static void out_monitoring(const struct tmpl *monitoring, struct strbuf *out)
{
	xml_out_open(out, "MONITORING");
	if (monitoring && monitoring->first) {
		xml_out_text(out, "CPU", tmpl_text(monitoring, "CPU"));
		xml_out_text(out, "MEMORY", tmpl_text(monitoring, "MEMORY"));
		xml_out_text(out, "STATE", tmpl_text(monitoring, "STATE"));
	}
	xml_out_close(out, "MONITORING");
}

static void out_user_template(const struct tmpl *user, struct strbuf *out)
{
	static const struct { const char *name; bool even_empty; } texts[] = {
		{ "LABELS", false }, { "ERROR", false }, { "SCHED_MESSAGE", false }, { "SCHED_RANK", true },
		{ "SCHED_DS_RANK", true }, { "SCHED_REQUIREMENTS", true }, { "SCHED_DS_REQUIREMENTS", true },
		{ "USER_PRIORITY", true },
	};
	static const char *const vectors[] = { "PUBLIC_CLOUD", "SCHED_ACTION" };

	xml_out_open(out, "USER_TEMPLATE");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char *value = tmpl_get(user, texts[i].name);

		if (value && (*value || texts[i].even_empty))
			xml_out_text(out, texts[i].name, value);
	}
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++)
		for (const struct attr *a = tmpl_find(user, vectors[i]); a; a = tmpl_find_next(a))
			if (a->vector)
				attr_to_xml(a, out);
	xml_out_close(out, "USER_TEMPLATE");
}

static void brief_xml(const struct vm *vm, const struct tmpl *user, struct strbuf *out)
{
	xml_out_open(out, "VM");
	obj_out_head(&vm->o, out);
	xml_out_int(out, "LAST_POLL", vm->last_poll);
	xml_out_int(out, "STATE", vm->state);
	xml_out_int(out, "LCM_STATE", vm->lcm_state);
	xml_out_int(out, "RESCHED", vm->resched);
	xml_out_int(out, "STIME", vm->stime);
	xml_out_int(out, "ETIME", vm->etime);
	xml_out_text(out, "DEPLOY_ID", vm->deploy_id ? vm->deploy_id : "");
	if (vm->o.lock.level != LOCK_NONE) {
		xml_out_open(out, "LOCK");
		xml_out_int(out, "LOCKED", vm->o.lock.level);
		xml_out_close(out, "LOCK");
	}
	out_template(vm->o.tmpl, out);
	out_monitoring(vm->monitoring, out);
	out_user_template(user, out);
	xml_out_open(out, "HISTORY_RECORDS");
	if (vm->history)
		vm_history_brief(vm, vm->history, out);
	xml_out_close(out, "HISTORY_RECORDS");
	xml_out_close(out, "VM");
}

/* ---- JSON; all values are strings ---- */

static void json_text(struct strbuf *out, const char *name, const char *value)
{
	struct attr a = { .name = name, .value = value };
	struct tmpl one = { .first = &a };

	tmpl_to_json(&one, NULL, out);
	strbuf_lit(out, ", ");
}

static void json_int(struct strbuf *out, const char *name, long long value)
{
	strbuf_addc(out, '"');
	strbuf_adds(out, name);
	strbuf_lit(out, "\": \"");
	strbuf_addi(out, value);
	strbuf_lit(out, "\", ");
}

static void json_template(struct strbuf *out, const char *name, const struct tmpl *tmpl)
{
	static const char *const arrays[] = { "DISK", "NIC", NULL };

	strbuf_addc(out, '"');
	strbuf_adds(out, name);
	strbuf_lit(out, "\": {");
	tmpl_to_json(tmpl, arrays, out);
	strbuf_lit(out, "}");
}

static void json_history(const struct vm *vm, const struct vm_history *h, struct strbuf *out)
{
	strbuf_lit(out, ", \"HISTORY_RECORDS\": {\"HISTORY\": [{");
	json_int(out, "OID", vm->o.id);
	json_int(out, "SEQ", h->seq);
	json_text(out, "HOSTNAME", h->hostname);
	json_int(out, "HID", h->hid);
	json_int(out, "CID", h->cid);
	json_int(out, "STIME", h->stime);
	json_int(out, "ETIME", h->etime);
	json_text(out, "VM_MAD", h->vm_mad);
	json_text(out, "TM_MAD", h->tm_mad);
	json_int(out, "DS_ID", h->ds_id);
	json_int(out, "PSTIME", h->pstime);
	json_int(out, "PETIME", h->petime);
	json_int(out, "RSTIME", h->rstime);
	json_int(out, "RETIME", h->retime);
	json_int(out, "ESTIME", h->estime);
	json_int(out, "EETIME", h->eetime);
	json_int(out, "ACTION", h->action);
	json_int(out, "UID", h->uid);
	json_int(out, "GID", h->gid);
	strbuf_addf(out, "\"REQUEST_ID\": \"%d\"}]}", h->req_id);
}

static void brief_json(const struct vm *vm, const struct tmpl *user, struct strbuf *out)
{
	strbuf_lit(out, "{\"VM\": {");
	json_int(out, "ID", vm->o.id);
	json_int(out, "UID", vm->o.uid);
	json_int(out, "GID", vm->o.gid);
	json_text(out, "UNAME", vm->o.uname);
	json_text(out, "GNAME", vm->o.gname);
	json_text(out, "NAME", vm->o.name);
	json_int(out, "LAST_POLL", vm->last_poll);
	json_int(out, "STATE", vm->state);
	json_int(out, "LCM_STATE", vm->lcm_state);
	json_int(out, "PREV_STATE", vm->prev_state);
	json_int(out, "PREV_LCM_STATE", vm->prev_lcm_state);
	json_int(out, "RESCHED", vm->resched);
	json_int(out, "STIME", vm->stime);
	json_int(out, "ETIME", vm->etime);
	json_text(out, "DEPLOY_ID", vm->deploy_id ? vm->deploy_id : "");
	json_template(out, "TEMPLATE", vm->o.tmpl);
	strbuf_lit(out, ", ");
	json_template(out, "USER_TEMPLATE", user);
	if (vm->history)
		json_history(vm, vm->history, out);
	strbuf_lit(out, "}}");
}

void vm_brief(const struct object *o, struct strbuf *xml, struct strbuf *json)
{
	static const struct tmpl none;
	const struct vm *vm = (const struct vm *)o;
	const struct tmpl *user = vm->user ? vm->user : &none;

	brief_xml(vm, user, xml);
	if (json)
		brief_json(vm, user, json);
}
