#include "oned/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/paths.h"

#define INT(key, low, high, value, of, text) { .name = key, .type = CONF_INT, .min = low, .max = high, .dflt = value, .unit = of, .doc = text }
#define STR(key, value, text) { .name = key, .type = CONF_STRING, .dflt = "\"" value "\"", .unit = "", .doc = text }
#define YES_NO(key, value, text) { .name = key, .type = CONF_BOOL, .dflt = value, .unit = "", .doc = text }
#define VEC(key, value, text) { .name = key, .type = CONF_VECTOR, .dflt = value, .unit = "", .doc = text }
#define VECS(key, text) { .name = key, .type = CONF_VECTOR, .multiple = true, .unit = "", .doc = text }
#define LIST(key, text) { .name = key, .type = CONF_STRING, .multiple = true, .unit = "", .doc = text }

/* clang-format off */
const struct conf_key oned_keys[] = {
	/* the daemon */
	VEC("LOG", "[ SYSTEM = \"file\", DEBUG_LEVEL = \"3\", USE_VMS_LOCATION = \"NO\" ]",
	    "Where oned logs (file, std or syslog), how much (0 errors ... 5 everything), and whether a VM's log lies in its own folder."),
	INT("PORT", 0, 65535, "2633", "", "TCP port of the XML-RPC API; 0 takes any free one and logs it."),
	STR("LISTEN_ADDRESS", "0.0.0.0", "Address the API listens on."),
	STR("HOSTNAME", "", "Name of this front-end as others reach it; empty: what the system says."),
	VEC("DB", "[ BACKEND = \"sqlite\", TIMEOUT = \"2500\" ]",
	    "The database: BACKEND sqlite (TIMEOUT in ms), or mysql with SERVER, PORT, USER, PASSWD, DB_NAME and SOCKET."),
	INT("MAX_CONN", 1, 65000, "15", "", "Connections beside 256 for clients that are idle or slow; when all are taken, the idle and slow ones are closed first."),
	INT("MAX_CONN_BACKLOG", 1, 65000, "15", "", "Connections that wait to be accepted."),
	INT("KEEPALIVE_TIMEOUT", 1, 86400, "15", "s", "How long an idle connection is kept."),
	INT("KEEPALIVE_MAX_CONN", 0, 1000000000, "30", "", "Requests a connection may carry; 0: no limit."),
	INT("TIMEOUT", 1, 86400, "15", "s", "Time for a request's header, for its body, and for each progress of an answer."),
	YES_NO("RPC_LOG", "NO", "Whether each request is noted in one_xmlrpc.log (never its secrets)."),
	INT("MESSAGE_SIZE", 65536, 2147483647, "1073741824", "bytes", "Largest answer a client of ours reads; requests are limited to a 16th of it, 64 MB by default."),
	STR("LOG_CALL_FORMAT", "Req:%i UID:%u IP:%A %m invoked %l", "Line that is logged for each call: %i id, %m method, %u/%U user, %g/%G group, %l parameters, %A/%P client; %p and %a show as ****."),
	INT("MONITORING_INTERVAL_DATASTORE", 1, 2147483647, "300", "s", "How often datastores are measured."),
	INT("DS_MONITOR_VM_DISK", 0, 1000000, "10", "", "Each so manieth measuring of a datastore looks at the disks of its VMs too; 0: never."),
	INT("MANAGER_TIMER", 1, 86400, "15", "s", "When a scheduled action that failed is tried again. All else runs when it is due."),
	YES_NO("VM_SUBMIT_ON_HOLD", "NO", "Whether every new VM begins on hold."),
	INT("MONITORING_INTERVAL_MARKET", 1, 2147483647, "600", "s", "How often marketplaces are read."),
	STR("SCRIPTS_REMOTE_DIR", "/var/tmp/one", "Folder on the hosts where driver scripts lie."),
	STR("DATASTORE_LOCATION", "", "Folder of the datastores on the front-end and the hosts; empty: datastores under the VAR folder."),
	VEC("FEDERATION", "[ MODE = \"STANDALONE\", ZONE_ID = \"0\", SERVER_ID = \"-1\", MASTER_ONED = \"\" ]", "The part this zone has in a federation."),
	VEC("RAFT", "[ LIMIT_PURGE = \"100000\", LOG_RETENTION = \"250000\", LOG_PURGE_TIMEOUT = \"60\", ELECTION_TIMEOUT_MS = \"5000\", BROADCAST_TIMEOUT_MS = \"500\", XMLRPC_TIMEOUT_MS = \"1000\" ]",
	    "Read for compatibility: several front-ends share a database cluster instead."),
	STR("API_LIST_ORDER", "DESC", "Order of the objects in a pool: ASC or DESC, by id."),
	/* VMs */
	VEC("VNC_PORTS", "[ START = \"5900\", RESERVED = \"32768:65536\" ]", "Ports of VMs' graphics: the first one, and ranges that are not used."),
	INT("MAX_BACKUPS", 1, 1000000, "5", "", "Backups at once, in all."),
	INT("MAX_BACKUPS_HOST", 1, 1000000, "2", "", "Backups at once on a host."),
	VEC("DEFAULT_COST", "[ CPU_COST = \"0\", MEMORY_COST = \"0\", DISK_COST = \"0\" ]", "Cost of VMs whose template names none."),
	YES_NO("SHOWBACK_ONLY_RUNNING", "NO", "Whether showback counts only the time VMs ran."),
	STR("DEFAULT_DEVICE_PREFIX", "sd", "Prefix of a disk's device where nothing else says it."),
	STR("DEFAULT_CDROM_DEVICE_PREFIX", "hd", "The same for CD-ROMs and the context."),
	STR("VM_SNAPSHOT_FACTOR", "0", "Part of the disk's size that a system snapshot counts in quotas, 0 to 1."),
	LIST("VM_MONITORING_EXPIRATION_TIME", "Read for compatibility."),
	STR("CONTEXT_RESTRICTED_DIRS", "/etc", "Folders no file of a CONTEXT may come from."),
	STR("CONTEXT_SAFE_DIRS", "", "Folders inside those that are allowed all the same."),
	STR("ONEGATE_ENDPOINT", "", "Address of OneGate that contexts with TOKEN=YES tell."),
	STR("PCI_PASSTHROUGH_BUS", "0x01", "Bus of PCI devices in the guest."),
	/* networks */
	INT("NETWORK_SIZE", 1, 2147483647, "254", "", "Addresses of a range that names no SIZE."),
	STR("MAC_PREFIX", "02:00", "First two bytes of the MAC addresses that are made from IP addresses."),
	VEC("VLAN_IDS", "[ START = \"2\", RESERVED = \"0, 1, 4095\" ]", "VLAN ids that are given automatically."),
	VEC("VXLAN_IDS", "[ START = \"2\" ]", "VXLAN ids that are given automatically."),
	/* storage */
	YES_NO("DATASTORE_CAPACITY_CHECK", "YES", "Whether a new image must fit into its datastore."),
	STR("DEFAULT_IMAGE_TYPE", "OS", "Type of images that name none."),
	STR("DEFAULT_IMAGE_PERSISTENT", "", "YES or NO: whether copies of images are persistent; empty: as the image is."),
	STR("DEFAULT_IMAGE_PERSISTENT_NEW", "", "The same for new images; their template's word counts more."),
	/* drivers */
	VECS("IM_MAD", "Monitor driver: NAME, EXECUTABLE, ARGUMENTS, THREADS."),
	VECS("VM_MAD", "Hypervisor drivers: NAME, EXECUTABLE, ARGUMENTS, DEFAULT (file of default attributes), TYPE, KEEP_SNAPSHOTS, IMPORTED_VMS_ACTIONS..."),
	VECS("TM_MAD", "Transfer driver: EXECUTABLE, ARGUMENTS."),
	VECS("DATASTORE_MAD", "Datastore driver: EXECUTABLE, ARGUMENTS."),
	VECS("MARKET_MAD", "Marketplace driver: EXECUTABLE, ARGUMENTS."),
	VECS("IPAM_MAD", "Address management driver: EXECUTABLE, ARGUMENTS."),
	VECS("HM_MAD", "Event driver: EXECUTABLE, ARGUMENTS."),
	VECS("AUTH_MAD", "Authentication driver: EXECUTABLE, AUTHN, AUTHZ."),
	VECS("SCHED_MAD", "Read for compatibility."),
	VEC("HOOK_LOG_CONF", "[ LOG_RETENTION = \"20\" ]", "Executions of each hook that are kept."),
	VECS("TM_MAD_CONF", "What a TM_MAD does: NAME, LN_TARGET, CLONE_TARGET, SHARED, DRIVER, DS_MIGRATE, ALLOW_ORPHANS, TM_MAD_SYSTEM..."),
	VECS("DS_MAD_CONF", "What a DS_MAD needs: NAME, REQUIRED_ATTRS, PERSISTENT_ONLY, MARKETPLACE_ACTIONS."),
	VECS("MARKET_MAD_CONF", "What a MARKET_MAD needs: NAME, SUNSTONE_NAME, REQUIRED_ATTRS, APP_ACTIONS, PUBLIC."),
	VECS("AUTH_MAD_CONF", "Rules of an authentication driver: NAME, PASSWORD_CHANGE, DRIVER_MANAGED_GROUPS, DRIVER_MANAGED_GROUP_ADMIN, MAX_TOKEN_TIME, PASSWORD_REQUIRED."),
	VECS("VN_MAD_CONF", "Rules of a network driver: NAME, BRIDGE_TYPE."),
	/* authentication and rights */
	INT("SESSION_EXPIRATION_TIME", -1, 2147483647, "900", "s", "How long a successful external authentication is remembered; 0: not, -1: for ever."),
	YES_NO("ENABLE_OTHER_PERMISSIONS", "YES", "Whether ordinary users may give rights to everybody."),
	INT("DEFAULT_UMASK", 0, 777, "177", "octal", "Rights that new objects don't get."),
	STR("DEFAULT_AUTH", "default", "Driver that is asked for unknown users."),
	STR("VM_ADMIN_OPERATIONS", "migrate, delete, recover, retry, deploy, resched, backup, restore", "VM operations that need ADMIN."),
	STR("VM_MANAGE_OPERATIONS", "undeploy, hold, release, stop, suspend, resume, reboot, poweroff, disk-attach, nic-attach, disk-snapshot, terminate, disk-resize, snapshot, updateconf, rename, resize, update, disk-saveas, sched-action, sg-attach, pci-attach",
	    "VM operations that need MANAGE."),
	STR("VM_USE_OPERATIONS", "", "VM operations that need USE."),
	STR("DEFAULT_VDC_HOST_ACL", "MANAGE", "Rights a VDC gives on its hosts, joined by +; - or nothing for none."),
	STR("DEFAULT_VDC_VNET_ACL", "USE", "... on its networks."),
	STR("DEFAULT_VDC_DATASTORE_ACL", "USE", "... on its datastores."),
	STR("DEFAULT_VDC_CLUSTER_HOST_ACL", "MANAGE", "... on the hosts of its clusters."),
	STR("DEFAULT_VDC_CLUSTER_NET_ACL", "USE", "... on the networks of its clusters."),
	STR("DEFAULT_VDC_CLUSTER_DATASTORE_ACL", "USE", "... on the datastores of its clusters."),
	/* lists of attributes */
	LIST("VM_RESTRICTED_ATTR", "Attribute of VMs and templates that only oneadmin's group may set: NAME or VECTOR/NAME."),
	LIST("IMAGE_RESTRICTED_ATTR", "The same for images."),
	LIST("VNET_RESTRICTED_ATTR", "The same for networks."),
	LIST("USER_RESTRICTED_ATTR", "The same for users."),
	LIST("GROUP_RESTRICTED_ATTR", "The same for groups."),
	LIST("HOST_ENCRYPTED_ATTR", "Attribute of hosts that is stored encrypted."),
	LIST("VM_ENCRYPTED_ATTR", "The same for VMs and templates."),
	LIST("DOCUMENT_ENCRYPTED_ATTR", "The same for documents."),
	LIST("USER_ENCRYPTED_ATTR", "The same for users."),
	LIST("DATASTORE_ENCRYPTED_ATTR", "The same for datastores."),
	LIST("CLUSTER_ENCRYPTED_ATTR", "The same for clusters."),
	LIST("VNET_ENCRYPTED_ATTR", "The same for networks."),
	LIST("IMAGE_ENCRYPTED_ATTR", "The same for images."),
	LIST("INHERIT_DATASTORE_ATTR", "Attribute of a datastore that its disks get."),
	LIST("INHERIT_IMAGE_ATTR", "Attribute of an image that its disks get."),
	LIST("INHERIT_VNET_ATTR", "Attribute of a network that its NICs get."),
	LIST("QUOTA_VM_ATTRIBUTE", "Attribute of VMs that quotas count beside the usual ones."),
	{ .name = NULL },
};
/* clang-format on */

