#include "oned/objects/settings.h"

#include <strings.h>

const char *settings_text(struct txn *t, const char *key, const char *dflt)
{
	const struct conf *conf = txn_conf(t);

	return conf ? conf_string(conf, key) : dflt;
}

long long settings_int(struct txn *t, const char *key, long long dflt)
{
	const struct conf *conf = txn_conf(t);

	return conf ? conf_int(conf, key) : dflt;
}

bool settings_bool(struct txn *t, const char *key, bool dflt)
{
	const struct conf *conf = txn_conf(t);

	return conf ? conf_bool(conf, key) : dflt;
}

const struct attr *settings_first(struct txn *t, const char *key)
{
	const struct conf *conf = txn_conf(t);

	return conf ? conf_first(conf, key) : NULL;
}

const struct attr *settings_named(struct txn *t, const char *key, const char *name)
{
	const struct attr *a = settings_first(t, key);

	for (; a; a = conf_next(a)) {
		const char *has = attr_get(a, "NAME");

		if (has && !strcasecmp(has, name))
			return a;
	}
	return NULL;
}

int settings_zone(struct txn *t)
{
	const struct attr *federation = settings_first(t, "FEDERATION");
	long long id;

	return federation && attr_get_int(federation, "ZONE_ID", &id) ? (int)id : 0;
}

static void inherit_value(const char *name, const char *value, struct attr *to, struct arena *arena)
{
	const char *has = attr_get(to, name);

	if (value && *value && (!has || !*has))
		attr_set(arena, to, name, value);
}

void settings_inherit(struct txn *t, const char *key, const struct tmpl *from, struct attr *to, struct arena *arena)
{
	for (const struct attr *name = settings_first(t, key); name; name = conf_next(name)) {
		const struct attr *a = name->value ? tmpl_find(from, name->value) : NULL;

		if (!a)
			continue;
		if (!a->vector)
			inherit_value(a->name, a->value, to, arena);
		for (const struct attr *kid = a->kids; kid; kid = kid->next)
			inherit_value(kid->name, kid->value, to, arena);
	}
}
