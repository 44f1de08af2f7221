/* Actions on datastores and images (action.h). */
#include "drivers/datastore/action.h"

#include <ctype.h>
#include <string.h>

#include "common/crypto.h"
#include "common/driver.h"
#include "common/strbuf.h"
#include "common/xml.h"

#define MESSAGE_MAX (16u * 1024 * 1024)
#define TYPE_SYSTEM 1

/* clang-format off */
static const struct { const char *action, *answer; } dummy_answers[] = {
	{ "STAT",              "1024" },
	{ "CP",                "dummy_path dummy_format" },
	{ "MKFS",              "dummy_path" },
	{ "CLONE",             "dummy_path" },
	{ "RESTORE",           "0 dummy_image" },
	{ "MONITOR",           "USED_MB=9720\nTOTAL_MB=20480\nFREE_MB=20480\n" },
	{ "RM",                "" },
	{ "SNAP_DELETE",       "" },
	{ "SNAP_REVERT",       "" },
	{ "SNAP_FLATTEN",      "" },
	{ "INCREMENT_FLATTEN", "" },
};
/* clang-format on */

const char *ds_dummy_answer(const char *action, bool system)
{
	if (system)
		return "USED_MB=1429920\nFREE_MB=3333260\nTOTAL_MB=4796800\n";
	for (size_t i = 0; i < sizeof(dummy_answers) / sizeof(dummy_answers[0]); i++)
		if (strcmp(dummy_answers[i].action, action) == 0)
			return dummy_answers[i].answer;
	return NULL;
}

static enum one_rc read_message(struct arena *arena, const char *drv_action, const struct xnode **datastore,
				struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct xnode *root = NULL;
	bool decoded = base64_decode(drv_action, strlen(drv_action), &text);
	enum one_rc rc =
		decoded ? xml_parse(arena, text.buf, text.len, XML_MAX_DEPTH, MESSAGE_MAX, &root, err)
			: one_err_set(err, ONE_ACTION, "not base64");
	strbuf_done(&text);
	*datastore = root ? xml_child(root, "DATASTORE") : NULL;
	if (rc != ONE_OK)
		one_err_prefix(err, "Cannot read the message: ");
	else if (!*datastore)
		rc = one_err_set(err, ONE_ACTION, "Cannot read the message: it has no datastore");
	return rc;
}

static char *lower_case(struct arena *arena, const char *s)
{
	char *lower = arena_strdup(arena, s);
	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return lower;
}

static enum one_rc check_listed(const char *list, const char *mad, bool system, struct one_err *err)
{
	if (driver_is_name(mad) && (!list || driver_list_has(list, mad)))
		return ONE_OK;
	return one_err_set(err, ONE_ACTION, system ? "System datastore driver '%s' not available"
						   : "Datastore driver '%s' not available", mad);
}

enum one_rc ds_find_target(struct arena *arena, const struct ds_drivers *drivers, const char *action,
			   const char *drv_action, struct ds_target *out, struct one_err *err)
{
	const struct xnode *datastore;
	enum one_rc rc = read_message(arena, drv_action, &datastore, err);
	if (rc != ONE_OK)
		return rc;
	out->system = strcmp(action, "MONITOR") == 0 && xml_int(datastore, "TYPE", 0) == TYPE_SYSTEM;
	out->mad = xml_text_or(datastore, out->system ? "TM_MAD" : "DS_MAD", "");
	rc = check_listed(out->system ? drivers->system_mads : drivers->image_mads, out->mad, out->system,
			  err);
	out->program = NULL;
	if (rc == ONE_OK && strcmp(out->mad, "dummy") != 0)
		out->program =
			arena_printf(arena, "%s/%s/%s/%s", drivers->remotes, out->system ? "tm" : "datastore",
				     out->mad, lower_case(arena, action));
	return rc;
}
