/* Running a script for a driver action: feeds its stdin, collects its stdout, logs its stderr line by line,
 * and ends it at its deadline or when the action is cancelled.
 *
 * A script is over when its process is, not when its pipes close: one that leaves something running in the
 * background must not hold up its driver. What scripts write to stderr for the log may begin with a severity
 * ("ERROR: text"); what they want the user to see stands between two markers. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/driver.h"
#include "common/driver_impl.h"
#include "common/spawn.h"
#include "common/timeutil.h"

#define OUT_MAX  (16u * 1024 * 1024)
#define LINE_MAX_BYTES 4096 /* of stderr; longer lines are logged in pieces */
#define STOP_GRACE_MS 200

#define MARK_BEGIN "ERROR MESSAGE --8<------"
#define MARK_END   "ERROR MESSAGE ------>8--"

struct script {
	struct driver_call *call;
	struct child child;
	int pidfd;
	const char *in;
	size_t in_left;
	struct strbuf *out;
	struct strbuf line;    /* of stderr, not complete yet */
	struct strbuf marked;  /* text between the markers */
	struct strbuf last;    /* last line that isn't empty */
	bool in_marks;
};

static const char *strip_severity(const char *line, char *level)
{
	static const struct { const char *prefix; char level; } levels[] = {
		{ "ERROR:", 'E' }, { "WARNING:", 'W' }, { "INFO:", 'I' }, { "DEBUG:", 'D' },
	};
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		size_t n = strlen(levels[i].prefix);
		if (strncmp(line, levels[i].prefix, n) == 0) {
			*level = levels[i].level;
			return line + n + strspn(line + n, " ");
		}
	}
	return line;
}

static void line_end(struct script *s)
{
	char level = 'I';
	strbuf_trim(&s->line);
	if (strcmp(s->line.buf, MARK_BEGIN) == 0) {
		s->in_marks = true;
	} else if (strcmp(s->line.buf, MARK_END) == 0) {
		s->in_marks = false;
	} else if (s->line.len) {
		const char *text = strip_severity(s->line.buf, &level);
		struct strbuf *keep = s->in_marks ? &s->marked : &s->last;
		if (!s->in_marks)
			strbuf_reset(keep);
		if (keep->len < ONE_ERR_TEXT) {
			if (keep->len)
				strbuf_addc(keep, ' ');
			strbuf_adds(keep, text);
		}
		driver_log(s->call->driver, s->in_marks ? 'E' : level, s->call->id, text);
	}
	strbuf_reset(&s->line);
}

static void take_errors(struct script *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n' || s->line.len >= LINE_MAX_BYTES)
			line_end(s);
		if (data[i] != '\n')
			strbuf_addc(&s->line, data[i] ? data[i] : '?');
	}
}

static void take_output(struct script *s, const char *data, size_t len)
{
	if (!s->out || s->out->len >= OUT_MAX)
		return;
	size_t room = OUT_MAX - s->out->len;
	strbuf_add(s->out, data, len < room ? len : room);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Reads what is there. Closes at the end of file. */
static void drain(struct script *s, int *fd, void (*take)(struct script *, const char *, size_t))
{
	char buf[16384];
	while (*fd >= 0) {
		ssize_t n = read(*fd, buf, sizeof(buf));
		if (n > 0)
			take(s, buf, (size_t)n);
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			close_fd(fd);
		else if (errno == EAGAIN)
			return;
	}
}

static void feed(struct script *s)
{
	while (s->in_left) {
		ssize_t n = write(s->child.in, s->in, s->in_left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break; /* it doesn't read its input: its own business */
		s->in += n;
		s->in_left -= (size_t)n;
	}
	close_fd(&s->child.in);
}

enum script_end { SCRIPT_EXITED, SCRIPT_TIMEOUT, SCRIPT_CANCELLED };

static enum script_end serve(struct script *s, int timeout_ms)
{
	int64_t deadline = time_mono_ms() + timeout_ms;
	feed(s);
	for (;;) {
		int64_t left = timeout_ms > 0 ? deadline - time_mono_ms() : -1;
		if (timeout_ms > 0 && left <= 0)
			return SCRIPT_TIMEOUT;
		struct pollfd fds[] = {
			{ s->child.in, POLLOUT, 0 }, { s->child.out, POLLIN, 0 }, { s->child.err, POLLIN, 0 },
			{ driver_cancel_fd(s->call), POLLIN, 0 }, { s->pidfd, POLLIN, 0 },
		};
		if (poll(fds, 5, (int)left) < 0)
			continue;
		if (fds[3].revents)
			return SCRIPT_CANCELLED;
		if (fds[0].revents)
			feed(s);
		drain(s, &s->child.out, take_output);
		drain(s, &s->child.err, take_errors);
		if (fds[4].revents)
			return SCRIPT_EXITED;
	}
}

static enum one_rc exited(struct script *s, const char *name, struct one_err *err)
{
	int status = 0;
	while (waitpid(s->child.pid, &status, 0) < 0 && errno == EINTR)
		continue;
	close_fd(&s->child.in);
	close_fd(&s->child.out);
	close_fd(&s->child.err);
	if (s->line.len)
		line_end(s);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ONE_OK;
	struct strbuf how = STRBUF_INIT;
	if (WIFSIGNALED(status))
		strbuf_addf(&how, "%s was killed by signal %d", name, WTERMSIG(status));
	else
		strbuf_addf(&how, "%s failed with exit code %d", name, WEXITSTATUS(status));
	driver_log(s->call->driver, 'E', s->call->id, how.buf);
	const char *why = s->marked.len ? s->marked.buf : s->last.len ? s->last.buf : how.buf;
	enum one_rc rc = one_err_set(err, ONE_ACTION, "%s", why);
	strbuf_done(&how);
	return rc;
}

static enum one_rc stopped(struct script *s, enum script_end how, const char *name, int timeout_ms,
			   struct one_err *err)
{
	spawn_stop(&s->child, STOP_GRACE_MS);
	if (how == SCRIPT_CANCELLED)
		return one_err_set(err, ONE_ACTION, "%s was cancelled", name);
	return one_err_set(err, ONE_ACTION, "%s did not end within %d s", name, timeout_ms / 1000);
}

enum one_rc driver_run_script(struct driver_call *call, const char *const *argv, const char *in,
			      size_t in_len, int timeout_ms, struct strbuf *out, struct one_err *err)
{
	struct script s = { .call = call,
			    .in = in,
			    .in_left = in ? in_len : 0,
			    .out = out,
			    .line = STRBUF_INIT,
			    .marked = STRBUF_INIT,
			    .last = STRBUF_INIT };
	const struct spawn sp = { .argv = argv };
	enum one_rc rc = spawn_start(&sp, &s.child, err);
	if (rc != ONE_OK)
		return rc;
	s.pidfd = pidfd_open(s.child.pid, 0);
	if (s.pidfd < 0) {
		spawn_stop(&s.child, 0);
		return one_err_set(err, ONE_INTERNAL, "Cannot watch %s: %s", argv[0], strerror(errno));
	}
	enum script_end how = serve(&s, timeout_ms);
	if (how == SCRIPT_EXITED)
		rc = exited(&s, argv[0], err);
	else
		rc = stopped(&s, how, argv[0], timeout_ms, err);
	close_fd(&s.pidfd);
	strbuf_done(&s.line);
	strbuf_done(&s.marked);
	strbuf_done(&s.last);
	return rc;
}
