/* The SQL texts made from the table of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "oned/store/store_schema.h"

static int teardown(void **state)
{
	strbuf_done(*state);
	return 0;
}

static int setup(void **state)
{
	static struct strbuf sb = STRBUF_INIT;

	*state = &sb;
	return 0;
}

static void is(struct strbuf *sb, const char *text)
{
	assert_string_equal(sb->buf, text);
	strbuf_reset(sb);
}

static void test_a_table_is_made_with_its_key_at_the_column_or_behind(void **state)
{
	store_ddl_table(*state, TABLE_IMAGE);
	is(*state, "CREATE TABLE IF NOT EXISTS image_pool (oid INTEGER PRIMARY KEY, name VARCHAR(128), body MEDIUMTEXT, "
		   "uid INTEGER, gid INTEGER, owner_u INTEGER, group_u INTEGER, other_u INTEGER, UNIQUE(name,uid))");
	store_ddl_table(*state, TABLE_HISTORY);
	is(*state, "CREATE TABLE IF NOT EXISTS history (vid INTEGER, seq INTEGER, body MEDIUMTEXT, stime INTEGER, "
		   "etime INTEGER, PRIMARY KEY(vid,seq))");
	store_ddl_table(*state, TABLE_ACL);
	is(*state, "CREATE TABLE IF NOT EXISTS acl (oid INT PRIMARY KEY, userset BIGINT, resource BIGINT, rights BIGINT, "
		   "zone BIGINT, UNIQUE(userset,resource,rights,zone))");
}

static void test_an_index_is_made(void **state)
{
	store_ddl_index(*state, TABLE_VM, &store_table_def(TABLE_VM)->index[0]);
	is(*state, "CREATE INDEX state_oid_idx ON vm_pool (state, oid)");
}

static void test_a_row_is_put_by_its_key(void **state)
{
	store_sql_upsert(*state, TABLE_HISTORY, SQL_SQLITE);
	is(*state, "INSERT INTO history (vid, seq, body, stime, etime) VALUES (?,?,?,?,?) ON CONFLICT (vid,seq) DO UPDATE "
		   "SET body = excluded.body, stime = excluded.stime, etime = excluded.etime");
	store_sql_upsert(*state, TABLE_HISTORY, SQL_MARIADB);
	is(*state, "INSERT INTO history (vid, seq, body, stime, etime) VALUES (?,?,?,?,?) ON DUPLICATE KEY UPDATE "
		   "body = VALUES(body), stime = VALUES(stime), etime = VALUES(etime)");
}

static void test_a_row_that_is_all_key_is_put_once(void **state)
{
	store_sql_upsert(*state, TABLE_CLUSTER_NETWORK, SQL_SQLITE);
	is(*state, "INSERT INTO cluster_network_relation (cid, oid) VALUES (?,?) ON CONFLICT (cid,oid) DO NOTHING");
	store_sql_upsert(*state, TABLE_CLUSTER_NETWORK, SQL_MARIADB);
	is(*state, "INSERT INTO cluster_network_relation (cid, oid) VALUES (?,?) ON DUPLICATE KEY UPDATE "
		   "cid = VALUES(cid), oid = VALUES(oid)");
}

static void test_a_row_is_updated_and_deleted_by_its_key(void **state)
{
	store_sql_update(*state, TABLE_POOL_CONTROL);
	is(*state, "UPDATE pool_control SET last_oid = ? WHERE tablename = ?");
	store_sql_delete(*state, TABLE_VM_SHOWBACK);
	is(*state, "DELETE FROM vm_showback WHERE vmid = ? AND year = ? AND month = ?");
}

static void test_columns_not_asked_for_are_null(void **state)
{
	store_sql_select(*state, TABLE_HISTORY, STORE_COLUMN(0) | STORE_COLUMN(2), NULL);
	is(*state, "SELECT vid, NULL, body, NULL, NULL FROM history ORDER BY vid, seq");
	store_sql_select(*state, TABLE_USER_QUOTAS, STORE_ALL_COLUMNS, "user_oid = ?");
	is(*state, "SELECT user_oid, body FROM user_quotas WHERE user_oid = ?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_table_is_made_with_its_key_at_the_column_or_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_index_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_row_is_put_by_its_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_row_that_is_all_key_is_put_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_row_is_updated_and_deleted_by_its_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_columns_not_asked_for_are_null, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
