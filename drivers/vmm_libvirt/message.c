/* Takes the message of a VMM action apart; see message.h. */
#include "drivers/vmm_libvirt/message.h"

#include <stdbool.h>
#include <strings.h>
#include "common/crypto.h"

#define MESSAGE_MAX_BYTES (48u * 1024 * 1024)
#define NETWORK_MADS_MAX 64

static const char *child_text(const struct xnode *root, const char *name)
{
	return xml_text_or(root, name, "");
}

enum one_rc message_parse(struct arena *arena, const char *payload, struct message *m, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct one_err why = ONE_ERR_INIT;
	struct xnode *root = NULL;

	if (!base64_decode(payload, strlen(payload), &text)) {
		strbuf_done(&text);
		return one_err_set(err, ONE_ACTION, "The driver message is not base64");
	}
	const char *copy = arena_strndup(arena, text.buf, text.len);
	size_t len = text.len;
	strbuf_done(&text);
	if (xml_parse(arena, copy, len, XML_MAX_DEPTH, MESSAGE_MAX_BYTES, &root, &why) != ONE_OK)
		return one_err_set(err, ONE_ACTION, "Cannot read the driver message: %s", why.text);
	*m = (struct message){
		.arena = arena,
		.host = child_text(root, "HOST"),
		.migr_host = child_text(root, "MIGR_HOST"),
		.deploy_id = child_text(root, "DEPLOY_ID"),
		.local_dfile = child_text(root, "LOCAL_DEPLOYMENT_FILE"),
		.remote_dfile = child_text(root, "REMOTE_DEPLOYMENT_FILE"),
		.checkpoint = child_text(root, "CHECKPOINT_FILE"),
		.tm_command = child_text(root, "TM_COMMAND"),
		.tm_rollback = child_text(root, "TM_COMMAND_ROLLBACK"),
		.disk_path = child_text(root, "DISK_TARGET_PATH"),
		.sg_id = child_text(root, "SECURITY_GROUP_ID"),
		.vnet_id = child_text(root, "VIRTUAL_NETWORK_ID"),
		.vm = xml_child(root, "VM"),
		.datastore = xml_child(root, "DATASTORE"),
		.text = copy,
		.text_len = len,
	};
	m->tmpl = m->vm != NULL ? xml_child(m->vm, "TEMPLATE") : NULL;
	if (*m->host == '\0')
		return one_err_set(err, ONE_ACTION, "Cannot perform the action, expecting HOST");
	if (m->tmpl == NULL)
		return one_err_set(err, ONE_ACTION, "Cannot perform the action, expecting VM/TEMPLATE");
	return ONE_OK;
}

const char *message_value(const struct message *m, const char *vector, const char *flag, const char *name)
{
	for (const struct xnode *n = xml_child(m->tmpl, vector); n != NULL; n = xml_next(n)) {
		if (flag == NULL || strcasecmp(child_text(n, flag), "YES") == 0)
			return child_text(n, name);
	}
	return "";
}

void message_print(const struct xnode *n, struct strbuf *out)
{
	if (n->first == NULL) {
		xml_out_cdata(out, n->name, n->text);
		return;
	}
	xml_out_open(out, n->name);
	for (const struct xnode *kid = n->first; kid != NULL; kid = kid->next)
		message_print(kid, out);
	xml_out_close(out, n->name);
}

static const char *const nic_vectors[] = { "NIC", "NIC_ALIAS", "PCI", NULL };

static bool listed(const char *const *list, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

const char *const *message_network_mads(const struct message *m)
{
	const char **list = arena_array(m->arena, NETWORK_MADS_MAX + 1, const char *);
	int n = 0;

	for (const char *const *v = nic_vectors; *v != NULL; v++) {
		for (const struct xnode *nic = xml_child(m->tmpl, *v); nic != NULL; nic = xml_next(nic)) {
			const char *mad = child_text(nic, "VN_MAD");
			if (*mad != '\0' && n < NETWORK_MADS_MAX && !listed(list, n, mad))
				list[n++] = mad;
		}
	}
	return list;
}

static void print_all(const struct xnode *parent, const char *name, struct strbuf *out)
{
	for (const struct xnode *n = xml_child(parent, name); n != NULL; n = xml_next(n))
		message_print(n, out);
}

static void print_nics(const struct message *m, struct strbuf *out)
{
	for (const char *const *v = nic_vectors; *v != NULL; v++) {
		for (const struct xnode *nic = xml_child(m->tmpl, *v); nic != NULL; nic = xml_next(nic)) {
			if (*child_text(nic, "VN_MAD") != '\0')
				message_print(nic, out);
		}
	}
}

static void print_history(const struct message *m, struct strbuf *out)
{
	static const char *const wanted[] = { "HOSTNAME", "HID", "DS_ID", "VM_MAD" };
	const struct xnode *records = xml_child(m->vm, "HISTORY_RECORDS");

	xml_out_open(out, "HISTORY_RECORDS");
	for (const struct xnode *h = records != NULL ? xml_child(records, "HISTORY") : NULL; h != NULL; h = xml_next(h)) {
		xml_out_open(out, "HISTORY");
		for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			print_all(h, wanted[i], out);
		xml_out_close(out, "HISTORY");
	}
	xml_out_close(out, "HISTORY_RECORDS");
}

void message_network_xml(const struct message *m, struct strbuf *out)
{
	xml_out_open(out, "VM");
	print_all(m->vm, "ID", out);
	print_all(m->vm, "DEPLOY_ID", out);
	print_all(m->vm, "USER_TEMPLATE", out);
	xml_out_open(out, "TEMPLATE");
	print_all(m->tmpl, "CONTEXT", out);
	print_all(m->tmpl, "SECURITY_GROUP_RULE", out);
	print_all(m->tmpl, "VNET_UPDATE", out);
	print_nics(m, out);
	xml_out_close(out, "TEMPLATE");
	print_history(m, out);
	xml_out_close(out, "VM");
}
