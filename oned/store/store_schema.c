/* The 39 tables of an OpenNebula 6.10 database as data, and the SQL texts made from that.
 *
 * Names, types, column order and keys are OpenNebula's: its tools (and OpenNebula itself, on the way back) read and
 * write the same tables. One text serves SQLite and MariaDB; to SQLite most of the types are only names. */
#include "oned/store/store_schema.h"

#include <assert.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define BIT(i)   STORE_COLUMN(i)

/* clang-format off */
static const struct { const char *name; size_t max; } types[] = {
	[STORE_T_INT]        = { "INT", 0 },
	[STORE_T_INTEGER]    = { "INTEGER", 0 },
	[STORE_T_BIGINT]     = { "BIGINT", 0 },
	[STORE_T_UBIGINT]    = { "BIGINT UNSIGNED", 0 },
	[STORE_T_BOOLEAN]    = { "BOOLEAN", 0 },
	[STORE_T_VARCHAR32]  = { "VARCHAR(32)", 32 * 4 },
	[STORE_T_VARCHAR128] = { "VARCHAR(128)", 128 * 4 },
	[STORE_T_VARCHAR256] = { "VARCHAR(256)", 256 * 4 },
	[STORE_T_MEDIUMTEXT] = { "MEDIUMTEXT", (1u << 24) - 1 },
	[STORE_T_LONGTEXT]   = { "LONGTEXT", UINT32_MAX },
	[STORE_T_JSON]       = { "JSON", UINT32_MAX },
};

#define OID     { "oid", STORE_T_INTEGER }
#define NAME    { "name", STORE_T_VARCHAR128 }
#define BODY    { "body", STORE_T_MEDIUMTEXT }
#define OWNER   { "uid", STORE_T_INTEGER }, { "gid", STORE_T_INTEGER }
#define RIGHTS  { "owner_u", STORE_T_INTEGER }, { "group_u", STORE_T_INTEGER }, { "other_u", STORE_T_INTEGER }
#define INT(c)  { c, STORE_T_INTEGER }
/* Columns of most pools; a unique key there is the name or the name and its owner. */
#define COMMON       OID, NAME, BODY, OWNER, RIGHTS
#define UNIQUE_NAME  BIT(1)
#define UNIQUE_OWNED (BIT(1) | BIT(3))

static const struct store_column_def
common_columns[]    = { COMMON },
vm_columns[]        = { OID, NAME, BODY, OWNER, INT("state"), INT("lcm_state"), RIGHTS,
			{ "short_body", STORE_T_MEDIUMTEXT }, { "body_json", STORE_T_JSON } },
host_columns[]      = { OID, NAME, BODY, INT("state"), OWNER, RIGHTS, INT("cid") },
network_columns[]   = { COMMON, INT("pid") },
document_columns[]  = { OID, NAME, BODY, INT("type"), OWNER, RIGHTS },
hook_columns[]      = { COMMON, INT("type") },
backupjob_columns[] = { COMMON, INT("priority"), INT("outdated_vms") },
schedaction_columns[] = { OID, INT("parent_id"), { "type", STORE_T_VARCHAR128 }, BODY, INT("time"), INT("done") },
history_columns[]   = { INT("vid"), INT("seq"), BODY, INT("stime"), INT("etime") },
vm_monitoring_columns[]   = { INT("vmid"), INT("last_poll"), BODY },
host_monitoring_columns[] = { INT("hid"), INT("last_mon_time"), BODY },
showback_columns[]  = { INT("vmid"), INT("year"), INT("month"), BODY },
import_columns[]    = { { "deploy_id", STORE_T_VARCHAR128 }, INT("vmid") },
relation_columns[]  = { INT("cid"), OID },
bitmap_columns[]    = { INT("id"), { "map", STORE_T_LONGTEXT } },
acl_columns[]       = { { "oid", STORE_T_INT }, { "userset", STORE_T_BIGINT }, { "resource", STORE_T_BIGINT },
			{ "rights", STORE_T_BIGINT }, { "zone", STORE_T_BIGINT } },
