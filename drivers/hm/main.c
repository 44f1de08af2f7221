/* one_hm: publishes what happens in oned to whoever subscribes (the hook executor, OneFlow), and passes
 * back to oned what hooks did (sockets: broker.h).
 *
 *   oned -> driver   EXECUTE -1 BASE64         something happened
 *                    RETRY   -1 BASE64 [ARGS]  a hook is to run again
 *   driver -> oned   EXECUTE SUCCESS|FAILURE HOOK_ID RC BASE64
 *                    SUBSCRIBED SUCCESS|FAILURE -1 API   somebody subscribes to events of API calls, or nobody: then oned needn't
 *                                                        make those that no hook is about */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common/driver.h"
#include "common/strbuf.h"
#include "drivers/hm/broker.h"

struct hm {
	struct driver *driver;
	struct broker_config config;
	struct broker *broker;
};

static void on_result(void *ctx, int exit_code, long long hook_id, const char *rest)
{
	struct hm *hm = ctx;
	struct strbuf info = STRBUF_INIT;
	strbuf_addf(&info, "%d %s", exit_code, rest);
	driver_send(hm->driver, "EXECUTE", exit_code == 0 ? "SUCCESS" : "FAILURE", hook_id, info.buf);
	strbuf_done(&info);
}

static void on_api(void *ctx, bool subscribed)
{
	struct hm *hm = ctx;
	driver_send(hm->driver, "SUBSCRIBED", subscribed ? "SUCCESS" : "FAILURE", -1, "API");
}

/* A published event has no answer: hooks that run because of it are reported one by one. */
static void log_failure(struct driver_call *call, enum one_rc rc, const struct one_err *err)
{
	if (rc != ONE_OK)
		driver_log(call->driver, 'E', call->id, err->text);
}

static void execute(struct driver_call *call)
{
	struct hm *hm = call->ctx;
	struct one_err err = ONE_ERR_INIT;
	log_failure(call, broker_event(hm->broker, call->payload, &err), &err);
}

static void retry(struct driver_call *call)
{
	struct hm *hm = call->ctx;
	struct one_err err = ONE_ERR_INIT;
	char *message = arena_strdup(&call->arena, call->payload);
	char *parameters = strchr(message, ' ');
	if (parameters)
		*parameters++ = '\0';
	log_failure(call, broker_retry(hm->broker, message, parameters ? parameters : "", &err), &err);
}

static void attach(void *ctx, struct driver *driver)
{
	struct hm *hm = ctx;
	hm->driver = driver;
}

static enum one_rc init(void *ctx, int argc, char **argv, struct one_err *err)
{
	struct hm *hm = ctx;
	(void)argc;
	(void)argv;
	return broker_start(&hm->config, &hm->broker, err);
}

/* Without a broker: nothing but INIT was asked for yet. */
static void handled(void *ctx)
{
	struct hm *hm = ctx;
	if (hm->broker)
		broker_flush(hm->broker);
}

static void finalize(void *ctx)
{
	struct hm *hm = ctx;
	broker_stop(hm->broker);
}

static bool number(const char *arg, long max, int *out)
{
	char *end;
	long n = strtol(arg, &end, 10);
	if (end == arg || *end || n < 1 || n > max)
		return false;
	*out = (int)n;
	return true;
}

static bool option(void *ctx, int opt, const char *arg)
{
	struct hm *hm = ctx;
	if (opt == 'p')
		return number(arg, 65535, &hm->config.publisher_port);
	if (opt == 'l')
		return number(arg, 65535, &hm->config.listener_port);
	if (opt == 'h')
		return number(arg, 10000000, &hm->config.high_water_mark);
	hm->config.bind = arg;
	return opt == 'b' && strlen(arg) < 64;
}

int main(int argc, char **argv)
{
	struct hm hm = {
		.config = { .bind = "127.0.0.1",
			    .publisher_port = 2101,
			    .listener_port = 2102,
			    .result = on_result,
			    .api = on_api },
	};
	hm.config.ctx = &hm;
	static const struct driver_action actions[] = { { "EXECUTE", execute },
							{ "RETRY", retry },
							{ NULL, NULL } };
	static const struct option long_options[] = {
		{ "publisher-port", required_argument, NULL, 'p' },
		{ "logger-port", required_argument, NULL, 'l' },
		{ "hwm", required_argument, NULL, 'h' },
		{ "bind", required_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 },
	};
	const struct driver_config config = {
		.name = "one_hm",
		.help = "Publishes events to subscribers of a ZeroMQ socket, and reports hooks that ran.\n"
			"  -p, --publisher-port PORT  events (default 2101)\n"
			"  -l, --logger-port PORT     results of hooks (default 2102)\n"
			"  -b, --bind ADDRESS         of both (default 127.0.0.1)\n"
			"  -h, --hwm N                messages kept for a slow subscriber (default: ZeroMQ's)\n",
		.actions = actions,
		.threads = 1,
		.ordered = true, /* events are published in the order they happened */
		.ctx = &hm,
		.attach = attach,
		.init = init,
		.handled = handled,
		.finalize = finalize,
		.options = "p:l:h:b:",
		.long_options = long_options,
		.option = option,
	};
	return driver_main(&config, argc, argv);
}
