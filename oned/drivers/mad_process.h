/* One driver process, from its start to its obituary. Used by mad.c only.
 *
 *   WAITING --start--> STARTING --INIT SUCCESS--> UP
 *      ^                  |  no INIT, refused      | died, garbage, hangs
 *      '---- pause ---- ENDING <-------------------'
 *
 * All of it runs on the I/O thread but mad_queue_line. `lock` guards state and the output queue, because
 * senders look at both; everything else belongs to the I/O thread. */
#ifndef ONED_DRIVERS_MAD_PROCESS_H
#define ONED_DRIVERS_MAD_PROCESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/spawn.h"
#include "common/strbuf.h"
#include "oned/drivers/mad.h"

enum mad_state { MAD_WAITING, MAD_STARTING, MAD_RUNNING, MAD_ENDING, MAD_STOPPED };

/* What epoll gives back for each of a process' descriptors. */
enum mad_fd { MAD_FD_IN, MAD_FD_OUT, MAD_FD_ERR, MAD_FD_PID, MAD_FD_COUNT };
struct mad_watch {
	struct mad *mad;
	enum mad_fd which;
	int fd; /* -1: not watched (an event of the same round may still name it) */
};

struct mad {
	struct mad *next;
	char *kind, *name, *label; /* label: "kind/name" for the log */
	char **argv, **env;
	bool with_status;          /* messages of this kind have a status word before the id */

	int epoll_fd;
	mad_event_fn event;
	void *ctx;

	pthread_mutex_t *lock;
	enum mad_state state;
	struct strbuf queue;       /* lines to send; the first `sent` bytes are gone */
	size_t sent;
	int64_t moved_ms;          /* when the queue last got shorter, or began */
	bool settled;              /* was up, or failed to, at least once */
	char failure[256];         /* why it isn't up; "" */

	pid_t pid;
	struct mad_watch watch[MAD_FD_COUNT];
	bool waits_to_write;       /* its pipe was full: epoll tells when it isn't */
	struct strbuf in, err;     /* what was read of stdout and stderr and isn't a line yet */
	size_t scanned;            /* no newline in `in` before this */
	int64_t deadline_ms;       /* of the state; 0: none */
	int64_t started_ms;
	int pause_ms;
	int garbage;               /* lines since the last message that was one */
	int64_t err_window_ms;
	int err_lines;             /* in this window */
};

void mad_init(struct mad *mad, const struct mad_config *config);
void mad_done(struct mad *mad);
/* Appends one line. With the lock held; ONE_INTERNAL when it isn't up or the queue is full. */
enum one_rc mad_queue_line(struct mad *mad, const char *action, long long id, const char *payload,
			   struct one_err *err);

/* Writes what is queued as far as the pipe takes it, and asks epoll for more where it didn't. */
void mad_flush(struct mad *mad);
void mad_on_event(struct mad_watch *watch, uint32_t events);
/* Does what its clock says: start, give up. Returns when to look again (0: no need). */
int64_t mad_on_time(struct mad *mad, int64_t now_ms, bool stopping);
/* Asks it to end; what isn't running is stopped at once. */
void mad_finalize(struct mad *mad);
void mad_kill(struct mad *mad, const char *why);

#endif
