/* X.509 certificates of users and servers. */
#ifndef AUTHN_CERTIFICATE_H
#define AUTHN_CERTIFICATE_H

#include <openssl/x509.h>
#include "drivers/authn/claim.h"

struct certificate_rules {
	const char *ca_dir;  /* trusted authorities as HASH.0, their revocation lists as HASH.r0 */
	bool check_crl;      /* the issuer of the user's certificate must have a revocation list that is in force */
};

/* The certificates in PEM texts, in their order; the text of each is a part between colons. NULL: one can't be read. To be freed. */
STACK_OF(X509) *certificates_parse(const char *text);
void certificates_free(STACK_OF(X509) *certs);
/* The first one of a file; NULL. */
X509 *certificate_read(const char *path);

/* The subject as stored with a user: "/C=US/CN=Ann\20Smith" (blanks as backslash and their hexadecimal code). */
const char *certificate_subject(struct arena *arena, X509 *cert);
/* Is the subject of one in the list "SUBJECT|SUBJECT..."? Authorities don't count: their subject is nobody's. */
bool certificates_name(struct arena *arena, STACK_OF(X509) *certs, const char *subjects);
/* The first one, over the others, up to an authority in ca_dir: signatures, dates, what each may be used for, revocation. Proxy
 * certificates (RFC 3820) are allowed. */
enum one_rc certificates_verify(STACK_OF(X509) *certs, const struct certificate_rules *rules, struct one_err *err);

#endif
