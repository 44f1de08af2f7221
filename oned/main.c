/* oned: start-up, signals, wiring. Reads as a checklist. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "oned/api/api.h"
#include "oned/api/call_event.h"
#include "oned/auth/acl.h"
#include "oned/bootstrap.h"
#include "oned/config.h"
#include "oned/core/monitor.h"
#include "oned/drivers/outlet.h"
#include "oned/drivers/start.h"
#include "oned/lifecycle/datastore.h"
#include "oned/lifecycle/hook.h"
#include "oned/lifecycle/market.h"
#include "oned/lifecycle/vm_schedule.h"
#include "oned/objects/encrypted.h"
#include "oned/objects/quota_check.h"
#include "oned/store/readers.h"
#include "oned/version.h"

static const char usage[] =
	"Usage: oned [-f] [-c FILE]\n"
	"The front-end daemon of Perigee, compatible with OpenNebula " ONE_VERSION ".\n\n"
	"  -f, --foreground   stay in the foreground (as service managers want it)\n"
	"  -i, --init-db      make the database and its first objects, then end\n"
	"  -c, --config FILE  configuration; default oned.conf in /etc/one or $ONE_LOCATION/etc\n"
	"  -t, --test FILE    check a configuration, print its effective values, then end\n"
	"      --api          print the table of all methods, then end\n"
	"  -v, --version      print the version, then end\n"
	"  -h, --help         print this, then end\n\n"
	"ONE_LOCATION  everything lies below this folder (etc, var, lib/mads) instead of /etc/one, /var/lib/one...\n"
	"ONE_AUTH      file with \"name:password\" of user 0; default ~/.one/one_auth\n"
	"Signals: TERM and INT end it orderly, HUP opens the log files anew.\n";

struct options { bool foreground, init_db, api; const char *config, *test; };

struct daemon {
	struct arena arena;
	struct paths paths;
	struct conf conf;
	int lock_fd;
	struct sql_config sql;
	struct store *store;
	struct outlet *outlet;
	struct core *core;
	struct api api;
	struct drivers drivers;
	struct vm_codec codec;
	struct vm_schedules schedules;
	struct http_server *http;
};

/* ---- the command line ---- */

static void parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "foreground", no_argument, NULL, 'f' }, { "init-db", no_argument, NULL, 'i' },
		{ "config", required_argument, NULL, 'c' }, { "test", required_argument, NULL, 't' },
		{ "api", no_argument, NULL, 'A' }, { "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "fic:t:vVh", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			o->foreground = true;
			break;
		case 'i':
			o->init_db = true;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 't':
			o->test = optarg;
			break;
		case 'A':
			o->api = true;
			break;
		case 'v':
		case 'V':
			printf("oned %s (OpenNebula %s)\n", PERIGEE_VERSION, ONE_VERSION);
			exit(0);
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "oned: unexpected argument '%s'\n%s", argv[optind], usage);
		exit(2);
	}
}

static int print_api(void)
{
	struct api api = { 0 };
	struct strbuf out = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;

	if (api_init(&api, &err))
		return 1;
	api_print(&out);
	fputs(out.buf, stdout);
	strbuf_done(&out);
	api_done(&api);
	return 0;
}

static int test_config(const char *path)
{
	struct strbuf out = STRBUF_INIT, warnings = STRBUF_INIT;
	struct one_err err = ONE_ERR_INIT;
	struct conf conf;

	if (conf_load(&conf, path, oned_keys, &warnings, &err)) {
		fprintf(stderr, "%soned: %s\n", warnings.buf, err.text);
		strbuf_done(&warnings);
		return 1;
	}
	fputs(warnings.buf, stderr);
	conf_print(&conf, &out);
	fputs(out.buf, stdout);
	strbuf_done(&out);
	strbuf_done(&warnings);
	conf_done(&conf);
	return 0;
}

/* ---- start-up, step by step ---- */

#define HEAP_STEP (64 * 1024 * 1024)

/* Versions come and go by the thousand: memory is taken from the system in large steps and kept, since each page fault costs more than the
 * work on the page. */
