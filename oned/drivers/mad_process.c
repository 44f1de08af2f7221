/* One driver process: its start, its lines, its end (states and threads: mad_process.h). */
#include "oned/drivers/mad_process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/log.h"
#include "common/timeutil.h"

#define INIT_MS 10000
#define HANG_MS 60000       /* input that nobody reads for so long: it hangs */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000
#define GOOD_LIFE_MS 60000  /* lived so long: the pauses begin anew */
#define QUEUE_MAX (64u * 1024 * 1024)
#define READ_MAX (256u * 1024) /* per turn, so that no driver keeps the others waiting */
#define LAST_READS 8        /* a pipe holds less */
#define CLOSED_MS 1000      /* for a driver that closed a pipe to end by itself */
#define KEEP_MAX (1024u * 1024)
#define GARBAGE_MAX 20
#define ERR_LINE_MAX 1024
#define ERR_WINDOW_MS 10000
#define ERR_WINDOW_LINES 200

static char **copy_strings(const char *const *from)
{
	size_t n = 0;
	while (from && from[n])
		n++;
	char **to = xcalloc(n + 1, sizeof(*to));
	for (size_t i = 0; i < n; i++)
		to[i] = xstrdup(from[i]);
	return to;
}

static void free_strings(char **list)
{
	for (char **s = list; *s; s++)
		free(*s);
	free(list);
}

void mad_init(struct mad *mad, const struct mad_config *config)
{
	mad->kind = xstrdup(config->kind);
	mad->name = xstrdup(config->name);
	mad->label = xasprintf("%s/%s", config->kind, config->name);
	mad->argv = copy_strings(config->argv);
	mad->env = copy_strings(config->env);
	mad->with_status = strcmp(config->kind, "im") == 0;
	strbuf_init(&mad->queue);
	strbuf_init(&mad->in);
	strbuf_init(&mad->err);
	for (int i = 0; i < MAD_FD_COUNT; i++)
		mad->watch[i] = (struct mad_watch){ mad, (enum mad_fd)i, -1 };
	mad->pid = -1;
	mad->pause_ms = PAUSE_MIN_MS;
}

void mad_done(struct mad *mad)
{
	free(mad->kind);
	free(mad->name);
	free(mad->label);
	free_strings(mad->argv);
	free_strings(mad->env);
	strbuf_done(&mad->queue);
	strbuf_done(&mad->in);
	strbuf_done(&mad->err);
}

static void set_state(struct mad *mad, enum mad_state state, int64_t deadline_ms)
{
	pthread_mutex_lock(mad->lock);
	mad->state = state;
	pthread_mutex_unlock(mad->lock);
	mad->deadline_ms = deadline_ms;
}

/* ---- Descriptors ---- */

