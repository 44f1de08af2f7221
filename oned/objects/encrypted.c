#include "oned/objects/encrypted.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/crypto.h"

static const struct { enum obj_type type; const char *key; } lists[] = {
	{ OBJ_VM, "VM_ENCRYPTED_ATTR" }, { OBJ_TEMPLATE, "VM_ENCRYPTED_ATTR" }, { OBJ_IMAGE, "IMAGE_ENCRYPTED_ATTR" },
	{ OBJ_NET, "VNET_ENCRYPTED_ATTR" }, { OBJ_VNTEMPLATE, "VNET_ENCRYPTED_ATTR" }, { OBJ_USER, "USER_ENCRYPTED_ATTR" },
	{ OBJ_DOCUMENT, "DOCUMENT_ENCRYPTED_ATTR" }, { OBJ_HOST, "HOST_ENCRYPTED_ATTR" }, { OBJ_CLUSTER, "CLUSTER_ENCRYPTED_ATTR" },
	{ OBJ_DATASTORE, "DATASTORE_ENCRYPTED_ATTR" },
};

static const struct attr *first_entry(const struct conf *conf, enum obj_type type)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (lists[i].type == type)
			return conf_first(conf, lists[i].key);
	return NULL;
}

static void change_value(struct arena *arena, const char *key, bool encrypt, const char **value)
{
	struct strbuf out = STRBUF_INIT, plain = STRBUF_INIT;
	bool was = aes_decrypt_b64(key, *value, &plain);

	/* What can be decrypted is encrypted already. */
	if (encrypt && !was && aes_encrypt_b64(key, *value, &out))
		*value = arena_strdup(arena, out.buf);
	else if (!encrypt && was)
		*value = arena_strdup(arena, plain.buf);
	strbuf_done(&out);
	strbuf_done(&plain);
}

/* Is the name that of the entry, or of its part before the slash? */
static bool names_vector(const char *entry, const char *name)
{
	size_t len = strcspn(entry, "/");

	return strlen(name) == len && !strncasecmp(entry, name, len);
}

/* Entry "A", a single attribute, or "A/B", B in a vector A. */
static void change_entry(const char *entry, const char *key, bool encrypt, struct tmpl *t)
{
	const char *slash = strchr(entry, '/');

	for (struct attr *a = t->first; a; a = a->next) {
		if (!names_vector(entry, a->name))
			continue;
		if (!slash && !a->vector)
			change_value(t->arena, key, encrypt, &a->value);
		for (struct attr *k = slash && a->vector ? a->kids : NULL; k; k = k->next)
			if (!strcasecmp(k->name, slash + 1) && !k->vector)
				change_value(t->arena, key, encrypt, &k->value);
	}
}

static void change(const struct conf *conf, enum obj_type type, bool encrypt, struct tmpl *t)
{
	const char *key = conf ? tmpl_get(conf->values, ENCRYPTION_KEY) : NULL;

	for (const struct attr *a = key ? first_entry(conf, type) : NULL; a; a = conf_next(a))
		change_entry(a->value, key, encrypt, t);
}

void attributes_encrypt(const struct conf *conf, enum obj_type type, struct tmpl *t)
{
	change(conf, type, true, t);
}

void attributes_decrypt(const struct conf *conf, enum obj_type type, struct tmpl *t)
{
	change(conf, type, false, t);
}

void object_render_clear(const struct conf *conf, const struct object *o, struct strbuf *out)
{
	size_t size = o->ops->size;
	struct object *shown = xcalloc(1, size);
	struct arena arena = ARENA_INIT;

	memcpy(shown, o, size);
	shown->tmpl = tmpl_copy(&arena, o->tmpl);
	attributes_decrypt(conf, o->ops->type, shown->tmpl);
	shown->ops->render(shown, out);
	arena_done(&arena);
	free(shown);
}