void paths_find(struct arena *a, struct paths *out)
{
	*out = (struct paths){
		.etc = paths_join(a, PATHS_ETC, NULL), .var = paths_join(a, PATHS_VAR, NULL), .log = paths_join(a, PATHS_LOG, NULL),
		.mads = paths_join(a, PATHS_MADS, NULL), .remotes = paths_join(a, PATHS_REMOTES, NULL),
		.datastores = paths_join(a, PATHS_VAR, "datastores"), .vms = paths_join(a, PATHS_VAR, "vms"),
	};
}

/* Values nobody outside oneadmin's group sees: the database's access, and the key of encrypted attributes. */
static bool is_secret(const char *name)
{
	return !strcmp(name, "DB") || !strcmp(name, "ONE_KEY");
}

static void hide(struct arena *arena, struct attr *a)
{
	if (!a->vector)
		a->value = "***";
	for (struct attr *k = a->vector ? a->kids : NULL; k; k = k->next)
		hide(arena, k);
}

/* Keys that are told only when they are set: OpenNebula has no value for them by itself. */
static bool has_no_default(const char *name)
{
	return !strcmp(name, "HOSTNAME") || !strcmp(name, "ONEGATE_ENDPOINT");
}

void config_to_xml(const struct conf *c, bool with_secrets, struct strbuf *out)
{
	struct arena arena = ARENA_INIT;
	struct tmpl *copy = tmpl_copy(&arena, c->values);

	for (const struct attr *a = c->values->first; a; a = a->next)
		if (has_no_default(a->name) && !*a->value)
			tmpl_remove(copy, a->name);
	for (struct attr *a = copy->first; a && !with_secrets; a = a->next)
		if (is_secret(a->name))
			hide(&arena, a);
	tmpl_to_xml(copy, "OPENNEBULA_CONFIGURATION", out);
	arena_done(&arena);
}

