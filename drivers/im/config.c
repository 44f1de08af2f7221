/* The configuration of onemonitord (config.h). */
#include "drivers/im/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/tmpl.h"
#include "common/xml.h"

#define FILE_MAX (1024u * 1024)

static const char *const log_fields[] = { "SYSTEM", "DEBUG_LEVEL", NULL };
static const char *const db_fields[] = { "CONNECTIONS", NULL };
static const char *const network_fields[] = {
	"ADDRESS", "MONITOR_ADDRESS", "PORT", "THREADS", "PUBKEY", "PRIKEY", NULL
};
static const char *const period_fields[] = {
	"BEACON_HOST", "SYSTEM_HOST", "MONITOR_HOST", "STATE_VM", "MONITOR_VM", "SYNC_STATE_VM", NULL
};
static const char *const mad_fields[] = {
	"NAME!", "EXECUTABLE!", "SUNSTONE_NAME", "ARGUMENTS", "THREADS", NULL
};

/* clang-format off */
static const struct conf_key keys[] = {
	{ "MANAGER_TIMER", CONF_INT, false, 1, 3600, "15", "s", "How often host timeouts are evaluated.", NULL },
	{ "MONITORING_INTERVAL_HOST", CONF_INT, false, 1, 86400, "180", "s",
	  "A host that is silent for so long gets its agent started anew.", NULL },
	{ "HOST_MONITORING_EXPIRATION_TIME", CONF_INT, false, 0, 315360000, "43200", "s",
	  "How long samples of hosts are kept; 0 keeps none.", NULL },
	{ "VM_MONITORING_EXPIRATION_TIME", CONF_INT, false, 0, 315360000, "43200", "s",
	  "How long samples of VMs are kept; 0 keeps none.", NULL },
	{ "DB", CONF_VECTOR, false, 0, 0, NULL, "", "Has no effect: only oned writes the database.", db_fields },
	{ "LOG", CONF_VECTOR, false, 0, 0, NULL, "", "Where the log goes and how much is written.", log_fields },
	{ "NETWORK", CONF_VECTOR, false, 0, 0, NULL, "", "Where agents send their messages, and the keys.", network_fields },
	{ "PROBES_PERIOD", CONF_VECTOR, false, 0, 0, NULL, "", "Seconds between the reports of agents.", period_fields },
	{ "IM_MAD", CONF_VECTOR, true, 0, 0, NULL, "", "A monitor driver.", mad_fields },
	{ NULL, CONF_INT, false, 0, 0, NULL, NULL, NULL, NULL },
};

static const struct { const char *field, *dflt; } periods[] = {
	{ "BEACON_HOST", "30" }, { "SYSTEM_HOST", "600" }, { "MONITOR_HOST", "120" },
	{ "STATE_VM", "5" }, { "MONITOR_VM", "30" }, { "SYNC_STATE_VM", "180" },
};
/* clang-format on */

static enum one_rc read_file(struct arena *arena, const char *path, const char **text, struct one_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot open %s: %s", path, strerror(errno));
	char *buf = arena_alloc(arena, FILE_MAX + 1);
	size_t len = 0;
	ssize_t n;
	while (len < FILE_MAX && (n = read(fd, buf + len, FILE_MAX - len)) > 0)
		len += (size_t)n;
	close(fd);
	*text = buf;
	return ONE_OK;
}

static const char *field_or(const struct attr *vector, const char *name, const char *dflt)
{
	const char *value = vector ? attr_get(vector, name) : NULL;
	return value && *value ? value : dflt;
}

static enum one_rc field_int(const struct attr *vector, const char *name, int dflt, int min, int max,
			     int *out, struct one_err *err)
{
	long long n = dflt;
	if (vector && attr_get(vector, name) && (!attr_get_int(vector, name, &n) || n < min || n > max))
		return one_err_set(err, ONE_INTERNAL, "%s: %s must be a number from %d to %d", vector->name,
				   name, min, max);
	*out = (int)n;
	return ONE_OK;
}

static enum one_rc read_network(struct im_config *c, struct one_err *err)
{
	const struct attr *network = conf_first(&c->conf, "NETWORK");
	c->address = field_or(network, "ADDRESS", "0.0.0.0");
	c->private_key = field_or(network, "PRIKEY", "");
	enum one_rc rc = field_int(network, "PORT", 4124, 1, 65535, &c->port, err);
	if (rc == ONE_OK)
		rc = field_int(network, "THREADS", 8, 1, 64, &c->threads, err);
	return rc;
}

/* Where oned keeps its datastores on hosts. Its other keys are none of our business, so they aren't
 * checked. */
