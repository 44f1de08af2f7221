/* Digests, encodings, compression, randomness: thin calls into libcrypto and zlib. */
#include "common/crypto.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zlib.h>

#include "common/arena.h"

#define AES_KEY_LEN   32
#define AES_BLOCK_LEN 16
#define UNPACK_STEP   (64 * 1024)

static void to_hex(const unsigned char *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

static void digest_hex(const EVP_MD *md, const void *data, size_t len, char *out)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	/* It fails only without memory or without the algorithm: nothing to go on with. */
	if (!EVP_Digest(data, len, sum, &n, md, NULL))
		abort();
	to_hex(sum, n, out);
}

void sha256_hex(const void *data, size_t len, char out[65])
{
	digest_hex(EVP_sha256(), data, len, out);
}

void sha1_hex(const void *data, size_t len, char out[41])
{
	digest_hex(EVP_sha1(), data, len, out);
}


void base64_encode(const void *data, size_t len, struct strbuf *out)
{
	const unsigned char *in = data;

	char *to;

	if (len == 0)
		return;
	assert(len < INT_MAX / 2);
	strbuf_grow(out, (len + 2) / 3 * 4 + 1);
	to = out->buf + out->len;
	out->len += (size_t)EVP_EncodeBlock((unsigned char *)to, in, (int)len);
}

enum { B64_BLANK = 64, B64_PAD, B64_BAD };

static uint32_t b64_class(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	switch (c) {
	case '+':
		return 62;
	case '/':
		return 63;
	case '=':
		return B64_PAD;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return B64_BLANK;
	default:
		return B64_BAD;
	}
}

/* Appends what is valid on the way; false at the first character that can't be. */
static bool b64_append(const char *text, size_t len, struct strbuf *out)
{
	uint32_t bits = 0;
	unsigned int n = 0, pads = 0;

	for (size_t i = 0; i < len; i++) {
		uint32_t v = b64_class(text[i]);

		if (v == B64_BLANK)
			continue;
		if (v == B64_BAD || (v == B64_PAD && n < 2) || (v != B64_PAD && pads > 0))
			return false;
		if (v == B64_PAD)
			pads++;
		bits = bits << 6 | (v == B64_PAD ? 0 : v);
		if (++n < 4)
			continue;
		char three[3] = { (char)(bits >> 16), (char)(bits >> 8 & 0xFF), (char)(bits & 0xFF) };

		strbuf_add(out, three, 3 - pads);
		bits = 0;
		n = 0;
	}
	return n == 0;
}

bool base64_decode(const char *text, size_t len, struct strbuf *out)
{
	size_t before = out->len;

	if (b64_append(text, len, out))
		return true;
	strbuf_setlen(out, before);
	return false;
}

void zlib_pack(const void *data, size_t len, struct strbuf *out)
{
	uLongf n = compressBound(len);

	strbuf_grow(out, n);

	size_t before = out->len;

	if (compress((Bytef *)out->buf + before, &n, data, len) != Z_OK)
		abort(); /* only without memory: the room is enough by compressBound */
	out->len = before + n;
	out->buf[out->len] = '\0';
}

/* One inflate() into at most `room` more bytes of out. */
static int unpack_step(z_stream *z, size_t room, struct strbuf *out)
{
	if (room > UNPACK_STEP)
		room = UNPACK_STEP;
	strbuf_grow(out, room);
	z->next_out = (Bytef *)out->buf + out->len;
	z->avail_out = (uInt)room;

	int rc = inflate(z, Z_NO_FLUSH);

	out->len += room - z->avail_out;
	out->buf[out->len] = '\0';
	return rc;
}

