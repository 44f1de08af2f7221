/* Tests of digests and encodings: published vectors, and what hostile input does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/crypto.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char key[] = "00112233445566778899aabbccddeeffX, what follows the 32nd character is not used";

static void digests_are_those_of_the_standards(void **state)
{
	(void)state;
	char sha256[65], sha1[41];

	sha256_hex("abc", 3, sha256);
	assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_hex("", 0, sha256);
	assert_string_equal(sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha1_hex("abc", 3, sha1);
	assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* RFC 4648, section 10, and the two digits that differ in other alphabets. */
static const struct {
	const char *plain, *encoded;
} base64_pairs[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

static void base64_is_that_of_the_standard(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(base64_pairs); i++) {
		struct strbuf out = STRBUF_INIT;

		base64_encode(base64_pairs[i].plain, strlen(base64_pairs[i].plain), &out);
		assert_string_equal(out.buf, base64_pairs[i].encoded);
		strbuf_reset(&out);
		assert_true(base64_decode(base64_pairs[i].encoded, strlen(base64_pairs[i].encoded), &out));
		assert_string_equal(out.buf, base64_pairs[i].plain);
		strbuf_done(&out);
	}
}

static void base64_gives_every_byte_back_on_one_line(void **state)
{
	(void)state;
	unsigned char data[1000];
	struct strbuf text = STRBUF_INIT, back = STRBUF_INIT;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	base64_encode(data, sizeof(data), &text);
	assert_null(strchr(text.buf, '\n'));
	assert_true(base64_decode(text.buf, text.len, &back));
	assert_int_equal(back.len, sizeof(data));
	assert_memory_equal(back.buf, data, sizeof(data));
	strbuf_done(&text);
	strbuf_done(&back);
}

static void base64_may_be_broken_into_lines(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;
	static const char text[] = " Zm\r\n9v\n\tYg=\n=\n";

	assert_true(base64_decode(text, strlen(text), &out));
	assert_string_equal(out.buf, "foob");
	strbuf_done(&out);
}

static void what_is_not_base64_is_refused_and_changes_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = { "Z",	   "Zg",      "Zg=",	    "Zg===",	"=",
					   "====", "Z===",    "Zg==Zg==",   "Zm9vYg=x", "Zm9v!mE=",
					   "Zm8-", "Zm9vZm_", "Zm9v\x80m8", "Zm9v=" };
	struct strbuf out = STRBUF_INIT;

	strbuf_adds(&out, "kept");
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(base64_decode(bad[i], strlen(bad[i]), &out));
		assert_string_equal(out.buf, "kept");
	}
	assert_false(base64_decode("Zm9v\0m9v", 8, &out));
	assert_string_equal(out.buf, "kept");
	strbuf_done(&out);
}

static void packed_data_comes_back(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 100, 65535, 65536, 65537, 1000000 };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct strbuf data = STRBUF_INIT, packed = STRBUF_INIT, back = STRBUF_INIT;
		unsigned int seed = 1;

		for (size_t k = 0; k < sizes[i]; k++)
			strbuf_addc(&data, (char)(rand_r(&seed) % 50));
		zlib_pack(data.buf, data.len, &packed);
		assert_int_equal(packed.buf[packed.len], 0);
		strbuf_adds(&back, "head");
		assert_true(zlib_unpack(packed.buf, packed.len, data.len, &back));
		assert_int_equal(back.len, data.len + 4);
		assert_memory_equal(back.buf, "head", 4);
		assert_memory_equal(back.buf + 4, data.buf, data.len);
		strbuf_done(&data);
		strbuf_done(&packed);
		strbuf_done(&back);
	}
}

static void one_byte_over_the_limit_is_refused(void **state)
{
	(void)state;
	struct strbuf packed = STRBUF_INIT, out = STRBUF_INIT;

	zlib_pack("0123456789", 10, &packed);
	assert_true(zlib_unpack(packed.buf, packed.len, 10, &out));
	strbuf_reset(&out);
	assert_false(zlib_unpack(packed.buf, packed.len, 9, &out));
	assert_false(zlib_unpack(packed.buf, packed.len, 0, &out));
	assert_string_equal(out.buf, "");
	strbuf_done(&packed);
	strbuf_done(&out);
}

/* 256 MB of zeros in some 260 KB. */
static void make_bomb(struct strbuf *bomb)
{
	static char zeros[1024 * 1024];
	unsigned char step[8192];
	z_stream z = { .next_in = NULL };

	assert_int_equal(deflateInit(&z, 9), Z_OK);
	for (int i = 0; i <= 256; i++) {
		z.next_in = (Bytef *)zeros;
		z.avail_in = i < 256 ? sizeof(zeros) : 0;
		do {
			z.next_out = step;
			z.avail_out = sizeof(step);
			deflate(&z, i < 256 ? Z_NO_FLUSH : Z_FINISH);
			strbuf_add(bomb, step, sizeof(step) - z.avail_out);
		} while (z.avail_out == 0);
	}
	deflateEnd(&z);
}

