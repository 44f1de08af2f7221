/* Asking the authentication driver (AUTH_MAD). Nobody's thread waits: who asked is called back, and a slow or dead driver delays only
 * those who asked it, up to the deadline. The same question is on its way once, however many ask it, and only so many are at a time, of
 * one user and of all, so that a flood of wrong passwords leaves connections for the others.
 *
 * What the driver agreed to is remembered for a while, under the user who got in and as the hash of the question (user, driver, stored
 * password and secret); never longer than the driver says it is valid, and no longer than that user stays as he is. */
#ifndef ONED_AUTH_EXTERNAL_H
#define ONED_AUTH_EXTERNAL_H

#include <stdbool.h>
#include "common/driver.h"

struct auth_external;

#define AUTH_WAITING_MAX 128  /* callers at a time */
#define AUTH_ASKED_MAX 64     /* different questions on their way */
#define AUTH_ASKED_A_USER 8   /* ... about the same user */

struct auth_question {
	const char *payload;  /* of AUTHENTICATE: "uid driver username password base64(secret)" */
	int uid;              /* who gets in: with a server's login not the one in the payload; -1: somebody unknown, nothing is remembered */
	const char *user;     /* his name */
	bool for_other;       /* a server's login: if the driver says for whom the secret is, it must be `user` */
};

struct auth_verdict {
	bool ok;
	bool fresh;           /* the driver said it just now; else it was remembered */
	const char *reply;    /* what the driver told, valid during the call; "" when nothing */
	/* for auth_external_remember */
	char question[65];
	int uid;
	long long expires;    /* when the credential ends, by the wall clock; -1: it doesn't */
	long long asked_at;
};

/* send: writes one line with this request id to the driver; false when it can't. */
typedef bool (*auth_send_fn)(void *ctx, const char *action, long long id, const char *payload);
typedef void (*auth_answer_fn)(void *arg, const struct auth_verdict *v);

/* remember_s: 0 not at all, -1 until the end. */
struct auth_external *auth_external_new(auth_send_fn send, void *ctx, int timeout_ms, long long remember_s);
void auth_external_free(struct auth_external *a);
/* Asks; answer is called once, on another thread or this one (refused at once when too many wait, or the driver is down). Any thread. */
void auth_external_ask(struct auth_external *a, const struct auth_question *q, auth_answer_fn answer, void *arg);
/* After all that a fresh verdict asks for was done: the same question is not asked again. */
void auth_external_remember(struct auth_external *a, const struct auth_verdict *v);
/* The user has changed: nothing is remembered about him, nor what was asked before this. Any thread. */
void auth_external_forget(struct auth_external *a, int uid);
/* A message of the driver; any thread. */
void auth_external_message(struct auth_external *a, const struct driver_msg *m);
/* The driver died: all that wait are refused. */
void auth_external_down(struct auth_external *a);

#endif
