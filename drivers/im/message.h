/* Messages of agents and monitor drivers:
 *
 *   TYPE STATUS ID TIME PAYLOAD        PAYLOAD: base64(zlib(text)); of what comes over the network where a
 *                                      key is configured: base64(zlib(RSA blocks of text))
 *
 * TYPE as below, STATUS SUCCESS or FAILURE (LOG: a level letter), ID the host's, TIME seconds when it was
 * sent. */
#ifndef IM_MESSAGE_H
#define IM_MESSAGE_H

#include <stdbool.h>
#include <time.h>
#include "common/driver.h"
#include "common/err.h"
#include "common/strbuf.h"

#define MESSAGE_TEXT_MAX (16u * 1024 * 1024) /* unpacked */

enum message_type {
	MESSAGE_MONITOR_VM,
	MESSAGE_BEACON_HOST,
	MESSAGE_MONITOR_HOST,
	MESSAGE_SYSTEM_HOST,
	MESSAGE_STATE_VM,
	MESSAGE_START_MONITOR,
	MESSAGE_STOP_MONITOR,
	MESSAGE_LOG,
	MESSAGE_TYPES
};
extern const char *const message_type_names[MESSAGE_TYPES];

struct message {
	enum message_type type;
	bool ok;          /* STATUS is SUCCESS */
	char level;       /* of LOG: I E W D */
	long long host;
	time_t when;
	struct strbuf text;
};

struct message_key; /* a private RSA key */

/* "" gives *out = NULL: no encryption. ONE_INTERNAL when the file can't be read or is no private key. */
enum one_rc message_key_load(const char *path, struct message_key **out, struct one_err *err);
void message_key_free(struct message_key *key);

/* Takes the pieces of a line (driver_parse_reply) further. With a key, the text must be encrypted.
 * ONE_INTERNAL with the reason; then m holds nothing. Ends with message_done. Any thread. */
enum one_rc message_read(const struct driver_msg *line, const struct message_key *key, struct message *m,
			 struct one_err *err);
void message_done(struct message *m);

#endif
