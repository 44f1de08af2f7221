/* authenticate of the driver "ldap": asks LDAP servers for the user, whether that is his password, and in which groups he is.
 * Configuration: auth/ldap_auth.conf. Answers "ldap USER DN GID...", for users nobody knows yet too. */
#include <ctype.h>
#include <stdio.h>

#include "common/paths.h"
#include "drivers/authn/claim.h"
#include "drivers/authn/ldap_directory.h"
#include "drivers/authn/ldap_mapping.h"
#include "drivers/authn/ldap_order.h"

/* One server: ONE_AUTHENTICATION it says no, ONE_INTERNAL it says nothing. On ONE_OK dn and groups are set. */
static enum one_rc ask_server(struct arena *arena, const struct option_node *conf, const char *user, const char *password, const char **dn,
			      struct strbuf *groups, struct one_err *err)
{
	struct option_node *mapping = NULL;
	struct directory *d = NULL;
	struct ldap_user who;
	enum one_rc rc = directory_open(arena, conf, &d, err);

	if (!rc)
		rc = directory_find(d, user, &who, err);
	if (!rc)
		rc = directory_check_group(d, &who, err);
	if (!rc)
		rc = directory_check_password(d, &who, password, err);
	if (!rc)
		rc = directory_groups(d, &who, err);
	if (!rc)
		rc = mapping_load(arena, conf, &mapping, err);
	if (!rc)
		rc = mapping_groups(conf, mapping, &who.groups, groups, err);
	directory_close(d);
	*dn = rc ? NULL : who.dn;
	return rc;
}

/* The first of the group that says something decides for it. */
static enum one_rc ask_group(struct arena *arena, const struct option_node *conf, const struct ldap_group *g, const char *user,
			     const char *password, const char **dn, struct strbuf *groups, struct one_err *err)
{
	enum one_rc rc = ONE_INTERNAL;

	for (int i = 0; i < g->n && rc == ONE_INTERNAL; i++) {
		const struct option_node *server = option_find(conf, g->names[i]);

		one_err_clear(err);
		rc = server ? ask_server(arena, server, user, password, dn, groups, err)
			    : claim_refuse(err, "It is not in the configuration");
		if (rc)
			fprintf(stderr, "LDAP server %s: %s\n", g->names[i], err->text);
	}
	return rc;
}

static enum one_rc check(struct arena *arena, const struct claim *claim, struct strbuf *reply, struct one_err *err)
{
	const char *full = uri_unescape(arena, claim->user), *password = uri_unescape(arena, claim->secret), *user = full, *dn = NULL;
	const char *path = paths_join(arena, PATHS_ETC, "auth/ldap_auth.conf");
	struct strbuf groups = STRBUF_INIT;
	struct option_node *conf;
	struct ldap_group *order;
	enum one_rc rc;

	if (options_read(arena, path, &conf, err))
		return err->rc;
	if (ldap_order(arena, conf, &user, &order, err)) {
		one_err_prefix(err, "%s: ", path);
		return err->rc;
	}
	rc = claim_refuse(err, "No LDAP server is configured for the user");
	for (const struct ldap_group *g = order; g && rc; g = g->next)
		rc = ask_group(arena, conf, g, user, password, &dn, &groups, err);
	if (!rc) {
		char *name = arena_strdup(arena, uri_escape(arena, full));

		for (char *c = name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		strbuf_addf(reply, "ldap %s %s%s", name, uri_escape(arena, dn), groups.buf);
	}
	strbuf_done(&groups);
	return rc;
}

int main(int argc, char **argv)
{
	return claim_main(argc, argv, "Asks LDAP servers whether the user is who he says, and for his groups.", check);
}
