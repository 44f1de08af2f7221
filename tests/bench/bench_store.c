/* How fast the store commits and loads, on SQLite and on a private MariaDB server:
 *
 *   bench_store [-s SECONDS] [-b BYTES] [DIR]
 *
 * Commits batches of VM rows of about BYTES (25000) for SECONDS (3) a line; "hot": the same 128 VMs again and again, as
 * when they are being deployed, "cold": 20,000 VMs in turn, the worst case. Then loads 20,000 VMs of 10 KB. DIR (/var/tmp)
 * is where the databases lie: the numbers are those of its disk. Run from the top of the tree. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/timeutil.h"
#include "oned/store/store.h"
#include "tests/lib/mariadb_server.h"

enum { ROWS_MAX = 128, HOT = 128, COLD = 20000, LOAD_ROWS = 20000, LOAD_BYTES = 10000, SAMPLES_MAX = 200000, VM_COLUMNS = 12 };

static double seconds = 3;
static size_t row_bytes = 25000;
static char *body, *json; /* as long as a row */
static const char *const bulk[] = { "--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M", NULL };

static void fail(const char *what, const struct one_err *err)
{
	fprintf(stderr, "bench_store: %s: %s\n", what, err ? err->text : "failed");
	exit(1);
}

static void bodies_make(size_t len)
{
	body = xmalloc(len + 1);
	json = xmalloc(len + 1);
	for (size_t i = 0; i < len; i++) {
		body[i] = "<VM>abcdefg</VM>0123456789"[(size_t)random() % 26];
		json[i] = "abcdefghijklmnopqrst012345"[(size_t)random() % 26];
	}
	json[0] = '"'; /* one JSON string; the end is set for each row */
}

/* 60 % body, 10 % short_body, 30 % body_json; each time a little different in length, as bodies are. */
static void vm_fill(struct sql_value *cols, int64_t oid, size_t bytes, char *json_end)
{
	size_t n = bytes - (size_t)random() % (bytes / 10 + 1), in_json = n * 3 / 10 + 2;
	struct sql_value made[VM_COLUMNS] = {
		SQL_INT(oid), SQL_STR("vm"), SQL_STRN(body, n * 6 / 10), SQL_INT(0), SQL_INT(0), SQL_INT(3), SQL_INT(3),
		SQL_INT(1), SQL_INT(0), SQL_INT(0), SQL_STRN(body + n / 2, n / 10), SQL_STRN(json_end, in_json),
	};

	memcpy(json_end, json, in_json);
	json_end[in_json - 1] = '"';
	memcpy(cols, made, sizeof(made));
}

struct batch { struct store_row rows[ROWS_MAX]; struct sql_value cols[ROWS_MAX][VM_COLUMNS]; char *json[ROWS_MAX]; };

static void batch_fill(struct batch *b, int n, int64_t first, int64_t of, size_t bytes)
{
	for (int i = 0; i < n; i++) {
		if (!b->json[i])
			b->json[i] = xmalloc(row_bytes + LOAD_BYTES);
		vm_fill(b->cols[i], (first + i) % of, bytes, b->json[i]);
		b->rows[i] = (struct store_row){ .table = TABLE_VM, .cols = b->cols[i] };
	}
}

static void commit(struct store *s, const struct batch *b, int n)
{
	struct one_err err = ONE_ERR_INIT;

	if (store_commit(s, b->rows, (size_t)n, &err) != ONE_OK)
		fail("commit", &err);
}

static int int64_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void commits_measure(struct store *s, struct batch *b, const char *name, int n, int64_t of)
{
	static int64_t us[SAMPLES_MAX];
	int64_t start = time_mono_us(), busy = 0;
	int count = 0;

	while (count < SAMPLES_MAX && (double)(time_mono_us() - start) < seconds * 1e6) {
		int64_t t;

		batch_fill(b, n, (int64_t)count * n, of, row_bytes);
		t = time_mono_us();
		commit(s, b, n);
		us[count] = time_mono_us() - t;
		busy += us[count++];
	}
	qsort(us, (size_t)count, sizeof(us[0]), int64_compare);
	printf("%-8s %-5s %5d %10.0f %10.0f %8.1f %8.2f %8.2f %8.2f\n", name, of == HOT ? "hot" : "cold", n,
	       count / ((double)busy / 1e6), count * (double)n / ((double)busy / 1e6),
	       count * (double)n * (double)row_bytes * 0.95 / (double)busy, (double)us[count / 2] / 1e3,
	       (double)us[count * 99 / 100] / 1e3, (double)us[count - 1] / 1e3);
	fflush(stdout);
}

