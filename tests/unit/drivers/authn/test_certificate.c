/* Certificates: reading them, their subjects, whom they vouch for (revocation and authorities in files: tests/func/test_login.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "drivers/authn/certificate.h"

static struct arena arena = ARENA_INIT;
static EVP_PKEY *key;

static X509_NAME *name_of(const char *cn)
{
	X509_NAME *name = X509_NAME_new();

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	return name;
}

/* A certificate of `cn` by `issuer`, all with the same key; valid from days ago until days ahead. */
static X509 *make(const char *cn, const char *issuer, const char *constraints, int from_days, int to_days)
{
	X509 *x = X509_new();
	X509_NAME *subject = name_of(cn), *by = name_of(issuer);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, constraints);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(x, by);
	X509_gmtime_adj(X509_getm_notBefore(x), from_days * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(x), to_days * 86400L);
	X509_set_pubkey(x, key);
	X509_add_ext(x, ext, -1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	X509_EXTENSION_free(ext);
	X509_NAME_free(subject);
	X509_NAME_free(by);
	return x;
}

static const char *pem_of(X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	long len;
	const char *text;

	PEM_write_bio_X509(bio, x);
	len = BIO_get_mem_data(bio, &data);
	text = arena_strndup(&arena, data, (size_t)len);
	BIO_free(bio);
	return text;
}

static STACK_OF(X509) *chain(X509 *first, X509 *second)
{
	STACK_OF(X509) *certs = sk_X509_new_null();

	sk_X509_push(certs, first);
	if (second)
		sk_X509_push(certs, second);
	return certs;
}

static void certificates_stand_between_colons(void **state)
{
	X509 *a = make("a", "ca", "CA:FALSE", -1, 1), *b = make("b", "ca", "CA:FALSE", -1, 1);
	STACK_OF(X509) *certs = certificates_parse(arena_printf(&arena, "%s:%s", pem_of(a), pem_of(b)));

	(void)state;
	assert_int_equal(sk_X509_num(certs), 2);
	assert_string_equal(certificate_subject(&arena, sk_X509_value(certs, 1)), "/CN=b");
	certificates_free(certs);
	assert_null(certificates_parse(""));
	assert_null(certificates_parse("x"));
	assert_null(certificates_parse(arena_printf(&arena, "%s:", pem_of(a))));
	X509_free(a);
	X509_free(b);
}

static void blanks_of_a_subject_are_escaped(void **state)
{
	STACK_OF(X509) *certs = chain(make("Ann B C", "ca", "CA:FALSE", -1, 1), NULL);

	(void)state;
	assert_string_equal(certificate_subject(&arena, sk_X509_value(certs, 0)), "/CN=Ann\\20B\\20C");
	assert_true(certificates_name(&arena, certs, "/CN=Ann\\20B\\20C"));
	assert_true(certificates_name(&arena, certs, "/CN=x|/CN=Ann\\20B\\20C|/CN=y"));
	assert_false(certificates_name(&arena, certs, "/CN=Ann\\20B"));
	assert_false(certificates_name(&arena, certs, "/CN=Ann\\20B\\20C\\20D"));
	assert_false(certificates_name(&arena, certs, ""));
	certificates_free(certs);
}

static void the_subject_of_an_authority_names_nobody(void **state)
{
	STACK_OF(X509) *certs = chain(make("ann", "ca", "CA:FALSE", -1, 1), make("ca", "ca", "CA:TRUE", -1, 1));

	(void)state;
	assert_true(certificates_name(&arena, certs, "/CN=ann"));
	assert_false(certificates_name(&arena, certs, "/CN=ca"));
	certificates_free(certs);
}

/* ---- a folder with one authority ---- */

struct trust { char dir[32]; char *file; };

static void trust_begin(struct trust *t, X509 *ca)
{
	FILE *f;

	strcpy(t->dir, "/tmp/test_cert.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	t->file = arena_printf(&arena, "%s/%08lx.0", t->dir, X509_subject_name_hash(ca));
	f = fopen(t->file, "w");
	assert_non_null(f);
	fputs(pem_of(ca), f);
	fclose(f);
}

static void trust_end(struct trust *t)
{
	unlink(t->file);
	rmdir(t->dir);
}

static enum one_rc verify(const struct trust *t, bool check_crl, X509 *first, X509 *second)
{
	struct certificate_rules rules = { .ca_dir = t->dir, .check_crl = check_crl };
	STACK_OF(X509) *certs = chain(first, second);
	enum one_rc rc = certificates_verify(certs, &rules, NULL);

	certificates_free(certs);
	return rc;
}

static void an_authority_vouches_for_users_within_their_dates(void **state)
{
	X509 *ca = make("ca", "ca", "CA:TRUE", -1, 1);
	struct trust t;

	(void)state;
	trust_begin(&t, ca);
	assert_int_equal(verify(&t, false, make("ann", "ca", "CA:FALSE", -1, 1), NULL), ONE_OK);
	assert_int_equal(verify(&t, true, make("ann", "ca", "CA:FALSE", -1, 1), NULL), ONE_AUTHENTICATION); /* no revocation list */
	assert_int_equal(verify(&t, false, make("ann", "ca", "CA:FALSE", -2, -1), NULL), ONE_AUTHENTICATION);
	assert_int_equal(verify(&t, false, make("ann", "ca", "CA:FALSE", 1, 2), NULL), ONE_AUTHENTICATION);
	assert_int_equal(verify(&t, false, make("ann", "other", "CA:FALSE", -1, 1), NULL), ONE_AUTHENTICATION);
	trust_end(&t);
	X509_free(ca);
}

static void users_vouch_for_nobody(void **state)
{
	X509 *ca = make("ca", "ca", "CA:TRUE", -1, 1);
	struct trust t;

	(void)state;
	trust_begin(&t, ca);
	assert_int_equal(verify(&t, false, make("ann", "between", "CA:FALSE", -1, 1), make("between", "ca", "CA:TRUE", -1, 1)), ONE_OK);
	assert_int_equal(verify(&t, false, make("ann", "eve", "CA:FALSE", -1, 1), make("eve", "ca", "CA:FALSE", -1, 1)), ONE_AUTHENTICATION);
	trust_end(&t);
	X509_free(ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_stand_between_colons),
		cmocka_unit_test(blanks_of_a_subject_are_escaped),
		cmocka_unit_test(the_subject_of_an_authority_names_nobody),
		cmocka_unit_test(an_authority_vouches_for_users_within_their_dates),
		cmocka_unit_test(users_vouch_for_nobody),
	};
	int failed;

	key = EVP_RSA_gen(2048);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	arena_done(&arena);
	return failed;
}
