/* The driver line protocol: taking lines apart and putting them together (see driver.h for the format).
 *
 * What arrives was written by programs of many hands: fields may be parted by several blanks, an id may
 * be "-", and anything else on the line (a shell's complaint, a debug print) must not pass for a message. */
#include "common/driver.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the next word out of *at; "" at the end of the line. */
static char *next_word(char **at)
{
	char *p = *at;
	while (is_blank(*p))
		p++;
	char *word = p;
	while (*p && !is_blank(*p))
		p++;
	if (*p)
		*p++ = '\0';
	*at = p;
	return word;
}

/* The rest of the line without blanks at its ends; "-" stands for nothing. */
static const char *rest_of(char *at)
{
	while (is_blank(*at))
		at++;
	size_t len = strlen(at);
	while (len && is_blank(at[len - 1]))
		at[--len] = '\0';
	return strcmp(at, "-") == 0 ? "" : at;
}

static bool is_action(const char *s)
{
	if (!isupper((unsigned char)*s))
		return false;
	for (; *s; s++)
		if (!isupper((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '_')
			return false;
	return true;
}

static bool is_status(const char *s)
{
	static const char *const known[] = { "SUCCESS", "FAILURE", "-", "I", "E", "D", "W" };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(s, known[i]) == 0)
			return true;
	return false;
}

/* A whole number or "-" (none: -1). */
static bool parse_id(const char *s, long long *id)
{
	if (strcmp(s, "-") == 0) {
		*id = -1;
		return true;
	}
	char *end;
	errno = 0;
	long long n = strtoll(s, &end, 10);
	if (end == s || *end || errno || n < -1 || !(isdigit((unsigned char)*s) || *s == '-'))
		return false;
	*id = n;
	return true;
}

bool driver_parse_reply(char *line, struct driver_msg *m)
{
	char *at = line;
	const char *action = next_word(&at);
	const char *status = next_word(&at);
	if (!is_action(action) || !is_status(status))
		return false;
	long long id = -1;
	char *after = at;
	const char *word = next_word(&after);
	if (*word && !parse_id(word, &id))
		return false;
	*m = (struct driver_msg){ action, status, id, rest_of(after) };
	return true;
}

bool driver_parse_request(char *line, struct driver_msg *m)
{
	char *at = line;
	const char *action = next_word(&at);
	if (!is_action(action))
		return false;
	long long id = -1;
	const char *status = "";
	const char *word = next_word(&at);
	if (*word && is_status(word)) {
		status = word;
		word = next_word(&at);
	}
	if (*word && !parse_id(word, &id))
		return false;
	*m = (struct driver_msg){ action, status, id, rest_of(at) };
	return true;
}

static void add_line_text(struct strbuf *out, const char *text)
{
	size_t from = out->len;

	strbuf_adds(out, text);
	for (char *at = out->buf + from; *(at += strcspn(at, "\r\n"));)
		*at = ' ';
}

static void format_request(struct strbuf *out, const char *action, const char *status, long long id,
			   const char *payload)
{
	strbuf_adds(out, action);
	strbuf_addc(out, ' ');
	strbuf_adds(out, status);
	strbuf_addc(out, ' ');
	strbuf_addi(out, id);
	if (payload && *payload) {
		strbuf_addc(out, ' ');
		add_line_text(out, payload);
	}
	strbuf_addc(out, '\n');
}

void driver_format_request(struct strbuf *out, const char *action, long long id, const char *payload)
{
	format_request(out, action, "", id, payload);
}

void driver_format_monitor(struct strbuf *out, const char *action, long long id, const char *payload)
{
	format_request(out, action, "-", id, payload);
}

void driver_format_reply(struct strbuf *out, const char *action, const char *status, long long id,
			 const char *info)
{
	strbuf_adds(out, action);
	strbuf_addc(out, ' ');
	strbuf_adds(out, status);
	strbuf_addc(out, ' ');
	strbuf_addi(out, id);
	strbuf_addc(out, ' ');
	add_line_text(out, info && *info ? info : "-");
	strbuf_addc(out, '\n');
}

bool driver_is_name(const char *s)
{
	if (*s == '.' || !*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_-.", *s))
			return false;
	return true;
}

bool driver_list_has(const char *list, const char *name)
{
	size_t len = strlen(name);
	while (*list) {
		list += strspn(list, ", ");
		size_t n = strcspn(list, ", ");
		if (n == len && n && strncmp(list, name, n) == 0)
			return true;
		list += n;
	}
	return false;
}

void driver_pack(const char *text, size_t len, struct strbuf *out)
{
	struct strbuf packed = STRBUF_INIT;
	zlib_pack(text, len, &packed);
	base64_encode(packed.buf, packed.len, out);
	strbuf_done(&packed);
}

bool driver_unpack(const char *payload, size_t limit, struct strbuf *out)
{
	struct strbuf packed = STRBUF_INIT;
	bool ok = base64_decode(payload, strlen(payload), &packed) &&
		  zlib_unpack(packed.buf, packed.len, limit, out);
	strbuf_done(&packed);
	return ok;
}