static void tune_memory(void)
{
	mallopt(M_TOP_PAD, HEAP_STEP);
	mallopt(M_TRIM_THRESHOLD, 4 * HEAP_STEP);
	mallopt(M_MMAP_THRESHOLD, HEAP_STEP);
}

static const char *vector_text(const struct conf *c, const char *key, const char *name, const char *dflt)
{
	const struct attr *v = conf_first(c, key);
	const char *text = v ? attr_get(v, name) : NULL;

	return text && *text ? text : dflt;
}

static enum one_rc read_config(struct daemon *d, const struct options *o, struct one_err *err)
{
	struct strbuf warnings = STRBUF_INIT;
	const char *path = o->config;
	enum one_rc rc;

	paths_find(&d->arena, &d->paths);
	if (!path)
		path = arena_printf(&d->arena, "%s/oned.conf", d->paths.etc);
	rc = conf_load(&d->conf, path, oned_keys, &warnings, err);
	fputs(warnings.buf, stderr);
	strbuf_done(&warnings);
	if (rc)
		return rc;
	if (*conf_string(&d->conf, "DATASTORE_LOCATION"))
		d->paths.datastores = conf_string(&d->conf, "DATASTORE_LOCATION");
	else
		tmpl_set(d->conf.values, "DATASTORE_LOCATION", d->paths.datastores);
	return rc;
}

static enum one_rc open_log(struct daemon *d, const struct options *o, struct one_err *err)
{
	const char *system = o->init_db ? "std" : vector_text(&d->conf, "LOG", "SYSTEM", "file");
	int level = atoi(vector_text(&d->conf, "LOG", "DEBUG_LEVEL", "3"));

	return log_open(system, arena_printf(&d->arena, "%s/oned.log", d->paths.log), "oned", (enum log_level)level, err);
}

/* One oned a VAR folder: the lock goes with the process, however it ends. */
static enum one_rc take_lock(struct daemon *d, struct one_err *err)
{
	const char *path = arena_printf(&d->arena, "%s/.lock_oned", d->paths.var);
	char text[32];

	d->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (d->lock_fd < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot open %s: %s", path, strerror(errno));
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB))
		return one_err_set(err, ONE_INTERNAL, "Another oned works in %s already (%s is locked)", d->paths.var, path);
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(d->lock_fd, 0) || write(d->lock_fd, text, strlen(text)) < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot write %s: %s", path, strerror(errno));
	return ONE_OK;
}

static enum one_rc open_store(struct daemon *d, struct one_err *err)
{
	const char *backend = vector_text(&d->conf, "DB", "BACKEND", "sqlite");
	struct sql_config sql = {
		.path = arena_printf(&d->arena, "%s/one.db", d->paths.var),
		.busy_timeout_ms = atoi(vector_text(&d->conf, "DB", "TIMEOUT", "2500")),
		.server = vector_text(&d->conf, "DB", "SERVER", "localhost"),
		.user = vector_text(&d->conf, "DB", "USER", "oneadmin"),
		.password = vector_text(&d->conf, "DB", "PASSWD", ""),
		.database = vector_text(&d->conf, "DB", "DB_NAME", "opennebula"),
		.socket = vector_text(&d->conf, "DB", "SOCKET", NULL),
		.port = atoi(vector_text(&d->conf, "DB", "PORT", "3306")),
		.timeout_ms = 30000,
	};
	const char *comment = "Perigee " PERIGEE_VERSION " daemon bootstrap";

	if (!strcmp(backend, "sqlite"))
		sql.backend = SQL_SQLITE;
	else if (!strcmp(backend, "mysql"))
		sql.backend = SQL_MARIADB;
	else
		return one_err_set(err, ONE_INTERNAL, "oned.conf: DB/BACKEND has to be sqlite or mysql, not '%s'", backend);
	d->sql = sql;
	d->api.readers = d->codec.readers = readers_new(&d->sql);
	return store_open(&sql, true, comment, &d->store, err);
}

static void on_publish(void *ctx, enum obj_type type, int id, const struct version *v)
{
	struct daemon *d = ctx;

	acl_index_publish(d->api.acl, type, id, v);
	if (type == OBJ_HOOK)
		call_events_hook(d->api.events, id, v);
	if (type == OBJ_SCHEDACTION)
		d->schedules.changed = true;
	if (type == OBJ_ZONE && id == d->api.zone)
		atomic_store(&d->api.zone_disabled, v && v->index.state == 1);
	if (type == OBJ_USER && d->drivers.external)
		auth_external_forget(d->drivers.external, id);
}

