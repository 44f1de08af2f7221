/* authenticate of the driver "server_cipher": Sunstone, OneFlow and OneGate log in for somebody with "server:target:expires", encrypted
 * under their password. */
#include <time.h>

#include "drivers/authn/token.h"

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct token token;
	enum one_rc rc = token_decipher(claim->password, claim->secret, &text, err);

	if (!rc)
		rc = token_parse(arena, &text, true, &token, err);
	if (!rc)
		rc = token_check(&token, claim->user, time(NULL), err);
	if (!rc)
		token_reply(&token, reply);
	strbuf_done(&text);
	return rc;
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Checks a login that a service made with its password.", check);
}