user_quotas_columns[]  = { INT("user_oid"), BODY },
group_quotas_columns[] = { INT("group_oid"), BODY },
hook_log_columns[]  = { INT("hkid"), INT("exeid"), INT("timestamp"), INT("rc"), BODY },
logdb_columns[]     = { { "log_index", STORE_T_UBIGINT }, INT("term"), { "sqlcmd", STORE_T_MEDIUMTEXT },
			INT("timestamp"), { "fed_index", STORE_T_UBIGINT }, { "applied", STORE_T_BOOLEAN } },
pool_control_columns[] = { { "tablename", STORE_T_VARCHAR32 }, { "last_oid", STORE_T_UBIGINT } },
attributes_columns[]   = { NAME, BODY },
versioning_columns[]   = { OID, { "version", STORE_T_VARCHAR256 }, INT("timestamp"), { "comment", STORE_T_VARCHAR256 } },
local_versioning_columns[] = { OID, { "version", STORE_T_VARCHAR256 }, INT("timestamp"),
			{ "comment", STORE_T_VARCHAR256 }, { "is_slave", STORE_T_BOOLEAN } };

#define TABLE(table, columns, n_key, ...) { table, columns, COUNT(columns), n_key, __VA_ARGS__ }

static const struct store_table_def tables[TABLE_COUNT] = {
	[TABLE_VM]          = TABLE("vm_pool", vm_columns, 1, .index = { { "state_oid_idx", "state, oid" } }),
	[TABLE_HOST]        = TABLE("host_pool", host_columns, 1, 0),
	[TABLE_TEMPLATE]    = TABLE("template_pool", common_columns, 1, 0),
	[TABLE_NETWORK]     = TABLE("network_pool", network_columns, 1, UNIQUE_OWNED),
	[TABLE_VNTEMPLATE]  = TABLE("vn_template_pool", common_columns, 1, 0),
	[TABLE_IMAGE]       = TABLE("image_pool", common_columns, 1, UNIQUE_OWNED),
	[TABLE_DATASTORE]   = TABLE("datastore_pool", common_columns, 1, 0),
	[TABLE_CLUSTER]     = TABLE("cluster_pool", common_columns, 1, UNIQUE_NAME),
	[TABLE_DOCUMENT]    = TABLE("document_pool", document_columns, 1, 0),
	[TABLE_SECGROUP]    = TABLE("secgroup_pool", common_columns, 1, UNIQUE_OWNED),
	[TABLE_VROUTER]     = TABLE("vrouter_pool", common_columns, 1, 0),
	[TABLE_VMGROUP]     = TABLE("vmgroup_pool", common_columns, 1, UNIQUE_OWNED),
	[TABLE_HOOK]        = TABLE("hook_pool", hook_columns, 1, 0),
	[TABLE_BACKUPJOB]   = TABLE("backupjob_pool", backupjob_columns, 1, 0),
	[TABLE_SCHEDACTION] = TABLE("schedaction_pool", schedaction_columns, 1, 0),
	[TABLE_GROUP]       = TABLE("group_pool", common_columns, 1, UNIQUE_NAME),
	[TABLE_USER]        = TABLE("user_pool", common_columns, 1, UNIQUE_NAME),
	[TABLE_ZONE]        = TABLE("zone_pool", common_columns, 1, UNIQUE_NAME),
	[TABLE_VDC]         = TABLE("vdc_pool", common_columns, 1, UNIQUE_NAME),
	[TABLE_MARKET]      = TABLE("marketplace_pool", common_columns, 1, 0),
	[TABLE_MARKETAPP]   = TABLE("marketplaceapp_pool", common_columns, 1, UNIQUE_OWNED),
	[TABLE_HISTORY]     = TABLE("history", history_columns, 2, 0),
	[TABLE_VM_MONITORING]     = TABLE("vm_monitoring", vm_monitoring_columns, 2, 0),
	[TABLE_HOST_MONITORING]   = TABLE("host_monitoring", host_monitoring_columns, 2, 0),
	[TABLE_VM_SHOWBACK]       = TABLE("vm_showback", showback_columns, 3, 0),
	[TABLE_VM_IMPORT]         = TABLE("vm_import", import_columns, 1, 0),
	[TABLE_CLUSTER_DATASTORE] = TABLE("cluster_datastore_relation", relation_columns, 2, 0),
	[TABLE_CLUSTER_NETWORK]   = TABLE("cluster_network_relation", relation_columns, 2, 0),
	[TABLE_VNC_BITMAP]        = TABLE("cluster_vnc_bitmap", bitmap_columns, 1, 0),
	[TABLE_VLAN_BITMAP]       = TABLE("network_vlan_bitmap", bitmap_columns, 1, 0),
	[TABLE_ACL]               = TABLE("acl", acl_columns, 1, BIT(1) | BIT(2) | BIT(3) | BIT(4)),
	[TABLE_USER_QUOTAS]       = TABLE("user_quotas", user_quotas_columns, 1, 0),
	[TABLE_GROUP_QUOTAS]      = TABLE("group_quotas", group_quotas_columns, 1, 0),
	[TABLE_HOOK_LOG]          = TABLE("hook_log", hook_log_columns, 2, 0),
	[TABLE_LOGDB]             = TABLE("logdb", logdb_columns, 1,
					  .index = { { "fed_index_idx", "fed_index" }, { "applied_idx", "applied" } }),
	[TABLE_POOL_CONTROL]        = TABLE("pool_control", pool_control_columns, 1, 0),
	[TABLE_SYSTEM_ATTRIBUTES]   = TABLE("system_attributes", attributes_columns, 1, 0),
	[TABLE_DB_VERSIONING]       = TABLE("db_versioning", versioning_columns, 1, 0),
	[TABLE_LOCAL_DB_VERSIONING] = TABLE("local_db_versioning", local_versioning_columns, 1, 0),
};
/* clang-format on */

