/* mm_sched: start-up, options and signals. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/log.h"
#include "common/paths.h"
#include "scheduler/cycle.h"
#include "scheduler/loop.h"

struct options {
	const char *config_file, *endpoint, *auth_file, *events;
	bool check;
	int explain; /* a VM; -1: none */
};

static const char USAGE[] =
	"Usage: mm_sched [options]\n"
	"Places the pending virtual machines of an OpenNebula-compatible oned on its hosts.\n\n"
	"  -c, --config FILE      configuration instead of sched.conf in the system's place\n"
	"  -t, --check FILE       check a configuration, print its effective values, and end\n"
	"  -x, --explain VMID     say of each host and datastore whether that VM fits and why not, and end\n"
	"  -e, --endpoint URL     where oned answers, instead of ONE_XMLRPC of the configuration\n"
	"  -a, --auth FILE        file with user:password, instead of $ONE_AUTH or ~/.one/one_auth\n"
	"  -m, --events ENDPOINT  ZeroMQ endpoint of the hook manager, not HM_ENDPOINT; \"\" for none\n"
	"  -v, --version\n"
	"  -h, --help\n";

static const struct option LONG_OPTIONS[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", required_argument, NULL, 't' },
	{ "explain", required_argument, NULL, 'x' },
	{ "endpoint", required_argument, NULL, 'e' },
	{ "auth", required_argument, NULL, 'a' },
	{ "events", required_argument, NULL, 'm' },
	{ "version", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool parse_vm_id(const char *text, int *out)
{
	long long id;

	if (!value_int(text, &id) || id < 0 || id > INT32_MAX) {
		fprintf(stderr, "mm_sched: \"%s\" is not the ID of a VM\n", text);
		return false;
	}
	*out = (int)id;
	return true;
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){ .explain = -1 };
	while ((c = getopt_long(argc, argv, "c:t:x:e:a:m:vh", LONG_OPTIONS, NULL)) != -1) {
		switch (c) {
		case 't':
			o->check = true;
			o->config_file = optarg;
			break;
		case 'c':
			o->config_file = optarg;
			break;
		case 'x':
			if (!parse_vm_id(optarg, &o->explain))
				return 2;
			break;
		case 'e':
			o->endpoint = optarg;
			break;
		case 'a':
			o->auth_file = optarg;
			break;
		case 'm':
			o->events = optarg;
			break;
		case 'v':
			puts("mm_sched (Perigee), for OpenNebula 6.10");
			return 0;
		case 'h':
			fputs(USAGE, stdout);
			return 0;
		default:
			fputs(USAGE, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(USAGE, stderr);
		return 2;
	}
	return -1;
}

static int check_config(const struct conf *c)
{
	struct strbuf text = STRBUF_INIT;

	conf_print(c, &text);
	fputs(text.buf, stdout);
	strbuf_done(&text);
	return 0;
}

static bool open_log(const struct sched_conf *conf)
{
	struct arena arena = ARENA_INIT;
	struct one_err err = ONE_ERR_INIT;
	enum one_rc rc = log_open(conf->log_system, paths_join(&arena, PATHS_LOG, "sched.log"), "mm_sched",
				  conf->log_level, &err);

	if (rc != ONE_OK)
		fprintf(stderr, "mm_sched: %s\n", err.text);
	arena_done(&arena);
	return rc == ONE_OK;
}

/* All threads have these blocked; they arrive at the descriptor. */
static int open_signals(void)
{
	sigset_t mask;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int explain(const struct sched_conf *conf, struct connections *connections, int vm_id)
{
	struct api api = connections_api(connections);
	struct one_err err = ONE_ERR_INIT;
	struct strbuf report = STRBUF_INIT;
	struct cycle cycle;
	enum one_rc rc;

	cycle_init(&cycle, conf, &api);
	rc = connections_ready(connections, &err);
	if (rc == ONE_OK)
		rc = cycle_explain(&cycle, vm_id, &report, &err);
	if (rc == ONE_OK)
		fputs(report.buf, stdout);
	else
		fprintf(stderr, "mm_sched: %s\n", err.text);
	cycle_done(&cycle);
	strbuf_done(&report);
	return rc == ONE_OK ? 0 : 1;
}

static int serve(const struct sched_conf *conf, struct connections *connections, int signal_fd)
{
	struct one_err err = ONE_ERR_INIT;
	struct events *events;

	if (!open_log(conf))
		return 1;
	if (events_open(conf->events, &events, &err) != ONE_OK) {
		log_error("SCHED", "%s", err.text);
		fprintf(stderr, "mm_sched: %s\n", err.text);
		return 1;
	}
	log_info("SCHED", "Starting scheduler, oned at %s, events at %s", conf->endpoint,
		 *conf->events ? conf->events : "(none)");
	loop_run(conf, connections, events, signal_fd);
	log_info("SCHED", "Scheduler stopped");
	events_close(events);
	return 0;
}

static int run(const struct options *o, const struct conf *c)
{
	struct one_err err = ONE_ERR_INIT;
	struct sched_conf conf;
	struct connections connections;
	int signal_fd, status;

	if (sched_conf_read(c, &conf, &err) != ONE_OK) {
		fprintf(stderr, "mm_sched: %s\n", err.text);
		return 1;
	}
	if (o->check)
		return check_config(c);
	conf.endpoint = o->endpoint ? o->endpoint : conf.endpoint;
	conf.events = o->events ? o->events : conf.events;
	if (*conf.proxy)
		setenv("http_proxy", conf.proxy, 1);
	signal_fd = o->explain < 0 ? open_signals() : -1;
	connections_init(&connections, conf.endpoint, o->auth_file, conf.timeout_ms,
			 (size_t)conf.message_size, signal_fd);
	if (o->explain >= 0)
		status = explain(&conf, &connections, o->explain);
	else
		status = serve(&conf, &connections, signal_fd);
	connections_done(&connections);
	return status;
}

/* Every cycle reads the pools anew: what it takes for that stays for the next one, instead of going back to the kernel, which would clear it. */
static void keep_memory(void)
{
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

int main(int argc, char **argv)
{
	struct arena arena = ARENA_INIT;
	struct strbuf warnings = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct options o;
	struct conf c;
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	keep_memory();
	if (!o.config_file)
		o.config_file = paths_join(&arena, PATHS_ETC, "sched.conf");
	if (conf_load(&c, o.config_file, SCHED_CONF_KEYS, &warnings, &err) == ONE_OK) {
		fputs(warnings.buf, stderr);
		status = run(&o, &c);
		conf_done(&c);
	} else {
		fprintf(stderr, "mm_sched: %s\n", err.text);
		status = 1;
	}
	strbuf_done(&warnings);
	arena_done(&arena);
	return status;
}
