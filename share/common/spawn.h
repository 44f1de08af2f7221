/* Starting processes, never through a shell: argv arrays, all descriptors close-on-exec, default
 * signal dispositions, a process group of its own. */
#ifndef COMMON_SPAWN_H
#define COMMON_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>
#include "common/err.h"
#include "common/strbuf.h"

struct spawn {
	const char *const *argv; /* argv[0] is an absolute path or looked up in PATH; NULL-terminated */
	const char *const *env;  /* "K=V" entries added to (overriding) the parent's; NULL for none */
	const char *cwd;         /* NULL: the parent's */
};

struct child {
	pid_t pid;
	int in, out, err; /* our ends of its stdin, stdout, stderr; non-blocking, close-on-exec; -1 once closed */
};

/* Starts a process with three pipes. ONE_INTERNAL with the errno text (exec failures included). */
enum one_rc spawn_start(const struct spawn *sp, struct child *c, struct one_err *err);

/* Runs to the end: writes `in` (may be NULL) to stdin, drains both outputs as they come (each up to
 * `limit` bytes; the rest is read and dropped), kills the whole process group at the deadline.
 * Returns ONE_OK when the process was started and ended by itself; *status is its wait status.
 * A deadline passed: ONE_ACTION "timeout after N s". out/errout may be NULL. */
enum one_rc spawn_run(const struct spawn *sp, const char *in, size_t in_len, int timeout_ms, size_t limit,
		      struct strbuf *out, struct strbuf *errout, int *status, struct one_err *err);

/* Ends a child: closes its stdin, waits grace_ms, TERM, waits again, then KILL to its process group; reaps it
 * and closes the pipes. What it writes meanwhile is dropped. pid is -1 after; on such a child it does nothing. */
void spawn_stop(struct child *c, int grace_ms);

#endif
