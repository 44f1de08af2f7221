#include "drivers/authn/ldap_mapping.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/paths.h"
#include "common/rpc_client.h"
#include "common/xml.h"
#include "drivers/authn/claim.h"

#define CALL_TIMEOUT_MS 10000
#define POOL_MAX_BYTES (64u * 1024 * 1024)
#define MAPPING_TIMEOUT_S 300
#define GROUPS_MAX 1024

/* ---- making the file ---- */

static void add_quoted(struct strbuf *out, const char *text)
{
	strbuf_addc(out, '"');
	for (const char *c = text; *c; c++) {
		if (strchr("\"\\", *c))
			strbuf_addc(out, '\\');
		if ((unsigned char)*c < ' ')
			strbuf_addf(out, "\\x%02x", (unsigned)*c);
		else
			strbuf_addc(out, *c);
	}
	strbuf_addc(out, '"');
}

enum one_rc mapping_make(const char *pool_xml, size_t len, const char *key, struct strbuf *out, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	struct xnode *root;
	enum one_rc rc = xml_parse(&arena, pool_xml, len, XML_MAX_DEPTH, POOL_MAX_BYTES, &root, err);

	strbuf_adds(out, "---\n");
	for (const struct xnode *g = rc ? NULL : xml_child(root, "GROUP"); g; g = xml_next(g)) {
		const struct xnode *tmpl = xml_child(g, "TEMPLATE");

		for (const struct xnode *dn = tmpl ? xml_child(tmpl, key) : NULL; dn; dn = xml_next(dn)) {
			add_quoted(out, dn->text);
			strbuf_adds(out, ": ");
			add_quoted(out, xml_text_or(g, "ID", ""));
			strbuf_addc(out, '\n');
		}
	}
	arena_done(&arena);
	return rc;
}

static enum one_rc ask_groups(struct strbuf *xml, struct one_err *err)
{
	struct strbuf endpoint = STRBUF_INIT, session = STRBUF_INIT;
	const struct rpc_arg none[] = { RPC_END };
	struct rpc_client *client = NULL;
	enum one_rc rc = rpc_find_endpoint(NULL, &endpoint, err);

	if (!rc)
		rc = rpc_find_session(NULL, &session, err);
	if (!rc)
		rc = rpc_client_new(endpoint.buf, session.buf, CALL_TIMEOUT_MS, POOL_MAX_BYTES, &client, err);
	if (!rc)
		rc = rpc_call(client, "one.grouppool.info", none, xml, NULL, err);
	if (client)
		rpc_client_free(client);
	explicit_bzero(session.buf, session.len);
	strbuf_done(&session);
	strbuf_done(&endpoint);
	return rc;
}

/* Whole or not at all: others read it meanwhile. */
static enum one_rc write_file(struct arena *arena, const char *path, const struct strbuf *text, struct one_err *err)
{
	const char *fresh = arena_printf(arena, "%s.%d", path, (int)getpid());
	FILE *f = fopen(fresh, "we");
	bool ok = f && fwrite(text->buf, 1, text->len, f) == text->len;

	ok = f && !fclose(f) && ok;
	if (ok && !rename(fresh, path))
		return ONE_OK;
	one_err_set(err, ONE_INTERNAL, "%s: %s", path, strerror(errno));
	unlink(fresh);
	return err->rc;
}

static enum one_rc generate(struct arena *arena, const struct option_node *conf, const char *path, struct one_err *err)
{
	struct strbuf xml = STRBUF_INIT, text = STRBUF_INIT;
	enum one_rc rc = ask_groups(&xml, err);

	if (!rc)
		rc = mapping_make(xml.buf, xml.len, option_text(conf, ":mapping_key", "GROUP_DN"), &text, err);
	if (!rc)
		rc = write_file(arena, path, &text, err);
	strbuf_done(&xml);
	strbuf_done(&text);
	return rc;
}

static bool is_old(const char *path, long long timeout_s)
{
	struct stat st;

	return stat(path, &st) || time(NULL) - st.st_mtime > timeout_s;
}

enum one_rc mapping_load(struct arena *arena, const struct option_node *conf, struct option_node **out, struct one_err *err)
{
	const char *path = paths_join(arena, PATHS_VAR, option_text(conf, ":mapping_filename", "server1.yaml"));
	struct one_err why = ONE_ERR_INIT;

	if (option_flag(conf, ":mapping_generate", true) && is_old(path, option_int(conf, ":mapping_timeout", MAPPING_TIMEOUT_S)) &&
	    generate(arena, conf, path, &why))
		fprintf(stderr, "The groups for %s cannot be made: %s\n", path, why.text);
	return options_read(arena, path, out, err);
}

/* ---- using it ---- */

static bool add_group(const char *gid, bool admin, const char **known, int *n, struct strbuf *out)
{
	if (!*gid || gid[strspn(gid, "0123456789")] || *n == GROUPS_MAX)
		return false;
	for (int i = 0; i < *n; i++)
		if (!strcmp(known[i], gid))
			return true;
	known[(*n)++] = gid;
	strbuf_addf(out, " %s%s", admin ? "*" : "", gid);
	return true;
}

enum one_rc mapping_groups(const struct option_node *conf, const struct option_node *mapping, const struct texts *groups, struct strbuf *out,
			   struct one_err *err)
{
	const char *admins = option_text(conf, ":group_admin_group_dn", NULL), *known[GROUPS_MAX];
	bool admin = admins && texts_have(groups, admins);
	int n = 0;

	for (int i = 0; i < groups->n; i++)
		for (const struct option_pair *p = mapping->first; p; p = p->next)
			if (p->value->kind == OPTION_SCALAR && !strcasecmp(p->key, groups->list[i]))
				add_group(p->value->text, admin, known, &n, out);
	if (n || add_group(option_text(conf, ":mapping_default", ""), false, known, &n, out))
		return ONE_OK;
	return claim_refuse(err, "The user is in no group that is mapped to one of the cloud's");
}
