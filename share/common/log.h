/* The log, in OpenNebula's line format:
 *
 *   Wed Nov 25 02:00:52 2026 [Z0][ReM][D]: text
 *
 * Z<zone id>, a module tag of three letters, a level letter (E W I D; DD and DDD print as D).
 * Systems: "file", "std" (stderr, what OpenNebula calls std) and "syslog". Any thread may log: one
 * write(2) a line, texts longer than 64 KB are cut. Newlines and tabs in the text become blanks, so nobody can
 * forge a line; control characters become '?'. errno is left alone. Secrets must never reach this file. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdarg.h>
#include "common/err.h"

enum log_level { LOG_L_ERROR = 0, LOG_L_WARNING = 1, LOG_L_INFO = 2, LOG_L_DEBUG = 3, LOG_L_DDEBUG = 4, LOG_L_DDDEBUG = 5 };

/* system: "file", "std" or "syslog"; path: the file for "file" (appended to); ident: for syslog.
 * Before log_open, lines go to stderr at level INFO. ONE_INTERNAL with a text when it can't open: then
 * the log goes on as before. log_open is for the start, before other threads log. */
enum one_rc log_open(const char *system, const char *path, const char *ident, enum log_level level, struct one_err *err);
void log_set_zone(int zone_id);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* The level of a driver's LOG line: E, W, I; anything else is for debugging. */
enum log_level log_level_of(char letter);
/* From hold to flush the lines of this thread are written together: for who writes many at once. */
void log_hold(void);
void log_flush(void);
void log_reopen(void);  /* after logrotate: opens the file again */
void log_msg(enum log_level level, const char *module, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void log_vmsg(enum log_level level, const char *module, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
/* One line "<date> [Z0][VM][I]: text" appended to the file (made if missing): a VM's own log. */
void log_file_line(const char *path, enum log_level level, const char *module, const char *text);

#define log_error(module, ...) log_msg(LOG_L_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  log_msg(LOG_L_WARNING, module, __VA_ARGS__)
#define log_info(module, ...)  log_msg(LOG_L_INFO, module, __VA_ARGS__)
/* Debug lines cost nothing while the level is lower. */
#define log_debug(module, ...) do { if (log_get_level() >= LOG_L_DEBUG) log_msg(LOG_L_DEBUG, module, __VA_ARGS__); } while (0)

#endif
