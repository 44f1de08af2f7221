#define PCRE2_CODE_UNIT_WIDTH 8
#include "drivers/authn/ldap_order.h"

#include <pcre2.h>
#include <string.h>

static struct ldap_group *new_group(struct arena *arena, const struct option_node *servers)
{
	struct ldap_group *g = arena_new(arena, struct ldap_group);
	int n = 1;

	for (const struct option_pair *p = servers->first; p; p = p->next)
		n++;
	g->names = arena_array(arena, n, const char *);
	if (servers->kind == OPTION_SCALAR)
		g->names[g->n++] = servers->text;
	for (const struct option_pair *p = servers->first; p; p = p->next)
		if (p->value->kind == OPTION_SCALAR)
			g->names[g->n++] = p->value->text;
	return g;
}

static struct ldap_group *by_order(struct arena *arena, const struct option_node *order)
{
	struct ldap_group *first = NULL, **tail = &first;

	for (const struct option_pair *p = order->first; p; p = p->next) {
		*tail = new_group(arena, p->value);
		tail = &(*tail)->next;
	}
	return first;
}

/* The user as the first brackets have it; the whole name without brackets. NULL: no match. */
static const char *match(struct arena *arena, const char *regex, const char *user, struct one_err *err)
{
	pcre2_code *code;
	pcre2_match_data *data;
	const char *there = NULL;
	PCRE2_SIZE at, *ends;
	int error, n;

	code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, PCRE2_CASELESS, &error, &at, NULL);
	if (!code) {
		one_err_set(err, ONE_INTERNAL, "\"%s\" in :match_user_regex: is no regular expression (at character %zu)", regex, at + 1);
		return NULL;
	}
	data = pcre2_match_data_create_from_pattern(code, NULL);
	n = pcre2_match(code, (PCRE2_SPTR)user, strlen(user), 0, 0, data, NULL);
	ends = pcre2_get_ovector_pointer(data);
	if (n > 1 && ends[2] != PCRE2_UNSET && ends[3] >= ends[2])
		there = arena_strndup(arena, user + ends[2], ends[3] - ends[2]);
	else if (n > 0)
		there = user;
	pcre2_match_data_free(data);
	pcre2_code_free(code);
	return there;
}

static enum one_rc by_regex(struct arena *arena, const struct option_node *map, const char **user, struct ldap_group **out, struct one_err *err)
{
	for (const struct option_pair *p = map->first; p; p = p->next) {
		const char *there = match(arena, p->key, *user, err);

		if (err->rc)
			return err->rc;
		if (!there)
			continue;
		*user = there;
		*out = new_group(arena, p->value);
		break;
	}
	return ONE_OK;
}

enum one_rc ldap_order(struct arena *arena, const struct option_node *conf, const char **user, struct ldap_group **out, struct one_err *err)
{
	const struct option_node *order = option_find(conf, ":order"), *map = option_find(conf, ":match_user_regex");

	*out = NULL;
	if (order && map)
		return one_err_set(err, ONE_INTERNAL, ":order: and :match_user_regex: cannot both be given");
	if (map && map->kind == OPTION_MAPPING)
		return by_regex(arena, map, user, out, err);
	if (!order || order->kind != OPTION_LIST)
		return one_err_set(err, ONE_INTERNAL, "there has to be an :order: (a list) or a :match_user_regex: (a mapping)");
	*out = by_order(arena, order);
	return ONE_OK;
}
