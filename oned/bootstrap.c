#include "oned/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/log.h"
#include "oned/auth/acl.h"
#include "oned/auth/acl_rule.h"
#include "oned/auth/group.h"
#include "oned/auth/quota.h"
#include "oned/auth/user.h"
#include "oned/objects/cluster.h"
#include "oned/objects/datastore.h"
#include "oned/objects/market.h"
#include "oned/objects/secgroup.h"
#include "oned/objects/vdc.h"
#include "oned/objects/zone.h"

/* ---- files ---- */

static enum one_rc read_line(const char *path, char *out, size_t size, struct one_err *err)
{
	FILE *f = fopen(path, "re");
	bool got = f && fgets(out, (int)size, f);

	if (f)
		fclose(f);
	if (!got)
		return one_err_set(err, ONE_INTERNAL, "Error reading %s: %s", path, f ? "it is empty" : strerror(errno));
	out[strcspn(out, "\r\n")] = '\0';
	return ONE_OK;
}

/* A new file with a secret: nobody else may read it, and one that is there already is not written over. */
static enum one_rc write_secret(const char *path, const char *text, struct one_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t len = strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;

	if (fd >= 0 && close(fd))
		ok = false;
	if (!ok)
		return one_err_set(err, ONE_INTERNAL, "Cannot write %s: %s", path, strerror(errno));
	return ONE_OK;
}

static enum one_rc secrets_dir(const struct paths *paths, char *out, size_t size, struct one_err *err)
{
	snprintf(out, size, "%s/.one", paths->var);
	if (mkdir(out, 0700) && errno != EEXIST)
		return one_err_set(err, ONE_INTERNAL, "Cannot make the folder %s: %s", out, strerror(errno));
	return ONE_OK;
}

enum one_rc bootstrap_one_key(struct arena *a, const struct paths *paths, const char **key, struct one_err *err)
{
	char dir[3000], path[4096], text[256];

	if (secrets_dir(paths, dir, sizeof(dir), err))
		return ONE_INTERNAL;
	snprintf(path, sizeof(path), "%s/one_key", dir);
	if (access(path, F_OK)) {
		random_hex(text, 32);
		if (write_secret(path, text, err))
			return ONE_INTERNAL;
	}
	if (read_line(path, text, sizeof(text), err))
		return ONE_INTERNAL;
	if (strlen(text) < 32)
		return one_err_set(err, ONE_INTERNAL, "The key in %s has to be 64 hexadecimal digits", path);
	*key = arena_strdup(a, text);
	return ONE_OK;
}

/* ---- who user 0 is ---- */

struct first { char name[256]; const char *password; int port; char server_secret[65]; const struct paths *paths; };

static enum one_rc read_one_auth(struct first *f, struct one_err *err)
{
	const char *path = getenv("ONE_AUTH");
	const struct passwd *pw = getpwuid(getuid());
	char home[4096], *colon;

	if (!path) {
		if (!pw)
			return one_err_set(err, ONE_INTERNAL, "Error reading one_auth: the user %d has no home", (int)getuid());
		snprintf(home, sizeof(home), "%s/.one/one_auth", pw->pw_dir);
		path = home;
	}
	if (read_line(path, f->name, sizeof(f->name), err))
		return ONE_INTERNAL;
	colon = strchr(f->name, ':');
	if (!colon || colon == f->name || !colon[1])
		return one_err_set(err, ONE_INTERNAL, "Error reading %s. Wrong format must be <username>:<password>", path);
	*colon = '\0';
	f->password = colon + 1;
	if (!strcmp(f->name, "serveradmin"))
		return one_err_set(err, ONE_INTERNAL, "The name 'serveradmin' is reserved");
	return ONE_OK;
}

/* ---- the objects ---- */

