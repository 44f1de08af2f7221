/* Copying the write-ahead log of a SQLite file into the file, beside the connection that commits.
 *
 * SQLite by itself does that in the commit that makes the log too long: everybody who waits for that commit waits until tens of megabytes are
 * on disk. Here a thread copies, on a connection of its own, while commits go on. The log begins anew only when all of it is in the file; so the
 * little that came meanwhile is copied by a commit, at the end.
 *
 *   log:  [ copied by the thread ... ][ came meanwhile ]      -> the thread again, until little is left -> a commit copies that */
#ifndef COMMON_SQL_SQLITE_LOG_H
#define COMMON_SQL_SQLITE_LOG_H

#include <sqlite3.h>
#include "common/err.h"

#define SQLITE_PAGE_BYTES 16384 /* in new files */

struct sqlite_log;

/* Gives a log that is still empty the room of so many pages, so that commits write into a file that is there: to make one longer costs the disk
 * twice as much. What can't be done stays: the log grows, then. */
void sqlite_log_reserve(sqlite3 *writer, const char *path, int pages);
/* From now on the log is copied when it is `pages` long. Both connections stay the caller's; `own` is the thread's alone until
 * sqlite_log_stop. NULL: ONE_INTERNAL. */
struct sqlite_log *sqlite_log_start(sqlite3 *writer, sqlite3 *own, int pages, struct one_err *err);
/* Before the connections are closed, on the thread that commits. NULL is fine. */
void sqlite_log_stop(struct sqlite_log *l);

#endif
