/* What must be there before the store can be used: the tables of the right schema version.
 *
 * An existing database is checked before anything is made in it: the tables missing in one of an older version are the
 * business of its upgrade tool. */
#include "oned/store/store_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/map.h"
#include "oned/store/store_schema.h"

/* Names of the tables and indexes that are there, and a table that can't do transactions. */
struct inventory { struct smap tables, indexes; char *bad_table, *bad_engine; };

static const enum store_table versioned[] = { TABLE_LOCAL_DB_VERSIONING, TABLE_DB_VERSIONING };
#define VERSIONED (sizeof(versioned) / sizeof(versioned[0]))

static const char *const inventory_sqlite =
	"SELECT type, name, NULL FROM sqlite_master WHERE type IN ('table', 'index')";
static const char *const inventory_mariadb =
	"SELECT 'table', table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE() UNION "
	"SELECT 'index', index_name, NULL FROM information_schema.statistics WHERE table_schema = DATABASE()";

static bool table_is_ours(const char *name)
{
	for (int t = 0; t < TABLE_COUNT; t++)
		if (!strcmp(name, store_table_name((enum store_table)t)))
			return true;
	return false;
}

static bool inventory_row(void *ctx, const struct sql_value *cols, int n)
{
	static char there; /* the maps are sets */
	struct inventory *inv = ctx;
	bool index = n == 3 && !strcmp(cols[0].s, "index");

	smap_put(index ? &inv->indexes : &inv->tables, cols[1].s, &there);
	if (cols[2].type == SQL_V_TEXT && !inv->bad_table && strcasecmp(cols[2].s, "InnoDB") && table_is_ours(cols[1].s)) {
		inv->bad_table = xstrdup(cols[1].s);
		inv->bad_engine = xstrdup(cols[2].s);
	}
	return true;
}

static void inventory_done(struct inventory *inv)
{
	smap_done(&inv->tables);
	smap_done(&inv->indexes);
	free(inv->bad_table);
	free(inv->bad_engine);
}

static enum one_rc inventory_read(struct store *s, struct inventory *inv, struct one_err *err)
{
	const char *text = sql_backend(s->db) == SQL_SQLITE ? inventory_sqlite : inventory_mariadb;
	enum one_rc rc;

	inv->tables = inv->indexes = (struct smap)SMAP_INIT;
	inv->bad_table = inv->bad_engine = NULL;
	rc = sql_run(s->db, text, NULL, 0, inventory_row, inv, err);
	if (rc == ONE_OK && inv->bad_table)
		return one_err_set(err, ONE_INTERNAL,
				   "Table %s has the engine %s, which knows no transactions: ALTER TABLE %s ENGINE=InnoDB",
				   inv->bad_table, inv->bad_engine, inv->bad_table);
	return rc;
}

static enum one_rc made(struct store *s, struct strbuf *text, struct one_err *err)
{
	enum one_rc rc = sql_run(s->db, text->buf, NULL, 0, NULL, NULL, err);

	strbuf_reset(text);
	return rc;
}

static enum one_rc table_make(struct store *s, enum store_table t, const struct inventory *inv, struct one_err *err)
{
	const struct store_table_def *def = store_table_def(t);
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = ONE_OK;

	if (!smap_get(&inv->tables, def->name)) {
		store_ddl_table(&text, t);
		rc = made(s, &text, err);
	}
	for (size_t i = 0; i < sizeof(def->index) / sizeof(def->index[0]); i++) {
		if (rc != ONE_OK || !def->index[i].name || smap_get(&inv->indexes, def->index[i].name))
			continue;
		store_ddl_index(&text, t, &def->index[i]);
		rc = made(s, &text, err);
	}
	strbuf_done(&text);
	return rc;
}

static enum one_rc tables_make(struct store *s, const struct inventory *inv, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	for (int t = 0; t < TABLE_COUNT && rc == ONE_OK; t++)
		rc = table_make(s, (enum store_table)t, inv, err);
	return rc;
}

/* SQLite makes them all or none; MariaDB commits with each CREATE anyway. */
static enum one_rc schema_make(struct store *s, const struct inventory *inv, struct one_err *err)
{
	enum one_rc rc;

	if (sql_backend(s->db) != SQL_SQLITE)
		return tables_make(s, inv, err);
	rc = sql_begin(s->db, err);
	if (rc == ONE_OK)
		rc = tables_make(s, inv, err);
	if (rc == ONE_OK)
		rc = sql_commit(s->db, err);
	sql_rollback(s->db);
	return rc;
}

