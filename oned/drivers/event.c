#include "oned/drivers/event.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/crypto.h"
#include "common/xml.h"
#include "oned/objects/host.h"
#include "oned/objects/image_state.h"
#include "oned/objects/vm.h"
#include "oned/objects/vnet.h"

static const char *state_name(const struct version *v)
{
	int state = v->index.state;

	if (v->ops->type == OBJ_VM)
		return vm_state_name((enum vm_state)state);
	if (v->ops->type == OBJ_HOST)
		return host_state_name((enum host_state)state);
	if (v->ops->type == OBJ_IMAGE)
		return image_state_name((enum image_state)state);
	assert(v->ops->type == OBJ_NET);
	return vnet_state_name((enum vnet_state)state);
}

/* The text of an element in our own XML, after the place where another begins; "" when it isn't there. */
static const char *element_text(const char *body, const char *after, const char *open, char *out, size_t size)
{
	const char *at = strstr(body, after), *end;

	at = at ? strstr(at, open) : NULL;
	at = at ? at + strlen(open) : "";
	if (!strncmp(at, "<![CDATA[", 9))
		at += 9;
	end = at + strcspn(at, "<]");
	snprintf(out, size, "%.*s", (int)(end - at), at);
	return out;
}

/* Not parsed: VMs' events are many, and this is all that is needed of the body. */
static void add_vm(const struct version *v, struct strbuf *xml)
{
	char service[64], host[300];

	element_text(v->body, "<USER_TEMPLATE>", "<SERVICE_ID>", service, sizeof(service));
	element_text(v->body, "<HISTORY_RECORDS>", "<HOSTNAME>", host, sizeof(host));
	xml_out_text(xml, "LCM_STATE", vm_lcm_name((enum vm_lcm)v->index.lcm_state));
	if (*service)
		xml_out_text(xml, "SERVICE_ID", service);
	if (*host)
		xml_out_text(xml, "REMOTE_HOST", host);
	else
		strbuf_lit(xml, "<REMOTE_HOST/>");
}

void event_message(const struct version *v, struct strbuf *payload)
{
	struct strbuf xml = STRBUF_INIT;

	strbuf_grow(&xml, v->body_len + 512);
	strbuf_lit(&xml, "<HOOK_MESSAGE><HOOK_TYPE>STATE</HOOK_TYPE>");
	xml_out_text(&xml, "HOOK_OBJECT", v->ops->token);
	xml_out_text(&xml, "STATE", state_name(v));
	if (v->ops->type == OBJ_VM)
		add_vm(v, &xml);
	if (v->ops->type == OBJ_HOST)
		xml_out_text(&xml, "REMOTE_HOST", v->name);
	xml_out_int(&xml, "RESOURCE_ID", v->id);
	strbuf_add(&xml, v->body, v->body_len);
	xml_out_close(&xml, "HOOK_MESSAGE");
	base64_encode(xml.buf, xml.len, payload);
	strbuf_done(&xml);
}
