#include "oned/auth/auth_reply.h"

#include <limits.h>
#include <string.h>

#include "common/tmpl.h"

static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r\n");

	*at = word + strcspn(word, " \t\r\n");
	if (**at)
		*(*at)++ = '\0';
	return word;
}

/* false: the word is none of the notes that may stand in front. */
static bool take_note(struct auth_reply *out, const char *word)
{
	long long expires;

	if (!strncmp(word, "target=", 7)) {
		out->target = word + 7;
		return true;
	}
	if (strncmp(word, "expires=", 8) != 0)
		return false;
	out->expires = value_int(word + 8, &expires) && expires >= 0 ? expires : 0;
	return true;
}

static enum one_rc take_group(struct auth_reply *out, const char *word, struct one_err *err)
{
	bool admin = *word == '*';
	long long gid;

	if (!value_int(word + admin, &gid) || gid < 0 || gid > INT_MAX)
		return one_err_set(err, ONE_AUTHENTICATION, "One or more group IDs are malformed");
	for (int i = 0; i < out->n_gids; i++) {
		if (out->gids[i] == gid) {
			out->admin[i] |= admin;
			return ONE_OK;
		}
	}
	if (out->n_gids == AUTH_REPLY_GROUPS)
		return one_err_set(err, ONE_AUTHENTICATION, "There are more than %d groups", AUTH_REPLY_GROUPS);
	out->gids[out->n_gids] = (int)gid;
	out->admin[out->n_gids++] = admin;
	return ONE_OK;
}

enum one_rc auth_reply_parse(struct arena *arena, const char *text, struct auth_reply *out, struct one_err *err)
{
	char *at = arena_strdup(arena, text), *word = next_word(&at);
	enum one_rc rc = ONE_OK;

	*out = (struct auth_reply){ .expires = -1 };
	while (take_note(out, word))
		word = next_word(&at);
	out->driver = *word ? word : NULL;
	word = next_word(&at);
	out->name = *word ? word : NULL;
	word = next_word(&at);
	out->password = *word ? word : NULL;
	while (!rc && *(word = next_word(&at)))
		rc = take_group(out, word, err);
	return rc;
}