static enum one_rc load_core(struct daemon *d, struct one_err *err)
{
	struct core_outlets outlets;
	const char *one_key;
	enum one_rc rc;

	d->outlet = outlet_new();
	outlet_callbacks(d->outlet, &outlets);
	rc = core_new(d->store, &outlets, &d->conf, &d->core, err);
	if (rc)
		return rc;
	outlet_set_core(d->outlet, d->core);
	d->api.acl = acl_index_new();
	d->api.events = call_events_new();
	core_on_publish(d->core, on_publish, d);
	rc = core_load(d->core, err);
	if (!rc)
		rc = bootstrap(d->core, &d->paths, (int)conf_int(&d->conf, "PORT"), err);
	if (!rc)
		rc = quota_check(d->core, err);
	if (!rc)
		rc = hook_log_load(d->core, d->store, err);
	if (!rc)
		rc = bootstrap_one_key(&d->arena, &d->paths, &one_key, err);
	if (!rc)
		tmpl_set(d->conf.values, ENCRYPTION_KEY, one_key);
	return rc;
}

static enum one_rc start_api(struct daemon *d, struct one_err *err)
{
	struct api *a = &d->api;
	char host[256] = "localhost";

	a->core = d->core;
	a->monitor = core_monitor(d->core);
	a->conf = &d->conf;
	a->paths = &d->paths;
	a->default_umask = (unsigned)strtoul(arena_printf(&d->arena, "%lld", conf_int(&d->conf, "DEFAULT_UMASK")), NULL, 8);
	a->enable_other_permissions = conf_bool(&d->conf, "ENABLE_OTHER_PERMISSIONS");
	a->log_call_format = conf_string(&d->conf, "LOG_CALL_FORMAT");
	a->rpc_log = conf_bool(&d->conf, "RPC_LOG") ? arena_printf(&d->arena, "%s/one_xmlrpc.log", d->paths.log) : "";
	config_to_xml(&d->conf, false, &a->config_xml[0]);
	config_to_xml(&d->conf, true, &a->config_xml[1]);
	gethostname(host, sizeof(host) - 1);
	d->codec.core = d->core;
	d->codec.conf = &d->conf;
	d->codec.paths = &d->paths;
	d->codec.vm_mads = &d->drivers.vm_mads;
	d->codec.hostname = *conf_string(&d->conf, "HOSTNAME") ? conf_string(&d->conf, "HOSTNAME") : arena_strdup(&d->arena, host);
	return api_init(a, err);
}

static void publish_call(void *ctx, const char *base64)
{
	struct daemon *d = ctx;

	mads_send(d->drivers.mads, "hm", "hm", "EXECUTE", -1, base64, NULL);
}

static enum one_rc start_drivers(struct daemon *d, struct one_err *err)
{
	struct outlet_config outlet = { .codec = &d->codec };
	enum one_rc rc;

	if (mkdir(d->paths.vms, 0750) && errno != EEXIST)
		return one_err_set(err, ONE_INTERNAL, "Cannot make the folder %s: %s", d->paths.vms, strerror(errno));
	rc = config_for_drivers(&d->conf, &d->paths, err);
	if (!rc)
		rc = core_start(d->core, err);
	if (!rc)
		rc = drivers_start(&d->drivers, d->core, &d->conf, &d->paths, err);
	d->api.external = d->drivers.external;
	if (!rc && mads_has(d->drivers.mads, "hm", "hm")) {
		d->api.publish = publish_call;
		d->api.publish_ctx = d;
	}
	outlet.mads = d->drivers.mads;
	outlet.vms_location = !strcasecmp(vector_text(&d->conf, "LOG", "USE_VMS_LOCATION", "NO"), "YES");
	if (!rc)
		rc = outlet_start(d->outlet, &outlet, err);
	return rc;
}

static void start_timers(struct txn *t, void *arg)
{
	struct daemon *d = arg;

	datastore_monitor_start(t);
	market_monitor_start(t);
	vm_schedules_start(t, &d->schedules);
}

