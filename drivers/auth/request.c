/* Requests of the authentication driver (request.h). */
#include "drivers/auth/request.h"

#include <string.h>

#include "common/crypto.h"
#include "common/driver.h"
#include "common/xml.h"

static const char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	char *end = word + strcspn(word, " \t");
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

enum one_rc authn_parse(struct arena *arena, const char *payload, struct authn_request *out,
			struct one_err *err)
{
	char *at = arena_strdup(arena, payload);
	out->uid = next_word(&at);
	out->driver = next_word(&at);
	out->user = next_word(&at);
	out->password = next_word(&at);
	const char *secret = next_word(&at);
	struct strbuf plain = STRBUF_INIT;
	bool ok = driver_is_name(out->driver) && *out->password &&
		  base64_decode(secret, strlen(secret), &plain);
	out->secret = ok ? arena_strndup(arena, plain.buf, plain.len) : NULL;
	explicit_bzero(plain.buf, plain.len);
	strbuf_done(&plain);
	return ok ? ONE_OK
		  : one_err_set(err, ONE_AUTHENTICATION, "The authentication request cannot be read");
}

void authn_xml(const struct authn_request *r, struct strbuf *out)
{
	xml_out_open(out, "AUTHN");
	xml_out_text(out, "USERNAME", r->user);
	xml_out_text(out, "PASSWORD", r->password);
	xml_out_text(out, "SECRET", r->secret);
	xml_out_close(out, "AUTHN");
}

void authz_xml(struct arena *arena, const char *payload, struct strbuf *out, bool *granted)
{
	char *at = arena_strdup(arena, payload);
	const char *word = next_word(&at);
	*granted = false;
	xml_out_open(out, "AUTHZ");
	xml_out_text(out, "USERNAME", word);
	xml_out_open(out, "REQUESTS");
	for (word = next_word(&at); *word; word = next_word(&at)) {
		xml_out_text(out, "REQUEST", word);
		*granted = strcmp(word, "1") == 0; /* of the last one */
	}
	xml_out_close(out, "REQUESTS");
	xml_out_close(out, "AUTHZ");
}
