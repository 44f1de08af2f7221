/* Starting, feeding, draining and ending processes, without a shell and without fork(): oned is
 * large and threaded, and posix_spawn neither copies its page tables nor runs our code in the child. */
#include "common/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/timeutil.h"

#define READ_STEP (64 * 1024)
/* What a pipe can hold at most: nobody reads more from a process that has ended. */
#define PIPE_MAX (1024 * 1024)
/* A killed process that hangs in the kernel (a dead NFS server) is not waited for any longer. */
#define KILL_WAIT_MS 2000

extern char **environ;

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool pipes_open(int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		pipes[i][0] = pipes[i][1] = -1;
	for (int i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			return false;
	return true;
}

static void pipes_close(int pipes[3][2])
{
	for (int i = 0; i < 3; i++) {
		close_fd(&pipes[i][0]);
		close_fd(&pipes[i][1]);
	}
}

static bool same_variable(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && b[n] == '=';
}

static bool is_overridden(const char *const *env, const char *entry)
{
	for (; *env; env++)
		if (same_variable(*env, entry))
			return true;
	return false;
}

/* The parent's environment with the caller's entries added. */
static char **environment(struct arena *a, const char *const *env)
{
	size_t n = 0, used = 0;

	if (!env)
		return environ;
	for (char **e = environ; e && *e; e++)
		n++;
	for (const char *const *e = env; *e; e++)
		n++;

	char **all = arena_array(a, n + 1, char *);

	for (char **e = environ; e && *e; e++)
		if (!is_overridden(env, *e))
			all[used++] = *e;
	for (const char *const *e = env; *e; e++)
		all[used++] = arena_strdup(a, *e);
	return all;
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);

	int rc = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
							POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnattr_setpgroup(attr, 0);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(attr, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(attr, &all);
	return rc;
}

static int set_actions(posix_spawn_file_actions_t *actions, int pipes[3][2], const char *cwd)
{
	int rc = 0;

	for (int fd = 0; fd < 3 && rc == 0; fd++)
		rc = posix_spawn_file_actions_adddup2(actions, pipes[fd][fd == STDIN_FILENO ? 0 : 1], fd);
	/* Libraries open descriptors too, and not all of them close-on-exec. */
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	if (rc == 0 && cwd)
		rc = posix_spawn_file_actions_addchdir_np(actions, cwd);
	return rc;
}

/* 0 or an errno; glibc reports a failed exec here as well. */
static int spawn_process(const struct spawn *sp, int pipes[3][2], pid_t *pid)
{
	struct arena arena = ARENA_INIT;
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t actions;

	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_init(&actions);

	int rc = set_attributes(&attr);

	if (rc == 0)
		rc = set_actions(&actions, pipes, sp->cwd);
	if (rc == 0)
		rc = posix_spawnp(pid, sp->argv[0], &actions, &attr, (char *const *)(uintptr_t)sp->argv,
				  environment(&arena, sp->env));
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	arena_done(&arena);
	return rc;
}

static int take_end(int *fd)
{
	int ours = *fd;

	*fd = -1;
	fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK);
	return ours;
}

enum one_rc spawn_start(const struct spawn *sp, struct child *c, struct one_err *err)
{
	int pipes[3][2];
	pid_t pid = -1;
	int rc = pipes_open(pipes) ? spawn_process(sp, pipes, &pid) : errno;

	if (rc == 0) {
		c->pid = pid;
		c->in = take_end(&pipes[STDIN_FILENO][1]);
		c->out = take_end(&pipes[STDOUT_FILENO][0]);
		c->err = take_end(&pipes[STDERR_FILENO][0]);
	}
	pipes_close(pipes);
	if (rc == 0)
		return ONE_OK;
	return one_err_set(err, ONE_INTERNAL, "Cannot start %s: %s", sp->argv[0], strerror(rc));
}

/* Whether it has ended; it stays a zombie, so that its pid (its group's name) stays ours. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == pid;
}

/* How long to sleep in poll: without a pidfd (an old kernel) the end is looked for every 10 ms. */
static int poll_ms(int64_t deadline_ms, int pidfd)
{
	int64_t left_ms = deadline_ms - time_mono_ms();

	if (left_ms <= 0)
		return 0;
	if (pidfd < 0 && left_ms > 10)
		return 10;
	return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static bool wait_end(pid_t pid, int wait_ms)
{
	int pidfd = pidfd_open(pid, 0);
	int64_t deadline_ms = time_mono_ms() + wait_ms;
	bool ended;

	while (!(ended = has_ended(pid)) && time_mono_ms() < deadline_ms) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };

		poll(&p, 1, poll_ms(deadline_ms, pidfd));
	}
	close_fd(&pidfd);
	return ended;
}

static void kill_group(pid_t pid)
{
	kill(-pid, SIGKILL);
	if (wait_end(pid, KILL_WAIT_MS))
		waitpid(pid, NULL, 0);
}

static void close_pipes(struct child *c)
{
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
}

