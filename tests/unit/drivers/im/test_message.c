/* Messages of agents: taking them apart, and the key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/arena.h"
#include "common/crypto.h"
#include "drivers/im/message.h"

static enum one_rc read_line(const char *text, const struct message_key *key, struct message *m,
			     struct one_err *err)
{
	char *line = xstrdup(text);
	struct driver_msg pieces;
	assert_true(driver_parse_reply(line, &pieces));
	enum one_rc rc = message_read(&pieces, key, m, err);
	free(line);
	return rc;
}

static char *line_with(const char *head, const void *text, size_t len)
{
	struct strbuf out = STRBUF_INIT;
	strbuf_adds(&out, head);
	driver_pack(text, len, &out);
	return strbuf_detach(&out, NULL);
}

static void a_message_has_type_status_host_time_and_text(void **state)
{
	struct message m;
	(void)state;
	char *line = line_with("MONITOR_HOST SUCCESS 12 1700000000 ", "FREECPU=3", 9);
	assert_int_equal(read_line(line, NULL, &m, NULL), ONE_OK);
	assert_int_equal(m.type, MESSAGE_MONITOR_HOST);
	assert_true(m.ok);
	assert_int_equal(m.host, 12);
	assert_int_equal(m.when, 1700000000);
	assert_string_equal(m.text.buf, "FREECPU=3");
	message_done(&m);
	free(line);
}

static void a_failure_and_a_log_keep_their_status(void **state)
{
	struct message m;
	(void)state;
	char *line = line_with("START_MONITOR FAILURE 3 5 ", "no route", 8);
	assert_int_equal(read_line(line, NULL, &m, NULL), ONE_OK);
	assert_false(m.ok);
	message_done(&m);
	free(line);
	line = line_with("LOG W 3 5 ", "slow", 4);
	assert_int_equal(read_line(line, NULL, &m, NULL), ONE_OK);
	assert_int_equal(m.type, MESSAGE_LOG);
	assert_int_equal(m.level, 'W');
	message_done(&m);
	free(line);
	assert_int_equal(read_line("BEACON_HOST SUCCESS 3 5", NULL, &m, NULL), ONE_OK);
	assert_string_equal(m.text.buf, "");
	message_done(&m);
}

static void what_is_not_packed_or_has_no_time_is_refused(void **state)
{
	static const char *const lines[] = {
		"MONITOR_HOST SUCCESS 3 5 notpacked",	    "MONITOR_HOST SUCCESS 3",
		"MONITOR_HOST SUCCESS 3 soon eJwDAAAAAAE=", "MONITOR_HOST SUCCESS 3 -5 eJwDAAAAAAE=",
		"MONITOR_HOST SUCCESS 3 5x eJwDAAAAAAE=",   "DANCE SUCCESS 3 5 eJwDAAAAAAE=",
	};
	struct message m;
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(read_line(lines[i], NULL, &m, NULL), ONE_INTERNAL);
}

static void a_bomb_is_refused(void **state)
{
	struct message m;
	struct one_err err = ONE_ERR_INIT;
	size_t len = MESSAGE_TEXT_MAX + 1;
	char *big = xcalloc(1, len);
	(void)state;
	char *line = line_with("STATE_VM SUCCESS 3 5 ", big, len);
	assert_int_equal(read_line(line, NULL, &m, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "too long"));
	free(line);
	free(big);
}

/* The text as an agent encrypts it: blocks of at most the key's size less the padding. */
static void encrypt(EVP_PKEY *pkey, const char *text, size_t len, struct strbuf *out)
{
	size_t block = (size_t)EVP_PKEY_get_size(pkey), step = block - 11;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	assert_true(EVP_PKEY_encrypt_init(ctx) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0);
	for (size_t at = 0; at < len; at += step) {
		size_t n = block;
		strbuf_grow(out, block);
		assert_true(EVP_PKEY_encrypt(ctx, (unsigned char *)out->buf + out->len, &n,
					     (const unsigned char *)text + at,
					     len - at < step ? len - at : step) > 0);
		out->len += n;
	}
	EVP_PKEY_CTX_free(ctx);
}

static void with_a_key_only_encrypted_messages_are_heeded(void **state)
{
	char path[] = "/tmp/test_message.XXXXXX", text[1000];
	struct message_key *key;
	struct message m;
	struct one_err err = ONE_ERR_INIT;
	struct strbuf secret = STRBUF_INIT;
	(void)state;
	EVP_PKEY *pkey = EVP_RSA_gen(2048);
	FILE *f = fdopen(mkstemp(path), "w");
	assert_true(PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	assert_int_equal(message_key_load(path, &key, NULL), ONE_OK);
	memset(text, 'a', sizeof(text));
	encrypt(pkey, text, sizeof(text), &secret);
	char *line = line_with("MONITOR_HOST SUCCESS 12 5 ", secret.buf, secret.len);
	assert_int_equal(read_line(line, key, &m, NULL), ONE_OK);
	assert_int_equal(m.text.len, sizeof(text));
	assert_memory_equal(m.text.buf, text, sizeof(text));
	message_done(&m);
	free(line);
	line = line_with("MONITOR_HOST SUCCESS 12 5 ", text, sizeof(text));
	assert_int_equal(read_line(line, key, &m, &err), ONE_INTERNAL);
	assert_non_null(strstr(err.text, "not encrypted"));
	free(line);
	unlink(path);
	message_key_free(key);
	EVP_PKEY_free(pkey);
	strbuf_done(&secret);
}

static void a_key_that_cannot_be_read_is_an_error(void **state)
{
	struct message_key *key = (struct message_key *)1;
	(void)state;
	assert_int_equal(message_key_load("", &key, NULL), ONE_OK);
	assert_null(key);
	assert_int_equal(message_key_load("/nowhere/key", &key, NULL), ONE_INTERNAL);
	assert_int_equal(message_key_load("/etc/hostname", &key, NULL), ONE_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_has_type_status_host_time_and_text),
		cmocka_unit_test(a_failure_and_a_log_keep_their_status),
		cmocka_unit_test(what_is_not_packed_or_has_no_time_is_refused),
		cmocka_unit_test(a_bomb_is_refused),
		cmocka_unit_test(with_a_key_only_encrypted_messages_are_heeded),
		cmocka_unit_test(a_key_that_cannot_be_read_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