static void a_bomb_costs_no_more_than_the_limit(void **state)
{
	(void)state;
	struct strbuf bomb = STRBUF_INIT, out = STRBUF_INIT;

	make_bomb(&bomb);
	assert_true(bomb.len < 1024 * 1024);
	assert_false(zlib_unpack(bomb.buf, bomb.len, 1024 * 1024, &out));
	assert_int_equal(out.len, 0);
	assert_true(out.cap <= 4 * 1024 * 1024);
	strbuf_done(&bomb);
	strbuf_done(&out);
}

static void what_is_not_one_whole_stream_is_refused(void **state)
{
	(void)state;
	struct strbuf packed = STRBUF_INIT, out = STRBUF_INIT;

	strbuf_adds(&out, "kept");
	zlib_pack("some text that is packed", 24, &packed);
	for (size_t len = 0; len < packed.len; len++)
		assert_false(zlib_unpack(packed.buf, len, 1000, &out));
	strbuf_addc(&packed, 'x');
	assert_false(zlib_unpack(packed.buf, packed.len, 1000, &out));
	packed.buf[packed.len - 2] ^= 1;
	assert_false(zlib_unpack(packed.buf, packed.len - 1, 1000, &out));
	assert_false(zlib_unpack("not packed at all", 17, 1000, &out));
	assert_string_equal(out.buf, "kept");
	strbuf_done(&packed);
	strbuf_done(&out);
}

static void random_data_differs_each_time_and_has_its_length(void **state)
{
	(void)state;
	char one[201], other[201];

	random_hex(one, 100);
	random_hex(other, 100);
	assert_int_equal(strlen(one), 200);
	assert_int_equal(strspn(one, "0123456789abcdef"), 200);
	assert_string_not_equal(one, other);
	random_hex(one, 0);
	assert_string_equal(one, "");
}

static void secrets_are_equal_only_when_every_byte_is(void **state)
{
	(void)state;
	assert_true(secret_equal("", ""));
	assert_true(secret_equal("secret", "secret"));
	assert_false(secret_equal("secret", "secreT"));
	assert_false(secret_equal("Secret", "secret"));
	assert_false(secret_equal("secret", "secret2"));
	assert_false(secret_equal("secret2", "secret"));
	assert_false(secret_equal("", "secret"));
	assert_false(secret_equal("secret", ""));
}

/* openssl enc -aes-256-cbc -K <hex of the key's first 32 characters> -iv 0 -base64 -A */
static void attributes_are_encrypted_as_other_programs_do_it(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;

	assert_true(aes_encrypt_b64(key, "password", &out));
	assert_string_equal(out.buf, "+ScWlz9feFIl2Dw6ZS92pw==");
	strbuf_reset(&out);
	assert_true(aes_decrypt_b64(key, "+ScWlz9feFIl2Dw6ZS92pw==", &out));
	assert_string_equal(out.buf, "password");
	strbuf_done(&out);
}

static void encrypted_texts_of_any_length_come_back(void **state)
{
	(void)state;
	char plain[100];

	for (size_t len = 0; len < sizeof(plain); len++) {
		struct strbuf cipher = STRBUF_INIT, back = STRBUF_INIT;

		memset(plain, 'p', len);
		plain[len] = '\0';
		assert_true(aes_encrypt_b64(key, plain, &cipher));
		assert_null(strchr(cipher.buf, '\n'));
		assert_true(aes_decrypt_b64(key, cipher.buf, &back));
		assert_string_equal(back.buf, plain);
		strbuf_done(&cipher);
		strbuf_done(&back);
	}
}

static void what_was_not_encrypted_with_the_key_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "plain text",
					   "password",
					   "Zm9v",
					   "AAAAAAAAAAAAAAAAAAAAAA==",
					   "+ScWlz9feFIl2Dw6ZS92pw==AA==" };
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(aes_decrypt_b64(key, bad[i], &out));
	assert_false(aes_decrypt_b64("fffffffffffffffffffffffffffffffff", "+ScWlz9feFIl2Dw6ZS92pw==", &out));
	assert_string_equal(out.buf, "");
	strbuf_done(&out);
}

static void a_key_too_short_is_refused(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;

	assert_false(aes_encrypt_b64("0123456789012345678901234567890", "plain", &out));
	assert_false(aes_decrypt_b64("", "+ScWlz9feFIl2Dw6ZS92pw==", &out));
	assert_string_equal(out.buf, "");
	strbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_are_those_of_the_standards),
		cmocka_unit_test(base64_is_that_of_the_standard),
		cmocka_unit_test(base64_gives_every_byte_back_on_one_line),
		cmocka_unit_test(base64_may_be_broken_into_lines),
		cmocka_unit_test(what_is_not_base64_is_refused_and_changes_nothing),
		cmocka_unit_test(packed_data_comes_back),
		cmocka_unit_test(one_byte_over_the_limit_is_refused),
		cmocka_unit_test(a_bomb_costs_no_more_than_the_limit),
		cmocka_unit_test(what_is_not_one_whole_stream_is_refused),
		cmocka_unit_test(random_data_differs_each_time_and_has_its_length),
		cmocka_unit_test(secrets_are_equal_only_when_every_byte_is),
		cmocka_unit_test(attributes_are_encrypted_as_other_programs_do_it),
		cmocka_unit_test(encrypted_texts_of_any_length_come_back),
		cmocka_unit_test(what_was_not_encrypted_with_the_key_is_refused),
		cmocka_unit_test(a_key_too_short_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
