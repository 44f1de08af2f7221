/* Requests of the authentication driver.
 *
 *   AUTHENTICATE ID UID DRIVER USER PASSWORD SECRET     PASSWORD: as oned has it stored, "-" for none
 *                                                       SECRET: base64
 *   AUTHORIZE    ID UID REQUEST... RESULT               RESULT: what oned's own rules say, 1 or 0
 *
 * The programs read XML: <AUTHN><USERNAME/><PASSWORD/><SECRET/></AUTHN>,
 * <AUTHZ><USERNAME/><REQUESTS><REQUEST/>... Nothing of this is ever logged. */
#ifndef AUTH_REQUEST_H
#define AUTH_REQUEST_H

#include <stdbool.h>
#include "common/arena.h"
#include "common/err.h"
#include "common/strbuf.h"

struct authn_request {
	const char *uid, *driver, *user, *password;
	const char *secret; /* decoded */
};

/* Takes the payload apart. ONE_AUTHENTICATION: it isn't one. */
enum one_rc authn_parse(struct arena *arena, const char *payload, struct authn_request *out,
			struct one_err *err);
void authn_xml(const struct authn_request *r, struct strbuf *out);
/* What is asked of an external authorisation; *granted: oned's own opinion. */
void authz_xml(struct arena *arena, const char *payload, struct strbuf *out, bool *granted);

#endif
