/* Login tokens: their parts, their time, and the two ways they are made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/rsa.h>

#include "common/crypto.h"
#include "drivers/authn/token.h"

static struct arena arena = ARENA_INIT;

static enum one_rc parse(const char *text, bool for_server, struct token *t)
{
	struct strbuf sb = STRBUF_INIT;
	enum one_rc rc;

	strbuf_adds(&sb, text);
	rc = token_parse(&arena, &sb, for_server, t, NULL);
	strbuf_done(&sb);
	return rc;
}

static void a_users_token_has_two_parts_and_a_servers_three(void **state)
{
	struct token t;

	(void)state;
	assert_int_equal(parse("ann:123", false, &t), ONE_OK);
	assert_string_equal(t.user, "ann");
	assert_int_equal(t.expires, 123);
	assert_null(t.target);
	assert_int_equal(parse("srv:ann:5", true, &t), ONE_OK);
	assert_string_equal(t.target, "ann");
}

static void other_texts_are_no_tokens(void **state)
{
	const char *const wrong[] = { "", "ann", "ann:", ":1", "ann:x", "ann:1x", "ann:b:1", "a:b:c:1" };
	const char *const wrong_of_server[] = { "srv:1", "srv::1", ":ann:1", "srv:a:b:1", "srv:ann:" };
	struct strbuf nul = STRBUF_INIT;
	struct token t;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(parse(wrong[i], false, &t), ONE_AUTHENTICATION);
	for (size_t i = 0; i < sizeof(wrong_of_server) / sizeof(*wrong_of_server); i++)
		assert_int_equal(parse(wrong_of_server[i], true, &t), ONE_AUTHENTICATION);
	strbuf_add(&nul, "a\0b:1", 5);
	assert_int_equal(token_parse(&arena, &nul, false, &t, NULL), ONE_AUTHENTICATION);
	strbuf_done(&nul);
}

static void a_token_is_of_one_user_and_ends(void **state)
{
	struct token t = { .user = "ann", .target = "bob", .expires = 100 };
	struct strbuf reply = STRBUF_INIT;

	(void)state;
	assert_int_equal(token_check(&t, "ann", 99, NULL), ONE_OK);
	assert_int_equal(token_check(&t, "ann", 100, NULL), ONE_AUTHENTICATION);
	assert_int_equal(token_check(&t, "an", 99, NULL), ONE_AUTHENTICATION);
	token_reply(&t, &reply);
	assert_string_equal(reply.buf, "expires=100 target=bob");
	strbuf_done(&reply);
}

/* What the private half of an RSA key makes of a text. */
static const char *encrypted(EVP_PKEY *key, const char *text)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	struct strbuf out = STRBUF_INIT;
	unsigned char cipher[1024];
	size_t len = sizeof(cipher);
	const char *base64;

	assert_true(EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
	assert_true(EVP_PKEY_sign(ctx, cipher, &len, (const unsigned char *)text, strlen(text)) > 0);
	EVP_PKEY_CTX_free(ctx);
	base64_encode(cipher, len, &out);
	base64 = arena_strdup(&arena, out.buf);
	strbuf_done(&out);
	return base64;
}

static void an_rsa_key_gives_back_what_its_other_half_encrypted(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(1024), *other = EVP_RSA_gen(1024), *shorter = EVP_RSA_gen(768);
	struct strbuf out = STRBUF_INIT;

	(void)state;
	assert_int_equal(token_recover(key, encrypted(key, "ann:123"), &out, NULL), ONE_OK);
	assert_string_equal(out.buf, "ann:123");
	strbuf_reset(&out);
	assert_int_equal(token_recover(other, encrypted(key, "ann:123"), &out, NULL), ONE_AUTHENTICATION);
	assert_int_equal(token_recover(key, "!!", &out, NULL), ONE_AUTHENTICATION);
	assert_int_equal(token_recover(key, "", &out, NULL), ONE_AUTHENTICATION);
	assert_int_equal(token_recover(shorter, encrypted(shorter, "ann:123"), &out, NULL), ONE_AUTHENTICATION);
	assert_int_equal(out.len, 0);
	strbuf_done(&out);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(shorter);
}

/* Made with "openssl enc -aes-256-cbc" of "srv:ann:2000000000" and the password "secret". */
static void a_stored_password_deciphers_what_was_made_with_the_password(void **state)
{
	static const char made[] = "wea9T5Qvr/wZgJuLvY567Awg8cX1msLKBUiReRL7vIA=";
	struct strbuf out = STRBUF_INIT;
	char stored[65];

	(void)state;
	sha256_hex("secret", 6, stored);
	assert_int_equal(token_decipher(stored, made, &out, NULL), ONE_OK);
	assert_string_equal(out.buf, "srv:ann:2000000000");
	strbuf_reset(&out);
	assert_int_equal(token_decipher("short", made, &out, NULL), ONE_AUTHENTICATION);
	assert_int_equal(token_decipher(stored, "", &out, NULL), ONE_AUTHENTICATION);
	assert_int_equal(token_decipher(stored, "QUFB", &out, NULL), ONE_AUTHENTICATION);
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_users_token_has_two_parts_and_a_servers_three),
		cmocka_unit_test(other_texts_are_no_tokens),
		cmocka_unit_test(a_token_is_of_one_user_and_ends),
		cmocka_unit_test(an_rsa_key_gives_back_what_its_other_half_encrypted),
		cmocka_unit_test(a_stored_password_deciphers_what_was_made_with_the_password),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return failed;
}