const struct store_table_def *store_table_def(enum store_table t)
{
	assert(t < TABLE_COUNT);
	return &tables[t];
}

int store_columns(enum store_table t)
{
	return store_table_def(t)->n_columns;
}

const char *store_table_name(enum store_table t)
{
	return store_table_def(t)->name;
}

const char *store_column(enum store_table t, int i)
{
	assert(i >= 0 && i < store_columns(t));
	return store_table_def(t)->columns[i].name;
}

size_t store_type_max(enum store_type type)
{
	return types[type].max;
}

/* Appends the columns from..to as "<before><name><after>", separated. */
static void columns_add(struct strbuf *sb, const struct store_table_def *def, int from, int to, const char *before,
			const char *after, const char *separator)
{
	for (int i = from; i < to; i++)
		strbuf_addf(sb, "%s%s%s%s", i > from ? separator : "", before, def->columns[i].name, after);
}

static void unique_add(struct strbuf *sb, const struct store_table_def *def)
{
	const char *separator = "";

	strbuf_adds(sb, ", UNIQUE(");
	for (int i = 0; i < def->n_columns; i++) {
		if (!(def->unique & BIT(i)))
			continue;
		strbuf_addf(sb, "%s%s", separator, def->columns[i].name);
		separator = ",";
	}
	strbuf_addc(sb, ')');
}

/* A key of one column stands at the column: "oid INTEGER PRIMARY KEY" is SQLite's row number and needs no index. */
void store_ddl_table(struct strbuf *sb, enum store_table t)
{
	const struct store_table_def *def = store_table_def(t);

	strbuf_addf(sb, "CREATE TABLE IF NOT EXISTS %s (", def->name);
	for (int i = 0; i < def->n_columns; i++)
		strbuf_addf(sb, "%s%s %s%s", i ? ", " : "", def->columns[i].name, types[def->columns[i].type].name,
			    i == 0 && def->n_key == 1 ? " PRIMARY KEY" : "");
	if (def->n_key > 1) {
		strbuf_adds(sb, ", PRIMARY KEY(");
		columns_add(sb, def, 0, def->n_key, "", "", ",");
		strbuf_addc(sb, ')');
	}
	if (def->unique)
		unique_add(sb, def);
	strbuf_addc(sb, ')');
}

