/* one_tm: moves VM disks. oned sends TRANSFER with a script file (transfer.h); each line is a program of a
 * storage driver under remotes/tm, run one after the other until one fails. Lines for the driver "dummy" are
 * answered here, without starting a process. */
#include <getopt.h>
#include <string.h>

#include "common/driver.h"
#include "common/paths.h"
#include "drivers/tm/transfer.h"

struct tm {
	const char *mads;  /* list of -d; NULL: every folder in remotes/tm */
	int timeout_ms;    /* of one step; 0: none */
	struct arena arena;
	const char *base;
};

static enum one_rc run_step(struct driver_call *call, const struct transfer_step *step, struct one_err *err)
{
	const struct tm *tm = call->ctx;
	if (tm->mads && !driver_list_has(tm->mads, step->mad))
		return one_err_set(err, ONE_ACTION, "Transfer Driver '%s' not available", step->mad);
	if (strcmp(step->mad, "dummy") == 0)
		return transfer_dummy(step, err);
	const char **argv = arena_array(&call->arena, step->n_args + 2, const char *);
	enum one_rc rc = transfer_program(&call->arena, tm->base, step, &argv[0], err);
	if (rc != ONE_OK)
		return rc;
	memcpy(argv + 1, step->args, (size_t)step->n_args * sizeof(*argv));
	return driver_run_script(call, argv, NULL, 0, tm->timeout_ms, NULL, err);
}

static void run_transfer(struct driver_call *call)
{
	struct one_err err = ONE_ERR_INIT;
	struct transfer_step *step = NULL;
	enum one_rc rc = transfer_load(&call->arena, call->payload, &step, &err);
	for (; rc == ONE_OK && step && !driver_cancelled(call); step = step->next)
		rc = run_step(call, step, &err);
	if (rc == ONE_OK)
		driver_success(call, "");
	else
		driver_failure(call, "%s", err.text);
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct tm *tm = ctx;
	if (opt == 'd') {
		tm->mads = arg;
		return true;
	}
	return opt == 'w' && driver_option_seconds(arg, &tm->timeout_ms);
}

int main(int argc, char **argv)
{
	struct tm tm = { .arena = ARENA_INIT };
	tm.base = paths_join(&tm.arena, PATHS_REMOTES, "tm");
	static const struct driver_action actions[] = { { "TRANSFER", run_transfer }, { NULL, NULL } };
	static const struct option long_options[] = { { "tm-types", required_argument, NULL, 'd' },
						      { "timeout", required_argument, NULL, 'w' },
						      { NULL, 0, NULL, 0 } };
	const struct driver_config config = {
		.name = "one_tm",
		.help = "Runs transfer scripts with the storage drivers under remotes/tm.\n"
			"  -d LIST          storage drivers that may be used (default: all there are)\n"
			"  -w SECONDS       deadline of one step (default: none)\n",
		.actions = actions,
		.threads = 15,
		.ctx = &tm,
		.options = "d:w:",
		.long_options = long_options,
		.option = option,
	};
	int status = driver_main(&config, argc, argv);
	arena_done(&tm.arena);
	return status;
}