/* One line an attribute, nothing quoted: what stands in the way of that becomes a blank. */
static void add_line(struct strbuf *out, const struct attr *a)
{
	size_t from;

	strbuf_addf(out, "%s=", a->name);
	from = out->len;
	if (!a->vector)
		strbuf_adds(out, a->value);
	for (const struct attr *k = a->vector ? a->kids : NULL; k; k = k->next)
		strbuf_addf(out, "%s=%s%s", k->name, k->value ? k->value : "", k->next ? "," : "");
	for (; from < out->len; from++)
		if (out->buf[from] == '\n' || out->buf[from] == '\r')
			out->buf[from] = ' ';
	strbuf_addc(out, '\n');
}

void config_to_lines(const struct conf *c, struct strbuf *out)
{
	for (const struct attr *a = c->values->first; a; a = a->next)
		if (!is_secret(a->name))
			add_line(out, a);
}

enum one_rc config_for_drivers(const struct conf *c, const struct paths *paths, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	char path[4096], fresh[4100];
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "%s/config", paths->var);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	config_to_lines(c, &text);
	f = fopen(fresh, "we");
	ok = f && fwrite(text.buf, 1, text.len, f) == text.len;
	if (f && fclose(f))
		ok = false;
	strbuf_done(&text);
	if (!ok || rename(fresh, path))
		return one_err_set(err, ONE_INTERNAL, "Cannot write %s: %s", path, strerror(errno));
	return ONE_OK;
}