static const char *datastore_location(struct im_config *c, const char *oned_path)
{
	struct one_err ignored = ONE_ERR_INIT;
	const char *text;
	struct tmpl *t = tmpl_new(&c->arena);
	const char *location = NULL;
	if (read_file(&c->arena, paths_join(&c->arena, PATHS_ETC, oned_path), &text, &ignored) == ONE_OK &&
	    tmpl_parse(t, text, &ignored) == ONE_OK)
		location = tmpl_get(t, "DATASTORE_LOCATION");
	return location ? location : paths_join(&c->arena, PATHS_VAR, "datastores");
}

static enum one_rc add_network(struct im_config *c, struct strbuf *xml, struct one_err *err)
{
	const struct attr *network = conf_first(&c->conf, "NETWORK");
	const char *key_file = field_or(network, "PUBKEY", "");
	const char *key = "";
	if (*key_file) {
		enum one_rc rc = read_file(&c->arena, key_file, &key, err);
		if (rc != ONE_OK)
			return rc;
	}
	char port[16];
	snprintf(port, sizeof(port), "%d", c->port);
	xml_out_open(xml, "NETWORK");
	xml_out_cdata(xml, "ADDRESS", c->address);
	xml_out_cdata(xml, "MONITOR_ADDRESS", field_or(network, "MONITOR_ADDRESS", "auto"));
	xml_out_cdata(xml, "PORT", port);
	xml_out_cdata(xml, "PUBKEY", key);
	xml_out_close(xml, "NETWORK");
	return ONE_OK;
}

static enum one_rc make_actions_xml(struct im_config *c, const char *oned_path, struct one_err *err)
{
	const struct attr *probes = conf_first(&c->conf, "PROBES_PERIOD");
	struct strbuf xml = STRBUF_INIT;
	xml_out_open(&xml, "MONITOR_CONFIGURATION");
	xml_out_cdata(&xml, "DATASTORE_LOCATION", datastore_location(c, oned_path));
	xml_out_int(&xml, "MANAGER_TIMER", c->timer_s);
	xml_out_int(&xml, "MONITORING_INTERVAL_HOST", c->interval_host_s);
	enum one_rc rc = add_network(c, &xml, err);
	xml_out_open(&xml, "PROBES_PERIOD");
	for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++)
		xml_out_cdata(&xml, periods[i].field, field_or(probes, periods[i].field, periods[i].dflt));
	xml_out_close(&xml, "PROBES_PERIOD");
	xml_out_close(&xml, "MONITOR_CONFIGURATION");
	c->actions_xml = arena_strndup(&c->arena, xml.buf, xml.len);
	strbuf_done(&xml);
	return rc;
}

static enum one_rc read_values(struct im_config *c, const char *oned_path, struct one_err *err)
{
	const struct attr *log = conf_first(&c->conf, "LOG");
	c->timer_s = (int)conf_int(&c->conf, "MANAGER_TIMER");
	c->interval_host_s = (int)conf_int(&c->conf, "MONITORING_INTERVAL_HOST");
	c->log_system = field_or(log, "SYSTEM", "FILE");
	c->expiration = arena_printf(
		&c->arena,
		"HOST_MONITORING_EXPIRATION_TIME = \"%lld\"\nVM_MONITORING_EXPIRATION_TIME = \"%lld\"\n",
		conf_int(&c->conf, "HOST_MONITORING_EXPIRATION_TIME"),
		conf_int(&c->conf, "VM_MONITORING_EXPIRATION_TIME"));
	enum one_rc rc = field_int(log, "DEBUG_LEVEL", 3, 0, 5, &c->debug_level, err);
	if (rc == ONE_OK)
		rc = read_network(c, err);
	if (rc == ONE_OK)
		rc = make_actions_xml(c, oned_path, err);
	return rc;
}

enum one_rc im_config_load(struct im_config *c, const char *path, const char *oned_path,
			   struct strbuf *warnings, struct one_err *err)
{
	memset(c, 0, sizeof(*c));
	const char *full = paths_join(&c->arena, PATHS_ETC, path);
	enum one_rc rc = conf_load(&c->conf, full, keys, warnings, err);
	if (rc != ONE_OK) {
		arena_done(&c->arena);
		return rc;
	}
	rc = read_values(c, oned_path, err);
	if (rc != ONE_OK)
		im_config_done(c);
	return rc;
}

void im_config_done(struct im_config *c)
{
	conf_done(&c->conf);
	arena_done(&c->arena);
}

const char *const *im_config_argv(struct im_config *c, const struct attr *im_mad)
{
	char *text = arena_strdup(&c->arena, field_or(im_mad, "ARGUMENTS", ""));
	const char **argv = arena_array(&c->arena, strlen(text) / 2 + 3, const char *);
	argv[0] = paths_join(&c->arena, PATHS_MADS, attr_get(im_mad, "EXECUTABLE"));
	int n = 1;
	char *save = NULL;
	for (char *word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		argv[n++] = word;
	return argv;
}
