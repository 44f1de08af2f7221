#include "drivers/authn/ldap_directory.h"

#include <ctype.h>
#include <ldap.h>
#include <string.h>

#include "common/timeutil.h"
#include "drivers/authn/claim.h"

#define TIMEOUT_S 15
#define ENTRIES_MAX 10000

struct directory {
	struct arena *arena;
	const struct option_node *conf;
	int64_t deadline_ms;
	LDAP *ld;
	bool by_member_of; /* :rfc2307bis: */
};

/* ---- errors and time ---- */

static enum one_rc failed(const struct directory *d, const char *what, int rc, struct one_err *err)
{
	char *more = NULL;

	if (d->ld)
		ldap_get_option(d->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	one_err_set(err, ONE_INTERNAL, "%s: %s%s%s", what, ldap_err2string(rc), more && *more ? ": " : "", more ? more : "");
	ldap_memfree(more);
	return err->rc;
}

/* Each step may take what is left. */
static void set_deadline(struct directory *d, LDAP *ld)
{
	int64_t left = d->deadline_ms - time_mono_ms();
	struct timeval tv = { .tv_sec = left > 1 ? left / 1000 : 0, .tv_usec = left > 1 ? left % 1000 * 1000 : 1000 };

	ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &tv);
	ldap_set_option(ld, LDAP_OPT_TIMEOUT, &tv);
}

/* ---- connecting ---- */

/* :encryption: is :simple_tls or :start_tls, or a mapping with that as :method: and :tls_options:. */
static const char *encryption(const struct directory *d)
{
	const struct option_node *map = option_find(d->conf, ":encryption");

	return map && map->kind == OPTION_MAPPING ? option_text(map, ":method", "") : option_text(d->conf, ":encryption", "");
}

/* The server's certificate is checked, against the system's authorities or :ca_file:, unless :verify_mode: says none (0). */
static int set_tls(const struct directory *d, LDAP *ld)
{
	const struct option_node *tls = option_find(option_find(d->conf, ":encryption"), ":tls_options");
	const char *mode = option_text(tls, ":verify_mode", "peer"), *ca = option_text(tls, ":ca_file", NULL);
	bool verify = strcasecmp(mode, "none") && strcmp(mode, "0");
	int require = verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER, server = 0;
	int rc = ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &require);

	if (!rc && ca)
		rc = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, ca);
	return rc ? rc : ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &server);
}

static enum one_rc connect_to(struct directory *d, LDAP **out, struct one_err *err)
{
	const char *host = option_text(d->conf, ":host", "localhost"), *how = encryption(d);
	bool tls = !strcmp(how, "simple_tls"), start_tls = !strcmp(how, "start_tls"), v6 = strchr(host, ':') != NULL;
	const char *uri = arena_printf(d->arena, "%s://%s%s%s:%lld", tls ? "ldaps" : "ldap", v6 ? "[" : "", host, v6 ? "]" : "",
				       option_int(d->conf, ":port", 389));
	int rc, version = LDAP_VERSION3;
	LDAP *ld = NULL;

	if (*how && !tls && !start_tls)
		return one_err_set(err, ONE_INTERNAL, ":encryption: has to be :simple_tls or :start_tls, not %s", how);
	rc = ldap_initialize(&ld, uri);
	if (rc)
		return failed(d, uri, rc, err);
	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	set_deadline(d, ld);
	rc = tls || start_tls ? set_tls(d, ld) : LDAP_SUCCESS;
	if (!rc && start_tls)
		rc = ldap_start_tls_s(ld, NULL, NULL);
	if (rc) {
		failed(d, uri, rc, err);
		ldap_unbind_ext_s(ld, NULL, NULL);
		return err->rc;
	}
	*out = ld;
	return ONE_OK;
}

