/* The connections to oned. */
#include "scheduler/api.h"

#include <poll.h>
#include <string.h>

void connections_init(struct connections *c, const char *endpoint, const char *auth_file, int timeout_ms,
		      size_t max_bytes, int stop_fd)
{
	memset(c, 0, sizeof(*c));
	c->endpoint = endpoint;
	c->auth_file = auth_file;
	c->timeout_ms = timeout_ms;
	c->max_bytes = max_bytes;
	c->stop_fd = stop_fd;
	strbuf_init(&c->session);
}

void connections_reset(struct connections *c)
{
	for (int i = 0; i < API_LANES; i++) {
		rpc_client_free(c->lanes[i]);
		c->lanes[i] = NULL;
	}
	explicit_bzero(c->session.buf, c->session.cap);
	strbuf_done(&c->session);
}

void connections_done(struct connections *c)
{
	connections_reset(c);
}

enum one_rc connections_ready(struct connections *c, struct one_err *err)
{
	if (c->session.len)
		return ONE_OK;
	return rpc_find_session(c->auth_file, &c->session, err);
}

static enum one_rc call(void *ctx, int lane, const char *method, const struct rpc_arg *args,
			struct strbuf *text, long long *number, struct one_err *err)
{
	struct connections *c = ctx;

	if (!c->lanes[lane]) {
		enum one_rc rc = rpc_client_new(c->endpoint, c->session.buf, c->timeout_ms, c->max_bytes,
						&c->lanes[lane], err);

		if (rc != ONE_OK)
			return rc;
	}
	return rpc_call(c->lanes[lane], method, args, text, number, err);
}

static bool stopping(void *ctx)
{
	const struct connections *c = ctx;
	struct pollfd p = { .fd = c->stop_fd, .events = POLLIN };

	return c->stop_fd >= 0 && poll(&p, 1, 0) > 0;
}

struct api connections_api(struct connections *c)
{
	return (struct api){ call, stopping, c };
}