#define REQUEST_MAX(message_size) ((message_size) / 16)
#define SLOW_CONN 256 /* open beside MAX_CONN, for clients that are idle or slow: they cost memory, not time */

static enum one_rc start_http(struct daemon *d, struct one_err *err)
{
	const struct conf *c = &d->conf;
	struct http_config config = {
		.address = conf_string(c, "LISTEN_ADDRESS"), .port = (int)conf_int(c, "PORT"), .max_conn = (int)conf_int(c, "MAX_CONN") + SLOW_CONN,
		.backlog = (int)conf_int(c, "MAX_CONN_BACKLOG"), .keepalive_timeout_ms = (int)conf_int(c, "KEEPALIVE_TIMEOUT") * 1000,
		.keepalive_max = (int)conf_int(c, "KEEPALIVE_MAX_CONN"), .timeout_ms = (int)conf_int(c, "TIMEOUT") * 1000,
		.max_body = (size_t)REQUEST_MAX(conf_int(c, "MESSAGE_SIZE")), .loops = 2,
	};
	enum one_rc rc;

	config.max_buffered = config.max_body * 4;
	rc = core_run(d->core, start_timers, d, err);
	if (!rc)
		rc = http_start(&config, api_handle, &d->api, &d->http, err);
	if (!rc)
		log_info("ReM", "XML-RPC API on %s port %d", config.address, http_port(d->http));
	return rc;
}

/* ---- running ---- */

static void go_to_background(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	switch (fork()) {
	case -1:
		fprintf(stderr, "oned: fork: %s\n", strerror(errno));
		exit(1);
	case 0:
		break;
	default:
		_exit(0);
	}
	setsid();
	if (fd < 0)
		return;
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	close(fd);
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void wait_for_end(const sigset_t *set)
{
	int sig;

	for (;;) {
		if (sigwait(set, &sig))
			continue;
		if (sig != SIGHUP)
			break;
		log_reopen();
	}
	log_info("ONE", "Signal %d: stopping", sig);
}

static void stop_all(struct daemon *d)
{
	if (d->http)
		http_stop(d->http, 2000);
	/* What was committed still goes out; what drivers say from now on is asked again at the next start. */
	if (d->core)
		core_stop(d->core);
	if (d->outlet)
		outlet_stop(d->outlet);
	if (d->drivers.mads)
		drivers_stop(&d->drivers);
	if (d->core)
		core_free(d->core);
	if (d->api.acl)
		acl_index_free(d->api.acl);
	call_events_free(d->api.events);
	api_done(&d->api);
	readers_free(d->api.readers);
	if (d->store)
		store_close(d->store);
	conf_done(&d->conf);
	arena_done(&d->arena);
}

static enum one_rc start_all(struct daemon *d, const struct options *o, struct one_err *err)
{
	enum one_rc rc = take_lock(d, err);

	if (!rc)
		rc = open_store(d, err);
	if (!rc)
		rc = load_core(d, err);
	if (rc || o->init_db)
		return rc;
	rc = start_api(d, err);
	if (!rc)
		rc = start_drivers(d, err);
	if (!rc)
		rc = start_http(d, err);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct daemon d = { .lock_fd = -1 };
	struct one_err err = ONE_ERR_INIT;
	sigset_t signals;

	parse_options(argc, argv, &o);
	if (o.api)
		return print_api();
	if (o.test)
		return test_config(o.test);
	umask(0027);
	tune_memory();
	if (read_config(&d, &o, &err) || open_log(&d, &o, &err)) {
		fprintf(stderr, "oned: %s\n", err.text);
		return 1;
	}
	if (!o.foreground && !o.init_db)
		go_to_background();
	block_signals(&signals);
	log_info("ONE", "Starting oned %s (OpenNebula %s)", PERIGEE_VERSION, ONE_VERSION);
	if (start_all(&d, &o, &err)) {
		log_error("ONE", "%s", err.text);
		if (o.foreground || o.init_db)
			fprintf(stderr, "oned: %s\n", err.text);
		stop_all(&d);
		return 1;
	}
	if (!o.init_db)
		wait_for_end(&signals);
	stop_all(&d);
	return 0;
}
