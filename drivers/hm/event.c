/* Hook events (event.h). */
#include "drivers/hm/event.h"

#include <string.h>

#include "common/crypto.h"
#include "common/strbuf.h"
#include "common/xml.h"

#define EVENT_MAX (32u * 1024 * 1024)

static enum one_rc missing(const char *what, struct one_err *err)
{
	return one_err_set(err, ONE_INTERNAL, "The hook message has no %s", what);
}

static enum one_rc api_keys(struct arena *arena, const struct xnode *root, struct event_keys *out,
			    struct one_err *err)
{
	const char *call = xml_text(root, "CALL");
	const struct xnode *info = xml_child(root, "CALL_INFO");
	const char *result = info ? xml_text(info, "RESULT") : NULL;
	if (!call || !result)
		return missing("CALL or RESULT", err);
	out->keys[out->n++] = arena_printf(arena, "EVENT API %s %s", call, result);
	return ONE_OK;
}

static enum one_rc state_keys(struct arena *arena, const struct xnode *root, struct event_keys *out,
			      struct one_err *err)
{
	const char *object = xml_text(root, "HOOK_OBJECT"), *state = xml_text(root, "STATE");
	const char *id = xml_text(root, "RESOURCE_ID"), *service = xml_text(root, "SERVICE_ID");
	if (!object || !state || !id)
		return missing("HOOK_OBJECT, STATE or RESOURCE_ID", err);
	const char *lcm = strcmp(object, "VM") == 0 ? xml_text_or(root, "LCM_STATE", "") : "";
	out->keys[out->n++] = arena_printf(arena, "EVENT %s %s/%s/%s ", object, id, state, lcm);
	out->keys[out->n++] = arena_printf(arena, "EVENT STATE %s/%s/%s/%s ", object, state, lcm, id);
	if (service && *service)
		out->keys[out->n++] = arena_printf(arena, "EVENT SERVICE %s ", service);
	return ONE_OK;
}

static enum one_rc keys_of(struct arena *arena, const struct xnode *root, struct event_keys *out,
			   struct one_err *err)
{
	const char *type = xml_text_or(root, "HOOK_TYPE", "");
	if (strcmp(type, "API") == 0)
		return api_keys(arena, root, out, err);
	if (strcmp(type, "STATE") == 0)
		return state_keys(arena, root, out, err);
	out->keys[out->n++] = "EVENT ";
	return ONE_OK;
}

enum one_rc event_find_keys(struct arena *arena, const char *base64, struct event_keys *out,
			    struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct xnode *root;
	out->n = 0;
	enum one_rc rc = base64_decode(base64, strlen(base64), &text)
				 ? xml_parse(arena, text.buf, text.len, XML_MAX_DEPTH, EVENT_MAX, &root, err)
				 : one_err_set(err, ONE_INTERNAL, "The hook message is not base64");
	if (rc == ONE_OK)
		rc = keys_of(arena, root, out, err);
	strbuf_done(&text);
	return rc;
}
