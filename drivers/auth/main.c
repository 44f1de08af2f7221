/* one_auth_mad: asks the programs of authentication drivers, remotes/auth/DRIVER/authenticate, whether a
 * user is who he says (requests: request.h). Ours are made of drivers/authn. */
#include <getopt.h>
#include <string.h>

#include "common/driver.h"
#include "common/paths.h"
#include "drivers/auth/request.h"

struct auth {
	const char *authn; /* list of drivers; NULL: all there are */
	const char *authz; /* driver of AUTHORIZE; NULL: oned's own rules stand */
	int timeout_ms;
	struct arena arena;
	const char *programs; /* directory */
};

/* A program's answer is what it prints. */
static void run_program(struct driver_call *call, const char *path, struct strbuf *in)
{
	const struct auth *auth = call->ctx;
	const char *argv[] = { path, NULL };
	struct strbuf out = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	enum one_rc rc = driver_run_script(call, argv, in->buf, in->len, auth->timeout_ms, &out, &err);
	strbuf_trim(&out);
	if (rc == ONE_OK)
		driver_success(call, out.buf);
	else
		driver_failure(call, "%s", err.text);
	explicit_bzero(in->buf, in->len);
	strbuf_done(in);
	strbuf_done(&out);
}

static void ask_driver(struct driver_call *call, const struct authn_request *r)
{
	const struct auth *auth = call->ctx;
	struct strbuf text = STRBUF_INIT;
	authn_xml(r, &text);
	run_program(call, arena_printf(&call->arena, "%s/%s/authenticate", auth->programs, r->driver), &text);
}

static void authenticate(struct driver_call *call)
{
	const struct auth *auth = call->ctx;
	struct authn_request r;
	struct one_err err = ONE_ERR_INIT;
	if (authn_parse(&call->arena, call->payload, &r, &err) != ONE_OK)
		driver_failure(call, "%s", err.text);
	else if (auth->authn && !driver_list_has(auth->authn, r.driver))
		driver_failure(call, "Authentication driver '%s' not available", r.driver);
	else
		ask_driver(call, &r);
}

static void authorize(struct driver_call *call)
{
	const struct auth *auth = call->ctx;
	struct strbuf xml = STRBUF_INIT;
	bool granted;
	authz_xml(&call->arena, call->payload, &xml, &granted);
	if (auth->authz) {
		run_program(call, arena_printf(&call->arena, "%s/%s/authorize", auth->programs, auth->authz),
			    &xml);
		return;
	}
	strbuf_done(&xml);
	if (granted)
		driver_success(call, "");
	else
		driver_failure(call, "-");
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct auth *auth = ctx;
	if (opt == 'n')
		auth->authn = arg;
	else if (opt == 'z')
		auth->authz = arg;
	else
		return driver_option_seconds(arg, &auth->timeout_ms);
	return opt == 'n' || driver_is_name(arg);
}

int main(int argc, char **argv)
{
	struct auth auth = { .arena = ARENA_INIT };
	auth.programs = paths_join(&auth.arena, PATHS_REMOTES, "auth");
	static const struct driver_action actions[] = {
		{ "AUTHENTICATE", authenticate }, { "AUTHORIZE", authorize }, { NULL, NULL }
	};
	static const struct option long_options[] = {
		{ "authn", required_argument, NULL, 'n' },
		{ "authz", required_argument, NULL, 'z' },
		{ "timeout", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	const struct driver_config config = {
		.name = "one_auth_mad",
		.help = "Asks the programs under remotes/auth whether a user is who he says, and what he may.\n"
			"  -n, --authn LIST   authentication drivers that may be used (default: all there are)\n"
			"  -z, --authz NAME   the driver that is asked for authorisation (default: oned's rules stand)\n"
			"  -w, --timeout SECONDS  deadline of a program (default: none)\n",
		.actions = actions,
		.threads = 15,
		.ctx = &auth,
		.options = "n:z:w:",
		.long_options = long_options,
		.option = option,
	};
	int status = driver_main(&config, argc, argv);
	arena_done(&auth.arena);
	return status;
}