bool zlib_unpack(const void *data, size_t len, size_t limit, struct strbuf *out)
{
	z_stream z = { .next_in = (z_const Bytef *)data, .avail_in = (uInt)len };
	size_t before = out->len;
	int rc = Z_OK;

	if (len > UINT_MAX || inflateInit(&z) != Z_OK)
		return false;
	/* Without any room left a whole stream still ends, all else fails. */
	while (rc == Z_OK)
		rc = unpack_step(&z, limit - (out->len - before), out);

	bool whole = rc == Z_STREAM_END && z.avail_in == 0;

	inflateEnd(&z);
	if (!whole)
		strbuf_setlen(out, before);
	return whole;
}

static void ask_kernel(void *out, size_t len)
{
	char *at = out;

	while (len > 0) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort();
		at += n;
		len -= (size_t)n;
	}
}

/* The kernel is asked for many at a time; what was given away is wiped here. */
static __thread struct { unsigned char bytes[512]; size_t left; } pool;

void random_bytes(void *out, size_t len)
{
	unsigned char *at;

	if (len > sizeof(pool.bytes)) {
		ask_kernel(out, len);
		return;
	}
	if (pool.left < len) {
		ask_kernel(pool.bytes, sizeof(pool.bytes));
		pool.left = sizeof(pool.bytes);
	}
	pool.left -= len;
	at = pool.bytes + pool.left;
	memcpy(out, at, len);
	explicit_bzero(at, len);
}

void random_hex(char *out, size_t n_bytes)
{
	unsigned char bytes[64];

	*out = '\0';
	while (n_bytes > 0) {
		size_t n = n_bytes < sizeof(bytes) ? n_bytes : sizeof(bytes);

		random_bytes(bytes, n);
		to_hex(bytes, n, out);
		out += 2 * n;
		n_bytes -= n;
	}
	explicit_bzero(bytes, sizeof(bytes));
}

bool secret_equal(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	volatile unsigned char differ = a_len != b_len;

	for (size_t i = 0; i < b_len; i++)
		differ |= (unsigned char)(a[i < a_len ? i : a_len] ^ b[i]);
	return !differ;
}

/* AES-256-CBC over all of in; `out` has room for in_len and one more block. */
static bool aes_cbc(bool encrypt, const char *key, const void *in, size_t in_len, void *out, size_t *out_len)
{
	static const unsigned char zero_iv[AES_BLOCK_LEN];
	int n = 0, last = 0;
	unsigned char *to = out;

	if (strnlen(key, AES_KEY_LEN) < AES_KEY_LEN || in_len > INT_MAX - AES_BLOCK_LEN)
		return false;

	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = ctx &&
		  EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, (const unsigned char *)key, zero_iv,
				    encrypt) &&
		  EVP_CipherUpdate(ctx, to, &n, in, (int)in_len) && EVP_CipherFinal_ex(ctx, to + n, &last);

	EVP_CIPHER_CTX_free(ctx);
	*out_len = (size_t)(n + last);
	return ok;
}

static void wipe(struct strbuf *sb)
{
	explicit_bzero(sb->buf, sb->cap);
	strbuf_done(sb);
}

bool aes_encrypt_b64(const char *key_hex, const char *plain, struct strbuf *out)
{
	size_t len = strlen(plain), n;
	unsigned char *cipher = xmalloc(len + AES_BLOCK_LEN);
	bool ok = aes_cbc(true, key_hex, plain, len, cipher, &n);

	if (ok)
		base64_encode(cipher, n, out);
	free(cipher);
	return ok;
}

bool aes_decrypt_b64(const char *key_hex, const char *b64, struct strbuf *out)
{
	struct strbuf cipher = STRBUF_INIT, plain = STRBUF_INIT;
	bool ok = base64_decode(b64, strlen(b64), &cipher) && cipher.len > 0;

	if (ok) {
		size_t n;

		strbuf_grow(&plain, cipher.len + AES_BLOCK_LEN);
		ok = aes_cbc(false, key_hex, cipher.buf, cipher.len, plain.buf, &n);
		if (ok)
			strbuf_add(out, plain.buf, n);
	}
	wipe(&plain);
	strbuf_done(&cipher);
	return ok;
}
