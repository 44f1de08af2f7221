/* Runs the scripts of the storage and network drivers for a VM, and keeps the VM's files on its host.
 *
 * Storage scripts run on this machine (they reach the hosts themselves). Network scripts run on the VM's host: directly
 * when that is this machine, else over ssh from the folder where the front-end keeps them. */
#include "drivers/vmm_libvirt/vmm.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/crypto.h"

enum { NETWORK_TIMEOUT_MS = 120 * 1000, STORAGE_TIMEOUT_MS = 7200 * 1000, FILES_TIMEOUT_MS = 60 * 1000, ARGS_MAX = 256 };

bool path_ok(const char *path)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@:=,";

	return path[0] == '/' && path[strspn(path, letters)] == '\0' && strstr(path, "/../") == NULL;
}

/* A driver's or verb's name becomes part of a path. */
static bool name_ok(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return *name != '\0' && *name != '.' && name[strspn(name, letters)] == '\0';
}

/* ---- storage ---- */

/* remotes/tm/<mad>/<verb>; "clone.ssh" falls back to "clone". */
static const char *tm_script(struct action *a, const char *mad, const char *verb)
{
	struct arena *arena = &a->call->arena;
	char *lower = arena_strdup(arena, verb);

	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	const char *path = arena_printf(arena, "%s/tm/%s/%s", a->vmm->remotes, mad, lower);
	char *dot = strrchr(lower, '.');
	if (access(path, F_OK) == 0 || dot == NULL)
		return path;
	*dot = '\0';
	return arena_printf(arena, "%s/tm/%s/%s", a->vmm->remotes, mad, lower);
}

/* The next word, ended in place; what stands in single quotes is part of it, blanks too. NULL: there is none. */
static char *next_word(char **at)
{
	char *from = *at + strspn(*at, " \t\r\n"), *word = from, *to = from;
	bool quoted = false;

	if (*from == '\0')
		return NULL;
	for (; *from != '\0' && (quoted || strchr(" \t\r\n", *from) == NULL); from++) {
		if (*from == '\'')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*at = *from != '\0' ? from + 1 : from;
	*to = '\0';
	return word;
}

enum one_rc scripts_tm(struct action *a, const char *command, const char *in, struct one_err *err)
{
	const char *argv[ARGS_MAX + 1];
	char *copy = arena_strdup(&a->call->arena, command);
	int n = 0;

	for (char *word = next_word(&copy); word != NULL; word = next_word(&copy)) {
		if (n == ARGS_MAX)
			return one_err_set(err, ONE_ACTION, "The transfer command has too many arguments");
		argv[n++] = word;
	}
	if (n == 0)
		return ONE_OK;
	argv[n] = NULL;
	if (n < 2 || !name_ok(argv[0]) || !name_ok(argv[1]))
		return one_err_set(err, ONE_ACTION, "Not a transfer command: %.100s", command);
	if (strcmp(argv[1], "dummy") == 0) /* has no storage, as in one_tm */
		return ONE_OK;
	argv[1] = tm_script(a, argv[1], argv[0]);
	return driver_run_script(a->call, argv + 1, in, in != NULL ? strlen(in) : 0, STORAGE_TIMEOUT_MS, NULL, err);
}

/* ---- this machine or another ---- */

/* Runs a command on a host; over ssh its words go through the remote shell, so they must be plain. */
static enum one_rc on_host(struct action *a, const char *host, const char *const *argv, const char *in, size_t in_len,
			   int timeout_ms, struct one_err *err)
{
	const char *ssh[ARGS_MAX + 16] = { "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15",
					   "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3", host };
	int n = 10;

	if (host_is_local(host))
		return driver_run_script(a->call, argv, in, in_len, timeout_ms, NULL, err);
	if (!host_name_ok(host))
		return one_err_set(err, ONE_ACTION, "'%s' is not the name of a host", host);
	for (int i = 0; argv[i] != NULL && n < ARGS_MAX + 15; i++)
		ssh[n++] = argv[i];
	return driver_run_script(a->call, ssh, in, in_len, timeout_ms, NULL, err);
}

/* ---- networks ---- */

static const char *network_stdin(struct action *a)
{
	if (a->network_xml == NULL) {
		struct strbuf xml = STRBUF_INIT, text = STRBUF_INIT;
		message_network_xml(&a->msg, &xml);
		base64_encode(xml.buf, xml.len, &text);
		a->network_xml = arena_strndup(&a->call->arena, text.buf, text.len);
		strbuf_done(&xml);
		strbuf_done(&text);
	}
	return a->network_xml;
}

/* Words that the remote shell leaves as they are. */
static bool words_ok(const char *const *args)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._:-";

	for (; args != NULL && *args != NULL; args++) {
		if ((*args)[strspn(*args, letters)] != '\0' || **args == '\0')
			return false;
	}
	return true;
}

