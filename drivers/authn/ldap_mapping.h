/* Which LDAP group is which group of the cloud: a YAML file "DN": "GID" in the VAR folder, made from the groups' templates (attribute
 * :mapping_key:) when it is missing or older than :mapping_timeout:, unless :mapping_generate: is false. */
#ifndef AUTHN_LDAP_MAPPING_H
#define AUTHN_LDAP_MAPPING_H

#include "common/strbuf.h"
#include "drivers/authn/ldap_directory.h"
#include "drivers/authn/options.h"

/* Makes the file if need be, and reads it. What can't be made is told on stderr; the old file goes on. */
enum one_rc mapping_load(struct arena *arena, const struct option_node *conf, struct option_node **out, struct one_err *err);
/* The file's text from the XML of one.grouppool.info. ONE_INTERNAL: it isn't one. */
enum one_rc mapping_make(const char *pool_xml, size_t len, const char *key, struct strbuf *out, struct one_err *err);
/* The reply's groups, " 103 *104": each once; if he is in :group_admin_group_dn:, all with the star. Without any: the :mapping_default:.
 * ONE_AUTHENTICATION: not that either. */
enum one_rc mapping_groups(const struct option_node *conf, const struct option_node *mapping, const struct texts *groups, struct strbuf *out,
			   struct one_err *err);

#endif
