/* Error values and texts: what every fallible function of Perigee returns.
 *
 * A condition is an `enum one_rc`; its values are the error codes of the XML-RPC API
 * (OpenNebula's ErrorCode), so a domain function's result is what the client sees. The text
 * goes into a caller-owned `struct one_err`, passed last. Bugs abort with assert(). */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdarg.h>

enum one_rc {
	ONE_OK = 0x0,
	ONE_AUTHENTICATION = 0x0100,
	ONE_AUTHORIZATION = 0x0200,
	ONE_NO_EXISTS = 0x0400,
	ONE_ACTION = 0x0800,
	ONE_API = 0x1000,
	ONE_INTERNAL = 0x2000,
	ONE_ALLOCATE = 0x4000,
	ONE_LOCKED = 0x8000,
	ONE_REPLICATION = 0x10000,
};

#define ONE_ERR_TEXT 2048

struct one_err {
	enum one_rc rc;
	int object_id;           /* position 4 of a failed answer; -1 where nothing is named */
	char text[ONE_ERR_TEXT]; /* UTF-8, NUL-terminated, cut (at a character) when too long */
};

#define ONE_ERR_INIT { .rc = ONE_OK, .object_id = -1, .text = "" }

/* Sets rc and text and returns rc. `err` may be NULL: then only rc is returned. */
enum one_rc one_err_set(struct one_err *err, enum one_rc rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
enum one_rc one_err_vset(struct one_err *err, enum one_rc rc, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Puts "<text>" in front of what is there already (e.g. "Cannot update template. "). */
void one_err_prefix(struct one_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Empties err for another use. */
void one_err_clear(struct one_err *err);

#endif