void store_ddl_index(struct strbuf *sb, enum store_table t, const struct store_index_def *index)
{
	strbuf_addf(sb, "CREATE INDEX %s ON %s (%s)", index->name, store_table_name(t), index->columns);
}

void store_sql_insert(struct strbuf *sb, enum store_table t)
{
	const struct store_table_def *def = store_table_def(t);

	strbuf_addf(sb, "INSERT INTO %s (", def->name);
	columns_add(sb, def, 0, def->n_columns, "", "", ", ");
	strbuf_adds(sb, ") VALUES (");
	for (int i = 0; i < def->n_columns; i++)
		strbuf_adds(sb, i ? ",?" : "?");
	strbuf_addc(sb, ')');
}

/* "name" = the value that was to be inserted, for the columns from..to. */
static void assign_add(struct strbuf *sb, const struct store_table_def *def, int from, int to, const char *before,
		       const char *after)
{
	for (int i = from; i < to; i++)
		strbuf_addf(sb, "%s%s = %s%s%s", i > from ? ", " : "", def->columns[i].name, before,
			    def->columns[i].name, after);
}

void store_sql_upsert(struct strbuf *sb, enum store_table t, enum sql_backend backend)
{
	const struct store_table_def *def = store_table_def(t);
	bool only_key = def->n_key == def->n_columns;

	store_sql_insert(sb, t);
	if (backend == SQL_SQLITE) {
		strbuf_adds(sb, " ON CONFLICT (");
		columns_add(sb, def, 0, def->n_key, "", "", ",");
		strbuf_adds(sb, only_key ? ") DO NOTHING" : ") DO UPDATE SET ");
		if (!only_key)
			assign_add(sb, def, def->n_key, def->n_columns, "excluded.", "");
		return;
	}
	assert(!def->unique); /* MariaDB would take a clash on the other key for one on the primary key */
	strbuf_adds(sb, " ON DUPLICATE KEY UPDATE ");
	assign_add(sb, def, only_key ? 0 : def->n_key, def->n_columns, "VALUES(", ")");
}

static void key_add(struct strbuf *sb, const struct store_table_def *def)
{
	strbuf_adds(sb, " WHERE ");
	columns_add(sb, def, 0, def->n_key, "", " = ?", " AND ");
}

void store_sql_update(struct strbuf *sb, enum store_table t)
{
	const struct store_table_def *def = store_table_def(t);

	strbuf_addf(sb, "UPDATE %s SET ", def->name);
	columns_add(sb, def, def->n_key, def->n_columns, "", " = ?", ", ");
	key_add(sb, def);
}

void store_sql_delete(struct strbuf *sb, enum store_table t)
{
	strbuf_addf(sb, "DELETE FROM %s", store_table_name(t));
	key_add(sb, store_table_def(t));
}

void store_sql_select(struct strbuf *sb, enum store_table t, uint32_t columns, const char *where)
{
	const struct store_table_def *def = store_table_def(t);

	strbuf_adds(sb, "SELECT ");
	for (int i = 0; i < def->n_columns; i++)
		strbuf_addf(sb, "%s%s", i ? ", " : "", columns & BIT(i) ? def->columns[i].name : "NULL");
	strbuf_addf(sb, " FROM %s", def->name);
	if (where) {
		strbuf_addf(sb, " WHERE %s", where);
	} else {
		strbuf_adds(sb, " ORDER BY ");
		columns_add(sb, def, 0, def->n_key, "", "", ", ");
	}
}