static enum one_rc schema_complete(const struct inventory *inv, struct one_err *err)
{
	int missing = 0, first = 0;

	for (int t = TABLE_COUNT - 1; t >= 0; t--) {
		if (smap_get(&inv->tables, store_table_name((enum store_table)t)))
			continue;
		missing++;
		first = t;
	}
	if (!missing)
		return ONE_OK;
	return one_err_set(err, ONE_INTERNAL,
			   "The database has no table %s (%d of %d tables are missing): it was not initialised, see oned -i",
			   store_table_name((enum store_table)first), missing, (int)TABLE_COUNT);
}

static bool version_row(void *ctx, const struct sql_value *cols, int n)
{
	char **version = ctx;

	if (n > 1 && cols[1].type == SQL_V_TEXT)
		*version = xstrdup(cols[1].s);
	return false;
}

/* *version: the newest row's, NULL when there is none; to be freed. */
static enum one_rc version_read(struct store *s, enum store_table t, char **version, struct one_err *err)
{
	char *where = xasprintf("oid = (SELECT MAX(oid) FROM %s)", store_table_name(t));
	enum one_rc rc;

	*version = NULL;
	rc = store_select(s, t, where, NULL, 0, version_row, version, err);
	free(where);
	return rc;
}

static enum one_rc version_put(struct store *s, enum store_table t, struct one_err *err)
{
	struct sql_value cols[] = { SQL_INT(0), SQL_STR(STORE_DB_VERSION), SQL_INT(time(NULL)), SQL_STR(s->comment),
				    SQL_INT(0) };

	return store_commit(s, &(struct store_row){ .table = t, .cols = cols }, 1, err);
}

/* Length of name and version in the comment. */
static int installed_len(const char *comment)
{
	const char *end = strstr(comment, " daemon bootstrap");

	return (int)(end ? end - comment : (ptrdiff_t)strlen(comment));
}

static enum one_rc version_check(struct store *s, enum store_table t, bool *empty, struct one_err *err)
{
	char *version;
	enum one_rc rc = version_read(s, t, &version, err);

	if (rc != ONE_OK)
		return rc;
	*empty = !version;
	if (version && strcmp(version, STORE_DB_VERSION))
		rc = one_err_set(err, ONE_INTERNAL,
				 "Database version mismatch ( %s). Installed %.*s needs DB version '%s', and existing DB version is '%s'.",
				 store_table_name(t), installed_len(s->comment), s->comment, STORE_DB_VERSION, version);
	free(version);
	return rc;
}

static enum one_rc version_settle(struct store *s, enum store_table t, bool create, struct one_err *err)
{
	bool empty;
	enum one_rc rc = version_check(s, t, &empty, err);

	if (rc == ONE_OK && empty)
		rc = create ? version_put(s, t, err)
			    : one_err_set(err, ONE_INTERNAL, "Table %s is empty: the database was not initialised, see oned -i",
					  store_table_name(t));
	if (rc == ONE_OK && create) /* the daemon, not one of its readers */
		log_info("ONE", "oned is using version %s for %s", STORE_DB_VERSION, store_table_name(t));
	return rc;
}

static enum one_rc versions_check_existing(struct store *s, const struct inventory *inv, struct one_err *err)
{
	enum one_rc rc = ONE_OK;
	bool empty;

	for (size_t i = 0; i < VERSIONED && rc == ONE_OK; i++)
		if (smap_get(&inv->tables, store_table_name(versioned[i])))
			rc = version_check(s, versioned[i], &empty, err);
	return rc;
}

static enum one_rc schema_settle(struct store *s, const struct inventory *inv, bool create, struct one_err *err)
{
	enum one_rc rc = create ? schema_make(s, inv, err) : schema_complete(inv, err);

	for (size_t i = 0; i < VERSIONED && rc == ONE_OK; i++)
		rc = version_settle(s, versioned[i], create, err);
	return rc;
}

enum one_rc store_bootstrap(struct store *s, bool create, struct one_err *err)
{
	struct inventory inv;
	enum one_rc rc = inventory_read(s, &inv, err);

	if (rc == ONE_OK)
		rc = versions_check_existing(s, &inv, err);
	if (rc == ONE_OK)
		rc = schema_settle(s, &inv, create, err);
	inventory_done(&inv);
	return rc;
}