static enum one_rc network_script(struct action *a, const char *host, const char *mad, const char *verb,
				  const char *const *args, struct one_err *err)
{
	const char *base = host_is_local(host) ? a->vmm->remotes : a->vmm->scripts_dir;
	const char *argv[8] = { arena_printf(&a->call->arena, "%s/vnm/%s/%s", base, mad, verb) };
	const char *in = network_stdin(a);
	int n = 1;

	if (!name_ok(mad) || !words_ok(args))
		return one_err_set(err, ONE_ACTION, "Network driver '%.50s' cannot be called so", mad);
	for (; args != NULL && *args != NULL && n < 7; args++)
		argv[n++] = *args;
	enum one_rc rc = on_host(a, host, argv, in, strlen(in), NETWORK_TIMEOUT_MS, err);
	if (rc != ONE_OK)
		one_err_prefix(err, "Network driver %s, %s: ", mad, verb);
	return rc;
}

enum one_rc scripts_network(struct action *a, const char *host, const char *verb, const char *const *args, struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	for (const char *const *mad = message_network_mads(&a->msg); *mad != NULL && rc == ONE_OK; mad++)
		rc = network_script(a, host, *mad, verb, args, err);
	return rc;
}

/* ---- files ---- */

static enum one_rc write_file(const char *path, const char *text, size_t len, struct one_err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0;

	while (ok && len > 0) {
		ssize_t n = write(fd, text, len);
		ok = n > 0 || (n < 0 && errno == EINTR);
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	return ok ? ONE_OK : one_err_set(err, ONE_ACTION, "Cannot write %s: %s", path, strerror(errno));
}

struct vm_file { const char *name; const char *text; size_t len; };

static enum one_rc put_here(struct action *a, const char *folder, const struct vm_file files[3], struct one_err *err)
{
	enum one_rc rc = ONE_OK;

	if (mkdir(folder, 0755) == 0)
		chmod(folder, 0755); /* the hypervisor's user passes through, whatever our umask is */
	else if (errno != EEXIST)
		return one_err_set(err, ONE_ACTION, "Cannot make %s: %s", folder, strerror(errno));
	for (int i = 0; i < 3 && rc == ONE_OK; i++)
		rc = write_file(arena_printf(&a->call->arena, "%s/%s", folder, files[i].name), files[i].text, files[i].len, err);
	return rc;
}

/* All in one connection: each costs a second over a WAN. The files come one after the other on stdin. */
static enum one_rc put_there(struct action *a, const char *folder, const struct vm_file files[3], struct one_err *err)
{
	struct strbuf script = STRBUF_INIT, in = STRBUF_INIT;

	strbuf_addf(&script, "mkdir -p %s && cd %s && umask 077", folder, folder);
	for (int i = 0; i < 3; i++) {
		strbuf_addf(&script, " && head -c %zu > %s", files[i].len, files[i].name);
		strbuf_add(&in, files[i].text, files[i].len);
	}
	const char *argv[] = { script.buf, NULL };
	enum one_rc rc = on_host(a, a->msg.host, argv, in.buf, in.len, FILES_TIMEOUT_MS, err);
	strbuf_done(&script);
	strbuf_done(&in);
	return rc;
}

enum one_rc scripts_put_files(struct action *a, const char *deployment, size_t len, struct one_err *err)
{
	struct strbuf vm = STRBUF_INIT, ds = STRBUF_INIT;
	const char *slash = strrchr(a->msg.remote_dfile, '/');

	if (!path_ok(a->msg.remote_dfile) || slash == a->msg.remote_dfile || slash[1] == '\0')
		return one_err_set(err, ONE_ACTION, "Bad path of the deployment file: %.100s", a->msg.remote_dfile);
	const char *folder = arena_strndup(&a->call->arena, a->msg.remote_dfile, (size_t)(slash - a->msg.remote_dfile));
	message_print(a->msg.vm, &vm);
	if (a->msg.datastore != NULL)
		message_print(a->msg.datastore, &ds);
	const struct vm_file files[3] = {
		{ "vm.xml", vm.buf, vm.len }, { "ds.xml", ds.buf, ds.len }, { slash + 1, deployment, len },
	};
	enum one_rc rc = host_is_local(a->msg.host) ? put_here(a, folder, files, err) : put_there(a, folder, files, err);
	strbuf_done(&vm);
	strbuf_done(&ds);
	return rc;
}

void scripts_remove(struct action *a, const char *host, const char *path)
{
	const char *argv[] = { "rm", "-f", "--", path, NULL };
	struct one_err err = ONE_ERR_INIT;

	if (path_ok(path) && on_host(a, host, argv, NULL, 0, FILES_TIMEOUT_MS, &err) != ONE_OK)
		driver_log(a->call->driver, 'W', a->call->id, err.text);
}