static void watch_fd(struct mad *mad, enum mad_fd which, int fd, uint32_t events)
{
	mad->watch[which].fd = fd;
	struct epoll_event ev = { .events = events, .data.ptr = &mad->watch[which] };
	epoll_ctl(mad->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static void unwatch(struct mad *mad, enum mad_fd which)
{
	int fd = mad->watch[which].fd;
	if (fd < 0)
		return;
	epoll_ctl(mad->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
	mad->watch[which].fd = -1;
}

static void want_write(struct mad *mad, bool want)
{
	struct epoll_event ev = { .events = want ? EPOLLOUT : 0, .data.ptr = &mad->watch[MAD_FD_IN] };
	if (want == mad->waits_to_write)
		return;
	mad->waits_to_write = want;
	epoll_ctl(mad->epoll_fd, EPOLL_CTL_MOD, mad->watch[MAD_FD_IN].fd, &ev);
}

/* ---- Sending ---- */

enum one_rc mad_queue_line(struct mad *mad, const char *action, long long id, const char *payload,
			   struct one_err *err)
{
	if (mad->state != MAD_RUNNING)
		return one_err_set(err, ONE_INTERNAL, "Driver %s is not running", mad->label);
	if (mad->queue.len - mad->sent + strlen(payload ? payload : "") > QUEUE_MAX)
		return one_err_set(err, ONE_INTERNAL,
				   "Driver %s does not read its input: too much is waiting", mad->label);
	if (mad->queue.len == 0)
		mad->moved_ms = time_mono_ms();
	if (mad->with_status)
		driver_format_monitor(&mad->queue, action, id, payload);
	else
		driver_format_request(&mad->queue, action, id, payload);
	return ONE_OK;
}

/* What was written leaves the queue, but not byte by byte. */
static void queue_shift(struct mad *mad)
{
	if (mad->sent == mad->queue.len) {
		if (mad->queue.cap > KEEP_MAX)
			strbuf_done(&mad->queue);
		else
			strbuf_reset(&mad->queue);
		mad->sent = 0;
	} else if (mad->sent > KEEP_MAX) {
		size_t left = mad->queue.len - mad->sent;
		memmove(mad->queue.buf, mad->queue.buf + mad->sent, left);
		strbuf_setlen(&mad->queue, left);
		mad->sent = 0;
	}
}

void mad_flush(struct mad *mad)
{
	int fd = mad->watch[MAD_FD_IN].fd;
	if (fd < 0)
		return;
	pthread_mutex_lock(mad->lock);
	while (mad->sent < mad->queue.len) {
		ssize_t n = write(fd, mad->queue.buf + mad->sent, mad->queue.len - mad->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break; /* full; or gone, which its end tells */
		mad->sent += (size_t)n;
		mad->moved_ms = time_mono_ms();
	}
	queue_shift(mad);
	bool more = mad->queue.len > 0;
	pthread_mutex_unlock(mad->lock);
	want_write(mad, more);
}

/* ---- Receiving ---- */

static void note_failure(struct mad *mad, const char *why)
{
	pthread_mutex_lock(mad->lock);
	snprintf(mad->failure, sizeof(mad->failure), "%s", why);
	pthread_mutex_unlock(mad->lock);
}

void mad_kill(struct mad *mad, const char *why)
{
	if (mad->pid <= 0 || mad->state == MAD_ENDING)
		return;
	log_error("DrM", "Driver %s: %s; ending it", mad->label, why);
	note_failure(mad, why);
	if (mad->state != MAD_STOPPED)
		set_state(mad, MAD_ENDING, 0);
	kill(-mad->pid, SIGKILL);
	kill(mad->pid, SIGKILL);
}

static void came_up(struct mad *mad)
{
	pthread_mutex_lock(mad->lock);
	mad->state = MAD_RUNNING;
	mad->settled = true;
	mad->failure[0] = '\0';
	pthread_mutex_unlock(mad->lock);
	mad->deadline_ms = 0;
	log_info("DrM", "Driver %s is up (pid %d)", mad->label, (int)mad->pid);
	mad->event(mad->ctx, mad->kind, mad->name, MAD_UP, NULL);
}

static void on_init_answer(struct mad *mad, const struct driver_msg *msg)
{
	if (mad->state != MAD_STARTING)
		return;
	if (strcmp(msg->status, "SUCCESS") == 0) {
		came_up(mad);
		return;
	}
	char why[200];
	snprintf(why, sizeof(why), "it refused to start: %s",
		 *msg->payload ? msg->payload : "no reason given");
	mad_kill(mad, why);
}

static void on_garbage(struct mad *mad, const char *line)
{
	mad->garbage++;
	log_warn("DrM", "Driver %s sent what is no message: %.200s", mad->label, line);
	if (mad->garbage > GARBAGE_MAX)
		mad_kill(mad, "it sends nothing that makes sense");
}

static void on_line(struct mad *mad, char *line)
{
	struct driver_msg msg;
	if (!*line)
		return;
	char shown[201];
	snprintf(shown, sizeof(shown), "%s", line); /* parsing cuts the line into pieces */
	if (!driver_parse_reply(line, &msg)) {
		on_garbage(mad, shown);
		return;
	}
	mad->garbage = 0;
	if (strcmp(msg.action, "INIT") == 0)
		on_init_answer(mad, &msg);
	else
		mad->event(mad->ctx, mad->kind, mad->name, MAD_MESSAGE, &msg);
}

/* Handles the complete lines read so far. */
static void take_lines(struct mad *mad)
{
	struct strbuf *in = &mad->in;
	size_t start = 0;
	char *nl;
	while ((nl = memchr(in->buf + mad->scanned, '\n', in->len - mad->scanned))) {
		*nl = '\0';
		on_line(mad, in->buf + start);
		start = mad->scanned = (size_t)(nl - in->buf) + 1;
	}
	if (start == in->len && in->cap > KEEP_MAX) {
		strbuf_done(in);
	} else if (start) {
		memmove(in->buf, in->buf + start, in->len - start);
		strbuf_setlen(in, in->len - start);
	}
	mad->scanned = in->len;
	if (in->len > DRIVER_LINE_MAX) {
		strbuf_done(in);
		mad->scanned = 0;
		mad_kill(mad, "it sent a line that is too long");
	}
}

/* Reads at most READ_MAX bytes. false: nothing more for now, or its end (then it isn't watched any
 * longer). */
static bool read_some(struct mad *mad, enum mad_fd which, struct strbuf *to)
{
	strbuf_grow(to, READ_MAX);
	ssize_t n = read(mad->watch[which].fd, to->buf + to->len, READ_MAX);
	if (n > 0) {
		to->len += (size_t)n;
		to->buf[to->len] = '\0';
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		unwatch(mad, which);
	return false;
}

static void log_err_line(struct mad *mad, const char *line)
{
	int64_t now = time_mono_ms();
	if (now - mad->err_window_ms > ERR_WINDOW_MS) {
		if (mad->err_lines > ERR_WINDOW_LINES)
			log_warn("DrM", "Driver %s: %d more lines on its standard error", mad->label,
				 mad->err_lines - ERR_WINDOW_LINES);
		mad->err_window_ms = now;
		mad->err_lines = 0;
	}
	if (*line && ++mad->err_lines <= ERR_WINDOW_LINES)
		log_info("DrM", "Driver %s: %s", mad->label, line);
}

static void take_errors(struct mad *mad, bool all)
{
	struct strbuf *err = &mad->err;
	size_t start = 0;
	while (start < err->len) {
		char *line = err->buf + start;
		size_t left = err->len - start;
		size_t room = left < ERR_LINE_MAX ? left : ERR_LINE_MAX;
		char *nl = memchr(line, '\n', room);
		size_t len = nl ? (size_t)(nl - line) : room;
		if (!nl && room < ERR_LINE_MAX && !all)
			break;
		char text[ERR_LINE_MAX + 1];
		memcpy(text, line, len);
		text[len] = '\0';
		log_err_line(mad, text);
		start += len + (nl ? 1 : 0);
	}
	memmove(err->buf, err->buf + start, err->len - start);
	strbuf_setlen(err, err->len - start);
}

/* ---- The end ---- */

static void obituary(struct mad *mad, int status)
{
	char why[160];
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "it was killed by signal %d", WTERMSIG(status));
	else
		snprintf(why, sizeof(why), "it ended with exit code %d", WEXITSTATUS(status));
	/* where we ended it, the reason is known already */
	if (mad->state != MAD_ENDING) {
		log_error("DrM", "Driver %s: %s", mad->label, why);
		note_failure(mad, why);
	}
}

static void plan_restart(struct mad *mad)
{
	int64_t now = time_mono_ms();
	if (now - mad->started_ms > GOOD_LIFE_MS)
		mad->pause_ms = PAUSE_MIN_MS;
	set_state(mad, MAD_WAITING, now + mad->pause_ms);
	log_info("DrM", "Driver %s is started again in %d s", mad->label, mad->pause_ms / 1000);
	mad->pause_ms = mad->pause_ms * 2 < PAUSE_MAX_MS ? mad->pause_ms * 2 : PAUSE_MAX_MS;
}

static void forget_process(struct mad *mad)
{
	for (int i = 0; i < MAD_FD_COUNT; i++)
		unwatch(mad, (enum mad_fd)i);
	mad->pid = -1;
	strbuf_done(&mad->in);
	strbuf_done(&mad->err);
	mad->scanned = 0;
	mad->garbage = 0;
	pthread_mutex_lock(mad->lock);
	strbuf_done(&mad->queue);
	mad->sent = 0;
	mad->settled = true;
	pthread_mutex_unlock(mad->lock);
}

/* What it wrote before it ended is still in the pipes; something it left running may write for ever. */
static void read_last_words(struct mad *mad)
{
	for (int i = 0;
	     i < LAST_READS && mad->watch[MAD_FD_OUT].fd >= 0 && read_some(mad, MAD_FD_OUT, &mad->in); i++)
		take_lines(mad);
	for (int i = 0;
	     i < LAST_READS && mad->watch[MAD_FD_ERR].fd >= 0 && read_some(mad, MAD_FD_ERR, &mad->err); i++)
		take_errors(mad, false);
	take_errors(mad, true);
}

static void on_exit_of_process(struct mad *mad)
{
	int status = 0;
	if (waitpid(mad->pid, &status, WNOHANG) != mad->pid)
		return;
	read_last_words(mad);
	bool finalized = mad->state == MAD_STOPPED;
	if (!finalized)
		obituary(mad, status);
	forget_process(mad);
	if (!finalized) {
		plan_restart(mad);
		mad->event(mad->ctx, mad->kind, mad->name, MAD_DOWN, NULL);
	}
}

/* Without its pipes a driver is of no use. If it isn't about to end, it is made to. */
static void lost_pipe(struct mad *mad)
{
	if (mad->state == MAD_STARTING || mad->state == MAD_RUNNING)
		mad->deadline_ms = time_mono_ms() + CLOSED_MS;
}

void mad_on_event(struct mad_watch *watch, uint32_t events)
{
	struct mad *mad = watch->mad;
	if (watch->fd < 0)
		return;
	switch (watch->which) {
	case MAD_FD_IN:
		if (events & EPOLLERR) {
			unwatch(mad, MAD_FD_IN);
			lost_pipe(mad);
		} else {
			mad_flush(mad);
		}
		break;
	case MAD_FD_OUT:
		if (read_some(mad, MAD_FD_OUT, &mad->in))
			take_lines(mad);
		else if (watch->fd < 0)
			lost_pipe(mad);
		break;
	case MAD_FD_ERR:
		if (read_some(mad, MAD_FD_ERR, &mad->err))
			take_errors(mad, false);
		break;
	case MAD_FD_PID:
		on_exit_of_process(mad);
		break;
	case MAD_FD_COUNT:
		break;
	}
}

/* ---- The start ---- */

static void start_failed(struct mad *mad, const char *why)
{
	log_error("DrM", "Driver %s cannot be started: %s", mad->label, why);
	note_failure(mad, why);
	mad->started_ms = time_mono_ms();
	forget_process(mad);
	plan_restart(mad);
	mad->event(mad->ctx, mad->kind, mad->name, MAD_DOWN, NULL);
}

static void start_process(struct mad *mad)
{
	struct one_err err = ONE_ERR_INIT;
	struct child child;
	const struct spawn sp = { .argv = (const char *const *)mad->argv,
				  .env = (const char *const *)mad->env };
	if (spawn_start(&sp, &child, &err) != ONE_OK) {
		start_failed(mad, err.text);
		return;
	}
	int pidfd = pidfd_open(child.pid, 0);
	if (pidfd < 0) {
		char why[128];
		snprintf(why, sizeof(why), "cannot watch it: %s", strerror(errno));
		spawn_stop(&child, 0);
		start_failed(mad, why);
		return;
	}
	mad->pid = child.pid;
	mad->started_ms = time_mono_ms();
	watch_fd(mad, MAD_FD_IN, child.in, 0);
	mad->waits_to_write = false;
	watch_fd(mad, MAD_FD_OUT, child.out, EPOLLIN);
	watch_fd(mad, MAD_FD_ERR, child.err, EPOLLIN);
	watch_fd(mad, MAD_FD_PID, pidfd, EPOLLIN);
	pthread_mutex_lock(mad->lock);
	strbuf_lit(&mad->queue, "INIT\n");
	pthread_mutex_unlock(mad->lock);
	set_state(mad, MAD_STARTING, mad->started_ms + INIT_MS);
	mad_flush(mad);
}

/* When input that isn't read becomes a hang; 0: nothing waits. */
static int64_t hang_deadline(struct mad *mad)
{
	pthread_mutex_lock(mad->lock);
	int64_t at = mad->state == MAD_RUNNING && mad->queue.len > 0 ? mad->moved_ms + HANG_MS : 0;
	pthread_mutex_unlock(mad->lock);
	return at;
}

int64_t mad_on_time(struct mad *mad, int64_t now_ms, bool stopping)
{
	if (mad->deadline_ms && mad->deadline_ms <= now_ms) {
		mad->deadline_ms = 0;
		if (mad->state == MAD_WAITING && !stopping)
			start_process(mad);
		else if (mad->watch[MAD_FD_IN].fd < 0 || mad->watch[MAD_FD_OUT].fd < 0)
			mad_kill(mad, "it closed its standard input or output");
		else if (mad->state == MAD_STARTING)
			mad_kill(mad, "it did not answer INIT in time");
	}
	int64_t hang = hang_deadline(mad);
	if (hang && hang <= now_ms)
		mad_kill(mad, "it does not read its input");
	if (mad->deadline_ms && hang)
		return mad->deadline_ms < hang ? mad->deadline_ms : hang;
	return mad->deadline_ms ? mad->deadline_ms : hang;
}

void mad_finalize(struct mad *mad)
{
	pthread_mutex_lock(mad->lock);
	bool alive = mad->pid > 0;
	mad->state = MAD_STOPPED;
	if (alive)
		strbuf_lit(&mad->queue, "FINALIZE\n");
	pthread_mutex_unlock(mad->lock);
	mad->deadline_ms = 0;
	if (alive)
		mad_flush(mad);
}
