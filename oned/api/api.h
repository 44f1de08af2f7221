/* The API: what its handlers may reach, and the dispatcher's entrance. */
#ifndef ONED_API_API_H
#define ONED_API_API_H

#include <stdatomic.h>
#include "common/conf.h"
#include "oned/api/call.h"

struct mads;
struct auth_external;
struct paths;

struct api {
	struct core *core;
	struct acl_index *acl;
	const struct conf *conf;       /* oned.conf */
	const struct paths *paths;
	int zone;
	struct auth_external *external; /* the auth driver; NULL: none configured */
	unsigned default_umask;
	atomic_bool zone_disabled;     /* follows the zone's state */
	atomic_uint next_req;
	struct bulk *bulk;
	struct call_events *events;
	void (*publish)(void *ctx, const char *base64); /* an event, to the hook manager; any thread. NULL: there is none */
	void *publish_ctx;
	struct readers *readers;       /* connections to read what isn't in memory */
	struct monitor *monitor;       /* latest samples */
	const char *rpc_log;           /* file of the access log; "": none */
	const char *log_call_format;
	bool enable_other_permissions;
	struct strbuf config_xml[2];   /* one.system.config: [0] for everybody, [1] with the secrets for group 0 */
};

/* http_handler: ctx is struct api. */
void api_handle(void *ctx, struct http_request *rq);
/* Makes the table of methods; once, before the first call. */
enum one_rc api_init(struct api *a, struct one_err *err);
void api_done(struct api *a);
/* The row of a method, or NULL. */
const struct method *api_method(const char *name);
/* The i-th row of all (for the reference and listMethods), NULL at the end. */
const struct method *api_method_at(int i);
/* The reference: one line a method ("oned --api"). */
void api_print(struct strbuf *out);

#endif
