/* The driver line protocol, both sides of it.
 *
 *   oned -> driver    ACTION <blank> ID [argument ...]\n        e.g. "DEPLOY  23 <base64 of XML>"
 *   driver -> oned    ACTION RESULT ID [info]\n                 RESULT: SUCCESS, FAILURE or "-"
 *   driver -> oned    LOG <I|E|D|W> ID text\n
 *
 * The first line to a driver is INIT, answered "INIT SUCCESS"; FINALIZE (or the end of input) ends it;
 * DRIVER_CANCEL ID gives up what runs for that id. A line is limited (a longer one is an error). */
#ifndef COMMON_DRIVER_H
#define COMMON_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"

#define DRIVER_LINE_MAX (64u * 1024 * 1024)

/* One line, taken apart. Pointers go into the line given to the parser. */
struct driver_msg {
	const char *action;  /* "DEPLOY" */
	const char *status;  /* "SUCCESS", "FAILURE", "-"; "" in a message from oned */
	long long id;        /* -1 where there is none */
	const char *payload; /* rest of the line; "" when nothing */
};

/* Take a line (without its newline; changed in place) apart. false: not a message. A payload that is only "-"
 * is nothing (""). A request may have a status word before its id, as those to monitor drivers do. */
bool driver_parse_reply(char *line, struct driver_msg *m);   /* from a driver: ACTION STATUS ID INFO */
bool driver_parse_request(char *line, struct driver_msg *m); /* from oned:     ACTION ID ARGS */
/* One line; newlines inside the payload become blanks. */
void driver_format_request(struct strbuf *out, const char *action, long long id, const char *payload);
/* A request as monitor drivers want it: ACTION - ID PAYLOAD. */
void driver_format_monitor(struct strbuf *out, const char *action, long long id, const char *payload);
void driver_format_reply(struct strbuf *out, const char *action, const char *status, long long id,
			 const char *info);

/* Names of drivers and of their actions come from messages and become parts of paths: letters, digits,
 * "_-." and no dot at the front. */
bool driver_is_name(const char *s);
/* Whether a comma-separated list (blanks allowed), as options have it, names this one. */
bool driver_list_has(const char *list, const char *name);

/* The payload of monitor messages is base64(zlib(text)). driver_unpack appends the text; false (out
 * unchanged) when it isn't one, or is longer than `limit`. */
void driver_pack(const char *text, size_t len, struct strbuf *out);
bool driver_unpack(const char *payload, size_t limit, struct strbuf *out);

/* ---- The driver's side: a program is a table of actions. ---- */

struct driver;

/* Runs on a worker thread (at most `threads` at once; actions of one id never at the same time and in
 * order). */
struct driver_call {
	struct driver *driver;
	const char *action;
	long long id;
	const char *payload;  /* as it came */
	struct arena arena;   /* for the action's own use; freed after it */
	void *ctx;            /* of struct driver */
};
typedef void (*driver_action_fn)(struct driver_call *call);

struct driver_action { const char *name; driver_action_fn run; };

struct driver_config {
	const char *name;                     /* for --help, --version and logs */
	const char *help;                     /* text of --help after the usage line */
	const struct driver_action *actions;  /* ends with a NULL name */
	int threads;                          /* default number of workers; option -t N overrides */
	bool ordered; /* short actions: they run at once, on the thread that reads, in the order they came */
	void *ctx;
	/* Called first: the driver to send with, for programs with threads of their own. May be NULL. */
	void (*attach)(void *ctx, struct driver *driver);
	/* Called before INIT is answered, with what getopt left over; a failure answers "INIT FAILURE -
	 * text". May be NULL. */
	enum one_rc (*init)(void *ctx, int argc, char **argv, struct one_err *err);
	/* After the actions of all lines that came at once (of an ordered driver). May be NULL. */
	void (*handled)(void *ctx);
	void (*finalize)(void *ctx);          /* after the last action; may be NULL */
	/* getopt(3) options beside -t, -h/--help and -V/--version, e.g. "r:l:"; each goes to `option`.
	 * May be NULL. A program with an h of its own keeps --help. long_options: as getopt_long(3) wants
	 * them, each with the letter of a short one. */
	const char *options;
	const struct option *long_options;
	bool (*option)(void *ctx, int opt, const char *arg);
};

/* main() of a driver: parses options, serves stdin until FINALIZE or its end; the exit status. Unknown
 * actions are answered with FAILURE and the reason. Nothing but protocol lines goes to stdout. Arguments
 * that came as one (as oned hands them over) are split at blanks; the pieces live until driver_main
 * returns. At the end what is queued and running gets DRIVER_END_MS, then it is cancelled. */
#define DRIVER_END_MS 3000
int driver_main(const struct driver_config *config, int argc, char **argv);

/* The value of an option in seconds (0: no deadline, at most 1,000,000) as milliseconds. false: not such
 * a number. */
bool driver_option_seconds(const char *arg, int *timeout_ms);

/* Answers; any thread. A call answers once ("-" statuses excepted: see driver_send); a second answer and
 * that of a cancelled call go nowhere, because whoever cancelled may have asked for something else since. */
void driver_success(struct driver_call *call, const char *info);
void driver_failure(struct driver_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Any line, e.g. from a driver's own thread: MONITOR ..., whole lines never interleave. */
void driver_send(struct driver *d, const char *action, const char *status, long long id, const char *info);
void driver_log(struct driver *d, char level, long long id, const char *text);
/* The running driver_call was cancelled (DRIVER_CANCEL): long actions look now and then. */
bool driver_cancelled(const struct driver_call *call);
/* Becomes readable when the call is cancelled: for poll(2). Not to be read or closed. */
int driver_cancel_fd(const struct driver_call *call);

/* Runs a script with the call's deadline; its stderr goes to the log of the id line by line; its stdout
 * is `out`. Exit code 0: ONE_OK. Otherwise ONE_ACTION with the text between the script's ERROR MESSAGE
 * markers, else its last line. */
enum one_rc driver_run_script(struct driver_call *call, const char *const *argv, const char *in,
			      size_t in_len, int timeout_ms, struct strbuf *out, struct one_err *err);

#endif