struct loaded { int64_t rows; size_t bytes; };

static bool loaded_row(void *ctx, const struct sql_value *cols, int n)
{
	struct loaded *l = ctx;

	l->rows++;
	for (int i = 0; i < n; i++)
		l->bytes += cols[i].type == SQL_V_TEXT ? cols[i].len : sizeof(cols[i].i);
	return true;
}

static void load_measure(struct store *s, const char *name, const char *what, uint32_t columns)
{
	struct one_err err = ONE_ERR_INIT;
	struct loaded l = { 0 };
	int64_t t = time_mono_us();

	if (store_select_columns(s, TABLE_VM, columns, NULL, NULL, 0, loaded_row, &l, &err) != ONE_OK)
		fail("load", &err);
	t = time_mono_us() - t;
	printf("%-8s load %-20s %6lld rows %8.1f MB %8.3f s %8.0f MB/s\n", name, what, (long long)l.rows,
	       (double)l.bytes / 1e6, (double)t / 1e6, (double)l.bytes / (double)t);
	fflush(stdout);
}

static struct store *opened(const struct sql_config *config)
{
	struct one_err err = ONE_ERR_INIT;
	struct store *s;

	if (store_open(config, true, "bench", &s, &err) != ONE_OK)
		fail("open", &err);
	return s;
}

static void loads_measure(const struct sql_config *config, const char *name, struct batch *b)
{
	struct store *s = opened(config);
	struct one_err err = ONE_ERR_INIT;

	if (store_delete_where(s, TABLE_VM, "oid >= 0", NULL, 0, &err) != ONE_OK)
		fail("delete", &err);
	for (int i = 0; i < LOAD_ROWS; i += ROWS_MAX) {
		batch_fill(b, ROWS_MAX, i, LOAD_ROWS + ROWS_MAX, LOAD_BYTES);
		commit(s, b, ROWS_MAX);
	}
	store_close(s);
	s = opened(config); /* with nothing in its own cache */
	load_measure(s, name, "all columns", STORE_ALL_COLUMNS);
	load_measure(s, name, "without body_json", STORE_ALL_COLUMNS & ~STORE_COLUMN(11));
	load_measure(s, name, "oid and state", STORE_COLUMN(0) | STORE_COLUMN(5));
	store_close(s);
}

static void backend_measure(const struct sql_config *config, const char *name)
{
	static const int sizes[] = { 1, 16, 128 };
	struct batch *b = xcalloc(1, sizeof(*b));
	struct store *s = opened(config);

	for (size_t i = 0; i < 3; i++)
		commits_measure(s, b, name, sizes[i], HOT);
	for (size_t i = 0; i < 3; i++)
		commits_measure(s, b, name, sizes[i], COLD);
	store_close(s);
	loads_measure(config, name, b);
	for (int i = 0; i < ROWS_MAX; i++)
		free(b->json[i]);
	free(b);
}

static void sqlite_measure(const char *dir)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[512], name[520];

	snprintf(path, sizeof(path), "%s/bench_store.db", dir);
	for (int again = 0; again < 2; again++) {
		for (size_t i = 0; i < 3; i++) {
			snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
			unlink(name);
		}
		if (!again)
			backend_measure(&(struct sql_config){ .backend = SQL_SQLITE, .path = path }, "SQLite");
	}
}

static void mariadb_measure(const char *dir)
{
	struct mariadb_server server;
	struct sql_config config;

	if (!mariadb_server_start_in(&server, dir, bulk))
		fail("MariaDB server", NULL);
	config = mariadb_server_config(&server, "opennebula");
	backend_measure(&config, "MariaDB");
	mariadb_server_done(&server);
}

int main(int argc, char **argv)
{
	const char *dir;
	int option;

	while ((option = getopt(argc, argv, "s:b:")) != -1) {
		if (option == 's')
			seconds = strtod(optarg, NULL);
		else if (option == 'b')
			row_bytes = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (row_bytes < 100 || row_bytes > 1000000)
		fail("-b takes 100 to 1000000", NULL);
	dir = optind < argc ? argv[optind] : "/var/tmp";
	log_set_level(LOG_L_ERROR);
	bodies_make(row_bytes + LOAD_BYTES);
	printf("rows of %zu bytes, databases in %s\n", row_bytes, dir);
	printf("%-8s %-5s %5s %10s %10s %8s %8s %8s %8s\n", "backend", "VMs", "batch", "batches/s", "rows/s", "MB/s", "p50 ms",
	       "p99 ms", "max ms");
	sqlite_measure(dir);
	mariadb_measure(dir);
	free(body);
	free(json);
	return 0;
}
