/* One LDAP server, as one entry of auth/ldap_auth.conf describes it. */
#ifndef AUTHN_LDAP_DIRECTORY_H
#define AUTHN_LDAP_DIRECTORY_H

#include "drivers/authn/options.h"

struct directory;

struct texts { const char **list; int n; };

struct ldap_user {
	const char *dn;
	const char *member_value;  /* by which groups name him: his DN, or his :user_group_field */
	struct texts groups;       /* their DNs: his memberOf (:rfc2307bis:), else those found that name him */
};

/* What a server can say beside yes: ONE_AUTHENTICATION no; ONE_INTERNAL nothing, another one may be asked. */

/* Connects within the :timeout:, which all that follows shares, and logs in as :user: if there is one. */
enum one_rc directory_open(struct arena *arena, const struct option_node *conf, struct directory **out, struct one_err *err);
void directory_close(struct directory *d); /* NULL is fine */
enum one_rc directory_find(struct directory *d, const char *name, struct ldap_user *out, struct one_err *err);
/* Is he in the :group:, if there is one? */
enum one_rc directory_check_group(struct directory *d, const struct ldap_user *user, struct one_err *err);
/* Is that his password? Over a connection of its own. An empty one never is. */
enum one_rc directory_check_password(struct directory *d, const struct ldap_user *user, const char *password, struct one_err *err);
enum one_rc directory_groups(struct directory *d, struct ldap_user *user, struct one_err *err);

bool texts_have(const struct texts *t, const char *text); /* whatever its case */
/* As a value in a search filter. */
const char *ldap_escape(struct arena *arena, const char *value);

#endif
