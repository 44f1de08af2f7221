/* one_datastore: images and the datastores they lie in. Each action is a program of the datastore's
 * driver (action.h); the driver "dummy" is answered here, without starting a process. */
#include <getopt.h>
#include <string.h>

#include "common/crypto.h"
#include "common/driver.h"
#include "common/paths.h"
#include "drivers/datastore/action.h"

struct datastore {
	struct ds_drivers drivers;
	int timeout_ms; /* of one action; 0: none */
	struct arena arena;
};

/* Info of MONITOR travels as base64, because it has several lines; errors too. */
static void answer(struct driver_call *call, enum one_rc rc, struct strbuf *info)
{
	struct strbuf packed = STRBUF_INIT;
	strbuf_trim(info);
	if (strcmp(call->action, "MONITOR") == 0)
		base64_encode(info->buf, info->len, &packed);
	else
		strbuf_add(&packed, info->buf, info->len);
	if (rc == ONE_OK)
		driver_success(call, packed.buf);
	else
		driver_failure(call, "%s", packed.buf);
	strbuf_done(&packed);
}

static enum one_rc run_target(struct driver_call *call, const struct ds_target *target, struct strbuf *out,
			      struct one_err *err)
{
	const struct datastore *ds = call->ctx;
	if (target->program) {
		const char *argv[] = { target->program, arena_printf(&call->arena, "%lld", call->id), NULL };
		return driver_run_script(call, argv, call->payload, strlen(call->payload), ds->timeout_ms,
					 out, err);
	}
	const char *dummy = ds_dummy_answer(call->action, target->system);
	if (!dummy)
		return one_err_set(err, ONE_ACTION, "%s is not supported by the dummy driver", call->action);
	strbuf_adds(out, dummy);
	return ONE_OK;
}

static void run_action(struct driver_call *call)
{
	const struct datastore *ds = call->ctx;
	struct strbuf info = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct ds_target target;
	enum one_rc rc =
		ds_find_target(&call->arena, &ds->drivers, call->action, call->payload, &target, &err);
	if (rc == ONE_OK)
		rc = run_target(call, &target, &info, &err);
	if (rc != ONE_OK) {
		strbuf_reset(&info);
		strbuf_adds(&info, err.text);
	}
	answer(call, rc, &info);
	strbuf_done(&info);
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct datastore *ds = ctx;
	if (opt == 'd')
		ds->drivers.image_mads = arg;
	else if (opt == 's')
		ds->drivers.system_mads = arg;
	else
		return driver_option_seconds(arg, &ds->timeout_ms);
	return true;
}

int main(int argc, char **argv)
{
	struct datastore ds = { .drivers = { .system_mads = "shared,ssh,ceph" }, .arena = ARENA_INIT };
	ds.drivers.remotes = paths_join(&ds.arena, PATHS_REMOTES, NULL);
	static const struct driver_action actions[] = {
		{ "STAT", run_action },         { "CP", run_action },          { "CLONE", run_action },
		{ "MKFS", run_action },         { "RM", run_action },          { "MONITOR", run_action },
		{ "SNAP_DELETE", run_action },  { "SNAP_REVERT", run_action }, { "SNAP_FLATTEN", run_action },
		{ "RESTORE", run_action },      { "INCREMENT_FLATTEN", run_action },
		{ NULL, NULL },
	};
	static const struct option long_options[] = {
		{ "ds-types", required_argument, NULL, 'd' },
		{ "system-ds-types", required_argument, NULL, 's' },
		{ "timeout", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	const struct driver_config config = {
		.name = "one_datastore",
		.help = "Copies, makes, removes and measures images with the drivers under remotes/datastore.\n"
			"  -d LIST          drivers that may be used (default: all there are)\n"
			"  -s LIST          transfer drivers of system datastores (default: shared,ssh,ceph)\n"
			"  -w SECONDS       deadline of an action (default: none)\n",
		.actions = actions,
		.threads = 15,
		.ctx = &ds,
		.options = "d:s:w:",
		.long_options = long_options,
		.option = option,
	};
	int status = driver_main(&config, argc, argv);
	arena_done(&ds.arena);
	return status;
}