/* Where an output goes: up to `left` bytes more, the rest is dropped. */
struct sink {
	int *fd;
	struct strbuf *to;
	size_t left;
};

/* One read; false when there is nothing now. Closes the descriptor at its end. */
static bool sink_read(struct sink *s, char *step)
{
	if (*s->fd < 0)
		return false;

	ssize_t n = read(*s->fd, step, READ_STEP);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close_fd(s->fd);
		return false;
	}

	size_t keep = (size_t)n < s->left ? (size_t)n : s->left;

	if (s->to)
		strbuf_add(s->to, step, keep);
	s->left -= keep;
	return true;
}

/* The rest of what a process wrote before it ended. Not until the end of file: a process it left
 * in the background may hold the pipe for days. */
static void sink_finish(struct sink *s, char *step)
{
	for (int i = 0; i < PIPE_MAX / READ_STEP && sink_read(s, step); i++)
		;
}

struct feed {
	int *fd;
	const char *data;
	size_t left;
};

static void feed_write(struct feed *f)
{
	ssize_t n = f->left > 0 ? write(*f->fd, f->data, f->left) : 0;

	if (n > 0) {
		f->data += n;
		f->left -= (size_t)n;
	}
	/* A process may well not read its input: that is no error. */
	if (f->left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(f->fd);
}

/* Moves bytes until the process has ended (true) or its time is over (false). */
static bool pump(pid_t pid, struct feed *in, struct sink *out, struct sink *err, int timeout_ms)
{
	int pidfd = pidfd_open(pid, 0);
	int64_t deadline_ms = time_mono_ms() + timeout_ms;
	char *step = xmalloc(READ_STEP);
	bool ended;

	while (!(ended = has_ended(pid)) && time_mono_ms() < deadline_ms) {
		struct pollfd p[] = { { .fd = *in->fd, .events = POLLOUT },
				      { .fd = *out->fd, .events = POLLIN },
				      { .fd = *err->fd, .events = POLLIN },
				      { .fd = pidfd, .events = POLLIN } };

		if (poll(p, 4, poll_ms(deadline_ms, pidfd)) <= 0)
			continue;
		if (p[0].revents)
			feed_write(in);
		sink_read(out, step);
		sink_read(err, step);
	}
	if (ended) {
		sink_finish(out, step);
		sink_finish(err, step);
	}
	free(step);
	close_fd(&pidfd);
	return ended;
}

/* SIGPIPE comes to the thread that writes: kept away from it here, whatever the program does about it. */
static void sigpipe_block(sigset_t *old, bool *was_pending)
{
	sigset_t set;

	sigpending(&set);
	*was_pending = sigismember(&set, SIGPIPE);
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, old);
}

static void sigpipe_restore(const sigset_t *old, bool was_pending)
{
	sigset_t set;
	const struct timespec now = { 0, 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	while (!was_pending && sigtimedwait(&set, NULL, &now) > 0)
		;
	pthread_sigmask(SIG_SETMASK, old, NULL);
}

enum one_rc spawn_run(const struct spawn *sp, const char *in, size_t in_len, int timeout_ms, size_t limit,
		      struct strbuf *out, struct strbuf *errout, int *status, struct one_err *err)
{
	struct child c;
	enum one_rc rc = spawn_start(sp, &c, err);

	if (rc != ONE_OK)
		return rc;

	struct feed feed = { .fd = &c.in, .data = in, .left = in ? in_len : 0 };
	struct sink to_out = { .fd = &c.out, .to = out, .left = limit };
	struct sink to_err = { .fd = &c.err, .to = errout, .left = limit };
	sigset_t old;
	bool was_pending;

	sigpipe_block(&old, &was_pending);

	bool ended = pump(c.pid, &feed, &to_out, &to_err, timeout_ms);

	sigpipe_restore(&old, was_pending);
	close_pipes(&c);
	if (!ended) {
		kill_group(c.pid);
		return one_err_set(err, ONE_ACTION, "timeout after %g s", timeout_ms / 1000.0);
	}
	if (waitpid(c.pid, status, 0) != c.pid)
		return one_err_set(err, ONE_INTERNAL, "Cannot wait for %s: %s", sp->argv[0], strerror(errno));
	return ONE_OK;
}

/* What it still writes is read and dropped: closing the pipes would kill it by SIGPIPE while it cleans up. */
static bool let_end(struct child *c, int grace_ms)
{
	struct feed nothing = { .fd = &c->in };
	struct sink out = { .fd = &c->out }, err = { .fd = &c->err };

	return pump(c->pid, &nothing, &out, &err, grace_ms);
}

void spawn_stop(struct child *c, int grace_ms)
{
	close_fd(&c->in);
	if (c->pid > 0) {
		if (!let_end(c, grace_ms)) {
			kill(-c->pid, SIGTERM);
			let_end(c, grace_ms);
		}
		/* The group even when its leader has ended: what it left in the background ends as well. */
		kill_group(c->pid);
	}
	close_pipes(c);
	c->pid = -1;
}
