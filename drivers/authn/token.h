/* Login tokens that somebody makes with a key: "USER:EXPIRES", or a server's "SERVER:TARGET:EXPIRES". */
#ifndef AUTHN_TOKEN_H
#define AUTHN_TOKEN_H

#include <openssl/evp.h>
#include <time.h>
#include "drivers/authn/claim.h"

struct token { const char *user, *target /* NULL in a user's own */; long long expires; };

/* Takes the text apart. NULs and empty parts are refused. */
enum one_rc token_parse(struct arena *arena, const struct strbuf *text, bool for_server, struct token *out, struct one_err *err);
/* The right user, and not expired. */
enum one_rc token_check(const struct token *t, const char *user, time_t now, struct one_err *err);
/* What oned is told of a valid one: "expires=SECONDS", of a server's also "target=NAME". */
void token_reply(const struct token *t, struct strbuf *reply);

/* What the owner of an RSA key encrypted with its private half (PKCS#1 padding), from base64. Keys under 1024 bits are refused. */
enum one_rc token_recover(EVP_PKEY *key, const char *base64, struct strbuf *out, struct one_err *err);
/* What was encrypted with AES-256-CBC under a server's stored password (hexadecimal SHA-256): its first 32 characters are the key, the
 * first 16 of them the first block. */
enum one_rc token_decipher(const char *stored, const char *base64, struct strbuf *out, struct one_err *err);

#endif
