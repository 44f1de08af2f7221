/* Digests, encodings, compression, randomness: thin calls into libcrypto and zlib. */
#ifndef COMMON_CRYPTO_H
#define COMMON_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "common/strbuf.h"

void sha256_hex(const void *data, size_t len, char out[65]); /* lower-case hex, NUL-terminated */
void sha1_hex(const void *data, size_t len, char out[41]);
void base64_encode(const void *data, size_t len, struct strbuf *out);           /* one line, appended */
/* Appends the decoded bytes; blanks and newlines are skipped. false: not base64 (out unchanged). */
bool base64_decode(const char *text, size_t len, struct strbuf *out);
void zlib_pack(const void *data, size_t len, struct strbuf *out);
/* Refuses to grow past `limit` bytes (a bomb) and anything that isn't one whole zlib stream. */
bool zlib_unpack(const void *data, size_t len, size_t limit, struct strbuf *out);
void random_bytes(void *out, size_t len);        /* of getrandom(2), never fails; not for a forked child: it would give what its parent gives */
void random_hex(char *out, size_t n_bytes);      /* writes 2 * n_bytes hex digits and a NUL */
/* Constant time in the length of b. */
bool secret_equal(const char *a, const char *b);
/* OpenNebula's attribute encryption: AES-256-CBC, key = first 32 ASCII bytes of key_hex, IV zero, PKCS#7, base64. */
bool aes_encrypt_b64(const char *key_hex, const char *plain, struct strbuf *out);
bool aes_decrypt_b64(const char *key_hex, const char *b64, struct strbuf *out);

#endif
