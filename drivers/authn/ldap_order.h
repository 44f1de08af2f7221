/* Which LDAP servers are asked about a user, in which order (auth/ldap_auth.conf).
 *
 *   :order:             a list of servers; a list inside it is a group of which the first that answers decides
 *   :match_user_regex:  instead of it, a mapping of regular expressions (Perl's) to a server or such a group: the first that matches the
 *                       user; what its first brackets match is the user's name there */
#ifndef AUTHN_LDAP_ORDER_H
#define AUTHN_LDAP_ORDER_H

#include "drivers/authn/options.h"

struct ldap_group { struct ldap_group *next; const char **names; int n; };

/* *user is replaced by his name on those servers. ONE_INTERNAL: the configuration is wrong. No group at all: nobody is to be asked. */
enum one_rc ldap_order(struct arena *arena, const struct option_node *conf, const char **user, struct ldap_group **out, struct one_err *err);

#endif
