#include "common/sql_sqlite_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"

/* What is left of the log when a commit copies it along: costs it a few milliseconds. */
#define REST_PAGES 256
/* A log that grew to so many times its length is copied by a commit all the same: it must have an end. */
#define LONGEST    4

struct sqlite_log {
	sqlite3 *writer, *own;
	int pages;               /* from here on the log is copied */
	pthread_t thread;
	pthread_mutex_t lock;    /* of what follows */
	pthread_cond_t wake;
	bool wanted, running, stopping;
	int copied;              /* pages of the log that are in the file already */
};

/* A copy that fails is tried again after the next commit: what is committed is safe in the log. */
static void copy_pages(struct sqlite_log *l)
{
	int in_log = 0, copied = 0;
	int code = sqlite3_wal_checkpoint_v2(l->own, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);

	pthread_mutex_lock(&l->lock);
	l->copied = code == SQLITE_OK ? copied : 0;
	l->running = false;
	pthread_mutex_unlock(&l->lock);
}

static void *copy_thread(void *arg)
{
	struct sqlite_log *l = arg;

	pthread_setname_np(pthread_self(), "sqlite log");
	pthread_mutex_lock(&l->lock);
	while (!l->stopping) {
		if (!l->wanted) {
			pthread_cond_wait(&l->wake, &l->lock);
			continue;
		}
		l->wanted = false;
		l->running = true;
		pthread_mutex_unlock(&l->lock);
		copy_pages(l);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* Says whether the commit that made the log `pages` long has to copy the rest itself; wakes the thread where there is more to do. */
static bool rest_is_ours(struct sqlite_log *l, int pages)
{
	bool ours = false;

	pthread_mutex_lock(&l->lock);
	if (pages < l->pages) {
		l->copied = 0; /* it has begun anew */
	} else if (!l->wanted && !l->running) {
		ours = pages - l->copied <= REST_PAGES || pages >= LONGEST * l->pages;
		l->wanted = !ours;
		if (l->wanted)
			pthread_cond_signal(&l->wake);
	}
	pthread_mutex_unlock(&l->lock);
	return ours;
}

static int on_commit(void *arg, sqlite3 *writer, const char *name, int pages)
{
	if (rest_is_ours(arg, pages))
		sqlite3_wal_checkpoint_v2(writer, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

/* ---- room ---- */

#define FRAME_BYTES (SQLITE_PAGE_BYTES + 24) /* a page and its header in the log; files with other pages get more or less room */

/* Zeros are no frame of a log: to SQLite it ends where they begin. */
static void fill(int fd, int pages)
{
	char *zeros = xcalloc(1, FRAME_BYTES);

	while (pages-- && write(fd, zeros, FRAME_BYTES) == FRAME_BYTES)
		continue;
	free(zeros);
	fdatasync(fd);
}

/* In a write transaction, so that nobody else begins the log meanwhile. */
void sqlite_log_reserve(sqlite3 *writer, const char *path, int pages)
{
	char *log = sqlite3_mprintf("%s-wal", path);
	struct stat st;
	int fd = -1;

	if (sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) {
		fd = log ? open(log, O_WRONLY | O_CLOEXEC) : -1;
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0)
			fill(fd, pages);
		if (fd >= 0)
			close(fd);
		sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
	}
	sqlite3_free(log);
}

/* ---- the thread ---- */

struct sqlite_log *sqlite_log_start(sqlite3 *writer, sqlite3 *own, int pages, struct one_err *err)
{
	struct sqlite_log *l = xcalloc(1, sizeof(*l));
	int rc;

	l->writer = writer;
	l->own = own;
	l->pages = pages;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->wake, NULL);
	rc = pthread_create(&l->thread, NULL, copy_thread, l);
	if (rc) {
		pthread_cond_destroy(&l->wake);
		pthread_mutex_destroy(&l->lock);
		free(l);
		one_err_set(err, ONE_INTERNAL, "Cannot start the thread for the database's log: %s", strerror(rc));
		return NULL;
	}
	sqlite3_wal_hook(writer, on_commit, l);
	return l;
}

void sqlite_log_stop(struct sqlite_log *l)
{
	if (!l)
		return;
	sqlite3_wal_hook(l->writer, NULL, NULL);
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->wake);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
