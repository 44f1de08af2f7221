/* Where a client finds the API and who it is: the environment and the files of OpenNebula's tools
 * (rpc_client.h). */
#include "common/rpc_client.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/arena.h"
#include "common/paths.h"

#define DEFAULT_ENDPOINT "http://localhost:2633/RPC2"

enum { LINE_MOST = 4096 };

/* The first line of a file. *found is false (and ONE_OK) where there is no such file. */
static enum one_rc first_line(const char *path, bool *found, struct strbuf *out, struct one_err *err)
{
	char buf[LINE_MOST];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	int why = errno;

	*found = false;
	if (fd < 0 && (why == ENOENT || why == ENOTDIR))
		return ONE_OK;
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf));
		why = errno;
		close(fd);
	}
	if (n < 0)
		return one_err_set(err, ONE_INTERNAL, "Cannot read %s: %s", path, strerror(why));
	size_t len = 0;
	while (len < (size_t)n && buf[len] != '\n' && buf[len] != '\r' && buf[len] != '\0')
		len++;
	if (len == 0 || len == sizeof(buf))
		return one_err_set(err, ONE_INTERNAL, "%s: a first line of 1 to %d bytes is expected", path,
				   LINE_MOST - 1);
	strbuf_add(out, buf, len);
	explicit_bzero(buf, sizeof(buf));
	*found = true;
	return ONE_OK;
}

static const char *home(struct arena *arena)
{
	const char *set = getenv("HOME");
	struct passwd pw, *found = NULL;
	char *buf;

	if (set && *set)
		return set;
	buf = arena_alloc(arena, LINE_MOST);
	if (getpwuid_r(getuid(), &pw, buf, LINE_MOST, &found) == 0 && found)
		return found->pw_dir;
	return "/";
}

/* ~/.one/NAME, then the front-end's own. */
static enum one_rc from_files(const char *name, bool *found, struct strbuf *out, struct one_err *err)
{
	struct arena arena = ARENA_INIT;
	const char *dir = home(&arena);
	enum one_rc rc = first_line(arena_printf(&arena, "%s/.one/%s", dir, name), found, out, err);

	if (rc == ONE_OK && !*found)
		rc = first_line(paths_join(&arena, PATHS_VAR, arena_printf(&arena, ".one/%s", name)), found,
				out, err);
	arena_done(&arena);
	return rc;
}

enum one_rc rpc_find_endpoint(const char *given, struct strbuf *out, struct one_err *err)
{
	const char *set = given ? given : getenv("ONE_XMLRPC");
	enum one_rc rc;
	bool found;

	if (set && *set) {
		strbuf_adds(out, set);
		return ONE_OK;
	}
	rc = from_files("one_endpoint", &found, out, err);
	if (rc == ONE_OK && !found)
		strbuf_lit(out, DEFAULT_ENDPOINT);
	return rc;
}

enum one_rc rpc_find_session(const char *given_auth_file, struct strbuf *out, struct one_err *err)
{
	const char *set = getenv("ONE_AUTH");
	enum one_rc rc = ONE_OK;
	bool found = false;

	if (given_auth_file) {
		rc = first_line(given_auth_file, &found, out, err);
		if (rc == ONE_OK && !found)
			rc = one_err_set(err, ONE_INTERNAL, "Cannot read %s: %s", given_auth_file,
					 strerror(ENOENT));
		return rc;
	}
	if (set && *set)
		rc = first_line(set, &found, out, err);
	if (rc == ONE_OK && !found)
		rc = from_files("one_auth", &found, out, err);
	if (rc == ONE_OK && !found)
		rc = one_err_set(err, ONE_INTERNAL,
				 "No session: ONE_AUTH names no file and there is no ~/.one/one_auth");
	return rc;
}
