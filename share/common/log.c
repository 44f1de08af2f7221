/* The log: formats a line, makes it harmless and hands it to a file, stderr or syslog in one piece.
 *
 *   Wed Nov 25 02:00:52 2026 [Z0][ReM][D]: text */
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/strbuf.h"
#include "common/timeutil.h"

/* What is longer is cut, so that no client fills the disk with a line. */
#define LOG_TEXT_MAX (64 * 1024)

static struct {
	atomic_int level, zone_id;
	atomic_int fd;
	atomic_bool to_syslog;
	char path[4096]; /* "" unless the system is "file" */
	char ident[64];
} state = { .level = LOG_L_INFO, .fd = STDERR_FILENO };

static int open_append(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

static enum one_rc open_file(const char *path, struct one_err *err)
{
	if (strlen(path) >= sizeof(state.path))
		return one_err_set(err, ONE_INTERNAL, "Cannot open log file: the path is too long");

	int fd = open_append(path);

	if (fd < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot open log file %s: %s", path, strerror(errno));
	strcpy(state.path, path);

	int old = atomic_exchange(&state.fd, fd);

	if (old != STDERR_FILENO)
		close(old);
	return ONE_OK;
}

static void leave_file(void)
{
	int old = atomic_exchange(&state.fd, STDERR_FILENO);

	if (old != STDERR_FILENO)
		close(old);
	state.path[0] = '\0';
}

enum one_rc log_open(const char *system, const char *path, const char *ident, enum log_level level,
		     struct one_err *err)
{
	bool to_syslog = strcmp(system, "syslog") == 0;

	if (strcmp(system, "file") == 0) {
		enum one_rc rc = open_file(path, err);

		if (rc != ONE_OK)
			return rc;
	} else if (to_syslog || strcmp(system, "std") == 0) {
		leave_file();
	} else {
		return one_err_set(err, ONE_INTERNAL, "Unknown log system \"%s\"", system);
	}

	if (to_syslog) {
		snprintf(state.ident, sizeof(state.ident), "%s", ident);
		openlog(state.ident, LOG_PID, LOG_DAEMON);
	}
	atomic_store(&state.to_syslog, to_syslog);
	log_set_level(level);
	return ONE_OK;
}

void log_set_zone(int zone_id)
{
	atomic_store(&state.zone_id, zone_id);
}

void log_set_level(enum log_level level)
{
	atomic_store(&state.level, (int)level);
}

enum log_level log_level_of(char letter)
{
	return letter == 'E' ? LOG_L_ERROR : letter == 'W' ? LOG_L_WARNING : letter == 'I' ? LOG_L_INFO : LOG_L_DEBUG;
}

enum log_level log_get_level(void)
{
	return (enum log_level)atomic_load_explicit(&state.level, memory_order_relaxed);
}

void log_reopen(void)
{
	if (!state.path[0])
		return;

	int fd = open_append(state.path);

	if (fd < 0) {
		log_error("LOG", "Cannot open log file %s again: %s", state.path, strerror(errno));
		return;
	}
	/* The same number goes on, so a thread that is just writing needs no lock. */
	dup3(fd, atomic_load(&state.fd), O_CLOEXEC);
	close(fd);
}

static char level_letter(enum log_level level)
{
	switch (level) {
	case LOG_L_ERROR:
		return 'E';
	case LOG_L_WARNING:
		return 'W';
	case LOG_L_INFO:
		return 'I';
	case LOG_L_DEBUG:
	case LOG_L_DDEBUG:
	case LOG_L_DDDEBUG:
		return 'D';
	}
	return 'D';
}

static int syslog_priority(enum log_level level)
{
	switch (level) {
	case LOG_L_ERROR:
		return LOG_ERR;
	case LOG_L_WARNING:
		return LOG_WARNING;
	case LOG_L_INFO:
		return LOG_INFO;
	case LOG_L_DEBUG:
	case LOG_L_DDEBUG:
	case LOG_L_DDDEBUG:
		return LOG_DEBUG;
	}
	return LOG_DEBUG;
}

/* Takes from buf[from..] whatever could forge a line or drive a terminal. */
static void make_harmless(struct strbuf *line, size_t from)
{
	while (line->len > from && strchr("\r\n", line->buf[line->len - 1]))
		strbuf_setlen(line, line->len - 1);
	for (size_t i = from; i < line->len; i++) {
		unsigned char c = (unsigned char)line->buf[i];
		bool c1 = c == 0xC2 && (unsigned char)line->buf[i + 1] >= 0x80 &&
			  (unsigned char)line->buf[i + 1] < 0xA0;

		if (c == '\n' || c == '\r' || c == '\t')
			line->buf[i] = ' ';
		else if (c < 0x20 || c == 0x7F)
			line->buf[i] = '?';
		else if (c1)
			line->buf[i] = line->buf[i + 1] = '?';
	}
}

/* Of the thread: what it holds back, and the date of the second it last wrote in. */
static _Thread_local struct { struct strbuf held; bool holds; time_t when; char date[32]; } mine = { .held = STRBUF_INIT };

#define HELD_MAX (64 * 1024)

static const char *date_now(void)
{
	time_t now = time_now();

	if (now != mine.when) {
		time_text(now, mine.date, sizeof(mine.date));
		mine.when = now;
	}
	return mine.date;
}

static void add_head(struct strbuf *line, enum log_level level, const char *module)
{
	strbuf_addf(line, "%s [Z%d][%s][%c]: ", date_now(), atomic_load(&state.zone_id), module,
		    level_letter(level));
}

static void finish(struct strbuf *line, size_t text_at)
{
	if (line->len - text_at > LOG_TEXT_MAX) {
		strbuf_setlen(line, text_at + LOG_TEXT_MAX);
		strbuf_lit(line, "...");
	}
	make_harmless(line, text_at);
	strbuf_addc(line, '\n');
}

static bool write_line(int fd, const struct strbuf *line)
{
	ssize_t n;

	do
		n = write(fd, line->buf, line->len);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->len;
}

void log_hold(void)
{
	mine.holds = true;
}

void log_flush(void)
{
	if (mine.held.len)
		write_line(atomic_load(&state.fd), &mine.held);
	strbuf_done(&mine.held);
	mine.holds = false;
}

static void put_line(const struct strbuf *line)
{
	if (!mine.holds) {
		write_line(atomic_load(&state.fd), line);
		return;
	}
	strbuf_add(&mine.held, line->buf, line->len);
	if (mine.held.len < HELD_MAX)
		return;
	log_flush();
	log_hold();
}

void log_vmsg(enum log_level level, const char *module, const char *fmt, va_list ap)
{
	if (level > log_get_level())
		return;

	int saved = errno;
	struct strbuf line = STRBUF_INIT;

	add_head(&line, level, module);

	size_t text_at = line.len;

	strbuf_vaddf(&line, fmt, ap);
	finish(&line, text_at);
	if (atomic_load(&state.to_syslog))
		syslog(syslog_priority(level), "%s", strchr(line.buf, '['));
	else
		put_line(&line);
	strbuf_done(&line);
	errno = saved;
}

void log_msg(enum log_level level, const char *module, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vmsg(level, module, fmt, ap);
	va_end(ap);
}

void log_file_line(const char *path, enum log_level level, const char *module, const char *text)
{
	int fd = open_append(path);

	if (fd < 0) {
		log_error("LOG", "Cannot open %s: %s", path, strerror(errno));
		return;
	}

	struct strbuf line = STRBUF_INIT;

	add_head(&line, level, module);

	size_t text_at = line.len;

	strbuf_adds(&line, text);
	finish(&line, text_at);
	if (!write_line(fd, &line))
		log_error("LOG", "Cannot write %s: %s", path, strerror(errno));
	strbuf_done(&line);
	close(fd);
}
