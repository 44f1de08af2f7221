/* authenticate of the driver "x509": the stored password is the subject of the user's certificate, or several with "|" between; the
 * secret is base64 of "TOKEN:CERTIFICATE[:CERTIFICATE...]": base64 of "user:expires" encrypted with the certificate's key, and the chain in
 * PEM, the user's first. Configuration: auth/x509_auth.conf. */
#include <string.h>
#include <time.h>

#include "common/crypto.h"
#include "common/paths.h"
#include "drivers/authn/certificate.h"
#include "drivers/authn/options.h"
#include "drivers/authn/token.h"

static enum one_rc read_rules(struct arena *arena, struct certificate_rules *rules, struct one_err *err)
{
	struct option_node *conf;

	if (options_read(arena, paths_join(arena, PATHS_ETC, "auth/x509_auth.conf"), &conf, err))
		return err->rc;
	rules->ca_dir = option_text(conf, ":ca_dir", paths_join(arena, PATHS_ETC, "auth/certificates"));
	rules->check_crl = option_flag(conf, ":check_crl", false);
	return ONE_OK;
}

static enum one_rc check_token(struct arena *arena, const struct claim *claim, const char *base64, STACK_OF(X509) *certs, struct token *token,
			       struct one_err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(certs, 0));
	struct strbuf text = STRBUF_INIT;
	enum one_rc rc = key ? token_recover(key, base64, &text, err) : claim_refuse(err, "The certificate has no usable key");

	if (!rc)
		rc = token_parse(arena, &text, false, token, err);
	if (!rc)
		rc = token_check(token, claim->user, time(NULL), err);
	strbuf_done(&text);
	return rc;
}

static enum one_rc check_parts(struct arena *arena, const struct claim *claim, char *token_text, const char *certificates, struct token *token,
			       struct one_err *err)
{
	STACK_OF(X509) *certs = certificates_parse(certificates);
	struct certificate_rules rules;
	enum one_rc rc = certs ? read_rules(arena, &rules, err) : claim_refuse(err, "The login has no readable certificates");

	if (!rc)
		rc = check_token(arena, claim, token_text, certs, token, err);
	if (!rc && !certificates_name(arena, certs, claim->password))
		rc = claim_refuse(err, "The certificate is of another subject than the user's");
	if (!rc)
		rc = certificates_verify(certs, &rules, err);
	certificates_free(certs);
	return rc;
}

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct token token;
	char *colon = base64_decode(claim->secret, strlen(claim->secret), &text) ? strchr(text.buf, ':') : NULL;
	enum one_rc rc;

	if (colon) {
		*colon = '\0';
		rc = check_parts(arena, claim, text.buf, colon + 1, &token, err);
	} else {
		rc = claim_refuse(err, "The login is no token with certificates");
	}
	if (!rc)
		token_reply(&token, reply);
	strbuf_done(&text);
	return rc;
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Checks a login token that was made with the key of the user's certificate.", check);
}
