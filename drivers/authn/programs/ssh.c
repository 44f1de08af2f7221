/* authenticate of the driver "ssh": the stored password is an RSA public key, base64 of its DER form on one line; the secret is
 * "user:expires" encrypted with the private key, in base64. */
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "common/crypto.h"
#include "drivers/authn/token.h"

/* SubjectPublicKeyInfo, or only the RSAPublicKey inside. */
static EVP_PKEY *public_key(const char *base64)
{
	struct strbuf der = STRBUF_INIT;
	EVP_PKEY *key = NULL;

	if (base64_decode(base64, strlen(base64), &der) && der.len) {
		const unsigned char *at = (const unsigned char *)der.buf;

		key = d2i_PUBKEY(NULL, &at, (long)der.len);
		at = (const unsigned char *)der.buf;
		if (!key)
			key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
	}
	strbuf_done(&der);
	return key;
}

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	EVP_PKEY *key = public_key(claim->password);
	struct strbuf text = STRBUF_INIT;
	struct token token;
	enum one_rc rc = key ? ONE_OK : claim_refuse(err, "The stored password is no public key (base64 of its DER form)");

	if (!rc)
		rc = token_recover(key, claim->secret, &text, err);
	if (!rc)
		rc = token_parse(arena, &text, false, &token, err);
	if (!rc)
		rc = token_check(&token, claim->user, time(NULL), err);
	if (!rc)
		token_reply(&token, reply);
	EVP_PKEY_free(key);
	strbuf_done(&text);
	return rc;
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Checks a login token that was made with the RSA key of the user.", check);
}
