/* Messages of agents and monitor drivers: taking them apart (format: message.h). */
#include "drivers/im/message.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

const char *const message_type_names[MESSAGE_TYPES] = {
	[MESSAGE_MONITOR_VM] = "MONITOR_VM",	   [MESSAGE_BEACON_HOST] = "BEACON_HOST",
	[MESSAGE_MONITOR_HOST] = "MONITOR_HOST",   [MESSAGE_SYSTEM_HOST] = "SYSTEM_HOST",
	[MESSAGE_STATE_VM] = "STATE_VM",	   [MESSAGE_START_MONITOR] = "START_MONITOR",
	[MESSAGE_STOP_MONITOR] = "STOP_MONITOR",   [MESSAGE_LOG] = "LOG",
};

struct message_key {
	EVP_PKEY *pkey;
	size_t block; /* bytes of one encrypted block */
};

enum one_rc message_key_load(const char *path, struct message_key **out, struct one_err *err)
{
	*out = NULL;
	if (!*path)
		return ONE_OK;
	FILE *f = fopen(path, "re");
	if (!f)
		return one_err_set(err, ONE_INTERNAL, "Cannot open the private key %s: %s", path,
				   strerror(errno));
	EVP_PKEY *pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (!pkey || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
		EVP_PKEY_free(pkey);
		return one_err_set(err, ONE_INTERNAL, "%s is no private RSA key", path);
	}
	struct message_key *key = xcalloc(1, sizeof(*key));
	key->pkey = pkey;
	key->block = (size_t)EVP_PKEY_get_size(pkey);
	*out = key;
	return ONE_OK;
}

void message_key_free(struct message_key *key)
{
	if (key)
		EVP_PKEY_free(key->pkey);
	free(key);
}

static bool decrypt_block(EVP_PKEY_CTX *ctx, const struct message_key *key, const unsigned char *block,
			  struct strbuf *out)
{
	size_t len = key->block;
	strbuf_grow(out, len);
	if (EVP_PKEY_decrypt(ctx, (unsigned char *)out->buf + out->len, &len, block, key->block) <= 0)
		return false;
	out->len += len;
	out->buf[out->len] = '\0';
	return true;
}

/* Replaces the text by what its blocks say. */
static bool decrypt(const struct message_key *key, struct strbuf *text)
{
	if (text->len % key->block)
		return false;
	struct strbuf plain = STRBUF_INIT;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key->pkey, NULL);
	bool ok = ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
		  EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
	for (size_t at = 0; ok && at < text->len; at += key->block)
		ok = decrypt_block(ctx, key, (const unsigned char *)text->buf + at, &plain);
	EVP_PKEY_CTX_free(ctx);
	strbuf_done(text);
	*text = plain;
	return ok;
}

static bool find_type(const char *name, enum message_type *type)
{
	for (int i = 0; i < MESSAGE_TYPES; i++) {
		if (strcmp(message_type_names[i], name) == 0) {
			*type = (enum message_type)i;
			return true;
		}
	}
	return false;
}

static enum one_rc read_text(const char *payload, const struct message_key *key, struct message *m,
			     struct one_err *err)
{
	strbuf_init(&m->text);
	if (!*payload)
		return ONE_OK;
	bool unpacked = driver_unpack(payload, MESSAGE_TEXT_MAX, &m->text);
	if (unpacked && (!key || decrypt(key, &m->text)))
		return ONE_OK;
	message_done(m);
	return one_err_set(err, ONE_INTERNAL, "The text of %s for host %lld %s", message_type_names[m->type],
			   m->host, unpacked ? "is not encrypted for our key" : "is not packed, or too long");
}

enum one_rc message_read(const struct driver_msg *line, const struct message_key *key, struct message *m,
			 struct one_err *err)
{
	if (!find_type(line->action, &m->type))
		return one_err_set(err, ONE_INTERNAL, "There is no message %.40s", line->action);
	m->ok = strcmp(line->status, "SUCCESS") == 0;
	m->level = *line->status;
	m->host = line->id;
	char *end;
	errno = 0;
	long long when = strtoll(line->payload, &end, 10);
	if (end == line->payload || errno || (*end && *end != ' ') || when < 0)
		return one_err_set(err, ONE_INTERNAL, "%s for host %lld has no time",
				   message_type_names[m->type], m->host);
	m->when = (time_t)when;
	return read_text(end + strspn(end, " "), key, m, err);
}

void message_done(struct message *m)
{
	strbuf_done(&m->text);
}
