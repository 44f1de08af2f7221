#include "drivers/authn/token.h"

#include <limits.h>
#include <openssl/rsa.h>
#include <string.h>

#include "common/crypto.h"
#include "common/tmpl.h"

#define RSA_LEAST_BITS 1024
#define AES_KEY_LEN 32
#define AES_BLOCK_LEN 16

static const char unreadable[] = "The login token cannot be read: it was made with another key, or is damaged";

enum one_rc token_parse(struct arena *arena, const struct strbuf *text, bool for_server, struct token *out, struct one_err *err)
{
	char *at = arena_strndup(arena, text->buf, text->len), *expires = strrchr(at, ':'), *target = NULL;

	*out = (struct token){ .user = at };
	if (strlen(at) != text->len || !expires)
		return claim_refuse(err, "%s", unreadable);
	*expires++ = '\0';
	target = strchr(at, ':');
	if (target)
		*target++ = '\0';
	if (!*at || for_server != (target && *target) || (target && strchr(target, ':')) || !value_int(expires, &out->expires))
		return claim_refuse(err, "%s", unreadable);
	out->target = target;
	return ONE_OK;
}

enum one_rc token_check(const struct token *t, const char *user, time_t now, struct one_err *err)
{
	if (strcmp(t->user, user) != 0)
		return claim_refuse(err, "The login token is of another user");
	if (now >= t->expires)
		return claim_refuse(err, "The login token has expired: log in again");
	return ONE_OK;
}

void token_reply(const struct token *t, struct strbuf *reply)
{
	strbuf_addf(reply, "expires=%lld", t->expires);
	if (t->target)
		strbuf_addf(reply, " target=%s", t->target);
}

/* ---- keys ---- */

static bool recover(EVP_PKEY *key, const struct strbuf *cipher, struct strbuf *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t len = (size_t)EVP_PKEY_get_size(key);
	bool ok;

	strbuf_grow(out, len);
	ok = ctx && EVP_PKEY_verify_recover_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
	     EVP_PKEY_verify_recover(ctx, (unsigned char *)out->buf, &len, (const unsigned char *)cipher->buf, cipher->len) > 0;
	if (ok) {
		out->len = len;
		out->buf[len] = '\0';
	}
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

enum one_rc token_recover(EVP_PKEY *key, const char *base64, struct strbuf *out, struct one_err *err)
{
	struct strbuf cipher = STRBUF_INIT;
	bool ok;

	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		return claim_refuse(err, "The key is no RSA key");
	if (EVP_PKEY_get_bits(key) < RSA_LEAST_BITS)
		return claim_refuse(err, "The RSA key is shorter than %d bits", RSA_LEAST_BITS);
	ok = base64_decode(base64, strlen(base64), &cipher) && recover(key, &cipher, out);
	strbuf_done(&cipher);
	return ok ? ONE_OK : claim_refuse(err, "%s", unreadable);
}

static bool decipher(const char *stored, const struct strbuf *cipher, struct strbuf *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok;

	strbuf_grow(out, cipher->len + AES_BLOCK_LEN);
	ok = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_cbc(), NULL, (const unsigned char *)stored, (const unsigned char *)stored) &&
	     EVP_DecryptUpdate(ctx, (unsigned char *)out->buf, &n, (const unsigned char *)cipher->buf, (int)cipher->len) &&
	     EVP_DecryptFinal_ex(ctx, (unsigned char *)out->buf + n, &last);
	if (ok) {
		out->len = (size_t)(n + last);
		out->buf[out->len] = '\0';
	}
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

enum one_rc token_decipher(const char *stored, const char *base64, struct strbuf *out, struct one_err *err)
{
	struct strbuf cipher = STRBUF_INIT;
	bool ok = strlen(stored) >= AES_KEY_LEN && base64_decode(base64, strlen(base64), &cipher) && cipher.len > 0 &&
		  cipher.len < INT_MAX - AES_BLOCK_LEN && decipher(stored, &cipher, out);

	strbuf_done(&cipher);
	return ok ? ONE_OK : claim_refuse(err, "%s", unreadable);
}
