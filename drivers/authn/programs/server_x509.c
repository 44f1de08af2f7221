/* authenticate of the driver "server_x509": a service that has the front-end's own certificate and key logs in for somebody with
 * "server:target:expires" encrypted with that key, in base64 twice. The stored password is the certificate's subject.
 * Configuration: auth/server_x509_auth.conf. */
#include <string.h>
#include <time.h>

#include "common/crypto.h"
#include "common/paths.h"
#include "drivers/authn/certificate.h"
#include "drivers/authn/options.h"
#include "drivers/authn/token.h"

static enum one_rc check_token(struct arena *arena, const struct claim *claim, X509 *cert, struct token *token, struct one_err *err)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	struct strbuf inner = STRBUF_INIT, text = STRBUF_INIT;
	enum one_rc rc = key && base64_decode(claim->secret, strlen(claim->secret), &inner) ? ONE_OK : claim_refuse(err, "The login is no token");

	if (!rc)
		rc = token_recover(key, inner.buf, &text, err);
	if (!rc)
		rc = token_parse(arena, &text, true, token, err);
	if (!rc)
		rc = token_check(token, claim->user, time(NULL), err);
	strbuf_done(&inner);
	strbuf_done(&text);
	return rc;
}

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	const char *path, *server;
	struct option_node *conf;
	struct token token;
	enum one_rc rc;
	X509 *cert;

	if (options_read(arena, paths_join(arena, PATHS_ETC, "auth/server_x509_auth.conf"), &conf, err))
		return err->rc;
	server = option_text(conf, ":srv_user", "");
	path = option_text(conf, ":one_cert", paths_join(arena, PATHS_ETC, "auth/cert.pem"));
	if (strcmp(server, claim->user) != 0)
		return claim_refuse(err, "The server is not the :srv_user of server_x509_auth.conf");
	cert = certificate_read(path);
	rc = cert ? ONE_OK : claim_refuse(err, "The certificate %s cannot be read", path);
	if (!rc && !secret_equal(claim->password, certificate_subject(arena, cert)))
		rc = claim_refuse(err, "The certificate %s is of another subject than the server's", path);
	if (!rc)
		rc = check_token(arena, claim, cert, &token, err);
	if (!rc)
		token_reply(&token, reply);
	X509_free(cert);
	return rc;
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Checks a login that a service made with the front-end's certificate.", check);
}
