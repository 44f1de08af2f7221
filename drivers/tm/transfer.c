/* Transfer scripts: reading them, finding the programs of their steps (format: transfer.h). */
#include "drivers/tm/transfer.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/driver.h"
#include "common/strbuf.h"

#define SCRIPT_MAX (4u * 1024 * 1024)

static char *next_word(char **at)
{
	char *p = *at + strspn(*at, " \t\r");
	if (!*p)
		return NULL;
	char *end = p + strcspn(p, " \t\r");
	*at = *end ? end + 1 : end;
	*end = '\0';
	return p;
}

static void add_args(struct arena *arena, struct transfer_step *step, char *at)
{
	size_t most = strlen(at) / 2 + 2;
	const char **args = arena_array(arena, most, const char *);
	char *word;
	while ((word = next_word(&at)))
		args[step->n_args++] = word;
	step->args = args;
}

/* NULL: nothing to do on this line. */
static enum one_rc parse_line(struct arena *arena, char *line, int number, struct transfer_step **out,
			      struct one_err *err)
{
	char *at = line;
	char *verb = next_word(&at);
	*out = NULL;
	if (!verb || *verb == '#')
		return ONE_OK;
	char *mad = next_word(&at);
	for (char *c = verb; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!mad || !driver_is_name(mad) || !driver_is_name(verb))
		return one_err_set(err, ONE_ACTION, "Line %d of the transfer script is no transfer command",
				   number);
	struct transfer_step *step = arena_new(arena, struct transfer_step);
	step->verb = verb;
	step->mad = mad;
	add_args(arena, step, at);
	*out = step;
	return ONE_OK;
}

enum one_rc transfer_parse(struct arena *arena, char *text, struct transfer_step **first, struct one_err *err)
{
	struct transfer_step *head = NULL, **tail = &head;
	char *save = text, *line;
	for (int number = 1; (line = strsep(&save, "\n")); number++) {
		enum one_rc rc = parse_line(arena, line, number, tail, err);
		if (rc != ONE_OK)
			return rc;
		if (*tail)
			tail = &(*tail)->next;
	}
	*first = head;
	return ONE_OK;
}

static enum one_rc read_file(const char *path, struct strbuf *text, struct one_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	while (n > 0 && text->len <= SCRIPT_MAX) {
		strbuf_grow(text, 16384);
		n = read(fd, text->buf + text->len, 16384);
		if (n > 0)
			text->len += (size_t)n;
	}
	text->buf[text->len] = '\0';
	int saved = errno;
	if (fd >= 0)
		close(fd);
	if (fd < 0 && saved == ENOENT)
		return one_err_set(err, ONE_ACTION, "Transfer file '%s' does not exist", path);
	if (n < 0)
		return one_err_set(err, ONE_ACTION, "Cannot read transfer file '%s': %s", path,
				   strerror(saved));
	if (text->len > SCRIPT_MAX)
		return one_err_set(err, ONE_ACTION, "Transfer file '%s' is too long", path);
	return ONE_OK;
}

enum one_rc transfer_load(struct arena *arena, const char *path, struct transfer_step **first,
			  struct one_err *err)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_grow(&text, 0);
	enum one_rc rc = read_file(path, &text, err);
	if (rc == ONE_OK)
		rc = transfer_parse(arena, arena_strndup(arena, text.buf, text.len), first, err);
	strbuf_done(&text);
	return rc;
}

enum one_rc transfer_program(struct arena *arena, const char *base, const struct transfer_step *step,
			     const char **path, struct one_err *err)
{
	const char *full = arena_printf(arena, "%s/%s/%s", base, step->mad, step->verb);
	if (access(full, F_OK) == 0) {
		*path = full;
		return ONE_OK;
	}
	const char *dot = strrchr(step->verb, '.');
	if (!dot)
		return one_err_set(err, ONE_ACTION, "Driver path '%s' does not exists", full);
	const char *plain =
		arena_printf(arena, "%s/%s/%.*s", base, step->mad, (int)(dot - step->verb), step->verb);
	if (access(plain, F_OK) != 0)
		return one_err_set(err, ONE_ACTION, "Driver path '%s' nor '%s' exists", full, plain);
	*path = plain;
	return ONE_OK;
}

enum one_rc transfer_dummy(const struct transfer_step *step, struct one_err *err)
{
	static const char *const verbs[] = {
		"clone",      "context", "cpds",    "delete",	   "failmigrate", "ln",
		"mkimage",    "mkswap",	 "monitor", "mv",	   "mvds",	  "postmigrate",
		"premigrate", "resize",	 "restore", "snap_create", "snap_delete", "snap_revert",
	};
	size_t len = strcspn(step->verb, "."); /* the suffix means nothing here */
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strlen(verbs[i]) == len && strncmp(verbs[i], step->verb, len) == 0)
			return ONE_OK;
	return one_err_set(err, ONE_ACTION, "%s: Operation not supported", step->verb);
}
