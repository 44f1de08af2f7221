/* Asking the authentication driver (AUTH_MAD). A slow or dead driver delays only those who asked it, up to the deadline.
 * What it agreed to is remembered for a while: the same question (user, driver, stored password and secret; kept as its hash)
 * isn't asked again. */
#ifndef ONED_AUTH_EXTERNAL_H
#define ONED_AUTH_EXTERNAL_H

#include <stdbool.h>
#include "common/driver.h"

struct auth_external;

/* send: writes one AUTHENTICATE line with this request id to the driver; false when it can't. */
typedef bool (*auth_send_fn)(void *ctx, long long id, const char *payload);
typedef void (*auth_answer_fn)(void *arg, bool ok);

/* remember_s: 0 not at all, -1 until the end. */
struct auth_external *auth_external_new(auth_send_fn send, void *ctx, int timeout_ms, long long remember_s);
void auth_external_free(struct auth_external *a);
/* Asks; answer is called once, on another thread (or this one). false: could not be sent, answer won't be called. Any thread. */
bool auth_external_ask(struct auth_external *a, const char *payload, auth_answer_fn answer, void *arg);
/* A message of the driver; any thread. */
void auth_external_message(struct auth_external *a, const struct driver_msg *m);
/* The driver died: all that wait are refused. */
void auth_external_down(struct auth_external *a);

#endif
