#include "drivers/authn/certificate.h"

#include <ctype.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATES_MAX 32

static X509 *parse_one(const char *text, size_t len)
{
	BIO *bio = len < 1024 * 1024 ? BIO_new_mem_buf(text, (int)len) : NULL;
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

STACK_OF(X509) *certificates_parse(const char *text)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	bool ok = certs != NULL;

	while (ok && text) {
		const char *colon = strchrnul(text, ':');
		X509 *cert = parse_one(text, (size_t)(colon - text));

		ok = cert && sk_X509_num(certs) < CERTIFICATES_MAX && sk_X509_push(certs, cert);
		if (!ok)
			X509_free(cert);
		text = *colon ? colon + 1 : NULL;
	}
	if (ok)
		return certs;
	certificates_free(certs);
	return NULL;
}

void certificates_free(STACK_OF(X509) *certs)
{
	sk_X509_pop_free(certs, X509_free);
}

X509 *certificate_read(const char *path)
{
	BIO *bio = BIO_new_file(path, "r");
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

const char *certificate_subject(struct arena *arena, X509 *cert)
{
	char *line = X509_NAME_oneline(X509_get_subject_name(cert), NULL, 0);
	struct strbuf out = STRBUF_INIT;
	const char *subject;

	for (const char *c = line ? line : ""; *c; c++) {
		if (isspace((unsigned char)*c))
			strbuf_addf(&out, "\\%x", (unsigned)*c);
		else
			strbuf_addc(&out, *c);
	}
	subject = arena_strdup(arena, out.buf);
	strbuf_done(&out);
	OPENSSL_free(line);
	return subject;
}

static bool in_list(const char *list, const char *subject)
{
	size_t len = strlen(subject);

	while (len) {
		size_t n = strcspn(list, "|");

		if (n == len && !strncmp(list, subject, n))
			return true;
		if (!list[n])
			break;
		list += n + 1;
	}
	return false;
}

bool certificates_name(struct arena *arena, STACK_OF(X509) *certs, const char *subjects)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *cert = sk_X509_value(certs, i);

		if (!X509_check_ca(cert) && in_list(subjects, certificate_subject(arena, cert)))
			return true;
	}
	return false;
}

/* ---- the chain ---- */

static int rules_index(void)
{
	static int index = -1;

	if (index < 0)
		index = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

/* Revocation lists are optional without check_crl (and above the user's certificate); an old one still says who is revoked. */
static int on_problem(int ok, X509_STORE_CTX *ctx)
{
	const struct certificate_rules *rules = X509_STORE_CTX_get_ex_data(ctx, rules_index());
	bool needed = rules && rules->check_crl && X509_STORE_CTX_get_error_depth(ctx) == 0;
	int error = X509_STORE_CTX_get_error(ctx);

	if (ok || needed || (error != X509_V_ERR_UNABLE_TO_GET_CRL && error != X509_V_ERR_CRL_HAS_EXPIRED))
		return ok;
	X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return 1;
}

static X509_STORE *store_new(const struct certificate_rules *rules)
{
	X509_STORE *store = X509_STORE_new();
	X509_LOOKUP *dir = store ? X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()) : NULL;

	if (!dir || X509_LOOKUP_add_dir(dir, rules->ca_dir, X509_FILETYPE_PEM) != 1) {
		X509_STORE_free(store);
		return NULL;
	}
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_ALLOW_PROXY_CERTS);
	X509_STORE_set_verify_cb(store, on_problem);
	return store;
}

enum one_rc certificates_verify(STACK_OF(X509) *certs, const struct certificate_rules *rules, struct one_err *err)
{
	X509_STORE *store = store_new(rules);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum one_rc rc = ONE_OK;

	if (!store || !ctx || X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) != 1)
		rc = claim_refuse(err, "The authorities in %s cannot be used", rules->ca_dir);
	else
		X509_STORE_CTX_set_ex_data(ctx, rules_index(), (void *)(uintptr_t)rules);
	if (!rc && X509_verify_cert(ctx) != 1)
		rc = claim_refuse(err, "The certificate is refused: %s (certificate %d of the chain)",
				  X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)), X509_STORE_CTX_get_error_depth(ctx));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return rc;
}