static int bind_as(struct directory *d, LDAP *ld, const char *dn, const char *password)
{
	struct berval secret = { .bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password };

	set_deadline(d, ld);
	return ldap_sasl_bind_s(ld, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
}

enum one_rc directory_open(struct arena *arena, const struct option_node *conf, struct directory **out, struct one_err *err)
{
	struct directory *d = arena_new(arena, struct directory);
	const char *user = option_text(conf, ":user", NULL), *method = option_text(conf, ":auth_method", "simple");
	int rc;

	*d = (struct directory){ .arena = arena, .conf = conf, .by_member_of = option_flag(conf, ":rfc2307bis", true),
				 .deadline_ms = time_mono_ms() + option_int(conf, ":timeout", TIMEOUT_S) * 1000 };
	if (strcmp(method, "simple") != 0)
		return one_err_set(err, ONE_INTERNAL, ":auth_method: has to be :simple, not %s", method);
	if (connect_to(d, &d->ld, err))
		return err->rc;
	*out = d;
	rc = user ? bind_as(d, d->ld, user, option_text(conf, ":password", "")) : LDAP_SUCCESS;
	return rc ? failed(d, "The login as :user: of the configuration", rc, err) : ONE_OK;
}

void directory_close(struct directory *d)
{
	if (d && d->ld)
		ldap_unbind_ext_s(d->ld, NULL, NULL);
}

/* ---- searching ---- */

const char *ldap_escape(struct arena *arena, const char *value)
{
	struct strbuf out = STRBUF_INIT;
	const char *escaped;

	for (const char *c = value; *c; c++) {
		if (strchr("*()\\", *c) || !isprint((unsigned char)*c))
			strbuf_addf(&out, "\\%02x", (unsigned)(unsigned char)*c);
		else
			strbuf_addc(&out, *c);
	}
	escaped = arena_strdup(arena, out.buf);
	strbuf_done(&out);
	return escaped;
}

/* The entries below base whose attribute has this value. */
static enum one_rc search(struct directory *d, const char *base, const char *attribute, const char *value, const char *const *wanted,
			  LDAPMessage **out, struct one_err *err)
{
	const char *filter = arena_printf(d->arena, "(%s=%s)", attribute, ldap_escape(d->arena, value));
	int rc;

	set_deadline(d, d->ld);
	rc = ldap_search_ext_s(d->ld, base, LDAP_SCOPE_SUBTREE, filter, (char **)(uintptr_t)wanted, 0, NULL, NULL, NULL, ENTRIES_MAX, out);
	if (rc == LDAP_NO_SUCH_OBJECT)
		rc = LDAP_SUCCESS; /* nothing there: no entries */
	if (!rc)
		return ONE_OK;
	ldap_msgfree(*out);
	*out = NULL;
	return failed(d, arena_printf(d->arena, "The search below %s", base), rc, err);
}

static struct texts values_of(const struct directory *d, LDAPMessage *entry, const char *attribute)
{
	struct berval **values = ldap_get_values_len(d->ld, entry, attribute);
	int n = ldap_count_values_len(values);
	struct texts t = { .list = arena_array(d->arena, n + 1, const char *) };

	for (int i = 0; i < n; i++)
		t.list[t.n++] = arena_strndup(d->arena, values[i]->bv_val, values[i]->bv_len);
	ldap_value_free_len(values);
	return t;
}

static const char *dn_of(const struct directory *d, LDAPMessage *entry)
{
	char *dn = ldap_get_dn(d->ld, entry);
	const char *copy = arena_strdup(d->arena, dn ? dn : "");

	ldap_memfree(dn);
	return copy;
}

bool texts_have(const struct texts *t, const char *text)
{
	for (int i = 0; i < t->n; i++)
		if (!strcasecmp(t->list[i], text))
			return true;
	return false;
}

static const char *base_of(const struct directory *d)
{
	return option_text(d->conf, ":base", "");
}

/* ---- users ---- */

static enum one_rc take_user(const struct directory *d, LDAPMessage *entry, const char *name, const char *field, struct ldap_user *out,
			     struct one_err *err)
{
	const char *member = option_text(d->conf, ":user_group_field", "dn");
	struct texts names = values_of(d, entry, field), members;

	*out = (struct ldap_user){ .dn = dn_of(d, entry) };
	if (!*out->dn)
		return claim_refuse(err, "The entry of user %s has no name", name);
	/* Servers compare loosely: "ann" finds " ann" too. */
	if (!texts_have(&names, name))
		return claim_refuse(err, "User \"%s\" is written another way there", name);
	members = strcasecmp(member, "dn") ? values_of(d, entry, member) : (struct texts){ .n = 0 };
	out->member_value = members.n ? members.list[0] : out->dn;
	if (d->by_member_of)
		out->groups = values_of(d, entry, "memberOf");
	return ONE_OK;
}

enum one_rc directory_find(struct directory *d, const char *name, struct ldap_user *out, struct one_err *err)
{
	const char *field = option_text(d->conf, ":user_field", "cn");
	const char *const wanted[] = { field, "memberOf", option_text(d->conf, ":user_group_field", "dn"), NULL };
	LDAPMessage *found = NULL, *entry;
	enum one_rc rc = *name ? search(d, base_of(d), field, name, wanted, &found, err) : claim_refuse(err, "The user has no name there");

	entry = rc ? NULL : ldap_first_entry(d->ld, found);
	if (entry)
		rc = take_user(d, entry, name, field, out, err);
	else if (!rc)
		rc = claim_refuse(err, "User %s is not found", name);
	ldap_msgfree(found);
	return rc;
}

enum one_rc directory_check_group(struct directory *d, const struct ldap_user *user, struct one_err *err)
{
	const char *group = option_text(d->conf, ":group", NULL), *field = option_text(d->conf, ":group_field", "member");
	const char *const nothing[] = { LDAP_NO_ATTRS, NULL };
	LDAPMessage *found = NULL;
	bool is = !group || (d->by_member_of && texts_have(&user->groups, group));
	enum one_rc rc = ONE_OK;

	if (!is && !d->by_member_of) {
		rc = search(d, group, field, user->member_value, nothing, &found, err);
		is = !rc && ldap_count_entries(d->ld, found) > 0;
		ldap_msgfree(found);
	}
	if (!rc && !is)
		rc = claim_refuse(err, "The user %s is not in the group %s", user->dn, group);
	return rc;
}

/* With an empty password many servers say yes to anybody, meaning "anonymous". */
enum one_rc directory_check_password(struct directory *d, const struct ldap_user *user, const char *password, struct one_err *err)
{
	LDAP *ld = NULL;
	int rc;

	if (!*password)
		return claim_refuse(err, "The password is empty");
	if (connect_to(d, &ld, err))
		return err->rc;
	rc = bind_as(d, ld, user->dn, password);
	ldap_unbind_ext_s(ld, NULL, NULL);
	if (rc == LDAP_SERVER_DOWN || rc == LDAP_TIMEOUT || rc == LDAP_CONNECT_ERROR || rc == LDAP_BUSY || rc == LDAP_UNAVAILABLE)
		return one_err_set(err, ONE_INTERNAL, "The login of %s: %s", user->dn, ldap_err2string(rc));
	return rc ? claim_refuse(err, "The login of %s is refused: %s", user->dn, ldap_err2string(rc)) : ONE_OK;
}

enum one_rc directory_groups(struct directory *d, struct ldap_user *user, struct one_err *err)
{
	const char *base = option_text(d->conf, ":group_base", base_of(d)), *field = option_text(d->conf, ":group_field", "member");
	const char *const nothing[] = { LDAP_NO_ATTRS, NULL };
	LDAPMessage *found = NULL;

	if (d->by_member_of)
		return ONE_OK;
	if (search(d, base, field, user->member_value, nothing, &found, err))
		return err->rc;
	user->groups.list = arena_array(d->arena, ldap_count_entries(d->ld, found) + 1, const char *);
	for (LDAPMessage *e = ldap_first_entry(d->ld, found); e; e = ldap_next_entry(d->ld, e))
		user->groups.list[user->groups.n++] = dn_of(d, e);
	ldap_msgfree(found);
	return ONE_OK;
}
