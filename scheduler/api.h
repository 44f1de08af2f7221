/* oned as the scheduler sees it: calls over a few connections ("lanes"), each used by one thread at a time.
 *
 * An interface, so that tests put a fake oned in its place. */
#ifndef SCHEDULER_API_H
#define SCHEDULER_API_H

#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "common/rpc_client.h"
#include "common/strbuf.h"

#define API_LANES 4

struct api {
	/* As rpc_call(). Any thread may call, each with a lane of its own (0 to API_LANES - 1). */
	enum one_rc (*call)(void *ctx, int lane, const char *method, const struct rpc_arg *args,
			    struct strbuf *text, long long *number, struct one_err *err);
	/* Is there a signal to look at, so that a cycle should come to its end soon? Any thread may ask. */
	bool (*stopping)(void *ctx);
	void *ctx;
};

/* The real one. */
struct connections {
	const char *endpoint, *auth_file; /* auth_file NULL: where clients look for it */
	int timeout_ms;
	size_t max_bytes;
	int stop_fd; /* readable: stopping() is true; -1: never */
	struct rpc_client *lanes[API_LANES];
	struct strbuf session;
};

/* Connects nothing yet: a lane is opened by its first call. The strings must outlive it. */
void connections_init(struct connections *c, const char *endpoint, const char *auth_file, int timeout_ms,
		      size_t max_bytes, int stop_fd);
void connections_done(struct connections *c);
struct api connections_api(struct connections *c);
/* Closes all lanes and forgets the session, which is read again: for when oned does not know us any more. No
 * call may be going on. */
void connections_reset(struct connections *c);
/* Reads the session if that was not done yet. Call it before several lanes are used at once. */
enum one_rc connections_ready(struct connections *c, struct one_err *err);

#endif