static void groups(struct txn *t)
{
	struct group *g = group_create(t, "oneadmin");
	struct attr *sunstone;

	if (!g)
		return;
	g = group_create(t, "users");
	if (!g)
		return;
	sunstone = tmpl_add_vector(g->o.tmpl, "SUNSTONE");
	attr_set(&g->o.arena, sunstone, "DEFAULT_VIEW", "cloud");
	attr_set(&g->o.arena, sunstone, "GROUP_ADMIN_DEFAULT_VIEW", "groupadmin");
	attr_set(&g->o.arena, sunstone, "GROUP_ADMIN_VIEWS", "groupadmin,cloud");
	attr_set(&g->o.arena, sunstone, "VIEWS", "cloud");
	txn_reserve_ids(t, OBJ_GROUP, 99);
}

static void users(struct txn *t, struct first *f)
{
	static const int oneadmin_group[] = { GROUP_ONEADMIN };
	struct one_err err = ONE_ERR_INIT;

	if (user_check_password(f->password, &err)) {
		txn_fail(t, ONE_INTERNAL, "one_auth: %s", err.text);
		return;
	}
	random_hex(f->server_secret, 32);
	user_create(t, f->name, user_stored_password(t->arena, "core", f->password), "core", oneadmin_group, 1);
	user_create(t, "serveradmin", user_stored_password(t->arena, "core", f->server_secret), "server_cipher", oneadmin_group, 1);
}

static void default_quotas(struct txn *t)
{
	for (int i = 0; i < 2; i++) {
		struct quota *q = txn_new(t, OBJ_DEFAULT_QUOTA);

		if (q)
			q->o.id = i;
	}
}

#define TYPES2(a, b) (ACL_TYPE(a) | ACL_TYPE(b))

static void rules(struct txn *t)
{
	uint64_t users_create = TYPES2(OBJ_VM, OBJ_IMAGE) | TYPES2(OBJ_TEMPLATE, OBJ_DOCUMENT) | TYPES2(OBJ_SECGROUP, OBJ_VMGROUP) |
				ACL_TYPE(OBJ_BACKUPJOB);

	acl_rule_add(t, ACL_GROUP | GROUP_USERS, users_create | ACL_ALL, AUTH_CREATE, ACL_ALL);
	acl_rule_add(t, ACL_ALL, ACL_TYPE(OBJ_ZONE) | ACL_ALL, AUTH_USE, ACL_ALL);
	acl_rule_add(t, ACL_ALL, TYPES2(OBJ_MARKET, OBJ_MARKETAPP) | ACL_ALL, AUTH_USE, ACL_ALL);
}

static enum one_rc write_server_files(const struct first *f, struct one_err *err)
{
	static const char *const names[] = { "sunstone_auth", "onegate_auth", "oneflow_auth" };
	char dir[3000], path[4096], text[128];
	enum one_rc rc = secrets_dir(f->paths, dir, sizeof(dir), err);

	snprintf(text, sizeof(text), "serveradmin:%s\n", f->server_secret);
	for (size_t i = 0; !rc && i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		rc = write_secret(path, text, err);
	}
	return rc;
}

static void make_all(struct txn *t, void *arg)
{
	struct first *f = arg;

	groups(t);
	users(t, f);
	default_quotas(t);
	cluster_bootstrap(t);
	datastore_bootstrap(t);
	zone_bootstrap(t, arena_printf(t->arena, "http://localhost:%d/RPC2", f->port));
	secgroup_bootstrap(t);
	rules(t);
	vdc_bootstrap(t);
	market_bootstrap(t);
	/* Before the commit: a start that fails here has made nothing. */
	if (txn_ok(t)) {
		struct one_err err = ONE_ERR_INIT;

		if (write_server_files(f, &err))
			txn_fail(t, err.rc, "%s", err.text);
	}
}

enum one_rc bootstrap(struct core *core, const struct paths *paths, int port, struct one_err *err)
{
	struct first f = { .port = port, .paths = paths };

	if (pool_count(core, OBJ_USER) > 0)
		return ONE_OK;
	if (read_one_auth(&f, err))
		return ONE_INTERNAL;
	log_info("ONE", "First start: making the users, groups and other objects every OpenNebula begins with");
	return core_run(core, make_all, &f, err);
}
